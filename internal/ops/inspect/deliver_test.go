package inspect

import (
	"context"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// open makes a round with its items and runs nothing.
func (b *bed) openRound() (Round, []Item) {
	b.t.Helper()
	r, err := b.RunNow(b.ctx(), store.Everything(), b.plan().ID, "")
	if err != nil {
		b.t.Fatal(err)
	}
	items, err := itemsOf(b.ctx(), b.db.Read(), r.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return r, items
}

func (b *bed) deliver(d Delivery) int {
	b.t.Helper()
	n, err := b.Deliver(b.ctx(), d)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func delivered(items []Item, s probe.State, at time.Time) []Delivered {
	var out []Delivered
	for _, it := range items {
		out = append(out, Delivered{CheckID: it.CheckID, Result: probe.Result{State: s, Summary: "送来"}, RanAt: at, Took: time.Millisecond})
	}
	return out
}

// A delivery counts once, however often and in whatever pieces it is sent again.
func TestDeliveriesCountOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		r, items := b.openRound()
		all := delivered(items, probe.OK, b.stepped.Now())
		d := Delivery{Source: "agent-1", Epoch: 3, First: 1, RoundID: r.ID, Results: all[:2]}
		if n := b.deliver(d); n != 2 {
			t.Errorf("%d stored of two", n)
		}
		if n := b.deliver(d); n != 0 {
			t.Errorf("%d stored again", n)
		}
		d.Results = all[:3] // the first two once more
		if n := b.deliver(d); n != 1 {
			t.Errorf("%d stored of one that is new", n)
		}
		d.Epoch, d.First = 2, 100 // of a life that is over
		d.Results = all[3:]
		if n := b.deliver(d); n != 0 {
			t.Errorf("%d stored of an old epoch", n)
		}
		d.Epoch, d.First = 4, 1
		if n := b.deliver(d); n != 1 {
			t.Errorf("%d stored of a new epoch", n)
		}
		d.First, d.Results = 2, append(delivered([]Item{{CheckID: "no such"}}, probe.OK, b.stepped.Now()), all...)
		if n := b.deliver(d); n != 0 {
			t.Errorf("%d stored without an item", n)
		}
		if err := b.finish(b.ctx(), &r, ending{}); err != nil {
			t.Fatal(err)
		}
		b.sound()
		marks := marksOf(b)
		if s := marks["agent-1"]; s.Epoch != 4 || s.Seq != 6 {
			t.Errorf("mark: %+v", s)
		}
		if _, err := b.Deliver(b.ctx(), Delivery{Source: "agent-1", Epoch: 4, First: 7, RoundID: "none"}); codeOf(err) != "not_found" {
			t.Errorf("a round that is not there: %v", err)
		}
	})
}

func marksOf(b *bed) map[string]Source {
	b.t.Helper()
	out := map[string]Source{}
	for _, s := range all[Source](b, "name") {
		out[s.Name] = s
	}
	return out
}

// What comes after its round was closed, or after something newer, enters history and nothing else.
func TestLateResultsAreHistoryOnly(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		late, items := b.openRound()
		ranAt := b.stepped.Now()
		if err := b.finish(b.ctx(), &late, ending{reason: missedServerStopped}); err != nil {
			t.Fatal(err)
		}
		closed := b.rounds()[1]
		b.later()
		states, findings := jsonOf(all[CheckState](b, "check_id")), jsonOf(b.findings())
		for i, s := range []probe.State{probe.Critical, probe.OK} {
			n := b.deliver(Delivery{Source: "agent-1", Epoch: 1, First: int64(1 + 2*i), RoundID: late.ID, Results: delivered(items[2*i:2*i+2], s, ranAt)})
			if n != 2 {
				t.Errorf("%d late results stored", n)
			}
		}
		if jsonOf(all[CheckState](b, "check_id")) != states || jsonOf(b.findings()) != findings {
			t.Error("late results moved a state or a finding")
		}
		b.sound()
		var after Round
		for _, r := range b.rounds() {
			if r.ID == late.ID {
				after = r
			}
		}
		if after.Late != 4 || after.Ran != 0 || after.Missed != 4 || after.TreeRoot != closed.TreeRoot {
			t.Errorf("round after late results: %+v", after)
		}
		for _, r := range b.results() {
			if _, err := b.ProveResult(b.ctx(), store.Everything(), r.ID); (err != nil) != (r.RoundID == late.ID) {
				t.Errorf("proof of a result: %v", err)
			}
		}
		views, err := b.viewItems(b.ctx(), &after)
		if err != nil || len(views) != 4 {
			t.Fatalf("%d items %v", len(views), err)
		}
		for _, v := range views {
			if v.State != itemRan || v.Result == nil {
				t.Errorf("item with a late result: %+v", v)
			}
		}
	})
}

