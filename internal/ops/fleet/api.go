package fleet

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
)

// ProfileView is what people say of an asset; exported so that the API description shows embedded fields.
type ProfileView struct {
	Environment   string `json:"environment" enum:",production,disaster_recovery,staging,test,development"`
	Criticality   string `json:"criticality" enum:",core,important,general"`
	OwnerID       string `json:"owner_id" doc:"Account of the responsible person, when they have one"`
	OwnerName     string `json:"owner_name"`
	OwnerPhone    string `json:"owner_phone"`
	Address       string `json:"address" doc:"IP address or DNS name"`
	OS            string `json:"os" doc:"As people say; facts.os is what the host says"`
	Vendor        string `json:"vendor"`
	Model         string `json:"model"`
	Serial        string `json:"serial"`
	Location      string `json:"location"`
	WarrantyUntil string `json:"warranty_until" doc:"Day, empty when not known" example:"2027-03-31"`
	Reach         string `json:"reach" enum:",local,direct,ssh,none" doc:"How it is reached for inspection; empty for a component that is reached as its host is"`
}

// AssetView is an asset as answered; exported so that the API description shows embedded fields.
type AssetView struct {
	ID       string `json:"id"`
	Number   string `json:"number" example:"AST-2026-0001"`
	Kind     string `json:"kind" enum:"host,component,network"`
	Name     string `json:"name"`
	Hostname string `json:"hostname"`
	ParentID string `json:"parent_id" doc:"The host a component lies on, empty for a host"`
	AreaPath string `json:"area_path"`
	SystemID string `json:"system_id"`
	State    string `json:"state" enum:"active,retired"`
	ProfileView
	Facts      Facts             `json:"facts"`
	Labels     map[string]string `json:"labels"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
	Version    int64             `json:"version"`
	WorstState string            `json:"worst_state" doc:"Gravest state of its checks, empty without any"`
}

func (m *Module) views(ctx context.Context, assets []Asset) (map[string]AssetView, error) {
	ids := make([]string, len(assets))
	for i := range assets {
		ids[i] = assets[i].ID
	}
	worst, err := m.worst(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]AssetView, len(assets))
	for _, a := range assets {
		out[a.ID] = AssetView{
			ID: a.ID, Number: a.Number, Kind: a.Kind, Name: a.Name, Hostname: a.Hostname, ParentID: a.ParentID,
			AreaPath: a.AreaPath, SystemID: a.SystemID, State: string(a.State), ProfileView: ProfileView(a.Profile), Facts: a.Facts, Labels: a.Labels,
			CreatedAt: a.CreatedAt.Time, UpdatedAt: a.UpdatedAt.Time, Version: a.Version, WorstState: worst[a.ID],
		}
	}
	return out, nil
}

func (m *Module) view(ctx context.Context, a Asset, err error) (*api.Output[AssetView], error) {
	if err != nil {
		return nil, err
	}
	v, err := m.views(ctx, []Asset{a})
	if err != nil {
		return nil, err
	}
	return &api.Output[AssetView]{Body: v[a.ID]}, nil
}

type listInput struct {
	api.ListParams
	Kind        string `query:"kind" doc:"host, component"`
	AreaPath    string `query:"area_path" doc:"This area and all below it"`
	SystemID    string `query:"system_id"`
	State       string `query:"state" doc:"active, retired"`
	Environment string `query:"environment" doc:"production, disaster_recovery, staging, test, development"`
	Criticality string `query:"criticality" doc:"core, important, general"`
	Reach       string `query:"reach" doc:"local, direct, ssh, none"`
	ParentID    string `query:"parent_id" doc:"Components of this host"`
	Q           string `query:"q" maxLength:"100" doc:"Text in name, host name, number, address, serial number, owner or labels"`
}

type createInput struct {
	Body struct {
		Kind     string            `json:"kind" enum:"host,component,network"`
		Name     string            `json:"name" minLength:"1" maxLength:"100"`
		Hostname string            `json:"hostname,omitempty" maxLength:"253"`
		ParentID string            `json:"parent_id,omitempty" maxLength:"64" doc:"The host, for a component"`
		AreaPath string            `json:"area_path" maxLength:"64"`
		SystemID string            `json:"system_id" maxLength:"64"`
		Labels   map[string]string `json:"labels,omitempty"`
		Values   map[string]string `json:"values,omitempty" doc:"Values of the profile by name: environment, criticality, owner_id, owner_name, owner_phone, address, os, vendor, model, serial, location, warranty_until, reach"`
	}
}

type patchInput struct {
	api.IDInput
	Body struct {
		Name     *string            `json:"name,omitempty" minLength:"1" maxLength:"100"`
		AreaPath *string            `json:"area_path,omitempty" maxLength:"64"`
		SystemID *string            `json:"system_id,omitempty" maxLength:"64"`
		Labels   *map[string]string `json:"labels,omitempty" doc:"All labels, not only the changed ones"`
		Values   map[string]string  `json:"values,omitempty" doc:"Values by name, only the changed ones: those of the profile, hostname, parent_id"`
		Version  int64              `json:"version"`
	}
}

type retireInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

// Routes adds the operations.
func (m *Module) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "fleet.assets.list", Method: http.MethodGet, Path: "/fleet/assets", Permission: PermissionRead,
		Summary: "Assets", Doc: "Hosts and components within the caller's areas and systems, with the gravest state of their checks.",
	}, func(ctx context.Context, in *listInput) (*api.PageOutput[AssetView], error) {
		page, err := m.List(ctx, scopeOf(ctx), in.Query(map[string]string{
			"kind": in.Kind, "area_path": in.AreaPath, "system_id": in.SystemID, "state": in.State, "environment": in.Environment, "criticality": in.Criticality, "reach": in.Reach,
			"parent_id": in.ParentID, "q": in.Q,
		}))
		if err != nil {
			return nil, err
		}
		views, err := m.views(ctx, page.Items)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(a Asset) AssetView { return views[a.ID] }), nil
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.create", Method: http.MethodPost, Path: "/fleet/assets", Permission: PermissionManage,
		Summary: "Register an asset", Doc: "The machine of a server registers itself; this is for everything else.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *createInput) (*api.Output[AssetView], error) {
		profile, hostname, err := ProfileOf(in.Body.Values)
		if err != nil {
			return nil, err
		}
		if hostname == "" {
			hostname = in.Body.Hostname
		}
		a, err := m.Register(ctx, scopeOf(ctx), NewAsset{
			Profile: profile,
			Kind:    in.Body.Kind, Name: in.Body.Name, Hostname: hostname, ParentID: in.Body.ParentID,
			AreaPath: in.Body.AreaPath, SystemID: in.Body.SystemID, Labels: in.Body.Labels,
		})
		return m.view(ctx, a, err)
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.get", Method: http.MethodGet, Path: "/fleet/assets/{id}", Permission: PermissionRead,
		Summary: "One asset", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[AssetView], error) {
		a, err := m.Get(ctx, scopeOf(ctx), in.ID)
		return m.view(ctx, a, err)
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.update", Method: http.MethodPatch, Path: "/fleet/assets/{id}", Permission: PermissionManage,
		Summary: "Change an asset", Doc: "Needs the permission where the asset is and where it goes.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *patchInput) (*api.Output[AssetView], error) {
		a, err := m.Update(ctx, scopeOf(ctx), in.ID, Change{
			Name: in.Body.Name, AreaPath: in.Body.AreaPath, SystemID: in.Body.SystemID,
			Labels: in.Body.Labels, Set: in.Body.Values, Version: in.Body.Version,
		})
		return m.view(ctx, a, err)
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.retire", Method: http.MethodPost, Path: "/fleet/assets/{id}/retire", Permission: PermissionManage,
		Summary: "Retire an asset", Doc: "Nothing is inspected on it from then on; its history stays.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *retireInput) (*api.Output[AssetView], error) {
		a, err := m.Retire(ctx, scopeOf(ctx), in.ID, in.Body.Reason, in.Body.Version)
		return m.view(ctx, a, err)
	})
	m.registerRoutes(r)
}
