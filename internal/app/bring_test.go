package app_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"taxops/internal/kernel/org"
	"taxops/internal/kernel/store"
)

// part is a part of a run, as the API shows it.
type part struct {
	ID, Kind, Name, Title, Detail, Fidelity, Outcome, Off, Says string
	Line                                                        int
	Why, From                                                   []string
}

type partPage struct {
	Counts map[string]int `json:"counts"`
	Digest string         `json:"digest"`
	Total  int            `json:"total"`
	Items  []part         `json:"items"`
}

type broughtRun struct {
	ID, Number, State, Source string
	Version                   int64
	Counts                    map[string]int
}

func place() string {
	return "?area_path=" + url.QueryEscape("/45/") + "&system_id=" + org.SystemPlatform + "&file_name=x"
}

func (q *person) bring(path string, body []byte) broughtRun {
	q.t.Helper()
	r := q.callWith("POST", path+place(), string(body), map[string]string{"Content-Type": "application/octet-stream"})
	if r.Status != 201 {
		q.t.Fatalf("%s: %d %s", path, r.Status, r.Body)
	}
	var run broughtRun
	if err := json.Unmarshal(r.Body, &run); err != nil {
		q.t.Fatal(err)
	}
	return run
}

func (q *person) parts(run broughtRun, query string) partPage {
	q.t.Helper()
	var out partPage
	q.must("GET", "/intake/runs/"+run.ID+"/parts"+query, nil, &out)
	return out
}

type importedCheck struct {
	ID, Kind, Origin, Why, State string
	Enabled                      bool
	Version                      int64
}

// imported lists the checks that imports brought.
func (q *person) imported() []importedCheck {
	q.t.Helper()
	var checks struct{ Items []importedCheck }
	q.must("GET", "/inspect/checks?limit=200", nil, &checks)
	return slices.DeleteFunc(checks.Items, func(c importedCheck) bool { return c.Origin != "imported" })
}

// TestZabbixIsBroughtAlong: hosts become assets and triggers checks; what no server reaches is switched off
// and says so; the undo takes away what nobody touched and leaves the rest with the reason.
func TestZabbixIsBroughtAlong(t *testing.T) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			p := start(t, engine)
			admin := p.first(t)
			file, err := os.ReadFile("../ops/intake/zabbix/testdata/6.0.yaml")
			if err != nil {
				t.Fatal(err)
			}
			run := admin.bring("/intake/zabbix/files", file)
			seen := admin.parts(run, "")
			if run.Source != "zabbix" || seen.Counts["check.new"] != 4 || seen.Counts["fidelity.exact"] != 3 || seen.Counts["none.none"] == 0 {
				t.Fatalf("%+v %+v", run, seen)
			}
			for _, part := range admin.parts(run, "?kind=check").Items {
				if part.Off != "not_reached" || len(part.From) == 0 || part.Fidelity == "near" && len(part.Why) == 0 {
					t.Errorf("%+v", part)
				}
			}
			for _, part := range admin.parts(run, "?kind=none").Items {
				if len(part.Why) != 1 || part.Title == "" {
					t.Errorf("left without a reason: %+v", part)
				}
			}
			memory := admin.parts(run, "?q=performance.memory").Items[0]
			apply := map[string]any{"digest": seen.Digest, "version": run.Version, "leave_parts": []string{memory.ID}}
			if r := admin.call("POST", "/intake/runs/"+run.ID+"/apply", map[string]any{"digest": "0", "version": run.Version}); r.code() != "preview_stale" {
				t.Errorf("another digest: %d %s", r.Status, r.Body)
			}
			var done broughtRun
			admin.must("POST", "/intake/runs/"+run.ID+"/apply", apply, &done)
			if done.State != "applied" || done.Counts["added_check"] != 3 || done.Counts["off_check"] != 3 || done.Counts["new"] != 2 {
				t.Fatalf("%+v", done)
			}
			if r := admin.call("POST", "/intake/runs/"+run.ID+"/apply", apply); r.Status < 400 {
				t.Errorf("applied twice: %d", r.Status)
			}
			imported := admin.imported()
			if len(imported) != 3 {
				t.Fatalf("%d checks: %+v", len(imported), imported)
			}
			for _, c := range imported {
				if c.Enabled || c.State != "" || !strings.Contains(c.Why, "尚未接入") || !strings.Contains(c.Why, run.Number) {
					t.Errorf("a check that nothing reaches: %+v", c)
				}
			}
			again := admin.bring("/intake/zabbix/files", file)
			if twice := admin.parts(again, ""); twice.Counts["check.same"] != 3 || twice.Counts["check.new"] != 1 {
				t.Errorf("brought again: %+v", twice.Counts)
			}
			// Somebody switches one check on: it stays, and its host with it.
			admin.must("PATCH", "/inspect/checks/"+imported[0].ID, map[string]any{"enabled": true, "reason": "已接入", "version": imported[0].Version}, nil)
			admin.must("POST", "/intake/runs/"+run.ID+"/undo", map[string]any{"reason": "试导入", "version": done.Version}, &done)
			var brought struct {
				Items []struct{ Kind, Left, Off string }
			}
			admin.must("GET", "/intake/runs/"+run.ID+"/brought", nil, &brought)
			kept := 0
			for _, b := range brought.Items {
				if b.Left == "changed" {
					kept++
				}
			}
			var steps struct{ Items []struct{ Name, Left string } }
			admin.must("GET", "/intake/runs/"+run.ID+"/steps", nil, &steps)
			if len(brought.Items) != 3 || kept != 1 || len(steps.Items) != 2 || steps.Items[0].Left != "in_use" || steps.Items[1].Left != "" {
				t.Errorf("undone: %+v, %+v", brought, steps)
			}
			if n := len(admin.imported()); n != 1 {
				t.Errorf("%d imported checks are left", n)
			}
		})
	}
}

