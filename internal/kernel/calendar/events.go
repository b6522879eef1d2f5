package calendar

import "taxops/internal/kernel/journal"

// Rows that this package writes.
const (
	TypeListImported  = "calendar.list.imported"
	TypePeriodAdded   = "calendar.period.added"
	TypePeriodRemoved = "calendar.period.removed"
)

// Kinds of the subjects of these rows.
const (
	subjectList   = "calendar.list"
	subjectPeriod = "calendar.period"
)

// Types are the rows that this package writes.
func Types() []journal.Type {
	source := journal.Field{Name: "source", TitleZH: "依据文件", TitleEN: "Document"}
	version := journal.Field{Name: "version", TitleZH: "版本", TitleEN: "Version"}
	provisional := journal.Field{Name: "provisional", TitleZH: "暂定", TitleEN: "Provisional"}
	kind := journal.Field{Name: "kind", TitleZH: "类别", TitleEN: "Kind"}
	name := journal.Field{Name: "name", TitleZH: "名称", TitleEN: "Name"}
	from := journal.Field{Name: "from", TitleZH: "起", TitleEN: "From"}
	to := journal.Field{Name: "to", TitleZH: "止", TitleEN: "To"}
	return []journal.Type{
		{Name: TypeListImported, TitleZH: "放假安排已导入", TitleEN: "List of holidays imported", Fields: []journal.Field{
			{Name: "layer", TitleZH: "层级", TitleEN: "Layer"}, {Name: "year", TitleZH: "年份", TitleEN: "Year"},
			{Name: "days", TitleZH: "天数", TitleEN: "Days"}, source, version, provisional,
			{Name: "replaced_id", TitleZH: "替代的安排", TitleEN: "List replaced", Optional: true},
		}},
		{Name: TypePeriodAdded, TitleZH: "保障期已添加", TitleEN: "Period added", Fields: []journal.Field{
			kind, name, from, to, source, version, provisional,
		}},
		{Name: TypePeriodRemoved, TitleZH: "保障期已移除", TitleEN: "Period removed", Fields: []journal.Field{
			kind, name, from, to, {Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
	}
}
