package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

type invitation struct {
	bun.BaseModel `bun:"table:access_invitation"`
	ID            string `bun:",pk"`
	AccountID     string
	TokenHash     string
	CreatedAt     store.Time
	ExpiresAt     store.Time
	UsedAt        store.Time
	MadeBy        string // "" for the host
}

// Link is an address that is handed to a person, once.
type Link struct {
	URL       string
	ExpiresAt time.Time
}

// invite makes a link in the transaction that decided on it; by is who sees it, "" for the host. Older
// links of the account end.
func (s *Service) invite(ctx context.Context, tx *store.Tx, a *account, by string) (Link, error) {
	if _, err := AccountMachine().Next(a.State, onInvite); err != nil {
		return Link{}, err
	}
	if err := endInvitations(ctx, tx, a.ID); err != nil {
		return Link{}, err
	}
	id, err := newID()
	if err != nil {
		return Link{}, err
	}
	token, hash := newToken()
	now := store.At(tx.Now())
	row := invitation{ID: id, AccountID: a.ID, TokenHash: hash, CreatedAt: now, ExpiresAt: store.At(now.Add(invitationLife)), MadeBy: by}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Link{}, fmt.Errorf("invitation: %w", err)
	}
	return Link{URL: link(s.cfg.BaseURL, "/invite", token), ExpiresAt: row.ExpiresAt.Time}, nil
}

func endInvitations(ctx context.Context, tx *store.Tx, accountID string) error {
	now := store.At(tx.Now())
	_, err := tx.NewUpdate().Model((*invitation)(nil)).Set("expires_at = ?", now).
		Where("account_id = ?", accountID).Where("used_at IS NULL").Where("expires_at > ?", now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("end older invitations: %w", err)
	}
	return nil
}

// noteInvited records a link. For an active account it replaces what was lost.
func (s *Service) noteInvited(ctx context.Context, tx *store.Tx, a *account, l Link) error {
	return s.note(ctx, tx, typeInvited, a, map[string]any{"expires_at": l.ExpiresAt, "replaces_credentials": a.State == Active})
}

// Invite makes a new link for an account: the first one was lost, or its password or authenticator
// was. In production nobody may take over one of the three administrators that way: they are helped
// on the host.
func (s *Service) Invite(ctx context.Context, id string) (Link, error) {
	var out Link
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		a, err := s.manageable(ctx, tx, id)
		if err != nil {
			return err
		}
		if mode == Production && a.State == Active {
			grants, err := grantsOf(ctx, tx, id)
			if err != nil {
				return err
			}
			if administers(grants[id]) {
				return problem.New(CodeSeparation,
					"in production the credentials of an administrator or auditor are replaced on the host: taxops account recover")
			}
		}
		if out, err = s.invite(ctx, tx, a, api.CallerFrom(ctx).AccountID); err != nil {
			return err
		}
		return s.noteInvited(ctx, tx, a, out)
	})
	return out, err
}

func administers(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool { return slices.Contains(Triad(), g.Role) })
}

// Recover makes a link for an administrator or auditor who cannot sign in any more. It is called on
// the host (`taxops account recover`), by whoever may read the database anyway.
func (s *Service) Recover(ctx context.Context, login string) (link string, expires time.Time, err error) {
	var out Link
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := lockInstallation(ctx, tx); err != nil {
			return err
		}
		a, err := findLogin(ctx, tx, foldLogin(login))
		if err != nil {
			return err
		}
		if a == nil {
			return problem.New(problem.NotFound, "nobody has the login %q", foldLogin(login))
		}
		grants, err := grantsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if !administers(grants[a.ID]) {
			return problem.New(problem.Forbidden, "only an administrator or auditor is helped on the host; for others an administrator makes a link")
		}
		if out, err = s.invite(ctx, tx, a, ""); err != nil {
			return err
		}
		return s.note(ctx, tx, typeRecovered, a, map[string]any{"expires_at": out.ExpiresAt})
	})
	return out.URL, out.ExpiresAt, err
}

