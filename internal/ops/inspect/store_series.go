package inspect

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// numberSeries returns the numbers of the series of results, and makes those that are new.
func numberSeries(ctx context.Context, tx *store.Tx, c *catalogue, results []*Result) (map[seriesWords]int64, error) {
	out := make(map[seriesWords]int64, len(results))
	var missing []*resultSeries
	for _, r := range results {
		w := r.series()
		if _, done := out[w]; done {
			continue
		}
		no, known := c.number(w)
		if out[w] = no; !known {
			missing = append(missing, &resultSeries{Key: w.key(), seriesWords: w})
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	if tx.Engine() == store.Postgres {
		// One after the other, so that numbers appear in their order: who has read number 7 has read 6.
		if _, err := tx.NewRaw("LOCK TABLE inspect_series IN SHARE ROW EXCLUSIVE MODE").Exec(ctx); err != nil {
			return nil, fmt.Errorf("number series: %w", err)
		}
	}
	keys := make([]string, len(missing))
	for i, s := range missing {
		keys[i] = s.Key
	}
	insert := tx.NewInsert().Model(&missing).On("CONFLICT (key) DO NOTHING").Returning("NULL")
	if _, err := insert.Exec(ctx); err != nil {
		return nil, fmt.Errorf("number series: %w", err)
	}
	var rows []*resultSeries
	if err := tx.NewSelect().Model(&rows).Where("key IN (?)", bun.List(keys)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("number series: %w", err)
	}
	for _, s := range rows {
		out[s.seriesWords] = s.No
	}
	tx.AfterCommit(func() { c.add(rows...) }) // not before: a transaction that fails leaves no series
	return out, nil
}

// readSeries reads the series that were made since the last time, by this server or another.
func readSeries(ctx context.Context, db bun.IDB, c *catalogue) error {
	var rows []*resultSeries
	if err := db.NewSelect().Model(&rows).Where("no > ?", c.lastRead()).Order("no").Scan(ctx); err != nil {
		return store.Classify(fmt.Errorf("read series: %w", err))
	}
	c.read(rows)
	return nil
}
