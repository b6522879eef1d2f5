package inspect

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Results lists results, those that are rows and those in segments as one list.
func (m *Module) Results(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Result], error) {
	var page store.Page[Result]
	err := m.snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
		var err error
		page, err = m.listResults(ctx, db, scope, q)
		return err
	})
	return page, err
}

func (m *Module) listResults(ctx context.Context, db bun.IDB, scope store.Scope, q store.ListQuery) (store.Page[Result], error) {
	page, err := store.List[Result](ctx, db, resultList(), scope, q, nil)
	if err != nil {
		return page, err
	}
	limit, sort := cmp.Or(q.Limit, defaultLimit), cmp.Or(q.Sort, resultList().DefaultSort)
	ask, err := m.question(ctx, db, scope, q.Filters)
	if err != nil {
		return page, err
	}
	ask.limit, ask.desc = limit+1, strings.HasPrefix(sort, "-")
	if q.Cursor != "" {
		at, err := store.ReadCursor(q.Cursor, sort)
		if err != nil {
			return page, err
		}
		ask.after = &place{at: at.Value, id: at.Key}
	}
	hits, err := m.findPacked(ctx, db, ask)
	if err != nil {
		return page, err
	}
	more := page.NextCursor != ""
	if page.Items, err = m.join(page.Items, hits, limit, ask.desc, &more); err != nil {
		return page, err
	}
	if page.NextCursor = ""; more {
		last := page.Items[len(page.Items)-1]
		if page.NextCursor, err = (store.Place{Value: last.RanAt.UnixMicro(), Key: last.ID}).Cursor(sort); err != nil {
			return page, err
		}
	}
	if q.CountTo < 0 {
		return page, nil
	}
	most := cmp.Or(q.CountTo, store.ExactTotal)
	if q.CountTo < 0 {
		return page, nil
	}
	n, cut := len(hits), false
	if q.Cursor != "" || len(hits) > limit {
		if n, cut, err = m.countPacked(ctx, db, ask); err != nil {
			return page, err
		}
	}
	page.Total += n
	page.TotalCapped = page.TotalCapped || cut
	if page.Total > most {
		page.Total, page.TotalCapped = most, true
	}
	return page, nil
}

// defaultLimit is the page of [store.List] when none is asked for.
const defaultLimit = 50

// join merges the rows of a page with what was found in segments and reads the latter.
func (m *Module) join(rows []Result, hits []hit, limit int, desc bool, more *bool) ([]Result, error) {
	out := make([]Result, 0, min(len(rows)+len(hits), limit))
	for len(rows)+len(hits) > 0 {
		if len(out) == limit {
			*more = true
			break
		}
		row := len(hits) == 0
		if !row && len(rows) > 0 {
			r := &rows[0]
			d := cmp.Or(cmp.Compare(r.RanAt.UnixMicro(), hits[0].at), cmp.Compare(r.ID, hits[0].id))
			row = (d < 0) != desc
		}
		if row {
			out, rows = append(out, rows[0]), rows[1:]
			continue
		}
		r, err := m.unpack(&hits[0])
		if err != nil {
			return nil, err
		}
		out, hits = append(out, *r), hits[1:]
	}
	return out, nil
}

// unpack reads a result from its segment.
func (m *Module) unpack(h *hit) (*Result, error) {
	s := m.series.get(h.series)
	if s == nil {
		return nil, fmt.Errorf("a segment names series %d, which is not there", h.series)
	}
	row, err := h.seg.Row(h.row)
	if err != nil {
		return nil, err
	}
	return s.result(row)
}

// name finds the id of a hit.
func (m *Module) name(h *hit) error {
	id, err := h.seg.ID(h.row)
	if err != nil {
		return err
	}
	if id == "" {
		s := m.series.get(h.series)
		if s == nil {
			return fmt.Errorf("a segment names series %d, which is not there", h.series)
		}
		id = resultID(h.seg.RoundID(h.row), s.CheckID, time.UnixMicro(h.at))
	}
	h.id = id
	return nil
}

