package access

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

type setupLink struct {
	bun.BaseModel `bun:"table:access_setup_link"`
	TokenHash     string `bun:",pk"`
	CreatedAt     store.Time
	ExpiresAt     store.Time
	UsedAt        store.Time
}

// SetupNeeded reports whether there is no account yet.
func (s *Service) SetupNeeded(ctx context.Context) (bool, error) {
	any, err := anyAccount(ctx, s.db.Read())
	return !any, err
}

func setupDone() error {
	return problem.New(CodeSetupDone, "the installation has its accounts already")
}

// CreateSetupLink makes the link that the first run prints. A newer link replaces older ones; once
// there is an account it is refused with code setup_done.
func (s *Service) CreateSetupLink(ctx context.Context) (address string, expires time.Time, err error) {
	token, hash := newToken()
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := lockInstallation(ctx, tx); err != nil {
			return err
		}
		if any, err := anyAccount(ctx, tx); err != nil {
			return err
		} else if any {
			return setupDone()
		}
		now := store.At(tx.Now())
		if _, err := tx.NewDelete().Model((*setupLink)(nil)).Where("expires_at < ?", store.At(now.Add(-linkKept))).Exec(ctx); err != nil {
			return fmt.Errorf("forget old set-up links: %w", err)
		}
		if _, err := tx.NewUpdate().Model((*setupLink)(nil)).Set("expires_at = ?", now).
			Where("expires_at > ?", now).Exec(ctx); err != nil {
			return fmt.Errorf("end older set-up links: %w", err)
		}
		row := setupLink{TokenHash: hash, CreatedAt: now, ExpiresAt: store.At(now.Add(setupLinkLife))}
		expires = row.ExpiresAt.Time
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return fmt.Errorf("set-up link: %w", err)
		}
		return s.noteSystem(ctx, tx, typeSetupLink, map[string]any{"expires_at": expires})
	})
	if err != nil {
		return "", time.Time{}, err
	}
	base := s.cfg.SetupURL
	if base == "" {
		base = s.cfg.BaseURL
	}
	return link(base, "/setup", token), expires, nil
}

// link is the address of a page that takes a token. The token stands in the fragment, which a browser
// sends to nobody: no server, proxy or Referer ever holds it.
func link(base, page, token string) string {
	return base + page + "#" + url.Values{"token": {token}}.Encode()
}

// onHost reports whether a caller sits at this machine.
func (s *Service) onHost(remote string) bool {
	a, err := netip.ParseAddr(remote)
	return err == nil && (a.Unmap().IsLoopback() || remote == s.cfg.OwnAddress)
}

// NewPerson is what a person says of themselves at set-up.
type NewPerson struct {
	Login       string
	DisplayName string
	Password    secret.Text
}

// Setup makes the first account, with every role on everything, and signs it in. It is for the
// keyboard of the host only: whoever reads the console's link elsewhere cannot use it.
func (s *Service) Setup(ctx context.Context, token string, p NewPerson, v Visit) (Signed, error) {
	if !s.onHost(v.Remote) {
		return Signed{}, problem.New(problem.Forbidden, "set-up is possible on the host itself only, by the address of the link")
	}
	// Before the costly hash, so that nobody without a link can ask for one.
	if err := s.checkSetupLink(ctx, s.db.Read(), token, s.now()); err != nil {
		return Signed{}, err
	}
	login, err := readLogin("body.login", p.Login)
	if err != nil {
		return Signed{}, err
	}
	name, err := readName("body.display_name", p.DisplayName)
	if err != nil {
		return Signed{}, err
	}
	if err := s.passwords.check("body.password", login, p.Password); err != nil {
		return Signed{}, err
	}
	hash, err := s.hasher.hash(ctx, p.Password)
	if err != nil {
		return Signed{}, err
	}
	id, err := newID()
	if err != nil {
		return Signed{}, err
	}
	var out Signed
	err = s.db.Write(asAccount(ctx, id), func(ctx context.Context, tx *store.Tx) error {
		if _, err := lockInstallation(ctx, tx); err != nil {
			return err
		}
		if err := s.checkSetupLink(ctx, tx, token, tx.Now()); err != nil {
			return err
		}
		if any, err := anyAccount(ctx, tx); err != nil {
			return err
		} else if any {
			return setupDone()
		}
		if _, err := tx.NewUpdate().Model((*setupLink)(nil)).Set("used_at = ?", store.At(tx.Now())).
			Where("token_hash = ?", hashToken(token)).Exec(ctx); err != nil {
			return fmt.Errorf("use the set-up link: %w", err)
		}
		a := &account{
			ID: id, Login: login, DisplayName: name, State: Active, PasswordHash: hash,
			AreaPath: s.cfg.Installation.AreaPath, CreatedAt: store.At(tx.Now()),
		}
		a.confirm(store.At(tx.Now()), "")
		var grants []Grant
		for _, r := range AllRoles() {
			grants = append(grants, Grant{Role: r, AreaPath: s.cfg.Installation.AreaPath})
		}
		if err := s.insert(ctx, tx, a, tidy(grants)); err != nil {
			return err
		}
		if err := s.note(ctx, tx, typeSetup, a, map[string]any{"remote": v.Remote}); err != nil {
			return err
		}
		out, err = s.begin(ctx, tx, a, v, howSetup)
		return err
	})
	return out, err
}

// checkSetupLink says what is wrong with a link: a used one, an old one and an invented one are told
// apart, because each asks something else of the person.
func (s *Service) checkSetupLink(ctx context.Context, db bun.IDB, token string, now time.Time) error {
	var l setupLink
	err := db.NewSelect().Model(&l).Where("token_hash = ?", hashToken(token)).Scan(ctx)
	switch {
	case store.NoRows(err):
		if any, err := anyAccount(ctx, db); err != nil {
			return err
		} else if any {
			return setupDone()
		}
		return problem.New(CodeSetupInvalid, "this is not a set-up link of this installation")
	case err != nil:
		return store.Classify(fmt.Errorf("set-up link: %w", err))
	case !l.UsedAt.IsZero():
		return problem.New(CodeSetupUsed, "the set-up link was used already")
	case !now.Before(l.ExpiresAt.Time):
		return problem.New(CodeSetupExpired, "the set-up link is too old or was replaced; start the program again to get a new one")
	}
	return nil
}

// insert writes a new account with its grants and records it.
func (s *Service) insert(ctx context.Context, tx *store.Tx, a *account, grants []Grant) error {
	a.Version = 1
	if _, err := tx.NewInsert().Model(a).Exec(ctx); err != nil {
		if store.Unique(err) {
			p := problem.New(problem.Conflict, "somebody has this login already")
			p.Fields = []problem.Field{{Location: "body.login", Code: "taken", Message: "somebody has this login already"}}
			return p.With(err)
		}
		return fmt.Errorf("new account: %w", err)
	}
	if err := replaceGrants(ctx, tx, a.ID, grants); err != nil {
		return err
	}
	return s.note(ctx, tx, typeCreated, a, map[string]any{
		"login": about(a, a.Login), "display_name": about(a, a.DisplayName), "grants": grantFields(grants),
	})
}
