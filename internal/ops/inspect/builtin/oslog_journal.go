package builtin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) journalLog() probe.Builtin {
	return probe.Builtin{
		Kind: "os_log.journal", Class: probe.OSLog,
		TitleZH: "系统日志错误（journald）", TitleEN: "Errors in the systemd journal",
		HelpZH: "用 journalctl 读取 systemd 日志中自上次检查以来优先级为错误及以上的记录（内核记录除外，另有检查项），折算为每 10 分钟的次数；紧急、警报、致命级的记录每条都报严重。没有 systemd 日志的主机没有数据源。" +
			"变红时：按下方的服务与内容找到来源；反复刷屏的服务先处理其根因，再考虑降低其日志级别。",
		HelpEN: "Reads with journalctl the records of priority error and above since the last run (without those of the kernel, which have checks of their own), as a rate in 10 minutes; each record of level emergency, alert or critical is critical. Hosts without a systemd journal have no source. " +
			"When red: find the source by the service and text below; mend the cause of a service that floods the journal before lowering its level.",
		Thresholds: []probe.Threshold{{Metric: "errors_10min", Warn: "20", Crit: "100"}, {Metric: "critical", Crit: "0"}},
		Verified:   verifiedSamples, VerifiedOn: "documented output: systemd 219, 252, 2026-11",
		Discover: always("主机可能以 systemd 记录日志"),
		Run:      h.runJournalLog,
	}
}

// journalRecord is one record of journalctl -o json.
type journalRecord struct {
	at       time.Time
	ident    string
	unit     string
	pid      string
	priority int
	message  string
}

// parseJournal reads the lines of journalctl -o json. A message that is not valid text comes as a list of
// bytes, a field that stands several times as a list.
func parseJournal(b []byte) (list []journalRecord, broken int) {
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] != '{' {
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(line, &fields) != nil {
			broken++
			continue
		}
		text := func(name string) string {
			raw := fields[name]
			var s string
			if json.Unmarshal(raw, &s) == nil {
				return s
			}
			var bytesOf []byte
			var numbers []int
			if json.Unmarshal(raw, &numbers) == nil {
				for _, n := range numbers {
					bytesOf = append(bytesOf, byte(n))
				}
				return decodeText(bytesOf)
			}
			var several []string
			if json.Unmarshal(raw, &several) == nil && len(several) > 0 {
				return several[0]
			}
			return ""
		}
		r := journalRecord{ident: text("SYSLOG_IDENTIFIER"), unit: text("_SYSTEMD_UNIT"), pid: text("_PID"), message: text("MESSAGE"), priority: 6}
		if r.ident == "" {
			r.ident = text("_COMM")
		}
		if micros, err := strconv.ParseInt(text("__REALTIME_TIMESTAMP"), 10, 64); err == nil {
			r.at = time.UnixMicro(micros)
		}
		if p, err := strconv.Atoi(text("PRIORITY")); err == nil {
			r.priority = p
		}
		list = append(list, r)
	}
	return list, broken
}

// maxJournal is how many records a run asks for.
const maxJournal = 20_000

// journal asks the systemd journal. Without one it is UNKNOWN no_source: journalctl alone says nothing
// and ends well where no journal is written.
func (h host) journal(ctx context.Context, since time.Time, match ...string) ([]journalRecord, *probe.Result) {
	if !h.hasJournal() {
		r := probe.NoSource("本机没有 systemd 日志（/var/log/journal 与 /run/log/journal 都不存在）")
		return nil, &r
	}
	args := []string{"--quiet", "--no-pager", "--output=json", "--since=@" + strconv.FormatInt(since.Unix(), 10), "--lines=" + strconv.Itoa(maxJournal)}
	s, missing := h.ask(ctx, "系统日志", "systemd", "journalctl", append(args, match...)...)
	if missing != nil {
		return nil, missing
	}
	list, broken := parseJournal(s.out)
	if len(list) == 0 && (s.denied() || s.has("insufficient permissions", "No journal files were opened")) {
		r := probe.Denied("无权读取 systemd 日志：请以 root 运行，或将运行账户加入 systemd-journal 组")
		return nil, &r
	}
	if len(list) == 0 && (s.code != 0 || broken > 0) {
		r := probe.Unknowable("helper_failed", "journalctl 未能给出记录："+s.firstLine())
		return nil, &r
	}
	return list, nil
}

func (h host) hasJournal() bool {
	for _, dir := range []string{h.at("var/log/journal"), h.at("run/log/journal")} {
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			return true
		}
	}
	return false
}

// sinceLast returns when a check ran last, at most a day ago, and remembers now; known is false the first time.
func sinceLast(t probe.Target) (since time.Time, known bool) {
	now := t.Now()
	since = now.Add(-10 * time.Minute)
	if text, ok := t.Memory.Get("last"); ok {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && time.Unix(n, 0).Before(now) {
			since, known = time.Unix(n, 0), true
		}
	}
	if day := now.Add(-24 * time.Hour); since.Before(day) {
		since = day
	}
	t.Memory.Set("last", strconv.FormatInt(now.Unix(), 10))
	return since, known
}

func (h host) runJournalLog(ctx context.Context, t probe.Target) probe.Result {
	since, _ := sinceLast(t)
	list, missing := h.journal(ctx, since, "--priority=err")
	if missing != nil {
		return *missing
	}
	r := t.Report()
	errors, grave := 0, 0
	for _, e := range list {
		if e.ident == "kernel" {
			continue
		}
		errors++
		if e.priority <= 2 {
			grave++
		}
		if errors <= maxQuotes {
			r.Detail(fmt.Sprintf("%s %s：%s", e.at.In(time.Local).Format(time.DateTime), e.source(), cutText(e.message)))
		}
	}
	rate := float64(errors)
	if minutes := t.Now().Sub(since).Minutes(); minutes > 10 {
		rate /= minutes / 10
	}
	r.Measure("critical", "致命级记录", float64(grave), "")
	r.Measure("errors_10min", "每 10 分钟错误记录", rate, "")
	r.Record("errors", float64(errors), "")
	return r.Result(fmt.Sprintf("%s 以来系统日志有 %d 条错误记录，其中致命级 %d 条", since.In(time.Local).Format("15:04"), errors, grave))
}

func (e journalRecord) source() string {
	if e.unit != "" && !strings.HasPrefix(e.unit, "session-") {
		return e.unit
	}
	return e.ident
}

func cutText(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return s
}

// runUnitLog counts the lines that one service wrote to the journal.
func (h host) runUnitLog(ctx context.Context, t probe.Target, unit string, c *lineCount) probe.Result {
	since, known := sinceLast(t)
	list, missing := h.journal(ctx, since, "--unit="+unit)
	if missing != nil {
		return *missing
	}
	r := t.Report()
	if !known {
		r.Record("lines", 0, "")
		return r.Result(fmt.Sprintf("已记下服务 %s 的当前位置，自下次检查起统计新增的行", unit))
	}
	for _, e := range list {
		for line := range strings.Lines(e.message) {
			c.line([]byte(strings.TrimRight(line, "\n")))
		}
	}
	return c.result(t, r, t.Now().Sub(since), "服务 "+unit)
}
