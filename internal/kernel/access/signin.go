package access

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

// Credentials are what a person signs in with.
type Credentials struct {
	Login    string
	Password secret.Text
	Code     string // one-time or recovery code; "" when not asked yet
}

// Ways to prove who one is, as the journal names them.
const (
	howPassword   = "password"
	howTOTP       = "totp"
	howRecovery   = "recovery_code"
	howSetup      = "setup_link"
	howInvitation = "invitation"
	howOwn        = "own"
)

// proof is what was shown besides the password, to be used up in the transaction that follows.
type proof struct {
	how      string
	step     int64  // of a one-time code
	recovery string // hash of a recovery code
	keys     []attemptKey
}

// SignIn begins a session.
func (s *Service) SignIn(ctx context.Context, c Credentials, v Visit) (Signed, error) {
	login := foldLogin(c.Login)
	a, err := findLogin(ctx, s.db.Read(), login)
	if err != nil {
		return Signed{}, err
	}
	pr, err := s.prove(ctx, login, a, c.Password, c.Code, true, v.Remote)
	if err != nil {
		return Signed{}, err
	}
	newHash := ""
	if s.hasher.outdated(a.PasswordHash) {
		if newHash, err = s.hasher.hash(ctx, c.Password); err != nil {
			return Signed{}, err
		}
	}
	var out Signed
	err = s.db.Write(asAccount(ctx, a.ID), func(ctx context.Context, tx *store.Tx) error {
		now, err := s.use(ctx, tx, a, pr)
		if err != nil {
			return err
		}
		if newHash != "" {
			now.PasswordHash = newHash
			if _, err := tx.NewUpdate().Model(now).Column("password_hash").WherePK().Exec(ctx); err != nil {
				return fmt.Errorf("renew a password hash: %w", err)
			}
		}
		out, err = s.begin(ctx, tx, now, v, pr.how)
		return err
	})
	return out, s.spent(ctx, a, v.Remote, err)
}

// prove checks a password, and a code where the account has one. The account may be nil: it takes as
// long. Whatever is wrong is counted, recorded and answered alike.
func (s *Service) prove(ctx context.Context, login string, a *account, password secret.Text, code string,
	withCode bool, remote string,
) (proof, error) {
	pr := proof{how: howPassword, keys: s.attemptKeys(login, remote)}
	lockedFor, err := s.charge(ctx, pr.keys)
	if err != nil {
		return pr, err
	}
	phc := ""
	if a != nil && (a.State == Active || a.awaits()) {
		phc = a.PasswordHash
	}
	ok, err := s.hasher.check(ctx, phc, password)
	if err != nil {
		return pr, errors.Join(err, s.takeBack(ctx, pr.keys))
	}
	if !ok {
		return pr, s.failed(ctx, a, remote, howPassword, lockedFor, badCredentials())
	}
	if a.awaits() {
		if err := s.takeBack(ctx, pr.keys); err != nil {
			return pr, err
		}
		return pr, notConfirmed("a security administrator has to confirm you before you can sign in")
	}
	if !withCode || !a.totp() {
		return pr, nil
	}
	if code == "" {
		if err := s.takeBack(ctx, pr.keys); err != nil {
			return pr, err
		}
		return pr, problem.New(CodeTOTPRequired, "this account also needs its one-time code")
	}
	if ok, err = s.readCode(a, code, &pr); err != nil {
		return pr, err
	}
	if !ok {
		return pr, s.failed(ctx, a, remote, pr.how, lockedFor, totpInvalid())
	}
	return pr, nil
}

func totpInvalid() error {
	return problem.New(CodeTOTPInvalid, "the one-time code is wrong or was used before")
}

// takeBack undoes the count of an attempt that was not a guess, also when the person has gone.
func (s *Service) takeBack(ctx context.Context, keys []attemptKey) error {
	ctx = store.WithoutOnce(context.WithoutCancel(ctx))
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return refund(ctx, tx, keys) })
}

// readCode looks at a code without using it up.
func (s *Service) readCode(a *account, code string, pr *proof) (bool, error) {
	tidied := tidyCode(code)
	if recoveryShaped(tidied) {
		pr.how, pr.recovery = howRecovery, s.recoveryHash(a.ID, tidied)
		return true, nil // whether it exists is found where it is used up
	}
	pr.how = howTOTP
	key, err := s.cfg.Ring.Open(purposeTOTP, a.ID, a.TOTPSecret)
	if err != nil {
		return false, fmt.Errorf("TOTP secret of %s: %w", a.ID, err)
	}
	var ok bool
	pr.step, ok = totpStep(string(key), tidied, s.now(), a.TOTPStep)
	return ok, nil
}

func (s *Service) recoveryHash(accountID, tidied string) string {
	return hex.EncodeToString(s.cfg.Ring.BlindIndex("access.recovery", accountID+":"+tidied))
}

// use makes a proof count in the transaction: the account must still be as it was when it was proved,
// and a code works once.
func (s *Service) use(ctx context.Context, tx *store.Tx, proved *account, pr proof) (*account, error) {
	a, err := lockAccount(ctx, tx, proved.ID)
	if err != nil {
		return nil, err
	}
	if a.State != Active || a.PasswordHash != proved.PasswordHash || string(a.TOTPSecret) != string(proved.TOTPSecret) {
		return nil, badCredentials()
	}
	switch {
	case pr.step > 0:
		if a.TOTPStep >= pr.step {
			return nil, totpInvalid()
		}
		a.TOTPStep = pr.step
		if _, err := tx.NewUpdate().Model(a).Column("totp_step").WherePK().Exec(ctx); err != nil {
			return nil, fmt.Errorf("use a one-time code: %w", err)
		}
	case pr.recovery != "":
		res, err := tx.NewUpdate().Model((*recoveryCode)(nil)).Set("used_at = ?", store.At(tx.Now())).
			Where("account_id = ?", a.ID).Where("code_hash = ?", pr.recovery).Where("used_at IS NULL").Exec(ctx)
		if err != nil {
			return nil, fmt.Errorf("use a recovery code: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return nil, errors.Join(err, totpInvalid())
		}
	}
	return a, settle(ctx, tx, pr.keys)
}

// spent records a proof that was refused in the transaction, where only its rollback was possible.
func (s *Service) spent(ctx context.Context, a *account, remote string, err error) error {
	if errors.Is(err, problem.New(CodeTOTPInvalid, "")) {
		return s.failed(ctx, a, remote, howRecovery, 0, err)
	}
	return err
}

// Reauthenticate makes the caller's session fresh.
func (s *Service) Reauthenticate(ctx context.Context, password secret.Text, code, remote string) error {
	caller := api.CallerFrom(ctx)
	a, err := readAccount(ctx, s.db.Read(), caller.AccountID)
	if err != nil {
		return err
	}
	pr, err := s.prove(ctx, a.Login, a, password, code, true, remote)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := s.use(ctx, tx, a, pr)
		if err != nil {
			return err
		}
		if err := s.makeFresh(ctx, tx, caller.SessionID, tx.Now().Add(freshFor)); err != nil {
			return err
		}
		return s.note(ctx, tx, typeProved, a, map[string]any{"session_id": caller.SessionID, "how": pr.how})
	})
	return s.spent(ctx, a, remote, err)
}

func (s *Service) makeFresh(ctx context.Context, tx *store.Tx, sessionID string, until time.Time) error {
	_, err := tx.NewUpdate().Model((*session)(nil)).Set("fresh_until = ?", store.At(until)).Where("id = ?", sessionID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("make a session fresh: %w", err)
	}
	return nil
}
