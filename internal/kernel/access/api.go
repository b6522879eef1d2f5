package access

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/secret"
)

// Routes adds the operations of this package.
func (s *Service) Routes(r *api.Router) {
	s.routesSignIn(r)
	s.routesMe(r)
	s.routesAccounts(r)
	s.routesRules(r)
}

// Browser is what the operations that sign in read of the request besides its body. It is exported
// because only exported parts of an input are read.
type Browser struct {
	UserAgent string `header:"User-Agent" hidden:"true"`
	Previous  string `cookie:"taxops_session" hidden:"true" json:"-"`
}

func (b Browser) visit(ctx context.Context) Visit {
	return Visit{Remote: api.Remote(ctx), UserAgent: b.UserAgent, Previous: b.Previous}
}

// signedOutput carries the session's cookie beside the answer.
type signedOutput struct {
	SetCookie string `header:"Set-Cookie" doc:"The session, for the browser only"`
	Body      Me
}

// noneWithCookie takes the cookie away.
type noneWithCookie struct {
	SetCookie string `header:"Set-Cookie"`
}

func (s *Service) cookie(value string, maxAge int) string {
	c := http.Cookie{
		Name: api.SessionCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.cfg.SecureCookie, SameSite: http.SameSiteLaxMode,
	}
	return c.String()
}

func (s *Service) signed(ctx context.Context, x Signed, err error) (*signedOutput, error) {
	if err != nil {
		return nil, err
	}
	me, err := s.Me(ctx, x.AccountID, x.SessionID)
	if err != nil {
		return nil, err
	}
	return &signedOutput{SetCookie: s.cookie(x.Token, int(sessionLife/time.Second)), Body: me}, nil
}

// Tokens, passwords and codes come in as secret.Text, which masks itself wherever an input is logged
// or hashed to recognise a repeat.

type setupBody struct {
	Token       secret.Text `json:"token" minLength:"1" maxLength:"200"`
	Login       string      `json:"login" minLength:"1" maxLength:"100"`
	DisplayName string      `json:"display_name" minLength:"1" maxLength:"200"`
	Password    secret.Text `json:"password" minLength:"1" maxLength:"1000"`
}

type signInBody struct {
	Login    string      `json:"login" minLength:"1" maxLength:"100"`
	Password secret.Text `json:"password" minLength:"1" maxLength:"1000"`
	TOTP     secret.Text `json:"totp,omitempty" maxLength:"40" doc:"One-time code of the authenticator, or a recovery code"`
}

type tokenBody struct {
	Token secret.Text `json:"token" minLength:"1" maxLength:"200"`
}

type acceptBody struct {
	Token    secret.Text `json:"token" minLength:"1" maxLength:"200"`
	Password secret.Text `json:"password" minLength:"1" maxLength:"1000"`
}

type proofBody struct {
	Password secret.Text `json:"password" minLength:"1" maxLength:"1000"`
	TOTP     secret.Text `json:"totp,omitempty" maxLength:"40"`
}

// visitInput is the input of an operation that signs in.
type visitInput[B any] struct {
	Browser
	Body B
}

// bodyInput is the input of an operation that is told only by its body.
type bodyInput[B any] struct{ Body B }

type setupState struct {
	Needed bool `json:"needed"`
}

