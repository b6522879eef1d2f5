package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/fleet"
)

// ledger is the real journal, and remembers what was committed.
type ledger struct {
	*journal.Journal
	mu      sync.Mutex
	entries []journal.Entry
}

func (l *ledger) Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error) {
	id, err := l.Journal.Append(ctx, tx, e)
	if err == nil {
		tx.AfterCommit(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.entries = append(l.entries, e)
		})
	}
	return id, err
}

func (l *ledger) types() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, e := range l.entries {
		out = append(out, e.Type)
	}
	return out
}

type bench struct {
	db      *store.DB
	journal *ledger
	fleet   *fleet.Module
	root    string
}

func migrations() []store.Migrations {
	return []store.Migrations{org.Migrations(), journal.Migrations(), fleet.Migrations()}
}

func setup(t *testing.T, db *store.DB) *bench {
	t.Helper()
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: fleet.Types(), AreaPath: org.Region})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{db: db, journal: &ledger{Journal: j}, root: t.TempDir()}
	b.write(t, "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	b.write(t, "etc/os-release", "NAME=Kylin\nPRETTY_NAME=\"Kylin Linux Advanced Server V10\"\n")
	b.write(t, "proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n")
	b.write(t, "proc/sys/kernel/osrelease", "4.19.90-52\n")
	b.fleet = b.module(t)
	return b
}

