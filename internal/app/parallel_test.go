package app_test

import (
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/org"
	"taxops/internal/kernel/store"
)

// TestZabbixBeside: a problem that Zabbix sends is matched to the asset and shows where ours differs.
func TestZabbixBeside(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	admin.must("POST", "/fleet/assets", map[string]any{
		"kind": "host", "name": "寄递应用 01", "area_path": "/45/", "system_id": org.SystemPlatform, "values": map[string]string{"address": "10.45.1.11"},
	}, nil)
	var made struct {
		Source struct{ ID, Name string } `json:"source"`
		Token  string                    `json:"token"`
	}
	admin.must("POST", "/parallel/sources", map[string]any{"name": "老 Zabbix", "area_path": "/45/", "system_id": org.SystemPlatform}, &made)
	body := map[string]any{
		"event_id": "7001", "status": "problem", "host": "app-01", "address": "10.45.1.11", "trigger": "磁盘将满", "severity": 4,
		"started_at": p.clock.Now().Add(-time.Hour).Format(time.RFC3339),
	}
	zabbix := p.person(t)
	if r := zabbix.call("POST", "/intake/zabbix/events", body); r.Status != 401 || r.code() != "unauthenticated" {
		t.Errorf("without a token: %d %s", r.Status, r.Body)
	}
	bearer := map[string]string{"Authorization": "Bearer " + made.Token}
	for range 2 {
		if r := zabbix.callWith("POST", "/intake/zabbix/events", body, bearer); r.Status != 204 {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	body["trigger"] = strings.Repeat("长", 20<<10)
	if r := zabbix.callWith("POST", "/intake/zabbix/events", body, bearer); r.Status != 413 {
		t.Errorf("a huge report: %d", r.Status)
	}
	if r := zabbix.callWith("GET", "/parallel/problems", nil, bearer); r.Status != 401 {
		t.Errorf("the token reads: %d", r.Status)
	}
	var compared struct {
		Figures struct {
			Problems int `json:"problems"`
			Theirs   int `json:"zabbix_only"`
		} `json:"figures"`
		Items []struct {
			Key       string `json:"key"`
			AssetName string `json:"asset_name"`
			Why       string `json:"why"`
		} `json:"items"`
	}
	admin.must("GET", "/parallel/differences?side=differences&why=no_checks", nil, &compared)
	if compared.Figures.Problems != 1 || compared.Figures.Theirs != 1 || len(compared.Items) != 1 || compared.Items[0].AssetName != "寄递应用 01" {
		t.Fatalf("%+v", compared)
	}
	admin.must("POST", "/parallel/differences/explain", map[string]string{"key": compared.Items[0].Key, "verdict": "accepted", "reason": "尚未接入"}, nil)
	if r := admin.call("GET", "/parallel/differences/export?verdict=accepted", nil); r.Status != 200 || !strings.HasPrefix(string(r.Body), "\ufeff") ||
		!strings.Contains(string(r.Body), "磁盘将满,4,7001") || !strings.Contains(string(r.Body), "尚未接入") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}
