package calendar

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Kind says what a day is.
type Kind string

// Kinds of days. Only the first three stand in lists.
const (
	Workday     Kind = "workday"     // 工作日
	Off         Kind = "off"         // 休息日或放假
	Makeup      Kind = "makeup"      // 调休补班: a weekend day that is worked
	Unpublished Kind = "unpublished" // 放假安排未公布: nobody knows yet
)

// Layer says whose list it is; the later one of Layers wins.
type Layer string

// Layers of lists.
const (
	National Layer = "national" // 国务院办公厅
	Region   Layer = "region"   // 广西壮族自治区人民政府
)

// Layers lists the layers in the order in which they are laid over each other.
func Layers() []Layer { return []Layer{National, Region} }

// ListDay is one day that a list names.
type ListDay struct {
	Date Date
	Kind Kind
	Name string
}

// List is what one authority published for one year. It may name days at the end of the year before:
// 2022-12-31 is off by the list of 2023.
type List struct {
	ID          string
	Layer       Layer
	Year        int
	Source      string // the document
	Version     string // of the data: its date, or the program's source
	Provisional bool   // made by a rule, or from an announcement that is not the final text
	Days        []ListDay
}

// Day is what is known of one day.
type Day struct {
	Date        Date
	Kind        Kind
	Name        string // of the holiday
	Layer       Layer  // whose list says so; empty when the weekday does
	ListID      string
	Provisional bool // a later notice may still change it
}

// Works reports a day that is worked.
func (d Day) Works() bool { return d.Kind == Workday || d.Kind == Makeup }

// UnpublishedError says that days were asked for whose year has no list.
type UnpublishedError struct{ Year int }

// Error implements error.
func (e *UnpublishedError) Error() string {
	return fmt.Sprintf("the holidays of %d are not published or not imported", e.Year)
}

// Calendar answers what each day is. It never changes; one with other lists has another Revision.
type Calendar struct {
	Revision int64
	Hours    Hours

	lists   map[Layer]map[int]*List
	days    map[Date]Day
	periods []Period // in order of their beginning, the computed ones included
	longest time.Duration
	own     []Period // those that were given
}

// computedYears is how far beyond the last list filing periods are computed.
const computedYears = 10

// New lays lists over each other; of two for the same layer and year the later wins.
func New(revision int64, lists []List, periods []Period, hours Hours) *Calendar {
	c := &Calendar{Revision: revision, Hours: hours, lists: map[Layer]map[int]*List{}, days: map[Date]Day{}, own: periods}
	for i := range lists {
		l := &lists[i]
		if c.lists[l.Layer] == nil {
			c.lists[l.Layer] = map[int]*List{}
		}
		c.lists[l.Layer][l.Year] = l
	}
	for _, layer := range Layers() {
		for _, year := range slices.Sorted(maps.Keys(c.lists[layer])) {
			l := c.lists[layer][year]
			for _, d := range l.Days {
				c.days[d.Date] = Day{Date: d.Date, Kind: d.Kind, Name: d.Name, Layer: layer, ListID: l.ID, Provisional: l.Provisional}
			}
		}
	}
	c.layPeriods()
	return c
}

// Lists returns the lists that hold, by layer and year.
func (c *Calendar) Lists() []List {
	var out []List
	for _, layer := range Layers() {
		for _, year := range slices.Sorted(maps.Keys(c.lists[layer])) {
			out = append(out, *c.lists[layer][year])
		}
	}
	return out
}

// List returns the list of a year that holds.
func (c *Calendar) List(layer Layer, year int) (List, bool) {
	l, ok := c.lists[layer][year]
	if !ok {
		return List{}, false
	}
	return *l, true
}

// known reports a year whose days can be told, be it provisionally.
func (c *Calendar) known(year int) bool { return c.base(year) != nil }

// base is the list that makes a year known: the lowest layer that is there at all.
func (c *Calendar) base(year int) *List {
	for _, layer := range Layers() {
		if len(c.lists[layer]) > 0 {
			return c.lists[layer][year]
		}
	}
	return nil
}

// Published reports a year whose final national list is here.
func (c *Calendar) Published(year int) bool {
	l := c.base(year)
	return l != nil && !l.Provisional
}

// openDay is the first day of December that the list of the next year has changed before.
const openDay = 25

// Day tells what a day is.
func (c *Calendar) Day(d Date) Day {
	year := d.Year()
	day, named := c.days[d]
	switch {
	case named:
	case !c.known(year):
		day = Day{Date: d, Kind: Unpublished}
	case d.Weekend():
		day = Day{Date: d, Kind: Off}
	default:
		day = Day{Date: d, Kind: Workday}
	}
	if !c.Published(year) || d.Month() == time.December && d.Day() >= openDay && !c.Published(year+1) {
		day.Provisional = true
	}
	return day
}

// Works reports whether a day is worked; the error is an UnpublishedError.
func (c *Calendar) Works(d Date) (bool, error) {
	day := c.Day(d)
	if day.Kind == Unpublished {
		return false, &UnpublishedError{Year: d.Year()}
	}
	return day.Works(), nil
}

// Workdays counts the workdays from one day to another, both included.
func (c *Calendar) Workdays(from, to Date) (int, error) {
	n := 0
	for d := from; d <= to; d++ {
		works, err := c.Works(d)
		if err != nil {
			return 0, err
		}
		if works {
			n++
		}
	}
	return n, nil
}

// AddWorkdays returns the n-th workday after a day, which is not counted itself.
func (c *Calendar) AddWorkdays(d Date, n int) (Date, error) {
	for n > 0 {
		d++
		works, err := c.Works(d)
		if err != nil {
			return 0, err
		}
		if works {
			n--
		}
	}
	return d, nil
}

// noticeDue is the month and day by which the list of the next year is usually out: the lists of 2016
// to 2026 came between 25 October and 12 December.
var noticeDue = [2]int{12, 15}

// Missing tells which years are needed and not published: the current one at any time, the next one
// from the day on when it should have been out.
func (c *Calendar) Missing(now time.Time) (years []int) {
	today := DateOf(now)
	if y := today.Year(); !c.Published(y) {
		years = append(years, y)
	}
	if y := today.Year() + 1; today >= NewDate(y-1, time.Month(noticeDue[0]), noticeDue[1]) && !c.Published(y) {
		years = append(years, y)
	}
	return years
}

// Awaited tells the next year when it is not published and its list may come out any day.
func (c *Calendar) Awaited(now time.Time) (year int, awaited bool) {
	today := DateOf(now)
	year = today.Year() + 1
	return year, today >= NewDate(today.Year(), time.November, 1) && !c.Published(year)
}
