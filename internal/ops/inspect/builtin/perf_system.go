package builtin

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) swap() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.swap", Class: probe.Performance,
		TitleZH: "交换区", TitleEN: "Swap",
		HelpZH: "读取 /proc/meminfo 与 /proc/vmstat：交换区已用百分比，以及两次检查之间每秒换入的页数——换入多说明正在等内存。未配置交换区的主机没有数据源。" +
			"变红时：看可用内存检查项与占用最多的进程；数据库与 JVM 不应被换出，核对内存上限或加内存。",
		HelpEN: "Reads /proc/meminfo and /proc/vmstat: swap in use, and pages a second that were swapped in between two runs, which tell of programs waiting for memory. Hosts without swap have no source. " +
			"When red: look at available memory and the largest processes; databases and JVMs must not be swapped out, check their limits or add memory.",
		Thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "50", Crit: "80", Unit: "%"}, {Metric: "swapped_in", Warn: "100", Crit: "1000"}},
		Verified:   verifiedSamples, VerifiedOn: "documented output: Linux 4.19, 5.10, 2026-11",
		Discover: always("主机可能配置了交换区"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			b, missing := look(filepath.Join(h.Proc, "meminfo"), "内存信息")
			if missing != nil {
				return *missing
			}
			m := parseMeminfo(b)
			if m["SwapTotal"] == 0 {
				return probe.NoSource("未配置交换区")
			}
			r := t.Report()
			used := m["SwapTotal"] - m["SwapFree"]
			r.Measure("used_percent", "交换区已用", 100*used/m["SwapTotal"], "%")
			r.Record("used", used, "B")
			figures := fmt.Sprintf("交换区已用 %s / %s", probe.Humanize(used, "B"), probe.Humanize(m["SwapTotal"], "B"))
			if b, err := readFile(filepath.Join(h.Proc, "vmstat")); err == nil {
				if rate, ok := rates(t, "vmstat", parseCounters(b)); ok {
					r.Measure("swapped_in", "每秒换入页数", rate["pswpin"], "")
					r.Record("swapped_out", rate["pswpout"], "")
					figures += fmt.Sprintf("，每秒换入 %.1f 页、换出 %.1f 页", rate["pswpin"], rate["pswpout"])
				}
			}
			return r.Result(figures)
		},
	}
}

// kept are the counters whose rates are of use: what is remembered is small.
var kept = []string{"pswpin", "pswpout", "OutSegs", "RetransSegs", "ListenOverflows", "ListenDrops", "TCPAbortOnMemory"}

// parseCounters reads lines of "name value".
func parseCounters(b []byte) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 && slices.Contains(kept, f[0]) {
			if v, err := strconv.ParseFloat(f[1], 64); err == nil {
				out[f[0]] = v
			}
		}
	}
	return out
}

// rates returns how fast counters grew since the last run, a second, and remembers them. Smaller counters
// mean that the host was started again.
func rates(t probe.Target, key string, now map[string]float64) (map[string]float64, bool) {
	grown, span, ok := growths(t, key, now)
	if !ok {
		return nil, false
	}
	for k := range grown {
		grown[k] /= span
	}
	return grown, true
}

// growths returns by how much counters grew since the last run and over how many seconds.
func growths(t probe.Target, key string, now map[string]float64) (grown map[string]float64, span float64, ok bool) {
	text, known := t.Memory.Get(key)
	names := make([]string, 0, len(now))
	for k := range now {
		names = append(names, k)
	}
	slices.Sort(names)
	parts := []string{strconv.FormatInt(t.Now().UnixMilli(), 10)}
	for _, k := range names {
		parts = append(parts, k+"="+strconv.FormatFloat(now[k], 'f', -1, 64))
	}
	t.Memory.Set(key, strings.Join(parts, " "))
	fields := strings.Fields(text)
	if !known || len(fields) == 0 {
		return nil, 0, false
	}
	at, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return nil, 0, false
	}
	if span = float64(t.Now().UnixMilli()-at) / 1000; span < 1 {
		return nil, 0, false
	}
	grown = map[string]float64{}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		before, err := strconv.ParseFloat(value, 64)
		if err != nil || now[name] < before {
			return nil, 0, false
		}
		grown[name] = now[name] - before
	}
	return grown, span, true
}

