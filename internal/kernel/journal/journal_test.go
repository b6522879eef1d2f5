package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

func ctxT() context.Context { return context.Background() }

func field(name string, private, optional bool) journal.Field {
	return journal.Field{Name: name, TitleZH: name, TitleEN: name, Private: private, Optional: optional}
}

func testTypes() []journal.Type {
	return []journal.Type{
		{Name: "test.thing.made", TitleZH: "已建", TitleEN: "Made", Fields: []journal.Field{
			field("n", false, false), field("note", true, true), field("extra", false, true),
		}},
		{Name: "test.thing.moved", TitleZH: "已移", TitleEN: "Moved", Fields: []journal.Field{field("n", false, false)}},
	}
}

type bench struct {
	*journal.Journal
	db    *store.DB
	ring  *secret.Ring
	clock *clock.Stepped
	dir   string
}

func ring(t testing.TB) *secret.Ring {
	t.Helper()
	r, err := secret.OpenRing(ctxT(), secret.Config{File: t.TempDir() + "/ring.json"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// each runs f on both engines.
func each(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			f(t, newBench(t, d))
		})
	}
}

func newBench(t testing.TB, d store.Dialect) *bench {
	t.Helper()
	c := &clock.Stepped{}
	db := storetest.Open(t, d, c, []store.Migrations{journal.Migrations()})
	b := &bench{db: db, ring: ring(t), clock: c, dir: t.TempDir() + "/copies"}
	b.Journal = b.open(t, db)
	return b
}

