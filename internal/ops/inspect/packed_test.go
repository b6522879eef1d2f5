package inspect

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// lead makes rounds in which checks now and then say something else, across midnight.
func lead(b *bed, rounds int) {
	b.t.Helper()
	rnd := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // what happens
	for range rounds {
		for port := 1; port <= 3; port++ {
			switch rnd.IntN(8) {
			case 0:
				b.w.say(port, probe.Critical, "refused", "拒绝")
			case 1:
				b.w.say(port, probe.Warning, probe.ReasonThreshold, "慢")
			default:
				b.w.say(port, probe.OK, "", fmt.Sprintf("可连接，耗时 %.2f ms", rnd.Float64()))
			}
		}
		b.later()
	}
}

// model is a list of results as one would write it in memory.
func modelOf(all []Result, scope store.Scope, f map[string]string, sort string) []string {
	one := func(name, v string) bool {
		return f[name] == "" || slices.Contains(strings.Split(f[name], ","), v)
	}
	var out []Result
	for _, r := range all {
		from, _ := time.Parse(time.RFC3339, f["from"])
		to, _ := time.Parse(time.RFC3339, f["to"])
		if scope.Covers(r.AreaPath, r.SystemID) && one("check_id", r.CheckID) && one("asset_id", r.AssetID) && one("state", r.State) &&
			one("class", r.Class) && one("round_id", r.RoundID) && one("not_ok", fmt.Sprint(r.NotOK)) &&
			(from.IsZero() || !r.RanAt.Before(from)) && (to.IsZero() || r.RanAt.Before(to)) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Result) int {
		d := a.RanAt.Compare(b.RanAt.Time)
		if d == 0 {
			d = strings.Compare(a.ID, b.ID)
		}
		if sort != "ran_at" {
			d = -d
		}
		return d
	})
	ids := []string{}
	for _, r := range out {
		ids = append(ids, r.ID)
	}
	return ids
}

func pagesOf(b *bed, scope store.Scope, f map[string]string, sort string, limit int) []string {
	b.t.Helper()
	out := []string{}
	q := store.ListQuery{Filters: maps.Clone(f), Sort: sort, Limit: limit}
	total := -1
	for {
		p, err := b.Results(b.ctx(), scope, q)
		if err != nil {
			b.t.Fatal(err)
		}
		if total < 0 {
			total = p.Total
		}
		if p.Total != total || p.TotalCapped || len(p.Items) > limit {
			b.t.Fatalf("%v: total %d, then %d, capped %v; %d of %d", f, total, p.Total, p.TotalCapped, len(p.Items), limit)
		}
		for _, r := range p.Items {
			out = append(out, r.ID)
		}
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			if total != len(out) {
				b.t.Fatalf("%v: %d results, total %d", f, len(out), total)
			}
			return out
		}
	}
}

