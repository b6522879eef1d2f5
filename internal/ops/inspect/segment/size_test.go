package segment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"taxops/internal/kernel/probe"
)

// day makes the results of so many checks in so many rounds, five minutes apart, with values that wander
// and texts that show them, as those of the built-in checks.
func day(checks, rounds int) []Row {
	rnd := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // figures
	level := make([]float64, checks)
	for c := range level {
		level[c] = 20 + 60*rnd.Float64()
	}
	var out []Row
	for r := range rounds {
		begin := int64(1_790_000_000_000_000) + int64(r)*300_000_000
		for c := range checks {
			level[c] = min(max(level[c]+rnd.NormFloat64()/4, 1), 99)
			took := 200 * math.Exp(rnd.NormFloat64()/3) * float64(1+c%20)
			tens := int64(math.Pow(10, max(math.Floor(math.Log10(took))-1, 0)))
			row := Row{
				Series: int64(c), RoundID: fmt.Sprintf("0198f6a0-0000-7000-8000-%012x", r), Took: int64(took) / tens * tens,
				RanAt: begin + (int64(c)*20+rnd.Int64N(400))*1000,
			}
			switch c % 5 {
			case 0: // disc
				used, free := round5(level[c]), round5((100-level[c])*5e9)
				row.Summary = fmt.Sprintf("已用 %.1f%%，剩余 %.1f GiB", used, free/(1<<30))
				row.Perf = []probe.Perf{
					{Label: "used_percent /var", Value: used, UOM: "%", Warn: "80", Crit: "90"}, {Label: "free /var", Value: free, UOM: "B"},
				}
			case 1: // port
				s := round5(took / 1e6)
				row.Summary = fmt.Sprintf("127.0.0.1:%d 可连接，耗时 %.2f ms", 5000+c, s*1e3)
				row.Perf = []probe.Perf{{Label: "time", Value: s, UOM: "s", Warn: "1", Crit: "3"}}
			case 2: // load
				a, b := round5(level[c]/20), round5(level[c]/21+rnd.Float64()/50)
				row.Summary = fmt.Sprintf("负载 %.2f / %.2f，8 核", a, b)
				row.Perf = []probe.Perf{{Label: "load1", Value: a}, {Label: "load5", Value: b}}
			case 3: // certificate, log: nothing moves
				row.Summary = "证书 314 天后到期"
				row.Perf = []probe.Perf{{Label: "days", Value: 314, UOM: "d", Warn: "30:", Crit: "7:"}}
			case 4: // counter
				row.Summary = fmt.Sprintf("连接 %d / 1000", int(level[c]))
				row.Perf = []probe.Perf{{Label: "connections", Value: float64(int(level[c]))}}
			}
			row.Sum = fmt.Sprintf("%064x", c)
			out = append(out, row)
		}
	}
	return out
}

// The bar of a plain result is 8 bytes with its measured values: for a large estate, of which a segment
// sees each check but two or three times, and for a small one, of which it sees a day.
func TestPlainResultsTakeFewBytes(t *testing.T) {
	for name, of := range map[string]struct {
		checks, rounds int
		most           float64
	}{
		"small estate, a day": {28, 288, 8}, "middle estate": {500, 16, 8}, "large estate": {4096, 2, 9},
	} {
		rows := day(of.checks, of.rounds)
		b, err := Encode(rows, Options{})
		if err != nil {
			t.Fatal(err)
		}
		each := float64(len(b)) / float64(len(rows))
		s, err := Open(b)
		if err != nil {
			t.Fatal(err)
		}
		line := ""
		for i, st := range s.stored {
			line += fmt.Sprintf(" %d:%.2f", i, float64(len(st.b))/float64(len(rows)))
		}
		t.Logf("%s: %.2f bytes a result; by stream%s", name, each, line)
		if each > of.most {
			t.Errorf("%s: %.2f bytes a result, at most %.0f", name, each, of.most)
		}
	}
}

func BenchmarkSegment(b *testing.B) {
	rows := day(500, 16)
	packed, err := Encode(rows, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := Encode(rows, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one row", func(b *testing.B) {
		for b.Loop() {
			s, err := Open(packed)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Row(4711); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("times", func(b *testing.B) {
		for b.Loop() {
			if _, err := Open(packed); err != nil {
				b.Fatal(err)
			}
		}
	})
}
