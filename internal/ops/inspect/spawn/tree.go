package spawn

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// tree looks at the processes below one.
type tree struct {
	proc string // "/proc"
	// perTask: the kernel lists the children of each thread, which costs what the tree is large; without
	// it every process of the machine has to be read.
	perTask bool
}

func newTree(proc string) tree {
	_, err := os.Stat(proc + "/thread-self/children")
	return tree{proc: proc, perTask: err == nil}
}

// below returns all descendants of a process, each once, parents first. Processes come and go meanwhile:
// who needs certainty asks again.
func (t tree) below(root int) []int {
	if !t.perTask {
		return t.belowByParent(root)
	}
	seen := map[int]bool{root: true}
	queue := []int{root}
	for i := 0; i < len(queue); i++ {
		for _, c := range t.childrenOf(queue[i]) {
			if !seen[c] {
				seen[c] = true
				queue = append(queue, c)
			}
		}
	}
	return queue[1:]
}

// direct returns the children of a process.
func (t tree) direct(pid int) []int {
	if t.perTask {
		return t.childrenOf(pid)
	}
	var out []int
	for _, c := range t.belowByParent(pid) {
		if p, ok := t.parent(c); ok && p == pid {
			out = append(out, c)
		}
	}
	return out
}

func (t tree) childrenOf(pid int) []int {
	dir := fmt.Sprintf("%s/%d/task", t.proc, pid)
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return nil // gone
	}
	var out []int
	for _, task := range tasks {
		b, err := os.ReadFile(dir + "/" + task.Name() + "/children")
		if err != nil {
			continue
		}
		for _, f := range bytes.Fields(b) {
			if c, err := strconv.Atoi(string(f)); err == nil {
				out = append(out, c)
			}
		}
	}
	return out
}

func (t tree) belowByParent(root int) []int {
	entries, err := os.ReadDir(t.proc)
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, ok := t.parent(pid); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	queue, seen := []int{root}, map[int]bool{root: true}
	for i := 0; i < len(queue); i++ {
		for _, c := range children[queue[i]] {
			if !seen[c] {
				seen[c] = true
				queue = append(queue, c)
			}
		}
	}
	return queue[1:]
}

// parent reads the parent from stat; the name in parentheses may hold anything, so the last one counts.
func (t tree) parent(pid int) (int, bool) {
	b, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", t.proc, pid))
	if err != nil {
		return 0, false
	}
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, false
	}
	f := bytes.Fields(b[i+1:])
	if len(f) < 2 {
		return 0, false
	}
	p, err := strconv.Atoi(string(f[1]))
	return p, err == nil
}

// resident adds up the memory of processes; pages that they share count for each, so it is never too
// little.
func (t tree) resident(pids []int) int64 {
	var pages int64
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("%s/%d/statm", t.proc, pid))
		if err != nil {
			continue
		}
		if f := bytes.Fields(b); len(f) > 1 {
			if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
				pages += n
			}
		}
	}
	return pages * int64(os.Getpagesize())
}

// end kills everything below root. What is being killed could fork faster than it is found, so all of it
// is stopped first, until a look finds nothing new.
func (t tree) end(root int) (killed map[int]bool) {
	killed = map[int]bool{}
	for range 50 {
		fresh := false
		for _, pid := range t.below(root) {
			if !killed[pid] {
				killed[pid], fresh = true, true
				_ = unix.Kill(pid, unix.SIGSTOP) // gone, or killed below
			}
		}
		if !fresh {
			break
		}
	}
	for pid := range killed {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return killed
}

// sweep ends everything below the calling process and reaps it. left is true when something was still
// there after patience. reaped is told of each child that is gone.
func (t tree) sweep(patience time.Duration, reaped func(pid int, status unix.WaitStatus, usage *unix.Rusage)) (killed int, left bool) {
	self := os.Getpid()
	until := time.Now().Add(patience)
	all := map[int]bool{}
	for wait := 1; ; wait = min(2*wait, 50) {
		if childless := reap(reaped); childless {
			return len(all), false
		}
		for pid := range t.end(self) {
			all[pid] = true
		}
		if childless := reap(reaped); childless {
			return len(all), false
		}
		if time.Now().After(until) {
			return len(all), true
		}
		_, _ = unix.Poll(nil, wait) // until the kernel has done it
	}
}

// reap takes the status of every child that ended; childless is true when there is none left at all.
func reap(reaped func(pid int, status unix.WaitStatus, usage *unix.Rusage)) (childless bool) {
	for {
		var status unix.WaitStatus
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WALL, &usage)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return true
		case pid == 0:
			return false
		}
		if reaped != nil {
			reaped(pid, status, &usage)
		}
	}
}
