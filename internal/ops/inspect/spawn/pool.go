package spawn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Config says how programs run.
type Config struct {
	// Seats is how many run at the same time; 0 means 8.
	Seats int
	// Idle is how long a seat without work stays; 0 means 1 min.
	Idle   time.Duration
	Limits Limits
	Log    *slog.Logger
	// Identity is who programs run as; the zero value means WhoRuns.
	Identity Identity

	old bool // see setup.Old
}

// Spawner runs programs. Nothing is started before the first run. It is safe for concurrent use.
type Spawner struct {
	cfg    Config
	turns  chan struct{}
	stop   chan struct{}
	lost   atomic.Int64
	mu     sync.Mutex
	closed bool
	proc   *process
	idle   []*chair
	busy   map[*chair]bool
	dir    string
	group  group
	number uint64
	wait   sync.WaitGroup
}

// New makes a spawner.
func New(c Config) *Spawner {
	if c.Seats <= 0 {
		c.Seats = 8
	}
	if c.Idle <= 0 {
		c.Idle = time.Minute
	}
	c.Limits = c.Limits.filled()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Identity == (Identity{}) {
		c.Identity = WhoRuns()
	}
	return &Spawner{cfg: c, turns: make(chan struct{}, c.Seats), stop: make(chan struct{}), busy: map[*chair]bool{}}
}

// Lost counts the runs of which nobody knows the outcome because a seat or the spawner died.
func (s *Spawner) Lost() int64 { return s.lost.Load() }

// process is one life of the spawner process.
type process struct {
	cmd  *os.Process
	conn *net.UnixConn
}

// chair is the server's side of a seat.
type chair struct {
	conn  *net.UnixConn
	of    *process
	seq   uint64
	buf   []byte
	since time.Time // idle since
}

// Run runs one program and waits for its end. An error means that nobody knows what the program said:
// ErrLost, the caller's own context, or a command that no program could be started from. When ctx ends,
// the program is ended at once.
func (s *Spawner) Run(ctx context.Context, c Command) (Outcome, error) {
	if err := c.check(); err != nil {
		return Outcome{}, err
	}
	select {
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("wait for a seat: %w", ctx.Err())
	case s.turns <- struct{}{}:
	}
	defer func() { <-s.turns }()
	ch, err := s.take()
	if err != nil {
		return Outcome{}, err
	}
	out, err := ch.run(ctx, &c)
	if err != nil || out.Stuck {
		s.drop(ch)
		if errors.Is(err, ErrLost) {
			s.lost.Add(1)
			s.cfg.Log.WarnContext(ctx, "the outcome of a program is lost", "program", c.Path, "error", err)
		}
		return out, err
	}
	s.give(ch)
	return out, nil
}

// run hands a command to a seat and waits for what becomes of it.
func (c *chair) run(ctx context.Context, cmd *Command) (Outcome, error) {
	c.seq++
	seq := c.seq
	var err error
	c.buf, err = appendFrame(c.buf[:0], request{
		Seq: seq, Path: cmd.Path, Args: cmd.Args, Env: cmd.Env, HasScript: cmd.Script != nil,
		TimeoutMS: cmd.timeout().Milliseconds(), Memory: cmd.MemoryBytes, Processes: cmd.Processes,
	}, cmd.Script)
	if err != nil {
		return Outcome{}, err
	}
	limit := cmd.timeout() + Ending + 5*time.Second
	if err := c.conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return Outcome{}, fmt.Errorf("%w: %w", ErrLost, err)
	}
	if _, err := c.conn.Write(c.buf); err != nil {
		return Outcome{}, fmt.Errorf("%w: %w", ErrLost, err)
	}
	cancel := context.AfterFunc(ctx, func() {
		b, err := appendFrame(nil, request{Seq: seq, Cancel: true})
		if err == nil {
			_, _ = c.conn.Write(b) // a seat that is gone is noticed below
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(Ending))
	})
	var r response
	body, err := readFrame(c.conn, &r)
	uncancelled := cancel()
	if err != nil {
		return Outcome{}, fmt.Errorf("%w: %w", ErrLost, err)
	}
	if r.Seq != seq || r.Out > len(body) {
		return Outcome{}, fmt.Errorf("%w: %w", ErrLost, errFrame)
	}
	out := Outcome{
		Ended: r.Ended, Exit: r.Exit, Signal: r.Signal, Stdout: body[:r.Out:r.Out], Stderr: body[r.Out:],
		StdoutCut: r.OutCut, StderrCut: r.ErrCut, Detail: r.Detail, Took: time.Duration(r.TookUS) * time.Microsecond,
		CPU: time.Duration(r.CPUUS) * time.Microsecond, MaxRSS: r.MaxRSS, Survivors: r.Survivors, Stuck: r.Stuck,
	}
	if !uncancelled {
		// The message to cancel may still be on its way through this socket: the seat is not used again.
		_ = c.conn.Close()
		return out, fmt.Errorf("run of a program: %w", ctx.Err())
	}
	return out, nil
}

