package inspect

import (
	"context"

	"taxops/internal/kernel/store"
)

// digestChecks is how many checks are digested at once.
const digestChecks = 1000

// digestAll digests the days that were closed, for charts over long spans. What is done twice is done
// alike, so a server that dies in the midst leaves it to the next.
func (m *Module) digestAll(ctx context.Context) error {
	days, err := undigested(ctx, m.db.Read(), dayOf(m.clock.Now())-keepDays)
	if err != nil {
		return err
	}
	for _, d := range days {
		// A round that began before midnight has results after it.
		for day := d.Day; day <= d.Day+1 && (day == d.Day || (d.Revision > 1 && day < dayOf(m.clock.Now()))); day++ {
			if err := m.digestOne(ctx, day); err != nil {
				return err
			}
		}
		if err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return digested(ctx, tx, d) }); err != nil {
			return err
		}
	}
	return nil
}

func (m *Module) digestOne(ctx context.Context, day int64) error {
	after := ""
	for {
		ids, err := checksAfter(ctx, m.db.Read(), after, digestChecks)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		gathered, err := m.digestDay(ctx, day, ids)
		if err != nil {
			return err
		}
		rows := make([]*storedDigest, 0, len(gathered))
		for _, id := range ids {
			if h := gathered[id]; h != nil {
				rows = append(rows, &storedDigest{CheckID: id, Day: day, Hourly: 1, Body: h.digest().Encode()})
			}
		}
		if len(rows) == 0 {
			continue
		}
		if err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return putDigests(ctx, tx, rows) }); err != nil {
			return err
		}
	}
}
