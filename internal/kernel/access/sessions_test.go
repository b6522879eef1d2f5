package access_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
)

func TestIdleLock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		for range 3 { // a touch keeps it open
			b.step(29 * time.Minute)
			w.get("/me").ok()
		}
		passive := *w
		passive.header = http.Header{"Taxops-Passive": {"1"}}
		b.step(20 * time.Minute)
		passive.get("/me").ok()
		b.step(11 * time.Minute) // a screen that nobody touches is no touch
		passive.get("/me").refused(http.StatusUnauthorized, "session_idle")
		w.get("/me").refused(http.StatusUnauthorized, "session_idle")
		w.post("/me/password", fields{"current": goodPassword, "next": nextPassword}).refused(http.StatusUnauthorized, "session_idle")
		w.post("/access/sign-in", fields{"login": "admin", "password": goodPassword}).ok()
		w.get("/me").ok()
	})
}

func TestSessionEndsAfterTwelveHours(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		for range 35 {
			b.step(20 * time.Minute)
			w.get("/me").ok()
		}
		b.step(20*time.Minute + time.Second)
		w.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		if err := b.svc.SweepSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := b.rows("access_session"); n != 0 {
			t.Errorf("%d sessions after the sweep", n)
		}
	})
}

// A sign of life is written at most once a minute.
func TestTouchIsRare(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		seen := func() string { return w.get("/me/sessions").ok().items()[0]["last_seen_at"].(string) }
		before := seen()
		b.step(58 * time.Second)
		if w.get("/me").ok(); seen() != before {
			t.Error("written within the minute")
		}
		b.step(3 * time.Second)
		if w.get("/me").ok(); seen() == before {
			t.Error("not written after the minute")
		}
	})
}

func TestFreshness(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, _ := w.join("wang")
		w.post("/access/accounts/"+id+"/remove", fields{"reason": "离职"}).ok()
		b.step(10*time.Minute + time.Second)
		erase := func() answer { return w.post("/access/accounts/"+id+"/erase", fields{"reason": "本人申请"}) }
		erase().refused(http.StatusForbidden, "fresh_sign_in_required")
		w.post("/access/reauthenticate", fields{"password": "wrong password 1A"}).refused(http.StatusUnauthorized, "bad_credentials")
		erase().refused(http.StatusForbidden, "fresh_sign_in_required")
		w.post("/access/reauthenticate", fields{"password": goodPassword}).ok()
		erase().ok()
	})
}

func TestOwnSessions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		_, stranger := w.join("wang")
		other, a := b.signIn("admin", goodPassword)
		a.ok()
		list := w.get("/me/sessions").ok().items()
		if len(list) != 2 || list[0]["current"] != false || list[1]["current"] != true || list[0]["remote"] != "127.0.0.1" || list[0]["user_agent"] != "test browser" {
			t.Fatalf("sessions %v", list)
		}
		id := list[0]["id"].(string)
		stranger.do(http.MethodDelete, "/me/sessions/"+id, nil).refused(http.StatusNotFound, "not_found")
		other.get("/me").ok()
		w.do(http.MethodDelete, "/me/sessions/"+id, nil).ok()
		other.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		w.get("/me").ok()
		for range 25 {
			_, a := b.signIn("admin", goodPassword)
			a.ok()
		}
		w.get("/me").refused(http.StatusUnauthorized, "unauthenticated") // the oldest of more than twenty
		if n := b.rows("access_session"); n != 21 {
			t.Errorf("%d sessions", n)
		}
	})
}

// Every operation that is not public refuses a request without a session, with a wrong one, and one
// of a removed account; so does a permission that was taken away, from the next request on.
func TestEveryOperationAsksWhoCalls(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, gone := w.join("wang", grant("engineer"), grant("system_admin"), grant("security_admin"))
		gone.get("/me").ok()
		w.post("/access/accounts/"+id+"/remove", fields{"reason": "离职"}).ok()
		invented := b.browser()
		invented.cookie = "invented"
		for _, op := range b.router.Operations() {
			path := strings.ReplaceAll(op.Path, "{id}", id)
			for name, who := range map[string]*browser{"nobody": b.browser(), "invented": invented, "removed": gone} {
				a := who.do(op.Method, path, fields{})
				if op.Public == "" && (a.status != http.StatusUnauthorized || a.body["code"] != "unauthenticated") {
					t.Errorf("%s as %s: %d %s", op.ID, name, a.status, a.raw)
				}
				if op.Public != "" && a.status == http.StatusUnauthorized && a.body["code"] == "unauthenticated" {
					t.Errorf("%s is public and asks for a session", op.ID)
				}
			}
		}
	})
}

// Every operation with a permission refuses each role that does not have it.
func TestEveryOperationAsksForItsPermission(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		roles := map[string][]any{}
		for _, r := range w.get("/access/roles").ok().items() {
			roles[r["role"].(string)] = r["permissions"].([]any)
		}
		if len(roles) != 9 {
			t.Fatalf("roles %v", roles)
		}
		for role, permissions := range roles {
			_, p := w.join("p-"+role, grant(role))
			for _, op := range b.router.Operations() {
				if op.Permission == "" {
					continue
				}
				has := false
				for _, x := range permissions {
					has = has || x == op.Permission
				}
				a := p.do(op.Method, strings.ReplaceAll(op.Path, "{id}", "none"), fields{})
				if refused := a.status == http.StatusForbidden && a.body["code"] == "forbidden"; refused == has {
					t.Errorf("%s as %s (has it: %v): %d %s", op.ID, role, has, a.status, a.raw)
				}
			}
		}
	})
}

func TestRevocationHoldsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, p := w.join("wang", grant("auditor"))
		p.get("/access/accounts").ok()
		w.do(http.MethodPatch, "/access/accounts/"+id, fields{"grants": []fields{}, "version": w.version(id)}).ok()
		p.get("/access/accounts").refused(http.StatusForbidden, "forbidden")
		p.get("/me").ok()
		w.post("/access/accounts/"+id+"/disable", fields{"reason": "检查"}).ok()
		p.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		w.post("/access/accounts/"+id+"/enable", fields{"reason": "检查结束"}).ok()
		p.get("/me").refused(http.StatusUnauthorized, "unauthenticated") // enabling brings no session back
		_, a := b.signIn("wang", goodPassword)
		a.ok()
	})
}

// A live stream, which authorizes again and again under one identification, ends with the session.
func TestAuthorizeLooksAtTheSessionAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		ctx, caller, err := b.svc.Identify(t.Context(), api.SignedRequest{Token: w.cookie})
		if err != nil {
			t.Fatal(err)
		}
		if a := journal.ActorFrom(ctx); a.Kind != journal.AccountActor || a.ID != caller.AccountID {
			t.Errorf("actor %v", a)
		}
		need := api.Need{Permission: "org.read"}
		scope, err := b.svc.Authorize(ctx, caller, need)
		if err != nil || !scope.Covers("/45/4501/", "") {
			t.Fatalf("scope %v, %v", scope, err)
		}
		w.post("/access/sign-out", nil).ok()
		if _, err := b.svc.Authorize(ctx, caller, need); err == nil {
			t.Error("authorized after signing out")
		}
	})
}
