package journal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// guard lets everybody in; the token is the scope: "all", or an area.
type guard struct{ refused string }

func (guard) Identify(ctx context.Context, r api.SignedRequest) (context.Context, api.Caller, error) {
	return journal.WithActor(ctx, journal.Actor{Kind: journal.AccountActor, ID: "acc-1"}), api.Caller{AccountID: "acc-1", SessionID: r.Token}, nil
}

func (g guard) Authorize(_ context.Context, c api.Caller, n api.Need) (store.Scope, error) {
	if n.Permission == g.refused {
		return store.Scope{}, problem.New(problem.Forbidden, "no %s", n.Permission)
	}
	if c.SessionID == "all" {
		return store.Everything(), nil
	}
	return store.NewScope(store.ScopeGrant{AreaPath: c.SessionID}), nil
}

type caller struct {
	t *testing.T
	s *httptest.Server
}

func serve(t *testing.T, j *journal.Journal, db *store.DB) *caller {
	t.Helper()
	r := api.NewRouter(api.Config{Version: "test", Guard: guard{}, DB: db, Exported: j.RecordExport, Log: slog.New(slog.DiscardHandler)})
	j.Routes(r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.OpenAPI(); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(api.Outer(api.OuterConfig{Log: slog.New(slog.DiscardHandler)}, r.Mux()))
	t.Cleanup(s.Close)
	return &caller{t, s}
}

func (c *caller) do(scope, method, path, body string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(ctxT(), method, c.s.URL+api.Prefix+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: scope})
	res, err := c.s.Client().Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (c *caller) get(scope, path string, out any) {
	c.t.Helper()
	status, body := c.do(scope, http.MethodGet, path, "")
	if status != http.StatusOK {
		c.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), out); err != nil {
		c.t.Fatal(err)
	}
}

type rowJSON struct {
	Seq     int64
	Type    string
	TitleZH string `json:"title_zh"`
	Actor   struct {
		ID          string
		DisplayName string `json:"display_name"`
	}
	AreaPath  string `json:"area_path"`
	Fields    map[string]any
	Private   map[string]string
	Canonical string
	Segment   *struct {
		Number int64
		Root   string
		Proof  []string
	}
	RequestID string `json:"request_id"`
}

type rowsJSON struct {
	Items      []rowJSON
	NextCursor string `json:"next_cursor"`
	Total      int
}

