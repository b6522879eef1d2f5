package script

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func packageList() *store.ListSpec {
	var classes []string
	for _, c := range probe.Classes() {
		classes = append(classes, string(c))
	}
	return &store.ListSpec{
		Table: "pkg", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "class", Column: "class", OneOf: classes},
			{Name: "q", Match: store.Has, Columns: []string{"name", "title"}},
		},
		Sorts:       map[string]string{"name": "name", "updated_at": "updated_at"},
		DefaultSort: "name",
	}
}

// findPackage reads one package within a scope; outside of it the package does not exist for the caller.
func findPackage(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Package, error) {
	p := new(Package)
	err := db.NewSelect().Model(p).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) || (err == nil && !scope.Covers(p.AreaPath, p.SystemID)) {
		return nil, problem.Missing("script", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("find script: %w", err))
	}
	return p, nil
}

// findVersion reads one version with its package.
func findVersion(ctx context.Context, db bun.IDB, scope store.Scope, id string) (*Package, *Version, error) {
	v := new(Version)
	err := db.NewSelect().Model(v).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil, problem.Missing("version of a script", id)
	}
	if err != nil {
		return nil, nil, store.Classify(fmt.Errorf("find version of a script: %w", err))
	}
	p, err := findPackage(ctx, db, scope, v.PackageID)
	if problem.CodeOf(err) == problem.NotFound {
		return nil, nil, problem.Missing("version of a script", id)
	}
	return p, v, err
}

// versionsOf reads the versions of a package without their texts, the newest first.
func versionsOf(ctx context.Context, db bun.IDB, packageID string) ([]Version, error) {
	var out []Version
	err := db.NewSelect().Model(&out).ExcludeColumn("body").Where("package_id = ?", packageID).Order("number DESC").Limit(500).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("versions of a script: %w", err))
	}
	return out, nil
}

// named reads one version by the names that a check knows; nil when there is none.
func named(ctx context.Context, db bun.IDB, name string, number int64) (*Package, *Version, error) {
	p, v := new(Package), new(Version)
	err := db.NewSelect().Model(p).Where("name = ?", name).Scan(ctx)
	if err == nil {
		err = db.NewSelect().Model(v).Where("package_id = ?", p.ID).Where("number = ?", number).Scan(ctx)
	}
	if store.NoRows(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, store.Classify(fmt.Errorf("read a script: %w", err))
	}
	return p, v, nil
}

func insertPackage(ctx context.Context, tx *store.Tx, p *Package) error {
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		if store.Unique(err) {
			return problem.InvalidField("body.name", "taken", "there is a script of this name").With(err)
		}
		return fmt.Errorf("store script: %w", err)
	}
	return nil
}

func insertVersion(ctx context.Context, tx *store.Tx, v *Version) error {
	if _, err := tx.NewInsert().Model(v).Exec(ctx); err != nil {
		if store.Unique(err) {
			return problem.New(problem.Conflict, "this script has a draft already").With(err)
		}
		return fmt.Errorf("store version of a script: %w", err)
	}
	return nil
}

func savePackage(ctx context.Context, tx *store.Tx, p *Package) error {
	was := p.Version
	p.Version++
	p.UpdatedAt = store.At(tx.Now())
	res, err := tx.NewUpdate().Model(p).WherePK().Where("version = ?", was).Exec(ctx)
	return stale(res, err, "script")
}

// saveVersion stores a changed version, if nobody changed it meanwhile. What was released keeps its text
// and manifest whatever v holds.
func saveVersion(ctx context.Context, tx *store.Tx, v *Version, columns ...string) error {
	was := v.Version
	v.Version++
	v.UpdatedAt = store.At(tx.Now())
	res, err := tx.NewUpdate().Model(v).Column(append(columns, "updated_at", "version")...).WherePK().Where("version = ?", was).Exec(ctx)
	return stale(res, err, "version of the script")
}

func stale(res sql.Result, err error, what string) error {
	if err != nil {
		return fmt.Errorf("store %s: %w", what, err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("store %s: %w", what, err)
	} else if n == 0 {
		return problem.New(problem.Stale, "the %s was changed meanwhile", what)
	}
	return nil
}

// released returns the highest number of a released version, 0 for none.
func released(ctx context.Context, db bun.IDB, packageID string) (int64, error) {
	var n sql.NullInt64
	err := db.NewSelect().Model((*Version)(nil)).ColumnExpr("max(number)").Where("package_id = ?", packageID).Where("state = ?", Released).Scan(ctx, &n)
	if err != nil {
		return 0, fmt.Errorf("released versions of a script: %w", err)
	}
	return n.Int64, nil
}
