package plugin

import (
	"fmt"
	"strings"
	"syscall"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/charset"
	"taxops/internal/ops/inspect/spawn"
)

// Reasons of results that are no answer of the program itself.
const (
	ReasonEmpty     probe.Reason = "empty"        // it said nothing
	ReasonBadExit   probe.Reason = "bad_exit"     // its exit code is no state
	ReasonSignal    probe.Reason = "signal"       // it died
	ReasonMemory    probe.Reason = "memory"       // it took too much memory
	ReasonProcesses probe.Reason = "processes"    // it started too many processes
	ReasonFlood     probe.Reason = "flood"        // it wrote without end
	ReasonNotRun    probe.Reason = "not_run"      // it could not be started
	ReasonLost      probe.Reason = "spawner_lost" // the process that ran it died
	ReasonCancelled probe.Reason = "cancelled"
)

// Parse reads the output of a plug-in that ended by itself with an exit code.
func Parse(stdout, stderr []byte, exit int) probe.Result {
	out, _ := charset.Decode(stdout, charset.Auto)
	errs, _ := charset.Decode(stderr, charset.Auto)
	text, perf := split(out)
	r := probe.Result{State: probe.State(exit), Details: text.details}
	switch {
	case exit < 0 || exit > 3:
		r.State, r.Reason = probe.Unknown, ReasonBadExit
		text.summary = joined(fmt.Sprintf("退出码 %d 不是插件状态", exit), text.summary)
	case text.summary == "" && text.details == "" && strings.TrimSpace(errs) == "":
		r.State, r.Reason = probe.Unknown, ReasonEmpty
		text.summary = fmt.Sprintf("插件没有输出（退出码 %d）", exit)
	case text.summary == "" && exit == 0:
		// Without a line on its standard output a plug-in has not said that all is well.
		r.State, r.Reason = probe.Unknown, ReasonEmpty
	}
	if r.Summary = text.summary; r.Summary == "" {
		r.Summary = firstLine(joined(text.details, errs))
	}
	values, err := probe.ParsePerf(perf)
	for _, p := range values {
		r.Perf = append(r.Perf, Base(p))
	}
	if err != nil {
		r.Details = addLine(r.Details, "性能数据有误："+oneLine(err.Error()))
	}
	if s := strings.TrimSpace(errs); s != "" {
		r.Details = addLine(r.Details, "标准错误输出：\n"+s)
	}
	return r
}

type said struct{ summary, details string }

// split parts text from performance data.
func split(out string) (said, string) {
	var s said
	var details, perf []string
	inPerf := false
	for i, line := range strings.Split(strings.TrimRight(strings.ReplaceAll(out, "\r\n", "\n"), "\n \t"), "\n") {
		if inPerf {
			perf = append(perf, line)
			continue
		}
		text, data, bar := strings.Cut(line, "|")
		if bar {
			perf = append(perf, data)
		}
		if i == 0 {
			s.summary = strings.TrimSpace(text)
			continue
		}
		inPerf = bar
		details = append(details, strings.TrimRight(text, " \t"))
	}
	s.details = strings.Trim(strings.Join(details, "\n"), "\n")
	return s, strings.Join(perf, " ")
}

func joined(a, b string) string {
	switch {
	case b == "":
		return a
	case a == "":
		return b
	}
	return a + "：" + b
}

func addLine(text, line string) string {
	if text == "" {
		return line
	}
	return text + "\n" + line
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }

func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// Base brings a value to its base unit, with its ranges and bounds: seconds for times, bytes for sizes
// (plug-ins count sizes in powers of 1024, whatever they call them). Other units stay.
func Base(p probe.Perf) probe.Perf {
	unit, up, down := "", 1.0, 1.0
	switch p.UOM {
	case "ns":
		unit, down = "s", 1e9
	case "us", "µs", "μs":
		unit, down = "s", 1e6
	case "ms":
		unit, down = "s", 1e3
	case "kB", "KB", "KiB":
		unit, up = "B", 1<<10
	case "MB", "MiB":
		unit, up = "B", 1<<20
	case "GB", "GiB":
		unit, up = "B", 1<<30
	case "TB", "TiB":
		unit, up = "B", 1<<40
	case "PB", "PiB":
		unit, up = "B", 1<<50
	default:
		return p
	}
	scale := func(v float64) float64 { return v * up / down }
	rescale := func(text string) string {
		if text == "" {
			return ""
		}
		r, err := probe.ParseRange(text)
		if err != nil {
			return "" // a range in other units would lie
		}
		r.Start, r.End = scale(r.Start), scale(r.End)
		return r.String()
	}
	p.UOM, p.Value = unit, scale(p.Value)
	p.Warn, p.Crit = rescale(p.Warn), rescale(p.Crit)
	for _, bound := range []**float64{&p.Min, &p.Max} {
		if *bound != nil {
			v := scale(**bound)
			*bound = &v
		}
	}
	return p
}

// Failed is the result of a run that did not end by itself with an exit code; ok is false when it did.
func Failed(o spawn.Outcome, timeout string) (r probe.Result, failed bool) {
	unknown := func(reason probe.Reason, format string, args ...any) (probe.Result, bool) {
		r := probe.Unknowable(reason, fmt.Sprintf(format, args...))
		out, _ := charset.Decode(o.Stdout, charset.Auto)
		errs, _ := charset.Decode(o.Stderr, charset.Auto)
		if out = strings.TrimSpace(out); out != "" {
			r.Details = "此前的输出：\n" + out
		}
		if errs = strings.TrimSpace(errs); errs != "" {
			r.Details = addLine(r.Details, "标准错误输出：\n"+errs)
		}
		return r, true
	}
	switch o.Ended {
	case spawn.Exited:
		return probe.Result{}, false
	case spawn.Signalled:
		return unknown(ReasonSignal, "程序被信号 %d（%s）终止", o.Signal, syscall.Signal(o.Signal))
	case spawn.TimedOut:
		return unknown(probe.ReasonTimeout, "程序在 %s 内没有结束，已终止", timeout)
	case spawn.OverMemory:
		return unknown(ReasonMemory, "程序占用内存超过限额，已终止")
	case spawn.OverTree:
		return unknown(ReasonProcesses, "程序启动的进程过多，已终止")
	case spawn.Flooded:
		return unknown(ReasonFlood, "程序输出过多，已终止")
	case spawn.Cancelled:
		return unknown(ReasonCancelled, "程序在执行中被取消")
	}
	return unknown(ReasonNotRun, "程序无法启动：%s", o.Detail)
}

// Notes are what happened around a run that people should see below its output.
func Notes(o spawn.Outcome) []string {
	var out []string
	if o.StdoutCut {
		out = append(out, fmt.Sprintf("输出超过 %d KiB，其余已丢弃", spawn.MaxStdout>>10))
	}
	if o.StderrCut {
		out = append(out, fmt.Sprintf("错误输出超过 %d KiB，其余已丢弃", spawn.MaxStderr>>10))
	}
	if o.Survivors > 0 {
		out = append(out, fmt.Sprintf("程序结束后仍留下 %d 个进程，已终止", o.Survivors))
	}
	if o.Stuck {
		out = append(out, "有进程无法终止（可能在等待故障的磁盘或网络存储）")
	}
	return out
}
