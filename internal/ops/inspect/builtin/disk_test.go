package builtin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

// sized answers for mount points from a table; what is not in it does not answer before the test ends.
func sized(t *testing.T, sizes map[string]usage) func(string) (usage, error) {
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return func(path string) (usage, error) {
		if u, ok := sizes[path]; ok {
			return u, nil
		}
		<-end
		return usage{}, errors.New("gone")
	}
}

func used(percent uint64) usage {
	const gib = 1 << 30
	return usage{size: 100 * gib, used: percent * gib, available: (100 - percent) * gib, inodes: 1000, inodesFree: 1000 - percent*10, inodesKnown: true}
}

func mounted(t *testing.T, sizes map[string]usage) host {
	h := tree(t, map[string]string{"proc/self/mountinfo": string(testdata(t, "mountinfo.txt"))})
	h.statfs = newStatfsGuard(sized(t, sizes))
	return h
}

func TestRealMounts(t *testing.T) {
	t.Parallel()
	var points []string
	for _, g := range realMounts(parseMountinfo(testdata(t, "mountinfo.txt"))) {
		points = append(points, g[0].point)
	}
	if want := []string{"/", "/data share", "/srv", "/var"}; !slices.Equal(points, want) {
		t.Errorf("mounts %q, want %q", points, want)
	}
}

func TestDisk(t *testing.T) {
	t.Parallel()
	h := mounted(t, map[string]usage{"/": used(42), "/var": used(85), "/data share": used(10), "/srv": used(99)})
	r := run(t, h.disk(), nil, nil)
	wants(t, r, probe.Warning, probe.ReasonThreshold, "/var 已用 85%", ">80%", "共 4 个文件系统")
	if v := value(t, r, "used_percent /var"); v != 85 {
		t.Errorf("/var %v", v)
	}
	for _, p := range r.Perf {
		if probe.MetricOf(p.Label) == "used_percent" && (p.Warn != "80" || p.Crit != "90") {
			t.Errorf("%s carries no thresholds", p)
		}
	}
	r = run(t, h.disk(), map[string]any{"mounts": []any{"/var", "/backup"}}, nil)
	wants(t, r, probe.Critical, "not_mounted", "/backup 未挂载", "/var")
	r = run(t, h.disk(), map[string]any{"ignore": []any{"/var", "/data*"}}, nil)
	wants(t, r, probe.OK, "", "最满 / 已用 42%")
	if _, err := h.disk().CheckParams(map[string]any{"ignore": []any{"["}}); err == nil {
		t.Error("a broken pattern is taken")
	}
}

func TestDiskThatTurnedReadOnly(t *testing.T) {
	t.Parallel()
	h := mounted(t, map[string]usage{"/": used(1), "/var": used(1), "/data share": used(1), "/srv": used(1)})
	memory := probe.NewMapMemory(nil)
	usageHistory{"/srv": {{at.Unix() / 60, 1}}}.save(memory) // it could be written to before
	for range 2 {
		wants(t, run(t, h.disk(), nil, memory), probe.Critical, "read_only", "/srv 变为只读")
	}
}

func TestDiskThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := mounted(t, map[string]usage{"/": used(1), "/var": used(1), "/srv": used(1)})
	for range 3 { // a second call is not started while the first hangs
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
		r := h.disk().Run(ctx, target(t, h.disk(), nil, nil, at))
		cancel()
		wants(t, r, probe.Critical, probe.ReasonTimeout, "/data share 无响应", "nfs4")
		if len(h.statfs.open) != 1 {
			t.Errorf("%d calls are out, want 1", len(h.statfs.open))
		}
	}
}

func TestInodes(t *testing.T) {
	t.Parallel()
	none := used(50)
	none.inodesKnown = false
	h := mounted(t, map[string]usage{"/": used(95), "/var": none, "/data share": used(5), "/srv": used(99)})
	wants(t, run(t, h.inodes(), nil, nil), probe.Critical, probe.ReasonThreshold, "/ 索引节点已用 95%", "共 2 个")
	h = mounted(t, map[string]usage{"/": none, "/var": none, "/data share": none, "/srv": none})
	wants(t, run(t, h.inodes(), nil, nil), probe.Unknown, probe.ReasonNoSource)
}

