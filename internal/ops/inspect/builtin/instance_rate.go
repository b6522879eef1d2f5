package builtin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// since returns by how much a counter has grown since the last run and how long ago that was; ok is
// false on the first run, after the counter began anew (a restart), and when the clock was set back.
func since(t probe.Target, key string, value float64) (grown float64, d time.Duration, ok bool) {
	now := t.Now()
	text, known := t.Memory.Get(key)
	t.Memory.Set(key, strconv.FormatInt(now.UnixMicro(), 10)+" "+strconv.FormatFloat(value, 'f', -1, 64))
	if !known {
		return 0, 0, false
	}
	at, was, _ := strings.Cut(text, " ")
	micro, err1 := strconv.ParseInt(at, 10, 64)
	before, err2 := strconv.ParseFloat(was, 64)
	d = now.Sub(time.UnixMicro(micro))
	if err1 != nil || err2 != nil || d <= 0 || value < before {
		return 0, 0, false
	}
	return value - before, d, true
}

// measureRate judges how often something happened since the last run, per unit of time, and says the
// figure; on the first run it only says the total.
func measureRate(t probe.Target, r *probe.Report, label, title string, total float64, per time.Duration, unit string) string {
	r.Record(probe.MetricOf(label)+"_total", total, "c")
	grown, d, ok := since(t, label, total)
	if !ok {
		return fmt.Sprintf("%s累计 %.0f 次（下次检查起按间隔计算）", title, total)
	}
	rate := grown * float64(per) / float64(d)
	r.Measure(label, title+"每"+unit, rate, "")
	return fmt.Sprintf("%s %.0f 次（%s内，每%s %s 次）", title, grown, probe.Humanize(d.Seconds(), "s"), unit, probe.Humanize(rate, ""))
}

// hitPercent is the share of lookups that were answered from memory: since the last run when there
// were at least enough of them, else since the server's statistics began. ok is false without any.
func hitPercent(t probe.Target, r *probe.Report, hits, misses, enough float64) (percent float64, span string, ok bool) {
	r.Record("lookups_total", hits+misses, "c")
	h, d, ok1 := since(t, "hits", hits)
	m, _, ok2 := since(t, "misses", misses)
	if ok1 && ok2 && h+m >= enough {
		return 100 * h / (h + m), "最近 " + probe.Humanize(d.Seconds(), "s"), true
	}
	if hits+misses < enough {
		return 0, "", false
	}
	return 100 * hits / (hits + misses), "统计以来", true
}
