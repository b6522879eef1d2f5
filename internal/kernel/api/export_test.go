package api_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type line struct {
	N    int
	Text string
	At   time.Time
}

type linesInput struct {
	api.ExportParams
	Kind string `query:"kind"`
	Q    string `query:"q"`
}

// shelf is a list of so many lines behind an export, and what was recorded of it.
type shelf struct {
	lines    int
	text     func(i int) string
	failAt   int // page that cannot be read, from 1
	pages    int
	queries  []store.ListQuery
	recorded []api.Exported
	refuse   error
	log      bytes.Buffer
}

func (s *shelf) page(_ context.Context, q store.ListQuery) (store.Page[line], error) {
	s.queries = append(s.queries, q)
	if s.pages++; s.pages == s.failAt {
		return store.Page[line]{}, errors.New("the disc is gone")
	}
	from, _ := strconv.Atoi(q.Cursor)
	p := store.Page[line]{Total: s.lines}
	if q.CountTo > 0 && s.lines > q.CountTo {
		p.Total, p.TotalCapped = q.CountTo, true
	}
	for i := from; i < min(from+q.Limit, s.lines); i++ {
		p.Items = append(p.Items, line{i, s.text(i), time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)})
	}
	if from+q.Limit < s.lines {
		p.NextCursor = strconv.Itoa(from + q.Limit)
	}
	return p, nil
}

// take asks for the file as ann, over a real connection.
func (s *shelf) take(t *testing.T, query string) (*http.Response, []byte, error) {
	t.Helper()
	r := api.NewRouter(api.Config{
		Version: "test", Guard: &guard{}, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Exported: func(_ context.Context, x api.Exported) error {
			s.recorded = append(s.recorded, x)
			return s.refuse
		},
		Places: func(context.Context) (api.Titles, error) { return api.Titles{"/45/": {"广西区局", "Guangxi"}}, nil },
	})
	api.RegisterExport(r, api.Operation{ID: "line.export", Path: "/lines/export", Permission: "line.read", Summary: "Lines"},
		api.ListExport[linesInput, line]{
			List: "line.lines", Page: s.page,
			Ask: func(in *linesInput) (api.ExportParams, map[string]string) {
				return in.ExportParams, map[string]string{"kind": in.Kind, "q": in.Q}
			},
			Columns: []api.ExportColumn[line]{
				{TitleZH: "序号", TitleEN: "No", Value: func(l line, _ api.Words) any { return l.N }},
				{TitleZH: "文字", TitleEN: "Text", Value: func(l line, _ api.Words) any { return l.Text }},
				{TitleZH: "时间", TitleEN: "Time", Value: func(l line, _ api.Words) any { return l.At }},
				{TitleZH: "区域", TitleEN: "Area", Value: func(_ line, w api.Words) any { return w.Place("/45/") }},
				{TitleZH: "空", TitleEN: "Empty", Value: func(line, api.Words) any { return (*time.Time)(nil) }},
			},
		})
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(r.Mux())
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+api.Prefix+"/lines/export"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: "ann"})
	resp, err := http.DefaultClient.Do(req)
	if err != nil { // broken off before the first byte
		return nil, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

func numbered(i int) string { return "row " + strconv.Itoa(i) }

func TestExportIsTheWholeListInPages(t *testing.T) {
	t.Parallel()
	s := &shelf{lines: 450, text: numbered}
	resp, body, err := s.take(t, "?kind=a&q=Li+Ming&lang=en&sort=-n")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v %s", err, resp.Status, body)
	}
	if got := resp.Header.Get("Content-Disposition"); got != `attachment; filename="line.lines.csv"` {
		t.Errorf("disposition %s", got)
	}
	if !bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) || !bytes.Contains(body, []byte("\r\n")) {
		t.Error("no byte order mark, or lines end otherwise than spreadsheets expect")
	}
	rows, err := csv.NewReader(bytes.NewReader(body[3:])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 451 || strings.Join(rows[0], "|") != "No|Text|Time|Area|Empty" ||
		strings.Join(rows[450], "|") != "449|row 449|2026-11-24 09:02:03|Guangxi|" {
		t.Errorf("%d rows, %v … %v", len(rows), rows[0], rows[len(rows)-1])
	}
	if len(s.queries) != 3 || s.queries[0].CountTo != api.ExportLimit || s.queries[1].CountTo != -1 || s.queries[2].Sort != "-n" ||
		s.queries[2].Filters["kind"] != "a" || s.queries[2].Filters["q"] != "Li Ming" {
		t.Errorf("asked %+v", s.queries)
	}
	want := api.Exported{List: "line.lines", Format: "csv", Rows: 450, Filters: map[string]string{"kind": "a"}, Text: "Li Ming"}
	if len(s.recorded) != 1 || fmt.Sprint(s.recorded[0]) != fmt.Sprint(want) {
		t.Errorf("recorded %+v, want %+v", s.recorded, want)
	}
}

func TestExportRunsNothingInASpreadsheet(t *testing.T) {
	t.Parallel()
	cells := []string{
		"=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", " =1", "\u3000=1",
		"正常", "a=b", `say "hi", twice`, "two\nlines", "'quoted",
	}
	s := &shelf{lines: len(cells), text: func(i int) string { return cells[i] }}
	_, body, err := s.take(t, "")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(body[3:])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cells {
		want := c
		if i < 13 {
			want = "'" + c
		}
		want = strings.ReplaceAll(want, "\r", "") // the writer leaves out what would look like the end of a line
		if got := rows[i+1][1]; got != want {
			t.Errorf("%q is written %q, want %q", c, got, want)
		}
	}
}

