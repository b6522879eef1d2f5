package selfcheck

import (
	"context"
	"fmt"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/probe"
)

// Calendar is what the kind for the working calendar asks.
type Calendar interface {
	// Calendar returns the calendar that holds now.
	Calendar(ctx context.Context) (*calendar.Calendar, error)
}

// CalendarKind is the kind that looks for years without a list of holidays, so that a missing one is a
// finding with an owner and not only a line on a page.
func CalendarKind(c Calendar, now func() time.Time) probe.Builtin {
	return probe.Builtin{
		Kind: "data.calendar", Class: probe.Data, TitleZH: "工作日历", TitleEN: "The working calendar",
		HelpZH: "是否已导入当年（以及 12 月 15 日起下一年）的放假安排。变红时：在「工作日历」页导入国务院办公厅的通知；导入之前，依赖工作日的计划按每天执行。",
		HelpEN: "Whether the list of holidays of this year is there, and from 15 December that of the next. When red: import the State Council's notice on the page Calendar; until then plans that depend on workdays run every day.",
		Discover: func(context.Context) []probe.Found {
			return []probe.Found{{Params: map[string]any{}, Why: "运维平台自身"}}
		},
		Timeout: 15 * time.Second, Verified: "tested", VerifiedOn: "SQLite 3.54, PostgreSQL 15, 2026-11",
		Run: func(ctx context.Context, t probe.Target) probe.Result { return lookAtCalendar(ctx, t, c, now()) },
	}
}

func lookAtCalendar(ctx context.Context, t probe.Target, c Calendar, now time.Time) probe.Result {
	cal, err := c.Calendar(ctx)
	if err != nil {
		return probe.Unknowable("read_failed", "无法读取工作日历："+err.Error())
	}
	r := t.Report()
	missing := cal.Missing(now)
	r.Record("missing", float64(len(missing)), "")
	for _, y := range missing {
		if y == calendar.DateOf(now).Year() {
			r.Raise(probe.Critical, "missing", fmt.Sprintf("%d 年放假安排未导入，无法判断工作日", y))
		} else {
			r.Raise(probe.Warning, "missing", fmt.Sprintf("%d 年放假安排未导入", y))
		}
	}
	if len(missing) == 0 {
		return r.Result(fmt.Sprintf("%d 年放假安排已导入", calendar.DateOf(now).Year()))
	}
	return r.Result("")
}
