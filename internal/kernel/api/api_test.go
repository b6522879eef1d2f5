package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// guard knows two people by their session tokens: ann may everything under /45/, bob nothing.
type guard struct {
	mu   sync.Mutex
	seen []api.SignedRequest
}

func (g *guard) Identify(ctx context.Context, r api.SignedRequest) (context.Context, api.Caller, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, r)
	if r.Token != "ann" && r.Token != "bob" {
		return ctx, api.Caller{}, problem.New(problem.Unauthenticated, "sign in first")
	}
	return ctx, api.Caller{AccountID: r.Token}, nil
}

func (g *guard) Authorize(_ context.Context, c api.Caller, n api.Need) (store.Scope, error) {
	if n.Fresh {
		return store.Scope{}, problem.New("fresh_sign_in_required", "prove who you are")
	}
	if n.Permission != "" && c.AccountID != "ann" {
		return store.Scope{}, problem.New(problem.Forbidden, "not for you")
	}
	return store.NewScope(store.ScopeGrant{AreaPath: "/45/"}), nil
}

// bed is a small program: a few operations behind the outer layers.
type bed struct {
	t       *testing.T
	guard   *guard
	log     *bytes.Buffer
	handler http.Handler
	effects atomic.Int64 // of operation make
	router  *api.Router
}

type noteInput struct {
	IDInput api.IDInput
	Body    struct {
		Title    string            `json:"title" minLength:"1" maxLength:"20"`
		Count    int               `json:"count,omitempty" minimum:"0"`
		Password string            `json:"password,omitempty" maxLength:"5"`
		Labels   map[string]string `json:"labels,omitempty"`
	}
}

type noteBody struct {
	N     int64  `json:"n"`
	Title string `json:"title"`
}

func newBed(t *testing.T, outer api.OuterConfig) *bed {
	t.Helper()
	b := &bed{t: t, guard: &guard{}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(b.log, nil))
	db := storetest.Open(t, store.SQLite, nil, nil)
	r := api.NewRouter(api.Config{Version: "test", Guard: b.guard, DB: db, Log: log})
	b.router = r

	write := func(op api.Operation) {
		api.Register(r, op, func(ctx context.Context, in *noteInput) (*api.Output[noteBody], error) {
			var n int64
			err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				if in.Body.Title == "refuse" {
					return problem.New(problem.NotPossibleInState, "closed already")
				}
				n = b.effects.Add(1)
				return nil
			})
			return &api.Output[noteBody]{Body: noteBody{N: n, Title: in.Body.Title}}, err
		})
	}
	write(api.Operation{ID: "note.make", Method: "POST", Path: "/notes", Summary: "Make", Permission: "note.make", Status: 201})
	write(api.Operation{ID: "note.secret", Method: "POST", Path: "/secrets", Summary: "Make", Permission: "note.make", Sensitive: true})
	write(api.Operation{ID: "note.fresh", Method: "POST", Path: "/fresh", Summary: "Make", Permission: "note.make", Fresh: true})
	write(api.Operation{ID: "note.small", Method: "POST", Path: "/small", Summary: "Make", Permission: "note.make", MaxBody: 64})
	api.Register(r, api.Operation{ID: "note.get", Method: "GET", Path: "/notes/{id}", Summary: "Get", Permission: "note.read"},
		func(ctx context.Context, in *api.IDInput) (*api.Output[map[string]bool], error) {
			s := api.ScopeFrom(ctx)
			switch in.ID {
			case "missing":
				return nil, problem.Missing("note", in.ID)
			case "accident":
				return nil, errors.New("secret detail of the database")
			case "full":
				return nil, fmt.Errorf("note: %w", problem.New(problem.StorageFull, "the disc is full").With(errors.New("cause")))
			case "locked":
				return nil, &problem.Error{Code: "locked", Detail: "wait", RetryAfter: 30}
			case "panic":
				panic("boom")
			}
			return &api.Output[map[string]bool]{Body: map[string]bool{"own": s.Covers("/45/4501/", ""), "other": s.Covers("/46/", "")}}, nil
		})
	api.Register(r, api.Operation{ID: "note.list", Method: "GET", Path: "/notes", Summary: "List", Self: true, Passive: true},
		func(context.Context, *struct{ api.ListParams }) (*api.PageOutput[int], error) {
			return api.ToPage(store.Page[int]{}, func(i int) int { return i }), nil
		})
	api.Register(r, api.Operation{ID: "note.public", Method: "GET", Path: "/public", Summary: "Public", Public: "nothing to hide"},
		func(ctx context.Context, _ *struct{}) (*api.Output[string], error) {
			return &api.Output[string]{Body: api.Remote(ctx)}, nil
		})
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	outer.Log = log
	b.handler = api.Outer(outer, r.Mux())
	return b
}

