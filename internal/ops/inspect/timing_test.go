package inspect

import (
	"context"
	"testing"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/schedule"
)

// stepTo sets the clock of a bed to a moment in Shanghai.
func (b *bed) stepTo(when string) {
	b.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", when, clock.Shanghai())
	if err != nil {
		b.t.Fatal(err)
	}
	b.stepped.Step(at.Sub(b.stepped.Now()))
}

// days is a calendar that a test changes.
type days struct{ c *calendar.Calendar }

func (d *days) Calendar(context.Context) (*calendar.Calendar, error) { return d.c, nil }

func (b *bed) roundsOf(planID string) (out []Round) {
	b.t.Helper()
	for _, r := range b.rounds() {
		if r.PlanID == planID {
			out = append(out, r)
		}
	}
	return out
}

func (b *bed) gapsOf(planID string) (out []Gap) {
	b.t.Helper()
	for _, g := range b.gaps() {
		if g.PlanID == planID {
			out = append(out, g)
		}
	}
	return out
}

func TestAPlanOfTheMorningOfWorkdays(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.stepTo("2026-11-20 08:00") // a Friday
		b.round()
		p, err := b.CreatePlan(b.ctx(), store.Everything(), NewPlan{
			Name: "早巡检", IntervalSeconds: 3600, Classes: []string{"service"}, AreaPath: "/45/",
			Timing: Timing{Rhythm: schedule.ByTimes, Times: []string{"08:20"}, Days: schedule.Workdays},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.round()
		if len(b.roundsOf(p.ID)) != 0 {
			t.Fatal("it ran before its time")
		}
		b.stepTo("2026-11-20 08:20")
		b.round()
		b.stepTo("2026-11-21 08:30") // a Saturday
		b.round()
		r := b.roundsOf(p.ID)
		if len(r) != 1 || r[0].DueWhy != schedule.WhyTime || len(b.gapsOf(p.ID)) != 0 {
			t.Fatalf("%+v %+v", r, b.gapsOf(p.ID))
		}
		b.stepTo("2026-11-24 08:19") // Monday was missed: a Tuesday
		b.round()
		if g := b.gapsOf(p.ID); len(b.roundsOf(p.ID)) != 2 || len(g) != 0 {
			t.Fatalf("Monday's slot runs late, nothing is missed: %+v", g)
		}
		b.stepTo("2026-11-27 09:00") // Tuesday to Friday: four slots, the last runs
		b.round()
		if g := b.gapsOf(p.ID); len(g) != 1 || g[0].MissedRounds != 3 || g[0].Reason != gapClockForward {
			t.Fatalf("gap: %+v", g)
		}
		b.sound()
	})
}

func TestAPlanWithoutChecksIsNeverGreen(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		p, err := b.CreatePlan(b.ctx(), store.Everything(), NewPlan{
			Name: "生产库", IntervalSeconds: 300, Classes: []string{"service", "hardware"}, AreaPath: "/45/",
			Selector: Selector{Labels: map[string]string{"env": "prod"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			b.round()
			b.stepped.Step(5 * time.Minute)
		}
		if len(b.roundsOf(p.ID)) != 0 || len(b.ledger.of(TypePlanEmpty)) != 1 {
			t.Fatalf("%d rounds, %d rows in the journal", len(b.roundsOf(p.ID)), len(b.ledger.of(TypePlanEmpty)))
		}
		views, err := b.viewPlans(b.ctx(), []Plan{p})
		if err != nil || views[p.ID].State != planEmpty {
			t.Errorf("state %q, %v", views[p.ID].State, err)
		}
		card, err := b.emptyPlansCard(b.ctx(), store.Everything())
		if err != nil || card == nil || card.Count != 1 || card.Items[0].At == nil {
			t.Errorf("card %+v, %v", card, err)
		}
		if _, err := b.RunNow(b.ctx(), store.Everything(), p.ID, "u1"); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("run now: %v", err)
		}
		// The machine gets the label.
		host := b.w.host
		host.Labels = map[string]string{"env": "prod", "room": "A"}
		b.w.mu.Lock()
		b.w.host = host
		b.w.mu.Unlock()
		err = b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
			return b.followAsset(ctx, tx, journal.Row{Subject: journal.Subject{Kind: "fleet.asset", ID: host.ID}})
		})
		if err != nil {
			t.Fatal(err)
		}
		b.round()
		r, g := b.roundsOf(p.ID), b.gapsOf(p.ID)
		if len(r) != 1 || r[0].Planned == 0 {
			t.Fatalf("rounds %+v", r)
		}
		if len(g) != 1 || g[0].Reason != gapEmpty || g[0].MissedRounds != 3 {
			t.Fatalf("gap %+v", g)
		}
		if card, err := b.emptyPlansCard(b.ctx(), store.Everything()); err != nil || card != nil {
			t.Errorf("card %+v, %v", card, err)
		}
		b.sound()
	})
}

