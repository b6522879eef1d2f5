package calendar_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// ledger counts the rows that are written.
type ledger struct{ rows []journal.Entry }

func (l *ledger) Append(_ context.Context, tx *store.Tx, e journal.Entry) (string, error) {
	tx.AfterCommit(func() { l.rows = append(l.rows, e) })
	return "", nil
}

func each(t *testing.T, f func(t *testing.T, s *calendar.Service, l *ledger)) {
	t.Helper()
	storetest.Each(t, []store.Migrations{calendar.Migrations()}, func(t *testing.T, db *store.DB) {
		l := &ledger{}
		hours, err := calendar.ParseHours(calendar.DefaultHours)
		if err != nil {
			t.Fatal(err)
		}
		s, err := calendar.NewService(calendar.Config{DB: db, Journal: l, Clock: clock.System{}, Hours: hours, AreaPath: "/45/"})
		if err != nil {
			t.Fatal(err)
		}
		f(t, s, l)
	})
}

func TestWhatIsShippedIsStoredOnce(t *testing.T) {
	each(t, func(t *testing.T, s *calendar.Service, l *ledger) {
		if err := s.EnsureShipped(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := len(calendar.ShippedLists()) + len(calendar.ShippedPeriods())
		if len(l.rows) != want {
			t.Errorf("%d rows in the journal, want %d", len(l.rows), want)
		}
		if err := s.EnsureShipped(t.Context()); err != nil || len(l.rows) != want {
			t.Errorf("again: %v, %d rows", err, len(l.rows))
		}
		c, err := s.Calendar(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		from, _ := calendar.ParseDate("2022-09-24")
		to, _ := calendar.ParseDate("2024-06-30")
		if n, err := c.Workdays(from, to); err != nil || n != 435 {
			t.Errorf("%d workdays, %v", n, err)
		}
		again, err := s.Calendar(t.Context())
		if err != nil || again != c {
			t.Errorf("nothing changed, and it was read again: %v", err)
		}
	})
}

func TestALaterListTakesThePlace(t *testing.T) {
	each(t, func(t *testing.T, s *calendar.Service, l *ledger) {
		if err := s.EnsureShipped(t.Context()); err != nil {
			t.Fatal(err)
		}
		before, err := s.Calendar(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := calendar.NewList{Layer: calendar.National, Year: 2027, Source: "国办发明电〔2026〕9号", Version: "2026-11-20", Text: "2027-01-01~2027-01-03,off,元旦"}
		if _, err := s.ImportList(t.Context(), store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"}), "a1", n); problem.CodeOf(err) != problem.Forbidden {
			t.Errorf("a city changed the calendar of the region: %v", err)
		}
		rows := len(l.rows)
		if _, err := s.ImportList(t.Context(), store.Everything(), "a1", n); err != nil {
			t.Fatal(err)
		}
		c, err := s.Calendar(t.Context())
		if err != nil || !c.Published(2027) || c.Revision <= before.Revision || before.Published(2027) {
			t.Errorf("published %v, revision %d after %d, %v", c.Published(2027), c.Revision, before.Revision, err)
		}
		n.Text, n.Version = "2027-01-01,off,元旦\n2027-01-09,班", "2026-11-21"
		if _, err := s.ImportList(t.Context(), store.Everything(), "a1", n); err != nil {
			t.Fatal(err)
		}
		c, err = s.Calendar(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d, _ := calendar.ParseDate("2027-01-02")
		if got := c.Day(d); got.Name != "" {
			t.Errorf("a day of the list before still holds: %+v", got)
		}
		if len(l.rows) != rows+2 || l.rows[rows+1].Fields["replaced_id"] == nil {
			t.Errorf("journal %+v", l.rows[rows:])
		}
		n.Text = "2027-01-01,hm"
		if _, err := s.ImportList(t.Context(), store.Everything(), "a1", n); problem.CodeOf(err) != problem.Invalid || !strings.Contains(err.Error(), "not_a_kind") {
			t.Errorf("a line that cannot be read: %v", err)
		}
	})
}

func TestPeriodsComeAndGo(t *testing.T) {
	each(t, func(t *testing.T, s *calendar.Service, l *ledger) {
		if err := s.EnsureShipped(t.Context()); err != nil {
			t.Fatal(err)
		}
		within := func(when string) []calendar.Period {
			c, err := s.Calendar(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, when)
			if err != nil {
				t.Fatal(err)
			}
			return c.PeriodsAt(at)
		}
		const moment = "2026-11-16T12:00:00+08:00"
		if p := within(moment); len(p) != 1 || p[0].Provisional {
			t.Fatalf("November's filing period: %+v", p)
		}
		added, err := s.ImportPeriods(t.Context(), store.Everything(), "a1", "征期,2026-11-01,2026-11-15\n重大活动,2026-11-16,2026-11-20,会议", "广西税务局通知", "1", false)
		if err != nil || len(added) != 2 {
			t.Fatalf("%+v %v", added, err)
		}
		if p := within(moment); len(p) != 1 || p[0].Kind != calendar.Event {
			t.Fatalf("the notice moved the end: %+v", p)
		}
		if err := s.RemovePeriod(t.Context(), store.Everything(), added[0].ID, "误导入"); err != nil {
			t.Fatal(err)
		}
		p := within("2026-11-16T12:00:00+08:00")
		if len(p) != 2 || !p[0].Provisional && !p[1].Provisional {
			t.Fatalf("the computed one comes in its place: %+v", p)
		}
		if err := s.RemovePeriod(t.Context(), store.Everything(), added[0].ID, "误导入"); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("twice: %v", err)
		}
		// What was removed is not brought along again.
		if err := s.EnsureShipped(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := within(moment); len(p) != 2 {
			t.Errorf("%+v", p)
		}
		if _, err := s.AddPeriod(t.Context(), store.Everything(), "a1", calendar.NewPeriod{
			Kind: calendar.Event, From: time.Now(), To: time.Now().Add(-time.Hour), Source: "x", Version: "1",
		}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("backwards: %v", err)
		}
		if last := l.rows[len(l.rows)-1]; last.Type != calendar.TypePeriodRemoved {
			t.Errorf("last row %+v", last)
		}
	})
}
