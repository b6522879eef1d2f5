package inspect

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Permissions of this module.
const (
	PermissionRead   = "inspect.read"
	PermissionRun    = "inspect.run"
	PermissionManage = "inspect.manage"
	PermissionHandle = "inspect.finding.handle"
	PermissionDaily  = "inspect.daily.sign"
)

// Journal writes the rows of a transaction.
type Journal interface {
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
}

// Timeline reads the journal's rows about one thing, the oldest first, with the private texts that may
// be shown. It may return fewer than there are when there are more than most.
type Timeline interface {
	SubjectRows(ctx context.Context, s journal.Subject, most int) ([]journal.Row, error)
}

// Sealer keeps secret settings (see secret.Ring).
type Sealer interface {
	Seal(purpose, rowID string, plain []byte) ([]byte, error)
	Open(purpose, rowID string, sealed []byte) ([]byte, error)
}

// Runner runs one check within its time and always returns: whatever the check does wrong is a result
// with state Unknown.
type Runner interface {
	Run(ctx context.Context, b probe.Builtin, t probe.Target) probe.Result
}

// Asset is what this module needs to know of what it inspects.
type Asset struct {
	ID, Name           string
	Kind               string // host, component, network
	HostID             string // the machine it is inspected from: the one it lies on, or the server's when it is reached over the network
	AreaPath, SystemID string
	Active             bool
	Local              bool              // a server runs on that machine, so that it can be inspected
	Reach              string            // how it is reached: local, direct, ssh, none
	Address            string            // under which it is reached, may be empty
	Labels             map[string]string // what people noted of it; read only
}

// Assets knows what is kept running.
type Assets interface {
	// Local returns the machine of this server, registered.
	Local(ctx context.Context) (Asset, error)
	// Asset returns one asset, or a problem with code not_found.
	Asset(ctx context.Context, id string) (Asset, error)
}

// People knows accounts.
type People interface {
	// Names returns what accounts are called; unknown ids are left out.
	Names(ctx context.Context, ids []string) (map[string]string, error)
	// Allowed reports whether a person works here and has a permission for an area and system.
	Allowed(ctx context.Context, accountID, permission, areaPath, systemID string) (bool, error)
}

// Places knows areas and systems.
type Places interface {
	// Place refuses an area or system that does not exist, with a problem for the field below location.
	Place(ctx context.Context, location, areaPath, systemID string) error
}

// Calendar knows the days and the periods.
type Calendar interface {
	// Calendar returns the calendar that holds now.
	Calendar(ctx context.Context) (*calendar.Calendar, error)
}

// shippedCalendar is what is known without a database.
type shippedCalendar struct{}

// Calendar implements Calendar.
func (shippedCalendar) Calendar(context.Context) (*calendar.Calendar, error) {
	return calendar.Shipped(), nil
}

// Deps are what the module stands on.
type Deps struct {
	DB       *store.DB
	Journal  Journal
	Timeline Timeline
	Ring     Sealer
	Runner   Runner
	Kinds    []probe.Builtin
	Assets   Assets
	People   People
	Places   Places
	// Approvals has somebody decide what is not applicable; nil when nothing can be proposed.
	Approvals Approvals
	Calendar  Calendar // nil for what the program brings along
	Clock     clock.Clock
	Log       *slog.Logger
	// Daily says when the health check of the day is due; without an area there is none.
	Daily DailyRule
	// AssetChanges are the types of journal rows whose subject is an asset that changed.
	AssetChanges []string
	// Node names the data directory, which one process at a time works in: after a crash its next process
	// closes the rounds of the one before at once, without waiting for their lease. May be empty.
	Node string
	// Lease is how long a round waits for its server; 0 means 30 s.
	Lease time.Duration
}

// Validate refuses what the module cannot work with.
func (d *Deps) Validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"database": d.DB == nil, "journal": d.Journal == nil, "timeline": d.Timeline == nil, "key ring": d.Ring == nil,
		"runner": d.Runner == nil, "assets": d.Assets == nil, "people": d.People == nil, "places": d.Places == nil,
		"kinds of checks": len(d.Kinds) == 0,
	} {
		if missing {
			errs = append(errs, errors.New("inspect: no "+name))
		}
	}
	return errors.Join(errs...)
}

