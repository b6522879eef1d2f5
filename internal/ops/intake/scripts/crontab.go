package scripts

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Why a time of cron is only nearly kept; for machines.
const (
	WhyMonthDays = "days_of_month"  // it ran on some days of the month or in some months only
	WhyWeekdays  = "days_of_week"   // it ran on some days of the week that are not Monday to Friday
	WhyWorkdays  = "monday_friday"  // Monday to Friday becomes the working days of the calendar
	WhyUneven    = "uneven"         // too many times a day for a list: the usual distance is kept
	WhyReboot    = "at_reboot"      // it ran when the machine started
	WhyTooOften  = "below_interval" // it ran more often than the shortest interval of a plan
)

// Cadence is how often cron ran something, as a plan can say it.
type Cadence struct {
	Every    time.Duration // distance of the runs, 0 when they are at Times
	Times    []int         // minutes of the day
	Workdays bool
	Why      []string // what is not kept exactly
}

// Job is one line of a crontab that runs something.
type Job struct {
	Line    int // in the file, from 1
	Cron    string
	User    string
	Command string
	Env     map[string]string // assignments above it
	Cadence *Cadence          // nil when no plan can say it; see Why
	Why     string
}

// BadLine is a line that is no job, no assignment and no comment.
type BadLine struct {
	Line int
	Text string
	Why  string
}

const maxLines = 10_000

// ParseCrontab reads a crontab. In that of the system (/etc/crontab, /etc/cron.d) a line names its user.
func ParseCrontab(text string, system bool) (jobs []Job, bad []BadLine) {
	env := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		if i == maxLines {
			return jobs, append(bad, BadLine{Line: i + 1, Why: "too many lines"})
		}
		line = strings.TrimSpace(strings.TrimSuffix(line, "\r"))
		if line == "" || line[0] == '#' {
			continue
		}
		if name, value, ok := assignment(line); ok {
			env = maps.Clone(env)
			env[name] = value
			continue
		}
		j, err := parseJob(line, system)
		if err != nil {
			bad = append(bad, BadLine{Line: i + 1, Text: line, Why: err.Error()})
			continue
		}
		j.Line, j.Env = i+1, env
		jobs = append(jobs, j)
	}
	return jobs, bad
}

// assignment reads NAME = value.
func assignment(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" {
		return "", "", false
	}
	for i, c := range []byte(name) {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return "", "", false
		}
	}
	value = strings.TrimSpace(value)
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	return name, value, true
}

// next takes the first field of a line.
func next(s string) (field, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimLeft(s[i:], " \t")
	}
	return s, ""
}

func parseJob(line string, system bool) (Job, error) {
	var j Job
	rest := line
	if line[0] == '@' {
		j.Cron, rest = next(line)
	} else {
		var fields []string
		for range 5 {
			var f string
			if f, rest = next(rest); f == "" {
				return j, fmt.Errorf("five fields of time are wanted")
			}
			fields = append(fields, f)
		}
		j.Cron = strings.Join(fields, " ")
	}
	if system {
		j.User, rest = next(rest)
	}
	if j.Command = untilPercent(rest); j.Command == "" {
		return j, fmt.Errorf("no command")
	}
	var err error
	j.Cadence, j.Why, err = ParseCron(j.Cron)
	return j, err
}

// untilPercent cuts a command at the % that begins its standard input.
func untilPercent(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '%':
			b.WriteByte('%')
			i++
		case s[i] == '%':
			return strings.TrimSpace(b.String())
		default:
			b.WriteByte(s[i])
		}
	}
	return strings.TrimSpace(b.String())
}

var nicknames = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// shortest is the shortest interval that a plan may have, in minutes, rounded up.
const (
	day       = 24 * 60
	mostTimes = 24
)

// ParseCron turns five fields of time, or a nickname, into a cadence; why says why there is none.
func ParseCron(cron string) (c *Cadence, why string, err error) {
	if cron == "@reboot" {
		return nil, WhyReboot, nil
	}
	if strings.HasPrefix(cron, "@") {
		full, known := nicknames[cron]
		if !known {
			return nil, "", fmt.Errorf("%s is no time of cron", cron)
		}
		cron = full
	}
	fields := strings.Fields(cron)
	if len(fields) != 5 {
		return nil, "", fmt.Errorf("five fields of time are wanted, not %d", len(fields))
	}
	var sets [5][]int
	for i, f := range fields {
		if sets[i], err = set(f, bounds[i]); err != nil {
			return nil, "", err
		}
	}
	c = &Cadence{}
	if len(sets[2]) < 31 || len(sets[3]) < 12 {
		c.Why = append(c.Why, WhyMonthDays)
	}
	switch week := weekdays(sets[4]); {
	case len(week) == 7:
	case slices.Equal(week, []int{1, 2, 3, 4, 5}):
		c.Workdays = true
		c.Why = append(c.Why, WhyWorkdays)
	default:
		c.Why = append(c.Why, WhyWeekdays)
	}
	var times []int
	for _, h := range sets[1] {
		for _, m := range sets[0] {
			times = append(times, h*60+m)
		}
	}
	step, even := distance(times)
	switch {
	case even && len(times) > 1:
		c.Every = time.Duration(step) * time.Minute
	case len(times) <= mostTimes:
		c.Times = times
	default:
		c.Every = time.Duration(step) * time.Minute
		c.Why = append(c.Why, WhyUneven)
	}
	return c, "", nil
}

// distance is the smallest distance of times of the day in minutes, and whether all are that far apart,
// also over midnight.
func distance(times []int) (step int, even bool) {
	step, even = day, true
	for i, t := range times {
		after := day + times[0]
		if i+1 < len(times) {
			after = times[i+1]
		}
		if i > 0 && after-t != step {
			even = false
		}
		step = min(step, after-t)
	}
	return step, even
}

type bound struct {
	low, high int
	names     []string
}

var bounds = [5]bound{
	{0, 59, nil}, {0, 23, nil}, {1, 31, nil},
	{1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// set reads one field: lists, ranges, steps and names.
func set(field string, b bound) ([]int, error) {
	wrong := fmt.Errorf("%q is no field of time", field)
	in := map[int]bool{}
	for _, part := range strings.Split(strings.ToLower(field), ",") {
		spec, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil, wrong
			}
			step = n
		}
		low, high := b.low, b.high
		if spec != "*" {
			from, to, ranged := strings.Cut(spec, "-")
			var ok bool
			if low, ok = value(from, b); !ok {
				return nil, wrong
			}
			switch {
			case ranged:
				if high, ok = value(to, b); !ok || high < low {
					return nil, wrong
				}
			case !stepped:
				high = low
			}
		}
		for v := low; v <= high; v += step {
			in[v] = true
		}
	}
	return slices.Sorted(maps.Keys(in)), nil
}

func value(s string, b bound) (int, bool) {
	if i := slices.Index(b.names, s); i >= 0 {
		return i + b.low, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= b.low && n <= b.high
}

// weekdays are days of the week from Sunday = 0, which is also 7.
func weekdays(days []int) []int {
	in := map[int]bool{}
	for _, d := range days {
		in[d%7] = true
	}
	return slices.Sorted(maps.Keys(in))
}
