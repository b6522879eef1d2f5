package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// Person is what other modules may know of an account.
type Person struct {
	ID          string
	DisplayName string // "" once erased
	Active      bool
}

// Person returns one person, or a problem with code not_found.
func (s *Service) Person(ctx context.Context, id string) (Person, error) {
	a, err := readAccount(ctx, s.db.Read(), id)
	if err != nil {
		return Person{}, err
	}
	return Person{ID: a.ID, DisplayName: a.DisplayName, Active: a.State == Active}, nil
}

// Allowed reports whether a person works here and has a permission for an area and system. Unknown
// people have none.
func (s *Service) Allowed(ctx context.Context, id, permission, areaPath, systemID string) (bool, error) {
	people, err := s.people(ctx, permission, areaPath, systemID, id)
	return len(people) > 0, err
}

// People lists who works here and has a permission for an area and system, by name.
func (s *Service) People(ctx context.Context, permission, areaPath, systemID string) ([]Person, error) {
	return s.people(ctx, permission, areaPath, systemID, "")
}

func (s *Service) people(ctx context.Context, permission, areaPath, systemID, only string) ([]Person, error) {
	if !s.catalogue.known(permission) {
		return nil, fmt.Errorf("people with %s: no such permission", permission)
	}
	var rows []struct {
		ID          string
		DisplayName string
		Role        Role
		AreaPath    string
		SystemID    string
	}
	q := s.db.Read().NewSelect().TableExpr("access_account AS a").Join("JOIN access_grant AS g ON g.account_id = a.id").
		ColumnExpr("a.id, a.display_name, g.role, g.area_path, g.system_id").Where("a.state = ?", Active)
	if only != "" {
		q = q.Where("a.id = ?", only)
	}
	if err := q.OrderExpr("a.display_name, a.id").Scan(ctx, &rows); err != nil {
		return nil, store.Classify(fmt.Errorf("people with %s: %w", permission, err))
	}
	out := []Person{}
	for _, r := range rows {
		here := s.catalogue.roleHas(r.Role, permission) && strings.HasPrefix(areaPath, r.AreaPath) &&
			(r.SystemID == "" || r.SystemID == systemID)
		if here && !slices.ContainsFunc(out, func(p Person) bool { return p.ID == r.ID }) {
			out = append(out, Person{ID: r.ID, DisplayName: r.DisplayName, Active: true})
		}
	}
	return out, nil
}

// Names finds what people are called. Ids that are no accounts are left out, and people who were
// erased are called "".
func (s *Service) Names(ctx context.Context, ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []account
	err := s.db.Read().NewSelect().Model(&rows).Column("id", "display_name").Where("id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("names: %w", err))
	}
	for _, r := range rows {
		out[r.ID] = r.DisplayName
	}
	return out, nil
}
