package spawn

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// watchEvery is how often the tree of a program is looked at, after two looks that come sooner: most
// programs are gone by then.
const (
	firstWatch = 25 * time.Millisecond
	watchEvery = 250 * time.Millisecond
	// sweepFor is how long the end of a tree may take.
	sweepFor = 2 * time.Second
	// noPidfd is how often a kernel that cannot tell the end of a process is asked for it.
	noPidfd = 5 * time.Millisecond
)

// stream is one output of a program.
type stream struct {
	fd   int
	kept []byte
	most int
	seen int // bytes that came, kept or not
}

// drain reads what lies ready; false once the other end is closed or of no use any more.
func (st *stream) drain(scratch []byte) bool {
	for st.seen <= flood {
		n, err := unix.Read(st.fd, scratch)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return true
		case err != nil || n == 0:
			return false
		}
		st.seen += n
		if room := st.most - len(st.kept); room > 0 {
			st.kept = append(st.kept, scratch[:min(n, room)]...)
		}
		if n < len(scratch) {
			return true // most likely nothing more: poll knows
		}
	}
	return true
}

func (st *stream) cut() bool { return st.seen > len(st.kept) }

func (st *stream) close() {
	if st.fd >= 0 {
		_ = unix.Close(st.fd) // reading is over
		st.fd = -1
	}
}

// running is a program on its way.
type running struct {
	*seat
	pid, pidfd int
	out, err   stream
	began      time.Time
	done       bool
	status     unix.WaitStatus
	usage      unix.Rusage
	took       time.Duration
	ended      Ended // why it is being ended, "" while nobody wants that
	oomBefore  int64
	request    *request
}

// run runs one program and ends all that it started.
func (s *seat) run(r *request, text []byte) (response, [][]byte) {
	failed := func(err error) (response, [][]byte) {
		return response{Seq: r.Seq, Ended: NotStarted, Detail: err.Error()}, nil
	}
	p := &running{seat: s, pidfd: -1, began: time.Now(), request: r, out: stream{most: MaxStdout, fd: -1}, err: stream{most: MaxStderr, fd: -1}}
	defer p.out.close()
	defer p.err.close()
	script := -1
	if r.HasScript {
		var err error
		if script, err = s.script(text); err != nil {
			return failed(err)
		}
		defer unix.Close(script) //nolint:errcheck // read only
	}
	var outs, errs [2]int
	if err := unix.Pipe2(outs[:], unix.O_CLOEXEC); err != nil {
		return failed(err)
	}
	p.out.fd = outs[0]
	if err := unix.Pipe2(errs[:], unix.O_CLOEXEC); err != nil {
		_ = unix.Close(outs[1])
		return failed(err)
	}
	p.err.fd = errs[0]
	_ = unix.SetNonblock(p.out.fd, true) // of a pipe just made
	_ = unix.SetNonblock(p.err.fd, true)
	p.oomBefore = oomKills(s.Cgroup, s.cgroup)
	var err error
	p.pid, p.pidfd, err = s.start(r, script, outs[1], errs[1])
	_ = unix.Close(outs[1])
	_ = unix.Close(errs[1])
	if err != nil {
		return failed(err)
	}
	p.limitCPU()
	p.follow()
	if p.pidfd >= 0 {
		_ = unix.Close(p.pidfd)
	}
	resp := p.finish()
	s.tidy()
	return resp, [][]byte{p.out.kept, p.err.kept}
}

func (r *request) timeout() time.Duration { return time.Duration(r.TimeoutMS) * time.Millisecond }

// limitCPU lets a program compute for no longer than it may run: what gets away from everybody still
// ends by itself.
func (p *running) limitCPU() {
	seconds := uint64((p.request.timeout() + Grace).Seconds()) + 1
	l := unix.Rlimit{Cur: seconds, Max: seconds + 1}
	_ = unix.Prlimit(p.pid, unix.RLIMIT_CPU, &l, nil) // gone already
}

