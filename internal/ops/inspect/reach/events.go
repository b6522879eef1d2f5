package reach

import (
	"context"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

// Rows that this module writes.
const (
	TypeAdded    = "reach.login.added"
	TypeChanged  = "reach.login.changed"
	TypeAccepted = "reach.login.accepted"
	TypeRemoved  = "reach.login.removed"
)

const subject = "reach.login"

func types() []journal.Type {
	name := journal.Field{Name: "name", TitleZH: "登录方式", TitleEN: "Login"}
	address := journal.Field{Name: "address", TitleZH: "地址", TitleEN: "Address"}
	account := journal.Field{Name: "account", TitleZH: "登录账户", TitleEN: "Account on the host"}
	return []journal.Type{
		{Name: TypeAdded, TitleZH: "登录方式已建立", TitleEN: "Login added", Fields: []journal.Field{name, address, account}},
		{Name: TypeChanged, TitleZH: "登录方式已变更", TitleEN: "Login changed", Fields: []journal.Field{
			name, {Name: "changes", TitleZH: "变更内容（前、后）", TitleEN: "Changes (before, after)"},
		}},
		{Name: TypeAccepted, TitleZH: "主机密钥已确认", TitleEN: "Host key accepted", Fields: []journal.Field{
			name, address, {Name: "fingerprint", TitleZH: "指纹", TitleEN: "Fingerprint"},
			{Name: "before", TitleZH: "原指纹", TitleEN: "Fingerprint before", Optional: true},
		}},
		{Name: TypeRemoved, TitleZH: "登录方式已删除", TitleEN: "Login removed", Fields: []journal.Field{
			name, address, {Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
	}
}

func (m *Module) note(ctx context.Context, tx *store.Tx, typ string, l *Login, fields map[string]any) error {
	fields["name"] = l.Name
	_, err := m.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subject, ID: l.ID}, AreaPath: l.AreaPath, SystemID: l.SystemID, Fields: fields,
	})
	return err
}
