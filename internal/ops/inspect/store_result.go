package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func resultList() *store.ListSpec {
	return &store.ListSpec{
		Table: "result", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "check_id", Column: "check_id"},
			{Name: "asset_id", Column: "asset_id"},
			{Name: "state", Column: "state", OneOf: stateWords()},
			{Name: "not_ok", Column: "not_ok"}, // see badStates
			{Name: "class", Column: "class", OneOf: classWords()},
			{Name: "round_id", Column: "round_id"},
			{Name: "from", Column: "ran_at", Match: store.Since},
			{Name: "to", Column: "ran_at", Match: store.Until},
		},
		Sorts:       map[string]string{"ran_at": "ran_at"},
		DefaultSort: "-ran_at",
	}
}

func findResult(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Result, error) {
	r := new(Result)
	err := db.NewSelect().Model(r).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(r.AreaPath, r.SystemID)) {
		return nil, problem.Missing("result", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find result: %w", err))
	}
	return r, nil
}

// rowsOfRound reads the results of a round that are rows.
func rowsOfRound(ctx context.Context, db bun.IDB, roundID string) ([]*Result, error) {
	var rows []*Result
	if err := db.NewSelect().Model(&rows).Where("round_id = ?", roundID).Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("results of the round: %w", err))
	}
	return rows, nil
}

// spanOfRounds is the time in which the results of rounds ran, the end not included; from is the end
// when there are none.
func spanOfRounds(ctx context.Context, db bun.IDB, ids []string) (from, to int64, err error) {
	var span struct{ First, Last *int64 }
	err = db.NewSelect().Model((*Round)(nil)).ColumnExpr("min(first_ran_at) AS first, max(last_ran_at) AS last").
		Where("id IN (?)", bun.List(ids)).Scan(ctx, &span)
	if err != nil {
		return 0, 0, store.Classify(fmt.Errorf("span of rounds: %w", err))
	}
	if span.First == nil || span.Last == nil {
		return 0, 0, nil
	}
	return *span.First, *span.Last + 1, nil
}

// lastRunOf is when one of the checks ran last in µs, 0 when none did.
func lastRunOf(ctx context.Context, db bun.IDB, checkIDs []string) (int64, error) {
	var last int64
	err := db.NewSelect().Model((*CheckState)(nil)).ColumnExpr("coalesce(max(ran_at), 0)").
		Where("check_id IN (?)", bun.List(checkIDs)).Scan(ctx, &last)
	if err != nil {
		return 0, store.Classify(fmt.Errorf("last runs: %w", err))
	}
	return last, nil
}

// maxHistory is the number of results that a history is made of at most: 90 days at one a minute.
const maxHistory = 130_000

// historyOf reads what a check said in a span of time, the oldest first.
func historyOf(ctx context.Context, db bun.IDB, checkID string, from, to time.Time) ([]Result, error) {
	var out []Result
	err := db.NewSelect().Model(&out).Column("id", "ran_at", "state", "reason", "perf").Where("check_id = ?", checkID).
		Where("ran_at >= ?", store.At(from)).Where("ran_at < ?", store.At(to)).
		Order("ran_at", "id").Limit(maxHistory).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("history of the check: %w", err))
	}
	return out, nil
}

// takeItems takes planned items out of a round, and for late results those that were missed: that they
// ran is said by the results that are stored with it. It returns the checks whose items it took; the
// others count already or are missed, and their results are dropped.
func takeItems(ctx context.Context, tx *store.Tx, roundID string, checkIDs []string, late bool) (map[string]bool, error) {
	out := make(map[string]bool, len(checkIDs))
	states := []string{itemPlanned}
	if late {
		states = append(states, itemMissed)
	}
	const piece = 500
	for len(checkIDs) > 0 {
		n := min(piece, len(checkIDs))
		var taken []string
		err := tx.NewDelete().Model((*Item)(nil)).Where("round_id = ?", roundID).Where("check_id IN (?)", bun.List(checkIDs[:n])).
			Where("state IN (?)", bun.List(states)).Returning("check_id").Scan(ctx, &taken)
		if err != nil && !store.NoRows(err) {
			return nil, fmt.Errorf("take items: %w", err)
		}
		for _, id := range taken {
			out[id] = true
		}
		checkIDs = checkIDs[n:]
	}
	return out, nil
}

// putStates stores what checks said last and copies it to the checks for which it changed.
func putStates(ctx context.Context, tx *store.Tx, states []*CheckState, before map[string]*CheckState) error {
	if _, err := tx.NewInsert().Model(&states).
		On("CONFLICT (check_id) DO UPDATE").
		Set("state = EXCLUDED.state").Set("reason = EXCLUDED.reason").Set("summary = EXCLUDED.summary").
		Set("perf = EXCLUDED.perf").Set("since = EXCLUDED.since").Set("ran_at = EXCLUDED.ran_at").
		Set("result_id = EXCLUDED.result_id").Set("memory = EXCLUDED.memory").Exec(ctx); err != nil {
		return fmt.Errorf("store states: %w", err)
	}
	for _, s := range states {
		if b := before[s.CheckID]; b != nil && b.State == s.State && b.Reason == s.Reason {
			continue
		}
		// Without the version: what a check says is not a change of the check.
		if _, err := tx.NewUpdate().Model((*Check)(nil)).Set("state = ?", s.State).Set("reason = ?", s.Reason).
			Set("rank = CASE WHEN exemption = ? THEN ? ELSE ? END", exempted, rankExempted, rankOf(s.State, s.Reason)).Where("id = ?", s.CheckID).Exec(ctx); err != nil {
			return fmt.Errorf("store the state of a check: %w", err)
		}
	}
	return nil
}

