package fleet

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Permissions of this module.
const (
	PermissionRead   = "fleet.read"
	PermissionManage = "fleet.manage"
)

// refreshEvery is how often the facts of this machine are read again.
const refreshEvery = time.Hour

// Module is the register of assets.
type Module struct {
	db                 *store.DB
	journal            Journal
	places             Places
	worstOf            WorstStates
	machine            Machine
	timeline           Timeline
	people             People
	seen               func(ctx context.Context) []Sighting
	areaPath, systemID string
	log                *slog.Logger
}

// New makes the module.
func New(d Deps) (*Module, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	m := &Module{
		db: d.DB, journal: d.Journal, places: d.Places, worstOf: d.Worst, machine: d.Machine,
		timeline: d.Timeline, people: d.People, seen: d.Seen, areaPath: d.AreaPath, systemID: d.SystemID, log: d.Log,
	}
	if m.areaPath == "" {
		m.areaPath = defaultArea
	}
	if m.systemID == "" {
		m.systemID = defaultSystem
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	return m, nil
}

// Migrations are the tables of this module.
func Migrations() store.Migrations {
	return store.Migrations{Module: "fleet", FS: store.Sub(migrations)}
}

// Types are the rows that this module writes.
func Types() []journal.Type { return types() }

// Machines are the states of this module's things.
func Machines() []state.Machine { return []state.Machine{assetMachine(), proposalMachine()} }

// Permissions are what this module lets people do.
func Permissions() []access.Permission {
	return []access.Permission{
		{Name: PermissionRead, TitleZH: "查看资产", TitleEN: "See assets", Roles: access.AllRoles()},
		{
			Name: PermissionManage, TitleZH: "维护资产台账", TitleEN: "Maintain the register of assets",
			Roles: []access.Role{access.SystemAdmin, access.Engineer, access.ProjectManager},
		},
	}
}

// Services are the loops of this module.
func (m *Module) Services() []lifecycle.Service {
	return []lifecycle.Service{lifecycle.NewLoop("fleet.local", func(ctx context.Context) {
		lifecycle.Every(ctx, refreshEvery, func(ctx context.Context) {
			host, err := m.EnsureLocalHost(ctx)
			if err == nil && m.seen != nil {
				err = m.Propose(ctx, host.ID, m.seen(ctx))
			}
			if err != nil && ctx.Err() == nil {
				m.log.WarnContext(ctx, "facts of this machine not refreshed", "error", err)
			}
		})
	})}
}
