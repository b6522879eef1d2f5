package inspect

import (
	"testing"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// A chart over months shows the lows and highs of each day and the gravest thing that was said on it,
// whether or not the results of that day are still there.
func TestChartsOverMonths(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.toEvening()
		start := b.stepped.Now()
		for day := range 96 {
			for run := range 2 {
				switch {
				case day == 40 && run == 0:
					b.w.mu.Lock()
					b.w.says[1] = probe.Result{State: probe.Critical, Reason: "slow", Summary: "慢", Perf: []probe.Perf{{Label: "time", Value: 9.5, UOM: "s"}}}
					b.w.mu.Unlock()
				default:
					b.w.say(1, probe.OK, "", "可连接")
				}
				b.round()
				b.stepped.Step(time.Hour)
			}
			b.stepped.Step(22 * time.Hour)
		}
		b.cover()
		if err := b.digestAll(b.ctx()); err != nil {
			t.Fatal(err)
		}
		id := b.check("127.0.0.1:1").ID
		ask := func(from, to time.Time) History {
			h, err := b.CheckHistory(b.ctx(), store.Everything(), id, "", from, to, 500)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		now := b.stepped.Now()
		long := ask(start.Add(-time.Hour), now)
		if len(long.Series) != 1 || len(long.Series[0].Band) < 90 || len(long.Series[0].Points) < 90 || long.Series[0].UOM != "s" {
			t.Fatalf("series: %s", jsonOf(long))
		}
		top, low := 0.0, 1e9
		for _, p := range long.Series[0].Band {
			top, low = max(top, p[3]), min(low, p[1])
			if p[1] > p[2] || p[2] > p[3] {
				t.Errorf("a band upside down: %v", p)
			}
		}
		if top != 9.5 || low != 0.001 {
			t.Errorf("from %v to %v", low, top)
		}
		bad := 0
		for _, s := range long.States {
			if s.State == "CRITICAL" {
				bad++
				if d := s.To.Sub(s.From); d != 24*time.Hour || !s.From.Equal(dayStart(dayOf(start.Add(40*24*time.Hour)))) {
					t.Errorf("the bad day: %v, %v long", s.From, d)
				}
			}
		}
		if bad != 1 {
			t.Errorf("%d bad days: %s", bad, jsonOf(long.States))
		}
		// Results of the first days are forgotten, and their hours; the chart stays.
		if err := b.compactAll(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if n, err := b.forget(b.ctx(), now.AddDate(0, 0, -keepDays), now.AddDate(0, -keepMonths, 0)); err != nil || n == 0 {
			t.Fatalf("forget: %d %v", n, err)
		}
		if again := ask(start.Add(-time.Hour), now); jsonOf(again) != jsonOf(long) {
			t.Errorf("the chart changed:\n got %s\nwant %s", jsonOf(again), jsonOf(long))
		}
		short := ask(now.Add(-30*24*time.Hour), now)
		if len(short.Series) != 1 || len(short.Series[0].Points) < 58 || len(short.Series[0].Band) != 0 {
			t.Errorf("a month: %d points, %d in the band", len(short.Series[0].Points), len(short.Series[0].Band))
		}
		// Done again it is the same, and a second server has nothing to do.
		if days, err := undigested(b.ctx(), b.db.Read(), 0); err != nil || len(days) != 0 {
			t.Errorf("%d days without digests, %v", len(days), err)
		}
	})
}

func TestHoursOfADay(t *testing.T) {
	day := int64(20_000)
	at := func(d time.Duration) store.Time { return store.At(dayStart(day).Add(d)) }
	perf := func(v float64) []probe.Perf { return []probe.Perf{{Label: "x", Value: v}} }
	days := digestsOfRows([]Result{
		{RanAt: at(0), State: "OK", Perf: perf(1)}, {RanAt: at(59 * time.Minute), State: "WARNING", Perf: perf(4)},
		{RanAt: at(23*time.Hour + 59*time.Minute), State: "UNKNOWN", Reason: "no_source", Perf: nil},
		{RanAt: at(24 * time.Hour), State: "OK", Perf: perf(2)},
	})
	if len(days) != 2 || len(days[0].Spans) != 2 || days[0].Lines[0].Avg[0] != 2.5 || days[0].Lines[0].N[1] != 0 {
		t.Fatalf("%s", jsonOf(days))
	}
	h := coarse(days, "", dayStart(day), dayStart(day+2), dayStart(day+2), 100)
	var words []string
	for _, s := range h.States {
		words = append(words, s.State)
	}
	if jsonOf(words) != `["WARNING","NO_SOURCE","OK"]` {
		t.Errorf("%v", words)
	}
	if band := thinBand([][4]float64{{1, 1, 2, 3}, {2, 0, 4, 5}, {3, 7, 8, 9}}, 2); len(band) != 2 || band[0] != [4]float64{2, 0, 3, 5} {
		t.Errorf("%v", band)
	}
}
