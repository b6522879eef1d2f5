package inspect

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

func TestSlots(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, c := range map[string]struct {
		due, now string
		want     slots
	}{
		"early":         {"10:00:00", "09:59:59", slots{next: at("10:00:00")}},
		"on time":       {"10:00:00", "10:00:00", slots{due: true, why: "interval", slot: at("10:00:00"), next: at("10:05:00"), from: at("10:00:00")}},
		"a little late": {"10:00:00", "10:04:59", slots{due: true, why: "interval", slot: at("10:00:00"), next: at("10:05:00"), from: at("10:00:00")}},
		"two missed":    {"10:00:00", "10:11:00", slots{due: true, why: "interval", slot: at("10:10:00"), next: at("10:15:00"), missed: 2, from: at("10:00:00")}},
		"set back":      {"10:00:00", "09:54:59", slots{moved: movedClock, instead: at("10:00:00"), next: at("09:54:59")}},
		"one interval":  {"10:00:00", "09:55:00", slots{next: at("10:00:00")}},
	} {
		p := Plan{IntervalSeconds: 300, NextDueAt: store.At(at(c.due))}
		got := p.at(calendar.Shipped(), at(c.now))
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestClockSetForward(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		due := b.plan().NextDueAt
		b.stepped.Step(24 * time.Hour)
		b.round()
		b.sound()
		g := b.gaps()
		if len(g) != 1 || g[0].Reason != gapClockForward || g[0].MissedRounds != 287 || !g[0].FromAt.Equal(due.Time) {
			t.Fatalf("gap: %+v", g)
		}
		if r := b.rounds(); len(r) != 2 || r[1].Ran != 4 {
			t.Errorf("one round after the step: %+v", r)
		}
		if rows := b.ledger.of(TypeRoundGap); len(rows) != 1 || rows[0].Fields["missed_rounds"] != int64(287) {
			t.Errorf("journal: %v", rows)
		}
		if next := b.plan().NextDueAt; next.Sub(due.Time)%defaultPlanInterval != 0 || !next.After(b.stepped.Now()) {
			t.Errorf("next slot: %v", next)
		}
	})
}

func TestClockSetBack(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		b.stepped.Step(-24 * time.Hour)
		b.round() // moves the plan
		b.round() // and runs it
		b.sound()
		if moved := b.ledger.of(TypePlanRescheduled); len(moved) != 1 {
			t.Fatalf("rescheduled: %v", moved)
		}
		if r := b.rounds(); len(r) != 2 || len(b.gaps()) != 0 {
			t.Errorf("rounds %d, gaps %d", len(r), len(b.gaps()))
		}
		if left := b.plan().NextDueAt.Sub(b.stepped.Now()); left <= 0 || left > defaultPlanInterval {
			t.Errorf("next in %v", left)
		}
	})
}

func TestDowntimeIsAGap(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		b.stepped.Step(32 * time.Minute)
		b.Module = b.server(b.ring) // the process starts again
		b.round()
		b.sound()
		g := b.gaps()
		if len(g) != 1 || g[0].Reason != gapServerStopped || g[0].MissedRounds != 5 {
			t.Fatalf("gap: %+v", g)
		}
		if r := b.rounds(); len(r) != 2 || r[1].StartedHow != byStart {
			t.Errorf("first round after the start: %+v", r)
		}
		b.Module = b.server(b.ring) // and again at once: nothing is due
		b.round()
		if len(b.rounds()) != 2 || len(b.gaps()) != 1 {
			t.Error("a start within the interval ran or missed something")
		}
	})
}

// TestTwoServersShareOneDatabase has both take what is due at the same moment, over and over.
func TestTwoServersShareOneDatabase(t *testing.T) {
	b := lay(t, store.Postgres)
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: t.TempDir() + "/ring.json"})
	if err != nil {
		t.Fatal(err)
	}
	other := b.server(ring)
	const slotsRun = 6
	for range slotsRun {
		var wg sync.WaitGroup
		for _, m := range []*Module{b.Module, other} {
			wg.Go(func() {
				if err := m.engine.try(b.ctx()); err != nil {
					t.Error(err)
				}
				m.engine.rounds.Wait()
			})
		}
		wg.Wait()
		b.stepped.Step(defaultPlanInterval)
	}
	b.sound()
	if n := len(all[Plan](b, "id")); n != 1 {
		t.Errorf("%d plans for one machine", n)
	}
	if n := len(all[Check](b, "id")); n != 4 {
		t.Errorf("%d checks for four", n)
	}
	if n := len(b.rounds()); n != slotsRun {
		t.Errorf("%d rounds for %d slots", n, slotsRun)
	}
	if n := len(b.results()); n != slotsRun*4 {
		t.Errorf("%d results for %d", n, slotsRun*4)
	}
	if g := b.gaps(); len(g) != 0 {
		t.Errorf("gaps: %+v", g)
	}
}

