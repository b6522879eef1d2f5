package builtin

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) cpu() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.cpu", Class: probe.Performance,
		TitleZH: "处理器压力", TitleEN: "CPU pressure",
		HelpZH: "读取 /proc/pressure/cpu 中最近 5 分钟任务等待处理器的时间占比（PSI some avg300）；内核没有 PSI 时改看 5 分钟平均负载与核数之比。同时记录两次运行之间的处理器使用率。" +
			"变红时：用 top 找出占用最高的进程，核对是否有批处理、备份或查询集中在同一时段；持续变红说明需要扩容或调优。",
		HelpEN: "Reads the share of the last 5 minutes in which tasks waited for a CPU (PSI some avg300) from /proc/pressure/cpu; without PSI, the 5-minute load per CPU. Also records usage between two runs. " +
			"When red: find the busiest processes with top and see whether batch jobs, backups or queries pile up; if it stays red, add CPUs or tune.",
		Thresholds: []probe.Threshold{
			{Metric: "pressure", Warn: "20", Crit: "50", Unit: "%"},
			{Metric: "load_per_cpu", Warn: "2", Crit: "4"},
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有处理器"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			load, missing := look(filepath.Join(h.Proc, "loadavg"), "系统负载")
			if missing != nil {
				return *missing
			}
			loads, err := parseLoad(load)
			if err != nil {
				return probe.Unknowable("read_failed", err.Error())
			}
			stat, missing := look(filepath.Join(h.Proc, "stat"), "处理器计数")
			if missing != nil {
				return *missing
			}
			ticks, cpus := parseCPU(stat)
			if cpus == 0 {
				return probe.Unknowable("read_failed", "/proc/stat 中没有处理器计数")
			}
			r := t.Report()
			figures := fmt.Sprintf("负载 %.2f / %.2f / %.2f，%d 核", loads[0], loads[1], loads[2], cpus)
			psi, err := readFile(filepath.Join(h.Proc, "pressure", "cpu"))
			some, _, bad := parsePressure(psi)
			if err == nil && bad == nil {
				r.Measure("pressure", "处理器压力（5 分钟）", some.avg300, "%")
				figures = fmt.Sprintf("处理器压力 %s（5 分钟），", probe.Humanize(some.avg300, "%")) + figures
			} else {
				r.Measure("load_per_cpu", "每核负载（5 分钟）", loads[1]/float64(cpus), "")
				figures += "，内核未提供 PSI"
			}
			r.Record("load1", loads[0], "")
			r.Record("load5", loads[1], "")
			r.Record("load15", loads[2], "")
			r.Record("cpus", float64(cpus), "")
			if busy, wait, ok := ticks.since(t.Memory); ok {
				r.Record("busy_percent", busy, "%")
				r.Record("iowait_percent", wait, "%")
				figures += fmt.Sprintf("，自上次以来使用率 %s", probe.Humanize(busy, "%"))
			}
			return r.Result(figures)
		},
	}
}

func parseLoad(b []byte) (loads [3]float64, err error) {
	fields := strings.Fields(string(b))
	if len(fields) < 3 {
		return loads, fmt.Errorf("load file %q has no three averages", fields)
	}
	for i := range loads {
		if loads[i], err = strconv.ParseFloat(fields[i], 64); err != nil {
			return loads, fmt.Errorf("load file: %w", err)
		}
	}
	return loads, nil
}

// cpuTicks are the counters of the line "cpu" of /proc/stat since boot.
type cpuTicks struct{ total, idle, iowait uint64 }

// parseCPU returns the sum of all CPUs and how many there are.
func parseCPU(b []byte) (t cpuTicks, cpus int) {
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		if fields[0] != "cpu" {
			cpus++
			continue
		}
		// user nice system idle iowait irq softirq steal; guest time is inside user already.
		for i, f := range fields[1:min(len(fields), 9)] {
			n, err := strconv.ParseUint(f, 10, 64)
			if err != nil {
				return cpuTicks{}, 0
			}
			t.total += n
			switch i {
			case 3:
				t.idle = n
			case 4:
				t.iowait = n
			}
		}
	}
	return t, cpus
}

// since returns the usage since the last run and remembers the counters for the next one.
func (t cpuTicks) since(m probe.Memory) (busy, iowait float64, ok bool) {
	text, known := m.Get("ticks")
	m.Set("ticks", fmt.Sprintf("%d %d %d", t.total, t.idle, t.iowait))
	var last cpuTicks
	if !known {
		return 0, 0, false
	}
	if _, err := fmt.Sscanf(text, "%d %d %d", &last.total, &last.idle, &last.iowait); err != nil {
		return 0, 0, false
	}
	// Smaller counters mean that the host was started again in between.
	if t.total <= last.total || t.idle < last.idle {
		return 0, 0, false
	}
	span := float64(t.total - last.total)
	idle := float64(t.idle - last.idle)
	if t.iowait >= last.iowait { // the kernel may count iowait backwards
		iowait = float64(t.iowait - last.iowait)
	}
	return max(0, 100*(span-idle-iowait)/span), 100 * iowait / span, true
}
