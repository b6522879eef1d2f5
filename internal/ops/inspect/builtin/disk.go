package builtin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) disk() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.disk", Class: probe.Performance,
		TitleZH: "磁盘空间", TitleEN: "Disk space",
		HelpZH: "对每个真实文件系统（不含内存盘、只读光盘和容器叠加层）读取已用百分比，口径与 df 相同；按最近 7 天的样本用稳健回归推算写满时间（至少跨 6 小时）。原来可写的文件系统变为只读、网络文件系统无响应都报严重。" +
			"变红时：用 du -xh --max-depth=1 找出增长的目录，先清理日志和临时文件，再归档或扩容；数据库目录不要手工删除文件。",
		HelpEN: "Reads usage of each real file system (no RAM disks, read-only media or container overlays), counted as df does; extrapolates from samples of the last 7 days when it will be full (needs 6 hours). A file system that turned read-only, or a network one that does not answer, is critical. " +
			"When red: find what grows with du -xh --max-depth=1, clear logs and temporary files, then archive or extend; never delete database files by hand.",
		Params: mountParams, Check: checkMountParams, Target: mountsTarget,
		Thresholds: []probe.Threshold{
			{Metric: "used_percent", Warn: "80", Crit: "90", Unit: "%"},
			{Metric: "days_to_full", Warn: "7:", Crit: "1:", Unit: "d"},
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有文件系统"),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			r := t.Report()
			list, missing := h.mounts(ctx, t, r)
			if missing != nil {
				return *missing
			}
			if len(list) == 0 && r.State() == probe.OK {
				return probe.NoSource("没有可检查的文件系统")
			}
			history, now := loadHistory(t.Memory), t.Now()
			fresh := make(usageHistory)
			var fullest *mountUsage
			for i, m := range list {
				if m.raise(r) {
					fresh[m.point] = history[m.point] // what is known of it stays known
					continue
				}
				if m.readOnly {
					if len(history[m.point]) > 0 {
						fresh[m.point] = history[m.point]
						r.Raise(probe.Critical, "read_only", m.point+" 变为只读，请查内核日志中的文件系统错误")
					}
					continue
				}
				percent := m.usedPercent()
				r.Measure("used_percent "+m.point, m.point+" 已用", percent, "%")
				r.Record("used "+m.point, float64(m.used), "B")
				r.Record("size "+m.point, float64(m.size), "B")
				line := fmt.Sprintf("%s（%s %s）已用 %s / %s，%s", m.point, m.fstype, m.source,
					probe.Humanize(float64(m.used), "B"), probe.Humanize(float64(m.used+m.available), "B"), probe.Humanize(percent, "%"))
				series := history[m.point].add(now, m.used)
				if days, ok := series.daysToFull(m.available); ok {
					r.Measure("days_to_full "+m.point, m.point+" 预计写满还有", days, "d")
					line += fmt.Sprintf("，按近期增长约 %.1f 天后写满", days)
				}
				fresh[m.point] = series
				r.Detail(line)
				if fullest == nil || percent > fullest.usedPercent() {
					fullest = &list[i]
				}
			}
			fresh.save(t.Memory)
			figures := fmt.Sprintf("共 %d 个文件系统", len(list))
			if fullest != nil {
				figures += fmt.Sprintf("，最满 %s 已用 %s（剩余 %s）", fullest.point,
					probe.Humanize(fullest.usedPercent(), "%"), probe.Humanize(float64(fullest.available), "B"))
			}
			return r.Result(figures)
		},
	}
}

// sample is the space in use at a time.
type sample struct {
	minute int64 // since the epoch
	mib    int64
}

// series is what is remembered of one file system, oldest first.
type series []sample

const (
	sampleEvery  = 10          // minutes between two samples
	sampleKeep   = 7 * 24 * 60 // minutes a sample is of use
	sampleMax    = 24
	forecastSpan = 6 * 60 // minutes the samples must cover before anything is foretold
	forecastMin  = 6      // samples
	forecastFar  = 365    // days beyond which it is not worth a word
)

// add appends the present value. A last sample that is too young is replaced, so that the newest
// value always counts. When there are too many, the one whose neighbours are closest is dropped:
// the rest still covers the whole span.
func (s series) add(now time.Time, used uint64) series {
	minute := now.Unix() / 60
	out := slices.Clone(s)
	out = slices.DeleteFunc(out, func(x sample) bool { return x.minute < minute-sampleKeep || x.minute > minute })
	if n := len(out); n >= 2 && out[n-1].minute-out[n-2].minute < sampleEvery {
		out = out[:n-1]
	}
	out = append(out, sample{minute, int64(used >> 20)})
	return out.thin(sampleMax)
}

func (s series) thin(most int) series {
	s = slices.Clone(s)
	for len(s) > most && len(s) > 2 {
		drop := 1
		for i := 2; i < len(s)-1; i++ {
			if s[i+1].minute-s[i-1].minute < s[drop+1].minute-s[drop-1].minute {
				drop = i
			}
		}
		s = slices.Delete(s, drop, drop+1)
	}
	return s
}

// daysToFull extrapolates with the median of all slopes between two samples (Theil–Sen), which a
// single clean-up or a single large file does not bend.
func (s series) daysToFull(available uint64) (float64, bool) {
	n := len(s)
	if n < forecastMin || s[n-1].minute-s[0].minute < forecastSpan {
		return 0, false
	}
	var slopes []float64
	for i := range s {
		for j := i + 1; j < n; j++ {
			if span := s[j].minute - s[i].minute; span > 0 {
				slopes = append(slopes, float64(s[j].mib-s[i].mib)/float64(span))
			}
		}
	}
	slices.SortFunc(slopes, cmp.Compare)
	slope := slopes[len(slopes)/2]
	if slope <= 0 {
		return 0, false
	}
	days := float64(available>>20) / slope / (24 * 60)
	return days, days < forecastFar
}