// take returns a seat that is free, or starts one.
func (s *Spawner) take() (*chair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("%w: programs are not run any more", ErrLost)
	}
	c, err := s.find()
	if err == nil {
		s.busy[c] = true
	}
	return c, err
}

func (s *Spawner) find() (*chair, error) {
	for len(s.idle) > 0 {
		c := s.idle[len(s.idle)-1]
		s.idle = s.idle[:len(s.idle)-1]
		if c.of == s.proc && c.alive() {
			return c, nil
		}
		_ = c.conn.Close()
	}
	if s.proc == nil {
		p, err := s.launch()
		if err != nil {
			return nil, err
		}
		s.proc = p
	}
	c, err := s.seat(s.proc)
	if err == nil {
		return c, nil
	}
	// The spawner may have died without anybody noticing yet: once more with a new one.
	_ = s.proc.conn.Close()
	p, lerr := s.launch()
	if lerr != nil {
		return nil, errors.Join(err, lerr)
	}
	s.proc = p
	return s.seat(p)
}

// alive reports whether the other side of a seat that has nothing to say is still there.
func (c *chair) alive() bool {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	if err := raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}}
		n, err := unix.Poll(fds, 0)
		ok = err == nil && n == 0
	}); err != nil {
		return false
	}
	return ok
}

// give puts a seat back.
func (s *Spawner) give(c *chair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, c)
	if s.closed || c.of != s.proc {
		_ = c.conn.Close()
		return
	}
	c.since = time.Now()
	s.idle = append(s.idle, c)
}

// drop lets a seat go, which ends what it runs.
func (s *Spawner) drop(c *chair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, c)
	_ = c.conn.Close() // may be closed already
}

// launch starts the spawner process.
func (s *Spawner) launch() (*process, error) {
	fail := func(err error) (*process, error) { return nil, fmt.Errorf("start the spawner: %w", err) }
	if s.dir == "" {
		dir, err := workplace(s.cfg.Identity)
		if err != nil {
			return fail(err)
		}
		s.dir = dir
		if s.group = ownGroup("/proc"); s.group.dir != "" {
			if err := s.group.open(); err != nil {
				s.group = group{why: err.Error()}
			}
		}
		s.wait.Go(s.retire)
	}
	here, there, err := pair()
	if err != nil {
		return fail(err)
	}
	defer there.Close() //nolint:errcheck // the child has its own
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fail(errors.Join(err, here.Close()))
	}
	defer null.Close() //nolint:errcheck // the child has its own
	p, err := os.StartProcess("/proc/self/exe", childArgs(roleSpawner, s.dir), &os.ProcAttr{
		Dir: "/", Env: childEnv(), Files: []*os.File{null, null, os.Stderr, there},
		Sys: &syscall.SysProcAttr{Setsid: true}, // the terminal's interrupt is for the server
	})
	if err != nil {
		return fail(errors.Join(err, here.Close()))
	}
	started := &process{cmd: p, conn: here}
	s.wait.Go(func() { s.mourn(started) })
	return started, nil
}

