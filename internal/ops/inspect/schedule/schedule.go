// Package schedule says when a plan is due (巡检周期): at intervals or times of the day, on which days,
// and how much more often while a period wants more care (保障期).
//
// Everything here is a pure function of the schedule, the calendar and the moment. Slots of an interval
// lie on a grid; those on days that are left out are left out, and the grid goes on behind them. A
// period that makes the rhythm denser begins with a slot and a grid of its own; behind its end the
// ordinary interval goes on from its last slot. A day whose year has no list runs whatever the schedule
// says of workdays, and its slots say so.
package schedule

import (
	"slices"
	"time"

	"taxops/internal/kernel/calendar"
)

// Rhythms of slots.
const (
	ByInterval = "interval"
	ByTimes    = "times"
)

// Days on which slots lie.
const (
	EveryDay = "every"
	Workdays = "workdays"
)

// What a schedule makes of periods that want more care.
const (
	CareIgnored = "ignore"
	CareOnly    = "only"   // slots lie within periods only
	CareDenser  = "denser" // within periods, slots follow the dense interval, also on days that are not worked
)

// Why a slot is where it is.
const (
	WhyInterval        = "interval"
	WhyTime            = "time"
	WhyPeriod          = "period"           // the rhythm of a period
	WhyPeriodBegins    = "period_begins"    // the first one of it
	WhyCalendarMissing = "calendar_missing" // nobody knows whether the day is worked
)

// Schedule says when a plan is due. The zero values of Rhythm, Days and Care stand for an interval on
// every day, whatever the period.
type Schedule struct {
	Rhythm   string
	Interval time.Duration
	Times    []int // minutes of the day in Shanghai, in order
	Days     string
	Care     string
	Kinds    []calendar.PeriodKind // of the periods that count; none stands for all
	Dense    time.Duration         // within periods, for CareDenser
}

// Slot is one moment at which a plan is due.
type Slot struct {
	At     time.Time
	Why    string
	Day    calendar.Day
	Period string // name of the period it lies in
}

// horizon is how far a next slot is looked for.
const horizon = 800 * 24 * time.Hour

// plain reports a schedule that asks nothing of the calendar.
func (s *Schedule) plain() bool {
	return s.Days != Workdays && s.Care != CareOnly && s.Care != CareDenser
}

// NeedsCalendar reports a schedule that changes with the calendar.
func (s *Schedule) NeedsCalendar() bool { return !s.plain() }

// segment is a span of time in which the rules are the same.
type segment struct {
	open    bool          // slots lie here
	every   time.Duration // 0 when they lie at times of the day
	care    bool          // a period that counts
	unknown bool          // the day's year has no list, and it matters
	until   time.Time
	period  string
}

func (s *Schedule) interval(care bool) time.Duration {
	switch {
	case care && s.Care == CareDenser:
		return s.Dense
	case s.Rhythm == ByTimes:
		return 0
	}
	return s.Interval
}

// segment tells the rules at a moment and until when they hold.
func (s *Schedule) segment(c *calendar.Calendar, t time.Time) segment {
	if s.plain() {
		out := segment{open: true, every: s.interval(false), until: t.Add(horizon)}
		if out.every == 0 {
			out.until = (calendar.DateOf(t) + 1).Start()
		}
		return out
	}
	out := segment{until: c.NextChange(t), open: true}
	for _, p := range c.PeriodsAt(t) {
		if s.Care != CareIgnored && s.Care != "" && (len(s.Kinds) == 0 || slices.Contains(s.Kinds, p.Kind)) {
			out.care = true
			if out.period == "" {
				out.period = p.Name
			}
		}
	}
	out.every = s.interval(out.care)
	day := c.Day(calendar.DateOf(t))
	out.unknown = day.Kind == calendar.Unpublished
	if out.unknown {
		return out
	}
	if s.Days == Workdays && !day.Works() && (s.Care != CareDenser || !out.care) {
		out.open = false
	}
	if s.Care == CareOnly && !out.care {
		out.open = false
	}
	return out
}

// firstTime is the first time of the day at or after a moment, within that day.
func (s *Schedule) firstTime(t time.Time) (time.Time, bool) {
	d := calendar.DateOf(t)
	for _, m := range s.Times {
		if at := d.At(m); !at.Before(t) {
			return at, true
		}
	}
	return time.Time{}, false
}