func (h host) load() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.load", Class: probe.Performance,
		TitleZH: "系统负载", TitleEN: "Load",
		HelpZH: "读取 /proc/loadavg：15 分钟平均负载与核数之比，含等待磁盘的任务，反映持续的过载。" +
			"变红时：与处理器压力、读写压力对照：处理器压力低而负载高，多为任务在等磁盘或网络存储。",
		HelpEN: "Reads /proc/loadavg: the 15-minute load per CPU, tasks waiting for disks included, which shows lasting overload. " +
			"When red: compare with CPU and I/O pressure: a high load with low CPU pressure mostly means tasks waiting for disks or network storage.",
		Thresholds: []probe.Threshold{{Metric: "load15_per_cpu", Warn: "2", Crit: "4"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有系统负载"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			b, missing := look(filepath.Join(h.Proc, "loadavg"), "系统负载")
			if missing != nil {
				return *missing
			}
			loads, err := parseLoad(b)
			if err != nil {
				return probe.Unknowable("read_failed", err.Error())
			}
			stat, missing := look(filepath.Join(h.Proc, "stat"), "处理器计数")
			if missing != nil {
				return *missing
			}
			_, cpus := parseCPU(stat)
			if cpus == 0 {
				return probe.Unknowable("read_failed", "/proc/stat 中没有处理器计数")
			}
			r := t.Report()
			r.Measure("load15_per_cpu", "每核负载（15 分钟）", loads[2]/float64(cpus), "")
			r.Record("load15", loads[2], "")
			return r.Result(fmt.Sprintf("15 分钟平均负载 %.2f，%d 核", loads[2], cpus))
		},
	}
}

func (h host) tasks() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.tasks", Class: probe.Performance,
		TitleZH: "进程与线程总数", TitleEN: "Processes and threads",
		HelpZH: "读取 /proc/loadavg 的任务总数，与 kernel.pid_max、kernel.threads-max 中较小者比较；同时统计僵尸进程与处于不可中断等待（D）的任务——D 状态的多，说明存储没有响应。" +
			"变红时：接近上限——找线程最多的进程，多为线程池失控；僵尸多——其父进程没有回收，重启父进程；D 状态多——查磁盘、NFS 与多路径。",
		HelpEN: "Compares the number of tasks in /proc/loadavg with the smaller of kernel.pid_max and kernel.threads-max, and counts zombies and tasks in uninterruptible sleep (D): many of these mean that storage does not answer. " +
			"When red: near the limit, find the process with most threads, often a thread pool out of hand; many zombies, start their parent again; many in D, look at disks, NFS and multipath.",
		Thresholds: []probe.Threshold{
			{Metric: "used_percent", Warn: "70", Crit: "90", Unit: "%"},
			{Metric: "zombies", Warn: "20", Crit: "100"},
			{Metric: "blocked", Warn: "10", Crit: "50"},
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有进程数上限"),
		Run:      h.runTasks,
	}
}

func (h host) runTasks(ctx context.Context, t probe.Target) probe.Result {
	fields := strings.Fields(trimmed(h.Proc, "loadavg"))
	if len(fields) < 4 {
		if _, missing := look(filepath.Join(h.Proc, "loadavg"), "任务计数"); missing != nil {
			return *missing
		}
		return probe.Unknowable("read_failed", "/proc/loadavg 的内容无法识别")
	}
	_, total, _ := strings.Cut(fields[3], "/")
	used, err := strconv.ParseFloat(total, 64)
	if err != nil {
		return probe.Unknowable("read_failed", "/proc/loadavg 的内容无法识别")
	}
	limit := 0.0
	for _, name := range []string{"pid_max", "threads-max"} {
		if v, err := strconv.ParseFloat(trimmed(h.Proc, "sys/kernel", name), 64); err == nil && (limit == 0 || v < limit) {
			limit = v
		}
	}
	if limit == 0 {
		return probe.Unknowable("read_failed", "读取进程数上限失败")
	}
	pids, err := h.pids()
	if err != nil {
		return cannotRead(h.Proc, "进程列表", err)
	}
	r := t.Report()
	zombies, blocked := 0, 0
	for _, pid := range pids {
		if ctx.Err() != nil {
			return probe.Unknowable(probe.ReasonTimeout, "进程过多，未能在规定时间内数完")
		}
		stat := trimmed(h.Proc, strconv.Itoa(pid), "stat")
		switch processState(stat) {
		case "Z":
			if zombies++; zombies <= 10 {
				parent, _, _ := parseStat(stat) // 0 when it ended meanwhile
				r.Detail(fmt.Sprintf("僵尸进程 %d %s，父进程 %d", pid, trimmed(h.Proc, strconv.Itoa(pid), "comm"), parent))
			}
		case "D":
			if blocked++; blocked <= 10 {
				r.Detail(fmt.Sprintf("等待磁盘 %d %s", pid, trimmed(h.Proc, strconv.Itoa(pid), "comm")))
			}
		}
	}
	r.Measure("used_percent", "任务数占上限", 100*used/limit, "%")
	r.Measure("zombies", "僵尸进程", float64(zombies), "")
	r.Measure("blocked", "不可中断等待的进程", float64(blocked), "")
	r.Record("tasks", used, "")
	return r.Result(fmt.Sprintf("任务 %.0f / %.0f，进程 %d，僵尸 %d，不可中断等待 %d", used, limit, len(pids), zombies, blocked))
}

