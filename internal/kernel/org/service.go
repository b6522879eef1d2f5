package org

import (
	"context"
	"embed"
	"fmt"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the tables of this package, with the tree in them.
func Migrations() store.Migrations { return store.Migrations{Module: "org", FS: store.Sub(migrations)} }

// Service answers what belongs where.
type Service struct{ db *store.DB }

// New makes the service.
func New(db *store.DB) *Service { return &Service{db: db} }

// Areas lists the tree, a parent before its children.
func (s *Service) Areas(ctx context.Context) ([]Area, error) {
	out := []Area{}
	if err := s.db.Read().NewSelect().Model(&out).Order("path").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("areas: %w", err))
	}
	return out, nil
}

// Titles names all areas by their path and all systems by their id.
func (s *Service) Titles(ctx context.Context) (api.Titles, error) {
	areas, err := s.Areas(ctx)
	if err != nil {
		return nil, err
	}
	systems, err := s.Systems(ctx)
	if err != nil {
		return nil, err
	}
	out := make(api.Titles, len(areas)+len(systems))
	for _, a := range areas {
		out[a.Path] = [2]string{a.NameZH, a.NameEN}
	}
	for _, x := range systems {
		out[x.ID] = [2]string{x.NameZH, x.NameEN}
	}
	return out, nil
}

// Area returns one area, or a problem with code not_found.
func (s *Service) Area(ctx context.Context, path string) (Area, error) {
	var a Area
	err := s.db.Read().NewSelect().Model(&a).Where("path = ?", path).Scan(ctx)
	if store.NoRows(err) {
		return a, problem.Missing("area", path)
	}
	if err != nil {
		return a, store.Classify(fmt.Errorf("area %s: %w", path, err))
	}
	return a, nil
}

// Systems lists the systems in the order of the contract.
func (s *Service) Systems(ctx context.Context) ([]System, error) {
	out := []System{}
	if err := s.db.Read().NewSelect().Model(&out).Order("id").Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("systems: %w", err))
	}
	return out, nil
}

// System returns one system, or a problem with code not_found.
func (s *Service) System(ctx context.Context, id string) (System, error) {
	var out System
	err := s.db.Read().NewSelect().Model(&out).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) {
		return out, problem.Missing("system", id)
	}
	if err != nil {
		return out, store.Classify(fmt.Errorf("system %s: %w", id, err))
	}
	return out, nil
}

// Place refuses an area or a system that does not exist; an empty system id stands for all. The
// problem names the field below the location given.
func (s *Service) Place(ctx context.Context, location, areaPath, systemID string) error {
	if _, err := s.Area(ctx, areaPath); err != nil {
		return unknown(err, location+".area_path", "no area with path %q", areaPath)
	}
	if systemID == "" {
		return nil
	}
	if _, err := s.System(ctx, systemID); err != nil {
		return unknown(err, location+".system_id", "no system with id %q", systemID)
	}
	return nil
}

func unknown(err error, location, format string, args ...any) error {
	if problem.CodeOf(err) != problem.NotFound {
		return err
	}
	return problem.InvalidField(location, "unknown", format, args...)
}
