package fleet

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func assetList() *store.ListSpec {
	return &store.ListSpec{
		Table: "asset", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "kind", Column: "kind", OneOf: Kinds()},
			{Name: "area_path", Column: "area_path", Match: store.Under},
			{Name: "system_id", Column: "system_id"},
			{Name: "state", Column: "state", OneOf: []string{string(Active), string(Retired)}},
			{Name: "environment", Column: "environment", OneOf: Environments()},
			{Name: "criticality", Column: "criticality", OneOf: Criticalities()},
			{Name: "reach", Column: "reach", OneOf: append([]string{ReachLocal}, Reaches()...)},
			{Name: "parent_id", Column: "parent_id"},
			{Name: "q", Match: store.Has, Columns: []string{"name", "hostname", "number", "address", "serial", "owner_name", "labels"}},
		},
		Sorts:       map[string]string{"name": "name", "number": "number", "created_at": "created_at"},
		DefaultSort: "name",
	}
}

// find reads one asset within a scope; outside of it the asset does not exist for the caller.
func find(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Asset, error) {
	a := new(Asset)
	err := db.NewSelect().Model(a).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(a.AreaPath, a.SystemID)) {
		return nil, problem.Missing("asset", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find asset: %w", err))
	}
	return a, nil
}

// byMachine reads the asset of a machine, nil when it is not registered.
func byMachine(ctx context.Context, db bun.IDB, machine string) (*Asset, error) {
	a := new(Asset)
	err := db.NewSelect().Model(a).Where("machine = ?", machine).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find the asset of this machine: %w", err))
	}
	return a, nil
}

// save stores a changed asset if nobody changed it meanwhile.
func save(ctx context.Context, tx *store.Tx, a *Asset) error {
	was := a.Version
	a.Version++
	a.UpdatedAt = store.At(tx.Now())
	res, err := tx.NewUpdate().Model(a).WherePK().Where("version = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store asset: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("store asset: %w", err)
	} else if n == 0 {
		return problem.New(problem.Stale, "the asset was changed meanwhile")
	}
	return nil
}
