package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/builtin/accesslog"
	"taxops/internal/ops/inspect/builtin/logtail"
)

var accessLogParams = []probe.Param{
	{Name: "path", Type: "string", Required: true, TitleZH: "访问日志（可用 * 通配，逐个跟读）", TitleEN: "Access log (with * wildcards: each is followed)"},
	{Name: "unit", Type: "string", Default: "", TitleZH: "耗时单位（s、ms、us；带小数点的秒不必填）", TitleEN: "Unit of the duration (s, ms, us; not needed for seconds with a point)"},
	{Name: "ignore_paths", Type: "strings", TitleZH: "不计的路径（可用 * 通配）", TitleEN: "Paths that do not count (with * wildcards)"},
}

func checkAccessLog(p map[string]any) error {
	path, _ := p["path"].(string)
	unit, _ := p["unit"].(string)
	if !filepath.IsAbs(path) {
		return errors.New("path must be absolute")
	}
	if !slices.Contains([]string{"", "s", "ms", "us"}, unit) {
		return errors.New("unit must be s, ms or us")
	}
	ignore, _ := p["ignore_paths"].([]string)
	return cmp.Or(checkPatterns("path", []string{path}), checkPatterns("ignore_paths", ignore))
}

func accessLogTarget(p map[string]any) string { s, _ := p["path"].(string); return s }

// accessLogs are where web servers usually write.
var accessLogs = []string{
	"var/log/nginx/access.log", "var/log/apache2/access.log", "var/log/httpd/access_log", "usr/local/nginx/logs/access.log",
	"opt/nginx/logs/access.log", "usr/local/tomcat/logs/localhost_access_log.*.txt", "opt/tomcat/logs/localhost_access_log.*.txt", "var/log/tomcat*/localhost_access_log.*.txt",
}

// discoverAccessLogs proposes the logs that are there; timed wants those that tell how long an answer took.
func (h host) discoverAccessLogs(timed bool) func(context.Context) []probe.Found {
	return func(context.Context) []probe.Found {
		var out []probe.Found
		for _, pattern := range accessLogs {
			names, _ := filepath.Glob(h.at(pattern)) // the patterns are valid
			if len(names) == 0 {
				continue
			}
			if timed && !slices.ContainsFunc(names, tellsTime) {
				continue
			}
			out = append(out, probe.Found{Params: map[string]any{"path": h.at(pattern)}, Why: "本机有访问日志 " + names[len(names)-1]})
		}
		return out
	}
}

func tellsTime(name string) bool {
	b, _, err := readTail(name, 16<<10)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if e, ok := accesslog.Parse(line, accesslog.Options{}); ok && e.Timed {
			return true
		}
	}
	return false
}

// answersOf is what a log tells of the answers since the last look.
type answersOf struct {
	total, failed, strange int
	seconds                []float64
	codes                  map[int]int
	slow                   map[string]int
	broken                 map[string]int
}

// maxTimes is how many durations are kept: beyond, every other is dropped, which leaves a quantile where it is.
const maxTimes = 200_000

// firstAnswers is how much of a log the first look reads, so that it can say something at once.
const firstAnswers = 1 << 20

func readAnswers(ctx context.Context, t probe.Target) (answersOf, followed, *probe.Result) {
	a := answersOf{codes: map[int]int{}, slow: map[string]int{}, broken: map[string]int{}}
	every, n := 1, 0
	o := accesslog.Options{Unit: t.String("unit")}
	seen, missing := follow(ctx, t, t.String("path"), logtail.Options{First: firstAnswers, MaxBytes: 128 << 20}, func(b []byte) {
		e, ok := accesslog.Parse(string(b), o)
		if !ok {
			if len(b) > 0 {
				a.strange++
			}
			return
		}
		if matchAny(t.Strings("ignore_paths"), e.Path) {
			return
		}
		a.total++
		a.codes[e.Status]++
		if e.Status >= 500 {
			a.failed++
			count(a.broken, e.Path)
		}
		if !e.Timed {
			return
		}
		if e.Seconds >= 3 {
			count(a.slow, e.Path)
		}
		if n++; n%every == 0 {
			a.seconds = append(a.seconds, e.Seconds)
		}
		if len(a.seconds) >= maxTimes {
			half := a.seconds[:0]
			for i := 0; i < len(a.seconds); i += 2 {
				half = append(half, a.seconds[i])
			}
			a.seconds, every = half, every*2
		}
	})
	return a, seen, missing
}

// count keeps a map small: paths with numbers in them may be without end.
func count(m map[string]int, path string) {
	if _, known := m[path]; known || len(m) < 1000 {
		m[path]++
	}
}

func details(r *probe.Report, m map[string]int, words string) {
	paths := make([]string, 0, len(m))
	for p := range m {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b)) })
	for _, p := range paths[:min(len(paths), 10)] {
		r.Detail(fmt.Sprintf("%s %s %d 次", cutText(cmp.Or(p, "（无法识别的请求）")), words, m[p]))
	}
}

// minAnswers is how many answers a share or a quantile needs.
const minAnswers = 20

