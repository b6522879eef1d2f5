package app_test

import (
	"testing"
	"time"

	"taxops/internal/kernel/store"
)

// TestComponentIsInspectedFromItsHost: a check of a component runs where the component lies.
func TestComponentIsInspectedFromItsHost(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	if err := p.RegisterLocalHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	var assets struct {
		Items []struct {
			ID       string `json:"id"`
			AreaPath string `json:"area_path"`
			SystemID string `json:"system_id"`
		} `json:"items"`
	}
	admin.must("GET", "/fleet/assets", nil, &assets)
	host := assets.Items[0]
	var component struct {
		ID string `json:"id"`
	}
	admin.must("POST", "/fleet/assets", map[string]any{
		"kind": "component", "name": "核验服务", "parent_id": host.ID, "area_path": host.AreaPath, "system_id": host.SystemID,
	}, &component)
	var check struct {
		AssetID string `json:"asset_id"`
	}
	admin.must("POST", "/inspect/checks", map[string]any{
		"asset_id": component.ID, "kind": "service.tcp", "params": map[string]any{"host": "127.0.0.1", "port": 1},
	}, &check)
	if check.AssetID != component.ID {
		t.Errorf("the check is of %s, want the component %s", check.AssetID, component.ID)
	}
}

// TestAnUnattendedScreenEnrolsNoAuthenticator: the second factor is set by who has just shown who they are.
func TestAnUnattendedScreenEnrolsNoAuthenticator(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	p.clock.Step(15 * time.Minute) // the session lives, the proof of identity is old
	for _, path := range []string{"/me/totp/begin", "/me/totp/confirm"} {
		if r := admin.call("POST", path, map[string]any{"code": "000000"}); r.code() != "fresh_sign_in_required" {
			t.Errorf("%s: %d %s, want fresh_sign_in_required", path, r.Status, r.Body)
		}
	}
	admin.must("POST", "/access/reauthenticate", map[string]string{"password": password}, nil)
	admin.must("POST", "/me/totp/begin", nil, nil)
}
