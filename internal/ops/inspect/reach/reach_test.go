package reach_test

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/inspect/builtin"
	"taxops/internal/ops/inspect/builtin/remote"
	"taxops/internal/ops/inspect/builtin/remote/sshtest"
	"taxops/internal/ops/inspect/reach"
)

var _ builtin.Logins = (*reach.Module)(nil)

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

type nobody struct{}

func (nobody) Names(context.Context, []string) (map[string]string, error) { return nil, nil }

// adder counts what it is asked to add.
type adder struct{ asked []string }

func (a *adder) AddOver(_ context.Context, _ store.Scope, assetID, login string) (int, error) {
	a.asked = append(a.asked, assetID+" "+login)
	return 7, nil
}

type bench struct {
	*reach.Module
	journal *ledger
	adder   *adder
	dialled int
}

func setup(t *testing.T, db *store.DB) *bench {
	t.Helper()
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: reach.Types(), AreaPath: org.Region})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{journal: &ledger{Journal: j}, adder: &adder{}}
	b.Module, err = reach.New(reach.Deps{
		DB: db, Journal: b.journal, Ring: ring, People: nobody{}, Places: org.New(db), Checks: b.adder,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			b.dialled++
			return builtin.DialWithin(nil)(ctx, network, address)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func migrations() []store.Migrations {
	return []store.Migrations{org.Migrations(), journal.Migrations(), reach.Migrations()}
}

func text(s string) *string { return &s }
func number(n int) *int     { return &n }

func settings(port int) reach.Settings {
	return reach.Settings{Host: text("127.0.0.1"), Port: number(port), Account: text("taxops"), Password: text("secret")}
}

func (b *bench) add(t *testing.T, name string, s reach.Settings) reach.Login {
	t.Helper()
	l, err := b.Add(t.Context(), store.Everything(), name, org.Region, org.SystemPlatform, s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantCode(t *testing.T, err error, code problem.Code) {
	t.Helper()
	if problem.CodeOf(err) != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// TestALogin follows a login from its first day: an unknown key, an accepted one, a changed one, and
// what it takes to point it elsewhere.
func TestALogin(t *testing.T) {
	t.Parallel()
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b, all := setup(t, db), store.Everything()
		s := sshtest.New(t, sshtest.Options{Password: "secret"})
		l := b.add(t, "db01", settings(s.Port))
		if strings.Contains(string(l.Secrets), "secret") {
			t.Error("the password lies open")
		}
		first := remote.Fingerprint(s.HostKey)
		tried, err := b.Try(t.Context(), all, l.ID)
		if err != nil || tried.OK || tried.Reason != "host_key_new" || tried.Offered != first || s.Tried() != 0 {
			t.Fatalf("%+v, %v, %d sign-ins", tried, err, s.Tried())
		}
		_, err = b.AddChecks(t.Context(), all, l.ID, "asset")
		wantCode(t, err, problem.NotPossibleInState)
		_, err = b.Accept(t.Context(), all, l.ID, "SHA256:another", l.Version)
		wantCode(t, err, problem.Invalid)
		if l, err = b.Accept(t.Context(), all, l.ID, first, l.Version); err != nil || s.Tried() != 0 {
			t.Fatalf("%v, %d sign-ins", err, s.Tried())
		}
		if tried, err = b.Try(t.Context(), all, l.ID); err != nil || !tried.OK || tried.Pinned != first {
			t.Fatalf("%+v, %v", tried, err)
		}
		if n, err := b.AddChecks(t.Context(), all, l.ID, "asset"); n != 7 || err != nil || !slices.Equal(b.adder.asked, []string{"asset db01"}) {
			t.Errorf("%d, %v, %v", n, err, b.adder.asked)
		}
		way, err := b.Login(t.Context(), "db01")
		if err != nil || way.Password != "secret" || way.Pinned != s.HostKey {
			t.Errorf("%+v, %v", way, err)
		}

		// Another machine answers at this address, or the same one after it was installed anew.
		other := sshtest.New(t, sshtest.Options{Password: "secret"})
		_, err = b.Change(t.Context(), all, l.ID, reach.Settings{Port: number(other.Port)}, l.Version)
		wantCode(t, err, problem.Invalid) // the password was entered for the other address
		moved, err := b.Change(t.Context(), all, l.ID, reach.Settings{Port: number(other.Port), Password: text("secret")}, l.Version)
		if err != nil || moved.HostKey != "" {
			t.Fatalf("%v, key %q", err, moved.HostKey)
		}
		_, err = b.Change(t.Context(), all, l.ID, reach.Settings{Note: text("x")}, l.Version)
		wantCode(t, err, problem.Stale)
		noted, err := b.Change(t.Context(), all, l.ID, reach.Settings{Note: text("机房二层")}, moved.Version)
		if err != nil || noted.Note != "机房二层" {
			t.Fatal(err)
		}
		wantCode(t, b.Remove(t.Context(), all, l.ID, "no longer needed", moved.Version), problem.Stale)
		if err := b.Remove(t.Context(), all, l.ID, "no longer needed", noted.Version); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Login(t.Context(), "db01"); err == nil {
			t.Error("a removed login still signs in")
		}
		var types []string
		for _, e := range b.journal.entries {
			types = append(types, e.Type)
			for k, v := range e.Fields {
				if s, ok := v.(string); ok && strings.Contains(s, "secret") && k != "changes" {
					t.Errorf("the journal tells %s of %s", k, e.Type)
				}
			}
		}
		if want := []string{reach.TypeAdded, reach.TypeAccepted, reach.TypeChanged, reach.TypeChanged, reach.TypeRemoved}; !slices.Equal(types, want) {
			t.Errorf("%v, want %v", types, want)
		}
	})
}

func TestChangedKeyShowsBothFingerprints(t *testing.T) {
	t.Parallel()
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b, all := setup(t, db), store.Everything()
		s := sshtest.New(t, sshtest.Options{Password: "secret"})
		l := b.add(t, "db01", settings(s.Port))
		if _, err := b.Accept(t.Context(), all, l.ID, remote.Fingerprint(s.HostKey), l.Version); err != nil {
			t.Fatal(err)
		}
		other := sshtest.New(t, sshtest.Options{Password: "secret"})
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewUpdate().Table("reach_login").Set("port = ?", other.Port).Where("id = ?", l.ID).Exec(ctx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		tried, err := b.Try(t.Context(), all, l.ID)
		if err != nil || tried.Reason != "host_key_changed" || tried.Offered != remote.Fingerprint(other.HostKey) || tried.Pinned != remote.Fingerprint(s.HostKey) {
			t.Errorf("%+v, %v", tried, err)
		}
		if other.Tried() != 0 {
			t.Error("it was signed in to another host")
		}
	})
}

func TestJumps(t *testing.T) {
	t.Parallel()
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b, all := setup(t, db), store.Everything()
		outer := sshtest.New(t, sshtest.Options{Password: "secret", Forward: true})
		inner := sshtest.New(t, sshtest.Options{Password: "secret"})
		jump := b.add(t, "bastion", settings(outer.Port))
		through := settings(inner.Port)
		through.JumpID = &jump.ID
		l := b.add(t, "db01", through)
		_, err := b.Accept(t.Context(), all, l.ID, remote.Fingerprint(inner.HostKey), l.Version)
		wantCode(t, err, problem.NotPossibleInState) // first that of the jump
		if jump, err = b.Accept(t.Context(), all, jump.ID, remote.Fingerprint(outer.HostKey), jump.Version); err != nil {
			t.Fatal(err)
		}
		if l, err = b.Accept(t.Context(), all, l.ID, remote.Fingerprint(inner.HostKey), l.Version); err != nil {
			t.Fatal(err)
		}
		b.dialled = 0
		if tried, err := b.Try(t.Context(), all, l.ID); err != nil || !tried.OK || b.dialled != 1 {
			t.Errorf("%+v, %v, dialled %d times", tried, err, b.dialled)
		}
		_, err = b.Change(t.Context(), all, jump.ID, reach.Settings{JumpID: &l.ID, Password: text("secret")}, jump.Version)
		wantCode(t, err, problem.Invalid) // a circle
		wantCode(t, b.Remove(t.Context(), all, jump.ID, "old", jump.Version), problem.NotPossibleInState)
	})
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		b := setup(t, db)
		l := b.add(t, "db01", settings(22))
		for name, tt := range map[string]struct {
			login  string
			change func(*reach.Settings)
		}{
			"name": {"DB 01", func(*reach.Settings) {}}, "name taken": {"db01", func(*reach.Settings) {}}, "no host": {"a", func(s *reach.Settings) { s.Host = nil }},
			"host": {"a", func(s *reach.Settings) { s.Host = text("-oProxyCommand=x") }}, "account": {"a", func(s *reach.Settings) { s.Account = text("a b") }},
			"port": {"a", func(s *reach.Settings) { s.Port = number(70000) }}, "no secret": {"a", func(s *reach.Settings) { s.Password = nil }},
			"both": {"a", func(s *reach.Settings) { s.Key = text("x") }}, "key": {"a", func(s *reach.Settings) { s.Password, s.Key = nil, text("x") }},
			"jump": {"a", func(s *reach.Settings) { s.JumpID = text("nobody") }},
		} {
			s := settings(22)
			tt.change(&s)
			if _, err := b.Add(t.Context(), store.Everything(), tt.login, org.Region, org.SystemPlatform, s); problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		page, err := b.List(t.Context(), store.Everything(), store.ListQuery{Limit: 10, Filters: map[string]string{"q": "db"}})
		if err != nil || len(page.Items) != 1 || page.Items[0].Name != "db01" {
			t.Errorf("%+v, %v", page, err)
		}
		// Another's login does not exist for who may not see it.
		mine := store.NewScope(store.ScopeGrant{AreaPath: org.Region + "9999/", SystemID: ""})
		_, err = b.Try(t.Context(), mine, l.ID)
		wantCode(t, err, problem.NotFound)
		_, err = b.Change(t.Context(), mine, l.ID, reach.Settings{Note: text("x")}, l.Version)
		wantCode(t, err, problem.NotFound)
		if err := b.MayUse(t.Context(), "db01"); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("a caller without any scope may use it: %v", err)
		}
	})
}
