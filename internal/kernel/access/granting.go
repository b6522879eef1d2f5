package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// maxGrants bounds the grants of one account.
const maxGrants = 50

func knownRole(r Role) bool { return slices.Contains(AllRoles(), r) }

// readGrants refuses grants that name what does not exist.
func (s *Service) readGrants(ctx context.Context, grants []Grant) ([]Grant, error) {
	if len(grants) > maxGrants {
		return nil, problem.InvalidField("body.grants", "too_many", "at most %d grants", maxGrants)
	}
	for i, g := range grants {
		location := fmt.Sprintf("body.grants[%d]", i)
		if !knownRole(g.Role) {
			return nil, problem.InvalidField(location+".role", "unknown", "no role %q", g.Role)
		}
		if err := s.cfg.Places.Place(ctx, location, g.AreaPath, g.SystemID); err != nil {
			return nil, err
		}
	}
	return tidy(grants), nil
}

// mayGrant refuses a change of grants (changed: added and removed) that leads to the grants given:
// whoever grants must hold that right wherever the change reaches, and in production nobody grants
// themselves anything, nor anybody two of the three administrators' roles.
func (s *Service) mayGrant(ctx context.Context, tx *store.Tx, caller, target, mode string, changed, result []Grant) error {
	if len(changed) == 0 {
		return nil
	}
	scope, err := s.scopeOf(ctx, tx, caller, PermissionGrant)
	if err != nil {
		return err
	}
	for _, g := range changed {
		if !scope.Covers(g.AreaPath, g.SystemID) {
			return problem.New(problem.Forbidden, "this needs the permission %s in %s", PermissionGrant, g.AreaPath)
		}
	}
	if mode != Production {
		return nil
	}
	if caller == target && len(difference(changed, result)) < len(changed) {
		return problem.New(CodeSeparation, "in production nobody grants roles to themselves")
	}
	return separated(result)
}

// regrant replaces the grants of an account.
func (s *Service) regrant(ctx context.Context, tx *store.Tx, a *account, mode string, grants []Grant) error {
	all, err := grantsOf(ctx, tx, a.ID)
	if err != nil {
		return err
	}
	old := all[a.ID]
	added, removed := difference(grants, old), difference(old, grants)
	if len(added)+len(removed) == 0 {
		return nil
	}
	if err := s.mayGrant(ctx, tx, api.CallerFrom(ctx).AccountID, a.ID, mode, append(slices.Clone(added), removed...), grants); err != nil {
		return err
	}
	if err := mayHold(mode, a, added); err != nil {
		return err
	}
	before := s.kept(a, old)
	if err := replaceGrants(ctx, tx, a.ID, grants); err != nil {
		return err
	}
	if areaPath, systemID, ok := place(grants); ok {
		a.AreaPath, a.SystemID = areaPath, systemID
	}
	if err := a.save(ctx, tx); err != nil {
		return err
	}
	if err := s.note(ctx, tx, typeGrants, a, map[string]any{"added": grantFields(added), "removed": grantFields(removed)}); err != nil {
		return err
	}
	return s.stillKept(ctx, tx, mode, before)
}

// whole reports a grant that reaches over the whole installation.
func (s *Service) whole(areaPath, systemID string) bool {
	return systemID == "" && strings.HasPrefix(s.cfg.Installation.AreaPath, areaPath)
}

// kept lists the administrators' roles that an account holds over the whole installation.
func (s *Service) kept(a *account, grants []Grant) []Role {
	var out []Role
	for _, g := range grants {
		if a.State == Active && slices.Contains(Triad(), g.Role) && s.whole(g.AreaPath, g.SystemID) {
			out = append(out, g.Role)
		}
	}
	return out
}

// stillKept refuses a change after which one of the roles given has nobody left who works: without a
// system or security administrator the installation could not be mended, and production cannot do
// without an auditor.
func (s *Service) stillKept(ctx context.Context, db bun.IDB, mode string, roles []Role) error {
	if len(roles) == 0 {
		return nil
	}
	all, err := holders(ctx, db)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if r == Auditor && mode != Production {
			continue
		}
		if !slices.ContainsFunc(all, func(h holder) bool {
			return h.Role == r && h.State == Active && s.whole(h.AreaPath, h.SystemID)
		}) {
			return problem.New(CodeLastAdmin, "nobody else works as %s for the whole installation", r)
		}
	}
	return nil
}
