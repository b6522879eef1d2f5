package reach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/builtin"
	"taxops/internal/ops/inspect/builtin/remote"
)

// purpose binds sealed secrets to their use.
const purpose = "reach.login"

// tryWithin bounds one try of a login.
const tryWithin = 20 * time.Second

// mostJumps is how many logins one may go through.
const mostJumps = 3

// List reads one page of logins.
func (m *Module) List(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Login], error) {
	return store.List[Login](ctx, m.db.Read(), loginList(), scope, q, nil)
}

// Add keeps a new login.
func (m *Module) Add(ctx context.Context, scope store.Scope, name, areaPath, systemID string, s Settings) (Login, error) {
	if err := checkName(name); err != nil {
		return Login{}, err
	}
	if err := m.d.Places.Place(ctx, "body", areaPath, systemID); err != nil {
		return Login{}, err
	}
	if !scope.Covers(areaPath, systemID) {
		return Login{}, problem.New(problem.Forbidden, "this place is not yours")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Login{}, fmt.Errorf("new id: %w", err)
	}
	l := Login{ID: id.String(), Name: name, AreaPath: areaPath, SystemID: systemID, Version: 1}
	var hidden secrets
	for field, v := range map[string]*string{"host": s.Host, "account": s.Account} {
		if v == nil || *v == "" {
			return Login{}, problem.InvalidField("body."+field, "missing", "is required")
		}
	}
	if s.Port == nil {
		usual := 22
		s.Port = &usual
	}
	if _, _, err := s.apply(&l, &hidden); err != nil {
		return Login{}, err
	}
	if l.Secrets, err = m.seal(l.ID, hidden); err != nil {
		return Login{}, err
	}
	err = m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := m.checkJumps(ctx, tx, scope, &l); err != nil {
			return err
		}
		l.CreatedAt, l.UpdatedAt = store.At(tx.Now()), store.At(tx.Now())
		if _, err := tx.NewInsert().Model(&l).Exec(ctx); err != nil {
			return fmt.Errorf("store login: %w", err)
		}
		return m.note(ctx, tx, TypeAdded, &l, map[string]any{"address": l.address(), "account": l.Account})
	})
	if store.Unique(err) {
		return Login{}, problem.InvalidField("body.name", "taken", "there is a login of this name")
	}
	return l, err
}

func (l *Login) address() string { return remote.Login{Host: l.Host, Port: l.Port}.Address() }

// Change changes a login. One that leads elsewhere forgets its accepted key.
func (m *Module) Change(ctx context.Context, scope store.Scope, id string, s Settings, version int64) (Login, error) {
	var out Login
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := m.at(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		hidden, err := m.open(l)
		if err != nil {
			return err
		}
		changed, elsewhere, err := s.apply(l, &hidden)
		if err != nil {
			return err
		}
		if out = *l; len(changed) == 0 {
			return nil
		}
		if elsewhere {
			l.HostKey, l.AcceptedBy, l.AcceptedAt = "", "", store.Time{}
		}
		if err := m.checkJumps(ctx, tx, scope, l); err != nil {
			return err
		}
		if l.Secrets, err = m.seal(l.ID, hidden); err != nil {
			return err
		}
		if err := save(ctx, tx, l); err != nil {
			return err
		}
		out = *l
		return m.note(ctx, tx, TypeChanged, l, map[string]any{"changes": changed})
	})
	return out, err
}

// Remove forgets a login.
func (m *Module) Remove(ctx context.Context, scope store.Scope, id, reason string, version int64) error {
	return m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := m.at(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		through, err := used(ctx, tx, id)
		if err != nil {
			return err
		}
		if through {
			return problem.New(problem.NotPossibleInState, "other logins go through this one")
		}
		if _, err := tx.NewDelete().Model(l).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("remove login: %w", err)
		}
		return m.note(ctx, tx, TypeRemoved, l, map[string]any{"address": l.address(), "reason": reason})
	})
}

func (m *Module) at(ctx context.Context, tx *store.Tx, scope store.Scope, id string, version int64) (*Login, error) {
	l, err := find(ctx, tx, scope, id)
	if err == nil && l.Version != version {
		return nil, problem.New(problem.Stale, "the login is at version %d", l.Version)
	}
	return l, err
}

// checkJumps refuses a way in a circle, one that is too long, and one through what the caller may not use.
func (m *Module) checkJumps(ctx context.Context, tx *store.Tx, scope store.Scope, l *Login) error {
	for at, n := l.JumpID, 0; at != ""; n++ {
		j, err := find(ctx, tx, scope, at)
		switch {
		case problem.CodeOf(err) == problem.NotFound:
			return problem.InvalidField("body.jump_id", "unknown", "no login with this id")
		case err != nil:
			return err
		case at == l.ID, n >= mostJumps:
			return problem.InvalidField("body.jump_id", "circle", "a login goes through at most %d others, and never through itself", mostJumps)
		}
		at = j.JumpID
	}
	return nil
}

func (m *Module) seal(id string, s secrets) ([]byte, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("seal what signs in: %w", err)
	}
	sealed, err := m.d.Ring.Seal(purpose, id, raw)
	if err != nil {
		return nil, fmt.Errorf("seal what signs in: %w", err)
	}
	return sealed, nil
}

func (m *Module) open(l *Login) (s secrets, err error) {
	raw, err := m.d.Ring.Open(purpose, l.ID, l.Secrets)
	if err != nil {
		return s, fmt.Errorf("open what signs in: %w", err)
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("open what signs in: %w", err)
	}
	return s, nil
}

