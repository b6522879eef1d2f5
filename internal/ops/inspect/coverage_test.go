package inspect

import (
	"context"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

func (b *bed) cover() {
	b.t.Helper()
	if err := b.coverAll(b.ctx()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) coverageOf(day int64) map[string]*Coverage {
	b.t.Helper()
	rows, err := coverageOf(b.ctx(), b.db.Read(), day)
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]*Coverage{}
	for _, r := range rows {
		if r.Planned != r.Ran+r.Missed {
			b.t.Errorf("coverage does not add up: %+v", r)
		}
		out[r.Class] = r
	}
	return out
}

// toEvening sets the clock to 20 minutes before a midnight in Shanghai.
func (b *bed) toEvening() int64 {
	b.t.Helper()
	day := dayOf(b.stepped.Now()) + 1
	b.stepped.Step(dayStart(day + 1).Add(-20 * time.Minute).Sub(b.stepped.Now()))
	return day
}

// A day is closed once, after midnight, with what ran and what was missed and why; segments being joined
// does not change it, and the journal holds a row for each area.
func TestCoverageIsClosedAfterMidnight(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.cover() // nothing ever ran
		day := b.toEvening()
		b.round()
		lead(b, 2)
		b.cover()
		if n := len(b.ledger.of(TypeCoverageClosed)); n != 0 {
			t.Fatalf("closed before midnight: %d", n)
		}
		r, items := b.openRound() // of the evening, and its server dies
		if _, err := b.put(b.ctx(), &r, parcel{source: "x", epoch: 1, outs: []*outcome{{
			check: b.check("127.0.0.1:1"), said: probe.Result{State: probe.OK}, ranAt: b.stepped.Now(),
		}}}); err != nil || len(items) != 4 {
			t.Fatal(err)
		}
		if err := b.finish(b.ctx(), &r, ending{reason: missedServerStopped}); err != nil {
			t.Fatal(err)
		}
		b.stepped.Step(25 * time.Minute) // 00:05, and the plan is late
		b.cover()
		if n := len(b.ledger.of(TypeCoverageClosed)); n != 0 {
			t.Fatalf("closed although a plan owes rounds: %d", n)
		}
		b.round()
		for range 2 {
			b.stepped.Step(time.Hour)
			if err := b.compactAll(b.ctx()); err != nil {
				t.Fatal(err)
			}
			b.cover()
		}
		got := b.coverageOf(day)
		// Three rounds in full, one of which a third of the service checks ran, and one slot that passed.
		service, hardware := got["service"], got["hardware"]
		if service == nil || service.Ran != 3*3+1 || service.Reasons[missedServerStopped] != 2 || hardware.Ran != 3 || hardware.Reasons[missedServerStopped] != 1 {
			t.Errorf("service %s\nhardware %s", jsonOf(service), jsonOf(hardware))
		}
		var gaps int64
		for _, g := range b.gaps() {
			gaps += g.within(day)
		}
		if passed := service.Missed - 2; gaps == 0 || passed != 3*gaps {
			t.Errorf("%d slots passed, reasons %v", gaps, service.Reasons)
		}
		rows := b.ledger.of(TypeCoverageClosed)
		if len(rows) != 1 || rows[0].AreaPath != "/45/4501/" || rows[0].Fields["ran"] != service.Ran+hardware.Ran || rows[0].Fields["tree_root"] != service.TreeRoot {
			t.Errorf("journal: %v", rows)
		}
		var roots []string
		list, err := roundsOfDay(b.ctx(), b.db.Read(), day)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			roots = append(roots, r.TreeRoot)
		}
		if treeRoot(roots) != service.TreeRoot {
			t.Error("the day's root is not that of its rounds")
		}
	})
}

