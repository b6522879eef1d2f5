package approval

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
)

type requestsInput struct {
	api.ListParams
	State     string `query:"state" doc:"proposed, approved, declined, withdrawn"`
	Kind      string `query:"kind" maxLength:"64"`
	SubjectID string `query:"subject_id" maxLength:"64"`
}

type requestView struct {
	ID             string     `json:"id"`
	Number         string     `json:"number" example:"APR-2026-0001"`
	Kind           string     `json:"kind"`
	KindTitleZH    string     `json:"kind_title_zh"`
	KindTitleEN    string     `json:"kind_title_en"`
	SubjectKind    string     `json:"subject_kind"`
	SubjectID      string     `json:"subject_id"`
	TitleZH        string     `json:"title_zh"`
	TitleEN        string     `json:"title_en"`
	Href           string     `json:"href" doc:"Page of the console that shows the thing"`
	Reason         string     `json:"reason"`
	State          string     `json:"state" enum:"proposed,approved,declined,withdrawn"`
	ProposedBy     string     `json:"proposed_by"`
	ProposedByName string     `json:"proposed_by_name"`
	ProposedAt     time.Time  `json:"proposed_at"`
	DecidedByName  string     `json:"decided_by_name" doc:"Who decided here, or recorded the decision"`
	DecidedAt      *time.Time `json:"decided_at,omitempty"`
	DecisionReason string     `json:"decision_reason"`
	How            string     `json:"how" enum:",here,document,paper"`
	OutsideNumber  string     `json:"outside_number"`
	OutsideWho     string     `json:"outside_who"`
	OutsideOn      string     `json:"outside_on"`
	Alone          bool       `json:"alone" doc:"One person proposed and decided, on trial: it does not count as evidence"`
	MayDecide      bool       `json:"may_decide" doc:"In production another person than who proposed it"`
	AreaPath       string     `json:"area_path"`
	SystemID       string     `json:"system_id"`
	Version        int64      `json:"version"`
}

func (s *Service) views(ctx context.Context, rs []Request) (map[string]requestView, error) {
	names, err := s.names(ctx, rs)
	if err != nil {
		return nil, err
	}
	mode, err := s.people.Mode(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]requestView, len(rs))
	for _, r := range rs {
		k := s.kinds[r.Kind]
		out[r.ID] = requestView{
			ID: r.ID, Number: r.Number, Kind: r.Kind, KindTitleZH: k.TitleZH, KindTitleEN: k.TitleEN,
			SubjectKind: r.SubjectKind, SubjectID: r.SubjectID, TitleZH: r.TitleZH, TitleEN: r.TitleEN, Href: r.Href, Reason: r.Reason,
			State: string(r.State), ProposedBy: r.ProposedBy, ProposedByName: names[r.ProposedBy], ProposedAt: r.ProposedAt.Time,
			DecidedByName: names[r.DecidedBy], DecidedAt: r.DecidedAt.Ptr(), DecisionReason: r.DecisionReason, How: r.How,
			OutsideNumber: r.OutsideNumber, OutsideWho: r.OutsideWho, OutsideOn: r.OutsideOn, Alone: r.Alone == 1,
			MayDecide: r.State == Proposed && (mode != access.Production || r.ProposedBy != api.CallerFrom(ctx).AccountID),
			AreaPath:  r.AreaPath, SystemID: r.SystemID, Version: r.Version,
		}
	}
	return out, nil
}

func (s *Service) view(ctx context.Context, r Request, err error) (*api.Output[requestView], error) {
	if err != nil {
		return nil, err
	}
	views, err := s.views(ctx, []Request{r})
	return &api.Output[requestView]{Body: views[r.ID]}, err
}

type decideInput struct {
	api.IDInput
	Body struct {
		Approve       bool   `json:"approve"`
		Reason        string `json:"reason,omitempty" maxLength:"500" doc:"Needed to decline"`
		How           string `json:"how,omitempty" enum:"here,document,paper" doc:"here when left out; else the decision was made outside and is recorded"`
		OutsideNumber string `json:"outside_number,omitempty" maxLength:"100" doc:"Number of the document"`
		OutsideWho    string `json:"outside_who,omitempty" maxLength:"100" doc:"Who decided outside"`
		OutsideOn     string `json:"outside_on,omitempty" maxLength:"10" doc:"Day of the decision outside" example:"2026-11-24"`
		Version       int64  `json:"version"`
	}
}

type withdrawInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

// Routes adds the operations.
func (s *Service) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "approval.requests.list", Method: http.MethodGet, Path: "/approval/requests", Permission: PermissionRead,
		Summary: "Matters for decision", Doc: "The latest first.",
	}, func(ctx context.Context, in *requestsInput) (*api.PageOutput[requestView], error) {
		page, err := s.List(ctx, api.ScopeFrom(ctx), in.Query(map[string]string{"state": in.State, "kind": in.Kind, "subject_id": in.SubjectID}))
		if err != nil {
			return nil, err
		}
		views, err := s.views(ctx, page.Items)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(r Request) requestView { return views[r.ID] }), nil
	})
	api.Register(r, api.Operation{
		ID: "approval.requests.get", Method: http.MethodGet, Path: "/approval/requests/{id}", Permission: PermissionRead,
		Summary: "One matter", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[requestView], error) {
		found, err := find(ctx, s.db.Read(), api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		return s.view(ctx, *found, nil)
	})
	api.Register(r, api.Operation{
		ID: "approval.requests.decide", Method: http.MethodPost, Path: "/approval/requests/{id}/decide", Permission: PermissionDecide,
		Fresh: true, Summary: "Approve or decline", Doc: "In production by another person than who proposed it. What is approved is carried out at once.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid, problem.NotPossibleInState, CodeSecondPerson},
	}, func(ctx context.Context, in *decideInput) (*api.Output[requestView], error) {
		b := in.Body
		done, err := s.Decide(ctx, api.ScopeFrom(ctx), in.ID, Decision{
			Approve: b.Approve, Reason: b.Reason, How: b.How, OutsideNumber: b.OutsideNumber, OutsideWho: b.OutsideWho,
			OutsideOn: b.OutsideOn, Version: b.Version,
		})
		return s.view(ctx, done, err)
	})
	api.Register(r, api.Operation{
		ID: "approval.requests.withdraw", Method: http.MethodPost, Path: "/approval/requests/{id}/withdraw", Permission: PermissionRead,
		Summary: "Take back what you proposed", Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState, problem.Forbidden},
	}, func(ctx context.Context, in *withdrawInput) (*api.Output[requestView], error) {
		done, err := s.Withdraw(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Reason, in.Body.Version)
		return s.view(ctx, done, err)
	})
}
