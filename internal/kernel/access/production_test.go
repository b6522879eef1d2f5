package access_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"taxops/internal/kernel/org"
)

func (w *browser) missing() []string {
	w.b.t.Helper()
	var out []string
	for _, m := range w.get("/access/production").ok().at("missing").([]any) {
		out = append(out, m.(map[string]any)["code"].(string))
	}
	return out
}

// produce brings an installation into production with separate people.
func (b *bench) produce() (first *browser, people map[string]*browser, ids map[string]string) {
	b.t.Helper()
	return b.produceAfter(func(*browser) {})
}

// produceAfter does something on trial before.
func (b *bench) produceAfter(before func(first *browser)) (first *browser, people map[string]*browser, ids map[string]string) {
	b.t.Helper()
	first = b.setUp()
	before(first)
	people, ids = map[string]*browser{}, map[string]string{}
	for _, role := range []string{"system_admin", "security_admin", "auditor", "engineer"} {
		ids[role], people[role] = first.join("p-"+role, grant(role))
		if role != "engineer" {
			people[role].enrol()
		}
	}
	me := first.get("/me").ok().text("account.id")
	ids["first"] = me
	first.do(http.MethodPatch, "/access/accounts/"+me, fields{"grants": []fields{grant("read_only")}, "version": first.version(me)}).ok()
	people["security_admin"].post("/access/production/declare", fields{"reason": "试用结束"}).ok()
	return first, people, ids
}

func TestProductionIsRefusedUntilItCanBeMet(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		want := []string{
			"no_system_admin", "totp_system_admin", "no_security_admin", "totp_security_admin",
			"no_auditor", "totp_auditor", "excluded_roles",
		}
		if have := w.missing(); !slices.Equal(have, want) {
			t.Errorf("missing at first: %v", have)
		}
		a := w.post("/access/production/declare", fields{"reason": "投产"}).refused(http.StatusConflict, "production_refused")
		if len(a.at("errors").([]any)) != len(want) {
			t.Errorf("refusal %s", a.raw)
		}
		// Who answers for one city does not end the trial of all.
		_, city := w.join("city-sec", grantIn("security_admin", "/45/4501/", ""))
		city.post("/access/production/declare", fields{"reason": "投产"}).refused(http.StatusForbidden, "forbidden")
		_, one := w.join("one-sec", grantIn("security_admin", org.Region, org.SystemSeal))
		one.post("/access/production/declare", fields{"reason": "投产"}).refused(http.StatusForbidden, "forbidden")
		for _, x := range []*browser{city, one} {
			x.enrol()
		}
		w.enrol()
		if have := w.missing(); !slices.Equal(have, []string{"excluded_roles"}) {
			t.Errorf("one person with codes misses %v", have)
		}
		b.step(11 * time.Minute)
		w.post("/access/production/declare", fields{"reason": "投产"}).refused(http.StatusForbidden, "fresh_sign_in_required")
	})
}

func TestProduction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		first, p, ids := b.produce()
		sys, sec, aud := p["system_admin"], p["security_admin"], p["auditor"]
		if first.get("/me").ok().at("mode") != "production" || len(sys.missing()) != 0 {
			t.Fatalf("not in production: %v", sys.missing())
		}
		sec.post("/access/production/declare", fields{"reason": "再次"}).refused(http.StatusConflict, "not_possible_in_state")
		regrant := func(w *browser, id string, grants ...fields) answer {
			return w.do(http.MethodPatch, "/access/accounts/"+id, fields{"grants": grants, "version": w.version(id)})
		}
		// Never two of the three in one account, and nobody grants themselves.
		regrant(sec, ids["first"], grant("system_admin"), grant("auditor")).refused(http.StatusConflict, "separation_of_duties")
		regrant(sec, ids["security_admin"], grant("security_admin"), grant("engineer")).refused(http.StatusConflict, "separation_of_duties")
		regrant(sys, ids["engineer"], grant("clerk")).refused(http.StatusForbidden, "forbidden")
		regrant(sec, ids["engineer"], grant("engineer"), grant("coordinator")).ok()
		// Whoever makes an account does not decide on its rights.
		sys.post("/access/accounts", fields{"login": "x1", "display_name": "x", "grants": []fields{grant("clerk")}}).
			refused(http.StatusForbidden, "forbidden")
		id, _ := sys.invite("x1")
		regrant(sec, id, grant("clerk")).ok()
		// Each of the three stays, with one-time codes, and nobody takes over another of them.
		regrant(sec, ids["auditor"], grant("clerk")).refused(http.StatusConflict, "last_admin")
		sys.move(ids["auditor"], "disable").refused(http.StatusConflict, "last_admin")
		sys.move(ids["security_admin"], "remove").refused(http.StatusConflict, "last_admin")
		sys.post("/access/accounts/"+ids["auditor"]+"/invite", nil).refused(http.StatusConflict, "separation_of_duties")
		sys.post("/access/accounts/"+ids["engineer"]+"/invite", nil).ok()
		aud.post("/me/totp/disable", fields{"password": goodPassword}).refused(http.StatusConflict, "production_refused")
		if _, _, err := b.svc.Recover(t.Context(), "p-auditor"); err != nil {
			t.Errorf("an auditor is helped on the host: %v", err)
		}
		if b.count("access.production.declared") != 1 {
			t.Errorf("journal %v", b.types())
		}
	})
}
