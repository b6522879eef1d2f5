package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) logSilence() probe.Builtin {
	return probe.Builtin{
		Kind: "os_log.silence", Class: probe.OSLog,
		TitleZH: "日志静默", TitleEN: "Silent log",
		HelpZH: "看指定日志（可用 * 通配，取最新的）最后一次写入距今多久；应当一直有输出的日志静默，往往说明应用挂起、采集中断或磁盘已满。" +
			"变红时：查应用是否存活且能写日志、磁盘是否已满、rsyslog 或采集进程是否在运行；夜间本来安静的日志请放宽阈值。",
		HelpEN: "Looks how long ago the log (with * wildcards: the newest) was written last; a log that should always have news and is silent tells of a hung application, a broken collector or a full disk. " +
			"When red: see whether the application lives and can write, whether the disk is full, whether rsyslog or the collector runs; widen the thresholds of logs that are quiet at night.",
		Params: []probe.Param{
			{Name: "path", Type: "string", Required: true, TitleZH: "日志文件（可用 * 通配）", TitleEN: "Log file (with * wildcards)"},
		},
		Thresholds: []probe.Threshold{{Metric: "silent", Warn: "900", Crit: "3600", Unit: "s"}},
		Check: func(p map[string]any) error {
			path, _ := p["path"].(string)
			return checkPatterns("path", []string{path})
		},
		Target:   func(p map[string]any) string { s, _ := p["path"].(string); return s },
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Run: func(_ context.Context, t probe.Target) probe.Result {
			path := t.String("path")
			names, err := filepath.Glob(path)
			if err != nil {
				return probe.Unknowable("bad_params", err.Error())
			}
			var newest fs.FileInfo
			for _, n := range names {
				if info, err := os.Stat(n); err == nil && info.Mode().IsRegular() && (newest == nil || info.ModTime().After(newest.ModTime())) {
					newest, path = info, n
				}
			}
			if newest == nil {
				if _, err := os.ReadDir(filepath.Dir(path)); errors.Is(err, fs.ErrPermission) {
					return probe.Denied(fmt.Sprintf("无权查看目录 %s：请以 root 运行，或授予运行账户进入该目录的权限", filepath.Dir(path)))
				}
				return probe.Result{State: probe.Critical, Reason: "missing", Summary: fmt.Sprintf("没有符合 %s 的日志文件：应用从未写过日志，或日志换了位置", path)}
			}
			r := t.Report()
			silent := max(0, t.Now().Sub(newest.ModTime()).Seconds())
			r.Measure("silent", path+" 已静默", silent, "s")
			r.Record("size", float64(newest.Size()), "B")
			return r.Result(fmt.Sprintf("%s 最后写入于 %s 前（%s），大小 %s", path, probe.Humanize(silent, "s"),
				newest.ModTime().In(time.Local).Format(time.DateTime), probe.Humanize(float64(newest.Size()), "B")))
		},
	}
}

func (h host) logGrowth() probe.Builtin {
	return probe.Builtin{
		Kind: "os_log.growth", Class: probe.OSLog,
		TitleZH: "日志增长", TitleEN: "Growth of logs",
		HelpZH: "统计日志目录（默认 /var/log）下全部文件的大小，按最近一小时的样本折算每小时增长；轮转删除旧文件的时段按零计。同时列出最大的文件。" +
			"变红时：看最大的文件是谁在写、写什么，多为调试级别未关或循环报错；确认 logrotate 正常；空间将满时先压缩或转移旧日志，不要删除正在写的文件。",
		HelpEN: "Adds up the files below the log directory (/var/log by default) and reckons the growth in an hour from the samples of the last hour; spans in which rotation removed old files count as none. The largest files are listed. " +
			"When red: see who writes the largest file and what, mostly a debug level left on or an error in a loop; make sure that logrotate works; when space runs out compress or move old logs first, do not delete a file that is being written.",
		Params: []probe.Param{
			{Name: "path", Type: "string", TitleZH: "目录（默认 /var/log）", TitleEN: "Directory (/var/log by default)"},
		},
		Thresholds: []probe.Threshold{{Metric: "growth_per_hour", Warn: "104857600", Crit: "1073741824", Unit: "B"}},
		Target:     func(p map[string]any) string { s, _ := p["path"].(string); return s },
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有日志目录"),
		Run:      h.runLogGrowth,
	}
}

