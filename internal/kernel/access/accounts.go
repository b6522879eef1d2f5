package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// AccountView is an account as others see it.
type AccountView struct {
	ID           string      `json:"id"`
	Login        string      `json:"login" doc:"Empty once erased"`
	DisplayName  string      `json:"display_name" doc:"Empty once erased"`
	State        state.State `json:"state" enum:"invited,active,disabled,removed"`
	TOTPEnabled  bool        `json:"totp_enabled"`
	Grants       []Grant     `json:"grants" nullable:"false"`
	LastSignInAt *time.Time  `json:"last_sign_in_at,omitempty"`
	CreatedAt    time.Time   `json:"created_at"`
	Version      int         `json:"version"`
	Erased       bool        `json:"erased"`
	Awaits       bool        `json:"awaits_confirmation" doc:"Accepted in production; a second administrator has to confirm the person"`
	Confirmed    bool        `json:"confirmed" doc:"The credentials are known to be the person's"`
}

func (a *account) view(grants []Grant) AccountView {
	return AccountView{
		ID: a.ID, Login: a.Login, DisplayName: a.DisplayName, State: a.State, TOTPEnabled: a.totp(), Grants: grants,
		LastSignInAt: a.LastSignInAt.Ptr(), CreatedAt: a.CreatedAt.Time, Version: a.Version, Erased: !a.ErasedAt.IsZero(),
		Awaits: a.awaits(), Confirmed: a.confirmed(),
	}
}

func accountList() *store.ListSpec {
	return &store.ListSpec{
		Table: "account", Key: "id", AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "state", Column: "state", OneOf: []string{string(Invited), string(Active), string(Disabled), string(Removed)}},
			{Name: "q", Match: store.Has, Columns: []string{"login", "display_name"}},
		},
		Sorts:       map[string]string{"login": "login", "display_name": "display_name", "state": "state", "created_at": "created_at"},
		DefaultSort: "login",
	}
}

// Accounts lists the accounts within a scope. The filter "role" keeps those that hold one of the roles.
func (s *Service) Accounts(ctx context.Context, scope store.Scope, q store.ListQuery, role string) (store.Page[AccountView], error) {
	var none store.Page[AccountView]
	roles, err := readRoles(role)
	if err != nil {
		return none, err
	}
	page, err := store.List[account](ctx, s.db.Read(), accountList(), scope, q, func(q *bun.SelectQuery) *bun.SelectQuery {
		if len(roles) == 0 {
			return q
		}
		return q.Where("EXISTS (SELECT 1 FROM access_grant AS g WHERE g.account_id = account.id AND g.role IN (?))", bun.List(roles))
	})
	if err != nil {
		return none, err
	}
	ids := make([]string, len(page.Items))
	for i, a := range page.Items {
		ids[i] = a.ID
	}
	grants, err := grantsOf(ctx, s.db.Read(), ids...)
	if err != nil {
		return none, err
	}
	return store.MapPage(page, func(a account) AccountView { return a.view(grants[a.ID]) }), nil
}

func readRoles(list string) ([]Role, error) {
	var out []Role
	for _, r := range strings.Split(list, ",") {
		if r == "" {
			continue
		}
		if !knownRole(Role(r)) {
			return nil, problem.InvalidField("query.role", "unknown", "no role %q", r)
		}
		out = append(out, Role(r))
	}
	return out, nil
}

// Account returns one account within a scope.
func (s *Service) Account(ctx context.Context, scope store.Scope, id string) (AccountView, error) {
	a, err := readAccount(ctx, s.db.Read(), id)
	if err != nil {
		return AccountView{}, err
	}
	if !scope.Covers(a.AreaPath, a.SystemID) {
		return AccountView{}, problem.Missing("account", id)
	}
	return s.viewOf(ctx, s.db.Read(), a)
}

