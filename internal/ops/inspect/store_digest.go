package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/segment"
)

// storedDigest is the digest of what a check said on a day.
type storedDigest struct {
	bun.BaseModel `bun:"table:inspect_digest,alias:digest"`
	CheckID       string `bun:",pk"`
	Day           int64  `bun:",pk"`
	Hourly        int    // 1 while it has the hours
	Body          []byte
}

func putDigests(ctx context.Context, tx *store.Tx, rows []*storedDigest) error {
	if _, err := tx.NewInsert().Model(&rows).On("CONFLICT (check_id, day) DO UPDATE").
		Set("hourly = EXCLUDED.hourly").Set("body = EXCLUDED.body").Exec(ctx); err != nil {
		return fmt.Errorf("store digests: %w", err)
	}
	return nil
}

// digestsOf reads the digests of a check, from the first day to the last.
func digestsOf(ctx context.Context, db bun.IDB, checkID string, first, last int64) ([]dayDigest, error) {
	var rows []*storedDigest
	err := db.NewSelect().Model(&rows).Where("check_id = ?", checkID).Where("day BETWEEN ? AND ?", first, last).Order("day").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("digests of a check: %w", err))
	}
	out := make([]dayDigest, len(rows))
	for i, r := range rows {
		d, err := segment.OpenDigest(r.Body)
		if err != nil {
			return nil, fmt.Errorf("digest of check %s on day %d: %w", checkID, r.Day, err)
		}
		out[i] = dayDigest{r.Day, d}
	}
	return out, nil
}

// manySegments reports whether a check's results of a span of days lie in more than most segments.
func manySegments(ctx context.Context, db bun.IDB, only seriesSet, first, last int64, most int) (bool, error) {
	if len(only) == 0 {
		return false, nil
	}
	part := db.NewSelect().Model((*storedSegment)(nil)).ColumnExpr("1").Where("day BETWEEN ? AND ?", first, last).
		Where("series_lo <= ?", only[len(only)-1]).Where("series_hi >= ?", only[0]).Limit(int64(most) + 1)
	var n int
	if err := db.NewSelect().TableExpr("(?) AS counted", part).ColumnExpr("count(*)").Scan(ctx, &n); err != nil {
		return false, store.Classify(fmt.Errorf("count segments: %w", err))
	}
	return n > most, nil
}

// undigested lists the closed days whose last revision has no digests yet.
func undigested(ctx context.Context, db bun.IDB, from int64) ([]*coveredDay, error) {
	var out []*coveredDay
	err := db.NewSelect().Model(&out).Where("day >= ?", from).Where("digested < revision").Order("day").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("days without digests: %w", err))
	}
	return out, nil
}

// digested notes that a revision of a day has its digests.
func digested(ctx context.Context, tx *store.Tx, d *coveredDay) error {
	if _, err := tx.NewUpdate().Model(d).Set("digested = ?", d.Revision).WherePK().Where("digested < ?", d.Revision).Exec(ctx); err != nil {
		return fmt.Errorf("closed day: %w", err)
	}
	return nil
}

// checksAfter lists the next checks by id.
func checksAfter(ctx context.Context, db bun.IDB, id string, most int64) ([]string, error) {
	var out []string
	err := db.NewSelect().Model((*Check)(nil)).Column("id").Where("id > ?", id).Order("id").Limit(most).Scan(ctx, &out)
	if err != nil && !store.NoRows(err) {
		return nil, store.Classify(fmt.Errorf("checks: %w", err))
	}
	return out, nil
}

