package app_test

import (
	"os"
	"testing"

	"taxops/internal/app"
	"taxops/internal/kernel/store"
)

func TestMain(m *testing.M) {
	app.Child(os.Args) // programs run in processes of this binary
	os.Exit(m.Run())
}

// TestBringYourScript goes the way of an engineer: try, release, use as a check; and runs a plug-in.
func TestBringYourScript(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	if err := p.RegisterLocalHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	var assets struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	admin.must("GET", "/fleet/assets", nil, &assets)
	manifest := map[string]any{
		"interpreter": "sh", "judge": "rules", "timeout_seconds": 10,
		"params": []any{map[string]any{"name": "used", "title": "使用率", "type": "int", "required": true}},
		"args":   []any{map[string]any{"parts": []string{"{used}"}}},
		"rules": map[string]any{"rules": []any{
			map[string]any{"name": "使用率", "kind": "number", "pattern": `使用率 (\d+)%`, "uom": "%", "warn": "80", "crit": "90"},
		}},
	}
	body := []byte("echo \"使用率 $1%\"\n")
	type answer struct {
		State     string `json:"state"`
		Summary   string `json:"summary"`
		Script    string `json:"script"`
		ScriptSHA string `json:"script_sha256"`
		Judgement struct {
			Rules []struct {
				Matches []struct {
					Start, End int
				} `json:"matches"`
			} `json:"rules"`
		} `json:"judgement"`
	}
	var tried answer
	admin.must("POST", "/inspect/scripts/try", map[string]any{"manifest": manifest, "body": body, "args": []string{"used=95"}}, &tried)
	if m := tried.Judgement.Rules[0].Matches; tried.State != "CRITICAL" || len(m) != 1 || m[0].Start != 4 || m[0].End != 6 {
		t.Errorf("tried: %+v", tried)
	}
	var made struct {
		ID      string `json:"id"`
		DraftID string `json:"draft_id"`
	}
	admin.must("POST", "/inspect/scripts", map[string]any{
		"name": "used-space", "title": "空间使用率", "class": "instance", "manifest": manifest, "body": body,
	}, &made)
	var version struct {
		SHA256  string `json:"sha256"`
		Version int64  `json:"version"`
	}
	admin.must("POST", "/inspect/script-versions/"+made.DraftID+"/release", map[string]any{"version": 1}, &version)

	add := func(kind string, params map[string]any) (id string) {
		var c struct {
			ID string `json:"id"`
		}
		admin.must("POST", "/inspect/checks", map[string]any{"asset_id": assets.Items[0].ID, "kind": kind, "params": params}, &c)
		return c.ID
	}
	refused := map[string]any{"package": "used-space", "version": 1, "class": "instance", "args": []string{"used=x"}}
	if r := admin.call("POST", "/inspect/checks", map[string]any{"asset_id": assets.Items[0].ID, "kind": "script.run", "params": refused}); r.code() != "invalid" {
		t.Errorf("a value that does not fit: %d %s", r.Status, r.Body)
	}
	var said answer
	id := add("script.run", map[string]any{"package": "used-space", "version": 1, "class": "instance", "title": "空间使用率", "args": []string{"used=85"}})
	var shown struct {
		TitleZH string         `json:"title_zh"`
		Class   string         `json:"class"`
		Params  map[string]any `json:"params"`
		Version int64          `json:"version"`
	}
	admin.must("GET", "/inspect/checks/"+id, nil, &shown)
	if shown.TitleZH != "空间使用率" || shown.Class != "instance" {
		t.Errorf("shown as %+v", shown)
	}
	shown.Params["title"] = "表空间"
	admin.must("PATCH", "/inspect/checks/"+id, map[string]any{"params": shown.Params, "reason": "改名", "version": shown.Version}, &shown)
	if admin.must("GET", "/inspect/checks/"+id, nil, &shown); shown.TitleZH != "表空间" {
		t.Errorf("after the change: %+v", shown)
	}
	admin.must("POST", "/inspect/checks/"+id+"/try", nil, &said)
	if said.State != "WARNING" || said.ScriptSHA != version.SHA256 || said.Script != "used-space v1" {
		t.Errorf("as a check: %+v", said)
	}
	id = add("plugin.command", map[string]any{"command": "/usr/lib/nagios/plugins/check_procs", "args": []string{"-c", "1:100000"}, "class": "performance"})
	admin.must("POST", "/inspect/checks/"+id+"/try", nil, &said)
	if said.State != "OK" || said.ScriptSHA != "" {
		t.Errorf("a plug-in: %+v", said)
	}
	var plugins struct {
		Items []struct {
			Path string `json:"path"`
		} `json:"items"`
	}
	admin.must("GET", "/inspect/plugins", nil, &plugins)
	if len(plugins.Items) < 5 {
		t.Errorf("installed: %v", plugins.Items)
	}
}
