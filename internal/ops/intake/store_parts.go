package intake

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// PartStep is one thing that a run made beside assets.
type PartStep struct {
	bun.BaseModel `bun:"table:intake_part,alias:part"`
	RunID         string `bun:",pk"`
	Seq           int    `bun:",pk"`
	Kind          string
	ThingID       string
	AssetID       string
	Name          string
	After         int64  `bun:"version"` // of the thing after the run
	Off           string // why it does not run at first
	Left          string `bun:"kept"` // why it was not taken away when the run was undone
}

func putParts(ctx context.Context, tx *store.Tx, steps []PartStep) error {
	const piece = 200
	for len(steps) > 0 {
		part := steps[:min(piece, len(steps))]
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return fmt.Errorf("store what was brought along: %w", err)
		}
		steps = steps[len(part):]
	}
	return nil
}

func partSteps(ctx context.Context, db bun.IDB, runID string) ([]PartStep, error) {
	var out []PartStep
	if err := db.NewSelect().Model(&out).Where("run_id = ?", runID).Order("seq").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("what was brought along: %w", err))
	}
	return out, nil
}

func notePartLeft(ctx context.Context, tx *store.Tx, s *PartStep) error {
	if _, err := tx.NewUpdate().Model(s).Column("kept").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("store what stays: %w", err)
	}
	return nil
}
