package script

import (
	"context"
	"fmt"

	"taxops/internal/kernel/store"
)

// Digests lists the packages there are by name, with the digests of their texts.
func (m *Module) Digests(ctx context.Context) (map[string][]string, error) {
	var rows []struct {
		Name       string
		BodySHA256 string `bun:"body_sha256"`
	}
	err := m.db.Read().NewSelect().Model((*Package)(nil)).ColumnExpr("pkg.name AS name, ver.body_sha256 AS body_sha256").
		Join("JOIN script_version AS ver ON ver.package_id = pkg.id").Scan(ctx, &rows)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("digests of scripts: %w", err))
	}
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Name] = append(out[r.Name], r.BodySHA256)
	}
	return out, nil
}

func removePackage(ctx context.Context, tx *store.Tx, id string) error {
	if _, err := tx.NewDelete().Model((*Version)(nil)).Where("package_id = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("remove versions of a script: %w", err)
	}
	if _, err := tx.NewDelete().Model((*Package)(nil)).Where("id = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("remove script: %w", err)
	}
	return nil
}
