package inspect

import (
	"context"
	"strconv"
	"strings"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

type findingsExportInput struct {
	api.ExportParams
	FindingFilters
}

type checksExportInput struct {
	api.ExportParams
	CheckFilters
}

type resultsExportInput struct {
	api.ExportParams
	ResultFilters
}

type roundsExportInput struct {
	api.ExportParams
	RoundFilters
}

type plansExportInput struct {
	api.ExportParams
	PlanFilters
}

type gapsExportInput struct {
	api.ExportParams
	GapFilters
}

type itemsExportInput struct {
	api.ExportParams
	ID string `path:"id" maxLength:"64"`
}

func (m *Module) exportRoutes(r *api.Router) {
	api.RegisterExport(r, api.Operation{
		ID: "inspect.findings.export", Path: "/inspect/findings/export", Permission: PermissionRead, Summary: "Findings as a file",
	}, api.ListExport[findingsExportInput, FindingView]{
		List: "inspect.findings", Page: m.pageOfFindings, Columns: findingColumns(),
		Ask: func(in *findingsExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, in.filters()
		},
	})
	api.RegisterExport(r, api.Operation{
		ID: "inspect.checks.export", Path: "/inspect/checks/export", Permission: PermissionRead, Summary: "Checks with what they say now, as a file",
	}, api.ListExport[checksExportInput, checkView]{
		List: "inspect.checks", Page: m.pageOfChecks, Columns: checkColumns(),
		Ask: func(in *checksExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, in.filters()
		},
	})
	api.RegisterExport(r, api.Operation{
		ID: "inspect.results.export", Path: "/inspect/results/export", Permission: PermissionRead, Summary: "Results as a file",
	}, api.ListExport[resultsExportInput, resultView]{
		List: "inspect.results", Page: m.pageOfResults, Columns: resultColumns(),
		Ask: func(in *resultsExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, in.filters()
		},
	})
	api.RegisterExport(r, api.Operation{
		ID: "inspect.rounds.export", Path: "/inspect/rounds/export", Permission: PermissionRead, Summary: "Rounds as a file",
	}, api.ListExport[roundsExportInput, RoundView]{
		List: "inspect.rounds", Page: m.pageOfRounds, Columns: roundColumns(),
		Ask: func(in *roundsExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, in.filters()
		},
	})
	api.RegisterExport(r, api.Operation{
		ID: "inspect.plans.export", Path: "/inspect/plans/export", Permission: PermissionRead, Summary: "Plans as a file",
	}, api.ListExport[plansExportInput, planView]{
		List: "inspect.plans", Page: m.pageOfPlans, Columns: planColumns(),
		Ask: func(in *plansExportInput) (api.ExportParams, map[string]string) { return in.ExportParams, in.filters() },
	})
	api.RegisterExport(r, api.Operation{
		ID: "inspect.gaps.export", Path: "/inspect/gaps/export", Permission: PermissionRead, Summary: "Rounds that did not take place, as a file",
	}, api.ListExport[gapsExportInput, gapView]{
		List: "inspect.gaps", Page: m.pageOfGaps, Columns: gapColumns(),
		Ask: func(in *gapsExportInput) (api.ExportParams, map[string]string) { return in.ExportParams, in.filters() },
	})
	api.RegisterExport(r, api.Operation{
		ID: "inspect.rounds.items.export", Path: "/inspect/rounds/{id}/export", Permission: PermissionRead,
		Summary: "One round as a file", Doc: "All its items: what ran with its result, what was missed with the reason.",
	}, api.ListExport[itemsExportInput, itemView]{
		List: "inspect.rounds.items", Page: m.pageOfItems, Columns: itemColumns(),
		Ask: func(in *itemsExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, map[string]string{"round_id": in.ID}
		},
	})
}

// pageOfItems reads the items of a round, which are at most as many as there are checks on a machine: all
// of them are one page.
func (m *Module) pageOfItems(ctx context.Context, q store.ListQuery) (store.Page[itemView], error) {
	round, err := findRound(ctx, m.db.Read(), api.ScopeFrom(ctx), q.Filters["round_id"])
	if err != nil {
		return store.Page[itemView]{}, err
	}
	items, err := m.viewItems(ctx, round)
	return store.Page[itemView]{Items: items, Total: len(items)}, err
}

// Words of machines.
func stateTitles() api.Titles {
	return api.Titles{
		"OK": {"正常", "OK"}, "WARNING": {"警告", "Warning"}, "CRITICAL": {"严重", "Critical"}, "UNKNOWN": {"未知", "Unknown"},
		"": {"尚未检查", "Not run yet"},
	}
}

func severityTitles() api.Titles {
	return api.Titles{severityWarning: {"警告", "Warning"}, severityCritical: {"严重", "Critical"}, severityUnknown: {"未知", "Unknown"}}
}

func classTitles() api.Titles {
	out := api.Titles{}
	for _, c := range probe.Classes() {
		out[string(c)] = [2]string{c.TitleZH(), c.TitleEN()}
	}
	return out
}

func findingColumns() []api.ExportColumn[FindingView] {
	states, severities, classes := api.Titles{}, severityTitles(), classTitles()
	for s, title := range findingMachine().Titles {
		states[string(s)] = title
	}
	return []api.ExportColumn[FindingView]{
		{TitleZH: "严重程度", TitleEN: "Severity", Value: func(f FindingView, w api.Words) any { return severities.Of(w, f.Severity) }},
		{TitleZH: "编号", TitleEN: "Number", Value: func(f FindingView, _ api.Words) any { return f.Number }},
		{TitleZH: "隐患", TitleEN: "Finding", Value: func(f FindingView, w api.Words) any { return w.Pick(f.TitleZH, f.TitleEN) }},
		{TitleZH: "说明", TitleEN: "Summary", Value: func(f FindingView, _ api.Words) any { return f.Summary }},
		{TitleZH: "资产", TitleEN: "Asset", Value: func(f FindingView, _ api.Words) any { return f.AssetName }},
		{TitleZH: "状态", TitleEN: "State", Value: func(f FindingView, w api.Words) any { return states.Of(w, f.State) }},
		{TitleZH: "责任人", TitleEN: "Assignee", Value: func(f FindingView, _ api.Words) any {
			if f.Assignee == nil {
				return nil
			}
			return f.Assignee.DisplayName
		}},
		{TitleZH: "期限", TitleEN: "Due", Value: func(f FindingView, _ api.Words) any { return f.DueAt }},
		{TitleZH: "发现时间", TitleEN: "Opened", Value: func(f FindingView, _ api.Words) any { return f.OpenedAt }},
		{TitleZH: "最近一次", TitleEN: "Last seen", Value: func(f FindingView, _ api.Words) any { return f.LastSeenAt }},
		{TitleZH: "不良结果次数", TitleEN: "Bad results", Value: func(f FindingView, _ api.Words) any { return f.SeenCount }},
		{TitleZH: "消除时间", TitleEN: "Closed", Value: func(f FindingView, _ api.Words) any { return f.ClosedAt }},
		{TitleZH: "类别", TitleEN: "Class", Value: func(f FindingView, w api.Words) any { return classes.Of(w, f.Class) }},
		{TitleZH: "所属系统", TitleEN: "System", Value: func(f FindingView, w api.Words) any { return w.Place(f.SystemID) }},
		{TitleZH: "所属区域", TitleEN: "Area", Value: func(f FindingView, w api.Words) any { return w.Place(f.AreaPath) }},
	}
}

// measuredValues writes measured values in one line, as "title thing value unit".
func measuredValues(perf []probe.Perf, w api.Words) string {
	parts := make([]string, 0, len(perf))
	for _, p := range perf {
		metric := probe.MetricOf(p.Label)
		title := metric
		if zh, en, ok := probe.MetricTitle(metric); ok {
			title = w.Pick(zh, en)
		}
		parts = append(parts, title+strings.TrimPrefix(p.Label, metric)+" "+strconv.FormatFloat(p.Value, 'f', -1, 64)+p.UOM)
	}
	return strings.Join(parts, "; ")
}

func checkColumns() []api.ExportColumn[checkView] {
	states, classes := stateTitles(), classTitles()
	// now leaves a cell empty until the check ran.
	now := func(c checkView, f func(*currentView) any) any {
		if c.Current == nil {
			return nil
		}
		return f(c.Current)
	}
	return []api.ExportColumn[checkView]{
		{TitleZH: "状态", TitleEN: "State", Value: func(c checkView, w api.Words) any {
			switch {
			case !c.Enabled:
				return w.Pick("已停用", "Disabled")
			case c.Current == nil:
				return states.Of(w, "")
			case c.Current.Reason == string(probe.ReasonNoSource):
				return w.Pick("无数据源", "No source")
			}
			return states.Of(w, c.Current.State)
		}},
		{TitleZH: "检查项", TitleEN: "Check", Value: func(c checkView, w api.Words) any { return w.Pick(c.TitleZH, c.TitleEN) }},
		{TitleZH: "对象", TitleEN: "Target", Value: func(c checkView, _ api.Words) any { return c.Target }},
		{TitleZH: "资产", TitleEN: "Asset", Value: func(c checkView, _ api.Words) any { return c.AssetName }},
		{TitleZH: "类别", TitleEN: "Class", Value: func(c checkView, w api.Words) any { return classes.Of(w, c.Class) }},
		{TitleZH: "说明", TitleEN: "Summary", Value: func(c checkView, _ api.Words) any { return now(c, func(x *currentView) any { return x.Summary }) }},
		{TitleZH: "原因代码", TitleEN: "Reason code", Value: func(c checkView, _ api.Words) any { return now(c, func(x *currentView) any { return x.Reason }) }},
		{TitleZH: "测量值", TitleEN: "Measured values", Value: func(c checkView, w api.Words) any {
			return now(c, func(x *currentView) any { return measuredValues(x.Perfdata, w) })
		}},
		{TitleZH: "持续自", TitleEN: "Since", Value: func(c checkView, _ api.Words) any { return now(c, func(x *currentView) any { return x.Since }) }},
		{TitleZH: "最近检查", TitleEN: "Last run", Value: func(c checkView, _ api.Words) any { return now(c, func(x *currentView) any { return x.RanAt }) }},
		{TitleZH: "所属系统", TitleEN: "System", Value: func(c checkView, w api.Words) any { return w.Place(c.SystemID) }},
		{TitleZH: "所属区域", TitleEN: "Area", Value: func(c checkView, w api.Words) any { return w.Place(c.AreaPath) }},
	}
}

func resultColumns() []api.ExportColumn[resultView] {
	states, classes := stateTitles(), classTitles()
	return []api.ExportColumn[resultView]{
		{TitleZH: "检查时间", TitleEN: "Ran", Value: func(r resultView, _ api.Words) any { return r.RanAt }},
		{TitleZH: "状态", TitleEN: "State", Value: func(r resultView, w api.Words) any {
			if r.Reason == string(probe.ReasonNoSource) {
				return w.Pick("无数据源", "No source")
			}
			return states.Of(w, r.State)
		}},
		{TitleZH: "检查项", TitleEN: "Check", Value: func(r resultView, w api.Words) any { return w.Pick(r.TitleZH, r.TitleEN) }},
		{TitleZH: "对象", TitleEN: "Target", Value: func(r resultView, _ api.Words) any { return r.Target }},
		{TitleZH: "资产", TitleEN: "Asset", Value: func(r resultView, _ api.Words) any { return r.AssetName }},
		{TitleZH: "类别", TitleEN: "Class", Value: func(r resultView, w api.Words) any { return classes.Of(w, r.Class) }},
		{TitleZH: "说明", TitleEN: "Summary", Value: func(r resultView, _ api.Words) any { return r.Summary }},
		{TitleZH: "原因代码", TitleEN: "Reason code", Value: func(r resultView, _ api.Words) any { return r.Reason }},
		{TitleZH: "测量值", TitleEN: "Measured values", Value: func(r resultView, w api.Words) any { return measuredValues(r.Perfdata, w) }},
		{TitleZH: "耗时（毫秒）", TitleEN: "Took (ms)", Value: func(r resultView, _ api.Words) any { return r.DurationMS }},
		{TitleZH: "SHA-256", TitleEN: "SHA-256", Value: func(r resultView, _ api.Words) any { return r.SHA256 }},
	}
}

func itemColumns() []api.ExportColumn[itemView] {
	states, classes := stateTitles(), classTitles()
	ran := func(it itemView, f func(*resultView) any) any {
		if it.Result == nil {
			return nil
		}
		return f(it.Result)
	}
	return []api.ExportColumn[itemView]{
		{TitleZH: "状态", TitleEN: "State", Value: func(it itemView, w api.Words) any {
			switch {
			case it.State == itemMissed:
				return w.Pick("漏检", "Missed")
			case it.Result == nil:
				return states.Of(w, "")
			case it.Result.Reason == string(probe.ReasonNoSource):
				return w.Pick("无数据源", "No source")
			}
			return states.Of(w, it.Result.State)
		}},
		{TitleZH: "检查项", TitleEN: "Check", Value: func(it itemView, w api.Words) any { return w.Pick(it.TitleZH, it.TitleEN) }},
		{TitleZH: "对象", TitleEN: "Target", Value: func(it itemView, _ api.Words) any { return it.Target }},
		{TitleZH: "资产", TitleEN: "Asset", Value: func(it itemView, _ api.Words) any { return it.AssetName }},
		{TitleZH: "类别", TitleEN: "Class", Value: func(it itemView, w api.Words) any { return classes.Of(w, it.Class) }},
		{TitleZH: "说明", TitleEN: "Summary", Value: func(it itemView, _ api.Words) any { return ran(it, func(r *resultView) any { return r.Summary }) }},
		{TitleZH: "原因代码", TitleEN: "Reason code", Value: func(it itemView, _ api.Words) any {
			if it.Result == nil {
				return it.MissedReason
			}
			return it.Result.Reason
		}},
		{TitleZH: "测量值", TitleEN: "Measured values", Value: func(it itemView, w api.Words) any {
			return ran(it, func(r *resultView) any { return measuredValues(r.Perfdata, w) })
		}},
		{TitleZH: "检查时间", TitleEN: "Ran", Value: func(it itemView, _ api.Words) any { return ran(it, func(r *resultView) any { return r.RanAt }) }},
		{TitleZH: "耗时（毫秒）", TitleEN: "Took (ms)", Value: func(it itemView, _ api.Words) any { return ran(it, func(r *resultView) any { return r.DurationMS }) }},
		{TitleZH: "SHA-256", TitleEN: "SHA-256", Value: func(it itemView, _ api.Words) any { return ran(it, func(r *resultView) any { return r.SHA256 }) }},
	}
}

func roundColumns() []api.ExportColumn[RoundView] {
	states := stateTitles()
	triggers := api.Titles{bySchedule: {"定时", "Schedule"}, byHand: {"手动", "Manual"}, byStart: {"启动时", "At start"}}
	return []api.ExportColumn[RoundView]{
		{TitleZH: "结论", TitleEN: "Worst state", Value: func(r RoundView, w api.Words) any {
			if r.WorstState == "" {
				return nil
			}
			return states.Of(w, r.WorstState)
		}},
		{TitleZH: "编号", TitleEN: "Number", Value: func(r RoundView, _ api.Words) any { return r.Number }},
		{TitleZH: "计划", TitleEN: "Plan", Value: func(r RoundView, w api.Words) any { return w.Pick(r.PlanName, r.PlanNameEN) }},
		{TitleZH: "开始时间", TitleEN: "Started", Value: func(r RoundView, _ api.Words) any { return r.StartedAt }},
		{TitleZH: "结束时间", TitleEN: "Finished", Value: func(r RoundView, _ api.Words) any { return r.FinishedAt }},
		{TitleZH: "触发方式", TitleEN: "Trigger", Value: func(r RoundView, w api.Words) any { return triggers.Of(w, r.Trigger) }},
		{TitleZH: "启动人", TitleEN: "Started by", Value: func(r RoundView, _ api.Words) any {
			if r.StartedBy == nil {
				return nil
			}
			return r.StartedBy.DisplayName
		}},
		{TitleZH: "计划项数", TitleEN: "Planned", Value: func(r RoundView, _ api.Words) any { return r.Planned }},
		{TitleZH: "已检项数", TitleEN: "Ran", Value: func(r RoundView, _ api.Words) any { return r.Ran }},
		{TitleZH: "漏检项数", TitleEN: "Missed", Value: func(r RoundView, _ api.Words) any { return r.Missed }},
		{TitleZH: "严重", TitleEN: "Critical", Value: func(r RoundView, _ api.Words) any { return r.Counts.Critical }},
		{TitleZH: "未知", TitleEN: "Unknown", Value: func(r RoundView, _ api.Words) any { return r.Counts.Unknown }},
		{TitleZH: "警告", TitleEN: "Warning", Value: func(r RoundView, _ api.Words) any { return r.Counts.Warning }},
		{TitleZH: "正常", TitleEN: "OK", Value: func(r RoundView, _ api.Words) any { return r.Counts.OK }},
		{TitleZH: "无数据源", TitleEN: "No source", Value: func(r RoundView, _ api.Words) any { return r.Counts.NoSource }},
		{TitleZH: "结果树根", TitleEN: "Root of the results' tree", Value: func(r RoundView, _ api.Words) any { return r.TreeRoot }},
	}
}

func gapColumns() []api.ExportColumn[gapView] {
	reasons := api.Titles{
		gapServerStopped: {"服务器未运行", "The server did not run"}, gapClockForward: {"时钟前跳或主机休眠", "The clock was set forward, or the machine slept"},
		gapDatabase: {"数据库不可用", "The database did not answer"}, gapStillRunning: {"上一轮尚未结束", "The round before had not ended"},
		gapLate: {"服务器繁忙，未能按时", "The server was late"},
	}
	return []api.ExportColumn[gapView]{
		{TitleZH: "起", TitleEN: "From", Value: func(g gapView, _ api.Words) any { return g.From }},
		{TitleZH: "止", TitleEN: "To", Value: func(g gapView, _ api.Words) any { return g.To }},
		{TitleZH: "缺失轮次", TitleEN: "Missed rounds", Value: func(g gapView, _ api.Words) any { return g.MissedRounds }},
		{TitleZH: "原因", TitleEN: "Reason", Value: func(g gapView, w api.Words) any { return reasons.Of(w, g.Reason) }},
		{TitleZH: "记录时间", TitleEN: "Noted", Value: func(g gapView, _ api.Words) any { return g.NotedAt }},
	}
}

func planColumns() []api.ExportColumn[planView] {
	classes, states := classTitles(), stateTitles()
	planStates := api.Titles{
		planOn: {"启用", "On"}, planOff: {"停用", "Off"}, planEmpty: {"没有检查项", "Nothing to inspect"}, planNever: {"没有执行时间", "Never due"},
	}
	days := api.Titles{"every": {"每天", "Every day"}, "workdays": {"仅工作日", "Workdays"}}
	care := api.Titles{"ignore": {"不区分", "As always"}, "only": {"仅在保障期内", "Only within"}, "denser": {"保障期内加密", "Denser within"}}
	due := func(p planView) bool { return p.Enabled && p.State != planNever }
	return []api.ExportColumn[planView]{
		{TitleZH: "计划名称", TitleEN: "Plan", Value: func(p planView, w api.Words) any { return w.Pick(p.Name, p.NameEN) }},
		{TitleZH: "状态", TitleEN: "State", Value: func(p planView, w api.Words) any { return planStates.Of(w, p.State) }},
		{TitleZH: "间隔（秒）", TitleEN: "Interval in seconds", Value: func(p planView, _ api.Words) any {
			if p.Timing.Rhythm == "times" {
				return nil
			}
			return p.IntervalSeconds
		}},
		{TitleZH: "时刻", TitleEN: "Times", Value: func(p planView, _ api.Words) any { return strings.Join(p.Timing.Times, " ") }},
		{TitleZH: "日期", TitleEN: "Days", Value: func(p planView, w api.Words) any { return days.Of(w, p.Timing.Days) }},
		{TitleZH: "保障期", TitleEN: "Periods", Value: func(p planView, w api.Words) any { return care.Of(w, p.Timing.Protection) }},
		{TitleZH: "保障期间隔（秒）", TitleEN: "Interval within periods in seconds", Value: func(p planView, _ api.Words) any {
			if p.Timing.DenseSeconds == 0 {
				return nil
			}
			return p.Timing.DenseSeconds
		}},
		{TitleZH: "巡检类别", TitleEN: "Classes", Value: func(p planView, w api.Words) any {
			names := make([]string, len(p.Selector.Classes))
			for i, c := range p.Selector.Classes {
				names[i] = classes.Of(w, c)
			}
			return strings.Join(names, w.Pick("、", ", "))
		}},
		{TitleZH: "检查项数", TitleEN: "Checks", Value: func(p planView, _ api.Words) any { return p.CheckCount }},
		{TitleZH: "资产数", TitleEN: "Assets", Value: func(p planView, _ api.Words) any { return p.AssetCount }},
		{TitleZH: "最近一轮", TitleEN: "Last round", Value: func(p planView, _ api.Words) any {
			if p.LastRound == nil {
				return nil
			}
			return p.LastRound.Number
		}},
		{TitleZH: "结论", TitleEN: "Result", Value: func(p planView, w api.Words) any {
			if p.LastRound == nil || p.LastRound.WorstState == "" {
				return nil
			}
			return states.Of(w, p.LastRound.WorstState)
		}},
		{TitleZH: "下次执行", TitleEN: "Next due", Value: func(p planView, _ api.Words) any {
			if !due(p) {
				return nil
			}
			return p.NextDueAt
		}},
		{TitleZH: "所属机构", TitleEN: "Area", Value: func(p planView, w api.Words) any { return w.Place(p.AreaPath) }},
		{TitleZH: "所属系统", TitleEN: "System", Value: func(p planView, w api.Words) any { return w.Place(p.SystemID) }},
	}
}
