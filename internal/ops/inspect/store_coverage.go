package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

func coverageList() *store.ListSpec {
	return &store.ListSpec{
		Table: "coverage", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "class", Column: "class", OneOf: classWords()},
			{Name: "area_path", Column: "area_path", Match: store.Under},
			{Name: "system_id", Column: "system_id"},
			{Name: "from", Column: "day_at", Match: store.Since},
			{Name: "to", Column: "day_at", Match: store.Until},
		},
		Sorts:       map[string]string{"day": "day_at"},
		DefaultSort: "-day",
	}
}

// lastRevision narrows a list of coverage to what holds.
func lastRevision(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("coverage.current = 1") }

// firstRoundAt is when the first round began; false when there was none.
func firstRoundAt(ctx context.Context, db bun.IDB) (time.Time, bool, error) {
	var first []int64
	err := db.NewSelect().Model((*Round)(nil)).Column("started_at").Order("started_at").Limit(1).Scan(ctx, &first)
	if err != nil && !store.NoRows(err) {
		return time.Time{}, false, store.Classify(fmt.Errorf("first round: %w", err))
	}
	if len(first) == 0 {
		return time.Time{}, false, nil
	}
	return time.UnixMicro(first[0]), true, nil
}

// lastCovered is the last day that was closed; false when none was.
func lastCovered(ctx context.Context, db bun.IDB) (int64, bool, error) {
	var days []int64
	err := db.NewSelect().Model((*coveredDay)(nil)).Column("day").OrderExpr("day DESC").Limit(1).Scan(ctx, &days)
	if err != nil && !store.NoRows(err) {
		return 0, false, store.Classify(fmt.Errorf("closed days: %w", err))
	}
	if len(days) == 0 {
		return 0, false, nil
	}
	return days[0], true, nil
}

// waitsFor reports whether a day is not over yet for some round or server.
func waitsFor(ctx context.Context, db bun.IDB, day int64) (bool, error) {
	end := store.At(dayStart(day + 1))
	running, err := db.NewSelect().Model((*Round)(nil)).Where("state = ?", roundRunning).Where("started_at < ?", end).Count(ctx)
	if err != nil {
		return false, store.Classify(fmt.Errorf("rounds under way: %w", err))
	}
	owed, err := db.NewSelect().Model((*Plan)(nil)).Where("enabled = 1").Where("next_due_at < ?", end).Count(ctx)
	if err != nil {
		return false, store.Classify(fmt.Errorf("plans that are late: %w", err))
	}
	return running+owed > 0, nil
}

// roundsOfDay reads the rounds that began on a day, in the order of their ids.
func roundsOfDay(ctx context.Context, db bun.IDB, day int64) ([]*Round, error) {
	var out []*Round
	err := db.NewSelect().Model(&out).Where("started_at >= ?", store.At(dayStart(day))).Where("started_at < ?", store.At(dayStart(day+1))).
		Order("id").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("rounds of a day: %w", err))
	}
	return out, nil
}

// countRows adds what the rows of rounds say: results, and items without one.
func countRows(ctx context.Context, db bun.IDB, ids []string, into coverage) error {
	for part := range slices.Chunk(ids, 500) {
		var ran, missed []struct {
			Class, AreaPath, SystemID, Reason string
			N                                 int64
		}
		err := db.NewSelect().Model((*Result)(nil)).ColumnExpr("class, area_path, system_id, count(*) AS n").
			Where("round_id IN (?)", bun.List(part)).Group("class", "area_path", "system_id").Scan(ctx, &ran)
		if err != nil {
			return store.Classify(fmt.Errorf("results of a day: %w", err))
		}
		for _, r := range ran {
			into.ran(coverageKey{r.Class, r.AreaPath, r.SystemID}, r.N)
		}
		err = db.NewSelect().Model((*Item)(nil)).Join("JOIN inspect_check AS c ON c.id = line.check_id").
			ColumnExpr("c.class, c.area_path, c.system_id, line.missed_reason AS reason, count(*) AS n").
			Where("line.round_id IN (?)", bun.List(part)).Where("line.state <> ?", itemRan).
			GroupExpr("c.class, c.area_path, c.system_id, line.missed_reason").Scan(ctx, &missed)
		if err != nil {
			return store.Classify(fmt.Errorf("missed items of a day: %w", err))
		}
		for _, m := range missed {
			reason := m.Reason
			if reason == "" {
				reason = gapStillRunning // its round has not ended
			}
			into.missed(coverageKey{m.Class, m.AreaPath, m.SystemID}, reason, m.N)
		}
	}
	return nil
}

