package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/ops/inspect/schedule"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, clock.Shanghai())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func show(t time.Time) string { return t.In(clock.Shanghai()).Format("2006-01-02 15:04") }

// withEvent is the shipped calendar with one event that begins and ends within a day.
func withEvent(t testing.TB) *calendar.Calendar {
	return calendar.New(1, calendar.ShippedLists(), append(calendar.ShippedPeriods(), calendar.Period{
		ID: "expo", Kind: calendar.Event, Name: "东盟博览会", From: at(t, "2026-09-17 08:30"), To: at(t, "2026-09-21 18:05"),
	}), nil)
}

const (
	minute = time.Minute
	hour   = time.Hour
)

func TestNext(t *testing.T) {
	c := withEvent(t)
	hourly := schedule.Schedule{Rhythm: schedule.ByInterval, Interval: hour}
	worked := schedule.Schedule{Interval: hour, Days: schedule.Workdays}
	morning := schedule.Schedule{Rhythm: schedule.ByTimes, Times: []int{8*60 + 20, 14 * 60}, Days: schedule.Workdays}
	daily := schedule.Schedule{Rhythm: schedule.ByTimes, Times: []int{0, 23*60 + 59}}
	denser := schedule.Schedule{Interval: hour, Care: schedule.CareDenser, Dense: 10 * minute}
	filing := schedule.Schedule{Interval: hour, Care: schedule.CareDenser, Dense: 10 * minute, Kinds: []calendar.PeriodKind{calendar.Filing, calendar.FilingMajor}}
	event := schedule.Schedule{Interval: 30 * minute, Care: schedule.CareOnly, Kinds: []calendar.PeriodKind{calendar.Event}}
	workDense := schedule.Schedule{Interval: hour, Days: schedule.Workdays, Care: schedule.CareDenser, Dense: 10 * minute, Kinds: []calendar.PeriodKind{calendar.Event}}
	for name, x := range map[string]struct {
		s               schedule.Schedule
		last, next, why string
	}{
		"an hour later":                        {hourly, "2026-11-24 08:30", "2026-11-24 09:30", schedule.WhyInterval},
		"over midnight":                        {hourly, "2026-11-24 23:30", "2026-11-25 00:30", schedule.WhyInterval},
		"no summer time in Shanghai":           {hourly, "2026-03-29 01:30", "2026-03-29 02:30", schedule.WhyInterval},
		"worked: over the weekend":             {worked, "2026-11-20 23:30", "2026-11-23 00:30", schedule.WhyInterval},
		"worked: a make-up Saturday":           {worked, "2026-10-09 23:30", "2026-10-10 00:30", schedule.WhyInterval},
		"worked: over National Day":            {worked, "2026-09-30 23:30", "2026-10-08 00:30", schedule.WhyInterval},
		"worked: Guangxi's own holiday":        {worked, "2024-04-10 23:30", "2024-04-15 00:30", schedule.WhyInterval},
		"worked: a year nobody knows":          {worked, "2027-01-02 23:30", "2027-01-03 00:30", schedule.WhyCalendarMissing},
		"times: the afternoon":                 {morning, "2026-11-24 08:20", "2026-11-24 14:00", schedule.WhyTime},
		"times: Monday":                        {morning, "2026-11-20 14:00", "2026-11-23 08:20", schedule.WhyTime},
		"times: a make-up Sunday":              {morning, "2026-09-19 09:00", "2026-09-20 08:20", schedule.WhyTime},
		"times: midnight":                      {daily, "2026-11-24 23:59", "2026-11-25 00:00", schedule.WhyTime},
		"denser: the period begins mid-slot":   {denser, "2026-09-17 08:00", "2026-09-17 08:30", schedule.WhyPeriodBegins},
		"denser: within":                       {denser, "2026-09-17 08:30", "2026-09-17 08:40", schedule.WhyPeriod},
		"denser: over midnight":                {denser, "2026-09-17 23:55", "2026-09-18 00:05", schedule.WhyPeriod},
		"denser: the period ends mid-slot":     {denser, "2026-09-21 18:00", "2026-09-21 18:10", schedule.WhyInterval},
		"denser: from period to period":        {denser, "2026-02-14 23:50", "2026-02-15 00:00", schedule.WhyPeriod},
		"filing: by notice until the 16th":     {filing, "2026-11-16 23:50", "2026-11-17 00:00", schedule.WhyInterval},
		"filing: from the first":               {filing, "2026-11-30 23:30", "2026-12-01 00:00", schedule.WhyPeriodBegins},
		"filing: others do not count":          {filing, "2026-09-17 08:00", "2026-09-17 09:00", schedule.WhyInterval},
		"only: begins":                         {event, "2026-01-01 00:00", "2026-09-17 08:30", schedule.WhyPeriodBegins},
		"only: within":                         {event, "2026-09-21 17:30", "2026-09-21 18:00", schedule.WhyPeriod},
		"worked, denser also on a Saturday":    {workDense, "2026-09-18 23:55", "2026-09-19 00:05", schedule.WhyPeriod},
		"worked, denser: behind it the normal": {workDense, "2026-09-25 23:30", "2026-09-28 00:30", schedule.WhyInterval},
	} {
		got, ok := x.s.Next(c, at(t, x.last))
		if !ok || show(got.At) != x.next || got.Why != x.why {
			t.Errorf("%s: %s %s %v, want %s %s", name, show(got.At), got.Why, ok, x.next, x.why)
		}
	}
	if got, ok := event.Next(c, at(t, "2026-09-21 18:00")); ok && got.Why != schedule.WhyCalendarMissing {
		t.Errorf("after the only event: %+v", got)
	}
	if got, ok := event.Next(calendar.New(1, nil, nil, nil), at(t, "2026-09-21 18:00")); !ok || got.Why != schedule.WhyCalendarMissing {
		t.Errorf("without any list every day runs and says so: %+v", got)
	}
}

