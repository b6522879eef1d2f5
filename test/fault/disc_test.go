package fault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"taxops/internal/kernel/store"
	"taxops/test/program"
)

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(to, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(p, 0o600)
	}); err != nil {
		t.Fatal(err)
	}
}

var setupToken = regexp.MustCompile(`token=([A-Za-z0-9_-]+)`)

// setUp tries to make the first account and returns the status and the problem's code.
func setUp(ctx context.Context, t *testing.T, p *program.Process) (int, string) {
	t.Helper()
	m := setupToken.FindStringSubmatch(p.Output())
	if m == nil {
		return 0, ""
	}
	body, err := json.Marshal(map[string]string{"token": m[1], "login": "admin", "display_name": "管理员", "password": "Correct-Horse-7-Battery"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/api/v1/access/setup", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close() //nolint:errcheck // read only
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	var problem struct{ Code string }
	_ = json.Unmarshal(raw, &problem)
	return res.StatusCode, problem.Code
}

// TestDiscFull runs the program on a small file system of its own, which the kernel takes away with
// the process, and fills it.
func TestDiscFull(t *testing.T) {
	dir := t.TempDir()
	unshare := []string{"-m"}
	if os.Geteuid() != 0 {
		unshare = []string{"-r", "-m"}
	}
	wrapper := filepath.Join(t.TempDir(), "taxops-on-a-small-disc")
	script := fmt.Sprintf("#!/bin/sh\nexec unshare %s %s sh -c 'mount -t tmpfs -o size=24m,mode=700 small %s && exec \"$0\" \"$@\"' %s \"$@\"\n",
		unshare[0], joined(unshare[1:]), dir, binary)
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), wrapper, "--version").CombinedOutput(); err != nil {
		t.Fatalf("a file system for the test cannot be mounted (run the tests as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1): %v\n%s", err, out)
	}
	p := program.Start(t, program.Options{Binary: wrapper, Data: dir, Env: []string{"TAXOPS_LOG_LEVEL=error"}})
	if err := p.Until(time.Minute, func(ctx context.Context) bool {
		return program.Status(ctx, p.URL+"/readyz") == 200 && setupToken.MatchString(p.Output())
	}); err != nil {
		t.Fatal(err)
	}
	inside := fmt.Sprintf("/proc/%d/root%s", p.PID(), dir)
	filler := filepath.Join(inside, "filler")
	fill := func() {
		f, err := os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return
		}
		defer f.Close()                                          //nolint:errcheck // it is full on purpose
		for _, size := range []int{1 << 20, 64 << 10, 4 << 10} { // until not even a page fits
			for block := make([]byte, size); ; {
				if _, err := f.Write(block); err != nil {
					break
				}
			}
		}
	}
	if err := p.Until(time.Minute, func(ctx context.Context) bool {
		fill() // the program frees and takes a few pages while it works
		status, code := setUp(ctx, t, p)
		if status == 200 {
			t.Fatal("the account was made on a disc that was meant to be full")
		}
		return status == http.StatusInsufficientStorage && code == "storage_full"
	}); err != nil {
		t.Fatalf("a full disc is not named: %v", err)
	}
	if got := program.Status(t.Context(), p.URL+"/healthz"); got != 200 {
		t.Errorf("/healthz: %d on a full disc", got)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := p.Until(time.Minute, func(ctx context.Context) bool {
		status, _ := setUp(ctx, t, p)
		return status == 200
	}); err != nil {
		t.Fatalf("it does not go on once there is room: %v", err)
	}
	// A copy of the data directory as it is now, looked at outside: whole in every respect.
	s := &site{Options: program.Options{Binary: binary}}
	if err := p.Until(2*time.Minute, func(ctx context.Context) bool {
		s.Data = filepath.Join(t.TempDir(), "copy")
		copyStopped(t, p.PID(), inside, s.Data)
		db, err := store.Open(ctx, store.Options{URL: s.Data + "/taxops.db"})
		if err != nil {
			return false
		}
		s.db = db
		if s.count(ctx, "SELECT count(*) FROM inspect_round WHERE state = 'running'") == 0 &&
			s.count(ctx, "SELECT count(*) FROM inspect_round") > 0 {
			return true
		}
		return db.Close() != nil
	}); err != nil {
		t.Fatalf("the round was not brought to its end: %v", err)
	}
	s.whole(t)
	if err := s.db.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop: %v\n%s", err, p.Output())
	}
}

func joined(words []string) string {
	out := ""
	for _, w := range words {
		out += w + " "
	}
	return out
}

// copyStopped copies a data directory while its process stands still: all files are of one moment.
// (SQLite follows /proc/PID/root out of the mount namespace, so it cannot open the files in place.)
func copyStopped(t *testing.T, pid int, from, to string) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}()
	copyFolder(t, from, to)
}