// gapsOfDay reads the gaps of which some slot may lie in a day.
func gapsOfDay(ctx context.Context, db bun.IDB, day int64) ([]*Gap, error) {
	var out []*Gap
	err := db.NewSelect().Model(&out).Where("from_at < ?", store.At(dayStart(day+1))).Where("to_at >= ?", store.At(dayStart(day))).
		Order("id").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("gaps of a day: %w", err))
	}
	return out, nil
}

// latePlans reads plans with slots before a moment that nobody has taken.
func latePlans(ctx context.Context, db bun.IDB, before time.Time) ([]*Plan, error) {
	var out []*Plan
	err := db.NewSelect().Model(&out).Where("enabled = 1").Where("next_due_at < ?", store.At(before)).Order("id").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("plans that are late: %w", err))
	}
	return out, nil
}

// news is a span of time of which something became known at a moment.
type news struct{ FromAt, TillAt, At store.Time }

// daysToLookAt lists closed days, from one on, of which something became known since they were looked at:
// a round of theirs ended after all, results came late, or a gap was noted.
func daysToLookAt(ctx context.Context, db bun.IDB, from int64) ([]*coveredDay, error) {
	var days, out []*coveredDay
	if err := db.NewSelect().Model(&days).Where("day >= ?", from).Order("day").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("closed days: %w", err))
	}
	if len(days) == 0 {
		return nil, nil
	}
	// When the last day was closed, all that was known by then had been looked at.
	last := days[len(days)-1]
	since, over := last.LookedAt, store.At(dayStart(last.Day+1))
	rounds := func() *bun.SelectQuery {
		return db.NewSelect().Model((*Round)(nil)).ColumnExpr("started_at AS from_at, started_at AS till_at")
	}
	var all []news
	for _, q := range []*bun.SelectQuery{
		rounds().ColumnExpr("finished_at AS at").Where("finished_at >= ?", since).Where("started_at < ?", over),
		rounds().ColumnExpr("late_at AS at").Where("late_at >= ?", since),
		db.NewSelect().Model((*Gap)(nil)).ColumnExpr("from_at, to_at AS till_at, noted_at AS at").Where("noted_at >= ?", since).Where("from_at < ?", over),
	} {
		var part []news
		if err := q.Scan(ctx, &part); err != nil {
			return nil, store.Classify(fmt.Errorf("what became known of closed days: %w", err))
		}
		all = append(all, part...)
	}
	for _, d := range days {
		begin, end := dayStart(d.Day), dayStart(d.Day+1)
		if slices.ContainsFunc(all, func(n news) bool {
			return !n.At.Before(d.LookedAt.Time) && n.FromAt.Before(end) && !n.TillAt.Before(begin)
		}) {
			out = append(out, d)
		}
	}
	return out, nil
}

// coverageOf reads the last revision of a day.
func coverageOf(ctx context.Context, db bun.IDB, day int64) ([]*Coverage, error) {
	var out []*Coverage
	err := db.NewSelect().Model(&out).Where("current = 1").Where("day_at = ?", store.At(dayStart(day))).
		Order("area_path", "system_id", "class").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("coverage of a day: %w", err))
	}
	return out, nil
}

// takeDay makes a revision of a day this transaction's; false when another server made it.
func takeDay(ctx context.Context, tx *store.Tx, d coveredDay) (bool, error) {
	if d.Revision == 1 {
		res, err := tx.NewInsert().Model(&d).On("CONFLICT (day) DO NOTHING").Exec(ctx)
		n, err := affected(res, err, "closed day")
		return n == 1, err
	}
	res, err := tx.NewUpdate().Model(&d).Column("revision", "closed_at", "looked_at").WherePK().
		Where("revision = ?", d.Revision-1).Exec(ctx)
	n, err := affected(res, err, "closed day")
	return n == 1, err
}

// looked notes that nothing of a day changed up to a moment.
func looked(ctx context.Context, tx *store.Tx, d *coveredDay, at store.Time) error {
	if _, err := tx.NewUpdate().Model(d).Set("looked_at = ?", at).WherePK().Where("revision = ?", d.Revision).Exec(ctx); err != nil {
		return fmt.Errorf("closed day: %w", err)
	}
	return nil
}