func TestFirst(t *testing.T) {
	c := withEvent(t)
	worked := schedule.Schedule{Interval: hour, Days: schedule.Workdays}
	morning := schedule.Schedule{Rhythm: schedule.ByTimes, Times: []int{8*60 + 20}, Days: schedule.Workdays}
	for name, x := range map[string]struct {
		s          schedule.Schedule
		now, first string
	}{
		"at once":         {worked, "2026-11-24 10:17", "2026-11-24 10:17"},
		"Monday":          {worked, "2026-11-21 10:17", "2026-11-23 00:00"},
		"this very time":  {morning, "2026-11-24 08:20", "2026-11-24 08:20"},
		"tomorrow":        {morning, "2026-11-24 08:21", "2026-11-25 08:20"},
		"over the spring": {morning, "2026-02-14 08:21", "2026-02-24 08:20"},
	} {
		if got, ok := x.s.First(c, at(t, x.now)); !ok || show(got.At) != x.first {
			t.Errorf("%s: %s %v, want %s", name, show(got.At), ok, x.first)
		}
	}
}

func TestOwed(t *testing.T) {
	c := withEvent(t)
	for name, x := range map[string]struct {
		s                    schedule.Schedule
		due, now, slot, next string
		missed               int64
	}{
		"on time":                {schedule.Schedule{Interval: 5 * minute}, "2026-11-24 10:00", "2026-11-24 10:00", "2026-11-24 10:00", "2026-11-24 10:05", 0},
		"two missed":             {schedule.Schedule{Interval: 5 * minute}, "2026-11-24 10:00", "2026-11-24 10:11", "2026-11-24 10:10", "2026-11-24 10:15", 2},
		"down over a weekend":    {schedule.Schedule{Interval: hour, Days: schedule.Workdays}, "2026-11-20 20:00", "2026-11-23 02:30", "2026-11-23 02:00", "2026-11-23 03:00", 6},
		"down over a whole year": {schedule.Schedule{Interval: 30 * time.Second}, "2025-01-01 00:00", "2026-01-01 00:00", "2026-01-01 00:00", "2026-01-01 00:00", 365 * 2880},
		"times":                  {schedule.Schedule{Rhythm: schedule.ByTimes, Times: []int{500, 840}, Days: schedule.Workdays}, "2026-11-20 08:20", "2026-11-24 09:00", "2026-11-24 08:20", "2026-11-24 14:00", 4},
		"a period meanwhile":     {schedule.Schedule{Interval: hour, Care: schedule.CareDenser, Dense: 10 * minute, Kinds: []calendar.PeriodKind{calendar.Event}}, "2026-09-17 08:00", "2026-09-17 09:05", "2026-09-17 09:00", "2026-09-17 09:10", 4},
	} {
		got := x.s.Owed(c, at(t, x.due), at(t, x.now))
		next := x.next
		if name == "down over a whole year" {
			next = show(at(t, x.now).Add(30 * time.Second))
		}
		if show(got.Slot) != x.slot || got.Missed != x.missed || show(got.Next.At) != next {
			t.Errorf("%s: %s, %d missed, next %s", name, show(got.Slot), got.Missed, show(got.Next.At))
		}
	}
}

