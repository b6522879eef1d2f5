package probe

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ReasonThreshold is the reason of a result whose value crossed its threshold.
const ReasonThreshold Reason = "threshold"

// Report gathers what a check measures and finds until it becomes a [Result]: the gravest state
// wins and gives the reason; problems come before figures in the summary.
type Report struct {
	t        Target
	state    State
	reason   Reason
	problems []problem
	details  []string
	perf     []Perf
}

type problem struct {
	state State
	text  string
}

// Report starts an empty report, which is OK.
func (t Target) Report() *Report { return &Report{t: t} }

// Raise adds a problem that is not a number: what was found, in Chinese.
func (r *Report) Raise(s State, reason Reason, text string) {
	if worse := Worse(r.state, s); worse != r.state {
		r.state, r.reason = worse, reason
	}
	if s != OK {
		r.problems = append(r.problems, problem{s, text})
	}
}

// Measure adds a measured value and judges it by the limit of its metric. title is what the value
// is called in the summary when it is not OK ("/var 已用").
func (r *Report) Measure(label, title string, value float64, uom string) State {
	limit := r.t.Limit(label)
	state, err := Evaluate(value, limit)
	if err != nil {
		r.Raise(Unknown, "bad_value", title+" 无法判断："+err.Error())
		return Unknown
	}
	r.perf = append(r.perf, Perf{Label: label, Value: value, UOM: uom, Warn: limit.Warn, Crit: limit.Crit})
	if state == OK {
		return OK
	}
	text, word := limit.Warn, "警告"
	if state == Critical {
		text, word = limit.Crit, "严重"
	}
	show := func(v float64) string { return Humanize(v, uom) }
	if rg, err := ParseRange(text); err == nil {
		text = rg.Words(show)
	}
	r.Raise(state, ReasonThreshold, fmt.Sprintf("%s %s（%s阈值 %s）", title, show(value), word, text))
	return state
}

// Record adds a value for history only, without judging it.
func (r *Report) Record(label string, value float64, uom string) {
	if finite(value) {
		r.perf = append(r.perf, Perf{Label: label, Value: value, UOM: uom})
	}
}

// Detail adds a line that is shown below the summary.
func (r *Report) Detail(line string) { r.details = append(r.details, line) }

// State returns the gravest state so far.
func (r *Report) State() State { return r.state }

// Result closes the report: gravest problems first, then the figures.
func (r *Report) Result(figures string) Result {
	var parts []string
	for _, s := range []State{Critical, Unknown, Warning} {
		for _, p := range r.problems {
			if p.state == s {
				parts = append(parts, p.text)
			}
		}
	}
	if figures != "" {
		parts = append(parts, figures)
	}
	return Result{State: r.state, Reason: r.reason, Summary: strings.Join(parts, "；"),
		Details: strings.Join(r.details, "\n"), Perf: r.perf}
}

// NoSource is the result of a check whose source does not exist on this asset.
func NoSource(summary string) Result {
	return Result{State: Unknown, Reason: ReasonNoSource, Summary: summary}
}

// Denied is the result of a check that may not look; the summary says what would let it.
func Denied(summary string) Result {
	return Result{State: Unknown, Reason: ReasonDenied, Summary: summary}
}

// Unknowable is the result of a check that could not look for another reason.
func Unknowable(reason Reason, summary string) Result {
	return Result{State: Unknown, Reason: reason, Summary: summary}
}

// Humanize writes a value with its unit for people: bytes in binary units, seconds and days as a duration
// in Chinese, percentages with as many decimals as they need.
func Humanize(v float64, uom string) string {
	switch uom {
	case "B":
		return humanBytes(v)
	case "s":
		return humanSeconds(v)
	case "%":
		return shortNumber(v) + "%"
	case "d":
		return shortNumber(v) + " 天"
	case "c":
		return shortNumber(v)
	}
	return shortNumber(v) + uom
}

func shortNumber(v float64) string {
	a := math.Abs(v)
	switch {
	case v == math.Trunc(v) && a < 1e15:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a < 1:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

func humanBytes(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for math.Abs(v) >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return shortNumber(v) + " " + units[i]
}

func humanSeconds(v float64) string {
	d := time.Duration(math.Min(math.Abs(v), 9e9) * float64(time.Second))
	switch {
	case d < time.Second:
		return shortNumber(v*1000) + " 毫秒"
	case d < 2*time.Minute:
		return shortNumber(v) + " 秒"
	case d < 2*time.Hour:
		return shortNumber(v/60) + " 分钟"
	case d < 48*time.Hour:
		return shortNumber(v/3600) + " 小时"
	}
	return shortNumber(v/86400) + " 天"
}

// scriptMark begins the first line of the details of a result that a script gave.
const scriptMark = "script_sha256 "

// ScriptLine says which script gave a result, as the first line of its details: a result and its hash
// then carry it wherever they go.
func ScriptLine(sha256, name string) string { return scriptMark + sha256 + " " + name }

// ScriptOf returns the hash and the name that ScriptLine wrote, and the details without that line.
func ScriptOf(details string) (sha256, name, rest string) {
	line, rest, _ := strings.Cut(details, "\n")
	said, is := strings.CutPrefix(line, scriptMark)
	sha256, name, ok := strings.Cut(said, " ")
	if !is || !ok || len(sha256) != 64 {
		return "", "", details
	}
	return sha256, name, rest
}
