package journal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/store"
)

// eventually polls a condition that loops in the background bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.NewTimer(60*time.Second)
	defer tick.Stop()
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("did not happen: %s", what)
		}
	}
}

func start(t *testing.T, j *journal.Journal) (stop func()) {
	t.Helper()
	g := lifecycle.NewGroup(slog.New(slog.DiscardHandler), j.Services()...)
	if err := g.Start(ctxT()); err != nil {
		t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(ctxT(), 20*time.Second)
		defer cancel()
		if err := g.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
}

// ledger collects what subscribers were handed.
type ledger struct {
	mu   sync.Mutex
	seqs []int64
	ids  map[string]int
}

func (l *ledger) add(r journal.Row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ids == nil {
		l.ids = map[string]int{}
	}
	l.seqs = append(l.seqs, r.Seq)
	l.ids[r.ID]++
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seqs)
}

// A handler's effect is a row; how often it is there tells how often the handler took effect.
func effects(t *testing.T, db *store.DB) {
	t.Helper()
	if _, err := db.SQL().ExecContext(ctxT(), `CREATE TABLE effect (subscription text, seq bigint, server text)`); err != nil {
		t.Fatal(err)
	}
}

func effect(name, server string) func(context.Context, *store.Tx, journal.Row) error {
	return func(ctx context.Context, tx *store.Tx, r journal.Row) error {
		_, err := tx.NewRaw(`INSERT INTO effect VALUES (?, ?, ?)`, name, r.Seq, server).Exec(ctx)
		return err
	}
}

func effectsOf(t *testing.T, db *store.DB, name string) []int64 {
	t.Helper()
	out := []int64{}
	if err := db.Read().NewSelect().TableExpr("effect").ColumnExpr("seq").Where("subscription = ?", name).OrderExpr("seq").Scan(ctxT(), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func upTo(n int64) []int64 {
	out := []int64{}
	for i := int64(1); i <= n; i++ {
		out = append(out, i)
	}
	return out
}

func TestSubscriberIsHandedEachRowOnceInOrder(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		effects(t, b.db)
		var l ledger
		j := b.open(t, b.db, journal.Subscription{Name: "test.all", Types: []string{"test.thing.made"}, Handle: func(ctx context.Context, tx *store.Tx, r journal.Row) error {
			l.add(r)
			return effect("test.all", "a")(ctx, tx, r)
		}})
		b.fill(t, 150)
		b.write(t, journal.Entry{Type: "test.thing.moved", Fields: map[string]any{"n": 1}})
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(effectsOf(t, b.db, "test.all"), upTo(150)) || !slices.IsSorted(l.seqs) {
			t.Fatalf("handed %v", l.seqs)
		}
		// A restart goes on where the last one was.
		again := b.open(t, b.db, journal.Subscription{Name: "test.all", Types: []string{"test.thing.made"}, Handle: effect("test.all", "b")})
		b.write(t, made(1))
		if err := again.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if got := effectsOf(t, b.db, "test.all"); !slices.Equal(got, append(upTo(150), 152)) {
			t.Fatalf("handed %v", got[140:])
		}
	})
}

func TestHandlerMayWriteRows(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var j *journal.Journal
		j = b.open(t, b.db, journal.Subscription{Name: "test.follow", Types: []string{"test.thing.made"}, Handle: func(ctx context.Context, tx *store.Tx, r journal.Row) error {
			_, err := j.Append(ctx, tx, journal.Entry{Type: "test.thing.moved", Fields: map[string]any{"n": r.Int("n")}})
			return err
		}})
		b.fill(t, 5)
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		rows := b.rows(t)
		if len(rows) != 10 || rows[9].Type != "test.thing.moved" || rows[9].Actor != journal.SystemActor("test.follow") {
			t.Fatalf("%d rows, last %+v", len(rows), rows[len(rows)-1])
		}
	})
}

