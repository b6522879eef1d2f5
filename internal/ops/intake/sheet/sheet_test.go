package sheet_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"taxops/internal/ops/intake/sheet"
)

func read(t testing.TB, file []byte, l sheet.Limits) (lines []string, f sheet.Format, err error) {
	t.Helper()
	f, err = sheet.Read(context.Background(), file, l, func(line int, cells []string) error {
		lines = append(lines, fmt.Sprintf("%d:%s", line, strings.Join(cells, "|")))
		return nil
	})
	return lines, f, err
}

func book(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func set(t testing.TB, f *excelize.File, cell string, v any) {
	t.Helper()
	if err := f.SetCellValue("Sheet1", cell, v); err != nil {
		t.Fatal(err)
	}
}

func TestCSV(t *testing.T) {
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String("主机名,责任人\r\n税务01,张三\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ in, want, encoding string }{
		"UTF-8":             {"主机名,IP\nA,1\n", "1:主机名|IP 2:A|1", "utf-8"},
		"with a mark":       {"\xEF\xBB\xBF主机名,IP\n", "1:主机名|IP", "utf-8"},
		"GB18030":           {gbk, "1:主机名|责任人 2:税务01|张三", "gb18030"},
		"UTF-16":            {"\xFF\xFEA\x00\t\x00B\x00\n\x00", "1:A|B", "utf-16"},
		"tabs":              {"a\tb,c\td\n", "1:a|b,c|d", "utf-8"},
		"semicolons":        {"a;b;c\n1;2,5;3\n", "1:a|b|c 2:1|2,5|3", "utf-8"},
		"lines within":      {"a,\"b\nc\",d\n\n,,\ne\n", "1:a|b c|d 5:e", "utf-8"},
		"blanks and quotes": {"　a ,  b\u00a0c,\"say \"\"x\"\"\"\n", `1:a|b c|say "x"`, "utf-8"},
	} {
		got, f, err := read(t, []byte(c.in), sheet.Usual())
		if s := strings.Join(got, " "); err != nil || s != c.want || f.Encoding != c.encoding {
			t.Errorf("%s: %s (%s) %v, want %s (%s)", name, s, f.Encoding, err, c.want, c.encoding)
		}
	}
}

func TestXLSX(t *testing.T) {
	file := book(t, func(f *excelize.File) {
		if _, err := f.NewSheet("隐藏"); err != nil {
			t.Fatal(err)
		}
		set(t, f, "A1", "资产台账")
		set(t, f, "A2", "主机名")
		set(t, f, "B2", "网络")
		set(t, f, "B3", "IP地址")
		set(t, f, "C3", "VLAN")
		set(t, f, "A4", "税务01")
		set(t, f, "B4", "10.1.1.1")
		set(t, f, "C4", 12)
		set(t, f, "A6", "税务02")
		set(t, f, "C6", 46477)
		if err := f.SetCellFormula("Sheet1", "D4", "1+1"); err != nil {
			t.Fatal(err)
		}
		for _, r := range [][2]string{{"A1", "C1"}, {"A2", "A3"}, {"B2", "C2"}, {"B4", "B6"}} {
			if err := f.MergeCell("Sheet1", r[0], r[1]); err != nil {
				t.Fatal(err)
			}
		}
	})
	got, f, err := read(t, file, sheet.Usual())
	want := "1:资产台账|资产台账|资产台账 2:主机名|网络|网络 3:主机名|IP地址|VLAN 4:税务01|10.1.1.1|12 5:|10.1.1.1 6:税务02|10.1.1.1|46477"
	if s := strings.Join(got, " "); err != nil || s != want || f.Sheet != "Sheet1" || f.Kind != "xlsx" {
		t.Errorf("%+v %v\ngot  %s\nwant %s", f, err, s, want)
	}
}

func TestRefusals(t *testing.T) {
	bomb := func() []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create("xl/worksheets/sheet1.xml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, 64<<20)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	small := sheet.Limits{Bytes: 1 << 20, Unfolded: 1 << 20, Rows: 2, Columns: 3, Cell: 10, Text: 40}
	for name, c := range map[string]struct {
		in   []byte
		l    sheet.Limits
		code string
	}{
		"nothing":           {[]byte(" \n"), small, "empty"},
		"too many bytes":    {make([]byte, 2<<20), small, "too_large"},
		"too many rows":     {[]byte("a\nb\nc\n"), small, "too_many_rows"},
		"too many columns":  {[]byte("a,b,c,d\n"), small, "too_many_columns"},
		"a large cell":      {[]byte("aaaaaaaaaaaaaaaaaa,b\n"), small, "cell_too_large"},
		"XLS":               {[]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1xxxx"), small, "old_or_locked"},
		"PDF":               {[]byte("%PDF-1.7"), small, "not_a_table"},
		"a program":         {[]byte("\x7fELF\x00\x00\x00\x00"), small, "not_a_table"},
		"half a workbook":   {[]byte("PK\x03\x04 and then nothing"), small, "broken"},
		"a bomb":            {bomb(), sheet.Usual(), "too_large"},
		"unfolds to much":   {book(t, func(f *excelize.File) { set(t, f, "A1", strings.Repeat("x", 9)) }), sheet.Limits{Bytes: 1 << 20, Unfolded: 100, Rows: 2, Columns: 3, Cell: 10, Text: 40}, "too_large"},
		"another zip":       {zipped(t, "readme.txt"), sheet.Usual(), "broken"},
		"too much text all": {[]byte("aaaaaaaaaa,bbbbbbbbbb,cccccccccc\ndddddddddd,e\n"), small, "too_large"},
	} {
		_, _, err := read(t, c.in, c.l)
		var r *sheet.Refusal
		if !errors.As(err, &r) || r.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func zipped(t *testing.T, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.Create(name); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRoundTrip writes random tables both ways and reads them back.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"主机名", "IP地址", "10.1.1.1", "a,b", `say "x"`, "", "税务局", "x;y", "2027年3月", "𠮷"}
	for range 30 {
		rows := make([][]string, 1+r.IntN(20))
		for i := range rows {
			rows[i] = make([]string, 2+r.IntN(6))
			for j := range rows[i] {
				rows[i][j] = words[r.IntN(len(words))]
			}
			rows[i][0] = "first"
			rows[i][len(rows[i])-1] = "last"
		}
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes(text.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sheetFile := book(t, func(f *excelize.File) {
			for i, row := range rows {
				for j, v := range row {
					name, err := excelize.CoordinatesToCellName(j+1, i+1)
					if err != nil {
						t.Fatal(err)
					}
					set(t, f, name, v)
				}
			}
		})
		for name, file := range map[string][]byte{"UTF-8": text.Bytes(), "GB18030": gb, "XLSX": sheetFile} {
			var got [][]string
			if _, err := sheet.Read(t.Context(), file, sheet.Usual(), func(_ int, cells []string) error {
				got = append(got, append([]string{}, cells...))
				return nil
			}); err != nil {
				t.Fatal(name, err)
			}
			if fmt.Sprint(got) != fmt.Sprint(rows) {
				t.Fatalf("%s\ngot  %q\nwant %q", name, got, rows)
			}
		}
	}
}

func TestDay(t *testing.T) {
	for in, want := range map[string]string{
		"2027-03-31": "2027-03-31", "2027/3/1": "2027-03-01", "2027.3.31": "2027-03-31", "2027年3月31日": "2027-03-31", "20270331": "2027-03-31",
		"46477": "2027-03-31", "2027-03-31 00:00:00": "2027-03-31", "2027年2月": "2027-02-28", "2027-02-30": "", "明年": "", "1999": "", "": "",
	} {
		if got, ok := sheet.Day(in); got != want && (ok || want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
}

func TestColumn(t *testing.T) {
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 255: "IV"} {
		if got := sheet.Column(i); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
}

// FuzzRead reads anything: rows or a refusal, within the limits, and never a panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte("主机名,IP\nA,10.1.1.1\n"))
	f.Add([]byte("\xFF\xFEA\x00"))
	f.Add(book(f, func(x *excelize.File) { set(f, x, "A1", "主机名") }))
	f.Add([]byte("PK\x03\x04"))
	l := sheet.Limits{Bytes: 1 << 20, Unfolded: 4 << 20, Rows: 1000, Columns: 64, Cell: 4096, Text: 1 << 20}
	f.Fuzz(func(t *testing.T, file []byte) {
		last := 0
		_, err := sheet.Read(t.Context(), file, l, func(line int, cells []string) error {
			if line <= last || len(cells) == 0 || len(cells) > l.Columns {
				t.Errorf("row %d after %d with %d cells", line, last, len(cells))
			}
			last = line
			return nil
		})
		var r *sheet.Refusal
		if err != nil && !errors.As(err, &r) {
			t.Errorf("%v is no refusal", err)
		}
	})
}
