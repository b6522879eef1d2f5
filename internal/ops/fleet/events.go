package fleet

import (
	"context"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

// Rows that this module writes.
const (
	TypeRegistered = "fleet.asset.registered"
	TypeChanged    = "fleet.asset.changed"
	TypeRetired    = "fleet.asset.retired"
	TypeLinked     = "fleet.link.added"
	TypeUnlinked   = "fleet.link.removed"
	TypeProposed   = "fleet.proposal.made"
	TypeAccepted   = "fleet.proposal.accepted"
	TypeDeclined   = "fleet.proposal.declined"
)

// Kinds of the subjects of this module's rows.
const (
	subject         = "fleet.asset"
	subjectProposal = "fleet.proposal"
)

func types() []journal.Type {
	source := journal.Field{Name: "source", TitleZH: "来源", TitleEN: "Source", Optional: true}
	link := []journal.Field{
		{Name: "number", TitleZH: "编号", TitleEN: "Number"},
		{Name: "link", TitleZH: "关系", TitleEN: "Dependency"},
		{Name: "to_id", TitleZH: "对方", TitleEN: "Other asset"},
		{Name: "to_name", TitleZH: "对方名称", TitleEN: "Name of the other asset"},
	}
	service := journal.Field{Name: "service", TitleZH: "服务", TitleEN: "Service"}
	name := journal.Field{Name: "name", TitleZH: "名称", TitleEN: "Name"}
	return []journal.Type{
		{Name: TypeRegistered, TitleZH: "资产已登记", TitleEN: "Asset registered", Fields: []journal.Field{
			{Name: "number", TitleZH: "编号", TitleEN: "Number"},
			{Name: "kind", TitleZH: "类别", TitleEN: "Kind"},
			{Name: "name", TitleZH: "名称", TitleEN: "Name"},
			{Name: "hostname", TitleZH: "主机名", TitleEN: "Host name"},
			{Name: "given", TitleZH: "登记内容", TitleEN: "Values given", Optional: true}, source,
		}},
		{Name: TypeChanged, TitleZH: "资产已变更", TitleEN: "Asset changed", Fields: []journal.Field{
			{Name: "number", TitleZH: "编号", TitleEN: "Number"},
			{Name: "changes", TitleZH: "变更内容（前、后）", TitleEN: "Changes (before, after)"}, source,
			{Name: "owner_name_before", TitleZH: "原责任人", TitleEN: "Owner before", Private: true, Optional: true},
			{Name: "owner_name_after", TitleZH: "新责任人", TitleEN: "Owner after", Private: true, Optional: true},
			{Name: "owner_phone_before", TitleZH: "原联系电话", TitleEN: "Phone before", Private: true, Optional: true},
			{Name: "owner_phone_after", TitleZH: "新联系电话", TitleEN: "Phone after", Private: true, Optional: true},
		}},
		{Name: TypeRetired, TitleZH: "资产已下线", TitleEN: "Asset retired", Fields: []journal.Field{
			{Name: "number", TitleZH: "编号", TitleEN: "Number"},
			{Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
		{Name: TypeLinked, TitleZH: "依赖关系已建立", TitleEN: "Dependency added", Fields: link},
		{Name: TypeUnlinked, TitleZH: "依赖关系已删除", TitleEN: "Dependency removed", Fields: link},
		{Name: TypeProposed, TitleZH: "发现待登记的服务", TitleEN: "Service found, not registered", Fields: []journal.Field{
			service, name, {Name: "why", TitleZH: "依据", TitleEN: "Why"},
		}},
		{Name: TypeAccepted, TitleZH: "已登记发现的服务", TitleEN: "Found service registered", Fields: []journal.Field{
			service, name, {Name: "asset_id", TitleZH: "资产", TitleEN: "Asset"},
		}},
		{Name: TypeDeclined, TitleZH: "不登记发现的服务", TitleEN: "Found service declined", Fields: []journal.Field{
			service, name, {Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
	}
}

// note writes a row about an asset.
func (m *Module) note(ctx context.Context, tx *store.Tx, typ string, a *Asset, fields map[string]any) error {
	fields["number"] = a.Number
	_, err := m.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subject, ID: a.ID},
		AreaPath: a.AreaPath, SystemID: a.SystemID, Fields: fields,
	})
	return err
}
