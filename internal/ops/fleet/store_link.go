package fleet

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// lockLinks lets one transaction at a time change dependencies: two that each fit could close a circle
// together. SQLite has one writer anyway.
func lockLinks(ctx context.Context, tx *store.Tx) error {
	if tx.Engine() != store.Postgres {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `LOCK TABLE fleet_link IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("lock the dependencies: %w", err)
	}
	return nil
}

func linksOfKind(ctx context.Context, db bun.IDB, kind string) ([]Link, error) {
	var out []Link
	if err := db.NewSelect().Model(&out).Where("kind = ?", kind).Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("dependencies: %w", err))
	}
	return out, nil
}

// linksOf reads the dependencies that touch any of the assets.
func linksOf(ctx context.Context, db bun.IDB, ids []string) ([]Link, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var out []Link
	err := db.NewSelect().Model(&out).Where("from_id IN (?) OR to_id IN (?)", bun.List(ids), bun.List(ids)).Order("id").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("dependencies: %w", err))
	}
	return out, nil
}

func findLink(ctx context.Context, db bun.IDB, id string) (*Link, error) {
	l := new(Link)
	err := db.NewSelect().Model(l).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) {
		return nil, problem.Missing("dependency", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find dependency: %w", err))
	}
	return l, nil
}

// assetsByID reads assets whatever the caller may see.
func assetsByID(ctx context.Context, db bun.IDB, ids []string) ([]Asset, error) {
	const piece = 500
	var out []Asset
	for len(ids) > 0 {
		n := min(piece, len(ids))
		var rows []Asset
		if err := db.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids[:n])).Scan(ctx); err != nil {
			return nil, store.Classify(fmt.Errorf("read assets: %w", err))
		}
		out = append(out, rows...)
		ids = ids[n:]
	}
	return out, nil
}

// onAny reads the active components that lie on any of the hosts.
func onAny(ctx context.Context, db bun.IDB, hosts []string) ([]Asset, error) {
	if len(hosts) == 0 {
		return nil, nil
	}
	var out []Asset
	err := db.NewSelect().Model(&out).Where("parent_id IN (?)", bun.List(hosts)).Where("state = ?", Active).Order("name", "id").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("components of hosts: %w", err))
	}
	return out, nil
}

// activeOf reads active assets of a system, at most so many.
func activeOf(ctx context.Context, db bun.IDB, systemID string, most int) ([]Asset, error) {
	var out []Asset
	err := db.NewSelect().Model(&out).Where("system_id = ?", systemID).Where("state = ?", Active).Order("name", "id").Limit(int64(most)).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("assets of the system: %w", err))
	}
	return out, nil
}

// group is how many active assets of a kind lie in an area and system.
type group struct {
	AreaPath string
	SystemID string
	Kind     string
	N        int
}

// groups counts the active assets by area, system and kind.
func groups(ctx context.Context, db bun.IDB) ([]group, error) {
	var out []group
	err := db.NewSelect().Model((*Asset)(nil)).ColumnExpr("area_path, system_id, kind, count(*) AS n").
		Where("state = ?", Active).Group("area_path", "system_id", "kind").Order("area_path", "system_id", "kind").Scan(ctx, &out)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("count assets: %w", err))
	}
	return out, nil
}

// everyActive reads all active assets, for a comparison with a whole list.
func everyActive(ctx context.Context, db bun.IDB) ([]Asset, error) {
	var out []Asset
	if err := db.NewSelect().Model(&out).Where("state = ?", Active).Order("id").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("read assets: %w", err))
	}
	return out, nil
}

func proposalList() *store.ListSpec {
	return &store.ListSpec{
		Table: "proposal", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "state", Column: "state", OneOf: []string{string(Proposed), string(Accepted), string(Declined)}},
			{Name: "host_id", Column: "host_id"},
		},
		Sorts: map[string]string{"seen_at": "seen_at"}, DefaultSort: "-seen_at",
	}
}

func findProposal(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Proposal, error) {
	p := new(Proposal)
	err := db.NewSelect().Model(p).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(p.AreaPath, p.SystemID)) {
		return nil, problem.Missing("proposal", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find proposal: %w", err))
	}
	return p, nil
}

// saveProposal stores a decision if nobody decided meanwhile.
func saveProposal(ctx context.Context, tx *store.Tx, p *Proposal) error {
	was := p.Version
	p.Version++
	res, err := tx.NewUpdate().Model(p).WherePK().Where("version = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store proposal: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("store proposal: %w", err)
	} else if n == 0 {
		return problem.New(problem.Stale, "the proposal was decided meanwhile")
	}
	return nil
}

// keysOf lists what was proposed for a host before, whatever became of it.
func keysOf(ctx context.Context, db bun.IDB, hostID string) (map[string]bool, error) {
	var keys []string
	if err := db.NewSelect().Model((*Proposal)(nil)).Column("key").Where("host_id = ?", hostID).Scan(ctx, &keys); err != nil {
		return nil, store.Classify(fmt.Errorf("proposals of the host: %w", err))
	}
	out := make(map[string]bool, len(keys))
	for _, k := range keys {
		out[k] = true
	}
	return out, nil
}
