package parallel

import (
	"context"
	"strconv"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/store"
)

type exportInput struct {
	api.ExportParams
	SpanInput
}

func (in *SpanInput) filters() map[string]string {
	out := map[string]string{
		"from": in.From, "to": in.To, "minutes": strconv.Itoa(in.Minutes), "side": in.Side, "why": in.Why, "verdict": in.Verdict,
		"asset_id": in.AssetID, "q": in.Q,
	}
	if in.Severity > 0 {
		out["severity"] = strconv.Itoa(in.Severity)
	}
	return out
}

// exportPage answers the whole comparison as one page: it is computed as a whole.
func (m *Module) exportPage(ctx context.Context, q store.ListQuery) (store.Page[differenceView], error) {
	f := q.Filters
	minutes, _ := strconv.Atoi(f["minutes"]) // written by filters
	severity, _ := strconv.Atoi(f["severity"])
	in := SpanInput{
		From: f["from"], To: f["to"], Minutes: minutes, Side: f["side"], Why: f["why"], Verdict: f["verdict"], Severity: severity,
		AssetID: f["asset_id"], Q: f["q"],
	}
	span, filter, err := in.read(m.Clock.Now())
	if err != nil {
		return store.Page[differenceView]{}, err
	}
	rows, _, err := m.Compare(ctx, api.ScopeFrom(ctx), span, filter)
	if err != nil {
		return store.Page[differenceView]{}, err
	}
	views, err := m.viewRows(ctx, rows)
	return store.Page[differenceView]{Items: views, Total: len(views)}, err
}

// titles of words that a file shows.
func sideTitles() api.Titles {
	return api.Titles{Both: {"双方都发现", "Both"}, Theirs: {"仅 Zabbix", "Zabbix only"}, Ours: {"仅本平台", "Ours only"}}
}

func whyTitles() api.Titles {
	return api.Titles{
		WhyNoAsset:   {"主机不在台账，或无法对应唯一资产", "The host is not in the register, or fits several assets"},
		WhyNoChecks:  {"资产没有启用的检查项", "The asset has no check that is on"},
		WhyUnseen:    {"有检查项，但没有变红", "It has checks, and none was bad"},
		WhyUnsent:    {"Zabbix 报过该资产，这次没有报", "Zabbix knows the asset and sent nothing"},
		WhyNotTheirs: {"Zabbix 从未报过该资产", "Zabbix never sent anything about it"},
	}
}

func verdictTitles() api.Titles {
	return api.Titles{Known: {"已知", "Known"}, Accepted: {"接受", "Accepted"}}
}

func exportColumns() []api.ExportColumn[differenceView] {
	type column = api.ExportColumn[differenceView]
	col := func(zh, en string, value func(differenceView, api.Words) any) column {
		return column{TitleZH: zh, TitleEN: en, Value: value}
	}
	theirs := func(value func(p *ProblemView) any) func(differenceView, api.Words) any {
		return func(d differenceView, _ api.Words) any {
			if d.Problem == nil {
				return nil
			}
			return value(d.Problem)
		}
	}
	ours := func(value func(f *seenView) any) func(differenceView, api.Words) any {
		return func(d differenceView, _ api.Words) any {
			if d.Finding == nil {
				return nil
			}
			return value(d.Finding)
		}
	}
	return []column{
		col("谁发现", "Seen by", func(d differenceView, w api.Words) any { return sideTitles().Of(w, d.Side) }),
		col("资产", "Asset", func(d differenceView, _ api.Words) any { return d.AssetName }),
		col("Zabbix 主机", "Zabbix host", theirs(func(p *ProblemView) any { return p.Host })),
		col("Zabbix 触发器", "Zabbix trigger", theirs(func(p *ProblemView) any { return p.Trigger })),
		col("Zabbix 级别", "Zabbix severity", theirs(func(p *ProblemView) any { return p.Severity })),
		col("Zabbix 事件号", "Zabbix event", theirs(func(p *ProblemView) any { return p.EventID })),
		col("Zabbix 发生时间", "Zabbix began", theirs(func(p *ProblemView) any { return p.StartedAt })),
		col("Zabbix 恢复时间", "Zabbix recovered", theirs(func(p *ProblemView) any { return p.RecoveredAt })),
		col("隐患编号", "Finding", ours(func(f *seenView) any { return f.Number })),
		col("隐患", "What was found", ours(func(f *seenView) any { return f.Title })),
		col("发现时间", "Found", ours(func(f *seenView) any { return f.OpenedAt })),
		col("晚于 Zabbix（秒）", "Later than Zabbix (s)", func(d differenceView, _ api.Words) any {
			if d.Side != Both {
				return nil
			}
			return d.LeadSeconds
		}),
		col("原因", "Why", func(d differenceView, w api.Words) any { return whyTitles().Of(w, d.Why) }),
		col("说明", "Explained", func(d differenceView, w api.Words) any {
			if d.Verdict == nil {
				return nil
			}
			return verdictTitles().Of(w, d.Verdict.Verdict)
		}),
		col("理由", "Reason", func(d differenceView, _ api.Words) any {
			if d.Verdict == nil {
				return nil
			}
			return d.Verdict.Reason
		}),
		col("说明人", "Explained by", func(d differenceView, _ api.Words) any {
			if d.Verdict == nil {
				return nil
			}
			return d.Verdict.SaidByName
		}),
	}
}
