package app_test

import (
	"testing"

	"taxops/internal/kernel/store"
)

// TestNotApplicableIsProposedByOneAndDecidedByAnother: an engineer proposes, the project manager decides,
// and the check is in no total any more.
func TestNotApplicableIsProposedByOneAndDecidedByAnother(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	if err := p.RegisterLocalHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	ann, _ := p.invite(t, admin, "ann", grant{Role: "engineer", AreaPath: "/45/"})
	bob, _ := p.invite(t, admin, "bob", grant{Role: "project_manager", AreaPath: "/45/"})
	var assets struct{ Items []struct{ ID string } }
	ann.must("GET", "/fleet/assets", nil, &assets)
	var check struct{ ID, Exemption string }
	ann.must("POST", "/inspect/checks", map[string]any{
		"asset_id": assets.Items[0].ID, "kind": "service.tcp", "params": map[string]any{"host": "192.0.2.10", "port": 22},
	}, &check)
	var asked struct {
		RequestID string `json:"request_id"`
	}
	ann.must("POST", "/inspect/exemptions", map[string]any{"check_id": check.ID, "reason": "由云平台方负责"}, &asked)
	if r := ann.call("POST", "/approval/requests/"+asked.RequestID+"/decide", map[string]any{"approve": true, "version": 1}); r.Status != 403 {
		t.Errorf("an engineer decides: %d %s", r.Status, r.Body)
	}
	var home struct {
		Cards []struct{ Key string }
	}
	bob.must("GET", "/home", nil, &home)
	waits := false
	for _, c := range home.Cards {
		waits = waits || c.Key == "approval.waiting"
	}
	if !waits {
		t.Errorf("bob does not see what waits for him: %+v", home)
	}
	bob.must("POST", "/access/reauthenticate", map[string]any{"password": password}, nil)
	bob.must("POST", "/approval/requests/"+asked.RequestID+"/decide", map[string]any{
		"approve": true, "how": "document", "outside_number": "桂税函〔2026〕1号", "outside_who": "李处长", "outside_on": "2020-11-01", "version": 1,
	}, nil)
	ann.must("GET", "/inspect/checks/"+check.ID, nil, &check)
	if check.Exemption != "active" {
		t.Errorf("the check is %s", check.Exemption)
	}
}
