package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// ledger is the real journal, and remembers what was committed.
type ledger struct {
	*journal.Journal
	mu      sync.Mutex
	entries []journal.Entry
	actors  []journal.Actor
}

func (l *ledger) Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error) {
	id, err := l.Journal.Append(ctx, tx, e)
	if err == nil {
		tx.AfterCommit(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.entries, l.actors = append(l.entries, e), append(l.actors, journal.ActorFrom(ctx))
		})
	}
	return id, err
}

// SubjectRows answers from what was committed, with private texts.
func (l *ledger) SubjectRows(_ context.Context, s journal.Subject, most int) ([]journal.Row, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []journal.Row
	for i, e := range l.entries {
		if e.Subject != s || len(out) == most {
			continue
		}
		row := journal.Row{Seq: int64(i + 1), Type: e.Type, Actor: l.actors[i], Subject: s, Fields: map[string]any{}, Private: map[string]string{}}
		for k, v := range e.Fields {
			if text, ok := v.(string); ok && (k == "note" || k == "text" || k == "reason") {
				row.Private[k] = text
			} else {
				row.Fields[k] = v
			}
		}
		out = append(out, row)
	}
	return out, nil
}

func (l *ledger) of(typ string) []journal.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []journal.Entry
	for _, e := range l.entries {
		if e.Type == typ {
			out = append(out, e)
		}
	}
	return out
}

// world is what the fakes share: what is inspected, and who is there.
type world struct {
	mu      sync.Mutex
	says    map[int]probe.Result // by port
	block   chan struct{}        // closed to let blocked checks go; nil for none
	started chan int             // told of each run, when not nil
	runs    int
	found   []int // ports that discovery sees
	host    Asset
	other   map[string]Asset
	allowed map[string]bool
}

func (w *world) say(port int, s probe.State, reason probe.Reason, summary string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.says[port] = probe.Result{
		State: s, Reason: reason, Summary: summary,
		Perf: []probe.Perf{{Label: "time", Value: float64(port) / 1000, UOM: "s", Warn: "1", Crit: "3"}},
	}
}

// Run implements Runner.
func (w *world) Run(ctx context.Context, b probe.Builtin, t probe.Target) probe.Result {
	return b.Run(ctx, t)
}

func (w *world) Local(context.Context) (Asset, error) { return w.host, nil }

func (w *world) Asset(_ context.Context, id string) (Asset, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id == w.host.ID {
		return w.host, nil
	}
	if a, ok := w.other[id]; ok {
		return a, nil
	}
	return Asset{}, problem.Missing("asset", id)
}

func (w *world) Names(_ context.Context, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		if w.allowed[id] {
			out[id] = "工程师 " + id
		}
	}
	return out, nil
}

func (w *world) Allowed(_ context.Context, id, _, _, _ string) (bool, error) {
	return w.allowed[id], nil
}

func (w *world) probe(ctx context.Context, t probe.Target) probe.Result {
	w.mu.Lock()
	w.runs++
	block, started := w.block, w.started
	r, ok := w.says[t.Int("port")]
	w.mu.Unlock()
	if started != nil {
		select {
		case started <- t.Int("port"):
		case <-ctx.Done():
		}
	}
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return probe.Unknowable(probe.ReasonTimeout, "超时")
		}
	}
	if !ok {
		return probe.Result{State: probe.OK, Summary: "端口可连"}
	}
	n, _ := t.Memory.Get("runs")
	t.Memory.Set("runs", n+"x")
	return r
}

func (w *world) kinds() []probe.Builtin {
	port := probe.Param{Name: "port", Type: "int", Required: true, TitleZH: "端口", TitleEN: "Port"}
	return []probe.Builtin{
		{
			Kind: "test.port", Class: probe.Service, TitleZH: "端口", TitleEN: "Port",
			Params:     []probe.Param{port, {Name: "password", Type: "string", Secret: true, TitleZH: "口令", TitleEN: "Password"}},
			Thresholds: []probe.Threshold{{Metric: "time", Warn: "1", Crit: "3", Unit: "s"}},
			Verified:   "tested", Target: func(p map[string]any) string { return fmt.Sprintf("127.0.0.1:%v", p["port"]) },
			Run: w.probe,
			Discover: func(context.Context) []probe.Found {
				w.mu.Lock()
				defer w.mu.Unlock()
				var out []probe.Found
				for _, p := range w.found {
					out = append(out, probe.Found{Params: map[string]any{"port": p}, Why: "看到监听"})
				}
				return out
			},
		},
		{
			Kind: "test.question", Class: probe.Service, TitleZH: "单项", TitleEN: "Question", Verified: "tested", Overview: "test.port",
			Params: []probe.Param{port}, Target: func(p map[string]any) string { return fmt.Sprintf("127.0.0.1:%v", p["port"]) },
			Run: func(ctx context.Context, t probe.Target) probe.Result {
				if r := w.probe(ctx, t); r.State == probe.Critical {
					return probe.Unknowable(probe.ReasonDown, "未能查询："+r.Summary)
				}
				return probe.Result{Summary: "正常"}
			},
		},
		{
			Kind: "test.raid", Class: probe.Hardware, TitleZH: "磁盘阵列", TitleEN: "RAID", Verified: "samples",
			Run:      func(context.Context, probe.Target) probe.Result { return probe.NoSource("本机没有阵列") },
			Discover: func(context.Context) []probe.Found { return []probe.Found{{Params: map[string]any{}}} },
		},
	}
}

type bed struct {
	*Module
	t       *testing.T
	w       *world
	ledger  *ledger
	stepped *clock.Stepped
	db      *store.DB
}

func tables() []store.Migrations {
	return []store.Migrations{org.Migrations(), journal.Migrations(), Migrations()}
}

