package sheet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits bound what is read.
type Limits struct {
	Bytes    int64 // of the file
	Unfolded int64 // of what a workbook unfolds to
	Rows     int
	Columns  int
	Cell     int // bytes of one cell
	Text     int // bytes of all cells
}

// Usual are the limits for files that people upload.
func Usual() Limits {
	return Limits{Bytes: 50 << 20, Unfolded: 1 << 30, Rows: 1_000_000, Columns: 256, Cell: 32 << 10, Text: 512 << 20}
}

// Refusal says why a file is not read. Code is stable, Says is for people.
type Refusal struct{ Code, Says string }

// Error implements error.
func (r *Refusal) Error() string { return r.Says }

func refuse(code, format string, args ...any) error {
	return &Refusal{Code: code, Says: fmt.Sprintf(format, args...)}
}

// Format is what a file is.
type Format struct {
	Kind     string // "xlsx" or "csv"
	Encoding string // of a CSV: "utf-8", "utf-16", "gb18030"
	Sheet    string // of a workbook
}

// errEnough ends a reading early without an error.
var errEnough = errors.New("enough")

// Enough is returned by a row function that has seen what it wanted.
func Enough() error { return errEnough }

// Read hands each row to f with its number, counted from 1 as the file's own program shows it. Rows
// without any text are left out. f must not keep cells; an error of f ends the reading, and [Enough]
// ends it well.
func Read(ctx context.Context, file []byte, l Limits, f func(line int, cells []string) error) (Format, error) {
	if int64(len(file)) > l.Bytes {
		return Format{}, refuse("too_large", "the file has %d bytes, at most %d are read", len(file), l.Bytes)
	}
	g := &guard{limits: l, f: f}
	format, err := read(ctx, file, l, g)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return format, err
}

func read(ctx context.Context, file []byte, l Limits, g *guard) (Format, error) {
	switch {
	case len(bytes.TrimSpace(file)) == 0:
		return Format{}, refuse("empty", "the file is empty")
	case bytes.HasPrefix(file, []byte("PK\x03\x04")):
		return readXLSX(ctx, file, l, g)
	case bytes.HasPrefix(file, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		return Format{}, refuse("old_or_locked", "this is an XLS file or a workbook with a password: save it as XLSX without a password")
	case bytes.HasPrefix(file, []byte("%PDF")):
		return Format{}, refuse("not_a_table", "this is a PDF: a workbook or CSV is needed")
	}
	return readCSV(ctx, file, l, g)
}

// guard bounds and tidies rows on their way.
type guard struct {
	limits Limits
	rows   int
	text   int
	f      func(line int, cells []string) error
}

func (g *guard) row(line int, cells []string) error {
	for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 0 {
		return nil
	}
	if g.rows++; g.rows > g.limits.Rows {
		return refuse("too_many_rows", "more than %d rows", g.limits.Rows)
	}
	if len(cells) > g.limits.Columns {
		return refuse("too_many_columns", "row %d has %d columns, at most %d are read", line, len(cells), g.limits.Columns)
	}
	for i, c := range cells {
		if len(c) > g.limits.Cell {
			return refuse("cell_too_large", "row %d, column %s holds more than %d bytes", line, Column(i), g.limits.Cell)
		}
		cells[i] = tidy(c)
		if g.text += len(cells[i]); g.text > g.limits.Text {
			return refuse("too_large", "the table holds more than %d bytes of text", g.limits.Text)
		}
	}
	return g.f(line, cells)
}

// tidy makes text that can be compared and stored: NFC, no control characters, blanks of all kinds as
// one, none at the ends.
func tidy(s string) string {
	if s == "" {
		return s
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = norm.NFC.String(s)
	return strings.Join(strings.FieldsFunc(s, blank), " ")
}

// blank reports characters that separate words: spaces of all kinds, control and invisible ones.
func blank(r rune) bool {
	switch {
	case r <= ' ', r >= 0x7f && r <= 0xa0, r == 0x3000, r >= 0x2000 && r <= 0x200f, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0x202f:
		return true
	}
	return false
}

// Column names a column as spreadsheets do: 0 is A.
func Column(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}