func TestExportAsWorkbook(t *testing.T) {
	t.Parallel()
	s := &shelf{lines: 401, text: func(i int) string { return "=" + numbered(i) }}
	resp, body, err := s.take(t, "?format=xlsx")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %s", err, resp.Status)
	}
	f, err := excelize.OpenReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // in memory
	rows, err := f.GetRows("Sheet1")
	if err != nil || len(rows) != 402 || rows[0][1] != "文字" || rows[401][0] != "400" || rows[401][1] != "=row 400" ||
		rows[401][2] != "2026-11-24 09:02:03" || rows[401][3] != "广西区局" {
		t.Errorf("%v: %d rows, %v … %v", err, len(rows), rows[0], rows[len(rows)-1])
	}
	for cell, want := range map[string]excelize.CellType{"A2": excelize.CellTypeUnset, "B2": excelize.CellTypeInlineString, "C2": excelize.CellTypeUnset} {
		if got, err := f.GetCellType("Sheet1", cell); err != nil || got != want {
			t.Errorf("%s is of type %v, want %v (%v)", cell, got, want, err)
		}
		if formula, err := f.GetCellFormula("Sheet1", cell); err != nil || formula != "" {
			t.Errorf("%s is a formula %q (%v)", cell, formula, err)
		}
	}
}

func TestExportIsRefusedOrBrokenOff(t *testing.T) {
	t.Parallel()
	t.Run("too long", func(t *testing.T) {
		s := &shelf{lines: api.ExportLimit + 1, text: numbered}
		resp, body, err := s.take(t, "")
		if err != nil || resp.StatusCode != http.StatusUnprocessableEntity || !bytes.Contains(body, []byte(api.CodeExportTooLong)) || len(s.recorded) != 0 {
			t.Errorf("%v %s %s, recorded %v", err, resp.Status, body, s.recorded)
		}
	})
	t.Run("as long as it may be", func(t *testing.T) {
		s := &shelf{lines: api.ExportLimit, text: numbered}
		resp, body, err := s.take(t, "")
		if err != nil || resp.StatusCode != http.StatusOK || bytes.Count(body, []byte("\n")) != api.ExportLimit+1 {
			t.Errorf("%v %s, %d lines", err, resp.Status, bytes.Count(body, []byte("\n")))
		}
	})
	t.Run("not recorded", func(t *testing.T) {
		s := &shelf{lines: 3, text: numbered, refuse: errors.New("the journal is gone")}
		resp, body, err := s.take(t, "")
		if err != nil || resp.StatusCode != http.StatusInternalServerError || bytes.Contains(body, []byte("row 1")) {
			t.Errorf("%v %s %s", err, resp.Status, body)
		}
	})
	for _, format := range []string{"csv", "xlsx"} {
		t.Run("broken off "+format, func(t *testing.T) {
			s := &shelf{lines: 5000, text: numbered, failAt: 20}
			if _, body, err := s.take(t, "?format="+format); err == nil {
				t.Errorf("half a file of %d bytes passes for a whole one", len(body))
			}
			if !strings.Contains(s.log.String(), "the disc is gone") {
				t.Errorf("the log says nothing: %s", &s.log)
			}
		})
	}
	t.Run("unknown format", func(t *testing.T) {
		s := &shelf{lines: 3, text: numbered}
		resp, body, err := s.take(t, "?format=pdf")
		if err != nil || resp.StatusCode != http.StatusUnprocessableEntity || !bytes.Contains(body, []byte(problem.Invalid)) {
			t.Errorf("%v %s %s", err, resp.Status, body)
		}
	})
}

func TestExportsAreFewAtATime(t *testing.T) {
	t.Parallel()
	// A page that asks for the same export again, before it answers, until there is no place left.
	inner := &shelf{lines: 1, text: numbered}
	var r *api.Router
	var depth int
	statuses := []int{}
	ask := func(ctx context.Context) {
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, api.Prefix+"/lines/export", nil)
		req.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: "ann"})
		rec := httptest.NewRecorder()
		r.Mux().ServeHTTP(rec, req)
		statuses = append(statuses, rec.Code)
	}
	r = api.NewRouter(api.Config{
		Version: "test", Guard: &guard{}, Log: slog.New(slog.DiscardHandler),
		Exported: func(context.Context, api.Exported) error { return nil },
	})
	api.RegisterExport(r, api.Operation{ID: "line.export", Path: "/lines/export", Permission: "line.read", Summary: "Lines"},
		api.ListExport[linesInput, line]{
			List: "line.lines",
			Ask:  func(in *linesInput) (api.ExportParams, map[string]string) { return in.ExportParams, nil },
			Page: func(ctx context.Context, q store.ListQuery) (store.Page[line], error) {
				if depth++; depth < 6 {
					ask(ctx)
				}
				return inner.page(ctx, q)
			},
			Columns: []api.ExportColumn[line]{{TitleZH: "序号", TitleEN: "No", Value: func(l line, _ api.Words) any { return l.N }}},
		})
	ask(t.Context())
	if fmt.Sprint(statuses) != "[429 200 200 200 200]" {
		t.Errorf("answers %v: four may be written at a time", statuses)
	}
	depth = 100
	ask(t.Context())
	if statuses[len(statuses)-1] != http.StatusOK {
		t.Error("the places are not given back")
	}
}
