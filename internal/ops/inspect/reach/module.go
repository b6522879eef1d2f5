package reach

import (
	"context"
	"embed"
	"errors"
	"net"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// What callers need: those who see checks see logins, those who manage checks manage logins.
const (
	permissionRead   = "inspect.read"
	permissionManage = "inspect.manage"
)

// Journal writes the rows of a transaction.
type Journal interface {
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
}

// Sealer keeps secrets (see secret.Ring).
type Sealer interface {
	Seal(purpose, rowID string, plain []byte) ([]byte, error)
	Open(purpose, rowID string, sealed []byte) ([]byte, error)
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

// Checks adds checks to assets.
type Checks interface {
	// AddOver adds to an asset the checks that look over a login and need no settings, within the
	// caller's scope; those that are there already stay. It returns how many were added.
	AddOver(ctx context.Context, scope store.Scope, assetID, login string) (int, error)
}

// Deps are what the module stands on.
type Deps struct {
	DB      *store.DB
	Journal Journal
	Ring    Sealer
	People  People
	Places  Places
	Checks  Checks
	// Dial makes connections, within the networks that are inspected.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Validate refuses what the module cannot work with.
func (d *Deps) Validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"database": d.DB == nil, "journal": d.Journal == nil, "key ring": d.Ring == nil, "people": d.People == nil, "places": d.Places == nil,
		"checks": d.Checks == nil, "dial": d.Dial == nil,
	} {
		if missing {
			errs = append(errs, errors.New("reach: no "+name))
		}
	}
	return errors.Join(errs...)
}

// Module keeps logins.
type Module struct {
	d       Deps
	db      *store.DB
	journal Journal
}

// New makes the module.
func New(d Deps) (*Module, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return &Module{d: d, db: d.DB, journal: d.Journal}, nil
}

// Migrations are the tables of this module.
func Migrations() store.Migrations {
	return store.Migrations{Module: "reach", FS: store.Sub(migrations)}
}

// Types are the rows that this module writes.
func Types() []journal.Type { return types() }
