package calendar

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// nationwide is the calendar of the State Council's lists alone.
func nationwide(t testing.TB) *Calendar {
	t.Helper()
	var lists []List
	for _, l := range ShippedLists() {
		if l.Layer == National {
			lists = append(lists, l)
		}
	}
	hours, err := ParseHours(DefaultHours)
	if err != nil {
		t.Fatal(err)
	}
	return New(1, lists, nil, hours)
}

func day(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestNationalVectors holds the lists to figures that were counted by hand from the notices.
func TestNationalVectors(t *testing.T) {
	c := nationwide(t)
	from, to := day(t, "2022-09-24"), day(t, "2024-06-30")
	if n := to - from + 1; n != 646 {
		t.Errorf("%d days", n)
	}
	if n, err := c.Workdays(from, to); err != nil || n != 439 {
		t.Errorf("%d workdays, %v", n, err)
	}
	plain, misjudged, makeups := 0, 0, 0
	for d := from; d <= to; d++ {
		if !d.Weekend() {
			plain++
		}
		day := c.Day(d)
		if day.Works() == d.Weekend() {
			misjudged++
		}
		if day.Kind == Makeup {
			makeups++
		}
	}
	if plain != 460 || misjudged != 49 || makeups != 14 {
		t.Errorf("Monday to Friday %d, misjudged %d, made up %d", plain, misjudged, makeups)
	}
	if d, err := c.AddWorkdays(day(t, "2022-09-01"), 30); err != nil || d.String() != "2022-10-19" {
		t.Errorf("30 workdays later: %s, %v", d, err)
	}
	eve := c.Day(day(t, "2022-12-31"))
	if l, _ := c.List(National, 2023); eve.Kind != Off || eve.ListID != l.ID {
		t.Errorf("2022-12-31: %+v", eve)
	}
}

func TestAYearWithoutListIsNeverGuessed(t *testing.T) {
	c := nationwide(t)
	var missing *UnpublishedError
	if _, err := c.Works(day(t, "2027-01-04")); !errors.As(err, &missing) || missing.Year != 2027 {
		t.Errorf("a Monday of 2027: %v", err)
	}
	if _, err := c.Workdays(day(t, "2026-12-01"), day(t, "2027-01-31")); !errors.As(err, &missing) {
		t.Errorf("over the end of 2026: %v", err)
	}
	if _, err := c.AddWorkdays(day(t, "2026-12-30"), 5); !errors.As(err, &missing) {
		t.Errorf("past the end of 2026: %v", err)
	}
	if _, err := c.WorkingTime(at(t, "2026-12-31 17:00"), at(t, "2027-01-04 10:00")); !errors.As(err, &missing) {
		t.Errorf("working time: %v", err)
	}
	if k := c.Day(day(t, "2027-03-01")).Kind; k != Unpublished {
		t.Errorf("kind %s", k)
	}
	for when, want := range map[string][]int{"2026-11-24 08:00": nil, "2026-12-15 00:00": {2027}, "2027-01-01 00:00": {2027}, "2028-12-31 12:00": {2028, 2029}} {
		got := c.Missing(at(t, when))
		if len(got) != len(want) || len(got) > 0 && got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s: missing %v, want %v", when, got, want)
		}
	}
	if y, awaited := c.Awaited(at(t, "2026-11-24 08:00")); !awaited || y != 2027 {
		t.Errorf("awaited %d %v", y, awaited)
	}
	if !c.Day(day(t, "2026-12-30")).Provisional || c.Day(day(t, "2026-12-24")).Provisional || c.Day(day(t, "2025-12-30")).Provisional {
		t.Error("the end of a year stays open until the next list is here, and only it")
	}
	guessed := New(1, append(c.Lists(), List{ID: "x", Layer: National, Year: 2027, Provisional: true}), nil, c.Hours)
	if guessed.Published(2027) || !guessed.Day(day(t, "2027-03-01")).Provisional || guessed.Missing(at(t, "2027-05-01 08:00"))[0] != 2027 {
		t.Error("a provisional list is not a published one")
	}
}