func TestDaysToFull(t *testing.T) {
	t.Parallel()
	grow := func(n int, every time.Duration, mib func(i int) float64) series {
		var s series
		for i := range n {
			s = s.add(at.Add(time.Duration(i)*every), uint64(mib(i))<<20)
		}
		return s
	}
	const gib = 1 << 30
	steady := func(i int) float64 { return 1000 + 1024*float64(i)/24 } // 1 GiB a day, sampled hourly
	s := grow(49, time.Hour, steady)
	days, ok := s.daysToFull(5 * gib)
	if !ok || math.Abs(days-5) > 0.1 {
		t.Errorf("%v days (%v), want 5", days, ok)
	}
	if len(s) != sampleMax || s[0].minute != at.Unix()/60 {
		t.Errorf("%d samples from minute %d, want %d from the first", len(s), s[0].minute, sampleMax)
	}
	withSpike := grow(49, time.Hour, func(i int) float64 {
		if i == 48 {
			return 900_000 // one large file just now
		}
		return steady(i)
	})
	if days, ok := withSpike.daysToFull(5 * gib); !ok || math.Abs(days-5) > 0.5 {
		t.Errorf("%v days after one large file, want about 5", days)
	}
	if _, ok := grow(49, time.Hour, func(int) float64 { return 1000 }).daysToFull(gib); ok {
		t.Error("a file system that does not grow is never full")
	}
	if _, ok := grow(20, 5*time.Minute, steady).daysToFull(gib); ok {
		t.Error("100 minutes are no ground for a forecast")
	}
	if s := grow(3, 200*time.Hour, steady); len(s) != 1 {
		t.Errorf("%d samples, want those of 7 days only", len(s))
	}
}

func TestDiskForecastRaises(t *testing.T) {
	t.Parallel()
	memory := probe.NewMapMemory(nil)
	var r probe.Result
	for i := range 13 {
		u := used(40)
		u.used += uint64(i) << 32 // 4 GiB an hour: the remaining 12 GiB last three hours
		u.available = u.size - u.used
		h := mounted(t, map[string]usage{"/": u, "/var": used(1), "/data share": used(1), "/srv": used(1)})
		b := h.disk()
		r = b.Run(t.Context(), target(t, b, nil, memory, at.Add(time.Duration(i)*time.Hour)))
	}
	wants(t, r, probe.Critical, probe.ReasonThreshold, "预计写满还有 0.12 天")
	if d := value(t, r, "days_to_full /"); d > 1 {
		t.Errorf("%v days", d)
	}
}

func TestUsageHistoryFitsMemory(t *testing.T) {
	t.Parallel()
	h := make(usageHistory)
	for i := range 60 {
		var s series
		for j := range sampleMax {
			s = append(s, sample{at.Unix()/60 + int64(j), 1 << 40})
		}
		h[fmt.Sprintf("/mnt/file-system-%02d", i)] = s
	}
	memory := probe.NewMapMemory(nil)
	h.save(memory)
	if got := loadHistory(memory); memory.Err() != nil || len(got) != 60 {
		t.Errorf("%d of 60 file systems remembered, %v", len(got), memory.Err())
	}
	if got := loadHistory(probe.NewMapMemory(map[string]string{historyKey: "{broken"})); len(got) != 0 {
		t.Error("broken memory is taken")
	}
}

func FuzzParseMountinfo(f *testing.F) {
	f.Add([]byte("26 1 8:2 / / rw shared:1 - ext4 /dev/sda2 rw\n"))
	f.Add([]byte("- - - - - - -\n1 2 3 4 5 6 - x\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { realMounts(parseMountinfo(b)) })
}
