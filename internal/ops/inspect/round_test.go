package inspect

import (
	"context"
	"testing"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

func TestFirstStartInspectsEverything(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(2, probe.Warning, probe.ReasonThreshold, "响应慢")
		b.w.say(3, probe.Critical, "refused", "连接被拒绝")
		b.round()
		b.sound()

		p := b.plan()
		if p.Name != defaultPlanName || p.IntervalSeconds != 300 || len(p.Classes) != 6 {
			t.Errorf("default plan: %+v", p)
		}
		rounds := b.rounds()
		if len(rounds) != 1 {
			t.Fatalf("%d rounds", len(rounds))
		}
		r := rounds[0]
		if r.StartedHow != byStart || r.Planned != 4 || r.OK != 1 || r.Warning != 1 || r.Critical != 1 || r.NoSource != 1 || r.WorstState != "CRITICAL" {
			t.Errorf("round: %+v", r)
		}
		said := map[string]*Result{}
		for _, res := range b.results() {
			said[res.CheckID] = &res
		}
		leaves := leavesOf(said)
		if closing := b.ledger.of(TypeRoundFinished); len(closing) != 1 || closing[0].Fields["tree_root"] != treeRoot(leaves) || r.TreeRoot != treeRoot(leaves) {
			t.Errorf("closing row: %v", closing)
		}
		if f := b.findings(); len(f) != 2 {
			t.Errorf("%d findings; what has no source is none, what is good neither", len(f))
		}
		page, err := store.List[Check](b.ctx(), b.db.Read(), checkList(), store.Everything(), store.ListQuery{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, c := range page.Items {
			order = append(order, c.State+c.Reason)
		}
		if want := []string{"CRITICALrefused", "WARNINGthreshold", "UNKNOWNno_source", "OK"}; jsonOf(order) != jsonOf(want) {
			t.Errorf("red first: %v", order)
		}
		worst, err := b.WorstStates(b.ctx(), []string{"host-1", "host-2"})
		if err != nil || len(worst) != 1 || worst["host-1"] != "CRITICAL" {
			t.Errorf("worst: %v %v", worst, err)
		}
		if !b.plan().NextDueAt.After(b.stepped.Now()) {
			t.Error("the plan was not moved on")
		}
		b.round() // nothing is due
		if len(b.rounds()) != 1 {
			t.Error("a round too many")
		}
	})
}

func TestDiscoveryAddsOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		before := len(all[Check](b, "id"))
		// The service is stopped and another one appears: the first is still looked at.
		b.w.found = []int{2, 3, 4}
		if err := b.EnsureChecks(b.ctx(), b.w.host); err != nil {
			t.Fatal(err)
		}
		if after := len(all[Check](b, "id")); after != before+1 {
			t.Errorf("%d checks, then %d", before, after)
		}
		if added := b.ledger.of(TypeCheckAdded); len(added) != before+1 {
			t.Errorf("journal tells of %d checks", len(added))
		}
	})
}

func TestMemoryAndSinceAreKept(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(1, probe.OK, "", "可连")
		b.round()
		b.later()
		id := b.check("127.0.0.1:1").ID
		states, err := statesOf(b.ctx(), b.db.Read(), []string{id})
		if err != nil {
			t.Fatal(err)
		}
		s := states[id]
		if s.Memory["runs"] != "xx" {
			t.Errorf("memory after two runs: %v", s.Memory)
		}
		if !s.Since.Before(s.RanAt.Time) {
			t.Error("since moved although the check said the same")
		}
		b.w.say(1, probe.Critical, "refused", "拒绝")
		b.later()
		if states, err = statesOf(b.ctx(), b.db.Read(), []string{id}); err != nil || !states[id].Since.Equal(states[id].RanAt.Time) {
			t.Errorf("since did not move with the state: %+v %v", states[id], err)
		}
		// Trying does not remember, nor store.
		n := len(b.results())
		if _, r, err := b.TryCheck(b.ctx(), store.Everything(), id); err != nil || r.State != "CRITICAL" || r.ID != "" {
			t.Errorf("try: %+v %v", r, err)
		}
		if states, _ := statesOf(b.ctx(), b.db.Read(), []string{id}); len(b.results()) != n || states[id].Memory["runs"] != "xxx" {
			t.Error("trying a check left traces")
		}
	})
}

func TestRunNow(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		p := b.plan()
		r, err := b.RunNow(b.ctx(), store.Everything(), p.ID, "ann")
		if err != nil || r.StartedHow != byHand || r.StartedBy != "ann" || r.State != roundRunning {
			t.Fatalf("run now: %+v %v", r, err)
		}
		if _, err := b.RunNow(b.ctx(), store.Everything(), p.ID, "bob"); codeOf(err) != CodeAlreadyRunning {
			t.Errorf("second at the same time: %v", err)
		}
		if _, err := b.RunNow(b.ctx(), store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"}), p.ID, "bob"); codeOf(err) != "not_found" {
			t.Errorf("from another area: %v", err)
		}
		b.round()
		b.sound()
		if got := b.rounds()[1]; got.State != roundFinished || got.Ran != 4 {
			t.Errorf("round by hand: %+v", got)
		}
		if next := b.plan().NextDueAt; !next.Equal(p.NextDueAt.Time) {
			t.Error("a round by hand moved the schedule")
		}
	})
}

func TestRetiredAssetIsNotInspected(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		b.w.host.Active, b.w.host.AreaPath, b.w.host.Name = false, "/45/4502/", "moved"
		err := b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
			return b.followAsset(ctx, tx, journal.Row{Subject: journal.Subject{Kind: "fleet.asset", ID: "host-1"}})
		})
		if err != nil {
			t.Fatal(err)
		}
		c := b.check("127.0.0.1:1")
		if c.Retired != 1 || c.AreaPath != "/45/4502/" || c.AssetName != "moved" {
			t.Errorf("check did not follow its asset: %+v", c)
		}
		b.later()
		if r := b.rounds(); len(r) != 1 || b.plan().EmptySince.IsZero() {
			t.Errorf("a retired asset was inspected, or its plan does not say that it is empty: %+v", r)
		}
	})
}

// What said nothing new is forgotten by days, long before what did.
func TestOldResultsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		b.later() // plain ones of the first day
		b.stepped.Step(48 * time.Hour)
		b.w.say(1, probe.Critical, "refused", "拒绝")
		b.round()
		third := b.rounds()[2].StartedAt.Time
		n, err := b.forget(b.ctx(), third, b.rounds()[0].StartedAt.Time)
		if err != nil || n != 1 {
			t.Fatalf("forget plain results: %d %v", n, err)
		}
		if left := b.results(); len(left) != 4+4 {
			t.Errorf("%d results left, want the 4 that were first and the 4 of the last round", len(left))
		}
		if _, err := b.forget(b.ctx(), third, third); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.results() {
			if r.RanAt.Before(third) {
				t.Error("an old result is still there")
			}
		}
		if n, err := b.forget(b.ctx(), third, third); err != nil || n != 0 {
			t.Errorf("forget again: %d %v", n, err)
		}
	})
}
