package access

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

// purposeTOTP is what TOTP secrets are sealed for.
const purposeTOTP = "access.totp"

type recoveryCode struct {
	bun.BaseModel `bun:"table:access_recovery_code"`
	AccountID     string `bun:",pk"`
	CodeHash      string `bun:",pk"`
	UsedAt        store.Time
}

func dropRecoveryCodes(ctx context.Context, tx *store.Tx, accountID string) error {
	if _, err := tx.NewDelete().Model((*recoveryCode)(nil)).Where("account_id = ?", accountID).Exec(ctx); err != nil {
		return fmt.Errorf("drop recovery codes: %w", err)
	}
	return nil
}

// Me is the person who is signed in, and what their screen needs to know.
type Me struct {
	Account      MyAccount    `json:"account"`
	Roles        []Grant      `json:"roles" nullable:"false"`
	Permissions  []string     `json:"permissions" nullable:"false" doc:"Held somewhere; lists show where"`
	Mode         string       `json:"mode" enum:"trial,production"`
	Session      MySession    `json:"session"`
	ServerTime   time.Time    `json:"server_time"`
	Version      string       `json:"version"`
	Installation Installation `json:"installation"`
}

// MyAccount is one's own account.
type MyAccount struct {
	ID          string `json:"id"`
	Login       string `json:"login"`
	DisplayName string `json:"display_name"`
	TOTPEnabled bool   `json:"totp_enabled"`
}

// MySession is the session that asks.
type MySession struct {
	ID                 string    `json:"id"`
	FreshUntil         time.Time `json:"fresh_until"`
	IdleTimeoutSeconds int       `json:"idle_timeout_seconds"`
	ExpiresAt          time.Time `json:"expires_at"`
}

// Me returns the person of a session.
func (s *Service) Me(ctx context.Context, accountID, sessionID string) (Me, error) {
	db := s.db.Read()
	a, err := readAccount(ctx, db, accountID)
	if err != nil {
		return Me{}, err
	}
	grants, err := grantsOf(ctx, db, accountID)
	if err != nil {
		return Me{}, err
	}
	inst, err := readInstallation(ctx, db)
	if err != nil {
		return Me{}, err
	}
	var x session
	err = db.NewSelect().Model(&x).Where("id = ?", sessionID).Where("account_id = ?", accountID).Scan(ctx)
	if store.NoRows(err) {
		return Me{}, unauthenticated() // ended between the guard and here
	}
	if err != nil {
		return Me{}, store.Classify(fmt.Errorf("session: %w", err))
	}
	return Me{
		Account: MyAccount{ID: a.ID, Login: a.Login, DisplayName: a.DisplayName, TOTPEnabled: a.totp()},
		Roles:   grants[accountID], Permissions: s.catalogue.of(grants[accountID]), Mode: inst.Mode,
		Session: MySession{
			ID: x.ID, FreshUntil: x.FreshUntil.Time,
			IdleTimeoutSeconds: int(s.cfg.IdleTimeout / time.Second), ExpiresAt: x.ExpiresAt.Time,
		},
		ServerTime: s.now(), Version: s.cfg.Version, Installation: s.cfg.Installation,
	}, nil
}

// ChangePassword sets the caller's password and ends their other sessions.
func (s *Service) ChangePassword(ctx context.Context, current, next secret.Text, remote string) error {
	caller := api.CallerFrom(ctx)
	a, err := readAccount(ctx, s.db.Read(), caller.AccountID)
	if err != nil {
		return err
	}
	if err := s.passwords.check("body.next", a.Login, next); err != nil {
		return err
	}
	pr, err := s.prove(ctx, a.Login, a, current, "", false, remote)
	if err != nil {
		return err
	}
	if current.Reveal() == next.Reveal() {
		p := problem.New(CodePasswordWeak, "the new password is the old one")
		p.Fields = []problem.Field{{Location: "body.next", Code: "unchanged", Message: "the new password is the old one"}}
		return p
	}
	hash, err := s.hasher.hash(ctx, next)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := s.use(ctx, tx, a, pr)
		if err != nil {
			return err
		}
		a.PasswordHash = hash
		if err := a.save(ctx, tx); err != nil {
			return err
		}
		if err := endInvitations(ctx, tx, a.ID); err != nil {
			return err
		}
		if err := s.note(ctx, tx, typePassword, a, map[string]any{"how": howOwn}); err != nil {
			return err
		}
		_, err = s.endSessions(ctx, tx, a, "password_changed", func(q *bun.DeleteQuery) *bun.DeleteQuery {
			return q.Where("id <> ?", caller.SessionID)
		})
		return err
	})
}

