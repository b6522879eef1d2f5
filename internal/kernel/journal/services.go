package journal

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/store"
)

const (
	// pace is how long the chainer lets rows gather: each transaction of its own costs a flush, which
	// the writers pay for.
	pace = 20 * time.Millisecond
	// poll finds what no bell told of: rows of a process that died, or of a tool beside the server.
	poll = time.Second

	backoffMin = 100 * time.Millisecond
	backoffMax = 5 * time.Second
)

// Services are the loops of the journal, in the order in which they start.
func (j *Journal) Services() []lifecycle.Service {
	out := []lifecycle.Service{lifecycle.NewLoop("journal news", j.tellNews)}
	if j.db.Dialect() == store.Postgres {
		out = append(out, lifecycle.NewLoop("journal listener", j.listen), lifecycle.NewLoop("journal chain", j.chainLoop))
	}
	for _, s := range j.subscribers() {
		out = append(out, lifecycle.NewLoop("journal subscription "+s.Name, s.loop))
	}
	return append(out, lifecycle.NewLoop("journal segments", j.segmentLoop), lifecycle.NewLoop("journal verification", j.verifyLoop))
}

func (j *Journal) subscribers() []*subscriber {
	j.declared.RLock()
	defer j.declared.RUnlock()
	return slices.Clone(j.subs)
}

// retry calls f again after failures, ever more slowly, and logs the first failure and the recovery.
type retry struct {
	j     *Journal
	what  string
	delay time.Duration
}

// failed waits after a failure; false when the loop must end.
func (r *retry) failed(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if r.delay == 0 {
		r.j.log.ErrorContext(ctx, r.what+" failed, trying again", "error", err)
		r.delay = backoffMin
	} else {
		r.delay = min(2*r.delay, backoffMax)
	}
	return sleep(ctx, r.delay)
}

func (r *retry) worked(ctx context.Context) {
	if r.delay != 0 {
		r.delay = 0
		r.j.log.InfoContext(ctx, r.what+" works again")
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// waitFor waits for a bell, at most for a while; false when the loop must end.
func (w *wake) waitFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-w.c:
	case <-t.C:
	}
	return true
}

// chainLoop chains pending rows (PostgreSQL).
func (j *Journal) chainLoop(ctx context.Context) {
	again := retry{j: j, what: "chaining"}
	for {
		chained, locked, err := j.chainPending(ctx)
		switch {
		case err != nil:
			if !again.failed(ctx, err) {
				return
			}
			continue
		case !locked:
			// Another server chains; whether it saw what rang our bell is not known, so look again.
			j.chain.ring()
		case chained > 0:
			j.news.ring()
		}
		again.worked(ctx)
		if chained == batch {
			continue
		}
		if !sleep(ctx, pace) || !j.chain.waitFor(ctx, poll) {
			return
		}
	}
}

// listen turns notifications of other servers' chaining into news (PostgreSQL).
func (j *Journal) listen(ctx context.Context) {
	again := retry{j: j, what: "listening for chained rows"}
	for {
		err := j.listenOnce(ctx, &again)
		if !again.failed(ctx, err) {
			return
		}
	}
}

func (j *Journal) listenOnce(ctx context.Context, again *retry) error {
	conn, err := j.db.ListenPool().Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connection to listen: %w", err)
	}
	// A connection that listens does not go back to the pool.
	raw := conn.Hijack()
	defer raw.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it any more
	if _, err := raw.Exec(ctx, `LISTEN "`+j.channel+`"`); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	again.worked(ctx)
	j.news.ring() // what was told while nobody listened
	for {
		if _, err := raw.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for a notification: %w", err)
		}
		j.news.ring()
	}
}

// tellNews wakes the subscriptions and tells the watchers what was chained, by whichever server.
func (j *Journal) tellNews(ctx context.Context) {
	again := retry{j: j, what: "reading the journal's head"}
	seen := int64(-1)
	for {
		next, err := j.newsAfter(ctx, seen)
		if err != nil {
			if !again.failed(ctx, err) {
				return
			}
			continue
		}
		again.worked(ctx)
		seen = next
		if !j.news.waitFor(ctx, poll) {
			return
		}
	}
}

func (j *Journal) newsAfter(ctx context.Context, seen int64) (int64, error) {
	h, err := j.headNow(ctx)
	if err != nil {
		return seen, err
	}
	if h.seq == seen {
		return seen, nil
	}
	subs := j.subscribers()
	if seen < 0 { // the first look: what was chained before nobody watches
		for _, s := range subs {
			s.bell.ring()
		}
		return h.seq, nil
	}
	var types []string
	err = query(ctx, j.db.Read(), func(rows *sql.Rows) error {
		var t string
		if err := rows.Scan(&t); err != nil {
			return err
		}
		types = append(types, t)
		return nil
	}, `SELECT DISTINCT type FROM journal_chain WHERE seq > ? AND seq <= ?`, seen, h.seq)
	if err != nil {
		return seen, fmt.Errorf("read what was chained: %w", err)
	}
	for _, s := range subs {
		if slices.ContainsFunc(types, s.wants) {
			s.bell.ring()
		}
	}
	j.watches.publish(types)
	return h.seq, nil
}

// Drain chains everything and runs the subscriptions until nothing is left to do, for tests and for a
// clean stop. Parked subjects stay parked.
func (j *Journal) Drain(ctx context.Context) error {
	for {
		idle, err := j.drainOnce(ctx)
		if err != nil {
			return fmt.Errorf("drain the journal: %w", err)
		}
		if idle {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("drain the journal: %w", err)
		}
	}
}

func (j *Journal) drainOnce(ctx context.Context) (idle bool, err error) {
	idle = true
	if j.db.Dialect() == store.Postgres {
		chained, locked, err := j.chainPending(ctx)
		if err != nil {
			return false, err
		}
		if !locked { // another one is at it: wait for its work to be seen
			sleep(ctx, pace)
		}
		if chained > 0 {
			j.news.ring()
		}
		idle = locked && chained == 0
	}
	for _, s := range j.subscribers() {
		done, err := s.step(ctx)
		switch {
		case err != nil:
			return false, err
		case done == stepBusy:
			sleep(ctx, pace)
			idle = false
		case done != stepIdle:
			idle = false
		}
	}
	return idle, nil
}

// Lag counts the rows that wait to be chained and tells the age of the oldest; more than [LagAlarm] is
// an alarm, since a row is tamper-evident only once it is chained. On SQLite nothing ever waits.
func (j *Journal) Lag(ctx context.Context) (pending int64, oldest time.Duration, err error) {
	if j.db.Dialect() != store.Postgres {
		return 0, 0, nil
	}
	var at sql.NullInt64
	err = query(ctx, j.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&pending, &at) },
		`SELECT count(*), min(at) FROM journal_pending`)
	if err != nil {
		return 0, 0, store.Classify(fmt.Errorf("count pending rows: %w", err))
	}
	if at.Valid {
		oldest = max(0, j.clock.Now().Sub(time.UnixMicro(at.Int64)))
	}
	return pending, oldest, nil
}

// LagAlarm is the age of a pending row that calls for a person.
const LagAlarm = 5 * time.Second
