package spawn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Descriptors that a seat is born with.
const (
	seatSocket = 3 // to the server
	seatLife   = 4 // closes when the spawner dies
)

// seat runs one program at a time. All of it happens on one thread: no new privileges and the signal
// at the death of a parent belong to threads.
type seat struct {
	setup
	sock    *os.File
	tree    tree
	null    int
	cgroup  int // descriptor of the folder, -1 for none
	dir     string
	gone    bool // server or spawner
	scratch []byte
	polled  []unix.PollFd
}

// runSeat is the life of a seat; it returns the exit code.
func runSeat() int {
	// Whoever stops the server signals its whole group: a seat ends when its socket closes. Signals that
	// are caught, unlike ignored ones, have their usual effect in the programs.
	signal.Notify(make(chan os.Signal, 1), unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	s := &seat{
		sock: os.NewFile(seatSocket, "server"), tree: newTree("/proc"), null: -1, cgroup: -1,
		scratch: make([]byte, 64<<10), polled: make([]unix.PollFd, 5),
	}
	if _, err := readFrame(s.sock, &s.setup); err != nil {
		return 1
	}
	said := ready{PID: os.Getpid()}
	if err := s.prepare(); err != nil {
		said.Error = err.Error()
	}
	if err := s.send(said); err != nil || said.Error != "" {
		return 1
	}
	defer s.leave()
	for s.await() {
		var r request
		script, err := readFrame(s.sock, &r)
		if err != nil {
			return 0 // the server is gone, or has no use for this seat any more
		}
		if r.Cancel {
			continue // for a run that had just ended
		}
		out, body := s.run(&r, script)
		if s.gone {
			return 1 // the run is lost, and says so by silence
		}
		if err := s.send(out, body...); err != nil || out.Stuck {
			return 1 // what is stuck becomes the spawner's
		}
	}
	return 0
}

// await waits for a request; false when nobody will send one any more.
func (s *seat) await() bool {
	for !s.gone {
		fds := s.polled[:2]
		fds[0] = unix.PollFd{Fd: seatSocket, Events: unix.POLLIN}
		fds[1] = unix.PollFd{Fd: seatLife, Events: unix.POLLIN}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
		if fds[1].Revents != 0 {
			return false
		}
		if fds[0].Revents != 0 {
			return true
		}
	}
	return false
}

func (s *seat) send(header any, body ...[]byte) error {
	buf, err := appendFrame(s.scratch[:0], header, body...)
	if err != nil {
		return err
	}
	_, err = s.sock.Write(buf)
	return err //nolint:wrapcheck // only whether it worked matters
}

// prepare sets what all programs inherit.
func (s *seat) prepare() error {
	closeOnExec()
	s.tree.perTask = s.tree.perTask && !s.Old
	unix.Umask(0o077)
	var err error
	if s.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("open /dev/null: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphans: %w", err)
	}
	s.dir = filepath.Join(s.Dir, strconv.Itoa(os.Getpid()))
	if err := s.makeDir(); err != nil {
		return err
	}
	for resource, most := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: s.Limits.FileBytes, unix.RLIMIT_NOFILE: s.Limits.OpenFiles,
	} {
		if err := limit(resource, most); err != nil {
			return fmt.Errorf("limit %d: %w", resource, err)
		}
	}
	if s.Change {
		// Root itself is not held back by it, only whom it becomes.
		if err := limit(unix.RLIMIT_NPROC, s.Limits.UserTasks); err != nil {
			return fmt.Errorf("limit of processes: %w", err)
		}
	}
	if s.Cgroup != "" {
		s.cgroup, _ = unix.Open(s.Cgroup, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) // without it memory is watched
	}
	return nil
}

// limit lowers a limit for good, and never raises it.
func limit(resource int, most uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	now.Max = min(now.Max, most)
	now.Cur = min(now.Cur, now.Max)
	return unix.Setrlimit(resource, &now) //nolint:wrapcheck // wrapped by the caller
}

// closeOnExec keeps descriptors that the server itself was started with away from programs.
func closeOnExec() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

func (s *seat) makeDir() error {
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return fmt.Errorf("folder of the program: %w", err)
	}
	if s.Change {
		if err := os.Chown(s.dir, s.UID, s.GID); err != nil {
			return fmt.Errorf("folder of the program: %w", err)
		}
	}
	return nil
}