// question says in terms of segments what a list is asked. The filters were found good by then.
func (m *Module) question(ctx context.Context, db bun.IDB, scope store.Scope, filters map[string]string) (question, error) {
	ask := everything()
	if err := readSeries(ctx, db, m.series); err != nil {
		return ask, err
	}
	values := func(name string) []string {
		if filters[name] == "" {
			return nil
		}
		return strings.Split(filters[name], ",")
	}
	checks, assets, classes, states, bad := values("check_id"), values("asset_id"), values("class"), values("state"), filters["not_ok"]
	one := func(list []string, v string) bool { return list == nil || slices.Contains(list, v) }
	if checks != nil || assets != nil || classes != nil || states != nil || bad != "" || !scope.Covers("", "") {
		ok := stateWords()[0]
		ask.only = m.series.choose(func(s *resultSeries) bool {
			return one(checks, s.CheckID) && one(assets, s.AssetID) && one(classes, s.Class) && one(states, s.State) &&
				(bad == "" || (bad == "1") == (s.State != ok)) && scope.Covers(s.AreaPath, s.SystemID)
		})
	}
	for name, into := range map[string]*int64{"from": &ask.from, "to": &ask.to} {
		if filters[name] != "" {
			t, err := time.Parse(time.RFC3339, filters[name])
			if err != nil {
				return ask, problem.InvalidField("query."+name, "not_a_time", "a time such as 2026-11-24T08:00:00+08:00")
			}
			*into = store.At(t).UnixMicro()
		}
	}
	if rounds := values("round_id"); rounds != nil {
		ask.rounds = map[string]bool{}
		lo, hi, err := spanOfRounds(ctx, db, rounds)
		if err != nil {
			return ask, err
		}
		for _, r := range rounds {
			ask.rounds[r] = true
		}
		ask.from, ask.to = max(ask.from, lo), min(ask.to, hi)
	}
	if checks != nil || assets != nil {
		// Of a check that ran last in spring nothing lies in the segments of autumn.
		last, err := m.lastRan(ctx, db, ask.only)
		if err != nil {
			return ask, err
		}
		if last < math.MaxInt64-1 {
			ask.to = min(ask.to, last+1)
		}
	}
	return ask, nil
}

// lastRan is when one of the checks of some series ran last.
func (m *Module) lastRan(ctx context.Context, db bun.IDB, only seriesSet) (int64, error) {
	const most = 500
	seen := map[string]bool{}
	var ids []string
	for _, no := range only {
		if s := m.series.get(no); s != nil && !seen[s.CheckID] {
			seen[s.CheckID] = true
			ids = append(ids, s.CheckID)
		}
	}
	if len(ids) == 0 || len(ids) > most {
		return math.MaxInt64, nil
	}
	return lastRunOf(ctx, db, ids)
}

// findPacked finds the first results in segments, day by day.
func (m *Module) findPacked(ctx context.Context, db bun.IDB, ask question) ([]hit, error) {
	c := &catch{question: ask, name: m.name}
	if ask.only != nil && len(ask.only) == 0 || ask.from >= ask.to {
		return nil, nil
	}
	err := m.eachDay(ctx, db, ask, func(list []*storedSegment) (bool, error) {
		const piece = 8
		for len(list) > 0 {
			n := 0
			for n < min(piece, len(list)) && c.want(list[n]) {
				n++
			}
			if n == 0 {
				break
			}
			opened, err := openSegments(ctx, db, &m.bodies, list[:n])
			if err != nil {
				return false, err
			}
			for i, seg := range opened {
				if c.want(list[i]) {
					c.search(seg)
					c.settle()
				}
			}
			list = list[n:]
		}
		return c.full || c.err != nil, c.err
	})
	for i := range c.hits {
		c.named(&c.hits[i])
	}
	if err == nil {
		err = c.err
	}
	return c.hits, err
}

// eachDay calls f with the segments of each day that may hold what is asked for, in the order of the
// question, until f has enough.
func (m *Module) eachDay(ctx context.Context, db bun.IDB, ask question, f func([]*storedSegment) (enough bool, err error)) error {
	from, to := ask.from, ask.to
	if ask.after != nil && ask.desc {
		to = min(to, ask.after.at+1)
	} else if ask.after != nil {
		from = max(from, ask.after.at)
	}
	// Far beyond all days, and near enough to reckon with.
	first, last := int64(-1_000_000), int64(1_000_000)
	if from > math.MinInt64 {
		first = max(first, dayOf(time.UnixMicro(from)))
	}
	if to < math.MaxInt64 {
		last = min(last, dayOf(time.UnixMicro(to-1)))
	}
	day, step := first, int64(1)
	if ask.desc {
		day, step = last, -1
	}
	for {
		next, there, err := nextDay(ctx, db, day, ask.desc)
		if err != nil || !there || next < first || next > last {
			return err
		}
		list, err := segmentsOfDay(ctx, db, next, from, to, ask.only)
		if err != nil {
			return err
		}
		if ask.desc {
			slices.Reverse(list)
		} else {
			slices.SortFunc(list, func(a, b *storedSegment) int { return cmp.Compare(a.FirstAt, b.FirstAt) })
		}
		if len(list) > 0 {
			if enough, err := f(list); enough || err != nil {
				return err
			}
		}
		day = next + step
	}
}

// countSegments is how many segments a count looks into; beyond, a list says "more than".
const countSegments = 120

