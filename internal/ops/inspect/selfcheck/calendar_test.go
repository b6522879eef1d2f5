package selfcheck_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/selfcheck"
)

type calendars struct {
	c   *calendar.Calendar
	err error
}

func (c calendars) Calendar(context.Context) (*calendar.Calendar, error) { return c.c, c.err }

func TestCalendarKind(t *testing.T) {
	for when, want := range map[string]probe.State{
		"2026-11-24T08:00:00+08:00": probe.OK, "2026-12-14T23:59:59+08:00": probe.OK, "2026-12-15T00:00:00+08:00": probe.Warning,
		"2026-12-31T23:59:59+08:00": probe.Warning, "2027-01-01T00:00:00+08:00": probe.Critical,
	} {
		now, err := time.Parse(time.RFC3339, when)
		if err != nil {
			t.Fatal(err)
		}
		b := selfcheck.CalendarKind(calendars{c: calendar.Shipped()}, func() time.Time { return now })
		target, err := b.NewTarget(nil, nil, nil, slog.New(slog.DiscardHandler), func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		if r := b.Run(t.Context(), target); r.State != want {
			t.Errorf("%s: %s %s", when, r.State, r.Summary)
		}
		b = selfcheck.CalendarKind(calendars{err: errors.New("away")}, func() time.Time { return now })
		if r := b.Run(t.Context(), target); r.State != probe.Unknown {
			t.Errorf("away: %s", r.State)
		}
	}
}
