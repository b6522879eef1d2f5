package journal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/store"
)

// Field is one named value of a type.
type Field struct {
	Name             string
	TitleZH, TitleEN string
	// Private values are kept as a commitment in the row and as sealed text beside it. Free text is
	// private: nobody can promise that it names no one.
	Private  bool
	Optional bool
}

// Type declares what a kind of row holds.
type Type struct {
	Name             string // "inspect.finding.opened"; the first part is the module
	TitleZH, TitleEN string
	Fields           []Field
}

var (
	typeName  = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// Validate refuses a declaration that could not be written or shown.
func (t Type) Validate() error {
	var errs []error
	if !typeName.MatchString(t.Name) || len(t.Name) > 100 {
		errs = append(errs, fmt.Errorf("journal type %q: a name is module.thing.happened", t.Name))
	}
	if t.TitleZH == "" || t.TitleEN == "" {
		errs = append(errs, fmt.Errorf("journal type %s has no title in both languages", t.Name))
	}
	seen := map[string]bool{}
	for _, f := range t.Fields {
		if !fieldName.MatchString(f.Name) || seen[f.Name] {
			errs = append(errs, fmt.Errorf("journal type %s: field %q is not a name or comes twice", t.Name, f.Name))
		}
		if f.TitleZH == "" || f.TitleEN == "" {
			errs = append(errs, fmt.Errorf("journal type %s: field %s has no title in both languages", t.Name, f.Name))
		}
		seen[f.Name] = true
	}
	return errors.Join(errs...)
}

func (t Type) field(name string) (Field, bool) {
	i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return t.Fields[i], true
}

// Subject is what a row is about: rows of one subject are handled in order.
type Subject struct{ Kind, ID string }

// String writes a subject as "kind:id", as the address of a parked one.
func (s Subject) String() string { return s.Kind + ":" + s.ID }

// ParseSubject reads what String wrote.
func ParseSubject(text string) Subject {
	kind, id, _ := strings.Cut(text, ":")
	return Subject{Kind: kind, ID: id}
}

// Personal is the value of a private field that belongs to somebody other than the actor: the text
// is sealed under the key of Person, an account id, and forgotten with it.
type Personal struct{ Person, Text string }

// Entry is what a module writes.
type Entry struct {
	Type    string
	Subject Subject
	// AreaPath and SystemID say who may see the row; an empty area is that of the installation.
	AreaPath, SystemID string
	// Fields holds strings, booleans, numbers, times, lists and maps of these, and for private fields a
	// string or Personal. Times and integers beyond 2^53 are kept as strings.
	Fields map[string]any
}

// What stands for a private text that is not shown.
const (
	Erased = "erased" // the person's key was destroyed
	Masked = "masked" // there, but not for this reader
)

// Row is one row of the chain.
type Row struct {
	Seq                int64
	ID, Type           string
	At                 time.Time
	Actor              Actor
	Subject            Subject
	AreaPath, SystemID string
	RequestID          string
	Fields             map[string]any    // string, bool, int64, float64, nil, []any, map[string]any
	Private            map[string]string // the text, or Erased, or Masked
	Hash, Prev         string            // hexadecimal
	// Broken says why the record or a private text cannot be read: somebody changed it, and Verify names it.
	// A subscription parks such a row.
	Broken string
}

// Text returns a field or a private text as a string, "" when it is absent or something else.
func (r Row) Text(name string) string {
	if s, ok := r.Private[name]; ok {
		return s
	}
	s, _ := r.Fields[name].(string)
	return s
}

// Int returns a field as an integer, 0 when it is absent or something else.
func (r Row) Int(name string) int64 {
	switch v := r.Fields[name].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}

// Time returns a field as a time, the zero time when it is absent or something else.
func (r Row) Time(name string) time.Time {
	s, _ := r.Fields[name].(string)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Subscription hands chained rows to a module.
type Subscription struct {
	Name  string   // "inspect.findings"; also names its place in the chain, so it is never changed
	Types []string // the types it is handed
	// Handle makes what follows from a row, inside the transaction that also moves the subscription's
	// place. It may run again for the same row after a failure, so it has no effect outside tx; other
	// effects go through jobs. It must not call DB.Write.
	Handle func(ctx context.Context, tx *store.Tx, row Row) error
}

// Change is news of chained rows, for live screens: what was missed meanwhile is folded in.
type Change struct{ Types []string }

// Report is what a verification found.
type Report struct {
	OK      bool   `json:"ok"`
	Rows    int64  `json:"rows"`
	Pending int64  `json:"pending"`
	Bad     []Bad  `json:"bad"`
	Head    string `json:"head"` // hash of the last row, hexadecimal
	// Fingerprint is that of the key that signed the head of an export or the segments.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Bad is one row that is not as it was written. Seq 0 stands for what is no row: a head, a key.
type Bad struct {
	Seq int64  `json:"seq"`
	Why string `json:"why"`
}
