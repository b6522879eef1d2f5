package inspect

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

var proposalStart = time.Date(2026, 10, 27, 0, 0, 0, 0, time.UTC)

// course makes values at every half hour.
func course(n int, value func(i int) float64) []measured {
	out := make([]measured, n)
	for i := range out {
		out[i] = measured{proposalStart.Add(time.Duration(i) * 30 * time.Minute), value(i)}
	}
	return out
}

func TestPropose(t *testing.T) {
	percent := probe.Threshold{Metric: "used_percent", Warn: "80", Crit: "90", Unit: "%"}
	below := probe.Threshold{Metric: "available_percent", Warn: "10:", Crit: "5:", Unit: "%"}
	noise := func(base, width float64) func(int) float64 {
		r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
		return func(int) float64 { return base + width*r.Float64() }
	}
	for name, tt := range map[string]struct {
		kind       probe.Threshold
		now        probe.Limit
		values     []measured
		code       string
		warn, crit string
		floor      bool
	}{
		"too few values":    {percent, probe.Limit{Warn: "80", Crit: "90"}, course(150, noise(20, 5)), proposalTooFew, "", "", false},
		"too few days":      {percent, probe.Limit{Warn: "80", Crit: "90"}, course(250, noise(20, 5)), proposalTooFew, "", "", false},
		"never moved":       {percent, probe.Limit{Warn: "80", Crit: "90"}, course(600, func(int) float64 { return 0 }), proposalConstant, "", "", false},
		"calm":              {percent, probe.Limit{Warn: "80", Crit: "90"}, course(600, noise(20, 5)), proposalMade, "52", "57", false},
		"noisy":             {probe.Threshold{Metric: "pressure", Warn: "20", Crit: "50"}, probe.Limit{Warn: "20", Crit: "50"}, course(600, noise(15, 10)), proposalMade, "32", "43", false},
		"beyond the floor":  {percent, probe.Limit{Warn: "80", Crit: "90"}, course(600, noise(75, 20)), proposalMade, "85", "90", true},
		"low is bad":        {below, probe.Limit{Warn: "10:", Crit: "5:"}, course(600, noise(60, 4)), proposalMade, "36:", "33:", false},
		"low, at the floor": {below, probe.Limit{Warn: "10:", Crit: "5:"}, course(600, noise(5, 15)), proposalMade, "7.5:", "5:", true},
		"as it is":          {percent, probe.Limit{Warn: "52", Crit: "58"}, course(600, noise(20, 5)), proposalSame, "52", "57", false},
		"any is too many":   {probe.Threshold{Metric: "errors", Crit: "0"}, probe.Limit{Crit: "0"}, course(600, noise(0, 5)), proposalAny, "", "", false},
		"one range only":    {probe.Threshold{Metric: "busy", Warn: "90"}, probe.Limit{Warn: "90"}, course(600, noise(20, 5)), proposalMade, "57", "", false},
		"inside":            {probe.Threshold{Metric: "x", Warn: "@1:2", Crit: "5:9"}, probe.Limit{}, course(600, noise(0, 5)), proposalNoSide, "", "", false},
		"both sides":        {probe.Threshold{Metric: "x", Warn: "5:", Crit: "9"}, probe.Limit{}, course(600, noise(0, 5)), proposalNoSide, "", "", false},
		"none":              {probe.Threshold{Metric: "x"}, probe.Limit{}, course(600, noise(0, 5)), proposalNoSide, "", "", false},
		"below zero":        {probe.Threshold{Metric: "t", Warn: "~:85", Crit: "~:95"}, probe.Limit{Warn: "~:85", Crit: "~:95"}, course(600, noise(40, 10)), proposalMade, "~:66", "~:71", false},
		"nothing measured":  {percent, probe.Limit{Warn: "80", Crit: "90"}, nil, proposalTooFew, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := propose(tt.kind, tt.now, tt.values)
			if p.Code != tt.code || p.Warn != tt.warn || p.Crit != tt.crit || p.Floor != tt.floor {
				t.Errorf("%s warn %q crit %q floor %v, want %s %q %q %v\n%+v", p.Code, p.Warn, p.Crit, p.Floor, tt.code, tt.warn, tt.crit, tt.floor, p.Basis)
			}
		})
	}
}

