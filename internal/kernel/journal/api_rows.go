package journal

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/store"
)

// views reads a page of rows as the API shows them.
func (j *Journal) views(ctx context.Context, q store.ListQuery) (store.Page[JournalRow], error) {
	page, err := j.List(ctx, api.ScopeFrom(ctx), q)
	if err != nil {
		return store.Page[JournalRow]{}, err
	}
	called, err := j.callNames(ctx, page.Items...)
	if err != nil {
		return store.Page[JournalRow]{}, err
	}
	return store.MapPage(page, func(row Row) JournalRow { return j.view(row, called) }), nil
}

// accountIDs yields the ids in a row's subject and fields that may be those of accounts. The journal
// does not know what modules put into their fields: whatever has the form of an id is asked for, and
// ids of other things are not found.
func accountIDs(r Row) iter.Seq[string] {
	return func(yield func(string) bool) {
		if r.Subject.Kind == subjectPerson && !yield(r.Subject.ID) {
			return
		}
		eachText(r.Fields, func(text string) bool {
			if len(text) != 36 {
				return true
			}
			if _, err := uuid.Parse(text); err != nil {
				return true
			}
			return yield(text)
		})
	}
}

// eachText hands out the texts within a value until yield has enough.
func eachText(v any, yield func(string) bool) bool {
	switch v := v.(type) {
	case string:
		return yield(v)
	case []any:
		for _, inner := range v {
			if !eachText(inner, yield) {
				return false
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !eachText(v[name], yield) {
				return false
			}
		}
	}
	return true
}

// RecordExport records that a list was taken away as a file.
func (j *Journal) RecordExport(ctx context.Context, x api.Exported) error {
	fields := map[string]any{"list": x.List, "format": x.Format, "rows": x.Rows, "filters": map[string]any{}}
	for name, v := range x.Filters {
		fields["filters"].(map[string]any)[name] = v
	}
	if x.Text != "" {
		fields["text"] = x.Text
	}
	return j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := j.Append(ctx, tx, Entry{Type: typeList, Fields: fields})
		return err
	})
}

type rowsExportInput struct {
	api.ExportParams
	RowFilters
}

func (j *Journal) exportRoutes(r *api.Router) {
	api.RegisterExport(r, api.Operation{
		ID: "journal.rows.export", Path: "/journal/rows/export", Permission: permRead,
		Summary: "Rows as a file", Doc: "To read, not to verify: for that there is the export of the whole journal. Private values are masked.",
	}, api.ListExport[rowsExportInput, JournalRow]{
		List: "journal.rows", Page: j.views, Columns: j.rowColumns(),
		Ask: func(in *rowsExportInput) (api.ExportParams, map[string]string) { return in.ExportParams, in.filters() },
	})
	j.partExportRoutes(r)
}

func (j *Journal) rowColumns() []api.ExportColumn[JournalRow] {
	return []api.ExportColumn[JournalRow]{
		{TitleZH: "序号", TitleEN: "Row", Value: func(r JournalRow, _ api.Words) any { return r.Seq }},
		{TitleZH: "时间", TitleEN: "Time", Value: func(r JournalRow, _ api.Words) any { return r.At }},
		{TitleZH: "事件", TitleEN: "Event", Value: func(r JournalRow, w api.Words) any { return w.Pick(r.TitleZH, r.TitleEN) }},
		{TitleZH: "事件代码", TitleEN: "Event code", Value: func(r JournalRow, _ api.Words) any { return r.Type }},
		{TitleZH: "操作人", TitleEN: "By", Value: func(r JournalRow, w api.Words) any {
			if r.Actor.Kind != AccountActor {
				return w.Pick("系统", "System")
			}
			return r.Actor.DisplayName
		}},
		{TitleZH: "对象类别", TitleEN: "Subject kind", Value: func(r JournalRow, _ api.Words) any { return r.Subject.Kind }},
		{TitleZH: "对象", TitleEN: "Subject", Value: func(r JournalRow, _ api.Words) any {
			return cmp.Or(r.Names[r.Subject.ID], r.Subject.ID)
		}},
		{TitleZH: "内容", TitleEN: "Content", Value: func(r JournalRow, w api.Words) any { return j.inWords(r, w) }},
		{TitleZH: "请求编号", TitleEN: "Request", Value: func(r JournalRow, _ api.Words) any { return r.RequestID }},
		{TitleZH: "摘要", TitleEN: "Hash", Value: func(r JournalRow, _ api.Words) any { return r.Hash }},
	}
}

// inWords writes the fields of a row in one line, in the order in which its type declares them.
func (j *Journal) inWords(r JournalRow, w api.Words) string {
	t, _ := j.typeOf(r.Type)
	rank := func(name string) int {
		if i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name }); i >= 0 {
			return i
		}
		return len(t.Fields)
	}
	names := slices.Collect(maps.Keys(r.Fields))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	var parts []string
	for _, name := range names {
		text := valueText(r.Fields[name], r.Names)
		if text == "" {
			continue
		}
		title := name
		if f, ok := t.field(name); ok {
			title = w.Pick(f.TitleZH, f.TitleEN)
		}
		parts = append(parts, title+" "+text)
	}
	return strings.Join(parts, " · ")
}

// valueText writes a value in one line: accounts by their names, times as the clock in Shanghai shows them.
func valueText(v any, names map[string]string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if n := names[v]; n != "" {
			return n
		}
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.In(clock.Shanghai()).Format(time.DateTime)
		}
		return v
	case []any:
		parts := make([]string, 0, len(v))
		for _, inner := range v {
			parts = append(parts, valueText(inner, names))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			text := valueText(v[name], names)
			if pair, ok := v[name].([]any); ok && len(pair) == 2 { // what changed: before and after
				text = valueText(pair[0], names) + " → " + valueText(pair[1], names)
			}
			parts = append(parts, name+": "+text)
		}
		return strings.Join(parts, "; ")
	}
	return fmt.Sprint(v)
}