// sameState reports whether a check still says what it said: a source that is missing is another
// state than any other not knowing.
func sameState(s *CheckState, r *Result) bool {
	noSource := string(probe.ReasonNoSource)
	return s.State == r.State && (s.Reason == noSource) == (r.Reason == noSource)
}

// putRows stores results as rows.
func putRows(ctx context.Context, tx *store.Tx, results []*Result) error {
	const piece = 200
	for len(results) > 0 {
		part := results[:min(piece, len(results))]
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return fmt.Errorf("store results: %w", err)
		}
		results = results[len(part):]
	}
	return nil
}

// countInRound adds results to the figures of their round: those that came in time, and late ones to a
// figure of their own, for a round that is closed stays as it was closed.
func countInRound(ctx context.Context, tx *store.Tx, roundID string, results []*Result, late bool) error {
	first, last := results[0].RanAt, results[0].RanAt
	var n Round
	for _, r := range results {
		if r.RanAt.Before(first.Time) {
			first = r.RanAt
		}
		if r.RanAt.After(last.Time) {
			last = r.RanAt
		}
		n.add(r.State, r.Reason, 1)
	}
	q := tx.NewUpdate().Model((*Round)(nil)).Where("id = ?", roundID).
		Set("first_ran_at = CASE WHEN first_ran_at <= ? THEN first_ran_at ELSE ? END", first, first).
		Set("last_ran_at = CASE WHEN last_ran_at >= ? THEN last_ran_at ELSE ? END", last, last)
	if late {
		q = q.Set("late = late + ?", len(results)).Set("late_at = ?", store.At(tx.Now()))
	} else {
		q = q.Set("ran = ran + ?", len(results)).Set("ok = ok + ?", n.OK).Set("warning = warning + ?", n.Warning).
			Set("critical = critical + ?", n.Critical).Set("unknown = unknown + ?", n.Unknown).Set("no_source = no_source + ?", n.NoSource)
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("count results in the round: %w", err)
	}
	return nil
}

// Source is where results come from, with the number of the last one that was stored: results that carry
// that number or a lower one were stored already.
type Source struct {
	bun.BaseModel `bun:"table:inspect_source,alias:src"`
	Name          string `bun:",pk"`
	Epoch         int64
	Seq           int64
	MovedAt       store.Time
}

// moveMark moves the mark of a source to the last of count results of which the first has a number, or
// the next one for 0, and returns how many of them, from the first, were stored already. The row is held until the transaction
// ends, so that two deliveries of the same come one after the other.
func moveMark(ctx context.Context, tx *store.Tx, name string, epoch, first, count int64) (stored int64, err error) {
	now := store.At(tx.Now())
	if _, err := tx.NewInsert().Model(&Source{Name: name, Epoch: epoch, MovedAt: now}).On("CONFLICT (name) DO NOTHING").Exec(ctx); err != nil {
		return 0, fmt.Errorf("mark of a source: %w", err)
	}
	s := new(Source)
	q := tx.NewSelect().Model(s).Where("name = ?", name)
	if tx.Engine() == store.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return 0, fmt.Errorf("mark of a source: %w", err)
	}
	switch {
	case s.Epoch > epoch:
		return count, nil // of a life that is over
	case s.Epoch < epoch:
		s.Epoch, s.Seq = epoch, 0
	}
	if first == 0 {
		first = s.Seq + 1
	}
	if stored = min(max(s.Seq-first+1, 0), count); stored == count {
		return stored, nil
	}
	s.Seq, s.MovedAt = first+count-1, now
	if _, err := tx.NewUpdate().Model(s).WherePK().Exec(ctx); err != nil {
		return 0, fmt.Errorf("mark of a source: %w", err)
	}
	return stored, nil
}

// forgetSources deletes the marks of sources that have been silent since a time: lives of servers that are
// over, and agents that are gone. Whatever one of them might still send is older than results are kept.
func forgetSources(ctx context.Context, tx *store.Tx, before time.Time) error {
	if _, err := tx.NewDelete().Model((*Source)(nil)).Where("moved_at < ?", store.At(before)).Exec(ctx); err != nil {
		return fmt.Errorf("deletion of marks: %w", err)
	}
	return nil
}

// deleteResults deletes the oldest results from before a time, at most so many.
func deleteResults(ctx context.Context, tx *store.Tx, before time.Time, most int64) (int64, error) {
	old := tx.NewSelect().Model((*Result)(nil)).Column("id").Where("ran_at < ?", store.At(before)).
		Order("ran_at", "id").Limit(most)
	res, err := tx.NewDelete().Model((*Result)(nil)).Where("id IN (?)", old).Exec(ctx)
	return affected(res, err, "deletion of results")
}

// deleteItems deletes the items of the oldest rounds. Ids of rounds begin with their time, so that old
// items need no index of their own.
func deleteItems(ctx context.Context, tx *store.Tx, beforeID string, most int64) (int64, error) {
	old := tx.NewSelect().Model((*Item)(nil)).Column("round_id").Where("round_id < ?", beforeID).
		Order("round_id").Limit(most)
	res, err := tx.NewDelete().Model((*Item)(nil)).Where("round_id IN (?)", old).Exec(ctx)
	return affected(res, err, "deletion of items")
}
