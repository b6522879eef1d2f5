package wrapper

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// cell is a part of a line, with where it stands in the text.
type cell struct {
	text       string
	start, end int
}

// line is one line of the text with its place.
type line struct {
	text  string
	start int
}

func linesOf(text string) []line {
	var out []line
	at := 0
	for l := range strings.Lines(text) {
		out = append(out, line{strings.TrimRight(l, "\r\n"), at})
		at += len(l)
	}
	return out
}

// splitter parts a line into cells.
type splitter func(l line) []cell

// The ways in which tables part their columns, the surest first.
var splitters = []splitter{byBars, byTabs, byGaps, byBlanks}

// between makes a splitter of a pattern that stands between cells.
func between(re *regexp.Regexp, needed bool) splitter {
	return func(l line) []cell {
		if needed && !re.MatchString(strings.TrimSpace(l.text)) {
			return nil
		}
		var out []cell
		from := 0
		add := func(to int) {
			part := l.text[from:to]
			left := len(part) - len(strings.TrimLeftFunc(part, unicode.IsSpace))
			trimmed := strings.TrimSpace(part)
			out = append(out, cell{trimmed, l.start + from + left, l.start + from + left + len(trimmed)})
		}
		for _, m := range re.FindAllStringIndex(l.text, -1) {
			add(m[0])
			from = m[1]
		}
		add(len(l.text))
		return out
	}
}

var (
	bars   = between(regexp.MustCompile(`[|│┃]`), true)
	byTabs = drop(between(regexp.MustCompile(`\t+`), true))
	byGaps = drop(between(regexp.MustCompile(`[ \t　]{2,}`), true))
	blanks = drop(between(regexp.MustCompile(`[ \t　]+`), false))
)

// byBars takes the frame of a table away, and keeps cells that are empty.
func byBars(l line) []cell {
	cells := bars(l)
	if n := len(cells); n > 0 && cells[n-1].text == "" {
		cells = cells[:n-1]
	}
	if len(cells) > 0 && cells[0].text == "" {
		cells = cells[1:]
	}
	return cells
}

func byBlanks(l line) []cell { return blanks(l) }

// drop leaves out what is empty at the ends of a line.
func drop(s splitter) splitter {
	return func(l line) []cell {
		var out []cell
		for _, c := range s(l) {
			if c.text != "" {
				out = append(out, c)
			}
		}
		return out
	}
}

// rule matches lines that only draw.
var ruleLine = regexp.MustCompile(`^[\s\-=+|│┃─━┼├┤┌┐└┘_*]*$`)

// row is a judged row of a table.
type row struct {
	name  string
	value cell
	known bool // the row has the column
}

// table finds the rows below a heading. found is false when there is no such heading.
func (c *compiled) table(text string) (rows []row, heading cell, found bool) {
	lines := linesOf(text)
	for at, l := range lines {
		if c.header != nil && !c.header.MatchString(l.text) {
			continue
		}
		for _, split := range splitters {
			head := split(l)
			column := find(head, c.Column)
			if column < 0 {
				continue
			}
			names := 0
			if c.Names != "" {
				if names = find(head, c.Names); names < 0 {
					continue
				}
			}
			rows = c.rowsBelow(lines[at+1:], split, len(head), column, names)
			if len(rows) == 0 {
				continue
			}
			return rows, head[column], true
		}
		if c.header != nil {
			return nil, cell{}, false // the heading that was named has no such column, or no rows
		}
	}
	return nil, cell{}, false
}

// find returns the place of a column by its heading, or by its number.
func find(head []cell, column string) int {
	column = strings.TrimSpace(column)
	if n, err := strconv.Atoi(column); err == nil && n >= 1 && n <= len(head) {
		return n - 1
	}
	for i, c := range head {
		if strings.EqualFold(c.text, column) {
			return i
		}
	}
	return -1
}

// rowsBelow reads rows until the table ends: at a blank line behind its first row.
func (c *compiled) rowsBelow(lines []line, split splitter, width, column, names int) []row {
	var out []row
	for _, l := range lines {
		if ruleLine.MatchString(l.text) {
			if strings.TrimSpace(l.text) == "" && len(out) > 0 {
				break
			}
			continue
		}
		cells := split(l)
		if len(cells) < 2 && width > 1 {
			if len(out) > 0 {
				break // "12 rows selected."
			}
			continue
		}
		if c.pattern != nil && !c.pattern.MatchString(l.text) {
			continue
		}
		r := row{}
		if names < len(cells) {
			r.name = cells[names].text
		}
		if column < len(cells) {
			r.value, r.known = cells[column], true
		} else {
			end := l.start + len(l.text)
			r.value = cell{start: l.start, end: end}
		}
		out = append(out, r)
	}
	return out
}

// figure matches the first number in a text.
var figure = regexp.MustCompile(`[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+]?\.\d+`)

// numberIn reads the first number of a text; thousands may be parted by commas.
func numberIn(s string) (float64, bool) {
	m := figure.FindString(s)
	if m == "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(m, ",", ""), 64)
	return v, err == nil
}
