package store_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// A full disc: the writer is told so, readers go on, and once there is room everything works again.
func TestDiscFull(t *testing.T) {
	db := storetest.Open(t, store.SQLite, nil, things())
	ctx := t.Context()
	if err := db.Write(ctx, add("before")); err != nil {
		t.Fatal(err)
	}
	limit := func(expression string) {
		t.Helper()
		if _, err := db.SQL().ExecContext(ctx, "PRAGMA max_page_count = "+expression); err != nil {
			t.Fatal(err)
		}
	}
	var pages int
	if err := db.SQL().QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit(fmt.Sprint(pages + 2))
	big := make([]byte, 64<<10)
	_, _ = rand.Read(big)
	heavy := func(ctx context.Context, tx *store.Tx) error {
		row := aThing("heavy")
		row.Name = hex.EncodeToString(big)
		_, err := tx.NewInsert().Model(row).Exec(ctx)
		return err
	}
	for range 2 {
		if err := db.Write(ctx, heavy); problem.CodeOf(err) != problem.StorageFull {
			t.Errorf("got %v, want code storage_full", err)
		}
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	limit("1073741823")
	if err := db.Write(ctx, heavy); err != nil {
		t.Errorf("after making room: %v", err)
	}
	var verdict string
	if err := db.SQL().QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("the file is damaged: %s, %v", verdict, err)
	}
}

// kill ends connections of PostgreSQL from outside, as a restart of the server does.
func kill(t *testing.T, pids ...int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, os.Getenv(storetest.URLVariable))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, pid := range pids {
		var done bool
		// The second argument waits for the end, so that the next query meets a dead connection.
		if err := conn.QueryRow(ctx, "SELECT pg_terminate_backend($1, 5000)", pid).Scan(&done); err != nil || !done {
			t.Fatalf("terminate %d: %v, %v", pid, done, err)
		}
	}
}

func TestConnectionLost(t *testing.T) {
	db := storetest.Open(t, store.Postgres, nil, things())
	ctx := t.Context()
	pid := func(ctx context.Context, tx *store.Tx) (n int) {
		if err := tx.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	works := func(t *testing.T, id string) {
		t.Helper()
		if err := db.Write(ctx, add(id)); err != nil {
			t.Errorf("the database is back, but: %v", err)
		}
	}
	t.Run("within a transaction", func(t *testing.T) {
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := add("lost")(ctx, tx); err != nil {
				return err
			}
			kill(t, pid(ctx, tx))
			return add("lost2")(ctx, tx)
		})
		if problem.CodeOf(err) != problem.DatabaseUnavailable {
			t.Errorf("got %v, want code database_unavailable", err)
		}
		if n := count(t, db); n != 0 {
			t.Errorf("%d rows of a transaction that failed", n)
		}
		works(t, "a")
	})
	t.Run("between the last statement and the commit", func(t *testing.T) {
		before := count(t, db)
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			tx.AfterCommit(func() { t.Error("AfterCommit ran") })
			if err := add("lost3")(ctx, tx); err != nil {
				return err
			}
			kill(t, pid(ctx, tx))
			return nil
		})
		if problem.CodeOf(err) != problem.DatabaseUnavailable {
			t.Errorf("got %v, want code database_unavailable", err)
		}
		if n := count(t, db); n != before {
			t.Errorf("%d rows, want %d", n, before)
		}
		works(t, "b")
	})
	t.Run("while idle in the pool", func(t *testing.T) {
		var p int
		if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { p = pid(ctx, tx); return nil }); err != nil {
			t.Fatal(err)
		}
		kill(t, p)
		// The first use of the dead connection may fail, and then says why; the next one works.
		if err := db.Write(ctx, add("idle")); err != nil && problem.CodeOf(err) != problem.DatabaseUnavailable {
			t.Errorf("got %v, want nil or code database_unavailable", err)
		}
		works(t, "c")
	})
}

func TestOpenSaysThatNobodyAnswers(t *testing.T) {
	_, err := store.Open(t.Context(), store.Options{URL: "postgres://taxops@/taxops?host=" + t.TempDir()})
	if err == nil || !store.Unavailable(err) {
		t.Errorf("got %v, want an error that counts as unavailable", err)
	}
}

