package access

import (
	"context"
	"fmt"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// The service decides for every operation who calls and what they may do.
var _ api.Guard = (*Service)(nil)

// Identify implements [api.Guard]. It reads the session and its account in one statement each time,
// so that a revocation holds from the next request on.
func (s *Service) Identify(ctx context.Context, r api.SignedRequest) (context.Context, api.Caller, error) {
	if r.Token == "" {
		return ctx, api.Caller{}, unauthenticated()
	}
	var row struct {
		session
		DisplayName string
	}
	err := s.db.Read().NewSelect().TableExpr("access_session AS session").
		Join("JOIN access_account AS a ON a.id = session.account_id AND a.state = ?", Active).
		ColumnExpr("session.*, a.display_name").Where("session.token_hash = ?", hashToken(r.Token)).Scan(ctx, &row)
	if store.NoRows(err) {
		return ctx, api.Caller{}, unauthenticated()
	}
	if err != nil {
		return ctx, api.Caller{}, store.Classify(fmt.Errorf("session: %w", err))
	}
	now := s.now()
	if err := row.alive(now, s.cfg.IdleTimeout); err != nil {
		return ctx, api.Caller{}, err
	}
	if !r.Passive && now.Sub(row.LastSeenAt.Time) >= touchEvery {
		s.touch(ctx, row.ID, now)
	}
	caller := api.Caller{AccountID: row.AccountID, SessionID: row.ID, DisplayName: row.DisplayName}
	return asAccount(ctx, row.AccountID), caller, nil
}

// touch writes a sign of life. When that fails the request still goes on: a full disc must not keep
// people from looking, and the session locks earlier at worst.
func (s *Service) touch(ctx context.Context, id string, now time.Time) {
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewUpdate().Model((*session)(nil)).Set("last_seen_at = ?", store.At(now)).
			Where("id = ?", id).Where("last_seen_at < ?", store.At(now)).Exec(ctx)
		return err
	})
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "sign of life not written", "session_id", id, "error", err)
	}
}

// Authorize implements [api.Guard]. It looks at the session again, since it may have ended after it
// was identified, and an answer made of many parts authorizes each.
func (s *Service) Authorize(ctx context.Context, c api.Caller, n api.Need) (store.Scope, error) {
	none := store.Scope{}
	var rows []struct {
		session
		Role     Role
		AreaPath string
		SystemID string
	}
	err := s.db.Read().NewSelect().TableExpr("access_session AS session").
		Join("JOIN access_account AS a ON a.id = session.account_id AND a.state = ?", Active).
		Join("LEFT JOIN access_grant AS g ON g.account_id = a.id").
		ColumnExpr("session.*, coalesce(g.role, '') AS role, coalesce(g.area_path, '') AS area_path, coalesce(g.system_id, '') AS system_id").
		Where("session.id = ?", c.SessionID).Where("session.account_id = ?", c.AccountID).Scan(ctx, &rows)
	if err != nil {
		return none, store.Classify(fmt.Errorf("authorize: %w", err))
	}
	if len(rows) == 0 {
		return none, unauthenticated()
	}
	now := s.now()
	if err := rows[0].alive(now, s.cfg.IdleTimeout); err != nil {
		return none, err
	}
	grants := make([]Grant, 0, len(rows))
	for _, r := range rows {
		if r.Role != "" {
			grants = append(grants, Grant{Role: r.Role, AreaPath: r.AreaPath, SystemID: r.SystemID})
		}
	}
	scope := none
	if n.Permission != "" {
		scope = s.catalogue.scope(grants, n.Permission)
		if scope.Empty() {
			return none, problem.New(problem.Forbidden, "this needs the permission %s", n.Permission)
		}
	}
	if n.Fresh && !now.Before(rows[0].FreshUntil.Time) {
		return none, problem.New(CodeNotFresh, "this needs a proof of identity that is not older than %s", freshFor)
	}
	return scope, nil
}

// scopeOf is where an account has a permission.
func (s *Service) scopeOf(ctx context.Context, tx *store.Tx, accountID, permission string) (store.Scope, error) {
	grants, err := grantsOf(ctx, tx, accountID)
	if err != nil {
		return store.Scope{}, err
	}
	return s.catalogue.scope(grants[accountID], permission), nil
}
