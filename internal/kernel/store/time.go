package store

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Time is a point in time in a row: UTC microseconds since 1970 as an integer, NULL when zero. Both
// engines sort it alike, which text and timestamptz do not.
type Time struct{ time.Time }

// At cuts t to what the store keeps.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Microsecond)}
}

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Time{}
	case int64:
		*t = Time{time.UnixMicro(v).UTC()}
	default:
		return fmt.Errorf("a time is stored as an integer, got %T", src)
	}
	return nil
}

// Ptr returns nil for the zero time, for answers in which the field may be absent.
func (t Time) Ptr() *time.Time {
	if t.IsZero() {
		return nil
	}
	v := t.Time
	return &v
}
