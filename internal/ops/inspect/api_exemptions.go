package inspect

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type exemptionsInput struct {
	api.ListParams
	State   string `query:"state" doc:"proposed, active, refused, ended"`
	AssetID string `query:"asset_id" maxLength:"64"`
	Kind    string `query:"kind" maxLength:"64"`
}

type exemptionInput struct {
	Body struct {
		CheckID   string `json:"check_id" maxLength:"64"`
		WholeKind bool   `json:"whole_kind,omitempty" doc:"Every check of this kind on the asset, those still to come included"`
		Until     string `json:"until,omitempty" maxLength:"10" doc:"Last day on which it holds; for good when left out" example:"2027-03-31"`
		Reason    string `json:"reason" minLength:"2" maxLength:"500"`
	}
}

type endInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

type exemptionView struct {
	ID             string     `json:"id"`
	AssetID        string     `json:"asset_id"`
	AssetName      string     `json:"asset_name"`
	Kind           string     `json:"kind"`
	CheckID        string     `json:"check_id" doc:"Empty for every check of the kind on the asset"`
	TitleZH        string     `json:"title_zh"`
	TitleEN        string     `json:"title_en"`
	Target         string     `json:"target"`
	Reason         string     `json:"reason"`
	Until          *time.Time `json:"until,omitempty" doc:"The moment its last day ends; for good when left out"`
	State          string     `json:"state" enum:"proposed,active,refused,ended"`
	RequestID      string     `json:"request_id" doc:"The matter that was decided, below /approval/requests"`
	ProposedByName string     `json:"proposed_by_name"`
	ProposedAt     time.Time  `json:"proposed_at"`
	DecidedAt      *time.Time `json:"decided_at,omitempty"`
	EndedAt        *time.Time `json:"ended_at,omitempty"`
	EndReason      string     `json:"end_reason"`
	AreaPath       string     `json:"area_path"`
	SystemID       string     `json:"system_id"`
	Version        int64      `json:"version"`
}

func (m *Module) viewExemptions(ctx context.Context, es []Exemption) (map[string]exemptionView, error) {
	people := make([]string, len(es))
	for i, e := range es {
		people[i] = e.ProposedBy
	}
	names, err := m.namesOf(ctx, people)
	if err != nil {
		return nil, err
	}
	out := make(map[string]exemptionView, len(es))
	for _, e := range es {
		out[e.ID] = exemptionView{
			ID: e.ID, AssetID: e.AssetID, AssetName: e.AssetName, Kind: e.Kind, CheckID: e.CheckID, TitleZH: e.TitleZH, TitleEN: e.TitleEN,
			Target: e.Target, Reason: e.Reason, Until: e.UntilAt.Ptr(), State: string(e.State), RequestID: e.RequestID,
			ProposedByName: names[e.ProposedBy], ProposedAt: e.ProposedAt.Time, DecidedAt: e.DecidedAt.Ptr(), EndedAt: e.EndedAt.Ptr(),
			EndReason: e.EndReason, AreaPath: e.AreaPath, SystemID: e.SystemID, Version: e.Version,
		}
	}
	return out, nil
}

func (m *Module) viewExemption(ctx context.Context) func(Exemption) (exemptionView, error) {
	return func(e Exemption) (exemptionView, error) {
		views, err := m.viewExemptions(ctx, []Exemption{e})
		return views[e.ID], err
	}
}

func (m *Module) exemptionRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.exemptions.list", Method: http.MethodGet, Path: "/inspect/exemptions", Permission: PermissionRead,
		Summary: "What is not applicable", Doc: "Checks taken out of the inspection, or proposed to be; the latest first.",
	}, func(ctx context.Context, in *exemptionsInput) (*api.PageOutput[exemptionView], error) {
		page, err := store.List[Exemption](ctx, m.db.Read(), exemptionList(), api.ScopeFrom(ctx),
			in.Query(map[string]string{"state": in.State, "asset_id": in.AssetID, "kind": in.Kind}), nil)
		return answerPage(listed(ctx, page, err, func(e Exemption) string { return e.ID }, m.viewExemptions))
	})
	api.Register(r, api.Operation{
		ID: "inspect.exemptions.create", Method: http.MethodPost, Path: "/inspect/exemptions", Permission: PermissionManage,
		Summary: "Propose that a check is not applicable", Doc: "Another person decides; until then it is inspected as before and marked.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Conflict, problem.NotPossibleInState},
	}, func(ctx context.Context, in *exemptionInput) (*api.Output[exemptionView], error) {
		e, err := m.ProposeExemption(ctx, api.ScopeFrom(ctx), NewExemption{
			CheckID: in.Body.CheckID, WholeKind: in.Body.WholeKind, Until: in.Body.Until, Reason: in.Body.Reason,
		})
		return answer(e, err, m.viewExemption(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.exemptions.end", Method: http.MethodPost, Path: "/inspect/exemptions/{id}/end", Permission: PermissionManage,
		Summary: "Have it inspected again", Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *endInput) (*api.Output[exemptionView], error) {
		e, err := m.EndExemption(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Reason, in.Body.Version)
		return answer(e, err, m.viewExemption(ctx))
	})
}
