package fleet_test

import (
	"context"
	"sync"
	"testing"

	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/fleet"
)

func (b *bench) host(t *testing.T, name, area, system string) fleet.Asset {
	t.Helper()
	a, err := b.fleet.Register(t.Context(), store.Everything(), fleet.NewAsset{Kind: fleet.Host, Name: name, AreaPath: area, SystemID: system})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLinksMakeNoCircle(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b := setup(t, db)
		ctx, all := t.Context(), store.Everything()
		web, app, dbms := b.host(t, "web", "/45/", org.SystemSeal), b.host(t, "app", "/45/", org.SystemSeal), b.host(t, "db", "/45/4501/", org.SystemSeal)
		link := func(from, to fleet.Asset, kind string) error {
			_, err := b.fleet.AddLink(ctx, all, from.ID, to.ID, kind)
			return err
		}
		for _, c := range []struct {
			from, to fleet.Asset
			kind     string
			code     problem.Code
		}{
			{web, app, fleet.DependsOn, ""},
			{app, dbms, fleet.DependsOn, ""},
			{dbms, web, fleet.DependsOn, problem.Invalid}, // through app
			{app, app, fleet.DependsOn, problem.Invalid},
			{web, app, fleet.DependsOn, problem.Conflict},
			{dbms, web, fleet.ReplicatesTo, ""},
			{web, dbms, fleet.ReplicatesTo, ""}, // two may copy each other
			{web, dbms, fleet.ConnectsTo, ""},
			{dbms, web, fleet.ConnectsTo, problem.Conflict}, // the same line
			{web, dbms, "likes", problem.Invalid},
			{web, fleet.Asset{ID: "none"}, fleet.DependsOn, problem.Invalid},
		} {
			if err := link(c.from, c.to, c.kind); problem.CodeOf(err) != c.code && (err != nil || c.code != "") {
				t.Errorf("%s %s %s: %v, want %q", c.from.Name, c.kind, c.to.Name, err, c.code)
			}
		}
		m, err := b.fleet.Around(ctx, all, web.ID, 1)
		if err != nil || len(m.Assets) != 3 || len(m.Links) != 5 {
			t.Errorf("around: %d assets, %d links, %v", len(m.Assets), len(m.Links), err)
		}
		region := store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"}, store.ScopeGrant{AreaPath: "/45/", SystemID: org.SystemIdentity})
		if _, err := b.fleet.Around(ctx, region, web.ID, 1); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("seen from elsewhere: %v", err)
		}
		city := store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"})
		if m, err = b.fleet.Around(ctx, city, dbms.ID, 2); err != nil || len(m.Assets) != 1 || len(m.Links) != 0 {
			t.Errorf("more than the scope: %+v %v", m, err)
		}
		if m, err = b.fleet.OfSystem(ctx, all, org.SystemSeal); err != nil || len(m.Assets) != 3 {
			t.Errorf("of the system: %+v %v", m, err)
		}
		if err := b.fleet.RemoveLink(ctx, city, m.Links[0].ID); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("removed from elsewhere: %v", err)
		}
		for _, l := range m.Links {
			if err := b.fleet.RemoveLink(ctx, all, l.ID); err != nil {
				t.Error(err)
			}
		}
		// Two edges that each fit, at the same time, do not close a circle together.
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, ends := range [][2]fleet.Asset{{web, app}, {app, web}} {
			wg.Go(func() { errs[i] = link(ends[0], ends[1], fleet.DependsOn) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("a circle in two steps: %v", errs)
		}
	})
}

func TestBulkChangesAllOrNothing(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b := setup(t, db)
		ctx, all := t.Context(), store.Everything()
		one, two := b.host(t, "one", "/45/", org.SystemSeal), b.host(t, "two", "/45/4501/", org.SystemSeal)
		bulk := fleet.Bulk{
			IDs: []string{one.ID, two.ID, one.ID}, SetLabels: map[string]string{"batch": "2026"},
			Values: map[string]string{"owner_name": "李四", "environment": "production"},
		}
		for want := range []int{2, 0} { // the second time nothing differs
			n, err := b.fleet.UpdateMany(ctx, all, bulk)
			if err != nil || n != []int{2, 0}[want] {
				t.Fatalf("%d %v", n, err)
			}
		}
		two, err := b.fleet.Get(ctx, all, two.ID)
		if err != nil || two.OwnerName != "李四" || two.Labels["batch"] != "2026" || two.Version != 2 {
			t.Fatalf("%+v %v", two, err)
		}
		bulk.Values = map[string]string{"environment": "test"}
		bulk.IDs = append(bulk.IDs, "none")
		if _, err := b.fleet.UpdateMany(ctx, all, bulk); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("an unknown asset: %v", err)
		}
		if two, err = b.fleet.Get(ctx, all, two.ID); err != nil || two.Environment != "production" {
			t.Errorf("half a change was made: %+v %v", two, err)
		}
		if _, err := b.fleet.UpdateMany(ctx, all, fleet.Bulk{IDs: []string{two.ID}, Values: map[string]string{"serial": "X"}}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("one serial number for many: %v", err)
		}
		if _, err := b.fleet.UpdateMany(ctx, store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"}), fleet.Bulk{
			IDs: []string{one.ID, two.ID}, DropLabels: []string{"batch"},
		}); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("beyond the scope: %v", err)
		}
		if err := b.journal.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		steps, err := b.fleet.History(ctx, all, two.ID)
		if err != nil || len(steps) != 2 {
			t.Fatalf("%d steps, %v", len(steps), err)
		}
		found := map[string][2]any{}
		for _, c := range steps[0].Changes {
			found[c.Name] = [2]any{c.Before, c.After}
		}
		if found["owner_name"] != [2]any{"", "李四"} || found["environment"] != [2]any{"", "production"} || found["labels"] == [2]any{} {
			t.Errorf("history: %+v", steps[0].Changes)
		}
	})
}

