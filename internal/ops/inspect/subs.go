package inspect

import (
	"context"
	"encoding/json"
	"fmt"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Subscriptions are what this module follows: an asset that is renamed, moved or retired takes its
// checks and its active findings along.
func (m *Module) Subscriptions() []journal.Subscription {
	if len(m.changes) == 0 {
		return nil
	}
	return []journal.Subscription{{Name: "inspect.assets", Types: m.changes, Handle: m.followAsset}}
}

func (m *Module) followAsset(ctx context.Context, tx *store.Tx, row journal.Row) error {
	a, err := m.assets.Asset(ctx, row.Subject.ID)
	if problem.CodeOf(err) == problem.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	update := func(model any, where ...string) error {
		q := tx.NewUpdate().Model(model).Set("asset_name = ?", a.Name).Set("area_path = ?", a.AreaPath).Set("system_id = ?", a.SystemID)
		if _, checks := model.(*Check); checks {
			labels, err := json.Marshal(or(a.Labels))
			if err != nil {
				return fmt.Errorf("labels of the asset: %w", err)
			}
			q = q.Set("retired = ?", bit(!a.Active)).Set("asset_kind = ?", a.Kind).Set("asset_labels = ?", string(labels))
			if a.HostID != "" && movesChecks(row) {
				q = q.Set("host_id = ?", a.HostID)
			}
		}
		for _, w := range where {
			q = q.Where(w)
		}
		if _, err := q.Where("asset_id = ?", a.ID).Exec(ctx); err != nil {
			return fmt.Errorf("follow the asset: %w", err)
		}
		return nil
	}
	if err := update((*Check)(nil)); err != nil {
		return err
	}
	if err := update((*Exemption)(nil), "state IN ('proposed', 'active')"); err != nil {
		return err
	}
	return update((*Finding)(nil), "active = 1")
}

// movesChecks reports a change after which another machine inspects the asset.
func movesChecks(row journal.Row) bool {
	changes, _ := row.Fields["changes"].(map[string]any)
	return changes["reach"] != nil || changes["parent_id"] != nil
}
