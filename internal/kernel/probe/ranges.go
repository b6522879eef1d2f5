package probe

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Range is a threshold range (阈值范围) of the monitoring plug-in convention: [@]start:end.
// A value alerts when it lies outside; with @ ([Range.Inside]) when it lies inside, ends included.
// An absent start is 0, an absent end is infinity, "~" is minus infinity.
type Range struct {
	Start, End float64
	Inside     bool
}

// ParseRange reads a range. The empty text is an error: "never alerts" is said by an empty [Limit].
func ParseRange(s string) (Range, error) {
	r := Range{End: math.Inf(1)}
	text, inside := strings.CutPrefix(s, "@")
	r.Inside = inside
	if text == "" {
		return Range{}, fmt.Errorf("range %q is empty", s)
	}
	start, end, hasColon := strings.Cut(text, ":")
	if !hasColon {
		start, end = "", text // "10" is short for "0:10"
	}
	var err error
	switch start {
	case "":
	case "~":
		r.Start = math.Inf(-1)
	default:
		if r.Start, err = parseNumber(start); err != nil {
			return Range{}, fmt.Errorf("range %q: start: %w", s, err)
		}
	}
	if end != "" {
		if r.End, err = parseNumber(end); err != nil {
			return Range{}, fmt.Errorf("range %q: end: %w", s, err)
		}
	}
	if r.Start > r.End {
		return Range{}, fmt.Errorf("range %q: start is above end", s)
	}
	return r, nil
}

// String writes the shortest text that ParseRange reads back as the same range.
func (r Range) String() string {
	var b strings.Builder
	if r.Inside {
		b.WriteByte('@')
	}
	unbounded := math.IsInf(r.End, 1)
	switch {
	case math.IsInf(r.Start, -1):
		b.WriteString("~:")
	case r.Start != 0 || unbounded:
		b.WriteString(formatNumber(r.Start))
		b.WriteByte(':')
	}
	if !unbounded {
		b.WriteString(formatNumber(r.End))
	}
	return b.String()
}

// Alerts reports whether v calls for attention. NaN is no measurement and never alerts; [Evaluate]
// answers Unknown for it.
func (r Range) Alerts(v float64) bool {
	if math.IsNaN(v) {
		return false
	}
	within := v >= r.Start && v <= r.End
	return within == r.Inside
}

// Words says in Chinese which values alert, each number written by show: ">80%", "<10%".
func (r Range) Words(show func(float64) string) string {
	low, high := math.IsInf(r.Start, -1), math.IsInf(r.End, 1)
	switch {
	case r.Inside && low && high:
		return "任何值"
	case r.Inside && low:
		return "≤" + show(r.End)
	case r.Inside && high:
		return "≥" + show(r.Start)
	case r.Inside:
		return show(r.Start) + "～" + show(r.End) + " 之内"
	case low && high:
		return "从不"
	case low || (r.Start == 0 && !high):
		// Most measures cannot be negative, so "80" reads as "above 80" to people.
		return ">" + show(r.End)
	case high:
		return "<" + show(r.Start)
	}
	return show(r.Start) + "～" + show(r.End) + " 之外"
}

// Evaluate compares a value with a limit. A value that is no number, or a limit that cannot be
// read, is Unknown and an error: nothing is green by mistake.
func Evaluate(value float64, l Limit) (State, error) {
	if math.IsNaN(value) {
		return Unknown, errors.New("the value is not a number")
	}
	for _, step := range []struct {
		text  string
		state State
	}{{l.Crit, Critical}, {l.Warn, Warning}} {
		if step.text == "" {
			continue
		}
		r, err := ParseRange(step.text)
		if err != nil {
			return Unknown, err
		}
		if r.Alerts(value) {
			return step.state, nil
		}
	}
	return OK, nil
}

// Check reports whether both ranges can be read.
func (l Limit) Check() error {
	var errs []error
	if l.Warn != "" {
		if _, err := ParseRange(l.Warn); err != nil {
			errs = append(errs, fmt.Errorf("warn: %w", err))
		}
	}
	if l.Crit != "" {
		if _, err := ParseRange(l.Crit); err != nil {
			errs = append(errs, fmt.Errorf("crit: %w", err))
		}
	}
	return errors.Join(errs...)
}

// parseNumber reads a plain decimal number: no hexadecimal, no underscore, no infinity, no NaN,
// all of which strconv.ParseFloat would accept.
func parseNumber(s string) (float64, error) {
	if n := numberLength(s); n == 0 || n != len(s) {
		return 0, fmt.Errorf("%q is not a decimal number", s)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is out of range", s)
	}
	if v == 0 {
		v = 0 // minus zero reads as zero
	}
	return v, nil
}

// numberLength returns how many leading bytes of s form a decimal number, 0 for none.
func numberLength(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	digits := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		digits++
	}
	if i < len(s) && s[i] == '.' {
		j := i + 1
		for ; j < len(s) && isDigit(s[j]); j++ {
			digits++
		}
		if digits > 0 {
			i = j
		}
	}
	if digits == 0 {
		return 0
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		if k := j; k < len(s) && isDigit(s[k]) {
			for ; k < len(s) && isDigit(s[k]); k++ {
			}
			i = k
		}
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// formatNumber writes a number so that parseNumber reads the same one back.
func formatNumber(v float64) string {
	if v == 0 {
		return "0"
	}
	if a := math.Abs(v); a >= 1e-6 && a < 1e21 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
