package journal_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/journal"
)

// What lies outside the database is compared with what lies inside, each copy by name.
func TestVerifyCopies(t *testing.T) {
	second := "segment-00000002.json"
	for _, c := range []struct {
		name string
		do   func(t *testing.T, b *bench)
		seq  int64
		why  string // "" for nothing bad
		also int    // what else may be named
	}{
		{name: "nothing"},
		{name: "a copy is gone", do: func(t *testing.T, b *bench) { remove(t, b, second) }, seq: 5, why: "dropped: the copy " + second},
		{name: "a copy is damaged", do: func(t *testing.T, b *bench) { rewrite(t, b, second, func(string) string { return "{" }) }, why: "the copy " + second + " is damaged"},
		{
			name: "a copy was changed", why: "the copy " + second + " is damaged or not signed",
			do: func(t *testing.T, b *bench) {
				rewrite(t, b, second, func(s string) string { return strings.Replace(s, `"number": 2`, `"number": 3`, 1) + " " })
			},
		},
		{name: "a copy of another segment", do: func(t *testing.T, b *bench) {
			rewrite(t, b, second, func(string) string { return read(t, b, "segment-00000001.json") })
		}, why: "the copy " + second + " is damaged"},
		{name: "all copies are gone", do: func(t *testing.T, b *bench) {
			if err := os.RemoveAll(b.dir); err != nil {
				t.Fatal(err)
			}
		}, seq: 3, why: "dropped: the copy segment-00000001.json", also: 1},
		{name: "a segment was changed", do: func(t *testing.T, b *bench) {
			tamper(t, b.db, "UPDATE journal_segment SET root = prev_root WHERE number = 2")
		}, seq: 5, why: "changed: segment 2 differs from its copy", also: 1},
		{name: "a segment is gone", do: func(t *testing.T, b *bench) {
			tamper(t, b.db, "DELETE FROM journal_segment WHERE number = 2")
		}, seq: 5, why: "dropped: segment 2 is gone, and its copy is there"},
		{name: "the chain was cut below the signed head", do: func(t *testing.T, b *bench) {
			tamper(t, b.db, "DELETE FROM journal_chain WHERE seq = (SELECT max(seq) FROM journal_chain)")
		}, seq: 7, why: "cut: the row is gone; it is covered by the copy head.json"},
		{name: "the chain was hashed anew", do: func(t *testing.T, b *bench) {
			tamper(t, b.db, "UPDATE journal_chain SET hash = prev WHERE seq = 7")
		}, seq: 7, why: "changed: the row is not the one of the copy head.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bench) {
				b.copied(t)
				if c.do != nil {
					c.do(t, b)
				}
				bad, err := b.VerifyCopies(ctxT())
				if err != nil {
					t.Fatal(err)
				}
				if c.why == "" {
					if len(bad) > 0 {
						t.Errorf("bad: %+v", bad)
					}
					return
				}
				if !slices.ContainsFunc(bad, func(x journal.Bad) bool { return x.Seq == c.seq && strings.HasPrefix(x.Why, c.why) }) || len(bad) != 1+c.also {
					t.Errorf("bad: %+v, want row %d %q", bad, c.seq, c.why)
				}
			})
		})
	}
}

// copied makes two segments (rows 1 to 3, and 4 to 5), their copies, an open row and a signed head.
func (b *bench) copied(t *testing.T) {
	t.Helper()
	b.fill(t, 3)
	for range 2 {
		b.clock.Step(25 * time.Hour)
		b.drain(t)
		closeDue(t, b)
		b.fill(t, 1)
	}
	stop := start(t, b.Journal)
	eventually(t, "copies", func() bool {
		all, err := filepath.Glob(filepath.Join(b.dir, "*.json"))
		return err == nil && len(all) == 3
	})
	stop()
	b.clock.Step(2 * time.Minute) // the copies are due
}

func read(t *testing.T, b *bench, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func rewrite(t *testing.T, b *bench, name string, f func(string) string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(f(read(t, b, name))), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, b *bench, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
		t.Fatal(err)
	}
}