func TestPoisonRowParksItsSubject(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		effects(t, b.db)
		broken := errors.New("cannot digest")
		var mu sync.Mutex
		refuse := map[int64]bool{2: true, 9: true}
		tries := map[int64]int{}
		j := b.open(t, b.db, journal.Subscription{Name: "test.picky", Types: []string{"test.thing.made"}, Handle: func(ctx context.Context, tx *store.Tx, r journal.Row) error {
			mu.Lock()
			defer mu.Unlock()
			tries[r.Seq]++
			// The effect comes first: it must be gone when the handler fails.
			if err := effect("test.picky", "a")(ctx, tx, r); err != nil {
				return err
			}
			if refuse[r.Seq] {
				if r.Seq == 9 {
					panic("handler fell over")
				}
				return broken
			}
			return nil
		}})
		b.fill(t, 16) // subjects 0..6, so rows 2, 9, 16 are of one subject
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if got, want := effectsOf(t, b.db, "test.picky"), []int64{1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15}; !slices.Equal(got, want) {
			t.Fatalf("handled %v, want %v", got, want)
		}
		if tries[2] != 4 || tries[9] != 0 { // once among others, three times alone
			t.Errorf("tries: %v", tries)
		}
		parked := func() []journal.Parked {
			t.Helper()
			st, err := j.Subscriptions(ctxT())
			if err != nil {
				t.Fatal(err)
			}
			return st[0].Parked
		}
		p := parked()
		if len(p) != 1 || p[0].Subject != "thing:1" || p[0].Seq != 2 || p[0].Waiting != 2 || p[0].Error != "cannot digest" {
			t.Fatalf("parked: %+v", p)
		}
		// A retry that fails again leaves it parked.
		if err := j.Retry(ctxT(), "test.picky", "thing:1", "try"); err != nil {
			t.Fatal(err)
		}
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if p := parked(); len(p) != 1 || p[0].Seq != 2 || p[0].Retry {
			t.Fatalf("parked: %+v", p)
		}
		// Mended, row 2 passes and row 9 is the next that cannot; row 16 still waits.
		mu.Lock()
		delete(refuse, 2)
		mu.Unlock()
		if err := j.Retry(ctxT(), "test.picky", "thing:1", "mended"); err != nil {
			t.Fatal(err)
		}
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if p := parked(); len(p) != 1 || p[0].Seq != 9 || p[0].Waiting != 1 || p[0].Error != "panic: handler fell over" {
			t.Fatalf("parked: %+v", p)
		}
		if err := j.Skip(ctxT(), "test.picky", "thing:1", "give it up"); err != nil {
			t.Fatal(err)
		}
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if p := parked(); len(p) != 0 {
			t.Fatalf("parked: %+v", p)
		}
		got := effectsOf(t, b.db, "test.picky")
		if want := []int64{1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16}; !slices.Equal(got, want) {
			t.Fatalf("handled %v, want %v", got, want)
		}
		if err := j.Retry(ctxT(), "test.picky", "thing:1", "none"); err == nil {
			t.Error("a retry of nothing was accepted")
		}
		if rep := b.verify(t); !rep.OK {
			t.Errorf("verify: %+v", rep)
		}
		var types []string
		for _, r := range b.rows(t)[16:] {
			types = append(types, r.Type)
		}
		if want := []string{"journal.subscription.parked", "journal.subscription.retried", "journal.subscription.retried", "journal.subscription.skipped"}; !slices.Equal(types, want) {
			t.Errorf("recorded %v, want %v", types, want)
		}
	})
}

// A row that somebody broke stops neither the subscription nor the list.
func TestBrokenRowIsParkedAndShown(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		effects(t, b.db)
		j := b.open(t, b.db, journal.Subscription{Name: "test.all", Types: []string{"test.thing.made"}, Handle: effect("test.all", "a")})
		b.fill(t, 5)
		value := "CAST('{' AS BLOB)"
		if b.db.Dialect() == store.Postgres {
			value = "'{'::bytea"
		}
		tamper(t, b.db, "UPDATE journal_row SET bytes = "+value+" WHERE serial = 3")
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if got := effectsOf(t, b.db, "test.all"); !slices.Equal(got, []int64{1, 2, 4, 5}) {
			t.Fatalf("handled %v", got)
		}
		st, err := j.Subscriptions(ctxT())
		if err != nil || len(st[0].Parked) != 1 || st[0].Parked[0].Subject != "row:3" {
			t.Fatalf("%+v, %v", st, err)
		}
		if rows := b.rows(t); rows[2].Seq != 3 || rows[2].Broken == "" {
			t.Fatalf("listed: %+v", rows[2])
		}
		if rep := b.verify(t); !slices.Equal(seqs(rep), []int64{3}) {
			t.Errorf("verify: %+v", rep)
		}
		if rep := check(t, exported(t, b), journal.ExportOptions{}); !slices.Equal(seqs(rep), []int64{3}) {
			t.Errorf("export: %+v", rep)
		}
	})
}

