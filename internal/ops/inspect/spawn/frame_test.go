package spawn

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	var buf []byte
	var err error
	want := response{Seq: 7, Ended: Exited, Exit: 2, Out: 3}
	if buf, err = appendFrame(buf, want, []byte{0xff, 0, 'x'}, []byte("err")); err != nil {
		t.Fatal(err)
	}
	var got response
	body, err := readFrame(bytes.NewReader(buf), &got)
	if err != nil || !reflect.DeepEqual(got, want) || string(body) != "\xff\x00xerr" {
		t.Errorf("%+v %q %v", got, body, err)
	}
	if _, err := appendFrame(nil, want, make([]byte, maxBody+1)); err == nil {
		t.Error("a body beyond all limits was written")
	}
}

func FuzzFrame(f *testing.F) {
	b, err := appendFrame(nil, request{Seq: 1, Path: "/bin/true"}, []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(_ *testing.T, in []byte) {
		var r request
		_, _ = readFrame(bytes.NewReader(in), &r) // errors, and never a panic or a huge buffer
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGroups reads what kernels say in the places where a server runs.
func TestGroups(t *testing.T) {
	tests := []struct {
		name, mountinfo, cgroup, controllers string
		prepared                             bool // runs in the leaf that an earlier life made
		usable                               bool
		why                                  string
	}{
		{name: "container with its own group", mountinfo: "30 20 0:26 / CG rw - cgroup2 cgroup rw\n", cgroup: "0::/\n", controllers: "cpu memory pids\n", usable: true},
		{name: "started again", mountinfo: "30 20 0:26 / CG rw - cgroup2 cgroup rw\n", cgroup: "0::/taxops-server\n", controllers: "cpu memory pids\n", usable: true},
		{name: "a unit without Delegate", mountinfo: "30 20 0:26 / CG rw - cgroup2 cgroup rw\n", cgroup: "0::/system.slice/taxops.service\n", controllers: "memory\n", why: "Delegate=yes"},
		{name: "version 1 has the controllers", mountinfo: "30 20 0:26 / CG rw - cgroup2 none rw\n", cgroup: "4:memory:/x\n0::/\n", controllers: "\n", why: "no memory controller"},
		{name: "version 1 only", mountinfo: "30 20 0:26 / CG rw - cgroup cgroup rw,memory\n", cgroup: "4:memory:/\n", why: "not mounted"},
		{name: "seen from outside", mountinfo: "30 20 0:26 /a CG rw - cgroup2 cgroup rw\n", cgroup: "0::/../b\n", controllers: "memory\n", why: "outside"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			cg := filepath.Join(dir, "cg")
			write(t, filepath.Join(dir, "self/mountinfo"), strings.ReplaceAll(tt.mountinfo, "CG", cg))
			write(t, filepath.Join(dir, "self/cgroup"), tt.cgroup)
			for _, rel := range []string{"", "system.slice/taxops.service"} {
				write(t, filepath.Join(cg, rel, "cgroup.controllers"), tt.controllers)
				write(t, filepath.Join(cg, rel, "cgroup.subtree_control"), "")
			}
			g := ownGroup(dir)
			if (g.dir != "") != tt.usable || !strings.Contains(g.why, tt.why) {
				t.Errorf("%+v", g)
			}
			if tt.usable && g.dir != cg {
				t.Errorf("below %s, want %s", g.dir, cg)
			}
		})
	}
}

func TestGroupOfASeat(t *testing.T) {
	dir := t.TempDir()
	self := strconv.Itoa(os.Getpid())
	write(t, filepath.Join(dir, "cgroup.procs"), "1\n"+self+"\n")
	g := group{dir: dir}
	if err := g.open(); err == nil || !strings.Contains(err.Error(), "other programs") {
		t.Errorf("moved somebody else: %v", err)
	}
	write(t, filepath.Join(dir, "cgroup.procs"), self+"\n")
	if err := g.open(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control")); string(b) != "+memory" {
		t.Errorf("handed on: %q", b)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, serverGroup, "cgroup.procs")); string(b) != self {
		t.Errorf("moved last: %q", b)
	}
	seat, err := g.seat(3, Limits{}.filled())
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(seat, "memory.max")); string(b) != "536870912" {
		t.Errorf("memory.max %q", b)
	}
	write(t, filepath.Join(seat, "memory.events"), "low 0\noom 1\noom_kill 2\n")
	if n := oomKills(seat, 5); n != 2 {
		t.Errorf("%d kills", n)
	}
}

// TestTreesAgree: kernels that do not list children must give the same tree.
func TestTreesAgree(t *testing.T) {
	fast := newTree("/proc")
	slow := tree{proc: "/proc"}
	if !fast.perTask {
		t.Log("this kernel lists no children")
	}
	a, b := fast.below(1), slow.below(1)
	common := map[int]bool{}
	for _, pid := range a {
		common[pid] = true
	}
	missing := 0
	for _, pid := range b {
		if !common[pid] {
			missing++
		}
	}
	if missing > 3 { // processes come and go between two looks
		t.Errorf("%d of %d processes are in one tree only", missing, len(b))
	}
}
