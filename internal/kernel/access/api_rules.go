package access

import (
	"context"
	"net/http"

	"taxops/internal/kernel/api"
)

type roleView struct {
	Role        Role     `json:"role"`
	TitleZH     string   `json:"title_zh"`
	TitleEN     string   `json:"title_en"`
	Permissions []string `json:"permissions" nullable:"false"`
	Excludes    []Role   `json:"excludes" nullable:"false" doc:"Roles that an account with this one may not hold in production"`
}

type permissionView struct {
	Name    string `json:"name"`
	TitleZH string `json:"title_zh"`
	TitleEN string `json:"title_en"`
}

type productionState struct {
	Mode    string    `json:"mode" enum:"trial,production"`
	Missing []Missing `json:"missing" nullable:"false" doc:"What keeps the installation from production"`
}

type productionReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

type installationMode struct {
	Mode string `json:"mode" enum:"trial,production"`
}

func (s *Service) routesRules(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "access.roles.list", Method: http.MethodGet, Path: "/access/roles", Permission: PermissionRead,
		Summary: "Roles and what they may do",
	}, func(context.Context, *struct{}) (*api.Output[api.Items[roleView]], error) {
		items := []roleView{}
		for _, t := range roleTitles() {
			items = append(items, roleView{
				Role: t.role, TitleZH: t.zh, TitleEN: t.en, Excludes: t.role.Excludes(),
				Permissions: append([]string{}, s.catalogue.byRole[t.role]...),
			})
		}
		return &api.Output[api.Items[roleView]]{Body: api.Items[roleView]{Items: items}}, nil
	})
	api.Register(r, api.Operation{
		ID: "access.permissions.list", Method: http.MethodGet, Path: "/access/permissions", Permission: PermissionRead,
		Summary: "Everything that people may be allowed to do",
	}, func(context.Context, *struct{}) (*api.Output[api.Items[permissionView]], error) {
		items := []permissionView{}
		for _, p := range s.catalogue.all {
			items = append(items, permissionView{Name: p.Name, TitleZH: p.TitleZH, TitleEN: p.TitleEN})
		}
		return &api.Output[api.Items[permissionView]]{Body: api.Items[permissionView]{Items: items}}, nil
	})
	api.Register(r, api.Operation{
		ID: "access.production.get", Method: http.MethodGet, Path: "/access/production", Permission: PermissionRead,
		Summary: "Trial or production, and what is missing",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[productionState], error) {
		mode, err := s.Mode(ctx)
		if err != nil {
			return nil, err
		}
		missing, err := s.ProductionMissing(ctx)
		return &api.Output[productionState]{Body: productionState{Mode: mode, Missing: missing}}, err
	})
	api.Register(r, api.Operation{
		ID: "access.production.declare", Method: http.MethodPost, Path: "/access/production/declare",
		Permission: PermissionDeclare, Fresh: true, Summary: "End the trial for good",
		Doc:   "From then on separation of duties is enforced and records count as evidence.",
		Codes: codes(CodeProductionRefused, "not_possible_in_state"),
	}, func(ctx context.Context, in *bodyInput[productionReason]) (*api.Output[installationMode], error) {
		err := s.DeclareProduction(ctx, in.Body.Reason)
		return &api.Output[installationMode]{Body: installationMode{Mode: Production}}, err
	})
}
