package approval_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
	"taxops/internal/kernel/approval"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// TestMain fails when a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type people struct{ mode string }

func (p *people) Names(context.Context, []string) (map[string]string, error) { return nil, nil }
func (p *people) Mode(context.Context) (string, error)                       { return p.mode, nil }

type bench struct {
	*approval.Service
	t      *testing.T
	db     *store.DB
	people *people
	refuse error
	mu     sync.Mutex
	done   []string // what was carried out, and "-" before what was dropped
}

func setup(t *testing.T, db *store.DB, mode string) *bench {
	t.Helper()
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: approval.Types(), AreaPath: org.Region})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, people: &people{mode: mode}}
	if b.Service, err = approval.New(approval.Config{DB: db, Journal: j, People: b.people}); err != nil {
		t.Fatal(err)
	}
	note := func(prefix string) func(context.Context, *store.Tx, approval.Request) error {
		return func(_ context.Context, tx *store.Tx, r approval.Request) error {
			if b.refuse != nil {
				return b.refuse
			}
			tx.AfterCommit(func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.done = append(b.done, prefix+r.SubjectID)
			})
			return nil
		}
	}
	if err := b.Declare(approval.Kind{Name: "test.thing", TitleZH: "事", TitleEN: "Thing", Execute: note(""), Drop: note("-")}); err != nil {
		t.Fatal(err)
	}
	if err := b.Declare(approval.Kind{Name: "test.thing", TitleZH: "事", TitleEN: "Thing", Execute: note("")}); err == nil {
		t.Error("one kind was declared twice")
	}
	return b
}

func (b *bench) as(who string) context.Context {
	return api.WithCaller(b.t.Context(), api.Caller{AccountID: who}, store.Everything())
}

func (b *bench) propose(who, thing, reason string) (approval.Request, error) {
	var r approval.Request
	err := b.db.Write(b.as(who), func(ctx context.Context, tx *store.Tx) (err error) {
		r, err = b.Propose(ctx, tx, approval.Proposal{
			Kind: "test.thing", SubjectKind: "thing", SubjectID: thing, TitleZH: "事", TitleEN: "Thing", Reason: reason, AreaPath: "/45/4501/",
		})
		return err
	})
	return r, err
}

func (b *bench) must(who, thing string) approval.Request {
	b.t.Helper()
	r, err := b.propose(who, thing, "由云平台方负责")
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func tables() []store.Migrations {
	return []store.Migrations{org.Migrations(), journal.Migrations(), approval.Migrations()}
}

func TestAnotherPersonDecidesOnce(t *testing.T) {
	storetest.Each(t, tables(), func(t *testing.T, db *store.DB) {
		b := setup(t, db, access.Production)
		all := store.Everything()
		r := b.must("ann", "a")
		if _, err := b.propose("bob", "a", "再来一次"); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("one thing waits for two decisions: %v", err)
		}
		if _, err := b.propose("bob", "b", "x"); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := b.Decide(b.as("ann"), all, r.ID, approval.Decision{Approve: true, Version: 1}); problem.CodeOf(err) != approval.CodeSecondPerson {
			t.Errorf("ann decided what she proposed: %v", err)
		}
		elsewhere := store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"})
		if _, err := b.Decide(b.as("bob"), elsewhere, r.ID, approval.Decision{Approve: true, Version: 1}); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("decided from another city: %v", err)
		}
		b.refuse = problem.New(problem.NotPossibleInState, "gone")
		if _, err := b.Decide(b.as("bob"), all, r.ID, approval.Decision{Approve: true, Version: 1}); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("what cannot be done was approved: %v", err)
		}
		b.refuse = nil
		// Several people at once: one decision, carried out once.
		var wg sync.WaitGroup
		var good, bad int
		var mu sync.Mutex
		for _, who := range []string{"bob", "cid", "dan"} {
			wg.Go(func() {
				_, err := b.Decide(b.as(who), all, r.ID, approval.Decision{Approve: true, Version: 1})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					good++
				} else if c := problem.CodeOf(err); c == problem.Stale || c == problem.NotPossibleInState {
					bad++
				}
			})
		}
		wg.Wait()
		if good != 1 || bad != 2 || strings.Join(b.done, " ") != "a" {
			t.Errorf("%d decisions, %d refused, done %v", good, bad, b.done)
		}
		// What was decided may be proposed again.
		again := b.must("ann", "a")
		got, err := b.Decide(b.as("bob"), all, again.ID, approval.Decision{Reason: "理由不足", Version: 1})
		if err != nil || got.State != approval.Declined || got.Alone != 0 || strings.Join(b.done, " ") != "a -a" {
			t.Errorf("%+v %v %v", got, err, b.done)
		}
		if _, err := b.Decide(b.as("bob"), all, again.ID, approval.Decision{Approve: true, Version: got.Version}); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("decided twice: %v", err)
		}
		back := b.must("ann", "c")
		if _, err := b.Withdraw(b.as("bob"), all, back.ID, "不是我的", 1); problem.CodeOf(err) != problem.Forbidden {
			t.Errorf("bob took back what ann proposed: %v", err)
		}
		if got, err := b.Withdraw(b.as("ann"), all, back.ID, "填错了", 1); err != nil || got.State != approval.Withdrawn {
			t.Errorf("%+v %v", got, err)
		}
	})
}

