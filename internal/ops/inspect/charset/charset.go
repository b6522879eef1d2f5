// Package charset reads what foreign programs write: UTF-8, or the GB18030 (国标码) of older Chinese
// systems, told apart by looking.
package charset

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// Names of encodings.
const (
	Auto    = "auto"
	UTF8    = "utf-8"
	GB18030 = "gb18030"
	UTF16   = "utf-16"
)

// Names lists what may be asked for.
func Names() []string { return []string{Auto, UTF8, GB18030} }

// Check refuses a name that is none of them; "" is Auto.
func Check(name string) error {
	switch name {
	case "", Auto, UTF8, GB18030:
		return nil
	}
	return fmt.Errorf("encoding %q is none of auto, utf-8, gb18030", name)
}

// Decode returns text and the encoding that it was read in. Bytes that mean nothing become U+FFFD; a
// character that was cut off at the end is dropped.
func Decode(b []byte, name string) (text, used string) {
	switch name {
	case UTF8:
		return fromUTF8(b), UTF8
	case GB18030:
		return fromGB(b), GB18030
	}
	if len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff) {
		d := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		if out, err := d.Bytes(b[:len(b)&^1]); err == nil && utf8.Valid(out) {
			return string(out), UTF16
		}
	}
	whole := wholeUTF8(b)
	if utf8.Valid(whole) {
		return fromUTF8(b), UTF8
	}
	// Most texts in GB18030 are not valid UTF-8; text with a damaged byte is neither, and the reading
	// that loses less is the right one.
	gb, u8 := fromGB(b), fromUTF8(b)
	if broken(gb) < broken(u8) {
		return gb, GB18030
	}
	return u8, UTF8
}

func fromUTF8(b []byte) string {
	s := strings.TrimPrefix(string(wholeUTF8(b)), "\uFEFF")
	return strings.ToValidUTF8(s, "\uFFFD")
}

func fromGB(b []byte) string {
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	if err != nil {
		return fromUTF8(b)
	}
	// The decoder marks a character that was cut at the end as broken.
	if n := len(b); n > 0 && b[n-1] >= 0x80 {
		return strings.TrimSuffix(string(out), "\uFFFD")
	}
	return string(out)
}

// wholeUTF8 takes away a character that was cut off at the end.
func wholeUTF8(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		c := b[len(b)-i]
		if utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

func broken(s string) int { return strings.Count(s, "\uFFFD") }
