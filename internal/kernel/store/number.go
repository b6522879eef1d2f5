package store

import (
	"context"
	"fmt"
	"time"

	"taxops/internal/kernel/clock"
)

// NextNumber returns the next human number of a kind, for example FND-2026-0001. The year is that of
// Asia/Shanghai; a rolled-back transaction leaves a gap on no engine, a failed later one may.
func NextNumber(ctx context.Context, tx *Tx, kind string) (string, error) {
	year := tx.Now().In(clock.Shanghai()).Year()
	var n int64
	err := tx.NewRaw(`INSERT INTO store_counter (kind, year, n) VALUES (?, ?, 1)
		ON CONFLICT (kind, year) DO UPDATE SET n = store_counter.n + 1 RETURNING n`, kind, year).Scan(ctx, &n)
	if err != nil {
		return "", fmt.Errorf("next number of %s: %w", kind, err)
	}
	return fmt.Sprintf("%s-%d-%04d", kind, year, n), nil
}

// Used reports whether any number was given in this database: it holds an installation that has run.
func (d *DB) Used(ctx context.Context) (bool, error) {
	n, err := d.reader.NewSelect().Table("store_counter").Limit(1).Count(ctx)
	if err != nil {
		return false, Classify(fmt.Errorf("look whether the database is in use: %w", err))
	}
	return n > 0, nil
}

// Day cuts a time to its day in Asia/Shanghai, the day the contract counts in.
func Day(t time.Time) string { return t.In(clock.Shanghai()).Format(time.DateOnly) }
