package script

import (
	"context"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Why a package that was imported is not taken away again.
const (
	LeftChanged = "changed"
	LeftGone    = "gone"
)

// CheckContent refuses a package that cannot be made, wherever it would lie.
func CheckContent(n NewPackage) error { return n.check() }

// RemoveIn takes away a package that an import made, when nobody changed, released or added anything since;
// otherwise it says why it stays. Source names the import.
func (m *Module) RemoveIn(ctx context.Context, tx *store.Tx, id string, version int64, source string) (left string, err error) {
	p, err := findPackage(ctx, tx, store.Everything(), id)
	if problem.CodeOf(err) == problem.NotFound {
		return LeftGone, nil
	}
	if err != nil {
		return "", err
	}
	versions, err := versionsOf(ctx, tx, id)
	if err != nil {
		return "", err
	}
	if p.Version != version || len(versions) != 1 || versions[0].State != Draft || versions[0].Version != 1 {
		return LeftChanged, nil
	}
	if err := removePackage(ctx, tx, id); err != nil {
		return "", err
	}
	return "", m.note(ctx, tx, TypeRemoved, p, map[string]any{"source": source})
}
