package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// spansOf reads the merged ranges of one sheet: it looks for their list as bytes, since reading all the
// rows before it as XML would take as long as the rows themselves.
func spansOf(z *zip.Reader, part string) ([]span, error) {
	f, err := z.Open(part)
	if err != nil {
		return nil, nil
	}
	defer f.Close() //nolint:errcheck // read only
	r := bufio.NewReaderSize(f, 256<<10)
	if !seek(r, []byte("<mergeCells")) {
		return nil, nil
	}
	var out []span
	d := xml.NewDecoder(io.MultiReader(strings.NewReader("<mergeCells"), r))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return ordered(out), nil
		}
		if err != nil {
			return nil, refuse("broken", "the workbook is damaged: its merged cells cannot be read")
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local != "mergeCell" {
				continue
			}
			if len(out) >= mostMerged {
				return nil, refuse("too_large", "more than %d merged ranges", mostMerged)
			}
			for _, a := range t.Attr {
				if s, ok := parseSpan(a.Value); a.Name.Local == "ref" && ok {
					out = append(out, s)
				}
			}
		case xml.EndElement:
			if t.Name.Local == "mergeCells" {
				return ordered(out), nil
			}
		}
	}
}

func ordered(out []span) []span {
	slices.SortFunc(out, func(a, b span) int { return cmp.Or(cmp.Compare(a.top, b.top), cmp.Compare(a.left, b.left)) })
	return out
}

// seek reads on until a text was passed; false when it does not come.
func seek(r *bufio.Reader, text []byte) bool {
	for {
		window, err := r.Peek(r.Size())
		if i := bytes.Index(window, text); i >= 0 {
			_, err := r.Discard(i + len(text))
			return err == nil
		}
		if err != nil || len(window) < len(text) {
			return false
		}
		if _, err := r.Discard(len(window) - len(text) + 1); err != nil {
			return false
		}
	}
}

func parseSpan(ref string) (span, bool) {
	from, to, ok := strings.Cut(ref, ":")
	if !ok {
		return span{}, false
	}
	left, top, err1 := excelize.CellNameToCoordinates(from)
	right, bottom, err2 := excelize.CellNameToCoordinates(to)
	if err1 != nil || err2 != nil || right < left || bottom < top {
		return span{}, false
	}
	return span{top: top, left: left - 1, bottom: bottom, right: right - 1}, true
}