// Results that come late, and gaps that are noted late, make a further revision; the first one stays.
func TestCoverageIsCorrected(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		day := b.toEvening()
		b.round()
		r, items := b.openRound()
		ranAt := b.stepped.Now()
		if err := b.finish(b.ctx(), &r, ending{reason: missedDeadline}); err != nil {
			t.Fatal(err)
		}
		b.stepped.Step(time.Hour + closePatience) // nobody runs the plan, and the day is closed all the same
		b.cover()
		first := b.coverageOf(day)["service"]
		if first == nil || first.Ran != 3 || first.Reasons[missedDeadline] != 3 || first.Reasons[missedOwed] == 0 || first.Revision != 1 {
			t.Fatalf("first revision: %s", jsonOf(first))
		}
		b.stepped.Step(time.Hour)
		b.deliver(Delivery{Source: "agent", Epoch: 1, First: 1, RoundID: r.ID, Results: delivered(items, probe.OK, ranAt)})
		b.round() // the plan goes on, and what it owed is a gap
		b.cover()
		second := b.coverageOf(day)["service"]
		if second.Ran != 6 || second.Reasons[missedDeadline] != 0 || second.Reasons[missedOwed] != 0 || second.Revision != 2 || second.Missed == 0 {
			t.Errorf("second revision: %s", jsonOf(second))
		}
		if second.Planned != first.Planned {
			t.Errorf("planned %d, then %d", first.Planned, second.Planned)
		}
		for range 3 {
			b.stepped.Step(lookSlack)
			b.cover() // nothing new
		}
		if n := len(b.ledger.of(TypeCoverageClosed)); n != 2 {
			t.Errorf("%d rows in the journal", n)
		}
		if n := len(all[Coverage](b, "id")); n != 4 {
			t.Errorf("%d rows of two revisions of two classes", n)
		}
		page, err := store.List[Coverage](b.ctx(), b.db.Read(), coverageList(), store.Everything(), store.ListQuery{}, lastRevision)
		if err != nil || len(page.Items) != 2 {
			t.Errorf("list: %d %v", len(page.Items), err)
		}
	})
}

// Two servers close a day once.
func TestCoverageIsClosedByOneServer(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.toEvening()
		b.round()
		b.stepped.Step(time.Hour)
		b.round()
		good, first := b.write, true
		other := b.server(b.ring)
		b.write = func(ctx context.Context, f func(context.Context, *store.Tx) error) error {
			if first {
				first = false
				if err := other.coverAll(ctx); err != nil {
					t.Error(err)
				}
			}
			return good(ctx, f)
		}
		b.cover()
		if n := len(b.ledger.of(TypeCoverageClosed)); n != 1 {
			t.Errorf("closed %d times", n)
		}
	})
}

func TestSlotsOfAGapByDay(t *testing.T) {
	day := int64(20_000)
	at := func(d time.Duration) store.Time { return store.At(dayStart(day).Add(d)) }
	for name, c := range map[string]struct {
		gap                  Gap
		before, within, past int64
	}{
		"within":         {Gap{FromAt: at(time.Hour), ToAt: at(2 * time.Hour), MissedRounds: 12}, 0, 12, 0},
		"over midnight":  {Gap{FromAt: at(-10 * time.Minute), ToAt: at(10 * time.Minute), MissedRounds: 4}, 2, 2, 0},
		"over three":     {Gap{FromAt: at(-24 * time.Hour), ToAt: at(48 * time.Hour), MissedRounds: 72}, 24, 24, 24},
		"a single slot":  {Gap{FromAt: at(0), ToAt: at(5 * time.Minute), MissedRounds: 1}, 0, 1, 0},
		"a single point": {Gap{FromAt: at(time.Hour), ToAt: at(time.Hour), MissedRounds: 2}, 0, 2, 0},
		"none":           {Gap{FromAt: at(time.Hour), ToAt: at(2 * time.Hour)}, 0, 0, 0},
	} {
		if b, w, p := c.gap.within(day-1), c.gap.within(day), c.gap.within(day+1); b != c.before || w != c.within || p != c.past {
			t.Errorf("%s: %d, %d, %d, want %d, %d, %d", name, b, w, p, c.before, c.within, c.past)
		}
	}
}
