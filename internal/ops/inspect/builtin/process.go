package builtin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) process() probe.Builtin {
	return probe.Builtin{
		Kind: "service.process", Class: probe.Service,
		TitleZH: "进程数", TitleEN: "Processes",
		HelpZH: "在 /proc 中按程序名（与 ps -C 相同的名称）或命令行正则表达式统计进程数，僵尸进程不计；少于下限或多于上限即严重。" +
			"变红时：少——查服务日志与 OOM 记录后启动服务；多——查是否重复启动或进程泄漏。",
		HelpEN: "Counts processes in /proc by program name or by a regular expression over the command line, zombies left out; fewer than the minimum or more than the maximum is critical. " +
			"When red: too few, read the service's log and OOM records, then start it; too many, look for a second start or a leak.",
		Params: []probe.Param{
			{Name: "name", Type: "string", TitleZH: "程序名", TitleEN: "Program name"},
			{Name: "cmdline", Type: "string", TitleZH: "命令行（正则表达式）", TitleEN: "Command line (regular expression)"},
			{Name: "min", Type: "int", Default: 1, TitleZH: "最少个数", TitleEN: "At least"},
			{Name: "max", Type: "int", Default: 0, TitleZH: "最多个数（0 为不限）", TitleEN: "At most (0 for no limit)"},
		},
		Check: func(p map[string]any) error {
			_, err := newProcessFilter(p)
			return err
		},
		Target: func(p map[string]any) string {
			name, _ := p["name"].(string)
			cmdline, _ := p["cmdline"].(string)
			return strings.TrimSpace(name + " " + cmdline)
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Run: h.runProcess,
	}
}

type processFilter struct {
	name    string
	cmdline *regexp.Regexp
}

func newProcessFilter(p map[string]any) (processFilter, error) {
	name, _ := p["name"].(string)
	cmdline, _ := p["cmdline"].(string)
	least, _ := p["min"].(int)
	most, _ := p["max"].(int)
	if name == "" && cmdline == "" {
		return processFilter{}, errors.New("name or cmdline is required")
	}
	if least < 0 || most < 0 || (most > 0 && most < least) {
		return processFilter{}, errors.New("max must be 0 or at least min")
	}
	f := processFilter{name: name}
	if cmdline != "" {
		re, err := regexp.Compile(cmdline)
		if err != nil {
			return processFilter{}, fmt.Errorf("cmdline: %w", err)
		}
		f.cmdline = re
	}
	return f, nil
}

// matches judges a process by its files comm and cmdline. The kernel cuts comm after 15 bytes, so
// the name of the program file counts too.
func (f processFilter) matches(comm string, args []string) bool {
	if f.name != "" && comm != f.name && (len(args) == 0 || filepath.Base(args[0]) != f.name) {
		return false
	}
	return f.cmdline == nil || f.cmdline.MatchString(strings.Join(args, " "))
}

func (h host) runProcess(ctx context.Context, t probe.Target) probe.Result {
	filter, err := newProcessFilter(t.Params)
	if err != nil {
		return probe.Unknowable("bad_params", err.Error())
	}
	pids, err := h.pids()
	if err != nil {
		return cannotRead(h.Proc, "进程列表", err)
	}
	count, zombies := 0, 0
	r := t.Report()
	for _, pid := range pids {
		if ctx.Err() != nil {
			return probe.Unknowable(probe.ReasonTimeout, "进程过多，未能在规定时间内数完")
		}
		dir := filepath.Join(h.Proc, strconv.Itoa(pid))
		comm := trimmed(dir, "comm")
		if comm == "" {
			continue // ended meanwhile
		}
		raw, _ := readFile(filepath.Join(dir, "cmdline")) // kernel threads and zombies have none
		args := splitArgs(raw)
		if !filter.matches(comm, args) {
			continue
		}
		if processState(trimmed(dir, "stat")) == "Z" {
			zombies++
			continue
		}
		count++
		if count <= 20 {
			// The arguments stay out: programs are often started with passwords in them.
			r.Detail(fmt.Sprintf("%d %s", pid, comm))
		}
	}
	least, most := t.Int("min"), t.Int("max")
	r.Record("count", float64(count), "")
	if count == 0 && least > 0 && h.hidden() {
		return probe.Denied("/proc 以 hidepid 挂载，看不到其他账户的进程：请以 root 运行，或将运行账户加入 gid= 所指的组")
	}
	what := (probe.Builtin{Target: h.process().Target}).TargetName(t.Params)
	switch {
	case count < least:
		r.Raise(probe.Critical, "too_few", fmt.Sprintf("进程 %s 只有 %d 个，应至少 %d 个", what, count, least))
	case most > 0 && count > most:
		r.Raise(probe.Critical, "too_many", fmt.Sprintf("进程 %s 有 %d 个，应至多 %d 个", what, count, most))
	}
	figures := fmt.Sprintf("进程 %s 共 %d 个", what, count)
	if zombies > 0 {
		r.Record("zombies", float64(zombies), "")
		figures += fmt.Sprintf("，另有僵尸进程 %d 个", zombies)
	}
	return r.Result(figures)
}

// pids lists the processes.
func (h host) pids() ([]int, error) {
	entries, err := os.ReadDir(h.Proc)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// hidden reports whether /proc hides the processes of others from this one.
func (h host) hidden() bool {
	if os.Geteuid() == 0 {
		return false
	}
	b, err := readFile(filepath.Join(h.Proc, "self/mounts"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[2] == "proc" && strings.Contains(fields[3], "hidepid=") && !strings.Contains(fields[3], "hidepid=0") {
			return true
		}
	}
	return false
}

func splitArgs(b []byte) []string {
	s := strings.TrimRight(string(b), "\x00")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}

// processState returns the letter after the name in /proc/<pid>/stat; the name may hold blanks and brackets.
func processState(stat string) string {
	i := strings.LastIndexByte(stat, ')')
	if i < 0 || i+2 >= len(stat) {
		return ""
	}
	return stat[i+2 : i+3]
}
