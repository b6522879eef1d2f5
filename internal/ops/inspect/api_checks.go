package inspect

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// badStates asks for WARNING, CRITICAL and UNKNOWN together by one column, which an index serves in
// the order of the list; three states would have to be merged and sorted.
func badStates(filters map[string]string) map[string]string {
	return together(filters, "state", "not_ok", []string{"CRITICAL", "UNKNOWN", "WARNING"})
}

// activeStates does the same for findings that are not closed.
func activeStates(filters map[string]string) map[string]string {
	return together(filters, "state", "active", []string{"assigned", "open", "repaired"})
}

// together returns a map of its own: an export asks with the same filters for each page.
func together(filters map[string]string, name, instead string, words []string) map[string]string {
	filters = maps.Clone(filters)
	asked := strings.Split(filters[name], ",")
	slices.Sort(asked)
	if slices.Equal(slices.Compact(asked), words) {
		filters[name], filters[instead] = "", "1"
	}
	return filters
}

// CheckFilters narrow the checks; exported because only exported parts of an input are read.
type CheckFilters struct {
	AssetID   string `query:"asset_id"`
	Class     string `query:"class" doc:"os_log, hardware, service, performance, instance, data"`
	State     string `query:"state" doc:"OK, WARNING, CRITICAL, UNKNOWN"`
	Reason    string `query:"reason" doc:"For example no_source"`
	Kind      string `query:"kind"`
	Enabled   string `query:"enabled" doc:"true, false"`
	Exemption string `query:"exemption" doc:"none, proposed, active: whether it is taken out as not applicable"`
	Q         string `query:"q" maxLength:"100" doc:"Text in title, target or name of the asset"`
}

func (f *CheckFilters) filters() map[string]string {
	return map[string]string{
		"asset_id": f.AssetID, "class": f.Class, "state": f.State, "reason": f.Reason, "kind": f.Kind,
		"enabled": flag(f.Enabled), "exemption": f.Exemption, "q": f.Q,
	}
}

type checksInput struct {
	api.ListParams
	CheckFilters
}

func (m *Module) pageOfChecks(ctx context.Context, query store.ListQuery) (store.Page[checkView], error) {
	page, err := store.List[Check](ctx, m.db.Read(), checkList(), api.ScopeFrom(ctx), query, nil)
	return listed(ctx, page, err, func(c Check) string { return c.ID }, m.viewChecks)
}

type checkInput struct {
	Body struct {
		AssetID string            `json:"asset_id" maxLength:"64"`
		Kind    string            `json:"kind" maxLength:"64"`
		Params  map[string]any    `json:"params,omitempty"`
		Warn    map[string]string `json:"warn,omitempty" doc:"Range by metric; a metric left out has that of its kind, an empty range never alerts"`
		Crit    map[string]string `json:"crit,omitempty"`
	}
}

type checkChangeInput struct {
	api.IDInput
	Body struct {
		Params  map[string]any    `json:"params,omitempty" doc:"All of them; secret ones that are left out stay"`
		Warn    map[string]string `json:"warn,omitempty" doc:"Replaces the ranges that were set"`
		Crit    map[string]string `json:"crit,omitempty"`
		Enabled *bool             `json:"enabled,omitempty"`
		Reason  string            `json:"reason" minLength:"2" maxLength:"500"`
		Version int64             `json:"version"`
	}
}

type historyInput struct {
	api.IDInput
	Label  string `query:"label" doc:"One measured value; empty for all"`
	From   string `query:"from" format:"date-time" doc:"A day ago when left out"`
	To     string `query:"to" format:"date-time" doc:"Now when left out"`
	Points int    `query:"points" minimum:"10" maximum:"500" default:"500" doc:"Points of each series at most"`
}

type seriesView struct {
	Series
	WarnView string `json:"warn"`
	CritView string `json:"crit"`
}

type historyView struct {
	Series []seriesView `json:"series" nullable:"false"`
	States []Stretch    `json:"states" nullable:"false"`
}

