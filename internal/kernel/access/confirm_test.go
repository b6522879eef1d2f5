package access_test

import (
	"net/http"
	"testing"
	"time"
)

func (w *browser) regrant(id string, grants ...fields) answer {
	w.b.t.Helper()
	return w.do(http.MethodPatch, "/access/accounts/"+id, fields{"grants": grants, "version": w.version(id)})
}

func (w *browser) confirm(id string, version any) answer {
	w.b.t.Helper()
	return w.post("/access/accounts/"+id+"/confirm", fields{"reason": "当面核对工牌", "version": version})
}

func (b *bench) accept(link, password string) (*browser, answer) {
	b.t.Helper()
	w := b.browser()
	return w, w.post("/access/invitation/accept", fields{"token": tokenOf(b.t, link), "password": password})
}

// Whoever makes an account sees its link. Accepting it in place of the person makes nobody an auditor: a
// second administrator has to confirm the person first.
func TestTheMakerOfALinkCannotBeItsPerson(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		_, p, ids := b.produce()
		sys, sec, aud := p["system_admin"], p["security_admin"], p["auditor"]
		id, link := sys.invite("aud2")
		sec.regrant(id, grant("auditor")).ok()
		sec.confirm(id, sec.version(id)).refused(http.StatusConflict, "not_possible_in_state") // nobody accepted yet
		w, a := b.accept(link, goodPassword)
		a.refused(http.StatusConflict, "confirmation_needed")
		w.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		_, a = b.signIn("aud2", goodPassword)
		a.refused(http.StatusConflict, "confirmation_needed")
		_, a = b.signIn("aud2", nextPassword) // only to who knows the password
		a.refused(http.StatusUnauthorized, "bad_credentials")
		if v := sec.get("/access/accounts/" + id).ok(); v.at("state") != "invited" || v.at("awaits_confirmation") != true || v.at("confirmed") != false {
			t.Errorf("account %s", v.raw)
		}
		// Not by those who keep accounts or watch, and not on an old proof of identity.
		sys.confirm(id, 1).refused(http.StatusForbidden, "forbidden")
		aud.confirm(id, 1).refused(http.StatusForbidden, "forbidden")
		b.step(11 * time.Minute)
		looked := sec.version(id)
		sec.confirm(id, looked).refused(http.StatusForbidden, "fresh_sign_in_required")
		sec.post("/access/reauthenticate", fields{"password": goodPassword, "totp": b.code(sec.key)}).ok()
		// Credentials that were replaced after the look are not those that were looked at.
		again := sys.post("/access/accounts/"+id+"/invite", nil).ok().text("invitation_url")
		_, a = b.accept(again, nextPassword)
		a.refused(http.StatusConflict, "confirmation_needed")
		sec.confirm(id, looked).refused(http.StatusConflict, "stale")
		if v := sec.confirm(id, sec.version(id)).ok(); v.at("state") != "active" || v.at("confirmed") != true {
			t.Errorf("confirmed %s", v.raw)
		}
		sec.confirm(id, sec.version(id)).refused(http.StatusConflict, "not_possible_in_state")
		_, a = b.signIn("aud2", nextPassword)
		a.ok()
		sec.confirm(ids["security_admin"], sec.version(ids["security_admin"])).refused(http.StatusConflict, "separation_of_duties")
		if b.count("access.account.accepted") != 2 || b.count("access.account.confirmed") != 1 {
			t.Errorf("journal %v", b.types())
		}
	})
}

// The other way round, an account that its maker took first is given none of the three roles unseen.
func TestNobodyUnconfirmedBecomesAdministrator(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		_, p, ids := b.produce()
		sys, sec := p["system_admin"], p["security_admin"]
		id, own := sys.join("wang")
		for _, role := range []string{"auditor", "security_admin", "system_admin"} {
			sec.regrant(id, grant(role)).refused(http.StatusConflict, "confirmation_needed")
		}
		sec.regrant(id, grant("engineer")).ok() // the others are not concerned
		sec.confirm(id, sec.version(id)).ok()
		own.get("/me").ok() // nothing changed for the person
		// A new link replaces the credentials, and what was known of them.
		link := sys.post("/access/accounts/"+id+"/invite", nil).ok().text("invitation_url")
		sec.regrant(id, grant("auditor")).ok()
		_, a := b.accept(link, nextPassword)
		a.refused(http.StatusConflict, "confirmation_needed")
		own.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		sec.confirm(id, sec.version(id)).ok()
		// One that was kept out when production was declared, or works since the trial.
		sec.regrant(ids["first"], grant("system_admin")).ok() // set up on the host
		sec.regrant(ids["engineer"], grant("auditor")).refused(http.StatusConflict, "confirmation_needed")
	})
}

func TestEnablingInProductionIsNotConfirming(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		var id string
		_, p, _ := b.produceAfter(func(first *browser) {
			id, _ = first.join("aud2", grant("auditor"))
			first.move(id, "disable").ok()
		})
		sys, sec := p["system_admin"], p["security_admin"]
		if v := sys.move(id, "enable").ok(); v.at("state") != "invited" || v.at("awaits_confirmation") != true {
			t.Errorf("enabled %s", v.raw)
		}
		_, a := b.signIn("aud2", goodPassword)
		a.refused(http.StatusConflict, "confirmation_needed")
		sec.confirm(id, sec.version(id)).ok()
		_, a = b.signIn("aud2", goodPassword)
		a.ok()
	})
}

// On trial one person may do everything, and the host helps whoever is locked out.
func TestWhoNeedsNoConfirmation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, own := w.join("aud2", grant("auditor"))
		own.get("/me").ok()
		w.confirm(id, w.version(id)).refused(http.StatusConflict, "not_possible_in_state")
	})
	each(t, func(t *testing.T, b *bench) {
		_, p, ids := b.produce()
		link, _, err := b.svc.Recover(t.Context(), "p-auditor")
		if err != nil {
			t.Fatal(err)
		}
		own, a := b.accept(link, nextPassword)
		a.ok()
		own.get("/me").ok()
		if v := p["security_admin"].get("/access/accounts/" + ids["auditor"]).ok(); v.at("confirmed") != true {
			t.Errorf("account %s", v.raw)
		}
	})
}
