package inspect

import (
	"context"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/schedule"
)

// cover closes the coverage of days that are over, and digests them for charts.
func (m *Module) cover(ctx context.Context) {
	ctx = journal.WithActor(ctx, journal.SystemActor("inspect"))
	lifecycle.Every(ctx, coverageEvery, func(ctx context.Context) {
		if err := m.coverAll(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "coverage not closed", "error", err)
		}
		if err := m.digestAll(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "results of closed days not digested", "error", err)
		}
	})
}

// coverAll closes the days that are over, one after the other, and makes a further revision of those of
// which something became known since.
func (m *Module) coverAll(ctx context.Context) error {
	now := m.clock.Now()
	// What others are about to commit may bear a time that is past.
	lookedAt := store.At(now.Add(-lookSlack))
	oldest := dayOf(now) - correctDays
	again, err := daysToLookAt(ctx, m.db.Read(), oldest)
	if err != nil {
		return err
	}
	for _, d := range again {
		if err := m.lookAgain(ctx, d, lookedAt); err != nil {
			return err
		}
	}
	day, err := m.nextToCover(ctx, oldest)
	if err != nil {
		return err
	}
	for ; day < dayOf(now) && ctx.Err() == nil; day++ {
		end := dayStart(day + 1)
		if now.Before(end.Add(closeAfter)) {
			return nil
		}
		if waits, err := waitsFor(ctx, m.db.Read(), day); err != nil || (waits && now.Before(end.Add(closePatience))) {
			return err
		}
		rows, err := m.coverDay(ctx, day)
		if err != nil {
			return err
		}
		if err := m.closeDay(ctx, coveredDay{Day: day, Revision: 1, LookedAt: lookedAt}, rows); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// nextToCover is the first day that is not closed; far in the future when nothing ever ran.
func (m *Module) nextToCover(ctx context.Context, oldest int64) (int64, error) {
	last, some, err := lastCovered(ctx, m.db.Read())
	if err != nil {
		return 0, err
	}
	if some {
		return max(last+1, oldest), nil
	}
	first, some, err := firstRoundAt(ctx, m.db.Read())
	if err != nil || !some {
		return dayOf(m.clock.Now()), err
	}
	return max(dayOf(first), oldest), nil
}

// lookAgain reckons a closed day once more.
func (m *Module) lookAgain(ctx context.Context, d *coveredDay, at store.Time) error {
	rows, err := m.coverDay(ctx, d.Day)
	if err != nil {
		return err
	}
	before, err := coverageOf(ctx, m.db.Read(), d.Day)
	if err != nil {
		return err
	}
	if sameFigures(before, rows) {
		return m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return looked(ctx, tx, d, at) })
	}
	return m.closeDay(ctx, coveredDay{Day: d.Day, Revision: d.Revision + 1, LookedAt: at}, rows)
}

// closeDay stores a revision of a day, with a row of the journal for each area and system.
func (m *Module) closeDay(ctx context.Context, d coveredDay, rows []*Coverage) error {
	return m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		d.ClosedAt = store.At(tx.Now())
		mine, err := takeDay(ctx, tx, d)
		if err != nil || !mine {
			return err
		}
		for _, r := range rows {
			if r.ID, err = newID(); err != nil {
				return err
			}
			r.DayAt, r.Revision, r.Current, r.ClosedAt = store.At(dayStart(d.Day)), d.Revision, 1, d.ClosedAt
		}
		if err := putCoverage(ctx, tx, d.Day, rows); err != nil {
			return err
		}
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && rows[n].AreaPath == rows[0].AreaPath && rows[n].SystemID == rows[0].SystemID {
				n++
			}
			if err := m.noteCoverage(ctx, tx, d, rows[:n]); err != nil {
				return err
			}
			rows = rows[n:]
		}
		return nil
	})
}

// noteCoverage writes what became of a day in one area and system.
func (m *Module) noteCoverage(ctx context.Context, tx *store.Tx, d coveredDay, rows []*Coverage) error {
	var planned, ran, missed int64
	reasons, classes := map[string]int64{}, map[string]any{}
	for _, r := range rows {
		planned, ran, missed = planned+r.Planned, ran+r.Ran, missed+r.Missed
		for reason, n := range r.Reasons {
			reasons[reason] += n
		}
		classes[r.Class] = map[string]any{"planned": r.Planned, "ran": r.Ran, "missed": r.Missed}
	}
	day := store.Day(dayStart(d.Day))
	return m.note(ctx, tx, TypeCoverageClosed, subjectCoverage, day, rows[0].AreaPath, rows[0].SystemID, map[string]any{
		"day": day, "revision": d.Revision, "planned": planned, "ran": ran, "missed": missed, "reasons": reasons,
		"classes": classes, "tree_root": rows[0].TreeRoot,
	})
}

// owed counts the slots of a day that nobody has taken although the day is over.
func (p *Plan) owed(day int64) int64 {
	begin, end := dayStart(day), dayStart(day+1)
	if p.NextDueAt.After(begin) {
		begin = p.NextDueAt.Time
	}
	if !begin.Before(end) {
		return 0
	}
	if t := p.Timing.filled(); t.Rhythm == schedule.ByTimes {
		var n int64
		for _, text := range t.Times {
			if at, err := time.Parse("15:04", text); err == nil {
				slot := dayStart(day).Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
				if !slot.Before(begin) {
					n++
				}
			}
		}
		return n
	}
	return int64((end.Sub(begin)-1)/p.interval()) + 1
}
