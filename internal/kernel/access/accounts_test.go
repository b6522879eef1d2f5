package access_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func TestInvitation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, link := w.invite("wang", grant("engineer"))
		if !strings.HasPrefix(link, "http://127.0.0.1:8480/invite#token=") {
			t.Errorf("link %q", link)
		}
		token := tokenOf(t, link)
		look := func(token string) answer { return b.browser().post("/access/invitation", fields{"token": token}) }
		accept := func(token, password string) answer {
			return b.browser().post("/access/invitation/accept", fields{"token": token, "password": password})
		}
		if a := look(token).ok(); a.text("login") != "wang" || a.text("display_name") != "人员wang" {
			t.Errorf("invitation %s", a.raw)
		}
		look("invented").refused(http.StatusForbidden, "invitation_invalid")
		accept("invented", goodPassword).refused(http.StatusForbidden, "invitation_invalid")
		accept(token, "wang 2026 WANG").refused(http.StatusUnprocessableEntity, "password_weak")

		newer := tokenOf(t, w.post("/access/accounts/"+id+"/invite", nil).ok().text("invitation_url"))
		accept(token, goodPassword).refused(http.StatusForbidden, "invitation_expired") // replaced
		b.step(24*time.Hour + time.Second)
		look(newer).refused(http.StatusForbidden, "invitation_expired")
		_, a := b.signIn("wang", goodPassword)
		a.refused(http.StatusUnauthorized, "bad_credentials")

		w.post("/access/sign-in", fields{"login": "admin", "password": goodPassword}).ok()
		token = tokenOf(t, w.post("/access/accounts/"+id+"/invite", nil).ok().text("invitation_url"))
		if a := accept(token, goodPassword).ok(); a.text("account.id") != id {
			t.Errorf("me %s", a.raw)
		}
		accept(token, goodPassword).refused(http.StatusForbidden, "invitation_used")
		if w.get("/access/accounts/"+id).ok().at("state") != "active" {
			t.Error("not active")
		}
		if b.count("access.account.activated") != 1 || b.count("access.invitation.created") != 3 {
			t.Errorf("journal %v", b.types())
		}
	})
}

// A link for an account in use replaces what was lost, and whoever had it is out.
func TestInvitationReplacesCredentials(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, p := w.join("wang")
		p.enrol()
		token := tokenOf(t, w.post("/access/accounts/"+id+"/invite", nil).ok().text("invitation_url"))
		p.get("/me").ok() // the link alone changes nothing
		b.browser().post("/access/invitation/accept", fields{"token": token, "password": nextPassword}).ok()
		p.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		_, a := b.signIn("wang", goodPassword)
		a.refused(http.StatusUnauthorized, "bad_credentials")
		_, a = b.signIn("wang", nextPassword) // no code is asked
		a.ok()
	})
}

func TestRecoverOnTheHost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		w.enrol()
		w.join("wang", grant("engineer"))
		if _, _, err := b.svc.Recover(t.Context(), "nobody"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("nobody: %v", err)
		}
		if _, _, err := b.svc.Recover(t.Context(), "wang"); problem.CodeOf(err) != problem.Forbidden {
			t.Errorf("no administrator: %v", err)
		}
		link, expires, err := b.svc.Recover(t.Context(), "ADMIN")
		if err != nil || !expires.After(b.clock.Now()) {
			t.Fatalf("%v until %v", err, expires)
		}
		for range 6 { // the account may be locked at that moment
			b.signIn("admin", "wrong password 1A")
		}
		b.browser().post("/access/invitation/accept", fields{"token": tokenOf(t, link), "password": nextPassword}).ok()
		_, a := b.signIn("admin", nextPassword)
		a.ok()
		if b.count("access.recovered") != 1 {
			t.Errorf("journal %v", b.types())
		}
	})
}

// Each state refuses what its table does not name, over HTTP.
func TestAccountStatesOverHTTP(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		reach := map[string]func(login string) string{
			"invited":  func(l string) string { id, _ := w.invite(l); return id },
			"active":   func(l string) string { id, _ := w.join(l); return id },
			"disabled": func(l string) string { id, _ := w.join(l); w.move(id, "disable").ok(); return id },
			"removed":  func(l string) string { id, _ := w.join(l); w.move(id, "remove").ok(); return id },
		}
		allowed := map[string]string{
			"invited invite": "invited", "invited remove": "removed",
			"active invite": "active", "active disable": "disabled", "active remove": "removed",
			"disabled enable": "active", "disabled remove": "removed",
			"removed erase": "removed",
		}
		for from, make := range reach {
			for _, event := range []string{"invite", "disable", "enable", "remove", "erase"} {
				id := make("x-" + from + "-" + event)
				a := w.move(id, event)
				to, ok := allowed[from+" "+event]
				if !ok {
					a.refused(http.StatusConflict, "not_possible_in_state")
					to = from
				} else {
					a.ok()
				}
				if have := w.get("/access/accounts/" + id).ok().at("state"); have != to {
					t.Errorf("%s on %s leads to %v", event, from, have)
				}
			}
		}
	})
}

