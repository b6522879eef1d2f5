package inspect

import (
	"context"
	"testing"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/approval"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// desk is where proposals are laid; the test decides.
type desk struct{ asked []approval.Request }

func (d *desk) Propose(_ context.Context, _ *store.Tx, p approval.Proposal) (approval.Request, error) {
	id, err := newID()
	r := approval.Request{ID: id, Number: "APR-1", Kind: p.Kind, SubjectID: p.SubjectID, TitleZH: p.TitleZH}
	d.asked = append(d.asked, r)
	return r, err
}

// decide does what follows from a decision on the last proposal.
func (b *bed) decide(d *desk, approve bool) error {
	b.t.Helper()
	k := b.Matters()[0]
	f := k.Drop
	if approve {
		f = k.Execute
	}
	return b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error { return f(ctx, tx, d.asked[len(d.asked)-1]) })
}

func (b *bed) checkOn(port int) *Check {
	b.t.Helper()
	var all []*Check
	if err := b.db.Read().NewSelect().Model(&all).Where("kind = 'test.port'").Scan(b.ctx()); err != nil {
		b.t.Fatal(err)
	}
	for _, c := range all {
		if c.Params["port"] == float64(port) {
			return c
		}
	}
	b.t.Fatalf("no check of port %d", port)
	return nil
}

func (b *bed) last() Round {
	b.t.Helper()
	page, err := store.List[Round](b.ctx(), b.db.Read(), roundList(), store.Everything(), store.ListQuery{Limit: 1}, nil)
	if err != nil || len(page.Items) == 0 {
		b.t.Fatal(err)
	}
	return page.Items[0]
}

func TestNotApplicable(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		d := &desk{}
		b.approvals = d
		all := store.Everything()
		ctx := api.WithCaller(b.ctx(), api.Caller{AccountID: "ann"}, all)
		b.w.say(1, probe.Critical, "", "拒绝连接")
		b.round()
		if r := b.last(); r.Planned != 4 || r.Critical != 1 {
			t.Fatalf("%+v", r)
		}
		bad := b.checkOn(1)
		propose := func(n NewExemption) (Exemption, error) {
			n.CheckID = bad.ID
			return b.ProposeExemption(ctx, all, n)
		}
		for name, n := range map[string]NewExemption{
			"no reason": {Reason: "x"}, "no day": {Reason: "由云平台方负责", Until: "明年"}, "a day that is over": {Reason: "由云平台方负责", Until: "2020-01-01"},
		} {
			if _, err := propose(n); problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		until := b.stepped.Now().Add(48 * time.Hour)
		e, err := propose(NewExemption{Reason: "由云平台方负责", Until: store.Day(until)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := propose(NewExemption{Reason: "再提一次"}); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("proposed twice: %v", err)
		}
		// Until somebody decides it is inspected as before, and marked.
		b.stepped.Step(5 * time.Minute)
		b.round()
		if r, c := b.last(), b.checkOn(1); r.Planned != 4 || c.Exemption != maybeExempted || c.Rank != rankCritical {
			t.Errorf("planned %d, %+v", r.Planned, c)
		}
		if err := b.decide(d, true); err != nil {
			t.Fatal(err)
		}
		if err := b.decide(d, true); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("carried out twice: %v", err)
		}
		if len(b.ledger.of(TypeFindingWaived)) != 1 || len(b.ledger.of(TypeExemptionGranted)) != 1 {
			t.Error("the finding that nothing will close any more is not closed")
		}
		b.stepped.Step(5 * time.Minute)
		b.round()
		if r, c := b.last(), b.checkOn(1); r.Planned != 3 || r.Critical != 0 || c.Exemption != exempted || c.Rank != rankExempted {
			t.Errorf("still in the totals: %+v, %+v", r, c)
		}
		if worst, err := b.WorstStates(b.ctx(), []string{bad.AssetID}); err != nil || worst[bad.AssetID] != "OK" {
			t.Errorf("worst %v %v", worst, err)
		}
		// Its last day over, it is inspected again.
		b.stepped.Step(until.Add(24 * time.Hour).Sub(b.stepped.Now()))
		for range 2 {
			if err := b.EndOverdue(b.ctx()); err != nil {
				t.Fatal(err)
			}
		}
		if c := b.checkOn(1); c.Exemption != applies || c.Rank != rankCritical || len(b.ledger.of(TypeExemptionEnded)) != 1 {
			t.Errorf("%+v", c)
		}
		if _, err := b.EndExemption(ctx, all, e.ID, "再来", 3); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("ended twice: %v", err)
		}
		// All of the kind, those still to come included; a person ends it.
		whole, err := propose(NewExemption{Reason: "端口由云平台方负责", WholeKind: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.decide(d, true); err != nil {
			t.Fatal(err)
		}
		late, err := b.AddCheck(ctx, all, NewCheck{AssetID: bad.AssetID, Kind: "test.port", Params: map[string]any{"port": 9}})
		if err != nil || late.Exemption != exempted || b.checkOn(2).Exemption != exempted {
			t.Errorf("%+v %v", late, err)
		}
		if _, err := b.EndExemption(ctx, all, whole.ID, "移交回本方", 2); err != nil || b.checkOn(9).Exemption != applies {
			t.Errorf("%v, %s", err, b.checkOn(9).Exemption)
		}
		// Declined: as if nothing had been asked.
		if _, err := propose(NewExemption{Reason: "不想看到它"}); err != nil {
			t.Fatal(err)
		}
		if err := b.decide(d, false); err != nil || b.checkOn(1).Exemption != applies {
			t.Errorf("%v, %s", err, b.checkOn(1).Exemption)
		}
	})
}
