package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

const (
	handBatch  = 64                    // rows handled in one transaction at most
	handTime   = 50 * time.Millisecond // after which a transaction takes no further row
	window     = 5000                  // rows of the chain looked at in one step
	attempts   = 3                     // before a row is parked
	maxErrText = 500
)

type stepResult int

const (
	stepIdle stepResult = iota // nothing left
	stepMore                   // something was done
	stepBusy                   // another server runs this subscription just now
)

// subscriber runs one subscription. On PostgreSQL the row of the subscription is locked while a
// transaction handles rows, so that of several servers one does.
type subscriber struct {
	Subscription
	j    *Journal
	bell *wake

	mu      sync.Mutex // one step at a time in this process
	pos     int64      // looked through up to here; at least the stored cursor
	stored  int64      // the stored cursor, as last seen
	failing int64      // the row that failed, and how often
	failed  int
}

func newSubscriber(j *Journal, s Subscription) *subscriber {
	return &subscriber{Subscription: s, j: j, bell: newWake()}
}

func (s *subscriber) wants(t string) bool { return slices.Contains(s.Types, t) }

func (s *subscriber) loop(ctx context.Context) {
	again := retry{j: s.j, what: "subscription " + s.Name}
	for {
		done, err := s.step(ctx)
		switch {
		case err != nil:
			if !again.failed(ctx, err) {
				return
			}
			continue
		case done == stepMore:
			again.worked(ctx)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		again.worked(ctx)
		wait := 5 * poll // the bell rings for new rows; this is for what another server released
		if done == stepBusy {
			wait = poll / 4
		}
		if !s.bell.waitFor(ctx, wait) {
			return
		}
	}
}

// step handles the next rows. Its error is one of the database, never of a row.
func (s *subscriber) step(ctx context.Context) (stepResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return stepIdle, err
	}
	if done, err := s.retryParked(ctx); err != nil || done != stepIdle {
		return done, err
	}
	h, err := s.j.headNow(ctx)
	if err != nil || h.seq <= s.pos {
		return stepIdle, err
	}
	to := min(h.seq, s.pos+window)
	in, err := readStored(ctx, s.j.db.Read(), selectStored+`WHERE c.seq > ? AND c.seq <= ? AND c.type IN (?) ORDER BY c.seq LIMIT ?`,
		s.pos, to, bun.List(s.Types), handBatch)
	if err != nil {
		return stepIdle, err
	}
	if len(in) == handBatch {
		to = in[len(in)-1].seq
	}
	if len(in) == 0 {
		s.pos = to
		if s.pos-s.stored < window {
			return stepMore, nil // remembered; the stored cursor follows from time to time
		}
		return s.handle(ctx, nil, to)
	}
	rows, err := s.j.rows(ctx, s.j.db.Read(), in, true)
	if err != nil {
		return stepIdle, err
	}
	return s.handle(ctx, rows, to)
}

// load reads the stored cursor; the first time it makes it.
func (s *subscriber) load(ctx context.Context) error {
	found := false
	scan := func(rows *sql.Rows) error {
		found = true
		return rows.Scan(&s.stored)
	}
	if err := query(ctx, s.j.db.Read(), scan, `SELECT cursor FROM journal_subscription WHERE name = ?`, s.Name); err != nil {
		return fmt.Errorf("read the cursor of %s: %w", s.Name, err)
	}
	if !found {
		err := s.j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw(`INSERT INTO journal_subscription (name, cursor, updated_at) VALUES (?, 0, ?) ON CONFLICT (name) DO NOTHING`,
				s.Name, store.At(tx.Now())).Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("make the cursor of %s: %w", s.Name, err)
		}
	}
	s.pos = max(s.pos, s.stored)
	return nil
}

var errBusy = errors.New("another server runs this subscription")