func TestProposals(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b := setup(t, db)
		ctx, all := t.Context(), store.Everything()
		host, err := b.fleet.EnsureLocalHost(ctx)
		if err != nil {
			t.Fatal(err)
		}
		pg := fleet.Sighting{Key: "postgresql:5432", Service: "postgresql", Port: 5432, Name: "PostgreSQL 5432", Why: "127.0.0.1:5432（postgres）"}
		java := fleet.Sighting{Key: "java:8080", Service: "java", Port: 8080, Name: "Java 应用 8080"}
		propose := func() {
			t.Helper()
			if err := b.fleet.Propose(ctx, host.ID, []fleet.Sighting{pg, java}); err != nil {
				t.Fatal(err)
			}
		}
		open := func(state string) []fleet.Proposal {
			t.Helper()
			page, err := b.fleet.Proposals(ctx, all, store.ListQuery{Filters: map[string]string{"state": state}})
			if err != nil {
				t.Fatal(err)
			}
			return page.Items
		}
		propose()
		propose()
		all2 := open("open")
		if len(all2) != 2 {
			t.Fatalf("%d proposals", len(all2))
		}
		byKey := map[string]fleet.Proposal{}
		for _, p := range all2 {
			byKey[p.Key] = p
		}
		got, err := b.fleet.AcceptProposal(ctx, all, byKey[pg.Key].ID, "认证平台主库", org.SystemIdentity, 1)
		if err != nil || got.State != fleet.Accepted || got.AssetID == "" {
			t.Fatalf("%+v %v", got, err)
		}
		a, err := b.fleet.Get(ctx, all, got.AssetID)
		if err != nil || a.ParentID != host.ID || a.Labels["service"] != "postgresql" || a.Labels["port"] != "5432" || a.SystemID != org.SystemIdentity {
			t.Errorf("%+v %v", a, err)
		}
		if _, err := b.fleet.AcceptProposal(ctx, all, got.ID, "", "", got.Version); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("accepted twice: %v", err)
		}
		no, err := b.fleet.DeclineProposal(ctx, all, byKey[java.Key].ID, "测试程序，不纳入台账", 1)
		if err != nil || no.State != fleet.Declined {
			t.Fatalf("%+v %v", no, err)
		}
		if _, err := b.fleet.AcceptProposal(ctx, all, no.ID, "", "", 1); problem.CodeOf(err) != problem.Stale {
			t.Errorf("an old version: %v", err)
		}
		propose()
		if left := open("open"); len(left) != 0 {
			t.Errorf("what was decided is proposed again: %+v", left)
		}
		if _, err := b.fleet.AcceptProposal(ctx, all, no.ID, "", "", no.Version); err != nil {
			t.Errorf("a change of mind: %v", err)
		}
		// A component that a person had registered is not proposed.
		redis := fleet.Sighting{Key: "redis:6379", Service: "redis", Port: 6379, Name: "Redis"}
		if _, err := b.fleet.Register(ctx, all, fleet.NewAsset{
			Kind: fleet.Component, Name: "缓存", ParentID: host.ID, AreaPath: "/45/", SystemID: org.SystemSeal,
			Labels: map[string]string{"service": "redis", "port": "6379"},
		}); err != nil {
			t.Fatal(err)
		}
		if err := b.fleet.Propose(context.WithoutCancel(ctx), host.ID, []fleet.Sighting{redis}); err != nil {
			t.Fatal(err)
		}
		if left := open("open"); len(left) != 0 {
			t.Errorf("a registered service is proposed: %+v", left)
		}
	})
}