// answer is what came back.
type answer struct {
	*http.Response
	body    []byte
	problem api.Problem
}

func (b *bed) send(method, path, body string, with ...func(*http.Request)) answer {
	b.t.Helper()
	req := httptest.NewRequestWithContext(b.t.Context(), method, api.Prefix+path, strings.NewReader(body))
	req.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: "ann"})
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, w := range with {
		w(req)
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, req)
	res := rec.Result()
	a := answer{Response: res}
	a.body, _ = io.ReadAll(res.Body)
	if res.StatusCode >= 400 {
		if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
			b.t.Errorf("%s %s: %d with content type %q: %s", method, path, res.StatusCode, ct, a.body)
		}
		if err := json.Unmarshal(a.body, &a.problem); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, a.body)
		}
		p := a.problem
		if p.Status != res.StatusCode || p.Type != "/problems/"+p.Code || p.Title == "" || p.RequestID == "" || p.RequestID != res.Header.Get("Request-Id") {
			b.t.Errorf("%s %s: a problem of another shape: %+v", method, path, p)
		}
	}
	return a
}

func header(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }

func as(token string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del("Cookie")
		if token != "" {
			r.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: token})
		}
	}
}

func TestProblems(t *testing.T) {
	b := newBed(t, api.OuterConfig{})
	big := `{"title":"` + strings.Repeat("x", 300<<10) + `"}`
	tests := []struct {
		name               string
		method, path, body string
		with               []func(*http.Request)
		status             int
		code               string
		location           string
	}{
		{"not signed in", "GET", "/notes/1", "", []func(*http.Request){as("")}, 401, "unauthenticated", ""},
		{"not permitted", "GET", "/notes/1", "", []func(*http.Request){as("bob")}, 403, "forbidden", ""},
		{"not permitted comes before what is wrong with the input", "POST", "/notes", `{`, []func(*http.Request){as("bob")}, 403, "forbidden", ""},
		{"not fresh", "POST", "/fresh", `{"title":"a"}`, nil, 403, "fresh_sign_in_required", ""},
		{"not there", "GET", "/notes/missing", "", nil, 404, "not_found", ""},
		{"refused by a rule", "POST", "/notes", `{"title":"refuse"}`, nil, 409, "not_possible_in_state", ""},
		{"disc full", "GET", "/notes/full", "", nil, 507, "storage_full", ""},
		{"locked", "GET", "/notes/locked", "", nil, 429, "locked", ""},
		{"an accident", "GET", "/notes/accident", "", nil, 500, "internal", ""},
		{"a panic", "GET", "/notes/panic", "", nil, 500, "internal", ""},
		{"JSON cut short", "POST", "/notes", `{"title":`, nil, 400, "invalid", ""},
		{"no JSON at all", "POST", "/notes", `title=a`, nil, 400, "invalid", ""},
		{"no body", "POST", "/notes", ``, nil, 400, "invalid", ""},
		{"another media type", "POST", "/notes", `title=a`, []func(*http.Request){header("Content-Type", "text/csv")}, 415, "invalid", ""},
		{"a wrong type", "POST", "/notes", `{"title":7}`, nil, 422, "invalid", "body.title"},
		{"too short", "POST", "/notes", `{"title":""}`, nil, 422, "invalid", "body.title"},
		{"missing", "POST", "/notes", `{}`, nil, 422, "invalid", "body"},
		{"below the least", "POST", "/notes", `{"title":"a","count":-1}`, nil, 422, "invalid", "body.count"},
		{"a field nobody knows", "POST", "/notes", `{"title":"a","titel":"b"}`, nil, 422, "invalid", "body.titel"},
		{"NUL in a text", "POST", "/notes", `{"title":"a\u0000"}`, nil, 422, "invalid", "body.title"},
		{"NUL in a map", "POST", "/notes", `{"title":"a","labels":{"k":"\u0000"}}`, nil, 422, "invalid", "body.labels.k"},
		{"NUL in the path", "GET", "/notes/a%00b", "", nil, 422, "invalid", "path.id"},
		{"no UTF-8 in the path", "GET", "/notes/%ff", "", nil, 422, "invalid", "path.id"},
		{"no UTF-8 in the query", "GET", "/notes?cursor=%ff%fe", "", nil, 422, "invalid", "query.cursor"},
		{"too large", "POST", "/notes", big, nil, 413, "too_large", ""},
		{"too large for this operation", "POST", "/small", `{"title":"a","labels":{"` + strings.Repeat("k", 80) + `":"v"}}`, nil, 413, "too_large", ""},
		{"a limit above the most", "GET", "/notes?limit=201", "", nil, 422, "invalid", "query.limit"},
		{"a limit that is no number", "GET", "/notes?limit=many", "", nil, 422, "invalid", "query.limit"},
		{"a key too long", "POST", "/notes", `{"title":"a"}`, []func(*http.Request){header("Idempotency-Key", strings.Repeat("k", 129))}, 422, "invalid", "header.Idempotency-Key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.t = t
			b.log.Reset()
			a := b.send(tt.method, tt.path, tt.body, tt.with...)
			if a.StatusCode != tt.status || a.problem.Code != tt.code {
				t.Fatalf("got %d %s, want %d %s: %s", a.StatusCode, a.problem.Code, tt.status, tt.code, a.body)
			}
			if tt.location != "" && !slices.ContainsFunc(a.problem.Errors, func(f problem.Field) bool { return f.Location == tt.location && f.Message != "" }) {
				t.Errorf("no error at %s: %s", tt.location, a.body)
			}
			// Accidents are logged once, under the number the person reads; refusals are not.
			logged := strings.Count(b.log.String(), a.problem.RequestID)
			if want := map[bool]int{true: 1, false: 0}[tt.status >= 500]; logged != want {
				t.Errorf("logged %d times, want %d: %s", logged, want, b.log)
			}
			if bytes.Contains(a.body, []byte("secret detail")) || bytes.Contains(a.body, []byte("boom")) || bytes.Contains(a.body, []byte("cause")) {
				t.Errorf("the answer tells the cause: %s", a.body)
			}
		})
	}
	b.t = t
	if a := b.send("GET", "/notes/locked", ""); a.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	if a := b.send("POST", "/notes", `{"title":"a","password":"hunter22"}`); bytes.Contains(a.body, []byte("hunter22")) {
		t.Errorf("the answer repeats a password: %s", a.body)
	}
	for _, with := range []func(*http.Request){header("Content-Type", "text/plain"), header("Content-Type", "application/json")} {
		if a := b.send("POST", "/notes", `{"title":"a","password":"hunter22"`, with); bytes.Contains(a.body, []byte("hunter22")) {
			t.Errorf("the answer repeats a body that cannot be read: %s", a.body)
		}
	}
	if b.effects.Load() != 0 {
		t.Errorf("%d refused requests took effect", b.effects.Load())
	}
}

