// Package results measures how results are stored and found again: how many a second a server takes in,
// what a plain one costs on disc, and how long a page of them or a chart over 21 months takes, on both
// engines.
//
//	go test -run '^$' -bench . -benchtime 1x -timeout 60m ./bench/results
//
// The bars: 10,000 results a second, 8 bytes each, 200 ms a page or chart, on a quiet machine. DAYS changes
// how many days of an estate of 60 checks at five minutes are filled in (90 are 1.5 million results). It
// needs TAXOPS_TEST_DATABASE_URL.
package results

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/inspect"
)

const (
	barIngest = 10_000.0
	barBytes  = 8.0
	barPage   = 200 * time.Millisecond
)

var host = inspect.Asset{ID: "host-1", Name: "tax-app-01", HostID: "host-1", AreaPath: "/45/4501/", Active: true, Local: true}

// nobody stands for the modules that are not asked.
type nobody struct{}

func (nobody) Local(context.Context) (inspect.Asset, error) { return host, nil }
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

// hand is a clock that stands where it was put.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) put(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = t
}

// estate is a module with checks that nobody runs: their results are delivered.
type estate struct {
	b      *testing.B
	db     *store.DB
	m      *inspect.Module
	clock  *hand
	plan   string
	checks []string
	level  []float64
	rnd    *rand.Rand
	seq    int64
}

func build(b *testing.B, d store.Dialect, checks int, begin time.Time) *estate {
	b.Helper()
	ctx := b.Context()
	e := &estate{b: b, clock: &hand{at: begin}, rnd: rand.New(rand.NewPCG(1, 2)), seq: 1} //nolint:gosec // figures
	e.db = storetest.Open(b, d, e.clock, []store.Migrations{org.Migrations(), journal.Migrations(), inspect.Migrations()})
	ring, err := secret.OpenRing(ctx, secret.Config{File: b.TempDir() + "/ring.json"})
	if err != nil {
		b.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: e.db, Ring: ring, Types: inspect.Types(), Clock: e.clock})
	if err != nil {
		b.Fatal(err)
	}
	kind := probe.Builtin{
		Kind: "bench.port", Class: probe.Service, TitleZH: "端口", TitleEN: "Port", Verified: "tested",
		Params: []probe.Param{{Name: "port", Type: "int", Required: true}},
		Target: func(p map[string]any) string { return fmt.Sprintf("127.0.0.1:%v", p["port"]) },
		Run:    func(context.Context, probe.Target) probe.Result { return probe.Result{} },
		Discover: func(context.Context) []probe.Found {
			out := make([]probe.Found, checks)
			for i := range out {
				out[i] = probe.Found{Params: map[string]any{"port": i + 1}}
			}
			return out
		},
	}
	e.m, err = inspect.New(inspect.Deps{
		DB: e.db, Journal: j, Timeline: nobody{}, Ring: ring, Runner: nobody{}, Kinds: []probe.Builtin{kind},
		Assets: nobody{}, People: nobody{}, Places: org.New(e.db), Clock: e.clock,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := e.m.EnsureChecks(ctx, host); err != nil {
		b.Fatal(err)
	}
	p, err := e.m.CreatePlan(ctx, store.Everything(), inspect.NewPlan{
		Name: "全部", IntervalSeconds: 300, Classes: []string{"service"}, AreaPath: "/45/4501/",
	})
	if err != nil {
		b.Fatal(err)
	}
	e.plan = p.ID
	if err := e.db.Read().NewRaw("SELECT id FROM inspect_check ORDER BY id").Scan(ctx, &e.checks); err != nil {
		b.Fatal(err)
	}
	for range e.checks {
		e.level = append(e.level, 20+60*e.rnd.Float64())
	}
	return e
}

// exec changes what the server would change by itself.
func (e *estate) exec(query string, args ...any) {
	e.b.Helper()
	if err := e.db.Write(e.b.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw(query, args...).Exec(ctx)
		return err
	}); err != nil {
		e.b.Fatal(err)
	}
}

func number[T any](e *estate, query string, args ...any) T {
	e.b.Helper()
	var n T
	if err := e.db.Read().NewRaw(query, args...).Scan(e.b.Context(), &n); err != nil {
		e.b.Fatal(err)
	}
	return n
}

