package intake

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// remembered is the mapping of a form, as it was applied last.
type remembered struct {
	bun.BaseModel `bun:"table:intake_mapping,alias:mapping"`
	Fingerprint   string   `bun:",pk"`
	Source        string   `bun:",pk"`
	Mapping       []string `bun:"type:json"`
	Defaults      Defaults `bun:"type:json"`
	UpdatedAt     store.Time
}

func runList() *store.ListSpec {
	return &store.ListSpec{
		Table: "run", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "state", Column: "state", OneOf: []string{string(Parsed), string(Applied), string(Undone), string(Discarded)}},
			{Name: "source", Column: "source"},
		},
		Sorts: map[string]string{"created_at": "created_at"}, DefaultSort: "-created_at",
	}
}

func findRun(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Run, error) {
	r := new(Run)
	err := db.NewSelect().Model(r).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(r.AreaPath, r.SystemID)) {
		return nil, problem.Missing("import", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find import: %w", err))
	}
	return r, nil
}

func saveRun(ctx context.Context, tx *store.Tx, r *Run) error {
	was := r.Version
	r.Version++
	res, err := tx.NewUpdate().Model(r).WherePK().Where("version = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store import: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("store import: %w", err)
	} else if n == 0 {
		return problem.New(problem.Stale, "the import was changed meanwhile")
	}
	return nil
}

func recall(ctx context.Context, db bun.IDB, fingerprint, source string) (*remembered, error) {
	m := new(remembered)
	err := db.NewSelect().Model(m).Where("fingerprint = ?", fingerprint).Where("source = ?", source).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("mapping of the form: %w", err))
	}
	return m, nil
}

func remember(ctx context.Context, tx *store.Tx, m *remembered) error {
	_, err := tx.NewInsert().Model(m).On("CONFLICT (fingerprint, source) DO UPDATE").
		Set("mapping = EXCLUDED.mapping").Set("defaults = EXCLUDED.defaults").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("remember the mapping: %w", err)
	}
	return nil
}

// lockRuns lets one run at a time be applied: two lists with the same new host would both add it. SQLite
// has one writer anyway.
func lockRuns(ctx context.Context, tx *store.Tx) error {
	if tx.Engine() != store.Postgres {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `LOCK TABLE intake_step IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("lock the imports: %w", err)
	}
	return nil
}

func putSteps(ctx context.Context, tx *store.Tx, steps []Step) error {
	const piece = 200
	for len(steps) > 0 {
		part := steps[:min(piece, len(steps))]
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return fmt.Errorf("store what was imported: %w", err)
		}
		steps = steps[len(part):]
	}
	return nil
}

func stepsOf(ctx context.Context, db bun.IDB, runID string) ([]Step, error) {
	var out []Step
	if err := db.NewSelect().Model(&out).Where("run_id = ?", runID).Order("seq").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("what was imported: %w", err))
	}
	return out, nil
}

func noteLeft(ctx context.Context, tx *store.Tx, s *Step) error {
	if _, err := tx.NewUpdate().Model(s).Column("kept").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("store what was left: %w", err)
	}
	return nil
}

// dropOld takes the rows of lists away that nobody decided about.
func dropOld(ctx context.Context, tx *store.Tx, before time.Time) error {
	_, err := tx.NewUpdate().Model((*Run)(nil)).Set("content = NULL").Where("state = ?", Parsed).
		Where("created_at < ?", store.At(before)).Where("content IS NOT NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("drop old lists: %w", err)
	}
	return nil
}