// digestDay gathers what some checks said on a day.
func (m *Module) digestDay(ctx context.Context, day int64, checkIDs []string) (map[string]*hours, error) {
	out := map[string]*hours{}
	of := func(id string) *hours {
		if out[id] == nil {
			out[id] = &hours{}
		}
		return out[id]
	}
	err := m.snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
		var rows []*Result
		err := db.NewSelect().Model(&rows).Column("check_id", "ran_at", "state", "reason", "perf").Where("check_id IN (?)", bun.List(checkIDs)).
			Where("ran_at >= ?", store.At(dayStart(day))).Where("ran_at < ?", store.At(dayStart(day+1))).Order("check_id", "ran_at", "id").Scan(ctx)
		if err != nil {
			return store.Classify(fmt.Errorf("results of a day: %w", err))
		}
		for _, r := range rows {
			of(r.CheckID).add(day, r.RanAt.Time, r.State, r.Reason, r.Perf)
		}
		if err := readSeries(ctx, db, m.series); err != nil {
			return err
		}
		only := m.series.choose(func(s *resultSeries) bool { _, found := slices.BinarySearch(checkIDs, s.CheckID); return found })
		if len(only) == 0 {
			return nil
		}
		list, err := segmentsOfDay(ctx, db, day, 0, dayStart(day+1).UnixMicro(), only)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(list, 16) {
			opened, err := openSegments(ctx, db, &m.bodies, part)
			if err != nil {
				return err
			}
			for _, seg := range opened {
				var failed error
				seg.Runs(func(series int64, from, to int) {
					if failed != nil || !only.has(series) {
						return
					}
					s := m.series.get(series)
					for i := from; i < to; i++ {
						perf, err := seg.Perf(i)
						if err != nil {
							failed = err
							return
						}
						of(s.CheckID).add(day, time.UnixMicro(seg.RanAt(i)), s.State, s.Reason, perf)
					}
				})
				if failed != nil {
					return failed
				}
			}
		}
		return nil
	})
	return out, err
}

// coarsenDigests keeps of the oldest digests from before a day the day only, at most so many.
func coarsenDigests(ctx context.Context, tx *store.Tx, before, most int64) (int64, error) {
	var rows []*storedDigest
	if err := tx.NewSelect().Model(&rows).Where("hourly = 1").Where("day < ?", before).Order("day", "check_id").Limit(most).Scan(ctx); err != nil {
		return 0, fmt.Errorf("old digests: %w", err)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	for _, r := range rows {
		d, err := segment.OpenDigest(r.Body)
		if err != nil {
			return 0, fmt.Errorf("digest of check %s on day %d: %w", r.CheckID, r.Day, err)
		}
		r.Hourly, r.Body = 0, d.Whole().Encode()
	}
	return int64(len(rows)), putDigests(ctx, tx, rows)
}

// deleteDigests deletes digests from before a day, at most so many.
func deleteDigests(ctx context.Context, tx *store.Tx, before, most int64) (int64, error) {
	old := tx.NewSelect().Model((*storedDigest)(nil)).Column("check_id", "day").Where("day < ?", before).Limit(most)
	res, err := tx.NewDelete().Model((*storedDigest)(nil)).Where("(check_id, day) IN (?)", old).Exec(ctx)
	return affected(res, err, "deletion of digests")
}

// chartSegments is in how many segments the results of a chart may lie that shows each of them.
const chartSegments = 150

// digests reads what a check said in a long span, or none when the span is short enough to show each
// result. What is not digested yet, the last days at most, is digested now.
func (m *Module) digests(ctx context.Context, checkID string, from, to time.Time) (out []dayDigest, long bool, err error) {
	const fresh = 2 // days that may not be digested yet, besides today
	now := m.clock.Now()
	if to.After(now) {
		to = now.Add(time.Microsecond)
	}
	err = m.snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
		first, last := dayOf(from), dayOf(to)
		if long = first < dayOf(now)-keepDays; !long {
			if err := readSeries(ctx, db, m.series); err != nil {
				return err
			}
			only := m.series.choose(func(s *resultSeries) bool { return s.CheckID == checkID })
			if long, err = manySegments(ctx, db, only, first, last, chartSegments); err != nil || !long {
				return err
			}
		}
		kept, err := digestsOf(ctx, db, checkID, first, last)
		if err != nil {
			return err
		}
		begin := max(last-fresh, first)
		if n := len(kept); n > 0 {
			begin = max(begin, kept[n-1].day+1)
		}
		rows, err := m.course(ctx, db, checkID, dayStart(begin), to)
		if err != nil {
			return err
		}
		out = byDay(kept, digestsOfRows(rows))
		return nil
	})
	return out, long, err
}