// A clock that is ahead does not keep later results out.
func TestDeliveriesFromTheFuture(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		r, items := b.openRound()
		b.deliver(Delivery{Source: "a", Epoch: 1, First: 1, RoundID: r.ID, Results: delivered(items, probe.Critical, b.stepped.Now().Add(time.Hour))})
		if err := b.finish(b.ctx(), &r, ending{}); err != nil {
			t.Fatal(err)
		}
		if n := len(b.findings()); n != 4 {
			t.Errorf("%d findings", n)
		}
		b.later()
		for _, s := range all[CheckState](b, "check_id") {
			if s.State == probe.Critical.String() {
				t.Errorf("a later result did not count: %+v", s)
			}
		}
	})
}

// Results that an older version stored as rows become segments, with their ids and hashes.
func TestOldRowsAreMoved(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		lead(b, 12)
		want := b.results()
		// As the version before stored them: each as a row with an id of its own and microseconds, and an
		// item for each.
		for i := range want {
			r := &want[i]
			id, err := newID()
			if err != nil {
				t.Fatal(err)
			}
			r.ID = firstIDOf(r.RanAt.Time)[:14] + id[14:]
			r.RanAt = store.At(r.RanAt.Add(time.Duration(i) * time.Microsecond))
			r.DurationUS = int64(1000 + i)
			if r.SHA256, err = r.hash(); err != nil {
				t.Fatal(err)
			}
		}
		last := want[len(want)-1].RanAt.UnixMicro()
		if err := b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
			for _, m := range []any{(*storedSegment)(nil), (*Result)(nil), (*Item)(nil), (*resultSeries)(nil)} {
				if _, err := tx.NewDelete().Model(m).Where("1 = 1").Exec(ctx); err != nil {
					return err
				}
			}
			var items []Item
			for _, r := range want {
				items = append(items, Item{RoundID: r.RoundID, CheckID: r.CheckID, State: itemRan})
			}
			if _, err := tx.NewInsert().Model(&items).Exec(ctx); err != nil {
				return err
			}
			if _, err := tx.NewInsert().Model(&want).Exec(ctx); err != nil {
				return err
			}
			if _, err := tx.NewRaw("UPDATE inspect_round SET first_ran_at = (SELECT min(ran_at) FROM inspect_result r WHERE r.round_id = inspect_round.id), " +
				"last_ran_at = (SELECT max(ran_at) FROM inspect_result r WHERE r.round_id = inspect_round.id)").Exec(ctx); err != nil {
				return err
			}
			_, err := tx.NewInsert().Model(&conversion{Name: convertResults, Upto: last}).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		b.Module = b.server(b.ring)
		// Killed after the first part, and begun anew.
		if err := b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
			_, err := b.convertOnce(ctx, tx, map[string]*CheckState{})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := b.convertAll(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if n := len(all[Result](b, "id")); n == 0 || n > len(want)/2 {
			t.Errorf("%d of %d are rows still", n, len(want))
		}
		if n := len(all[conversion](b, "name")); n != 0 {
			t.Error("the conversion did not end")
		}
		b.stepped.Step(48 * time.Hour)
		if err := b.compactAll(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if got := b.results(); jsonOf(got) != jsonOf(want) {
			t.Errorf("results changed:\n got %s\nwant %s", jsonOf(got), jsonOf(want))
		}
		b.sound()
		for _, r := range want {
			if got, err := b.Result(b.ctx(), store.Everything(), r.ID); err != nil || jsonOf(got) != jsonOf(r) {
				t.Errorf("by id: %s %v", jsonOf(got), err)
			}
		}
	})
}
