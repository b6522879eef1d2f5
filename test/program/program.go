// Package program builds and runs the real program for tests and benchmarks that need a process: to
// kill it, to measure it, to watch it stop.
package program

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Build builds cmd/taxops into a temporary folder and returns the binary.
func Build(tb testing.TB) string {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "taxops")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-o", out, "taxops/cmd/taxops")
	if b, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build: %v\n%s", err, b)
	}
	return out
}

// Options say how to run it.
type Options struct {
	Binary string
	Data   string   // data directory
	Env    []string // further TAXOPS_ variables
}

// Process is one running server.
type Process struct {
	tb   testing.TB
	cmd  *exec.Cmd
	done chan error
	// URL is where the console answers.
	URL string

	mu  sync.Mutex
	out strings.Builder
}

// Port finds a free port on loopback.
func Port(tb testing.TB) int {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it is free again
	return l.Addr().(*net.TCPAddr).Port
}

// Start starts `taxops serve` on a free port of loopback and does not wait for it.
func Start(tb testing.TB, o Options) *Process {
	tb.Helper()
	listen := "127.0.0.1:" + strconv.Itoa(Port(tb))
	cmd := exec.Command(o.Binary, "serve", "--data", o.Data, "--listen", listen) //nolint:noctx // it is killed on purpose
	cmd.Env = append(os.Environ(), o.Env...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	p := &Process{tb: tb, cmd: cmd, done: make(chan error, 1), URL: "http://" + listen}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadString('\n')
			p.mu.Lock()
			p.out.WriteString(line)
			p.mu.Unlock()
			if err != nil {
				break
			}
		}
		p.done <- cmd.Wait()
	}()
	tb.Cleanup(func() { _ = p.Kill() })
	return p
}

// Output is what the process has printed so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// PID is the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill kills it as a power cut would (SIGKILL) and waits.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.wait(10 * time.Second)
}

// Stop asks it to stop (SIGTERM) and fails when it does not end well.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("SIGTERM: %w", err)
	}
	return p.wait(40 * time.Second)
}

func (p *Process) wait(limit time.Duration) error {
	select {
	case err := <-p.done:
		p.done <- err // a second wait ends at once
		return err
	case <-time.After(limit):
		return fmt.Errorf("process %d did not end within %s", p.PID(), limit)
	}
}

// Ready waits until /readyz answers 200.
func (p *Process) Ready(limit time.Duration) error {
	return p.Until(limit, func(ctx context.Context) bool {
		return Status(ctx, p.URL+"/readyz") == http.StatusOK
	})
}

// Until calls f every few milliseconds until it is true, the process has ended, or the limit is over.
func (p *Process) Until(limit time.Duration, f func(ctx context.Context) bool) error {
	ctx, cancel := context.WithTimeout(p.tb.Context(), limit)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for !f(ctx) {
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("the process ended: %w\n%s", err, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("not within %s\n%s", limit, p.Output())
		case <-tick.C:
		}
	}
	return nil
}

// Status returns the HTTP status of a GET, 0 when nothing answers.
func Status(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()               //nolint:errcheck // read only
	_, _ = io.Copy(io.Discard, res.Body) // so that the connection is used again
	return res.StatusCode
}

// RSS is the resident memory of a process in bytes.
func RSS(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("memory of process %d: %q", pid, b)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	return pages * int64(os.Getpagesize()), nil
}
