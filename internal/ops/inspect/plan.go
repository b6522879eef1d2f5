package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/schedule"
)

// Bounds of a plan's interval.
const (
	minInterval = 30 * time.Second
	maxInterval = 31 * 24 * time.Hour
)

// neverDue is the next slot of a plan that has none within two years.
var neverDue = time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)

// Plan says which checks run when.
type Plan struct {
	bun.BaseModel   `bun:"table:inspect_plan,alias:plan"`
	ID              string `bun:",pk"`
	Name            string
	IntervalSeconds int64
	Enabled         int
	NextDueAt       store.Time
	Classes         []string `bun:"type:json"`
	HostID          string
	AreaPath        string
	SystemID        string
	Origin          string     `bun:",nullzero"`
	LastRoundID     string     `bun:",nullzero"`
	Timing          Timing     `bun:"type:json"`
	Selector        Selector   `bun:"type:json"`
	LastSlotAt      store.Time // the slot that was taken last; unset after a change
	// CalendarRevision is that of the calendar by which next_due_at was reckoned.
	CalendarRevision int64
	EmptySince       store.Time // the first slot at which no check belonged to the plan
	EmptySlots       int64      // and how many there were since
	CreatedAt        store.Time
	UpdatedAt        store.Time
	Version          int64
}

// Timing says when a plan is due, beside its interval (巡检周期).
type Timing struct {
	Rhythm       string   `json:"rhythm" required:"false" enum:"interval,times" default:"interval" doc:"At intervals, or at times of the day"`
	Times        []string `json:"times" required:"false" nullable:"false" maxItems:"48" doc:"Times of the day in Shanghai, for times" example:"[\"08:20\"]"`
	Days         string   `json:"days" required:"false" enum:"every,workdays" default:"every"`
	Protection   string   `json:"protection" required:"false" enum:"ignore,only,denser" default:"ignore" doc:"What periods that want more care do: nothing, slots within them only, or a denser rhythm within them, also on days that are not worked"`
	Periods      []string `json:"periods" required:"false" nullable:"false" maxItems:"5" doc:"Kinds of periods that count; none for all: filing, filing_major, settlement, holiday, event"`
	DenseSeconds int64    `json:"dense_seconds" required:"false" doc:"Interval within periods, for denser; 30 seconds to the interval"`
}

// filled gives words to what was left out.
func (t Timing) filled() Timing {
	t.Rhythm, t.Days, t.Protection = cmp.Or(t.Rhythm, schedule.ByInterval), cmp.Or(t.Days, schedule.EveryDay), cmp.Or(t.Protection, schedule.CareIgnored)
	if t.Times == nil {
		t.Times = []string{}
	}
	if t.Periods == nil {
		t.Periods = []string{}
	}
	return t
}

func (t Timing) equal(o Timing) bool {
	t, o = t.filled(), o.filled()
	return t.Rhythm == o.Rhythm && t.Days == o.Days && t.Protection == o.Protection && t.DenseSeconds == o.DenseSeconds &&
		slices.Equal(t.Times, o.Times) && slices.Equal(t.Periods, o.Periods)
}

// text writes a timing for the journal.
func (t Timing) text(interval int64) string {
	t = t.filled()
	out := fmt.Sprintf("%ds", interval)
	if t.Rhythm == schedule.ByTimes {
		out = strings.Join(t.Times, " ")
	}
	out += "; " + t.Days + "; " + t.Protection
	if t.Protection == schedule.CareDenser {
		out += fmt.Sprintf(" %ds", t.DenseSeconds)
	}
	if len(t.Periods) > 0 {
		out += " " + strings.Join(t.Periods, " ")
	}
	return out
}

// Selector narrows the checks of a plan further than its classes, area and system.
type Selector struct {
	Kinds      []string          `json:"kinds" required:"false" nullable:"false" maxItems:"200" doc:"Kinds of checks that belong to it besides those of its classes"`
	AssetKinds []string          `json:"asset_kinds" required:"false" nullable:"false" maxItems:"10" doc:"Kinds of assets; none for all"`
	Labels     map[string]string `json:"labels" required:"false" doc:"Labels that the asset must have; an empty value stands for any"`
}

func (s Selector) filled() Selector {
	if s.Kinds == nil {
		s.Kinds = []string{}
	}
	if s.AssetKinds == nil {
		s.AssetKinds = []string{}
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	return s
}

func (s Selector) equal(o Selector) bool {
	return slices.Equal(s.Kinds, o.Kinds) && slices.Equal(s.AssetKinds, o.AssetKinds) && maps.Equal(s.Labels, o.Labels)
}

// text writes a selector for the journal.
func (s Selector) text(classes []string) string {
	parts := []string{strings.Join(append(slices.Clone(classes), s.Kinds...), " ")}
	if len(s.AssetKinds) > 0 {
		parts = append(parts, strings.Join(s.AssetKinds, " "))
	}
	for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
		parts = append(parts, k+"="+s.Labels[k])
	}
	return strings.Join(parts, "; ")
}

