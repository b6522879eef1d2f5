package fleet_test

import (
	"testing"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/fleet"
)

func TestCheckValue(t *testing.T) {
	for _, c := range []struct {
		name, value string
		ok          bool
	}{
		{"address", "10.1.2.3", true},
		{"address", "2001:db8::1", true},
		{"address", "tax-app-01.gx.tax", true},
		{"address", "10.1.2.300", false},
		{"address", "10.1.2.3/10.1.2.4", false},
		{"address", "电子税务局", false},
		{"hostname", "GX_APP01", true},
		{"hostname", "-a", false},
		{"environment", "production", true},
		{"environment", "生产", false},
		{"criticality", "core", true},
		{"criticality", "A", false},
		{"warranty_until", "2027-03-31", true},
		{"warranty_until", "2027-02-30", false},
		{"owner_phone", "0771-5581234 (8012)", true},
		{"owner_phone", "找张三", false},
		{"owner_name", "张三", true},
		{"owner_name", " 张三", false},
		{"reach", "direct", true},
		{"reach", "local", false},
		{"reach", "", true},
		{"colour", "red", false},
	} {
		if err := fleet.CheckValue(c.name, c.value); (err == nil) != c.ok {
			t.Errorf("%s %q: %v", c.name, c.value, err)
		}
	}
}

func TestReachOf(t *testing.T) {
	profile := func(reach string) fleet.Profile { return fleet.Profile{Reach: reach} }
	server := fleet.Asset{Kind: fleet.Host, Machine: "m", Profile: profile(fleet.ReachLocal)}
	for name, c := range map[string]struct {
		asset, host fleet.Asset
		want        string
	}{
		"the machine of a server":          {server, server, fleet.ReachLocal},
		"a component on it":                {fleet.Asset{}, server, fleet.ReachLocal},
		"a database there signed in to":    {fleet.Asset{Profile: profile(fleet.ReachDirect)}, server, fleet.ReachDirect},
		"a host nobody reaches":            {fleet.Asset{}, fleet.Asset{}, fleet.ReachNone},
		"a component on a host by SSH":     {fleet.Asset{}, fleet.Asset{Profile: profile(fleet.ReachSSH)}, fleet.ReachSSH},
		"a component that is not taken in": {fleet.Asset{Profile: profile(fleet.ReachNone)}, server, fleet.ReachNone},
	} {
		if got := fleet.ReachOf(c.asset, c.host); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestProfileIsKeptAndPersonalValuesAreSealed(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b := setup(t, db)
		ctx, all := t.Context(), store.Everything()
		sw, err := b.fleet.Register(ctx, all, fleet.NewAsset{
			Kind: fleet.Network, Name: "核心交换机 1", AreaPath: "/45/4501/", SystemID: org.SystemIdentity,
			Profile: fleet.Profile{Environment: fleet.Production, Address: "10.45.0.1", Vendor: "H3C", Reach: fleet.ReachDirect},
			Labels:  map[string]string{"room": "一号机房"},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.fleet.Update(ctx, all, sw.ID, fleet.Change{
			Set: map[string]string{"owner_name": "张三", "owner_phone": "0771-5580000", "location": "A3-12U"}, Version: 1,
		})
		if err != nil || got.OwnerName != "张三" || got.Location != "A3-12U" || got.Vendor != "H3C" {
			t.Fatalf("%+v %v", got, err)
		}
		back, err := b.fleet.Get(ctx, all, sw.ID)
		if err != nil || back.Profile != got.Profile || back.Labels["room"] != "一号机房" {
			t.Fatalf("%+v %v", back, err)
		}
		b.journal.mu.Lock()
		last := b.journal.entries[len(b.journal.entries)-1]
		b.journal.mu.Unlock()
		changes := last.Fields["changes"].(map[string]any)
		if changes["owner_name"] != "changed" || last.Fields["owner_name_after"] != "张三" || changes["location"] == nil {
			t.Errorf("row: %+v", last.Fields)
		}
		if _, err := b.fleet.Update(ctx, all, sw.ID, fleet.Change{Set: map[string]string{"warranty_until": "明年"}, Version: got.Version}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("a day that is none: %v", err)
		}
		if _, err := b.fleet.Register(ctx, all, fleet.NewAsset{
			Kind: fleet.Network, Name: "x", ParentID: sw.ID, AreaPath: "/45/", SystemID: org.SystemSeal,
		}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("a network device on something: %v", err)
		}
		host, err := b.fleet.EnsureLocalHost(ctx)
		if err != nil || host.Reach != fleet.ReachLocal {
			t.Fatalf("%+v %v", host, err)
		}
		if _, err := b.fleet.Update(ctx, all, host.ID, fleet.Change{Set: map[string]string{"reach": "none"}, Version: host.Version}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("the reach of the server's own machine was set: %v", err)
		}
		if found, err := b.fleet.LocalHost(ctx); err != nil || found.ID != host.ID {
			t.Errorf("%+v %v", found, err)
		}
		rows, err := b.journal.SubjectRows(ctx, journal.Subject{Kind: "fleet.asset", ID: sw.ID}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			for name, v := range r.Fields {
				if v == "张三" || v == "0771-5580000" {
					t.Errorf("%s stands in the open", name)
				}
			}
		}
	})
}