// each runs f on both engines.
func each(t *testing.T, f func(t *testing.T, b *bed)) {
	t.Helper()
	t.Parallel()
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			f(t, lay(t, d))
		})
	}
}

// lay opens a database and makes a module whose machine has three ports: 1, 2 and 3.
func lay(t *testing.T, d store.Dialect) *bed {
	t.Helper()
	c := &clock.Stepped{}
	db := storetest.Open(t, d, c, tables())
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Config{
		DB: db, Ring: ring, AreaPath: org.Region, Clock: c,
		Types: append(Types(), journal.Type{Name: "fleet.asset.changed", TitleZH: "资产已变更", TitleEN: "Asset changed"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		says: map[int]probe.Result{}, found: []int{1, 2, 3}, other: map[string]Asset{}, allowed: map[string]bool{"ann": true, "bob": true},
		host: Asset{ID: "host-1", Name: "tax-app-01", HostID: "host-1", AreaPath: "/45/4501/", SystemID: org.SystemPlatform, Active: true, Local: true},
	}
	b := &bed{t: t, w: w, ledger: &ledger{Journal: j}, stepped: c, db: db}
	b.Module = b.server(ring)
	return b
}

// server makes another module on the same database.
func (b *bed) server(ring Sealer) *Module {
	b.t.Helper()
	m, err := New(Deps{
		DB: b.db, Journal: b.ledger, Timeline: b.ledger, Ring: ring, Runner: b.w, Kinds: b.w.kinds(), Assets: b.w, People: b.w,
		Places: org.New(b.db), Clock: b.stepped, AssetChanges: []string{"fleet.asset.changed"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bed) ctx() context.Context { return b.t.Context() }

// round ticks once and waits for what it started.
func (b *bed) round() {
	b.t.Helper()
	if err := b.engine.try(b.ctx()); err != nil {
		b.t.Fatal(err)
	}
	b.engine.rounds.Wait()
}

// later ticks after the plan's interval has passed.
func (b *bed) later() {
	b.t.Helper()
	b.stepped.Step(defaultPlanInterval)
	b.round()
}

func all[T any](b *bed, order string) []T {
	b.t.Helper()
	var out []T
	if err := b.db.Read().NewSelect().Model(&out).OrderExpr(order).Scan(b.ctx()); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bed) rounds() []Round     { b.t.Helper(); return all[Round](b, "started_at, id") }
func (b *bed) findings() []Finding { b.t.Helper(); return all[Finding](b, "opened_at, id") }
func (b *bed) gaps() []Gap         { b.t.Helper(); return all[Gap](b, "noted_at, id") }

// results pages through the results as people do, the oldest first.
func (b *bed) results() []Result {
	b.t.Helper()
	var out []Result
	q := store.ListQuery{Sort: "ran_at", Limit: 7}
	for {
		page, err := b.Results(b.ctx(), store.Everything(), q)
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, page.Items...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return out
		}
	}
}

func (b *bed) plan() *Plan {
	b.t.Helper()
	plans := all[Plan](b, "created_at, id")
	if len(plans) == 0 {
		b.t.Fatal("no plan")
	}
	return &plans[0]
}

func (b *bed) check(target string) *Check {
	b.t.Helper()
	for _, c := range all[Check](b, "id") {
		if c.Target == target {
			return &c
		}
	}
	b.t.Fatalf("no check of %q", target)
	return nil
}

// sound fails when a finished round does not add up or a result counts twice.
func (b *bed) sound() {
	b.t.Helper()
	perRound := map[string]int64{}
	seen := map[string]bool{}
	for _, r := range b.results() {
		perRound[r.RoundID]++
		key := r.RoundID + r.CheckID
		if seen[key] {
			b.t.Errorf("check %s has two results in round %s", r.CheckID, r.RoundID)
		}
		seen[key] = true
		if sum, err := r.hash(); err != nil || sum != r.SHA256 {
			b.t.Errorf("hash of a stored result: %s, want %s (%v)", sum, r.SHA256, err)
		}
	}
	for _, r := range b.rounds() {
		if r.State != roundFinished {
			b.t.Errorf("round %s is %s", r.Number, r.State)
			continue
		}
		counted := r.OK + r.Warning + r.Critical + r.Unknown + r.NoSource
		if r.Planned != r.Ran+r.Missed || r.Ran != counted || r.Ran+r.Late != perRound[r.ID] {
			b.t.Errorf("round %s: planned %d, ran %d, missed %d, counted %d, results %d", r.Number, r.Planned, r.Ran, r.Missed, counted, perRound[r.ID])
		}
	}
	for _, it := range all[Item](b, "round_id, check_id") {
		if it.State != itemMissed || it.MissedReason == "" {
			b.t.Errorf("item of a finished round is %s %q", it.State, it.MissedReason)
		}
	}
}

// faulty makes writing fail while broken says so.
func (b *bed) faulty(broken func() error) {
	good := b.write
	b.write = func(ctx context.Context, f func(context.Context, *store.Tx) error) error {
		if err := broken(); err != nil {
			return err
		}
		return good(ctx, f)
	}
}

var errAway = problem.New(problem.DatabaseUnavailable, "away")

// queries remembers what is asked of a database.
type queries struct {
	mu    sync.Mutex
	asked []string
}

func (q *queries) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = append(q.asked, e.Query)
	return ctx
}

func (q *queries) AfterQuery(context.Context, *bun.QueryEvent) {}

func (q *queries) take() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.asked
	q.asked = nil
	return out
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// eventually polls until f holds; the test's own time limit ends a wait that would be for ever.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("never: %s", what)
		}
	}
}

func codeOf(err error) problem.Code {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func contains[T comparable](list []T, v T) bool { return slices.Contains(list, v) }

func nan() float64 { return math.NaN() }