// maxLogFiles is how many files a look at a directory counts.
const maxLogFiles = 50_000

func (h host) runLogGrowth(ctx context.Context, t probe.Target) probe.Result {
	root := t.String("path")
	if root == "" {
		root = h.VarLog
	}
	if _, err := os.ReadDir(root); err != nil {
		return cannotRead(root, "日志目录", err)
	}
	type logFile struct {
		path string
		size int64
	}
	var largest []logFile
	total, count, hidden := int64(0), 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			hidden++
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil // removed meanwhile
		}
		if count++; count > maxLogFiles {
			return fs.SkipAll
		}
		total += info.Size()
		largest = append(largest, logFile{path, info.Size()})
		if len(largest) > 200 {
			slices.SortFunc(largest, func(a, b logFile) int { return cmp.Compare(b.size, a.size) })
			largest = largest[:10]
		}
		return nil
	})
	if err != nil {
		return probe.Unknowable(probe.ReasonTimeout, fmt.Sprintf("%s 下文件过多，未能在规定时间内数完", root))
	}
	slices.SortFunc(largest, func(a, b logFile) int { return cmp.Compare(b.size, a.size) })
	r := t.Report()
	figures := fmt.Sprintf("%s 共 %d 个文件 %s", root, count, probe.Humanize(float64(total), "B"))
	now := t.Now()
	samples := addGrowth(loadGrowth(t.Memory), now, total)
	samples.save(t.Memory)
	if rate, ok := samples.perHour(); ok {
		r.Measure("growth_per_hour", root+" 每小时增长", rate, "B")
		figures += fmt.Sprintf("，近一小时增长折合每小时 %s", probe.Humanize(rate, "B"))
	} else {
		figures += "，增长速度待下次检查后计算"
	}
	r.Record("total", float64(total), "B")
	r.Record("files", float64(count), "")
	for _, f := range largest[:min(len(largest), 5)] {
		r.Detail(fmt.Sprintf("%s %s", probe.Humanize(float64(f.size), "B"), f.path))
	}
	if hidden > 0 {
		r.Detail(fmt.Sprintf("有 %d 个目录无权查看，未计入", hidden))
	}
	return r.Result(figures)
}

// growth is the size of a directory at some times, the oldest first.
type growth []struct {
	at    int64 // seconds
	bytes int64
}

const (
	growthSpan = int64(time.Hour / time.Second)
	growthMin  = int64(4 * time.Minute / time.Second)
)

func loadGrowth(m probe.Memory) growth {
	text, _ := m.Get("sizes")
	var g growth
	for pair := range strings.FieldsSeq(text) {
		a, b, _ := strings.Cut(pair, ":")
		at, err1 := strconv.ParseInt(a, 10, 64)
		n, err2 := strconv.ParseInt(b, 10, 64)
		if err1 != nil || err2 != nil {
			return nil
		}
		g = append(g, struct{ at, bytes int64 }{at, n})
	}
	return g
}

func (g growth) save(m probe.Memory) {
	parts := make([]string, len(g))
	for i, s := range g {
		parts[i] = fmt.Sprintf("%d:%d", s.at, s.bytes)
	}
	m.Set("sizes", strings.Join(parts, " "))
}

// addGrowth appends the present size and drops what is older than an hour, but for one sample that
// reaches as far back.
func addGrowth(g growth, now time.Time, total int64) growth {
	at := now.Unix()
	g = slices.DeleteFunc(slices.Clone(g), func(s struct{ at, bytes int64 }) bool { return s.at >= at })
	for len(g) > 1 && g[1].at <= at-growthSpan {
		g = g[1:]
	}
	g = append(g, struct{ at, bytes int64 }{at, total})
	const most = 64
	for len(g) > most { // runs every few seconds
		g = slices.Delete(g, 1, 2)
	}
	return g
}

// perHour is the growth in an hour: the sum of all spans in which the directory grew.
func (g growth) perHour() (float64, bool) {
	if len(g) < 2 || g[len(g)-1].at-g[0].at < growthMin {
		return 0, false
	}
	grown := int64(0)
	for i := 1; i < len(g); i++ {
		grown += max(0, g[i].bytes-g[i-1].bytes)
	}
	return float64(grown) * 3600 / float64(g[len(g)-1].at-g[0].at), true
}