// countPacked counts the results in segments that fit, whatever the page.
func (m *Module) countPacked(ctx context.Context, db bun.IDB, ask question) (n int, cut bool, err error) {
	if ask.after = nil; ask.all() {
		all, err := countPacked(ctx, db)
		return int(min(all, store.ExactTotal+1)), all > store.ExactTotal, err
	}
	ask.desc = true
	looked := 0
	err = m.eachDay(ctx, db, ask, func(list []*storedSegment) (bool, error) {
		const piece = 16
		for len(list) > 0 {
			if n > store.ExactTotal || looked >= countSegments {
				cut = true
				return true, nil
			}
			part := list[:min(piece, len(list))]
			opened, err := openSegments(ctx, db, &m.bodies, part)
			if err != nil {
				return false, err
			}
			for _, seg := range opened {
				n += ask.fits(seg)
			}
			looked += len(part)
			list = list[len(part):]
		}
		return false, nil
	})
	return n, cut || n > store.ExactTotal, err
}

// Result returns one result, from wherever it lies.
func (m *Module) Result(ctx context.Context, scope store.Scope, id string) (*Result, error) {
	var found *Result
	err := m.snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
		var err error
		if found, err = findResult(ctx, db, scope, id); problem.CodeOf(err) != problem.NotFound {
			return err
		}
		packed, perr := m.packedResult(ctx, db, id)
		if perr != nil {
			return perr
		}
		if packed == nil || !scope.Covers(packed.AreaPath, packed.SystemID) {
			return err
		}
		found = packed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// packedResult finds a result in segments by its id, which begins with its time. Results that were stored
// before there were segments have ids made a moment after they ran, with the rounds of that time: these
// are looked for within a day.
func (m *Module) packedResult(ctx context.Context, db bun.IDB, id string) (*Result, error) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 || u.String() != id {
		return nil, nil
	}
	if err := readSeries(ctx, db, m.series); err != nil {
		return nil, err
	}
	var ms int64
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	at := ms * 1000
	for _, near := range []struct {
		from, to int64
		own      bool
	}{{at, at + 1000, false}, {at - 24*time.Hour.Microseconds(), at + 1000, true}} {
		ask := everything()
		ask.from, ask.to, ask.desc = near.from, near.to, true
		var found *hit
		err := m.eachDay(ctx, db, ask, func(list []*storedSegment) (bool, error) {
			list = slices.DeleteFunc(list, func(s *storedSegment) bool { return (s.OwnIDs == 1) != near.own })
			opened, err := openSegments(ctx, db, &m.bodies, list)
			if err != nil {
				return false, err
			}
			for _, seg := range opened {
				c := &catch{question: ask, name: m.name}
				c.search(seg)
				for i := range c.hits {
					if c.named(&c.hits[i]); c.hits[i].id == id {
						found = &c.hits[i]
						return true, c.err
					}
				}
				if c.err != nil {
					return false, c.err
				}
			}
			return false, nil
		})
		if err != nil {
			return nil, err
		}
		if found != nil {
			return m.unpack(found)
		}
	}
	return nil, nil
}

// resultsOfRound reads what the checks of a round said, by check.
func (m *Module) resultsOfRound(ctx context.Context, db bun.IDB, r *Round) (map[string]*Result, error) {
	rows, err := rowsOfRound(ctx, db, r.ID)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*Result, len(rows))
	for _, x := range rows {
		out[x.CheckID] = x
	}
	if r.FirstRanAt.IsZero() {
		return out, nil
	}
	if err := readSeries(ctx, db, m.series); err != nil {
		return nil, err
	}
	ask := everything()
	ask.rounds = map[string]bool{r.ID: true}
	ask.from, ask.to = r.FirstRanAt.UnixMicro(), r.LastRanAt.UnixMicro()+1
	hits, err := m.findPacked(ctx, db, ask)
	if err != nil {
		return nil, err
	}
	for i := range hits {
		x, err := m.unpack(&hits[i])
		if err != nil {
			return nil, err
		}
		out[x.CheckID] = x
	}
	return out, nil
}

// course reads what a check said in a span of time, the oldest first, with measured values and without
// texts. It reads the oldest maxHistory.
func (m *Module) course(ctx context.Context, db bun.IDB, checkID string, from, to time.Time) ([]Result, error) {
	rows, err := historyOf(ctx, db, checkID, from, to)
	if err != nil {
		return nil, err
	}
	if err := readSeries(ctx, db, m.series); err != nil {
		return nil, err
	}
	ask := everything()
	ask.only = m.series.choose(func(s *resultSeries) bool { return s.CheckID == checkID })
	ask.from, ask.to, ask.limit = store.At(from).UnixMicro(), store.At(to).UnixMicro(), maxHistory
	hits, err := m.findPacked(ctx, db, ask)
	if err != nil {
		return nil, err
	}
	for i := range hits {
		h := &hits[i]
		s := m.series.get(h.series)
		r := Result{ID: h.id, RanAt: store.At(time.UnixMicro(h.at)), State: s.State, Reason: s.Reason}
		if r.Perf, err = h.seg.Perf(h.row); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b Result) int { return cmp.Or(a.RanAt.Compare(b.RanAt.Time), cmp.Compare(a.ID, b.ID)) })
	return rows[:min(len(rows), maxHistory)], nil
}
