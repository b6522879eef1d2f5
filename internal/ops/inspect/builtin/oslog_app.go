package builtin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/builtin/logtail"
)

func (h host) appLog() probe.Builtin {
	return probe.Builtin{
		Kind: "os_log.app", Class: probe.OSLog,
		TitleZH: "应用日志错误", TitleEN: "Errors in an application log",
		HelpZH: "从上次看到的位置起读取应用日志（或 systemd 日志中的一个服务），统计符合表达式的行，折算为每 5 分钟的次数。轮转、清空、按日期换名都能接上；GBK/GB18030 文本自动识别；首次只记下位置，不翻旧账。" +
			"变红时：看下方摘录的行与其前后文，按错误内容找应用负责人；确认无害的行写入忽略名单。",
		HelpEN: "Reads an application log (or one service of the systemd journal) from where the last run ended and counts the lines that match, as a rate in 5 minutes. Rotation, truncation and dated names are followed; GBK/GB18030 text is recognised; the first run only notes the place. " +
			"When red: read the lines quoted below with what stands around them and call the application's owner; put harmless lines on the ignore list.",
		Params: []probe.Param{
			{Name: "path", Type: "string", TitleZH: "日志文件（可用 * 通配，逐个跟读）", TitleEN: "Log file (with * wildcards: each is followed)"},
			{Name: "unit", Type: "string", TitleZH: "systemd 服务名（代替文件）", TitleEN: "systemd unit (instead of a file)"},
			{Name: "match", Type: "strings", Default: []string{`(?i)\b(ERROR|FATAL|SEVERE)\b`}, TitleZH: "计数的行（正则表达式）", TitleEN: "Lines that count (regular expressions)"},
			{Name: "ignore", Type: "strings", TitleZH: "忽略的行（正则表达式）", TitleEN: "Lines to ignore (regular expressions)"},
		},
		Thresholds: []probe.Threshold{{Metric: "matches_5min", Warn: "0", Crit: "10"}},
		Check: func(p map[string]any) error {
			path, _ := p["path"].(string)
			unit, _ := p["unit"].(string)
			switch {
			case (path == "") == (unit == ""):
				return errors.New("either path or unit is required")
			case path != "" && !filepath.IsAbs(path):
				return errors.New("path must be absolute")
			case path != "":
				if err := checkPatterns("path", []string{path}); err != nil {
					return err
				}
			case !unitName.MatchString(unit):
				return fmt.Errorf("%q is no name of a systemd unit", unit)
			}
			for _, name := range []string{"match", "ignore"} {
				if _, err := compileAll(name, p[name]); err != nil {
					return err
				}
			}
			return nil
		},
		Target: func(p map[string]any) string {
			path, _ := p["path"].(string)
			unit, _ := p["unit"].(string)
			return path + unit
		},
		Verified: verifiedTested, VerifiedOn: "files: Debian 12; journal: systemd 252 samples, 2026-11",
		Run: h.runAppLog,
	}
}

