package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Span is a part of a day, in minutes after its beginning, the end not included.
type Span struct{ From, To int }

// Hours are the office hours (工作时间) of a day that is worked, in order and apart.
type Hours []Span

// DefaultHours is what the configuration says when nobody changed it.
const DefaultHours = "09:00-12:00,13:00-18:00"

// ParseHours reads "09:00-12:00,13:00-18:00"; the day ends at 24:00.
func ParseHours(text string) (Hours, error) {
	var out Hours
	for part := range strings.SplitSeq(text, ",") {
		from, to, found := strings.Cut(strings.TrimSpace(part), "-")
		if !found {
			return nil, fmt.Errorf("%q is not a span such as 09:00-12:00", part)
		}
		a, err := ParseClock(from)
		if err != nil {
			return nil, err
		}
		b, err := ParseClock(to)
		if err != nil {
			return nil, err
		}
		if a >= b || len(out) > 0 && a < out[len(out)-1].To {
			return nil, errors.New("office hours go forward and do not overlap")
		}
		out = append(out, Span{From: a, To: b})
	}
	return out, nil
}

// ParseClock reads a time of day, 00:00 to 24:00, as minutes.
func ParseClock(text string) (int, error) {
	text = strings.TrimSpace(text)
	var h, m int
	if len(text) != 5 || text[2] != ':' {
		return 0, fmt.Errorf("%q is not a time of day such as 09:00", text)
	}
	for i, c := range []byte(text) {
		if i != 2 && (c < '0' || c > '9') {
			return 0, fmt.Errorf("%q is not a time of day such as 09:00", text)
		}
	}
	h, m = int(text[0]-'0')*10+int(text[1]-'0'), int(text[3]-'0')*10+int(text[4]-'0')
	if m > 59 || h*60+m > 24*60 {
		return 0, fmt.Errorf("%q is not a time of day such as 09:00", text)
	}
	return h*60 + m, nil
}

// FormatClock writes minutes as a time of day.
func FormatClock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// String writes what ParseHours reads.
func (h Hours) String() string {
	parts := make([]string, len(h))
	for i, s := range h {
		parts[i] = FormatClock(s.From) + "-" + FormatClock(s.To)
	}
	return strings.Join(parts, ",")
}

// WorkingTime is how much of the office hours lies between two moments; nothing when to is not after
// from. The error is an UnpublishedError.
func (c *Calendar) WorkingTime(from, to time.Time) (time.Duration, error) {
	var total time.Duration
	for d := DateOf(from); d.Start().Before(to); d++ {
		works, err := c.Works(d)
		if err != nil {
			return 0, err
		}
		if !works {
			continue
		}
		for _, s := range c.Hours {
			begin, end := later(d.At(s.From), from), earlier(d.At(s.To), to)
			if end.After(begin) {
				total += end.Sub(begin)
			}
		}
	}
	return total, nil
}

// WorkingMinutes is WorkingTime in whole minutes.
func (c *Calendar) WorkingMinutes(from, to time.Time) (int64, error) {
	d, err := c.WorkingTime(from, to)
	return int64(d / time.Minute), err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
