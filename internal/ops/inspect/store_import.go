package inspect

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// Identities names what the checks of assets look at.
func (m *Module) Identities(ctx context.Context, assetIDs []string) (map[string][]string, error) {
	out := map[string][]string{}
	for len(assetIDs) > 0 {
		n := min(len(assetIDs), 500)
		var rows []Check
		err := m.db.Read().NewSelect().Model(&rows).Column("asset_id", "identity").Where("asset_id IN (?)", bun.List(assetIDs[:n])).Scan(ctx)
		if err != nil {
			return nil, store.Classify(fmt.Errorf("checks of assets: %w", err))
		}
		for _, c := range rows {
			out[c.AssetID] = append(out[c.AssetID], c.Identity)
		}
		assetIDs = assetIDs[n:]
	}
	return out, nil
}

func gone(res sql.Result, err error, what string) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("remove %s: %w", what, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("remove %s: %w", what, err)
	}
	return n == 1, nil
}

// removeCheck deletes a check that never ran, is in no round under way and has no exemption.
func removeCheck(ctx context.Context, tx *store.Tx, c *Check) (bool, error) {
	res, err := tx.NewDelete().Model(c).WherePK().Where("version = ?", c.Version).Where("state = ''").
		Where("NOT EXISTS (SELECT 1 FROM inspect_round AS r JOIN inspect_item AS i ON i.round_id = r.id WHERE r.state = 'running' AND i.check_id = ?)", c.ID).
		Where("NOT EXISTS (SELECT 1 FROM inspect_exemption AS x WHERE x.check_id = ?)", c.ID).Exec(ctx)
	return gone(res, err, "check")
}

// removePlan deletes a plan that never had a round.
func removePlan(ctx context.Context, tx *store.Tx, p *Plan) (bool, error) {
	res, err := tx.NewDelete().Model(p).WherePK().Where("version = ?", p.Version).
		Where("NOT EXISTS (SELECT 1 FROM inspect_round AS r WHERE r.plan_id = ?)", p.ID).
		Where("NOT EXISTS (SELECT 1 FROM inspect_gap AS g WHERE g.plan_id = ?)", p.ID).Exec(ctx)
	return gone(res, err, "plan")
}

func switchOff(ctx context.Context, tx *store.Tx, p *Plan) error {
	if _, err := tx.NewUpdate().Model(p).Column("enabled").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("switch the plan off: %w", err)
	}
	return nil
}
