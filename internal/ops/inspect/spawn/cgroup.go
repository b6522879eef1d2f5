package spawn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// group is a cgroup v2 below which each seat may have one of its own, or why there is none.
type group struct {
	dir string // "" for none
	why string // in that case, for people
}

// ownGroup finds the group of this process that programs may be put below. A group is only used when
// it was handed over to this program: at the top of a container, or by Delegate= of its unit. Nothing
// is changed here.
func ownGroup(proc string) group {
	mount, root, err := cgroupMount(proc + "/self/mountinfo")
	if err != nil {
		return group{why: err.Error()}
	}
	b, err := os.ReadFile(proc + "/self/cgroup")
	if err != nil {
		return group{why: "the control group of this process cannot be read"}
	}
	own := ""
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			own = path
		}
	}
	if own == "" {
		return group{why: "this process is in no cgroup v2"}
	}
	rel, ok := strings.CutPrefix(own, strings.TrimSuffix(root, "/"))
	if !ok || strings.Contains(own, "..") {
		return group{why: "the control group of this process lies outside of what is mounted"}
	}
	dir := filepath.Join(mount, rel)
	// A server that was started again in its leaf is below the group that it had prepared.
	if filepath.Base(dir) == serverGroup {
		dir = filepath.Dir(dir)
	}
	controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil || !hasWord(controllers, "memory") {
		return group{why: "cgroup v2 has no memory controller here"}
	}
	if unix.Access(filepath.Join(dir, "cgroup.subtree_control"), unix.W_OK) != nil {
		return group{why: "the control group may not be written"}
	}
	if dir != filepath.Clean(mount) && !delegated(dir) {
		return group{why: "the control group was not delegated (Delegate=yes in the unit)"}
	}
	return group{dir: dir}
}

func hasWord(text []byte, word string) bool {
	for _, f := range bytes.Fields(text) {
		if string(f) == word {
			return true
		}
	}
	return false
}

// cgroupMount returns where cgroup v2 is mounted and which part of it that is.
func cgroupMount(mountinfo string) (mount, root string, err error) {
	b, err := os.ReadFile(mountinfo)
	if err != nil {
		return "", "", errors.New("the mounts of this process cannot be read")
	}
	for line := range strings.Lines(string(b)) {
		left, right, ok := strings.Cut(line, " - ")
		f := strings.Fields(left)
		if !ok || len(f) < 5 || !strings.HasPrefix(right, "cgroup2 ") {
			continue
		}
		return f[4], f[3], nil
	}
	return "", "", errors.New("cgroup v2 is not mounted")
}

// delegated: systemd marks what it hands over. The top of a container needs no mark.
func delegated(dir string) bool {
	for _, attr := range []string{"trusted.delegate", "user.delegate"} {
		v := make([]byte, 8)
		if n, err := unix.Getxattr(dir, attr, v); err == nil && string(v[:n]) == "1" {
			return true
		}
	}
	return false
}

// Groups below the own one.
const (
	serverGroup = "taxops-server"
	seatGroup   = "taxops-check-"
)

// open prepares the group: a group that hands controllers on may hold no process itself, so this program
// moves into a leaf. Where others run in the group too, it is left alone.
func (g group) open() error {
	own := map[string]bool{strconv.Itoa(os.Getpid()): true}
	for _, pid := range newTree("/proc").below(os.Getpid()) {
		own[strconv.Itoa(pid)] = true
	}
	leaf := filepath.Join(g.dir, serverGroup)
	b, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		return fmt.Errorf("control group: %w", err)
	}
	for _, pid := range bytes.Fields(b) {
		if !own[string(pid)] {
			return errors.New("other programs run in the control group of this one")
		}
	}
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("control group: %w", err)
	}
	for _, pid := range bytes.Fields(b) {
		if err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), pid, 0o644); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("control group: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(g.dir, "cgroup.subtree_control"), []byte("+memory"), 0o644); err != nil {
		return fmt.Errorf("control group: %w", err)
	}
	return nil
}

// seat makes the group of one seat.
func (g group) seat(number uint64, l Limits) (string, error) {
	dir := filepath.Join(g.dir, seatGroup+strconv.FormatUint(number, 10))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("control group of a seat: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "memory.max"), []byte(strconv.FormatInt(l.MemoryBytes, 10)), 0o644); err != nil {
		return "", fmt.Errorf("control group of a seat: %w", err)
	}
	for name, value := range map[string]string{"memory.swap.max": "0", "memory.oom.group": "1"} {
		// Kernels without swap or with fewer files do without.
		_ = os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644)
	}
	return dir, nil
}

// oomKills reads how often the kernel ended something of a group for its memory.
func oomKills(dir string, fd int) int64 {
	if fd < 0 {
		return 0
	}
	b, err := os.ReadFile(filepath.Join(dir, "memory.events"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			n, _ := strconv.ParseInt(v, 10, 64) // 0 when it is no number
			return n
		}
	}
	return 0
}