// Sixteen writers, some of which roll back, on one PostgreSQL and two servers: whoever subscribes
// misses nothing, sees nothing twice, and of two servers one handles each row.
func TestManyWritersTwoServers(t *testing.T) {
	b := newBench(t, store.Postgres)
	effects(t, b.db)
	sub := func(server string) journal.Subscription {
		return journal.Subscription{Name: "test.all", Types: []string{"test.thing.made"}, Handle: effect("test.all", server)}
	}
	other, err := store.Open(ctxT(), store.Options{URL: b.db.URL(), Clock: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	servers := []*journal.Journal{b.open(t, b.db, sub("a")), b.open(t, other, sub("b"))}
	dbs := []*store.DB{b.db, other}
	for _, j := range servers {
		defer start(t, j)()
	}
	const writers, each = 16, 60
	stop := errors.New("rolled back")
	var kept ledger
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				db, j := dbs[w%2], servers[w%2]
				var id string
				err := db.Write(ctxT(), func(ctx context.Context, tx *store.Tx) error {
					var err error
					e := made(i)
					e.Fields["note"] = journal.Personal{Person: fmt.Sprint("p", i%5), Text: "text"}
					if id, err = j.Append(ctx, tx, e); err != nil {
						return err
					}
					if i%10 == 9 {
						return stop
					}
					return nil
				})
				switch {
				case err == nil:
					kept.add(journal.Row{ID: id})
				case !errors.Is(err, stop):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want := kept.len()
	eventually(t, "all rows handled", func() bool { return len(effectsOf(t, b.db, "test.all")) >= want })
	for _, j := range servers {
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
	}
	got := effectsOf(t, b.db, "test.all")
	if !slices.Equal(got, upTo(int64(want))) {
		t.Fatalf("%d effects for %d rows", len(got), want)
	}
	if pending, _, err := servers[0].Lag(ctxT()); err != nil || pending != 0 {
		t.Errorf("%d pending, %v", pending, err)
	}
	if rep := b.verify(t); !rep.OK || rep.Rows != int64(want) {
		t.Errorf("verify: %+v", rep)
	}
}

func TestWatchTellsOfEveryTypeAndNeverBlocks(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancel(ctxT())
		news := b.Watch(ctx)
		idle := b.Watch(ctx) // never read: it must hold up nobody
		stop := start(t, b.Journal)
		defer stop()
		seen := map[string]bool{}
		eventually(t, "news of both types", func() bool {
			b.write(t, made(1), journal.Entry{Type: "test.thing.moved", Fields: map[string]any{"n": 1}})
			select {
			case c := <-news:
				for _, typ := range c.Types {
					seen[typ] = true
				}
			default:
			}
			return seen["test.thing.made"] && seen["test.thing.moved"]
		})
		cancel()
		for range news { //nolint:revive // until it is closed
		}
		for range idle { //nolint:revive // until it is closed
		}
	})
}

func TestServicesStopCleanlyAndTwice(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		j := b.open(t, b.db, journal.Subscription{Name: "test.all", Types: []string{"test.thing.made"}, Handle: func(context.Context, *store.Tx, journal.Row) error { return nil }})
		for _, s := range j.Services() {
			if err := s.Stop(ctxT()); err != nil {
				t.Error(err)
			}
		}
		stop := start(t, j)
		b.write(t, made(1))
		stop()
		stop()
	})
}

func TestLagTellsTheAgeOfTheOldest(t *testing.T) {
	b := newBench(t, store.Postgres)
	b.write(t, made(1))
	b.clock.Step(10 * time.Second)
	b.write(t, made(2))
	pending, oldest, err := b.Lag(ctxT())
	if err != nil || pending != 2 || oldest < journal.LagAlarm {
		t.Fatalf("%d pending, oldest %v, %v", pending, oldest, err)
	}
	b.drain(t)
	if pending, oldest, err := b.Lag(ctxT()); err != nil || pending != 0 || oldest != 0 {
		t.Fatalf("%d pending, oldest %v, %v", pending, oldest, err)
	}
}
