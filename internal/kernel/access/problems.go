package access

import "taxops/internal/kernel/problem"

// Codes of the problems of this package; the client translates by them.
const (
	CodeSetupDone         problem.Code = "setup_done"
	CodeSetupInvalid      problem.Code = "setup_link_invalid"
	CodeSetupExpired      problem.Code = "setup_link_expired"
	CodeSetupUsed         problem.Code = "setup_link_used"
	CodeInvitationInvalid problem.Code = "invitation_invalid"
	CodeInvitationExpired problem.Code = "invitation_expired"
	CodeInvitationUsed    problem.Code = "invitation_used"
	CodeBadCredentials    problem.Code = "bad_credentials"
	CodeTOTPRequired      problem.Code = "totp_required"
	CodeTOTPInvalid       problem.Code = "totp_invalid"
	CodeLocked            problem.Code = "locked"
	CodeIdle              problem.Code = "session_idle"
	CodeNotFresh          problem.Code = "fresh_sign_in_required"
	CodePasswordWeak      problem.Code = "password_weak"
	CodeLastAdmin         problem.Code = "last_admin"
	CodeSeparation        problem.Code = "separation_of_duties"
	CodeProductionRefused problem.Code = "production_refused"
	CodeNotConfirmed      problem.Code = "confirmation_needed"
)

func unauthenticated() error {
	return problem.New(problem.Unauthenticated, "nobody is signed in, or the session has ended")
}

func badCredentials() error {
	return problem.New(CodeBadCredentials, "the login or the password is wrong")
}
