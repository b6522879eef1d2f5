package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func exemptionList() *store.ListSpec {
	return &store.ListSpec{
		Table: "exemption", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "state", Column: "state", OneOf: []string{
				string(ExemptionProposed), string(ExemptionActive), string(ExemptionRefused), string(ExemptionEnded),
			}},
			{Name: "asset_id", Column: "asset_id"},
			{Name: "kind", Column: "kind"},
		},
		Sorts: map[string]string{"proposed_at": "proposed_at"}, DefaultSort: "-proposed_at",
	}
}

func findExemption(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Exemption, error) {
	e := new(Exemption)
	err := db.NewSelect().Model(e).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(e.AreaPath, e.SystemID)) {
		return nil, problem.Missing("exemption", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find exemption: %w", err))
	}
	return e, nil
}

// exemptionOf finds the exemption that a request asked for.
func exemptionOf(ctx context.Context, tx *store.Tx, requestID string) (*Exemption, error) {
	e := new(Exemption)
	if err := tx.NewSelect().Model(e).Where("request_id = ?", requestID).Scan(ctx); err != nil {
		return nil, fmt.Errorf("exemption of the request: %w", err)
	}
	return e, nil
}

func saveExemption(ctx context.Context, tx *store.Tx, e *Exemption) error {
	was := e.Version
	e.Version++
	res, err := tx.NewUpdate().Model(e).WherePK().Where("version = ?", was).Exec(ctx)
	return stale(res, err, "exemption")
}

// liveExemptions reads the exemptions of an asset and kind that wait or hold.
func liveExemptions(ctx context.Context, db bun.IDB, assetID, kind string) ([]*Exemption, error) {
	var out []*Exemption
	err := db.NewSelect().Model(&out).Where("asset_id = ?", assetID).Where("kind = ?", kind).
		Where("state IN (?)", bun.List([]string{string(ExemptionProposed), string(ExemptionActive)})).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("exemptions of the asset: %w", err))
	}
	return out, nil
}

// overdueExemptions names the exemptions whose last day is over.
func overdueExemptions(ctx context.Context, db bun.IDB, now time.Time) ([]string, error) {
	var ids []string
	err := db.NewSelect().Model((*Exemption)(nil)).Column("id").Where("state = ?", ExemptionActive).
		Where("until_at <= ?", store.At(now)).Order("until_at").Limit(200).Scan(ctx, &ids)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("exemptions that end: %w", err))
	}
	return ids, nil
}

// checksOfKind reads the checks of a kind on an asset.
func checksOfKind(ctx context.Context, tx *store.Tx, assetID, kind string) ([]*Check, error) {
	var out []*Check
	if err := tx.NewSelect().Model(&out).Where("asset_id = ?", assetID).Where("kind = ?", kind).Order("id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("checks of the kind: %w", err)
	}
	return out, nil
}

// markChecks writes to the checks of a kind on an asset what the exemptions that wait or hold say of them.
func markChecks(ctx context.Context, tx *store.Tx, assetID, kind string) ([]*Check, error) {
	live, err := liveExemptions(ctx, tx, assetID, kind)
	if err != nil {
		return nil, err
	}
	checks, err := checksOfKind(ctx, tx, assetID, kind)
	if err != nil {
		return nil, err
	}
	var changed []*Check
	for _, c := range checks {
		word := wordOf(live, c)
		if word == c.Exemption {
			continue
		}
		rank := rankOf(c.State, c.Reason)
		if word == exempted {
			rank = rankExempted
		}
		c.Exemption, c.Rank = word, rank
		// Without the version: whether it applies is not a setting of the check.
		if _, err := tx.NewUpdate().Model((*Check)(nil)).Set("exemption = ?", word).Set("rank = ?", rank).Where("id = ?", c.ID).Exec(ctx); err != nil {
			return nil, fmt.Errorf("store what applies: %w", err)
		}
		changed = append(changed, c)
	}
	return changed, nil
}

// wordOf is what the exemptions of its asset and kind say of a check.
func wordOf(live []*Exemption, c *Check) string {
	word := applies
	for _, e := range live {
		switch {
		case !e.covers(c):
		case e.State == ExemptionActive:
			return exempted
		default:
			word = maybeExempted
		}
	}
	return word
}

// isExempted reports whether a check is not applicable now.
func isExempted(ctx context.Context, tx *store.Tx, checkID string) (bool, error) {
	n, err := tx.NewSelect().Model((*Check)(nil)).Where("id = ?", checkID).Where("exemption = ?", exempted).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("whether a check applies: %w", err)
	}
	return n > 0, nil
}