func TestOnTrialOnePersonMayDecideAndIsMarked(t *testing.T) {
	storetest.Each(t, tables(), func(t *testing.T, db *store.DB) {
		b := setup(t, db, "trial")
		r := b.must("ann", "a")
		got, err := b.Decide(b.as("ann"), store.Everything(), r.ID, approval.Decision{Approve: true, Version: 1})
		if err != nil || got.Alone != 1 || got.State != approval.Approved {
			t.Errorf("%+v %v", got, err)
		}
	})
}

func TestDecisionsMadeOutside(t *testing.T) {
	storetest.Each(t, tables(), func(t *testing.T, db *store.DB) {
		b := setup(t, db, access.Production)
		for i, c := range []struct {
			name  string
			d     approval.Decision
			field string // that is refused, "" for none
		}{
			{"here", approval.Decision{Approve: true}, ""},
			{"here, with a document", approval.Decision{Approve: true, OutsideNumber: "桂税函〔2026〕1号"}, "body.how"},
			{"declined without a reason", approval.Decision{}, "body.reason"},
			{"a document without number", approval.Decision{Approve: true, How: approval.Document, OutsideWho: "李处", OutsideOn: "2026-11-20"}, "body.outside_number"},
			{"a document", approval.Decision{Approve: true, How: approval.Document, OutsideNumber: "桂税函〔2026〕1号", OutsideWho: "李处", OutsideOn: "2020-11-20"}, ""},
			{"paper without who", approval.Decision{Approve: true, How: approval.Paper, OutsideOn: "2020-11-20"}, "body.outside_who"},
			{"paper of no day", approval.Decision{Approve: true, How: approval.Paper, OutsideWho: "李处", OutsideOn: "昨天"}, "body.outside_on"},
			{"paper of tomorrow", approval.Decision{Approve: true, How: approval.Paper, OutsideWho: "李处", OutsideOn: "2999-01-01"}, "body.outside_on"},
			{"paper", approval.Decision{Approve: true, How: approval.Paper, OutsideWho: "李处", OutsideOn: "2020-01-01"}, ""},
			{"a dream", approval.Decision{Approve: true, How: "dream"}, "body.how"},
		} {
			r := b.must("ann", string(rune('a'+i)))
			c.d.Version = 1
			got, err := b.Decide(b.as("bob"), store.Everything(), r.ID, c.d)
			switch {
			case c.field == "" && (err != nil || got.How == ""):
				t.Errorf("%s: %+v %v", c.name, got, err)
			case c.field != "" && (problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), c.field)):
				t.Errorf("%s: %v, want %s", c.name, err, c.field)
			}
		}
	})
}

func TestMachineIsSound(t *testing.T) {
	m := approval.Machines()[0]
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	for _, s := range m.States() {
		for _, e := range m.Events() {
			if _, err := m.Next(s, e); (err == nil) != (s == approval.Proposed) {
				t.Errorf("%s on %s: %v", e, s, err)
			}
		}
	}
}
