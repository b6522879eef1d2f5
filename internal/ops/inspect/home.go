package inspect

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/store"
)

// Lines shown on one card.
const homeLines = 5

// HomeCards are what the inspection says on the home page.
func (m *Module) HomeCards() []api.HomeCard {
	card := func(key string, load func(ctx context.Context, scope store.Scope) (*api.Card, error)) api.HomeCard {
		return api.HomeCard{Key: key, Permission: PermissionRead, Load: load}
	}
	return []api.HomeCard{
		{Key: "inspect.daily", Permission: PermissionDaily, Load: m.dailyCard},
		card("inspect.findings.mine", m.mineCard),
		card("inspect.findings.overdue", m.overdueCard),
		card("inspect.findings.grave", m.graveCard),
		card("inspect.findings.unassigned", m.unassignedCard),
		card("inspect.rounds.missed", m.missedCard),
		card("inspect.plans.empty", m.emptyPlansCard),
		card("inspect.checks.no_source", m.noSourceCard),
		card("inspect.quiet", m.quietCard),
	}
}

func (m *Module) findingsCard(ctx context.Context, scope store.Scope, filters map[string]string, severity, zh, en, href string) (*api.Card, error) {
	page, err := m.Findings(ctx, scope, store.ListQuery{Filters: filters, Limit: homeLines}, "")
	if err != nil || page.Total == 0 {
		return nil, err
	}
	c := &api.Card{Severity: severity, TitleZH: zh, TitleEN: en, Count: page.Total, Href: href, Items: []api.CardItem{}}
	for _, f := range page.Items {
		c.Items = append(c.Items, api.CardItem{
			TitleZH: fmt.Sprintf("%s %s · %s", f.Number, f.AssetName, f.Title),
			TitleEN: fmt.Sprintf("%s %s · %s", f.Number, f.AssetName, f.TitleEN), Href: "/inspect/findings/" + f.ID, At: f.OpenedAt.Ptr(), State: f.Severity,
		})
	}
	return c, nil
}

// Values of filters that stand for several words.
const (
	notClosed = "open,assigned,repaired"
	grave     = severityCritical + "," + severityUnknown
)

// The four cards of findings share none: what is mine is on that card only, then what is overdue, what is
// grave and not overdue, and the warnings that nobody has.

// mineCard is as grave as its gravest finding, which the list shows first.
func (m *Module) mineCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	me := api.CallerFrom(ctx).AccountID
	if me == "" {
		return nil, nil
	}
	c, err := m.findingsCard(ctx, scope, map[string]string{"state": notClosed, "assignee_id": me}, "warning",
		"派给我的隐患", "Findings assigned to me", "/inspect/findings?state="+notClosed+"&assignee_id="+me)
	if c != nil && c.Items[0].State != severityWarning {
		c.Severity = "critical"
	}
	return c, err
}

// othersCard shows findings that are not the caller's.
func (m *Module) othersCard(ctx context.Context, scope store.Scope, filters map[string]string, severity, zh, en string) (*api.Card, error) {
	if me := api.CallerFrom(ctx).AccountID; me != "" {
		filters["not_assignee_id"] = me
	}
	query := url.Values{}
	for name, v := range filters {
		query.Set(name, v)
	}
	return m.findingsCard(ctx, scope, filters, severity, zh, en, "/inspect/findings?"+query.Encode())
}

func (m *Module) overdueCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	return m.othersCard(ctx, scope, map[string]string{"state": notClosed, "overdue": "1"}, "critical", "逾期未消除的隐患", "Overdue findings")
}

func (m *Module) graveCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	return m.othersCard(ctx, scope, map[string]string{"state": notClosed, "overdue": "0", "severity": grave}, "critical",
		"严重或未知的隐患", "Critical or unknown findings")
}

func (m *Module) unassignedCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	return m.othersCard(ctx, scope, map[string]string{"state": string(Open), "overdue": "0", "severity": severityWarning}, "warning",
		"待派的警告", "Warnings nobody has yet")
}