func (h host) diskLatency() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.disk_latency", Class: probe.Performance,
		TitleZH: "磁盘响应时间", TitleEN: "Disk latency",
		HelpZH: "读取 /proc/diskstats，按两次检查之间的计数计算每块整盘的平均每次读写耗时与繁忙程度（口径同 iostat 的 await 与 %util）。" +
			"变红时：看繁忙的盘上是什么：备份、批量任务错峰；数据库所在盘持续变慢查阵列降级、写缓存关闭与存储侧性能。",
		HelpEN: "Reads /proc/diskstats and reckons from the counters between two runs how long a read or write took on each whole disk and how busy it was (as await and %util of iostat). " +
			"When red: see what runs on the busy disk, move backups and batches to other hours; if a database's disk stays slow look for a degraded array, a write cache that is off, and the storage side.",
		Params: []probe.Param{
			{Name: "ignore", Type: "strings", TitleZH: "忽略的磁盘（可用 * 通配）", TitleEN: "Disks to ignore (with * wildcards)"},
		},
		Thresholds: []probe.Threshold{{Metric: "await", Warn: "0.05", Crit: "0.2", Unit: "s"}, {Metric: "disk_busy_percent", Warn: "90", Unit: "%"}},
		Check: func(p map[string]any) error {
			ignore, _ := p["ignore"].([]string)
			return checkPatterns("ignore", ignore)
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有磁盘"),
		Run:      h.runDiskLatency,
	}
}

// diskCounters are ops, ticks of waiting and ticks of being busy, by disk.
func (h host) diskCounters(b []byte, ignore []string) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 14 {
			continue
		}
		name := f[2]
		if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") || strings.HasPrefix(name, "sr") || strings.HasPrefix(name, "zram") || matchAny(ignore, name) {
			continue
		}
		if trimmed(h.Sys, "block", name, "size") == "" {
			continue // a partition
		}
		n := func(i int) float64 { v, _ := strconv.ParseFloat(f[i], 64); return v }
		out[name+".ops"], out[name+".wait"], out[name+".busy"] = n(3)+n(7), n(6)+n(10), n(12)
	}
	return out
}

// minOps is how many reads and writes an average needs.
const minOps = 20

