package access_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

const (
	goodPassword = "correct horse 7 Battery"
	nextPassword = "another Staple 9 wagon"
	loopback     = "127.0.0.1:40000"
)

// bench is one installation in a test.
type bench struct {
	t       *testing.T
	db      *store.DB
	clock   *clock.Stepped
	journal *journal.Journal
	svc     *access.Service
	router  *api.Router
	handler http.Handler
	config  access.Config
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			f(t, newBench(t, d))
		})
	}
}

func newBench(t *testing.T, d store.Dialect) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock.Stepped{}}
	b.db = storetest.Open(t, d, b.clock, []store.Migrations{journal.Migrations(), org.Migrations(), access.Migrations()})
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	if err != nil {
		t.Fatal(err)
	}
	b.journal, err = journal.New(journal.Config{
		DB: b.db, Ring: ring, Types: access.Types(), Clock: b.clock, AreaPath: org.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	orgs := org.New(b.db)
	b.config = access.Config{
		DB: b.db, Journal: b.journal, Ring: ring, Places: orgs, Clock: b.clock, Log: slog.New(slog.DiscardHandler),
		Permissions:  append(access.OwnPermissions(), org.Permissions()...),
		Installation: access.Installation{Name: "广西区局", Fingerprint: "1234 5678", AreaPath: org.Region},
		Version:      "test", BaseURL: "http://127.0.0.1:8480",
		Hash: access.HashParams{MemoryKiB: 64, Time: 1, Threads: 1},
	}
	b.serve(b.config, orgs)
	return b
}

// serve makes the service anew, as after a restart.
func (b *bench) serve(c access.Config, orgs *org.Service) {
	b.t.Helper()
	var err error
	if b.svc, err = access.New(c); err != nil {
		b.t.Fatal(err)
	}
	b.router = api.NewRouter(api.Config{Version: "test", Guard: b.svc, DB: b.db, Log: c.Log})
	b.svc.Routes(b.router)
	orgs.Routes(b.router)
	if err := b.router.Err(); err != nil {
		b.t.Fatal(err)
	}
	b.handler = api.Outer(api.OuterConfig{Log: c.Log, RequestsPerSecond: 1e6, Burst: 1e6}, b.router.Mux())
}

// browser is one person at one screen.
type browser struct {
	b      *bench
	remote string
	cookie string
	key    string // of the authenticator
	header http.Header
}

func (b *bench) browser() *browser {
	return &browser{b: b, remote: loopback, header: http.Header{"User-Agent": {"test browser"}}}
}

// answer is what came back.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

func (w *browser) do(method, path string, body any) answer {
	w.b.t.Helper()
	var r *http.Request
	if body == nil {
		r = httptest.NewRequestWithContext(w.b.t.Context(), method, api.Prefix+path, nil)
	} else {
		raw, err := json.Marshal(body)
		if err != nil {
			w.b.t.Fatal(err)
		}
		r = httptest.NewRequestWithContext(w.b.t.Context(), method, api.Prefix+path, bytes.NewReader(raw))
		r.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(r.Header, w.header)
	r.RemoteAddr = w.remote
	if w.cookie != "" {
		r.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: w.cookie})
	}
	rec := httptest.NewRecorder()
	w.b.handler.ServeHTTP(rec, r)
	res := rec.Result()
	for _, c := range res.Cookies() {
		if c.Name == api.SessionCookie {
			w.cookie = c.Value
		}
	}
	out := answer{t: w.b.t, what: method + " " + path, status: res.StatusCode, header: res.Header, raw: rec.Body.Bytes()}
	if len(out.raw) > 0 {
		if err := json.Unmarshal(out.raw, &out.body); err != nil {
			w.b.t.Fatalf("%s: %v in %q", out.what, err, out.raw)
		}
	}
	return out
}

func (w *browser) get(path string) answer { w.b.t.Helper(); return w.do(http.MethodGet, path, nil) }
func (w *browser) post(path string, body any) answer {
	w.b.t.Helper()
	return w.do(http.MethodPost, path, body)
}

// ok demands success.
func (a answer) ok() answer {
	a.t.Helper()
	if a.status >= 300 {
		a.t.Fatalf("%s: %d %s", a.what, a.status, a.raw)
	}
	return a
}

