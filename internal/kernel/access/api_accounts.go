package access

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/store"
)

// AccountFilters narrow the accounts; exported because only exported parts of an input are read.
type AccountFilters struct {
	State string `query:"state" maxLength:"200" doc:"invited, active, disabled, removed; several separated by commas"`
	Role  string `query:"role" maxLength:"200" doc:"Holds one of these roles"`
	Q     string `query:"q" maxLength:"100" doc:"Part of the login or name"`
}

func (f *AccountFilters) filters() map[string]string {
	return map[string]string{"state": f.State, "role": f.Role, "q": f.Q}
}

type accountsInput struct {
	api.ListParams
	AccountFilters
}

type accountsExportInput struct {
	api.ExportParams
	AccountFilters
}

// pageOfAccounts reads a page; the filter "role" is not one of the table.
func (s *Service) pageOfAccounts(ctx context.Context, q store.ListQuery) (store.Page[AccountView], error) {
	role := q.Filters["role"]
	q.Filters = maps.Clone(q.Filters) // an export asks with the same ones for each page
	delete(q.Filters, "role")
	return s.Accounts(ctx, api.ScopeFrom(ctx), q, role)
}

func accountColumns() []api.ExportColumn[AccountView] {
	states, roles := api.Titles{}, api.Titles{}
	for st, title := range AccountMachine().Titles {
		states[string(st)] = title
	}
	for _, t := range roleTitles() {
		roles[string(t.role)] = [2]string{t.zh, t.en}
	}
	return []api.ExportColumn[AccountView]{
		{TitleZH: "姓名", TitleEN: "Name", Value: func(a AccountView, w api.Words) any {
			if a.Erased {
				return w.Pick("已抹除", "Erased")
			}
			return a.DisplayName
		}},
		{TitleZH: "账号", TitleEN: "Login", Value: func(a AccountView, _ api.Words) any { return a.Login }},
		{TitleZH: "状态", TitleEN: "State", Value: func(a AccountView, w api.Words) any { return states.Of(w, string(a.State)) }},
		{TitleZH: "角色与范围", TitleEN: "Roles and places", Value: func(a AccountView, w api.Words) any {
			var parts []string
			for _, g := range a.Grants {
				part := roles.Of(w, string(g.Role)) + " " + w.Place(g.AreaPath)
				if g.SystemID != "" {
					part += " " + w.Place(g.SystemID)
				}
				parts = append(parts, part)
			}
			return strings.Join(parts, "; ")
		}},
		{TitleZH: "动态口令", TitleEN: "One-time codes", Value: func(a AccountView, w api.Words) any {
			if a.TOTPEnabled {
				return w.Pick("已启用", "On")
			}
			return w.Pick("未启用", "Off")
		}},
		{TitleZH: "上次登录", TitleEN: "Last sign-in", Value: func(a AccountView, _ api.Words) any { return a.LastSignInAt }},
		{TitleZH: "创建时间", TitleEN: "Created", Value: func(a AccountView, _ api.Words) any { return a.CreatedAt }},
	}
}

// InvitationLink is a link as it is shown once; exported so that the API description shows embedded fields.
type InvitationLink struct {
	InvitationURL string    `json:"invitation_url" doc:"To be handed to the person; shown this one time"`
	ExpiresAt     time.Time `json:"expires_at"`
}

type accountCreated struct {
	Account AccountView `json:"account"`
	InvitationLink
}

type accountReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

type reasonInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body accountReason
}

type confirmBody struct {
	Reason  string `json:"reason" minLength:"1" maxLength:"500" doc:"How the person was confirmed"`
	Version int    `json:"version" doc:"As last read"`
}

type confirmInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body confirmBody
}

type newAccountBody struct {
	Login       string  `json:"login" minLength:"1" maxLength:"100"`
	DisplayName string  `json:"display_name" minLength:"1" maxLength:"200"`
	Grants      []Grant `json:"grants,omitempty" nullable:"false" maxItems:"50"`
}

type accountChangeBody struct {
	DisplayName *string  `json:"display_name,omitempty" maxLength:"200"`
	Grants      *[]Grant `json:"grants,omitempty" nullable:"false" maxItems:"50" doc:"All grants the account shall have"`
	Version     int      `json:"version" doc:"As last read"`
}

type accountChangeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body accountChangeBody
}