func flag(v string) string {
	switch v {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	return v
}

func (m *Module) viewCheck(ctx context.Context) func(Check) (checkView, error) {
	return func(c Check) (checkView, error) {
		views, err := m.viewChecks(ctx, []Check{c})
		return views[c.ID], err
	}
}

func (m *Module) checkRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.checks.list", Method: http.MethodGet, Path: "/inspect/checks", Permission: PermissionRead,
		Summary: "Checks with what they say now", Doc: "The gravest first.",
	}, func(ctx context.Context, in *checksInput) (*api.PageOutput[checkView], error) {
		return answerPage(m.pageOfChecks(ctx, in.Query(in.filters())))
	})
	api.Register(r, api.Operation{
		ID: "inspect.checks.create", Method: http.MethodPost, Path: "/inspect/checks", Permission: PermissionManage,
		Summary: "Add a check to an asset", Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Conflict},
	}, func(ctx context.Context, in *checkInput) (*api.Output[checkView], error) {
		c, err := m.AddCheck(ctx, api.ScopeFrom(ctx), NewCheck{
			AssetID: in.Body.AssetID, Kind: in.Body.Kind, Params: in.Body.Params, Warn: in.Body.Warn, Crit: in.Body.Crit,
		})
		return answer(c, err, m.viewCheck(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.checks.get", Method: http.MethodGet, Path: "/inspect/checks/{id}", Permission: PermissionRead,
		Summary: "One check", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[checkView], error) {
		c, err := findCheck(ctx, m.db.Read(), api.ScopeFrom(ctx), in.ID)
		return answer(c, err, func(c *Check) (checkView, error) { return m.viewCheck(ctx)(*c) })
	})
	api.Register(r, api.Operation{
		ID: "inspect.checks.update", Method: http.MethodPatch, Path: "/inspect/checks/{id}", Permission: PermissionManage,
		Summary: "Change a check", Doc: "The reason goes to the journal with what was changed.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid},
	}, func(ctx context.Context, in *checkChangeInput) (*api.Output[checkView], error) {
		c, err := m.ChangeCheck(ctx, api.ScopeFrom(ctx), in.ID, CheckChange{
			Params: in.Body.Params, Warn: in.Body.Warn, Crit: in.Body.Crit, Enabled: in.Body.Enabled,
			Reason: in.Body.Reason, Version: in.Body.Version,
		})
		return answer(c, err, m.viewCheck(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.checks.try", Method: http.MethodPost, Path: "/inspect/checks/{id}/try", Permission: PermissionRun,
		Summary: "Run a check once without keeping the result", Codes: []problem.Code{problem.NotFound, problem.NotPossibleInState},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[resultView], error) {
		c, res, err := m.TryCheck(ctx, api.ScopeFrom(ctx), in.ID)
		return answer(res, err, func(r Result) (resultView, error) { return viewResult(&r, &c), nil })
	})
	api.Register(r, api.Operation{
		ID: "inspect.checks.history", Method: http.MethodGet, Path: "/inspect/checks/{id}/history", Permission: PermissionRead,
		Summary: "The course of a check", Doc: "Measured values, thinned so that lows and highs remain, and what it said when.",
		Codes: []problem.Code{problem.NotFound, problem.Invalid},
	}, func(ctx context.Context, in *historyInput) (*api.Output[historyView], error) {
		to, err := moment("query.to", in.To, m.clock.Now())
		if err != nil {
			return nil, err
		}
		from, err := moment("query.from", in.From, to.Add(-24*time.Hour))
		if err != nil {
			return nil, err
		}
		h, err := m.CheckHistory(ctx, api.ScopeFrom(ctx), in.ID, in.Label, from, to, in.Points)
		return answer(h, err, func(h History) (historyView, error) {
			v := historyView{Series: []seriesView{}, States: h.States}
			for _, s := range h.Series {
				v.Series = append(v.Series, seriesView{Series: s, WarnView: s.Warn, CritView: s.Crit})
			}
			return v, nil
		})
	})
}

func moment(location, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, problem.InvalidField(location, "not_a_time", "a time such as 2026-11-24T08:00:00+08:00")
	}
	return t, nil
}

// PlanFilters narrow a list of plans; exported so that the API description shows them.
type PlanFilters struct {
	Enabled string `query:"enabled" doc:"true, false"`
}

func (f *PlanFilters) filters() map[string]string {
	return map[string]string{"enabled": flag(f.Enabled)}
}

type plansInput struct {
	api.ListParams
	PlanFilters
}

func (m *Module) pageOfPlans(ctx context.Context, query store.ListQuery) (store.Page[planView], error) {
	page, err := store.List[Plan](ctx, m.db.Read(), planList(), api.ScopeFrom(ctx), query, nil)
	return listed(ctx, page, err, func(p Plan) string { return p.ID }, m.viewPlans)
}

type planBody struct {
	Name            string   `json:"name" minLength:"1" maxLength:"100"`
	IntervalSeconds int64    `json:"interval_seconds" minimum:"30" maximum:"2678400"`
	Classes         []string `json:"classes" maxItems:"6" nullable:"false"`
	Timing          Timing   `json:"timing,omitempty" doc:"When it is due; by its interval on every day when left out"`
	Selector        Selector `json:"selector,omitempty" doc:"Which checks, besides classes, area and system"`
	AreaPath        string   `json:"area_path" maxLength:"64"`
	SystemID        string   `json:"system_id,omitempty" maxLength:"64"`
}

type planInput struct{ Body planBody }

func (b *planBody) plan() NewPlan {
	return NewPlan{
		Name: b.Name, IntervalSeconds: b.IntervalSeconds, Classes: b.Classes, Timing: b.Timing, Selector: b.Selector,
		AreaPath: b.AreaPath, SystemID: b.SystemID,
	}
}

type planChangeInput struct {
	api.IDInput
	Body struct {
		Name            *string   `json:"name,omitempty" minLength:"1" maxLength:"100"`
		IntervalSeconds *int64    `json:"interval_seconds,omitempty" minimum:"30" maximum:"2678400"`
		Enabled         *bool     `json:"enabled,omitempty"`
		Classes         *[]string `json:"classes,omitempty"`
		Timing          *Timing   `json:"timing,omitempty"`
		Selector        *Selector `json:"selector,omitempty"`
		Version         int64     `json:"version"`
	}
}

type slotView struct {
	At          time.Time `json:"at"`
	Why         string    `json:"why" enum:"interval,time,period,period_begins,calendar_missing"`
	DayKind     string    `json:"day_kind" enum:"workday,off,makeup,unpublished"`
	DayName     string    `json:"day_name" doc:"Of the holiday"`
	Provisional bool      `json:"provisional" doc:"What the day is may still change"`
	Period      string    `json:"period" doc:"Name of the period it lies in"`
}

type previewView struct {
	Slots   []slotView `json:"slots" nullable:"false" doc:"The next ten; fewer when there are no more within two years"`
	Checks  int        `json:"checks" doc:"That belong to it now"`
	Assets  int        `json:"assets"`
	Missing []int      `json:"missing" nullable:"false" doc:"Years whose workdays matter and are not known: every day runs"`
}

func viewPreview(p Preview) (previewView, error) {
	v := previewView{Slots: []slotView{}, Checks: p.Checks, Assets: p.Assets, Missing: append([]int{}, p.Missing...)}
	for _, s := range p.Slots {
		v.Slots = append(v.Slots, slotView{
			At: s.At.UTC(), Why: s.Why, DayKind: string(s.Day.Kind), DayName: s.Day.Name, Provisional: s.Day.Provisional, Period: s.Period,
		})
	}
	return v, nil
}

// GapFilters narrow the gaps.
type GapFilters struct {
	PlanID string `query:"plan_id"`
}

func (f *GapFilters) filters() map[string]string { return map[string]string{"plan_id": f.PlanID} }

type gapsInput struct {
	api.ListParams
	GapFilters
}

type gapView struct {
	ID           string    `json:"id"`
	PlanID       string    `json:"plan_id"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	MissedRounds int64     `json:"missed_rounds"`
	Reason       string    `json:"reason" enum:"server_stopped,clock_forward,database_unavailable,still_running,server_busy,no_checks"`
	NotedAt      time.Time `json:"noted_at"`
}

func (m *Module) viewPlan(ctx context.Context) func(Plan) (planView, error) {
	return func(p Plan) (planView, error) {
		views, err := m.viewPlans(ctx, []Plan{p})
		return views[p.ID], err
	}
}

func (m *Module) planRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.plans.list", Method: http.MethodGet, Path: "/inspect/plans", Permission: PermissionRead, Summary: "Plans",
	}, func(ctx context.Context, in *plansInput) (*api.PageOutput[planView], error) {
		return answerPage(m.pageOfPlans(ctx, in.Query(in.filters())))
	})
	api.Register(r, api.Operation{
		ID: "inspect.plans.create", Method: http.MethodPost, Path: "/inspect/plans", Permission: PermissionManage,
		Summary: "Make a plan", Doc: "For the machine of the server; by an interval its first round runs at once.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *planInput) (*api.Output[planView], error) {
		p, err := m.CreatePlan(ctx, api.ScopeFrom(ctx), in.Body.plan())
		return answer(p, err, m.viewPlan(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.plans.preview", Method: http.MethodPost, Path: "/inspect/plans/preview", Permission: PermissionManage,
		Summary: "What a plan would do, without making it", Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *planInput) (*api.Output[previewView], error) {
		p, err := m.PreviewPlan(ctx, api.ScopeFrom(ctx), in.Body.plan())
		return answer(p, err, viewPreview)
	})
	api.Register(r, api.Operation{
		ID: "inspect.plans.ahead", Method: http.MethodGet, Path: "/inspect/plans/{id}/ahead", Permission: PermissionRead,
		Summary: "The next slots of a plan, and why each", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[previewView], error) {
		p, err := m.PlanAhead(ctx, api.ScopeFrom(ctx), in.ID)
		return answer(p, err, viewPreview)
	})
	api.Register(r, api.Operation{
		ID: "inspect.plans.get", Method: http.MethodGet, Path: "/inspect/plans/{id}", Permission: PermissionRead,
		Summary: "One plan", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[planView], error) {
		p, err := findPlan(ctx, m.db.Read(), api.ScopeFrom(ctx), in.ID)
		return answer(p, err, func(p *Plan) (planView, error) { return m.viewPlan(ctx)(*p) })
	})
	api.Register(r, api.Operation{
		ID: "inspect.plans.update", Method: http.MethodPatch, Path: "/inspect/plans/{id}", Permission: PermissionManage,
		Summary: "Change a plan", Doc: "A plan that gets another rhythm or is switched on begins anew: by an interval it runs at once.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid},
	}, func(ctx context.Context, in *planChangeInput) (*api.Output[planView], error) {
		p, err := m.ChangePlan(ctx, api.ScopeFrom(ctx), in.ID, PlanChange{
			Name: in.Body.Name, IntervalSeconds: in.Body.IntervalSeconds, Enabled: in.Body.Enabled,
			Classes: in.Body.Classes, Timing: in.Body.Timing, Selector: in.Body.Selector, Version: in.Body.Version,
		})
		return answer(p, err, m.viewPlan(ctx))
	})
	api.Register(r, api.Operation{
		ID: "inspect.plans.run", Method: http.MethodPost, Path: "/inspect/plans/{id}/run", Permission: PermissionRun,
		Summary: "Run a plan now", Codes: []problem.Code{problem.NotFound, problem.NotPossibleInState, CodeAlreadyRunning},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[RoundView], error) {
		c := api.CallerFrom(ctx)
		round, err := m.RunNow(ctx, api.ScopeFrom(ctx), in.ID, c.AccountID)
		return answer(round, err, func(r Round) (RoundView, error) {
			return viewRound(r, map[string]string{c.AccountID: c.DisplayName}), nil
		})
	})
	api.Register(r, api.Operation{
		ID: "inspect.gaps.list", Method: http.MethodGet, Path: "/inspect/gaps", Permission: PermissionRead,
		Summary: "Rounds that were due and did not take place", Doc: "The latest first.",
	}, func(ctx context.Context, in *gapsInput) (*api.PageOutput[gapView], error) {
		return answerPage(m.pageOfGaps(ctx, in.Query(in.filters())))
	})
}

func (m *Module) pageOfGaps(ctx context.Context, query store.ListQuery) (store.Page[gapView], error) {
	page, err := store.List[Gap](ctx, m.db.Read(), gapList(), api.ScopeFrom(ctx), query, nil)
	if err != nil {
		return store.Page[gapView]{}, err
	}
	return store.MapPage(page, func(g Gap) gapView {
		return gapView{
			ID: g.ID, PlanID: g.PlanID, From: g.FromAt.Time, To: g.ToAt.Time, MissedRounds: g.MissedRounds,
			Reason: g.Reason, NotedAt: g.NotedAt.Time,
		}
	}), nil
}