func TestSlotWaitsForTheRoundBefore(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.block, b.w.started = make(chan struct{}), make(chan int, 100)
		if err := b.engine.try(b.ctx()); err != nil {
			t.Fatal(err)
		}
		<-b.w.started
		b.stepped.Step(2 * defaultPlanInterval)
		if err := b.engine.try(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if n := len(b.rounds()); n != 1 || len(b.gaps()) != 0 {
			t.Errorf("%d rounds of one plan at once, gaps %+v", n, b.gaps())
		}
		close(b.w.block)
		b.engine.rounds.Wait()
		b.round()
		b.sound()
		if g := b.gaps(); len(g) != 1 || g[0].Reason != gapStillRunning || g[0].MissedRounds != 1 {
			t.Errorf("gap: %+v", g)
		}
		if r := b.rounds(); len(r) != 2 || r[1].Ran != 4 {
			t.Errorf("rounds: %+v", r)
		}
	})
}

func TestStopInMidRound(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.block, b.w.started = make(chan struct{}), make(chan int, 8)
		services := b.Services()
		loop := services[slices.IndexFunc(services, func(s lifecycle.Service) bool { return s.Name() == "inspect.scheduler" })]
		if err := loop.Start(b.ctx()); err != nil {
			t.Fatal(err)
		}
		<-b.w.started
		began := time.Now()
		if err := loop.Stop(b.ctx()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > stopPatient {
			t.Errorf("the stop took %v", took)
		}
		b.sound()
		r := b.rounds()[0]
		if r.Missed < 3 || r.MissedReason != missedStopped || r.WorstState != "UNKNOWN" {
			t.Errorf("round: %+v", r)
		}
		if closing := b.ledger.of(TypeRoundFinished); len(closing) != 1 || closing[0].Fields["missed"] != r.Missed {
			t.Errorf("closing row: %v", closing)
		}
	})
}

// deadRound leaves a round as a server that was killed does, with one result stored.
func (b *bed) deadRound() Round {
	b.t.Helper()
	if _, err := b.engine.prepare(b.ctx()); err != nil {
		b.t.Fatal(err)
	}
	r, err := b.RunNow(b.ctx(), store.Everything(), b.plan().ID, "")
	if err != nil {
		b.t.Fatal(err)
	}
	r.Owner = "another-node/another-process"
	err = b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
		_, err := claimRound(ctx, tx, r.ID, r.Owner, time.Minute.Microseconds())
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	c := b.check("127.0.0.1:1")
	if err := b.record(b.ctx(), &r, []*outcome{{check: c, said: probe.Result{State: probe.OK, Summary: "可连"}, ranAt: b.stepped.Now()}}); err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bed) letLeaseExpire(id string) {
	b.t.Helper()
	err := b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewUpdate().Model((*Round)(nil)).Set("lease_until = 1").Where("id = ?", id).Exec(ctx)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestRoundOfADeadServerIsClosed(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		dead := b.deadRound()
		if b.db.Dialect() == store.Postgres {
			if err := b.engine.reap(b.ctx()); err != nil {
				t.Fatal(err)
			}
			if r := b.rounds()[0]; r.State != roundRunning {
				t.Fatal("a round was taken from a server that holds it")
			}
			b.letLeaseExpire(dead.ID)
		}
		if err := b.engine.reap(b.ctx()); err != nil {
			t.Fatal(err)
		}
		b.sound()
		r := b.rounds()[0]
		if r.Ran != 1 || r.Missed != 3 || r.MissedReason != missedServerStopped {
			t.Errorf("round: %+v", r)
		}
		// The other server was only slow: what it still sends counts no more.
		c := b.check("127.0.0.1:2")
		late := []*outcome{{check: c, said: probe.Result{State: probe.Critical, Summary: "迟到"}, ranAt: b.stepped.Now()}}
		if err := b.record(b.ctx(), &dead, late); err != nil {
			t.Fatal(err)
		}
		if len(b.results()) != 1 || len(b.findings()) != 0 {
			t.Error("a late result was counted")
		}
		if err := b.finish(b.ctx(), &dead, ending{reason: missedStopped}); err != nil {
			t.Fatal(err)
		}
		if closing := b.ledger.of(TypeRoundFinished); len(closing) != 1 {
			t.Errorf("closed %d times", len(closing))
		}
	})
}

// TestNextProcessOfANodeClosesItsRounds has a server start again after it was killed: it need not wait
// for the lease of its former process.
func TestNextProcessOfANodeClosesItsRounds(t *testing.T) {
	b := lay(t, store.Postgres)
	b.deadRound()
	b.engine = newEngine(b.Module, "third-node", "p", time.Minute)
	if err := b.engine.reap(b.ctx()); err != nil {
		t.Fatal(err)
	}
	if r := b.rounds()[0]; r.State != roundRunning {
		t.Fatal("a server closed the round of another one that holds it")
	}
	b.engine = newEngine(b.Module, "another-node", "next-process", time.Minute)
	if err := b.engine.reap(b.ctx()); err != nil {
		t.Fatal(err)
	}
	b.sound()
	if r := b.rounds()[0]; r.MissedReason != missedServerStopped {
		t.Errorf("round: %+v", r)
	}
}

