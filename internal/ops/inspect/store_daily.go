package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func dailyList() *store.ListSpec {
	return &store.ListSpec{
		Table: "daily", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "state", Column: "state", OneOf: []string{string(DailyDraft), string(DailySigned), string(DailyMissed)}},
		},
		Sorts:       map[string]string{"day": "day"},
		DefaultSort: "-day",
	}
}

// dailyOf reads the health check of a day, nil when there is none.
func dailyOf(ctx context.Context, db bun.IDB, day calendar.Date) (*Daily, error) {
	d := new(Daily)
	err := db.NewSelect().Model(d).Where("day = ?", day).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find the health check: %w", err))
	}
	return d, nil
}

// lastDaily reads the health check of the latest day, nil when there is none.
func lastDaily(ctx context.Context, db bun.IDB) (*Daily, error) {
	d := new(Daily)
	err := db.NewSelect().Model(d).OrderExpr("day DESC").Limit(1).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("last health check: %w", err))
	}
	return d, nil
}

// lastSigned tells when the last health check before a day was signed; the zero time when none was.
func lastSigned(ctx context.Context, db bun.IDB, day calendar.Date) (time.Time, error) {
	d := new(Daily)
	err := db.NewSelect().Model(d).Column("signed_at").Where("state = ?", DailySigned).Where("day < ?", day).OrderExpr("day DESC").Limit(1).Scan(ctx)
	if store.NoRows(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, store.Classify(fmt.Errorf("health check before: %w", err))
	}
	return d.SignedAt.Time, nil
}

// drafts lists health checks that nobody signed yet.
func drafts(ctx context.Context, db bun.IDB) ([]*Daily, error) {
	var out []*Daily
	if err := db.NewSelect().Model(&out).Where("state = ?", DailyDraft).Order("day").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("health checks to be signed: %w", err))
	}
	return out, nil
}

func dailyItems(ctx context.Context, db bun.IDB, id string) ([]DailyItem, error) {
	out := []DailyItem{}
	if err := db.NewSelect().Model(&out).Where("daily_id = ?", id).Order("position").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("items of the health check: %w", err))
	}
	return out, nil
}

// saveDaily stores a health check that stands at the version the caller saw.
func saveDaily(ctx context.Context, tx *store.Tx, d *Daily) error {
	version := d.Version
	d.Version++
	res, err := tx.NewUpdate().Model(d).WherePK().Where("version = ?", version).Exec(ctx)
	return stale(res, err, "health check")
}

// spanOf counts the rounds that ended and those that did not take place since a moment.
func spanOf(ctx context.Context, db bun.IDB, since time.Time) (Span, error) {
	var s Span
	err := db.NewSelect().Model((*Round)(nil)).
		ColumnExpr("count(*) AS rounds, coalesce(sum(planned), 0) AS planned, coalesce(sum(ran), 0) AS ran, coalesce(sum(missed), 0) AS missed").
		Where("state = ?", roundFinished).Where("started_at >= ?", store.At(since)).Scan(ctx, &s.Rounds, &s.Planned, &s.Ran, &s.Missed)
	if err != nil {
		return s, store.Classify(fmt.Errorf("rounds since: %w", err))
	}
	err = db.NewSelect().Model((*Gap)(nil)).ColumnExpr("coalesce(sum(missed_rounds), 0)").Where("noted_at >= ?", store.At(since)).Scan(ctx, &s.GapRounds)
	if err != nil {
		return s, store.Classify(fmt.Errorf("gaps since: %w", err))
	}
	return s, nil
}

// stateCount is how many checks say something.
type stateCount struct {
	State, Reason string
	N             int64
}

// inspected narrows checks to those that take part.
func inspected(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Where("enabled = 1").Where("retired = 0").Where("exemption <> ?", exempted)
}

func checkCounts(ctx context.Context, db bun.IDB) ([]stateCount, error) {
	var out []stateCount
	if err := inspected(db.NewSelect().Model((*Check)(nil)).ColumnExpr("state, reason, count(*) AS n")).Group("state", "reason").Scan(ctx, &out); err != nil {
		return nil, store.Classify(fmt.Errorf("states of checks: %w", err))
	}
	return out, nil
}

