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
	// keepDays is how many days results in segments are kept: those that said nothing new.
	keepDays = 90
	// keepMonths is how long results are kept that were not OK or began to say something else, and items
	// that were missed. Rounds, findings and gaps are kept for ever.
	keepMonths  = 27
	retainEvery = time.Hour
	// retainChunk rows go in one transaction, so that others need not wait, and retainMost in one
	// pass, so that a clock that is set wrong cannot cost everything at once.
	retainChunk    = 1000
	retainMost     = 100_000
	retainSegments = 50
)

// retain deletes what is older than it is kept.
func (m *Module) retain(ctx context.Context) {
	lifecycle.Every(ctx, retainEvery, func(ctx context.Context) {
		now := m.clock.Now()
		if _, err := m.forget(ctx, now.AddDate(0, 0, -keepDays), now.AddDate(0, -keepMonths, 0)); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "old results not deleted", "error", err)
		}
	})
}

// forget deletes segments of days before that of plain and the hours in digests, results, items and digests
// from before changed, and the marks of sources that are silent since plain. It returns how many rows it deleted.
func (m *Module) forget(ctx context.Context, plain, changed time.Time) (int64, error) {
	var total int64
	for total < retainMost && ctx.Err() == nil {
		var n int64
		err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
			results, err := deleteResults(ctx, tx, changed, retainChunk)
			if err != nil {
				return err
			}
			items, err := deleteItems(ctx, tx, firstIDOf(changed), retainChunk)
			if err != nil {
				return err
			}
			segments, err := forgetSegments(ctx, tx, dayOf(plain), retainSegments)
			if err != nil {
				return err
			}
			shortened, err := coarsenDigests(ctx, tx, dayOf(plain), retainChunk)
			if err != nil {
				return err
			}
			digests, err := deleteDigests(ctx, tx, dayOf(changed), retainChunk)
			if err != nil {
				return err
			}
			n = results + items + segments + shortened + digests
			return forgetSources(ctx, tx, plain)
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
