package spawn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"taxops/internal/ops/inspect/spawn"
)

func TestMain(m *testing.M) {
	if code, is := spawn.Child(os.Args); is {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

func newSpawner(t *testing.T, c spawn.Config) *spawn.Spawner {
	t.Helper()
	s := spawn.New(c)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func sh(script string, timeout time.Duration) spawn.Command {
	return spawn.Command{Path: "/bin/sh", Args: []string{"-c", script}, Timeout: timeout}
}

// processes returns the processes below this one, with how they were called, without those of the
// spawner itself.
func processes(t *testing.T) []string {
	t.Helper()
	var out []string
	var walk func(pid int)
	walk = func(pid int) {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			b, err := os.ReadFile(task)
			if err != nil {
				continue
			}
			for _, f := range strings.Fields(string(b)) {
				child, err := strconv.Atoi(f)
				if err != nil {
					continue
				}
				line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
				if err != nil {
					continue
				}
				if cmd := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " ")); cmd != "" && !strings.HasPrefix(cmd, "taxops-check ") {
					out = append(out, fmt.Sprintf("%d %s", child, cmd))
				}
				walk(child)
			}
		}
	}
	walk(os.Getpid())
	return out
}

// anywhere finds processes that carry a mark in their environment or arguments, wherever they hang.
func anywhere(mark string) []string {
	var out []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		line, err := os.ReadFile(d + "/cmdline")
		if err == nil && strings.Contains(string(line), mark) {
			out = append(out, filepath.Base(d)+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return out
}

func openFiles(t *testing.T) []string {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && !strings.Contains(to, "/proc/") && !strings.HasPrefix(to, "anon_inode") {
			kind, _, _ := strings.Cut(to, ":")
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

// openIn counts the open files of a process.
func openIn(t *testing.T, pid int) int {
	t.Helper()
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

type hostile struct {
	name   string
	script string
	// within is when the run must be over; timeout is what it was given.
	timeout, within time.Duration
	check           func(o spawn.Outcome) string // what is wrong, "" for nothing
	mark            string
}

func ended(want spawn.Ended) func(o spawn.Outcome) string {
	return func(o spawn.Outcome) string {
		if o.Ended != want {
			return fmt.Sprintf("ended by %s, want %s", o.Ended, want)
		}
		return ""
	}
}

func hostiles() []hostile {
	const second = time.Second
	return []hostile{
		{name: "hangs", script: "exec sleep 1000.125", timeout: second / 5, within: 3 * second, check: ended(spawn.TimedOut), mark: "1000.125"},
		{name: "fork bomb", script: "exec perl -e 'fork while 1' 1000.25", timeout: 10 * second, within: 8 * second, check: ended(spawn.OverTree), mark: "1000.25"},
		{name: "fork bomb of shells", script: "b() { b | b & }; b; sleep 0.5; : 1000.3", timeout: 10 * second, within: 8 * second, mark: "1000.3", check: func(o spawn.Outcome) string {
			if o.Ended == spawn.TimedOut || o.Stuck { // it may choke on its own limit before
				return fmt.Sprintf("ended by %s, stuck %v", o.Ended, o.Stuck)
			}
			return ""
		}},
		{name: "floods stdout", script: "exec yes 0123456789", timeout: 20 * second, within: 15 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Flooded || !o.StdoutCut || len(o.Stdout) != spawn.MaxStdout || !strings.HasPrefix(string(o.Stdout), "0123456789\n") {
				return fmt.Sprintf("%s, cut %v, %d bytes", o.Ended, o.StdoutCut, len(o.Stdout))
			}
			return ""
		}},
		{name: "floods stderr", script: "yes >&2 & yes >&2", timeout: 20 * second, within: 15 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Flooded || !o.StderrCut || len(o.Stderr) != spawn.MaxStderr || o.StdoutCut {
				return fmt.Sprintf("%s, cut %v, %d bytes", o.Ended, o.StderrCut, len(o.Stderr))
			}
			return ""
		}},
		{name: "prints nothing", script: "exit 0", timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Exited || o.Exit != 0 || len(o.Stdout)+len(o.Stderr) != 0 {
				return fmt.Sprintf("%+v", o)
			}
			return ""
		}},
		{name: "dies by a signal", script: "echo before; kill -SEGV $$", timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Signalled || o.Signal != int(syscall.SIGSEGV) || string(o.Stdout) != "before\n" {
				return fmt.Sprintf("%+v", o)
			}
			return ""
		}},
		{name: "ignores TERM", script: "trap '' TERM; while :; do sleep 1000.375; done", timeout: second / 5, within: spawn.Ending + 2*second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.TimedOut || o.Signal != int(syscall.SIGKILL) || o.Took < spawn.Grace {
				return fmt.Sprintf("%s by signal %d after %v", o.Ended, o.Signal, o.Took)
			}
			return ""
		}, mark: "1000.375"},
		{name: "goes into its own session", script: "setsid sleep 1000.5 & echo away", timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Exited || o.Survivors == 0 || string(o.Stdout) != "away\n" {
				return fmt.Sprintf("%+v", o)
			}
			return ""
		}, mark: "1000.5"},
		{name: "double fork", script: "(setsid sh -c '(setsid sh -c \"sleep 1000.625; :\" &) ' &) ; sleep 0.2; echo done", timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Exited || o.Survivors == 0 || string(o.Stdout) != "done\n" {
				return fmt.Sprintf("%+v", o)
			}
			return ""
		}, mark: "1000.625"},
		{name: "grandchild holds stdout", script: "sleep 1000.75 & echo said; exit 1", timeout: 20 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Exited || o.Exit != 1 || string(o.Stdout) != "said\n" || o.Survivors == 0 {
				return fmt.Sprintf("%+v", o)
			}
			return ""
		}, mark: "1000.75"},
		{name: "exit 7", script: "echo seven; exit 7", timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Exited || o.Exit != 7 {
				return fmt.Sprintf("%+v", o)
			}
			return ""
		}},
		{name: "invalid UTF-8", script: `printf '\377\376\200 ok\n'`, timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if string(o.Stdout) != "\xff\xfe\x80 ok\n" {
				return fmt.Sprintf("%q", o.Stdout)
			}
			return ""
		}},
		{name: "one huge line", script: "head -c 1000000 /dev/zero | tr '\\0' x", timeout: 10 * second, within: 10 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Exited || o.Exit != 0 || !o.StdoutCut || len(o.Stdout) != spawn.MaxStdout {
				return fmt.Sprintf("%s %d, cut %v, %d bytes", o.Ended, o.Exit, o.StdoutCut, len(o.Stdout))
			}
			return ""
		}},
		{name: "eats memory", script: "exec tail /dev/zero", timeout: 20 * second, within: 15 * second, check: ended(spawn.OverMemory)},
		{name: "writes a big file", script: "head -c 3000000 /dev/zero > big; echo $?; ls -l big", timeout: 10 * second, within: 10 * second, check: func(o spawn.Outcome) string {
			if o.Ended != spawn.Exited || strings.HasPrefix(string(o.Stdout), "0\n") || !strings.Contains(string(o.Stdout), " 1048576 ") {
				return fmt.Sprintf("%s %q %q", o.Ended, o.Stdout, o.Stderr)
			}
			return ""
		}},
		{name: "leaves a mess", script: "mkdir -p a/b; chmod 000 a; touch x; chmod 000 .; echo made", timeout: 5 * second, within: 5 * second, check: ended(spawn.Exited)},
		{name: "finds the mess of another", script: "ls -A | wc -l; stat -c %a .", timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if string(o.Stdout) != "0\n700\n" {
				return fmt.Sprintf("%q %q", o.Stdout, o.Stderr)
			}
			return ""
		}},
		{name: "kills its parent", script: "kill -9 $PPID 2>/dev/null; echo tried", timeout: 5 * second, within: 5 * second, check: nil},
		{name: "stops itself", script: "kill -STOP $$; echo never", timeout: second / 5, within: 8 * second, check: ended(spawn.TimedOut)},
		{name: "looks around", script: "env | cut -d= -f1 | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l; umask; grep NoNewPrivs /proc/self/status", timeout: 5 * second, within: 5 * second, check: func(o spawn.Outcome) string {
			if want := "HOME LANG LC_ALL PATH PWD TMPDIR 4\n0077\nNoNewPrivs:\t1\n"; string(o.Stdout) != want {
				return fmt.Sprintf("%q, want %q", o.Stdout, want)
			}
			return ""
		}},
	}
}

