package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// ExportLimit is the most rows that one file holds. A list that is longer has to be narrowed first: a
// file that was cut would be taken for the whole.
const ExportLimit = 100_000

// CodeExportTooLong says that more rows match than one file may hold.
const CodeExportTooLong problem.Code = "export_too_long"

// exportsAtOnce bounds the files that are written at a time, for all people together.
const exportsAtOnce = 4

// ExportParams are the query parameters of every export, beside the filters of its list.
type ExportParams struct {
	Format string `query:"format" enum:"csv,xlsx" default:"csv" doc:"CSV in UTF-8 with a byte order mark, or an Excel workbook"`
	Lang   string `query:"lang" enum:"zh-CN,en" default:"zh-CN" doc:"Language of headings and words"`
	Sort   string `query:"sort" maxLength:"60" doc:"As in the list"`
}

// Words picks the half of a bilingual text that the reader of the file asked for.
type Words struct {
	English bool
	places  Titles
}

// Pick returns en for an English reader and zh otherwise, the other one when one is missing.
func (w Words) Pick(zh, en string) string {
	if w.English && en != "" || zh == "" {
		return en
	}
	return zh
}

// Place names an area by its path or a system by its id.
func (w Words) Place(key string) string { return w.places.Of(w, key) }

// Titles are words of machines in both languages: Chinese, then English.
type Titles map[string][2]string

// Of names a machine's word; one without a title stays as it is.
func (t Titles) Of(w Words, word string) string {
	if names, ok := t[word]; ok {
		return w.Pick(names[0], names[1])
	}
	return word
}

// ExportColumn is one column of an exported list.
type ExportColumn[T any] struct {
	TitleZH, TitleEN string
	// Value returns a string, an integer, a float64, a bool, a time.Time, a *time.Time or nil for an
	// empty cell.
	Value func(row T, w Words) any
}

// ListExport is a list as a file.
type ListExport[I, T any] struct {
	List    string // what was taken away, as the journal names it: "inspect.findings"
	Columns []ExportColumn[T]
	// Ask takes from the input how the file shall be and what the list is narrowed by.
	Ask func(in *I) (ExportParams, map[string]string)
	// Page reads one page within the caller's scope, as the list itself does.
	Page func(ctx context.Context, q store.ListQuery) (store.Page[T], error)
}

// Exported is what the journal keeps of an export.
type Exported struct {
	List, Format string
	Rows         int               // that matched when the file was begun; it holds no more
	Filters      map[string]string // of the list; without the text that was searched for
	Text         string            // that was searched for, "" for none
}

// RegisterExport adds the operation that hands out a list as a file. The export is recorded before its
// first row leaves: nobody takes away what they could then deny having taken. A file that cannot be
// finished is broken off, so that no half of one passes for a whole.
func RegisterExport[I, T any](r *Router, op Operation, e ListExport[I, T]) {
	op.Method = http.MethodGet
	op.Codes = append(op.Codes, problem.Invalid, CodeExportTooLong, problem.RateLimited)
	op.Doc += fmt.Sprintf(" Up to %d rows; what is longer is refused. Recorded with filters and count.", ExportLimit)
	Register(r, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		params, filters := e.Ask(in)
		select {
		case r.exports <- struct{}{}:
		default:
			busy := problem.New(problem.RateLimited, "%d exports are being written: try again in a moment", exportsAtOnce)
			busy.RetryAfter = 5
			return nil, busy
		}
		begun := false
		defer func() {
			if !begun {
				<-r.exports
			}
		}()
		first, err := e.Page(ctx, store.ListQuery{Filters: filters, Sort: params.Sort, Limit: store.MaxLimit, CountTo: ExportLimit})
		if err != nil {
			return nil, err
		}
		if first.TotalCapped {
			return nil, problem.New(CodeExportTooLong, "more than %d rows match: narrow the list by its filters", ExportLimit)
		}
		words := Words{English: params.Lang == "en"}
		if r.places != nil {
			if words.places, err = r.places(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.recordExport(ctx, e.List, params.Format, first.Total, filters); err != nil {
			return nil, err
		}
		begun = true
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer func() { <-r.exports }()
			err := e.write(ctx, hc, words, params, filters, first)
			if err != nil {
				r.log.WarnContext(ctx, "export broke off", "list", e.List, "request_id", RequestID(ctx), "error", err)
				panic(http.ErrAbortHandler) // the reader must not take half a file for a whole one
			}
		}}, nil
	})
}

