package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// The states of a verification.
const (
	verifyRunning = "running"
	verifyOK      = "ok"
	verifyBad     = "bad"
	verifyFailed  = "failed"

	// verifyBeat is how often a running verification shows that it lives; verifyDead is the silence after
	// which another server takes it over.
	verifyBeat = time.Second
	verifyDead = 30 * time.Second
)

const alreadyRunning problem.Code = "already_running"

// verificationRow is one verification that somebody asked for. It is a row, so that a server that
// stops does not lose it: the next one starts it again.
type verificationRow struct {
	bun.BaseModel `bun:"table:journal_verification,alias:journal_verification"`
	ID            string `bun:",pk"`
	State         string
	StartedAt     store.Time
	FinishedAt    store.Time
	StartedBy     string
	Owner         string // who runs it; "" for nobody yet
	SeenAt        store.Time
	Rows          int64
	Pending       int64
	Bad           string // JSON
	Head          string
}

// verifier runs the verifications of this process.
type verifier struct {
	id   string // of this process
	bell *wake
}

// StartVerification has the journal verified in the background. Only one runs at a time.
func (j *Journal) StartVerification(ctx context.Context) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("id: %w", err)
	}
	err = j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if tx.Engine() == store.Postgres { // two that start at once see each other
			if _, err := tx.NewRaw(`LOCK TABLE journal_verification IN SHARE ROW EXCLUSIVE MODE`).Exec(ctx); err != nil {
				return fmt.Errorf("lock the verifications: %w", err)
			}
		}
		n, err := tx.NewSelect().Model((*verificationRow)(nil)).Where("state = ?", verifyRunning).Count(ctx)
		if err != nil {
			return fmt.Errorf("look for a running verification: %w", err)
		}
		if n > 0 {
			return problem.New(alreadyRunning, "a verification is running already")
		}
		now := store.At(tx.Now())
		row := verificationRow{ID: id.String(), State: verifyRunning, StartedAt: now, SeenAt: now, StartedBy: ActorFrom(ctx).ID, Bad: "[]"}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return fmt.Errorf("start a verification: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	j.verifier.bell.ring()
	return id.String(), nil
}

func (j *Journal) verifyLoop(ctx context.Context) {
	again := retry{j: j, what: "verifying the journal"}
	for {
		row, err := j.claimVerification(ctx)
		if err == nil && row != nil {
			err = j.runVerification(ctx, row)
		}
		if err != nil {
			if !again.failed(ctx, err) {
				return
			}
			continue
		}
		again.worked(ctx)
		if row == nil && !j.verifier.bell.waitFor(ctx, 5*poll) {
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// claimVerification takes a verification that nobody runs, nil when there is none. On SQLite there is
// one server, so one that another process left behind is taken at once.
func (j *Journal) claimVerification(ctx context.Context) (*verificationRow, error) {
	var rows []verificationRow
	if err := j.db.Read().NewSelect().Model(&rows).Where("state = ?", verifyRunning).Scan(ctx); err != nil {
		return nil, fmt.Errorf("look for a verification: %w", err)
	}
	for _, row := range rows {
		dead := j.db.Dialect() == store.SQLite || j.clock.Now().Sub(row.SeenAt.Time).Abs() > verifyDead
		if row.Owner != "" && row.Owner != j.verifier.id && !dead {
			continue
		}
		taken := false
		err := j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			res, err := tx.NewUpdate().Model((*verificationRow)(nil)).Set("owner = ?", j.verifier.id).Set("seen_at = ?", store.At(tx.Now())).
				Where("id = ?", row.ID).Where("owner = ?", row.Owner).Where("state = ?", verifyRunning).Exec(ctx)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			taken = n == 1
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("take a verification: %w", err)
		}
		if taken {
			return &row, nil
		}
	}
	return nil, nil
}

// runVerification verifies and keeps the result. When the server stops, the row stays running and is
// taken up again after the start.
func (j *Journal) runVerification(ctx context.Context, row *verificationRow) error {
	beat := j.clock.Now()
	report, err := j.Verify(ctx, func(rows int64) {
		if now := j.clock.Now(); now.Sub(beat).Abs() >= verifyBeat {
			beat = now
			if err := j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.NewUpdate().Model((*verificationRow)(nil)).Set("rows = ?", rows).Set("seen_at = ?", store.At(now)).
					Where("id = ?", row.ID).Exec(ctx)
				return err
			}); err != nil {
				j.log.WarnContext(ctx, "progress of the verification not kept", "error", err)
			}
		}
	})
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && store.Unavailable(err):
		return err // it is tried again
	case err != nil:
		j.log.ErrorContext(ctx, "the journal could not be verified", "error", err)
	}
	state := verifyFailed
	if err == nil {
		state = verifyBad
		if report.OK {
			state = verifyOK
		}
	}
	return j.keepVerification(ctx, row, state, report)
}

func (j *Journal) keepVerification(ctx context.Context, row *verificationRow, state string, r Report) error {
	bad, err := json.Marshal(r.Bad)
	if err != nil {
		return fmt.Errorf("keep the verification: %w", err)
	}
	if state == verifyBad {
		j.log.ErrorContext(ctx, "the journal is not as it was written", "bad", len(r.Bad), "first", r.Bad[0].Why, "seq", r.Bad[0].Seq)
	}
	err = j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewUpdate().Model((*verificationRow)(nil)).Set("state = ?", state).Set("finished_at = ?", store.At(tx.Now())).
			Set("rows = ?", r.Rows).Set("pending = ?", r.Pending).Set("bad = ?", string(bad)).Set("head = ?", r.Head).
			Where("id = ?", row.ID).Exec(ctx)
		if err != nil || state == verifyFailed {
			return err
		}
		_, err = j.Append(WithActor(ctx, SystemActor("journal")), tx, Entry{
			Type: typeVerified, Subject: Subject{Kind: subjectVerify, ID: row.ID},
			Fields: map[string]any{"ok": r.OK, "rows": r.Rows, "bad": len(r.Bad), "head": r.Head},
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the verification: %w", err)
	}
	return nil
}
