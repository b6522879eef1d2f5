package access

import (
	"context"
	"net/http"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
)

func codes(c ...problem.Code) []problem.Code { return c }

type totpBegun struct {
	Secret string `json:"secret" doc:"For typing in by hand"`
	URI    string `json:"uri" doc:"otpauth address, to be shown as a QR code"`
}

type totpConfirmed struct {
	RecoveryCodes []string `json:"recovery_codes" nullable:"false" doc:"Each replaces one code, once; shown this one time"`
}

type passwordBody struct {
	Password secret.Text `json:"password" minLength:"1" maxLength:"1000"`
}

type newPasswordBody struct {
	Current secret.Text `json:"current" minLength:"1" maxLength:"1000"`
	Next    secret.Text `json:"next" minLength:"1" maxLength:"1000"`
}

type codeBody struct {
	Code secret.Text `json:"code" minLength:"1" maxLength:"40"`
}

func (s *Service) routesMe(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "me.get", Method: http.MethodGet, Path: "/me", Self: true,
		Summary: "Who is signed in, and what they may do",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[Me], error) {
		c := api.CallerFrom(ctx)
		me, err := s.Me(ctx, c.AccountID, c.SessionID)
		return &api.Output[Me]{Body: me}, err
	})
	api.Register(r, api.Operation{
		ID: "me.password.change", Method: http.MethodPost, Path: "/me/password", Self: true, Sensitive: true,
		Status: http.StatusNoContent, Summary: "Change one's password", Doc: "All other sessions end.",
		Codes: codes(CodeBadCredentials, CodePasswordWeak, CodeLocked),
	}, func(ctx context.Context, in *bodyInput[newPasswordBody]) (*api.None, error) {
		return nil, s.ChangePassword(ctx, in.Body.Current, in.Body.Next, api.Remote(ctx))
	})
	api.Register(r, api.Operation{
		ID: "me.totp.begin", Method: http.MethodPost, Path: "/me/totp/begin", Self: true, Sensitive: true, Fresh: true,
		Summary: "Make the secret of an authenticator", Doc: "It counts once confirmed.",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[totpBegun], error) {
		key, uri, err := s.BeginTOTP(ctx)
		return &api.Output[totpBegun]{Body: totpBegun{Secret: key, URI: uri}}, err
	})
	api.Register(r, api.Operation{
		ID: "me.totp.confirm", Method: http.MethodPost, Path: "/me/totp/confirm", Self: true, Sensitive: true, Fresh: true,
		Summary: "Enable one-time codes", Codes: codes(CodeTOTPInvalid),
	}, func(ctx context.Context, in *bodyInput[codeBody]) (*api.Output[totpConfirmed], error) {
		list, err := s.ConfirmTOTP(ctx, in.Body.Code.Reveal())
		return &api.Output[totpConfirmed]{Body: totpConfirmed{RecoveryCodes: list}}, err
	})
	api.Register(r, api.Operation{
		ID: "me.totp.disable", Method: http.MethodPost, Path: "/me/totp/disable", Self: true, Sensitive: true,
		Status: http.StatusNoContent, Summary: "Disable one-time codes",
		Codes: codes(CodeBadCredentials, CodeLocked, CodeProductionRefused),
	}, func(ctx context.Context, in *bodyInput[passwordBody]) (*api.None, error) {
		return nil, s.DisableTOTP(ctx, in.Body.Password, api.Remote(ctx))
	})
	api.Register(r, api.Operation{
		ID: "me.sessions.list", Method: http.MethodGet, Path: "/me/sessions", Self: true, Summary: "One's sessions",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[api.Items[SessionView]], error) {
		list, err := s.Sessions(ctx)
		return &api.Output[api.Items[SessionView]]{Body: api.Items[SessionView]{Items: list}}, err
	})
	api.Register(r, api.Operation{
		ID: "me.sessions.end", Method: http.MethodDelete, Path: "/me/sessions/{id}", Self: true,
		Status: http.StatusNoContent, Summary: "End one of one's sessions",
	}, func(ctx context.Context, in *api.IDInput) (*api.None, error) {
		return nil, s.EndSession(ctx, in.ID)
	})
}
