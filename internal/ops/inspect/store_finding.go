package inspect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/grams"
)

func findingList() *store.ListSpec {
	return &store.ListSpec{
		Table: "finding", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "state", Column: "state", OneOf: []string{string(Open), string(Assigned), string(Repaired), string(Closed)}},
			{Name: "active", Column: "active"}, // see activeStates
			{Name: "severity", Column: "severity", OneOf: []string{severityWarning, severityCritical, severityUnknown}},
			{Name: "assignee_id", Column: "assignee_id"},
			{Name: "not_assignee_id", Column: "assignee_id", Match: store.Not},
			{Name: "class", Column: "class", OneOf: classWords()},
			{Name: "asset_id", Column: "asset_id"},
			{Name: "system_id", Column: "system_id"},
			{Name: "overdue", Column: "overdue", OneOf: []string{"0", "1"}},
			{Name: "recurring", Column: "recurring", OneOf: []string{"0", "1"}},
		},
		Sorts:       map[string]string{"severity": "urgency", "opened_at": "opened_at"},
		DefaultSort: "-severity", // red first, the newest first among equals
	}
}

// containing narrows a list of findings to those whose text contains q. The newest matches are
// considered, as many as a list counts: a text that is found more often tells nobody anything.
func containing(d store.Dialect, text string) func(*bun.SelectQuery) *bun.SelectQuery {
	if text == "" {
		return nil
	}
	return func(q *bun.SelectQuery) *bun.SelectQuery {
		if d == store.Postgres {
			ask := grams.TSQuery(text)
			if ask == "" {
				return q
			}
			return q.Where("finding.grams @@ ?::tsquery", ask)
		}
		ask := grams.FTSQuery(text)
		if ask == "" {
			return q
		}
		return q.Where("finding.seq IN (SELECT rowid FROM inspect_finding_text WHERE inspect_finding_text MATCH ? ORDER BY rowid DESC LIMIT ?)",
			ask, store.ExactTotal+1)
	}
}

func findFinding(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Finding, error) {
	f := new(Finding)
	err := db.NewSelect().Model(f).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(f.AreaPath, f.SystemID)) {
		return nil, problem.Missing("finding", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find finding: %w", err))
	}
	return f, nil
}

// holdActive reads the findings of checks that are not closed, by check, and keeps others from
// changing them meanwhile.
func holdActive(ctx context.Context, tx *store.Tx, checkIDs []string) (map[string]*Finding, error) {
	var rows []*Finding
	q := tx.NewSelect().Model(&rows).Where("check_id IN (?)", bun.List(checkIDs)).Where("active = 1").Order("check_id")
	if tx.Engine() == store.Postgres {
		q = q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("active findings: %w", err))
	}
	out := make(map[string]*Finding, len(rows))
	for _, f := range rows {
		out[f.CheckID] = f
	}
	return out, nil
}

// activeOf names the findings of checks that are not closed, by check.
func activeOf(ctx context.Context, db bun.IDB, checkIDs []string) (map[string]string, error) {
	var rows []Finding
	if len(checkIDs) == 0 {
		return nil, nil
	}
	err := db.NewSelect().Model(&rows).Column("id", "check_id").Where("check_id IN (?)", bun.List(checkIDs)).Where("active = 1").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("active findings: %w", err))
	}
	out := make(map[string]string, len(rows))
	for _, f := range rows {
		out[f.CheckID] = f.ID
	}
	return out, nil
}

// lastFinding reads the newest finding of a check, nil when there was none.
func lastFinding(ctx context.Context, db bun.IDB, checkID string) (*Finding, error) {
	f := new(Finding)
	err := db.NewSelect().Model(f).Where("check_id = ?", checkID).OrderExpr("opened_at DESC, id DESC").Limit(1).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the finding before: %w", err)
	}
	return f, nil
}

// lateFindings reads findings whose due time has passed and that are not noted as overdue, the longest
// overdue first, and leaves out those that another server is noting.
func lateFindings(ctx context.Context, tx *store.Tx, now time.Time, most int64) ([]*Finding, error) {
	var rows []*Finding
	q := tx.NewSelect().Model(&rows).Where("active = 1").Where("overdue = 0").Where("due_at IS NOT NULL").
		Where("due_at < ?", store.At(now)).Order("due_at").Limit(most)
	if tx.Engine() == store.Postgres {
		q = q.For("UPDATE SKIP LOCKED")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("findings past their due time: %w", err))
	}
	return rows, nil
}

// insertFinding stores a new finding and makes its text searchable.
func insertFinding(ctx context.Context, tx *store.Tx, f *Finding) error {
	words := grams.Cut(strings.Join([]string{f.Number, f.Title, f.TitleEN, f.AssetName, clean(f.Summary, 1000)}, " "))
	ins := tx.NewInsert().Model(f).ExcludeColumn("urgency")
	if tx.Engine() == store.Postgres {
		ins = ins.Value("grams", "?::tsvector", grams.TSVector(words))
	}
	if _, err := ins.Exec(ctx); err != nil {
		return fmt.Errorf("store finding: %w", err)
	}
	if tx.Engine() == store.SQLite {
		if _, err := tx.NewRaw("INSERT INTO inspect_finding_text (rowid, grams) SELECT seq, ? FROM inspect_finding WHERE id = ?",
			strings.Join(words, " "), f.ID).Exec(ctx); err != nil {
			return fmt.Errorf("index the text of the finding: %w", err)
		}
	}
	return nil
}

// saveFinding stores a changed finding if nobody changed it meanwhile.
func saveFinding(ctx context.Context, tx *store.Tx, f *Finding) error {
	was := f.Version
	f.Version++
	res, err := tx.NewUpdate().Model(f).ExcludeColumn("urgency").WherePK().Where("version = ?", was).Exec(ctx)
	return stale(res, err, "finding")
}

// markSeen notes that a person has seen a finding; false when they had before.
func markSeen(ctx context.Context, tx *store.Tx, findingID, accountID string) (bool, error) {
	res, err := tx.NewRaw("INSERT INTO inspect_seen (finding_id, account_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		findingID, accountID, store.At(tx.Now())).Exec(ctx)
	n, err := affected(res, err, "finding as seen")
	return n == 1, err
}
