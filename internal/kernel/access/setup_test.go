package access_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
)

func first(token string) fields {
	return fields{"token": token, "login": "Admin", "display_name": "管理员", "password": goodPassword}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.browser()
		if w.get("/access/setup").ok().at("needed") != true {
			t.Fatal("an empty installation needs set-up")
		}
		old, _, err := b.svc.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		link, expires, err := b.svc.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := expires.Sub(b.clock.Now()); d > 30*time.Minute || d < 29*time.Minute {
			t.Errorf("the link lasts %s", d)
		}
		if !strings.HasPrefix(link, "http://127.0.0.1:8480/setup#token=") {
			t.Errorf("link %q", link)
		}
		token := tokenOf(t, link)

		far := b.browser()
		far.remote = "10.1.2.3:5555"
		far.post("/access/setup", first(token)).refused(http.StatusForbidden, "forbidden")
		w.post("/access/setup", first("invented")).refused(http.StatusForbidden, "setup_link_invalid")
		w.post("/access/setup", first(tokenOf(t, old))).refused(http.StatusForbidden, "setup_link_expired")
		weak := first(token)
		weak["password"] = "Password12345"
		w.post("/access/setup", weak).refused(http.StatusUnprocessableEntity, "password_weak")

		me := w.post("/access/setup", first(token)).ok()
		if me.at("mode") != "trial" || me.text("account.login") != "admin" || len(me.at("roles").([]any)) != len(access.AllRoles()) {
			t.Errorf("me %s", me.raw)
		}
		cookie := me.header.Get("Set-Cookie")
		for _, want := range []string{"taxops_session=", "HttpOnly", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("cookie %q lacks %s", cookie, want)
			}
		}
		w.get("/me").ok()

		w.post("/access/setup", first(token)).refused(http.StatusForbidden, "setup_link_used")
		w.post("/access/setup", first("invented")).refused(http.StatusConflict, "setup_done")
		if _, _, err := b.svc.CreateSetupLink(t.Context()); problem.CodeOf(err) != access.CodeSetupDone {
			t.Errorf("a link after set-up: %v", err)
		}
		if w.get("/access/setup").ok().at("needed") != false {
			t.Error("set-up is still needed")
		}
		if b.count("access.setup.completed") != 1 || b.count("access.account.created") != 1 || b.count("access.signed_in") != 1 {
			t.Errorf("journal %v", b.types())
		}
	})
}

func TestSetupLinkExpires(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		link, _, err := b.svc.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.step(30*time.Minute + time.Second)
		b.browser().post("/access/setup", first(tokenOf(t, link))).refused(http.StatusForbidden, "setup_link_expired")
		if b.browser().get("/access/setup").ok().at("needed") != true {
			t.Error("an expired link ended set-up")
		}
	})
}

// Of two people who use the link at the same moment one gets in.
func TestSetupOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		link, _, err := b.svc.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan int, 4)
		for range cap(answers) {
			go func() { answers <- b.browser().post("/access/setup", first(tokenOf(t, link))).status }()
		}
		won := 0
		for range cap(answers) {
			if <-answers == http.StatusOK {
				won++
			}
		}
		if won != 1 || b.count("access.account.created") != 1 {
			t.Errorf("%d people were set up", won)
		}
	})
}

// A host that listens on one address of the network only cannot be reached by loopback: there the
// address itself says who sits at it.
func TestSetupByTheHostsOwnAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		c := b.config
		c.BaseURL, c.SetupURL, c.OwnAddress = "https://ops.example", "https://10.1.2.3:8480", "10.1.2.3"
		b.serve(c, org.New(b.db))
		link, _, err := b.svc.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(link, "https://10.1.2.3:8480/setup#token=") {
			t.Errorf("link %q", link)
		}
		for _, remote := range []string{"10.1.2.4:5555", "[2001:db8::1]:5555"} {
			far := b.browser()
			far.remote = remote
			far.post("/access/setup", first(tokenOf(t, link))).refused(http.StatusForbidden, "forbidden")
		}
		near := b.browser()
		near.remote = "10.1.2.3:5555"
		near.post("/access/setup", first(tokenOf(t, link))).ok()
		if _, invitation := near.invite("li"); !strings.HasPrefix(invitation, "https://ops.example/invite#token=") {
			t.Errorf("invitation %q", invitation)
		}
	})
}
