package charset_test

import (
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"taxops/internal/ops/inspect/charset"
)

func gb(t *testing.T, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode(t *testing.T) {
	t.Parallel()
	text := "表空间 使用率 97%\n"
	tests := []struct {
		name, as string
		in       []byte
		want     string
		used     string
	}{
		{"ascii", "", []byte("OK - 5% used"), "OK - 5% used", charset.UTF8},
		{"utf-8", "", []byte(text), text, charset.UTF8},
		{"with a mark", "", []byte("\xef\xbb\xbf" + text), text, charset.UTF8},
		{"cut within a character", "", []byte(text + "正")[:len(text)+2], text, charset.UTF8},
		{"gb18030", "", gb(t, text), text, charset.GB18030},
		{"gb18030 cut within a character", "", gb(t, text+"正")[:len(gb(t, text))+1], text, charset.GB18030},
		{"utf-16", "", []byte("\xff\xfeO\x00K\x00"), "OK", charset.UTF16},
		{"one bad byte in utf-8", "", []byte(text + "\xff" + text), text + "\uFFFD" + text, charset.UTF8},
		{"told to be utf-8", charset.UTF8, []byte("a\xc4\xe3b"), "a\uFFFDb", charset.UTF8},
		{"told to be gb18030", charset.GB18030, []byte("\xc4\xe3"), "你", charset.GB18030},
		{"nothing", "", nil, "", charset.UTF8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, used := charset.Decode(tt.in, tt.as)
			if got != tt.want || used != tt.used {
				t.Errorf("%q in %s, want %q in %s", got, used, tt.want, tt.used)
			}
		})
	}
	if charset.Check("latin1") == nil || charset.Check("auto") != nil {
		t.Error("names")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\xc4\xe3\xba\xc3"), "auto")
	f.Add([]byte("\xff\xfe\x00"), "")
	f.Fuzz(func(t *testing.T, in []byte, as string) {
		if s, _ := charset.Decode(in, as); !utf8.ValidString(s) {
			t.Errorf("%q is not text", s)
		}
	})
}