// takes reports whether the asset of a check is one of those that are meant.
func (s Selector) takes(c *Check) bool {
	if len(s.AssetKinds) > 0 && !slices.Contains(s.AssetKinds, c.AssetKind) {
		return false
	}
	for k, want := range s.Labels {
		if have, set := c.AssetLabels[k]; !set || want != "" && have != want {
			return false
		}
	}
	return true
}

func (p *Plan) interval() time.Duration { return time.Duration(p.IntervalSeconds) * time.Second }

// schedule is the rule by which the plan is due.
func (p *Plan) schedule() *schedule.Schedule {
	t := p.Timing
	out := &schedule.Schedule{
		Rhythm: t.Rhythm, Interval: p.interval(), Days: t.Days, Care: t.Protection, Dense: time.Duration(t.DenseSeconds) * time.Second,
	}
	for _, text := range t.Times {
		if m, err := calendar.ParseClock(text); err == nil { // checkPlan refuses others
			out.Times = append(out.Times, m)
		}
	}
	slices.Sort(out.Times)
	for _, k := range t.Periods {
		out.Kinds = append(out.Kinds, calendar.PeriodKind(k))
	}
	return out
}

// shortestDeadline is how long a round may take at least, however short the interval of its plan is.
const shortestDeadline = 5 * time.Minute

// timesDeadline is how long a round at a time of the day may take.
const timesDeadline = time.Hour

// deadline is how long a round of the plan may take: until the next slot at its densest.
func (p *Plan) deadline() time.Duration {
	d := p.interval()
	if p.Timing.Rhythm == schedule.ByTimes {
		d = timesDeadline
	}
	if p.Timing.Protection == schedule.CareDenser {
		d = min(d, time.Duration(p.Timing.DenseSeconds)*time.Second)
	}
	return max(d, shortestDeadline)
}

// covers reports whether a check belongs to the plan.
func (p *Plan) covers(c *Check) bool {
	return c.Enabled == 1 && c.Retired == 0 && c.Exemption != exempted && c.HostID == p.HostID &&
		(slices.Contains(p.Classes, c.Class) || slices.Contains(p.Selector.Kinds, c.Kind)) && p.Selector.takes(c) &&
		store.NewScope(store.ScopeGrant{AreaPath: p.AreaPath, SystemID: p.SystemID}).Covers(c.AreaPath, c.SystemID)
}

// States of a plan as people see them.
const (
	planOn    = "on"
	planOff   = "off"
	planEmpty = "empty" // 没有检查项: it is on, and no check belongs to it
	planNever = "never" // it is on, and has no slot within two years
)

func (p *Plan) state(checks int) string {
	switch {
	case p.Enabled == 0:
		return planOff
	case checks == 0:
		return planEmpty
	case !p.NextDueAt.Before(neverDue):
		return planNever
	}
	return planOn
}

// slots is what a plan owes at a moment.
type slots struct {
	due     bool      // a round is to run now
	slot    time.Time // the moment it was due
	why     string    // that it was due then
	next    time.Time // when the one after it is due
	missed  int64     // rounds that were due before it and did not run
	from    time.Time // the first of these; slot is the end
	moved   string    // why next is a new beginning: the clock was set back, or the calendar changed
	instead time.Time // what next was before it moved
}

// Why a plan got another next slot than it had.
const (
	movedClock    = "clock_back"
	movedCalendar = "calendar_changed"
)

// lastSlot is the slot that was taken last, as far as it is known.
func (p *Plan) lastSlot() time.Time {
	if p.LastSlotAt.IsZero() && p.Timing.Rhythm != schedule.ByTimes && !p.schedule().NeedsCalendar() {
		return p.NextDueAt.Add(-p.interval())
	}
	return p.LastSlotAt.Time
}

// at says what the plan owes at now: a pure function of the plan, the calendar and the moment.
func (p *Plan) at(c *calendar.Calendar, now time.Time) slots {
	d, s, last := p.NextDueAt.Time, p.schedule(), p.lastSlot()
	if !last.IsZero() && now.Before(last) {
		// A slot that was taken lies ahead: the clock was set back.
		return slots{moved: movedClock, instead: d, next: p.first(c, now)}
	}
	if d.After(now) {
		if s.NeedsCalendar() && p.CalendarRevision != c.Revision {
			if next := p.again(c, last, now); !next.Equal(d) {
				return slots{moved: movedCalendar, instead: d, next: next}
			}
		}
		return slots{next: d}
	}
	owed := s.Owed(c, d, now)
	out := slots{due: true, slot: owed.Slot, why: s.Tell(c, owed.Slot).Why, missed: owed.Missed, from: d, next: owed.Next.At}
	if owed.Never {
		out.next = neverDue
	}
	return out
}

