package intake

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"taxops/internal/ops/intake/sheet"
)

const (
	// mostRows bounds one list of assets: each row is an asset with a row of the journal in one transaction.
	mostRows = 20_000
	// headWithin is how far down the header is looked for, headHigh of how many rows it may be made.
	headWithin, headHigh = 30, 3
)

// Table is a list as read: its header, and the rows below with their lines in the file.
type Table struct {
	Sheet    string   `json:"sheet"`
	Encoding string   `json:"encoding"`
	Line     int      `json:"line"` // last line of the header
	Header   []string `json:"header"`
	Rows     []Line   `json:"rows"`
}

// Line is one row of a table.
type Line struct {
	N     int      `json:"n"`
	Cells []string `json:"c"`
}

// cell returns a cell, "" beyond the end of the row.
func (l Line) cell(i int) string {
	if i < 0 || i >= len(l.Cells) {
		return ""
	}
	return l.Cells[i]
}

// parse reads a file as a list of assets.
func parse(ctx context.Context, file []byte) (Table, error) {
	var lines []Line
	format, err := sheet.Read(ctx, file, sheet.Usual(), func(n int, cells []string) error {
		if len(lines) >= mostRows+headWithin {
			return &sheet.Refusal{Code: "too_many_rows", Says: fmt.Sprintf("a list of assets has at most %d rows: divide it", mostRows)}
		}
		lines = append(lines, Line{N: n, Cells: slices.Clone(cells)})
		return nil
	})
	if err != nil {
		return Table{}, err
	}
	at, high := header(lines)
	if high == 0 {
		return Table{}, &sheet.Refusal{Code: "no_header", Says: "no row names at least two known columns, such as 主机名 and IP地址"}
	}
	t := Table{Sheet: format.Sheet, Encoding: format.Encoding, Line: lines[at+high-1].N, Header: joined(lines[at : at+high])}
	for _, l := range lines[at+high:] {
		// Titles that are repeated on each page of a print are no rows.
		if !slices.Equal(l.Cells, lines[at+high-1].Cells) {
			t.Rows = append(t.Rows, l)
		}
	}
	if len(t.Rows) == 0 {
		return Table{}, &sheet.Refusal{Code: "no_rows", Says: "there is nothing below the header"}
	}
	return t, nil
}

// header finds the rows that name the columns: those that name the most known ones, the fewest rows of them.
func header(lines []Line) (at, high int) {
	best := 1
	for h := 1; h <= headHigh; h++ {
		for i := 0; i < headWithin && i+h <= len(lines); i++ {
			if h > 1 && slices.ContainsFunc(lines[i:i+h], dataLike) {
				continue
			}
			if n := score(joined(lines[i : i+h])); n > best {
				best, at, high = n, i, h
			}
		}
	}
	return at, high
}

// score counts the known columns, those by the very word double.
func score(header []string) int {
	n := 0
	seen := map[string]bool{}
	for _, h := range header {
		if f, sure := fieldOf(h); sure > 0 && !seen[f] {
			seen[f] = true
			n += sure
		}
	}
	return n
}

var address = regexp.MustCompile(`^\d{1,3}(\.\d{1,3}){3}`)

// dataLike reports a row that holds what no header holds.
func dataLike(l Line) bool {
	return slices.ContainsFunc(l.Cells, address.MatchString)
}

// joined makes one header of several rows: the lowest text that a column has, with the group above it
// when the text alone is not known.
func joined(lines []Line) []string {
	width := 0
	for _, l := range lines {
		width = max(width, len(l.Cells))
	}
	out := make([]string, width)
	for c := range width {
		for _, l := range lines {
			text := l.cell(c)
			if text == "" || text == out[c] {
				continue
			}
			if _, sure := fieldOf(text); out[c] != "" && sure < 2 {
				text = out[c] + " " + text
			}
			out[c] = text
		}
	}
	// A title over the whole table is no name of a column.
	if width > 2 && len(lines) > 1 && !slices.ContainsFunc(out, func(s string) bool { return s != out[0] }) {
		return make([]string, width)
	}
	for len(out) > 0 && strings.TrimSpace(out[len(out)-1]) == "" {
		out = out[:len(out)-1]
	}
	return out
}