func (r *Router) recordExport(ctx context.Context, list, format string, rows int, filters map[string]string) error {
	if r.exported == nil {
		return fmt.Errorf("export of %s: nobody records it", list)
	}
	x := Exported{List: list, Format: format, Rows: rows, Filters: map[string]string{}}
	for name, v := range filters {
		switch {
		case v == "":
		case name == "q":
			x.Text = v
		default:
			x.Filters[name] = v
		}
	}
	if err := r.exported(ctx, x); err != nil {
		return fmt.Errorf("record the export of %s: %w", list, err)
	}
	return nil
}

// write sends the first page, which is there already, and those after it.
func (e *ListExport[I, T]) write(ctx context.Context, hc huma.Context, words Words, p ExportParams, filters map[string]string, page store.Page[T]) (err error) {
	out := PatientWriter(hc.BodyWriter(), clock.System{})
	name := e.List + "." + p.Format
	hc.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
	sheet := newSheet(p.Format, out, hc.SetHeader)
	defer func() { err = errors.Join(err, sheet.close()) }()
	heads := make([]any, len(e.Columns))
	for i, c := range e.Columns {
		heads[i] = words.Pick(c.TitleZH, c.TitleEN)
	}
	if err := sheet.head(heads); err != nil {
		return err
	}
	left := page.Total
	for {
		for _, row := range page.Items[:min(left, len(page.Items))] {
			cells := make([]any, len(e.Columns))
			for i, c := range e.Columns {
				cells[i] = plain(c.Value(row, words))
			}
			if err := sheet.row(cells); err != nil {
				return err
			}
		}
		if left -= len(page.Items); left <= 0 || page.NextCursor == "" {
			return sheet.end()
		}
		out.extend() // a workbook is sent when it is whole: until then nothing else tells that work goes on
		page, err = e.Page(ctx, store.ListQuery{
			Filters: filters, Sort: p.Sort, Limit: store.MaxLimit, Cursor: page.NextCursor, CountTo: -1,
		})
		if err != nil {
			return err
		}
	}
}

// plain brings a cell to what the formats know: nil, string, bool, int64, float64, or a time in Shanghai.
func plain(v any) any {
	switch v := v.(type) {
	case *time.Time:
		if v == nil {
			return nil
		}
		return v.In(clock.Shanghai())
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.In(clock.Shanghai())
	case int:
		return int64(v)
	case string:
		if v == "" {
			return nil
		}
		return v
	}
	return v
}

// Patient is a writer whose reader may take as long as it keeps reading: the server's own limit is for
// answers that are short.
type Patient struct {
	io.Writer
	control *http.ResponseController
	clock   clock.Clock
}

// patience is how long one piece may take to be read, and how long the next one may take to be made.
const patience = time.Minute

// PatientWriter makes a writer patient when it belongs to an answer.
func PatientWriter(w io.Writer, c clock.Clock) Patient {
	p := Patient{Writer: w, clock: c}
	if rw, ok := w.(http.ResponseWriter); ok {
		p.control = http.NewResponseController(rw)
	}
	return p
}

// Write implements io.Writer.
func (p Patient) Write(b []byte) (int, error) {
	p.extend()
	return p.Writer.Write(b)
}

// extend gives the next piece its time. A connection that cannot be told (HTTP in tests) has no limit.
func (p Patient) extend() {
	if p.control != nil {
		_ = p.control.SetWriteDeadline(p.clock.Now().Add(patience))
	}
}