// TestScriptsAreBroughtAlong: old scripts become drafts with proposed rules, their cadences plans that are
// switched off; brought again they are the same; undone they are gone, but for the one that was released.
func TestScriptsAreBroughtAlong(t *testing.T) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			p := start(t, engine)
			admin := p.first(t)
			if err := p.RegisterLocalHost(t.Context()); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			for name, body := range map[string]string{
				"巡检/check_ftp.sh":    "#!/bin/bash\nif true; then echo \"FTP 正常\"; else echo \"FTP 异常\"; fi\n",
				"巡检/check_disk.sh":   "#!/bin/sh\ndf -h\n",
				"巡检/readme.doc":      "说明",
				"巡检/report.rb":       "#!/usr/bin/ruby\nputs 1\n",
				"巡检/crontab.txt":     "*/10 * * * * /home/tax/巡检/check_ftp.sh -p 21 >> /tmp/ftp.log\n30 8 * * 1-5 /home/tax/巡检/check_disk.sh\n@reboot /home/tax/other.sh\n",
				"../../etc/evil.sh":  "#!/bin/sh\necho OK\n",
				"__MACOSX/._rubbish": "\x00\x01",
			} {
				w, err := z.Create(name)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprint(w, body)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			run := admin.bring("/intake/scripts/files", b.Bytes())
			seen := admin.parts(run, "?limit=200")
			if run.Source != "scripts" || seen.Counts["script.new"] != 2 || seen.Counts["plan.new"] != 2 || seen.Counts["none.none"] < 3 {
				t.Fatalf("%+v %+v", run, seen)
			}
			for _, part := range seen.Items {
				if part.Kind == "script" && part.Title == "check_ftp" && (part.Fidelity != "near" || !slices.Contains(part.Why, "redirected") ||
					!strings.Contains(part.Detail, "bash -p 21; 异常→CRITICAL 正常→OK")) {
					t.Errorf("%+v", part)
				}
				if part.Kind == "none" && len(part.Why) != 1 {
					t.Errorf("left without a reason: %+v", part)
				}
			}
			var done broughtRun
			admin.must("POST", "/intake/runs/"+run.ID+"/apply", map[string]any{"digest": seen.Digest, "version": run.Version}, &done)
			if done.Counts["added_script"] != 2 || done.Counts["added_plan"] != 2 {
				t.Fatalf("%+v", done)
			}
			var plans struct {
				Items []struct {
					Name    string
					Enabled bool
				}
			}
			admin.must("GET", "/inspect/plans", nil, &plans)
			for _, pl := range plans.Items {
				if strings.HasPrefix(pl.Name, "旧脚本") && pl.Enabled {
					t.Errorf("%s is switched on", pl.Name)
				}
			}
			again := admin.bring("/intake/scripts/files", b.Bytes())
			if twice := admin.parts(again, ""); twice.Counts["script.same"] != 2 || twice.Counts["plan.same"] != 2 {
				t.Errorf("brought again: %+v", twice.Counts)
			}
			admin.must("POST", "/intake/runs/"+run.ID+"/undo", map[string]any{"reason": "试导入", "version": done.Version}, &done)
			if twice := admin.parts(again, ""); twice.Counts["script.new"] != 2 || twice.Counts["plan.new"] != 2 {
				t.Errorf("after the undo: %+v", twice.Counts)
			}
		})
	}
}
