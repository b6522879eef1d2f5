package spawn

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The hidden first argument, and what may follow it. The name is what process lists show.
const (
	hidden      = "__spawn"
	roleSpawner = "spawner"
	roleSeat    = "seat"
)

// Child runs the part of a spawner or of a seat when the program was started as one, and reports with
// which code to leave. It is the first thing that the program and every test binary which runs programs
// calls.
func Child(args []string) (code int, is bool) {
	if len(args) < 3 || args[1] != hidden {
		return 0, false
	}
	// Limits, privileges and the death of a parent are matters of threads: everything stays on one.
	runtime.LockOSThread()
	switch {
	case args[2] == roleSpawner && len(args) == 4:
		return runSpawner(args[3]), true
	case args[2] == roleSeat && len(args) == 3:
		return runSeat(), true
	}
	return 2, true
}

// spawnerSocket is the descriptor that a spawner is born with: each message carries the socket of one
// seat to start.
const spawnerSocket = 3

// endFor is how long a spawner that has to go waits for its seats, which end their programs.
const endFor = Ending

// nursery is the state of a spawner.
type nursery struct {
	tree  tree
	life  [2]int // seats see it close when this process is gone
	null  int
	seats map[int]bool
}

// runSpawner is the life of the spawner; it returns the exit code. dir is the folder below which its
// seats have theirs: a server that was killed cannot remove it.
func runSpawner(dir string) int {
	defer os.Remove(dir) //nolint:errcheck // only when it is empty
	signal.Notify(make(chan os.Signal, 1), unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	closeOnExec()
	n := nursery{tree: newTree("/proc"), seats: map[int]bool{}}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 1
	}
	var err error
	if n.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return 1
	}
	if err := unix.Pipe2(n.life[:], unix.O_CLOEXEC); err != nil {
		return 1
	}
	asked := make(chan int)
	go receive(asked)
	again := time.NewTicker(100 * time.Millisecond)
	again.Stop()
	var leaveAt <-chan time.Time
	for {
		select {
		case fd, more := <-asked:
			if !more {
				asked = nil // the server is gone: the seats know it too
				leaveAt = time.After(endFor)
				again.Reset(100 * time.Millisecond)
				break
			}
			n.start(fd)
		case <-died:
		case <-again.C:
		case <-leaveAt:
			n.tree.sweep(sweepFor, nil)
			return 0
		}
		orphans := n.reap()
		if asked == nil && len(n.seats) == 0 && !orphans {
			return 0
		}
		switch {
		case orphans:
			again.Reset(100 * time.Millisecond)
		case asked != nil:
			again.Stop()
		}
	}
}

// receive hands on the sockets that the server sends, until it is gone.
func receive(asked chan<- int) {
	defer close(asked)
	byteOf, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	for {
		n, oob, _, _, err := unix.Recvmsg(spawnerSocket, byteOf, rights, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		messages, err := unix.ParseSocketControlMessage(rights[:oob])
		if err != nil {
			continue
		}
		for _, m := range messages {
			fds, err := unix.ParseUnixRights(&m)
			if err != nil {
				continue
			}
			for _, fd := range fds {
				asked <- fd
			}
		}
	}
}

// start starts a seat. When that fails its socket closes, which tells the server.
func (n *nursery) start(fd int) {
	defer unix.Close(fd) //nolint:errcheck // the seat has its own
	pid, err := syscall.ForkExec("/proc/self/exe", childArgs(roleSeat), &syscall.ProcAttr{
		Dir: "/", Env: childEnv(),
		Files: []uintptr{uintptr(n.null), uintptr(n.null), 2, uintptr(fd), uintptr(n.life[0])},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "taxops: start a seat for checks:", err)
		return
	}
	n.seats[pid] = true
}

func childArgs(role ...string) []string { return append([]string{"taxops-check", hidden}, role...) }

// childEnv keeps what the server was started with, secrets among it, from processes whose environment
// others may read. One thread is enough for what they do.
func childEnv() []string { return []string{"GOMAXPROCS=1", "GOGC=400", "GOTRACEBACK=single"} }

// reap takes the status of what ended, and ends what a dead seat left behind; orphans is true while
// some of that is still there.
func (n *nursery) reap() (orphans bool) {
	childless := reap(func(pid int, _ unix.WaitStatus, _ *unix.Rusage) { delete(n.seats, pid) })
	if childless {
		return false
	}
	for _, child := range n.tree.direct(unix.Getpid()) {
		if n.seats[child] {
			continue
		}
		orphans = true
		n.tree.end(child)
		_ = unix.Kill(child, unix.SIGKILL)
	}
	return orphans
}
