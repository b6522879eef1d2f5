package access

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type session struct {
	bun.BaseModel `bun:"table:access_session,alias:session"`
	ID            string `bun:",pk"`
	TokenHash     string
	AccountID     string
	CreatedAt     store.Time
	LastSeenAt    store.Time
	ExpiresAt     store.Time
	FreshUntil    store.Time
	Remote        string
	UserAgent     string
}

// alive refuses a session that has ended or that nobody touched for too long.
func (x *session) alive(now time.Time, idle time.Duration) error {
	if !now.Before(x.ExpiresAt.Time) {
		return unauthenticated()
	}
	if !now.Before(x.LastSeenAt.Add(idle)) {
		return problem.New(CodeIdle, "the session locked after %s without a touch", idle)
	}
	return nil
}

// Visit is what a request shows of the browser that sent it.
type Visit struct {
	Remote    string
	UserAgent string
	// Previous is the token that the browser still carries: signing in ends that session.
	Previous string
}

// Signed is a session just begun.
type Signed struct {
	Token     string // for the cookie; kept nowhere
	AccountID string
	SessionID string
	ExpiresAt time.Time
}

// begin starts a session for a person who proved who they are, and records it.
func (s *Service) begin(ctx context.Context, tx *store.Tx, a *account, v Visit, how string) (Signed, error) {
	now := tx.Now()
	if err := s.endPrevious(ctx, tx, v.Previous); err != nil {
		return Signed{}, err
	}
	id, err := newID()
	if err != nil {
		return Signed{}, err
	}
	token, hash := newToken()
	row := session{
		ID: id, TokenHash: hash, AccountID: a.ID, CreatedAt: store.At(now), LastSeenAt: store.At(now),
		ExpiresAt: store.At(now.Add(sessionLife)), FreshUntil: store.At(now.Add(freshFor)),
		Remote: cut(v.Remote, 64), UserAgent: cut(v.UserAgent, 200),
	}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Signed{}, fmt.Errorf("begin a session: %w", err)
	}
	newest := tx.NewSelect().Model((*session)(nil)).Column("id").Where("account_id = ?", a.ID).
		OrderExpr("created_at DESC, id DESC").Limit(sessionsEach)
	if _, err := tx.NewDelete().Model((*session)(nil)).Where("account_id = ?", a.ID).
		Where("id NOT IN (?)", newest).Exec(ctx); err != nil {
		return Signed{}, fmt.Errorf("end the oldest sessions: %w", err)
	}
	a.LastSignInAt = store.At(now)
	if _, err := tx.NewUpdate().Model(a).Column("last_sign_in_at").WherePK().Exec(ctx); err != nil {
		return Signed{}, fmt.Errorf("last sign-in: %w", err)
	}
	err = s.note(ctx, tx, typeSignedIn, a, map[string]any{"session_id": id, "remote": row.Remote, "how": how})
	return Signed{Token: token, AccountID: a.ID, SessionID: id, ExpiresAt: row.ExpiresAt.Time}, err
}

func (s *Service) endPrevious(ctx context.Context, tx *store.Tx, token string) error {
	if token == "" {
		return nil
	}
	var old session
	err := tx.NewSelect().Model(&old).Where("token_hash = ?", hashToken(token)).Scan(ctx)
	if store.NoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the browser's session before: %w", err)
	}
	a, err := readAccount(ctx, tx, old.AccountID)
	if err != nil {
		return err
	}
	_, err = s.endSessions(ctx, tx, a, "replaced", func(q *bun.DeleteQuery) *bun.DeleteQuery { return q.Where("id = ?", old.ID) })
	return err
}

// endSessions ends those sessions of an account that narrow leaves, and records which.
func (s *Service) endSessions(ctx context.Context, tx *store.Tx, a *account, why string,
	narrow func(*bun.DeleteQuery) *bun.DeleteQuery,
) (int, error) {
	q := tx.NewDelete().Model((*session)(nil)).Where("account_id = ?", a.ID)
	if narrow != nil {
		q = narrow(q)
	}
	ids := []string{}
	if err := q.Returning("id").Scan(ctx, &ids); err != nil && !store.NoRows(err) {
		return 0, fmt.Errorf("end sessions of %s: %w", a.ID, err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return len(ids), s.note(ctx, tx, typeRevoked, a, map[string]any{"sessions": list, "why": why})
}

// SignOut ends the session of the caller.
func (s *Service) SignOut(ctx context.Context) error {
	caller := api.CallerFrom(ctx)
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := readAccount(ctx, tx, caller.AccountID)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*session)(nil)).Where("id = ?", caller.SessionID).Exec(ctx); err != nil {
			return fmt.Errorf("sign out: %w", err)
		}
		return s.note(ctx, tx, typeSignedOut, a, map[string]any{"session_id": caller.SessionID})
	})
}

// SessionView is one signed-in browser as its owner sees it.
type SessionView struct {
	ID         string    `json:"id"`
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	Remote     string    `json:"remote"`
	UserAgent  string    `json:"user_agent"`
	Current    bool      `json:"current"`
}

// Sessions lists the caller's sessions that are neither ended nor locked, the newest first.
func (s *Service) Sessions(ctx context.Context) ([]SessionView, error) {
	caller := api.CallerFrom(ctx)
	var rows []session
	err := s.db.Read().NewSelect().Model(&rows).Where("account_id = ?", caller.AccountID).
		OrderExpr("created_at DESC, id DESC").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("sessions: %w", err))
	}
	out := []SessionView{}
	for _, r := range rows {
		if r.alive(s.now(), s.cfg.IdleTimeout) != nil {
			continue
		}
		out = append(out, SessionView{
			ID: r.ID, CreatedAt: r.CreatedAt.Time, LastSeenAt: r.LastSeenAt.Time,
			Remote: r.Remote, UserAgent: r.UserAgent, Current: r.ID == caller.SessionID,
		})
	}
	return out, nil
}

// EndSession ends one of the caller's own sessions.
func (s *Service) EndSession(ctx context.Context, id string) error {
	caller := api.CallerFrom(ctx)
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := readAccount(ctx, tx, caller.AccountID)
		if err != nil {
			return err
		}
		n, err := s.endSessions(ctx, tx, a, "own", func(q *bun.DeleteQuery) *bun.DeleteQuery { return q.Where("id = ?", id) })
		if err == nil && n == 0 {
			return problem.Missing("session", id)
		}
		return err
	})
}

// SweepSessions deletes what is over: sessions past their end, attempts long ago, links that no
// longer work. It changes nothing that anybody could still use, so it writes no row.
func (s *Service) SweepSessions(ctx context.Context) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		now := tx.Now()
		if _, err := tx.NewDelete().Model((*session)(nil)).Where("expires_at <= ?", store.At(now)).Exec(ctx); err != nil {
			return fmt.Errorf("sweep sessions: %w", err)
		}
		if _, err := tx.NewDelete().Model((*attempt)(nil)).Where("last_at < ?", store.At(now.Add(-forgetLoginAfter))).Exec(ctx); err != nil {
			return fmt.Errorf("sweep attempts: %w", err)
		}
		// Kept for a while, so that a person who follows an old link is told what became of it.
		old := store.At(now.Add(-linkKept))
		if _, err := tx.NewDelete().Model((*invitation)(nil)).Where("expires_at < ?", old).Exec(ctx); err != nil {
			return fmt.Errorf("sweep invitations: %w", err)
		}
		return nil
	})
}

// cut shortens a text to n bytes without breaking a character.
func cut(s string, n int) string {
	if !utf8.ValidString(s) {
		s = ""
	}
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