// way makes what signs in of a login and those it goes through.
func (m *Module) way(ctx context.Context, l *Login) (remote.Login, error) {
	s, err := m.open(l)
	if err != nil {
		return remote.Login{}, err
	}
	out := remote.Login{Name: l.Name, Host: l.Host, Port: l.Port, User: l.Account, Password: s.Password, Key: s.Key, Passphrase: s.Passphrase, Pinned: l.HostKey}
	at := &out
	for id, n := l.JumpID, 0; id != "" && n < mostJumps; n++ {
		j, err := find(ctx, m.db.Read(), store.Everything(), id)
		if err != nil {
			return remote.Login{}, err
		}
		s, err := m.open(j)
		if err != nil {
			return remote.Login{}, err
		}
		at.Jump = &remote.Login{Name: j.Name, Host: j.Host, Port: j.Port, User: j.Account, Password: s.Password, Key: s.Key, Passphrase: s.Passphrase, Pinned: j.HostKey}
		at, id = at.Jump, j.JumpID
	}
	return out, nil
}

// Login implements builtin.Logins: what a check looks over. Whether it may was asked when it was set.
func (m *Module) Login(ctx context.Context, name string) (remote.Login, error) {
	l, err := byName(ctx, m.db.Read(), store.Everything(), name)
	if problem.CodeOf(err) == problem.NotFound {
		return remote.Login{}, errors.New("没有这个登录方式（已删除或改名）")
	}
	if err != nil {
		return remote.Login{}, err
	}
	return m.way(ctx, l)
}

// MayUse implements builtin.Logins.
func (m *Module) MayUse(ctx context.Context, name string) error {
	_, err := byName(ctx, m.db.Read(), api.ScopeFrom(ctx), name)
	if problem.CodeOf(err) == problem.NotFound {
		return problem.InvalidField("body.params.via", "unknown", "no login named %q", name)
	}
	return err
}

// Tried is what a try of a login found.
type Tried struct {
	OK      bool
	Reason  string // "" when OK, else as a check over it would say: host_key_new, host_key_changed, denied…
	Text    string // for people
	Login   string // whose key it is: this login's, or that of one it goes through
	Offered string // fingerprint of the key that the host showed, when it was not the accepted one
	Pinned  string // fingerprint that was accepted, "" for none
}

// Try signs in and runs nothing. It stores nothing.
func (m *Module) Try(ctx context.Context, scope store.Scope, id string) (Tried, error) {
	l, err := find(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Tried{}, err
	}
	return m.try(ctx, l)
}

func (m *Module) try(ctx context.Context, l *Login) (Tried, error) {
	way, err := m.way(ctx, l)
	if err != nil {
		return Tried{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	c, err := remote.Connect(ctx, way, m.d.Dial)
	if err == nil {
		c.Close()
		return Tried{OK: true, Pinned: remote.Fingerprint(l.HostKey)}, nil
	}
	said := builtin.ViaProblem(way, err, tryWithin)
	t := Tried{Reason: string(said.Reason), Text: said.Summary, Pinned: remote.Fingerprint(l.HostKey)}
	var key *remote.HostKeyError
	if errors.As(err, &key) {
		t.Login, t.Offered, t.Pinned = key.Login, key.Offered, key.Pinned
	}
	return t, nil
}

// Accept accepts the key that a host shows now, if its fingerprint is the one that the person compared.
func (m *Module) Accept(ctx context.Context, scope store.Scope, id, fingerprint string, version int64) (Login, error) {
	l, err := find(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Login{}, err
	}
	way, err := m.way(ctx, l)
	if err != nil {
		return Login{}, err
	}
	way.Pinned = ""
	within, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	c, err := remote.Connect(within, way, m.d.Dial)
	if err == nil { // nothing is signed in to without an accepted key
		c.Close()
		return Login{}, errors.New("a host was signed in to before its key was accepted")
	}
	var key *remote.HostKeyError
	switch {
	case !errors.As(err, &key):
		return Login{}, problem.New(problem.NotPossibleInState, "the host does not show a key now: %s", builtin.ViaProblem(way, err, tryWithin).Summary)
	case key.Login != l.Name:
		return Login{}, problem.New(problem.NotPossibleInState, "accept the key of the jump %s first", key.Login)
	case key.Offered != fingerprint:
		return Login{}, problem.InvalidField("body.fingerprint", "other_key", "the host shows %s", key.Offered)
	}
	var out Login
	err = m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := m.at(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		fields := map[string]any{"address": l.address(), "fingerprint": fingerprint}
		if l.HostKey != "" {
			fields["before"] = remote.Fingerprint(l.HostKey)
		}
		l.HostKey, l.AcceptedBy, l.AcceptedAt = key.Key, api.CallerFrom(ctx).AccountID, store.At(tx.Now())
		if err := save(ctx, tx, l); err != nil {
			return err
		}
		out = *l
		return m.note(ctx, tx, TypeAccepted, l, fields)
	})
	return out, err
}

// AddChecks adds to an asset what can be looked at over a login without further settings.
func (m *Module) AddChecks(ctx context.Context, scope store.Scope, id, assetID string) (int, error) {
	l, err := find(ctx, m.db.Read(), scope, id)
	if err != nil {
		return 0, err
	}
	t, err := m.try(ctx, l)
	if err != nil {
		return 0, err
	}
	if !t.OK {
		return 0, problem.New(problem.NotPossibleInState, "the login does not work: %s", t.Text)
	}
	return m.d.Checks.AddOver(ctx, scope, assetID, l.Name)
}