func (s *Service) routesSignIn(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "access.setup.get", Method: http.MethodGet, Path: "/access/setup",
		Public: "the first page asks it before there is any account", Summary: "Whether the first account is still to be made",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[setupState], error) {
		needed, err := s.SetupNeeded(ctx)
		return &api.Output[setupState]{Body: setupState{Needed: needed}}, err
	})
	api.Register(r, api.Operation{
		ID: "access.setup.complete", Method: http.MethodPost, Path: "/access/setup", Sensitive: true,
		Public:  "there is no account yet; the link of the first run, used on the host, is the proof",
		Summary: "Make the first account",
		Doc:     "The account holds every role on everything, on trial, and is signed in.",
		Codes:   codes(CodeSetupDone, CodeSetupInvalid, CodeSetupExpired, CodeSetupUsed, CodePasswordWeak),
	}, func(ctx context.Context, in *visitInput[setupBody]) (*signedOutput, error) {
		x, err := s.Setup(ctx, in.Body.Token.Reveal(), NewPerson{
			Login: in.Body.Login, DisplayName: in.Body.DisplayName, Password: in.Body.Password,
		}, in.visit(ctx))
		return s.signed(ctx, x, err)
	})
	api.Register(r, api.Operation{
		ID: "access.sign_in", Method: http.MethodPost, Path: "/access/sign-in", Sensitive: true,
		Public: "it is how one signs in", Summary: "Sign in",
		Doc:   "An account with one-time codes is asked for one by the code totp_required; send everything again with it.",
		Codes: codes(CodeBadCredentials, CodeTOTPRequired, CodeTOTPInvalid, CodeLocked, CodeNotConfirmed),
	}, func(ctx context.Context, in *visitInput[signInBody]) (*signedOutput, error) {
		x, err := s.SignIn(ctx, Credentials{Login: in.Body.Login, Password: in.Body.Password, Code: in.Body.TOTP.Reveal()}, in.visit(ctx))
		return s.signed(ctx, x, err)
	})
	api.Register(r, api.Operation{
		ID: "access.sign_out", Method: http.MethodPost, Path: "/access/sign-out", Self: true, Status: http.StatusNoContent,
		Summary: "End this session",
	}, func(ctx context.Context, _ *struct{}) (*noneWithCookie, error) {
		return &noneWithCookie{SetCookie: s.cookie("", -1)}, s.SignOut(ctx)
	})
	api.Register(r, api.Operation{
		ID: "access.invitation.get", Method: http.MethodPost, Path: "/access/invitation", Sensitive: true,
		Public: "the link is the proof", Summary: "Whom an invitation is for",
		Doc:   "Changes nothing. It is a POST because addresses end up in logs, and the token must not.",
		Codes: codes(CodeInvitationInvalid, CodeInvitationExpired, CodeInvitationUsed),
	}, func(ctx context.Context, in *bodyInput[tokenBody]) (*api.Output[InvitedPerson], error) {
		inv, err := s.Invitation(ctx, in.Body.Token.Reveal())
		return &api.Output[InvitedPerson]{Body: inv}, err
	})
	api.Register(r, api.Operation{
		ID: "access.invitation.accept", Method: http.MethodPost, Path: "/access/invitation/accept", Sensitive: true,
		Public: "the link is the proof", Summary: "Set the password of an invited account and sign in",
		Doc: "For an account in use it replaces the password, the one-time codes and all sessions. In production an administrator or auditor " +
			"is not signed in: `confirmation_needed` says that the password is set and that a second administrator has to confirm the person.",
		Codes: codes(CodeInvitationInvalid, CodeInvitationExpired, CodeInvitationUsed, CodePasswordWeak, CodeNotConfirmed),
	}, func(ctx context.Context, in *visitInput[acceptBody]) (*signedOutput, error) {
		x, err := s.Accept(ctx, in.Body.Token.Reveal(), in.Body.Password, in.visit(ctx))
		return s.signed(ctx, x, err)
	})
	api.Register(r, api.Operation{
		ID: "access.reauthenticate", Method: http.MethodPost, Path: "/access/reauthenticate", Self: true, Sensitive: true,
		Status: http.StatusNoContent, Summary: "Prove again who one is",
		Doc:   "For ten minutes the session may do what has a large effect.",
		Codes: codes(CodeBadCredentials, CodeTOTPRequired, CodeTOTPInvalid, CodeLocked),
	}, func(ctx context.Context, in *bodyInput[proofBody]) (*api.None, error) {
		return nil, s.Reauthenticate(ctx, in.Body.Password, in.Body.TOTP.Reveal(), api.Remote(ctx))
	})
}
