package inspect

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/segment"
)

// parcel is a run of results from one source in the order of their numbers, of which the first one's is
// given, or 0 to number them as they are stored. Sent again it changes nothing, whatever became of it the
// first time.
type parcel struct {
	source       string
	epoch, first int64
	outs         []*outcome
	remote       bool // from elsewhere: it may come late, after others and after the end of its round
}

// record stores results of this server. They are numbered as they are stored: rounds run beside each other,
// and what is sent again finds its item taken.
func (m *Module) record(ctx context.Context, r *Round, outs []*outcome) error {
	_, err := m.put(ctx, r, parcel{source: m.engine.instance, epoch: 1, outs: outs})
	return err
}

// Delivered is one result from elsewhere.
type Delivered struct {
	CheckID string
	Result  probe.Result
	RanAt   time.Time
	Took    time.Duration
	Memory  map[string]string
}

// Delivery is a run of results of one round from one source.
type Delivery struct {
	Source  string // who sends it: its numbers are its own
	Epoch   int64  // rises when the source begins to count anew
	First   int64  // number of the first result; those after it follow one by one
	RoundID string
	Results []Delivered
}

// Deliver stores results from elsewhere and returns how many were new. Results that were stored already,
// of checks that are not part of the round, or of an epoch that is over change nothing. A result older than
// the last one of its check, or one whose round was closed without it, enters history and coverage only:
// what a check says now, and findings, do not follow it.
func (m *Module) Deliver(ctx context.Context, d Delivery) (int, error) {
	round, err := findRound(ctx, m.db.Read(), store.Everything(), d.RoundID)
	if err != nil {
		return 0, err
	}
	ids := make([]string, len(d.Results))
	for i, x := range d.Results {
		ids[i] = x.CheckID
	}
	checks, err := checksByID(ctx, m.db.Read(), ids)
	if err != nil {
		return 0, err
	}
	now := m.clock.Now()
	p := parcel{source: d.Source, epoch: d.Epoch, first: d.First, remote: true, outs: make([]*outcome, len(d.Results))}
	for i, x := range d.Results {
		at := x.RanAt
		if at.After(now) {
			at = now // a clock that is ahead must not make what comes next look late
		}
		p.outs[i] = &outcome{check: checks[x.CheckID], said: x.Result, ranAt: at, took: x.Took, memory: x.Memory}
	}
	return m.put(ctx, round, p)
}

// put stores results with all that follows from them in one transaction, and returns how many. A result
// whose item is not there any more is dropped.
func (m *Module) put(ctx context.Context, r *Round, p parcel) (stored int, err error) {
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		stored = 0
		skip, err := moveMark(ctx, tx, p.source, p.epoch, p.first, int64(len(p.outs)))
		if err != nil {
			return err
		}
		outs := slices.DeleteFunc(slices.Clone(p.outs[skip:]), func(o *outcome) bool { return o.check == nil })
		slices.SortFunc(outs, func(a, b *outcome) int { return strings.Compare(a.check.ID, b.check.ID) })
		outs = slices.CompactFunc(outs, func(a, b *outcome) bool { return a.check.ID == b.check.ID })
		ids := make([]string, len(outs))
		for i, o := range outs {
			ids[i] = o.check.ID
		}
		taken, err := takeItems(ctx, tx, r.ID, ids, p.remote)
		if err != nil || len(taken) == 0 {
			return err
		}
		outs = slices.DeleteFunc(outs, func(o *outcome) bool { return !taken[o.check.ID] })
		stored = len(outs)
		return m.keep(ctx, tx, r, outs, p.remote)
	})
	if err != nil {
		return 0, err
	}
	return stored, nil
}

// keep stores results whose items were taken: as rows or in fresh segments, what their checks say now,
// and what becomes of findings.
func (m *Module) keep(ctx context.Context, tx *store.Tx, r *Round, outs []*outcome, remote bool) error {
	ids := make([]string, len(outs))
	for i, o := range outs {
		ids[i] = o.check.ID
	}
	before, err := statesOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	active, err := holdActive(ctx, tx, ids)
	if err != nil {
		return err
	}
	closed := false
	if remote {
		now, err := findRound(ctx, tx, store.Everything(), r.ID)
		if err != nil {
			return err
		}
		closed = now.State == roundFinished
	}
	var results, rows, plain []*Result
	var states []*CheckState
	for _, o := range outs {
		res, err := o.result(r.ID)
		if err != nil {
			return err
		}
		was := before[o.check.ID]
		results = append(results, res)
		if res.plain(was) {
			plain = append(plain, res)
		} else {
			rows = append(rows, res)
		}
		if remote && was != nil && !was.RanAt.Before(res.RanAt.Time) {
			continue // something newer is known
		}
		states = append(states, stateAfter(was, res, o.memory))
		if err := m.follow(ctx, tx, o, res, active[o.check.ID]); err != nil {
			return err
		}
	}
	if err := putRows(ctx, tx, rows); err != nil {
		return err
	}
	if err := m.putPlain(ctx, tx, plain); err != nil {
		return err
	}
	if err := countInRound(ctx, tx, r.ID, results, closed); err != nil {
		return err
	}
	if len(states) == 0 {
		return nil
	}
	return putStates(ctx, tx, states, before)
}