// putCoverage stores a revision of a day in the place of the one before.
func putCoverage(ctx context.Context, tx *store.Tx, day int64, rows []*Coverage) error {
	if _, err := tx.NewUpdate().Model((*Coverage)(nil)).Set("current = 0").Where("day_at = ?", store.At(dayStart(day))).
		Where("current = 1").Exec(ctx); err != nil {
		return fmt.Errorf("store coverage: %w", err)
	}
	for part := range slices.Chunk(rows, 200) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return fmt.Errorf("store coverage: %w", err)
		}
	}
	return nil
}

// countPackedOf adds the results in segments of rounds that ran within a span of time.
func (m *Module) countPackedOf(ctx context.Context, db bun.IDB, rounds []*Round, into coverage) error {
	ask := everything()
	ask.rounds = map[string]bool{}
	first, last := store.Time{}, store.Time{}
	for _, r := range rounds {
		if r.FirstRanAt.IsZero() {
			continue
		}
		ask.rounds[r.ID] = true
		if first.IsZero() || r.FirstRanAt.Before(first.Time) {
			first = r.FirstRanAt
		}
		if r.LastRanAt.After(last.Time) {
			last = r.LastRanAt
		}
	}
	if first.IsZero() {
		return nil
	}
	if err := readSeries(ctx, db, m.series); err != nil {
		return err
	}
	ask.from, ask.to = first.UnixMicro(), last.UnixMicro()+1
	return m.eachDay(ctx, db, ask, func(list []*storedSegment) (bool, error) {
		for part := range slices.Chunk(list, 16) {
			opened, err := openSegments(ctx, db, &m.bodies, part)
			if err != nil {
				return false, err
			}
			for _, seg := range opened {
				var missing error
				seg.Runs(func(series int64, from, to int) {
					var n int64
					for i := from; i < to; i++ {
						if ask.rounds[seg.RoundID(i)] {
							n++
						}
					}
					s := m.series.get(series)
					if s == nil {
						missing = fmt.Errorf("a segment names series %d, which is not there", series)
					} else if n > 0 {
						into.ran(coverageKey{s.Class, s.AreaPath, s.SystemID}, n)
					}
				})
				if missing != nil {
					return false, missing
				}
			}
		}
		return false, nil
	})
}

// coverDay reckons the coverage of a day from what is stored, all as of one moment.
func (m *Module) coverDay(ctx context.Context, day int64) (rows []*Coverage, err error) {
	into := coverage{}
	root := treeRoot(nil)
	err = m.snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
		rounds, err := roundsOfDay(ctx, db, day)
		if err != nil {
			return err
		}
		ids, roots := make([]string, len(rounds)), []string{}
		for i, r := range rounds {
			ids[i] = r.ID
			if r.TreeRoot != "" {
				roots = append(roots, r.TreeRoot)
			}
		}
		root = treeRoot(roots)
		if err := countRows(ctx, db, ids, into); err != nil {
			return err
		}
		if err := m.countPackedOf(ctx, db, rounds, into); err != nil {
			return err
		}
		return m.countMissing(ctx, db, day, into)
	})
	if err != nil {
		return nil, err
	}
	rows = into.rows()
	for _, r := range rows {
		r.TreeRoot = root
	}
	return rows, nil
}

// countMissing adds the rounds of a day that did not take place, with the checks that their plans have.
func (m *Module) countMissing(ctx context.Context, db bun.IDB, day int64, into coverage) error {
	add := func(p *Plan, rounds int64, reason string) error {
		if rounds <= 0 {
			return nil
		}
		checks, err := checksOf(ctx, db, p)
		if err != nil {
			return err
		}
		for _, c := range checks {
			into.missed(coverageKey{c.Class, c.AreaPath, c.SystemID}, reason, rounds)
		}
		return nil
	}
	gaps, err := gapsOfDay(ctx, db, day)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		n := g.within(day)
		if n == 0 || g.Reason == gapEmpty {
			continue // a plan without checks had none planned
		}
		p, err := findPlan(ctx, db, store.Everything(), g.PlanID)
		if err != nil {
			return err
		}
		if err := add(p, n, g.Reason); err != nil {
			return err
		}
	}
	late, err := latePlans(ctx, db, dayStart(day+1))
	if err != nil {
		return err
	}
	for _, p := range late {
		if err := add(p, p.owed(day), missedOwed); err != nil {
			return err
		}
	}
	return nil
}
