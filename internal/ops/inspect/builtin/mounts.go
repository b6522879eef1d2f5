package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"taxops/internal/kernel/probe"
)

// mount is a mounted file system (挂载点) as the kernel lists it.
type mount struct {
	device   string // major:minor
	root     string // which directory of the file system is mounted
	point    string
	fstype   string
	source   string
	readOnly bool // the file system itself, not only this mount of it
}

// parseMountinfo reads /proc/<pid>/mountinfo.
func parseMountinfo(b []byte) []mount {
	var list []mount
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		sep := slices.Index(fields, "-") // optional fields end here
		if len(fields) < 7 || sep < 6 || sep+3 >= len(fields) {
			continue
		}
		list = append(list, mount{
			device: fields[2], root: unescape(fields[3]), point: unescape(fields[4]),
			fstype: fields[sep+1], source: unescape(fields[sep+2]),
			readOnly: slices.Contains(strings.Split(fields[sep+3], ","), "ro"),
		})
	}
	return list
}

// unescape undoes the kernel's octal escapes of blanks and backslashes.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// realTypes are the file systems that hold data and can fill up.
var realTypes = []string{
	"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs",
	"vfat", "exfat", "ntfs", "ntfs3", "fuseblk",
	"nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.ceph", "fuse.glusterfs", "lustre", "gpfs", "ocfs2", "gfs2",
}

// realMounts keeps what can fill up and groups it by device, because bind mounts and sub-volumes
// show one file system several times. The best candidate of a group comes first.
func realMounts(list []mount) [][]mount {
	groups := make(map[string][]mount)
	for _, m := range list {
		// The root of a container is an overlay; other overlays belong to containers of this host.
		if slices.Contains(realTypes, m.fstype) || (m.fstype == "overlay" && m.point == "/") {
			groups[m.device] = append(groups[m.device], m)
		}
	}
	var out [][]mount
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b mount) int {
			return cmp.Or(boolFirst(a.root == "/", b.root == "/"), cmp.Compare(len(a.point), len(b.point)), cmp.Compare(a.point, b.point))
		})
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b []mount) int { return cmp.Compare(a[0].point, b[0].point) })
	return out
}

func boolFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// usage is what a file system says about its space, in bytes and inodes, for ordinary users.
type usage struct {
	size, used, available uint64
	inodes, inodesFree    uint64
	inodesKnown           bool
}

func (u usage) usedPercent() float64 {
	if u.used+u.available == 0 {
		return 0
	}
	return 100 * float64(u.used) / float64(u.used+u.available) // as df shows it: without reserved blocks
}

var errNotDirectory = errors.New("not a directory")

// statfs asks the file system at a path. It may block for ever on a dead network file system.
func statfs(path string) (usage, error) {
	info, err := os.Stat(path)
	if err != nil {
		return usage{}, fmt.Errorf("look at mount point: %w", err)
	}
	if !info.IsDir() {
		return usage{}, errNotDirectory // a single file mounted into a container
	}
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return usage{}, fmt.Errorf("statfs %s: %w", path, err)
	}
	block := uint64(s.Frsize)
	if block == 0 {
		block = uint64(s.Bsize)
	}
	return usage{
		size: s.Blocks * block, used: (s.Blocks - s.Bfree) * block, available: s.Bavail * block,
		inodes: s.Files, inodesFree: s.Ffree, inodesKnown: s.Files > 0,
	}, nil
}

// statfsGuard asks each mount point at most once at a time: a call that hangs on a dead network
// file system cannot be ended, so that each run would otherwise leave one more behind.
type statfsGuard struct {
	call func(string) (usage, error)
	mu   sync.Mutex
	open map[string]chan struct{}
}

func newStatfsGuard(call func(string) (usage, error)) *statfsGuard {
	return &statfsGuard{call: call, open: make(map[string]chan struct{})}
}

var errNoAnswer = errors.New("the file system does not answer")

// get asks, and gives up with errNoAnswer when ctx ends first.
func (g *statfsGuard) get(ctx context.Context, path string) (usage, error) {
	for {
		g.mu.Lock()
		busy, ok := g.open[path]
		if !ok {
			break
		}
		g.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return usage{}, errNoAnswer
		}
	}
	done := make(chan struct{})
	g.open[path] = done
	g.mu.Unlock()
	var u usage
	var err error
	go func() {
		u, err = g.call(path)
		g.mu.Lock()
		delete(g.open, path)
		g.mu.Unlock()
		close(done)
	}()
	select {
	case <-done:
		return u, err
	case <-ctx.Done():
		return usage{}, errNoAnswer
	}
}

// mountUsage is one file system with its usage, or why there is none.
type mountUsage struct {
	mount
	usage
	err error
}

// mounts returns the file systems to inspect, asked concurrently. It raises in r what params name
// but is not mounted.
func (h host) mounts(ctx context.Context, t probe.Target, r *probe.Report) ([]mountUsage, *probe.Result) {
	b, missing := look(filepath.Join(h.Proc, "self/mountinfo"), "挂载信息")
	if missing != nil {
		return nil, missing
	}
	only, ignore := t.Strings("mounts"), t.Strings("ignore")
	var wanted [][]mount
	if len(only) > 0 {
		all := parseMountinfo(b)
		for _, point := range only {
			i := slices.IndexFunc(all, func(m mount) bool { return m.point == filepath.Clean(point) })
			if i < 0 {
				r.Raise(probe.Critical, "not_mounted", point+" 未挂载")
				continue
			}
			wanted = append(wanted, all[i:i+1])
		}
	} else {
		for _, g := range realMounts(parseMountinfo(b)) {
			if !matchAny(ignore, g[0].point) {
				wanted = append(wanted, g)
			}
		}
	}
	ctx, cancel := answerBy(ctx, 10*time.Second)
	defer cancel()
	out := make([]mountUsage, len(wanted))
	var wg sync.WaitGroup
	for i, group := range wanted {
		wg.Go(func() {
			for _, m := range group {
				u, err := h.statfs.get(ctx, m.point)
				out[i] = mountUsage{m, u, err}
				if !errors.Is(err, errNotDirectory) {
					return
				}
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(out, func(m mountUsage) bool { return errors.Is(m.err, errNotDirectory) }), nil
}

// raise reports a file system that could not be asked; it says whether it did.
func (m mountUsage) raise(r *probe.Report) bool {
	switch {
	case m.err == nil:
		return false
	case errors.Is(m.err, errNoAnswer):
		r.Raise(probe.Critical, probe.ReasonTimeout, fmt.Sprintf("%s 无响应（%s %s，存储或网络可能已断开）", m.point, m.fstype, m.source))
	case errors.Is(m.err, os.ErrPermission):
		r.Raise(probe.Unknown, probe.ReasonDenied, fmt.Sprintf("%s 无权查看，请以 root 运行", m.point))
	default:
		r.Raise(probe.Critical, "io_error", fmt.Sprintf("%s 无法访问：%v", m.point, m.err))
	}
	return true
}

var mountParams = []probe.Param{
	{Name: "mounts", Type: "strings", TitleZH: "只看这些挂载点（未挂载即严重）", TitleEN: "Only these mount points (critical when not mounted)"},
	{Name: "ignore", Type: "strings", TitleZH: "忽略的挂载点（可用 * 通配）", TitleEN: "Mount points to ignore (with * wildcards)"},
}

func checkMountParams(p map[string]any) error {
	ignore, _ := p["ignore"].([]string)
	return checkPatterns("ignore", ignore)
}

func mountsTarget(p map[string]any) string {
	only, _ := p["mounts"].([]string)
	return strings.Join(only, ", ")
}