// unitName is a name that systemctl and journalctl take for a unit and for nothing else.
var unitName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@:\\-]{0,200}$`)

// lineCount counts the lines of a log that matter.
type lineCount struct {
	match, ignore  []*regexp.Regexp
	lines, matches int
	quotes         []string
}

// maxQuotes is how many lines the details quote.
const maxQuotes = 20

func (c *lineCount) line(b []byte) {
	c.lines++
	text := decodeText(b)
	for _, re := range c.match {
		if !re.MatchString(text) {
			continue
		}
		for _, not := range c.ignore {
			if not.MatchString(text) {
				return
			}
		}
		c.matches++
		if len(c.quotes) < maxQuotes {
			if r := []rune(text); len(r) > 300 {
				text = string(r[:300]) + "…"
			}
			c.quotes = append(c.quotes, text)
		}
		return
	}
}

// decodeText returns a line of a log as UTF-8: what is no valid UTF-8 is GB18030, which GBK and GB2312
// are parts of.
func decodeText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

func (h host) runAppLog(ctx context.Context, t probe.Target) probe.Result {
	var c lineCount
	var err error
	if c.match, err = compileAll("match", t.Params["match"]); err == nil {
		c.ignore, err = compileAll("ignore", t.Params["ignore"])
	}
	if err != nil {
		return probe.Unknowable("bad_params", err.Error())
	}
	if unit := t.String("unit"); unit != "" {
		return h.runUnitLog(ctx, t, unit, &c)
	}
	seen, missing := follow(ctx, t, t.String("path"), logtail.Options{}, c.line)
	if missing != nil {
		return *missing
	}
	r := t.Report()
	seen.tell(r)
	if seen.First {
		r.Record("lines", 0, "")
		return r.Result(fmt.Sprintf("已记下 %s 的当前位置，自下次检查起统计新增的行", seen.Path))
	}
	return c.result(t, r, seen.elapsed, seen.Path)
}

// result judges what was counted over a span of time.
func (c *lineCount) result(t probe.Target, r *probe.Report, elapsed time.Duration, where string) probe.Result {
	rate := float64(c.matches)
	if elapsed > 5*time.Minute {
		rate /= elapsed.Minutes() / 5
	}
	r.Measure("matches_5min", "每 5 分钟符合的行", rate, "")
	r.Record("matches", float64(c.matches), "")
	r.Record("lines", float64(c.lines), "")
	for _, q := range c.quotes {
		r.Detail(q)
	}
	figures := fmt.Sprintf("%s 自上次检查以来（%s）新增 %d 行，符合 %d 行", where, probe.Humanize(elapsed.Seconds(), "s"), c.lines, c.matches)
	if len(c.quotes) > 0 {
		figures += "，例如：" + c.quotes[0]
	}
	return r.Result(figures)
}

// followed is what a look at a log came to, with the time since the one before.
type followed struct {
	logtail.Seen
	elapsed time.Duration
}

// tell says where the look may have missed lines.
func (f followed) tell(r *probe.Report) {
	if f.Gap {
		r.Raise(probe.Unknown, "rotated_away", "上次看到的日志文件已被删除、清空或压缩，期间的行可能漏看")
	}
	if f.Skipped > 0 {
		r.Raise(probe.Unknown, "too_much", fmt.Sprintf("新增内容过多，跳过了 %s 未看，请缩短检查间隔", probe.Humanize(float64(f.Skipped), "B")))
	}
	if f.Cut > 0 {
		r.Detail(fmt.Sprintf("%d 行过长，只看了开头", f.Cut))
	}
}

// follow reads what was added to a log since the last run of a check, and remembers the place.
func follow(ctx context.Context, t probe.Target, path string, o logtail.Options, line func([]byte)) (followed, *probe.Result) {
	text, _ := t.Memory.Get("log")
	at, rest, _ := strings.Cut(text, " ")
	mark, known := logtail.ParseMark(rest)
	seen, err := logtail.Follow(ctx, path, mark, known, o, line)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r := probe.NoSource(fmt.Sprintf("没有日志文件 %s", path))
		if known { // it was there: that is a fault, not a host without it
			r = probe.Result{State: probe.Critical, Reason: "missing", Summary: fmt.Sprintf("日志文件 %s 已不存在：应用未运行，或日志换了位置", path)}
		}
		return followed{}, &r
	case errors.Is(err, fs.ErrPermission):
		r := probe.Denied(fmt.Sprintf("无权读取 %s：请以 root 运行，或将运行账户加入该日志所属的组", path))
		return followed{}, &r
	case isTimeout(err):
		r := probe.Unknowable(probe.ReasonTimeout, fmt.Sprintf("%s 新增内容过多，未能在规定时间内读完", path))
		return followed{}, &r
	case err != nil:
		r := cannotRead(path, "日志", err)
		return followed{}, &r
	}
	now := t.Now()
	f := followed{Seen: seen}
	if n, err := strconv.ParseInt(at, 10, 64); err == nil && known {
		f.elapsed = max(0, now.Sub(time.Unix(n, 0)))
	}
	t.Memory.Set("log", fmt.Sprintf("%d %s", now.Unix(), seen.Mark))
	return f, nil
}