// TestOwedAgreesWithNext walks slot by slot what Owed reckons at once.
func TestOwedAgreesWithNext(t *testing.T) {
	c := withEvent(t)
	rapid.Check(t, func(r *rapid.T) {
		s := schedule.Schedule{
			Rhythm:   rapid.SampledFrom([]string{schedule.ByInterval, schedule.ByTimes}).Draw(r, "rhythm"),
			Interval: time.Duration(rapid.IntRange(7, 3000).Draw(r, "interval")) * minute,
			Times:    []int{rapid.IntRange(0, 700).Draw(r, "morning"), rapid.IntRange(701, 1439).Draw(r, "evening")},
			Days:     rapid.SampledFrom([]string{schedule.EveryDay, schedule.Workdays}).Draw(r, "days"),
			Care:     rapid.SampledFrom([]string{schedule.CareIgnored, schedule.CareOnly, schedule.CareDenser}).Draw(r, "care"),
			Dense:    time.Duration(rapid.IntRange(5, 60).Draw(r, "dense")) * minute,
		}
		begin := at(t, "2026-09-10 00:00").Add(time.Duration(rapid.IntRange(0, 20*24*60).Draw(r, "begin")) * minute)
		first, ok := s.First(c, begin)
		if !ok {
			return
		}
		now := first.At.Add(time.Duration(rapid.IntRange(0, 15*24*60).Draw(r, "now")) * minute)
		got := s.Owed(c, first.At, now)
		slot, missed := first.At, int64(0)
		for {
			next, ok := s.Next(c, slot)
			if ok && !next.At.After(slot) {
				r.Fatalf("%s is followed by %s", show(slot), show(next.At))
			}
			if !ok || next.At.After(now) {
				if got.Never == ok || ok && !got.Next.At.Equal(next.At) {
					r.Fatalf("next %s, walked %s", show(got.Next.At), show(next.At))
				}
				break
			}
			slot, missed = next.At, missed+1
		}
		if !got.Slot.Equal(slot) || got.Missed != missed {
			r.Fatalf("%+v from %s to %s: %s with %d missed, walked %s with %d", s, show(first.At), show(now), show(got.Slot), got.Missed, show(slot), missed)
		}
	})
}

func TestUpcoming(t *testing.T) {
	c := withEvent(t)
	s := schedule.Schedule{Rhythm: schedule.ByTimes, Times: []int{500}, Days: schedule.Workdays}
	got := s.Upcoming(c, at(t, "2026-12-29 08:20"), 10)
	if len(got) != 10 || show(got[9].At) != "2027-01-07 08:20" || got[9].Why != schedule.WhyCalendarMissing || got[2].Why != schedule.WhyTime || !got[2].Day.Provisional {
		t.Errorf("%d slots, the last %+v", len(got), got[len(got)-1])
	}
	if m := s.Missing(c, at(t, "2026-12-29 08:20")); len(m) != 1 || m[0] != 2027 {
		t.Errorf("missing %v", m)
	}
}