// refused demands a problem with this code.
func (a answer) refused(status int, code string) answer {
	a.t.Helper()
	if a.status != status || a.body["code"] != code {
		a.t.Fatalf("%s: want %d %s, have %d %s", a.what, status, code, a.status, a.raw)
	}
	return a
}

// at walks into the body: "account.id".
func (a answer) at(path string) any {
	a.t.Helper()
	var v any = a.body
	for _, p := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			a.t.Fatalf("%s: no %s in %s", a.what, path, a.raw)
		}
		v = m[p]
	}
	return v
}

func (a answer) text(path string) string {
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s: no text %s in %s", a.what, path, a.raw)
	}
	return s
}

func (a answer) items() []map[string]any {
	a.t.Helper()
	list, ok := a.at("items").([]any)
	if !ok {
		a.t.Fatalf("%s: no items in %s", a.what, a.raw)
	}
	out := make([]map[string]any, len(list))
	for i, x := range list {
		out[i] = x.(map[string]any)
	}
	return out
}

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.RawQuery != "" {
		t.Fatalf("a query in %q (%v), which servers and proxies log", link, err)
	}
	given, err := url.ParseQuery(u.Fragment)
	if err != nil || given.Get("token") == "" {
		t.Fatalf("no token in the fragment of %q (%v)", link, err)
	}
	return given.Get("token")
}

type fields = map[string]any

// setUp makes the first account, "admin" with every role, and returns its browser.
func (b *bench) setUp() *browser {
	b.t.Helper()
	link, _, err := b.svc.CreateSetupLink(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	w := b.browser()
	w.post("/access/setup", fields{
		"token": tokenOf(b.t, link), "login": "admin", "display_name": "管理员", "password": goodPassword,
	}).ok()
	return w
}

// grant is one grant of a role over the region.
func grant(role string) fields { return fields{"role": role, "area_path": org.Region, "system_id": ""} }

func grantIn(role, area, system string) fields {
	return fields{"role": role, "area_path": area, "system_id": system}
}

// invite has w make an account and returns its id and link.
func (w *browser) invite(login string, grants ...fields) (id, link string) {
	w.b.t.Helper()
	if grants == nil {
		grants = []fields{}
	}
	a := w.post("/access/accounts", fields{"login": login, "display_name": "人员" + login, "grants": grants}).ok()
	return a.text("account.id"), a.text("invitation_url")
}

// join makes an account and its owner accept: an active account with its browser.
func (w *browser) join(login string, grants ...fields) (string, *browser) {
	w.b.t.Helper()
	id, link := w.invite(login, grants...)
	own := w.b.browser()
	own.post("/access/invitation/accept", fields{"token": tokenOf(w.b.t, link), "password": goodPassword}).ok()
	return id, own
}

func (b *bench) signIn(login, password string) (*browser, answer) {
	b.t.Helper()
	w := b.browser()
	return w, w.post("/access/sign-in", fields{"login": login, "password": password})
}

// version reads the version of an account.
func (w *browser) version(id string) any {
	w.b.t.Helper()
	return w.get("/access/accounts/" + id).ok().at("version")
}

// types lists the journal's types in order, chained.
func (b *bench) types() []string {
	b.t.Helper()
	if b.db.Dialect() == store.Postgres { // SQLite chains in the writing transaction
		if err := b.journal.Drain(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
	}
	var out []string
	if err := b.db.Read().NewSelect().Table("journal_chain").Column("type").Order("seq").Scan(context.Background(), &out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) count(kind string) int {
	b.t.Helper()
	return len(slices.DeleteFunc(b.types(), func(s string) bool { return s != kind }))
}

// step moves the clock.
func (b *bench) step(d time.Duration) { b.clock.Step(d) }

// raiseCost restarts the service with dearer password hashes.
func (b *bench) raiseCost() {
	b.t.Helper()
	c := b.config
	c.Hash.Time = 2
	b.serve(c, org.New(b.db))
}

// rows counts the rows of a table; what may end in a condition.
func (b *bench) rows(what string) int {
	b.t.Helper()
	var n int
	if err := b.db.Read().NewRaw("SELECT count(*) FROM "+what).Scan(b.t.Context(), &n); err != nil {
		b.t.Fatal(err)
	}
	return n
}
