package parallel

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

type register struct {
	mu     sync.Mutex
	assets []Asset
}

func (r *register) Called(_ context.Context, _ []string) ([]Asset, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.assets), nil
}

func (r *register) Asset(_ context.Context, id string) (Asset, bool, error) {
	for _, a := range r.assets {
		if a.ID == id {
			return a, true, nil
		}
	}
	return Asset{}, false, nil
}

func (r *register) Roots(_ context.Context, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		out[id] = id
	}
	return out, nil
}

type findings []Seen

func (f findings) OpenedBetween(_ context.Context, scope store.Scope, s Span, _ int) ([]Seen, error) {
	var out []Seen
	for _, o := range f {
		if scope.Covers(o.AreaPath, o.SystemID) && s.holds(o.OpenedAt) {
			out = append(out, o)
		}
	}
	return out, nil
}

func (f findings) Opened(_ context.Context, scope store.Scope, id string) (Seen, bool, error) {
	for _, o := range f {
		if o.ID == id && scope.Covers(o.AreaPath, o.SystemID) {
			return o, true, nil
		}
	}
	return Seen{}, false, nil
}

func (f findings) Checked(_ context.Context, ids []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}

type nobody struct{}

func (nobody) Names(context.Context, []string) (map[string]string, error) { return nil, nil }

type bed struct {
	*Module
	assets *register
	ctx    context.Context
}

func each(t *testing.T, f func(t *testing.T, b *bed)) {
	t.Helper()
	storetest.Each(t, []store.Migrations{org.Migrations(), journal.Migrations(), Migrations()}, func(t *testing.T, db *store.DB) {
		ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
		if err != nil {
			t.Fatal(err)
		}
		j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: Types(), AreaPath: org.Region})
		if err != nil {
			t.Fatal(err)
		}
		b := &bed{assets: &register{assets: []Asset{{ID: "a1", Name: "应用 01", Address: "10.45.1.11", AreaPath: "/45/4501/", SystemID: org.SystemPlatform}}}}
		b.ctx = api.WithCaller(t.Context(), api.Caller{AccountID: "me"}, store.Everything())
		b.Module, err = New(Deps{
			DB: db, Journal: j, People: nobody{}, Places: org.New(db), Assets: b.assets,
			Findings: findings{{ID: "f1", Number: "FND-1", AssetID: "a1", Title: "磁盘", OpenedAt: time.Now().Add(-50 * time.Minute), AreaPath: "/45/4501/", SystemID: org.SystemPlatform}},
			Clock:    clock.System{},
		})
		if err != nil {
			t.Fatal(err)
		}
		f(t, b)
	})
}

func (b *bed) source(t *testing.T) (Source, string) {
	t.Helper()
	s, token, err := b.AddSource(b.ctx, store.Everything(), "老 Zabbix", "/45/", org.SystemPlatform)
	if err != nil {
		t.Fatal(err)
	}
	return s, token
}

func (b *bed) rows(t *testing.T, typ string) int {
	t.Helper()
	n := 0
	for _, table := range []string{"journal_chain", "journal_pending"} {
		var some int
		if err := b.db.Read().NewSelect().Table(table).ColumnExpr("count(*)").Where("type = ?", typ).Scan(t.Context(), &some); err == nil {
			n += some
		}
	}
	return n
}

func report(event string, minutes int) Report {
	return Report{
		EventID: event, Status: Began, Host: "app-01", HostName: "应用 01", Address: "10.45.1.11", Trigger: "磁盘将满", Severity: 4,
		StartedAt: time.Now().Add(time.Duration(minutes) * time.Minute),
	}
}

// TestReceivedOnce: the same report many times at once, its end before its beginning: one problem.
func TestReceivedOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		_, token := b.source(t)
		r := report("7001", -60)
		var wg sync.WaitGroup
		errs := make(chan error, 8)
		for range 8 {
			wg.Go(func() {
				_, err := b.Receive(b.ctx, token, "10.0.0.1", r)
				errs <- err
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		ended := r
		ended.Status, ended.RecoveredAt = Recovered, time.Now().Add(-30*time.Minute)
		for range 2 {
			p, err := b.Receive(b.ctx, token, "10.0.0.1", ended)
			if err != nil || p.RecoveredAt.IsZero() || p.AssetID != "a1" || p.MatchedBy != ByAddress || p.AreaPath != "/45/4501/" {
				t.Errorf("%+v, %v", p, err)
			}
		}
		early := report("7002", -20) // the end arrives first, then the beginning
		early.Status, early.RecoveredAt = Recovered, time.Now().Add(-10*time.Minute)
		if _, err := b.Receive(b.ctx, token, "10.0.0.1", early); err != nil {
			t.Fatal(err)
		}
		if p, err := b.Receive(b.ctx, token, "10.0.0.1", report("7002", -20)); err != nil || p.RecoveredAt.IsZero() {
			t.Errorf("%+v, %v", p, err)
		}
		page, err := b.Problems(b.ctx, store.Everything(), store.ListQuery{})
		if err != nil || page.Total != 2 {
			t.Errorf("%d problems, %v", page.Total, err)
		}
		if began, ended := b.rows(t, TypeBegan), b.rows(t, TypeRecovered); began != 2 || ended != 2 {
			t.Errorf("%d rows of a beginning, %d of an end, want 2 and 2", began, ended)
		}
	})
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		s, token := b.source(t)
		if s.TokenHash == token || strings.Contains(s.TokenHash, token) {
			t.Error("the token itself is kept")
		}
		for _, wrong := range []string{"", "zbx-nope", s.TokenHash} {
			if _, err := b.Receive(b.ctx, wrong, "10.0.0.9", report("1", 0)); problem.CodeOf(err) != problem.Unauthenticated {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		var last error
		for range badBurst + 5 {
			_, last = b.Receive(b.ctx, "guess", "10.0.0.8", report("1", 0))
		}
		if problem.CodeOf(last) != problem.RateLimited {
			t.Errorf("guessing goes on: %v", last)
		}
		if _, err := b.RevokeSource(b.ctx, store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"}), s.ID, "不再使用", s.Version); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("another area's source: %v", err)
		}
		if _, err := b.RevokeSource(b.ctx, store.Everything(), s.ID, "不再使用", s.Version); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Receive(b.ctx, token, "10.0.0.1", report("1", 0)); problem.CodeOf(err) != problem.Unauthenticated {
			t.Errorf("a revoked token: %v", err)
		}
		if _, err := b.RevokeSource(b.ctx, store.Everything(), s.ID, "不再使用", s.Version+1); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("revoked twice: %v", err)
		}
		page, err := b.Problems(b.ctx, store.Everything(), store.ListQuery{})
		if err != nil || page.Total != 0 {
			t.Errorf("%d problems, %v", page.Total, err)
		}
	})
}

