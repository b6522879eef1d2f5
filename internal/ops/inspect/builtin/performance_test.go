package builtin

import (
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
)

const (
	psiCalm = "some avg10=0.00 avg60=0.10 avg300=7.86 total=42360289\nfull avg10=0.00 avg60=0.00 avg300=0.50 total=0\n"
	psiHigh = "some avg10=90.00 avg60=80.00 avg300=55.25 total=42360289\nfull avg10=0.00 avg60=0.00 avg300=31.00 total=0\n"
	stat2   = "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 50 0 50 350 50 0 0 0 0 0\ncpu1 50 0 50 350 50 0 0 0 0 0\nintr 1\n"
)

func TestCPU(t *testing.T) {
	t.Parallel()
	files := map[string]string{"proc/loadavg": "3.00 5.00 1.00 2/345 6789\n", "proc/stat": stat2, "proc/pressure/cpu": psiCalm}
	memory := probe.NewMapMemory(nil)
	r := run(t, tree(t, files).cpu(), nil, memory)
	wants(t, r, probe.OK, "", "7.9%", "2 核", "5.00")
	for _, p := range r.Perf {
		if p.Label == "busy_percent" {
			t.Error("usage needs two runs")
		}
	}

	files["proc/stat"] = "cpu  200 0 150 800 150 0 0 0 0 0\ncpu0 1 0 1 1 1 0\ncpu1 1 0 1 1 1 0\n"
	files["proc/pressure/cpu"] = psiHigh
	r = run(t, tree(t, files).cpu(), nil, memory)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "55.2%", ">50%")
	if busy := value(t, r, "busy_percent"); busy != 50 { // 150 of 300 ticks
		t.Errorf("busy %v%%, want 50", busy)
	}

	// After a restart the counters begin anew.
	files["proc/stat"] = stat2
	r = run(t, tree(t, files).cpu(), nil, memory)
	for _, p := range r.Perf {
		if p.Label == "busy_percent" {
			t.Errorf("usage %v from counters that ran backwards", p.Value)
		}
	}

	delete(files, "proc/pressure/cpu")
	r = run(t, tree(t, files).cpu(), nil, nil)
	wants(t, r, probe.Warning, probe.ReasonThreshold, "2.5", "PSI") // 5 on two CPUs
	if v := value(t, r, "load_per_cpu"); v != 2.5 {
		t.Errorf("load per CPU %v", v)
	}
}

func TestIO(t *testing.T) {
	t.Parallel()
	wants(t, run(t, tree(t, map[string]string{"proc/pressure/io": psiCalm}).io(), nil, nil), probe.OK, "", "7.9%", "0.5%")
	wants(t, run(t, tree(t, map[string]string{"proc/pressure/io": psiHigh}).io(), nil, nil), probe.Critical, probe.ReasonThreshold, ">30%")
	wants(t, run(t, tree(t, map[string]string{"proc/pressure/io": "nonsense"}).io(), nil, nil), probe.Unknown, "read_failed")
}

func TestMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, meminfo string
		state         probe.State
		words         []string
	}{
		{"enough", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nSwapTotal: 0 kB\n", probe.OK, []string{"40%", "未配置交换区"}},
		{"short", "MemTotal: 1000 kB\nMemAvailable: 80 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n", probe.Warning, []string{"8%", "<10%", "1 MiB / 2 MiB"}},
		{"nearly out", "MemTotal: 1000 kB\nMemAvailable: 40 kB\n", probe.Critical, []string{"4%", "<5%"}},
		{"old kernel", "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 150 kB\n", probe.OK, []string{"30%"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, tree(t, map[string]string{"proc/meminfo": tt.meminfo}).memory(), nil, nil)
			var reason probe.Reason
			if tt.state != probe.OK {
				reason = probe.ReasonThreshold
			}
			wants(t, r, tt.state, reason, tt.words...)
		})
	}
	wants(t, run(t, tree(t, map[string]string{"proc/meminfo": "x"}).memory(), nil, nil), probe.Unknown, "read_failed")
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for used, want := range map[string]probe.State{"673\t0\t1000": probe.OK, "750 10 1000": probe.Warning, "950 0 1000": probe.Critical} {
		r := run(t, tree(t, map[string]string{"proc/sys/fs/file-nr": used + "\n"}).files(), nil, nil)
		if r.State != want {
			t.Errorf("%q: %s, want %s", used, r.State, want)
		}
	}
	r := run(t, tree(t, map[string]string{"proc/sys/fs/file-nr": "673 0 9223372036854775807"}).files(), nil, nil)
	wants(t, r, probe.OK, "", "673 / 不限")
	wants(t, run(t, tree(t, map[string]string{"proc/sys/fs/file-nr": "1 2"}).files(), nil, nil), probe.Unknown, "read_failed")

	r = run(t, tree(t, map[string]string{
		"proc/sys/net/netfilter/nf_conntrack_count": "95\n", "proc/sys/net/netfilter/nf_conntrack_max": "100\n",
	}).conntrack(), nil, nil)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "95 / 100")
	if len(r.Perf) != 3 || !strings.HasPrefix(r.Perf[0].String(), "'used_percent'=95%;70;90") {
		t.Errorf("perf %v", r.Perf)
	}
}

func FuzzParsePressure(f *testing.F) {
	f.Add([]byte(psiCalm))
	f.Add([]byte("some avg10="))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _, _ = parsePressure(b) })
}
