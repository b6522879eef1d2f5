package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) restart() probe.Builtin {
	return probe.Builtin{
		Kind: "service.restart", Class: probe.Service,
		TitleZH: "服务重启", TitleEN: "Restarts of a service",
		HelpZH: "在 /proc 中按程序名找到最早启动的进程，记住其启动时间：时间变了就是服务重启过，统计 24 小时内的次数；进程不在为严重。" +
			"变红时：核对是否有计划内的变更；不在计划内的，查服务日志、内核日志中的 OOM 与崩溃记录。",
		HelpEN: "Finds the oldest process of a program in /proc and remembers when it started: another time means that the service was started again, counted over 24 hours; no process at all is critical. " +
			"When red: see whether a change was planned; if not, read the service's log and look for OOM kills and crashes in the kernel log.",
		Params: []probe.Param{
			{Name: "name", Type: "string", TitleZH: "程序名", TitleEN: "Program name"},
			{Name: "cmdline", Type: "string", TitleZH: "命令行（正则表达式）", TitleEN: "Command line (regular expression)"},
		},
		Thresholds: []probe.Threshold{{Metric: "restarts_24h", Warn: "0", Crit: "3"}},
		Check: func(p map[string]any) error {
			_, err := newProcessFilter(p)
			return err
		},
		Target:   h.process().Target,
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: h.discoverServices,
		Run:      h.runRestart,
	}
}

// parseStat returns when a process started, in ticks after the boot, and the id of its parent.
func parseStat(stat string) (parent int, start uint64, err error) {
	i := strings.LastIndexByte(stat, ')')
	if i < 0 {
		return 0, 0, errors.New("stat of a process without a name")
	}
	fields := strings.Fields(stat[i+1:]) // from field 3 on
	if len(fields) < 20 {
		return 0, 0, fmt.Errorf("stat of a process has %d fields", len(fields)+2)
	}
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return 0, 0, fmt.Errorf("parent of a process: %w", err)
	}
	if start, err = strconv.ParseUint(fields[19], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("start of a process: %w", err)
	}
	return parent, start, nil
}

// ticksPerSecond is the unit of times in /proc, the same on all Linux platforms since 2.6.
const ticksPerSecond = 100

func (h host) uptime() (float64, bool) {
	first, _, _ := strings.Cut(trimmed(h.Proc, "uptime"), " ")
	v, err := strconv.ParseFloat(first, 64)
	return v, err == nil
}

func (h host) runRestart(ctx context.Context, t probe.Target) probe.Result {
	filter, err := newProcessFilter(t.Params)
	if err != nil {
		return probe.Unknowable("bad_params", err.Error())
	}
	pids, err := h.pids()
	if err != nil {
		return cannotRead(h.Proc, "进程列表", err)
	}
	first, count, firstPID := uint64(0), 0, 0
	for _, pid := range pids {
		if ctx.Err() != nil {
			return probe.Unknowable(probe.ReasonTimeout, "进程过多，未能在规定时间内数完")
		}
		dir := filepath.Join(h.Proc, strconv.Itoa(pid))
		comm := trimmed(dir, "comm")
		if comm == "" {
			continue
		}
		raw, _ := readFile(filepath.Join(dir, "cmdline")) // kernel threads have none
		stat := trimmed(dir, "stat")
		if !filter.matches(comm, splitArgs(raw)) || processState(stat) == "Z" {
			continue
		}
		_, start, err := parseStat(stat)
		if err != nil {
			continue // ended meanwhile
		}
		if count++; count == 1 || start < first {
			first, firstPID = start, pid
		}
	}
	what := (probe.Builtin{Target: h.process().Target}).TargetName(t.Params)
	if count == 0 {
		if h.hidden() {
			return probe.Denied("/proc 以 hidepid 挂载，看不到其他账户的进程：请以 root 运行，或将运行账户加入 gid= 所指的组")
		}
		return probe.Result{State: probe.Critical, Reason: "not_running", Summary: fmt.Sprintf("服务 %s 没有进程：未启动或已退出", what)}
	}
	r := t.Report()
	up, ok := h.uptime()
	if !ok {
		return probe.Unknowable("read_failed", "读取 /proc/uptime 失败")
	}
	age := max(0, up-float64(first)/ticksPerSecond)
	boot := trimmed(h.Proc, "sys/kernel/random/boot_id")
	// A start is named by the boot and its tick; the counter of starts grows with each new name.
	name := fmt.Sprintf("%s/%d/%d", boot, first, firstPID)
	was, known := t.Memory.Get("start")
	starts := 0
	if text, ok := t.Memory.Get("starts"); ok {
		starts, _ = strconv.Atoi(text) // what cannot be read counts as 0
	}
	if known && was != name {
		starts++
		r.Raise(probe.Warning, "restarted", fmt.Sprintf("服务 %s 自上次检查以来重启过", what))
	}
	t.Memory.Set("start", name)
	t.Memory.Set("starts", strconv.Itoa(starts))
	r.Measure("restarts_24h", "24 小时内重启", float64(within24h(t, "restarts", starts)), "")
	r.Record("age", age, "s")
	r.Record("processes", float64(count), "")
	return r.Result(fmt.Sprintf("服务 %s 已运行 %s（进程 %d，共 %d 个进程，启动于 %s）", what, probe.Humanize(age, "s"), firstPID, count,
		t.Now().Add(-time.Duration(age*float64(time.Second))).In(time.Local).Format(time.DateTime)))
}

// interpreters are programs whose name does not tell what runs.
var interpreters = []string{"java", "python", "python3", "node", "perl", "ruby", "php", "php-fpm", "dotnet", "bash", "sh", "docker-proxy", "containerd", "beam.smp", "rootlessport"}

// discoverServices proposes the programs that listen for others: what serves the network is a service.
func (h host) discoverServices(context.Context) []probe.Found {
	ports := map[string][]string{}
	for _, l := range h.allListeners() {
		if l.owner == "" || slices.Contains(interpreters, l.owner) || slices.Contains(otherOwners[1:], l.owner) {
			continue
		}
		if h.startedBySomebody(l.pid) || !h.settled(l.pid) {
			continue
		}
		ports[l.owner] = append(ports[l.owner], strconv.Itoa(l.port()))
	}
	var out []probe.Found
	for name, list := range ports {
		slices.SortFunc(list, byNumber)
		out = append(out, probe.Found{
			Params: map[string]any{"name": name},
			Why:    fmt.Sprintf("%s 在监听端口 %s", name, strings.Join(slices.Compact(list), "、")),
		})
	}
	slices.SortFunc(out, func(a, b probe.Found) int { return cmp.Compare(a.Why, b.Why) })
	return out[:min(len(out), 20)]
}

// startedBySomebody reports whether a process belongs to a person's session, as a program that is being
// tried out does: a session of its own has a terminal.
func (h host) startedBySomebody(pid int) bool {
	stat := trimmed(h.Proc, strconv.Itoa(pid), "stat")
	i := strings.LastIndexByte(stat, ')')
	if i < 0 {
		return true
	}
	fields := strings.Fields(stat[i+1:])
	return len(fields) > 4 && fields[4] != "0" // the controlling terminal
}
