package fleet

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

const (
	// mostLinks bounds the dependencies of one kind, which are read whole to find circles.
	mostLinks = 20_000
	// mostInMap bounds one picture: more than this nobody can read.
	mostInMap = 300
)

// AddLink notes that one asset depends on another. Both must lie within the scope.
func (m *Module) AddLink(ctx context.Context, scope store.Scope, fromID, toID, kind string) (Link, error) {
	l := Link{FromID: fromID, ToID: toID, Kind: kind}
	if err := checkLink(&l); err != nil {
		return Link{}, err
	}
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockLinks(ctx, tx); err != nil {
			return err
		}
		from, to, err := ends(ctx, tx, scope, &l)
		if err != nil {
			return err
		}
		edges, err := linksOfKind(ctx, tx, kind)
		if err != nil {
			return err
		}
		switch {
		case slices.ContainsFunc(edges, func(e Link) bool { return e.FromID == l.FromID && e.ToID == l.ToID }):
			return problem.New(problem.Conflict, "%s and %s are joined like this already", from.Name, to.Name)
		case len(edges) >= mostLinks:
			return problem.New(problem.TooLarge, "at most %d dependencies of one kind", mostLinks)
		case ordered(kind) && leads(edges, l.ToID, l.FromID):
			return problem.InvalidField("body.to_id", "circle", "%s depends on %s already, directly or through others", to.Name, from.Name)
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("new id: %w", err)
		}
		l.ID, l.CreatedAt = id.String(), store.At(tx.Now())
		if _, err := tx.NewInsert().Model(&l).Exec(ctx); err != nil {
			return fmt.Errorf("store dependency: %w", err)
		}
		return m.note(ctx, tx, TypeLinked, from, map[string]any{"link": kind, "to_id": to.ID, "to_name": to.Name})
	})
	return l, err
}

func ends(ctx context.Context, tx *store.Tx, scope store.Scope, l *Link) (from, to *Asset, err error) {
	for _, e := range []struct {
		id, location string
		into         **Asset
	}{{l.FromID, "body.from_id", &from}, {l.ToID, "body.to_id", &to}} {
		a, err := find(ctx, tx, scope, e.id)
		if problem.CodeOf(err) == problem.NotFound || (err == nil && a.State != Active) {
			return nil, nil, problem.InvalidField(e.location, "unknown", "no active asset with this id")
		}
		if err != nil {
			return nil, nil, err
		}
		*e.into = a
	}
	return from, to, nil
}

// RemoveLink takes a dependency away.
func (m *Module) RemoveLink(ctx context.Context, scope store.Scope, id string) error {
	return m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := findLink(ctx, tx, id)
		if err != nil {
			return err
		}
		from, err := find(ctx, tx, scope, l.FromID)
		if err != nil {
			return problem.Missing("dependency", id)
		}
		to, err := find(ctx, tx, scope, l.ToID)
		if err != nil {
			return problem.Missing("dependency", id)
		}
		if _, err := tx.NewDelete().Model(l).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("remove dependency: %w", err)
		}
		return m.note(ctx, tx, TypeUnlinked, from, map[string]any{"link": l.Kind, "to_id": to.ID, "to_name": to.Name})
	})
}

// Map is a picture of assets with what joins them.
type Map struct {
	Assets []Asset
	Links  []Link
	Capped bool // there is more than a picture can hold
}

// Around draws an asset with what is joined to it, depth steps away in every direction. What lies outside
// of the scope is left out.
func (m *Module) Around(ctx context.Context, scope store.Scope, id string, depth int) (Map, error) {
	a, err := find(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Map{}, err
	}
	return m.grow(ctx, scope, []Asset{*a}, depth)
}

// OfSystem draws the active assets of a system with what joins them.
func (m *Module) OfSystem(ctx context.Context, scope store.Scope, systemID string) (Map, error) {
	all, err := activeOf(ctx, m.db.Read(), systemID, mostInMap+1)
	if err != nil {
		return Map{}, err
	}
	capped := len(all) > mostInMap
	all = all[:min(len(all), mostInMap)]
	out, err := m.grow(ctx, scope, slices.DeleteFunc(all, func(a Asset) bool { return !scope.Covers(a.AreaPath, a.SystemID) }), 0)
	out.Capped = out.Capped || capped
	return out, err
}

// grow adds neighbours step by step, and the edges between all that is in the picture.
func (m *Module) grow(ctx context.Context, scope store.Scope, start []Asset, depth int) (Map, error) {
	out := Map{Assets: start}
	in := map[string]bool{}
	var ids []string
	for _, a := range start {
		in[a.ID] = true
		ids = append(ids, a.ID)
	}
	edge := ids
	for range depth {
		links, err := linksOf(ctx, m.db.Read(), edge)
		if err != nil {
			return Map{}, err
		}
		var wanted []string
		for _, l := range links {
			wanted = append(wanted, l.FromID, l.ToID)
		}
		for _, a := range out.Assets {
			if a.ParentID != "" {
				wanted = append(wanted, a.ParentID)
			}
		}
		wanted = slices.DeleteFunc(wanted, func(id string) bool { return in[id] })
		slices.Sort(wanted)
		near, err := assetsByID(ctx, m.db.Read(), slices.Compact(wanted))
		if err != nil {
			return Map{}, err
		}
		on, err := onAny(ctx, m.db.Read(), edge)
		if err != nil {
			return Map{}, err
		}
		edge = nil
		for _, a := range append(near, on...) {
			switch {
			case in[a.ID] || a.State != Active || !scope.Covers(a.AreaPath, a.SystemID):
			case len(out.Assets) >= mostInMap:
				out.Capped = true
			default:
				in[a.ID] = true
				out.Assets, ids, edge = append(out.Assets, a), append(ids, a.ID), append(edge, a.ID)
			}
		}
	}
	links, err := linksOf(ctx, m.db.Read(), ids)
	if err != nil {
		return Map{}, err
	}
	for _, l := range links {
		if in[l.FromID] && in[l.ToID] {
			out.Links = append(out.Links, l)
		}
	}
	return out, nil
}

// Every reads all active assets within a scope, for a comparison with a whole list.
func (m *Module) Every(ctx context.Context, scope store.Scope) ([]Asset, error) {
	all, err := everyActive(ctx, m.db.Read())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a Asset) bool { return !scope.Covers(a.AreaPath, a.SystemID) }), nil
}