func (h host) runDiskLatency(_ context.Context, t probe.Target) probe.Result {
	b, missing := look(filepath.Join(h.Proc, "diskstats"), "磁盘计数")
	if missing != nil {
		return *missing
	}
	now := h.diskCounters(b, t.Strings("ignore"))
	if len(now) == 0 {
		return probe.NoSource("没有可检查的磁盘")
	}
	r := t.Report()
	var names []string
	for k := range now {
		if name, ok := strings.CutSuffix(k, ".ops"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	r.Record("disks", float64(len(names)), "")
	grown, span, ok := growths(t, "disks", now)
	if !ok {
		return r.Result(fmt.Sprintf("%d 块磁盘，响应时间待下次检查后计算", len(names)))
	}
	slowest, worst := "", 0.0
	for _, n := range names {
		ops := grown[n+".ops"]
		busy := min(100, grown[n+".busy"]/10/span)
		r.Measure("disk_busy_percent "+n, n+" 繁忙", busy, "%")
		line := fmt.Sprintf("%s：每秒 %.1f 次读写，繁忙 %s", n, ops/span, probe.Humanize(busy, "%"))
		if ops >= minOps {
			await := grown[n+".wait"] / ops / 1000
			r.Measure("await "+n, n+" 平均响应", await, "s")
			line += "，平均响应 " + probe.Humanize(await, "s")
			if slowest == "" || await > worst {
				slowest, worst = n, await
			}
		}
		r.Detail(line)
	}
	figures := fmt.Sprintf("%d 块磁盘", len(names))
	if slowest != "" {
		figures += fmt.Sprintf("，最慢 %s 平均响应 %s", slowest, probe.Humanize(worst, "s"))
	}
	return r.Result(figures)
}

func (h host) tcpQuality() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.tcp", Class: probe.Performance,
		TitleZH: "TCP 质量", TitleEN: "TCP quality",
		HelpZH: "读取 /proc/net/snmp 与 /proc/net/netstat，按两次检查之间的计数计算重传率与监听队列溢出：重传多是网络丢包，队列溢出是应用来不及接受连接，用户表现为偶发超时。" +
			"变红时：重传——查网卡错误、交换机端口与链路；溢出——查应用是否卡顿，调大 backlog 与 net.core.somaxconn。",
		HelpEN: "Reads /proc/net/snmp and /proc/net/netstat and reckons from the counters between two runs the share of segments sent again and the overflows of listen queues: the first are lost on the network, the second are connections that an application was too slow to accept, which users see as occasional time-outs. " +
			"When red: for retransmissions look at interface errors, switch port and line; for overflows see whether the application hangs, raise its backlog and net.core.somaxconn.",
		Thresholds: []probe.Threshold{{Metric: "retransmit_percent", Warn: "2", Crit: "10", Unit: "%"}, {Metric: "overflows", Warn: "0", Crit: "100"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有 TCP 连接"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			b, missing := look(filepath.Join(h.Proc, "net/snmp"), "网络协议计数")
			if missing != nil {
				return *missing
			}
			now := parseProtocols(b)
			if more, err := readFile(filepath.Join(h.Proc, "net/netstat")); err == nil {
				for k, v := range parseProtocols(more) {
					now[k] = v
				}
			}
			r := t.Report()
			r.Record("segments", now["OutSegs"], "c")
			grown, span, ok := growths(t, "tcp", now)
			if !ok {
				return r.Result("重传率待下次检查后计算")
			}
			figures := fmt.Sprintf("自上次检查以来（%s）", probe.Humanize(span, "s"))
			if grown["OutSegs"] >= 1000 {
				percent := 100 * grown["RetransSegs"] / grown["OutSegs"]
				r.Measure("retransmit_percent", "TCP 重传率", percent, "%")
				figures += fmt.Sprintf("重传 %.0f / %.0f 段（%s）", grown["RetransSegs"], grown["OutSegs"], probe.Humanize(percent, "%"))
			} else {
				figures += "发送的段太少，不计重传率"
			}
			over := max(grown["ListenOverflows"], grown["ListenDrops"])
			r.Measure("overflows", "监听队列溢出", over, "")
			return r.Result(figures + fmt.Sprintf("，监听队列溢出 %.0f 次", over))
		},
	}
}

// parseProtocols reads pairs of lines, "Tcp: RtoAlgorithm RtoMin …" and "Tcp: 1 200 …".
func parseProtocols(b []byte) map[string]float64 {
	out := map[string]float64{}
	var names []string
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 || (f[0] != "Tcp:" && f[0] != "TcpExt:") {
			names = nil
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i := 1; i < min(len(f), len(names)); i++ {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil && slices.Contains(kept, names[i]) {
				out[names[i]] = v
			}
		}
		names = nil
	}
	return out
}

func (h host) queue() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.queue", Class: probe.Performance,
		TitleZH: "待处理文件积压", TitleEN: "Age of a queue",
		HelpZH: "看指定目录中符合条件的文件最早的一个已等待多久、共有多少个：报文交换目录、待推送目录、邮件队列等都可这样看。空目录为正常。" +
			"变红时：查处理该目录的程序是否存活、下游接口是否可达；单个文件长期不动多为格式错误，移出后人工处理。",
		HelpEN: "Looks how long the oldest file in a directory waits and how many there are: exchange directories, outgoing files, mail queues. An empty directory is good. " +
			"When red: see whether the program that works on it lives and its downstream can be reached; one file that stays for long is mostly malformed, take it out and handle it by hand.",
		Params: []probe.Param{
			{Name: "path", Type: "string", Required: true, TitleZH: "目录", TitleEN: "Directory"},
			{Name: "pattern", Type: "string", Default: "*", TitleZH: "文件名（可用 * 通配）", TitleEN: "File name (with * wildcards)"},
		},
		Thresholds: []probe.Threshold{{Metric: "oldest", Warn: "300", Crit: "900", Unit: "s"}, {Metric: "waiting"}},
		Check: func(p map[string]any) error {
			pattern, _ := p["pattern"].(string)
			return checkPatterns("pattern", []string{pattern})
		},
		Target: func(p map[string]any) string {
			path, _ := p["path"].(string)
			pattern, _ := p["pattern"].(string)
			if pattern == "*" {
				return path
			}
			return filepath.Join(path, pattern)
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Run: runQueue,
	}
}

func runQueue(ctx context.Context, t probe.Target) probe.Result {
	dir := t.String("path")
	waiting, oldest, name, missing := scanQueue(ctx, dir, t.String("pattern"))
	if missing != nil {
		return *missing
	}
	r := t.Report()
	age := 0.0
	if waiting > 0 {
		age = max(0, t.Now().Sub(oldest).Seconds())
	}
	r.Measure("oldest", "最早的文件已等待", age, "s")
	r.Measure("waiting", "待处理文件", float64(waiting), "")
	if waiting == 0 {
		return r.Result(dir + " 没有待处理的文件")
	}
	return r.Result(fmt.Sprintf("%s 有 %d 个待处理文件，最早的 %s 已等待 %s（%s）", dir, waiting, name, probe.Humanize(age, "s"), oldest.In(time.Local).Format(time.DateTime)))
}
