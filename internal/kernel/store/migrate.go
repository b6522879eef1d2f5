package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var ownMigrations embed.FS

// Migrations are the tables of one module: folders sqlite/ and postgres/ with the same versions.
type Migrations struct {
	Module string // also names the version table: goose_<module>
	FS     fs.FS
}

// OwnMigrations are the tables of this package.
func OwnMigrations() Migrations { return Migrations{Module: "store", FS: Sub(ownMigrations)} }

// Sub returns the folder "migrations" of an embedded file system.
func Sub(e embed.FS) fs.FS {
	f, err := fs.Sub(e, "migrations")
	if err != nil { // only for an invalid path, and ours is a constant
		panic(err)
	}
	return f
}

// Pending says which migrations the database still needs.
type Pending struct {
	Module   string
	Versions []int64
}

func (d *DB) provider(m Migrations) (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "sqlite"
	opts := []goose.ProviderOption{goose.WithTableName("goose_" + m.Module), goose.WithVerbose(false)}
	if d.dialect == Postgres {
		dialect, dir = goose.DialectPostgres, "postgres"
		// Locks are of the database, tables of the schema: installations in two schemas need not wait
		// for each other.
		id := fnv.New64a()
		_, _ = id.Write([]byte("taxops/migrate/" + d.schema)) // never fails
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(id.Sum64())), lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, fmt.Errorf("migration lock: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	sub, err := fs.Sub(m.FS, dir)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", m.Module, err)
	}
	p, err := goose.NewProvider(dialect, d.SQL(), sub, opts...)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", m.Module, err)
	}
	return p, nil
}

// PendingMigrations lists what Migrate would do. It creates at most the version tables.
func (d *DB) PendingMigrations(ctx context.Context, all []Migrations) ([]Pending, error) {
	var out []Pending
	for _, m := range all {
		p, err := d.provider(m)
		if err != nil {
			return nil, err
		}
		st, err := p.Status(ctx)
		if err != nil {
			return nil, Classify(fmt.Errorf("migrations of %s: %w", m.Module, err))
		}
		one := Pending{Module: m.Module}
		for _, s := range st {
			if s.State == goose.StatePending {
				one.Versions = append(one.Versions, s.Source.Version)
			}
		}
		if one.Versions != nil {
			out = append(out, one)
		}
	}
	return out, nil
}

// Migrate brings the tables of all modules up to date, forward only, in the order given.
func (d *DB) Migrate(ctx context.Context, all []Migrations) error {
	for _, m := range all {
		p, err := d.provider(m)
		if err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return Classify(fmt.Errorf("migrate %s: %w", m.Module, err))
		}
	}
	return nil
}

// SaveCopy writes a consistent copy of an SQLite database beside it before tables change, and
// returns its path; "" when there is nothing to save yet or the engine is PostgreSQL, whose owner
// backs it up by its own means.
func (d *DB) SaveCopy(ctx context.Context, now time.Time) (string, error) {
	if d.dialect != SQLite {
		return "", nil
	}
	var n int
	if err := d.SQL().QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'store_counter'").Scan(&n); err != nil {
		return "", Classify(fmt.Errorf("look at the database: %w", err))
	}
	if n == 0 {
		return "", nil
	}
	dir := filepath.Join(filepath.Dir(d.url), "before-upgrade")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("folder for the copy: %w", err)
	}
	name := filepath.Join(dir, strings.TrimSuffix(filepath.Base(d.url), ".db")+"-"+now.UTC().Format("20060102T150405Z")+".db")
	if _, err := d.SQL().ExecContext(ctx, "VACUUM INTO ?", name); err != nil {
		return "", Classify(errors.Join(fmt.Errorf("copy the database to %s: %w", name, err), removeIfThere(name)))
	}
	return name, os.Chmod(name, 0o600)
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
