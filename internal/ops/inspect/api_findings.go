package inspect

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// FindingFilters narrow the findings; exported because only exported parts of an input are read.
type FindingFilters struct {
	State         string `query:"state" doc:"open, assigned, repaired, closed"`
	Severity      string `query:"severity" doc:"warning, critical, unknown"`
	AssigneeID    string `query:"assignee_id"`
	NotAssigneeID string `query:"not_assignee_id" doc:"Not assigned to this person"`
	Class         string `query:"class" doc:"os_log, hardware, service, performance, instance, data"`
	AssetID       string `query:"asset_id"`
	SystemID      string `query:"system_id"`
	Overdue       string `query:"overdue" enum:"0,1,true,false" doc:"1: the due time has passed without a good result"`
	Recurring     string `query:"recurring" enum:"0,1,true,false" doc:"1: the same check had a finding that ended less than 30 days before"`
	Q             string `query:"q" maxLength:"100" doc:"Text in number, title, name of the asset or first summary; the newest 10000 that match"`
}

func (f *FindingFilters) filters() map[string]string {
	return map[string]string{
		"state": f.State, "severity": f.Severity, "assignee_id": f.AssigneeID, "not_assignee_id": f.NotAssigneeID,
		"class": f.Class, "asset_id": f.AssetID, "system_id": f.SystemID,
		"overdue": flag(f.Overdue), "recurring": flag(f.Recurring), "q": f.Q,
	}
}

type findingsInput struct {
	api.ListParams
	FindingFilters
}

type assignInput struct {
	api.IDInput
	Body struct {
		AccountID string    `json:"account_id" maxLength:"64"`
		DueAt     time.Time `json:"due_at,omitempty" doc:"By severity when left out: 4 hours, for a warning 3 days"`
		Note      string    `json:"note,omitempty" maxLength:"2000"`
		Version   int64     `json:"version"`
	}
}

type commentInput struct {
	api.IDInput
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"4000"`
	}
}

type postponeInput struct {
	api.IDInput
	Body struct {
		DueAt   time.Time `json:"due_at" doc:"Later than the due time before, at most 90 days from now"`
		Reason  string    `json:"reason" minLength:"2" maxLength:"2000"`
		Version int64     `json:"version"`
	}
}

type repairedInput struct {
	api.IDInput
	Body struct {
		Note    string `json:"note" minLength:"2" maxLength:"4000" doc:"What was done"`
		Version int64  `json:"version"`
	}
}

// Findings reads a page of findings; q narrows to those whose text contains it.
func (m *Module) Findings(ctx context.Context, scope store.Scope, query store.ListQuery, q string) (store.Page[Finding], error) {
	query.Filters = activeStates(query.Filters)
	return store.List[Finding](ctx, m.db.Read(), findingList(), scope, query, containing(m.db.Dialect(), q))
}

// pageOfFindings reads a page as the API shows it; the filter q is the text that is searched for.
func (m *Module) pageOfFindings(ctx context.Context, query store.ListQuery) (store.Page[FindingView], error) {
	query, q := without(query, "q")
	page, err := m.Findings(ctx, api.ScopeFrom(ctx), query, q)
	return listed(ctx, page, err, func(f Finding) string { return f.ID }, m.viewFindings)
}

func (m *Module) viewFinding(ctx context.Context) func(Finding) (FindingView, error) {
	return func(f Finding) (FindingView, error) {
		views, err := m.viewFindings(ctx, []Finding{f})
		return views[f.ID], err
	}
}

func (m *Module) findingRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.findings.list", Method: http.MethodGet, Path: "/inspect/findings", Permission: PermissionRead,
		Summary: "Findings", Doc: "Sorted by severity or opened_at; -severity, the default, is red first and the newest first among equals.",
	}, func(ctx context.Context, in *findingsInput) (*api.PageOutput[FindingView], error) {
		return answerPage(m.pageOfFindings(ctx, in.Query(in.filters())))
	})
	api.Register(r, api.Operation{
		ID: "inspect.findings.get", Method: http.MethodGet, Path: "/inspect/findings/{id}", Permission: PermissionRead,
		Summary: "One finding", Doc: "With its timeline from the journal and the last result.", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[findingDetailView], error) {
		f, err := findFinding(ctx, m.db.Read(), api.ScopeFrom(ctx), in.ID)
		return answer(f, err, func(f *Finding) (findingDetailView, error) { return m.viewFindingDetail(ctx, f) })
	})
	api.Register(r, api.Operation{
		ID: "inspect.findings.assign", Method: http.MethodPost, Path: "/inspect/findings/{id}/assign", Permission: PermissionHandle,
		Summary: "Give a finding to a person", Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState, problem.Invalid},
	}, func(ctx context.Context, in *assignInput) (*api.Output[FindingView], error) {
		f, err := m.AssignFinding(ctx, api.ScopeFrom(ctx), in.ID, Assignment{
			AccountID: in.Body.AccountID, DueAt: in.Body.DueAt, Note: in.Body.Note, Version: in.Body.Version,
		})
		return answer(f, err, m.viewFinding(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.findings.postpone", Method: http.MethodPost, Path: "/inspect/findings/{id}/postpone", Permission: PermissionHandle,
		Summary: "Give a finding more time", Doc: "Each time is counted and stays visible with its reason.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState, problem.Invalid},
	}, func(ctx context.Context, in *postponeInput) (*api.Output[FindingView], error) {
		f, err := m.PostponeFinding(ctx, api.ScopeFrom(ctx), in.ID, Postponement{DueAt: in.Body.DueAt, Reason: in.Body.Reason, Version: in.Body.Version})
		return answer(f, err, m.viewFinding(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.findings.comment", Method: http.MethodPost, Path: "/inspect/findings/{id}/comment", Permission: PermissionHandle,
		Summary: "Add to the timeline of a finding", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *commentInput) (*api.Output[FindingView], error) {
		f, err := m.CommentFinding(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Text)
		return answer(f, err, m.viewFinding(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.findings.repaired", Method: http.MethodPost, Path: "/inspect/findings/{id}/repaired", Permission: PermissionHandle,
		Summary: "Say that the cause is removed", Doc: "Only a later good result closes the finding.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *repairedInput) (*api.Output[FindingView], error) {
		f, err := m.RepairFinding(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Note, in.Body.Version)
		return answer(f, err, m.viewFinding(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.findings.see", Method: http.MethodPost, Path: "/inspect/findings/{id}/see", Permission: PermissionRead,
		Summary: "Note that one has seen a finding", Doc: "Once for each person.", Status: http.StatusNoContent,
		Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.None, error) {
		return &api.None{}, m.SeeFinding(ctx, api.ScopeFrom(ctx), in.ID, api.CallerFrom(ctx).AccountID)
	})
}

func (m *Module) viewFindingDetail(ctx context.Context, f *Finding) (findingDetailView, error) {
	shown, err := m.viewFinding(ctx)(*f)
	if err != nil {
		return findingDetailView{}, err
	}
	out := findingDetailView{FindingView: shown}
	if out.Timeline, err = m.viewTimeline(ctx, f.ID); err != nil {
		return out, err
	}
	last, err := m.Result(ctx, store.Everything(), f.LastResultID)
	if problem.CodeOf(err) == problem.NotFound {
		return out, nil // older than results are kept
	}
	if err != nil {
		return out, err
	}
	views, err := m.viewResults(ctx, []Result{*last})
	if err != nil {
		return out, err
	}
	v := views[last.ID]
	out.Result = &v
	return out, nil
}
