package calendar

import (
	"context"
	"strings"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/store"
)

type yearExportInput struct {
	api.ExportParams
	Year int `path:"year" minimum:"2000" maximum:"2100"`
}

// exportRoutes adds a year day by day as a file, for those who plan in a spreadsheet.
func (s *Service) exportRoutes(r *api.Router) {
	api.RegisterExport(r, api.Operation{
		ID: "calendar.years.export", Path: "/calendar/years/{year}/export", Permission: PermissionRead, Summary: "A year, day by day, as a file",
	}, api.ListExport[yearExportInput, dayView]{
		List: "calendar.days", Columns: dayColumns(),
		Ask: func(in *yearExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, map[string]string{"year": itoa(in.Year)}
		},
		Page: s.pageOfDays,
	})
}

// pageOfDays is a whole year in one page.
func (s *Service) pageOfDays(ctx context.Context, q store.ListQuery) (store.Page[dayView], error) {
	first, err := time.Parse("2006", q.Filters["year"])
	if err != nil {
		return store.Page[dayView]{}, err
	}
	v, err := s.year(ctx, first.Year())
	return store.Page[dayView]{Items: v.Days, Total: len(v.Days)}, err
}

func dayColumns() []api.ExportColumn[dayView] {
	kinds := api.Titles{
		string(Workday): {"工作日", "Workday"}, string(Off): {"休息日", "Off"}, string(Makeup): {"补班", "Make-up workday"},
		string(Unpublished): {"未公布", "Not published"},
	}
	layers := api.Titles{string(National): {"国务院办公厅", "State Council"}, string(Region): {"自治区人民政府", "Regional government"}}
	weekdays := [7][2]string{{"日", "Sun"}, {"一", "Mon"}, {"二", "Tue"}, {"三", "Wed"}, {"四", "Thu"}, {"五", "Fri"}, {"六", "Sat"}}
	return []api.ExportColumn[dayView]{
		{TitleZH: "日期", TitleEN: "Day", Value: func(d dayView, _ api.Words) any { return d.Date }},
		{TitleZH: "星期", TitleEN: "Weekday", Value: func(d dayView, w api.Words) any {
			day, err := time.Parse(isoDate, d.Date)
			if err != nil {
				return nil
			}
			names := weekdays[day.Weekday()]
			return w.Pick(names[0], names[1])
		}},
		{TitleZH: "类别", TitleEN: "Kind", Value: func(d dayView, w api.Words) any { return kinds.Of(w, string(d.Kind)) }},
		{TitleZH: "名称", TitleEN: "Name", Value: func(d dayView, _ api.Words) any { return d.Name }},
		{TitleZH: "依据", TitleEN: "Whose list", Value: func(d dayView, w api.Words) any { return layers.Of(w, string(d.Layer)) }},
		{TitleZH: "暂定", TitleEN: "Provisional", Value: func(d dayView, w api.Words) any {
			if !d.Provisional {
				return nil
			}
			return w.Pick("是", "Yes")
		}},
		{TitleZH: "保障期", TitleEN: "Periods", Value: func(d dayView, w api.Words) any {
			names := make([]string, len(d.Periods))
			for i, k := range d.Periods {
				zh, en := PeriodKind(k).Title()
				names[i] = w.Pick(zh, en)
			}
			return strings.Join(names, w.Pick("、", ", "))
		}},
	}
}
