package parallel

import (
	"context"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

// Rows that this module writes.
const (
	TypeSourceAdded   = "parallel.source.added"
	TypeSourceRevoked = "parallel.source.revoked"
	TypeBegan         = "parallel.problem.began"
	TypeRecovered     = "parallel.problem.recovered"
	TypeMatched       = "parallel.problem.matched"
	TypeExplained     = "parallel.difference.explained"
	TypeWithdrawn     = "parallel.difference.withdrawn"
)

// Kinds of the subjects of this module's rows.
const (
	subjectSource     = "parallel.source"
	subjectProblem    = "parallel.problem"
	subjectDifference = "parallel.difference"
)

func types() []journal.Type {
	name := journal.Field{Name: "name", TitleZH: "名称", TitleEN: "Name"}
	theirs := []journal.Field{
		{Name: "event_id", TitleZH: "Zabbix 事件号", TitleEN: "Zabbix event"},
		{Name: "host", TitleZH: "Zabbix 主机", TitleEN: "Zabbix host"},
		{Name: "trigger", TitleZH: "触发器", TitleEN: "Trigger"},
	}
	asset := journal.Field{Name: "asset", TitleZH: "资产", TitleEN: "Asset", Optional: true}
	with := func(more ...journal.Field) []journal.Field {
		return append(append([]journal.Field{}, theirs...), more...)
	}
	verdict := journal.Field{Name: "verdict", TitleZH: "说明", TitleEN: "Verdict"}
	return []journal.Type{
		{Name: TypeSourceAdded, TitleZH: "并行来源已建立", TitleEN: "Source added", Fields: []journal.Field{name}},
		{Name: TypeSourceRevoked, TitleZH: "并行来源已吊销", TitleEN: "Source revoked", Fields: []journal.Field{
			name, {Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
		{Name: TypeBegan, TitleZH: "Zabbix 问题已收到", TitleEN: "Zabbix problem received", Fields: with(
			journal.Field{Name: "severity", TitleZH: "级别", TitleEN: "Severity"}, asset,
			journal.Field{Name: "started_at", TitleZH: "发生时间", TitleEN: "Began at"})},
		{Name: TypeRecovered, TitleZH: "Zabbix 问题已恢复", TitleEN: "Zabbix problem recovered", Fields: with(
			asset, journal.Field{Name: "recovered_at", TitleZH: "恢复时间", TitleEN: "Recovered at"})},
		{Name: TypeMatched, TitleZH: "Zabbix 问题已对应资产", TitleEN: "Zabbix problem matched to an asset", Fields: with(asset)},
		{Name: TypeExplained, TitleZH: "差异已说明", TitleEN: "Difference explained", Fields: []journal.Field{
			verdict, {Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
		{Name: TypeWithdrawn, TitleZH: "差异说明已撤回", TitleEN: "Explanation of a difference withdrawn", Fields: []journal.Field{verdict}},
	}
}

func (m *Module) noteProblem(ctx context.Context, tx *store.Tx, typ string, p *Problem, fields map[string]any) error {
	fields["event_id"], fields["host"], fields["trigger"] = p.EventID, p.Host, p.Title
	if p.AssetName != "" {
		fields["asset"] = p.AssetName
	}
	_, err := m.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subjectProblem, ID: p.ID}, AreaPath: p.AreaPath, SystemID: p.SystemID, Fields: fields,
	})
	return err
}
