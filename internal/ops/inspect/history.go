package inspect

import (
	"context"
	"slices"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// maxPoints is the number of points of one series at most.
const maxPoints = 500

// Series is the course of one measured value.
type Series struct {
	Label      string       `json:"label"`
	UOM        string       `json:"uom"`
	Points     [][2]float64 `json:"points" nullable:"false" doc:"Pairs of Unix milliseconds and value; lows and highs survive thinning"`
	Band       [][4]float64 `json:"band" nullable:"false" doc:"Where points were left out: Unix milliseconds, lowest, average and highest of each span; empty when every result is a point"`
	Warn, Crit string       `json:"-"`
}

// Stretch is a span of time in which a check said the same.
type Stretch struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	State string    `json:"state" doc:"OK, WARNING, CRITICAL, UNKNOWN, or NO_SOURCE"`
}

// NoSource is the word for a stretch in which there was nothing to look at.
const NoSource = "NO_SOURCE"

// History is what a check said in a span of time.
type History struct {
	Series []Series
	States []Stretch
}

// CheckHistory reads the course of a check. An empty label means all; points bounds each series.
func (m *Module) CheckHistory(ctx context.Context, scope store.Scope, id, label string, from, to time.Time, points int) (History, error) {
	if !from.Before(to) {
		return History{}, problem.InvalidField("query.from", "out_of_range", "from lies before to")
	}
	c, err := findCheck(ctx, m.db.Read(), scope, id)
	if err != nil {
		return History{}, err
	}
	hold, err := m.holdFor(ctx, c)
	if err != nil {
		return History{}, err
	}
	end := to
	if now := m.clock.Now(); now.Before(end) {
		end = now
	}
	days, long, err := m.digests(ctx, id, from, to)
	if err != nil {
		return History{}, err
	}
	if long {
		return coarse(days, label, from, to, end, points), nil
	}
	rows, err := m.courseOf(ctx, id, from, to)
	if err != nil {
		return History{}, err
	}
	return History{Series: series(rows, label, points), States: stretches(rows, hold, end)}, nil
}

// holdFor is how long a result speaks for a check: after two intervals without another it is stale.
func (m *Module) holdFor(ctx context.Context, c *Check) (time.Duration, error) {
	plans, err := plansOfHost(ctx, m.db.Read(), c.HostID)
	if err != nil {
		return 0, err
	}
	interval := maxInterval
	for _, p := range plans {
		if slices.Contains(p.Classes, c.Class) {
			interval = min(interval, p.interval())
		}
	}
	if interval == maxInterval {
		interval = defaultPlanInterval
	}
	return 2 * interval, nil
}

// series gathers the measured values by label, in the order of their first appearance.
func series(rows []Result, label string, points int) []Series {
	at := map[string]int{}
	out := []Series{}
	for _, r := range rows {
		for _, p := range r.Perf {
			if label != "" && p.Label != label {
				continue
			}
			i, known := at[p.Label]
			if !known {
				i = len(out)
				at[p.Label] = i
				out = append(out, Series{Label: p.Label, Band: [][4]float64{}})
			}
			s := &out[i]
			s.UOM, s.Warn, s.Crit = p.UOM, p.Warn, p.Crit // as they are now
			s.Points = append(s.Points, [2]float64{float64(r.RanAt.UnixMilli()), p.Value})
		}
	}
	for i := range out {
		if len(out[i].Points) > points {
			out[i].Band = bandOf(out[i].Points, points)
		}
		out[i].Points = thin(out[i].Points, points)
	}
	return out
}

// thin keeps the lowest and the highest value of each of a number of equal spans of time, so that no
// peak is lost however far the view is drawn out.
func thin(points [][2]float64, most int) [][2]float64 {
	if len(points) <= most {
		return points
	}
	spans := max(most/2, 1)
	first, last := points[0][0], points[len(points)-1][0]
	width := max((last-first)/float64(spans), 1)
	out := make([][2]float64, 0, 2*spans)
	for i := 0; i < len(points); {
		span := min(int((points[i][0]-first)/width), spans-1)
		low, high := i, i
		j := i
		for ; j < len(points) && min(int((points[j][0]-first)/width), spans-1) == span; j++ {
			if points[j][1] < points[low][1] {
				low = j
			}
			if points[j][1] > points[high][1] {
				high = j
			}
		}
		out = append(out, points[min(low, high)])
		if low != high {
			out = append(out, points[max(low, high)])
		}
		i = j
	}
	return out
}

// stretches joins results that say the same; where no result came for longer than hold nothing is
// said.
func stretches(rows []Result, hold time.Duration, end time.Time) []Stretch {
	out := []Stretch{}
	for i, r := range rows {
		until := r.RanAt.Add(hold)
		if i+1 < len(rows) && rows[i+1].RanAt.Before(until) {
			until = rows[i+1].RanAt.Time
		}
		if until.After(end) {
			until = end
		}
		if !until.After(r.RanAt.Time) {
			until = r.RanAt.Time
		}
		word := stateWord(r.State, r.Reason)
		if n := len(out); n > 0 && out[n-1].State == word && !out[n-1].To.Before(r.RanAt.Time) {
			out[n-1].To = until
			continue
		}
		out = append(out, Stretch{From: r.RanAt.Time, To: until, State: word})
	}
	return out
}

func stateWord(state, reason string) string {
	if state == probe.Unknown.String() && reason == string(probe.ReasonNoSource) {
		return NoSource
	}
	return state
}