// first is the first slot at or after a moment.
func (p *Plan) first(c *calendar.Calendar, now time.Time) time.Time {
	slot, ok := p.schedule().First(c, now)
	if !ok {
		return neverDue
	}
	return slot.At
}

// again is the first slot after now by another calendar, on the grid of the slot that was taken last.
func (p *Plan) again(c *calendar.Calendar, last, now time.Time) time.Time {
	if last.IsZero() {
		return p.first(c, now)
	}
	owed := p.schedule().Owed(c, last, now)
	if owed.Never {
		return neverDue
	}
	return owed.Next.At
}

// checkPlan refuses a plan that could not be carried out; kinds are those that this program knows.
func checkPlan(p *Plan, kinds map[string]probe.Builtin) error {
	var fields []problem.Field
	wrong := func(field, code, text string) {
		fields = append(fields, problem.Field{Location: "body." + field, Code: code, Message: text})
	}
	if n := len([]rune(p.Name)); n == 0 || n > 100 {
		wrong("name", "not_a_name", "1 to 100 characters")
	}
	if i := p.interval(); p.IntervalSeconds > int64(maxInterval/time.Second) || i < minInterval {
		wrong("interval_seconds", "out_of_range", "30 seconds to 31 days")
	}
	if len(p.Classes)+len(p.Selector.Kinds) == 0 {
		wrong("classes", "required", "at least one class or one kind of check")
	}
	for i, c := range p.Classes {
		if !slices.Contains(probe.Classes(), probe.Class(c)) || slices.Contains(p.Classes[:i], c) {
			wrong("classes", "unknown", "each of the six classes at most once")
			break
		}
	}
	for i, k := range p.Selector.Kinds {
		if _, known := kinds[k]; !known || slices.Contains(p.Selector.Kinds[:i], k) {
			wrong("selector.kinds", "unknown", "each known kind of check at most once")
			break
		}
	}
	for k, v := range p.Selector.Labels {
		if len(p.Selector.Labels) > 20 || k == "" || len(k) > 64 || len([]rune(v)) > 200 {
			wrong("selector.labels", "too_long", "at most 20 labels")
			break
		}
	}
	fields = append(fields, p.Timing.check(p.interval())...)
	return invalid(fields)
}

// check says what is wrong with a timing.
func (t Timing) check(interval time.Duration) (fields []problem.Field) {
	wrong := func(field, code, text string) {
		fields = append(fields, problem.Field{Location: "body.timing." + field, Code: code, Message: text})
	}
	if !slices.Contains([]string{"", schedule.ByInterval, schedule.ByTimes}, t.Rhythm) {
		wrong("rhythm", "unknown", "interval or times")
	}
	if t.Rhythm == schedule.ByTimes && len(t.Times) == 0 {
		wrong("times", "required", "at least one time of the day")
	}
	for i, text := range t.Times {
		if m, err := calendar.ParseClock(text); err != nil || m == 24*60 || slices.Contains(t.Times[:i], text) || len(t.Times) > 48 {
			wrong("times", "not_a_time", "times of the day such as 08:20, each once, at most 48")
			break
		}
	}
	if !slices.Contains([]string{"", schedule.EveryDay, schedule.Workdays}, t.Days) {
		wrong("days", "unknown", "every or workdays")
	}
	if !slices.Contains([]string{"", schedule.CareIgnored, schedule.CareOnly, schedule.CareDenser}, t.Protection) {
		wrong("protection", "unknown", "ignore, only or denser")
	}
	for _, k := range t.Periods {
		if !slices.Contains(calendar.PeriodKinds(), calendar.PeriodKind(k)) {
			wrong("periods", "unknown", "kinds of periods")
			break
		}
	}
	if dense := time.Duration(t.DenseSeconds) * time.Second; t.Protection == schedule.CareDenser &&
		(t.DenseSeconds > int64(maxInterval/time.Second) || dense < minInterval || t.Rhythm != schedule.ByTimes && dense > interval) {
		wrong("dense_seconds", "out_of_range", "30 seconds to the ordinary interval")
	}
	return fields
}

// Gap is a number of rounds that were due and did not take place.
type Gap struct {
	bun.BaseModel `bun:"table:inspect_gap,alias:gap"`
	ID            string `bun:",pk"`
	PlanID        string
	FromAt        store.Time
	ToAt          store.Time
	MissedRounds  int64
	Reason        string
	NotedAt       store.Time
	AreaPath      string
	SystemID      string
}

// Reasons of gaps.
const (
	gapServerStopped = "server_stopped"       // no server ran
	gapClockForward  = "clock_forward"        // the clock was set forward, or the machine slept
	gapDatabase      = "database_unavailable" // the database did not answer
	gapStillRunning  = "still_running"        // the round before had not ended
	gapLate          = "server_busy"          // the server ran and was late
	gapEmpty         = "no_checks"            // no check belonged to the plan
)