// Rows, fresh segments, joined and full ones are one history: with each filter, in both orders, page by
// page, and nothing of it changes when segments are joined.
func TestOneHistory(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.stepped.Step(time.Until(dayStart(dayOf(time.Now())+1)) - 40*time.Minute) // the rounds lie about midnight
		lead(b, 16)
		b.sound()
		all := b.results()
		rows := len(allOf[Result](b, "id"))
		if len(all) != 16*4 || rows == 0 || rows > 40 {
			t.Fatalf("%d results, %d of them rows", len(all), rows)
		}
		states := map[string]bool{}
		for _, r := range all {
			states[r.State] = true
		}
		course := b.courseNow(all[0].CheckID)
		stages := []struct {
			name string
			do   func()
		}{
			{"fresh", func() {}},
			{"joined", func() {
				if more, err := b.compactOnce(b.ctx(), levelFresh); !more || err != nil {
					t.Errorf("joining: %v %v", more, err)
				}
			}},
			{"full", func() {
				b.stepped.Step(25 * time.Hour)
				if err := b.compactAll(b.ctx()); err != nil {
					t.Error(err)
				}
			}},
		}
		for _, stage := range stages {
			stage.do()
			segments := allOf[storedSegment](b, "id")
			for _, s := range segments {
				if (stage.name == "fresh" && s.Level != levelFresh) || (stage.name == "full" && s.Level != levelFull) {
					t.Errorf("%s: a segment of level %d", stage.name, s.Level)
				}
			}
			if stage.name == "full" && len(segments) != 2 {
				t.Errorf("%d segments for the results of two days", len(segments))
			}
			again := b.results()
			if jsonOf(again) != jsonOf(all) {
				t.Fatalf("%s: results changed\n got %s\nwant %s", stage.name, jsonOf(again), jsonOf(all))
			}
			b.sound()
			if got := b.courseNow(all[0].CheckID); jsonOf(got) != jsonOf(course) {
				t.Errorf("%s: the course of a check changed", stage.name)
			}
			middle := all[len(all)/2].RanAt.Format(time.RFC3339)
			for _, f := range []map[string]string{
				{}, {"check_id": all[1].CheckID}, {"check_id": all[0].CheckID + "," + all[1].CheckID}, {"asset_id": "host-1"}, {"asset_id": "host-2"},
				{"state": "OK"}, {"state": "UNKNOWN"}, {"state": "WARNING,CRITICAL"}, {"not_ok": "1"}, {"not_ok": "0"}, {"class": "hardware"},
				{"round_id": all[9].RoundID}, {"round_id": all[9].RoundID + "," + all[30].RoundID, "state": "OK"}, {"round_id": "none"},
				{"from": middle}, {"to": middle}, {"from": middle, "to": middle}, {"from": middle, "class": "service", "state": "OK"},
			} {
				for _, sort := range []string{"-ran_at", "ran_at"} {
					for _, scope := range []store.Scope{store.Everything(), store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"}), store.NewScope(store.ScopeGrant{AreaPath: "/46/"})} {
						want := modelOf(all, scope, f, sort)
						if got := pagesOf(b, scope, f, sort, 5); !slices.Equal(got, want) {
							t.Errorf("%s: %v by %s:\n got %v\nwant %v", stage.name, f, sort, got, want)
						}
					}
				}
			}
			for _, r := range all {
				got, err := b.Result(b.ctx(), store.Everything(), r.ID)
				if err != nil || jsonOf(got) != jsonOf(r) {
					t.Errorf("%s: result by id: %s %v", stage.name, jsonOf(got), err)
				}
				if p, err := b.ProveResult(b.ctx(), store.Everything(), r.ID); err != nil || climb(t, r.SHA256, p.Path) != p.Round.TreeRoot {
					t.Errorf("%s: proof of %s: %v", stage.name, r.ID, err)
				}
				if _, err := b.Result(b.ctx(), store.NewScope(store.ScopeGrant{AreaPath: "/46/"}), r.ID); codeOf(err) != "not_found" {
					t.Errorf("%s: result of another area: %v", stage.name, err)
				}
			}
		}
		for _, id := range []string{"", "x", uuid.Nil.String(), resultID("a", "b", all[3].RanAt.Time)} {
			if _, err := b.Result(b.ctx(), store.Everything(), id); codeOf(err) != "not_found" {
				t.Errorf("result %q: %v", id, err)
			}
		}
		for _, r := range b.rounds() {
			results, err := b.resultsOfRound(b.ctx(), b.db.Read(), &r)
			if err != nil || treeRoot(leavesOf(results)) != r.TreeRoot {
				t.Errorf("round %s: its results do not have its root (%v)", r.Number, err)
			}
		}
	})
}

func allOf[T any](b *bed, order string) []T { b.t.Helper(); return all[T](b, order) }