func TestExplicitKindsAndKindsOfAssets(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		count := func(classes []string, s Selector) int {
			v, err := b.PreviewPlan(b.ctx(), store.Everything(), NewPlan{Name: "x", IntervalSeconds: 60, Classes: classes, AreaPath: "/45/", Selector: s})
			if err != nil {
				t.Fatal(err)
			}
			return v.Checks
		}
		if n := count(nil, Selector{Kinds: []string{"test.raid"}}); n != 1 {
			t.Errorf("one kind: %d", n)
		}
		if n := count([]string{"service"}, Selector{Kinds: []string{"test.raid"}}); n != 4 {
			t.Errorf("a class and a kind: %d", n)
		}
		if n := count([]string{"service"}, Selector{AssetKinds: []string{"network"}}); n != 0 {
			t.Errorf("no network device: %d", n)
		}
		for _, n := range []NewPlan{
			{Name: "x", IntervalSeconds: 60, AreaPath: "/45/"},
			{Name: "x", IntervalSeconds: 60, AreaPath: "/45/", Selector: Selector{Kinds: []string{"nothing"}}},
			{Name: "x", IntervalSeconds: 60, AreaPath: "/45/", Classes: []string{"data"}, Timing: Timing{Rhythm: schedule.ByTimes}},
			{Name: "x", IntervalSeconds: 60, AreaPath: "/45/", Classes: []string{"data"}, Timing: Timing{Rhythm: schedule.ByTimes, Times: []string{"24:00"}}},
			{Name: "x", IntervalSeconds: 60, AreaPath: "/45/", Classes: []string{"data"}, Timing: Timing{Protection: schedule.CareDenser, DenseSeconds: 61}},
			{Name: "x", IntervalSeconds: 60, AreaPath: "/45/", Classes: []string{"data"}, Timing: Timing{Protection: schedule.CareOnly, Periods: []string{"sleep"}}},
		} {
			if _, err := b.PreviewPlan(b.ctx(), store.Everything(), n); problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%+v: %v", n, err)
			}
		}
	})
}

func TestAChangedCalendarMovesWhatIsToCome(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		d := &days{c: calendar.New(1, calendar.ShippedLists(), calendar.ShippedPeriods(), nil)}
		b.calendar = d
		b.stepTo("2026-11-24 10:00")
		b.round()
		p, err := b.CreatePlan(b.ctx(), store.Everything(), NewPlan{
			Name: "保障", IntervalSeconds: 3600, Classes: []string{"service"}, AreaPath: "/45/",
			Timing: Timing{Protection: schedule.CareDenser, DenseSeconds: 600, Periods: []string{"event"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.round() // 10:00
		b.stepTo("2026-11-24 10:05")
		now := b.stepped.Now()
		d.c = calendar.New(2, calendar.ShippedLists(), append(calendar.ShippedPeriods(), calendar.Period{
			ID: "e", Kind: calendar.Event, Name: "会议", From: now.Add(-time.Hour), To: now.Add(24 * time.Hour),
		}), nil)
		b.round()
		moved := b.ledger.of(TypePlanRescheduled)
		if len(moved) != 1 || moved[0].Fields["reason"] != movedCalendar {
			t.Fatalf("moved %+v", moved)
		}
		b.stepTo("2026-11-24 10:11")
		b.round()
		r := b.roundsOf(p.ID)
		if len(r) != 2 || r[1].DueWhy != schedule.WhyPeriod || r[1].DueAt.Sub(r[0].DueAt.Time) != 10*time.Minute {
			t.Fatalf("rounds %+v", r)
		}
		if n := len(b.gapsOf(p.ID)); n != 0 {
			t.Errorf("%d gaps", n)
		}
		b.stepTo("2026-11-24 10:02") // set back behind the last slot
		b.round()
		if moved := b.ledger.of(TypePlanRescheduled); moved[len(moved)-1].Fields["reason"] != movedClock {
			t.Errorf("moved %+v", moved)
		}
		b.sound()
	})
}
