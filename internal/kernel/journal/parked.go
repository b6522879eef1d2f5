package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// parkKey names what is parked: the row's subject, or the row alone when it is about nothing.
func parkKey(row Row) string {
	if row.Subject == (Subject{}) {
		return "row:" + strconv.FormatInt(row.Seq, 10)
	}
	return row.Subject.String()
}

func (s *subscriber) parkedSubjects(ctx context.Context, tx *store.Tx, needed bool) (map[string]bool, error) {
	out := map[string]bool{}
	if !needed {
		return out, nil
	}
	err := query(ctx, tx, func(rows *sql.Rows) error {
		var subject string
		if err := rows.Scan(&subject); err != nil {
			return err
		}
		out[subject] = true
		return nil
	}, `SELECT subject FROM journal_parked WHERE subscription = ?`, s.Name)
	if err != nil {
		return nil, fmt.Errorf("read what %s has parked: %w", s.Name, err)
	}
	return out, nil
}

// wait puts a row behind its parked subject.
func (s *subscriber) wait(ctx context.Context, tx *store.Tx, subject string, seq int64) error {
	_, err := tx.NewRaw(`INSERT INTO journal_waiting (subscription, subject, seq) VALUES (?, ?, ?)`, s.Name, subject, seq).Exec(ctx)
	if err != nil {
		return fmt.Errorf("let row %d wait: %w", seq, err)
	}
	return nil
}

// park puts a row aside together with its subject and moves on.
func (s *subscriber) park(ctx context.Context, row Row, cause error) error {
	moved := false
	err := s.j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		moved = false
		cursor, err := s.lock(ctx, tx)
		if err != nil {
			return err
		}
		if cursor >= row.Seq {
			return nil // another server dealt with it
		}
		moved = true
		text := errText(cause)
		_, err = tx.NewRaw(`INSERT INTO journal_parked (subscription, subject, seq, error, since, retry) VALUES (?, ?, ?, ?, ?, ?)`,
			s.Name, parkKey(row), row.Seq, text, store.At(tx.Now()), false).Exec(ctx)
		if err != nil {
			return fmt.Errorf("park row %d: %w", row.Seq, err)
		}
		_, err = s.j.Append(WithActor(ctx, SystemActor(s.Name)), tx, Entry{
			Type: typeParked, Subject: Subject{Kind: subjectSub, ID: s.Name}, AreaPath: row.AreaPath, SystemID: row.SystemID,
			Fields: map[string]any{"subscription": s.Name, "subject": parkKey(row), "seq": row.Seq, "error": text},
		})
		if err != nil {
			return err
		}
		return s.move(ctx, tx, row.Seq)
	})
	if err == nil && moved {
		s.stored, s.pos = row.Seq, row.Seq
		s.j.log.ErrorContext(ctx, "a journal row could not be handled; its subject is parked", "subscription", s.Name, "seq", row.Seq, "type", row.Type)
	}
	return err
}

func errText(err error) string {
	text := []rune(err.Error())
	if len(text) > maxErrText {
		text = append(text[:maxErrText], '…')
	}
	return string(text)
}

