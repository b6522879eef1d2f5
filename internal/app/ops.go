package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/google/uuid"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/module"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/builtin"
	"taxops/internal/ops/inspect/runner"
	"taxops/internal/ops/inspect/selfcheck"
	"taxops/internal/ops/intake"
)

// composeOps makes the rooms that keep systems running.
func (a *App) composeOps(orgs *org.Service) ([]module.Module, error) {
	var err error
	a.fleet, err = fleet.New(fleet.Deps{
		DB: a.db, Journal: a.journal, Places: orgs, AreaPath: a.o.Config.Text("installation.area"), Log: a.o.Log,
		Timeline: a.journal, People: a.access, Seen: seenHere,
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
	logins, reachRoom, err := a.composeReach(orgs)
	if err != nil {
		return nil, err
	}
	a.builtins = builtin.All(builtin.Deps{Targets: targets(a.o.Config), Logins: logins})
	kinds := append(slices.Clone(a.builtins), selfcheck.Kinds(a.db, a.journal, work{a})...)
	kinds = append(kinds, selfcheck.CalendarKind(a.calendar, a.o.Clock.Now))
	scripts, err := a.composeScripts(orgs)
	if err != nil {
		return nil, err
	}
	checks := runner.New(runner.Limits{}, a.o.Log)
	a.checks = checks
	a.metrics.Gauge("taxops_inspect_abandoned_checks", "Checks that ignored their deadline and have not returned.",
		func() float64 { return float64(checks.Abandoned()) })
	dailyDue, err := calendar.ParseClock(a.o.Config.Text("inspect.daily_due"))
	if err != nil {
		return nil, err
	}
	a.inspect, err = inspect.New(inspect.Deps{
		DB: a.db, Journal: a.journal, Timeline: a.journal, Ring: a.ring, Runner: checks, Kinds: slices.Concat(kinds, scripts.Probes),
		Assets: assets{a.fleet}, People: a.access, Places: orgs, Approvals: a.approval, Calendar: a.calendar, Clock: a.o.Clock, Log: a.o.Log, Node: node,
		AssetChanges: []string{fleet.TypeChanged, fleet.TypeRetired},
		Daily:        inspect.DailyRule{Days: a.o.Config.Text("inspect.daily_days"), Due: dailyDue, AreaPath: a.o.Config.Text("installation.area")},
	})
	if err != nil {
		return nil, err
	}
	if err := a.approval.Declare(a.inspect.Matters()...); err != nil {
		return nil, err
	}
	a.intake, err = intake.New(intake.Deps{
		DB: a.db, Journal: a.journal, Register: register{a.fleet}, Places: named{orgs}, People: a.access,
		Inspection: brought{a.inspect, a.fleet}, Library: library{a.scripts}, Dial: confined(targets(a.o.Config)),
	})
	if err != nil {
		return nil, err
	}
	fleetTables, inspectTables, intakeTables := fleet.Migrations(), inspect.Migrations(), intake.Migrations()
	beside, err := a.composeParallel(orgs)
	if err != nil {
		return nil, err
	}
	return []module.Module{
		{
			Name: "fleet", Title: [2]string{"资产", "Assets"}, Migrations: &fleetTables,
			Events: fleet.Types(), States: fleet.Machines(), Permissions: fleet.Permissions(),
			Routes: a.fleet.Routes, Services: a.fleet.Services(), Homes: a.fleet.HomeCards(),
		},
		{
			Name: "inspect", Title: [2]string{"巡检", "Inspection"}, Migrations: &inspectTables,
			Events: inspect.Types(), States: inspect.Machines(), Permissions: inspect.Permissions(),
			Routes: a.inspect.Routes, Services: a.inspect.Services(), Subscribe: a.inspect.Subscriptions(),
			Homes: a.inspect.HomeCards(), Probes: kinds,
		},
		scripts, reachRoom,
		{
			Name: "intake", Title: [2]string{"接入", "Intake"}, Migrations: &intakeTables, Events: intake.Types(),
			States: intake.Machines(), Permissions: intake.Permissions(), Routes: a.intake.Routes,
		},
		beside,
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
	return inspected(a, a, a), err
}

// Asset implements inspect.Assets. It only reads, since it is asked within transactions too.
func (f assets) Asset(ctx context.Context, id string) (inspect.Asset, error) {
	a, err := f.fleet.Get(ctx, store.Everything(), id)
	if err != nil {
		return inspect.Asset{}, err
	}
	host := a
	if a.ParentID != "" {
		if host, err = f.fleet.Get(ctx, store.Everything(), a.ParentID); err != nil {
			return inspect.Asset{}, err
		}
	}
	var server fleet.Asset
	if r := fleet.ReachOf(a, host); r == fleet.ReachDirect || r == fleet.ReachSSH {
		server, err = f.fleet.LocalHost(ctx)
		if err != nil && problem.CodeOf(err) != problem.NotFound {
			return inspect.Asset{}, err
		}
	}
	return inspected(a, host, server), nil
}

// inspected is an asset with the machine that it is inspected from: the one it lies on when a server
// runs there, or the machine of this server when it is reached over the network.
func inspected(a, host, server fleet.Asset) inspect.Asset {
	out := inspect.Asset{
		ID: a.ID, Name: a.Name, Kind: a.Kind, HostID: host.ID, AreaPath: a.AreaPath, SystemID: a.SystemID,
		Active: a.State == fleet.Active, Reach: fleet.ReachOf(a, host), Address: cmp.Or(a.Address, host.Address), Labels: a.Labels,
	}
	switch out.Reach {
	case fleet.ReachLocal:
		out.Local = host.Machine != ""
	case fleet.ReachDirect, fleet.ReachSSH:
		out.Local = server.ID != ""
		out.HostID = cmp.Or(server.ID, host.ID)
	}
	return out
}

// seenHere lists the services that take connections on this machine, for the register.
func seenHere(context.Context) []fleet.Sighting {
	var out []fleet.Sighting
	for _, s := range builtin.Services() {
		out = append(out, fleet.Sighting{Key: s.Key, Service: s.Kind, Port: s.Port, Name: s.Name, Why: s.Where})
	}
	return out
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