// missedCard tells what was due and did not happen: plans that are late now, items missed in the last
// round of a plan, and gaps of the last day.
func (m *Module) missedCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	c := &api.Card{
		Severity: "warning", TitleZH: "漏检与缺口", TitleEN: "Missed checks and rounds",
		Href: "/inspect/rounds", Items: []api.CardItem{},
	}
	add := func(it api.CardItem) {
		if c.Count++; len(c.Items) < homeLines {
			c.Items = append(c.Items, it)
		}
	}
	now := m.clock.Now()
	plans, err := store.List[Plan](ctx, m.db.Read(), planList(), scope, store.ListQuery{Limit: store.MaxLimit, Filters: map[string]string{"enabled": "1"}}, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range plans.Items {
		if late := now.Sub(p.NextDueAt.Time); late > 2*p.deadline() {
			c.Severity = "critical"
			add(api.CardItem{
				TitleZH: "计划「" + p.Name + "」未按时巡检", TitleEN: "Plan “" + planNameEN(p.Name) + "” does not run on time",
				Href: "/inspect/plans/" + p.ID, At: p.NextDueAt.Ptr(), State: "CRITICAL",
			})
		}
		last, err := lastFinished(ctx, m.db.Read(), p.ID)
		if err != nil {
			return nil, err
		}
		if last != nil && last.Missed > 0 {
			add(api.CardItem{
				TitleZH: fmt.Sprintf("%s 漏检 %d 项", last.Number, last.Missed), TitleEN: fmt.Sprintf("%s missed %d checks", last.Number, last.Missed),
				Href: "/inspect/rounds/" + last.ID, At: last.StartedAt.Ptr(), State: last.WorstState,
			})
		}
	}
	gaps, err := store.List[Gap](ctx, m.db.Read(), gapList(), scope, store.ListQuery{
		Limit: homeLines, Filters: map[string]string{"since": now.Add(-24 * time.Hour).Format(time.RFC3339)},
	}, nil)
	if err != nil {
		return nil, err
	}
	for _, g := range gaps.Items {
		add(api.CardItem{
			TitleZH: fmt.Sprintf("缺 %d 轮巡检", g.MissedRounds), TitleEN: fmt.Sprintf("%d rounds did not take place", g.MissedRounds),
			Href: "/inspect/rounds?plan_id=" + g.PlanID, At: g.FromAt.Ptr(), State: g.Reason,
		})
	}
	c.Count += gaps.Total - len(gaps.Items)
	if c.Count == 0 {
		return nil, nil
	}
	return c, nil
}

// emptyPlansCard tells of plans that are on and inspect nothing: their silence is not a good sign.
func (m *Module) emptyPlansCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	plans, err := store.List[Plan](ctx, m.db.Read(), planList(), scope, store.ListQuery{Limit: store.MaxLimit, Filters: map[string]string{"enabled": "1"}}, nil)
	if err != nil {
		return nil, err
	}
	c := &api.Card{
		Severity: "warning", TitleZH: "没有检查项的巡检计划", TitleEN: "Plans that inspect nothing", Href: "/inspect/plans", Items: []api.CardItem{},
	}
	for _, p := range plans.Items {
		checks, err := checksOf(ctx, m.db.Read(), &p)
		if err != nil {
			return nil, err
		}
		if state := p.state(len(checks)); state == planEmpty || state == planNever {
			if c.Count++; len(c.Items) < homeLines {
				why := [2]string{"没有符合条件的检查项", "no check belongs to it"}
				if state == planNever {
					why = [2]string{"两年内没有执行时间", "no slot within two years"}
				}
				c.Items = append(c.Items, api.CardItem{
					TitleZH: "计划「" + p.Name + "」" + why[0], TitleEN: "Plan “" + p.Name + "”: " + why[1],
					Href: "/inspect/plans/" + p.ID, At: p.EmptySince.Ptr(),
				})
			}
		}
	}
	if c.Count == 0 {
		return nil, nil
	}
	return c, nil
}

func (m *Module) noSourceCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	page, err := store.List[Check](ctx, m.db.Read(), checkList(), scope, store.ListQuery{
		Limit: homeLines, Filters: map[string]string{"reason": "no_source", "enabled": "1", "exemption": applies},
	}, nil)
	if err != nil || page.Total == 0 {
		return nil, err
	}
	c := &api.Card{
		Severity: "info", TitleZH: "没有数据源的检查项", TitleEN: "Checks with nothing to look at", Count: page.Total,
		Href: "/inspect/checks?reason=no_source&exemption=none", Items: []api.CardItem{},
	}
	for _, k := range page.Items {
		c.Items = append(c.Items, api.CardItem{
			TitleZH: k.AssetName + " · " + k.TitleZH, TitleEN: k.AssetName + " · " + k.TitleEN, Href: "/inspect/checks/" + k.ID, State: k.State,
		})
	}
	return c, nil
}

// quietCard says that all is well, and since when that is known.
func (m *Module) quietCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	active, err := m.Findings(ctx, scope, store.ListQuery{Filters: map[string]string{"state": notClosed}, Limit: 1}, "")
	if err != nil || active.Total > 0 {
		return nil, err
	}
	if missed, err := m.missedCard(ctx, scope); err != nil || missed != nil {
		return nil, err
	}
	if empty, err := m.emptyPlansCard(ctx, scope); err != nil || empty != nil {
		return nil, err
	}
	last, err := store.List[Round](ctx, m.db.Read(), roundList(), scope, store.ListQuery{Filters: map[string]string{"state": roundFinished}, Limit: 1}, nil)
	if err != nil || len(last.Items) == 0 {
		return nil, err
	}
	r := last.Items[0]
	return &api.Card{
		Severity: "ok", TitleZH: "一切正常", TitleEN: "All quiet", Count: 0, Href: "/inspect/rounds/" + r.ID,
		Items: []api.CardItem{{
			TitleZH: fmt.Sprintf("最近一轮 %s：%d 项正常", r.Number, r.OK), TitleEN: fmt.Sprintf("Last round %s: %d checks OK", r.Number, r.OK),
			Href: "/inspect/rounds/" + r.ID, At: r.FinishedAt.Ptr(), State: r.WorstState,
		}},
	}, nil
}
