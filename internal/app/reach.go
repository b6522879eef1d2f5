package app

import (
	"context"
	"fmt"
	"sync"

	"taxops/internal/kernel/module"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/builtin"
	"taxops/internal/ops/inspect/reach"
)

// composeReach makes the ways into hosts without an agent.
func (a *App) composeReach(orgs *org.Service) (*reach.Module, module.Module, error) {
	logins, err := reach.New(reach.Deps{
		DB: a.db, Journal: a.journal, Ring: a.ring, People: a.access, Places: orgs, Checks: overLogin{a},
		Dial: builtin.DialWithin(targets(a.o.Config)),
	})
	if err != nil {
		return nil, module.Module{}, err
	}
	tables := reach.Migrations()
	return logins, module.Module{
		Name: "reach", Title: [2]string{"免代理登录方式", "Ways in without an agent"}, Migrations: &tables,
		Events: reach.Types(), Routes: logins.Routes,
	}, nil
}

// overLogin adds checks that look over a login.
type overLogin struct{ app *App }

// AddOver implements reach.Checks. Each kind looks once: what the host does not have is not added.
func (o overLogin) AddOver(ctx context.Context, scope store.Scope, assetID, login string) (int, error) {
	kinds := builtin.ViaKinds(o.app.builtins) // the first is the login itself
	worth := make([]bool, len(kinds))
	slots := make(chan struct{}, onceAtOnce)
	var wg sync.WaitGroup
	for i, b := range kinds {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			t, err := b.NewTarget(map[string]any{"via": login}, nil, probe.NewMapMemory(nil), o.app.o.Log, o.app.o.Clock.Now)
			worth[i] = err == nil && o.app.checks.Run(ctx, b, t).Reason != probe.ReasonNoSource
		})
	}
	wg.Wait()
	added := 0
	for i, b := range kinds {
		if !worth[i] {
			continue
		}
		_, err := o.app.inspect.AddCheck(ctx, scope, inspect.NewCheck{AssetID: assetID, Kind: b.Kind, Params: map[string]any{"via": login}})
		switch {
		case problem.CodeOf(err) == problem.Conflict: // it is there
		case err != nil:
			return added, fmt.Errorf("add %s: %w", b.Kind, err)
		default:
			added++
		}
	}
	return added, nil
}
