package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"taxops/internal/app"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

const password = "Correct-Horse-7-Battery"

// platform is the whole program over one database, answering in this process.
type platform struct {
	*app.App
	server *httptest.Server
	clock  *clock.Stepped
}

// start opens the platform on a fresh database of one engine. Its services do not run: tests that
// need rounds say so.
func start(t *testing.T, engine store.Dialect) *platform {
	t.Helper()
	// Every operation as every role is more in a second than one address may ask.
	flags := map[string]string{"data.dir": t.TempDir(), "http.requests_per_second": "1000000"}
	if engine == store.Postgres {
		flags["database.url"] = storetest.URL(t, engine)
	}
	c, err := config.Load(app.ConfigKeys(), "", nil, flags)
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{clock: &clock.Stepped{}}
	o := app.Options{Config: c, Log: slog.New(slog.DiscardHandler), Clock: p.clock, Version: "test"}
	if engine == store.Postgres {
		if err := app.Migrate(t.Context(), o, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	if p.App, err = app.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	p.server = httptest.NewServer(p.Handler(false))
	t.Cleanup(func() {
		p.server.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// person is a browser with its own cookies.
type person struct {
	t    testing.TB
	base string
	http *http.Client
}

func (p *platform) person(t testing.TB) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, base: p.server.URL, http: &http.Client{Jar: jar}}
}

// reply is an answer as read.
type reply struct {
	Status int
	Body   []byte
	Header http.Header
}

// code is the problem's code, "" for an answer that is none.
func (r reply) code() string {
	var p struct {
		Code string `json:"code"`
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/problem+json") {
		return ""
	}
	_ = json.Unmarshal(r.Body, &p)
	return p.Code
}

func (q *person) call(method, path string, body any) reply {
	q.t.Helper()
	return q.callWith(method, path, body, nil)
}

func (q *person) callWith(method, path string, body any, header map[string]string) reply {
	q.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			q.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithCancel(q.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, q.base+"/api/v1"+path, in)
	if err != nil {
		q.t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := q.http.Do(req)
	if err != nil {
		q.t.Fatal(err)
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return reply{Status: res.StatusCode, Header: res.Header} // it does not end by itself
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		q.t.Fatal(err)
	}
	return reply{Status: res.StatusCode, Body: b, Header: res.Header}
}

// must calls and decodes an answer that has to be good.
func (q *person) must(method, path string, body, out any) {
	q.t.Helper()
	r := q.call(method, path, body)
	if r.Status >= 300 {
		q.t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
	}
	if out != nil {
		if err := json.Unmarshal(r.Body, out); err != nil {
			q.t.Fatalf("%s %s: %v in %s", method, path, err, r.Body)
		}
	}
}

// first sets the platform up and returns its first person, who holds every role.
func (p *platform) first(t testing.TB) *person {
	t.Helper()
	link, err := p.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := p.person(t)
	q.must("POST", "/access/setup", map[string]string{
		"token": tokenOf(t, link), "login": "admin", "display_name": "管理员", "password": password,
	}, nil)
	return q
}

type grant struct {
	Role     string `json:"role"`
	AreaPath string `json:"area_path"`
	SystemID string `json:"system_id"`
}

// invite makes a person with these grants, who has accepted.
func (p *platform) invite(t testing.TB, by *person, login string, grants ...grant) (*person, string) {
	t.Helper()
	var made struct {
		Account struct {
			ID string `json:"id"`
		} `json:"account"`
		InvitationURL string `json:"invitation_url"`
	}
	by.must("POST", "/access/accounts", map[string]any{"login": login, "display_name": "人员 " + login, "grants": grants}, &made)
	q := p.person(t)
	q.must("POST", "/access/invitation/accept", map[string]string{"token": tokenOf(t, made.InvitationURL), "password": password}, nil)
	return q, made.Account.ID
}

func tokenOf(t testing.TB, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimPrefix(u.Fragment, "token=")
	if token == "" || u.RawQuery != "" {
		t.Fatal(fmt.Errorf("no token in %s", link))
	}
	return token
}