// move makes something happen to an account.
func (w *browser) move(id, event string) answer {
	w.b.t.Helper()
	return w.post("/access/accounts/"+id+"/"+event, fields{"reason": "测试"})
}

func TestLastAdministratorStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		me := w.get("/me").ok().text("account.id")
		regrant := func(grants ...fields) answer {
			return w.do(http.MethodPatch, "/access/accounts/"+me, fields{"grants": grants, "version": w.version(me)})
		}
		w.move(me, "disable").refused(http.StatusConflict, "last_admin")
		w.move(me, "remove").refused(http.StatusConflict, "last_admin")
		regrant(grant("system_admin")).refused(http.StatusConflict, "last_admin")
		regrant(grant("security_admin")).refused(http.StatusConflict, "last_admin")
		// Neither an administrator of one city nor one who never came counts.
		w.join("city", grantIn("system_admin", "/45/4501/", ""), grantIn("security_admin", "/45/4501/", ""))
		w.invite("late", grant("system_admin"), grant("security_admin"))
		w.move(me, "remove").refused(http.StatusConflict, "last_admin")
		_, second := w.join("second", grant("system_admin"), grant("security_admin"))
		w.get("/me").ok()
		w.move(me, "remove").ok()
		w.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		second.get("/access/accounts").ok()
	})
}

// Two administrators who take each other away at the same moment: one of them stays.
func TestLastAdministratorStaysInParallel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		me := w.get("/me").ok().text("account.id")
		id, second := w.join("second", grant("system_admin"), grant("security_admin"))
		answers := make(chan int, 2)
		go func() { answers <- w.move(id, "remove").status }()
		go func() { answers <- second.move(me, "remove").status }()
		if a, c := <-answers, <-answers; a == http.StatusOK && c == http.StatusOK {
			t.Error("both are gone")
		}
	})
}

func TestChangeOfAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, _ := w.join("wang")
		path := "/access/accounts/" + id
		patch := func(in fields) answer { return w.do(http.MethodPatch, path, in) }
		v := w.version(id)
		patch(fields{"display_name": " 王 工 ", "version": v}).ok()
		patch(fields{"display_name": "别人", "version": v}).refused(http.StatusConflict, "stale")
		for name, grants := range map[string][]fields{
			"unknown area":   {grantIn("engineer", "/99/", "")},
			"unknown system": {grantIn("engineer", "/45/", "none")},
			"unknown role":   {grantIn("emperor", "/45/", "")},
			"half a path":    {grantIn("engineer", "/45", "")},
		} {
			if a := patch(fields{"grants": grants, "version": w.version(id)}); a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
		}
		two := []fields{grantIn("engineer", "/45/4501/", org.SystemIdentity), grant("clerk"), grant("clerk")}
		a := patch(fields{"grants": two, "version": w.version(id)}).ok()
		if len(a.at("grants").([]any)) != 2 || a.text("display_name") != "王 工" {
			t.Errorf("account %s", a.raw)
		}
		patch(fields{"display_name": "a\nb", "version": w.version(id)}).refused(http.StatusUnprocessableEntity, "invalid")
		w.post("/access/accounts", fields{"login": "WANG", "display_name": "又一个", "grants": []fields{}}).refused(http.StatusConflict, "conflict")
		w.post("/access/accounts", fields{"login": "a b", "display_name": "x", "grants": []fields{}}).refused(http.StatusUnprocessableEntity, "invalid")
		if b.count("access.grants.changed") != 1 || b.count("access.account.changed") != 1 {
			t.Errorf("journal %v", b.types())
		}
		w.move(id, "remove").ok()
		patch(fields{"display_name": "x", "version": w.version(id)}).refused(http.StatusConflict, "not_possible_in_state")
		w.invite("wang") // a login is free again
	})
}

// Administrators of one city see and change their own city's accounts only.
func TestAreasOfAdministrators(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		nanning, liuzhou := "/45/4501/", "/45/4502/"
		_, city := w.join("city", grantIn("system_admin", nanning, ""), grantIn("security_admin", nanning, ""))
		other, _ := w.join("liu", grantIn("engineer", liuzhou, ""))
		own, _ := w.join("nan", grantIn("engineer", nanning, ""))
		whole, _ := w.join("whole", grantIn("engineer", nanning, ""), grantIn("engineer", liuzhou, ""))

		logins := ""
		for _, a := range city.get("/access/accounts").ok().items() {
			logins += a["login"].(string) + " "
		}
		if logins != "city nan " {
			t.Errorf("the city sees %q", logins)
		}
		for _, id := range []string{other, whole} {
			city.get("/access/accounts/"+id).refused(http.StatusNotFound, "not_found")
			city.move(id, "remove").refused(http.StatusNotFound, "not_found")
			city.post("/access/accounts/"+id+"/invite", nil).refused(http.StatusNotFound, "not_found")
		}
		regrant := func(g fields) answer {
			return city.do(http.MethodPatch, "/access/accounts/"+own, fields{"grants": []fields{g}, "version": w.version(own)})
		}
		regrant(grantIn("engineer", "/45/", "")).refused(http.StatusForbidden, "forbidden")
		regrant(grantIn("auditor", liuzhou, "")).refused(http.StatusForbidden, "forbidden")
		regrant(grantIn("auditor", nanning, "")).ok()
		id, _ := city.invite("new") // stays with whoever made it
		city.get("/access/accounts/" + id).ok()
		city.move(id, "remove").ok()
		city.post("/access/accounts", fields{"login": "x1", "display_name": "x", "grants": []fields{grantIn("clerk", liuzhou, "")}}).
			refused(http.StatusForbidden, "forbidden")
	})
}

