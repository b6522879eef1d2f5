package store_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

func TestMigrate(t *testing.T) {
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			ctx := t.Context()
			url := storetest.URL(t, d)
			all := append([]store.Migrations{store.OwnMigrations()}, things()...)
			open := func() *store.DB {
				t.Helper()
				db, err := store.Open(ctx, store.Options{URL: url})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
				return db
			}
			db := open()
			pending, err := db.PendingMigrations(ctx, all)
			if err != nil {
				t.Fatal(err)
			}
			if len(pending) != 2 || pending[1].Module != "thing" || len(pending[1].Versions) != 1 {
				t.Errorf("pending before: %v", pending)
			}
			// Several replicas start at once.
			errs := make(chan error, 3)
			for i := range cap(errs) {
				one := db
				if i > 0 && d == store.Postgres {
					one = open()
				}
				go func() { errs <- one.Migrate(ctx, all) }()
				if d == store.SQLite {
					// One process owns the file: it migrates again, not beside itself.
					errs <- <-errs
				}
			}
			for range cap(errs) {
				if err := <-errs; err != nil {
					t.Errorf("migrate: %v", err)
				}
			}
			if pending, err := db.PendingMigrations(ctx, all); err != nil || len(pending) != 0 {
				t.Errorf("pending after: %v, %v", pending, err)
			}
			if err := db.Write(ctx, add("a")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSaveCopy(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	fresh, err := store.Open(ctx, store.Options{URL: storetest.URL(t, store.SQLite)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fresh.Close() }()
	if name, err := fresh.SaveCopy(ctx, now); name != "" || err != nil {
		t.Errorf("an empty database was copied to %q (%v)", name, err)
	}

	db := storetest.Open(t, store.SQLite, nil, things())
	if err := db.Write(ctx, add("a")); err != nil {
		t.Fatal(err)
	}
	name, err := db.SaveCopy(ctx, now)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, "before-upgrade/taxops-20260102T030405Z.db") {
		t.Errorf("the copy is %s", name)
	}
	if fi, err := os.Stat(name); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the copy is readable by others: %v, %v", fi, err)
	}
	if err := db.Write(ctx, add("later")); err != nil {
		t.Fatal(err)
	}
	saved, err := store.Open(context.WithoutCancel(ctx), store.Options{URL: name})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = saved.Close() }()
	if n := count(t, saved); n != 1 {
		t.Errorf("the copy has %d rows, want the one that was there", n)
	}
}

// A search path that leads nowhere is said in words that help, not as a NULL that cannot be read.
func TestOpenWithoutASchema(t *testing.T) {
	u, err := url.Parse(storetest.URL(t, store.Postgres))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", "no_such_schema")
	u.RawQuery = q.Encode()
	if _, err := store.Open(t.Context(), store.Options{URL: u.String()}); err == nil || !strings.Contains(err.Error(), "names no schema that exists") {
		t.Errorf("got %v", err)
	}
}
