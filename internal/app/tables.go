package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/approval"
	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/job"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/reach"
	"taxops/internal/ops/inspect/script"
	"taxops/internal/ops/intake"
	"taxops/internal/ops/intake/parallel"
)

// Migrations lists the tables of all modules in the order in which they are made.
func Migrations() []store.Migrations {
	return []store.Migrations{
		store.OwnMigrations(), journal.Migrations(), org.Migrations(), access.Migrations(), calendar.Migrations(), approval.Migrations(),
		fleet.Migrations(), inspect.Migrations(), intake.Migrations(), script.Migrations(), parallel.Migrations(), reach.Migrations(),
	}
}

// errBehind is what a program says whose database is older than itself.
var errBehind = errors.New("the tables of the database are not up to date: run `taxops migrate` (back the database up first)")

// migration says when tables may be changed.
type migration int

const (
	whenEmbedded migration = iota // an embedded database, after a copy
	always                        // `taxops migrate`
	never                         // a look beside a server that may be another version
)

// prepareTables brings an embedded database up to date by itself, after a copy; a PostgreSQL is its
// owner's, and is only changed by an explicit `taxops migrate`.
func (a *App) prepareTables(ctx context.Context, m migration) (err error) {
	pending, err := a.db.PendingMigrations(ctx, Migrations())
	if err != nil {
		return err
	}
	jobs, err := job.Migrated(ctx, a.db, a.o.Log)
	if err != nil {
		return err
	}
	if len(pending) == 0 && jobs {
		return nil
	}
	if m == never || a.db.Dialect() == store.Postgres && m != always {
		return errBehind
	}
	if a.db.Dialect() == store.SQLite && !a.o.serving {
		// A server of the version before must not find its tables changed below it.
		unlock, lerr := lockData(a.o.Config)
		if lerr != nil {
			return fmt.Errorf("the tables of the database must change: %w; stop it first", lerr)
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	copied, err := a.db.SaveCopy(ctx, a.o.Clock.Now())
	if err != nil {
		return err
	}
	if copied != "" {
		a.o.Log.InfoContext(ctx, "database copied before its tables change", "copy", copied)
	}
	if err := a.db.Migrate(ctx, Migrations()); err != nil {
		return err
	}
	return job.Migrate(ctx, a.db, a.o.Log)
}

// Migrate brings the tables up to date and says what it did. It makes them in a PostgreSQL that is still
// empty; an embedded database is made by serve, and must be there already.
func Migrate(ctx context.Context, o Options, out io.Writer) (err error) {
	if o.Config.Text("database.url") == "" {
		if err := madeBefore(o.Config, embeddedFile); err != nil {
			return err
		}
	}
	a := &App{o: o}
	if a.db, err = store.Open(ctx, store.Options{URL: databaseURL(o.Config), Log: o.Log, Clock: o.Clock}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.prepareTables(ctx, always); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "the tables are up to date")
	return err
}