func TestListOfAccounts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		w.join("wang", grant("engineer"))
		w.invite("zhao", grant("auditor"))
		for query, want := range map[string]int{
			"": 3, "?state=invited": 1, "?state=invited,active": 3, "?role=engineer": 2, "?role=auditor,engineer": 3,
			"?q=WA": 1, "?q=人员": 2, "?q=%25": 0, "?role=clerk&state=active": 1, "?sort=-created_at": 3,
		} {
			if a := w.get("/access/accounts" + query).ok(); len(a.items()) != want {
				t.Errorf("%s: %d accounts, not %d", query, len(a.items()), want)
			}
		}
		w.get("/access/accounts?role=emperor").refused(http.StatusUnprocessableEntity, "invalid")
		w.get("/access/accounts?state=dead").refused(http.StatusUnprocessableEntity, "invalid")
		first := w.get("/access/accounts?limit=2").ok()
		second := w.get("/access/accounts?limit=2&cursor=" + first.text("next_cursor")).ok()
		if len(first.items()) != 2 || len(second.items()) != 1 || second.items()[0]["login"] != "zhao" || second.text("next_cursor") != "" {
			t.Errorf("pages %s %s", first.raw, second.raw)
		}
	})
}

func TestErase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, _ := w.join("wang", grant("engineer"))
		w.header.Set("Idempotency-Key", "once")
		w.move(id, "remove").ok()
		if b.rows("store_once WHERE status = 200") != 1 {
			t.Fatal("the answer was not kept for a repeat")
		}
		w.header.Set("Idempotency-Key", "twice")
		w.move(id, "erase").ok()
		w.move(id, "erase").ok() // the repeat
		w.header.Set("Idempotency-Key", "once")
		w.move(id, "remove").refused(http.StatusConflict, "duplicate_request")
		w.header.Del("Idempotency-Key")
		var kept []store.OnceRow
		if err := b.db.Read().NewSelect().Model(&kept).Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, k := range kept {
			if strings.Contains(string(k.Body), "wang") || strings.Contains(string(k.Body), id) {
				t.Errorf("an answer still names the person: %s", k.Body)
			}
		}
		w.move(id, "erase").refused(http.StatusConflict, "not_possible_in_state")
		a := w.get("/access/accounts/" + id).ok()
		if a.at("erased") != true || a.text("login") != "" || a.text("display_name") != "" {
			t.Errorf("account %s", a.raw)
		}
		if n := b.rows("journal_person WHERE wrapped IS NULL AND person = '" + id + "'"); n != 1 {
			t.Error("the key of the person is still there")
		}
		names, err := b.svc.Names(t.Context(), []string{id, "none"})
		if _, there := names[id]; err != nil || !there || len(names) != 1 {
			t.Errorf("names %v, %v", names, err)
		}
	})
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		id, _ := w.join("wang", grantIn("auditor", "/45/4501/", org.SystemSeal))
		ctx := t.Context()
		for name, c := range map[string]struct {
			id, permission, area, system string
			want                         bool
		}{
			"there":          {id, access.PermissionRead, "/45/4501/", org.SystemSeal, true},
			"another system": {id, access.PermissionRead, "/45/4501/", org.SystemIdentity, false},
			"another city":   {id, access.PermissionRead, "/45/4502/", org.SystemSeal, false},
			"above":          {id, access.PermissionRead, "/45/", org.SystemSeal, false},
			"another right":  {id, access.PermissionManage, "/45/4501/", org.SystemSeal, false},
			"nobody":         {"none", access.PermissionRead, "/45/4501/", org.SystemSeal, false},
		} {
			if have, err := b.svc.Allowed(ctx, c.id, c.permission, c.area, c.system); err != nil || have != c.want {
				t.Errorf("%s: %v, %v", name, have, err)
			}
		}
		if _, err := b.svc.Allowed(ctx, id, "no.such", "/45/", ""); err == nil {
			t.Error("an unknown permission is a mistake of the program")
		}
		people, err := b.svc.People(ctx, access.PermissionRead, "/45/4501/", org.SystemSeal)
		if err != nil || len(people) != 2 {
			t.Errorf("people %v, %v", people, err)
		}
		w.move(id, "disable").ok()
		if p, err := b.svc.Person(ctx, id); err != nil || p.Active || p.DisplayName != "人员wang" {
			t.Errorf("person %v, %v", p, err)
		}
		if have, err := b.svc.Allowed(ctx, id, access.PermissionRead, "/45/4501/", org.SystemSeal); err != nil || have {
			t.Error("a disabled person is allowed")
		}
		if _, err := b.svc.Person(ctx, "none"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("nobody: %v", err)
		}
	})
}