// follow reads the output until the program itself is gone or has to go.
func (p *running) follow() {
	outOpen, errOpen := true, true
	deadline := p.began.Add(p.request.timeout())
	watch := p.began.Add(firstWatch)
	every := firstWatch
	for !p.done {
		now := time.Now()
		if !now.Before(deadline) {
			if p.ended != "" {
				return // it had its grace
			}
			p.ended = TimedOut
			_ = unix.Kill(-p.pid, unix.SIGTERM)
			_ = unix.Kill(-p.pid, unix.SIGCONT) // what is stopped hears nothing
			deadline = now.Add(Grace)
		}
		if !now.Before(watch) {
			if !p.watch() {
				return
			}
			every = min(2*every, watchEvery)
			watch = now.Add(every)
		}
		wait := min(deadline.Sub(now), watch.Sub(now))
		if p.pidfd < 0 {
			wait = min(wait, noPidfd)
		}
		fds := p.polled[:2]
		fds[0] = unix.PollFd{Fd: seatSocket, Events: unix.POLLIN}
		fds[1] = unix.PollFd{Fd: seatLife, Events: unix.POLLIN}
		outAt, errAt, pidAt := -1, -1, -1
		add := func(fd int) int {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			return len(fds) - 1
		}
		if outOpen {
			outAt = add(p.out.fd)
		}
		if errOpen {
			errAt = add(p.err.fd)
		}
		if p.pidfd >= 0 {
			pidAt = add(p.pidfd)
		}
		n, err := unix.Poll(fds, int((wait+time.Millisecond-1)/time.Millisecond))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if n > 0 {
			p.gone = p.gone || fds[1].Revents != 0
			if p.gone || fds[0].Revents != 0 && p.unwanted() {
				if p.ended == "" {
					p.ended = Cancelled
				}
				return
			}
			if outAt >= 0 && fds[outAt].Revents != 0 {
				outOpen = p.out.drain(p.scratch)
			}
			if errAt >= 0 && fds[errAt].Revents != 0 {
				errOpen = p.err.drain(p.scratch)
			}
			if p.out.seen > flood || p.err.seen > flood {
				p.ended = Flooded
				return
			}
		}
		if p.pidfd < 0 || pidAt >= 0 && fds[pidAt].Revents != 0 {
			p.reapMain()
		}
	}
}

// unwanted reads what the server sent during a run.
func (p *running) unwanted() bool {
	var r request
	if _, err := readFrame(p.sock, &r); err != nil {
		p.gone = true
		return true
	}
	return r.Cancel && r.Seq == p.request.Seq
}

// watch looks at the tree; false when it has to go.
func (p *running) watch() bool {
	if reap(p.note); p.done { // orphans that ended would count as long as nobody takes their status
		return true
	}
	pids := p.tree.below(p.selfPID())
	most := p.Limits.Processes
	if p.request.Processes > 0 {
		most = min(most, p.request.Processes)
	}
	if len(pids) > most {
		p.ended = OverTree
		return false
	}
	if p.cgroup >= 0 && p.request.Memory == 0 {
		return true // the kernel watches
	}
	if p.tree.resident(pids) > p.memory() {
		p.ended = OverMemory
		return false
	}
	return true
}

func (p *running) memory() int64 {
	if p.request.Memory > 0 {
		return min(p.request.Memory, p.Limits.MemoryBytes)
	}
	return p.Limits.MemoryBytes
}

func (p *running) selfPID() int { return unix.Getpid() }

func (p *running) reapMain() {
	var status unix.WaitStatus
	var usage unix.Rusage
	for {
		pid, err := unix.Wait4(p.pid, &status, unix.WNOHANG|unix.WALL, &usage)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if pid == p.pid {
			p.note(pid, status, &usage)
		}
		return
	}
}

func (p *running) note(pid int, status unix.WaitStatus, usage *unix.Rusage) {
	if pid != p.pid || p.done || !(status.Exited() || status.Signaled()) {
		return
	}
	p.done, p.status, p.usage, p.took = true, status, *usage, time.Since(p.began)
}

// finish ends what is left of the tree, takes the last output and says how it was.
func (p *running) finish() response {
	alive := !p.done
	r := response{Seq: p.request.Seq}
	if childless := p.done && reap(p.note); !childless {
		r.Survivors, r.Stuck = p.tree.sweep(sweepFor, p.note)
		if alive && r.Survivors > 0 {
			r.Survivors-- // the program itself is no survivor
		}
	}
	if !p.done {
		p.took = time.Since(p.began)
	}
	// Whoever still holds the other end is gone or stuck: what lies in the pipes is all there will be.
	for _, st := range []*stream{&p.out, &p.err} {
		for before := -1; st.seen != before && st.seen <= flood; {
			before = st.seen
			if !st.drain(p.scratch) {
				break
			}
		}
	}
	r.Ended, r.TookUS, r.Out = p.ended, p.took.Microseconds(), len(p.out.kept)
	r.OutCut, r.ErrCut = p.out.cut(), p.err.cut()
	r.CPUUS = (p.usage.Utime.Nano() + p.usage.Stime.Nano()) / 1000
	// A process that is born has the memory of its parent for a moment, and the kernel counts that.
	var own unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &own); err == nil && p.usage.Maxrss > own.Maxrss {
		r.MaxRSS = p.usage.Maxrss << 10
	}
	if p.done && p.status.Exited() {
		r.Exit = p.status.ExitStatus()
	}
	if p.done && p.status.Signaled() {
		r.Signal = int(p.status.Signal())
	}
	if r.Ended == "" {
		switch {
		case oomKills(p.Cgroup, p.cgroup) > p.oomBefore:
			r.Ended = OverMemory
		case r.Signal != 0:
			r.Ended = Signalled
		default:
			r.Ended = Exited
		}
	}
	return r
}
