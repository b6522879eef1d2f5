package builtin

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) eventLog() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.sel", Class: probe.Hardware,
		TitleZH: "硬件事件日志（SEL）", TitleEN: "System event log (SEL)",
		HelpZH: "用 ipmitool 读取主板管理控制器事件日志中自上次检查以来的新事件：不可纠正错误、部件故障、失电、过热等为严重，可纠正内存错误、预测故障为警告；首次只记下位置并报告总数。" +
			"变红时：按事件中的部件与插槽报修；处理完毕后可由维保人员清空事件日志。",
		HelpEN: "Reads with ipmitool the events that the board's management controller logged since the last run: uncorrectable errors, failed parts, lost power and overheating are critical, corrected memory errors and predicted failures a warning; the first run only notes the place and tells how many there are. " +
			"When red: report part and slot to maintenance; they may clear the log when all is done.",
		Thresholds: []probe.Threshold{{Metric: "critical", Crit: "0"}, {Metric: "warnings", Warn: "0"}},
		Verified:   verifiedSamples, VerifiedOn: "documented output: ipmitool 1.8.18, 2026-11", Timeout: slowHelper,
		Discover: always("物理主机有硬件事件日志"),
		Run:      h.runEventLog,
	}
}

// selEvent is one line of ipmitool sel elist.
type selEvent struct{ id, when, sensor, event, direction string }

func (e selEvent) String() string {
	return fmt.Sprintf("%s %s：%s", e.when, e.sensor, e.event)
}

// key names an event: numbers begin anew when the log is cleared.
func (e selEvent) key() string { return e.id + " " + e.when }

// parseSEL reads "  1a | 11/20/2026 | 08:12:01 | Memory ECC Error #0x02 | Uncorrectable ECC | Asserted"; newer
// programs write "11/20/26" and "08:12:01 UTC".
func parseSEL(b []byte) []selEvent {
	var list []selEvent
	for line := range strings.Lines(string(b)) {
		fields := strings.Split(line, "|")
		if len(fields) < 5 {
			continue
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if _, err := strconv.ParseUint(fields[0], 16, 32); err != nil {
			continue
		}
		e := selEvent{id: fields[0], when: strings.TrimSpace(fields[1] + " " + fields[2]), sensor: fields[3], event: fields[4]}
		if len(fields) > 5 {
			e.direction = fields[5]
		}
		list = append(list, e)
	}
	return list
}

var (
	selCritical = []string{"uncorrectable", "non-recoverable", "upper critical", "lower critical", "failure detected", "ac lost", "input lost",
		"redundancy lost", "ierr", "thermal trip", "machine check", "drive fault", "bus fatal", "critical interrupt",
		"transition to critical", "transition to non-recoverable", "fatal", "power unit failure", "configuration error"}
	selWarning = []string{"correctable ecc", "predictive failure", "non-critical", "redundancy degraded", "non-redundant", "logging limit", "bus correctable", "log almost full", "sel almost full"}
)

// gravity judges by the words of the event; the end of a condition is no news.
func (e selEvent) gravity() probe.State {
	if strings.EqualFold(e.direction, "Deasserted") {
		return probe.OK
	}
	text := strings.ToLower(e.sensor + " " + e.event)
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case strings.Contains(text, "correctable ecc") && !strings.Contains(text, "uncorrectable"):
		return probe.Warning
	case in(selCritical) && !strings.Contains(text, "non-critical"):
		return probe.Critical
	case in(selWarning):
		return probe.Warning
	}
	return probe.OK
}

func (h host) runEventLog(ctx context.Context, t probe.Target) probe.Result {
	s, missing := h.askIPMI(ctx, "sel", "elist")
	if missing != nil {
		return *missing
	}
	list := parseSEL(s.out)
	if len(list) == 0 && !s.has("SEL has no entries") {
		return probe.Unknowable("helper_failed", "ipmitool 未返回事件日志："+s.firstLine())
	}
	last, known := t.Memory.Get("last")
	fresh := list
	if at := slices.IndexFunc(list, func(e selEvent) bool { return e.key() == last }); at >= 0 {
		fresh = list[at+1:]
	}
	if len(list) > 0 {
		t.Memory.Set("last", list[len(list)-1].key())
	} else {
		t.Memory.Set("last", "-")
	}
	r := t.Report()
	r.Record("events", float64(len(list)), "")
	if !known {
		return r.Result(fmt.Sprintf("事件日志共 %d 条，已记下当前位置，自下次检查起报告新事件", len(list)))
	}
	counts := map[probe.State]int{}
	example := ""
	for _, e := range fresh {
		g := e.gravity()
		counts[g]++
		if g != probe.OK && (example == "" || g == probe.Critical) {
			example = e.String()
		}
	}
	for _, e := range fresh[max(0, len(fresh)-50):] {
		r.Detail(e.String())
	}
	r.Measure("critical", "新的严重硬件事件", float64(counts[probe.Critical]), "")
	r.Measure("warnings", "新的硬件警告事件", float64(counts[probe.Warning]), "")
	figures := fmt.Sprintf("自上次检查以来新增 %d 条硬件事件（共 %d 条）", len(fresh), len(list))
	if example != "" {
		figures += "，例如：" + example
	}
	return r.Result(figures)
}