func TestGuangxiLiesOverTheNation(t *testing.T) {
	c := Shipped()
	for date, want := range map[string]Kind{
		"2024-04-11": Off, "2024-04-12": Off, "2024-04-10": Workday,
		"2017-04-01": Off, "2017-04-08": Makeup, // worked by the national list, moved by Guangxi
		"2023-04-21": Off, "2023-04-23": Off,
		"2022-04-02": Off, "2022-04-06": Off,
		"2025-03-31": Off, "2025-04-01": Off, "2026-04-19": Off, "2026-04-20": Off,
	} {
		if got := c.Day(day(t, date)); got.Kind != want {
			t.Errorf("%s is %s", date, got.Kind)
		}
	}
	if !c.Day(day(t, "2026-04-20")).Provisional || c.Day(day(t, "2024-04-11")).Provisional {
		t.Error("by rule is provisional, by notice is not")
	}
	n, err := c.Workdays(day(t, "2022-09-24"), day(t, "2024-06-30"))
	if err != nil || n != 439-4 {
		t.Errorf("%d workdays in Guangxi, %v", n, err)
	}
}

// TestFilingPeriods holds the rule to what the tax service published.
func TestFilingPeriods(t *testing.T) {
	c := nationwide(t)
	want := map[int][12]int{
		2025: filingNotices[2025].ends, 2026: filingNotices[2026].ends,
	}
	for year, ends := range want {
		for i, end := range ends {
			if got := c.FilingEnd(year, time.Month(i+1)); got != NewDate(year, time.Month(i+1), end) {
				t.Errorf("%d-%02d ends %s, published %d", year, i+1, got, end)
			}
		}
	}
	for month, end := range map[string]string{
		"2024-02-01": "2024-02-23", "2024-05-01": "2024-05-22", "2024-06-01": "2024-06-19", "2024-09-01": "2024-09-18", "2024-10-01": "2024-10-24",
		"2023-01-01": "2023-01-16", "2023-10-01": "2023-10-23",
	} {
		d := day(t, month)
		if got := c.FilingEnd(d.Year(), d.Month()); got.String() != end {
			t.Errorf("%s ends %s, want %s", month, got, end)
		}
	}
	shipped := Shipped()
	kinds := func(when string) (out []PeriodKind, provisional bool) {
		for _, p := range shipped.PeriodsAt(at(t, when)) {
			out, provisional = append(out, p.Kind), provisional || p.Provisional
		}
		return out, provisional
	}
	if k, prov := kinds("2026-11-16 23:59"); len(k) != 1 || k[0] != Filing || prov {
		t.Errorf("last minute of November's filing: %v %v", k, prov)
	}
	if k, _ := kinds("2026-11-17 00:00"); len(k) != 0 {
		t.Errorf("after it: %v", k)
	}
	if k, _ := kinds("2026-10-03 12:00"); len(k) != 2 || k[0] != Holiday && k[1] != Holiday {
		t.Errorf("National Day in the quarterly filing: %v", k)
	}
	if k, prov := kinds("2027-03-05 12:00"); len(k) != 1 || !prov {
		t.Errorf("a year not published: %v %v", k, prov)
	}
}

func TestNextChange(t *testing.T) {
	event := Period{ID: "e", Kind: Event, From: at(t, "2026-11-24 08:30"), To: at(t, "2026-11-24 18:00")}
	c := New(1, ShippedLists(), []Period{event}, nil)
	for now, want := range map[string]string{
		"2026-11-24 00:00": "2026-11-24 08:30", "2026-11-24 08:30": "2026-11-24 18:00", "2026-11-24 18:00": "2026-11-25 00:00",
		"2026-11-23 23:59": "2026-11-24 00:00",
	} {
		if got := c.NextChange(at(t, now)); !got.Equal(at(t, want)) {
			t.Errorf("after %s: %s", now, got)
		}
	}
}

