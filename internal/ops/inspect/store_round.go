package inspect

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func roundList() *store.ListSpec {
	return &store.ListSpec{
		Table: "round", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "plan_id", Column: "plan_id"},
			{Name: "trigger", Column: "started_how", OneOf: []string{bySchedule, byHand, byStart}},
			{Name: "state", Column: "state", OneOf: []string{roundRunning, roundFinished}},
			{Name: "worst_state", Column: "worst_state", OneOf: stateWords()},
			{Name: "from", Column: "started_at", Match: store.Since},
			{Name: "to", Column: "started_at", Match: store.Until},
		},
		Sorts:       map[string]string{"started_at": "started_at"},
		DefaultSort: "-started_at",
	}
}

func findRound(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Round, error) {
	r := new(Round)
	err := db.NewSelect().Model(r).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(r.AreaPath, r.SystemID)) {
		return nil, problem.Missing("round", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find round: %w", err))
	}
	return r, nil
}

func itemsOf(ctx context.Context, db bun.IDB, roundID string) ([]Item, error) {
	var out []Item
	if err := db.NewSelect().Model(&out).Where("round_id = ?", roundID).Order("position").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("items of the round: %w", err))
	}
	return out, nil
}

// databaseNow is the time of the database in microseconds. Leases are reckoned by it: the servers
// that share a database need not have clocks that agree, and a server whose clock is set wrong does
// not give up its own round.
func databaseNow(d store.Dialect) bun.Safe {
	if d == store.Postgres {
		return "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
	}
	return "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
}

// insertRound stores a round with all its items.
func insertRound(ctx context.Context, tx *store.Tx, r *Round, checks []*Check, leaseMicros int64) error {
	if _, err := tx.NewInsert().Model(r).Value("lease_until", "? + ?", databaseNow(tx.Engine()), leaseMicros).Exec(ctx); err != nil {
		return fmt.Errorf("store round: %w", err)
	}
	const piece = 500
	items := make([]Item, len(checks))
	for i, c := range checks {
		items[i] = Item{RoundID: r.ID, CheckID: c.ID, Position: int64(i), State: itemPlanned}
	}
	for len(items) > 0 {
		part := items[:min(piece, len(items))]
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return fmt.Errorf("store the items of the round: %w", err)
		}
		items = items[len(part):]
	}
	return nil
}

// unclaimed lists rounds of a machine that no server has taken yet.
func unclaimed(ctx context.Context, db bun.IDB, hostID string) ([]*Round, error) {
	var out []*Round
	err := db.NewSelect().Model(&out).Where("state = ?", roundRunning).Where("owner = ''").Where("host_id = ?", hostID).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("rounds that wait: %w", err))
	}
	return out, nil
}

// expired lists running rounds whose server has let the lease go, or, for exclusive, that belong to
// any other server: on an engine of one process there is none.
func expired(ctx context.Context, db bun.IDB, d store.Dialect, me string, exclusive bool, former string) ([]*Round, error) {
	var out []*Round
	q := db.NewSelect().Model(&out).Where("state = ?", roundRunning)
	if exclusive {
		q = q.Where("owner <> ?", me).Where("owner <> ''")
		if former != "" {
			q = q.Where("substr(owner, 1, ?) = ?", len(former), former)
		}
	} else {
		q = q.Where("lease_until < ?", databaseNow(d))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("rounds of lost servers: %w", err))
	}
	return out, nil
}

// holdLease extends the lease of a round that is still this server's.
func holdLease(ctx context.Context, tx *store.Tx, roundID, owner string, micros int64) (bool, error) {
	res, err := tx.NewUpdate().Model((*Round)(nil)).Set("lease_until = ? + ?", databaseNow(tx.Engine()), micros).
		Where("id = ?", roundID).Where("state = ?", roundRunning).Where("owner = ?", owner).Exec(ctx)
	n, err := affected(res, err, "lease")
	return n == 1, err
}

// claimRound makes a waiting round this server's.
func claimRound(ctx context.Context, tx *store.Tx, roundID, owner string, micros int64) (bool, error) {
	res, err := tx.NewUpdate().Model((*Round)(nil)).Set("owner = ?", owner).
		Set("lease_until = ? + ?", databaseNow(tx.Engine()), micros).
		Where("id = ?", roundID).Where("state = ?", roundRunning).Where("owner = ''").Exec(ctx)
	n, err := affected(res, err, "round")
	return n == 1, err
}

// ending says how a round is closed.
type ending struct {
	reason  string            // of items that are still planned
	missed  map[string]string // items with a reason of their own
	expired bool              // only if its lease is still over
}

// closeRound finishes a round: items still planned are missed, the figures are counted. It returns nil
// when the round is finished already or is held again. leavesOf gives the hashes of its results.
func closeRound(ctx context.Context, tx *store.Tx, seen *Round, e ending,
	leavesOf func(context.Context, *Round) ([]string, error),
) (*Round, error) {
	// The first statement takes the row: whoever comes second finds it finished.
	take := tx.NewUpdate().Model((*Round)(nil)).Set("state = ?", roundFinished).
		Where("id = ?", seen.ID).Where("state = ?", roundRunning).Where("owner = ?", seen.Owner)
	if e.expired {
		take = take.Where("lease_until < ?", databaseNow(tx.Engine()))
	}
	res, err := take.Exec(ctx)
	if n, err := affected(res, err, "round"); err != nil || n == 0 {
		return nil, err
	}
	for checkID, why := range e.missed {
		if _, err := tx.NewUpdate().Model((*Item)(nil)).Set("state = ?", itemMissed).Set("missed_reason = ?", why).
			Where("round_id = ?", seen.ID).Where("check_id = ?", checkID).Where("state = ?", itemPlanned).Exec(ctx); err != nil {
			return nil, fmt.Errorf("store missed item: %w", err)
		}
	}
	if _, err := tx.NewUpdate().Model((*Item)(nil)).Set("state = ?", itemMissed).Set("missed_reason = ?", e.reason).
		Where("round_id = ?", seen.ID).Where("state = ?", itemPlanned).Exec(ctx); err != nil {
		return nil, fmt.Errorf("store missed items: %w", err)
	}
	r, err := findRound(ctx, tx, store.Everything(), seen.ID)
	if err != nil {
		return nil, err
	}
	r.conclude()
	leaves, err := leavesOf(ctx, r)
	if err != nil {
		return nil, err
	}
	r.TreeRoot, r.FinishedAt, r.Owner, r.LeaseUntil = treeRoot(leaves), store.At(tx.Now()), "", 0
	if r.Missed > 0 {
		r.MissedReason = e.reason
		for _, why := range e.missed {
			if r.MissedReason == "" || int64(len(e.missed)) == r.Missed {
				r.MissedReason = why
			}
		}
	}
	if _, err := tx.NewUpdate().Model(r).WherePK().Exec(ctx); err != nil {
		return nil, fmt.Errorf("store round: %w", err)
	}
	return r, nil
}

// lastFinished reads the last round of a plan that is finished, nil when there is none.
func lastFinished(ctx context.Context, db bun.IDB, planID string) (*Round, error) {
	r := new(Round)
	err := db.NewSelect().Model(r).Where("plan_id = ?", planID).Where("state = ?", roundFinished).
		OrderExpr("started_at DESC, id DESC").Limit(1).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("last round: %w", err))
	}
	return r, nil
}