// TestHostilePrograms runs what programs do to those who run them, as the server's own user.
func TestHostilePrograms(t *testing.T) { holds(t, sandbox(t), hostiles()) }

// TestOldKernels: what the sandbox falls back on must hold as well.
func TestOldKernels(t *testing.T) {
	var some []hostile
	for _, h := range hostiles() {
		if h.timeout > time.Second && h.name != "floods stderr" || h.name == "hangs" {
			some = append(some, h)
		}
	}
	holds(t, sandbox(t).OnAnOldKernel(), some)
}

func sandbox(t *testing.T) spawn.Config {
	return spawn.Config{Seats: 2, Limits: spawn.Limits{MemoryBytes: 256 << 20, FileBytes: 1 << 20, UserTasks: userTasks(t)}}
}

func holds(t *testing.T, c spawn.Config, programs []hostile) {
	before := openFiles(t)
	s := spawn.New(c)
	if _, err := s.Run(t.Context(), sh(":", time.Second)); err != nil {
		t.Fatal(err)
	}
	fresh := openIn(t, pidOf(t, "seat"))
	for _, h := range programs {
		t.Run(h.name, func(t *testing.T) {
			began := time.Now()
			out, err := s.Run(t.Context(), sh(h.script, h.timeout))
			took := time.Since(began)
			switch {
			case h.check == nil:
				// Who runs as the server may end what holds it; the run is lost, and nothing else is.
				if os.Geteuid() == 0 && (err != nil || string(out.Stdout) != "tried\n") {
					t.Errorf("a program of another user ended its seat: %v", err)
				}
				if err != nil && !errors.Is(err, spawn.ErrLost) {
					t.Error(err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if wrong := h.check(out); wrong != "" {
					t.Error(wrong)
				}
			}
			if took > h.within {
				t.Errorf("took %v, at most %v", took, h.within)
			}
			if left := processes(t); len(left) > 0 {
				t.Errorf("still there: %q", left)
			}
			if h.mark != "" {
				if left := anywhere(h.mark); len(left) > 0 {
					t.Errorf("escaped: %q", left)
				}
			}
		})
	}
	// The sandbox is as good as new.
	out, err := s.Run(t.Context(), sh("echo fine", 5*time.Second))
	if err != nil || string(out.Stdout) != "fine\n" {
		t.Errorf("afterwards: %+v, %v", out, err)
	}
	if n := openIn(t, pidOf(t, "seat")); n != fresh {
		t.Errorf("a seat had %d open files, has %d", fresh, n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if after := openFiles(t); !slices.Equal(before, after) {
		t.Errorf("open before %q, after %q", before, after)
	}
	if left, _ := filepath.Glob("/run/taxops-check-*/*"); len(left) > 0 {
		t.Logf("folders of others: %q", left)
	}
}

// userTasks leaves room for what the user of the test runs besides, when it runs as the same user.
func userTasks(t *testing.T) uint64 {
	t.Helper()
	if os.Geteuid() == 0 {
		return 200
	}
	n := uint64(0)
	statuses, _ := filepath.Glob("/proc/[0-9]*/task/*")
	for _, d := range statuses {
		if st, err := os.Stat(d); err == nil && st.Sys().(*syscall.Stat_t).Uid == uint32(os.Geteuid()) {
			n++
		}
	}
	return n + 200
}

// TestWithoutRoot runs the hostile programs again as a user that cannot become another.
func TestWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		return // the test above did that
	}
	dir := t.TempDir()
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	exe := filepath.Join(dir, "spawn.test")
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, b, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", "^(TestHostilePrograms|TestArguments|TestScript|TestDeaths)$", "-test.count=1")
	const somebody = 64321 // has no account and nothing else runs as it
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: somebody, Gid: somebody}}
	cmd.Env, cmd.Dir = []string{"PATH=/usr/bin:/bin"}, "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

func TestArguments(t *testing.T) {
	s := newSpawner(t, spawn.Config{Seats: 1})
	odd := []string{"a b", "$(id)", "`id`", "; rm -rf /", "", "税 务", "-n", "'\"\\", "*"}
	out, err := s.Run(t.Context(), spawn.Command{
		Path: "/usr/bin/printf", Args: append([]string{"[%s]"}, odd...), Env: []string{"X=1"},
	})
	if want := "[" + strings.Join(odd, "][") + "]"; err != nil || string(out.Stdout) != want {
		t.Errorf("%q, %v, want %q", out.Stdout, err, want)
	}
	for _, bad := range []spawn.Command{
		{Path: "sh"}, {Path: "/bin/../bin/sh"}, {Path: "/bin/sh", Args: []string{"a\x00b"}},
		{Path: "/bin/sh", Args: []string{strings.Repeat("x", 200<<10)}}, {Path: "/bin/sh", Script: make([]byte, 2<<20)},
	} {
		if _, err := s.Run(t.Context(), bad); err == nil {
			t.Errorf("%.40q was run", bad.Path)
		}
	}
	out, err = s.Run(t.Context(), spawn.Command{Path: "/nowhere/check"})
	if err != nil || out.Ended != spawn.NotStarted || !strings.Contains(out.Detail, "no such file") {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestScript(t *testing.T) {
	s := newSpawner(t, spawn.Config{Seats: 1})
	text := "echo hello \"$1\"\nif (echo x >> \"$0\") 2>/dev/null; then echo written; fi\n"
	out, err := s.Run(t.Context(), spawn.Command{Path: "/bin/sh", Args: []string{spawn.ScriptPath, "the world"}, Script: []byte(text)})
	if err != nil || string(out.Stdout) != "hello the world\n" {
		t.Errorf("%q %q %v", out.Stdout, out.Stderr, err)
	}
}

func TestCancel(t *testing.T) {
	s := newSpawner(t, spawn.Config{Seats: 1})
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	time.AfterFunc(100*time.Millisecond, cancel)
	out, err := s.Run(ctx, sh("sleep 1000.875", 20*time.Second))
	if !errors.Is(err, context.Canceled) || time.Since(began) > 3*time.Second {
		t.Errorf("%+v, %v after %v", out, err, time.Since(began))
	}
	if left := anywhere("1000.875"); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
	if out, err := s.Run(t.Context(), sh("echo next", time.Second)); err != nil || string(out.Stdout) != "next\n" {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestDeaths kills the processes between the server and a program that tried to get away.
func TestDeaths(t *testing.T) {
	for _, who := range []string{"seat", "spawner"} {
		t.Run(who, func(t *testing.T) {
			s := newSpawner(t, spawn.Config{Seats: 1})
			if _, err := s.Run(t.Context(), sh(":", time.Second)); err != nil {
				t.Fatal(err)
			}
			mark := "1001." + strconv.Itoa(os.Getpid())
			result := make(chan error, 1)
			go func() {
				_, err := s.Run(t.Context(), sh("setsid sleep "+mark+" & wait", 60*time.Second))
				result <- err
			}()
			waitFor(t, "the program", func() bool { return len(anywhere("\x00"+mark)) > 0 })
			pid := pidOf(t, who)
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := <-result; !errors.Is(err, spawn.ErrLost) {
				t.Errorf("the run says %v", err)
			}
			waitFor(t, "the end of what escaped", func() bool { return len(anywhere(mark)) == 0 })
			if out, err := s.Run(t.Context(), sh("echo again", 5*time.Second)); err != nil || string(out.Stdout) != "again\n" {
				t.Errorf("the next run: %+v, %v", out, err)
			}
			if s.Lost() != 1 {
				t.Errorf("%d lost, want 1", s.Lost())
			}
		})
	}
}

func pidOf(t *testing.T, role string) int {
	t.Helper()
	var found []int
	var walk func(pid int)
	walk = func(pid int) {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			for _, f := range strings.Fields(string(b)) {
				child, _ := strconv.Atoi(f)
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
				if args := strings.Split(string(line), "\x00"); len(args) > 2 && args[0] == "taxops-check" && args[2] == role {
					found = append(found, child)
				}
				walk(child)
			}
		}
	}
	walk(os.Getpid())
	if len(found) != 1 {
		t.Fatalf("%d processes are a %s", len(found), role)
	}
	return found[0]
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	over := time.After(15 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestServerKilled: a server that has no chance to tidy up leaves nothing behind.
func TestServerKilled(t *testing.T) {
	mark := "1002." + strconv.Itoa(os.Getpid())
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestServes$")
	cmd.Env = append(os.Environ(), "SPAWN_TEST_MARK="+mark)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the program", func() bool { return len(anywhere("\x00"+mark)) > 0 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("was not killed")
	}
	waitFor(t, "the end of all", func() bool {
		return len(anywhere(mark)) == 0
	})
}

// TestServes is the server that TestServerKilled kills.
func TestServes(t *testing.T) {
	mark := os.Getenv("SPAWN_TEST_MARK")
	if mark == "" {
		return
	}
	s := newSpawner(t, spawn.Config{Seats: 1})
	_, err := s.Run(t.Context(), sh("setsid sleep "+mark+" & wait", 60*time.Second))
	t.Error("came to its end:", err)
}

func TestManyAtOnce(t *testing.T) {
	s := newSpawner(t, spawn.Config{Seats: 4, Idle: 50 * time.Millisecond})
	errs := make(chan error)
	const runs = 40
	for i := range runs {
		go func() {
			out, err := s.Run(t.Context(), sh("echo "+strconv.Itoa(i), 10*time.Second))
			if err == nil && string(out.Stdout) != strconv.Itoa(i)+"\n" {
				err = fmt.Errorf("run %d said %q", i, out.Stdout)
			}
			errs <- err
		}()
	}
	for range runs {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	waitFor(t, "idle seats to leave", func() bool { return len(anywhere(" seat"))+countSeats() == 0 })
	if out, err := s.Run(t.Context(), sh("echo back", time.Second)); err != nil || string(out.Stdout) != "back\n" {
		t.Errorf("%+v, %v", out, err)
	}
}

// countSeats counts the seats below this process.
func countSeats() (n int) {
	children := func(pid int) (out []int) {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			for _, f := range strings.Fields(string(b)) {
				c, _ := strconv.Atoi(f)
				out = append(out, c)
			}
		}
		return out
	}
	for _, spawner := range children(os.Getpid()) {
		n += len(children(spawner))
	}
	return n
}