// Module is the inspection.
type Module struct {
	db        *store.DB
	write     func(ctx context.Context, f func(ctx context.Context, tx *store.Tx) error) error
	journal   Journal
	timeline  Timeline
	ring      Sealer
	runner    Runner
	kinds     map[string]probe.Builtin
	ordered   []probe.Builtin
	assets    Assets
	people    People
	places    Places
	approvals Approvals
	calendar  Calendar
	clock     clock.Clock
	log       *slog.Logger
	changes   []string
	daily     DailyRule
	engine    *engine
	series    *catalogue
	bodies    bodies
}

// New makes the module.
func New(d Deps) (*Module, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	m := &Module{
		db: d.DB, write: d.DB.Write, journal: d.Journal, timeline: d.Timeline, ring: d.Ring, runner: d.Runner,
		kinds: make(map[string]probe.Builtin, len(d.Kinds)), ordered: d.Kinds, assets: d.Assets, people: d.People,
		places: d.Places, approvals: d.Approvals, clock: d.Clock, log: d.Log, changes: d.AssetChanges, daily: d.Daily, series: newCatalogue(),
	}
	if m.clock == nil {
		m.clock = clock.System{}
	}
	if m.calendar = d.Calendar; m.calendar == nil {
		m.calendar = shippedCalendar{}
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	for _, k := range d.Kinds {
		if _, twice := m.kinds[k.Kind]; twice || k.Run == nil {
			return nil, errors.New("inspect: kind " + k.Kind + " is declared twice or cannot run")
		}
		m.kinds[k.Kind] = k
	}
	lease := d.Lease
	if lease == 0 {
		lease = 30 * time.Second
	}
	instance, err := newID()
	if err != nil {
		return nil, err
	}
	m.engine = newEngine(m, d.Node, instance, lease)
	return m, nil
}

// Migrations are the tables of this module.
func Migrations() store.Migrations {
	return store.Migrations{Module: "inspect", FS: store.Sub(migrations)}
}

// Types are the rows that this module writes.
func Types() []journal.Type { return types() }

// Machines are the states of this module's things.
func Machines() []state.Machine {
	return []state.Machine{findingMachine(), exemptionMachine(), dailyMachine()}
}

// Permissions are what this module lets people do.
func Permissions() []access.Permission {
	hands := []access.Role{access.SystemAdmin, access.Engineer, access.Coordinator, access.ProjectManager}
	return []access.Permission{
		{Name: PermissionRead, TitleZH: "查看巡检", TitleEN: "See inspections", Roles: access.AllRoles()},
		{Name: PermissionRun, TitleZH: "立即巡检", TitleEN: "Run inspections now", Roles: hands},
		{
			Name: PermissionManage, TitleZH: "维护检查项与巡检计划", TitleEN: "Maintain checks and plans",
			Roles: []access.Role{access.SystemAdmin, access.Engineer, access.ProjectManager},
		},
		{Name: PermissionHandle, TitleZH: "处理隐患", TitleEN: "Handle findings", Roles: hands},
		{Name: PermissionDaily, TitleZH: "签发早检", TitleEN: "Sign the daily check", Roles: hands},
	}
}

// Services are the loops of this module.
func (m *Module) Services() []lifecycle.Service {
	return []lifecycle.Service{
		lifecycle.NewLoop("inspect.retention", m.retain),
		lifecycle.NewLoop("inspect.due", m.watchDue),
		lifecycle.NewLoop("inspect.scheduler", m.engine.loop),
		lifecycle.NewLoop("inspect.exemptions", m.sweepExemptions),
		lifecycle.NewLoop("inspect.compaction", m.compact),
		lifecycle.NewLoop("inspect.coverage", m.cover),
		lifecycle.NewLoop("inspect.daily", m.watchDaily),
	}
}
