package journal_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

// midnight moves the clock to just before 00:05 in Shanghai of the next day.
func midnight(b *bench) {
	now := b.clock.Now().Add(8 * time.Hour)
	next := now.Truncate(24 * time.Hour).Add(24*time.Hour + 4*time.Minute)
	b.clock.Step(next.Sub(now))
}

func closeDue(t *testing.T, b *bench) {
	t.Helper()
	if err := b.CloseSegments(ctxT()); err != nil {
		t.Fatal(err)
	}
	b.drain(t)
}

func segments(t *testing.T, b *bench) int64 {
	t.Helper()
	n, err := b.db.Read().NewSelect().TableExpr("journal_segment").Count(ctxT())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSegmentsCloseAfterMidnightInShanghai(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.clock.Step(time.Hour)
		b.fill(t, 3)
		closeDue(t, b)
		if n := segments(t, b); n != 0 {
			t.Fatalf("%d segments on the same day", n)
		}
		midnight(b)
		closeDue(t, b)
		if n := segments(t, b); n != 0 {
			t.Fatalf("%d segments at 00:04", n)
		}
		b.clock.Step(2 * time.Minute)
		closeDue(t, b)
		closeDue(t, b)
		if n := segments(t, b); n != 1 {
			t.Fatalf("%d segments at 00:06", n)
		}
		b.clock.Step(24 * time.Hour) // the row that tells of the first makes the second
		closeDue(t, b)
		if n := segments(t, b); n != 2 {
			t.Fatalf("%d segments a day later", n)
		}
		if rep := b.verify(t); !rep.OK {
			t.Errorf("verify: %+v", rep)
		}
	})
}

// A clock that was set a day ahead and put back closes early and never breaks the chain.
func TestClockSteppedByADay(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 3)
		for _, d := range []time.Duration{24 * time.Hour, -48 * time.Hour, 25 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
			b.clock.Step(d)
			b.fill(t, 2)
			closeDue(t, b)
			if err := b.CopyHead(ctxT()); err != nil {
				t.Fatal(err)
			}
			if rep := b.verify(t); !rep.OK {
				t.Fatalf("after a step of %v: %+v", d, rep)
			}
		}
		if n := segments(t, b); n < 2 {
			t.Errorf("%d segments", n)
		}
	})
}

func TestCopiesAreMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 3)
		b.clock.Step(25 * time.Hour)
		stop := start(t, b.Journal)
		name := filepath.Join(b.dir, "segment-00000001.json")
		there := func() bool { _, err := os.Stat(name); return err == nil }
		eventually(t, "a copy of the segment", there)
		stop()
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		defer start(t, b.open(t, b.db))()
		eventually(t, "the copy again", there)
	})
}

func TestVerifySegments(t *testing.T) {
	for _, c := range []struct {
		name string
		sql  string
		seq  int64
		why  string
	}{
		{"changed root", "UPDATE journal_segment SET root = prev_root WHERE number = 1", 3, "changed: segment 1 is not signed"},
		{"changed signature", "UPDATE journal_segment SET signature = root WHERE number = 1", 3, "changed: segment 1 is not signed"},
		{"dropped", "DELETE FROM journal_segment WHERE number = 1", 3, "dropped: segment 1 is gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bench) {
				b.fill(t, 3)
				for range 2 {
					b.clock.Step(25 * time.Hour)
					closeDue(t, b)
				}
				stop := start(t, b.Journal)
				eventually(t, "copies", func() bool {
					all, err := filepath.Glob(filepath.Join(b.dir, "*.json"))
					return err == nil && len(all) == 3
				})
				stop()
				if rep := b.verify(t); !rep.OK {
					t.Fatalf("before: %+v", rep)
				}
				tamper(t, b.db, c.sql)
				if rep := b.verify(t); !named(rep, c.seq, c.why) {
					t.Fatalf("report: %+v", rep)
				}
			})
		})
	}
}

// A journal that was written anew from the first row to the last is consistent in itself, and differs
// from what was signed.
func TestRewrittenJournalDiffersFromItsSegments(t *testing.T) {
	b := newBench(t, store.SQLite)
	b.fill(t, 5)
	b.clock.Step(25 * time.Hour)
	closeDue(t, b)
	forged := newBench(t, store.SQLite)
	forged.fill(t, 5)
	closeDue(t, forged)
	tamper(t, b.db, "ATTACH DATABASE '"+forged.db.URL()+"' AS forged",
		"DELETE FROM journal_chain", "DELETE FROM journal_row",
		"INSERT INTO journal_row SELECT * FROM forged.journal_row", "INSERT INTO journal_chain SELECT * FROM forged.journal_chain")
	rep := b.verify(t)
	if rep.OK || !slices.ContainsFunc(rep.Bad, func(x journal.Bad) bool { return x.Seq == 5 }) {
		t.Fatalf("report: %+v", rep)
	}
}
