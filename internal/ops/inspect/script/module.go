package script

import (
	"context"
	"embed"
	"errors"
	"log/slog"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/plugin"
)

//go:embed migrations
var migrations embed.FS

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

// Deps are what the module stands on.
type Deps struct {
	DB       *store.DB
	Journal  Journal
	People   People
	Places   Places
	Sandbox  plugin.Sandbox
	Plugins  plugin.Dirs
	AreaPath string // of packages whose maker names none
	RunsAs   string // the account that programs run as
	Isolated bool   // that account is not the platform's own
	Log      *slog.Logger
}

// Validate refuses what the module cannot work with.
func (d *Deps) Validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"database": d.DB == nil, "journal": d.Journal == nil, "people": d.People == nil, "places": d.Places == nil, "sandbox": d.Sandbox == nil,
	} {
		if missing {
			errs = append(errs, errors.New("script: no "+name))
		}
	}
	return errors.Join(errs...)
}

// Module keeps scripts and runs them.
type Module struct {
	db       *store.DB
	journal  Journal
	people   People
	places   Places
	box      plugin.Sandbox
	plugins  plugin.Dirs
	areaPath string
	runsAs   string
	isolated bool
	log      *slog.Logger
	trials   chan struct{} // one for each that may run now
}

// trialsAtOnce is how many scripts are tried at the same time: the rounds need the rest.
const trialsAtOnce = 2

// New makes the module.
func New(d Deps) (*Module, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	m := &Module{
		db: d.DB, journal: d.Journal, people: d.People, places: d.Places, box: d.Sandbox, plugins: d.Plugins,
		areaPath: d.AreaPath, runsAs: d.RunsAs, isolated: d.Isolated, log: d.Log, trials: make(chan struct{}, trialsAtOnce),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	return m, nil
}

// Migrations are the tables of this module.
func Migrations() store.Migrations {
	return store.Migrations{Module: "script", FS: store.Sub(migrations)}
}

// Types are the rows that this module writes.
func Types() []journal.Type { return types() }

// Machines are the states of this module's things.
func Machines() []state.Machine { return []state.Machine{versionMachine()} }
