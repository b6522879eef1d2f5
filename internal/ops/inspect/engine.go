package inspect

import (
	"context"
	"slices"
	"sync"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

const (
	tickEvery   = time.Second
	atOnce      = 8 // checks that run at the same time
	gatherFor   = 200 * time.Millisecond
	mostAtOnce  = 256 // results in one transaction
	stopPatient = 5 * time.Second
	// clockSlack is how far wall and monotonic time may part within one tick: time servers slew by
	// less, people and machines that slept by more.
	clockSlack = 2 * time.Second
)

// engine takes what is due and runs it.
type engine struct {
	m        *Module
	node     string // of the data directory; "" when it is not known
	instance string // owner of the rounds of this process: node/process
	lease    time.Duration
	turns    chan struct{} // one for each check that may run now
	kick     chan struct{}
	rounds   sync.WaitGroup

	mu      sync.Mutex
	running map[string]bool
	host    *Asset

	// Of the loop alone:
	recovered bool      // rounds of a former process were looked for
	wall      time.Time // of the tick before
	mono      time.Time
	busy      map[string]bool // plans whose slot waits for the round before
	failed    bool            // the tick before could not use the database
}

func newEngine(m *Module, node, process string, lease time.Duration) *engine {
	return &engine{
		m: m, node: node, instance: node + "/" + process, lease: lease, turns: make(chan struct{}, atOnce),
		kick: make(chan struct{}, 1), running: map[string]bool{}, busy: map[string]bool{},
	}
}

// wake has the loop look at once.
func (e *engine) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// loop runs until ctx ends and then waits for the rounds, which end at once.
func (e *engine) loop(ctx context.Context) {
	defer e.rounds.Wait()
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		e.tick(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-e.kick:
		}
	}
}

// tick does what is due now. What fails is done by a later tick.
func (e *engine) tick(ctx context.Context) {
	ctx = journal.WithActor(ctx, journal.SystemActor("inspect"))
	err := e.try(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil && !e.failed {
		e.m.log.WarnContext(ctx, "inspection waits", "error", err)
	}
	e.failed = err != nil
}

func (e *engine) try(ctx context.Context) error {
	host, err := e.prepare(ctx)
	if err != nil {
		return err
	}
	now, reason := e.look()
	if err := e.reap(ctx); err != nil {
		return err
	}
	plans, err := plansOfHost(ctx, e.m.db.Read(), host.ID)
	if err != nil {
		return err
	}
	cal, err := e.m.calendar.Calendar(ctx)
	if err != nil {
		return err
	}
	first := e.wall.IsZero()
	for _, p := range plans {
		s := p.at(cal, now)
		switch {
		case s.moved != "":
			if err := e.m.reschedule(ctx, p, cal, s); err != nil {
				return err
			}
		case s.due:
			how := bySchedule
			if first {
				how = byStart
			}
			why := reason
			if e.busy[p.ID] {
				why = gapStillRunning
			}
			r, busy, err := e.m.take(ctx, p, cal, s, how, why, e.instance, e.lease)
			if err != nil {
				return err
			}
			e.busy[p.ID] = busy
			if r != nil {
				e.start(ctx, r, p.deadline())
			}
		}
	}
	waiting, err := unclaimed(ctx, e.m.db.Read(), host.ID)
	if err != nil {
		return err
	}
	for _, r := range waiting {
		mine, limit := false, shortestDeadline
		if i := slices.IndexFunc(plans, func(p *Plan) bool { return p.ID == r.PlanID }); i >= 0 {
			limit = plans[i].deadline()
		}
		if err := e.m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
			mine, err = claimRound(ctx, tx, r.ID, e.instance, e.lease.Microseconds())
			return err
		}); err != nil {
			return err
		}
		if mine {
			r.Owner = e.instance
			e.start(ctx, r, limit)
		}
	}
	e.wall, e.mono = now, time.Now()
	return nil
}

// look tells the time and why rounds that were due before it did not run.
func (e *engine) look() (now time.Time, reason string) {
	now = e.m.clock.Now()
	switch {
	case e.wall.IsZero():
		return now, gapServerStopped
	case e.failed:
		return now, gapDatabase
	case now.Sub(e.wall)-time.Since(e.mono) > clockSlack:
		return now, gapClockForward
	}
	return now, gapLate
}

// prepare registers this machine, its checks and its plan, once in the life of the process.
func (e *engine) prepare(ctx context.Context) (Asset, error) {
	e.mu.Lock()
	host := e.host
	e.mu.Unlock()
	if host != nil {
		return *host, nil
	}
	local, err := e.m.assets.Local(ctx)
	if err != nil {
		return Asset{}, err
	}
	if err := e.m.EnsureChecks(ctx, local); err != nil {
		return Asset{}, err
	}
	if err := e.m.ensurePlan(ctx, local); err != nil {
		return Asset{}, err
	}
	if err := e.m.describeAssets(ctx); err != nil {
		return Asset{}, err
	}
	e.mu.Lock()
	e.host = &local
	e.mu.Unlock()
	return local, nil
}

// reap closes rounds whose server is gone.
func (e *engine) reap(ctx context.Context) error {
	// A data directory belongs to one process (and an SQLite file with it), so at the start every running
	// round of its node is that of a dead one, whatever its lease says.
	former := ""
	exclusive := !e.recovered && (e.node != "" || e.m.db.Dialect() == store.SQLite)
	if exclusive && e.m.db.Dialect() != store.SQLite {
		former = e.node + "/"
	}
	lost, err := expired(ctx, e.m.db.Read(), e.m.db.Dialect(), e.instance, exclusive, former)
	if err != nil {
		return err
	}
	for _, r := range lost {
		if e.isRunning(r.ID) {
			continue
		}
		reason := missedServerStopped
		if r.Owner == "" {
			reason = missedNoServer
		}
		if err := e.m.finish(ctx, r, ending{reason: reason, expired: !exclusive}); err != nil {
			return err
		}
	}
	e.recovered = true
	return nil
}

func (e *engine) isRunning(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running[id]
}

// start runs a round beside the loop.
func (e *engine) start(ctx context.Context, r *Round, limit time.Duration) {
	e.mu.Lock()
	e.running[r.ID] = true
	e.mu.Unlock()
	e.rounds.Go(func() {
		defer func() {
			e.mu.Lock()
			delete(e.running, r.ID)
			e.mu.Unlock()
		}()
		e.run(ctx, r, limit)
	})
}
