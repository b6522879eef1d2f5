package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

// tamper works on the tables as somebody with the database's password would.
func tamper(t *testing.T, db *store.DB, stmts ...string) {
	t.Helper()
	if db.Dialect() == store.Postgres {
		for _, table := range []string{"journal_row", "journal_chain", "journal_private", "journal_segment", "journal_person"} {
			stmts = slices.Insert(stmts, 0, "ALTER TABLE "+table+" DISABLE TRIGGER USER")
		}
	} else {
		rows, err := db.Read().QueryContext(ctxT(), `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'journal%'`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			stmts = slices.Insert(stmts, 0, "DROP TRIGGER "+name)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range stmts {
		if _, err := db.SQL().ExecContext(ctxT(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func named(rep journal.Report, seq int64, why string) bool {
	return slices.ContainsFunc(rep.Bad, func(b journal.Bad) bool { return b.Seq == seq && strings.HasPrefix(b.Why, why) })
}

func seqs(rep journal.Report) []int64 {
	var out []int64
	for _, b := range rep.Bad {
		if !slices.Contains(out, b.Seq) {
			out = append(out, b.Seq)
		}
	}
	return out
}

// move puts chain rows elsewhere: seq → seq, by way of numbers that are free.
func move(pairs ...[2]int) []string {
	var out []string
	for _, p := range pairs {
		out = append(out, fmt.Sprintf("UPDATE journal_chain SET seq = %d WHERE seq = %d", 100000+p[1], p[0]))
	}
	for _, p := range pairs {
		out = append(out, fmt.Sprintf("UPDATE journal_chain SET seq = %d WHERE seq = %d", p[1], 100000+p[1]))
	}
	return out
}

func shift(from, to, by int) []string {
	var pairs [][2]int
	for n := from; n <= to; n++ {
		pairs = append(pairs, [2]int{n, n + by})
	}
	return move(pairs...)
}

func TestVerifyNamesEachKindOfTampering(t *testing.T) {
	const last = 20
	type want struct {
		seq int64
		why string
	}
	for _, c := range []struct {
		name  string
		stmts []string
		want  []want
		only  []int64 // the numbers named, when no others may be
	}{
		{"changed record", []string{"UPDATE journal_row SET bytes = (SELECT bytes FROM journal_row WHERE serial = 3) WHERE serial = 7"},
			[]want{{7, "changed"}}, []int64{7}},
		{"changed copy", []string{"UPDATE journal_chain SET actor_id = 'nobody' WHERE seq = 7"}, []want{{7, "changed: what it is found by"}}, []int64{7}},
		{"changed hash", []string{"UPDATE journal_chain SET hash = prev WHERE seq = 7"}, []want{{7, "changed"}}, []int64{7}},
		{"changed prev", []string{"UPDATE journal_chain SET prev = hash WHERE seq = 7"}, []want{{7, "changed"}}, []int64{7}},
		{"dropped", []string{"DELETE FROM journal_chain WHERE seq = 7", "DELETE FROM journal_row WHERE serial = 7"}, []want{{7, "dropped"}}, []int64{7}},
		{"dropped record", []string{"DELETE FROM journal_row WHERE serial = 7"}, []want{{7, "dropped: its record"}}, []int64{7}},
		{"dropped several", []string{"DELETE FROM journal_chain WHERE seq IN (7, 8, 12)", "DELETE FROM journal_row WHERE serial IN (7, 8, 12)"},
			[]want{{7, "dropped"}, {8, "dropped"}, {12, "dropped"}}, []int64{7, 8, 12}},
		{"dropped and numbered anew", append([]string{"DELETE FROM journal_chain WHERE seq = 7", "DELETE FROM journal_row WHERE serial = 7"}, shift(8, last, -1)...),
			[]want{{7, "it does not follow row 6"}, {last, "cut"}}, nil},
		{"inserted and numbered anew", append(shift(8, last, 1),
			"INSERT INTO journal_row (bytes) SELECT bytes FROM journal_row WHERE serial = 3",
			"INSERT INTO journal_chain SELECT 8, (SELECT max(serial) FROM journal_row), prev, hash, "+newID+", type, at, actor_id, subject_kind, subject_id, area_path, system_id FROM journal_chain WHERE seq = 3"),
			[]want{{8, "inserted"}}, nil},
		{"inserted outside the chain", []string{"INSERT INTO journal_row (bytes) SELECT bytes FROM journal_row WHERE serial = 3"},
			[]want{{0, "inserted or dropped: the record"}}, []int64{0}},
		{"swapped records", []string{"UPDATE journal_chain SET row = 1000 WHERE seq = 5", "UPDATE journal_chain SET row = 5 WHERE seq = 9", "UPDATE journal_chain SET row = 9 WHERE seq = 5"},
			[]want{{5, "swapped: it holds the record of row 9"}, {9, "swapped: it holds the record of row 5"}}, []int64{5, 9}},
		{"swapped rows", move([2]int{5, 9}, [2]int{9, 5}), []want{{5, "swapped: it belongs after row 8"}, {9, "swapped: it belongs after row 4"}}, []int64{5, 9}},
		{"swapped neighbours", move([2]int{5, 6}, [2]int{6, 5}), []want{{5, "swapped"}, {6, "swapped"}}, []int64{5, 6}},
		{"swapped first and last", move([2]int{1, last}, [2]int{last, 1}), []want{{1, "swapped"}, {last, "swapped"}}, nil},
		{"cut", []string{"DELETE FROM journal_chain WHERE seq > 17", "DELETE FROM journal_row WHERE serial > 17"},
			[]want{{18, "cut"}, {19, "cut"}, {20, "cut"}}, []int64{18, 19, 20}},
		{"changed private text", []string{"UPDATE journal_private SET sealed = (SELECT sealed FROM journal_private WHERE serial = 4) WHERE serial = 8"},
			[]want{{8, "changed: its private text"}}, []int64{8}},
		{"dropped private text", []string{"DELETE FROM journal_private WHERE serial = 8"}, []want{{8, "dropped: its private text"}}, []int64{8}},
		{"key destroyed unrecorded", []string{"UPDATE journal_person SET wrapped = NULL WHERE person = 'p'"}, []want{{0, "the personal key of p"}}, []int64{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *bench) {
				for i := range last {
					e := made(i)
					if i%4 == 3 {
						e.Fields["note"] = journal.Personal{Person: "p", Text: fmt.Sprint("text ", i)}
					}
					b.write(t, e)
				}
				b.drain(t)
				if err := b.CopyHead(ctxT()); err != nil {
					t.Fatal(err)
				}
				if rep := b.verify(t); !rep.OK || rep.Rows != last {
					t.Fatalf("before: %+v", rep)
				}
				stmts := slices.Clone(c.stmts)
				for i, s := range stmts {
					id := "'00000000-0000-7000-8000-000000000001'"
					if b.db.Dialect() == store.Postgres {
						id += "::uuid"
					}
					stmts[i] = strings.ReplaceAll(s, newID, id)
				}
				tamper(t, b.db, stmts...)
				rep := b.verify(t)
				if rep.OK {
					t.Fatal("not found")
				}
				for _, w := range c.want {
					if !named(rep, w.seq, w.why) {
						t.Errorf("row %d is not named as %q: %+v", w.seq, w.why, rep.Bad)
					}
				}
				if c.only != nil && !slices.Equal(seqs(rep), c.only) {
					t.Errorf("named %v, want %v: %+v", seqs(rep), c.only, rep.Bad)
				}
			})
		})
	}
}

const newID = "{{id}}"

// A tail that was cut and written over is found by the head that was signed before.
func TestVerifyFindsARewrittenTail(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 10)
		if err := b.CopyHead(ctxT()); err != nil {
			t.Fatal(err)
		}
		tamper(t, b.db, "DELETE FROM journal_chain WHERE seq > 8", "DELETE FROM journal_row WHERE serial > 8")
		b.fill(t, 2)
		if rep := b.verify(t); !named(rep, 10, "changed: the chain up to this row") {
			t.Fatalf("report: %+v", rep)
		}
		if err := b.CopyHead(ctxT()); err == nil {
			t.Error("the copy of the head was written over")
		}
	})
}

func exported(t *testing.T, b *bench) []string {
	t.Helper()
	var out bytes.Buffer
	if err := b.Export(ctxT(), &out); err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func check(t *testing.T, lines []string, o journal.ExportOptions) journal.Report {
	t.Helper()
	rep, err := journal.VerifyExport(ctxT(), strings.NewReader(strings.Join(lines, "")), o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestVerifyExportNamesEachKindOfTampering(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 12)
		b.clock.Step(25 * time.Hour)
		if err := b.CloseSegments(ctxT()); err != nil { // rows 1 to 12
			t.Fatal(err)
		}
		b.drain(t) // row 13 tells of it
		b.fill(t, 5)
		whole := exported(t, b)
		if len(whole) != 19 {
			t.Fatalf("%d lines, want the head and 18 rows", len(whole))
		}
		o := journal.ExportOptions{Fingerprint: strings.ToUpper(b.ring.Signer().Fingerprint())}
		if rep := check(t, whole, o); !rep.OK || rep.Rows != 18 {
			t.Fatalf("untouched: %+v", rep)
		}
		b.drain(t)
		last := exported(t, b)
		stranger := ring(t)
		for _, c := range []struct {
			name string
			edit func(l []string) []string // l[n] is row n
			seq  int64
			why  string
			only []int64
		}{
			{"changed", func(l []string) []string { l[7] = strings.Replace(l[7], `"n":6`, `"n":66`, 1); return l }, 7, "changed", []int64{7}},
			{"changed after the segment", func(l []string) []string { l[15] = strings.Replace(l[15], `"n":1`, `"n":66`, 1); return l }, 15, "changed", []int64{15}},
			{"changed proof", func(l []string) []string { l[7] = strings.Replace(l[7], `"proof":["`, `"proof":["00`, 1); return l }, 7, "changed: its proof", []int64{7}},
			{"dropped", func(l []string) []string { return slices.Delete(l, 7, 8) }, 7, "dropped", []int64{7}},
			{"dropped two", func(l []string) []string { return slices.Delete(l, 7, 9) }, 8, "dropped", []int64{7, 8}},
			{"dropped first", func(l []string) []string { return slices.Delete(l, 1, 2) }, 1, "dropped", []int64{1}},
			{"inserted again", func(l []string) []string { return slices.Insert(l, 7, l[7]) }, 7, "inserted", []int64{7}},
			{"inserted beside", func(l []string) []string {
				return slices.Insert(l, 8, strings.Replace(l[3], `"seq":3,`, `"seq":7,`, 1))
			}, 7, "inserted", []int64{7}},
			{"inserted at the end", func(l []string) []string {
				return append(l, "\n"+strings.Replace(l[3], `"seq":3,`, `"seq":19,`, 1))
			}, 19, "inserted", nil},
			{"swapped neighbours", func(l []string) []string { l[7], l[8] = l[8], l[7]; return l }, 8, "swapped", []int64{8}},
			{"swapped", func(l []string) []string { l[5], l[9] = l[9], l[5]; return l }, 9, "swapped", []int64{5, 9}},
			{"swapped records", func(l []string) []string {
				a, z := recordOf(l[5]), recordOf(l[9])
				l[5], l[9] = strings.Replace(l[5], a, z, 1), strings.Replace(l[9], z, a, 1)
				return l
			}, 5, "swapped: it holds the record of row 9", []int64{5, 9}},
			{"cut", func(l []string) []string { return l[:17] }, 17, "cut", []int64{17, 18}},
			{"cut to the head", func(l []string) []string { return l[:1] }, 1, "cut", nil},
			{"broken line", func(l []string) []string { l[7] = l[7][:40] + "\n"; return l }, 7, "", []int64{7}},
			{"head of another export", func(l []string) []string { l[0] = last[0]; return l }, 19, "cut", []int64{19}},
			{"changed head", func(l []string) []string { l[0] = strings.Replace(l[0], `"seq":18`, `"seq":17`, 1); return l }, 0, "changed: the signature", nil},
			{"another key", func(l []string) []string {
				l[0] = strings.Replace(l[0], strings.Trim(quote(b.ring.Signer().PublicKeyPEM()), `"`), strings.Trim(quote(stranger.Signer().PublicKeyPEM()), `"`), 1)
				return l
			}, 0, "the export is signed by another key", nil},
		} {
			t.Run(c.name, func(t *testing.T) {
				rep := check(t, c.edit(slices.Clone(whole)), o)
				if rep.OK || !named(rep, c.seq, c.why) {
					t.Fatalf("row %d is not named as %q: %+v", c.seq, c.why, rep.Bad)
				}
				if c.only != nil && !slices.Equal(seqs(rep), c.only) {
					t.Errorf("named %v, want %v: %+v", seqs(rep), c.only, rep.Bad)
				}
			})
		}
	})
}

func quote(s string) string { return strings.ReplaceAll(fmt.Sprintf("%q", s), "\\u", "\\u") }

func recordOf(line string) string {
	from := strings.Index(line, `"record":`) + len(`"record":`)
	depth := 0
	for i := from; i < len(line); i++ {
		switch line[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return line[from : i+1]
			}
		}
	}
	return ""
}