// round delivers a result of each check, so many at once, and returns how long the store took for them.
func (e *estate) round(batch int) time.Duration {
	e.b.Helper()
	ctx, at := e.b.Context(), e.clock.Now()
	r, err := e.m.RunNow(ctx, store.Everything(), e.plan, "")
	if err != nil {
		e.b.Fatal(err)
	}
	var took time.Duration
	for from := 0; from < len(e.checks); from += batch {
		to := min(from+batch, len(e.checks))
		d := inspect.Delivery{Source: "bench", Epoch: 1, First: e.seq, RoundID: r.ID}
		for i := from; i < to; i++ {
			d.Results = append(d.Results, e.said(i, at.Add(-time.Duration(e.rnd.IntN(2000))*time.Millisecond)))
		}
		e.seq += int64(len(d.Results))
		began := time.Now()
		n, err := e.m.Deliver(ctx, d)
		took += time.Since(began)
		if err != nil || n != to-from {
			e.b.Fatalf("%d of %d stored: %v", n, to-from, err)
		}
	}
	e.exec("UPDATE inspect_round SET state = 'finished', finished_at = ? WHERE id = ?", store.At(at), r.ID)
	return took
}

// said is a result like those of the built-in checks: values that wander, and a text that shows them.
func (e *estate) said(i int, at time.Time) inspect.Delivered {
	e.level[i] = min(max(e.level[i]+e.rnd.NormFloat64()/4, 1), 99)
	took := time.Duration(200*math.Exp(e.rnd.NormFloat64()/3)*float64(1+i%20)) * time.Microsecond
	r := probe.Result{State: probe.OK}
	switch i % 4 {
	case 0:
		free := (100 - e.level[i]) * 5e9
		r.Summary = fmt.Sprintf("已用 %.1f%%，剩余 %.1f GiB", e.level[i], free/(1<<30))
		r.Perf = []probe.Perf{{Label: "used_percent /var", Value: e.level[i], UOM: "%", Warn: "80", Crit: "90"}, {Label: "free /var", Value: free, UOM: "B"}}
	case 1:
		r.Summary = fmt.Sprintf("127.0.0.1:%d 可连接，耗时 %.2f ms", 5000+i, took.Seconds()*1e3)
		r.Perf = []probe.Perf{{Label: "time", Value: took.Seconds(), UOM: "s", Warn: "1", Crit: "3"}}
	case 2:
		r.Summary = fmt.Sprintf("负载 %.2f / %.2f，8 核", e.level[i]/20, e.level[i]/21)
		r.Perf = []probe.Perf{{Label: "load1", Value: e.level[i] / 20}, {Label: "load5", Value: e.level[i] / 21}}
	case 3:
		r.Summary, r.Perf = "证书 314 天后到期", []probe.Perf{{Label: "days", Value: 314, UOM: "d", Warn: "30:", Crit: "7:"}}
	}
	return inspect.Delivered{CheckID: e.checks[i], Result: r, RanAt: at, Took: took}
}

// service runs a loop of the module until something is reached.
func (e *estate) service(name, until string, args ...any) time.Duration {
	e.b.Helper()
	services := e.m.Services()
	s := services[slices.IndexFunc(services, func(s lifecycle.Service) bool { return s.Name() == name })]
	began := time.Now()
	if err := s.Start(e.b.Context()); err != nil {
		e.b.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for number[int](e, until, args...) > 0 {
		select {
		case <-tick.C:
		case <-e.b.Context().Done():
			e.b.Fatal("not in time: " + name)
		}
	}
	took := time.Since(began)
	if err := s.Stop(e.b.Context()); err != nil {
		e.b.Fatal(err)
	}
	return took
}

func each(b *testing.B, f func(b *testing.B, d store.Dialect)) {
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		b.Run(string(d), func(b *testing.B) { f(b, d) })
	}
}

// BenchmarkIngest delivers rounds of 5,000 checks, 256 results a transaction, durably.
func BenchmarkIngest(b *testing.B) {
	each(b, func(b *testing.B, d store.Dialect) {
		e := build(b, d, 5000, time.Now())
		e.round(256) // the first result of each check is a row
		var took time.Duration
		const rounds = 5
		for range rounds {
			e.clock.put(e.clock.Now().Add(5 * time.Minute))
			took += e.round(256)
		}
		rate := rounds * 5000 / took.Seconds()
		b.ReportMetric(rate, "results/s")
		b.ReportMetric(0, "ns/op")
		if rate < barIngest {
			b.Logf("BELOW THE BAR: %.0f results a second", rate)
		}
	})
}

