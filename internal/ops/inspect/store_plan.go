package inspect

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func planList() *store.ListSpec {
	return &store.ListSpec{
		Table: "plan", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters:     []store.Filter{{Name: "enabled", Column: "enabled"}},
		Sorts:       map[string]string{"created_at": "created_at", "name": "name"},
		DefaultSort: "created_at",
	}
}

func gapList() *store.ListSpec {
	return &store.ListSpec{
		Table: "gap", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "plan_id", Column: "plan_id"},
			{Name: "since", Column: "noted_at", Match: store.Since},
		},
		Sorts:       map[string]string{"noted_at": "noted_at"},
		DefaultSort: "-noted_at",
	}
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

// stale turns an update that changed no row into the problem that somebody else was first.
func stale(res sql.Result, err error, what string) error {
	n, err := affected(res, err, what)
	if err == nil && n == 0 {
		return problem.New(problem.Stale, "the %s was changed meanwhile", what)
	}
	return err
}

func affected(res sql.Result, err error, what string) (int64, error) {
	if err == nil {
		var n int64
		if n, err = res.RowsAffected(); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("store %s: %w", what, err)
}

func findPlan(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Plan, error) {
	p := new(Plan)
	err := db.NewSelect().Model(p).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(p.AreaPath, p.SystemID)) {
		return nil, problem.Missing("plan", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find plan: %w", err))
	}
	return p, nil
}

func plansOfHost(ctx context.Context, db bun.IDB, hostID string) ([]*Plan, error) {
	var out []*Plan
	err := db.NewSelect().Model(&out).Where("host_id = ?", hostID).Where("enabled = 1").Order("id").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("plans of this machine: %w", err))
	}
	return out, nil
}

// checksOf reads the checks that a plan covers, in the order of the contract's classes.
func checksOf(ctx context.Context, db bun.IDB, p *Plan) ([]*Check, error) {
	var all []*Check
	err := db.NewSelect().Model(&all).Where("host_id = ?", p.HostID).WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		if len(p.Classes) > 0 {
			q = q.WhereOr("class IN (?)", bun.List(p.Classes))
		}
		if len(p.Selector.Kinds) > 0 {
			q = q.WhereOr("kind IN (?)", bun.List(p.Selector.Kinds))
		}
		return q
	}).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("checks of the plan: %w", err))
	}
	all = slices.DeleteFunc(all, func(c *Check) bool { return !p.covers(c) })
	classes := classWords()
	slices.SortFunc(all, func(a, b *Check) int {
		if d := slices.Index(classes, a.Class) - slices.Index(classes, b.Class); d != 0 {
			return d
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all, nil
}

// move is how a plan moves on.
type move struct {
	next     store.Time
	slot     store.Time // that was taken; unset for a new beginning
	revision int64      // of the calendar
	roundID  string     // empty when no round came of it
	// empty counts slots at which no check belonged to the plan, from the first one on.
	emptySince store.Time
	emptySlots int64
}

// advance moves a plan to its next slot if it still stands where the caller saw it: of two servers
// exactly one succeeds.
func advance(ctx context.Context, tx *store.Tx, p *Plan, s move) (bool, error) {
	q := tx.NewUpdate().Model((*Plan)(nil)).Set("next_due_at = ?", s.next).Set("last_slot_at = ?", s.slot).
		Set("calendar_revision = ?", s.revision).Set("empty_since = ?", s.emptySince).Set("empty_slots = ?", s.emptySlots).
		Where("id = ?", p.ID).Where("next_due_at = ?", p.NextDueAt).Where("enabled = 1")
	if s.roundID != "" {
		q = q.Set("last_round_id = ?", s.roundID)
	}
	res, err := q.Exec(ctx)
	n, err := affected(res, err, "plan")
	return n == 1, err
}

// undescribed lists the assets whose checks do not tell their kind yet.
func undescribed(ctx context.Context, db bun.IDB) ([]string, error) {
	var ids []string
	if err := db.NewSelect().Model((*Check)(nil)).Column("asset_id").Distinct().Where("asset_kind = ''").Scan(ctx, &ids); err != nil {
		return nil, store.Classify(fmt.Errorf("assets of checks: %w", err))
	}
	return ids, nil
}
