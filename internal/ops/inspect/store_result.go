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

// resultsOfRound reads what the checks of a round said, by check.
func resultsOfRound(ctx context.Context, db bun.IDB, roundID string) (map[string]*Result, error) {
	var rows []*Result
	if err := db.NewSelect().Model(&rows).Where("round_id = ?", roundID).Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("results of the round: %w", err))
	}
	out := make(map[string]*Result, len(rows))
	for _, r := range rows {
		out[r.CheckID] = r
	}
	return out, nil
}

// maxHistory is the number of results that a history is made of at most: 90 days at one a minute.
const maxHistory = 130_000

// historyOf reads what a check said in a span of time, the oldest first.
func historyOf(ctx context.Context, db bun.IDB, checkID string, from, to time.Time) ([]Result, error) {
	var out []Result
	err := db.NewSelect().Model(&out).Column("ran_at", "state", "reason", "perf").Where("check_id = ?", checkID).
		Where("ran_at >= ?", store.At(from)).Where("ran_at < ?", store.At(to)).
		Order("ran_at", "id").Limit(maxHistory).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("history of the check: %w", err))
	}
	return out, nil
}

// moveItems marks items as ran and returns those that were still planned: the others count already
// or are missed, and their results are dropped.
func moveItems(ctx context.Context, tx *store.Tx, roundID string, checkIDs []string) (map[string]bool, error) {
	var moved []string
	err := tx.NewUpdate().Model((*Item)(nil)).Set("state = ?", itemRan).Where("round_id = ?", roundID).
		Where("check_id IN (?)", bun.List(checkIDs)).Where("state = ?", itemPlanned).Returning("check_id").Scan(ctx, &moved)
	if err != nil && !store.NoRows(err) {
		return nil, fmt.Errorf("mark items as ran: %w", err)
	}
	out := make(map[string]bool, len(moved))
	for _, id := range moved {
		out[id] = true
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

// putResults stores the results of a round's items and counts them in the round.
func putResults(ctx context.Context, tx *store.Tx, roundID string, results []*Result) error {
	if _, err := tx.NewInsert().Model(&results).Exec(ctx); err != nil {
		return fmt.Errorf("store results: %w", err)
	}
	if _, err := tx.NewUpdate().Model((*Round)(nil)).Set("ran = ran + ?", len(results)).Where("id = ?", roundID).Exec(ctx); err != nil {
		return fmt.Errorf("count results in the round: %w", err)
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
