package parallel

import (
	"context"
	"embed"
	"errors"
	"log/slog"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Permissions of this module.
const (
	PermissionRead    = "parallel.read"
	PermissionManage  = "parallel.source.manage"
	PermissionExplain = "parallel.explain"
)

// Journal writes the rows of a transaction.
type Journal interface {
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
}

// People knows what accounts are called.
type People interface {
	Names(ctx context.Context, ids []string) (map[string]string, error)
}

// Places knows areas and systems.
type Places interface {
	// Place refuses an area or system that does not exist, with a problem for the field below location.
	Place(ctx context.Context, location, areaPath, systemID string) error
}

// Assets is the register of assets.
type Assets interface {
	// Called returns the active assets whose address, host name or name is one of some words.
	Called(ctx context.Context, words []string) ([]Asset, error)
	// Asset returns one active asset; false when there is none.
	Asset(ctx context.Context, id string) (Asset, bool, error)
	// Roots returns the hosts that assets lie on; those that lie on nothing are their own.
	Roots(ctx context.Context, ids []string) (map[string]string, error)
}

// Findings is our own inspection.
type Findings interface {
	// OpenedBetween returns findings opened from a time on and before another, at most so many.
	OpenedBetween(ctx context.Context, scope store.Scope, span Span, most int) ([]Seen, error)
	// Opened returns one finding; false when it is not there for the scope.
	Opened(ctx context.Context, scope store.Scope, id string) (Seen, bool, error)
	// Checked tells which hosts have checks, on themselves or on what lies on them.
	Checked(ctx context.Context, hostIDs []string) (map[string]bool, error)
}

// Deps are what the module stands on.
type Deps struct {
	DB       *store.DB
	Journal  Journal
	People   People
	Places   Places
	Assets   Assets
	Findings Findings
	Clock    clock.Clock
	Log      *slog.Logger
	// AssetChanges are the types of journal rows whose subject is an asset that is new or changed.
	AssetChanges []string
}

// Module is the parallel run.
type Module struct {
	Deps
	db      *store.DB
	journal Journal
	gate    *gate
}

// New makes the module.
func New(d Deps) (*Module, error) {
	var errs []error
	for name, missing := range map[string]bool{
		"database": d.DB == nil, "journal": d.Journal == nil, "people": d.People == nil, "places": d.Places == nil,
		"assets": d.Assets == nil, "findings": d.Findings == nil,
	} {
		if missing {
			errs = append(errs, errors.New("parallel: no "+name))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if d.Clock == nil {
		d.Clock = clock.System{}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Module{Deps: d, db: d.DB, journal: d.Journal, gate: newGate()}, nil
}

// Migrations are the tables of this module.
func Migrations() store.Migrations {
	return store.Migrations{Module: "parallel", FS: store.Sub(migrations)}
}

// Types are the rows that this module writes.
func Types() []journal.Type { return types() }

// Machines are the states of this module's things.
func Machines() []state.Machine { return []state.Machine{sourceMachine()} }

// Permissions are what this module lets people do.
func Permissions() []access.Permission {
	hands := []access.Role{access.SystemAdmin, access.Engineer, access.ProjectManager}
	return []access.Permission{
		{Name: PermissionRead, TitleZH: "查看并行比对", TitleEN: "See the parallel run", Roles: access.AllRoles()},
		{Name: PermissionManage, TitleZH: "维护并行来源", TitleEN: "Maintain sources of the parallel run", Roles: hands},
		{
			Name: PermissionExplain, TitleZH: "说明差异", TitleEN: "Explain differences",
			Roles: append([]access.Role{access.Coordinator}, hands...),
		},
	}
}

// Subscriptions are what this module follows: an asset that is registered or renamed may be the host of
// problems that had none.
func (m *Module) Subscriptions() []journal.Subscription {
	return []journal.Subscription{{Name: "parallel.assets", Types: m.AssetChanges, Handle: m.followAsset}}
}
