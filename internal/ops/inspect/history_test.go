package inspect

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

func TestThinKeepsLowsHighsAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 3000).Draw(t, "n")
		most := rapid.IntRange(10, maxPoints).Draw(t, "most")
		points := make([][2]float64, n)
		at := 0.0
		for i := range points {
			at += float64(rapid.IntRange(0, 100_000).Draw(t, "step"))
			points[i] = [2]float64{at, rapid.Float64Range(-1e6, 1e6).Draw(t, "value")}
		}
		got := thin(points, most)
		if len(got) > most {
			t.Fatalf("%d points of at most %d", len(got), most)
		}
		low, high := extremes(points)
		gotLow, gotHigh := extremes(got)
		if low != gotLow || high != gotHigh {
			t.Fatalf("lost an extreme: %v..%v became %v..%v", low, high, gotLow, gotHigh)
		}
		for i := 1; i < len(got); i++ {
			if got[i][0] < got[i-1][0] {
				t.Fatal("out of order")
			}
		}
	})
}

func extremes(points [][2]float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low, high = min(low, p[1]), max(high, p[1])
	}
	return low, high
}

func TestStretches(t *testing.T) {
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	said := func(minutes int, s probe.State, reason string) Result {
		return Result{RanAt: store.At(at(minutes)), State: s.String(), Reason: reason}
	}
	rows := []Result{
		said(0, probe.OK, ""), said(5, probe.OK, ""), said(10, probe.Critical, "refused"), said(15, probe.OK, ""),
		said(60, probe.OK, ""), said(65, probe.Unknown, "no_source"),
	}
	got := stretches(rows, 10*time.Minute, at(68))
	want := []Stretch{
		{at(0), at(10), "OK"}, {at(10), at(15), "CRITICAL"}, {at(15), at(25), "OK"}, {at(60), at(65), "OK"}, {at(65), at(68), NoSource},
	}
	if jsonOf(got) != jsonOf(want) {
		t.Errorf("got  %s\nwant %s", jsonOf(got), jsonOf(want))
	}
}

func TestTreeRoot(t *testing.T) {
	// SM3 of nothing, as GB/T 32905 gives it.
	if got := treeRoot(nil); got != "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b" {
		t.Errorf("root of nothing: %s", got)
	}
	seen := map[string]bool{}
	for _, leaves := range [][]string{{"a"}, {"a", "b"}, {"b", "a"}, {"a", "b", "c"}, {"a", "b", "c", "c"}, {"a", "b", "c", "d", "e"}} {
		root := treeRoot(leaves)
		if seen[root] {
			t.Errorf("two trees have one root: %v", leaves)
		}
		seen[root] = true
	}
}

func TestCleanKeepsWhatDatabasesTake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		got := clean(in, 20)
		if len(got) > 20+len("…") || got != clean(got, 1000) {
			t.Fatalf("%q became %q", in, got)
		}
	})
}
