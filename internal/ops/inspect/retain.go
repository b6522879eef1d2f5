package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/store"
)

const (
	// keepResults is how long results are kept; rounds, findings and gaps are kept for ever.
	keepResults = 90 * 24 * time.Hour
	retainEvery = time.Hour
	// retainChunk rows go in one transaction, so that others need not wait, and retainMost in one
	// pass, so that a clock that is set wrong cannot cost everything at once.
	retainChunk = 1000
	retainMost  = 100_000
)

// retain deletes what is older than it is kept.
func (m *Module) retain(ctx context.Context) {
	lifecycle.Every(ctx, retainEvery, func(ctx context.Context) {
		if _, err := m.forget(ctx, m.clock.Now().Add(-keepResults)); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "old results not deleted", "error", err)
		}
	})
}

// forget deletes results and items from before a time and returns how many.
func (m *Module) forget(ctx context.Context, before time.Time) (int64, error) {
	var total int64
	for total < retainMost && ctx.Err() == nil {
		var n int64
		err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
			results, err := deleteResults(ctx, tx, before, retainChunk)
			if err != nil {
				return err
			}
			items, err := deleteItems(ctx, tx, firstIDOf(before), retainChunk)
			n = results + items
			return err
		})
		if err != nil {
			return total, err
		}
		if total += n; n == 0 {
			break
		}
	}
	return total, ctx.Err()
}

// firstIDOf is the smallest UUIDv7 of a millisecond.
func firstIDOf(t time.Time) string {
	var id uuid.UUID
	ms := uint64(t.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[8] = 0x70, 0x80
	return fmt.Sprint(id)
}
