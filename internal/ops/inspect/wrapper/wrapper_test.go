package wrapper_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/wrapper"
)

const sqlplus = `
TABLESPACE                 TOTAL_MB    USED_MB  使用率
-------------------- -------------- ---------- -------
SYSTEM                        1,024        512   50.00
USERS                        10,240      9,830   96.00
UNDOTBS1                      2,048      1,740   85.00

3 rows selected.
`

const df = `Filesystem      Size  Used Avail Use% Mounted on
/dev/vda1       252G   19G  221G   8% /
tmpfs            12G     0   12G   0% /dev/shm
/dev/vdb1       500G  460G   40G  92% /data
`

const psql = ` datname  | conns | max
----------+-------+-----
 tax      |    91 | 100
 postgres |     3 | 100
(2 rows)
`

const prose = `开始检查 2026-11-24 08:00:00
电子发票接口：响应 1.8 秒
积压笔数 = 1,204 笔
检查完成
`

func rule(r wrapper.OutputRule) wrapper.OutputRules {
	return wrapper.OutputRules{Rules: []wrapper.OutputRule{r}}
}

func TestApply(t *testing.T) {
	t.Parallel()
	usage := wrapper.OutputRule{Name: "使用率", Kind: wrapper.Column, Column: "使用率", UOM: "%", Warn: "80", Crit: "95"}
	tests := []struct {
		name    string
		rules   wrapper.OutputRules
		out     string
		exit    int
		state   probe.State
		reason  probe.Reason
		decided string
		summary string
		perf    string
		spans   []string // what is highlighted
	}{
		{name: "a column of sqlplus", rules: rule(usage), out: sqlplus, state: probe.Critical, reason: probe.ReasonThreshold, decided: "rules",
			summary: "使用率 USERS 96%（严重阈值 >95%）；使用率 UNDOTBS1 85%（警告阈值 >80%）；使用率 SYSTEM 50%",
			perf:    "'使用率 SYSTEM'=50%;80;95 '使用率 USERS'=96%;80;95 '使用率 UNDOTBS1'=85%;80;95", spans: []string{"50.00", "96.00", "85.00"}},
		{name: "another column, thousands", rules: rule(wrapper.OutputRule{Name: "已用", Kind: wrapper.Column, Column: "used_mb", Warn: "9900"}), out: sqlplus,
			state: probe.OK, decided: "rules", summary: "已用 SYSTEM 512；已用 USERS 9830；已用 UNDOTBS1 1740",
			perf: "'已用 SYSTEM'=512;9900 '已用 USERS'=9830;9900 '已用 UNDOTBS1'=1740;9900", spans: []string{"512", "9,830", "1,740"}},
		{name: "only some rows", rules: rule(wrapper.OutputRule{Name: "Use", Kind: wrapper.Column, Column: "Use%", Pattern: "^/dev", Names: "Mounted", Crit: "90", UOM: "%"}), out: df,
			state: probe.Critical, reason: probe.ReasonThreshold, decided: "rules", summary: "Use /data 92%（严重阈值 >90%）；Use / 8%",
			perf: "'Use /'=8%;;90 'Use /data'=92%;;90", spans: []string{"8%", "92%"}},
		{name: "a table with bars", rules: rule(wrapper.OutputRule{Name: "连接", Kind: wrapper.Column, Column: "conns", Warn: "80"}), out: psql,
			state: probe.Warning, reason: probe.ReasonThreshold, decided: "rules", summary: "连接 tax 91（警告阈值 >80）；连接 postgres 3",
			perf: "'连接 tax'=91;80 '连接 postgres'=3;80", spans: []string{"91", "3"}},
		{name: "a column by its number", rules: rule(wrapper.OutputRule{Name: "c", Kind: wrapper.Column, Column: "2", Header: "datname", Warn: "95"}), out: psql,
			state: probe.OK, decided: "rules", summary: "c tax 91；c postgres 3", perf: "'c tax'=91;95 'c postgres'=3;95", spans: []string{"91", "3"}},
		{name: "no such column", rules: rule(wrapper.OutputRule{Name: "x", Kind: wrapper.Column, Column: "absent"}), out: df,
			state: probe.Unknown, reason: wrapper.ReasonNoMatch, decided: "rules", summary: "x：输出中没有找到"},
		{name: "a column that is no number", rules: rule(wrapper.OutputRule{Name: "x", Kind: wrapper.Column, Column: "Filesystem", Pattern: "tmpfs"}), out: df,
			state: probe.Unknown, reason: wrapper.ReasonNumber, decided: "rules", summary: "x tmpfs 不是数字：tmpfs", spans: []string{"tmpfs"}},
		{name: "a number", rules: rule(wrapper.OutputRule{Name: "积压", Kind: wrapper.Number, Pattern: `积压笔数\s*=\s*([\d,]+)`, Warn: "1000", Crit: "5000"}), out: prose,
			state: probe.Warning, reason: probe.ReasonThreshold, decided: "rules", summary: "积压 1204（警告阈值 >1000）", perf: "'积压'=1204;1000;5000", spans: []string{"1,204"}},
		{name: "a named group", rules: rule(wrapper.OutputRule{Name: "响应", Kind: wrapper.Number, Pattern: `(接口)：响应 (?P<value>[\d.]+) 秒`, UOM: "s", Warn: "3", Label: "answer time"}), out: prose,
			state: probe.OK, decided: "rules", summary: "响应 1.8 秒", perf: "'answer_time'=1.8s;3", spans: []string{"1.8"}},
		{name: "a number that is not there", rules: rule(wrapper.OutputRule{Name: "n", Kind: wrapper.Number, Pattern: `失败 (\d+)`}), out: prose,
			state: probe.Unknown, reason: wrapper.ReasonNoMatch, decided: "rules", summary: "n：输出中没有找到"},
		{name: "a number that need not be there", rules: wrapper.OutputRules{Rules: []wrapper.OutputRule{
			{Name: "n", Kind: wrapper.Number, Pattern: `失败 (\d+)`, Optional: true}, {Name: "完成", Kind: wrapper.Text, Pattern: "^检查完成$", State: "OK"}}}, out: prose,
			state: probe.OK, decided: "rules", summary: "完成：检查完成", spans: []string{"检查完成"}},
		{name: "the first text rule counts", rules: wrapper.OutputRules{Rules: []wrapper.OutputRule{
			{Name: "失败", Kind: wrapper.Text, Pattern: "失败|错误", State: "CRITICAL"},
			{Name: "完成", Kind: wrapper.Text, Pattern: "完成", State: "OK"},
			{Name: "任何", Kind: wrapper.Text, Pattern: ".", State: "WARNING"}}}, out: prose,
			state: probe.OK, decided: "rules", summary: "完成：检查完成", spans: []string{"完成"}},
		{name: "a good word hides no bad number", rules: wrapper.OutputRules{Rules: []wrapper.OutputRule{
			{Name: "完成", Kind: wrapper.Text, Pattern: "完成", State: "OK"},
			{Name: "积压", Kind: wrapper.Number, Pattern: `积压笔数 = ([\d,]+)`, Crit: "1000"}}}, out: prose,
			state: probe.Critical, reason: probe.ReasonThreshold, decided: "rules", summary: "积压 1204（严重阈值 >1000）；完成：检查完成", perf: "'积压'=1204;;1000", spans: []string{"完成", "1,204"}},
		{name: "nothing matches", rules: rule(wrapper.OutputRule{Name: "x", Kind: wrapper.Text, Pattern: "nope", State: "CRITICAL"}), out: prose,
			state: probe.Unknown, reason: wrapper.ReasonNoMatch, decided: "otherwise", summary: "没有规则匹配脚本输出"},
		{name: "nothing matches, and that is fine", rules: wrapper.OutputRules{Otherwise: "OK", Rules: []wrapper.OutputRule{{Name: "x", Kind: wrapper.Text, Pattern: "nope", State: "CRITICAL"}}}, out: prose,
			state: probe.OK, decided: "otherwise", summary: "开始检查 2026-11-24 08:00:00"},
		{name: "blank output is never fine", rules: wrapper.OutputRules{Otherwise: "OK"}, out: " \n", state: probe.Unknown, reason: wrapper.ReasonEmpty, decided: "empty", summary: "脚本没有输出（退出码 0）"},
		{name: "no rules at all", out: prose, state: probe.Unknown, reason: wrapper.ReasonNoMatch, decided: "otherwise", summary: "没有规则匹配脚本输出"},
		{name: "an exit code that nobody explained", rules: rule(wrapper.OutputRule{Name: "完成", Kind: wrapper.Text, Pattern: "完成", State: "OK"}), out: prose, exit: 4,
			state: probe.Unknown, reason: wrapper.ReasonExitCode, decided: "rules", summary: "退出码 4 没有约定含义；完成：检查完成", spans: []string{"完成"}},
		{name: "an exit code decides", rules: wrapper.OutputRules{ExitCodes: []wrapper.RuleExitCode{{Code: 0, State: "OK"}, {Code: 4, State: "WARNING"}}}, out: prose, exit: 4,
			state: probe.Warning, reason: wrapper.ReasonExitCode, decided: "exit_code", summary: "退出码 4"},
		{name: "an exit code that says nothing", rules: wrapper.OutputRules{ExitCodes: []wrapper.RuleExitCode{{Code: 1, State: "none"}}, Rules: []wrapper.OutputRule{{Name: "完成", Kind: wrapper.Text, Pattern: "完成", State: "OK"}}},
			out: prose, exit: 1, state: probe.OK, decided: "rules", summary: "完成：检查完成", spans: []string{"完成"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := wrapper.Compile(tt.rules)
			if err != nil {
				t.Fatal(err)
			}
			for _, enc := range []string{"utf-8", "gb18030"} {
				raw := []byte(tt.out)
				if enc == "gb18030" {
					if raw, err = simplifiedchinese.GB18030.NewEncoder().Bytes(raw); err != nil {
						t.Fatal(err)
					}
				}
				j := c.Apply(raw, nil, tt.exit)
				r := j.Result
				if r.State != tt.state || r.Reason != tt.reason || j.Decided != tt.decided || r.Summary != tt.summary || probe.FormatPerf(r.Perf) != tt.perf {
					b, _ := json.MarshalIndent(j, "", " ")
					t.Errorf("%s: %s\nwant %v %s %s\n%s\n%s", enc, b, tt.state, tt.reason, tt.decided, tt.summary, tt.perf)
				}
				var spans []string
				units := utf16.Encode([]rune(j.Text))
				for _, s := range j.Rules {
					for _, m := range s.Matches {
						spans = append(spans, string(utf16.Decode(units[m.Start:m.End])))
					}
				}
				if !slices.Equal(spans, tt.spans) {
					t.Errorf("%s: highlights %q, want %q", enc, spans, tt.spans)
				}
			}
		})
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{"": "out", "stdout": "out", "stderr": "err", "both": "out\nerr"} {
		c, err := wrapper.Compile(wrapper.OutputRules{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Apply([]byte("out"), []byte("err"), 0).Text; got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for field, r := range map[string]wrapper.OutputRules{
		"encoding":            {Encoding: "latin1"},
		"source":              {Source: "file"},
		"otherwise":           {Otherwise: "GREAT"},
		"exit_codes[0].state": {ExitCodes: []wrapper.RuleExitCode{{Code: 1, State: "x"}}},
		"exit_codes[1].code":  {ExitCodes: []wrapper.RuleExitCode{{Code: 1, State: "OK"}, {Code: 1, State: "OK"}}},
		"rules[0].name":       rule(wrapper.OutputRule{Kind: wrapper.Text}),
		"rules[0].kind":       rule(wrapper.OutputRule{Name: "a", Kind: "x"}),
		"rules[0].pattern":    rule(wrapper.OutputRule{Name: "a", Kind: wrapper.Text, Pattern: "(", State: "OK"}),
		"rules[0].state":      rule(wrapper.OutputRule{Name: "a", Kind: wrapper.Text, Pattern: "a"}),
		"rules[0].warn":       rule(wrapper.OutputRule{Name: "a", Kind: wrapper.Number, Pattern: "(a)", Warn: "x"}),
		"rules[0].column":     rule(wrapper.OutputRule{Name: "a", Kind: wrapper.Column}),
		"rules[0].header":     rule(wrapper.OutputRule{Name: "a", Kind: wrapper.Column, Column: "2"}),
		"rules":               {Rules: make([]wrapper.OutputRule, 51)},
	} {
		_, err := wrapper.Compile(r)
		var wrong wrapper.Error
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%v, want it to name %s", err, field)
		}
	}
	if _, err := wrapper.Compile(rule(wrapper.OutputRule{Name: "a", Kind: wrapper.Number, Pattern: "\\d+"})); err == nil {
		t.Error("a number rule without a group was accepted")
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte(sqlplus), "使用率", `(\d+)`, 0)
	f.Add([]byte("a|b\n|\n\xff"), "b", "(?P<value>.)", 3)
	f.Add([]byte("\U0001F600 1\n2"), "1", "(.)$", 1)
	f.Fuzz(func(t *testing.T, out []byte, column, pattern string, exit int) {
		c, err := wrapper.Compile(wrapper.OutputRules{Rules: []wrapper.OutputRule{
			{Name: "c", Kind: wrapper.Column, Column: column, Header: ".", Warn: "5"},
			{Name: "n", Kind: wrapper.Number, Pattern: pattern, Crit: "@3"},
			{Name: "t", Kind: wrapper.Text, Pattern: pattern, State: "OK"},
		}})
		if err != nil {
			return
		}
		j := c.Apply(out, nil, exit)
		if j.Result.State == probe.OK && strings.TrimSpace(j.Text) == "" {
			t.Error("OK out of nothing")
		}
		if !utf8.ValidString(j.Result.Summary) {
			t.Errorf("%q is not text", j.Result.Summary)
		}
		n := len(utf16.Encode([]rune(j.Text)))
		for _, s := range j.Rules {
			for _, m := range s.Matches {
				if m.Start < 0 || m.End < m.Start || m.End > n {
					t.Errorf("match %d…%d in %d", m.Start, m.End, n)
				}
			}
		}
	})
}
