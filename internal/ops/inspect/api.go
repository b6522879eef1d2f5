package inspect

import (
	"context"
	"maps"
	"net/http"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// answer wraps what a service returned.
func answer[T, V any](v T, err error, view func(T) (V, error)) (*api.Output[V], error) {
	if err != nil {
		return nil, err
	}
	out, err := view(v)
	if err != nil {
		return nil, err
	}
	return &api.Output[V]{Body: out}, nil
}

// listed turns a page of rows into a page of views that were made for all rows together.
func listed[T, V any](ctx context.Context, page store.Page[T], err error, id func(T) string,
	views func(ctx context.Context, rows []T) (map[string]V, error),
) (store.Page[V], error) {
	if err != nil {
		return store.Page[V]{}, err
	}
	made, err := views(ctx, page.Items)
	if err != nil {
		return store.Page[V]{}, err
	}
	return store.MapPage(page, func(row T) V { return made[id(row)] }), nil
}

// answerPage answers with a page of views.
func answerPage[V any](page store.Page[V], err error) (*api.PageOutput[V], error) {
	if err != nil {
		return nil, err
	}
	return api.ToPage(page, func(v V) V { return v }), nil
}

// without takes a filter out of a query that the list itself does not know. The query keeps a map of its
// own: an export asks with the same one for each page.
func without(query store.ListQuery, name string) (store.ListQuery, string) {
	value := query.Filters[name]
	query.Filters = maps.Clone(query.Filters)
	delete(query.Filters, name)
	return query, value
}

// Routes adds the operations.
func (m *Module) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.kinds.list", Method: http.MethodGet, Path: "/inspect/kinds", Permission: PermissionRead,
		Summary: "Kinds of checks", Doc: "What may be set for each kind, its default ranges, and whether it was tested against the real thing.",
	}, func(context.Context, *struct{}) (*api.Output[kindsView], error) {
		out := kindsView{Items: []kindView{}, Metrics: []metricView{}}
		for _, b := range m.ordered {
			out.Items = append(out.Items, viewKind(b))
		}
		for _, x := range probe.Metrics() {
			out.Metrics = append(out.Metrics, metricView(x))
		}
		return &api.Output[kindsView]{Body: out}, nil
	})
	m.checkRoutes(r)
	m.thresholdRoutes(r)
	m.planRoutes(r)
	m.roundRoutes(r)
	m.coverageRoutes(r)
	m.proofRoutes(r)
	m.findingRoutes(r)
	m.dailyRoutes(r)
	m.exemptionRoutes(r)
	m.exportRoutes(r)
}

// RoundFilters narrow the rounds; exported because only exported parts of an input are read.
type RoundFilters struct {
	PlanID     string `query:"plan_id"`
	Trigger    string `query:"trigger" doc:"schedule, manual, start"`
	State      string `query:"state" doc:"running, finished"`
	WorstState string `query:"worst_state" doc:"OK, WARNING, CRITICAL, UNKNOWN"`
	From       string `query:"from" doc:"Started at or after"`
	To         string `query:"to" doc:"Started before"`
}

func (f *RoundFilters) filters() map[string]string {
	return map[string]string{
		"plan_id": f.PlanID, "trigger": f.Trigger, "state": f.State, "worst_state": f.WorstState, "from": f.From, "to": f.To,
	}
}

type roundsInput struct {
	api.ListParams
	RoundFilters
}

// ResultFilters narrow the results.
type ResultFilters struct {
	CheckID string `query:"check_id"`
	AssetID string `query:"asset_id"`
	State   string `query:"state" doc:"OK, WARNING, CRITICAL, UNKNOWN"`
	Class   string `query:"class" doc:"os_log, hardware, service, performance, instance, data"`
	RoundID string `query:"round_id"`
	From    string `query:"from" doc:"Ran at or after"`
	To      string `query:"to" doc:"Ran before"`
}

func (f *ResultFilters) filters() map[string]string {
	return map[string]string{
		"check_id": f.CheckID, "asset_id": f.AssetID, "state": f.State, "class": f.Class,
		"round_id": f.RoundID, "from": f.From, "to": f.To,
	}
}

type resultsInput struct {
	api.ListParams
	ResultFilters
}

func (m *Module) pageOfRounds(ctx context.Context, query store.ListQuery) (store.Page[RoundView], error) {
	page, err := store.List[Round](ctx, m.db.Read(), roundList(), api.ScopeFrom(ctx), query, nil)
	if err != nil {
		return store.Page[RoundView]{}, err
	}
	people := make([]string, len(page.Items))
	for i, r := range page.Items {
		people[i] = r.StartedBy
	}
	names, err := m.namesOf(ctx, people)
	if err != nil {
		return store.Page[RoundView]{}, err
	}
	return store.MapPage(page, func(r Round) RoundView { return viewRound(r, names) }), nil
}

func (m *Module) pageOfResults(ctx context.Context, query store.ListQuery) (store.Page[resultView], error) {
	query.Filters = badStates(query.Filters)
	page, err := m.Results(ctx, api.ScopeFrom(ctx), query)
	return listed(ctx, page, err, func(r Result) string { return r.ID }, m.viewResults)
}

func (m *Module) roundRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.rounds.list", Method: http.MethodGet, Path: "/inspect/rounds", Permission: PermissionRead,
		Summary: "Rounds", Doc: "The latest first.",
	}, func(ctx context.Context, in *roundsInput) (*api.PageOutput[RoundView], error) {
		return answerPage(m.pageOfRounds(ctx, in.Query(in.filters())))
	})
	api.Register(r, api.Operation{
		ID: "inspect.rounds.get", Method: http.MethodGet, Path: "/inspect/rounds/{id}", Permission: PermissionRead,
		Summary: "One round", Doc: "With all its items: what ran with its result, what was missed with the reason.",
		Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[roundDetailView], error) {
		found, err := findRound(ctx, m.db.Read(), api.ScopeFrom(ctx), in.ID)
		return answer(found, err, func(r *Round) (roundDetailView, error) {
			names, err := m.namesOf(ctx, []string{r.StartedBy})
			if err != nil {
				return roundDetailView{}, err
			}
			items, err := m.viewItems(ctx, r)
			return roundDetailView{RoundView: viewRound(*r, names), Items: items}, err
		})
	})
	api.Register(r, api.Operation{
		ID: "inspect.results.list", Method: http.MethodGet, Path: "/inspect/results", Permission: PermissionRead,
		Summary: "Results", Doc: "The latest first. Kept for 90 days; what was not OK, and what began to say something else, for 27 months.",
	}, func(ctx context.Context, in *resultsInput) (*api.PageOutput[resultView], error) {
		return answerPage(m.pageOfResults(ctx, in.Query(in.filters())))
	})
	api.Register(r, api.Operation{
		ID: "inspect.results.get", Method: http.MethodGet, Path: "/inspect/results/{id}", Permission: PermissionRead,
		Summary: "One result", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[resultView], error) {
		found, err := m.Result(ctx, api.ScopeFrom(ctx), in.ID)
		return answer(found, err, func(r *Result) (resultView, error) {
			views, err := m.viewResults(ctx, []Result{*r})
			return views[r.ID], err
		})
	})
}
