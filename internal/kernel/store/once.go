package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
)

// Once makes the first Write of a request happen once for a key: the key is stored in the same
// transaction as the effect, so a repeated request finds it there and changes nothing, whatever
// happened to the first answer.
type Once struct {
	Owner   string // who sent the key: keys of two people never meet
	Key     string // at most 128 characters
	Request string // hash of method, path and body: the same key for another request is refused
}

type onceKey struct{}

type onceState struct {
	Once
	claimed bool
}

// WithOnce returns a context in which the first Write claims the key.
func WithOnce(ctx context.Context, o Once) context.Context {
	return context.WithValue(ctx, onceKey{}, &onceState{Once: o})
}

// WithoutOnce returns a context in which a Write claims no key: for what is noted beside the effect,
// such as an attempt that was counted. The effect itself is still to come.
func WithoutOnce(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, (*onceState)(nil))
}

// OnceRow is what is kept of a request with a key.
type OnceRow struct {
	bun.BaseModel `bun:"table:store_once"`
	Owner         string `bun:",pk"`
	Key           string `bun:",pk"`
	Request       string
	Status        int    // 0 while the answer is not known, [AnswerForgotten] when it must not be
	Body          []byte // the answer, as sent
	At            Time
}

func claimOnce(ctx context.Context, tx *Tx) error {
	s, ok := ctx.Value(onceKey{}).(*onceState)
	if !ok || s == nil || s.claimed {
		return nil
	}
	row := OnceRow{Owner: s.Owner, Key: s.Key, Request: s.Request, Body: []byte{}, At: At(tx.Now())}
	res, err := tx.NewInsert().Model(&row).On("CONFLICT (owner, key) DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("claim the idempotency key: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("claim the idempotency key: %w", err)
	} else if n == 0 {
		return problem.New(problem.DuplicateRequest, "a request with this Idempotency-Key was carried out already")
	}
	tx.AfterCommit(func() { s.claimed = true })
	return nil
}

// FindOnce returns what is kept for a key, nil when nothing is.
func (d *DB) FindOnce(ctx context.Context, owner, key string) (*OnceRow, error) {
	row := new(OnceRow)
	err := d.writer.NewSelect().Model(row).Where("owner = ?", owner).Where("key = ?", key).Scan(ctx)
	if NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, Classify(fmt.Errorf("find the idempotency key: %w", err))
	}
	return row, nil
}

// KeepAnswer stores the answer of a request whose key was claimed, so that a repeat is answered alike.
func (d *DB) KeepAnswer(ctx context.Context, owner, key string, status int, body []byte) error {
	_, err := d.writer.NewUpdate().Model((*OnceRow)(nil)).Set("status = ?", status).Set("body = ?", body).
		Where("owner = ?", owner).Where("key = ?", key).Where("status <> ?", AnswerForgotten).Exec(ctx)
	if err != nil {
		return Classify(fmt.Errorf("keep the answer: %w", err))
	}
	return nil
}

// AnswerForgotten is the status of a key whose answer must not be kept, not even one that is still to come.
const AnswerForgotten = -1

// ForgetAnswers drops all answers that are kept, and leaves the keys: what was carried out is not done
// again. It is for the day on which a person is erased, whom any of them may name; of the request that
// erases, the answer may be kept.
func ForgetAnswers(ctx context.Context, tx *Tx) error {
	q := tx.NewUpdate().Model((*OnceRow)(nil)).Set("status = ?", AnswerForgotten).Set("body = ?", []byte{}).
		Where("status <> ?", AnswerForgotten)
	if s, ok := ctx.Value(onceKey{}).(*onceState); ok && s != nil {
		q = q.Where("NOT (owner = ? AND key = ?)", s.Owner, s.Key)
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("forget the answers kept for repeats: %w", err)
	}
	return nil
}

// ForgetOnce deletes keys older than t; a client repeats within minutes, not days.
func ForgetOnce(ctx context.Context, tx *Tx, before Time) error {
	if _, err := tx.NewDelete().Model((*OnceRow)(nil)).Where("at < ?", before).Exec(ctx); err != nil {
		return fmt.Errorf("forget idempotency keys: %w", err)
	}
	return nil
}
