package builtin

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"taxops/internal/kernel/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree writes files below a new directory and returns a host that reads them.
func tree(t *testing.T, files map[string]string) host {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := newHost(Deps{
		Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys"),
		Dev: filepath.Join(root, "dev"), VarLog: filepath.Join(root, "log"), Root: root,
	})
	h.helper = helperMissing
	return h
}

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// target makes a target of a kind at a fixed time; memory may be nil.
func target(t *testing.T, b probe.Builtin, params map[string]any, memory probe.Memory, now time.Time) probe.Target {
	t.Helper()
	tg, err := b.NewTarget(params, nil, memory, nil, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return tg
}

var at = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func run(t *testing.T, b probe.Builtin, params map[string]any, memory probe.Memory) probe.Result {
	t.Helper()
	return titled(t, b.Kind, b.Run(t.Context(), target(t, b, params, memory, at)))
}

// titled checks that whatever a check recorded has a name for people, the values without a threshold too.
func titled(t *testing.T, kind string, r probe.Result) probe.Result {
	t.Helper()
	for _, p := range r.Perf {
		if _, _, ok := probe.MetricTitle(probe.MetricOf(p.Label)); !ok {
			t.Errorf("%s: %q is recorded and has no title in probe.Metrics", kind, p.Label)
		}
	}
	return r
}

// wants checks state, reason and that the summary says each of the words.
func wants(t *testing.T, r probe.Result, s probe.State, reason probe.Reason, words ...string) {
	t.Helper()
	if r.State != s || r.Reason != reason {
		t.Errorf("%s %q, want %s %q: %s", r.State, r.Reason, s, reason, r.Summary)
	}
	for _, w := range words {
		if !strings.Contains(r.Summary, w) {
			t.Errorf("summary does not say %q: %s", w, r.Summary)
		}
	}
}

func value(t *testing.T, r probe.Result, label string) float64 {
	t.Helper()
	for _, p := range r.Perf {
		if p.Label == label {
			return p.Value
		}
	}
	t.Errorf("no value %q in %v", label, r.Perf)
	return 0
}

// says is a helper that answers to one name with the same words each time.
func says(t *testing.T, name string, out []byte, code int) helper {
	t.Helper()
	return func(_ context.Context, asked string, args ...string) (said, error) {
		if asked != name {
			return said{}, fmt.Errorf("%s: %w", asked, fs.ErrNotExist)
		}
		return said{out: out, code: code}, nil
	}
}

// answers is a helper that answers by its whole command line.
func answers(table map[string]said) helper {
	return func(_ context.Context, name string, args ...string) (said, error) {
		line := strings.Join(append([]string{name}, args...), " ")
		if s, ok := table[line]; ok {
			return s, nil
		}
		return said{}, fmt.Errorf("%s: %w", line, fs.ErrNotExist)
	}
}

func helperMissing(_ context.Context, name string, _ ...string) (said, error) {
	return said{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}