func TestProposalIsNotMovedByOutliers(t *testing.T) {
	kind := probe.Threshold{Metric: "time", Warn: "2", Crit: "5", Unit: "s"}
	calm := course(1000, func(i int) float64 { return 0.5 + float64(i%10)/100 })
	wild := append([]measured(nil), calm...)
	for i := range 8 { // fewer than one in a hundred
		wild[i*100].value = 4.9
	}
	a, b := propose(kind, probe.Limit{Warn: "2", Crit: "5"}, calm), propose(kind, probe.Limit{Warn: "2", Crit: "5"}, wild)
	if a.Warn != b.Warn || a.Crit != b.Crit {
		t.Errorf("%s, %s became %s, %s", a.Warn, a.Crit, b.Warn, b.Crit)
	}
	if b.Basis.NowWarn != 8 || b.Basis.ThenCrit != 8 || b.Basis.Worst != 4.9 || b.Basis.Days != 22 {
		t.Errorf("basis %+v", b.Basis)
	}
}

// TestProposalKeepsItsPromises holds for any history: never looser than the floor, WARNING before CRITICAL,
// ranges that can be read, and few alerts on the past.
func TestProposalKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		warn := rapid.Float64Range(0.01, 1000).Draw(t, "warn")
		crit := warn * rapid.Float64Range(1, 5).Draw(t, "factor")
		high := rapid.Bool().Draw(t, "high")
		kind := probe.Threshold{Metric: "x"}
		text := func(v float64) string { return probe.Range{End: v}.String() }
		if !high {
			warn, crit = crit, warn
			text = func(v float64) string { return probe.Range{Start: v, End: math.Inf(1)}.String() }
		}
		kind.Warn, kind.Crit = text(warn), text(crit)
		base, width := rapid.Float64Range(0, 2000).Draw(t, "base"), rapid.Float64Range(0, 500).Draw(t, "width")
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, seed))                                                                                                              //nolint:gosec // drawn
		p := propose(kind, probe.Limit{Warn: kind.Warn, Crit: kind.Crit}, course(500, func(int) float64 { return math.Abs(base + width*r.NormFloat64()) })) // what is measured is not negative
		if p.Code != proposalMade && p.Code != proposalSame {
			return
		}
		w, _, ok1 := boundOf(p.Warn)
		c, _, ok2 := boundOf(p.Crit)
		if !ok1 || !ok2 {
			t.Fatalf("ranges %q, %q", p.Warn, p.Crit)
		}
		const slack = 1e-6
		side := 1.0
		if !high {
			side = -1
		}
		if side*c > side*crit+slack*math.Abs(crit) || side*w > side*(warn+crit)/2+slack*math.Abs(crit) {
			t.Fatalf("looser than the floor: %q, %q of %q, %q", p.Warn, p.Crit, kind.Warn, kind.Crit)
		}
		if side*w > side*c+slack*math.Abs(c) {
			t.Fatalf("WARNING after CRITICAL: %q, %q", p.Warn, p.Crit)
		}
		if !p.Floor && p.Basis.ThenWarn+p.Basis.ThenCrit > p.Basis.Values/50 {
			t.Fatalf("%d of %d values alert by %q, %q", p.Basis.ThenWarn+p.Basis.ThenCrit, p.Basis.Values, p.Warn, p.Crit)
		}
	})
}

func TestWorstValues(t *testing.T) {
	rows := []Result{
		{RanAt: store.At(proposalStart), Perf: []probe.Perf{{Label: "used_percent /", Value: 10}, {Label: "used_percent /var", Value: 70}, {Label: "used /", Value: 1e9}}},
		{RanAt: store.At(proposalStart), Perf: []probe.Perf{{Label: "other", Value: 1}}},
	}
	got := worstValues(rows, probe.Threshold{Metric: "used_percent", Warn: "80"})
	if len(got) != 1 || got[0].value != 70 {
		t.Errorf("%+v", got)
	}
	if got = worstValues(rows, probe.Threshold{Metric: "used_percent", Warn: "5:"}); got[0].value != 10 {
		t.Errorf("low is bad: %+v", got)
	}
}