func (s *Service) routesAccounts(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "access.accounts.list", Method: http.MethodGet, Path: "/access/accounts", Permission: PermissionRead,
		Summary: "Accounts", Doc: "Sorted by login, display_name, state or created_at.",
	}, func(ctx context.Context, in *accountsInput) (*api.PageOutput[AccountView], error) {
		page, err := s.pageOfAccounts(ctx, in.Query(in.filters()))
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(a AccountView) AccountView { return a }), nil
	})
	api.RegisterExport(r, api.Operation{
		ID: "access.accounts.export", Path: "/access/accounts/export", Permission: PermissionRead, Summary: "Accounts as a file",
	}, api.ListExport[accountsExportInput, AccountView]{
		List: "access.accounts", Page: s.pageOfAccounts, Columns: accountColumns(),
		Ask: func(in *accountsExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, in.filters()
		},
	})
	api.Register(r, api.Operation{
		ID: "access.accounts.create", Method: http.MethodPost, Path: "/access/accounts", Permission: PermissionManage, Sensitive: true,
		Summary: "Invite a person",
		Doc:     "Grants need the permission `access.role.grant` as well; in production somebody else adds them afterwards.",
		Codes:   codes(CodeSeparation),
	}, func(ctx context.Context, in *bodyInput[newAccountBody]) (*api.Output[accountCreated], error) {
		view, link, err := s.CreateAccount(ctx, NewAccount{Login: in.Body.Login, DisplayName: in.Body.DisplayName, Grants: in.Body.Grants})
		return &api.Output[accountCreated]{Body: accountCreated{view, InvitationLink{link.URL, link.ExpiresAt}}}, err
	})
	api.Register(r, api.Operation{
		ID: "access.accounts.get", Method: http.MethodGet, Path: "/access/accounts/{id}", Permission: PermissionRead,
		Summary: "One account",
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[AccountView], error) {
		view, err := s.Account(ctx, api.ScopeFrom(ctx), in.ID)
		return &api.Output[AccountView]{Body: view}, err
	})
	api.Register(r, api.Operation{
		ID: "access.accounts.change", Method: http.MethodPatch, Path: "/access/accounts/{id}", Permission: PermissionRead,
		Summary: "Change a name or grants",
		Doc:     "A name needs `access.account.manage`, grants need `access.role.grant` wherever they change.",
		Codes:   codes("stale", CodeSeparation, CodeLastAdmin, CodeNotConfirmed),
	}, func(ctx context.Context, in *accountChangeInput) (*api.Output[AccountView], error) {
		view, err := s.ChangeAccount(ctx, in.ID, AccountChange{DisplayName: in.Body.DisplayName, Grants: in.Body.Grants, Version: in.Body.Version})
		return &api.Output[AccountView]{Body: view}, err
	})
	api.Register(r, api.Operation{
		ID: "access.accounts.invite", Method: http.MethodPost, Path: "/access/accounts/{id}/invite", Permission: PermissionManage, Sensitive: true,
		Summary: "Make a new link for a person",
		Doc:     "Also when the password or the authenticator was lost. In production administrators and auditors are helped on the host.",
		Codes:   codes("not_possible_in_state", CodeSeparation),
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[InvitationLink], error) {
		link, err := s.Invite(ctx, in.ID)
		return &api.Output[InvitationLink]{Body: InvitationLink{link.URL, link.ExpiresAt}}, err
	})
	api.Register(r, api.Operation{
		ID: "access.accounts.confirm", Method: http.MethodPost, Path: "/access/accounts/{id}/confirm", Permission: PermissionConfirm, Fresh: true,
		Summary: "Confirm that an account is its person's",
		Doc: "In production, by somebody who did not make the link that the person came by. An administrator or auditor signs in from then on; " +
			"anybody else may be made one.",
		Codes: codes("stale", "not_possible_in_state", CodeSeparation),
	}, func(ctx context.Context, in *confirmInput) (*api.Output[AccountView], error) {
		view, err := s.Confirm(ctx, in.ID, in.Body.Version, in.Body.Reason)
		return &api.Output[AccountView]{Body: view}, err
	})
	for _, m := range []struct {
		verb, summary string
		call          func(context.Context, string, string) (AccountView, error)
	}{
		{"disable", "Keep a person out for a while", s.Disable},
		{"enable", "Let a disabled person in again", s.Enable},
		{"remove", "End an account for ever", s.Remove},
	} {
		api.Register(r, api.Operation{
			ID: "access.accounts." + m.verb, Method: http.MethodPost, Path: "/access/accounts/{id}/" + m.verb,
			Permission: PermissionManage, Summary: m.summary, Codes: codes("not_possible_in_state", CodeLastAdmin),
		}, func(ctx context.Context, in *reasonInput) (*api.Output[AccountView], error) {
			view, err := m.call(ctx, in.ID, in.Body.Reason)
			return &api.Output[AccountView]{Body: view}, err
		})
	}
	api.Register(r, api.Operation{
		ID: "access.accounts.erase", Method: http.MethodPost, Path: "/access/accounts/{id}/erase", Permission: PermissionErase, Fresh: true,
		Status: http.StatusNoContent, Summary: "Forget a removed person",
		Doc:   "Destroys the key of the person's values in the journal, which still verifies. It cannot be undone.",
		Codes: codes("not_possible_in_state"),
	}, func(ctx context.Context, in *reasonInput) (*api.None, error) {
		return nil, s.Erase(ctx, in.ID, in.Body.Reason)
	})
}
