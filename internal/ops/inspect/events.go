package inspect

import (
	"context"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

// Rows that this module writes.
const (
	TypeCheckAdded       = "inspect.check.added"
	TypeCheckChanged     = "inspect.check.changed"
	TypeCheckRemoved     = "inspect.check.removed"
	TypePlanCreated      = "inspect.plan.created"
	TypePlanRemoved      = "inspect.plan.removed"
	TypePlanChanged      = "inspect.plan.changed"
	TypePlanRescheduled  = "inspect.plan.rescheduled"
	TypePlanEmpty        = "inspect.plan.empty"
	TypeDailySigned      = "inspect.daily.signed"
	TypeDailyLate        = "inspect.daily.late"
	TypeDailyMissed      = "inspect.daily.missed"
	TypeRoundStarted     = "inspect.round.started"
	TypeRoundFinished    = "inspect.round.finished"
	TypeRoundGap         = "inspect.round.gap"
	TypeCoverageClosed   = "inspect.coverage.closed"
	TypeFindingOpened    = "inspect.finding.opened"
	TypeFindingSeen      = "inspect.finding.seen"
	TypeFindingAssigned  = "inspect.finding.assigned"
	TypeFindingPostponed = "inspect.finding.postponed"
	TypeFindingOverdue   = "inspect.finding.overdue"
	TypeFindingCommented = "inspect.finding.commented"
	TypeFindingRepaired  = "inspect.finding.repaired"
	TypeFindingReopened  = "inspect.finding.reopened"
	TypeFindingWorsened  = "inspect.finding.worsened"
	TypeFindingClosed    = "inspect.finding.closed"
	TypeFindingWaived    = "inspect.finding.waived"

	TypeExemptionProposed = "inspect.exemption.proposed"
	TypeExemptionGranted  = "inspect.exemption.granted"
	TypeExemptionEnded    = "inspect.exemption.ended"
)

// Kinds of the subjects of this module's rows.
const (
	subjectCheck   = "inspect.check"
	subjectPlan    = "inspect.plan"
	subjectDaily   = "inspect.daily"
	subjectRound   = "inspect.round"
	subjectFinding = "inspect.finding"
	// subjectCoverage is a day in Asia/Shanghai.
	subjectCoverage  = "inspect.coverage"
	subjectExemption = "inspect.exemption"
)

func field(name, zh, en string) journal.Field {
	return journal.Field{Name: name, TitleZH: zh, TitleEN: en}
}

func private(name, zh, en string, optional bool) journal.Field {
	return journal.Field{Name: name, TitleZH: zh, TitleEN: en, Private: true, Optional: optional}
}

func optional(f journal.Field) journal.Field {
	f.Optional = true
	return f
}

func types() []journal.Type {
	number := field("number", "编号", "Number")
	reason := private("reason", "理由", "Reason", false)
	changes := field("changes", "变更内容（前、后）", "Changes (before, after)")
	severity := field("severity", "严重程度", "Severity")
	result := field("result_id", "检查结果", "Result")
	sha256 := field("sha256", "结果摘要", "Hash of the result")
	request := field("request", "审批编号", "Decision")
	exemption := []journal.Field{
		field("asset", "资产", "Asset"), field("kind", "类别", "Kind"), field("whole_kind", "该类全部", "All of the kind"),
		optional(field("check_id", "检查项", "Check")), optional(field("target", "对象", "Target")), optional(field("until", "截止", "Until")),
	}
	exemption = exemption[:len(exemption):len(exemption)]
	plan := field("plan", "巡检计划", "Plan")
	day := field("day", "日期", "Day")
	return []journal.Type{
		{Name: TypeCheckAdded, TitleZH: "检查项已添加", TitleEN: "Check added", Fields: []journal.Field{
			field("kind", "类别", "Kind"), field("target", "对象", "Target"), field("asset", "资产", "Asset"), field("origin", "来源", "Origin"),
		}},
		{Name: TypeCheckChanged, TitleZH: "检查项已变更", TitleEN: "Check changed", Fields: []journal.Field{
			field("kind", "类别", "Kind"), field("target", "对象", "Target"), changes, reason,
		}},
		{Name: TypeCheckRemoved, TitleZH: "导入的检查项已撤销", TitleEN: "Imported check taken back", Fields: []journal.Field{
			field("kind", "类别", "Kind"), field("target", "对象", "Target"), field("asset", "资产", "Asset"), field("source", "来源", "Source"),
		}},
		{Name: TypePlanRemoved, TitleZH: "导入的巡检计划已撤销", TitleEN: "Imported plan taken back", Fields: []journal.Field{
			field("name", "名称", "Name"), field("source", "来源", "Source"),
		}},
		{Name: TypePlanCreated, TitleZH: "巡检计划已建立", TitleEN: "Plan created", Fields: []journal.Field{
			field("name", "名称", "Name"), field("interval_seconds", "间隔（秒）", "Interval (s)"), field("classes", "检查类别", "Classes"),
			optional(field("timing", "周期", "Timing")), optional(field("selector", "范围", "Selector")),
		}},
		{Name: TypePlanChanged, TitleZH: "巡检计划已变更", TitleEN: "Plan changed", Fields: []journal.Field{
			field("name", "名称", "Name"), changes,
		}},
		{Name: TypePlanRescheduled, TitleZH: "巡检计划已重排", TitleEN: "Plan moved to another slot", Fields: []journal.Field{
			field("name", "名称", "Name"), field("was_due_at", "原定时间", "Was due"), field("due_at", "现定时间", "Due"),
			optional(field("reason", "原因", "Reason")),
		}},
		{Name: TypePlanEmpty, TitleZH: "巡检计划没有检查项", TitleEN: "No check belongs to the plan", Fields: []journal.Field{
			field("name", "名称", "Name"), field("since", "起", "Since"), field("selector", "范围", "Selector"),
		}},
		{Name: TypeDailySigned, TitleZH: "早检已签发", TitleEN: "Daily check signed", Fields: []journal.Field{
			day, field("late", "超时", "Late"), field("planned", "计划项数", "Planned"), field("ran", "已检项数", "Ran"),
			field("missed", "漏检项数", "Missed"), field("gap_rounds", "缺失轮次", "Rounds that did not take place"),
			field("critical", "严重", "Critical"), field("unknown", "未知", "Unknown"), field("warning", "警告", "Warning"),
			field("findings_open", "未消除隐患", "Findings open"), field("findings_overdue", "逾期隐患", "Findings overdue"),
			field("sha256", "文本摘要", "Hash of the text"), private("text", "文本", "Text", false),
		}},
		{Name: TypeDailyLate, TitleZH: "早检未按时签发", TitleEN: "Daily check not signed in time", Fields: []journal.Field{day, field("due_at", "期限", "Due")}},
		{Name: TypeDailyMissed, TitleZH: "早检未签发", TitleEN: "Daily check not signed that day", Fields: []journal.Field{day, field("due_at", "期限", "Due")}},
		{Name: TypeRoundStarted, TitleZH: "巡检已开始", TitleEN: "Round started", Fields: []journal.Field{
			number, plan, field("trigger", "触发方式", "Trigger"), field("planned", "计划项数", "Planned"),
			optional(field("due_why", "排定依据", "Why it was due")),
		}},
		{Name: TypeRoundFinished, TitleZH: "巡检已完成", TitleEN: "Round finished", Fields: []journal.Field{
			number, plan, field("planned", "计划项数", "Planned"), field("ran", "已检项数", "Ran"), field("missed", "漏检项数", "Missed"),
			optional(field("missed_reason", "漏检原因", "Why missed")), field("worst_state", "最差状态", "Worst state"),
			field("ok", "正常", "OK"), field("warning", "警告", "Warning"), field("critical", "严重", "Critical"),
			field("unknown", "未知", "Unknown"), field("no_source", "无数据源", "No source"),
			field("tree_root", "结果树根", "Root of the results' tree"),
		}},
		{Name: TypeRoundGap, TitleZH: "巡检缺口", TitleEN: "Rounds did not take place", Fields: []journal.Field{
			plan, field("from", "起", "From"), field("to", "止", "To"),
			field("missed_rounds", "缺失轮次", "Missed rounds"), field("reason", "原因", "Reason"),
		}},
		{Name: TypeCoverageClosed, TitleZH: "当日巡检覆盖率已结账", TitleEN: "Coverage of a day closed", Fields: []journal.Field{
			field("day", "日期", "Day"), field("revision", "版次", "Revision"), field("planned", "计划项数", "Planned"),
			field("ran", "已检项数", "Ran"), field("missed", "漏检项数", "Missed"), field("reasons", "漏检原因（各几项）", "Missed, by reason"),
			field("classes", "各类（计划、已检、漏检）", "By class (planned, ran, missed)"), field("tree_root", "当日各轮树根之根", "Root of the roots of the day's rounds"),
		}},
		{Name: TypeFindingOpened, TitleZH: "隐患已发现", TitleEN: "Finding opened", Fields: []journal.Field{
			number, field("title", "标题", "Title"), field("asset", "资产", "Asset"), severity, result, sha256,
			optional(field("previous_id", "前一隐患", "Finding before")), optional(field("recurrence", "复发次数", "Times it came back")),
		}},
		{Name: TypeFindingSeen, TitleZH: "隐患已查看", TitleEN: "Finding seen", Fields: []journal.Field{number}},
		{Name: TypeFindingAssigned, TitleZH: "隐患已指派", TitleEN: "Finding assigned", Fields: []journal.Field{
			number, field("assignee_id", "责任人", "Assignee"), field("due_at", "期限", "Due"), private("note", "说明", "Note", true),
		}},
		{Name: TypeFindingPostponed, TitleZH: "隐患已延期", TitleEN: "Finding postponed", Fields: []journal.Field{
			number, field("was_due_at", "原期限", "Was due"), field("due_at", "期限", "Due"),
			field("postponed", "延期次数", "Times postponed"), reason,
		}},
		{Name: TypeFindingOverdue, TitleZH: "隐患逾期未消除", TitleEN: "Finding not closed by its due time", Fields: []journal.Field{
			number, severity, optional(field("assignee_id", "责任人", "Assignee")), field("due_at", "期限", "Due"),
			field("postponed", "延期次数", "Times postponed"),
		}},
		{Name: TypeFindingCommented, TitleZH: "隐患有新说明", TitleEN: "Comment on a finding", Fields: []journal.Field{
			number, private("text", "内容", "Text", false),
		}},
		{Name: TypeFindingRepaired, TitleZH: "隐患已修复待复检", TitleEN: "Finding repaired, to be checked again", Fields: []journal.Field{
			number, private("note", "处理说明", "What was done", false),
		}},
		{Name: TypeFindingReopened, TitleZH: "复检未通过", TitleEN: "Still bad after the repair", Fields: []journal.Field{number, result, sha256}},
		{Name: TypeFindingWorsened, TitleZH: "隐患加重", TitleEN: "Finding became graver", Fields: []journal.Field{
			number, field("from", "原严重程度", "Severity before"), severity, result, sha256,
		}},
		{Name: TypeFindingClosed, TitleZH: "隐患已消除", TitleEN: "Finding closed by a good result", Fields: []journal.Field{
			number, field("seen_count", "不良结果次数", "Bad results"), field("open_seconds", "持续秒数", "Seconds open"), result, sha256,
		}},
		{Name: TypeFindingWaived, TitleZH: "检查项不适用，隐患已关闭", TitleEN: "Finding closed since its check is not applicable", Fields: []journal.Field{
			number, request,
		}},
		{Name: TypeExemptionProposed, TitleZH: "提请认定检查项不适用", TitleEN: "Check proposed as not applicable", Fields: append(exemption, request, reason)},
		{Name: TypeExemptionGranted, TitleZH: "检查项已认定为不适用", TitleEN: "Check is not applicable", Fields: append(exemption, request)},
		{Name: TypeExemptionEnded, TitleZH: "检查项恢复检查", TitleEN: "Check applies again", Fields: append(exemption, reason)},
	}
}

// note writes a row.
func (m *Module) note(ctx context.Context, tx *store.Tx, typ, kind, id, areaPath, systemID string, fields map[string]any) error {
	_, err := m.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: kind, ID: id}, AreaPath: areaPath, SystemID: systemID, Fields: fields,
	})
	return err
}

func (m *Module) noteFinding(ctx context.Context, tx *store.Tx, typ string, f *Finding, fields map[string]any) error {
	if fields == nil {
		fields = map[string]any{}
	}
	fields["number"] = f.Number
	return m.note(ctx, tx, typ, subjectFinding, f.ID, f.AreaPath, f.SystemID, fields)
}
