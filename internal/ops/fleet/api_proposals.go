package fleet

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type proposalsInput struct {
	api.ListParams
	State  string `query:"state" doc:"open, accepted, declined"`
	HostID string `query:"host_id" maxLength:"64"`
}

type proposalView struct {
	ID            string     `json:"id"`
	HostID        string     `json:"host_id"`
	HostName      string     `json:"host_name"`
	Service       string     `json:"service"`
	Port          int        `json:"port" doc:"0 when it has none"`
	Name          string     `json:"name"`
	Why           string     `json:"why" doc:"What was seen"`
	State         string     `json:"state" enum:"open,accepted,declined"`
	Reason        string     `json:"reason" doc:"Why it was declined"`
	DecidedByName string     `json:"decided_by_name"`
	DecidedAt     *time.Time `json:"decided_at,omitempty"`
	AssetID       string     `json:"asset_id" doc:"The component that it became"`
	SeenAt        time.Time  `json:"seen_at"`
	AreaPath      string     `json:"area_path"`
	SystemID      string     `json:"system_id"`
	Version       int64      `json:"version"`
}

func (m *Module) viewProposals(ctx context.Context, ps []Proposal) (map[string]proposalView, error) {
	var hosts, people []string
	for _, p := range ps {
		hosts = append(hosts, p.HostID)
		if p.DecidedBy != "" {
			people = append(people, p.DecidedBy)
		}
	}
	assets, err := assetsByID(ctx, m.db.Read(), hosts)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, a := range assets {
		names[a.ID] = a.Name
	}
	deciders, err := m.people.Names(ctx, people)
	if err != nil {
		return nil, err
	}
	out := make(map[string]proposalView, len(ps))
	for _, p := range ps {
		out[p.ID] = proposalView{
			ID: p.ID, HostID: p.HostID, HostName: names[p.HostID], Service: p.Service, Port: p.Port, Name: p.Name, Why: p.Why,
			State: string(p.State), Reason: p.Reason, DecidedByName: deciders[p.DecidedBy], DecidedAt: p.DecidedAt.Ptr(),
			AssetID: p.AssetID, SeenAt: p.SeenAt.Time, AreaPath: p.AreaPath, SystemID: p.SystemID, Version: p.Version,
		}
	}
	return out, nil
}

func (m *Module) viewProposal(ctx context.Context, p Proposal, err error) (*api.Output[proposalView], error) {
	if err != nil {
		return nil, err
	}
	views, err := m.viewProposals(ctx, []Proposal{p})
	return &api.Output[proposalView]{Body: views[p.ID]}, err
}

type acceptInput struct {
	api.IDInput
	Body struct {
		Name     string `json:"name,omitempty" maxLength:"100" doc:"Of the component; that of the proposal when left out"`
		SystemID string `json:"system_id,omitempty" maxLength:"64" doc:"Of the component; that of the host when left out"`
		Version  int64  `json:"version"`
	}
}

func (m *Module) proposalRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "fleet.proposals.list", Method: http.MethodGet, Path: "/fleet/proposals", Permission: PermissionRead,
		Summary: "Services that were seen on hosts", Doc: "A person registers or declines each; the latest first.",
	}, func(ctx context.Context, in *proposalsInput) (*api.PageOutput[proposalView], error) {
		page, err := m.Proposals(ctx, scopeOf(ctx), in.Query(map[string]string{"state": in.State, "host_id": in.HostID}))
		if err != nil {
			return nil, err
		}
		views, err := m.viewProposals(ctx, page.Items)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(p Proposal) proposalView { return views[p.ID] }), nil
	})
	api.Register(r, api.Operation{
		ID: "fleet.proposals.accept", Method: http.MethodPost, Path: "/fleet/proposals/{id}/accept", Permission: PermissionManage,
		Summary: "Register what was seen", Doc: "As a component of its host.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState, problem.Invalid},
	}, func(ctx context.Context, in *acceptInput) (*api.Output[proposalView], error) {
		p, err := m.AcceptProposal(ctx, scopeOf(ctx), in.ID, in.Body.Name, in.Body.SystemID, in.Body.Version)
		return m.viewProposal(ctx, p, err)
	})
	api.Register(r, api.Operation{
		ID: "fleet.proposals.decline", Method: http.MethodPost, Path: "/fleet/proposals/{id}/decline", Permission: PermissionManage,
		Summary: "Do not register what was seen", Doc: "It is remembered and not proposed again; it may still be accepted later.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *retireInput) (*api.Output[proposalView], error) {
		p, err := m.DeclineProposal(ctx, scopeOf(ctx), in.ID, in.Body.Reason, in.Body.Version)
		return m.viewProposal(ctx, p, err)
	})
}

// HomeCards are what the register says on the home page.
func (m *Module) HomeCards() []api.HomeCard {
	return []api.HomeCard{{Key: "fleet.proposals", Permission: PermissionManage, Load: m.proposalsCard}}
}

func (m *Module) proposalsCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	page, err := m.Proposals(ctx, scope, store.ListQuery{Filters: map[string]string{"state": string(Proposed)}, Limit: 5})
	if err != nil || page.Total == 0 {
		return nil, err
	}
	views, err := m.viewProposals(ctx, page.Items)
	if err != nil {
		return nil, err
	}
	c := &api.Card{
		Severity: "info", TitleZH: "发现待登记的服务", TitleEN: "Services found, not registered", Count: page.Total,
		Href: "/fleet/proposals?state=open", Items: []api.CardItem{},
	}
	for _, p := range page.Items {
		title := views[p.ID].HostName + " · " + p.Name
		c.Items = append(c.Items, api.CardItem{TitleZH: title, TitleEN: title, Href: "/fleet/proposals?state=open", At: p.SeenAt.Ptr()})
	}
	return c, nil
}
