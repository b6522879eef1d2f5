package inspect

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func stateWords() []string {
	return []string{probe.OK.String(), probe.Warning.String(), probe.Critical.String(), probe.Unknown.String()}
}

func classWords() []string {
	var out []string
	for _, c := range probe.Classes() {
		out = append(out, string(c))
	}
	return out
}

func checkList() *store.ListSpec {
	return &store.ListSpec{
		Table: "chk", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "asset_id", Column: "asset_id"},
			{Name: "class", Column: "class", OneOf: classWords()},
			{Name: "state", Column: "state", OneOf: stateWords()},
			{Name: "reason", Column: "reason"},
			{Name: "kind", Column: "kind"},
			{Name: "enabled", Column: "enabled"},
			{Name: "exemption", Column: "exemption", OneOf: []string{applies, maybeExempted, exempted}},
			{Name: "q", Match: store.Has, Columns: []string{"title_zh", "title_en", "target", "asset_name"}},
		},
		Sorts:       map[string]string{"state": "rank", "created_at": "created_at"},
		DefaultSort: "-state", // red first
	}
}

func findCheck(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Check, error) {
	c := new(Check)
	err := db.NewSelect().Model(c).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(c.AreaPath, c.SystemID)) {
		return nil, problem.Missing("check", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find check: %w", err))
	}
	return c, nil
}

// checksByID reads checks whatever the caller may see: names for rows that the caller sees already.
func checksByID(ctx context.Context, db bun.IDB, ids []string) (map[string]*Check, error) {
	return byID(ctx, db, ids, func(c *Check) string { return c.ID }, "id")
}

// statesOf reads what checks said last.
func statesOf(ctx context.Context, db bun.IDB, checkIDs []string) (map[string]*CheckState, error) {
	return byID(ctx, db, checkIDs, func(s *CheckState) string { return s.CheckID }, "check_id")
}

// byID reads rows by a unique column, in pieces that keep a statement short.
func byID[T any](ctx context.Context, db bun.IDB, ids []string, key func(*T) string, column string) (map[string]*T, error) {
	const piece = 500
	out := make(map[string]*T, len(ids))
	for len(ids) > 0 {
		n := min(piece, len(ids))
		var rows []*T
		if err := db.NewSelect().Model(&rows).Where("? IN (?)", bun.Ident(column), bun.List(ids[:n])).Scan(ctx); err != nil {
			return nil, store.Classify(fmt.Errorf("read rows by id: %w", err))
		}
		for _, r := range rows {
			out[key(r)] = r
		}
		ids = ids[n:]
	}
	return out, nil
}

// saveCheck stores changed settings if nobody changed them meanwhile.
func saveCheck(ctx context.Context, tx *store.Tx, c *Check) error {
	was := c.Version
	c.Version++
	c.UpdatedAt = store.At(tx.Now())
	res, err := tx.NewUpdate().Model(c).Column("params", "secrets", "warn", "crit", "enabled", "target", "class", "title_zh", "title_en", "updated_at", "version").
		WherePK().Where("version = ?", was).Exec(ctx)
	return stale(res, err, "check")
}

// worstOf reads the gravest state of each asset's checks.
func worstOf(ctx context.Context, db bun.IDB, assetIDs []string) (map[string]string, error) {
	var rows []struct {
		AssetID string
		Rank    int
	}
	err := db.NewSelect().Model((*Check)(nil)).ColumnExpr("asset_id, max(rank) AS rank").
		Where("asset_id IN (?)", bun.List(assetIDs)).Where("enabled = 1").Where("exemption <> ?", exempted).Where("state <> ''").
		Where("reason <> ?", probe.ReasonNoSource).Group("asset_id").Scan(ctx, &rows)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("worst states: %w", err))
	}
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		for _, s := range stateWords() {
			if rankOf(s, "") == r.Rank {
				out[r.AssetID] = s
			}
		}
	}
	return out, nil
}

// overviewTells reports whether another check of the same asset says that what c asks does not serve: the
// finding is that one's to open. When it is switched off, gone or not applicable, each question opens
// its own, so that nothing stays unseen.
func overviewTells(ctx context.Context, tx *store.Tx, c *Check, kind string) (bool, error) {
	if kind == "" {
		return false, nil
	}
	targets := []string{c.Target}
	if via, _ := c.Params["via"].(string); via != "" {
		targets = append(targets, via) // the login itself, whatever is looked at over it
	}
	var ids []string
	err := tx.NewSelect().Model((*Check)(nil)).Column("id").Where("asset_id = ?", c.AssetID).Where("kind = ?", kind).
		Where("target IN (?)", bun.List(targets)).Where("enabled = 1").Where("retired = 0").Scan(ctx, &ids)
	if err != nil {
		return false, fmt.Errorf("overview of a check: %w", err)
	}
	for _, id := range ids {
		if out, err := isExempted(ctx, tx, id); err != nil || !out {
			return err == nil, err
		}
	}
	return false, nil
}
