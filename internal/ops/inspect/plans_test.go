package inspect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/inspecttest"
)

// values gives each documented filter a value that occurs.
func values() map[string]string {
	return map[string]string{
		"check_id": "c1", "asset_id": "a1", "class": "service", "round_id": "r1", "plan_id": "p1", "trigger": "schedule", "worst_state": "OK",
		"from": "2026-08-05T00:00:00Z", "to": "2026-09-02T00:00:00Z", "since": "2026-08-02T00:00:00Z", "severity": "critical",
		"assignee_id": "u1", "not_assignee_id": "u1", "system_id": "s1", "enabled": "1", "active": "1", "not_ok": "1", "overdue": "1", "recurring": "1",
	}
}

// TestNoFilterScansAndSorts asks both engines how they would answer each list with each documented
// filter alone, for a person with a scope, on the first page and on a later one: none may read the
// whole table and sort it. What this costs at a million rows is measured in bench/lists.
func TestNoFilterScansAndSorts(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		scope := store.NewScope(store.ScopeGrant{AreaPath: "/45/"})
		if err := inspecttest.Fill(b.ctx(), b.db, 600); err != nil {
			t.Fatal(err)
		}
		q := &queries{}
		db := b.db.Read().(*bun.DB).WithQueryHook(q)
		lists := map[string]struct {
			spec *store.ListSpec
			run  func(query store.ListQuery) (next string, err error)
		}{
			"results":  {resultList(), lister[Result](b.ctx(), db, resultList(), scope)},
			"findings": {findingList(), lister[Finding](b.ctx(), db, findingList(), scope)},
			"rounds":   {roundList(), lister[Round](b.ctx(), db, roundList(), scope)},
			"gaps":     {gapList(), lister[Gap](b.ctx(), db, gapList(), scope)},
		}
		for name, l := range lists {
			filters := []string{""}
			for _, f := range l.spec.Filters {
				filters = append(filters, f.Name)
			}
			for _, f := range filters {
				query := store.ListQuery{Filters: map[string]string{}}
				if f == "state" {
					query.Filters[f] = map[string]string{"results": "OK", "findings": "open", "rounds": "finished"}[name]
				} else if f != "" {
					query.Filters[f] = values()[f]
				}
				if f != "" && query.Filters[f] == "" {
					t.Fatalf("no value for filter %s of %s", f, name)
				}
				q.take()
				query.Limit = 5
				for range 2 { // the first page and the next
					next, err := l.run(query)
					if err != nil {
						t.Fatal(err)
					}
					query.Cursor = next
				}
				for _, sql := range q.take() {
					explain(t, b, name+" by "+f, sql, f == "round_id")
				}
			}
		}
	})
}

func lister[T any](ctx context.Context, db bun.IDB, spec *store.ListSpec, scope store.Scope) func(store.ListQuery) (string, error) {
	return func(q store.ListQuery) (string, error) {
		page, err := store.List[T](ctx, db, spec, scope, q, nil)
		return page.NextCursor, err
	}
}

// explain fails when the plan of a query reads a whole table or sorts. The results of one round are
// few, so their order may be made.
func explain(t *testing.T, b *bed, what, sql string, maySort bool) {
	t.Helper()
	var lines []string
	if b.db.Dialect() == store.SQLite {
		var rows []struct {
			ID, Parent, Notused int
			Detail              string
		}
		if err := b.db.Read().NewRaw("EXPLAIN QUERY PLAN "+escape(sql)).Scan(b.ctx(), &rows); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, r := range rows {
			lines = append(lines, r.Detail)
		}
	} else {
		// On a table without rows anything is cheap: the question is whether a plan exists that needs
		// neither.
		err := b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.NewRaw("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off").Exec(ctx); err != nil {
				return err
			}
			return tx.NewRaw("EXPLAIN "+escape(sql)).Scan(ctx, &lines)
		})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	plan := strings.Join(lines, "\n")
	scans := strings.Contains(plan, "Seq Scan") || fullScan(lines)
	sorts := strings.Contains(plan, "Sort Key") || strings.Contains(plan, "USE TEMP B-TREE")
	if scans || (sorts && !maySort) {
		t.Errorf("%s: %s\n%s", what, sql, plan)
	}
}

// fullScan finds SQLite's word for reading a table without an index.
func fullScan(lines []string) bool {
	return slices.ContainsFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "SCAN ") && !strings.Contains(l, "INDEX") && !strings.Contains(l, "counted")
	})
}

// escape keeps bun from taking question marks for arguments.
func escape(sql string) string { return strings.ReplaceAll(sql, "?", `\?`) }

// TestEveryDocumentedFilterIsOne calls each list with each of its query parameters, so that none is
// documented and then unknown.
func TestEveryDocumentedFilterIsOne(t *testing.T) {
	b := lay(t, store.SQLite)
	b.round()
	d := b.door()
	r := api.NewRouter(api.Config{Guard: d.guard, DB: b.db})
	b.Routes(r)
	paths := map[string][]string{
		"/inspect/checks":   {"asset_id", "class", "state", "reason", "kind", "enabled", "q"},
		"/inspect/plans":    {"enabled"},
		"/inspect/rounds":   {"plan_id", "trigger", "state", "worst_state", "from", "to"},
		"/inspect/results":  {"check_id", "asset_id", "state", "class", "round_id", "from", "to"},
		"/inspect/findings": {"state", "severity", "assignee_id", "not_assignee_id", "class", "asset_id", "system_id", "q"},
		"/inspect/gaps":     {"plan_id"},
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, f := range paths[path] {
			v := values()[f]
			switch f {
			case "state":
				v = map[string]string{"/inspect/checks": "OK", "/inspect/results": "OK", "/inspect/rounds": "finished", "/inspect/findings": "open"}[path]
			case "enabled":
				v = "true"
			case "q", "reason", "kind":
				v = "x"
			}
			if !strings.Contains(string(d.spec), fmt.Sprintf("%q", f)) {
				t.Errorf("%s: %s is not documented", path, f)
			}
			d.get(path + "?" + f + "=" + v)
		}
	}
}
