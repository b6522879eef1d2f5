package inspect

import (
	"math"
	"slices"
	"strconv"
	"time"

	"taxops/internal/kernel/probe"
)

// measured is the worst value of one metric in one result.
type measured struct {
	at    time.Time
	value float64
}

// Words for what a look at the history came to.
const (
	proposalMade     = "proposed"
	proposalSame     = "same"       // what holds now is what would be proposed
	proposalTooFew   = "too_little" // not enough history
	proposalConstant = "constant"   // it never moved: nothing tells what is unusual
	proposalAny      = "any"        // one occurrence is too many: no habit makes it acceptable
	proposalNoSide   = "no_side"    // the kind has no range that begins or ends somewhere
)

// What a proposal needs: two weeks would be better, one is the least that has a weekend in it.
const (
	proposalValues = 200
	proposalDays   = 7
)

// Basis is what a proposal rests on.
type Basis struct {
	Values   int       `json:"values" doc:"Results with this value"`
	Days     int       `json:"days" doc:"Days, of Asia/Shanghai, on which there were any"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Median   float64   `json:"median"`
	P95      float64   `json:"p95" doc:"Reached on the bad side by one value in twenty"`
	P99      float64   `json:"p99" doc:"Reached on the bad side by one value in a hundred"`
	Worst    float64   `json:"worst"`
	NowWarn  int       `json:"now_warn" doc:"Values of the span that are WARNING by the ranges that hold now"`
	NowCrit  int       `json:"now_crit"`
	ThenWarn int       `json:"then_warn" doc:"Values of the span that would have been WARNING by the proposal"`
	ThenCrit int       `json:"then_crit"`
}

// Proposal is a pair of ranges that follows from the values of a check (阈值建议). It is worked out, not
// set: a person takes it over with a reason.
type Proposal struct {
	Metric string
	Code   string
	Warn   string // "" when the kind has none
	Crit   string
	// Floor says that the history would have led further: the proposal ends where the kind's own ranges
	// forbid more.
	Floor bool
	Basis Basis
}

// propose works out ranges of one metric. kind are the ranges of the check's kind, now those that hold.
//
// The rule: with m the median, q the 99th percentile towards the bad side and s the larger of q−m,
// two robust standard deviations (1.4826 × median absolute deviation) and a tenth of m, WARNING is
// m + 1.5 s and CRITICAL m + 3 s, rounded away from m to two digits. A single outlier moves none of
// them. Two bounds hold: CRITICAL never lies beyond the kind's own, and WARNING never beyond the middle
// of the kind's own two; and neither comes nearer to m than half of the way to the kind's own, so that a
// calm month does not make an ordinary day red.
func propose(kind probe.Threshold, now probe.Limit, values []measured) Proposal {
	p := Proposal{Metric: kind.Metric}
	values = slices.Clone(values)
	slices.SortFunc(values, func(a, b measured) int { return a.at.Compare(b.at) })
	warn, crit, side := bounds(kind)
	p.Basis = basisOf(values, side)
	p.count(values, now)
	switch {
	case side == 0:
		p.Code = proposalNoSide
		return p
	case warn == 0 || crit == 0: // "0" alerts on the first
		p.Code = proposalAny
		return p
	case p.Basis.Values < proposalValues || p.Basis.Days < proposalDays:
		p.Code = proposalTooFew
		return p
	}
	// From here on larger is worse.
	towards := make([]float64, len(values))
	for i, v := range values {
		towards[i] = side * v.value
	}
	slices.Sort(towards)
	m, q := quantile(towards, 0.5), quantile(towards, 0.99)
	spread := max(q-m, 2*1.4826*deviation(towards, m))
	if spread == 0 {
		p.Code = proposalConstant
		return p
	}
	spread = max(spread, math.Abs(m)/10)
	warnFloor, critFloor := warn, crit
	if !math.IsNaN(warn) && !math.IsNaN(crit) {
		warnFloor = (warn + crit) / 2
	}
	w, beyondW := settle(m, m+1.5*spread, warn, warnFloor)
	c, beyondC := settle(m, m+3*spread, crit, critFloor)
	if c < w { // both at the floor of a kind with one range
		w = c
	}
	p.Floor = beyondW || beyondC
	p.Warn, p.Crit = rangeText(kind.Warn, side, w), rangeText(kind.Crit, side, c)
	p.Code = proposalMade
	if near(now.Warn, p.Warn, side) && near(now.Crit, p.Crit, side) {
		p.Code = proposalSame
	}
	p.foresee(values)
	return p
}

// settle brings a value between half of the way to the kind's own bound and the floor, rounded. All are
// larger the worse.
func settle(median, value, own, floor float64) (settled float64, beyond bool) {
	if math.IsNaN(own) {
		return math.NaN(), false
	}
	value = roundAway(max(value, (median+own)/2))
	if value > floor {
		return floor, true
	}
	return value, false
}

// bounds are the kind's own ranges as numbers that are larger the worse, NaN for none; side is 1 where
// high values are bad, −1 where low ones are, 0 where neither.
func bounds(kind probe.Threshold) (warn, crit, side float64) {
	warn, crit = math.NaN(), math.NaN()
	for _, own := range []struct {
		text string
		to   *float64
	}{{kind.Warn, &warn}, {kind.Crit, &crit}} {
		v, s, ok := boundOf(own.text)
		if !ok {
			continue
		}
		if side != 0 && s != side {
			return math.NaN(), math.NaN(), 0
		}
		side = s
		*own.to = s * v
	}
	return warn, crit, side
}

// boundOf reads a range that alerts on one side only: "80" and "~:80" above, "10:" below.
func boundOf(text string) (bound, side float64, ok bool) {
	r, err := probe.ParseRange(text)
	switch {
	case err != nil || r.Inside:
		return 0, 0, false
	case math.IsInf(r.End, 1) && !math.IsInf(r.Start, -1):
		return r.Start, -1, true
	case !math.IsInf(r.End, 1) && (r.Start == 0 || math.IsInf(r.Start, -1)):
		return r.End, 1, true
	}
	return 0, 0, false
}

// rangeText writes a bound in the form of the kind's own range, "" when it has none.
func rangeText(like string, side, bound float64) string {
	own, err := probe.ParseRange(like)
	if like == "" || err != nil || math.IsNaN(bound) {
		return ""
	}
	v := side * bound
	if v == 0 {
		v = 0 // not "-0"
	}
	if side < 0 {
		own.Start = v
	} else {
		own.End = v
	}
	return own.String()
}

// near reports whether two ranges differ by less than a twentieth.
func near(a, b string, side float64) bool {
	if a == b {
		return true
	}
	x, sx, ok := boundOf(a)
	y, sy, ok2 := boundOf(b)
	return ok && ok2 && sx == side && sy == side && math.Abs(x-y) <= math.Abs(x)/20
}

// quantile is the value that a share of the sorted values does not exceed (nearest rank).
func quantile(sorted []float64, q float64) float64 {
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// deviation is the median of the distances from the median.
func deviation(sorted []float64, median float64) float64 {
	d := make([]float64, len(sorted))
	for i, v := range sorted {
		d[i] = math.Abs(v - median)
	}
	slices.Sort(d)
	return quantile(d, 0.5)
}

// roundAway rounds up to two digits that count.
func roundAway(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	step := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-1)
	// Through text: 0.30000000000000004 is no bound that a person would write.
	out, err := strconv.ParseFloat(strconv.FormatFloat(math.Ceil(v/step-1e-9)*step, 'g', 6, 64), 64)
	if err != nil {
		return v
	}
	return out
}

// shanghai is the offset of the days that are counted.
const shanghai = 8 * time.Hour

func basisOf(values []measured, side float64) Basis {
	b := Basis{Values: len(values)}
	if len(values) == 0 {
		return b
	}
	if side == 0 {
		side = 1
	}
	days := map[int64]bool{}
	towards := make([]float64, len(values))
	for i, v := range values {
		days[v.at.Add(shanghai).Unix()/(24*60*60)] = true
		towards[i] = side * v.value
	}
	slices.Sort(towards)
	b.Days, b.From, b.To = len(days), values[0].at, values[len(values)-1].at
	b.Median, b.P95, b.P99 = side*quantile(towards, 0.5), side*quantile(towards, 0.95), side*quantile(towards, 0.99)
	b.Worst = side * towards[len(towards)-1]
	return b
}

// count tells how often the ranges that hold now would have alerted.
func (p *Proposal) count(values []measured, now probe.Limit) {
	p.Basis.NowWarn, p.Basis.NowCrit = alerts(values, now)
}

func (p *Proposal) foresee(values []measured) {
	p.Basis.ThenWarn, p.Basis.ThenCrit = alerts(values, probe.Limit{Warn: p.Warn, Crit: p.Crit})
}

func alerts(values []measured, l probe.Limit) (warn, crit int) {
	for _, v := range values {
		switch s, err := probe.Evaluate(v.value, l); {
		case err != nil:
		case s == probe.Critical:
			crit++
		case s == probe.Warning:
			warn++
		}
	}
	return warn, crit
}

// worstValues takes from each result the value of a metric that is nearest to alerting: a check that looks
// at several things has one range for all of them.
func worstValues(rows []Result, kind probe.Threshold) []measured {
	_, _, side := bounds(kind)
	var out []measured
	for _, r := range rows {
		worst, found := 0.0, false
		for _, p := range r.Perf {
			if p.Label != kind.Metric && probe.MetricOf(p.Label) != kind.Metric {
				continue
			}
			if !found || (side < 0 && p.Value < worst) || (side >= 0 && p.Value > worst) {
				worst, found = p.Value, true
			}
		}
		if found && !math.IsNaN(worst) && !math.IsInf(worst, 0) {
			out = append(out, measured{r.RanAt.Time, worst})
		}
	}
	return out
}
