package sheet

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/xuri/excelize/v2"
)

const (
	// mostParts bounds the files inside a workbook.
	mostParts = 2000
	// mostRatio bounds how much smaller a part may be than what it unfolds to; tables of zeros reach 200.
	mostRatio = 300
	// mostMerged bounds the merged ranges that are filled.
	mostMerged = 50_000
	// inMemory is up to where a sheet is unfolded in memory; beyond, in a temporary file.
	inMemory = 32 << 20
)

func readXLSX(ctx context.Context, file []byte, l Limits, g *guard) (format Format, err error) {
	format.Kind = "xlsx"
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return format, refuse("broken", "the workbook is damaged: its parts cannot be listed")
	}
	if err := notABomb(z, l); err != nil {
		return format, err
	}
	merged, err := mergedOf(z)
	if err != nil {
		return format, err
	}
	// A workbook of any content must not end the program.
	defer func() {
		if p := recover(); p != nil {
			err = refuse("broken", "the workbook is damaged")
		}
	}()
	book, err := excelize.OpenReader(bytes.NewReader(file), excelize.Options{
		UnzipSizeLimit: l.Unfolded, UnzipXMLSizeLimit: min(inMemory, l.Unfolded), RawCellValue: true,
	})
	if err != nil {
		return format, refuse("broken", "the workbook cannot be read: %v", err)
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	for _, name := range book.GetSheetList() {
		if visible, err := book.GetSheetVisible(name); err == nil && visible {
			format.Sheet = name
			break
		}
	}
	if format.Sheet == "" {
		return format, refuse("not_a_table", "the workbook has no visible sheet")
	}
	rows, err := book.Rows(format.Sheet)
	if err != nil {
		return format, refuse("broken", "the sheet %s cannot be read: %v", format.Sheet, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	fill := filler{ranges: merged[format.Sheet]}
	for line := 1; rows.Next(); line++ {
		if line%every == 0 && ctx.Err() != nil {
			return format, ctx.Err()
		}
		cells, err := rows.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return format, refuse("broken", "row %d cannot be read: %v", line, err)
		}
		if err := g.row(line, fill.row(line, cells, l.Columns)); err != nil {
			return format, err
		}
	}
	if err := rows.Error(); err != nil {
		return format, refuse("broken", "the sheet %s ends early: %v", format.Sheet, err)
	}
	return format, nil
}

// notABomb refuses a workbook that would unfold to more than is read, before it is unfolded. The sizes
// that the parts state are held to by the reader of the archive.
func notABomb(z *zip.Reader, l Limits) error {
	if len(z.File) > mostParts {
		return refuse("too_large", "the workbook has %d parts, at most %d are read", len(z.File), mostParts)
	}
	var whole uint64
	for _, f := range z.File {
		if f.UncompressedSize64 > 1<<20 && f.UncompressedSize64/max(f.CompressedSize64, 1) > mostRatio {
			return refuse("too_large", "a part of the workbook unfolds to more than %d times its size", mostRatio)
		}
		if whole += f.UncompressedSize64; whole > uint64(max(l.Unfolded, 0)) {
			return refuse("too_large", "the workbook unfolds to more than %d bytes", l.Unfolded)
		}
	}
	return nil
}

// span is a merged range, in rows counted from 1 and columns from 0.
type span struct{ top, left, bottom, right int }

// filler gives every cell of a merged range the value of its first cell. Its ranges are in order of
// their first row.
type filler struct {
	ranges []span
	open   []held
}

type held struct {
	span
	value string
}

func (f *filler) row(line int, cells []string, most int) []string {
	kept := f.open[:0]
	for _, h := range f.open {
		if h.bottom >= line {
			kept = append(kept, h)
		}
	}
	f.open = kept
	for len(f.ranges) > 0 && f.ranges[0].top <= line {
		s := f.ranges[0]
		f.ranges = f.ranges[1:]
		if s.top == line && s.left < len(cells) && cells[s.left] != "" {
			f.open = append(f.open, held{s, cells[s.left]})
		}
	}
	for _, h := range f.open {
		for len(cells) <= min(h.right, most) {
			cells = append(cells, "")
		}
		for c := h.left; c <= h.right && c < len(cells); c++ {
			cells[c] = h.value
		}
	}
	return cells
}

// mergedOf reads the merged ranges of each sheet, in order of their first row. They stand behind the
// rows in the file, so that they are looked up before.
func mergedOf(z *zip.Reader) (map[string][]span, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var rels struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &rels} {
		r, err := z.Open(name)
		if err != nil {
			return nil, nil // not laid out as usual: the reader of workbooks tells what is wrong
		}
		err = xml.NewDecoder(io.LimitReader(r, 8<<20)).Decode(into)
		if cerr := r.Close(); err != nil || cerr != nil {
			return nil, refuse("broken", "the workbook is damaged: %s cannot be read", name)
		}
	}
	target := map[string]string{}
	for _, r := range rels.List {
		target[r.ID] = r.Target
	}
	out := map[string][]span{}
	for _, s := range book.Sheets {
		name := target[s.ID]
		if !strings.HasPrefix(name, "/") {
			name = "/xl/" + name
		}
		spans, err := spansOf(z, strings.TrimPrefix(path.Clean(name), "/"))
		if err != nil {
			return nil, err
		}
		out[s.Name] = spans
	}
	return out, nil
}