func TestOperations(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		fail := true
		j, err := journal.New(journal.Config{
			DB: b.db, Ring: b.ring, Types: testTypes(), Clock: b.clock, SegmentDir: b.dir, AreaPath: "/45/",
			Names: func(context.Context, []string) (map[string]string, error) {
				return map[string]string{"acc-1": "韦晓明"}, nil
			},
			Subscriptions: []journal.Subscription{{Name: "test.picky", Types: []string{"test.thing.moved"}, Handle: func(context.Context, *store.Tx, journal.Row) error {
				if fail {
					return fmt.Errorf("not yet")
				}
				return nil
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Journal = j
		c := serve(t, j, b.db)
		e := made(1)
		e.AreaPath, e.Fields["note"] = "/45/4501/", "私密"
		b.write(t, e, made(2), made(3))
		b.write(t, journal.Entry{Type: "test.thing.moved", Subject: journal.Subject{Kind: "thing", ID: "a/b"}, Fields: map[string]any{"n": 1}})
		b.drain(t)

		t.Run("rows", func(t *testing.T) {
			var p rowsJSON
			c.get("all", "/journal/rows?limit=2&type=test.thing.made", &p)
			if p.Total != 3 || len(p.Items) != 2 || p.Items[0].Seq != 3 || p.Items[0].TitleZH != "已建" || p.NextCursor == "" {
				t.Fatalf("page: %+v", p)
			}
			c.get("all", "/journal/rows?limit=2&type=test.thing.made&cursor="+p.NextCursor, &p)
			if len(p.Items) != 1 || p.Items[0].Private["note"] != journal.Masked {
				t.Fatalf("page: %+v", p)
			}
			c.get("/45/4501/", "/journal/rows", &p)
			if p.Total != 1 || p.Items[0].AreaPath != "/45/4501/" {
				t.Fatalf("in an area: %+v", p)
			}
			c.get("all", "/journal/rows?from="+url.QueryEscape(b.clock.Now().Add(time.Hour).Format(time.RFC3339)), &p)
			if p.Total != 0 {
				t.Fatalf("later: %+v", p)
			}
			if status, _ := c.do("all", http.MethodGet, "/journal/rows?sort=at", ""); status != http.StatusUnprocessableEntity {
				t.Errorf("an unknown sort: %d", status)
			}
		})
		t.Run("row", func(t *testing.T) {
			var r rowJSON
			c.get("all", "/journal/rows/2", &r)
			if r.Segment != nil || !strings.HasPrefix(r.Canonical, `{"actor":`) {
				t.Fatalf("row: %+v", r)
			}
			if status, _ := c.do("/45/4501/", http.MethodGet, "/journal/rows/2", ""); status != http.StatusNotFound {
				t.Errorf("a row of another area: %d", status)
			}
			if status, _ := c.do("all", http.MethodGet, "/journal/rows/99", ""); status != http.StatusNotFound {
				t.Errorf("no such row: %d", status)
			}
		})
		t.Run("reveal", func(t *testing.T) {
			status, body := c.do("all", http.MethodPost, "/journal/rows/1/reveal", `{"reason":"复核"}`)
			if status != http.StatusOK || !strings.Contains(body, "私密") {
				t.Fatalf("%d %s", status, body)
			}
			b.drain(t)
			var p rowsJSON
			c.get("all", "/journal/rows?type=journal.revealed", &p)
			if len(p.Items) != 1 || p.Items[0].Actor.DisplayName != "韦晓明" || p.Items[0].Fields["seq"] != 1.0 || p.Items[0].RequestID == "" {
				t.Fatalf("recorded: %+v", p)
			}
			for _, blank := range []string{"", "  \t"} {
				body := fmt.Sprintf(`{"reason":%q}`, blank)
				if status, _ := c.do("all", http.MethodPost, "/journal/rows/1/reveal", body); status != http.StatusUnprocessableEntity {
					t.Errorf("with the reason %q: %d", blank, status)
				}
			}
		})
		t.Run("subscriptions", func(t *testing.T) {
			var s struct {
				Items []struct {
					Name   string
					Lag    int64
					Parked []struct{ Subject, Error string }
				}
			}
			c.get("all", "/journal/subscriptions", &s)
			if len(s.Items) != 1 || len(s.Items[0].Parked) != 1 || s.Items[0].Parked[0].Subject != "thing:a/b" || s.Items[0].Parked[0].Error != "not yet" {
				t.Fatalf("%+v", s)
			}
			fail = false
			path := "/journal/subscriptions/test.picky/parked/" + url.PathEscape("thing:a/b") + "/retry"
			if status, body := c.do("all", http.MethodPost, path, `{"reason":"mended"}`); status != http.StatusNoContent {
				t.Fatalf("%d %s", status, body)
			}
			b.drain(t)
			c.get("all", "/journal/subscriptions", &s)
			if len(s.Items[0].Parked) != 0 || s.Items[0].Lag != 0 {
				t.Fatalf("%+v", s)
			}
			if status, _ := c.do("all", http.MethodPost, path, `{"reason":"again"}`); status != http.StatusNotFound {
				t.Errorf("nothing parked: %d", status)
			}
		})
		t.Run("segments and export", func(t *testing.T) {
			b.clock.Step(25 * time.Hour)
			closeDue(t, b)
			var s struct {
				Items []struct {
					Number      int64
					Root        string
					Fingerprint string `json:"signer_fingerprint"`
				}
			}
			c.get("all", "/journal/segments", &s)
			if len(s.Items) != 1 || s.Items[0].Fingerprint != b.ring.Signer().Fingerprint() {
				t.Fatalf("%+v", s)
			}
			var r rowJSON
			c.get("all", "/journal/rows/2", &r)
			if r.Segment == nil || r.Segment.Number != 1 || r.Segment.Root != s.Items[0].Root || len(r.Segment.Proof) == 0 {
				t.Fatalf("row: %+v", r.Segment)
			}
			status, body := c.do("all", http.MethodGet, "/journal/export", "")
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			rep, err := journal.VerifyExport(ctxT(), strings.NewReader(body), journal.ExportOptions{Fingerprint: b.ring.Signer().Fingerprint()})
			if err != nil || !rep.OK || rep.Rows == 0 {
				t.Fatalf("%+v, %v", rep, err)
			}
			if status, _ := c.do("/45/4501/", http.MethodGet, "/journal/export", ""); status != http.StatusForbidden {
				t.Errorf("an export by somebody who may see a part: %d", status)
			}
			b.drain(t)
			if rows := b.rows(t); !slices.ContainsFunc(rows, func(r journal.Row) bool { return r.Type == "journal.exported" && r.Actor.ID == "acc-1" }) {
				t.Error("the export is not recorded")
			}
		})
		t.Run("types", func(t *testing.T) {
			var s struct {
				Items []struct {
					Type   string
					Fields []map[string]any
				}
			}
			c.get("all", "/journal/types", &s)
			if len(s.Items) != len(journal.OwnTypes())+2 {
				t.Fatalf("%d types", len(s.Items))
			}
		})
	})
}

type verificationJSON struct {
	Items []struct {
		ID, State string
		Rows      int64
		Bad       []journal.Bad
		StartedBy string `json:"started_by"`
	}
}

func TestVerificationsAreKeptAndSurviveARestart(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 5)
		c := serve(t, b.Journal, b.db)
		// No loop runs yet: the server stops before it gets to it.
		if status, body := c.do("all", http.MethodPost, "/journal/verify", ""); status != http.StatusOK || !strings.Contains(body, `"running"`) {
			t.Fatalf("%d %s", status, body)
		}
		if status, body := c.do("all", http.MethodPost, "/journal/verify", ""); status != http.StatusConflict || !strings.Contains(body, "already_running") {
			t.Fatalf("a second one: %d %s", status, body)
		}
		var v verificationJSON
		c.get("all", "/journal/verifications", &v)
		if len(v.Items) != 1 || v.Items[0].State != "running" || v.Items[0].StartedBy != "acc-1" {
			t.Fatalf("%+v", v)
		}
		stop := start(t, b.open(t, b.db))
		eventually(t, "the verification ends", func() bool {
			c.get("all", "/journal/verifications", &v)
			return v.Items[0].State != "running"
		})
		stop()
		if v.Items[0].State != "ok" || v.Items[0].Rows < 5 {
			t.Fatalf("%+v", v)
		}
		tamper(t, b.db, "UPDATE journal_row SET bytes = (SELECT bytes FROM journal_row WHERE serial = 3) WHERE serial = 4")
		if _, err := b.StartVerification(ctxT()); err != nil {
			t.Fatal(err)
		}
		defer start(t, b.open(t, b.db))()
		eventually(t, "the second verification ends", func() bool {
			c.get("all", "/journal/verifications", &v)
			return v.Items[0].State != "running"
		})
		if v.Items[0].State != "bad" || len(v.Items[0].Bad) != 1 || v.Items[0].Bad[0].Seq != 4 {
			t.Fatalf("%+v", v)
		}
	})
}

