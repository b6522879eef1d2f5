package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// thing is the table of these tests: one row of each type a module may store.
type thing struct {
	bun.BaseModel `bun:"table:thing"`
	ID            string `bun:",pk"`
	Name          string
	Rank          int64
	Kind          string
	AreaPath      string
	SystemID      string
	At            store.Time
}

const (
	thingSQLite = `-- +goose Up
CREATE TABLE thing (
  id        TEXT PRIMARY KEY,
  name      TEXT NOT NULL,
  rank      INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  area_path TEXT NOT NULL,
  system_id TEXT NOT NULL,
  at        INTEGER NOT NULL
) STRICT;
`
	thingPostgres = `-- +goose Up
CREATE TABLE thing (
  id        text COLLATE "C" PRIMARY KEY,
  name      text COLLATE "C" NOT NULL,
  rank      bigint NOT NULL,
  kind      text COLLATE "C" NOT NULL,
  area_path text COLLATE "C" NOT NULL,
  system_id text COLLATE "C" NOT NULL,
  at        bigint NOT NULL
);
`
)

func things() []store.Migrations {
	return []store.Migrations{{Module: "thing", FS: fstest.MapFS{
		"sqlite/00001_thing.sql":   {Data: []byte(thingSQLite), Mode: fs.ModePerm},
		"postgres/00001_thing.sql": {Data: []byte(thingPostgres), Mode: fs.ModePerm},
	}}}
}

func aThing(id string) *thing {
	return &thing{ID: id, Name: "n", Kind: "k", AreaPath: "/45/", SystemID: "s", At: store.At(time.UnixMicro(1))}
}

func add(id string) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewInsert().Model(aThing(id)).Exec(ctx)
		return err
	}
}

func count(t *testing.T, db *store.DB) int64 {
	t.Helper()
	n, err := db.Read().NewSelect().Model((*thing)(nil)).Count(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("count: %v", err)
	}
	return n
}

func TestWrite(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		t.Run("keeps what it returned nil for", func(t *testing.T) {
			committed := false
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				tx.AfterCommit(func() { committed = count(t, db) == 1 })
				return add("a")(ctx, tx)
			})
			if err != nil {
				t.Fatal(err)
			}
			if !committed {
				t.Error("AfterCommit ran before the row could be read, or not at all")
			}
		})
		before := count(t, db)
		unchanged := func(t *testing.T) {
			t.Helper()
			if n := count(t, db); n != before {
				t.Errorf("%d rows, want %d: something was left behind", n, before)
			}
		}
		never := func(t *testing.T, tx *store.Tx) {
			tx.AfterCommit(func() { t.Error("AfterCommit ran for a transaction that was not committed") })
		}
		t.Run("leaves nothing behind an error", func(t *testing.T) {
			refused := errors.New("refused")
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				never(t, tx)
				return errors.Join(add("b")(ctx, tx), refused)
			})
			if !errors.Is(err, refused) {
				t.Errorf("got %v, want the error of the function", err)
			}
			unchanged(t)
		})
		t.Run("leaves nothing behind a panic and lets it through", func(t *testing.T) {
			defer func() {
				if p := recover(); p != "boom" {
					t.Errorf("recovered %v, want boom", p)
				}
				unchanged(t)
			}()
			_ = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				never(t, tx)
				if err := add("c")(ctx, tx); err != nil {
					t.Error(err)
				}
				panic("boom")
			})
		})
		t.Run("leaves nothing behind a cancelled context", func(t *testing.T) {
			ctx, cancel := context.WithCancel(ctx)
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				never(t, tx)
				err := add("d")(ctx, tx)
				cancel()
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			unchanged(t)
		})
		t.Run("names a row that exists already", func(t *testing.T) {
			if err := db.Write(ctx, add("a")); problem.CodeOf(err) != problem.Conflict {
				t.Errorf("got %v, want code conflict", err)
			}
			unchanged(t)
		})
		t.Run("gives one time to the whole transaction", func(t *testing.T) {
			err := db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
				if a, b := tx.Now(), tx.Now(); !a.Equal(b) || a.Location() != time.UTC {
					t.Errorf("Now changed from %v to %v, or is not UTC", a, b)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		t.Run("works after all of these", func(t *testing.T) {
			if err := db.Write(ctx, add("z")); err != nil {
				t.Fatal(err)
			}
			if n := count(t, db); n != before+1 {
				t.Errorf("%d rows, want %d", n, before+1)
			}
		})
	})
}

func TestReadRefusesToWriteOnSQLite(t *testing.T) {
	db := storetest.Open(t, store.SQLite, nil, things())
	if _, err := db.Read().NewInsert().Model(aThing("a")).Exec(t.Context()); err == nil {
		t.Error("the reader wrote a row")
	}
}

// Two serializable transactions that each read what the other writes: PostgreSQL lets one of them
// fail with 40001. Write must run it again, with only the second attempt's side effects.
func TestWriteRepeatsASerializationFailure(t *testing.T) {
	db := storetest.Open(t, store.Postgres, nil, things())
	ctx := t.Context()
	if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(add("a")(ctx, tx), add("b")(ctx, tx))
	}); err != nil {
		t.Fatal(err)
	}
	var attempts, after atomic.Int64
	var met sync.WaitGroup // both have read before either writes
	met.Add(2)
	run := func(write string) error {
		first := true
		return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			attempts.Add(1)
			tx.AfterCommit(func() { after.Add(1) })
			if _, err := tx.ExecContext(ctx, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"); err != nil {
				return fmt.Errorf("isolation: %w", err)
			}
			var sum int64
			if err := tx.NewSelect().Model((*thing)(nil)).ColumnExpr("sum(rank)").Scan(ctx, &sum); err != nil {
				return fmt.Errorf("read: %w", err)
			}
			if first {
				first = false
				met.Done()
				met.Wait()
			}
			_, err := tx.NewUpdate().Model((*thing)(nil)).Set("rank = ?", sum+1).Where("id = ?", write).Exec(ctx)
			return err
		})
	}
	errs := make(chan error, 2)
	for _, id := range []string{"a", "b"} {
		go func() { errs <- run(id) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Errorf("Write gave up: %v", err)
		}
	}
	if attempts.Load() < 3 {
		t.Errorf("%d attempts: no serialization failure happened, so nothing was proved", attempts.Load())
	}
	if after.Load() != 2 {
		t.Errorf("AfterCommit ran %d times for 2 transactions", after.Load())
	}
	var ranks []int64
	if err := db.Read().NewSelect().Model((*thing)(nil)).Column("rank").OrderExpr("rank").Scan(ctx, &ranks); err != nil {
		t.Fatal(err)
	}
	// One after the other gives 1 and 2; side by side they would both have written 1.
	if len(ranks) != 2 || ranks[0] != 1 || ranks[1] != 2 {
		t.Errorf("ranks %v, want [1 2]: the two transactions saw neither order", ranks)
	}
}

func TestTime(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		shanghai := time.FixedZone("CST", 8*3600)
		for _, want := range []time.Time{
			time.Date(2026, 2, 28, 23, 59, 59, 999_999_000, shanghai),
			time.Date(1969, 12, 31, 23, 59, 59, 1000, time.UTC),
			time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
		} {
			row := aThing(want.String())
			row.At = store.At(want)
			if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.NewInsert().Model(row).Exec(ctx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			got := &thing{ID: row.ID}
			if err := db.Read().NewSelect().Model(got).WherePK().Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !got.At.Equal(want) || got.At.Location() != time.UTC {
				t.Errorf("stored %v, read %v", want, got.At)
			}
		}
	})
}