// badChecks lists the checks that are not good, the gravest first.
func badChecks(ctx context.Context, db bun.IDB, most int) ([]*Check, error) {
	var out []*Check
	if err := inspected(db.NewSelect().Model(&out).Where("rank >= ?", rankWarning)).OrderExpr("rank DESC, id DESC").Limit(int64(most)).Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("checks that are not good: %w", err))
	}
	return out, nil
}

// lostItems are items that rounds of a plan missed for one reason.
type lostItems struct {
	PlanID, PlanName, MissedReason string
	Rounds, Missed                 int64
	First                          store.Time
}

func lostSince(ctx context.Context, db bun.IDB, since time.Time, most int) ([]lostItems, error) {
	var out []lostItems
	err := db.NewSelect().Model((*Round)(nil)).
		ColumnExpr("plan_id, max(plan_name) AS plan_name, missed_reason, count(*) AS rounds, sum(missed) AS missed, min(started_at) AS first").
		Where("state = ?", roundFinished).Where("started_at >= ?", store.At(since)).Where("missed > 0").
		Group("plan_id", "missed_reason").OrderExpr("plan_id, missed_reason").Limit(int64(most)).Scan(ctx, &out)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("items that were missed: %w", err))
	}
	return out, nil
}

func gapsSince(ctx context.Context, db bun.IDB, since time.Time, most int) ([]*Gap, error) {
	var out []*Gap
	if err := db.NewSelect().Model(&out).Where("noted_at >= ?", store.At(since)).OrderExpr("noted_at DESC, id DESC").Limit(int64(most)).Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("gaps since: %w", err))
	}
	return out, nil
}

// openFindings lists findings that are not closed: those past their time first, then the gravest.
func openFindings(ctx context.Context, db bun.IDB, most int) ([]Finding, error) {
	out := []Finding{}
	err := db.NewSelect().Model(&out).Where("active = 1").
		OrderExpr("overdue DESC, CASE severity WHEN 'critical' THEN 3 WHEN 'unknown' THEN 2 ELSE 1 END DESC, opened_at, id").Limit(int64(most)).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("open findings: %w", err))
	}
	return out, nil
}

// activeFindings reads the open findings of checks.
func activeFindings(ctx context.Context, db bun.IDB, checkIDs []string) (map[string]*Finding, error) {
	out := map[string]*Finding{}
	if len(checkIDs) == 0 {
		return out, nil
	}
	var rows []*Finding
	if err := db.NewSelect().Model(&rows).Where("active = 1").Where("check_id IN (?)", bun.List(checkIDs)).Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("open findings: %w", err))
	}
	for _, f := range rows {
		out[f.CheckID] = f
	}
	return out, nil
}

// findingCounts counts findings: not closed, of these overdue, and opened and closed since a moment.
func findingCounts(ctx context.Context, db bun.IDB, since time.Time) (open, overdue, opened, closed int64, err error) {
	from := store.At(since)
	for _, c := range []struct {
		into  *int64
		where string
		args  []any
	}{
		{&open, "active = 1", nil},
		{&overdue, "active = 1 AND overdue = 1", nil},
		{&opened, "opened_at >= ?", []any{from}},
		{&closed, "closed_at >= ?", []any{from}},
	} {
		n, err := db.NewSelect().Model((*Finding)(nil)).Where(c.where, c.args...).Count(ctx)
		if err != nil {
			return 0, 0, 0, 0, store.Classify(fmt.Errorf("count findings: %w", err))
		}
		*c.into = int64(n)
	}
	return open, overdue, opened, closed, nil
}

// changedFindings lists findings opened or closed since a moment, the latest first.
func changedFindings(ctx context.Context, db bun.IDB, column string, since time.Time, most int) ([]Finding, error) {
	out := []Finding{}
	err := db.NewSelect().Model(&out).Where("? >= ?", bun.Ident(column), store.At(since)).OrderExpr("? DESC, id DESC", bun.Ident(column)).Limit(int64(most)).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("findings that changed: %w", err))
	}
	return out, nil
}

func findDaily(ctx context.Context, db bun.IDB, scope store.Scope, day calendar.Date) (*Daily, error) {
	d, err := dailyOf(ctx, db, day)
	if err != nil {
		return nil, err
	}
	if d == nil || !scope.Covers(d.AreaPath, d.SystemID) {
		return nil, problem.Missing("health check", day.String())
	}
	return d, nil
}