func TestHours(t *testing.T) {
	for text, ok := range map[string]bool{
		"09:00-12:00,13:00-18:00": true, "00:00-24:00": true, " 08:30-12:00 , 14:30-18:00": true,
		"": false, "9:00-12:00": false, "12:00-09:00": false, "09:00-13:00,12:00-18:00": false, "09:00-24:01": false, "09:60-10:00": false, "0x:00-10:00": false,
	} {
		if _, err := ParseHours(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	c := nationwide(t)
	for _, x := range []struct {
		from, to string
		minutes  int64
	}{
		{"2024-02-04 08:00", "2024-02-04 20:00", 8 * 60},  // a Sunday that is worked
		{"2024-02-09 17:00", "2024-02-18 10:00", 60 + 60}, // over the spring festival
		{"2024-05-06 11:30", "2024-05-06 13:30", 60},      // over noon
		{"2024-05-06 13:30", "2024-05-06 11:30", 0},
		{"2024-05-04 00:00", "2024-05-06 00:00", 0},
	} {
		if n, err := c.WorkingMinutes(at(t, x.from), at(t, x.to)); err != nil || n != x.minutes {
			t.Errorf("%s to %s: %d minutes, %v", x.from, x.to, n, err)
		}
	}
}

// TestWorkingMinutesAgreeWithAnOracle counts minute by minute.
func TestWorkingMinutesAgreeWithAnOracle(t *testing.T) {
	base := nationwide(t)
	rapid.Check(t, func(t *rapid.T) {
		cuts := rapid.SliceOfNDistinct(rapid.IntRange(0, 24*60), 2, 6, rapid.ID[int]).Draw(t, "cuts")
		var hours Hours
		sortInts(cuts)
		for i := 0; i+1 < len(cuts); i += 2 {
			hours = append(hours, Span{cuts[i], cuts[i+1]})
		}
		c := New(1, base.Lists(), nil, hours)
		from := NewDate(2023, 9, 20).Start().Add(time.Duration(rapid.IntRange(0, 200*24*60).Draw(t, "from")) * time.Minute)
		to := from.Add(time.Duration(rapid.IntRange(-60, 9*24*60).Draw(t, "minutes")) * time.Minute)
		var want int64
		for m := from; m.Before(to); m = m.Add(time.Minute) {
			d := DateOf(m)
			works, err := c.Works(d)
			if err != nil {
				t.Fatal(err)
			}
			minute := int(m.Sub(d.Start()) / time.Minute)
			for _, s := range hours {
				if works && minute >= s.From && minute < s.To {
					want++
				}
			}
		}
		if got, err := c.WorkingMinutes(from, to); err != nil || got != want {
			t.Fatalf("%s to %s with %s: %d, counted %d, %v", from, to, hours, got, want, err)
		}
	})
}

func sortInts(v []int) {
	for i := range v {
		for j := i; j > 0 && v[j] < v[j-1]; j-- {
			v[j], v[j-1] = v[j-1], v[j]
		}
	}
}

func TestDates(t *testing.T) {
	if d := DateOf(time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)); d.String() != "2026-11-24" {
		t.Errorf("midnight in Shanghai is on %s", d)
	}
	if d := DateOf(time.Date(2026, 11, 23, 15, 59, 59, 0, time.UTC)); d.String() != "2026-11-23" {
		t.Errorf("a second before it is on %s", d)
	}
	if d := day(t, "2026-11-24"); d.Start().UTC().Format(time.RFC3339) != "2026-11-23T16:00:00Z" || d.Weekday() != time.Tuesday || d.At(90).In(shanghai).Format("15:04") != "01:30" {
		t.Errorf("%s begins %s", d, d.Start())
	}
}
