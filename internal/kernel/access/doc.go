// Package access decides who may sign in and what they may do.
//
// Words: an account (账号) is one person; a role (角色) is a set of permissions; a grant (授权) gives a
// role in one area, with all below it, and in all systems or one; a session (会话) is one browser
// that signed in; an invitation (邀请) is a link by which a person sets their own password; the
// set-up link (初始化链接) makes the first account. An installation is on trial (试用), where one
// account may hold every role, or in production (投产), where system administrator, security
// administrator and auditor are never two in one account (三员分立) and nobody grants themselves
// anything.
//
// States of an account, from the table in state.go:
//
//	invited ──accept──▶ active ⇄ disabled
//	   │                  │          │
//	   └─────remove───────┴──────────┴──▶ removed (erase forgets the person, the id stays)
//
// In production an administrator or auditor who accepts stays invited until a second administrator has
// confirmed (核实) the person, since whoever made the link could have used it; see confirm.go.
//
// Guarantees: every change is one transaction with its journal row. A revocation holds from the
// next request on: nothing about accounts, grants or sessions is kept in memory. Tokens of sessions
// and links are stored hashed, passwords as argon2id, TOTP secrets sealed. An attempt to sign in is
// counted before the password is looked at, so that parallel guesses are counted too, and takes as
// long for an account that does not exist. The last working administrator cannot be taken away.
//
// Failure modes: when the database does not answer nobody gets in (fail closed); when a sign of life
// cannot be written the request still goes on and the session locks earlier. An administrator who
// lost the password or the authenticator is helped on the host by `taxops account recover`.
package access
