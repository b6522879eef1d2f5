package fleet

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
)

type bulkInput struct {
	Body struct {
		IDs        []string          `json:"ids" minItems:"1" maxItems:"500" nullable:"false"`
		SetLabels  map[string]string `json:"set_labels,omitempty" doc:"Labels to set; the others stay"`
		DropLabels []string          `json:"drop_labels,omitempty" maxItems:"32" doc:"Labels to take away"`
		Values     map[string]string `json:"values,omitempty" doc:"Values of the profile by name; an empty text clears one"`
		AreaPath   *string           `json:"area_path,omitempty" maxLength:"64"`
		SystemID   *string           `json:"system_id,omitempty" maxLength:"64"`
	}
}

type bulkOutput struct {
	Changed int `json:"changed" doc:"Assets that differ now"`
}

type groupView struct {
	AreaPath string `json:"area_path"`
	SystemID string `json:"system_id"`
	Kind     string `json:"kind" enum:"host,component,network"`
	Count    int    `json:"count"`
}

type valueChangeView struct {
	Name   string `json:"name"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

type stepView struct {
	Seq       int64             `json:"seq" doc:"Row of the journal"`
	Type      string            `json:"type"`
	At        time.Time         `json:"at"`
	ActorKind string            `json:"actor_kind"`
	ActorID   string            `json:"actor_id"`
	ActorName string            `json:"actor_name"`
	Source    string            `json:"source" doc:"The import it came from, empty for a change by hand"`
	Reason    string            `json:"reason"`
	Link      string            `json:"link" doc:"Kind of the dependency that was added or removed"`
	ToID      string            `json:"to_id"`
	ToName    string            `json:"to_name"`
	Changes   []valueChangeView `json:"changes" nullable:"false"`
}

func viewStep(s Step) stepView {
	v := stepView{
		Seq: s.Seq, Type: s.Row.Type, At: s.Row.At, ActorKind: s.ActorKind, ActorID: s.ActorID, ActorName: s.ActorName,
		Source: s.Row.Text("source"), Reason: s.Row.Text("reason"), Link: s.Row.Text("link"),
		ToID: s.Row.Text("to_id"), ToName: s.Row.Text("to_name"), Changes: []valueChangeView{},
	}
	for _, c := range s.Changes {
		v.Changes = append(v.Changes, valueChangeView(c))
	}
	return v
}

type linkInput struct {
	Body struct {
		FromID string `json:"from_id" maxLength:"64"`
		ToID   string `json:"to_id" maxLength:"64"`
		Kind   string `json:"kind" enum:"depends_on,replicates_to,backed_up_to,connects_to"`
	}
}

type linkView struct {
	ID     string `json:"id"`
	FromID string `json:"from_id"`
	ToID   string `json:"to_id"`
	Kind   string `json:"kind" enum:"depends_on,replicates_to,backed_up_to,connects_to"`
}

func viewLink(l Link) linkView {
	return linkView{ID: l.ID, FromID: l.FromID, ToID: l.ToID, Kind: l.Kind}
}

type mapInput struct {
	AssetID  string `query:"asset_id" maxLength:"64" doc:"This asset with what is joined to it"`
	Depth    int    `query:"depth" minimum:"1" maximum:"4" default:"2" doc:"Steps away from the asset"`
	SystemID string `query:"system_id" maxLength:"64" doc:"Or all assets of this system"`
}

type mapView struct {
	Assets []AssetView `json:"assets" nullable:"false"`
	Links  []linkView  `json:"links" nullable:"false"`
	Capped bool        `json:"capped" doc:"There is more than one picture can hold"`
}

// registerRoutes adds what concerns the register as a whole.
func (m *Module) registerRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "fleet.assets.bulk", Method: http.MethodPost, Path: "/fleet/assets/bulk", Permission: PermissionManage,
		Summary: "Change many assets alike", Doc: "All of them or none; each has its own row in the journal.",
		Codes: []problem.Code{problem.NotFound, problem.Invalid, problem.Forbidden, problem.NotPossibleInState},
	}, func(ctx context.Context, in *bulkInput) (*api.Output[bulkOutput], error) {
		n, err := m.UpdateMany(ctx, scopeOf(ctx), Bulk{
			IDs: in.Body.IDs, SetLabels: in.Body.SetLabels, DropLabels: in.Body.DropLabels, Values: in.Body.Values,
			AreaPath: in.Body.AreaPath, SystemID: in.Body.SystemID,
		})
		return &api.Output[bulkOutput]{Body: bulkOutput{Changed: n}}, err
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.history", Method: http.MethodGet, Path: "/fleet/assets/{id}/history", Permission: PermissionRead,
		Summary: "What happened to an asset", Doc: "The latest first; every change with its values before and after, from the journal.",
		Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[api.Items[stepView]], error) {
		steps, err := m.History(ctx, scopeOf(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		out := api.Items[stepView]{Items: []stepView{}}
		for _, s := range steps {
			out.Items = append(out.Items, viewStep(s))
		}
		return &api.Output[api.Items[stepView]]{Body: out}, nil
	})
	api.Register(r, api.Operation{
		ID: "fleet.tree.get", Method: http.MethodGet, Path: "/fleet/tree", Permission: PermissionRead,
		Summary: "How many active assets lie where", Doc: "By area, system and kind, within the caller's areas and systems.",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[api.Items[groupView]], error) {
		all, err := groups(ctx, m.db.Read())
		if err != nil {
			return nil, err
		}
		scope := scopeOf(ctx)
		out := api.Items[groupView]{Items: []groupView{}}
		for _, g := range all {
			if scope.Covers(g.AreaPath, g.SystemID) {
				out.Items = append(out.Items, groupView{AreaPath: g.AreaPath, SystemID: g.SystemID, Kind: g.Kind, Count: g.N})
			}
		}
		return &api.Output[api.Items[groupView]]{Body: out}, nil
	})
	m.linkRoutes(r)
	m.proposalRoutes(r)
}

func (m *Module) linkRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "fleet.map.get", Method: http.MethodGet, Path: "/fleet/map", Permission: PermissionRead,
		Summary: "Assets with their dependencies", Doc: "Around one asset or of one system, at most 300 assets; components lie on their hosts by parent_id.",
		Codes: []problem.Code{problem.NotFound, problem.Invalid},
	}, func(ctx context.Context, in *mapInput) (*api.Output[mapView], error) {
		var drawn Map
		var err error
		switch {
		case in.AssetID != "":
			drawn, err = m.Around(ctx, scopeOf(ctx), in.AssetID, in.Depth)
		case in.SystemID != "":
			drawn, err = m.OfSystem(ctx, scopeOf(ctx), in.SystemID)
		default:
			err = problem.InvalidField("query.asset_id", "required", "name an asset or a system")
		}
		if err != nil {
			return nil, err
		}
		views, err := m.views(ctx, drawn.Assets)
		if err != nil {
			return nil, err
		}
		out := mapView{Assets: []AssetView{}, Links: []linkView{}, Capped: drawn.Capped}
		for _, a := range drawn.Assets {
			out.Assets = append(out.Assets, views[a.ID])
		}
		for _, l := range drawn.Links {
			out.Links = append(out.Links, viewLink(l))
		}
		return &api.Output[mapView]{Body: out}, nil
	})
	api.Register(r, api.Operation{
		ID: "fleet.links.create", Method: http.MethodPost, Path: "/fleet/links", Permission: PermissionManage,
		Summary: "Note that one asset depends on another", Doc: "depends_on and backed_up_to may not lead back to where they began.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Conflict},
	}, func(ctx context.Context, in *linkInput) (*api.Output[linkView], error) {
		l, err := m.AddLink(ctx, scopeOf(ctx), in.Body.FromID, in.Body.ToID, in.Body.Kind)
		return &api.Output[linkView]{Body: viewLink(l)}, err
	})
	api.Register(r, api.Operation{
		ID: "fleet.links.delete", Method: http.MethodDelete, Path: "/fleet/links/{id}", Permission: PermissionManage,
		Summary: "Take a dependency away", Status: http.StatusNoContent, Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.None, error) {
		return &api.None{}, m.RemoveLink(ctx, scopeOf(ctx), in.ID)
	})
}
