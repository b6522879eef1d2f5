package reach

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/ops/inspect/builtin/remote"
)

type loginView struct {
	ID             string     `json:"id"`
	Name           string     `json:"name" doc:"What checks call it (setting via)"`
	Host           string     `json:"host"`
	Port           int        `json:"port"`
	Account        string     `json:"account"`
	Method         string     `json:"method" enum:"password,key"`
	JumpID         string     `json:"jump_id" doc:"The login it goes through, empty for a direct way"`
	Note           string     `json:"note"`
	Fingerprint    string     `json:"fingerprint" doc:"Of the accepted host key, empty while none is"`
	AcceptedBy     string     `json:"accepted_by"`
	AcceptedByName string     `json:"accepted_by_name"`
	AcceptedAt     *time.Time `json:"accepted_at,omitempty"`
	AreaPath       string     `json:"area_path"`
	SystemID       string     `json:"system_id"`
	UpdatedAt      time.Time  `json:"updated_at"`
	Version        int64      `json:"version"`
}

func (m *Module) views(ctx context.Context, list []Login) ([]loginView, error) {
	var who []string
	for _, l := range list {
		if l.AcceptedBy != "" {
			who = append(who, l.AcceptedBy)
		}
	}
	names, err := m.d.People.Names(ctx, who)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it is
	}
	out := make([]loginView, len(list))
	for i, l := range list {
		out[i] = loginView{
			ID: l.ID, Name: l.Name, Host: l.Host, Port: l.Port, Account: l.Account, Method: l.Method, JumpID: l.JumpID, Note: l.Note,
			Fingerprint: remote.Fingerprint(l.HostKey), AcceptedBy: l.AcceptedBy, AcceptedByName: names[l.AcceptedBy],
			AreaPath: l.AreaPath, SystemID: l.SystemID, UpdatedAt: l.UpdatedAt.Time, Version: l.Version,
		}
		if !l.AcceptedAt.IsZero() {
			at := l.AcceptedAt.Time
			out[i].AcceptedAt = &at
		}
	}
	return out, nil
}

func (m *Module) view(ctx context.Context, l Login, err error) (*api.Output[loginView], error) {
	if err != nil {
		return nil, err
	}
	v, err := m.views(ctx, []Login{l})
	if err != nil {
		return nil, err
	}
	return &api.Output[loginView]{Body: v[0]}, nil
}

type loginListInput struct {
	api.ListParams
	Q string `query:"q" maxLength:"100" doc:"Text in name, host, account or note"`
}

type addLoginInput struct {
	Body struct {
		Name       string `json:"name" maxLength:"40" doc:"a-z, 0-9, dot, dash and underscore; it stays"`
		Host       string `json:"host" maxLength:"253"`
		Port       int    `json:"port,omitempty" minimum:"0" maximum:"65535" doc:"22 when left out"`
		Account    string `json:"account" maxLength:"64"`
		JumpID     string `json:"jump_id,omitempty" maxLength:"64"`
		Note       string `json:"note,omitempty" maxLength:"500"`
		Password   string `json:"password,omitempty" maxLength:"1024" doc:"Either this or a key; never shown again"`
		Key        string `json:"key,omitempty" maxLength:"16384" doc:"Private key, PEM or OpenSSH"`
		Passphrase string `json:"passphrase,omitempty" maxLength:"1024"`
		AreaPath   string `json:"area_path" maxLength:"64"`
		SystemID   string `json:"system_id" maxLength:"64"`
	}
}

type changeLoginInput struct {
	api.IDInput
	Body struct {
		Host       *string `json:"host,omitempty" maxLength:"253"`
		Port       *int    `json:"port,omitempty" minimum:"1" maximum:"65535"`
		Account    *string `json:"account,omitempty" maxLength:"64"`
		JumpID     *string `json:"jump_id,omitempty" maxLength:"64"`
		Note       *string `json:"note,omitempty" maxLength:"500"`
		Password   *string `json:"password,omitempty" maxLength:"1024"`
		Key        *string `json:"key,omitempty" maxLength:"16384"`
		Passphrase *string `json:"passphrase,omitempty" maxLength:"1024"`
		Version    int64   `json:"version"`
	}
}

type removeLoginInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

type acceptKeyInput struct {
	api.IDInput
	Body struct {
		Fingerprint string `json:"fingerprint" maxLength:"100" doc:"As compared on the host: SHA256:…" example:"SHA256:uNiVztksCsDhcc0u9e8BrQj5MR"`
		Version     int64  `json:"version"`
	}
}

type loginTriedView struct {
	OK      bool   `json:"ok"`
	Reason  string `json:"reason" doc:"Empty when it worked; host_key_new, host_key_changed, denied, timeout, refused…"`
	Text    string `json:"text"`
	Login   string `json:"login" doc:"Name of the login whose host key is not the accepted one"`
	Offered string `json:"offered" doc:"Fingerprint that this host shows"`
	Pinned  string `json:"pinned" doc:"Fingerprint that was accepted, empty for none"`
}