func (s *Service) viewOf(ctx context.Context, db bun.IDB, a *account) (AccountView, error) {
	grants, err := grantsOf(ctx, db, a.ID)
	if err != nil {
		return AccountView{}, err
	}
	return a.view(grants[a.ID]), nil
}

// NewAccount is a person to be invited.
type NewAccount struct {
	Login       string
	DisplayName string
	Grants      []Grant
}

// CreateAccount makes an invited account and its link. Grants need the permission to grant as well.
func (s *Service) CreateAccount(ctx context.Context, in NewAccount) (AccountView, Link, error) {
	var view AccountView
	var link Link
	login, err := readLogin("body.login", in.Login)
	if err != nil {
		return view, link, err
	}
	name, err := readName("body.display_name", in.DisplayName)
	if err != nil {
		return view, link, err
	}
	grants, err := s.readGrants(ctx, in.Grants)
	if err != nil {
		return view, link, err
	}
	id, err := newID()
	if err != nil {
		return view, link, err
	}
	caller := api.CallerFrom(ctx).AccountID
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		a := &account{ID: id, Login: login, DisplayName: name, State: AccountMachine().Initial, CreatedAt: store.At(tx.Now())}
		if err := s.mayGrant(ctx, tx, caller, id, mode, grants, grants); err != nil {
			return err
		}
		if a.AreaPath, a.SystemID, err = s.placeOfNew(ctx, tx, caller, grants); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, a, grants); err != nil {
			return err
		}
		if link, err = s.invite(ctx, tx, a, caller); err != nil {
			return err
		}
		if err := s.noteInvited(ctx, tx, a, link); err != nil {
			return err
		}
		view = a.view(grants)
		return nil
	})
	return view, link, err
}

// placeOfNew says who keeps a new account: without grants, whoever made it.
func (s *Service) placeOfNew(ctx context.Context, tx *store.Tx, caller string, grants []Grant) (areaPath, systemID string, err error) {
	all, err := grantsOf(ctx, tx, caller)
	if err != nil {
		return "", "", err
	}
	if areaPath, systemID, ok := place(grants); ok {
		if !s.catalogue.scope(all[caller], PermissionManage).Covers(areaPath, systemID) {
			return "", "", problem.New(problem.Forbidden, "you may not keep accounts in %s", areaPath)
		}
		return areaPath, systemID, nil
	}
	var own []Grant
	for _, g := range all[caller] {
		if s.catalogue.roleHas(g.Role, PermissionManage) {
			own = append(own, g)
		}
	}
	areaPath, systemID, _ = place(own)
	return areaPath, systemID, nil
}

// AccountChange is what PATCH may change; nil leaves a part as it is.
type AccountChange struct {
	DisplayName *string
	Grants      *[]Grant
	Version     int
}

// ChangeAccount changes a name, which needs the permission to manage, and grants, which needs the
// permission to grant: the two belong to two people in production.
func (s *Service) ChangeAccount(ctx context.Context, id string, in AccountChange) (AccountView, error) {
	var view AccountView
	var name string
	var grants []Grant
	var err error
	if in.DisplayName != nil {
		if name, err = readName("body.display_name", *in.DisplayName); err != nil {
			return view, err
		}
	}
	if in.Grants != nil {
		if grants, err = s.readGrants(ctx, *in.Grants); err != nil {
			return view, err
		}
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		a, err := s.within(ctx, tx, id, PermissionRead)
		if err != nil {
			return err
		}
		if in.Version != a.Version {
			return problem.New(problem.Stale, "the account was changed meanwhile")
		}
		if a.State == Removed {
			return problem.New(problem.NotPossibleInState, "a removed account does not change any more")
		}
		if in.DisplayName != nil && name != a.DisplayName {
			if err := s.rename(ctx, tx, a, name); err != nil {
				return err
			}
		}
		if in.Grants != nil {
			if err := s.regrant(ctx, tx, a, mode, grants); err != nil {
				return err
			}
		}
		view, err = s.viewOf(ctx, tx, a)
		return err
	})
	return view, err
}

