package inspect

import (
	"testing"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// TestPostponing: more time is counted, has its bounds, and takes the mark of being overdue away.
func TestPostponing(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		all := store.Everything()
		b.round()
		b.w.say(1, probe.Critical, "refused", "连接被拒绝")
		b.later()
		f := b.findings()[0]
		more := func(d time.Duration, version int64) Postponement {
			return Postponement{DueAt: b.stepped.Now().Add(d), Reason: "等待备件", Version: version}
		}
		if _, err := b.PostponeFinding(b.ctx(), all, f.ID, more(time.Hour, f.Version)); codeOf(err) != "not_possible_in_state" {
			t.Errorf("postponed while nobody had it: %v", err)
		}
		f, err := b.AssignFinding(b.ctx(), all, f.ID, Assignment{AccountID: "ann", DueAt: b.stepped.Now().Add(2 * time.Hour), Version: f.Version})
		if err != nil {
			t.Fatal(err)
		}
		for name, p := range map[string]Postponement{
			"earlier": more(time.Hour, f.Version), "the same": {DueAt: f.DueAt.Time, Reason: "等待备件", Version: f.Version},
			"too far": more(91*24*time.Hour, f.Version),
		} {
			if _, err := b.PostponeFinding(b.ctx(), all, f.ID, p); codeOf(err) != "invalid" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n, err := b.noteOverdue(b.ctx()); n != 0 || err != nil {
			t.Errorf("overdue before its time: %d %v", n, err)
		}
		b.stepped.Step(3 * time.Hour)
		for i, want := range []int{1, 0} { // once for each due time
			if n, err := b.noteOverdue(b.ctx()); n != want || err != nil {
				t.Errorf("pass %d: %d noted, want %d (%v)", i, n, want, err)
			}
		}
		if f = b.findings()[0]; f.Overdue != 1 {
			t.Fatalf("past its due time: %+v", f)
		}
		late, err := b.Findings(b.ctx(), all, store.ListQuery{Filters: map[string]string{"overdue": "1"}}, "")
		if err != nil || len(late.Items) != 1 {
			t.Errorf("list of what is overdue: %d %v", len(late.Items), err)
		}
		if f, err = b.PostponeFinding(b.ctx(), all, f.ID, more(time.Hour, f.Version)); err != nil || f.Overdue != 0 || f.Postponed != 1 {
			t.Fatalf("postponed: %+v %v", f, err)
		}
		b.stepped.Step(2 * time.Hour)
		if n, err := b.noteOverdue(b.ctx()); n != 1 || err != nil {
			t.Errorf("the second due time passed: %d %v", n, err)
		}
		b.w.say(1, probe.OK, probe.ReasonNone, "正常")
		b.later()
		if f = b.findings()[0]; f.State != Closed {
			t.Fatalf("a good run closes also what is overdue: %+v", f)
		}
		if n, err := b.noteOverdue(b.ctx()); n != 0 || err != nil {
			t.Errorf("a closed finding became overdue: %d %v", n, err)
		}
		types := map[string]int{}
		rows, err := b.FindingTimeline(b.ctx(), f.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			types[r.Type]++
			if r.Type == TypeFindingPostponed && r.Private["reason"] != "等待备件" {
				t.Errorf("the reason of a postponement: %+v", r)
			}
		}
		if types[TypeFindingPostponed] != 1 || types[TypeFindingOverdue] != 2 {
			t.Errorf("timeline: %v", types)
		}
	})
}

func TestRecurrence(t *testing.T) {
	at := func(d int) store.Time { return store.At(time.Unix(0, 0).Add(time.Duration(d) * 24 * time.Hour)) }
	first := &Finding{ID: "1", OpenedAt: at(0), ClosedAt: at(1)}
	for name, c := range map[string]struct {
		before *Finding
		opened int
		count  int64
	}{
		"the first of its check":      {nil, 0, 0},
		"soon after":                  {first, 2, 1},
		"exactly thirty days after":   {first, 31, 1},
		"later":                       {first, 32, 0},
		"after one that came back":    {&Finding{ID: "2", ClosedAt: at(9), Recurrence: 4, Recurring: 1}, 10, 5},
		"long after one that did":     {&Finding{ID: "2", ClosedAt: at(9), Recurrence: 4, Recurring: 1}, 80, 0},
		"after one that never closed": {&Finding{ID: "2"}, 10, 0},
	} {
		f := &Finding{OpenedAt: at(c.opened)}
		f.succeed(c.before)
		if f.Recurrence != c.count || (f.Recurring == 1) != (c.count > 0) {
			t.Errorf("%s: %d (recurring %d), want %d", name, f.Recurrence, f.Recurring, c.count)
		}
		if c.before != nil && f.PreviousID != c.before.ID {
			t.Errorf("%s: the one before is %q", name, f.PreviousID)
		}
	}
}

// TestOneOutageIsOneFinding: the questions to something that does not serve are UNKNOWN and leave the
// finding to the check that says so; when that one is switched off, they open theirs.
func TestOneOutageIsOneFinding(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		everything := store.Everything()
		b.round()
		if _, err := b.AddCheck(b.ctx(), everything, NewCheck{AssetID: b.w.host.ID, Kind: "test.question", Params: map[string]any{"port": 1}}); err != nil {
			t.Fatal(err)
		}
		b.w.say(1, probe.Critical, "refused", "连接被拒绝")
		b.later()
		f := b.findings()
		if len(f) != 1 || f[0].Kind != "test.port" {
			t.Fatalf("findings of one outage: %+v", f)
		}
		var overview *Check
		for _, c := range all[Check](b, "id") {
			if c.Kind == "test.port" && c.Target == "127.0.0.1:1" {
				overview = &c
			}
		}
		off := false
		if _, err := b.ChangeCheck(b.ctx(), everything, overview.ID, CheckChange{Enabled: &off, Reason: "停用", Version: overview.Version}); err != nil {
			t.Fatal(err)
		}
		b.later()
		if f = b.findings(); len(f) != 2 || f[0].Kind != "test.question" && f[1].Kind != "test.question" {
			t.Errorf("nobody tells of the outage: %+v", f)
		}
	})
}