func (b *bench) open(t testing.TB, db *store.DB, subs ...journal.Subscription) *journal.Journal {
	t.Helper()
	j, err := journal.New(journal.Config{
		DB: db, Ring: b.ring, Types: testTypes(), Clock: b.clock, SegmentDir: b.dir, AreaPath: "/45/", Subscriptions: subs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (b *bench) write(t testing.TB, es ...journal.Entry) []string {
	t.Helper()
	var ids []string
	err := b.db.Write(ctxT(), func(ctx context.Context, tx *store.Tx) error {
		ids = nil
		for _, e := range es {
			id, err := b.Append(ctx, tx, e)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func made(n int) journal.Entry {
	return journal.Entry{Type: "test.thing.made", Subject: journal.Subject{Kind: "thing", ID: fmt.Sprint(n % 7)}, Fields: map[string]any{"n": n}}
}

func (b *bench) fill(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		b.write(t, made(i))
	}
	b.drain(t)
}

func (b *bench) drain(t testing.TB) {
	t.Helper()
	if err := b.Drain(ctxT()); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) rows(t testing.TB) []journal.Row {
	t.Helper()
	p, err := b.List(ctxT(), store.Everything(), store.ListQuery{Sort: "seq", Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return p.Items
}

func (b *bench) verify(t testing.TB) journal.Report {
	t.Helper()
	r, err := b.Verify(ctxT(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAppendKeepsWhatWasWritten(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		at := time.Date(2026, 11, 24, 8, 30, 0, 123456000, time.FixedZone("", 8*3600))
		ctx := journal.WithRequest(journal.WithActor(ctxT(), journal.Actor{Kind: journal.AccountActor, ID: "acc-1"}), "req-1")
		err := b.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := b.Append(ctx, tx, journal.Entry{
				Type: "test.thing.made", Subject: journal.Subject{Kind: "thing", ID: "t:1"}, AreaPath: "/45/4501/", SystemID: "sys",
				Fields: map[string]any{"n": int64(1) << 60, "note": "张三 丢了 <钥匙>", "extra": map[string]any{"at": at, "list": []string{"a", "乙"}, "f": 1.5, "i": 7}},
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		b.drain(t)
		rows := b.rows(t)
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		r := rows[0]
		if r.Seq != 1 || r.Actor.ID != "acc-1" || r.RequestID != "req-1" || r.Subject.ID != "t:1" || r.AreaPath != "/45/4501/" || r.SystemID != "sys" {
			t.Errorf("row: %+v", r)
		}
		if r.Text("n") != "1152921504606846976" {
			t.Errorf("a large integer is a string: %v", r.Fields["n"])
		}
		extra := r.Fields["extra"].(map[string]any)
		if extra["at"] != "2026-11-24T00:30:00.123456Z" || extra["f"] != 1.5 || extra["i"] != int64(7) {
			t.Errorf("extra: %v", extra)
		}
		if r.Private["note"] != journal.Masked {
			t.Errorf("a list masks private texts: %v", r.Private)
		}
		if rep := b.verify(t); !rep.OK || rep.Rows != 1 || rep.Head != r.Hash {
			t.Errorf("verify: %+v", rep)
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	b := newBench(t, store.SQLite)
	for name, c := range map[string]struct {
		e    journal.Entry
		code problem.Code
	}{
		"unknown type":       {journal.Entry{Type: "test.no"}, problem.Internal},
		"missing field":      {journal.Entry{Type: "test.thing.made"}, problem.Internal},
		"unknown field":      {journal.Entry{Type: "test.thing.made", Fields: map[string]any{"n": 1, "x": 1}}, problem.Internal},
		"personal in public": {journal.Entry{Type: "test.thing.made", Fields: map[string]any{"n": journal.Personal{Text: "x"}}}, problem.Internal},
		"number in private":  {journal.Entry{Type: "test.thing.made", Fields: map[string]any{"n": 1, "note": 5}}, problem.Internal},
		"too large":          {journal.Entry{Type: "test.thing.made", Fields: map[string]any{"n": strings.Repeat("x", 64<<10)}}, problem.TooLarge},
		"too large private":  {journal.Entry{Type: "test.thing.made", Fields: map[string]any{"n": 1, "note": strings.Repeat("x", 64<<10)}}, problem.TooLarge},
		"not a number":       {journal.Entry{Type: "test.thing.made", Fields: map[string]any{"n": nan()}}, problem.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.db.Write(ctxT(), func(ctx context.Context, tx *store.Tx) error {
				_, err := b.Append(ctx, tx, c.e)
				return err
			})
			if err == nil || problem.CodeOf(err) != c.code {
				t.Fatalf("got %v, want code %s", err, c.code)
			}
		})
	}
	if n := len(b.rows(t)); n != 0 {
		t.Errorf("%d rows remained of refused entries", n)
	}
}

func nan() float64 { z := 0.0; return z / z }

func TestRollBackLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		stop := errors.New("stop")
		err := b.db.Write(ctxT(), func(ctx context.Context, tx *store.Tx) error {
			e := made(1)
			e.Fields["note"] = "gone"
			if _, err := b.Append(ctx, tx, e); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		// The key that was made in the transaction is gone with it; the next row makes another.
		e := made(2)
		e.Fields["note"] = "kept"
		b.write(t, e)
		b.drain(t)
		if rows := b.rows(t); len(rows) != 1 || rows[0].Int("n") != 2 {
			t.Fatalf("rows: %+v", rows)
		}
		if rep := b.verify(t); !rep.OK {
			t.Errorf("verify: %+v", rep)
		}
	})
}

func TestEraseForgetsAndStillVerifies(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var got []journal.Row
		var mu sync.Mutex
		j := b.open(t, b.db, journal.Subscription{Name: "test.reader", Types: []string{"test.thing.made"}, Handle: func(_ context.Context, _ *store.Tx, r journal.Row) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, r)
			return nil
		}})
		e := made(1)
		e.Fields["note"] = journal.Personal{Person: "p1", Text: "电话 139…"}
		other := made(2)
		other.Fields["note"] = journal.Personal{Person: "p2", Text: "stays"}
		b.write(t, e, other)
		if err := j.Drain(ctxT()); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0].Private["note"] != "电话 139…" || got[1].Private["note"] != "stays" {
			t.Fatalf("a subscriber reads private texts: %+v", got)
		}
		if err := b.db.Write(ctxT(), func(ctx context.Context, tx *store.Tx) error { return j.Erase(ctx, tx, "p1") }); err != nil {
			t.Fatal(err)
		}
		later := made(3)
		later.Fields["note"] = journal.Personal{Person: "p1", Text: "comes too late"}
		b.write(t, later)
		b.drain(t)
		rows := b.rows(t)
		if rows[0].Private["note"] != journal.Erased || rows[1].Private["note"] != journal.Masked {
			t.Errorf("after erasing: %v, %v", rows[0].Private, rows[1].Private)
		}
		if last := rows[len(rows)-1]; last.Private["note"] != journal.Erased {
			t.Errorf("what comes later about an erased person is not kept: %v", last.Private)
		}
		var n int
		if err := b.db.Read().NewSelect().TableExpr("journal_private").ColumnExpr("count(*)").Where("person = ?", "p1").Where("length(sealed) > 0").Scan(ctxT(), &n); err != nil || n != 1 {
			t.Errorf("%d sealed texts of the person, %v; want the old one only", n, err)
		}
		if rep := b.verify(t); !rep.OK {
			t.Errorf("verify: %+v", rep)
		}
	})
}

func TestInsertOnly(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 2)
		for _, text := range []string{
			"UPDATE journal_row SET bytes = bytes", "DELETE FROM journal_row", "UPDATE journal_chain SET type = 'x'", "DELETE FROM journal_chain",
			"INSERT OR REPLACE INTO journal_row (serial, bytes) VALUES (1, x'00')", "TRUNCATE journal_row",
			"REPLACE INTO journal_chain SELECT * FROM journal_chain",
		} {
			if _, err := b.db.SQL().ExecContext(ctxT(), text); err == nil {
				t.Errorf("%s was carried out", text)
			}
		}
		if rep := b.verify(t); !rep.OK {
			t.Errorf("verify: %+v", rep)
		}
	})
}