func TestOperationsWork(t *testing.T) {
	b := newBed(t, api.OuterConfig{})
	if a := b.send("POST", "/notes", `{"title":"税"}`); a.StatusCode != 201 || !strings.Contains(string(a.body), `"title":"税"`) {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	if a := b.send("GET", "/notes/1", ""); string(a.body) != `{"other":false,"own":true}`+"\n" {
		t.Errorf("the scope did not arrive: %s", a.body)
	}
	if a := b.send("GET", "/notes", ""); string(a.body) != `{"items":[],"next_cursor":"","total":0,"total_capped":false}`+"\n" {
		t.Errorf("an empty list: %s", a.body)
	}
	before := len(b.guard.seen)
	if !b.guard.seen[before-1].Passive {
		t.Error("a passive operation counts as a sign of life")
	}
	if a := b.send("GET", "/public", "", as("")); a.StatusCode != 200 || len(b.guard.seen) != before {
		t.Errorf("a public operation asked who calls: %d", a.StatusCode)
	}
}

func TestDeclarationsRefused(t *testing.T) {
	ok := api.Operation{ID: "a.b", Method: "GET", Path: "/a", Summary: "A", Permission: "a.read"}
	tests := map[string][]func(*api.Operation){
		"names 0 of":                {func(o *api.Operation) { o.Permission = "" }},
		"names 2 of":                {func(o *api.Operation) { o.Self = true }},
		"names 3 of":                {func(o *api.Operation) { o.Self, o.Public = true, "why" }},
		"needs an id and a summary": {func(o *api.Operation) { o.Summary = "" }},
		"is registered twice":       {func(*api.Operation) {}, func(o *api.Operation) { o.Path = "/b" }},
		"are both GET /a":           {func(*api.Operation) {}, func(o *api.Operation) { o.ID = "a.c" }},
	}
	for says, changes := range tests {
		t.Run(says, func(t *testing.T) {
			r := api.NewRouter(api.Config{Guard: &guard{}, Log: slog.New(slog.DiscardHandler)})
			for _, change := range changes {
				op := ok
				change(&op)
				api.Register(r, op, func(context.Context, *struct{}) (*api.None, error) { return nil, nil })
			}
			if err := r.Err(); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestIdempotencyKey(t *testing.T) {
	b := newBed(t, api.OuterConfig{})
	key := header("Idempotency-Key", "k1")
	first := b.send("POST", "/notes", `{"title":"a"}`, key)
	t.Run("a repeat is answered alike and changes nothing", func(t *testing.T) {
		again := b.send("POST", "/notes", `{"title":"a"}`, key)
		if again.StatusCode != first.StatusCode || !bytes.Equal(again.body, first.body) {
			t.Errorf("first %d %s, then %d %s", first.StatusCode, first.body, again.StatusCode, again.body)
		}
		if b.effects.Load() != 1 {
			t.Errorf("%d effects", b.effects.Load())
		}
	})
	t.Run("another request with the same key is refused", func(t *testing.T) {
		if a := b.send("POST", "/notes", `{"title":"b"}`, key); a.problem.Code != "duplicate_request" {
			t.Errorf("got %d %s", a.StatusCode, a.body)
		}
		if a := b.send("POST", "/small", `{"title":"a"}`, key); a.problem.Code != "duplicate_request" {
			t.Errorf("another operation: got %d %s", a.StatusCode, a.body)
		}
	})
	t.Run("a refused request may be sent again", func(t *testing.T) {
		for range 2 {
			if a := b.send("POST", "/notes", `{"title":"refuse"}`, header("Idempotency-Key", "k2")); a.problem.Code != "not_possible_in_state" {
				t.Errorf("got %d %s", a.StatusCode, a.body)
			}
		}
	})
	t.Run("an answer with a secret is not kept", func(t *testing.T) {
		before := b.effects.Load()
		if a := b.send("POST", "/secrets", `{"title":"a"}`, header("Idempotency-Key", "k3")); a.StatusCode != 200 {
			t.Errorf("got %d %s", a.StatusCode, a.body)
		}
		if a := b.send("POST", "/secrets", `{"title":"a"}`, header("Idempotency-Key", "k3")); a.problem.Code != "duplicate_request" {
			t.Errorf("got %d %s", a.StatusCode, a.body)
		}
		if b.effects.Load() != before+1 {
			t.Errorf("%d effects", b.effects.Load()-before)
		}
	})
	t.Run("many at once take effect once", func(t *testing.T) {
		before := b.effects.Load()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				a := b.send("POST", "/notes", `{"title":"c"}`, header("Idempotency-Key", "k4"))
				if a.StatusCode != 201 && a.problem.Code != "duplicate_request" {
					t.Errorf("got %d %s", a.StatusCode, a.body)
				}
			})
		}
		wg.Wait()
		if n := b.effects.Load() - before; n != 1 {
			t.Errorf("%d effects", n)
		}
	})
}

func TestCrossSite(t *testing.T) {
	b := newBed(t, api.OuterConfig{})
	body := `{"title":"a"}`
	tests := []struct {
		name, method, path, body string
		with                     func(*http.Request)
		refused                  bool
	}{
		{"another site writes", "POST", "/notes", body, header("Sec-Fetch-Site", "cross-site"), true},
		{"a sister site writes", "POST", "/notes", body, header("Sec-Fetch-Site", "same-site"), true},
		{"an old browser, another origin", "POST", "/notes", body, header("Origin", "http://evil.example"), true},
		{"our own page writes", "POST", "/notes", body, header("Sec-Fetch-Site", "same-origin"), false},
		{"a script writes", "POST", "/notes", body, func(*http.Request) {}, false},
		{"another site links here", "GET", "/notes/1", "", header("Sec-Fetch-Site", "cross-site"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := b.send(tt.method, tt.path, tt.body, tt.with)
			if refused := a.problem.Code == "forbidden"; refused != tt.refused {
				t.Errorf("got %d %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	b := newBed(t, api.OuterConfig{RequestsPerSecond: 0.001, Burst: 3})
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	for range 3 {
		if a := b.send("GET", "/public", "", from("10.0.0.1:1")); a.StatusCode != 200 {
			t.Errorf("got %d", a.StatusCode)
		}
	}
	// Neither another port nor a header that anyone may write makes another caller.
	a := b.send("GET", "/public", "", from("10.0.0.1:2"), header("X-Forwarded-For", "10.9.9.9"))
	if a.StatusCode != 429 || a.problem.Code != "rate_limited" || a.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	if a := b.send("GET", "/public", "", from("10.0.0.2:1")); a.StatusCode != 200 {
		t.Errorf("another address pays for it: %d", a.StatusCode)
	}
	// One machine has a whole network of IPv6 addresses.
	for i := range 4 {
		a = b.send("GET", "/public", "", from(fmt.Sprintf("[2001:db8::%d]:1", i)))
	}
	if a.problem.Code != "rate_limited" {
		t.Errorf("another address of the same network: %d", a.StatusCode)
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::/64", "2001:db8::2": "2001:db8::/64",
		"::ffff:192.0.2.1": "::ffff:192.0.2.1", "unknown": "unknown",
	} {
		if got := api.Network(addr); got != want {
			t.Errorf("%s is counted as %s, want %s", addr, got, want)
		}
	}
}

func TestRemote(t *testing.T) {
	b := newBed(t, api.OuterConfig{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	tests := []struct{ name, from, forwarded, want string }{
		{"direct", "192.0.2.1:5", "", "192.0.2.1"},
		{"direct, with a forged header", "192.0.2.1:5", "203.0.113.9", "192.0.2.1"},
		{"through our proxy", "10.0.0.1:5", "203.0.113.9", "203.0.113.9"},
		{"through two of our proxies", "10.0.0.1:5", "203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"through our proxy, with a forged start", "10.0.0.1:5", "127.0.0.1, 203.0.113.9", "203.0.113.9"},
		{"through our proxy, with noise", "10.0.0.1:5", "unknown", "10.0.0.1"},
		{"IPv6", "[2001:db8::1]:5", "", "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := b.send("GET", "/public", "", func(r *http.Request) {
				r.RemoteAddr = tt.from
				if tt.forwarded != "" {
					r.Header.Set("X-Forwarded-For", tt.forwarded)
				}
			})
			if got := strings.Trim(string(a.body), "\"\n"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestEveryAnswerIsMarked(t *testing.T) {
	b := newBed(t, api.OuterConfig{Secure: true})
	seen := map[string]bool{}
	for range 20 {
		a := b.send("GET", "/public", "")
		id := a.Header.Get("Request-Id")
		if id == "" || seen[id] {
			t.Errorf("request id %q is not its own", id)
		}
		seen[id] = true
		for k, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=31536000",
			"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if got := a.Header.Get(k); got != want {
				t.Errorf("%s: %q, want %q", k, got, want)
			}
		}
		if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("Content-Security-Policy %q", csp)
		}
	}
}

func TestOpenAPISaysWhoMayCall(t *testing.T) {
	b := newBed(t, api.OuterConfig{})
	raw, err := b.router.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Description string
			Security    *[]map[string][]string
			Parameters  []struct{ Name string }
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || strings.Contains(string(raw), "$schema\"") {
		t.Errorf("version %s, or bodies with $schema", doc.OpenAPI)
	}
	for _, info := range b.router.Operations() {
		op := doc.Paths[info.Path][strings.ToLower(info.Method)]
		if op.OperationID != info.ID || op.Security == nil {
			t.Fatalf("%s is not in the document, or without its security: %+v", info.ID, op)
		}
		if public := len(*op.Security) == 0; public != (info.Public != "") {
			t.Errorf("%s: public %v in the document", info.ID, public)
		}
		if info.Permission != "" && !strings.Contains(op.Description, info.Permission) {
			t.Errorf("%s does not name its permission: %s", info.ID, op.Description)
		}
	}
}
