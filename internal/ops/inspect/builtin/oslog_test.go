package builtin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"taxops/internal/kernel/probe"
)

// later runs a check so long after the fixed time.
func later(t *testing.T, b probe.Builtin, params map[string]any, memory probe.Memory, after time.Duration) probe.Result {
	t.Helper()
	return titled(t, b.Kind, b.Run(t.Context(), target(t, b, params, memory, at.Add(after))))
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestAppLog(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"app/out.log": "old ERROR of last year\n"})
	path := h.at("app/out.log")
	params := map[string]any{"path": path, "ignore": []any{"已忽略"}}
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.appLog(), params, memory), probe.OK, "", "已记下")
	appendTo(t, path, "INFO fine\n")
	wants(t, later(t, h.appLog(), params, memory, 5*time.Minute), probe.OK, "", "新增 1 行，符合 0 行")

	gbk, err := simplifiedchinese.GBK.NewEncoder().String("2026-11-24 ERROR 电子税务局接口超时\n")
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, gbk+"ERROR 已忽略\n")
	r := later(t, h.appLog(), params, memory, 10*time.Minute)
	wants(t, r, probe.Warning, probe.ReasonThreshold, "符合 1 行", "电子税务局接口超时")

	appendTo(t, path, strings.Repeat("SEVERE x\n", 40))
	r = later(t, h.appLog(), params, memory, 20*time.Minute)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "符合 40 行")
	if n := value(t, r, "matches_5min"); n != 20 {
		t.Errorf("%v in 5 minutes, want 20: 40 in 10", n)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wants(t, later(t, h.appLog(), params, memory, time.Hour), probe.Critical, "missing", "已不存在")
	wants(t, run(t, h.appLog(), params, nil), probe.Unknown, probe.ReasonNoSource)

	for _, bad := range []map[string]any{
		{}, {"path": "/a", "unit": "b"}, {"path": "rel"}, {"path": "/a", "match": []any{"("}}, {"unit": "--root=/x"}, {"unit": "a b"}, {"path": "/[x"},
	} {
		if _, err := h.appLog().CheckParams(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestAppLogSaysWhatItMissed(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"out.log": "one\n"})
	path := h.at("out.log")
	memory := probe.NewMapMemory(nil)
	run(t, h.appLog(), map[string]any{"path": path}, memory)
	if err := os.WriteFile(path, []byte("two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, later(t, h.appLog(), map[string]any{"path": path}, memory, time.Minute), probe.Unknown, "rotated_away", "可能漏看")
	wants(t, later(t, h.appLog(), map[string]any{"path": path}, memory, 2*time.Minute), probe.OK, "")
}

func TestAppLogOfAUnit(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"var/log/journal/abc/system.journal": "x"})
	h.helper = says(t, "journalctl", testdata(t, "journal_252.json"), 0)
	memory := probe.NewMapMemory(nil)
	params := map[string]any{"unit": "tax-delivery.service", "match": []any{"refused"}}
	wants(t, run(t, h.appLog(), params, memory), probe.OK, "", "已记下")
	wants(t, later(t, h.appLog(), params, memory, 5*time.Minute), probe.Warning, probe.ReasonThreshold, "服务 tax-delivery.service", "符合 1 行")
}

func TestJournalLog(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"run/log/journal/abc/system.journal": "x"})
	h.helper = says(t, "journalctl", testdata(t, "journal_252.json"), 0)
	r := run(t, h.journalLog(), nil, nil)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "4 条错误记录，其中致命级 1 条")
	if !strings.Contains(r.Details, "tax-delivery.service：connection to 10.1.2.3:1521 refused") || strings.Contains(r.Details, "XFS") {
		t.Errorf("details\n%s", r.Details)
	}
	if !strings.Contains(r.Details, "字节 é") {
		t.Errorf("a message of bytes is not shown:\n%s", r.Details)
	}
	h.helper = says(t, "journalctl", []byte("Hint: You are currently not seeing messages from other users and the system.\nNo journal files were opened due to insufficient permissions.\n"), 1)
	wants(t, run(t, h.journalLog(), nil, nil), probe.Unknown, probe.ReasonDenied, "systemd-journal")
	h.helper = says(t, "journalctl", nil, 0)
	wants(t, run(t, h.journalLog(), nil, nil), probe.OK, "", "0 条错误记录")
	h.helper = helperMissing
	wants(t, run(t, h.journalLog(), nil, nil), probe.Unknown, probe.ReasonNoSource, "journalctl")
}

func TestAuthLogFromTheJournal(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"run/log/journal/abc/system.journal": "x"})
	line := `{"__REALTIME_TIMESTAMP":"%d","SYSLOG_IDENTIFIER":"sshd","_PID":"77","PRIORITY":"6","MESSAGE":"Failed password for root from 203.0.113.9 port 4711 ssh2"}` + "\n"
	h.helper = says(t, "journalctl", fmt.Appendf(nil, strings.Repeat(line, 2), at.Add(-time.Minute).UnixMicro(), at.UnixMicro()), 0)
	wants(t, run(t, h.authLog(), nil, nil), probe.OK, "", "最多 2 次", "systemd 日志")
}

func FuzzParseJournal(f *testing.F) {
	f.Add([]byte(`{"MESSAGE":[65,66],"PRIORITY":"3","_COMM":["a","b"]}` + "\n{"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		list, _ := parseJournal(b)
		parseAuth(journalAsSyslog(list), at)
	})
}

func TestLogSilence(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"a/one.log": "x", "a/two.log": "xy"})
	touch := func(name string, age time.Duration) {
		if err := os.Chtimes(h.at("a", name), time.Time{}, at.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	params := map[string]any{"path": h.at("a/*.log")}
	touch("one.log", 3*time.Hour)
	touch("two.log", time.Minute)
	wants(t, run(t, h.logSilence(), params, nil), probe.OK, "", "two.log", "60 秒 前")
	touch("two.log", 16*time.Minute)
	wants(t, run(t, h.logSilence(), params, nil), probe.Warning, probe.ReasonThreshold, "已静默")
	touch("two.log", 61*time.Minute)
	wants(t, run(t, h.logSilence(), params, nil), probe.Critical, probe.ReasonThreshold)
	wants(t, run(t, h.logSilence(), map[string]any{"path": h.at("b/*.log")}, nil), probe.Critical, "missing")
}

func TestLogGrowth(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"log/a": "x", "log/deep/b": "xy"})
	memory := probe.NewMapMemory(nil)
	r := run(t, h.logGrowth(), nil, memory)
	wants(t, r, probe.OK, "", "共 2 个文件 3 B", "待下次")
	if err := os.Truncate(filepath.Join(h.VarLog, "a"), 60<<20); err != nil { // sparse: takes no space
		t.Fatal(err)
	}
	wants(t, later(t, h.logGrowth(), nil, memory, 30*time.Minute), probe.Warning, probe.ReasonThreshold, "120.0 MiB")
	// Rotation does not hide what grew, and is no growth itself.
	if err := os.Truncate(filepath.Join(h.VarLog, "a"), 0); err != nil {
		t.Fatal(err)
	}
	r = later(t, h.logGrowth(), nil, memory, 60*time.Minute)
	if n := value(t, r, "growth_per_hour"); n < 59<<20 || n > 61<<20 {
		t.Errorf("growth %v", n)
	}
	wants(t, later(t, h.logGrowth(), nil, memory, 3*time.Hour), probe.OK, "", "每小时 0 B")
}
