package sheet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// every is how often a long reading looks whether it is still wanted.
const every = 1000

func readCSV(ctx context.Context, file []byte, l Limits, g *guard) (Format, error) {
	text, encoding, err := decoded(file)
	if err != nil {
		return Format{}, err
	}
	format := Format{Kind: "csv", Encoding: encoding}
	buffered := bufio.NewReaderSize(text, 64<<10)
	head, err := buffered.Peek(32 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return format, refuse("not_a_table", "the file cannot be read as text in %s", encoding)
	}
	if bytes.ContainsRune(head, 0) {
		return format, refuse("not_a_table", "this is no table of text: a workbook (XLSX) or CSV is needed")
	}
	r := csv.NewReader(buffered)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = separator(head), -1, true, true
	for n := 0; ; n++ {
		if n%every == 0 && ctx.Err() != nil {
			return format, ctx.Err()
		}
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return format, nil
		}
		if err != nil {
			var at *csv.ParseError
			if errors.As(err, &at) {
				return format, refuse("broken", "line %d cannot be read: %v", at.Line, at.Err)
			}
			return format, refuse("broken", "the file cannot be read as text in %s", encoding)
		}
		line, _ := r.FieldPos(0)
		if err := g.row(line, cells); err != nil {
			return format, err
		}
	}
}

// decoded finds out in which encoding the text is. Text that is no valid UTF-8 is taken for GB18030, in
// which almost every sequence of bytes means something.
func decoded(file []byte) (io.Reader, string, error) {
	switch {
	case bytes.HasPrefix(file, []byte("\xEF\xBB\xBF")):
		return bytes.NewReader(file[3:]), "utf-8", nil
	case bytes.HasPrefix(file, []byte("\xFF\xFE")), bytes.HasPrefix(file, []byte("\xFE\xFF")):
		d := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
		return transform.NewReader(bytes.NewReader(file), d), "utf-16", nil
	case utf8.Valid(file):
		return bytes.NewReader(file), "utf-8", nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
	if err != nil {
		return nil, "", refuse("unknown_encoding", "the text is neither UTF-8 nor GB18030: save it as CSV UTF-8")
	}
	if bad := bytes.Count(out, []byte("\uFFFD")); bad*50 > len(out) {
		return nil, "", refuse("unknown_encoding", "the text is neither UTF-8 nor GB18030: save it as CSV UTF-8")
	}
	return bytes.NewReader(out), "gb18030", nil
}

// separator is what parts the cells: of comma, tab and semicolon the one that most lines have, outside
// of quotes.
func separator(head []byte) rune {
	best, most := ',', 0
	for _, s := range []rune{',', '\t', ';'} {
		n := 0
		for i, line := range strings.SplitN(string(head), "\n", 20) {
			quoted, here := false, 0
			for _, c := range line {
				switch {
				case c == '"':
					quoted = !quoted
				case c == s && !quoted:
					here++
				}
			}
			if i < 19 {
				n += min(here, 100)
			}
		}
		if n > most {
			best, most = s, n
		}
	}
	return best
}