type addChecksInput struct {
	api.IDInput
	Body struct {
		AssetID string `json:"asset_id" maxLength:"64"`
	}
}

type checksAddedView struct {
	Added int `json:"added"`
}

// Routes adds the operations.
func (m *Module) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "reach.logins.list", Method: http.MethodGet, Path: "/inspect/logins", Permission: permissionRead,
		Summary: "Logins", Doc: "Ways into hosts without an agent, within the caller's areas and systems; what signs in is never shown.",
	}, func(ctx context.Context, in *loginListInput) (*api.PageOutput[loginView], error) {
		page, err := m.List(ctx, api.ScopeFrom(ctx), in.Query(map[string]string{"q": in.Q}))
		if err != nil {
			return nil, err
		}
		views, err := m.views(ctx, page.Items)
		if err != nil {
			return nil, err
		}
		byID := make(map[string]loginView, len(views))
		for _, v := range views {
			byID[v.ID] = v
		}
		return api.ToPage(page, func(l Login) loginView { return byID[l.ID] }), nil
	})
	api.Register(r, api.Operation{
		ID: "reach.logins.create", Method: http.MethodPost, Path: "/inspect/logins", Permission: permissionManage,
		Summary: "Add a login", Doc: "Its host key has to be accepted before anything signs in.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *addLoginInput) (*api.Output[loginView], error) {
		b := in.Body
		s := Settings{Host: &b.Host, Account: &b.Account, JumpID: &b.JumpID, Note: &b.Note, Password: &b.Password, Key: &b.Key, Passphrase: &b.Passphrase}
		if b.Port != 0 {
			s.Port = &b.Port
		}
		l, err := m.Add(ctx, api.ScopeFrom(ctx), b.Name, b.AreaPath, b.SystemID, s)
		return m.view(ctx, l, err)
	})
	api.Register(r, api.Operation{
		ID: "reach.logins.update", Method: http.MethodPatch, Path: "/inspect/logins/{id}", Permission: permissionManage,
		Summary: "Change a login", Doc: "Another address or account needs the password or key again; another address forgets the accepted host key.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid},
	}, func(ctx context.Context, in *changeLoginInput) (*api.Output[loginView], error) {
		b := in.Body
		l, err := m.Change(ctx, api.ScopeFrom(ctx), in.ID, Settings{
			Host: b.Host, Port: b.Port, Account: b.Account, JumpID: b.JumpID, Note: b.Note, Password: b.Password, Key: b.Key, Passphrase: b.Passphrase,
		}, b.Version)
		return m.view(ctx, l, err)
	})
	api.Register(r, api.Operation{
		ID: "reach.logins.remove", Method: http.MethodPost, Path: "/inspect/logins/{id}/remove", Permission: permissionManage,
		Summary: "Remove a login", Doc: "Checks that look over it say UNKNOWN from then on.", Status: http.StatusNoContent,
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *removeLoginInput) (*struct{}, error) {
		return nil, m.Remove(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Reason, in.Body.Version)
	})
	api.Register(r, api.Operation{
		ID: "reach.logins.try", Method: http.MethodPost, Path: "/inspect/logins/{id}/try", Permission: permissionManage,
		Summary: "Try a login", Doc: "Signs in, runs nothing and stores nothing. A host without an accepted key, or with another one, is shown with its fingerprint.",
		Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[loginTriedView], error) {
		t, err := m.Try(ctx, api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		return &api.Output[loginTriedView]{Body: loginTriedView(t)}, nil
	})
	api.Register(r, api.Operation{
		ID: "reach.logins.accept", Method: http.MethodPost, Path: "/inspect/logins/{id}/accept", Permission: permissionManage,
		Summary: "Accept a host key", Doc: "Accepts the key that the host shows now, if it has the fingerprint that the person compared on the host.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid, problem.NotPossibleInState},
	}, func(ctx context.Context, in *acceptKeyInput) (*api.Output[loginView], error) {
		l, err := m.Accept(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Fingerprint, in.Body.Version)
		return m.view(ctx, l, err)
	})
	api.Register(r, api.Operation{
		ID: "reach.logins.checks", Method: http.MethodPost, Path: "/inspect/logins/{id}/checks", Permission: permissionManage,
		Summary: "Add checks over a login", Doc: "Adds to an asset every check that can look over the login and needs no settings; those that are there stay.",
		Codes: []problem.Code{problem.NotFound, problem.Invalid, problem.NotPossibleInState},
	}, func(ctx context.Context, in *addChecksInput) (*api.Output[checksAddedView], error) {
		n, err := m.AddChecks(ctx, api.ScopeFrom(ctx), in.ID, in.Body.AssetID)
		if err != nil {
			return nil, err
		}
		return &api.Output[checksAddedView]{Body: checksAddedView{n}}, nil
	})
}
