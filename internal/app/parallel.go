package app

import (
	"context"

	"taxops/internal/kernel/module"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/intake/parallel"
)

// composeParallel makes what compares a Zabbix that is still in charge with our own inspection.
func (a *App) composeParallel(orgs *org.Service) (module.Module, error) {
	beside, err := parallel.New(parallel.Deps{
		DB: a.db, Journal: a.journal, People: a.access, Places: orgs, Assets: called{a.fleet}, Findings: opened{a.inspect, a.fleet},
		Clock: a.o.Clock, Log: a.o.Log, AssetChanges: []string{fleet.TypeRegistered, fleet.TypeChanged},
	})
	if err != nil {
		return module.Module{}, err
	}
	tables := parallel.Migrations()
	return module.Module{
		Name: "parallel", Title: [2]string{"并行比对", "Parallel run"}, Migrations: &tables,
		Events: parallel.Types(), States: parallel.Machines(), Permissions: parallel.Permissions(),
		Routes: beside.Routes, Subscribe: beside.Subscriptions(),
	}, nil
}

// called is the register of assets as the parallel run sees it.
type called struct{ fleet *fleet.Module }

func besideAsset(a fleet.Asset) parallel.Asset {
	return parallel.Asset{
		ID: a.ID, Name: a.Name, Hostname: a.Hostname, Address: a.Address, Component: a.Kind == fleet.Component,
		AreaPath: a.AreaPath, SystemID: a.SystemID,
	}
}

// Called implements parallel.Assets.
func (c called) Called(ctx context.Context, words []string) ([]parallel.Asset, error) {
	found, err := c.fleet.Called(ctx, words)
	out := make([]parallel.Asset, 0, len(found))
	for _, a := range found {
		out = append(out, besideAsset(a))
	}
	return out, err
}

// Asset implements parallel.Assets.
func (c called) Asset(ctx context.Context, id string) (parallel.Asset, bool, error) {
	a, err := c.fleet.Get(ctx, store.Everything(), id)
	if problem.CodeOf(err) == problem.NotFound {
		return parallel.Asset{}, false, nil
	}
	return besideAsset(a), a.State == fleet.Active, err
}

// Roots implements parallel.Assets.
func (c called) Roots(ctx context.Context, ids []string) (map[string]string, error) {
	return c.fleet.Roots(ctx, ids)
}

// opened are our findings as the parallel run sees them.
type opened struct {
	inspect *inspect.Module
	fleet   *fleet.Module
}

func seen(f inspect.Finding) parallel.Seen {
	return parallel.Seen{
		ID: f.ID, Number: f.Number, Title: f.Title, Severity: f.Severity, AssetID: f.AssetID, AssetName: f.AssetName,
		AreaPath: f.AreaPath, SystemID: f.SystemID, OpenedAt: f.OpenedAt.Time,
	}
}

// OpenedBetween implements parallel.Findings.
func (o opened) OpenedBetween(ctx context.Context, scope store.Scope, s parallel.Span, most int) ([]parallel.Seen, error) {
	found, err := o.inspect.OpenedBetween(ctx, scope, s.From, s.To, most)
	out := make([]parallel.Seen, 0, len(found))
	for _, f := range found {
		out = append(out, seen(f))
	}
	return out, err
}

// Opened implements parallel.Findings.
func (o opened) Opened(ctx context.Context, scope store.Scope, id string) (parallel.Seen, bool, error) {
	f, err := o.inspect.Finding(ctx, scope, id)
	if problem.CodeOf(err) == problem.NotFound {
		return parallel.Seen{}, false, nil
	}
	return seen(f), err == nil, err
}

// Checked implements parallel.Findings.
func (o opened) Checked(ctx context.Context, hostIDs []string) (map[string]bool, error) {
	on, err := o.fleet.On(ctx, hostIDs)
	if err != nil {
		return nil, err
	}
	all := append([]string{}, hostIDs...)
	for _, parts := range on {
		all = append(all, parts...)
	}
	has, err := o.inspect.Inspected(ctx, all)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, id := range hostIDs {
		out[id] = has[id]
		for _, part := range on[id] {
			out[id] = out[id] || has[part]
		}
	}
	return out, nil
}
