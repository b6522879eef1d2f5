package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

// Whatever is written, rolled back, erased and closed in whatever order: the journal verifies, an
// export of it verifies, erased texts are gone and all others are as they were written.
func TestAnyHistoryVerifies(t *testing.T) {
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			b := newBench(t, d)
			type said struct{ person, text string }
			texts := map[string]said{} // by row id
			erased := map[string]bool{}
			opened := map[string]string{}
			j := b.open(t, b.db, journal.Subscription{Name: "test.reader", Types: []string{"test.thing.made"}, Handle: func(_ context.Context, _ *store.Tx, r journal.Row) error {
				if text, ok := r.Private["note"]; ok {
					opened[r.ID] = text
				}
				return nil
			}})
			stop := errors.New("rolled back")
			run := 0
			rapid.Check(t, func(rt *rapid.T) {
				run++
				person := rapid.Custom(func(rt *rapid.T) string { return fmt.Sprintf("r%d-p%d", run, rapid.IntRange(0, 3).Draw(rt, "person")) })
				for range rapid.IntRange(1, 12).Draw(rt, "transactions") {
					type op struct {
						id   string
						said said
					}
					var done []op
					rollback := rapid.IntRange(0, 4).Draw(rt, "rollback") == 0
					n := rapid.IntRange(0, 3).Draw(rt, "rows")
					entries := make([]journal.Entry, n)
					says := make([]said, n)
					for i := range entries {
						entries[i] = journal.Entry{Type: "test.thing.made", Fields: map[string]any{"n": rapid.Int64().Draw(rt, "n"), "extra": rapid.OneOf(
							rapid.Just[any](nil), rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.Float64Range(-1e300, 1e300), func(f float64) any { return f }),
							rapid.Map(rapid.MapOf(rapid.StringN(1, 3, -1), rapid.Bool()), func(m map[string]bool) any { return m }),
						).Draw(rt, "extra")}}
						if rapid.Bool().Draw(rt, "private") {
							says[i] = said{person.Draw(rt, "whose"), rapid.String().Draw(rt, "text")}
							entries[i].Fields["note"] = journal.Personal{Person: says[i].person, Text: says[i].text}
						}
					}
					erase := ""
					if rapid.IntRange(0, 5).Draw(rt, "erase") == 0 {
						erase = person.Draw(rt, "erased")
					}
					err := b.db.Write(ctxT(), func(ctx context.Context, tx *store.Tx) error {
						done = nil
						for i, e := range entries {
							id, err := j.Append(ctx, tx, e)
							if err != nil {
								return err
							}
							done = append(done, op{id, says[i]})
						}
						if erase != "" {
							if err := j.Erase(ctx, tx, erase); err != nil {
								return err
							}
						}
						if rollback {
							return stop
						}
						return nil
					})
					if rollback != errors.Is(err, stop) || !rollback && err != nil {
						rt.Fatal(err)
					}
					if rollback {
						continue
					}
					for _, o := range done {
						if o.said.person != "" && !erased[o.said.person] {
							texts[o.id] = o.said
						}
					}
					if erase != "" {
						erased[erase] = true
					}
					if rapid.IntRange(0, 9).Draw(rt, "midnight") == 0 {
						b.clock.Step(24 * time.Hour)
						if err := j.CloseSegments(ctxT()); err != nil {
							rt.Fatal(err)
						}
					}
				}
				if err := j.Drain(ctxT()); err != nil {
					rt.Fatal(err)
				}
				rep, err := j.Verify(ctxT(), nil)
				if err != nil || !rep.OK || rep.Pending != 0 {
					rt.Fatalf("verify: %+v, %v", rep, err)
				}
				for id, s := range texts {
					if got := opened[id]; !erased[s.person] && got != s.text {
						rt.Fatalf("text of %s: %q, want %q", id, got, s.text)
					}
				}
				var out bytes.Buffer
				if err := j.Export(ctxT(), &out); err != nil {
					rt.Fatal(err)
				}
				for _, s := range texts {
					if len(s.text) > 12 && strings.Contains(out.String(), s.text) {
						rt.Fatalf("the export holds a private text %q", s.text)
					}
				}
				rep, err = journal.VerifyExport(ctxT(), &out, journal.ExportOptions{Fingerprint: b.ring.Signer().Fingerprint()})
				if err != nil || !rep.OK {
					rt.Fatalf("export: %+v, %v", rep, err)
				}
			})
		})
	}
}

// Any one byte of a row's line that is changed is noticed.
func TestAnyFlippedByteOfAnExportIsFound(t *testing.T) {
	b := newBench(t, store.SQLite)
	b.fill(t, 4)
	b.clock.Step(25 * time.Hour)
	closeDue(t, b)
	lines := exported(t, b)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, len(lines)-1).Draw(rt, "line")
		line := []byte(lines[n])
		at := rapid.IntRange(0, len(line)-2).Draw(rt, "byte") // not the end of the line
		old := line[at]
		line[at] ^= byte(1 << rapid.IntRange(0, 6).Draw(rt, "bit"))
		if strings.EqualFold(string(old), string(line[at])) {
			return // hexadecimal digits and names of fields may be written large
		}
		changed := append([]string(nil), lines...)
		changed[n] = string(line)
		rep, err := journal.VerifyExport(ctxT(), strings.NewReader(strings.Join(changed, "")), journal.ExportOptions{})
		if err != nil {
			rt.Fatal(err)
		}
		if rep.OK {
			rt.Fatalf("line %d, byte %d: %q for %q was not noticed", n, at, line[at], old)
		}
	})
}

func FuzzVerifyExport(f *testing.F) {
	b := newBench(f, store.SQLite)
	b.fill(f, 3)
	b.clock.Step(25 * time.Hour)
	if err := b.CloseSegments(ctxT()); err != nil {
		f.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.Export(ctxT(), &out); err != nil {
		f.Fatal(err)
	}
	whole := out.String()
	f.Add([]byte(whole))
	f.Add([]byte(whole[:len(whole)/2]))
	f.Add([]byte(strings.ReplaceAll(whole, `"seq":3`, `"seq":4503599627370495`)))
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"head":{"v":1,"kind":"taxops.journal.export","seq":9},"signature":""}` + "\n" + `{"seq":1}` + "\n\n" + `{"seq":-1}`))
	print := b.ring.Signer().Fingerprint()
	f.Fuzz(func(t *testing.T, in []byte) {
		rep, err := journal.VerifyExport(ctxT(), bytes.NewReader(in), journal.ExportOptions{Fingerprint: print})
		if err == nil && rep.OK != (len(rep.Bad) == 0) {
			t.Errorf("ok %v with %d bad", rep.OK, len(rep.Bad))
		}
		// Nobody makes another export that verifies under the installation's key, except by writing the same
		// one in other words: then it has the same head.
		if err == nil && rep.OK && !strings.Contains(whole, rep.Head) {
			t.Errorf("a forged export verifies: %q", in)
		}
	})
}
