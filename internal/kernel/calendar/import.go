package calendar

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Bounds of what is imported at once.
const (
	mostLines   = 1000
	maxNameSize = 60
	// longestRange is how many days one line may name.
	longestRange = 60
)

// BadLine says what is wrong with a line of imported text.
type BadLine struct {
	Line int    `json:"line" doc:"The first is 1"`
	Code string `json:"code" enum:"not_a_day,not_a_kind,not_a_range,twice,other_year,too_long,too_many"`
	Text string `json:"text"`
}

// dayText matches the ways in which people write a day: 2026-10-01, 2026/10/1, 2026年10月1日, 20261001.
var dayText = regexp.MustCompile(`^(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))$`)

// ReadDate reads a day as people write it.
func ReadDate(text string) (Date, bool) {
	m := dayText.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	num := func(s string) int {
		n := 0
		for _, c := range []byte(s) {
			n = n*10 + int(c-'0')
		}
		return n
	}
	y, mo, d := num(m[1]), num(cmp.Or(m[2], m[4])), num(cmp.Or(m[3], m[5]))
	out := NewDate(y, time.Month(mo), d)
	return out, y >= 1991 && y <= 2200 && out.Year() == y && out.Month() == time.Month(mo) && out.Day() == d
}

// kindWords are what people write for kinds of days.
var kindWords = map[string]Kind{
	"off": Off, "休": Off, "休息": Off, "放假": Off, "假": Off,
	"makeup": Makeup, "班": Makeup, "补班": Makeup, "上班": Makeup, // 调休 alone says neither
	"workday": Workday, "工作日": Workday,
}

// periodWords are what people write for kinds of periods.
var periodWords = map[string]PeriodKind{
	"filing": Filing, "征期": Filing, "filing_major": FilingMajor, "大征期": FilingMajor, "settlement": Settlement, "汇算清缴": Settlement,
	"holiday": Holiday, "节假日": Holiday, "event": Event, "重大活动": Event, "活动": Event,
}

// columns parts a line: CSV, tabs as spreadsheets paste them, or blanks.
func columns(line string) []string {
	line = strings.NewReplacer("，", ",", "；", ",", ";", ",", "\t", ",", "\u3000", " ").Replace(strings.TrimSpace(line))
	var parts []string
	if strings.Contains(line, ",") {
		parts = strings.Split(line, ",")
	} else {
		parts = strings.Fields(line)
	}
	for i := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(parts[i]), `"`)
	}
	return parts
}

// lines gives the lines that hold something; a first line without a digit is a heading.
func lines(text string, each func(n int, line string)) {
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || n == 1 && !strings.ContainsAny(line, "0123456789") {
			continue
		}
		each(n, line)
	}
}

// dayRange reads a day, or a first and last one joined by ~ or 至.
func dayRange(text string) (from, to Date, code string) {
	a, b, ranged := strings.Cut(strings.NewReplacer("～", "~", "至", "~", "—", "~").Replace(text), "~")
	from, ok := ReadDate(strings.TrimSpace(a))
	if !ok {
		return 0, 0, "not_a_day"
	}
	if !ranged {
		return from, from, ""
	}
	if to, ok = ReadDate(strings.TrimSpace(b)); !ok {
		return 0, 0, "not_a_day"
	}
	if to < from || to-from >= longestRange {
		return 0, 0, "not_a_range"
	}
	return from, to, ""
}

// ParseDays reads the days of a list of one year: each line a day or a range, its kind, and a name
// that may be left out. Days may lie in the December before. The days come in order.
func ParseDays(text string, year int) ([]ListDay, []BadLine) {
	var days []ListDay
	var bad []BadLine
	seen := map[Date]bool{}
	lines(text, func(n int, line string) {
		wrong := func(code string) {
			if len(bad) < mostLines {
				bad = append(bad, BadLine{Line: n, Code: code, Text: cut(line)})
			}
		}
		if n > mostLines {
			if n == mostLines+1 {
				wrong("too_many")
			}
			return
		}
		parts := columns(line)
		from, to, code := dayRange(parts[0])
		if code != "" {
			wrong(code)
			return
		}
		if len(parts) < 2 {
			wrong("not_a_kind")
			return
		}
		kind, known := kindWords[strings.ToLower(parts[1])]
		if !known {
			wrong("not_a_kind")
			return
		}
		name := ""
		if len(parts) > 2 {
			name = parts[2]
		}
		if len([]rune(name)) > maxNameSize {
			wrong("too_long")
			return
		}
		for d := from; d <= to; d++ {
			switch {
			case d.Year() != year && (d.Year() != year-1 || d.Month() != time.December):
				wrong("other_year")
				return
			case seen[d]:
				wrong("twice")
				return
			}
			seen[d] = true
			days = append(days, ListDay{Date: d, Kind: kind, Name: name})
		}
	})
	slices.SortFunc(days, func(a, b ListDay) int { return int(a.Date) - int(b.Date) })
	return days, bad
}

// ParsePeriods reads periods: each line a kind, the first and the last day, and a name.
func ParsePeriods(text string) ([]Period, []BadLine) {
	var out []Period
	var bad []BadLine
	filings := map[string]bool{}
	lines(text, func(n int, line string) {
		wrong := func(code string) {
			if len(bad) < mostLines {
				bad = append(bad, BadLine{Line: n, Code: code, Text: cut(line)})
			}
		}
		if n > mostLines {
			if n == mostLines+1 {
				wrong("too_many")
			}
			return
		}
		parts := columns(line)
		kind, known := periodWords[strings.ToLower(parts[0])]
		if !known {
			wrong("not_a_kind")
			return
		}
		if len(parts) < 3 {
			wrong("not_a_day")
			return
		}
		from, ok := ReadDate(parts[1])
		to, ok2 := ReadDate(parts[2])
		if !ok || !ok2 {
			wrong("not_a_day")
			return
		}
		p := Period{Kind: kind, From: from.Start(), To: (to + 1).Start()}
		if len(parts) > 3 {
			p.Name = parts[3]
		}
		if code := p.wrong(); code != "" {
			wrong(code)
			return
		}
		if p.isFiling() {
			if filings[p.month()] {
				wrong("twice")
				return
			}
			filings[p.month()] = true
		}
		out = append(out, p)
	})
	return out, bad
}

// longestPeriod bounds a period; the longest in use is a settlement of six months.
const longestPeriod = 366 * 24 * time.Hour

func (p *Period) isFiling() bool { return p.Kind == Filing || p.Kind == FilingMajor }

// month names the month of a filing period.
func (p *Period) month() string { return DateOf(p.From).String()[:7] }

// wrong says what is wrong with a period, and gives one without a name that of its kind.
func (p *Period) wrong() string {
	if p.Name == "" {
		p.Name, _ = p.Kind.Title()
		if p.isFiling() {
			p.Name = DateOf(p.From).utc().Format("1月") + p.Name
		}
	}
	switch {
	case !slices.Contains(PeriodKinds(), p.Kind):
		return "not_a_kind"
	case !p.To.After(p.From), p.To.Sub(p.From) > longestPeriod, DateOf(p.From).Year() < 1991, DateOf(p.To).Year() > 2200:
		return "not_a_range"
	case p.isFiling() && DateOf(p.From).String()[:7] != DateOf(p.To.Add(-1)).String()[:7]:
		return "not_a_range"
	case len([]rune(p.Name)) > maxNameSize:
		return "too_long"
	}
	return ""
}

func cut(line string) string {
	if r := []rune(line); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return line
}
