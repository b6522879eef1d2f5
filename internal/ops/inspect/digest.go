package inspect

import (
	"cmp"
	"slices"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/segment"
)

// hours gathers what a check said in each hour of a day.
type hours struct {
	states [24][5]int
	any    [24]bool
	lines  []*hourly
}

type hourly struct {
	segment.Line
	n             [24]int
	low, sum, top [24]float64
}

// add takes one result into account. Times must lie in the day.
func (h *hours) add(day int64, at time.Time, state, reason string, perf []probe.Perf) {
	i := min(max(int(at.Sub(dayStart(day))/time.Hour), 0), 23)
	h.any[i] = true
	h.states[i][digestState(state, reason)]++
	for _, p := range perf {
		var l *hourly
		for _, x := range h.lines {
			if x.Label == p.Label {
				l = x
			}
		}
		if l == nil {
			l = &hourly{Line: segment.Line{Label: p.Label}}
			h.lines = append(h.lines, l)
		}
		l.UOM, l.Warn, l.Crit = p.UOM, p.Warn, p.Crit // as they are at the end of the day
		if l.n[i] == 0 || p.Value < l.low[i] {
			l.low[i] = p.Value
		}
		if l.n[i] == 0 || p.Value > l.top[i] {
			l.top[i] = p.Value
		}
		l.n[i]++
		l.sum[i] += p.Value
	}
}

// digest is what was gathered.
func (h *hours) digest() *segment.Digest {
	d := &segment.Digest{}
	for i := range 24 {
		if h.any[i] {
			d.Spans = append(d.Spans, segment.Span{From: i, Hours: 1, States: h.states[i]})
		}
	}
	for _, l := range h.lines {
		out := segment.Line{Label: l.Label, UOM: l.UOM, Warn: l.Warn, Crit: l.Crit}
		for _, s := range d.Spans {
			i := s.From
			out.N, out.Min, out.Max = append(out.N, l.n[i]), append(out.Min, l.low[i]), append(out.Max, l.top[i])
			out.Avg = append(out.Avg, l.sum[i]/float64(max(l.n[i], 1)))
		}
		d.Lines = append(d.Lines, out)
	}
	return d
}

func digestState(state, reason string) int {
	s, err := probe.ParseState(state)
	switch {
	case stateWord(state, reason) == NoSource:
		return segment.DigestNoSource
	case err != nil:
		return segment.DigestUnknown
	case s == probe.OK:
		return segment.DigestOK
	case s == probe.Warning:
		return segment.DigestWarning
	case s == probe.Critical:
		return segment.DigestCritical
	}
	return segment.DigestUnknown
}

// worstOfSpan is the gravest thing that was said in a span; "" when nothing was.
func worstOfSpan(s segment.Span) string {
	for _, w := range []struct {
		state int
		word  string
	}{
		{segment.DigestCritical, probe.Critical.String()}, {segment.DigestUnknown, probe.Unknown.String()},
		{segment.DigestWarning, probe.Warning.String()}, {segment.DigestOK, probe.OK.String()}, {segment.DigestNoSource, NoSource},
	} {
		if s.States[w.state] > 0 {
			return w.word
		}
	}
	return ""
}

// dayDigest is the digest of a day.
type dayDigest struct {
	day int64
	*segment.Digest
}

// digestsOfRows digests results that are in the order of time.
func digestsOfRows(rows []Result) []dayDigest {
	var out []dayDigest
	for len(rows) > 0 {
		day := dayOf(rows[0].RanAt.Time)
		var h hours
		for len(rows) > 0 && dayOf(rows[0].RanAt.Time) == day {
			r := rows[0]
			h.add(day, r.RanAt.Time, r.State, r.Reason, r.Perf)
			rows = rows[1:]
		}
		out = append(out, dayDigest{day, h.digest()})
	}
	return out
}

// longChart is the span from which a chart shows days, not hours.
const longChart = 40 * 24 * time.Hour

// coarse makes a history of digests that are in the order of days.
func coarse(days []dayDigest, label string, from, to, end time.Time, points int) History {
	h := History{Series: []Series{}, States: []Stretch{}}
	at := map[string]int{}
	for _, d := range days {
		if to.Sub(from) > longChart {
			d.Digest = d.Whole()
		}
		begin := dayStart(d.day)
		bounds := func(s segment.Span) (a, b time.Time) {
			a = begin.Add(time.Duration(s.From) * time.Hour)
			return a, a.Add(time.Duration(s.Hours) * time.Hour)
		}
		for _, s := range d.Spans {
			a, b := bounds(s)
			if a.Before(from) {
				a = from
			}
			if b.After(end) {
				b = end
			}
			if word := worstOfSpan(s); word != "" && a.Before(b) {
				if n := len(h.States); n > 0 && h.States[n-1].State == word && !h.States[n-1].To.Before(a) {
					h.States[n-1].To = b
				} else {
					h.States = append(h.States, Stretch{From: a, To: b, State: word})
				}
			}
		}
		for _, l := range d.Lines {
			if label != "" && l.Label != label {
				continue
			}
			i, known := at[l.Label]
			if !known {
				i = len(h.Series)
				at[l.Label] = i
				h.Series = append(h.Series, Series{Label: l.Label, Points: [][2]float64{}, Band: [][4]float64{}})
			}
			s := &h.Series[i]
			s.UOM, s.Warn, s.Crit = l.UOM, l.Warn, l.Crit
			for k, span := range d.Spans {
				a, b := bounds(span)
				if l.N[k] == 0 || !b.After(from) || !a.Before(to) {
					continue
				}
				first, middle := float64(a.UnixMilli()), float64(a.Add(b.Sub(a)/2).UnixMilli())
				s.Band = append(s.Band, [4]float64{middle, l.Min[k], l.Avg[k], l.Max[k]})
				if s.Points = append(s.Points, [2]float64{first, l.Min[k]}); l.Max[k] != l.Min[k] {
					s.Points = append(s.Points, [2]float64{middle, l.Max[k]})
				}
			}
		}
	}
	for i := range h.Series {
		h.Series[i].Points, h.Series[i].Band = thin(h.Series[i].Points, points), thinBand(h.Series[i].Band, points)
	}
	return h
}

// thinBand joins neighbours until no more than most are left: their lowest, the average of their averages
// and their highest.
func thinBand(band [][4]float64, most int) [][4]float64 {
	if len(band) <= most {
		return band
	}
	each := (len(band) + most - 1) / most
	out := make([][4]float64, 0, most)
	for part := range slices.Chunk(band, each) {
		b := part[0]
		sum := 0.0
		for _, p := range part {
			b[1], b[3] = min(b[1], p[1]), max(b[3], p[3])
			sum += p[2]
		}
		b[0], b[2] = part[len(part)/2][0], sum/float64(len(part))
		out = append(out, b)
	}
	return out
}

// bandOf joins points to a band of at most so many.
func bandOf(points [][2]float64, most int) [][4]float64 {
	out := make([][4]float64, len(points))
	for i, p := range points {
		out[i] = [4]float64{p[0], p[1], p[1], p[1]}
	}
	return thinBand(out, most)
}

// byDay puts digests in order, each day once: what was kept before what was reckoned now.
func byDay(kept, now []dayDigest) []dayDigest {
	out := slices.Concat(kept, now)
	slices.SortStableFunc(out, func(a, b dayDigest) int { return cmp.Compare(a.day, b.day) })
	return slices.CompactFunc(out, func(a, b dayDigest) bool { return a.day == b.day })
}
