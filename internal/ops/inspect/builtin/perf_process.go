package builtin

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

// procUsage is what one process uses.
type procUsage struct {
	pid       int
	comm      string
	start     uint64 // ticks after the boot: tells a process from a later one of the same number
	ticks     uint64 // CPU time
	rss       float64
	open      int
	limit     float64 // of open files, 0 when there is none
	threads   int
	forbidden bool // its open files may not be seen
}

func (u procUsage) String() string { return fmt.Sprintf("%s（进程 %d）", u.comm, u.pid) }

// processes reads all processes that fit a filter, nil for all. Kernel threads are left out.
func (h host) processes(ctx context.Context, f *processFilter, files bool) ([]procUsage, *probe.Result) {
	pids, err := h.pids()
	if err != nil {
		r := cannotRead(h.Proc, "进程列表", err)
		return nil, &r
	}
	var out []procUsage
	for _, pid := range pids {
		if ctx.Err() != nil {
			r := probe.Unknowable(probe.ReasonTimeout, "进程过多，未能在规定时间内看完")
			return nil, &r
		}
		dir := filepath.Join(h.Proc, strconv.Itoa(pid))
		raw, err := readFile(filepath.Join(dir, "cmdline"))
		if err != nil || len(bytes.Trim(raw, "\x00")) == 0 {
			continue // ended meanwhile, a kernel thread or a zombie
		}
		u := procUsage{pid: pid, comm: trimmed(dir, "comm")}
		if f != nil && !f.matches(u.comm, splitArgs(raw)) {
			continue
		}
		stat := trimmed(dir, "stat")
		i := strings.LastIndexByte(stat, ')')
		if i < 0 {
			continue
		}
		fields := strings.Fields(stat[i+1:]) // from field 3 on
		if len(fields) < 22 {
			continue
		}
		n := func(i int) uint64 { v, _ := strconv.ParseUint(fields[i-3], 10, 64); return v }
		u.ticks, u.threads, u.start = n(14)+n(15), int(n(20)), n(22)
		u.rss = float64(n(24)) * float64(os.Getpagesize())
		if files {
			u.open, u.forbidden = h.openFiles(dir)
			u.limit = openLimit(dir)
		}
		out = append(out, u)
	}
	return out, nil
}

func (h host) openFiles(dir string) (n int, forbidden bool) {
	d, err := os.Open(filepath.Join(dir, "fd"))
	if err != nil {
		return 0, errors.Is(err, fs.ErrPermission)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0, errors.Is(err, fs.ErrPermission)
	}
	return len(names), false
}

// openLimit is the soft limit of open files of a process.
func openLimit(dir string) float64 {
	b, err := readFile(filepath.Join(dir, "limits"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				v, _ := strconv.ParseFloat(f[0], 64) // "unlimited" is none
				return v
			}
		}
	}
	return 0
}

var processParams = []probe.Param{
	{Name: "name", Type: "string", TitleZH: "程序名（留空为全部进程）", TitleEN: "Program name (all when empty)"},
	{Name: "cmdline", Type: "string", TitleZH: "命令行（正则表达式）", TitleEN: "Command line (regular expression)"},
}

// optionalFilter is a filter that may be left empty.
func optionalFilter(p map[string]any) (*processFilter, error) {
	name, _ := p["name"].(string)
	cmdline, _ := p["cmdline"].(string)
	if name == "" && cmdline == "" {
		return nil, nil
	}
	f, err := newProcessFilter(p)
	return &f, err
}

func (h host) perProcess(b probe.Builtin, files bool, judge func(t probe.Target, r *probe.Report, list []procUsage) string) probe.Builtin {
	b.Class, b.Params, b.Target = probe.Performance, processParams, h.process().Target
	b.Check = func(p map[string]any) error {
		_, err := optionalFilter(p)
		return err
	}
	b.Verified, b.VerifiedOn = verifiedTested, verifiedLinux
	b.Discover = always("每台主机都有进程")
	b.Run = func(ctx context.Context, t probe.Target) probe.Result {
		f, err := optionalFilter(t.Params)
		if err != nil {
			return probe.Unknowable("bad_params", err.Error())
		}
		list, missing := h.processes(ctx, f, files)
		if missing != nil {
			return *missing
		}
		if len(list) == 0 {
			switch {
			case h.hidden():
				return probe.Denied("/proc 以 hidepid 挂载，看不到其他账户的进程：请以 root 运行，或将运行账户加入 gid= 所指的组")
			case f == nil:
				return probe.NoSource("没有进程信息")
			}
			return probe.Result{State: probe.Critical, Reason: "not_running", Summary: fmt.Sprintf("进程 %s 不存在", b.TargetName(t.Params))}
		}
		r := t.Report()
		r.Record("processes", float64(len(list)), "")
		return r.Result(judge(t, r, list))
	}
	return b
}