// putPlain stores results that say the same as before in a fresh segment for each day.
func (m *Module) putPlain(ctx context.Context, tx *store.Tx, results []*Result) error {
	if len(results) == 0 {
		return nil
	}
	list, err := m.packResults(ctx, tx, results, levelFresh)
	if err != nil {
		return err
	}
	return insertSegments(ctx, tx, list)
}

// packResults makes segments of results, with at most segmentRows each.
func (m *Module) packResults(ctx context.Context, tx *store.Tx, results []*Result, level int) ([]*storedSegment, error) {
	numbers, err := numberSeries(ctx, tx, m.series, results)
	if err != nil {
		return nil, err
	}
	rows := make([]segment.Row, len(results))
	for i, r := range results {
		rows[i] = r.row(numbers[r.series()])
	}
	return packRows(rows, level, tx.Now())
}

// segmentRows is the size of a segment that stays: what one check said on a day is found by reading few of
// them, and a page of a list by unpacking few.
const segmentRows = 8 << 10

// packRows orders rows by day and series and cuts them into segments.
func packRows(rows []segment.Row, level int, now time.Time) ([]*storedSegment, error) {
	day := func(r segment.Row) int64 { return dayOf(time.UnixMicro(r.RanAt)) }
	slices.SortFunc(rows, func(a, b segment.Row) int {
		return cmp.Or(cmp.Compare(day(a), day(b)), cmp.Compare(a.Series, b.Series), cmp.Compare(a.RanAt, b.RanAt))
	})
	var out []*storedSegment
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && n < segmentRows && day(rows[n]) == day(rows[0]) {
			n++
		}
		s, err := pack(rows[:n], level, now)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		rows = rows[n:]
	}
	return out, nil
}

// stateAfter is what a check says after a result. since stays while it says the same.
func stateAfter(before *CheckState, r *Result, memory map[string]string) *CheckState {
	s := &CheckState{
		CheckID: r.CheckID, State: r.State, Reason: r.Reason, Summary: r.Summary, Perf: r.Perf,
		Since: r.RanAt, RanAt: r.RanAt, ResultID: r.ID, Memory: memory,
	}
	if before != nil && sameState(before, r) && before.Since.Before(r.RanAt.Time) {
		s.Since = before.Since
	}
	if s.Memory == nil {
		s.Memory = map[string]string{}
	}
	return s
}

// leaves are the hashes of the results of a round in the order of their checks.
func (m *Module) leaves(ctx context.Context, tx *store.Tx, r *Round) ([]string, error) {
	results, err := m.resultsOfRound(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	return leavesOf(results), nil
}

// Proof shows that a result belongs to a round as it was closed into the journal.
type Proof struct {
	Result *Result
	Round  *Round
	Path   []Step
}

// ProveResult leads from a result to the root in its round's closing row. That takes all results of the
// round, so it is possible as long as these are kept, and not when some came after the round was closed.
func (m *Module) ProveResult(ctx context.Context, scope store.Scope, id string) (Proof, error) {
	r, err := m.Result(ctx, scope, id)
	if err != nil {
		return Proof{}, err
	}
	round, err := findRound(ctx, m.db.Read(), store.Everything(), r.RoundID)
	if err != nil {
		return Proof{}, err
	}
	if round.State != roundFinished {
		return Proof{}, problem.New(problem.NotPossibleInState, "round %s is not closed yet", round.Number)
	}
	_, results, err := m.roundContents(ctx, round)
	if err != nil {
		return Proof{}, err
	}
	leaves := leavesOf(results)
	root, path := treePath(leaves, slices.Index(leaves, r.SHA256))
	if root != round.TreeRoot {
		return Proof{}, problem.New(problem.NotPossibleInState, "the results of round %s are not those with which it was closed: older ones are gone, or some came late", round.Number)
	}
	return Proof{Result: r, Round: round, Path: path}, nil
}

// leavesOf orders the hashes of results by their checks.
func leavesOf(results map[string]*Result) []string {
	ids := make([]string, 0, len(results))
	for id := range results {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = results[id].SHA256
	}
	return out
}
