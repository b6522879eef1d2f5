package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// guard lets ann in with one scope and remembers what was asked for.
type guard struct {
	scope store.Scope
	asked map[string]bool
}

func (g *guard) Identify(ctx context.Context, _ api.SignedRequest) (context.Context, api.Caller, error) {
	return journal.WithActor(ctx, journal.Actor{Kind: journal.AccountActor, ID: "ann"}), api.Caller{AccountID: "ann", DisplayName: "工程师 ann"}, nil
}

func (g *guard) Authorize(_ context.Context, _ api.Caller, n api.Need) (store.Scope, error) {
	g.asked[n.Permission] = true
	return g.scope, nil
}

// door is the module behind HTTP.
type door struct {
	t     *testing.T
	mux   http.Handler
	guard *guard
	spec  []byte
}

func (b *bed) door() *door {
	b.t.Helper()
	g := &guard{scope: store.NewScope(store.ScopeGrant{AreaPath: "/45/"}), asked: map[string]bool{}}
	r := api.NewRouter(api.Config{Guard: g, DB: b.db})
	b.Routes(r)
	if err := r.Err(); err != nil {
		b.t.Fatal(err)
	}
	spec, err := r.OpenAPI()
	if err != nil {
		b.t.Fatal(err)
	}
	return &door{t: b.t, mux: r.Mux(), guard: g, spec: spec}
}

type object = map[string]any

func (d *door) call(method, path string, body any, want int) object {
	d.t.Helper()
	raw := []byte{}
	if body != nil {
		raw = []byte(jsonOf(body))
	}
	req := httptest.NewRequestWithContext(d.t.Context(), method, api.Prefix+path, bytes.NewReader(raw))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	d.mux.ServeHTTP(rec, req)
	if rec.Code != want {
		d.t.Fatalf("%s %s: %d, want %d: %s", method, path, rec.Code, want, rec.Body)
	}
	var out object
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			d.t.Fatal(err)
		}
	}
	return out
}

func (d *door) get(path string) object {
	d.t.Helper()
	return d.call(http.MethodGet, path, nil, http.StatusOK)
}

func (d *door) post(path string, body any, want int) object {
	d.t.Helper()
	return d.call(http.MethodPost, path, body, want)
}

func items(o object) []object {
	var out []object
	for _, it := range o["items"].([]any) {
		out = append(out, it.(object))
	}
	return out
}

