// Package lists measures the lists of the inspection at a million rows: each documented filter alone,
// the first page and one far from the start, through the whole way of a request, on both engines.
//
//	go test -run '^$' -bench . -benchtime 20x -timeout 60m ./bench/lists
//
// The bar is 200 ms a page for a person who sees the region, median on a quiet machine. "cpu" is what this
// process spent on a page, which on SQLite is all of it and does not depend on what else the machine does.
// ROWS changes the number of rows. It needs TAXOPS_TEST_DATABASE_URL.
package lists

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/inspecttest"
)

const bar = 200 * time.Millisecond

// nobody stands for the modules that a list does not ask.
type nobody struct{}

func (nobody) Local(context.Context) (inspect.Asset, error) {
	return inspect.Asset{}, problem.Missing("asset", "")
}
func (nobody) Asset(context.Context, string) (inspect.Asset, error) {
	return inspect.Asset{}, problem.Missing("asset", "")
}
func (nobody) Names(context.Context, []string) (map[string]string, error) { return nil, nil }
func (nobody) Allowed(context.Context, string, string, string, string) (bool, error) {
	return false, nil
}
func (nobody) SubjectRows(context.Context, journal.Subject, int) ([]journal.Row, error) {
	return nil, nil
}
func (nobody) Run(context.Context, probe.Builtin, probe.Target) probe.Result { return probe.Result{} }

// guard lets everybody in with one scope.
type guard struct{ scope store.Scope }

func (guard) Identify(ctx context.Context, _ api.SignedRequest) (context.Context, api.Caller, error) {
	return ctx, api.Caller{AccountID: "u1"}, nil
}
func (g guard) Authorize(context.Context, api.Caller, api.Need) (store.Scope, error) {
	return g.scope, nil
}

// door opens a filled database of one engine behind HTTP, for each scope.
func door(b *testing.B, d store.Dialect, rows int) func(store.Scope) http.Handler {
	b.Helper()
	ctx := b.Context()
	db := storetest.Open(b, d, clock.System{}, []store.Migrations{org.Migrations(), journal.Migrations(), inspect.Migrations()})
	began := time.Now()
	if err := inspecttest.Fill(ctx, db, rows); err != nil {
		b.Fatal(err)
	}
	if d == store.Postgres { // autovacuum does this in the life of a database
		if _, err := db.SQL().ExecContext(ctx, "VACUUM ANALYZE inspect_result, inspect_finding, inspect_round, inspect_item, inspect_gap"); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%s: %d rows filled in %v", d, rows, time.Since(began).Round(time.Second))
	ring, err := secret.OpenRing(ctx, secret.Config{File: b.TempDir() + "/ring.json"})
	if err != nil {
		b.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: inspect.Types()})
	if err != nil {
		b.Fatal(err)
	}
	kind := probe.Builtin{Kind: "none", Class: probe.Data, Run: func(context.Context, probe.Target) probe.Result { return probe.Result{} }}
	m, err := inspect.New(inspect.Deps{
		DB: db, Journal: j, Timeline: nobody{}, Ring: ring, Runner: nobody{}, Kinds: []probe.Builtin{kind},
		Assets: nobody{}, People: nobody{}, Places: org.New(db),
	})
	if err != nil {
		b.Fatal(err)
	}
	return func(s store.Scope) http.Handler {
		r := api.NewRouter(api.Config{Guard: guard{s}})
		m.Routes(r)
		if err := r.Err(); err != nil {
			b.Fatal(err)
		}
		return r.Mux()
	}
}

type page struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor string            `json:"next_cursor"`
	Total      int               `json:"total"`
}

func get(b *testing.B, h http.Handler, path string) page {
	b.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(b.Context(), http.MethodGet, api.Prefix+path, nil))
	if rec.Code != http.StatusOK {
		b.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	var p page
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		b.Fatal(err)
	}
	return p
}

// queries are the documented filters of the large lists, common and rare values.
func queries() []string {
	middle := inspecttest.Start().Add(45 * 24 * time.Hour)
	from, to := middle.Format(time.RFC3339), middle.Add(time.Hour).Format(time.RFC3339)
	return []string{
		"/inspect/results",
		"/inspect/results?check_id=c17", "/inspect/results?asset_id=a17", "/inspect/results?round_id=r17",
		"/inspect/results?state=OK", "/inspect/results?state=UNKNOWN", "/inspect/results?state=WARNING,CRITICAL,UNKNOWN", "/inspect/results?state=CRITICAL,WARNING",
		"/inspect/results?class=instance", "/inspect/results?from=" + from, "/inspect/results?to=" + to, "/inspect/results?from=" + from + "&to=" + to,
		"/inspect/results?sort=ran_at",
		"/inspect/findings",
		"/inspect/findings?state=open", "/inspect/findings?state=closed", "/inspect/findings?state=open,assigned,repaired", "/inspect/findings?state=open,closed",
		"/inspect/findings?severity=critical", "/inspect/findings?severity=critical,unknown", "/inspect/findings?assignee_id=u1", "/inspect/findings?class=data",
		"/inspect/findings?asset_id=a17", "/inspect/findings?system_id=s1",
		"/inspect/findings?q=" + url.QueryEscape("发票"), "/inspect/findings?q=" + url.QueryEscape("10.1.7.9:"), "/inspect/findings?q=" + url.QueryEscape("没有这样的"),
		"/inspect/findings?q=tax-app", "/inspect/findings?q=FND-2026-77777", "/inspect/findings?q=" + url.QueryEscape("发"),
		"/inspect/rounds", "/inspect/rounds?plan_id=p1", "/inspect/rounds?trigger=manual", "/inspect/rounds?state=finished", "/inspect/rounds?worst_state=CRITICAL",
		"/inspect/rounds?from=" + from, "/inspect/gaps?plan_id=p1",
	}
}

func BenchmarkLists(b *testing.B) {
	rows := 1_000_000
	if v := os.Getenv("ROWS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatal(err)
		}
		rows = n
	}
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		b.Run(string(d), func(b *testing.B) {
			open := door(b, d, rows)
			for name, s := range map[string]store.Scope{
				"region": store.NewScope(store.ScopeGrant{AreaPath: "/45/"}),
				"city":   store.NewScope(store.ScopeGrant{AreaPath: "/45/4507/"}),
			} {
				h := open(s)
				for _, q := range queries() {
					b.Run(name+q[len("/inspect"):], func(b *testing.B) { measure(b, h, q) })
				}
			}
		})
	}
}

// measure reads the first page and the fifth, and reports the medians.
func measure(b *testing.B, h http.Handler, path string) {
	deep := path
	for range 4 {
		p := get(b, h, deep)
		if p.NextCursor == "" {
			break
		}
		sep := "?"
		if u, err := url.Parse(path); err == nil && u.RawQuery != "" {
			sep = "&"
		}
		deep = path + sep + "cursor=" + p.NextCursor
	}
	for what, q := range map[string]string{"first": path, "fifth": deep} {
		var took []time.Duration
		spent := cpu(b)
		for range max(b.N, 3) {
			began := time.Now()
			get(b, h, q)
			took = append(took, time.Since(began))
		}
		spent = (cpu(b) - spent) / time.Duration(len(took))
		slices.Sort(took)
		median := took[len(took)/2]
		b.ReportMetric(float64(median.Microseconds())/1000, "ms/"+what)
		b.ReportMetric(float64(spent.Microseconds())/1000, "cpu/"+what)
		if median > bar {
			b.Logf("ABOVE THE BAR: %s page of %s: %v", what, path, median)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// cpu is what this process has spent so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
