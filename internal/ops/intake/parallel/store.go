package parallel

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func cut(key string) (kind, id string) {
	kind, id, _ = strings.Cut(key, ":")
	return kind, id
}

func sourceList() *store.ListSpec {
	return &store.ListSpec{
		Table: "src", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters:     []store.Filter{{Name: "state", Column: "state", OneOf: []string{string(Active), string(Revoked)}}},
		Sorts:       map[string]string{"created_at": "created_at"},
		DefaultSort: "-created_at",
	}
}

func problemList() *store.ListSpec {
	return &store.ListSpec{
		Table: "theirs", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "source_id", Column: "source_id"},
			{Name: "asset_id", Column: "asset_id"},
			{Name: "matched_by", Column: "matched_by", OneOf: []string{ByAddress, ByHostname, ByName, Ambiguous, Unknown}},
			{Name: "severity", Column: "severity", OneOf: []string{"0", "1", "2", "3", "4", "5"}},
			{Name: "since", Column: "started_at", Match: store.Since},
			{Name: "until", Column: "started_at", Match: store.Until},
			{Name: "q", Match: store.Has, Columns: []string{"host", "host_name", "address", "title", "event_id"}},
		},
		Sorts:       map[string]string{"started_at": "started_at"},
		DefaultSort: "-started_at",
	}
}

func insert(ctx context.Context, tx *store.Tx, row any, what string) error {
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return fmt.Errorf("store %s: %w", what, err)
	}
	return nil
}

func findSource(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Source, error) {
	s := new(Source)
	err := db.NewSelect().Model(s).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(s.AreaPath, s.SystemID)) {
		return nil, problem.Missing("source", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find source: %w", err))
	}
	return s, nil
}

// byToken reads the active source of a token, nil when there is none.
func byToken(ctx context.Context, db bun.IDB, hash string) (*Source, error) {
	s := new(Source)
	err := db.NewSelect().Model(s).Where("token_hash = ?", hash).Where("state = ?", Active).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find the source of a token: %w", err))
	}
	return s, nil
}

func saveSource(ctx context.Context, tx *store.Tx, s *Source) error {
	was := s.Version
	s.Version++
	res, err := tx.NewUpdate().Model(s).Column("state", "revoked_at", "version").WherePK().Where("version = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store source: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return problem.New(problem.Stale, "the source was changed meanwhile").With(err)
	}
	return nil
}

// sourceHeard notes that a source sent something, once a minute: a storm must not write one row over and over.
func sourceHeard(ctx context.Context, tx *store.Tx, id string) error {
	now := tx.Now()
	_, err := tx.NewUpdate().Model((*Source)(nil)).Set("last_at = ?", store.At(now)).Where("id = ?", id).
		Where("last_at IS NULL OR last_at < ?", store.At(now.Add(-time.Minute))).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note that the source sent: %w", err)
	}
	return nil
}

// byEvent reads the problem of an event, nil when it is new.
func byEvent(ctx context.Context, db bun.IDB, sourceID, eventID string) (*Problem, error) {
	p := new(Problem)
	err := db.NewSelect().Model(p).Where("source_id = ?", sourceID).Where("event_id = ?", eventID).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find problem: %w", err)
	}
	return p, nil
}

func findProblem(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Problem, error) {
	p := new(Problem)
	err := db.NewSelect().Model(p).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(p.AreaPath, p.SystemID)) {
		return nil, problem.Missing("problem", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find problem: %w", err))
	}
	return p, nil
}

func saveProblem(ctx context.Context, tx *store.Tx, p *Problem) error {
	was := p.Version
	p.Version++
	res, err := tx.NewUpdate().Model(p).WherePK().Where("version = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store problem: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return problem.New(problem.Stale, "the problem was changed meanwhile").With(err)
	}
	return nil
}

// unmatched reads the newest problems without an asset that one of some words may name.
func unmatched(ctx context.Context, tx *store.Tx, words []string, most int) ([]Problem, error) {
	var lower []string
	for _, w := range words {
		if w != "" {
			lower = append(lower, strings.ToLower(w))
		}
	}
	if len(lower) == 0 {
		return nil, nil
	}
	var out []Problem
	err := tx.NewSelect().Model(&out).Where("asset_id = ''").WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, c := range []string{"address", "host", "host_name"} {
			q = q.WhereOr("lower(?) IN (?)", bun.Ident(c), bun.List(lower))
		}
		return q
	}).OrderExpr("started_at DESC").Limit(int64(most)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("problems without an asset: %w", err)
	}
	return out, nil
}

// mostRead bounds what is read of a span before the scope narrows it.
const mostRead = 5 * mostRows

// problemsBetween reads the problems of a span that lie in a scope, at most so many.
func problemsBetween(ctx context.Context, db bun.IDB, scope store.Scope, s Span, most int) ([]Problem, error) {
	var rows []Problem
	err := db.NewSelect().Model(&rows).Where("started_at >= ?", store.At(s.From)).Where("started_at < ?", store.At(s.To)).
		OrderExpr("started_at DESC, id DESC").Limit(mostRead).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("problems of a span: %w", err))
	}
	out := rows[:0]
	for _, p := range rows {
		if scope.Covers(p.AreaPath, p.SystemID) && len(out) < most {
			out = append(out, p)
		}
	}
	if len(rows) == mostRead && len(out) < most {
		return nil, problem.InvalidField("query.from", "too_many", "more than %d problems: choose fewer days", mostRead)
	}
	return out, nil
}

// everReported tells of which assets Zabbix ever sent a problem.
func everReported(ctx context.Context, db bun.IDB, ids []string) (map[string]bool, error) {
	out := map[string]bool{}
	for len(ids) > 0 {
		n := min(len(ids), 500)
		var some []string
		err := db.NewSelect().Model((*Problem)(nil)).Distinct().Column("asset_id").Where("asset_id IN (?)", bun.List(ids[:n])).Scan(ctx, &some)
		if err != nil {
			return nil, store.Classify(fmt.Errorf("assets that Zabbix knows: %w", err))
		}
		for _, id := range some {
			out[id] = true
		}
		ids = ids[n:]
	}
	return out, nil
}

// verdicts reads what people said; there are as many as somebody wrote by hand.
func verdicts(ctx context.Context, db bun.IDB) (map[string]Verdict, error) {
	var rows []Verdict
	if err := db.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("explained differences: %w", err))
	}
	out := make(map[string]Verdict, len(rows))
	for _, v := range rows {
		out[v.Subject] = v
	}
	return out, nil
}

func findVerdict(ctx context.Context, db bun.IDB, subject string) (*Verdict, error) {
	v := new(Verdict)
	err := db.NewSelect().Model(v).Where("subject = ?", subject).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find what was said: %w", err)
	}
	return v, nil
}

func putVerdict(ctx context.Context, tx *store.Tx, v *Verdict) error {
	_, err := tx.NewInsert().Model(v).On("CONFLICT (subject) DO UPDATE").
		Set("verdict = EXCLUDED.verdict").Set("reason = EXCLUDED.reason").Set("said_by = EXCLUDED.said_by").Set("said_at = EXCLUDED.said_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("store what was said: %w", err)
	}
	return nil
}

func deleteVerdict(ctx context.Context, tx *store.Tx, subject string) error {
	if _, err := tx.NewDelete().Model((*Verdict)(nil)).Where("subject = ?", subject).Exec(ctx); err != nil {
		return fmt.Errorf("withdraw what was said: %w", err)
	}
	return nil
}
