package probe

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MetricOf returns the metric that a label measures: the label up to its first blank. A check that
// looks at several things of one kind writes "used_percent /var": the metric, then the thing. The
// thresholds of a metric hold for all its labels.
func MetricOf(label string) string {
	metric, _, _ := strings.Cut(label, " ")
	return metric
}

// String writes the value in the plug-in convention, 'label'=value[uom];warn;crit;min;max,
// trailing empty fields left out. A value that is no finite number is written "U" (unknown).
func (p Perf) String() string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range p.Label {
		switch {
		case r == '\'':
			b.WriteString("''")
		case unicode.IsControl(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString("'=")
	if finite(p.Value) {
		b.WriteString(formatNumber(p.Value))
		b.WriteString(strings.Map(func(r rune) rune {
			if uomRune(r) {
				return r
			}
			return -1
		}, p.UOM))
	} else {
		b.WriteByte('U')
	}
	fields := [4]string{p.Warn, p.Crit}
	if p.Min != nil && finite(*p.Min) {
		fields[2] = formatNumber(*p.Min)
	}
	if p.Max != nil && finite(*p.Max) {
		fields[3] = formatNumber(*p.Max)
	}
	last := len(fields)
	for last > 0 && fields[last-1] == "" {
		last--
	}
	for _, f := range fields[:last] {
		b.WriteByte(';')
		b.WriteString(f)
	}
	return b.String()
}

// FormatPerf writes several values, separated by blanks.
func FormatPerf(list []Perf) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return strings.Join(texts, " ")
}

// ParsePerf reads performance data (性能数据) as plug-ins write it. It keeps what can be read: a
// broken item is left out and named in the error, a broken range is dropped from its item and
// named too. A value "U" means "could not be measured" and is left out without an error.
func ParsePerf(s string) ([]Perf, error) {
	var list []Perf
	var errs []error
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return list, errors.Join(errs...)
		}
		label, rest, err := cutLabel(s)
		if err != nil {
			// Without a label nothing tells where the next item starts: skip one word.
			errs = append(errs, err)
			s = skipWord(s)
			continue
		}
		end := strings.IndexFunc(rest, unicode.IsSpace)
		if end < 0 {
			end = len(rest)
		}
		p, known, err := parseMeasure(label, rest[:end])
		if err != nil {
			errs = append(errs, fmt.Errorf("performance data %q: %w", label, err))
		}
		if known {
			list = append(list, p)
		}
		s = rest[end:]
	}
}

// cutLabel splits "'label'=rest" or "label=rest"; two quotes inside a quoted label are one.
func cutLabel(s string) (label, rest string, err error) {
	if s[0] != '\'' {
		label, rest, ok := strings.Cut(s, "=")
		if !ok || label == "" || strings.ContainsFunc(label, unicode.IsSpace) || strings.Contains(label, "'") {
			return "", "", fmt.Errorf("performance data %q has no label", clip(s))
		}
		return cleanLabel(label), rest, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		if b.Len() == 0 || i+1 >= len(s) || s[i+1] != '=' {
			break
		}
		return cleanLabel(b.String()), s[i+2:], nil
	}
	return "", "", fmt.Errorf("performance data %q has a broken label", clip(s))
}

// cleanLabel makes a label that survives being written and read again.
func cleanLabel(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// parseMeasure reads value[uom];warn;crit;min;max. known is false when there is no value to keep.
func parseMeasure(label, s string) (p Perf, known bool, err error) {
	fields := strings.Split(s, ";")
	value := fields[0]
	if value == "U" {
		return Perf{}, false, nil
	}
	n := numberLength(value)
	if n == 0 {
		return Perf{}, false, fmt.Errorf("value %q is not a number", clip(value))
	}
	p = Perf{Label: label}
	if p.Value, err = parseNumber(value[:n]); err != nil {
		return Perf{}, false, fmt.Errorf("value: %w", err)
	}
	p.UOM = value[n:]
	if strings.ContainsFunc(p.UOM, func(r rune) bool { return !uomRune(r) }) {
		return Perf{}, false, fmt.Errorf("unit %q is not a unit", clip(p.UOM))
	}
	var errs []error
	field := func(i int) string {
		if i < len(fields) {
			return fields[i]
		}
		return ""
	}
	for i, to := range []*string{&p.Warn, &p.Crit} {
		text := field(i + 1)
		if text == "" {
			continue
		}
		if r, err := ParseRange(text); err != nil {
			errs = append(errs, err)
		} else {
			*to = r.String()
		}
	}
	for i, to := range []**float64{&p.Min, &p.Max} {
		text := field(i + 3)
		if text == "" {
			continue
		}
		if v, err := parseNumber(text); err != nil {
			errs = append(errs, err)
		} else {
			*to = &v
		}
	}
	if len(fields) > 5 {
		errs = append(errs, fmt.Errorf("%d fields, at most 5", len(fields)))
	}
	return p, true, errors.Join(errs...)
}

// uomRune reports whether r may be part of a unit: anything that cannot be taken for a part of the
// number, of a separator or of the quoting.
func uomRune(r rune) bool {
	if r == utf8.RuneError || unicode.IsDigit(r) || unicode.IsSpace(r) || unicode.IsControl(r) {
		return false
	}
	return !strings.ContainsRune(`+-.,;'"=`, r)
}

func skipWord(s string) string {
	if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		return s[i:]
	}
	return ""
}

// clip shortens foreign text for an error message.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
