package reach

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func loginList() *store.ListSpec {
	return &store.ListSpec{
		Table: "login", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "q", Match: store.Has, Columns: []string{"name", "host", "account", "note"}},
		},
		Sorts:       map[string]string{"name": "name", "created_at": "created_at"},
		DefaultSort: "name",
	}
}

// find reads one login within a scope; outside of it the login does not exist for the caller.
func find(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Login, error) {
	return only(ctx, db, scope, id, "id = ?")
}

// byName reads one login by what checks call it.
func byName(ctx context.Context, db bun.IDB, scope store.Scope, name string) (*Login, error) {
	return only(ctx, db, scope, name, "name = ?")
}

func only(ctx context.Context, db bun.IDB, scope store.Scope, key, where string) (*Login, error) {
	l := new(Login)
	err := db.NewSelect().Model(l).Where(where, key).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(l.AreaPath, l.SystemID)) {
		return nil, problem.Missing("login", key)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find login: %w", err))
	}
	return l, nil
}

// save stores a changed login if nobody changed it meanwhile.
func save(ctx context.Context, tx *store.Tx, l *Login) error {
	was := l.Version
	l.Version++
	l.UpdatedAt = store.At(tx.Now())
	res, err := tx.NewUpdate().Model(l).WherePK().Where("version = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store login: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("store login: %w", err)
	} else if n == 0 {
		return problem.New(problem.Stale, "the login was changed meanwhile")
	}
	return nil
}

// used reports whether another login goes through this one.
func used(ctx context.Context, tx *store.Tx, id string) (bool, error) {
	n, err := tx.NewSelect().Model((*Login)(nil)).Where("jump_id = ?", id).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("logins through this one: %w", err)
	}
	return n > 0, nil
}