// mourn waits for the end of a spawner process, after which the next run starts another.
func (s *Spawner) mourn(p *process) {
	state, err := p.cmd.Wait()
	_ = p.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != p {
		return
	}
	s.proc = nil
	if !s.closed {
		s.cfg.Log.Warn("the spawner died; the next check starts another", "state", state, "error", err)
	}
}

// seat has a spawner start a seat and sets it up.
func (s *Spawner) seat(p *process) (*chair, error) {
	here, there, err := pair()
	if err != nil {
		return nil, fmt.Errorf("start a seat: %w", err)
	}
	fail := func(err error) (*chair, error) {
		return nil, fmt.Errorf("%w: start a seat: %w", ErrLost, errors.Join(err, here.Close()))
	}
	_, _, err = p.conn.WriteMsgUnix([]byte{1}, unix.UnixRights(int(there.Fd())), nil)
	if err = errors.Join(err, there.Close()); err != nil {
		return fail(err)
	}
	s.number++
	set := setup{
		UID: s.cfg.Identity.UID, GID: s.cfg.Identity.GID, Change: s.cfg.Identity.Changed,
		Dir: s.dir, Limits: s.cfg.Limits, Old: s.cfg.old,
	}
	if s.group.dir != "" {
		if set.Cgroup, err = s.group.seat(s.number, s.cfg.Limits); err != nil {
			s.cfg.Log.Warn("memory of programs is watched, not limited", "error", err)
			s.group = group{why: err.Error()}
		}
	}
	buf, err := appendFrame(nil, set)
	if err == nil {
		err = here.SetDeadline(time.Now().Add(20 * time.Second))
	}
	if err == nil {
		_, err = here.Write(buf)
	}
	if err != nil {
		return fail(err)
	}
	var said ready
	if _, err := readFrame(here, &said); err != nil {
		return fail(err)
	}
	if said.Error != "" {
		return fail(errors.New(said.Error))
	}
	return &chair{conn: here, of: p}, nil
}

// pair makes a pair of connected sockets; there is the end for a child.
func pair() (here *net.UnixConn, there *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("pair of sockets: %w", err)
	}
	there = os.NewFile(uintptr(fds[1]), "there")
	f := os.NewFile(uintptr(fds[0]), "here")
	c, err := net.FileConn(f)
	err = errors.Join(err, f.Close())
	u, ok := c.(*net.UnixConn)
	if err != nil || !ok {
		return nil, nil, fmt.Errorf("pair of sockets: %w", errors.Join(err, there.Close()))
	}
	return u, there, nil
}

// retire lets seats go that had no work for a while, and removes the folder at the end.
func (s *Spawner) retire() {
	t := time.NewTicker(max(s.cfg.Idle/4, time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
		}
		s.mu.Lock()
		keep := s.idle[:0]
		for _, c := range s.idle { // the longest idle first
			if time.Since(c.since) < s.cfg.Idle {
				keep = append(keep, c)
			} else {
				_ = c.conn.Close()
			}
		}
		clear(s.idle[len(keep):])
		s.idle = keep
		s.mu.Unlock()
	}
}

// Close ends what runs and everything that was started for it. Runs in flight are lost.
func (s *Spawner) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.stop)
	for _, c := range s.idle {
		_ = c.conn.Close()
	}
	s.idle = nil
	for c := range s.busy {
		_ = c.conn.Close()
	}
	if s.proc != nil {
		_ = s.proc.conn.Close() // seats leave with their sockets, the spawner after them
	}
	dir := s.dir
	s.mu.Unlock()
	s.wait.Wait()
	if dir == "" {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("folder of programs: %w", err)
	}
	return nil
}

// Health says how programs are held in their sandbox, for the doctor and for reports.
type Health struct {
	Identity Identity
	Memory   string // "cgroup" or "watch"
	Why      string // why not by cgroup
}

// Look finds out how programs would be held on this host; nothing is started.
func Look() Health {
	h := Health{Identity: WhoRuns(), Memory: "cgroup"}
	if g := ownGroup("/proc"); g.dir == "" {
		h.Memory, h.Why = "watch", g.why
	}
	return h
}
