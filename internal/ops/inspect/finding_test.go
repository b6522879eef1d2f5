package inspect

import (
	"testing"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

func TestFindingMachine(t *testing.T) {
	m := findingMachine()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	allowed := map[state.State][]state.Event{
		Open: {assign, recovered, waived}, Assigned: {assign, repair, postpone, recovered, waived}, Repaired: {assign, recur, recovered, waived}, Closed: nil,
	}
	for _, s := range m.States() {
		for _, e := range m.Events() {
			_, err := m.Next(s, e)
			if want := contains(allowed[s], e); want != (err == nil) {
				t.Errorf("%s on %s: %v", e, s, err)
			}
		}
	}
}

// TestServiceStopsAndComesBack walks the line that everything is for: a service stops, the finding
// opens, a person repairs it, and only a good result closes it.
func TestServiceStopsAndComesBack(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		all := store.Everything()
		b.round()
		if len(b.findings()) != 0 {
			t.Fatal("a finding while all is well")
		}
		b.w.say(1, probe.Warning, probe.ReasonThreshold, "响应慢")
		b.later()
		f := b.findings()[0]
		if f.State != Open || f.Severity != severityWarning || f.Title != "端口 127.0.0.1:1" || f.SeenCount != 1 {
			t.Fatalf("opened: %+v", f)
		}

		b.w.say(1, probe.Critical, "refused", "连接被拒绝")
		b.later()
		f = b.findings()[0]
		if f.Severity != severityCritical || f.SeenCount != 2 || f.Summary != "连接被拒绝" {
			t.Errorf("worsened: %+v", f)
		}
		b.w.say(1, probe.Warning, probe.ReasonThreshold, "响应慢")
		b.later()
		if f = b.findings()[0]; f.Severity != severityCritical {
			t.Error("the severity is the gravest it has been")
		}

		if _, err := b.RepairFinding(b.ctx(), all, f.ID, "重启服务", f.Version); codeOf(err) != "not_possible_in_state" {
			t.Errorf("repaired while nobody had it: %v", err)
		}
		if _, err := b.AssignFinding(b.ctx(), all, f.ID, Assignment{AccountID: "eve", Version: f.Version}); codeOf(err) != "invalid" {
			t.Errorf("assigned to somebody who may not: %v", err)
		}
		if _, err := b.AssignFinding(b.ctx(), all, f.ID, Assignment{AccountID: "ann", Version: f.Version - 1}); codeOf(err) != "stale" {
			t.Errorf("assigned on an old version: %v", err)
		}
		if _, err := b.AssignFinding(b.ctx(), all, f.ID, Assignment{AccountID: "ann", DueAt: b.stepped.Now().Add(-time.Hour), Version: f.Version}); codeOf(err) != "invalid" {
			t.Errorf("due in the past: %v", err)
		}
		got, err := b.AssignFinding(b.ctx(), all, f.ID, Assignment{AccountID: "ann", Note: "请尽快", Version: f.Version})
		if err != nil || got.State != Assigned || got.AssigneeID != "ann" {
			t.Fatalf("assign: %+v %v", got, err)
		}
		if left := got.DueAt.Sub(b.stepped.Now()); left < 3*time.Hour || left > 4*time.Hour {
			t.Errorf("due in %v; critical findings have four hours", left)
		}
		if got, err = b.RepairFinding(b.ctx(), all, f.ID, "重启服务", got.Version); err != nil || got.State != Repaired {
			t.Fatalf("repair: %+v %v", got, err)
		}
		b.later() // still bad
		if f = b.findings()[0]; f.State != Assigned || f.AssigneeID != "ann" {
			t.Errorf("a bad result after the repair: %+v", f)
		}
		if got, err = b.RepairFinding(b.ctx(), all, f.ID, "换了端口", f.Version); err != nil {
			t.Fatal(err)
		}
		b.w.say(1, probe.Unknown, probe.ReasonNoSource, "没有这个服务")
		b.later()
		if f = b.findings()[0]; f.State != Repaired {
			t.Errorf("what has no source says nothing about a repair: %+v", f)
		}
		b.w.say(1, probe.OK, "", "可连")
		b.later()
		if f = b.findings()[0]; f.State != Closed || f.Active != 0 || f.ClosedAt.IsZero() {
			t.Errorf("closed by a good result: %+v", f)
		}
		if _, err := b.CommentFinding(b.ctx(), all, f.ID, "事后说明"); err != nil {
			t.Errorf("comment on a closed finding: %v", err)
		}
		b.w.say(1, probe.Critical, "refused", "又停了")
		b.later()
		found := b.findings()
		if len(found) != 2 || found[1].PreviousID != f.ID || found[1].State != Open {
			t.Errorf("a closed finding is not opened again: %+v", found)
		}
		b.sound()

		rows, err := b.FindingTimeline(b.ctx(), f.ID)
		if err != nil {
			t.Fatal(err)
		}
		var types []string
		for _, r := range rows {
			types = append(types, r.Type)
		}
		want := []string{
			TypeFindingOpened, TypeFindingWorsened, TypeFindingAssigned, TypeFindingRepaired, TypeFindingReopened,
			TypeFindingRepaired, TypeFindingClosed, TypeFindingCommented,
		}
		if jsonOf(types) != jsonOf(want) {
			t.Errorf("timeline: %v", types)
		}
	})
}

func TestSeenOncePerPerson(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(1, probe.Critical, "refused", "拒绝")
		b.round()
		f := b.findings()[0]
		for _, who := range []string{"ann", "ann", "bob", "ann"} {
			ctx := journal.WithActor(b.ctx(), journal.Actor{Kind: journal.AccountActor, ID: who})
			if err := b.SeeFinding(ctx, store.Everything(), f.ID, who); err != nil {
				t.Fatal(err)
			}
		}
		if seen := b.ledger.of(TypeFindingSeen); len(seen) != 2 {
			t.Errorf("%d rows for two people", len(seen))
		}
		if err := b.SeeFinding(b.ctx(), store.NewScope(), f.ID, "ann"); codeOf(err) != "not_found" {
			t.Errorf("seen without being allowed to: %v", err)
		}
	})
}

func TestFindingsAreFoundByText(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(1, probe.Critical, "refused", "发票寄递平台连接被拒绝")
		b.w.say(2, probe.Warning, probe.ReasonThreshold, "Slow Answer 2.5 秒")
		b.round()
		for q, want := range map[string]int{
			"发票": 1, "寄递平台": 1, "平台寄递": 0, "slow answer": 1, "SLOW": 1, "low an": 1, "tax-app": 2, "端口": 2,
			"FND-": 2, "127.0.0.1:2": 1, "票": 1, "秒": 1, "无": 0, "  发票  ": 1, "2.5": 1, `"`: 0, "'; DROP": 0, "&|!": 0,
		} {
			page, err := b.Findings(b.ctx(), store.Everything(), store.ListQuery{Filters: map[string]string{}}, q)
			if err != nil || page.Total != want {
				t.Errorf("%q: %d found, want %d (%v)", q, page.Total, want, err)
			}
		}
	})
}
