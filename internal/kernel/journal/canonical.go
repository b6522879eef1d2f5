package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/gowebpki/jcs"

	"taxops/internal/kernel/store"
)

// The first byte of everything that is hashed says what it is, so that no node of a tree reads as a
// row, nor a row as a link (RFC 6962 §2.1 uses 0 and 1).
const (
	markLeaf   = 0
	markNode   = 1
	markLink   = 2
	markCommit = 3
	markRecord = 4
)

const (
	timeLayout  = "2006-01-02T15:04:05.000000Z07:00"
	maxSafe     = 1<<53 - 1 // beyond, readers of JSON lose digits
	maxDepth    = 8
	recordV     = 1
	maxRowBytes = 64 << 10
)

// record is the canonical form of a row: what is hashed.
type record struct {
	Version  int               `json:"v"`
	ID       string            `json:"id"`
	Type     string            `json:"type"`
	At       string            `json:"at"`
	Actor    recordRef         `json:"actor"`
	Subject  *recordRef        `json:"subject,omitempty"`
	AreaPath string            `json:"area_path,omitempty"`
	SystemID string            `json:"system_id,omitempty"`
	Request  string            `json:"request_id,omitempty"`
	Fields   map[string]any    `json:"fields,omitempty"`
	Private  map[string]string `json:"private,omitempty"` // commitments, hexadecimal
}

type recordRef struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// canonical writes a record as RFC 8785 says.
func canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write as JSON: %w", err)
	}
	out, err := jcs.Transform(b)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	return out, nil
}

// parseRecord reads canonical bytes back. Integers come back as int64, other numbers as float64.
func parseRecord(b []byte) (record, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	d.DisallowUnknownFields()
	var r record
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("read the record: %w", err)
	}
	if d.More() {
		return r, fmt.Errorf("read the record: something follows it")
	}
	if r.Version != recordV {
		return r, fmt.Errorf("read the record: version %d is not known", r.Version)
	}
	for k, v := range r.Fields {
		r.Fields[k] = fromJSON(v)
	}
	return r, nil
}

func (r *record) at() (time.Time, error) {
	t, err := time.Parse(timeLayout, r.At)
	if err != nil {
		return time.Time{}, fmt.Errorf("time of the record: %w", err)
	}
	return t.UTC(), nil
}

func fromJSON(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64() // canonical numbers are finite
		return f
	case []any:
		for i := range x {
			x[i] = fromJSON(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = fromJSON(x[k])
		}
	}
	return v
}

// plain turns a value into what a record may hold: times and large integers become strings.
func plain(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch x := v.(type) {
	case nil, string, bool:
		return x, nil
	case time.Time:
		return formatTime(x), nil
	case store.Time:
		return formatTime(x.Time), nil
	case json.Number:
		return fromNumber(x)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			p, err := plain(x[i], depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = p
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(x))
		for k := range x {
			p, err := plain(x[k], depth+1)
			if err != nil {
				return nil, err
			}
			out[k] = p
		}
		return out, nil
	}
	return plainReflect(v, depth)
}

func plainReflect(v any, depth int) (any, error) {
	if _, ok := v.(json.Marshaler); !ok {
		switch rv := reflect.ValueOf(v); rv.Kind() {
		case reflect.String:
			return rv.String(), nil
		case reflect.Bool:
			return rv.Bool(), nil
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			return safeInt(rv.Int()), nil
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			if u := rv.Uint(); u > maxSafe {
				return strconv.FormatUint(u, 10), nil
			}
			return int64(rv.Uint()), nil
		case reflect.Float32, reflect.Float64:
			f := rv.Float()
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, fmt.Errorf("%v is not a number that JSON knows", f)
			}
			return f, nil
		}
	}
	// Structs, typed slices and maps: what they are in JSON.
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write %T as JSON: %w", v, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("write %T as JSON: %w", v, err)
	}
	return plain(out, depth+1)
}

func fromNumber(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return safeInt(i), nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("number %s: %w", n, err)
	}
	if math.Trunc(f) == f && math.Abs(f) > maxSafe {
		return n.String(), nil
	}
	return f, nil
}

func safeInt(i int64) any {
	if i > maxSafe || i < -maxSafe {
		return strconv.FormatInt(i, 10)
	}
	return i
}

func formatTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Microsecond).Format(timeLayout)
}

// digest is the SM3 of a record's bytes.
func digest(b []byte) []byte { return sum(markRecord, b) }

// link is the hash of a row in the chain: it binds the record and all rows before it.
func link(prev, digest []byte) []byte { return sum(markLink, prev, digest) }

func sum(mark byte, parts ...[]byte) []byte {
	h := sm3.New()
	h.Write([]byte{mark})
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// genesis is what the first row follows.
func genesis() []byte { return make([]byte, sm3.Size) }

func hexOf(b []byte) string { return hex.EncodeToString(b) }