// lock takes the subscription for this transaction and returns its cursor.
func (s *subscriber) lock(ctx context.Context, tx *store.Tx) (int64, error) {
	text := `SELECT cursor FROM journal_subscription WHERE name = ?`
	if tx.Engine() == store.Postgres {
		text += ` FOR UPDATE SKIP LOCKED`
	}
	cursor := int64(-1)
	err := query(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&cursor) }, text, s.Name)
	if err != nil {
		return 0, fmt.Errorf("lock the cursor of %s: %w", s.Name, err)
	}
	if cursor < 0 {
		return 0, errBusy
	}
	return cursor, nil
}

// handleError is the failure of one row.
type handleError struct {
	index int
	err   error
}

func (e *handleError) Error() string { return e.err.Error() }
func (e *handleError) Unwrap() error { return e.err }

// handle handles rows, all after the cursor, and moves it to to.
func (s *subscriber) handle(ctx context.Context, rows []Row, to int64) (stepResult, error) {
	err := s.handleOnce(ctx, rows, to)
	var bad *handleError
	switch {
	case err == nil:
		s.failing, s.failed = 0, 0
		return stepMore, nil
	case errors.Is(err, errBusy):
		return stepBusy, nil
	case ctx.Err() != nil || !errors.As(err, &bad) || transient(err):
		return stepIdle, fmt.Errorf("subscription %s: %w", s.Name, err)
	case bad.index > 0: // what came before the bad row is handled without it
		return s.handle(ctx, rows[:bad.index], rows[bad.index].Seq-1)
	}
	row := rows[0]
	if s.failing != row.Seq {
		s.failing, s.failed = row.Seq, 0
	}
	if s.failed++; s.failed < attempts {
		return stepMore, nil
	}
	if err := s.park(ctx, row, bad.err); err != nil {
		if errors.Is(err, errBusy) {
			return stepBusy, nil
		}
		return stepIdle, fmt.Errorf("subscription %s: %w", s.Name, err)
	}
	s.failing, s.failed = 0, 0
	return stepMore, nil
}

func (s *subscriber) handleOnce(ctx context.Context, rows []Row, to int64) error {
	end := to
	err := s.j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		cursor, err := s.lock(ctx, tx)
		if err != nil {
			return err
		}
		end = max(to, cursor)
		parked, err := s.parkedSubjects(ctx, tx, len(rows) > 0)
		if err != nil {
			return err
		}
		began := s.j.clock.Now()
		for i, row := range rows {
			if row.Seq <= cursor {
				continue // another server was faster
			}
			if i > 0 && s.j.clock.Now().Sub(began) > handTime {
				end = max(rows[i].Seq-1, cursor)
				break
			}
			if subject := parkKey(row); parked[subject] {
				if err := s.wait(ctx, tx, subject, row.Seq); err != nil {
					return err
				}
				continue
			}
			if err := s.call(ctx, tx, row); err != nil {
				return &handleError{index: i, err: err}
			}
		}
		return s.move(ctx, tx, end)
	})
	if err == nil {
		s.stored, s.pos = end, end
	}
	return err
}

func (s *subscriber) move(ctx context.Context, tx *store.Tx, to int64) error {
	_, err := tx.NewRaw(`UPDATE journal_subscription SET cursor = ?, updated_at = ? WHERE name = ?`, to, store.At(tx.Now()), s.Name).Exec(ctx)
	if err != nil {
		return fmt.Errorf("move the cursor of %s: %w", s.Name, err)
	}
	return nil
}

// call runs the handler as the program, on behalf of the request that wrote the row. A panic is a
// failure of the row, not of the loop.
func (s *subscriber) call(ctx context.Context, tx *store.Tx, row Row) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.j.log.ErrorContext(ctx, "subscription panicked", "subscription", s.Name, "seq", row.Seq, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if row.Broken != "" {
		return fmt.Errorf("row %d cannot be read: %s", row.Seq, row.Broken)
	}
	ctx = WithRequest(WithActor(ctx, SystemActor(s.Name)), row.RequestID)
	return s.Handle(ctx, tx, row)
}

// transient reports a failure that says nothing of the row: the database is away, full, or busy.
func transient(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01") {
		return true
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		store.Unavailable(err) || errors.Is(err, problem.New(problem.StorageFull, "")) ||
		errors.Is(store.Classify(err), problem.New(problem.StorageFull, ""))
}
