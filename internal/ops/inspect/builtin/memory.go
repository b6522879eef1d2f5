package builtin

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) memory() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.memory", Class: probe.Performance,
		TitleZH: "可用内存", TitleEN: "Available memory",
		HelpZH: "读取 /proc/meminfo：MemAvailable 占总内存的百分比，并记录交换区使用量。" +
			"变红时：用 ps --sort=-rss 找出占用最多的进程，查内核日志是否已有进程被杀（OOM）；数据库和 JVM 的内存上限之和应小于物理内存。",
		HelpEN: "Reads /proc/meminfo: MemAvailable as a share of all memory, and swap in use. " +
			"When red: find the largest processes with ps --sort=-rss and look for OOM kills in the kernel log; the limits of databases and JVMs together must fit in memory.",
		Thresholds: []probe.Threshold{{Metric: "available_percent", Warn: "10:", Crit: "5:", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有内存"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			b, missing := look(filepath.Join(h.Proc, "meminfo"), "内存信息")
			if missing != nil {
				return *missing
			}
			m := parseMeminfo(b)
			total := m["MemTotal"]
			if total == 0 {
				return probe.Unknowable("read_failed", "/proc/meminfo 中没有 MemTotal")
			}
			available, ok := m["MemAvailable"]
			if !ok { // before Linux 3.14
				available = m["MemFree"] + m["Buffers"] + m["Cached"]
			}
			percent := 100 * available / total
			r := t.Report()
			r.Measure("available_percent", "可用内存", percent, "%")
			r.Record("available", available, "B")
			r.Record("total", total, "B")
			swap := "未配置交换区"
			if m["SwapTotal"] > 0 {
				used := m["SwapTotal"] - m["SwapFree"]
				r.Record("swap_used", used, "B")
				swap = fmt.Sprintf("交换区已用 %s / %s", probe.Humanize(used, "B"), probe.Humanize(m["SwapTotal"], "B"))
			}
			return r.Result(fmt.Sprintf("可用内存 %s / %s（%s），%s",
				probe.Humanize(available, "B"), probe.Humanize(total, "B"), probe.Humanize(percent, "%"), swap))
		},
	}
}

// parseMeminfo returns the sizes in bytes.
func parseMeminfo(b []byte) map[string]float64 {
	m := make(map[string]float64)
	for line := range strings.Lines(string(b)) {
		name, rest, ok := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if !ok || len(fields) == 0 {
			continue
		}
		v, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			continue
		}
		if len(fields) > 1 && fields[1] == "kB" {
			v *= 1024
		}
		m[name] = v
	}
	return m
}