func TestCheckOperations(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(2, probe.Critical, "refused", "拒绝")
		b.round()
		d := b.door()
		kinds := items(d.get("/inspect/kinds"))
		if len(kinds) != 3 || kinds[0]["kind"] != "test.port" || len(kinds[0]["params"].([]any)) != 2 {
			t.Errorf("kinds: %v", kinds)
		}
		for q, want := range map[string]float64{
			"": 4, "?state=CRITICAL": 1, "?class=hardware": 1, "?reason=no_source": 1, "?kind=test.port": 3, "?asset_id=host-1": 4,
			"?asset_id=x": 0, "?enabled=true": 4, "?enabled=false": 0, "?q=:2": 1, "?q=阵列": 1, "?state=OK,CRITICAL": 3, "?sort=created_at&limit=1": 4,
		} {
			if got := d.get("/inspect/checks" + q)["total"]; got != want {
				t.Errorf("checks%s: %v, want %v", q, got, want)
			}
		}
		d.call(http.MethodGet, "/inspect/checks?state=BAD", nil, http.StatusUnprocessableEntity)
		red := items(d.get("/inspect/checks?limit=1"))[0]
		current := red["current"].(object)
		if current["state"] != "CRITICAL" || current["summary"] != "拒绝" || red["open_finding_id"] == "" || red["warn"].(object)["time"] != "1" {
			t.Errorf("red first: %v", red)
		}

		made := d.post("/inspect/checks", object{
			"asset_id": "host-1", "kind": "test.port", "params": object{"port": 9, "password": "geheim"}, "warn": object{"time": "0.5"},
		}, http.StatusCreated)
		if strings.Contains(jsonOf(made), "geheim") || jsonOf(made["secrets_set"]) != `["password"]` {
			t.Errorf("a secret setting was shown: %v", made)
		}
		if made["target"] != "127.0.0.1:9" || made["warn"].(object)["time"] != "0.5" || made["crit"].(object)["time"] != "3" || made["current"] != nil {
			t.Errorf("made: %v", made)
		}
		if raw := jsonOf(all[Check](b, "id")); strings.Contains(raw, "geheim") {
			t.Error("a secret setting lies open in the database")
		}
		id := made["id"].(string)
		for name, body := range map[string]object{
			"the same again":   {"asset_id": "host-1", "kind": "test.port", "params": object{"port": 9}},
			"no such kind":     {"asset_id": "host-1", "kind": "none"},
			"no such asset":    {"asset_id": "none", "kind": "test.raid"},
			"missing setting":  {"asset_id": "host-1", "kind": "test.port"},
			"unknown setting":  {"asset_id": "host-1", "kind": "test.port", "params": object{"port": 10, "x": 1}},
			"range":            {"asset_id": "host-1", "kind": "test.port", "params": object{"port": 10}, "crit": object{"time": "a:b"}},
			"metric not there": {"asset_id": "host-1", "kind": "test.port", "params": object{"port": 10}, "warn": object{"x": "1"}},
		} {
			want := http.StatusUnprocessableEntity
			if name == "the same again" {
				want = http.StatusConflict
			}
			t.Log(name)
			d.post("/inspect/checks", body, want)
		}

		// Pointed elsewhere with the old password, the check would hand it to whoever listens there.
		refused := d.call(http.MethodPatch, "/inspect/checks/"+id, object{"params": object{"port": 11}, "reason": "端口改了", "version": 1}, http.StatusUnprocessableEntity)
		if !strings.Contains(jsonOf(refused), "secret_required") {
			t.Errorf("retargeted without its secret: %v", refused)
		}
		got := d.call(http.MethodPatch, "/inspect/checks/"+id, object{"params": object{"port": 11, "password": "geheim2"}, "crit": object{"time": ""}, "reason": "端口改了", "version": 1}, http.StatusOK)
		if got["target"] != "127.0.0.1:11" || jsonOf(got["secrets_set"]) != `["password"]` || got["crit"].(object)["time"] != "" || got["version"] != 2.0 {
			t.Errorf("changed: %v", got)
		}
		changed := b.ledger.of(TypeCheckChanged)
		if len(changed) != 1 || changed[0].Fields["reason"] != "端口改了" || strings.Contains(jsonOf(changed), "geheim") {
			t.Errorf("journal: %v", changed)
		}
		d.call(http.MethodPatch, "/inspect/checks/"+id, object{"enabled": false, "reason": "旧版本", "version": 1}, http.StatusConflict)
		d.call(http.MethodPatch, "/inspect/checks/"+id, object{"enabled": false, "version": 2}, http.StatusUnprocessableEntity)
		d.call(http.MethodPatch, "/inspect/checks/"+id, object{"params": object{"port": "x"}, "reason": "错误", "version": 2}, http.StatusUnprocessableEntity)
		if got := d.call(http.MethodPatch, "/inspect/checks/"+id, object{"enabled": false, "reason": "停用", "version": 2}, http.StatusOK); got["enabled"] != false {
			t.Errorf("switched off: %v", got)
		}
		d.get("/inspect/checks/" + id)
		d.call(http.MethodGet, "/inspect/checks/none", nil, http.StatusNotFound)
		if got := d.post("/inspect/checks/"+id+"/try", nil, http.StatusOK); got["state"] != "OK" || got["id"] != "" {
			t.Errorf("try: %v", got)
		}
		d.guard.scope = store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"})
		d.call(http.MethodGet, "/inspect/checks/"+id, nil, http.StatusNotFound)
		if got := d.get("/inspect/checks")["total"]; got != 0.0 {
			t.Errorf("seen from another city: %v", got)
		}
	})
}

