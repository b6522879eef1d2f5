package approval

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func list() *store.ListSpec {
	return &store.ListSpec{
		Table: "request", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "state", Column: "state", OneOf: []string{string(Proposed), string(Approved), string(Declined), string(Withdrawn)}},
			{Name: "kind", Column: "kind"},
			{Name: "subject_id", Column: "subject_id"},
		},
		Sorts: map[string]string{"proposed_at": "proposed_at"}, DefaultSort: "-proposed_at",
	}
}

// find reads one request within a scope; outside of it the request does not exist for the caller.
func find(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Request, error) {
	r := new(Request)
	err := db.NewSelect().Model(r).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(r.AreaPath, r.SystemID)) {
		return nil, problem.Missing("matter", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find request: %w", err))
	}
	return r, nil
}

// save stores a decided request if nobody decided it meanwhile.
func save(ctx context.Context, tx *store.Tx, r *Request) error {
	was := r.Version
	r.Version++
	res, err := tx.NewUpdate().Model(r).WherePK().Where("version = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store request: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("store request: %w", err)
	} else if n == 0 {
		return problem.New(problem.Stale, "the matter was decided meanwhile")
	}
	return nil
}