// BenchmarkHistory fills days of an estate and asks for pages and charts of it.
func BenchmarkHistory(b *testing.B) {
	days := 90
	if v := os.Getenv("DAYS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatal(err)
		}
		days = n
	}
	each(b, func(b *testing.B, d store.Dialect) {
		now := time.Now()
		e := build(b, d, 60, now.AddDate(0, 0, -days))
		began := time.Now()
		for range days * 288 {
			e.round(60)
			e.clock.put(e.clock.Now().Add(5 * time.Minute))
		}
		filled := time.Since(began)
		// What is left of today waits; all that came before is joined for good.
		joined := e.service("inspect.compaction",
			"SELECT count(*) FROM inspect_segment WHERE level < 2 AND day < ?", (now.Unix()+8*3600)/86400)
		b.Run("disc", func(b *testing.B) {
			bytes := number[float64](e, "SELECT 1.0 * sum(length(body)) / sum(results) FROM inspect_segment WHERE level = 2")
			b.Logf("%d results in %v, joined in %v into %d segments", number[int](e, "SELECT sum(results) FROM inspect_segment"),
				filled.Round(time.Second), joined.Round(time.Second), number[int](e, "SELECT count(*) FROM inspect_segment"))
			b.ReportMetric(bytes, "bytes/result")
			b.ReportMetric(0, "ns/op")
			if bytes > barBytes {
				b.Logf("ABOVE THE BAR: %.2f bytes a result", bytes)
			}
		})
		// Plans that nobody ran owe nothing here; the days are closed and digested as after each midnight.
		e.exec("UPDATE inspect_plan SET next_due_at = ?", store.At(now.AddDate(1, 0, 0)))
		e.clock.put(now)
		digested := e.service("inspect.coverage", "SELECT ? - count(*) FROM inspect_day WHERE digested > 0", days)
		b.Run("digests", func(b *testing.B) {
			b.ReportMetric(number[float64](e, "SELECT 1.0 * sum(length(body)) / count(*) FROM inspect_digest"), "bytes/digest")
			b.ReportMetric(digested.Seconds()/float64(days), "s/day")
			b.ReportMetric(0, "ns/op")
		})
		for k := days + 1; k < 21*31; k += days { // as if it had run for 21 months
			e.exec("INSERT INTO inspect_digest (check_id, day, hourly, body) SELECT check_id, day - ?, hourly, body FROM inspect_digest WHERE day > ?", k,
				(now.Unix()+8*3600)/86400-int64(days)-1)
		}
		e.pages(days)
		e.charts(now)
	})
}

func (e *estate) measure(name string, f func() int) {
	e.b.Run(name, func(b *testing.B) {
		var took []time.Duration
		n := 0
		for range 7 {
			began := time.Now()
			n = f()
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		median := took[len(took)/2]
		b.ReportMetric(float64(median.Microseconds())/1000, "ms")
		b.ReportMetric(float64(n), "items")
		b.ReportMetric(0, "ns/op")
		if median > barPage {
			b.Logf("ABOVE THE BAR: %v", median)
		}
	})
}

func (e *estate) pages(days int) {
	middle := e.clock.Now().AddDate(0, 0, -days/2).Format(time.RFC3339)
	round := number[string](e, "SELECT id FROM inspect_round ORDER BY id LIMIT 1 OFFSET 500")
	for name, f := range map[string]map[string]string{
		"all": {}, "check": {"check_id": e.checks[7]}, "asset": {"asset_id": host.ID}, "class": {"class": "service"}, "OK": {"state": "OK"},
		"not OK": {"not_ok": "1"}, "from": {"from": middle}, "to": {"to": middle}, "round": {"round_id": round},
		"check of a day": {"check_id": e.checks[7], "to": middle},
	} {
		q := store.ListQuery{Filters: f, Limit: 50}
		for _, page := range []string{"first", "fifth"} {
			if page == "fifth" {
				for range 4 {
					p, err := e.m.Results(e.b.Context(), store.NewScope(store.ScopeGrant{AreaPath: "/45/"}), q)
					if err != nil {
						e.b.Fatal(err)
					}
					if p.NextCursor == "" {
						break
					}
					q.Cursor = p.NextCursor
				}
			}
			e.measure(page+" page/"+name, func() int {
				p, err := e.m.Results(e.b.Context(), store.NewScope(store.ScopeGrant{AreaPath: "/45/"}), q)
				if err != nil {
					e.b.Fatal(err)
				}
				return len(p.Items)
			})
		}
	}
	last, err := e.m.Results(e.b.Context(), store.Everything(), store.ListQuery{Sort: "ran_at", Limit: 200})
	if err != nil {
		e.b.Fatal(err)
	}
	id := last.Items[150].ID
	e.measure("one by id", func() int {
		if _, err := e.m.Result(e.b.Context(), store.Everything(), id); err != nil {
			e.b.Fatal(err)
		}
		return 1
	})
}

func (e *estate) charts(now time.Time) {
	for name, from := range map[string]time.Time{
		"a day": now.AddDate(0, 0, -1), "a week": now.AddDate(0, 0, -7), "90 days": now.AddDate(0, 0, -89), "21 months": now.AddDate(0, -21, 0),
	} {
		e.measure("chart/"+name, func() int {
			h, err := e.m.CheckHistory(e.b.Context(), store.Everything(), e.checks[4], "", from, now, 500)
			if err != nil || len(h.Series) == 0 {
				e.b.Fatalf("%d series, %v", len(h.Series), err)
			}
			return len(h.Series[0].Points)
		})
	}
}