func (s *Service) rename(ctx context.Context, tx *store.Tx, a *account, name string) error {
	scope, err := s.scopeOf(ctx, tx, api.CallerFrom(ctx).AccountID, PermissionManage)
	if err != nil {
		return err
	}
	if !scope.Covers(a.AreaPath, a.SystemID) {
		return problem.New(problem.Forbidden, "this needs the permission %s", PermissionManage)
	}
	a.DisplayName = name
	if err := a.save(ctx, tx); err != nil {
		return err
	}
	return s.note(ctx, tx, typeChanged, a, map[string]any{"display_name": about(a, name)})
}

// Disable keeps a person out until they are enabled again; all their sessions end.
func (s *Service) Disable(ctx context.Context, id, reason string) (AccountView, error) {
	return s.move(ctx, id, reason, onDisable, typeDisabled)
}

// Enable lets a disabled person in again.
func (s *Service) Enable(ctx context.Context, id, reason string) (AccountView, error) {
	return s.move(ctx, id, reason, onEnable, typeEnabled)
}

// Remove ends an account for ever. Its id stays, since everything the person did carries it.
func (s *Service) Remove(ctx context.Context, id, reason string) (AccountView, error) {
	return s.move(ctx, id, reason, onRemove, typeRemoved)
}

func (s *Service) move(ctx context.Context, id, reason string, event state.Event, kind string) (AccountView, error) {
	var view AccountView
	reason, err := readReason(reason)
	if err != nil {
		return view, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mode, err := lockInstallation(ctx, tx)
		if err != nil {
			return err
		}
		a, err := s.manageable(ctx, tx, id)
		if err != nil {
			return err
		}
		grants, err := grantsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		before := s.kept(a, grants[id])
		if event == onEnable && mode == Production && !a.confirmed() && administers(grants[id]) {
			event, a.AcceptedAt = onHold, store.At(tx.Now()) // whoever kept it out does not let it in alone
		}
		if err := step(a, event); err != nil {
			return err
		}
		if a.State == Removed {
			a.PasswordHash, a.TOTPSecret, a.TOTPPending = "", nil, nil
			if err := dropRecoveryCodes(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := a.save(ctx, tx); err != nil {
			return err
		}
		if err := s.note(ctx, tx, kind, a, map[string]any{"reason": about(a, reason)}); err != nil {
			return err
		}
		if a.State != Active {
			if err := endInvitations(ctx, tx, id); err != nil {
				return err
			}
			if _, err := s.endSessions(ctx, tx, a, string(a.State), nil); err != nil {
				return err
			}
		}
		view = a.view(grants[id])
		return s.stillKept(ctx, tx, mode, before)
	})
	return view, err
}

// Erase forgets a removed person: the key of their values in the journal, what this package kept, and the
// answers kept for repeats, any of which may name them.
func (s *Service) Erase(ctx context.Context, id, reason string) error {
	reason, err := readReason(reason)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := s.within(ctx, tx, id, PermissionErase)
		if err != nil {
			return err
		}
		if err := step(a, onErase); err != nil {
			return err
		}
		if !a.ErasedAt.IsZero() {
			return problem.New(problem.NotPossibleInState, "the person was erased already")
		}
		a.Login, a.DisplayName, a.ErasedAt = "", "", store.At(tx.Now())
		if err := a.save(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*invitation)(nil)).Where("account_id = ?", id).Exec(ctx); err != nil {
			return fmt.Errorf("erase invitations: %w", err)
		}
		// The reason belongs to whoever erases: sealed under the erased key nobody could read it.
		if err := s.note(ctx, tx, typeErased, a, map[string]any{"reason": reason}); err != nil {
			return err
		}
		if err := s.cfg.Journal.Erase(ctx, tx, id); err != nil {
			return fmt.Errorf("erase %s from the journal: %w", id, err)
		}
		return store.ForgetAnswers(ctx, tx)
	})
}
