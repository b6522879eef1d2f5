package api

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// sheet is a file of rows that is written as it grows.
type sheet interface {
	head(titles []any) error
	row(cells []any) error
	end() error   // after the last row
	close() error // in any case
}

func newSheet(format string, w io.Writer, setHeader func(name, value string)) sheet {
	if format == "xlsx" {
		setHeader("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
		return &workbook{out: w}
	}
	setHeader("Content-Type", "text/csv; charset=utf-8")
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &commaSheet{out: w, csv: c}
}

// commaSheet is CSV as Excel and WPS read it: with a byte order mark, without which Chinese is read in
// the system's old encoding.
type commaSheet struct {
	out io.Writer
	csv *csv.Writer
}

func (s *commaSheet) head(titles []any) error {
	if _, err := io.WriteString(s.out, "\uFEFF"); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return s.row(titles)
}

func (s *commaSheet) row(cells []any) error {
	record := make([]string, len(cells))
	for i, c := range cells {
		record[i] = cellText(c)
	}
	if err := s.csv.Write(record); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func (s *commaSheet) end() error {
	s.csv.Flush()
	if err := s.csv.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func (s *commaSheet) close() error { return nil }

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return harmless(v)
	case time.Time:
		return v.Format(time.DateTime)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// harmless keeps a spreadsheet from running a text as a formula: one that begins as a formula does, in
// the ordinary or in the wide form that Chinese input makes, is told to be text by the apostrophe that
// people type for this. Blanks before it do not hide it.
func harmless(text string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, " \u00a0\u3000"))
	if text != "" && strings.ContainsRune("=+-@＝＋－＠\t\r\n", first) {
		return "'" + text
	}
	return text
}

// workbook is an Excel file of one sheet. Its cells are typed: a text never is a formula there. The rows
// wait in a temporary file, since the archive can only be written when all are known.
type workbook struct {
	out    io.Writer
	file   *excelize.File
	stream *excelize.StreamWriter
	time   int
	rows   int
}

const workbookSheet = "Sheet1"

func (s *workbook) head(titles []any) error {
	s.file = excelize.NewFile()
	var err error
	if s.stream, err = s.file.NewStreamWriter(workbookSheet); err != nil {
		return fmt.Errorf("begin workbook: %w", err)
	}
	format := "yyyy-mm-dd hh:mm:ss"
	if s.time, err = s.file.NewStyle(&excelize.Style{CustomNumFmt: &format}); err != nil {
		return fmt.Errorf("begin workbook: %w", err)
	}
	bold, err := s.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return fmt.Errorf("begin workbook: %w", err)
	}
	if err := s.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("begin workbook: %w", err)
	}
	if err := s.stream.SetColWidth(1, len(titles), 20); err != nil {
		return fmt.Errorf("begin workbook: %w", err)
	}
	cells := make([]any, len(titles))
	for i, t := range titles {
		cells[i] = excelize.Cell{StyleID: bold, Value: t}
	}
	return s.put(cells)
}

func (s *workbook) row(cells []any) error {
	for i, c := range cells {
		if t, ok := c.(time.Time); ok {
			// A workbook knows no zones: what is shown is what was on the clock in Shanghai.
			cells[i] = excelize.Cell{StyleID: s.time, Value: t}
		}
	}
	return s.put(cells)
}

func (s *workbook) put(cells []any) error {
	s.rows++
	if err := s.stream.SetRow("A"+strconv.Itoa(s.rows), cells); err != nil {
		return fmt.Errorf("write row %d of the workbook: %w", s.rows, err)
	}
	return nil
}

func (s *workbook) end() error {
	if err := s.stream.Flush(); err != nil {
		return fmt.Errorf("finish workbook: %w", err)
	}
	if _, err := s.file.WriteTo(s.out); err != nil {
		return fmt.Errorf("send workbook: %w", err)
	}
	return nil
}

// close drops what waits in temporary files.
func (s *workbook) close() error {
	if s.file == nil {
		return nil
	}
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("close workbook: %w", err)
	}
	return nil
}