func TestPlanAndRoundOperations(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(2, probe.Warning, probe.ReasonThreshold, "慢")
		b.round()
		d := b.door()
		plan := items(d.get("/inspect/plans"))[0]
		last := plan["last_round"].(object)
		if plan["check_count"] != 4.0 || last["state"] != "finished" || last["worst_state"] != "WARNING" || plan["enabled"] != true {
			t.Errorf("plan: %v", plan)
		}
		id := plan["id"].(string)
		made := d.post("/inspect/plans", object{"name": "每小时服务巡检", "interval_seconds": 3600, "classes": []string{"service"}, "area_path": "/45/4501/"}, http.StatusCreated)
		if made["check_count"] != 3.0 || made["last_round"] != nil {
			t.Errorf("made: %v", made)
		}
		for _, body := range []object{
			{"name": "x", "interval_seconds": 10, "classes": []string{"service"}, "area_path": "/45/"},
			{"name": "x", "interval_seconds": 60, "classes": []string{"nothing"}, "area_path": "/45/"},
			{"name": "x", "interval_seconds": 60, "classes": []string{"service", "service"}, "area_path": "/45/"},
			{"name": "x", "interval_seconds": 60, "classes": []string{}, "area_path": "/45/"},
			{"name": "x", "interval_seconds": 60, "classes": []string{"service"}, "area_path": "/99/"},
		} {
			d.post("/inspect/plans", body, http.StatusUnprocessableEntity)
		}
		got := d.call(http.MethodPatch, "/inspect/plans/"+id, object{"interval_seconds": 60, "name": "改名", "version": 1}, http.StatusOK)
		if got["interval_seconds"] != 60.0 || got["name"] != "改名" || got["version"] != 2.0 {
			t.Errorf("changed: %v", got)
		}
		d.call(http.MethodPatch, "/inspect/plans/"+id, object{"enabled": false, "version": 1}, http.StatusConflict)
		d.get("/inspect/plans/" + id)
		if got := d.get("/inspect/plans?enabled=false")["total"]; got != 0.0 {
			t.Errorf("plans that are off: %v", got)
		}

		run := d.post("/inspect/plans/"+id+"/run", nil, http.StatusOK)
		if run["state"] != "running" || run["started_by"].(object)["display_name"] != "工程师 ann" {
			t.Errorf("run: %v", run)
		}
		if p := d.post("/inspect/plans/"+id+"/run", nil, http.StatusConflict); p["code"] != "already_running" {
			t.Errorf("run again: %v", p)
		}
		b.round() // the round by hand and the new plan
		b.round() // the slot that waited
		b.sound()
		first := all[Round](b, "started_at, id")[0]
		for q, want := range map[string]float64{
			"": 4, "?plan_id=" + id: 3, "?trigger=manual": 1, "?trigger=start": 1, "?trigger=schedule": 2, "?state=finished": 4,
			"?worst_state=WARNING": 4, "?worst_state=CRITICAL": 0, "?to=" + first.StartedAt.Format(time.RFC3339): 0,
			"?from=" + first.StartedAt.Format(time.RFC3339): 4,
		} {
			if got := d.get("/inspect/rounds" + q)["total"]; got != want {
				t.Errorf("rounds%s: %v, want %v", q, got, want)
			}
		}
		detail := d.get("/inspect/rounds/" + run["id"].(string))
		lines := detail["items"].([]any)
		if len(lines) != 4 || lines[0].(object)["result"] == nil || detail["counts"].(object)["no_source"] != 1.0 {
			t.Errorf("detail: %v", detail)
		}
		d.call(http.MethodGet, "/inspect/rounds/none", nil, http.StatusNotFound)

		check := b.check("127.0.0.1:2")
		for q, want := range map[string]float64{
			"": 15, "?check_id=" + check.ID: 4, "?asset_id=host-1": 15, "?state=WARNING": 4, "?state=WARNING,CRITICAL,UNKNOWN": 7, "?state=OK,WARNING": 12,
			"?class=hardware": 3, "?round_id=" + first.ID: 4, "?from=2020-01-01T00:00:00Z": 15, "?to=2020-01-01T00:00:00Z": 0,
		} {
			if got := d.get("/inspect/results" + q)["total"]; got != want {
				t.Errorf("results%s: %v, want %v", q, got, want)
			}
		}
		one := items(d.get("/inspect/results?state=WARNING"))[0]
		if one["title_zh"] != "端口" || one["asset_name"] != "tax-app-01" || len(one["sha256"].(string)) != 64 {
			t.Errorf("result: %v", one)
		}
		d.get("/inspect/results/" + one["id"].(string))
		d.call(http.MethodGet, "/inspect/results/none", nil, http.StatusNotFound)
		if got := d.get("/inspect/gaps?plan_id=" + id)["total"]; got != 0.0 {
			t.Errorf("gaps: %v", got)
		}
		h := d.get("/inspect/checks/" + check.ID + "/history")
		series := h["series"].([]any)[0].(object)
		if series["label"] != "time" || len(series["points"].([]any)) != 4 || series["crit"] != "3" || len(h["states"].([]any)) != 1 {
			t.Errorf("history: %v", h)
		}
		d.call(http.MethodGet, "/inspect/checks/"+check.ID+"/history?from=2030-01-01T00:00:00Z&to=2020-01-01T00:00:00Z", nil, http.StatusUnprocessableEntity)
	})
}