func (h host) processCPU() probe.Builtin {
	return h.perProcess(probe.Builtin{
		Kind: "performance.process_cpu", TitleZH: "进程占用处理器", TitleEN: "CPU of processes",
		HelpZH: "按两次检查之间的计数计算每个进程占用全部处理器的百分比，取最高的；可限定程序名。" +
			"变红时：看该进程在做什么（批处理、死循环、垃圾回收频繁）；JVM 用 jstack 连取三次比较，数据库看最耗时的语句。",
		HelpEN: "Reckons from the counters between two runs how much of all CPUs each process took, and judges the highest; may be limited to a program. " +
			"When red: see what it does (a batch, an endless loop, frequent collections); of a JVM take three jstacks and compare, of a database look at the longest statements.",
		Thresholds: []probe.Threshold{{Metric: "cpu_percent", Warn: "80", Crit: "95", Unit: "%"}},
	}, false, h.judgeCPU)
}

// rememberedProcesses is how many processes a check remembers: those that used most, which are those that
// use most.
const rememberedProcesses = 120

func (h host) judgeCPU(t probe.Target, r *probe.Report, list []procUsage) string {
	text, _ := t.Memory.Get("ticks")
	fields := strings.Fields(text)
	before := map[string]uint64{}
	at := int64(0)
	if len(fields) > 0 {
		at, _ = strconv.ParseInt(fields[0], 10, 64) // 0: as if nothing was remembered
		for _, f := range fields[1:] {
			id, n, _ := strings.Cut(f, "=")
			before[id], _ = strconv.ParseUint(n, 10, 64) // 0: since its start
		}
	}
	id := func(u procUsage) string {
		return strconv.FormatInt(int64(u.pid), 36) + "." + strconv.FormatUint(u.start, 36)
	}
	slices.SortFunc(list, func(a, b procUsage) int { return cmp.Compare(b.ticks, a.ticks) })
	now := t.Now().UnixMilli()
	parts := []string{strconv.FormatInt(now, 10)}
	for _, u := range list[:min(len(list), rememberedProcesses)] {
		parts = append(parts, id(u)+"="+strconv.FormatUint(u.ticks, 10))
	}
	t.Memory.Set("ticks", strings.Join(parts, " "))
	span := float64(now-at) / 1000
	if at == 0 || span < 1 {
		return fmt.Sprintf("%d 个进程，占用待下次检查后计算", len(list))
	}
	up, _ := h.uptime()
	type busy struct {
		procUsage
		percent float64
	}
	var top []busy
	for _, u := range list {
		was, known := before[id(u)]
		if !known && up-float64(u.start)/ticksPerSecond > span+1 {
			continue // it was there and used too little to be remembered
		}
		if u.ticks < was {
			continue
		}
		top = append(top, busy{u, min(100, 100*float64(u.ticks-was)/ticksPerSecond/span/float64(h.cpus()))})
	}
	slices.SortStableFunc(top, func(a, b busy) int { return cmp.Compare(b.percent, a.percent) })
	if len(top) == 0 {
		return fmt.Sprintf("%d 个进程，没有占用处理器的", len(list))
	}
	for _, b := range top[:min(len(top), 10)] {
		r.Detail(fmt.Sprintf("%s %s", probe.Humanize(b.percent, "%"), b.procUsage))
	}
	r.Measure("cpu_percent", top[0].String()+" 占用处理器", top[0].percent, "%")
	return fmt.Sprintf("%d 个进程，最高 %s 占用处理器 %s", len(list), top[0].procUsage, probe.Humanize(top[0].percent, "%"))
}

func (h host) cpus() int {
	if b, err := readFile(filepath.Join(h.Proc, "stat")); err == nil {
		if _, n := parseCPU(b); n > 0 {
			return n
		}
	}
	return runtime.NumCPU()
}

