package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// OpenedBetween returns the findings of a scope that were opened from a time on and before another, the
// latest first. It reads at most so many before the scope narrows them; with more it refuses.
func (m *Module) OpenedBetween(ctx context.Context, scope store.Scope, from, to time.Time, most int) ([]Finding, error) {
	var rows []Finding
	err := m.db.Read().NewSelect().Model(&rows).Where("opened_at >= ?", store.At(from)).Where("opened_at < ?", store.At(to)).
		OrderExpr("opened_at DESC, id DESC").Limit(int64(most) + 1).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("findings of a span: %w", err))
	}
	if len(rows) > most {
		return nil, problem.InvalidField("query.from", "too_many", "more than %d findings: choose fewer days", most)
	}
	out := rows[:0]
	for _, f := range rows {
		if scope.Covers(f.AreaPath, f.SystemID) {
			out = append(out, f)
		}
	}
	return out, nil
}

// Finding returns one finding, or a problem with code not_found.
func (m *Module) Finding(ctx context.Context, scope store.Scope, id string) (Finding, error) {
	f, err := findFinding(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Finding{}, err
	}
	return *f, nil
}

// Inspected tells which assets have checks that run.
func (m *Module) Inspected(ctx context.Context, assetIDs []string) (map[string]bool, error) {
	out := map[string]bool{}
	for len(assetIDs) > 0 {
		n := min(len(assetIDs), 500)
		var ids []string
		err := m.db.Read().NewSelect().Model((*Check)(nil)).Distinct().Column("asset_id").Where("asset_id IN (?)", bun.List(assetIDs[:n])).
			Where("enabled = 1").Where("retired = 0").Scan(ctx, &ids)
		if err != nil {
			return nil, store.Classify(fmt.Errorf("assets with checks: %w", err))
		}
		for _, id := range ids {
			out[id] = true
		}
		assetIDs = assetIDs[n:]
	}
	return out, nil
}
