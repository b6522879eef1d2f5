// Package storetest opens databases for tests: a fresh SQLite file, and a fresh schema of a real
// PostgreSQL. A test that cannot have PostgreSQL fails and names the command that helps.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/store"
)

// URLVariable names the PostgreSQL that tests use when it is set.
const URLVariable = "TAXOPS_TEST_DATABASE_URL"

// Each runs f once on each engine, with the migrations given (the store's own come first).
func Each(t *testing.T, migrations []store.Migrations, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) { f(t, Open(t, d, clock.System{}, migrations)) })
	}
}

// Open opens a fresh database of one engine, migrated, closed when the test ends.
func Open(t testing.TB, d store.Dialect, c clock.Clock, migrations []store.Migrations) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: URL(t, d), Clock: c})
	if err != nil {
		t.Fatalf("open %s: %v", d, err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close %s: %v", d, err)
		}
	})
	if err := db.Migrate(t.Context(), append([]store.Migrations{store.OwnMigrations()}, migrations...)); err != nil {
		t.Fatalf("migrate %s: %v", d, err)
	}
	return db
}

// URL makes a fresh, empty database of one engine and returns what store.Open takes.
func URL(t testing.TB, d store.Dialect) string {
	t.Helper()
	if d == store.SQLite {
		return filepath.Join(t.TempDir(), "taxops.db")
	}
	base := os.Getenv(URLVariable)
	if base == "" {
		t.Fatalf("no PostgreSQL for tests: run `make test`, which starts one, or set %s to a database in which schemas may be created (`make deps` installs PostgreSQL)", URLVariable)
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatalf("the PostgreSQL of %s does not answer (`make test` starts one): %v", URLVariable, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var b [6]byte
	_, _ = rand.Read(b[:])
	schema := "t_" + hex.EncodeToString(b[:])
	if _, err := conn.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		t.Fatalf("create a schema: %v", err)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(ctx, base)
		if err != nil {
			t.Errorf("drop schema %s: %v", schema, err)
			return
		}
		defer func() { _ = conn.Close(ctx) }()
		if _, err := conn.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Errorf("drop schema %s: %v", schema, err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("%s: %v", URLVariable, err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
