package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// conversion is how far the results that an older version stored have been moved; the row is there until
// all have been.
type conversion struct {
	bun.BaseModel `bun:"table:inspect_convert,alias:conv"`
	Name          string `bun:",pk"`
	Upto          int64  // results that ran after this were stored by this version
	RanAt         int64  // the last result that was looked at
	ResultID      string
	RoundID       string // the last round whose items were deleted
}

const convertResults = "results"

func holdConversion(ctx context.Context, tx *store.Tx) (*conversion, error) {
	c := new(conversion)
	q := tx.NewSelect().Model(c).Where("name = ?", convertResults)
	if tx.Engine() == store.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(ctx); store.NoRows(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("results of an older version: %w", err)
	}
	return c, nil
}

func saveConversion(ctx context.Context, tx *store.Tx, c *conversion) error {
	if _, err := tx.NewUpdate().Model(c).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("results of an older version: %w", err)
	}
	return nil
}

func endConversion(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.NewDelete().Model((*conversion)(nil)).Where("name = ?", convertResults).Exec(ctx); err != nil {
		return fmt.Errorf("results of an older version: %w", err)
	}
	return nil
}

// rowsAfter reads the next results in the order of time.
func rowsAfter(ctx context.Context, tx *store.Tx, c *conversion, most int64) ([]*Result, error) {
	var rows []*Result
	err := tx.NewSelect().Model(&rows).Where("(ran_at, id) > (?, ?)", c.RanAt, c.ResultID).
		Where("ran_at <= ?", store.At(time.UnixMicro(c.Upto))).Order("ran_at", "id").Limit(most).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("results of an older version: %w", err)
	}
	return rows, nil
}

// deleteRows deletes results that are in a segment now.
func deleteRows(ctx context.Context, tx *store.Tx, results []*Result) error {
	const piece = 500
	for len(results) > 0 {
		part := results[:min(piece, len(results))]
		ids := make([]string, len(part))
		for i, r := range part {
			ids[i] = r.ID
		}
		res, err := tx.NewDelete().Model((*Result)(nil)).Where("id IN (?)", bun.List(ids)).Exec(ctx)
		if n, err := affected(res, err, "moved results"); err != nil {
			return err
		} else if n != int64(len(ids)) {
			return fmt.Errorf("%d of %d moved results were there", n, len(ids))
		}
		results = results[len(part):]
	}
	return nil
}

// deleteRanItems deletes the items of the next rounds whose results say that they ran.
func deleteRanItems(ctx context.Context, tx *store.Tx, c *conversion) (more bool, err error) {
	const rounds = 50
	for range rounds {
		var next []string
		err := tx.NewSelect().Model((*Item)(nil)).Column("round_id").Where("round_id > ?", c.RoundID).
			Order("round_id").Limit(1).Scan(ctx, &next)
		if err != nil && !store.NoRows(err) {
			return false, fmt.Errorf("items of an older version: %w", err)
		}
		if len(next) == 0 {
			return false, nil
		}
		if _, err := tx.NewDelete().Model((*Item)(nil)).Where("round_id = ?", next[0]).Where("state = ?", itemRan).Exec(ctx); err != nil {
			return false, fmt.Errorf("items of an older version: %w", err)
		}
		c.RoundID = next[0]
	}
	return true, nil
}
