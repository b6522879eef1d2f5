package journal

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
)

// bytes writes the record as RFC 8785 says. It gives what [canonical] gives (a test compares them) in a
// tenth of the time, and every writer pays for it inside a transaction.
func (r *record) bytes() ([]byte, error) {
	b := make([]byte, 0, 512)
	// The members in the order of their names.
	b = append(b, `{"actor":`...)
	b = r.Actor.append(b)
	if r.AreaPath != "" {
		b = appendString(append(b, `,"area_path":`...), r.AreaPath)
	}
	b = appendString(append(b, `,"at":`...), r.At)
	var err error
	if len(r.Fields) > 0 {
		b = append(b, `,"fields":`...)
		if b, err = appendValue(b, r.Fields); err != nil {
			return nil, err
		}
	}
	b = appendString(append(b, `,"id":`...), r.ID)
	if len(r.Private) > 0 {
		b = append(b, `,"private":{`...)
		for i, name := range sortedNames(r.Private) {
			b = appendName(b, i, name)
			b = appendString(b, r.Private[name])
		}
		b = append(b, '}')
	}
	if r.Request != "" {
		b = appendString(append(b, `,"request_id":`...), r.Request)
	}
	if r.Subject != nil {
		b = r.Subject.append(append(b, `,"subject":`...))
	}
	if r.SystemID != "" {
		b = appendString(append(b, `,"system_id":`...), r.SystemID)
	}
	b = appendString(append(b, `,"type":`...), r.Type)
	b = strconv.AppendInt(append(b, `,"v":`...), int64(r.Version), 10)
	return append(b, '}'), nil
}

func (r recordRef) append(b []byte) []byte {
	b = appendString(append(b, `{"id":`...), r.ID)
	b = appendString(append(b, `,"kind":`...), r.Kind)
	return append(b, '}')
}

// appendValue writes what plain returns.
func appendValue(b []byte, v any) ([]byte, error) {
	var err error
	switch x := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, x), nil
	case string:
		return appendString(b, x), nil
	case int64:
		return strconv.AppendInt(b, x, 10), nil
	case float64:
		s, err := jcs.NumberToJSON(x)
		if err != nil {
			return nil, fmt.Errorf("number: %w", err)
		}
		return append(b, s...), nil
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		for i, name := range sortedNames(x) {
			b = appendName(b, i, name)
			if b, err = appendValue(b, x[name]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	return nil, fmt.Errorf("a record does not hold %T", v)
}

func appendName(b []byte, i int, name string) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return append(appendString(b, name), ':')
}

// sortedNames sorts by UTF-16 code units, which differs from the order of the bytes beyond the basic
// plane.
func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	ascii := true
	for n := range m {
		names = append(names, n)
		for i := range len(n) {
			ascii = ascii && n[i] < utf8.RuneSelf
		}
	}
	if ascii {
		slices.Sort(names)
	} else {
		slices.SortFunc(names, func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) })
	}
	return names
}

const hexDigits = "0123456789abcdef"

// appendString escapes only what must be escaped; bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\f':
			b = append(b, `\f`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