func (s *Schedule) slot(c *calendar.Calendar, at time.Time, g segment, begins bool) Slot {
	out := Slot{At: at, Day: c.Day(calendar.DateOf(at)), Period: g.period, Why: WhyInterval}
	switch {
	case g.unknown:
		out.Why = WhyCalendarMissing
	case begins:
		out.Why = WhyPeriodBegins
	case g.care:
		out.Why = WhyPeriod
	case g.every == 0:
		out.Why = WhyTime
	}
	return out
}

// First is the first slot at or after a moment, for a plan that begins; false when there is none within
// two years.
func (s *Schedule) First(c *calendar.Calendar, now time.Time) (Slot, bool) {
	end := now.Add(horizon)
	for t := now; t.Before(end); {
		g := s.segment(c, t)
		if g.open {
			if g.every > 0 {
				return s.slot(c, t, g, false), true
			}
			if at, ok := s.firstTime(t); ok && at.Before(g.until) {
				return s.slot(c, at, g, false), true
			}
		}
		t = g.until
	}
	return Slot{}, false
}

// Next is the slot after one; false when there is none within two years.
func (s *Schedule) Next(c *calendar.Calendar, last time.Time) (Slot, bool) {
	end := last.Add(horizon)
	cur := s.segment(c, last)
	var at time.Time
	have := false
	if cur.every > 0 {
		at, have = last.Add(cur.every), true
	} else {
		at, have = s.firstTime(last.Add(1))
	}
	for {
		if cur.open && have && at.Before(cur.until) {
			return s.slot(c, at, cur, false), true
		}
		b := cur.until
		if !b.Before(end) {
			if s.plain() && have && cur.every > 0 { // an interval beyond the horizon
				return s.slot(c, at, cur, false), true
			}
			return Slot{}, false
		}
		next := s.segment(c, b)
		if next.open && next.care && !cur.care && next.every > 0 {
			return s.slot(c, b, next, true), true
		}
		switch {
		case next.every == 0:
			at, have = s.firstTime(b)
		case !have:
			at, have = b, true
		case at.Before(b):
			behind := b.Sub(at)
			at = at.Add((behind + next.every - 1) / next.every * next.every)
		}
		cur = next
	}
}

// Owed is what is due at a moment, when the next slot was due before or at it.
type Owed struct {
	Slot   time.Time // the latest that is due
	Missed int64     // those before it that did not run
	Next   Slot
	Never  bool // there is no next one
}

// Owed counts the slots from one that is due up to now.
func (s *Schedule) Owed(c *calendar.Calendar, due, now time.Time) Owed {
	out := Owed{Slot: due}
	for {
		g := s.segment(c, out.Slot)
		if g.open && g.every > 0 {
			limit := now
			if g.until.Add(-1).Before(limit) {
				limit = g.until.Add(-1)
			}
			if n := int64(limit.Sub(out.Slot) / g.every); n > 0 {
				out.Slot = out.Slot.Add(time.Duration(n) * g.every)
				out.Missed += n
			}
		}
		next, ok := s.Next(c, out.Slot)
		if !ok || next.At.After(now) {
			out.Next, out.Never = next, !ok
			return out
		}
		out.Slot = next.At
		out.Missed++
	}
}

// Tell describes a slot at a given moment.
func (s *Schedule) Tell(c *calendar.Calendar, at time.Time) Slot {
	return s.slot(c, at, s.segment(c, at), false)
}

// Upcoming lists the next slots from a given one on.
func (s *Schedule) Upcoming(c *calendar.Calendar, first time.Time, n int) []Slot {
	var out []Slot
	slot, ok := s.Tell(c, first), true
	for ; ok && len(out) < n; slot, ok = s.Next(c, slot.At) {
		out = append(out, slot)
	}
	return out
}

// Missing lists the years of the days ahead whose workdays nobody knows and that matter.
func (s *Schedule) Missing(c *calendar.Calendar, now time.Time) []int {
	if s.Days != Workdays && s.Care != CareOnly {
		return nil
	}
	return c.Missing(now)
}
