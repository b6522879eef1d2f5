package calendar

import (
	"database/sql/driver"
	"fmt"
	"time"

	"taxops/internal/kernel/clock"
)

var shanghai = clock.Shanghai()

// Date is one day in Shanghai, counted from 1970-01-01. It is stored and shown as 2026-11-24.
type Date int32

const isoDate = "2006-01-02"

// NewDate names a day; days beyond the end of a month run on, as with time.Date.
func NewDate(y int, m time.Month, d int) Date {
	return Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

// DateOf is the day in Shanghai on which a moment lies.
func DateOf(t time.Time) Date {
	return NewDate(t.In(shanghai).Date())
}

// ParseDate reads 2026-11-24.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(isoDate, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a day such as 2026-11-24", s)
	}
	return NewDate(t.Date()), nil
}

func (d Date) utc() time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// Start is the moment at which the day begins.
func (d Date) Start() time.Time {
	y, m, day := d.utc().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, shanghai)
}

// At is a time of the day, in minutes after its beginning.
func (d Date) At(minutes int) time.Time { return d.Start().Add(time.Duration(minutes) * time.Minute) }

// Year, Month and Day are the parts of the date.
func (d Date) Year() int { return d.utc().Year() }

// Month is the month of the day.
func (d Date) Month() time.Month { return d.utc().Month() }

// Day is the day within its month.
func (d Date) Day() int { return d.utc().Day() }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Weekend reports Saturday and Sunday.
func (d Date) Weekend() bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }

// String writes 2026-11-24.
func (d Date) String() string { return d.utc().Format(isoDate) }

// Value implements driver.Valuer.
func (d Date) Value() (driver.Value, error) { return d.String(), nil }

// Scan implements sql.Scanner.
func (d *Date) Scan(src any) error {
	var text string
	switch v := src.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("a day is stored as text, got %T", src)
	}
	out, err := ParseDate(text)
	if err == nil {
		*d = out
	}
	return err
}
