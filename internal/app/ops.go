package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/uuid"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/module"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/builtin"
	"taxops/internal/ops/inspect/runner"
	"taxops/internal/ops/inspect/selfcheck"
)

// composeOps makes the rooms that keep systems running.
func (a *App) composeOps(orgs *org.Service) ([]module.Module, error) {
	var err error
	a.fleet, err = fleet.New(fleet.Deps{
		DB: a.db, Journal: a.journal, Places: orgs, AreaPath: a.o.Config.Text("installation.area"), Log: a.o.Log,
		// The inspection is made after the assets that it inspects.
		Worst: func(ctx context.Context, ids []string) (map[string]string, error) {
			return a.inspect.WorstStates(ctx, ids)
		},
	})
	if err != nil {
		return nil, err
	}
	node, err := nodeID(a.path("node.id"))
	if err != nil {
		return nil, err
	}
	kinds := append(builtin.All(builtin.Deps{}), selfcheck.Kinds(a.db, a.journal, work{a})...)
	checks := runner.New(runner.Limits{}, a.o.Log)
	a.metrics.Gauge("taxops_inspect_abandoned_checks", "Checks that ignored their deadline and have not returned.",
		func() float64 { return float64(checks.Abandoned()) })
	a.inspect, err = inspect.New(inspect.Deps{
		DB: a.db, Journal: a.journal, Timeline: a.journal, Ring: a.ring, Runner: checks, Kinds: kinds,
		Assets: assets{a.fleet}, People: a.access, Places: orgs, Clock: a.o.Clock, Log: a.o.Log, Node: node,
		AssetChanges: []string{fleet.TypeChanged, fleet.TypeRetired},
	})
	if err != nil {
		return nil, err
	}
	fleetTables, inspectTables := fleet.Migrations(), inspect.Migrations()
	return []module.Module{
		{
			Name: "fleet", Title: [2]string{"资产", "Assets"}, Migrations: &fleetTables,
			Events: fleet.Types(), States: fleet.Machines(), Permissions: fleet.Permissions(),
			Routes: a.fleet.Routes, Services: a.fleet.Services(),
		},
		{
			Name: "inspect", Title: [2]string{"巡检", "Inspection"}, Migrations: &inspectTables,
			Events: inspect.Types(), States: inspect.Machines(), Permissions: inspect.Permissions(),
			Routes: a.inspect.Routes, Services: a.inspect.Services(), Subscribe: a.inspect.Subscriptions(),
			Homes: a.inspect.HomeCards(), Probes: kinds,
		},
	}, nil
}

// nodeID names a data directory for good, from its first use on.
func nodeID(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err == nil {
		if id, err := uuid.ParseBytes(bytes.TrimSpace(b)); err == nil {
			return id.String(), nil
		}
		// Cut by a crash of the first start: a new name only costs the wait for a lease.
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("name of the data directory: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("name of the data directory: %w", err)
	}
	if err := os.WriteFile(file, []byte(id.String()+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("name of the data directory: %w", err)
	}
	return id.String(), nil
}

// assets is the register of assets as the inspection sees it.
type assets struct{ fleet *fleet.Module }

// Local implements inspect.Assets.
func (f assets) Local(ctx context.Context) (inspect.Asset, error) {
	a, err := f.fleet.EnsureLocalHost(ctx)
	return inspected(a, a), err
}

// Asset implements inspect.Assets.
func (f assets) Asset(ctx context.Context, id string) (inspect.Asset, error) {
	a, err := f.fleet.Get(ctx, store.Everything(), id)
	if err != nil || a.Kind == fleet.Host {
		return inspected(a, a), err
	}
	host, err := f.fleet.Get(ctx, store.Everything(), a.ParentID)
	return inspected(a, host), err
}

// inspected is an asset with the machine that it lies on: a component is inspected from there.
func inspected(a, host fleet.Asset) inspect.Asset {
	return inspect.Asset{
		ID: a.ID, Name: a.Name, HostID: host.ID, AreaPath: a.AreaPath, SystemID: a.SystemID,
		Active: a.State == fleet.Active, Local: host.Machine != "",
	}
}

// work is what the platform has not delivered, as its own inspection sees it.
type work struct{ app *App }

// Undelivered implements selfcheck.Work.
func (w work) Undelivered(ctx context.Context) (dead, retrying int, err error) {
	return w.app.queue.Undelivered(ctx)
}

// Subscriptions implements selfcheck.Work.
func (w work) Subscriptions(ctx context.Context) ([]journal.SubscriptionState, error) {
	return w.app.journal.Subscriptions(ctx)
}
