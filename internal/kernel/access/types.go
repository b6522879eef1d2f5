package access

import (
	"taxops/internal/kernel/journal"
)

// Types of rows that this package writes.
const (
	typeSetupLink    = "access.setup.link_created"
	typeSetup        = "access.setup.completed"
	typeCreated      = "access.account.created"
	typeChanged      = "access.account.changed"
	typeActivated    = "access.account.activated"
	typeDisabled     = "access.account.disabled"
	typeEnabled      = "access.account.enabled"
	typeRemoved      = "access.account.removed"
	typeErased       = "access.account.erased"
	typeInvited      = "access.invitation.created"
	typeRecovered    = "access.recovered"
	typeSignedIn     = "access.signed_in"
	typeFailed       = "access.sign_in.failed"
	typeSignedOut    = "access.signed_out"
	typeProved       = "access.reauthenticated"
	typeRevoked      = "access.session.revoked"
	typePassword     = "access.password.changed"
	typeTOTPEnabled  = "access.totp.enabled"
	typeTOTPDisabled = "access.totp.disabled"
	typeGrants       = "access.grants.changed"
	typeProduction   = "access.production.declared"
	typeAccepted     = "access.account.accepted"
	typeConfirmed    = "access.account.confirmed"

	subjectAccount      = "account"
	subjectAddress      = "address"
	subjectInstallation = "installation"
)

// Types are the rows that this package writes. Logins, names and reasons are sealed under the key of
// the person they are about, so that erasing the person forgets them.
func Types() []journal.Type {
	reason := journal.Field{Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true}
	login := journal.Field{Name: "login", TitleZH: "登录名", TitleEN: "Login", Private: true}
	name := journal.Field{Name: "display_name", TitleZH: "姓名", TitleEN: "Name", Private: true}
	grants := journal.Field{Name: "grants", TitleZH: "授权", TitleEN: "Grants"}
	remote := journal.Field{Name: "remote", TitleZH: "来源地址", TitleEN: "Address"}
	session := journal.Field{Name: "session_id", TitleZH: "会话", TitleEN: "Session"}
	expires := journal.Field{Name: "expires_at", TitleZH: "失效时间", TitleEN: "Valid until"}
	why := journal.Field{Name: "why", TitleZH: "原因", TitleEN: "Why"}
	how := journal.Field{Name: "how", TitleZH: "方式", TitleEN: "How"}
	optional := func(f journal.Field) journal.Field {
		f.Optional = true
		return f
	}
	return []journal.Type{
		{Name: typeSetupLink, TitleZH: "生成初始化链接", TitleEN: "Set-up link made", Fields: []journal.Field{expires}},
		{Name: typeSetup, TitleZH: "完成初始化", TitleEN: "Set-up completed", Fields: []journal.Field{remote}},
		{Name: typeCreated, TitleZH: "建立账号", TitleEN: "Account made", Fields: []journal.Field{login, name, grants}},
		{Name: typeChanged, TitleZH: "修改账号", TitleEN: "Account changed", Fields: []journal.Field{name}},
		{Name: typeActivated, TitleZH: "激活账号", TitleEN: "Account activated", Fields: []journal.Field{remote}},
		{Name: typeAccepted, TitleZH: "已接受邀请，待核实本人", TitleEN: "Invitation accepted, to be confirmed", Fields: []journal.Field{remote}},
		{Name: typeConfirmed, TitleZH: "核实本人", TitleEN: "Person confirmed", Fields: []journal.Field{reason}},
		{Name: typeDisabled, TitleZH: "停用账号", TitleEN: "Account disabled", Fields: []journal.Field{reason}},
		{Name: typeEnabled, TitleZH: "启用账号", TitleEN: "Account enabled", Fields: []journal.Field{reason}},
		{Name: typeRemoved, TitleZH: "移除账号", TitleEN: "Account removed", Fields: []journal.Field{reason}},
		{Name: typeErased, TitleZH: "抹除个人信息", TitleEN: "Personal data erased", Fields: []journal.Field{reason}},
		{Name: typeInvited, TitleZH: "发出邀请链接", TitleEN: "Invitation made", Fields: []journal.Field{
			expires, {Name: "replaces_credentials", TitleZH: "重设密码", TitleEN: "Replaces credentials"},
		}},
		{Name: typeRecovered, TitleZH: "在主机上恢复账号", TitleEN: "Account recovered on the host", Fields: []journal.Field{expires}},
		{Name: typeSignedIn, TitleZH: "登录", TitleEN: "Signed in", Fields: []journal.Field{session, remote, how}},
		{Name: typeFailed, TitleZH: "登录失败", TitleEN: "Sign-in failed", Fields: []journal.Field{
			optional(login), remote, why,
			{Name: "locked_seconds", TitleZH: "锁定秒数", TitleEN: "Locked for (s)"},
			{Name: "left_out", TitleZH: "未逐条记录的次数", TitleEN: "Failures left out before"},
		}},
		{Name: typeSignedOut, TitleZH: "退出登录", TitleEN: "Signed out", Fields: []journal.Field{session}},
		{Name: typeProved, TitleZH: "再次验证身份", TitleEN: "Identity proved again", Fields: []journal.Field{session, how}},
		{Name: typeRevoked, TitleZH: "结束会话", TitleEN: "Sessions ended", Fields: []journal.Field{
			{Name: "sessions", TitleZH: "会话", TitleEN: "Sessions"}, why,
		}},
		{Name: typePassword, TitleZH: "修改密码", TitleEN: "Password changed", Fields: []journal.Field{how}},
		{Name: typeTOTPEnabled, TitleZH: "启用动态口令", TitleEN: "One-time codes enabled"},
		{Name: typeTOTPDisabled, TitleZH: "停用动态口令", TitleEN: "One-time codes disabled", Fields: []journal.Field{how}},
		{Name: typeGrants, TitleZH: "变更授权", TitleEN: "Grants changed", Fields: []journal.Field{
			{Name: "added", TitleZH: "增加", TitleEN: "Added"}, {Name: "removed", TitleZH: "去除", TitleEN: "Removed"},
		}},
		{Name: typeProduction, TitleZH: "宣布投产", TitleEN: "Production declared", Fields: []journal.Field{reason}},
	}
}

// about seals a text under the key of the person it is about.
func about(a *account, text string) journal.Personal {
	return journal.Personal{Person: a.ID, Text: text}
}

// grantFields writes grants as values of a row.
func grantFields(grants []Grant) []any {
	out := []any{}
	for _, g := range grants {
		out = append(out, map[string]any{"role": string(g.Role), "area_path": g.AreaPath, "system_id": g.SystemID})
	}
	return out
}
