package app

import (
	"context"
	"fmt"
	"strings"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
	"taxops/internal/kernel/approval"
	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/job"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/module"
	"taxops/internal/kernel/org"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/intake"
	"taxops/internal/ops/intake/parallel"
)

// compose makes the modules, hands each what it needs of the others, and collects what they declare.
func (a *App) compose(ctx context.Context) error {
	c := a.o.Config
	orgs := org.New(a.db)
	err := knownArea(ctx, orgs, c.Text("installation.area"))
	if err != nil {
		return err
	}
	a.journal, err = journal.New(journal.Config{
		DB: a.db, Ring: a.ring, Log: a.o.Log, Clock: a.o.Clock,
		SegmentDir: a.path("segments"), AreaPath: c.Text("installation.area"),
		// The accounts are made after the journal that records them.
		Names: func(ctx context.Context, ids []string) (map[string]string, error) { return a.access.Names(ctx, ids) },
	})
	if err != nil {
		return err
	}
	a.access, err = access.New(access.Config{
		DB: a.db, Journal: a.journal, Ring: a.ring, Places: orgs, Clock: a.o.Clock, Log: a.o.Log,
		Permissions: permissions(),
		Installation: access.Installation{
			Name: c.Text("installation.name"), Fingerprint: a.ring.Signer().Fingerprint(), AreaPath: c.Text("installation.area"),
		},
		Version: a.o.Version, BaseURL: a.baseURL, SetupURL: setupURL(c), OwnAddress: ownAddress(c),
		SecureCookie: secureCookie(c), IdleTimeout: c.Duration("session.idle"),
	})
	if err != nil {
		return err
	}
	hours, err := calendar.ParseHours(c.Text("calendar.hours"))
	if err != nil {
		return err
	}
	a.calendar, err = calendar.NewService(calendar.Config{
		DB: a.db, Journal: a.journal, Clock: a.o.Clock, Hours: hours, AreaPath: c.Text("installation.area"),
	})
	if err != nil {
		return err
	}
	if a.approval, err = approval.New(approval.Config{DB: a.db, Journal: a.journal, People: a.access}); err != nil {
		return err
	}
	ops, err := a.composeOps(orgs)
	if err != nil {
		return err
	}
	a.modules = append(a.kernelModules(orgs), ops...)
	if err := module.Validate(a.modules); err != nil {
		return err
	}
	registry := job.NewRegistry()
	for _, m := range a.modules {
		if m.Jobs != nil {
			m.Jobs(registry)
		}
		if m.Name != "journal" {
			if err := a.journal.Declare(m.Events...); err != nil {
				return err
			}
		}
	}
	if err := a.journal.Subscribe(module.Collect(a.modules, func(m module.Module) []journal.Subscription { return m.Subscribe })...); err != nil {
		return err
	}
	if a.queue, err = job.New(a.db, registry, a.o.Log); err != nil {
		return err
	}
	return a.route(orgs)
}

// knownArea refuses an installation for an area that is none: nobody could be granted anything in it.
func knownArea(ctx context.Context, orgs *org.Service, path string) error {
	areas, err := orgs.Areas(ctx)
	if err != nil {
		return err
	}
	known := make([]string, len(areas))
	for i, a := range areas {
		if a.Path == path {
			return nil
		}
		known[i] = a.Path + " " + a.NameZH
	}
	return fmt.Errorf("configuration: installation.area: there is no area %q; known are: %s", path, strings.Join(known, ", "))
}

// permissions are those of all modules; the rights know every one before anybody asks.
func permissions() []access.Permission {
	var out []access.Permission
	for _, ps := range [][]access.Permission{
		org.Permissions(), journalPermissions(), access.OwnPermissions(), calendar.Permissions(), approval.Permissions(),
		fleet.Permissions(), inspect.Permissions(), intake.Permissions(), parallel.Permissions(),
	} {
		out = append(out, ps...)
	}
	return out
}

func (a *App) route(orgs *org.Service) error {
	a.router = api.NewRouter(api.Config{
		Version: a.o.Version, Guard: a.access, DB: a.db, Log: a.o.Log,
		Exported: a.journal.RecordExport, Places: orgs.Titles,
	})
	for _, m := range a.modules {
		if m.Routes != nil {
			m.Routes(a.router)
		}
	}
	homes := module.Collect(a.modules, func(m module.Module) []api.HomeCard { return m.Homes })
	api.RegisterHome(a.router, homes, a.o.Clock.Now)
	registerLive(a.router, a.journal.Watch)
	return a.router.Err()
}