// Whoever holds the database can make a journal that fits together; the key it is signed with is another.
func TestForgedJournalHasAnotherKey(t *testing.T) {
	b := newBench(t, store.SQLite)
	b.fill(t, 3)
	lines := exported(t, b)
	if rep := check(t, lines, journal.ExportOptions{Fingerprint: ring(t).Signer().Fingerprint()}); rep.OK || !named(rep, 0, "the export is signed by another key") {
		t.Fatalf("report: %+v", rep)
	}
	if rep := check(t, lines, journal.ExportOptions{}); !rep.OK || rep.Fingerprint != b.ring.Signer().Fingerprint() {
		t.Fatalf("report: %+v", rep)
	}
}

func TestDamagedCopiesAreNamed(t *testing.T) {
	b := newBench(t, store.SQLite)
	b.fill(t, 3)
	if err := b.CopyHead(ctxT()); err != nil {
		t.Fatal(err)
	}
	// Another installation's copies lie in the folder.
	other, err := secret.OpenRing(ctxT(), secret.Config{File: t.TempDir() + "/r"})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: b.db, Ring: b.ring, Sealer: other.Signer(), SegmentDir: b.dir, Clock: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := j.Verify(context.Background(), nil)
	if err != nil || !named(rep, 0, "the copy head.json is damaged or not signed") {
		t.Fatalf("report: %+v, %v", rep, err)
	}
}