func (h host) httpErrors() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.http_errors", Class: probe.Performance,
		TitleZH: "网站 5xx 比例", TitleEN: "HTTP 5xx",
		HelpZH: "读取访问日志（nginx、Apache、Tomcat 常用格式与 JSON 行）中自上次检查以来的应答，计算 5xx 的比例；轮转能接上；不足 20 个应答不下结论。" +
			"变红时：按下方列出的路径与状态码查应用日志；502、504 查后端是否存活与超时，503 查限流与线程池。",
		HelpEN: "Reads the answers since the last run from an access log (the usual formats of nginx, Apache and Tomcat, and lines of JSON) and reckons the share of 5xx; rotation is followed; below 20 answers nothing is concluded. " +
			"When red: look into the application's log by the paths and codes below; for 502 and 504 see whether the backend lives and in time, for 503 look at limits and thread pools.",
		Params: accessLogParams, Check: checkAccessLog, Target: accessLogTarget,
		Thresholds: []probe.Threshold{{Metric: "error_percent", Warn: "1", Crit: "5", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: "nginx 1.22; format of Apache 2.4 and Tomcat 9, 2026-11",
		Discover: h.discoverAccessLogs(false),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			a, seen, missing := readAnswers(ctx, t)
			if missing != nil {
				return *missing
			}
			r := t.Report()
			seen.tell(r)
			r.Record("answers", float64(a.total), "")
			if a.strange > 0 && a.total == 0 {
				return probe.Unknowable("bad_format", fmt.Sprintf("%s 的 %d 行都无法识别为访问日志", seen.Path, a.strange))
			}
			r.Record("errors", float64(a.failed), "")
			figures := fmt.Sprintf("%s 新增 %d 个应答，5xx %d 个", seen.Path, a.total, a.failed)
			if a.total >= minAnswers {
				percent := 100 * float64(a.failed) / float64(a.total)
				r.Measure("error_percent", "5xx 比例", percent, "%")
				figures += fmt.Sprintf("（%s）", probe.Humanize(percent, "%"))
			} else {
				figures += "，应答太少，不计比例"
			}
			for _, c := range []int{500, 502, 503, 504} {
				if a.codes[c] > 0 {
					r.Detail(fmt.Sprintf("状态码 %d：%d 次", c, a.codes[c]))
				}
			}
			details(r, a.broken, "5xx")
			return r.Result(figures)
		},
	}
}

func (h host) httpTimes() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.http_p95", Class: probe.Performance,
		TitleZH: "网站响应时间", TitleEN: "HTTP response times",
		HelpZH: "读取访问日志中自上次检查以来各应答的耗时，取 95 分位；nginx 请在 log_format 末尾加 $request_time，Apache 加 %D（单位填 us），Tomcat 加 %D（单位填 ms）。不足 20 个应答不下结论。" +
			"变红时：按下方列出的慢路径查应用与数据库；全部变慢查处理器、连接池与下游接口，个别变慢查该接口的语句。",
		HelpEN: "Reads how long each answer since the last run took from an access log and takes the 95th percentile; let nginx write $request_time at the end of its log_format, Apache %D (unit us), Tomcat %D (unit ms). Below 20 answers nothing is concluded. " +
			"When red: look at application and database by the slow paths below; if all are slow look at CPU, connection pools and downstream services, if one is look at its statements.",
		Params: accessLogParams, Check: checkAccessLog, Target: accessLogTarget,
		Thresholds: []probe.Threshold{{Metric: "p95", Warn: "1", Crit: "3", Unit: "s"}},
		Verified:   verifiedTested, VerifiedOn: "nginx 1.22; format of Apache 2.4 and Tomcat 9, 2026-11",
		Discover: h.discoverAccessLogs(true),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			a, seen, missing := readAnswers(ctx, t)
			if missing != nil {
				return *missing
			}
			r := t.Report()
			seen.tell(r)
			r.Record("answers", float64(a.total), "")
			if a.total > 0 && len(a.seconds) == 0 {
				return probe.NoSource(fmt.Sprintf("%s 没有记录耗时：请在日志格式中加入耗时，或填写其单位", seen.Path))
			}
			figures := fmt.Sprintf("%s 新增 %d 个应答", seen.Path, a.total)
			if len(a.seconds) < minAnswers {
				return r.Result(figures + "，应答太少，不计分位")
			}
			slices.Sort(a.seconds)
			p95 := quantile(a.seconds, 0.95)
			r.Measure("p95", "响应时间 95 分位", p95, "s")
			r.Record("p50", quantile(a.seconds, 0.5), "s")
			r.Record("max", a.seconds[len(a.seconds)-1], "s")
			details(r, a.slow, "超过 3 秒")
			return r.Result(figures + fmt.Sprintf("，中位 %s，95 分位 %s，最长 %s", probe.Humanize(quantile(a.seconds, 0.5), "s"),
				probe.Humanize(p95, "s"), probe.Humanize(a.seconds[len(a.seconds)-1], "s")))
		},
	}
}

// quantile is the value below which a share of the sorted values lies (nearest rank).
func quantile(sorted []float64, q float64) float64 {
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}
