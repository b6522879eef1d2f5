package calendar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

type guard struct{ scope store.Scope }

func (g *guard) Identify(ctx context.Context, _ api.SignedRequest) (context.Context, api.Caller, error) {
	return journal.WithActor(ctx, journal.Actor{Kind: journal.AccountActor, ID: "ann"}), api.Caller{AccountID: "ann"}, nil
}

func (g *guard) Authorize(context.Context, api.Caller, api.Need) (store.Scope, error) {
	return g.scope, nil
}

func TestOperations(t *testing.T) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			stepped := &clock.Stepped{}
			now, err := time.Parse(time.RFC3339, "2026-12-20T10:00:00+08:00")
			if err != nil {
				t.Fatal(err)
			}
			stepped.Step(now.Sub(stepped.Now()))
			db := storetest.Open(t, engine, stepped, []store.Migrations{calendar.Migrations()})
			hours, err := calendar.ParseHours(calendar.DefaultHours)
			if err != nil {
				t.Fatal(err)
			}
			s, err := calendar.NewService(calendar.Config{DB: db, Journal: &ledger{}, Clock: stepped, Hours: hours, AreaPath: "/45/"})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.EnsureShipped(t.Context()); err != nil {
				t.Fatal(err)
			}
			g := &guard{scope: store.NewScope(store.ScopeGrant{AreaPath: "/45/"})}
			r := api.NewRouter(api.Config{Guard: g, DB: db})
			s.Routes(r)
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			call := func(method, path string, body any, want int) map[string]any {
				t.Helper()
				raw, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				req := httptest.NewRequestWithContext(t.Context(), method, api.Prefix+path, bytes.NewReader(raw))
				req.Header.Set("Content-Type", "application/json")
				rec := httptest.NewRecorder()
				r.Mux().ServeHTTP(rec, req)
				if rec.Code != want {
					t.Fatalf("%s %s: %d, want %d: %s", method, path, rec.Code, want, rec.Body)
				}
				var out map[string]any
				if rec.Body.Len() > 0 {
					if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
						t.Fatal(err)
					}
				}
				return out
			}
			type body = map[string]any

			status := call(http.MethodGet, "/calendar/status", nil, http.StatusOK)
			if m := status["missing"].([]any); len(m) != 1 || m[0] != 2027.0 || status["last_year"] != 2026.0 || status["hours"] != calendar.DefaultHours {
				t.Errorf("status %v", status)
			}
			year := call(http.MethodGet, "/calendar/years/2026", nil, http.StatusOK)
			if len(year["days"].([]any)) != 365 || year["published"] != true || year["makeups"] != 6.0 || len(year["lists"].([]any)) != 2 {
				t.Errorf("2026: %v %v %v", year["published"], year["makeups"], year["lists"])
			}
			unknown := call(http.MethodGet, "/calendar/years/2027", nil, http.StatusOK)
			if unknown["known"] != false || unknown["workdays"] != 0.0 || unknown["days"].([]any)[3].(body)["kind"] != "unpublished" {
				t.Errorf("2027: %v", unknown["days"].([]any)[3])
			}

			list := body{"layer": "national", "year": 2027, "source": "国办发明电〔2026〕9号", "version": "1", "text": "2027-01-01~2027-01-03,休,元旦\n2027-02-32,休"}
			preview := call(http.MethodPost, "/calendar/lists/preview", list, http.StatusOK)
			if len(preview["days"].([]any)) != 3 || preview["bad"].([]any)[0].(body)["code"] != "not_a_day" {
				t.Errorf("preview %v", preview)
			}
			call(http.MethodPost, "/calendar/lists", list, http.StatusUnprocessableEntity)
			list["text"] = "2027-01-01~2027-01-03,休,元旦"
			made := call(http.MethodPost, "/calendar/lists", list, http.StatusCreated)
			if made["published"] != true || made["days"].([]any)[0].(body)["name"] != "元旦" {
				t.Errorf("imported %v", made["days"].([]any)[0])
			}
			if all := call(http.MethodGet, "/calendar/lists?layer=national&year=2027", nil, http.StatusOK); len(all["items"].([]any)) != 1 {
				t.Errorf("lists %v", all)
			}

			period := body{"kind": "event", "name": "会议", "from": "2026-12-20T08:00:00+08:00", "to": "2026-12-21T00:00:00+08:00", "source": "区局通知", "version": "1"}
			added := call(http.MethodPost, "/calendar/periods", period, http.StatusCreated)
			if now := call(http.MethodGet, "/calendar/status", nil, http.StatusOK); len(now["periods"].([]any)) != 1 || len(now["missing"].([]any)) != 0 {
				t.Errorf("status with a period %v", now)
			}
			text := body{"text": "征期,2027-03-01,2027-03-16\n什么,2027-03-01,2027-03-16", "source": "区局通知", "version": "1"}
			if p := call(http.MethodPost, "/calendar/periods/preview", text, http.StatusOK); len(p["periods"].([]any)) != 1 || len(p["bad"].([]any)) != 1 {
				t.Errorf("preview %v", p)
			}
			call(http.MethodPost, "/calendar/periods/import", text, http.StatusUnprocessableEntity)
			text["text"] = "征期,2027-03-01,2027-03-16"
			call(http.MethodPost, "/calendar/periods/import", text, http.StatusCreated)
			call(http.MethodPost, "/calendar/periods/"+added["id"].(string)+"/remove", body{"reason": "改期"}, http.StatusNoContent)
			call(http.MethodPost, "/calendar/periods/"+added["id"].(string)+"/remove", body{"reason": "改期"}, http.StatusNotFound)

			g.scope = store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"})
			call(http.MethodPost, "/calendar/periods", period, http.StatusForbidden)
			call(http.MethodGet, "/calendar/years/2026", nil, http.StatusOK)
		})
	}
}

func TestTheHomePageAsksForAYear(t *testing.T) {
	storetest.Each(t, []store.Migrations{calendar.Migrations()}, func(t *testing.T, db *store.DB) {
		for when, want := range map[string]string{
			"2026-10-31T12:00:00+08:00": "", "2026-11-24T12:00:00+08:00": "info", "2026-12-15T12:00:00+08:00": "warning", "2027-01-01T12:00:00+08:00": "critical",
		} {
			stepped := &clock.Stepped{}
			now, err := time.Parse(time.RFC3339, when)
			if err != nil {
				t.Fatal(err)
			}
			stepped.Step(now.Sub(stepped.Now()))
			hours, err := calendar.ParseHours(calendar.DefaultHours)
			if err != nil {
				t.Fatal(err)
			}
			s, err := calendar.NewService(calendar.Config{DB: db, Journal: &ledger{}, Clock: stepped, Hours: hours, AreaPath: "/45/"})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.EnsureShipped(t.Context()); err != nil {
				t.Fatal(err)
			}
			card, err := s.HomeCards()[0].Load(t.Context(), store.Everything())
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if card != nil {
				got = card.Severity
			}
			if got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
	})
}
