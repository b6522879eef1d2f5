package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) authLog() probe.Builtin {
	return probe.Builtin{
		Kind: "os_log.auth", Class: probe.OSLog,
		TitleZH: "登录失败", TitleEN: "Failed sign-ins",
		HelpZH: "读取 /var/log/auth.log（Debian、UOS）或 /var/log/secure（麒麟、openEuler），没有这些文件时读 systemd 日志，统计自上次检查以来任意 10 分钟内登录、su、sudo 失败次数的最大值。" +
			"变红时：看来源地址是否为运维网段；外来地址即在防火墙封禁并报告安全员；内部地址多为改密后未更新的程序，找到并更正。",
		HelpEN: "Reads /var/log/auth.log or /var/log/secure, or the systemd journal where there are no such files, and counts failures of sign-in, su and sudo: the most in any 10 minutes since the last run. " +
			"When red: see whether the addresses belong to the operators' network; block foreign ones and tell the security officer; internal ones are mostly programs with an old password.",
		Params: []probe.Param{
			{Name: "path", Type: "string", TitleZH: "日志文件（默认自动查找）", TitleEN: "Log file (found by itself when empty)"},
		},
		Thresholds: []probe.Threshold{{Metric: "failures_10min", Warn: "20", Crit: "100"}},
		Target:     func(p map[string]any) string { s, _ := p["path"].(string); return s },
		Verified:   verifiedSamples, VerifiedOn: "OpenSSH 9.2 / sudo 1.9 / su, rsyslog, 2026-11",
		Discover: always("登录失败记录是等级保护要求查看的日志"),
		Run:      h.runAuthLog,
	}
}

// maxAuthTail is how much of the end of the log a run reads.
const maxAuthTail = 8 << 20

func (h host) runAuthLog(ctx context.Context, t probe.Target) probe.Result {
	path := t.String("path")
	candidates := []string{path}
	if path == "" {
		candidates = []string{filepath.Join(h.VarLog, "auth.log"), filepath.Join(h.VarLog, "secure")}
	}
	now := t.Now().Local() // syslog writes the time of the host's own zone
	since := now.Add(-authWindow)
	if last, ok := t.Memory.Get("last"); ok {
		if n, err := strconv.ParseInt(last, 10, 64); err == nil && time.Unix(n, 0).Before(now) {
			since = time.Unix(n, 0).Add(-authWindow)
		}
	}
	var text []byte
	var cut bool
	var err error
	for _, path = range candidates {
		if text, cut, err = readTail(path, maxAuthTail); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if errors.Is(err, fs.ErrNotExist) && t.String("path") == "" && h.hasJournal() {
		// Two matches of one field are alternatives: security and sign-in messages.
		list, missing := h.journal(ctx, since, "SYSLOG_FACILITY=4", "SYSLOG_FACILITY=10")
		if missing != nil {
			return *missing
		}
		text, path, err = journalAsSyslog(list), "systemd 日志", nil
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return probe.NoSource(fmt.Sprintf("没有登录日志文件（%s 不存在，本机未运行 syslog 与 journald）", strings.Join(candidates, "、")))
	case errors.Is(err, fs.ErrPermission):
		return probe.Denied(fmt.Sprintf("无权读取 %s：请以 root 运行，或将运行账户加入 adm 组", path))
	case err != nil:
		return cannotRead(path, "登录日志", err)
	}
	t.Memory.Set("last", strconv.FormatInt(now.Unix(), 10))
	if info, err := os.Stat(path + ".1"); err == nil && info.ModTime().After(since) { // rotated in between
		if before, _, err := readTail(path+".1", maxAuthTail); err == nil {
			text = append(before, text...)
		}
	}
	failures := parseAuth(text, now)
	failures = slices.DeleteFunc(failures, func(f authFailure) bool { return f.at.Before(since) || f.at.After(now.Add(time.Minute)) })
	worst := mostWithin(failures, authWindow)
	total := 0
	sources := make(map[string]int)
	for _, f := range failures {
		total += f.times
		if f.source != "" {
			sources[f.source] += f.times
		}
	}
	r := t.Report()
	r.Measure("failures_10min", "10 分钟内登录失败次数", float64(worst), "")
	r.Record("failures", float64(total), "")
	names := slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		return cmp.Or(cmp.Compare(sources[b], sources[a]), cmp.Compare(a, b))
	})
	for _, s := range names[:min(len(names), 10)] {
		r.Detail(fmt.Sprintf("来源 %s：%d 次", s, sources[s]))
	}
	if cut {
		r.Detail(fmt.Sprintf("日志较大，只读取了末尾 %s", probe.Humanize(maxAuthTail, "B")))
	}
	return r.Result(fmt.Sprintf("10 分钟内最多 %d 次登录失败，%s 以来共 %d 次（%s）", worst, since.In(now.Location()).Format("15:04"), total, path))
}