// retryParked handles the next row of a parked subject that a person released.
func (s *subscriber) retryParked(ctx context.Context) (stepResult, error) {
	subject, seq := "", int64(0)
	err := query(ctx, s.j.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&subject, &seq) },
		`SELECT subject, seq FROM journal_parked WHERE subscription = ? AND retry = ? ORDER BY seq LIMIT 1`, s.Name, true)
	if err != nil {
		return stepIdle, fmt.Errorf("read what %s may retry: %w", s.Name, err)
	}
	if seq == 0 {
		return stepIdle, nil
	}
	row, _, err := s.j.find(ctx, seq, true)
	if err != nil {
		return stepIdle, err
	}
	var bad error
	err = s.j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		bad = nil
		if _, err := s.lock(ctx, tx); err != nil {
			return err
		}
		p, err := s.parked(ctx, tx, subject)
		if err != nil {
			return err
		}
		if p == nil || p.seq != seq || !p.retry {
			return nil // another server dealt with it
		}
		if err := s.call(ctx, tx, row); err != nil {
			bad = err
			return err
		}
		return s.release(ctx, tx, subject)
	})
	switch {
	case err == nil:
		return stepMore, nil
	case errors.Is(err, errBusy):
		return stepBusy, nil
	case bad == nil || ctx.Err() != nil || transient(err):
		return stepIdle, fmt.Errorf("subscription %s: %w", s.Name, err)
	}
	err = s.j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw(`UPDATE journal_parked SET retry = ?, error = ? WHERE subscription = ? AND subject = ? AND seq = ?`,
			false, errText(bad), s.Name, subject, seq).Exec(ctx)
		return err
	})
	if err != nil {
		return stepIdle, fmt.Errorf("subscription %s: %w", s.Name, err)
	}
	return stepMore, nil
}

type parkedRow struct {
	seq   int64
	retry bool
}

// parked reads one parked subject, nil when it is not parked.
func (s *subscriber) parked(ctx context.Context, tx *store.Tx, subject string) (*parkedRow, error) {
	var p *parkedRow
	err := query(ctx, tx, func(rows *sql.Rows) error {
		p = new(parkedRow)
		return rows.Scan(&p.seq, &p.retry)
	}, `SELECT seq, retry FROM journal_parked WHERE subscription = ? AND subject = ?`, s.Name, subject)
	if err != nil {
		return nil, fmt.Errorf("read what %s has parked: %w", s.Name, err)
	}
	return p, nil
}

