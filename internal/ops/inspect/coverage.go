package inspect

import (
	"cmp"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// Coverage is what became of the checks that were planned on a day, for one class in one area and system
// (巡检覆盖率). Planned is always ran plus missed. A day that is looked at again, because something came late,
// has a further revision; the one before stays.
type Coverage struct {
	bun.BaseModel `bun:"table:inspect_coverage,alias:coverage"`
	ID            string     `bun:",pk"`
	DayAt         store.Time // when the day begins in Asia/Shanghai
	Class         string
	AreaPath      string
	SystemID      string
	Planned       int64
	Ran           int64
	Missed        int64
	Reasons       map[string]int64 `bun:"type:json"` // missed, by reason
	TreeRoot      string           // over the roots of the day's rounds in their order
	Revision      int64
	Current       int // 1 for the last revision
	ClosedAt      store.Time
}

// coveredDay is a day whose coverage was closed.
type coveredDay struct {
	bun.BaseModel `bun:"table:inspect_day,alias:covered"`
	Day           int64 `bun:",pk"`
	Revision      int64
	ClosedAt      store.Time // of the last revision
	LookedAt      store.Time // nothing that happened before this is missing
	Digested      int64      // the revision of which there are digests
}

const (
	// closeAfter is how long after its end a day is closed, and closePatience how long it is waited for
	// rounds that run and for servers that owe some.
	closeAfter    = 5 * time.Minute
	closePatience = 12 * time.Hour
	coverageEvery = time.Minute
	lookSlack     = 2 * time.Minute
	// correctDays is for how many days back what comes late makes a further revision.
	correctDays = 90
	// missedOwed is the reason of rounds that no server has taken up to the closing of the day; when one
	// does, they become a gap with the reason that it knows.
	missedOwed = "not_begun"
)

type coverageKey struct{ class, area, system string }

// coverage gathers the figures of a day.
type coverage map[coverageKey]*Coverage

func (c coverage) at(k coverageKey) *Coverage {
	v := c[k]
	if v == nil {
		v = &Coverage{Class: k.class, AreaPath: k.area, SystemID: k.system, Reasons: map[string]int64{}}
		c[k] = v
	}
	return v
}

func (c coverage) ran(k coverageKey, n int64) {
	v := c.at(k)
	v.Ran += n
	v.Planned += n
}

func (c coverage) missed(k coverageKey, reason string, n int64) {
	v := c.at(k)
	v.Missed += n
	v.Planned += n
	v.Reasons[reason] += n
}

// rows are the figures in a fixed order.
func (c coverage) rows() []*Coverage {
	out := make([]*Coverage, 0, len(c))
	for _, v := range c {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *Coverage) int {
		return cmp.Or(cmp.Compare(a.AreaPath, b.AreaPath), cmp.Compare(a.SystemID, b.SystemID), cmp.Compare(a.Class, b.Class))
	})
	return out
}

// sameFigures reports whether two revisions of a day say the same.
func sameFigures(a, b []*Coverage) bool {
	return slices.EqualFunc(a, b, func(x, y *Coverage) bool {
		if x.Class != y.Class || x.AreaPath != y.AreaPath || x.SystemID != y.SystemID || x.Planned != y.Planned ||
			x.Ran != y.Ran || x.Missed != y.Missed || x.TreeRoot != y.TreeRoot || len(x.Reasons) != len(y.Reasons) {
			return false
		}
		for reason, n := range x.Reasons {
			if y.Reasons[reason] != n {
				return false
			}
		}
		return true
	})
}

// within counts the slots of a gap that lie in a day: they are spread evenly from its beginning.
func (g *Gap) within(day int64) int64 {
	begin, end := dayStart(day), dayStart(day+1)
	if g.MissedRounds <= 0 {
		return 0
	}
	step := g.ToAt.Sub(g.FromAt.Time) / time.Duration(g.MissedRounds)
	if step <= 0 {
		if !g.FromAt.Before(begin) && g.FromAt.Before(end) {
			return g.MissedRounds
		}
		return 0
	}
	// before counts the slots before a moment.
	before := func(t time.Time) int64 {
		d := t.Sub(g.FromAt.Time)
		if d <= 0 {
			return 0
		}
		return min(int64((d+step-1)/step), g.MissedRounds)
	}
	return before(end) - before(begin)
}