func (h host) ecc() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.ecc", Class: probe.Hardware,
		TitleZH: "内存纠错（ECC）", TitleEN: "Memory errors (ECC)",
		HelpZH: "读取内核 EDAC（/sys/devices/system/edac/mc）中各内存控制器的纠错计数，报告自上次检查以来的增量：可纠正错误为警告，不可纠正错误为严重。没有 ECC 内存或未加载 EDAC 驱动的主机没有数据源。" +
			"变红时：记下插槽，安排更换内存条；不可纠正错误可能已损坏数据，核对数据库一致性。",
		HelpEN: "Reads the error counters of each memory controller from the kernel's EDAC (/sys/devices/system/edac/mc) and reports what was added since the last run: corrected errors are a warning, uncorrected ones critical. Hosts without ECC memory or without the EDAC driver have no source. " +
			"When red: note the slot and plan to replace the module; after an uncorrected error data may be damaged, check the consistency of databases.",
		Thresholds: []probe.Threshold{{Metric: "corrected", Warn: "0"}, {Metric: "uncorrected", Crit: "0"}},
		Verified:   verifiedSamples, VerifiedOn: "documented output: Linux EDAC (skx_edac), 2026-11",
		Discover: always("物理主机可能有 ECC 内存"),
		Run:      h.runECC,
	}
}

func (h host) runECC(_ context.Context, t probe.Target) probe.Result {
	dirs, _ := filepath.Glob(filepath.Join(h.Sys, "devices/system/edac/mc/mc[0-9]*")) // the pattern is valid
	if len(dirs) == 0 {
		return probe.NoSource("没有内存纠错信息（EDAC 未加载，或内存不带 ECC）")
	}
	slices.Sort(dirs)
	boot := trimmed(h.Proc, "sys/kernel/random/boot_id")
	before := map[string]uint64{} // counted from the boot on
	if lastBoot, _ := t.Memory.Get("boot"); lastBoot == boot {
		text, _ := t.Memory.Get("counts")
		for pair := range strings.FieldsSeq(text) {
			name, count, _ := strings.Cut(pair, "=")
			before[name], _ = strconv.ParseUint(count, 10, 64) // what cannot be read counts as 0
		}
	}
	var counts []string
	r := t.Report()
	var fresh [2]uint64
	for _, dir := range dirs {
		mc := filepath.Base(dir)
		line := fmt.Sprintf("%s（%s）", mc, trimmed(dir, "mc_name"))
		for i, c := range []struct{ file, words string }{{"ce_count", "可纠正"}, {"ue_count", "不可纠正"}} {
			n, err := strconv.ParseUint(trimmed(dir, c.file), 10, 64)
			if err != nil {
				return cannotRead(filepath.Join(dir, c.file), "内存纠错计数", fmt.Errorf("not a number: %w", err))
			}
			if was := before[mc+c.file]; n >= was {
				fresh[i] += n - was
			} else {
				fresh[i] += n // set to zero by hand
			}
			counts = append(counts, fmt.Sprintf("%s=%d", mc+c.file, n))
			line += fmt.Sprintf("，%s %d", c.words, n)
		}
		r.Detail(line)
	}
	t.Memory.Set("boot", boot)
	t.Memory.Set("counts", strings.Join(counts, " "))
	r.Measure("uncorrected", "新的不可纠正内存错误", float64(fresh[1]), "")
	r.Measure("corrected", "新的可纠正内存错误", float64(fresh[0]), "")
	return r.Result(fmt.Sprintf("%d 个内存控制器，自上次检查以来可纠正错误 %d、不可纠正错误 %d", len(dirs), fresh[0], fresh[1]))
}
