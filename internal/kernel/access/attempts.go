package access

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/time/rate"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Locks against guessing (防暴力破解). An attempt is counted before the password is looked at and
// taken back when it was right, so that parallel guesses are counted too. Each further failure doubles
// the lock, up to a bound: a person who is attacked gets in again within minutes.
const (
	lockFirst = 15 * time.Second
	lockMax   = 15 * time.Minute

	freeForLogin       = 5 // failures without a lock
	freeForAddress     = 30
	forgetLoginAfter   = 24 * time.Hour
	forgetAddressAfter = time.Hour
)

type attempt struct {
	bun.BaseModel `bun:"table:access_attempt"`
	Key           string `bun:",pk"`
	Failures      int
	LastAt        store.Time
	LockedUntil   store.Time
}

// attemptKey is what failures are counted by.
type attemptKey struct {
	key    string
	free   int
	forget time.Duration
}

// attemptKeys are 16 bits of a keyed hash each: the table stays small whatever is tried, and two
// logins that meet share a lock, which a person hardly ever notices.
func (s *Service) attemptKeys(login, remote string) []attemptKey {
	bucket := func(kind, value string) string {
		return kind + ":" + hex.EncodeToString(s.cfg.Ring.BlindIndex("access.attempt."+kind, value)[:2])
	}
	return []attemptKey{
		{bucket("address", api.Network(remote)), freeForAddress, forgetAddressAfter},
		{bucket("login", login), freeForLogin, forgetLoginAfter},
	}
}

// lockAfter is how long a number of failures locks.
func lockAfter(failures, free int) time.Duration {
	over := failures - free
	if over < 0 {
		return 0
	}
	if over > 10 { // beyond the bound, and no shift too far
		return lockMax
	}
	return min(lockFirst<<over, lockMax)
}

// charge counts an attempt, or refuses it with code locked.
func (s *Service) charge(ctx context.Context, keys []attemptKey) (lockedFor time.Duration, err error) {
	// Looking first keeps refused attempts from queueing for the writer.
	for _, k := range keys {
		var a attempt
		err := s.db.Read().NewSelect().Model(&a).Where("key = ?", k.key).Scan(ctx)
		if err != nil && !store.NoRows(err) {
			return 0, store.Classify(fmt.Errorf("attempts: %w", err))
		}
		if err := refuseLocked(a.LockedUntil, s.now()); err != nil {
			return 0, err
		}
	}
	err = s.db.Write(store.WithoutOnce(ctx), func(ctx context.Context, tx *store.Tx) error {
		lockedFor = 0
		now := store.At(tx.Now())
		for _, k := range keys {
			a := attempt{Key: k.key, Failures: 1, LastAt: now}
			err := tx.NewRaw(`INSERT INTO access_attempt (key, failures, last_at) VALUES (?, 1, ?)
				ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at,
				failures = CASE WHEN access_attempt.last_at < ? THEN 1 ELSE access_attempt.failures + 1 END
				RETURNING failures, locked_until`, k.key, now, store.At(now.Add(-k.forget))).Scan(ctx, &a.Failures, &a.LockedUntil)
			if err != nil {
				return fmt.Errorf("count an attempt: %w", err)
			}
			if err := refuseLocked(a.LockedUntil, tx.Now()); err != nil {
				return err // rolls the count back
			}
			a.LockedUntil = store.Time{}
			if lock := lockAfter(a.Failures, k.free); lock > 0 {
				a.LockedUntil, lockedFor = store.At(now.Add(lock)), max(lockedFor, lock)
			}
			if _, err := tx.NewUpdate().Model(&a).Column("locked_until").WherePK().Exec(ctx); err != nil {
				return fmt.Errorf("lock after attempts: %w", err)
			}
		}
		return nil
	})
	return lockedFor, err
}

func refuseLocked(until store.Time, now time.Time) error {
	if !until.After(now) {
		return nil
	}
	p := problem.New(CodeLocked, "too many failures; try again later")
	p.RetryAfter = int(until.Sub(now)/time.Second) + 1
	return p
}

// refund takes one attempt back that told nothing: it was not a guess.
func refund(ctx context.Context, tx *store.Tx, keys []attemptKey) error {
	for _, k := range keys {
		_, err := tx.NewUpdate().Model((*attempt)(nil)).Set("locked_until = NULL").
			Set("failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END").Where("key = ?", k.key).Exec(ctx)
		if err != nil {
			return fmt.Errorf("take an attempt back: %w", err)
		}
	}
	return nil
}

// settle forgets the failures of a login after a success. Those of the address stay: whoever has one
// account must not get free guesses at others.
func settle(ctx context.Context, tx *store.Tx, keys []attemptKey) error {
	if err := refund(ctx, tx, keys); err != nil {
		return err
	}
	return forgetAttempts(ctx, tx, keys[len(keys)-1])
}

func forgetAttempts(ctx context.Context, tx *store.Tx, k attemptKey) error {
	if _, err := tx.NewDelete().Model((*attempt)(nil)).Where("key = ?", k.key).Exec(ctx); err != nil {
		return fmt.Errorf("forget attempts: %w", err)
	}
	return nil
}

// failureNotes bounds how many failed sign-ins the journal takes; what was left out is counted in
// the next row.
type failureNotes struct {
	limit   *rate.Limiter
	leftOut atomic.Int64
}

func newFailureNotes() *failureNotes { return &failureNotes{limit: rate.NewLimiter(1, 60)} }

// failed records a failed sign-in and returns the problem. The login is kept only when it is that of
// an account: people type passwords into the wrong field.
func (s *Service) failed(ctx context.Context, a *account, remote, why string, lockedFor time.Duration, answer error) error {
	if !s.failures.limit.AllowN(s.now(), 1) {
		s.failures.leftOut.Add(1)
		return answer
	}
	leftOut := s.failures.leftOut.Swap(0)
	ctx = journal.WithActor(ctx, journal.SystemActor("access"))
	err := s.db.Write(store.WithoutOnce(ctx), func(ctx context.Context, tx *store.Tx) error {
		e := journal.Entry{
			Type: typeFailed, Subject: journal.Subject{Kind: subjectAddress, ID: remote},
			AreaPath: s.cfg.Installation.AreaPath,
			Fields: map[string]any{
				"remote": remote, "why": why,
				"locked_seconds": int64(lockedFor / time.Second), "left_out": leftOut,
			},
		}
		if a != nil {
			e.Subject = journal.Subject{Kind: subjectAccount, ID: a.ID}
			e.AreaPath, e.SystemID = a.AreaPath, a.SystemID
			e.Fields["login"] = about(a, a.Login)
		}
		_, err := s.cfg.Journal.Append(ctx, tx, e)
		return err
	})
	if err != nil {
		s.failures.leftOut.Add(leftOut + 1)
		return fmt.Errorf("record a failed sign-in: %w", err)
	}
	return answer
}