// TestLaterAsset: a problem of a host that is registered later belongs to it from then on.
func TestLaterAsset(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		_, token := b.source(t)
		r := report("7001", -60)
		r.Address, r.Host, r.HostName = "10.45.1.99", "DB-09", ""
		p, err := b.Receive(b.ctx, token, "10.0.0.1", r)
		if err != nil || p.AssetID != "" || p.MatchedBy != Unknown || p.AreaPath != "/45/" {
			t.Fatalf("%+v, %v", p, err)
		}
		b.assets.assets = append(b.assets.assets, Asset{ID: "a2", Name: "库 09", Hostname: "db-09", AreaPath: "/45/4502/", SystemID: org.SystemPlatform})
		follow := func() error {
			return b.db.Write(b.ctx, func(ctx context.Context, tx *store.Tx) error {
				return b.followAsset(ctx, tx, journal.Row{Subject: journal.Subject{Kind: "fleet.asset", ID: "a2"}})
			})
		}
		for range 2 {
			if err := follow(); err != nil {
				t.Fatal(err)
			}
		}
		page, err := b.Problems(b.ctx, store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"}), store.ListQuery{Filters: map[string]string{"asset_id": "a2"}})
		if err != nil || page.Total != 1 || page.Items[0].MatchedBy != ByHostname {
			t.Errorf("%+v, %v", page, err)
		}
		if n := b.rows(t, TypeMatched); n != 1 {
			t.Errorf("%d rows of a match", n)
		}
	})
}

func TestCompareAndExplain(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		_, token := b.source(t)
		for event, minutes := range map[string]int{"1": -55, "2": -600} {
			if _, err := b.Receive(b.ctx, token, "10.0.0.1", report(event, minutes)); err != nil {
				t.Fatal(err)
			}
		}
		span := Span{From: time.Now().Add(-24 * time.Hour), To: time.Now(), Tolerance: DefaultTolerance}
		rows, sums, err := b.Compare(b.ctx, store.Everything(), span, Filter{Side: "differences"})
		if err != nil || len(rows) != 1 || rows[0].Problem.EventID != "2" || sums.Both != 1 || sums.TheyFirst != 1 || sums.Open != 1 {
			t.Fatalf("%+v %+v %v", rows, sums, err)
		}
		elsewhere := store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"})
		if rows, sums, err := b.Compare(b.ctx, elsewhere, span, Filter{}); err != nil || len(rows) != 0 || sums.Problems != 0 {
			t.Errorf("another area sees %+v %+v %v", rows, sums, err)
		}
		if err := b.Explain(b.ctx, elsewhere, rows[0].Key, Known, "正在换盘"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("another area explains: %v", err)
		}
		for _, key := range []string{"problem:nothing", "finding:nothing", "nothing", "other:f1"} {
			if err := b.Explain(b.ctx, store.Everything(), key, Known, "不存在"); problem.CodeOf(err) != problem.NotFound {
				t.Errorf("%s: %v", key, err)
			}
		}
		for _, verdict := range []string{Known, Accepted} {
			if err := b.Explain(b.ctx, store.Everything(), rows[0].Key, verdict, "正在换盘"); err != nil {
				t.Fatal(err)
			}
		}
		rows, sums, err = b.Compare(b.ctx, store.Everything(), span, Filter{Verdict: Accepted})
		if err != nil || len(rows) != 1 || sums.Open != 0 || rows[0].Verdict.SaidBy != "me" {
			t.Fatalf("%+v %+v %v", rows, sums, err)
		}
		for range 2 {
			if err := b.Explain(b.ctx, store.Everything(), rows[0].Key, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		if _, sums, _ = b.Compare(b.ctx, store.Everything(), span, Filter{}); sums.Open != 1 || b.rows(t, TypeWithdrawn) != 1 || b.rows(t, TypeExplained) != 2 {
			t.Errorf("%+v, %d withdrawn, %d explained", sums, b.rows(t, TypeWithdrawn), b.rows(t, TypeExplained))
		}
		for _, bad := range []Span{{From: time.Now(), To: time.Now().Add(-time.Hour)}, {From: time.Now().AddDate(0, -2, 0), To: time.Now()}, {From: time.Now().Add(-1), To: time.Now(), Tolerance: -1}} {
			if _, _, err := b.Compare(b.ctx, store.Everything(), bad, Filter{}); problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}