func (b *bench) module(t *testing.T) *fleet.Module {
	t.Helper()
	m, err := fleet.New(fleet.Deps{
		DB: b.db, Journal: b.journal, Places: org.New(b.db),
		Machine: fleet.Machine{Root: b.root, Hostname: "tax-app-01"}, Timeline: b.journal, People: nobody{},
		Worst: func(_ context.Context, ids []string) (map[string]string, error) {
			return map[string]string{ids[0]: "WARNING"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// nobody has a name here.
type nobody struct{}

func (nobody) Names(context.Context, []string) (map[string]string, error) {
	return map[string]string{}, nil
}

func (b *bench) write(t *testing.T, name, text string) {
	t.Helper()
	p := filepath.Join(b.root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLocalHostRegistersOnce(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b := setup(t, db)
		ctx := t.Context()
		var wg sync.WaitGroup
		ids := make([]string, 6)
		for i := range ids {
			m := b.module(t) // another server on this machine
			wg.Go(func() {
				a, err := m.EnsureLocalHost(ctx)
				if err != nil {
					t.Error(err)
				}
				ids[i] = a.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Fatalf("one machine became several assets: %v", ids)
			}
		}
		a, err := b.fleet.Get(ctx, store.Everything(), ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if a.Facts.OS != "Kylin Linux Advanced Server V10" || a.Facts.MemoryBytes != 16<<20 || a.Facts.Kernel != "4.19.90-52" || a.Facts.Agent != "local" {
			t.Errorf("facts: %+v", a.Facts)
		}
		if a.Kind != fleet.Host || a.SystemID != org.SystemPlatform || a.AreaPath != org.Region || a.State != fleet.Active {
			t.Errorf("asset: %+v", a)
		}
		b.write(t, "proc/sys/kernel/osrelease", "4.19.90-53\n")
		for range 2 {
			if a, err = b.fleet.EnsureLocalHost(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if a.Facts.Kernel != "4.19.90-53" || a.Version != 2 {
			t.Errorf("facts not refreshed once: %+v version %d", a.Facts, a.Version)
		}
		got := b.journal.types()
		if len(got) != 2 || got[0] != fleet.TypeRegistered || got[1] != fleet.TypeChanged {
			t.Errorf("journal: %v", got)
		}
	})
}

func TestUpdateAndRetire(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b := setup(t, db)
		ctx := t.Context()
		all := store.Everything()
		host, err := b.fleet.EnsureLocalHost(ctx)
		if err != nil {
			t.Fatal(err)
		}
		name, nanning, nowhere := "认证平台 1 号", "/45/4501/", "/99/"
		got, err := b.fleet.Update(ctx, all, host.ID, fleet.Change{Name: &name, AreaPath: &nanning, Version: host.Version})
		if err != nil || got.Name != name || got.AreaPath != nanning || got.Version != host.Version+1 {
			t.Fatalf("update: %+v %v", got, err)
		}
		if _, err := b.fleet.Update(ctx, all, host.ID, fleet.Change{Name: &host.Name, Version: host.Version}); problem.CodeOf(err) != problem.Stale {
			t.Errorf("an old version was taken: %v", err)
		}
		if _, err := b.fleet.Update(ctx, all, host.ID, fleet.Change{AreaPath: &nowhere, Version: got.Version}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("an unknown area was taken: %v", err)
		}
		region := org.Region
		city := store.NewScope(store.ScopeGrant{AreaPath: nanning})
		if _, err := b.fleet.Update(ctx, city, host.ID, fleet.Change{AreaPath: &region, Version: got.Version}); problem.CodeOf(err) != problem.Forbidden {
			t.Errorf("moved to where the caller may not: %v", err)
		}
		if _, err := b.fleet.Get(ctx, store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"}), host.ID); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("seen from another city: %v", err)
		}

		db1, err := b.fleet.Register(ctx, all, fleet.NewAsset{Kind: fleet.Component, Name: "oracle", ParentID: host.ID, AreaPath: nanning, SystemID: org.SystemIdentity})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.fleet.Retire(ctx, all, host.ID, "换代", got.Version); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("a host with components was retired: %v", err)
		}
		if db1, err = b.fleet.Retire(ctx, all, db1.ID, "迁移到新库", db1.Version); err != nil || db1.State != fleet.Retired {
			t.Fatalf("retire: %+v %v", db1, err)
		}
		if _, err := b.fleet.Retire(ctx, all, db1.ID, "再来一次", db1.Version); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("retired twice: %v", err)
		}
		if _, err := b.fleet.Register(ctx, all, fleet.NewAsset{Kind: fleet.Component, Name: "x", ParentID: db1.ID, AreaPath: nanning, SystemID: org.SystemIdentity}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("a component on a component: %v", err)
		}
	})
}

func TestMachinesAreSound(t *testing.T) {
	for _, m := range fleet.Machines() {
		if err := m.Validate(); err != nil {
			t.Error(err)
		}
		for _, s := range m.States() {
			for _, e := range m.Events() {
				_, err := m.Next(s, e)
				if allowed := s == fleet.Active || s == fleet.Proposed || s == fleet.Declined && e == "accept"; allowed != (err == nil) {
					t.Errorf("%s on %s: %v", e, s, err)
				}
			}
		}
		if first := m.States()[0]; first != fleet.Active && first != fleet.Proposed {
			t.Errorf("begins %s", first)
		}
	}
}

// guard lets everybody in with one scope and remembers what was asked for.
type guard struct {
	scope store.Scope
	asked []string
}

func (g *guard) Identify(ctx context.Context, _ api.SignedRequest) (context.Context, api.Caller, error) {
	return ctx, api.Caller{AccountID: "a1", DisplayName: "值班员"}, nil
}

func (g *guard) Authorize(_ context.Context, _ api.Caller, n api.Need) (store.Scope, error) {
	g.asked = append(g.asked, n.Permission)
	return g.scope, nil
}

func TestOperations(t *testing.T) {
	db := storetest.Open(t, store.SQLite, clock.System{}, migrations())
	b := setup(t, db)
	host, err := b.fleet.EnsureLocalHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{scope: store.NewScope(store.ScopeGrant{AreaPath: org.Region})}
	r := api.NewRouter(api.Config{Guard: g, DB: db})
	b.fleet.Routes(r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	call := func(method, path string, body any, want int) map[string]any {
		t.Helper()
		raw := []byte{}
		if body != nil {
			raw, _ = json.Marshal(body)
		}
		req := httptest.NewRequestWithContext(t.Context(), method, api.Prefix+path, bytes.NewReader(raw))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		r.Mux().ServeHTTP(rec, req)
		if rec.Code != want {
			t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
		var out map[string]any
		_ = json.Unmarshal(rec.Body.Bytes(), &out)
		return out
	}
	made := call(http.MethodPost, "/fleet/assets", map[string]any{
		"kind": "component", "name": "PostgreSQL", "parent_id": host.ID, "area_path": "/45/4501/",
		"system_id": org.SystemSeal, "labels": map[string]string{"tier": "db"},
	}, http.StatusCreated)
	id := made["id"].(string)
	for q, want := range map[string]float64{
		"": 2, "?kind=component": 1, "?area_path=/45/4501/": 1, "?system_id=" + org.SystemPlatform: 1,
		"?state=retired": 0, "?state=active": 2, "?q=postgres": 1, "?q=tax-app": 1, "?sort=-created_at&limit=1": 2,
	} {
		if got := call(http.MethodGet, "/fleet/assets"+q, nil, http.StatusOK); got["total"] != want {
			t.Errorf("%s: total %v, want %v", q, got["total"], want)
		}
	}
	call(http.MethodGet, "/fleet/assets?kind=printer", nil, http.StatusUnprocessableEntity)
	if got := call(http.MethodGet, "/fleet/assets/"+id, nil, http.StatusOK); got["worst_state"] != "WARNING" || got["state"] != "active" {
		t.Errorf("get: %v", got)
	}
	call(http.MethodGet, "/fleet/assets/none", nil, http.StatusNotFound)
	if got := call(http.MethodPatch, "/fleet/assets/"+id, map[string]any{"name": "PG 主库", "version": 1}, http.StatusOK); got["version"] != 2.0 {
		t.Errorf("patch: %v", got)
	}
	call(http.MethodPatch, "/fleet/assets/"+id, map[string]any{"name": "x", "version": 1}, http.StatusConflict)
	if got := call(http.MethodPost, "/fleet/assets/"+id+"/retire", map[string]any{"reason": "迁移", "version": 2}, http.StatusOK); got["state"] != "retired" {
		t.Errorf("retire: %v", got)
	}
	for _, p := range g.asked {
		if p != fleet.PermissionRead && p != fleet.PermissionManage {
			t.Errorf("asked for %q", p)
		}
	}
}
