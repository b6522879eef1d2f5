package org

import (
	"context"
	"net/http"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
)

// PermissionRead allows to see the tree and the systems.
const PermissionRead = "org.read"

// Permissions are what this package lets people do.
func Permissions() []access.Permission {
	return []access.Permission{
		{Name: PermissionRead, TitleZH: "查看机构与系统", TitleEN: "See bureaus and systems", Roles: access.AllRoles()},
	}
}

// Routes adds the operations.
func (s *Service) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "org.areas.list", Method: http.MethodGet, Path: "/org/areas", Permission: PermissionRead,
		Summary: "The tree of bureaus", Doc: "All areas, a parent before its children.",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[api.Items[Area]], error) {
		areas, err := s.Areas(ctx)
		return &api.Output[api.Items[Area]]{Body: api.Items[Area]{Items: areas}}, err
	})
	api.Register(r, api.Operation{
		ID: "org.systems.list", Method: http.MethodGet, Path: "/org/systems", Permission: PermissionRead,
		Summary: "The systems that are kept running", Doc: "In the order of the contract.",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[api.Items[System]], error) {
		systems, err := s.Systems(ctx)
		return &api.Output[api.Items[System]]{Body: api.Items[System]{Items: systems}}, err
	})
}
