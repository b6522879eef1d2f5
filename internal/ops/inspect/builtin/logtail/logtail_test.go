package logtail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"taxops/internal/ops/inspect/builtin/logtail"
)

// log is a log that a test writes and looks at.
type log struct {
	t     *testing.T
	path  string
	mark  logtail.Mark
	known bool
	o     logtail.Options
}

func newLog(t *testing.T) *log { return &log{t: t, path: filepath.Join(t.TempDir(), "app.log")} }

func (l *log) add(text string) {
	l.t.Helper()
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) do(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *log) look() ([]string, logtail.Seen) {
	l.t.Helper()
	var lines []string
	seen, err := logtail.Follow(context.Background(), l.path, l.mark, l.known, l.o, func(b []byte) { lines = append(lines, string(b)) })
	if err != nil {
		l.t.Fatal(err)
	}
	again, ok := logtail.ParseMark(seen.Mark.String())
	if !ok || again.String() != seen.Mark.String() {
		l.t.Fatalf("mark %q is not read back", seen.Mark)
	}
	l.mark, l.known = again, true
	return lines, seen
}

func (l *log) wants(want ...string) logtail.Seen {
	l.t.Helper()
	got, seen := l.look()
	if !slices.Equal(got, want) {
		l.t.Errorf("lines %q, want %q", got, want)
	}
	return seen
}

func TestFollow(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.add("old\n")
	if seen := l.wants(); !seen.First {
		t.Error("the first look does not say so")
	}
	l.add("a\r\nb\nhal")
	l.wants("a", "b")
	l.add("f\nc\n")
	l.wants("half", "c")
	l.wants()
}

func TestFirstLookBeginsAtALine(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.o.First = 5
	l.add("first\nsecond\nthird\n")
	l.wants() // "hird\n" is no line of its own
	l = newLog(t)
	l.o.First = 100
	l.add("first\nsecond\n")
	l.wants("first", "second")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	for name, rotate := range map[string]func(l *log){
		"renamed": func(l *log) { l.do(os.Rename(l.path, l.path+".1")) },
		"dated":   func(l *log) { l.do(os.Rename(l.path, strings.TrimSuffix(l.path, ".log")+"-2026-11-24.log")) },
		"copied and emptied": func(l *log) {
			b, err := os.ReadFile(l.path)
			l.do(err)
			l.do(os.WriteFile(l.path+".1", b, 0o600))
			l.do(os.Truncate(l.path, 0))
		},
		"compressed": func(l *log) {
			b, err := os.ReadFile(l.path)
			l.do(err)
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, err = w.Write(b)
			l.do(errors.Join(err, w.Close(), os.WriteFile(l.path+".1.gz", z.Bytes(), 0o600), os.Remove(l.path)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t)
			l.add("2026-11-24 one\n")
			l.wants()
			l.add("two\nno end")
			rotate(l)
			l.add("2026-11-25 three\n")
			if seen := l.wants("two", "no end", "2026-11-25 three"); seen.Gap {
				t.Error("a gap is told of, and nothing was missed")
			}
			l.add("four\n")
			l.wants("four")
			// A long log that replaces a short one is not taken for its continuation.
			rotate(l)
			l.add(strings.Repeat("another beginning\n", 100))
			if got, _ := l.look(); len(got) != 100 {
				t.Errorf("%d lines after the second rotation, want 100", len(got))
			}
		})
	}
}

func TestWhatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.add("one\n")
	l.wants()
	l.do(os.Remove(l.path))
	l.add("other\n")
	if seen := l.wants("other"); !seen.Gap {
		t.Error("the lost rest is not told of")
	}
	// Emptied without a copy.
	l.do(os.Truncate(l.path, 0))
	l.add("x\n")
	if seen := l.wants("x"); !seen.Gap {
		t.Error("emptied: the lost rest is not told of")
	}
}

func TestAnEmptyLogThatIsReplacedLosesNothing(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.add("")
	l.wants()
	l.do(os.Remove(l.path))
	l.add("first\n")
	if seen := l.wants("first"); seen.Gap {
		t.Error("nothing was lost")
	}
}

func TestFilesWithTheDateInTheirName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := &log{t: t, path: filepath.Join(dir, "out.2026-11-*.txt")}
	day := func(n int, text string, age time.Duration) {
		path := filepath.Join(dir, fmt.Sprintf("out.2026-11-%02d.txt", n))
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		l.do(err)
		_, err = f.WriteString(text)
		l.do(errors.Join(err, f.Close(), os.Chtimes(path, time.Time{}, time.Now().Add(-age))))
	}
	day(23, "old\n", 3*time.Hour)
	l.wants()
	day(23, "a\n", 3*time.Hour)
	day(24, "b\n", 2*time.Hour)
	day(25, "c\n", time.Hour)
	if seen := l.wants("a", "b", "c"); !strings.HasSuffix(seen.Path, "25.txt") {
		t.Errorf("the file that is written now is %s", seen.Path)
	}
	day(25, "d\n", 0)
	l.wants("d")
}