// What tells of every area is for those who may see every area, on every operation but those on rows.
func TestTheChainAsAWholeIsNotForOneArea(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 1)
		c := serve(t, b.Journal, b.db)
		parts := []string{"journal.rows.list", "journal.rows.get", "journal.rows.reveal", "journal.rows.export", "journal.types.list"}
		r := api.NewRouter(api.Config{Version: "test", Guard: guard{}, DB: b.db, Log: slog.New(slog.DiscardHandler)})
		b.Routes(r)
		for _, op := range r.Operations() {
			if slices.Contains(parts, op.ID) {
				continue
			}
			path := strings.NewReplacer("{name}", "n", "{subject}", "s").Replace(op.Path)
			for scope, refused := range map[string]bool{"/45/4501/": true, "/45/": false, "all": false} {
				body := ""
				if op.Method == http.MethodPost && op.ID != "journal.verify" {
					body = `{"reason":"why"}`
				}
				status, answer := c.do(scope, op.Method, path, body)
				if got := status == http.StatusForbidden; got != refused {
					t.Errorf("%s for %s: %d %s", op.ID, scope, status, answer)
				}
			}
		}
	})
}

func TestOperationsNeedTheirPermission(t *testing.T) {
	b := newBench(t, store.SQLite)
	r := api.NewRouter(api.Config{Version: "test", Guard: guard{}, DB: b.db, Log: slog.New(slog.DiscardHandler)})
	b.Routes(r)
	known := []string{"journal.read", "journal.verify", "journal.export", "journal.reveal", "journal.subscription.manage"}
	for _, op := range r.Operations() {
		if !slices.Contains(known, op.Permission) {
			t.Errorf("%s asks for %q", op.ID, op.Permission)
		}
	}
	if n := len(r.Operations()); n != 14 {
		t.Errorf("%d operations", n)
	}
}

// A list that was taken away is a row: what it was narrowed by, what was searched for as private text.
func TestTakingRowsAwayIsARow(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.fill(t, 3)
		c := serve(t, b.Journal, b.db)
		status, answer := c.do("/45/4501/", http.MethodGet, "/journal/rows/export?lang=en&from=2020-01-01T00:00:00Z", "")
		if status != http.StatusOK || !strings.HasPrefix(string(answer), "\ufeffRow,Time,Event,") {
			t.Fatalf("%d %.200s", status, answer)
		}
		b.drain(t)
		page, err := b.List(ctxT(), store.Everything(), store.ListQuery{Filters: map[string]string{"type": "journal.list.exported"}})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%v: %d rows", err, len(page.Items))
		}
		f := page.Items[0].Fields
		if f["list"] != "journal.rows" || f["format"] != "csv" || f["filters"].(map[string]any)["from"] != "2020-01-01T00:00:00Z" {
			t.Errorf("recorded %v", f)
		}
	})
}