// tidy brings the folder back to how it was made, when a program left something in it.
func (s *seat) tidy() {
	var st unix.Stat_t
	if err := unix.Lstat(s.dir, &st); err == nil && st.Mode == unix.S_IFDIR|0o700 && st.Uid == uint32(s.UID) && empty(s.dir) {
		return
	}
	// Where the folder cannot be put right, the next program fails to start in it, and says so.
	s.clear()
	_ = s.makeDir()
}

// clear removes the folder, also from behind folders that a program closed to its own user.
func (s *seat) clear() {
	_ = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // tried again by the removal
		}
		return nil
	})
	_ = os.RemoveAll(s.dir)
}

func empty(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // read only
	_, err = f.Readdirnames(1)
	return errors.Is(err, io.EOF)
}

func (s *seat) leave() {
	s.tree.sweep(sweepFor, nil)
	s.clear()
	if s.Cgroup != "" {
		_ = os.Remove(s.Cgroup) // empty by now
	}
}

// script makes an open file of a program's text that nobody can change. Where the kernel has no such
// files, it is one in a folder that only the server may write, without a name.
func (s *seat) script(text []byte) (int, error) {
	fd, err := unix.MemfdCreate("script", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("script", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return s.scriptFile(text)
	}
	f := os.NewFile(uintptr(fd), "script")
	_, err = f.Write(text)
	if err == nil {
		// Whoever opens it again through /proc may write where the mode lets him; the seals let nobody.
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		err = f.Chmod(0o444)
	}
	dup := -1
	if err == nil {
		dup, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return -1, fmt.Errorf("text of the program: %w", err)
	}
	return dup, nil
}

func (s *seat) scriptFile(text []byte) (int, error) {
	f, err := os.CreateTemp(s.Dir, "script-")
	if err != nil {
		return -1, fmt.Errorf("text of the program: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened again below
	_, err = io.Copy(f, bytes.NewReader(text))
	fd := -1
	if err = errors.Join(err, f.Chmod(0o444)); err == nil {
		fd, err = unix.Open(f.Name(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return -1, fmt.Errorf("text of the program: %w", err)
	}
	return fd, nil
}

// start starts the program of a request with its ends of the pipes.
func (s *seat) start(r *request, script int, out, errs int) (pid, pidfd int, err error) {
	files := []uintptr{uintptr(s.null), uintptr(out), uintptr(errs)}
	if script >= 0 {
		files = append(files, uintptr(script))
	}
	pidfd = -1
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if !s.Old {
		sys.PidFD = &pidfd // stays -1 where the kernel has none
	}
	if s.Change {
		sys.Credential = &syscall.Credential{Uid: uint32(s.UID), Gid: uint32(s.GID)}
	} else {
		// The limit counts this process too, so it holds only while the program is born.
		var before unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NPROC, &before); err == nil {
			low := before
			low.Cur = min(before.Cur, s.Limits.UserTasks)
			if unix.Setrlimit(unix.RLIMIT_NPROC, &low) == nil {
				defer unix.Setrlimit(unix.RLIMIT_NPROC, &before) //nolint:errcheck // as it was
			}
		}
	}
	if s.cgroup >= 0 {
		sys.UseCgroupFD, sys.CgroupFD = true, s.cgroup
	}
	attr := &syscall.ProcAttr{Dir: s.dir, Env: environ(s.dir, r.Env), Files: files, Sys: sys}
	argv := append([]string{r.Path}, r.Args...)
	pid, err = syscall.ForkExec(r.Path, argv, attr)
	if err != nil && s.cgroup >= 0 && cgroupRefused(err) {
		_ = unix.Close(s.cgroup)
		s.cgroup, sys.UseCgroupFD = -1, false // this kernel cannot: memory is watched instead
		pid, err = syscall.ForkExec(r.Path, argv, attr)
	}
	if err != nil {
		return 0, -1, err //nolint:wrapcheck // shown as the program's fault
	}
	if !s.Change {
		hard := unix.Rlimit{Cur: s.Limits.UserTasks, Max: s.Limits.UserTasks}
		_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &hard, nil) // lower hard limit may refuse it
	}
	return pid, pidfd, nil
}

func cgroupRefused(err error) bool {
	for _, e := range []error{unix.ENOSYS, unix.EINVAL, unix.EBADF, unix.EACCES, unix.EOPNOTSUPP, unix.EBUSY, unix.ENODEV} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
