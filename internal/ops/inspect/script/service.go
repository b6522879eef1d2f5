package script

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

// Create makes a package with its first draft.
func (m *Module) Create(ctx context.Context, scope store.Scope, n NewPackage) (Package, error) {
	var out Package
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = m.CreateIn(ctx, tx, scope, n)
		return err
	})
	return out, err
}

// CreateIn makes a package with its first draft within a transaction.
func (m *Module) CreateIn(ctx context.Context, tx *store.Tx, scope store.Scope, n NewPackage) (Package, error) {
	if err := n.check(); err != nil {
		return Package{}, err
	}
	if n.AreaPath == "" {
		n.AreaPath = m.areaPath
	}
	if err := m.places.Place(ctx, "body", n.AreaPath, n.SystemID); err != nil {
		return Package{}, err
	}
	if !scope.Covers(n.AreaPath, n.SystemID) {
		return Package{}, problem.New(problem.Forbidden, "not allowed in area %s for this system", n.AreaPath)
	}
	id, err := newID()
	if err != nil {
		return Package{}, err
	}
	p := &Package{
		ID: id, Name: n.Name, Title: n.Title, Class: n.Class, AreaPath: n.AreaPath, SystemID: n.SystemID,
		CreatedAt: store.At(tx.Now()), UpdatedAt: store.At(tx.Now()), Version: 1,
	}
	v, err := draft(ctx, tx, p, n.Content)
	if err != nil {
		return Package{}, err
	}
	if err := insertPackage(ctx, tx, p); err != nil {
		return Package{}, err
	}
	if err := insertVersion(ctx, tx, v); err != nil {
		return Package{}, err
	}
	if err := m.note(ctx, tx, TypeCreated, p, map[string]any{"title": p.Title, "class": p.Class}); err != nil {
		return Package{}, err
	}
	return *p, m.note(ctx, tx, TypeDrafted, p, map[string]any{"version": v.Number, "body_sha256": v.BodySHA256})
}

// draft makes the next version of a package; the package counts it.
func draft(ctx context.Context, tx *store.Tx, p *Package, c Content) (*Version, error) {
	id, err := newID()
	if err != nil {
		return nil, err
	}
	p.Latest++
	p.DraftID = id
	return &Version{
		ID: id, PackageID: p.ID, Number: p.Latest, State: versionMachine().Initial, Manifest: c.Manifest, Body: c.Body,
		BodySHA256: sum(c.Body), Note: c.Note, CreatedBy: api.CallerFrom(ctx).AccountID,
		CreatedAt: store.At(tx.Now()), UpdatedAt: store.At(tx.Now()), Version: 1,
	}, nil
}

// Draft begins the next version of a package. There is one draft at a time.
func (m *Module) Draft(ctx context.Context, scope store.Scope, packageID string, c Content) (Version, error) {
	if err := c.check(); err != nil {
		return Version{}, err
	}
	var out Version
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := findPackage(ctx, tx, scope, packageID)
		if err != nil {
			return err
		}
		if p.DraftID != "" {
			return problem.New(problem.Conflict, "this script has a draft already: change that one, or retire it")
		}
		v, err := draft(ctx, tx, p, c)
		if err != nil {
			return err
		}
		if err := insertVersion(ctx, tx, v); err != nil {
			return err
		}
		if err := savePackage(ctx, tx, p); err != nil {
			return err
		}
		out = *v
		return m.note(ctx, tx, TypeDrafted, p, map[string]any{"version": v.Number, "body_sha256": v.BodySHA256})
	})
	return out, err
}

// find reads a version that a person saw at a state of its own.
func (m *Module) find(ctx context.Context, tx *store.Tx, scope store.Scope, id string, seen int64) (*Package, *Version, error) {
	p, v, err := findVersion(ctx, tx, scope, id)
	if err != nil {
		return nil, nil, err
	}
	if v.Version != seen {
		return nil, nil, problem.New(problem.Stale, "the version of the script was changed meanwhile")
	}
	return p, v, nil
}

// Change replaces what a draft holds.
func (m *Module) Change(ctx context.Context, scope store.Scope, id string, c Content, seen int64) (Version, error) {
	if err := c.check(); err != nil {
		return Version{}, err
	}
	var out Version
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, v, err := m.find(ctx, tx, scope, id, seen)
		if err != nil {
			return err
		}
		if v.State != Draft {
			return problem.New(problem.NotPossibleInState, "version %d is %s and cannot change: make a new version", v.Number, v.State)
		}
		v.Manifest, v.Body, v.Note, v.BodySHA256 = c.Manifest, c.Body, c.Note, sum(c.Body)
		if err := saveVersion(ctx, tx, v, "manifest", "body", "note", "body_sha256"); err != nil {
			return err
		}
		out = *v
		return m.note(ctx, tx, TypeChanged, p, map[string]any{"version": v.Number, "body_sha256": v.BodySHA256})
	})
	return out, err
}

// Release fixes a draft for good; checks may use it from then on.
func (m *Module) Release(ctx context.Context, scope store.Scope, id string, seen int64) (Version, error) {
	var out Version
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, v, err := m.find(ctx, tx, scope, id, seen)
		if err != nil {
			return err
		}
		if v.State, err = versionMachine().Next(v.State, release); err != nil {
			return err
		}
		if v.SHA256, err = digest(p.Name, v.Number, p.Class, v.Manifest, v.Body); err != nil {
			return err
		}
		v.ReleasedBy, v.ReleasedAt = api.CallerFrom(ctx).AccountID, store.At(tx.Now())
		if err := saveVersion(ctx, tx, v, "state", "sha256", "released_by", "released_at"); err != nil {
			return err
		}
		p.DraftID, p.Current = "", v.Number
		if err := savePackage(ctx, tx, p); err != nil {
			return err
		}
		out = *v
		return m.note(ctx, tx, TypeReleased, p, map[string]any{"version": v.Number, "body_sha256": v.BodySHA256, "sha256": v.SHA256})
	})
	return out, err
}

// Retire ends a version: checks that use it are UNKNOWN until they are moved to another.
func (m *Module) Retire(ctx context.Context, scope store.Scope, id, reason string, seen int64) (Version, error) {
	var out Version
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, v, err := m.find(ctx, tx, scope, id, seen)
		if err != nil {
			return err
		}
		if v.State, err = versionMachine().Next(v.State, retire); err != nil {
			return err
		}
		if err := saveVersion(ctx, tx, v, "state"); err != nil {
			return err
		}
		if p.DraftID == v.ID {
			p.DraftID = ""
		}
		if p.Current, err = released(ctx, tx, p.ID); err != nil {
			return err
		}
		if err := savePackage(ctx, tx, p); err != nil {
			return err
		}
		out = *v
		return m.note(ctx, tx, TypeRetired, p, map[string]any{"version": v.Number, "reason": reason})
	})
	return out, err
}
