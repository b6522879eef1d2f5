package builtin

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

func TestHelpersAreFewAndFixed(t *testing.T) {
	t.Parallel()
	for name, paths := range helperPaths {
		for _, p := range paths {
			if !filepath.IsAbs(p) || filepath.Clean(p) != p {
				t.Errorf("%s is looked for at %q", name, p)
			}
		}
	}
	if _, err := runHelper(t.Context(), "sh", "-c", "true"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not on the list: %v", err)
	}
}

func TestHelperAnswers(t *testing.T) {
	t.Parallel()
	s, err := execHelper(t.Context(), "sh", "/bin/sh", []string{"-c", "echo out; echo err >&2; echo \"$LC_ALL $USER\"; exit 3"})
	if err != nil || s.code != 3 || string(s.out) != "out\nC \nerr\n" {
		t.Errorf("%q, code %d, %v", s.out, s.code, err)
	}
	s, err = execHelper(t.Context(), "sh", "/bin/sh", []string{"-c", "yes | head -c 20000000"})
	if err != nil || len(s.out) != maxHelperOutput {
		t.Errorf("%d bytes, %v", len(s.out), err)
	}
}

// TestHelperEndsInTime starts a helper whose child holds its output: neither may be waited for, neither stays.
func TestHelperEndsInTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	_, err := execHelper(ctx, "sh", "/bin/sh", []string{"-c", "sleep 300 & echo $! > " + dir + "/pid; wait"})
	if !isTimeout(err) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	pid, err := os.ReadFile(dir + "/pid")
	if err != nil {
		t.Fatal(err)
	}
	// Killed; a moment passes until its new parent has taken note.
	for state := "?"; state != "" && state != "Z"; state = processState(trimmed("/proc", strings.TrimSpace(string(pid)), "stat")) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("the helper's child lives on (%s)", state)
		}
	}
}

func TestAskSaysWhyThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	for _, tt := range []struct {
		err    error
		reason probe.Reason
	}{{fs.ErrNotExist, probe.ReasonNoSource}, {fs.ErrPermission, probe.ReasonDenied}, {context.DeadlineExceeded, probe.ReasonTimeout}, {errors.New("broken"), "helper_failed"}} {
		h.helper = func(context.Context, string, ...string) (said, error) { return said{}, tt.err }
		_, r := h.ask(t.Context(), "某物", "pkg", "tool")
		if r == nil || r.State != probe.Unknown || r.Reason != tt.reason || !strings.Contains(r.Summary, "tool") {
			t.Errorf("%v: %+v", tt.err, r)
		}
	}
}
