package app_test

import (
	"testing"

	"taxops/internal/kernel/store"
)

// TestAssetsReachedFromTheServerAreInspectedFromItsHost: a check on a thing that the server reaches over
// the network is run by the server's own machine; one on a thing that nobody reaches cannot be added.
func TestAssetsReachedFromTheServerAreInspectedFromItsHost(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	if err := p.RegisterLocalHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	var systems struct{ Items []struct{ ID, Key string } }
	admin.must("GET", "/org/systems", nil, &systems)
	register := func(name, reach string) string {
		t.Helper()
		var made struct{ ID string }
		admin.must("POST", "/fleet/assets", map[string]any{
			"kind": "host", "name": name, "area_path": "/45/4501/", "system_id": systems.Items[0].ID,
			"values": map[string]string{"address": "192.0.2.10", "reach": reach}, "labels": map[string]string{"env": "prod"},
		}, &made)
		return made.ID
	}
	add := func(asset string) reply {
		return admin.call("POST", "/inspect/checks", map[string]any{
			"asset_id": asset, "kind": "service.tcp", "params": map[string]any{"host": "192.0.2.10", "port": 22},
		})
	}
	direct, none := register("直连主机", "direct"), register("仅登记主机", "none")
	if r := add(direct); r.Status != 201 {
		t.Errorf("direct: %d %s", r.Status, r.Body)
	}
	if r := add(none); r.Status != 422 {
		t.Errorf("none: %d %s", r.Status, r.Body)
	}
	// Once it is reached, it is inspected.
	admin.must("PATCH", "/fleet/assets/"+none, map[string]any{"values": map[string]string{"reach": "ssh"}, "version": 1}, nil)
	if r := add(none); r.Status != 201 {
		t.Errorf("ssh: %d %s", r.Status, r.Body)
	}
}
