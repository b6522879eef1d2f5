package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// fixed is a clock that stands still.
type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }

var _ clock.Clock = fixed{}

func TestOnce(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		once := func(owner, key string) context.Context {
			return store.WithOnce(t.Context(), store.Once{Owner: owner, Key: key, Request: "hash"})
		}
		t.Run("a repeat changes nothing", func(t *testing.T) {
			if err := db.Write(once("ann", "k1"), add("a")); err != nil {
				t.Fatal(err)
			}
			if err := db.Write(once("ann", "k1"), add("a2")); problem.CodeOf(err) != problem.DuplicateRequest {
				t.Errorf("got %v, want code duplicate_request", err)
			}
			if n := count(t, db); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
		})
		t.Run("keys of two people never meet", func(t *testing.T) {
			if err := db.Write(once("bob", "k1"), add("b")); err != nil {
				t.Error(err)
			}
		})
		t.Run("a request that failed may be sent again", func(t *testing.T) {
			refused := errors.New("refused")
			err := db.Write(once("ann", "k2"), func(context.Context, *store.Tx) error { return refused })
			if !errors.Is(err, refused) {
				t.Fatalf("got %v", err)
			}
			if err := db.Write(once("ann", "k2"), add("c")); err != nil {
				t.Error(err)
			}
		})
		t.Run("the second transaction of a request needs no key", func(t *testing.T) {
			ctx := once("ann", "k3")
			for _, id := range []string{"d", "e"} {
				if err := db.Write(ctx, add(id)); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
		t.Run("the answer is kept for the repeat", func(t *testing.T) {
			if row, err := db.FindOnce(t.Context(), "ann", "never"); row != nil || err != nil {
				t.Errorf("got %v, %v for a key nobody used", row, err)
			}
			if err := db.KeepAnswer(t.Context(), "ann", "k3", 201, []byte(`{"a":1}`)); err != nil {
				t.Fatal(err)
			}
			row, err := db.FindOnce(t.Context(), "ann", "k3")
			if err != nil {
				t.Fatal(err)
			}
			if row.Status != 201 || string(row.Body) != `{"a":1}` || row.Request != "hash" {
				t.Errorf("got %+v", row)
			}
		})
		t.Run("forgotten answers stay forgotten, and what was done stays done", func(t *testing.T) {
			ctx := once("eve", "erase")
			if err := db.Write(once("eve", "late"), add("late")); err != nil {
				t.Fatal(err)
			}
			if err := db.Write(ctx, store.ForgetAnswers); err != nil {
				t.Fatal(err)
			}
			for owner, key := range map[string]string{"ann": "k3", "eve": "late"} { // kept before, on its way
				if err := db.KeepAnswer(t.Context(), owner, key, 200, []byte(`{"name":"Ann"}`)); err != nil {
					t.Fatal(err)
				}
				row, err := db.FindOnce(t.Context(), owner, key)
				if err != nil || row == nil || row.Status != store.AnswerForgotten || len(row.Body) > 0 {
					t.Errorf("%s %s: got %+v, %v", owner, key, row, err)
				}
			}
			if err := db.Write(once("eve", "late"), add("late2")); problem.CodeOf(err) != problem.DuplicateRequest {
				t.Errorf("got %v, want code duplicate_request", err)
			}
			if err := db.KeepAnswer(t.Context(), "eve", "erase", 204, []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
			if row, err := db.FindOnce(t.Context(), "eve", "erase"); err != nil || row.Status != 204 {
				t.Errorf("the request that erases: %+v, %v", row, err)
			}
		})
		t.Run("old keys are forgotten, new ones are not", func(t *testing.T) {
			forget := func(before time.Time) {
				t.Helper()
				if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					return store.ForgetOnce(ctx, tx, store.At(before))
				}); err != nil {
					t.Fatal(err)
				}
			}
			forget(time.Now().Add(-time.Hour))
			if row, err := db.FindOnce(t.Context(), "ann", "k3"); err != nil || row == nil {
				t.Errorf("a key of this minute is gone (%v)", err)
			}
			forget(time.Now().Add(time.Hour))
			if row, err := db.FindOnce(t.Context(), "ann", "k3"); err != nil || row != nil {
				t.Errorf("an old key is still there (%v)", err)
			}
		})
	})
}

// A person's finger, or a proxy, sends the same request many times at once.
func TestOnceUnderConcurrentRepeats(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		const repeats, keys = 12, 5
		for k := range keys {
			key := string(rune('a' + k))
			start := make(chan struct{})
			errs := make(chan error, repeats)
			for range repeats {
				go func() {
					<-start
					ctx := store.WithOnce(t.Context(), store.Once{Owner: "ann", Key: key, Request: "hash"})
					errs <- db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
						n, err := store.NextNumber(ctx, tx, "T")
						return errors.Join(err, add(n)(ctx, tx))
					})
				}()
			}
			close(start)
			done := 0
			for range repeats {
				switch err := <-errs; {
				case err == nil:
					done++
				case problem.CodeOf(err) != problem.DuplicateRequest:
					t.Errorf("got %v, want code duplicate_request", err)
				}
			}
			if done != 1 {
				t.Errorf("key %s: %d of %d requests took effect, want 1", key, done, repeats)
			}
		}
		if n := count(t, db); n != keys {
			t.Errorf("%d rows for %d keys", n, keys)
		}
	})
}

func TestNextNumber(t *testing.T) {
	t.Run("gives every caller its own", func(t *testing.T) {
		storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
			const writers, each = 8, 20
			var mu sync.Mutex
			seen := map[string]bool{}
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for range each {
						var n string
						err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
							n, err = store.NextNumber(ctx, tx, "INC")
							return err
						})
						mu.Lock()
						if err != nil || seen[n] {
							t.Errorf("number %q given twice, or failed: %v", n, err)
						}
						seen[n] = true
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if len(seen) != writers*each {
				t.Errorf("%d numbers, want %d", len(seen), writers*each)
			}
		})
	})
	t.Run("counts by kind, and by the year of Shanghai", func(t *testing.T) {
		for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
			newYearsEve := fixed(time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC))
			db := storetest.Open(t, d, newYearsEve, nil)
			next := func(db *store.DB, kind string) (n string) {
				t.Helper()
				if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
					n, err = store.NextNumber(ctx, tx, kind)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return n
			}
			a := []string{next(db, "INC"), next(db, "INC"), next(db, "FND")}
			later, err := store.Open(t.Context(), store.Options{URL: db.URL(), Clock: fixed(time.Time(newYearsEve).Add(time.Second))})
			if err != nil {
				t.Fatal(err)
			}
			a = append(a, next(later, "INC"))
			if err := later.Close(); err != nil {
				t.Error(err)
			}
			want := []string{"INC-2026-0001", "INC-2026-0002", "FND-2026-0001", "INC-2027-0001"}
			for i := range want {
				if a[i] != want[i] {
					t.Errorf("%s: got %v, want %v", d, a, want)
					break
				}
			}
		}
	})
	t.Run("has no gap where a transaction was rolled back", func(t *testing.T) {
		storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
			var got string
			for _, fail := range []error{nil, errors.New("refused"), nil} {
				_ = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
					got, err = store.NextNumber(ctx, tx, "WB")
					return errors.Join(err, fail)
				})
			}
			if got[len(got)-4:] != "0002" {
				t.Errorf("the third number is %s, want 0002", got)
			}
		})
	})
}
