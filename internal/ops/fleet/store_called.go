package fleet

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// mostCalled bounds how many assets one question finds: more of one name tell nobody apart.
const mostCalled = 100

// Called returns active assets whose address, host name or name is one of some words, whatever their case.
func (m *Module) Called(ctx context.Context, words []string) ([]Asset, error) {
	var lower []string
	for _, w := range words {
		if w != "" {
			lower = append(lower, strings.ToLower(w))
		}
	}
	if len(lower) == 0 {
		return nil, nil
	}
	var out []Asset
	err := m.db.Read().NewSelect().Model(&out).Where("state = ?", Active).WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, c := range []string{"address", "hostname", "name"} {
			q = q.WhereOr("lower(?) IN (?)", bun.Ident(c), bun.List(lower))
		}
		return q
	}).OrderExpr("id").Limit(mostCalled).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("assets called so: %w", err))
	}
	return out, nil
}

// Roots returns the host that each asset lies on; one that lies on nothing is its own, and an id of no asset
// is left out.
func (m *Module) Roots(ctx context.Context, ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), 500)
		var rows []Asset
		err := m.db.Read().NewSelect().Model(&rows).Column("id", "parent_id").Where("id IN (?)", bun.List(ids[:n])).Scan(ctx)
		if err != nil {
			return nil, store.Classify(fmt.Errorf("hosts of assets: %w", err))
		}
		for _, a := range rows {
			if out[a.ID] = a.ID; a.ParentID != "" {
				out[a.ID] = a.ParentID
			}
		}
		ids = ids[n:]
	}
	return out, nil
}

// On returns the ids of the components that lie on hosts, by host.
func (m *Module) On(ctx context.Context, hostIDs []string) (map[string][]string, error) {
	out := map[string][]string{}
	for len(hostIDs) > 0 {
		n := min(len(hostIDs), 500)
		var rows []Asset
		err := m.db.Read().NewSelect().Model(&rows).Column("id", "parent_id").Where("parent_id IN (?)", bun.List(hostIDs[:n])).
			Where("state = ?", Active).Scan(ctx)
		if err != nil {
			return nil, store.Classify(fmt.Errorf("components of hosts: %w", err))
		}
		for _, a := range rows {
			out[a.ParentID] = append(out[a.ParentID], a.ID)
		}
		hostIDs = hostIDs[n:]
	}
	return out, nil
}

// In returns one asset as a transaction sees it, or a problem with code not_found.
func (m *Module) In(ctx context.Context, tx *store.Tx, id string) (Asset, error) {
	a, err := find(ctx, tx, store.Everything(), id)
	if err != nil {
		return Asset{}, err
	}
	return *a, nil
}
