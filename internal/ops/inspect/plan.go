package inspect

import (
	"slices"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Bounds of a plan's interval.
const (
	minInterval = 30 * time.Second
	maxInterval = 31 * 24 * time.Hour
)

// Plan says which classes of checks run how often.
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
	Origin          string `bun:",nullzero"`
	LastRoundID     string `bun:",nullzero"`
	CreatedAt       store.Time
	UpdatedAt       store.Time
	Version         int64
}

func (p *Plan) interval() time.Duration { return time.Duration(p.IntervalSeconds) * time.Second }

// shortestDeadline is how long a round may take at least, however short the interval of its plan is.
const shortestDeadline = 5 * time.Minute

// deadline is how long a round of the plan may take.
func (p *Plan) deadline() time.Duration { return max(p.interval(), shortestDeadline) }

// covers reports whether a check belongs to the plan.
func (p *Plan) covers(c *Check) bool {
	return c.Enabled == 1 && c.Retired == 0 && c.Exemption != exempted && c.HostID == p.HostID && slices.Contains(p.Classes, c.Class) &&
		store.NewScope(store.ScopeGrant{AreaPath: p.AreaPath, SystemID: p.SystemID}).Covers(c.AreaPath, c.SystemID)
}

// slots is what a plan owes at a moment.
type slots struct {
	due     bool      // a round is to run now
	slot    time.Time // the moment it was due
	next    time.Time // when the one after it is due
	missed  int64     // rounds that were due before it and did not run
	from    time.Time // the first of these; slot is the end
	moved   bool      // the clock was set back: next is a new beginning
	instead time.Time // what next was before it moved
}

// at says what the plan owes at now. Slots lie on the grid that next_due_at begins, so that a late
// round does not shift those after it.
func (p *Plan) at(now time.Time) slots {
	d, i := p.NextDueAt.Time, p.interval()
	if d.After(now.Add(i)) {
		// A due time further off than one interval can only come from a clock that was set back.
		return slots{moved: true, instead: d, next: now}
	}
	if d.After(now) {
		return slots{next: d}
	}
	passed := int64(now.Sub(d) / i)
	slot := d.Add(time.Duration(passed) * i)
	return slots{due: true, slot: slot, next: slot.Add(i), missed: passed, from: d}
}

func checkPlan(name string, interval int64, classes []string) error {
	var fields []problem.Field
	wrong := func(field, code, text string) {
		fields = append(fields, problem.Field{Location: "body." + field, Code: code, Message: text})
	}
	if n := len([]rune(name)); n == 0 || n > 100 {
		wrong("name", "not_a_name", "1 to 100 characters")
	}
	if i := time.Duration(interval) * time.Second; interval > int64(maxInterval/time.Second) || i < minInterval {
		wrong("interval_seconds", "out_of_range", "30 seconds to 31 days")
	}
	if len(classes) == 0 {
		wrong("classes", "required", "at least one class")
	}
	for i, c := range classes {
		if !slices.Contains(probe.Classes(), probe.Class(c)) || slices.Contains(classes[:i], c) {
			wrong("classes", "unknown", "each of the six classes at most once")
			break
		}
	}
	return invalid(fields)
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
)
