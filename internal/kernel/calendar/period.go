package calendar

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// PeriodKind says why a time wants more care.
type PeriodKind string

// Kinds of periods.
const (
	Filing      PeriodKind = "filing"       // 征期: monthly filing and payment of taxes
	FilingMajor PeriodKind = "filing_major" // 大征期: that of the quarterly taxes as well
	Settlement  PeriodKind = "settlement"   // 汇算清缴
	Holiday     PeriodKind = "holiday"      // 节假日: three days off in a row, or more
	Event       PeriodKind = "event"        // 重大活动
)

// PeriodKinds lists the kinds.
func PeriodKinds() []PeriodKind {
	return []PeriodKind{Filing, FilingMajor, Settlement, Holiday, Event}
}

// Title is what people call the kind.
func (k PeriodKind) Title() (zh, en string) {
	switch k {
	case Filing:
		return "征期", "Filing period"
	case FilingMajor:
		return "大征期", "Quarterly filing period"
	case Settlement:
		return "汇算清缴", "Annual settlement"
	case Holiday:
		return "节假日", "Holiday"
	case Event:
		return "重大活动", "Event"
	}
	return string(k), string(k)
}

// Period is a time that wants more care (保障期), its end not included.
type Period struct {
	ID          string // empty when it was computed
	Kind        PeriodKind
	Name        string
	From, To    time.Time
	Provisional bool // computed by the rule; the notice may say otherwise
	Source      string
	Version     string
}

// Holds reports whether a moment lies in the period.
func (p Period) Holds(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// FilingRule is what computed filing periods name as their source.
const FilingRule = "税收征收管理法实施细则第一百零九条（按规则推算）"

// longHoliday is how many days off in a row put the end of a filing period off.
const longHoliday = 3

// filingDays is the length of a filing period without holidays.
const filingDays = 15

// off reports a day on which no tax office is open, by the weekday where nothing is published.
func (c *Calendar) off(d Date) bool {
	day := c.Day(d)
	if day.Kind == Unpublished {
		return d.Weekend()
	}
	return !day.Works()
}

// FilingEnd is the last day of the filing period of a month by the rule: the 15th; put off by as many
// workdays as there are days of holidays of three and more days within the first fifteen; and in any
// case to the next workday.
func (c *Calendar) FilingEnd(year int, month time.Month) Date {
	first := NewDate(year, month, 1)
	end := first + filingDays - 1
	extra := 0
	for run := first; run <= end; run++ {
		n := Date(0)
		for run+n <= end && c.holiday(run+n) {
			n++
		}
		if n >= longHoliday {
			extra += int(n)
		}
		run += n
	}
	for ; extra > 0; extra-- {
		for end++; c.off(end); end++ {
		}
	}
	for c.off(end) {
		end++
	}
	return end
}

// holiday reports a day that a list gives off, which an ordinary weekend is not.
func (c *Calendar) holiday(d Date) bool {
	day := c.Day(d)
	return day.Kind == Off && day.Layer != ""
}

// filing computes the filing period of a month.
func (c *Calendar) filing(year int, month time.Month) Period {
	kind := Filing
	if (month-1)%3 == 0 {
		kind = FilingMajor
	}
	zh, _ := kind.Title()
	return Period{
		Kind: kind, Name: NewDate(year, month, 1).utc().Format("1月") + zh, Provisional: true, Source: FilingRule, Version: "1",
		From: NewDate(year, month, 1).Start(), To: (c.FilingEnd(year, month) + 1).Start(),
	}
}

// holidays computes the long holidays of a year from its lists.
func (c *Calendar) holidays(year int) []Period {
	var out []Period
	last := NewDate(year, time.December, 31)
	for d := NewDate(year, time.January, 1); d <= last; d++ {
		if !c.holiday(d) || c.holiday(d-1) {
			continue // a run is told in the year in which it begins
		}
		end, name := d, c.Day(d).Name
		for c.holiday(end + 1) {
			end++
		}
		if end-d+1 < longHoliday {
			continue
		}
		day := c.Day(d)
		p := Period{Kind: Holiday, Name: name, From: d.Start(), To: (end + 1).Start(), Provisional: day.Provisional}
		for _, l := range c.lists[day.Layer] {
			if l.ID == day.ListID {
				p.Source, p.Version = l.Source, l.Version
			}
		}
		out = append(out, p)
	}
	return out
}

// layPeriods joins the periods that were given with the computed ones. A filing period that was given
// takes the place of the computed one of its month.
func (c *Calendar) layPeriods() {
	type month struct {
		year  int
		month time.Month
	}
	given := map[month]bool{}
	for _, p := range c.own {
		if p.Kind == Filing || p.Kind == FilingMajor {
			d := DateOf(p.From)
			given[month{d.Year(), d.Month()}] = true
		}
	}
	c.periods = slices.Clone(c.own)
	first, last := 0, 0
	for y := range c.lists[National] {
		if first == 0 || y < first {
			first = y
		}
		last = max(last, y)
	}
	if first > 0 {
		national := c
		if len(c.lists) > 1 {
			national = &Calendar{lists: map[Layer]map[int]*List{National: c.lists[National]}, days: map[Date]Day{}}
			for _, l := range c.lists[National] {
				for _, d := range l.Days {
					national.days[d.Date] = Day{Date: d.Date, Kind: d.Kind, Name: d.Name, Layer: National}
				}
			}
		}
		for y := first; y <= last+computedYears; y++ {
			for m := time.January; m <= time.December; m++ {
				if !given[month{y, m}] {
					c.periods = append(c.periods, national.filing(y, m))
				}
			}
			c.periods = append(c.periods, c.holidays(y)...)
		}
	}
	slices.SortStableFunc(c.periods, func(a, b Period) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range c.periods {
		c.longest = max(c.longest, p.To.Sub(p.From))
	}
}

// Periods returns the periods that touch a span of time, in order of their beginning.
func (c *Calendar) Periods(from, to time.Time) []Period {
	var out []Period
	earliest := from.Add(-c.longest)
	i := sort.Search(len(c.periods), func(i int) bool { return !c.periods[i].From.Before(earliest) })
	for ; i < len(c.periods) && c.periods[i].From.Before(to); i++ {
		if c.periods[i].To.After(from) {
			out = append(out, c.periods[i])
		}
	}
	return out
}

// PeriodsAt returns the periods in which a moment lies.
func (c *Calendar) PeriodsAt(t time.Time) []Period { return c.Periods(t, t.Add(1)) }

// NextChange is the next moment after t at which a day or a period begins or ends: until then
// everything is as it is at t.
func (c *Calendar) NextChange(t time.Time) time.Time {
	next := (DateOf(t) + 1).Start()
	for _, p := range c.Periods(t, next) {
		if p.From.After(t) {
			next = earlier(next, p.From)
		}
		if p.To.After(t) {
			next = earlier(next, p.To)
		}
	}
	return next
}