func (h host) processMemory() probe.Builtin {
	return h.perProcess(probe.Builtin{
		Kind: "performance.process_memory", TitleZH: "进程占用内存", TitleEN: "Memory of processes",
		HelpZH: "读取每个进程的常驻内存占物理内存的百分比，取最高的；可限定程序名。数据库按设计会占用大部分内存，请按其配置调整阈值。" +
			"变红时：看历史曲线是否持续上涨；只涨不落的是泄漏，安排重启并交应用负责人；数据库核对 shared_buffers、SGA 等配置。",
		HelpEN: "Reads the resident memory of each process as a share of physical memory and judges the highest; may be limited to a program. A database takes most of the memory by design: set its thresholds by its configuration. " +
			"When red: see in the history whether it keeps growing; what only grows is a leak, plan a restart and tell the application's owner; of a database check shared_buffers, SGA and the like.",
		Thresholds: []probe.Threshold{{Metric: "rss_percent", Warn: "70", Crit: "90", Unit: "%"}},
	}, false, func(_ probe.Target, r *probe.Report, list []procUsage) string {
		b, err := readFile(filepath.Join(h.Proc, "meminfo"))
		total := parseMeminfo(b)["MemTotal"]
		if err != nil || total <= 0 {
			r.Raise(probe.Unknown, "read_failed", "读取内存总量失败")
			return ""
		}
		slices.SortStableFunc(list, func(a, b procUsage) int { return cmp.Compare(b.rss, a.rss) })
		for _, u := range list[:min(len(list), 10)] {
			r.Detail(fmt.Sprintf("%s %s", probe.Humanize(u.rss, "B"), u))
		}
		r.Measure("rss_percent", list[0].String()+" 占用内存", 100*list[0].rss/total, "%")
		r.Record("rss", list[0].rss, "B")
		return fmt.Sprintf("%d 个进程，最高 %s 占用内存 %s（%s）", len(list), list[0], probe.Humanize(list[0].rss, "B"), probe.Humanize(100*list[0].rss/total, "%"))
	})
}

func (h host) processFiles() probe.Builtin {
	return h.perProcess(probe.Builtin{
		Kind: "performance.process_files", TitleZH: "进程打开的文件", TitleEN: "Open files of processes",
		HelpZH: "读取每个进程打开的文件数占其自身上限（ulimit -n）的百分比，取最高的；达到上限的进程无法再建立连接或写日志。" +
			"变红时：用 ls -l /proc/进程号/fd 看打开的是什么，多为连接未关闭；确属业务需要的调大服务的 LimitNOFILE 后重启。",
		HelpEN: "Reads the open files of each process as a share of its own limit (ulimit -n) and judges the highest; a process at its limit can neither connect nor write its log. " +
			"When red: see with ls -l /proc/PID/fd what is open, often connections that are not closed; where the business needs it raise LimitNOFILE of the service and start it again.",
		Thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "70", Crit: "90", Unit: "%"}},
	}, true, func(_ probe.Target, r *probe.Report, list []procUsage) string {
		share := func(u procUsage) float64 {
			if u.limit <= 0 {
				return 0
			}
			return 100 * float64(u.open) / u.limit
		}
		seen := slices.DeleteFunc(slices.Clone(list), func(u procUsage) bool { return u.forbidden || u.limit <= 0 })
		if len(seen) == 0 {
			r.Raise(probe.Unknown, probe.ReasonDenied, "无权查看其他账户的进程打开的文件：请以 root 运行")
			return ""
		}
		slices.SortStableFunc(seen, func(a, b procUsage) int { return cmp.Compare(share(b), share(a)) })
		for _, u := range seen[:min(len(seen), 10)] {
			r.Detail(fmt.Sprintf("%d / %.0f %s", u.open, u.limit, u))
		}
		top := seen[0]
		r.Measure("used_percent", top.String()+" 打开的文件占上限", share(top), "%")
		r.Record("open", float64(top.open), "")
		figures := fmt.Sprintf("最高 %s 打开 %d / %.0f 个文件（%s）", top, top.open, top.limit, probe.Humanize(share(top), "%"))
		if n := len(list) - len(seen); n > 0 {
			figures += fmt.Sprintf("，另有 %d 个进程无权查看", n)
		}
		return figures
	})
}