func (b *bed) courseNow(checkID string) []Result {
	b.t.Helper()
	out, err := b.courseOf(b.ctx(), checkID, time.Unix(0, 0), b.stepped.Now().Add(time.Hour))
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// climb goes from a leaf to the root as one does who has only the proof.
func climb(t *testing.T, leaf string, path []Step) string {
	t.Helper()
	h := digest(append([]byte{0}, leaf...))
	for _, s := range path {
		other, err := hex.DecodeString(s.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if s.Side == "left" {
			h = digest(append(append([]byte{1}, other...), h...))
		} else {
			h = digest(append(append([]byte{1}, h...), other...))
		}
	}
	return hex.EncodeToString(h)
}

func TestEveryLeafLeadsToTheRoot(t *testing.T) {
	var leaves []string
	for n := range 20 {
		leaves = append(leaves, fmt.Sprint("leaf ", n))
		for of, leaf := range leaves {
			root, path := treePath(leaves, of)
			if root != treeRoot(leaves) || climb(t, leaf, path) != root {
				t.Errorf("leaf %d of %d", of, len(leaves))
			}
			if climb(t, "another", path) == root {
				t.Errorf("anything leads to the root of %d", len(leaves))
			}
		}
	}
}

// What another server joins meanwhile is not joined twice.
func TestTwoServersJoin(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		lead(b, 6)
		want := b.results()
		b.stepped.Step(joinAfter)
		list, err := unfinished(b.ctx(), b.db.Read(), levelFresh, 100)
		if err != nil || len(list) < 2 {
			t.Fatalf("%d segments, %v", len(list), err)
		}
		good, first := b.write, true
		other := b.server(b.ring)
		b.write = func(ctx context.Context, f func(context.Context, *store.Tx) error) error {
			if first {
				first = false
				if err := other.compactAll(ctx); err != nil {
					t.Error(err)
				}
			}
			return good(ctx, f)
		}
		if more, err := b.compactOnce(b.ctx(), levelFresh); more || err != nil {
			t.Errorf("the second one: %v %v", more, err)
		}
		if got := b.results(); jsonOf(got) != jsonOf(want) {
			t.Errorf("%d results, want %d", len(got), len(want))
		}
	})
}

func TestJoinable(t *testing.T) {
	noon := dayStart(20_000).Add(12 * time.Hour)
	seg := func(day, results int64, age time.Duration) *storedSegment {
		return &storedSegment{ID: day, Day: day, Results: results, CreatedAt: store.At(noon.Add(-age))}
	}
	many := make([]*storedSegment, 300)
	for i := range many {
		many[i] = seg(20_000, 256, time.Second)
	}
	for name, c := range map[string]struct {
		list        []*storedSegment
		level       int
		batch, into int
	}{
		"nothing":                    {nil, 0, 0, 0},
		"fresh ones wait":            {[]*storedSegment{seg(20_000, 9, time.Minute), seg(20_000, 9, 0)}, 0, 0, 0},
		"a quarter of an hour":       {[]*storedSegment{seg(20_000, 9, joinAfter), seg(20_000, 9, 0)}, 0, 2, levelJoined},
		"as many as go at once":      {many, 0, 256, levelFull},
		"one that is large":          {[]*storedSegment{seg(20_000, joinResults+1, 0), seg(20_000, 9, 0)}, 0, 1, levelFull},
		"joined ones wait":           {[]*storedSegment{seg(20_000, 9, time.Hour), seg(20_000, 9, time.Hour)}, 1, 0, 0},
		"joined ones of yesterday":   {[]*storedSegment{seg(19_999, 9, time.Hour), seg(19_999, 9, time.Hour), seg(20_000, 9, time.Hour)}, 1, 2, levelFull},
		"a late one of last week":    {[]*storedSegment{seg(19_993, 9, time.Second)}, 0, 1, levelJoined},
		"those of today after those": {[]*storedSegment{seg(20_000, 9, time.Minute), seg(20_001, 9, joinAfter)}, 0, 1, levelJoined},
	} {
		batch, into := joinable(c.list, c.level, noon)
		if len(batch) != c.batch || into != c.into {
			t.Errorf("%s: %d into level %d, want %d into %d", name, len(batch), into, c.batch, c.into)
		}
	}
}

func TestDaysAreThoseOfShanghai(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Date(2026, 11, 24, 15, 59, 59, 0, time.UTC), time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC), time.Date(1969, 12, 1, 3, 0, 0, 0, time.UTC)} {
		start := dayStart(dayOf(at))
		if store.Day(start) != store.Day(at) || store.Day(start.Add(-time.Second)) == store.Day(at) {
			t.Errorf("%v: its day begins %v", at, start)
		}
	}
}

func TestValuesAndDurationsKeepWhatMeansSomething(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 3: 3, 42.1: 42.1, 0.000123456: 0.00012346, 12345.678: 12346, 123456.78: 123457, -1.234567: -1.2346, 1e300: 1e300} {
		if got := roundValue(v); got != want {
			t.Errorf("%v became %v, want %v", v, got, want)
		}
	}
	for d, want := range map[time.Duration]int64{0: 0, 1234 * time.Nanosecond: 1, 123456 * time.Microsecond: 120_000, 99 * time.Microsecond: 99, -time.Second: 0} {
		if got := roundTook(d); got != want {
			t.Errorf("%v became %d, want %d", d, got, want)
		}
	}
}
