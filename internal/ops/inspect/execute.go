package inspect

import (
	"context"
	"errors"
	"sync"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// lineup is one item ready to run.
type lineup struct {
	check *Check
	state *CheckState // nil when it never ran
}

// run runs a round to its end: every item becomes ran or missed. It returns when the round is closed,
// or when it must be left to whoever finds its lease expired.
func (e *engine) run(parent context.Context, r *Round, limit time.Duration) {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	end := ending{missed: map[string]string{}}
	items, err := e.load(ctx, r)
	if err == nil {
		done := make(chan *outcome, len(items))
		go e.work(ctx, items, done)
		for _, o := range e.gather(ctx, cancel, r, done) {
			end.missed[o.check.ID] = missedNotStored
		}
	}
	switch {
	case parent.Err() != nil:
		end.reason = missedStopped
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		end.reason = missedDeadline
	case ctx.Err() != nil:
		return // another server closed the round meanwhile
	}
	e.close(parent, r, end)
}

// load reads what the round runs, and tries again while the database is away.
func (e *engine) load(ctx context.Context, r *Round) ([]lineup, error) {
	for attempt := 0; ; attempt++ {
		items, err := e.m.lineup(ctx, r)
		if err == nil {
			return items, nil
		}
		e.m.log.WarnContext(ctx, "round waits to begin", "round", r.Number, "error", err)
		if !wait(ctx, pause(attempt)) {
			return nil, err
		}
	}
}

// pause is how long to wait after a number of failures in a row.
func pause(failures int) time.Duration { return min(gatherFor<<min(failures, 5), 5*time.Second) }

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// work runs the items, several at once, and closes done when all have been run or ctx ended. A run
// that ctx cut off is no result.
func (e *engine) work(ctx context.Context, items []lineup, done chan<- *outcome) {
	defer close(done)
	began := time.Now()
	var wg sync.WaitGroup
	for _, it := range items {
		select {
		case <-ctx.Done():
		case e.turns <- struct{}{}:
			wg.Go(func() {
				defer func() { <-e.turns }()
				if o := e.m.execute(ctx, it.check, it.state, began); ctx.Err() == nil {
					done <- o
				}
			})
		}
	}
	wg.Wait()
}

// gather stores results as they come in, those that come together in one transaction, and returns
// those that could not be stored when the round's time was over.
func (e *engine) gather(ctx context.Context, lost context.CancelFunc, r *Round, done <-chan *outcome) (waiting []*outcome) {
	beat := time.NewTicker(e.lease / 3)
	defer beat.Stop()
	flush := time.NewTimer(time.Hour)
	defer flush.Stop()
	failures := 0
	single := false // after a failure, one by one: one bad row must not keep the others out
	for done != nil || len(waiting) > 0 {
		select {
		case <-ctx.Done():
			return e.lastTry(ctx, r, waiting, done)
		case <-beat.C:
			if held := e.hold(ctx, r); !held {
				lost()
			}
			continue
		case o, more := <-done:
			if !more {
				done = nil
				flush.Reset(0)
				continue
			}
			if waiting = append(waiting, o); len(waiting) == 1 {
				flush.Reset(gatherFor)
			}
			continue
		case <-flush.C:
		}
		if len(waiting) == 0 {
			continue
		}
		n := min(mostAtOnce, len(waiting))
		if single {
			n = 1
		}
		err := e.m.record(ctx, r, waiting[:n])
		if err == nil {
			if waiting = waiting[n:]; len(waiting) > 0 || done == nil {
				flush.Reset(0)
			}
			failures = 0
			continue
		}
		if ctx.Err() != nil {
			continue
		}
		e.m.log.WarnContext(ctx, "results wait for the database", "round", r.Number, "results", len(waiting), "error", err)
		if !store.Unavailable(err) {
			single = true
			waiting = append(waiting[n:], waiting[:n]...)
		}
		flush.Reset(pause(failures))
		failures++
	}
	return nil
}

// lastTry stores what was finished when the round had to end.
func (e *engine) lastTry(ended context.Context, r *Round, waiting []*outcome, done <-chan *outcome) []*outcome {
	if done != nil {
		for o := range done { // closes soon: the runs are cut off
			waiting = append(waiting, o)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ended), stopPatient)
	defer cancel()
	if err := e.m.record(ctx, r, waiting); err != nil {
		e.m.log.WarnContext(ctx, "results not stored", "round", r.Number, "results", len(waiting), "error", err)
		return waiting
	}
	return nil
}

// hold keeps the round; false when it is another's or closed. While the database is away it is
// assumed to be ours: the transaction that stores a result knows better.
func (e *engine) hold(ctx context.Context, r *Round) bool {
	held := true
	err := e.m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		held, err = holdLease(ctx, tx, r.ID, e.instance, e.lease.Microseconds())
		return err
	})
	return err != nil || held
}