// BeginTOTP makes a secret for the caller's authenticator. It counts from ConfirmTOTP on.
func (s *Service) BeginTOTP(ctx context.Context) (key, uri string, err error) {
	caller := api.CallerFrom(ctx)
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := lockAccount(ctx, tx, caller.AccountID)
		if err != nil {
			return err
		}
		if a.totp() {
			return problem.New(problem.Conflict, "one-time codes are enabled already; disable them first")
		}
		if key, uri, err = newTOTP(s.issuer(), a.Login); err != nil {
			return err
		}
		if a.TOTPPending, err = s.cfg.Ring.Seal(purposeTOTP, a.ID, []byte(key)); err != nil {
			return fmt.Errorf("seal a TOTP secret: %w", err)
		}
		_, err = tx.NewUpdate().Model(a).Column("totp_pending").WherePK().Exec(ctx)
		return err
	})
	return key, uri, err
}

// issuer is what an authenticator calls this installation.
func (s *Service) issuer() string {
	if s.cfg.Installation.Name != "" {
		return s.cfg.Installation.Name
	}
	return "taxops"
}

// ConfirmTOTP enables one-time codes once the authenticator shows the right one, and returns the
// recovery codes, which are shown this one time.
func (s *Service) ConfirmTOTP(ctx context.Context, code string) ([]string, error) {
	caller := api.CallerFrom(ctx)
	var codes []string
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := lockAccount(ctx, tx, caller.AccountID)
		if err != nil {
			return err
		}
		if len(a.TOTPPending) == 0 {
			return problem.New(problem.Conflict, "there is nothing to confirm; begin again")
		}
		key, err := s.cfg.Ring.Open(purposeTOTP, a.ID, a.TOTPPending)
		if err != nil {
			return fmt.Errorf("TOTP secret of %s: %w", a.ID, err)
		}
		at, ok := totpStep(string(key), tidyCode(code), tx.Now(), 0)
		if !ok {
			return totpInvalid()
		}
		a.TOTPSecret, a.TOTPPending, a.TOTPStep = a.TOTPPending, nil, at
		if err := a.save(ctx, tx); err != nil {
			return err
		}
		if err := dropRecoveryCodes(ctx, tx, a.ID); err != nil {
			return err
		}
		codes = newRecoveryCodes()
		rows := make([]recoveryCode, len(codes))
		for i, c := range codes {
			rows[i] = recoveryCode{AccountID: a.ID, CodeHash: s.recoveryHash(a.ID, tidyCode(c))}
		}
		if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return fmt.Errorf("recovery codes: %w", err)
		}
		return s.note(ctx, tx, typeTOTPEnabled, a, nil)
	})
	return codes, err
}

// DisableTOTP takes the caller's one-time codes away; in production an administrator keeps them.
func (s *Service) DisableTOTP(ctx context.Context, password secret.Text, remote string) error {
	caller := api.CallerFrom(ctx)
	a, err := readAccount(ctx, s.db.Read(), caller.AccountID)
	if err != nil {
		return err
	}
	pr, err := s.prove(ctx, a.Login, a, password, "", false, remote)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		grants, err := grantsOf(ctx, tx, caller.AccountID)
		if err != nil {
			return err
		}
		if mode == Production && administers(grants[caller.AccountID]) {
			return problem.New(CodeProductionRefused, "in production an administrator or auditor keeps the one-time codes")
		}
		a, err := s.use(ctx, tx, a, pr)
		if err != nil {
			return err
		}
		if !a.totp() && len(a.TOTPPending) == 0 {
			return problem.New(problem.Conflict, "one-time codes are not enabled")
		}
		a.TOTPSecret, a.TOTPPending = nil, nil
		if err := a.save(ctx, tx); err != nil {
			return err
		}
		if err := dropRecoveryCodes(ctx, tx, a.ID); err != nil {
			return err
		}
		return s.note(ctx, tx, typeTOTPDisabled, a, map[string]any{"how": howOwn})
	})
}