// release puts the next waiting row of a subject in place of the parked one, ready to be tried; with
// none waiting the subject is free.
func (s *subscriber) release(ctx context.Context, tx *store.Tx, subject string) error {
	next := sql.NullInt64{}
	err := query(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&next) },
		`SELECT min(seq) FROM journal_waiting WHERE subscription = ? AND subject = ?`, s.Name, subject)
	if err != nil {
		return fmt.Errorf("read what waits for %s: %w", subject, err)
	}
	if !next.Valid {
		_, err = tx.NewRaw(`DELETE FROM journal_parked WHERE subscription = ? AND subject = ?`, s.Name, subject).Exec(ctx)
	} else {
		_, err = tx.NewRaw(`UPDATE journal_parked SET seq = ?, retry = ? WHERE subscription = ? AND subject = ?`, next.Int64, true, s.Name, subject).Exec(ctx)
		if err == nil {
			_, err = tx.NewRaw(`DELETE FROM journal_waiting WHERE subscription = ? AND subject = ? AND seq = ?`, s.Name, subject, next.Int64).Exec(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("release %s: %w", subject, err)
	}
	return nil
}

// Parked is a subject that a subscription has put aside.
type Parked struct {
	Subject string
	Seq     int64 // the row that cannot be handled
	Error   string
	Since   time.Time
	Waiting int64 // rows behind it
	Retry   bool  // released, about to be tried
}

// SubscriptionState is where a subscription stands.
type SubscriptionState struct {
	Name         string
	Cursor, Head int64
	Lag          int64 // rows that it still has to handle, counted up to 10,000
	Parked       []Parked
}

// Subscriptions tells where each subscription stands.
func (j *Journal) Subscriptions(ctx context.Context) ([]SubscriptionState, error) {
	h, err := j.headNow(ctx)
	if err != nil {
		return nil, store.Classify(err)
	}
	out := []SubscriptionState{}
	for _, s := range j.subscribers() {
		st, err := s.state(ctx, h.seq)
		if err != nil {
			return nil, store.Classify(fmt.Errorf("state of subscription %s: %w", s.Name, err))
		}
		out = append(out, st)
	}
	return out, nil
}

// Retry has a parked row and those behind it tried again, in order.
func (j *Journal) Retry(ctx context.Context, subscription, subject, reason string) error {
	return j.unpark(ctx, subscription, subject, func(ctx context.Context, tx *store.Tx, s *subscriber, p *parkedRow) error {
		_, err := tx.NewRaw(`UPDATE journal_parked SET retry = ? WHERE subscription = ? AND subject = ?`, true, subscription, subject).Exec(ctx)
		if err != nil {
			return fmt.Errorf("retry %s: %w", subject, err)
		}
		return j.unparked(ctx, tx, typeRetried, subscription, subject, p.seq, reason)
	})
}

// Skip gives up a parked row and has those behind it tried.
func (j *Journal) Skip(ctx context.Context, subscription, subject, reason string) error {
	return j.unpark(ctx, subscription, subject, func(ctx context.Context, tx *store.Tx, s *subscriber, p *parkedRow) error {
		if err := s.release(ctx, tx, subject); err != nil {
			return err
		}
		return j.unparked(ctx, tx, typeSkipped, subscription, subject, p.seq, reason)
	})
}

func (j *Journal) unparked(ctx context.Context, tx *store.Tx, t, subscription, subject string, seq int64, reason string) error {
	_, err := j.Append(ctx, tx, Entry{
		Type: t, Subject: Subject{Kind: subjectSub, ID: subscription},
		Fields: map[string]any{"subscription": subscription, "subject": subject, "seq": seq, "reason": reason},
	})
	return err
}

func (j *Journal) unpark(ctx context.Context, subscription, subject string, f func(context.Context, *store.Tx, *subscriber, *parkedRow) error) error {
	var s *subscriber
	for _, o := range j.subscribers() {
		if o.Name == subscription {
			s = o
		}
	}
	if s == nil {
		return problem.Missing("subscription", subscription)
	}
	err := j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		text := `SELECT cursor FROM journal_subscription WHERE name = ?`
		if tx.Engine() == store.Postgres {
			text += ` FOR UPDATE` // unlike the loop, a person waits for their turn
		}
		if err := query(ctx, tx, func(rows *sql.Rows) error { var c int64; return rows.Scan(&c) }, text, subscription); err != nil {
			return fmt.Errorf("lock the cursor of %s: %w", subscription, err)
		}
		p, err := s.parked(ctx, tx, subject)
		if err != nil {
			return err
		}
		if p == nil {
			return problem.Missing("parked subject", subject)
		}
		return f(ctx, tx, s, p)
	})
	if err != nil {
		return err
	}
	s.bell.ring()
	return nil
}

func (s *subscriber) state(ctx context.Context, headSeq int64) (SubscriptionState, error) {
	st := SubscriptionState{Name: s.Name, Head: headSeq, Parked: []Parked{}}
	db := s.j.db.Read()
	if err := query(ctx, db, func(rows *sql.Rows) error { return rows.Scan(&st.Cursor) },
		`SELECT cursor FROM journal_subscription WHERE name = ?`, s.Name); err != nil {
		return st, err
	}
	if err := query(ctx, db, func(rows *sql.Rows) error { return rows.Scan(&st.Lag) },
		`SELECT count(*) FROM (SELECT 1 FROM journal_chain WHERE seq > ? AND type IN (?) LIMIT ?) AS waiting`,
		st.Cursor, bun.List(s.Types), store.ExactTotal); err != nil {
		return st, err
	}
	err := query(ctx, db, func(rows *sql.Rows) error {
		var p Parked
		var since store.Time
		if err := rows.Scan(&p.Subject, &p.Seq, &p.Error, &since, &p.Retry, &p.Waiting); err != nil {
			return err
		}
		p.Since = since.Time
		st.Parked = append(st.Parked, p)
		return nil
	}, `SELECT p.subject, p.seq, p.error, p.since, p.retry,
		(SELECT count(*) FROM journal_waiting AS w WHERE w.subscription = p.subscription AND w.subject = p.subject)
		FROM journal_parked AS p WHERE p.subscription = ? ORDER BY p.seq`, s.Name)
	return st, err
}