// TestSeveralFilesAtTheSameTime follows the logs of two programs by one pattern: the one that is not the
// newest any more is neither forgotten nor read again.
func TestSeveralFilesAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := &log{t: t, path: filepath.Join(dir, "*/app.log")}
	n := 0
	write := func(node, text string) {
		n++
		path := filepath.Join(dir, node, "app.log")
		l.do(os.MkdirAll(filepath.Dir(path), 0o700))
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		l.do(err)
		_, err = f.WriteString(text)
		at := time.Unix(1_000_000+int64(n), 0)
		l.do(errors.Join(err, f.Close(), os.Chtimes(path, at, at)))
	}
	write("one", "old\n")
	write("two", "OLD\n")
	l.wants()
	write("two", "B1\n")
	write("one", "a1\n")
	l.wants("B1", "a1")
	write("two", "B2\n")
	l.wants("B2")
	write("one", "a2\n")
	l.wants("a2")
	write("three", "new node\n")
	l.wants("new node")
	l.do(os.Remove(filepath.Join(dir, "one", "app.log"))) // not the newest: it was deleted for its age
	write("two", "B3\n")
	if seen := l.wants("B3"); seen.Gap {
		t.Error("a gap is told of")
	}
	l.wants()
	// The mark of many files stays small, and the newest keep their places.
	for i := range 60 {
		write(fmt.Sprintf("node-with-a-long-name-%02d", i), "begin\n")
	}
	l.look()
	if size := len(l.mark.String()); size > 4000 {
		t.Errorf("the mark has %d bytes", size)
	}
	write("node-with-a-long-name-59", "more\n")
	l.wants("more")
}

func TestHugeLinesAndHugeLogs(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	l.o = logtail.Options{MaxLine: 10, MaxBytes: 1 << 20}
	l.add("x\n")
	l.wants()
	l.add(strings.Repeat("y", 200_000) + "\nshort\n")
	if seen := l.wants("yyyyyyyyyy", "short"); seen.Cut != 1 {
		t.Errorf("%d lines cut, want 1", seen.Cut)
	}
	l.o.MaxBytes = 10
	l.add("0123456789\nabcdefgh\nend\n")
	if seen := l.wants("end"); seen.Skipped != 14 {
		t.Errorf("%d bytes skipped, want 14", seen.Skipped)
	}
	// A line that never ends does not hold the log for ever.
	l.o = logtail.Options{MaxLine: 10}
	l.add(strings.Repeat("z", 1000))
	l.wants()
	l.add("\nafter\n")
	if got, _ := l.look(); got[len(got)-1] != "after" {
		t.Errorf("got %q", got)
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/nowhere/app.log", "/nowhere/*.log"} {
		if _, err := logtail.Follow(t.Context(), path, logtail.Mark{}, false, logtail.Options{}, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, ok := logtail.ParseMark("nonsense"); ok {
		t.Error("nonsense is a mark")
	}
}

// TestEveryLineOnce writes, rotates and looks in any order: every line is given once, in order.
func TestEveryLineOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "log")
		if err != nil {
			rt.Fatal(err)
		}
		l := &log{t: t, path: filepath.Join(dir, "app.log")}
		l.add("start\n")
		l.wants()
		var want, got []string
		n, rotations := 0, 0
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0, 1:
				n++
				line := fmt.Sprintf("line %d of the log", n)
				l.add(line + "\n")
				want = append(want, line)
			case 2:
				lines, seen := l.look()
				if seen.Gap {
					rt.Fatal("a gap")
				}
				got, rotations = append(got, lines...), 0
			case 3:
				// logrotate keeps names in order; the time of the last change orders what a look finds.
				rotations++
				for i := rotations + 5; i >= 1; i-- {
					if err := os.Rename(fmt.Sprintf("%s.%d", l.path, i), fmt.Sprintf("%s.%d", l.path, i+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
						rt.Fatal(err)
					}
				}
				l.do(os.Rename(l.path, l.path+".1"))
				l.do(os.Chtimes(l.path+".1", time.Time{}, time.Unix(int64(1_000_000+n*1000+rotations), 0)))
				n++
				line := fmt.Sprintf("line %d begins a file", n)
				l.add(line + "\n")
				want = append(want, line)
			}
		}
		lines, _ := l.look()
		if got = append(got, lines...); !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
	})
}
