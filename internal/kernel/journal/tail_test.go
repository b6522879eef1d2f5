package journal_test

import (
	"strings"
	"testing"

	"taxops/internal/kernel/journal"
)

func TestVerifyTailGoesOnFromTheMark(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		if m, bad, err := b.VerifyTail(ctxT(), journal.Mark{}, 100); err != nil || bad != nil || m != (journal.Mark{}) {
			t.Fatalf("an empty chain: %+v %v %v", m, bad, err)
		}
		b.fill(t, 30)
		b.drain(t)
		m := journal.Mark{}
		for _, want := range []int64{12, 24, 30, 30} {
			var bad []journal.Bad
			var err error
			if m, bad, err = b.VerifyTail(ctxT(), m, 12); err != nil || bad != nil || m.Seq != want {
				t.Fatalf("%+v %v %v, want row %d", m, bad, err, want)
			}
		}
	})
}

func TestVerifyTailNamesWhatIsBad(t *testing.T) {
	for name, c := range map[string]struct {
		stmts []string
		seq   int64
		why   string
	}{
		"a row after the mark was changed": {
			[]string{"UPDATE journal_row SET bytes = (SELECT bytes FROM journal_row WHERE serial = 3) WHERE serial = 17"}, 17, "changed",
		},
		"a row after the mark was dropped": {
			[]string{"DELETE FROM journal_chain WHERE seq = 17", "DELETE FROM journal_row WHERE serial = 17"}, 17, "dropped",
		},
		"the chain was hashed anew up to the mark": {
			[]string{"UPDATE journal_chain SET hash = prev WHERE seq = 10"}, 10, "changed: it is not the row",
		},
		"the chain was cut below the mark": {
			[]string{"DELETE FROM journal_chain WHERE seq > 8", "DELETE FROM journal_row WHERE serial > 8"}, 10, "dropped",
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bench) {
				b.fill(t, 20)
				b.drain(t)
				mark, bad, err := b.VerifyTail(ctxT(), journal.Mark{}, 10)
				if err != nil || bad != nil || mark.Seq != 10 {
					t.Fatalf("before: %+v %v %v", mark, bad, err)
				}
				tamper(t, b.db, c.stmts...)
				after, bad, err := b.VerifyTail(ctxT(), mark, 100)
				if err != nil || len(bad) == 0 || bad[0].Seq != c.seq || !strings.HasPrefix(bad[0].Why, c.why) {
					t.Fatalf("%v %v, want row %d %q", bad, err, c.seq, c.why)
				}
				if after != mark {
					t.Errorf("the mark moved to %+v over bad rows", after)
				}
			})
		})
	}
}