func TestFindingOperations(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(1, probe.Critical, "refused", "发票平台拒绝连接")
		b.w.say(2, probe.Warning, probe.ReasonThreshold, "慢")
		b.round()
		d := b.door()
		f := items(d.get("/inspect/findings?severity=critical"))[0]
		id := f["id"].(string)
		if f["check_state"] != "CRITICAL" || f["assignee"] != nil || f["proposed_due_at"] == nil {
			t.Errorf("finding: %v", f)
		}
		for q, want := range map[string]float64{
			"": 2, "?state=open": 2, "?state=open,assigned,repaired": 2, "?state=closed": 0, "?severity=warning": 1, "?assignee_id=ann": 0,
			"?class=service": 2, "?asset_id=host-1": 2, "?system_id=" + b.w.host.SystemID: 2, "?q=发票": 1, "?q=发票&state=open": 1, "?q=没有": 0,
		} {
			if got := d.get("/inspect/findings" + q)["total"]; got != want {
				t.Errorf("findings%s: %v, want %v", q, got, want)
			}
		}
		if p := d.post("/inspect/findings/"+id+"/repaired", object{"note": "重启", "version": 1}, http.StatusConflict); p["code"] != "not_possible_in_state" {
			t.Errorf("repaired too early: %v", p)
		}
		d.post("/inspect/findings/"+id+"/assign", object{"account_id": "nobody", "version": 1}, http.StatusUnprocessableEntity)
		got := d.post("/inspect/findings/"+id+"/assign", object{"account_id": "bob", "note": "请处理", "version": 1}, http.StatusOK)
		if got["state"] != "assigned" || got["assignee"].(object)["display_name"] != "工程师 bob" || got["due_at"] == nil {
			t.Errorf("assigned: %v", got)
		}
		d.post("/inspect/findings/"+id+"/assign", object{"account_id": "ann", "version": 1}, http.StatusConflict)
		d.post("/inspect/findings/"+id+"/comment", object{"text": "看过日志"}, http.StatusOK)
		d.post("/inspect/findings/"+id+"/comment", object{"text": ""}, http.StatusUnprocessableEntity)
		d.post("/inspect/findings/"+id+"/see", nil, http.StatusNoContent)
		d.post("/inspect/findings/"+id+"/see", nil, http.StatusNoContent)
		if got = d.post("/inspect/findings/"+id+"/repaired", object{"note": "重启了服务", "version": 2}, http.StatusOK); got["state"] != "repaired" {
			t.Errorf("repaired: %v", got)
		}
		detail := d.get("/inspect/findings/" + id)
		var texts []string
		for _, row := range detail["timeline"].([]any) {
			r := row.(object)
			texts = append(texts, strings.TrimPrefix(r["type"].(string), "inspect.finding.")+"="+r["text"].(string))
		}
		want := "opened= assigned=请处理 commented=看过日志 seen= repaired=重启了服务"
		if strings.Join(texts, " ") != want || detail["result"].(object)["state"] != "CRITICAL" {
			t.Errorf("timeline: %v", texts)
		}
		d.call(http.MethodGet, "/inspect/findings/none", nil, http.StatusNotFound)
		for _, p := range []string{PermissionRead, PermissionHandle} {
			if !d.guard.asked[p] {
				t.Errorf("nobody asked for %s", p)
			}
		}
	})
}

func TestHomeCards(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(1, probe.OK, "", "可连")
		b.round()
		scope := store.NewScope(store.ScopeGrant{AreaPath: "/45/"})
		cards := func() map[string]*api.Card {
			out := map[string]*api.Card{}
			ctx := api.WithCaller(b.ctx(), api.Caller{AccountID: "ann"}, scope)
			for _, c := range b.HomeCards() {
				card, err := c.Load(ctx, scope)
				if err != nil {
					t.Fatalf("%s: %v", c.Key, err)
				}
				if card != nil {
					out[c.Key] = card
				}
			}
			return out
		}
		got := cards()
		if len(got) != 2 || got["inspect.quiet"] == nil || got["inspect.checks.no_source"].Count != 1 {
			t.Errorf("all quiet: %v", jsonOf(got))
		}
		b.w.say(1, probe.Critical, "refused", "拒绝")
		b.stepped.Step(defaultPlanInterval)
		b.later() // one slot later than due
		f := b.findings()[0]
		got = cards()
		if got["inspect.findings.grave"].Count != 1 || got["inspect.findings.unassigned"] != nil || got["inspect.quiet"] != nil || got["inspect.findings.mine"] != nil {
			t.Errorf("something is wrong: %v", jsonOf(got))
		}
		if got["inspect.rounds.missed"] == nil {
			t.Error("a gap is told of")
		}
		if _, err := b.AssignFinding(b.ctx(), scope, f.ID, Assignment{AccountID: "ann", Version: f.Version}); err != nil {
			t.Fatal(err)
		}
		if got = cards(); got["inspect.findings.mine"].Count != 1 || got["inspect.findings.mine"].Severity != "critical" ||
			got["inspect.findings.grave"] != nil || got["inspect.findings.unassigned"] != nil {
			t.Errorf("mine is on one card only: %v", jsonOf(got))
		}
		b.w.say(2, probe.Warning, "slow", "慢")
		b.stepped.Step(defaultPlanInterval)
		b.later()
		if got = cards(); got["inspect.findings.unassigned"].Count != 1 || got["inspect.findings.grave"] != nil || got["inspect.findings.mine"].Count != 1 {
			t.Errorf("a warning that nobody has: %v", jsonOf(got))
		}
		b.stepped.Step(time.Hour)
		if got = cards(); got["inspect.rounds.missed"].Severity != "critical" {
			t.Errorf("a plan that does not run: %v", jsonOf(got["inspect.rounds.missed"]))
		}
	})
}