func TestWaitingRoundWithoutServer(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		if _, err := b.engine.prepare(b.ctx()); err != nil {
			t.Fatal(err)
		}
		r, err := b.RunNow(b.ctx(), store.Everything(), b.plan().ID, "ann")
		if err != nil {
			t.Fatal(err)
		}
		b.engine.recovered = true
		b.letLeaseExpire(r.ID)
		if err := b.engine.reap(b.ctx()); err != nil {
			t.Fatal(err)
		}
		b.sound()
		if got := b.rounds()[0]; got.MissedReason != missedNoServer || got.Missed != 4 {
			t.Errorf("round: %+v", got)
		}
	})
}

func TestResultsWaitForTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(2, probe.Critical, "refused", "拒绝")
		b.w.block, b.w.started = make(chan struct{}), make(chan int, 8)
		var away atomic.Bool
		var refused atomic.Int32
		b.faulty(func() error {
			if away.Load() {
				if refused.Add(1) == 3 {
					away.Store(false) // it is back
				}
				return errAway
			}
			return nil
		})
		if err := b.engine.try(b.ctx()); err != nil {
			t.Fatal(err)
		}
		<-b.w.started
		away.Store(true)
		close(b.w.block)
		b.engine.rounds.Wait()
		b.sound()
		r := b.rounds()[0]
		if refused.Load() < 3 || r.Ran != 4 || r.Missed != 0 || len(b.findings()) != 1 {
			t.Errorf("refused %d times; round %+v", refused.Load(), r)
		}
	})
}

func TestDatabaseStaysAway(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		dead := b.deadRound()
		r := b.rounds()[0]
		var away atomic.Bool
		away.Store(true)
		b.faulty(func() error {
			if away.Load() {
				return errAway
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(journal.WithActor(b.ctx(), journal.SystemActor("inspect")), time.Minute)
		defer cancel()
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			b.engine.run(ctx, &r, 500*time.Millisecond)
		}()
		eventually(t, "the checks run", func() bool {
			b.w.mu.Lock()
			defer b.w.mu.Unlock()
			return b.w.runs >= 2
		})
		// Until the round's time is over nothing can be stored; then the database is back for its end.
		timer := time.NewTimer(700 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
		away.Store(false)
		<-finished
		b.sound()
		got := b.rounds()[0]
		if got.ID != dead.ID || got.Ran != 1 || got.Missed != 3 || got.MissedReason != missedNotStored {
			t.Errorf("round: %+v", got)
		}
	})
}

// TestWhatNoDatabaseTakes has results that would break a row.
func TestWhatNoDatabaseTakes(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.say(1, probe.Critical, "refused", "bytes that are no text: \xff\x00\xfe")
		b.w.says[2] = probe.Result{State: probe.OK, Summary: "ok", Perf: []probe.Perf{{Label: "nan", Value: nan()}}}
		ctx := journal.WithActor(b.ctx(), journal.SystemActor("inspect"))
		if err := b.engine.try(ctx); err != nil {
			t.Fatal(err)
		}
		b.engine.rounds.Wait()
		b.sound()
		r := b.rounds()[0]
		if r.Ran != 4 {
			t.Errorf("round: %+v", r)
		}
	})
}

// TestAfterAFailureOneByOne has a batch refused for another reason than a database that is away: the
// results are stored one at a time then, so that a bad one could keep only itself out.
func TestAfterAFailureOneByOne(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.w.block, b.w.started = make(chan struct{}), make(chan int, 8)
		var refuse atomic.Bool
		var writes atomic.Int32
		b.faulty(func() error {
			writes.Add(1)
			if refuse.CompareAndSwap(true, false) {
				return errors.New("a value that fits no column")
			}
			return nil
		})
		if err := b.engine.try(b.ctx()); err != nil {
			t.Fatal(err)
		}
		<-b.w.started
		refuse.Store(true)
		before := writes.Load()
		close(b.w.block)
		b.engine.rounds.Wait()
		b.sound()
		if r := b.rounds()[0]; r.Ran != 4 || r.Missed != 0 {
			t.Errorf("round: %+v", r)
		}
		// One refused, four alone, one to close the round; a heartbeat may come between.
		if n := writes.Load() - before; n < 5 {
			t.Errorf("%d transactions", n)
		}
	})
}

// TestKindThatIsGone has a check whose kind a later version of the program no longer has.
func TestKindThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		delete(b.kinds, "test.raid")
		b.later()
		b.sound()
		found := b.findings()
		if len(found) != 1 || found[0].Severity != severityUnknown || found[0].Kind != "test.raid" {
			t.Errorf("a check that cannot run any more is not silent: %+v", found)
		}
	})
}