// bun writes arguments into the text of a query, so every read is a text of its own. A driver that
// prepares each would fill the server's memory.
func TestDistinctReadsPrepareNothing(t *testing.T) {
	db := storetest.Open(t, store.Postgres, nil, things())
	ctx := t.Context()
	db.SQL().SetMaxOpenConns(1) // pg_prepared_statements shows one's own session only
	for i := range 10_000 {
		if _, err := db.Read().NewSelect().Model((*thing)(nil)).Where("rank = ?", i).Exists(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := db.SQL().QueryRowContext(ctx, "SELECT count(*) FROM pg_prepared_statements").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n > 10 {
		t.Errorf("%d prepared statements after 10,000 distinct reads", n)
	}
}

func TestClassifyLeavesTheRestAlone(t *testing.T) {
	for _, err := range []error{nil, errors.New("else"), context.Canceled, fmt.Errorf("waited: %w", context.DeadlineExceeded)} {
		if got := store.Classify(err); got != err {
			t.Errorf("Classify(%v) = %v", err, got)
		}
	}
	p := problem.New(problem.Stale, "changed meanwhile")
	if got := store.Classify(fmt.Errorf("update: %w", p)); problem.CodeOf(got) != problem.Stale {
		t.Errorf("a problem became %v", got)
	}
}

// A transaction that is waited for ends with its context, not with the lock of another.
func TestWriteEndsWithItsContext(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		if err := db.Write(t.Context(), add("a")); err != nil {
			t.Fatal(err)
		}
		held, release := make(chan struct{}), make(chan struct{})
		done := make(chan error, 1)
		touch := func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewUpdate().Model((*thing)(nil)).Set("rank = rank + 1").Where("id = ?", "a").Exec(ctx)
			return err
		}
		go func() {
			done <- db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				err := touch(ctx, tx)
				close(held)
				<-release
				return err
			})
		}()
		<-held
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := db.Write(ctx, touch); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's end", err)
		}
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Whoever gives up while the database commits still learns that it did: a context that ends then ends
// nothing. One that ended before leaves nothing behind.
func TestCommitIsCarriedThrough(t *testing.T) {
	db := storetest.Open(t, store.Postgres, nil, things())
	// The commit waits for a lock that this test holds, so that it can be met halfway.
	var lock int64
	if err := db.SQL().QueryRowContext(t.Context(), "SELECT hashtext(current_schema())").Scan(&lock); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SQL().ExecContext(t.Context(), fmt.Sprintf(`
		CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN PERFORM pg_advisory_xact_lock_shared(%d); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION wait_for_test()`, lock)); err != nil {
		t.Fatal(err)
	}
	holder, err := db.SQL().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	hold := func(query string) {
		t.Helper()
		if _, err := holder.ExecContext(t.Context(), query, lock); err != nil {
			t.Fatal(err)
		}
	}
	hold("SELECT pg_advisory_lock($1)")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	committed := false
	done := make(chan error, 1)
	go func() {
		done <- db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			tx.AfterCommit(func() { committed = true })
			return add("kept")(ctx, tx)
		})
	}()
	for waits := false; !waits; {
		select {
		case err := <-done:
			t.Fatalf("it ended before its commit waited: %v", err)
		default:
		}
		err := holder.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND mode = 'ShareLock' AND pid IN (SELECT pid FROM pg_stat_activity WHERE query ILIKE 'commit%')
			AND ((classid::bigint << 32) | objid::bigint) = $1::bigint)`, lock).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	hold("SELECT pg_advisory_unlock($1)")
	if err := <-done; err != nil || !committed {
		t.Errorf("the commit was given up halfway: %v (AfterCommit ran: %v)", err, committed)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestContextThatEndsBeforeTheCommitWritesNothing(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			tx.AfterCommit(func() { t.Error("AfterCommit ran") })
			err := add("lost")(ctx, tx)
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context canceled", err)
		}
		if n := count(t, db); n != 0 {
			t.Errorf("%d rows of a transaction that was given up", n)
		}
	})
}