// close finishes a round and tries again while the database is away. Once the program stops it gives
// up soon: the next start closes the round.
func (e *engine) close(parent context.Context, r *Round, end ending) {
	for attempt := 0; ; attempt++ {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), stopPatient)
		err := e.m.finish(ctx, r, end)
		cancel()
		if err == nil {
			return
		}
		e.m.log.WarnContext(parent, "round not closed", "round", r.Number, "error", err)
		if !wait(parent, pause(attempt)) && attempt > 0 {
			return
		}
	}
}

// lineup reads the items of a round that are still planned, with their checks and what these remember.
func (m *Module) lineup(ctx context.Context, r *Round) ([]lineup, error) {
	items, err := itemsOf(ctx, m.db.Read(), r.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(items))
	for _, it := range items {
		if it.State == itemPlanned {
			ids = append(ids, it.CheckID)
		}
	}
	checks, err := checksByID(ctx, m.db.Read(), ids)
	if err != nil {
		return nil, err
	}
	states, err := statesOf(ctx, m.db.Read(), ids)
	if err != nil {
		return nil, err
	}
	out := make([]lineup, 0, len(ids))
	for _, id := range ids {
		if c := checks[id]; c != nil {
			out = append(out, lineup{check: c, state: states[id]})
		}
	}
	return out, nil
}

// execute runs one check now, in a round that began at since.
func (m *Module) execute(ctx context.Context, c *Check, s *CheckState, since time.Time) *outcome {
	var remembered map[string]string
	if s != nil {
		remembered = s.Memory
	}
	memory := probe.NewMapMemory(remembered)
	o := &outcome{check: c, ranAt: m.clock.Now()}
	began := time.Now()
	b, known := m.kinds[c.Kind]
	target, err := m.target(b, c, memory)
	target.Since = since
	switch {
	case !known:
		o.said = probe.Unknowable("unknown_kind", "本程序没有此类检查："+c.Kind)
	case err != nil:
		o.said = probe.Unknowable("bad_settings", "检查项设置无效："+err.Error())
	default:
		o.said = m.runner.Run(ctx, b, target)
	}
	o.took = time.Since(began)
	if o.memory = memory.Snapshot(); memory.Err() != nil {
		m.log.WarnContext(ctx, "a check remembers too much", "kind", c.Kind, "check", c.ID, "error", memory.Err())
	}
	return o
}

// follow opens, updates or closes the finding of a check after a result.
func (m *Module) follow(ctx context.Context, tx *store.Tx, o *outcome, r *Result, f *Finding) error {
	shown := map[string]any{"result_id": r.ID, "sha256": r.SHA256}
	switch {
	case r.noSource() || (f == nil && r.good()):
		return nil // a source that vanished proves nothing about what was found before
	case f == nil:
		// It may have been taken out of the inspection while it ran: nothing would ever close the finding.
		if out, err := isExempted(ctx, tx, o.check.ID); err != nil || out {
			return err
		}
		if o.said.Reason == probe.ReasonDown {
			if told, err := overviewTells(ctx, tx, o.check, m.kinds[o.check.Kind].Overview); err != nil || told {
				return err
			}
		}
		f = open(o.check, r, o.said.State)
		var err error
		if f.ID, err = newID(); err != nil {
			return err
		}
		if f.Number, err = store.NextNumber(ctx, tx, "FND"); err != nil {
			return err
		}
		before, err := lastFinding(ctx, tx, o.check.ID)
		if err != nil {
			return err
		}
		f.succeed(before)
		if err := insertFinding(ctx, tx, f); err != nil {
			return err
		}
		shown["title"], shown["asset"], shown["severity"] = f.Title, f.AssetName, f.Severity
		if f.PreviousID != "" {
			shown["previous_id"], shown["recurrence"] = f.PreviousID, f.Recurrence
		}
		return m.noteFinding(ctx, tx, TypeFindingOpened, f, shown)
	}
	done, err := f.observe(r, o.said.State, store.At(tx.Now()))
	if err != nil {
		return err
	}
	if err := saveFinding(ctx, tx, f); err != nil {
		return err
	}
	switch {
	case done.closed:
		shown["seen_count"] = f.SeenCount
		shown["open_seconds"] = int64(max(f.ClosedAt.Sub(f.OpenedAt.Time), 0) / time.Second)
		return m.noteFinding(ctx, tx, TypeFindingClosed, f, shown)
	case done.recurred:
		if err := m.noteFinding(ctx, tx, TypeFindingReopened, f, shown); err != nil {
			return err
		}
	}
	if done.worsenedFrom != "" {
		worse := map[string]any{"result_id": r.ID, "sha256": r.SHA256, "from": done.worsenedFrom, "severity": f.Severity}
		return m.noteFinding(ctx, tx, TypeFindingWorsened, f, worse)
	}
	return nil
}