const authWindow = 10 * time.Minute

// journalAsSyslog writes records as the lines of a log file would stand.
func journalAsSyslog(list []journalRecord) []byte {
	var b strings.Builder
	for _, e := range list {
		first, _, _ := strings.Cut(e.message, "\n")
		fmt.Fprintf(&b, "%s - %s[%s]: %s\n", e.at.Format(time.RFC3339Nano), e.ident, cmp.Or(e.pid, "0"), first)
	}
	return []byte(b.String())
}

// readTail returns at most the last limit bytes of a file, from the start of a line.
func readTail(path string, limit int64) (b []byte, cut bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, fmt.Errorf("open log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("look at log: %w", err)
	}
	if over := info.Size() - limit; over > 0 {
		if _, err := f.Seek(over, io.SeekStart); err != nil {
			return nil, false, fmt.Errorf("seek in log: %w", err)
		}
		cut = true
	}
	b, err = io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, false, fmt.Errorf("read log: %w", err)
	}
	if cut {
		_, rest, _ := strings.Cut(string(b), "\n")
		b = []byte(rest)
	}
	return b, cut, nil
}

// authFailure is one line that tells of failed sign-ins.
type authFailure struct {
	at     time.Time
	source string
	times  int
}

var (
	// sshd tells of one failure in several lines: only "Failed …" counts. Of other programs PAM's line counts, not their own.
	authFailed   = regexp.MustCompile(`\bsshd(?:-session)?\[\d+\]: (?:message repeated (\d+) times: \[ )?Failed \S+ for .* from (\S+) port`)
	authPAM      = regexp.MustCompile(`pam_unix\((\S+):auth\): authentication failure;.*rhost=(\S*)`)
	authRepeated = regexp.MustCompile(`(\d+) more authentication failures?;.*rhost=(\S*)`)
)

// parseAuth finds the failures in the log, in the order of the file. now gives the year and zone
// that the old syslog time lacks.
func parseAuth(b []byte, now time.Time) []authFailure {
	var out []authFailure
	for line := range strings.Lines(string(b)) {
		var f authFailure
		if m := authFailed.FindStringSubmatch(line); m != nil {
			f = authFailure{source: m[2], times: 1}
			if n, err := strconv.Atoi(m[1]); err == nil {
				f.times = n
			}
		} else if m := authPAM.FindStringSubmatch(line); m != nil && m[1] != "sshd" {
			f = authFailure{source: m[2], times: 1}
		} else if m := authRepeated.FindStringSubmatch(line); m != nil && !strings.Contains(line, "sshd") {
			f.source = m[2]
			f.times, _ = strconv.Atoi(m[1])
		} else {
			continue
		}
		at, ok := syslogTime(line, now)
		if !ok {
			continue
		}
		f.at = at
		out = append(out, f)
	}
	return out
}

// syslogTime reads the time at the start of a line: "2026-11-24T09:00:01.5+08:00" or "Nov 24 09:00:01".
func syslogTime(line string, now time.Time) (time.Time, bool) {
	first, _, _ := strings.Cut(line, " ")
	if at, err := time.Parse(time.RFC3339Nano, first); err == nil {
		return at, true
	}
	if len(line) < 15 {
		return time.Time{}, false
	}
	at, err := time.ParseInLocation(time.Stamp, line[:15], now.Location())
	if err != nil {
		return time.Time{}, false
	}
	at = at.AddDate(now.Year(), 0, 0)
	if at.After(now.Add(24 * time.Hour)) { // December read in January
		at = at.AddDate(-1, 0, 0)
	}
	return at, true
}

// mostWithin returns the largest number of failures in any window of that length.
func mostWithin(list []authFailure, window time.Duration) int {
	list = slices.SortedStableFunc(slices.Values(list), func(a, b authFailure) int { return a.at.Compare(b.at) })
	most, sum, start := 0, 0, 0
	for _, f := range list {
		sum += f.times
		for f.at.Sub(list[start].at) > window {
			sum -= list[start].times
			start++
		}
		most = max(most, sum)
	}
	return most
}
