package spawn

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// ErrLost is what a run returns whose seat or spawner died: nobody knows what the program said.
var ErrLost = errors.New("the process that ran the program is gone")

// Bounds of a run.
const (
	DefaultTimeout = 30 * time.Second
	MaxTimeout     = 300 * time.Second
	// Grace is the time between SIGTERM and SIGKILL.
	Grace = 5 * time.Second
	// Ending is how long a run may take beyond its timeout: grace, and until the tree is gone.
	Ending = Grace + 3*time.Second

	MaxStdout = 64 << 10 // bytes that are kept
	MaxStderr = 16 << 10
	// flood is how much a program may write before it is ended: reading on costs processor time.
	flood     = 16 << 20
	maxScript = 1 << 20
	maxArgs   = 128 << 10 // of all arguments and the environment together
)

// Limits bound one tree, or, where the kernel counts so, all programs together.
type Limits struct {
	MemoryBytes int64  // resident memory of the tree; 0 means 512 MiB
	Processes   int    // processes of the tree; 0 means 64
	UserTasks   uint64 // processes and threads of the user of all programs (NPROC); 0 means 1024
	FileBytes   uint64 // of one file (FSIZE); 0 means 64 MiB
	OpenFiles   uint64 // of one process (NOFILE); 0 means 256
}

func (l Limits) filled() Limits {
	if l.MemoryBytes <= 0 {
		l.MemoryBytes = 512 << 20
	}
	if l.Processes <= 0 {
		l.Processes = 64
	}
	if l.UserTasks == 0 {
		l.UserTasks = 1024
	}
	if l.FileBytes == 0 {
		l.FileBytes = 64 << 20
	}
	if l.OpenFiles == 0 {
		l.OpenFiles = 256
	}
	return l
}

// ScriptPath is what stands for [Command.Script] among the arguments.
const ScriptPath = "/proc/self/fd/3"

// Command is one program to run. There is no shell in between: each argument arrives as it is.
type Command struct {
	Path string   // absolute
	Args []string // behind the name of the program
	Env  []string // NAME=value, besides a small fixed environment
	// Script is handed to the program as an open file that nobody can change any more; [ScriptPath]
	// names it. At most 1 MiB.
	Script []byte
	// Timeout is when SIGTERM comes; 0 means 30 s, more than 300 s is 300 s.
	Timeout time.Duration
	// MemoryBytes and Processes bound this run more tightly than the limits of all; 0 leaves them.
	MemoryBytes int64
	Processes   int
}

func (c *Command) check() error {
	if !filepath.IsAbs(c.Path) || filepath.Clean(c.Path) != c.Path {
		return fmt.Errorf("program %q: a clean absolute path is needed", c.Path)
	}
	if len(c.Script) > maxScript {
		return fmt.Errorf("the script has %d bytes, at most %d", len(c.Script), maxScript)
	}
	size := len(c.Path)
	for _, s := range append(c.Args[:len(c.Args):len(c.Args)], c.Env...) {
		if strings.ContainsRune(s, 0) {
			return errors.New("an argument contains a zero byte")
		}
		size += len(s) + 1
	}
	if size > maxArgs {
		return fmt.Errorf("arguments and environment have %d bytes, at most %d", size, maxArgs)
	}
	return nil
}

func (c *Command) timeout() time.Duration {
	if c.Timeout <= 0 {
		return DefaultTimeout
	}
	return min(c.Timeout, MaxTimeout)
}

// Ended says how a run came to its end.
type Ended string

// Ends of a run.
const (
	Exited     Ended = "exit"      // with Exit as its code
	Signalled  Ended = "signal"    // by Signal, which nobody here sent
	NotStarted Ended = "not_run"   // Detail says why
	TimedOut   Ended = "timeout"   // after its time
	OverMemory Ended = "memory"    // its tree held too much
	OverTree   Ended = "processes" // its tree had too many processes
	Flooded    Ended = "flood"     // it wrote more than anybody will read
	Cancelled  Ended = "cancelled" // the caller did not want it any more
)

// Outcome is what a run left behind.
type Outcome struct {
	Ended                Ended
	Exit, Signal         int
	Stdout, Stderr       []byte
	StdoutCut, StderrCut bool
	Detail               string        // of NotStarted
	Took                 time.Duration // until the program itself was gone
	CPU                  time.Duration // of the program and of its children that it waited for
	MaxRSS               int64         // bytes, of its largest process; 0 when that is less than a seat has
	Survivors            int           // processes that it left behind, and that were ended
	Stuck                bool          // something could not be ended within 2 s; the spawner goes on trying
}

// environ is what every program finds, whatever the server was started with.
func environ(dir string, extra []string) []string {
	return append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "HOME=" + dir, "TMPDIR=" + dir, "PWD=" + dir,
	}, extra...)
}