// InvitedPerson is what the page of a link shows.
type InvitedPerson struct {
	Login       string    `json:"login"`
	DisplayName string    `json:"display_name"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// Invitation tells whom a link is for.
func (s *Service) Invitation(ctx context.Context, token string) (InvitedPerson, error) {
	inv, a, err := s.findInvitation(ctx, s.db.Read(), token, s.now())
	if err != nil {
		return InvitedPerson{}, err
	}
	return InvitedPerson{Login: a.Login, DisplayName: a.DisplayName, ExpiresAt: inv.ExpiresAt.Time}, nil
}

func (s *Service) findInvitation(ctx context.Context, db bun.IDB, token string, now time.Time) (*invitation, *account, error) {
	var inv invitation
	err := db.NewSelect().Model(&inv).Where("token_hash = ?", hashToken(token)).Scan(ctx)
	switch {
	case store.NoRows(err):
		return nil, nil, problem.New(CodeInvitationInvalid, "this is not an invitation of this installation")
	case err != nil:
		return nil, nil, store.Classify(fmt.Errorf("invitation: %w", err))
	case !inv.UsedAt.IsZero():
		return nil, nil, problem.New(CodeInvitationUsed, "the invitation was used already")
	case !now.Before(inv.ExpiresAt.Time):
		return nil, nil, problem.New(CodeInvitationExpired, "the invitation is too old or was replaced; ask an administrator for a new one")
	}
	a, err := readAccount(ctx, db, inv.AccountID)
	if err != nil {
		return nil, nil, err
	}
	if _, err := AccountMachine().Next(a.State, onAccept); err != nil {
		return nil, nil, problem.New(CodeInvitationInvalid, "the account of this invitation is not in use any more").With(err)
	}
	return &inv, a, nil
}

// Accept sets the password of an invited person and signs them in. For an account that was in use
// the link replaces everything: the old password, the one-time codes and all sessions. Who has to be
// confirmed first is not signed in, but told so by code confirmation_needed; the password is set.
func (s *Service) Accept(ctx context.Context, token string, password secret.Text, v Visit) (Signed, error) {
	inv, a, err := s.findInvitation(ctx, s.db.Read(), token, s.now())
	if err != nil {
		return Signed{}, err
	}
	if err := s.passwords.check("body.password", a.Login, password); err != nil {
		return Signed{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Signed{}, err
	}
	var out Signed
	held := false
	err = s.db.Write(asAccount(ctx, a.ID), func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		a, err := lockAccount(ctx, tx, a.ID) // before the link, so that two uses of it queue
		if err != nil {
			return err
		}
		if _, _, err := s.findInvitation(ctx, tx, token, tx.Now()); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model((*invitation)(nil)).Set("used_at = ?", store.At(tx.Now())).Where("id = ?", inv.ID).Exec(ctx); err != nil {
			return fmt.Errorf("use an invitation: %w", err)
		}
		grants, err := grantsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		before := s.kept(a, grants[a.ID])
		held = mode == Production && inv.MadeBy != "" && administers(grants[a.ID])
		if err := s.accepted(ctx, tx, a, hash, v.Remote, inv.MadeBy == "", held); err != nil {
			return err
		}
		if held {
			return s.stillKept(ctx, tx, mode, before)
		}
		out, err = s.begin(ctx, tx, a, v, howInvitation)
		return err
	})
	if err == nil && held {
		err = notConfirmed("the password is set; a security administrator has to confirm you before you can sign in")
	}
	return out, err
}

func (s *Service) accepted(ctx context.Context, tx *store.Tx, a *account, hash, remote string, fromHost, held bool) error {
	was, event := a.State, onAccept
	if held {
		event = onHold
	}
	if err := step(a, event); err != nil {
		return err
	}
	hadTOTP := a.totp()
	a.PasswordHash, a.TOTPSecret, a.TOTPPending, a.AcceptedAt = hash, nil, nil, store.Time{}
	a.unconfirm()
	switch {
	case held:
		a.AcceptedAt = store.At(tx.Now())
	case fromHost:
		a.confirm(store.At(tx.Now()), "")
	}
	if err := a.save(ctx, tx); err != nil {
		return err
	}
	if err := dropRecoveryCodes(ctx, tx, a.ID); err != nil {
		return err
	}
	keys := s.attemptKeys(a.Login, remote)
	if err := forgetAttempts(ctx, tx, keys[len(keys)-1]); err != nil {
		return err
	}
	if held {
		if err := s.note(ctx, tx, typeAccepted, a, map[string]any{"remote": remote}); err != nil {
			return err
		}
	}
	if was == Invited && held {
		return nil
	}
	if was == Invited {
		return s.note(ctx, tx, typeActivated, a, map[string]any{"remote": remote})
	}
	if hadTOTP {
		if err := s.note(ctx, tx, typeTOTPDisabled, a, map[string]any{"how": howInvitation}); err != nil {
			return err
		}
	}
	if err := s.note(ctx, tx, typePassword, a, map[string]any{"how": howInvitation}); err != nil {
		return err
	}
	_, err := s.endSessions(ctx, tx, a, "credentials_replaced", nil)
	return err
}

// manageable locks an account that the caller may manage; any other does not exist for them.
func (s *Service) manageable(ctx context.Context, tx *store.Tx, id string) (*account, error) {
	return s.within(ctx, tx, id, PermissionManage)
}

func (s *Service) within(ctx context.Context, tx *store.Tx, id, permission string) (*account, error) {
	scope, err := s.scopeOf(ctx, tx, api.CallerFrom(ctx).AccountID, permission)
	if err != nil {
		return nil, err
	}
	a, err := lockAccount(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if !scope.Covers(a.AreaPath, a.SystemID) {
		return nil, problem.Missing("account", id)
	}
	return a, nil
}

// step moves an account along its table.
func step(a *account, e state.Event) error {
	next, err := AccountMachine().Next(a.State, e)
	if err != nil {
		return err
	}
	a.State = next
	return nil
}
