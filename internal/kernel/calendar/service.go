package calendar

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Permissions of this package.
const (
	PermissionRead   = "calendar.read"
	PermissionManage = "calendar.manage"
)

// Journal writes the rows of a transaction.
type Journal interface {
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
}

// Config is what the service stands on.
type Config struct {
	DB       *store.DB
	Journal  Journal
	Clock    clock.Clock
	Hours    Hours
	AreaPath string // of the installation: who changes the calendar must be allowed in all of it
}

// Service keeps the calendar.
type Service struct {
	db      *store.DB
	journal Journal
	clock   clock.Clock
	hours   Hours
	area    string

	mu   sync.Mutex
	last *Calendar
}

// NewService makes the service.
func NewService(c Config) (*Service, error) {
	if c.DB == nil || c.Journal == nil || len(c.Hours) == 0 || c.AreaPath == "" {
		return nil, errors.New("calendar: no database, journal, office hours or area")
	}
	s := &Service{db: c.DB, journal: c.Journal, clock: c.Clock, hours: c.Hours, area: c.AreaPath}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	return s, nil
}

// Migrations are the tables of this package.
func Migrations() store.Migrations {
	return store.Migrations{Module: "calendar", FS: store.Sub(migrations)}
}

// Permissions are what this package lets people do.
func Permissions() []access.Permission {
	return []access.Permission{
		{Name: PermissionRead, TitleZH: "查看工作日历", TitleEN: "See the calendar", Roles: access.AllRoles()},
		{
			Name: PermissionManage, TitleZH: "维护工作日历与保障期", TitleEN: "Maintain the calendar and its periods",
			Roles: []access.Role{access.SystemAdmin, access.Engineer, access.ProjectManager},
		},
	}
}

// Calendar returns the calendar that holds now. It asks the database for its revision each time, and
// reads it anew only when that changed.
func (s *Service) Calendar(ctx context.Context) (*Calendar, error) {
	now, err := revision(ctx, s.db.Read())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last != nil && last.Revision == now {
		return last, nil
	}
	lists, periods, err := load(ctx, s.db.Read())
	if err != nil {
		return nil, err
	}
	// Read after the revision: what is newer than it is read once more next time, and nothing is missed.
	fresh := New(now, lists, periods, s.hours)
	s.mu.Lock()
	s.last = fresh
	s.mu.Unlock()
	return fresh, nil
}

// EnsureShipped stores the lists and periods that the program brings along: those of years that have
// none yet, and the periods that it did not bring before.
func (s *Service) EnsureShipped(ctx context.Context) error {
	ctx = journal.WithActor(ctx, journal.SystemActor("calendar"))
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		have, err := listKeys(ctx, tx)
		if err != nil {
			return err
		}
		brought, err := origins(ctx, tx)
		if err != nil {
			return err
		}
		changed := false
		for _, l := range ShippedLists() {
			if have[l.Layer][l.Year] {
				continue
			}
			changed = true
			if err := s.putList(ctx, tx, &l, ""); err != nil {
				return err
			}
		}
		for _, p := range ShippedPeriods() {
			if brought[p.ID] {
				continue
			}
			changed = true
			if err := s.putPeriod(ctx, tx, &p, p.ID, ""); err != nil {
				return err
			}
		}
		if !changed {
			return nil
		}
		return advance(ctx, tx)
	})
	if store.Unique(err) {
		return nil // another server was first
	}
	if err != nil {
		return fmt.Errorf("lists of holidays: %w", err)
	}
	return nil
}

func (s *Service) putList(ctx context.Context, tx *store.Tx, l *List, by string) error {
	replaced, err := insertList(ctx, tx, l, by, tx.Now())
	if err != nil {
		return err
	}
	fields := map[string]any{
		"layer": string(l.Layer), "year": l.Year, "days": len(l.Days), "source": l.Source, "version": l.Version, "provisional": l.Provisional,
	}
	if replaced != "" {
		fields["replaced_id"] = replaced
	}
	return s.note(ctx, tx, TypeListImported, journal.Subject{Kind: subjectList, ID: l.ID}, fields)
}

func (s *Service) putPeriod(ctx context.Context, tx *store.Tx, p *Period, origin, by string) error {
	if err := insertPeriod(ctx, tx, p, origin, by, tx.Now()); err != nil {
		return err
	}
	return s.note(ctx, tx, TypePeriodAdded, journal.Subject{Kind: subjectPeriod, ID: p.ID}, map[string]any{
		"kind": string(p.Kind), "name": p.Name, "from": p.From, "to": p.To, "source": p.Source, "version": p.Version, "provisional": p.Provisional,
	})
}

func (s *Service) note(ctx context.Context, tx *store.Tx, typ string, subject journal.Subject, fields map[string]any) error {
	_, err := s.journal.Append(ctx, tx, journal.Entry{Type: typ, Subject: subject, AreaPath: s.area, Fields: fields})
	return err
}

// NewList is a list that a person imports.
type NewList struct {
	Layer       Layer
	Year        int
	Source      string
	Version     string
	Provisional bool
	Text        string
}

// badLines turns lines that cannot be read into a problem.
func badLines(bad []BadLine) error {
	if len(bad) == 0 {
		return nil
	}
	p := problem.New(problem.Invalid, "line %d: %s", bad[0].Line, bad[0].Code)
	for _, b := range bad[:min(len(bad), 20)] {
		p.Fields = append(p.Fields, problem.Field{Location: "body.text", Code: b.Code, Message: fmt.Sprintf("line %d", b.Line), Value: b.Text})
	}
	return p
}

func checkDocument(source, version string) error {
	for name, text := range map[string]string{"source": source, "version": version} {
		if n := utf8.RuneCountInString(text); n == 0 || n > 200 || strings.TrimSpace(text) != text || strings.ContainsFunc(text, unicode.IsControl) {
			return problem.InvalidField("body."+name, "not_a_name", "1 to 200 characters in one line")
		}
	}
	return nil
}

// parse reads what a person wants to import and refuses what cannot be a list.
func (n *NewList) parse() (List, []BadLine, error) {
	if n.Layer != National && n.Layer != Region {
		return List{}, nil, problem.InvalidField("body.layer", "unknown", "national or region")
	}
	if n.Year < 2000 || n.Year > 2100 {
		return List{}, nil, problem.InvalidField("body.year", "out_of_range", "2000 to 2100")
	}
	days, bad := ParseDays(n.Text, n.Year)
	if len(days) == 0 && len(bad) == 0 {
		return List{}, nil, problem.InvalidField("body.text", "required", "at least one day")
	}
	return List{Layer: n.Layer, Year: n.Year, Source: n.Source, Version: n.Version, Provisional: n.Provisional, Days: days}, bad, nil
}

// ImportList puts a list into the place of the one for its layer and year.
func (s *Service) ImportList(ctx context.Context, scope store.Scope, by string, n NewList) (List, error) {
	if err := s.mayChange(scope); err != nil {
		return List{}, err
	}
	if err := checkDocument(n.Source, n.Version); err != nil {
		return List{}, err
	}
	l, bad, err := n.parse()
	if err != nil {
		return List{}, err
	}
	if err := badLines(bad); err != nil {
		return List{}, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := advance(ctx, tx); err != nil {
			return err
		}
		return s.putList(ctx, tx, &l, by)
	})
	return l, err
}

// NewPeriod is a period that a person adds.
type NewPeriod struct {
	Kind            PeriodKind
	Name            string
	From, To        time.Time
	Source, Version string
	Provisional     bool
}

// AddPeriod adds a period; a filing period takes the place of the one of its month.
func (s *Service) AddPeriod(ctx context.Context, scope store.Scope, by string, n NewPeriod) (Period, error) {
	if err := s.mayChange(scope); err != nil {
		return Period{}, err
	}
	p := Period{Kind: n.Kind, Name: n.Name, From: n.From, To: n.To, Source: n.Source, Version: n.Version, Provisional: n.Provisional}
	if code := p.wrong(); code != "" {
		field := map[string]string{"not_a_kind": "kind", "not_a_range": "to", "too_long": "name"}[code]
		return Period{}, problem.InvalidField("body."+field, code, "a known kind, a span of at most a year that goes forward, a short name; a filing period stays in its month")
	}
	err := s.addPeriods(ctx, []Period{p}, n.Source, n.Version, n.Provisional, by, func(added []Period) { p = added[0] })
	return p, err
}

// ImportPeriods adds the periods of a text.
func (s *Service) ImportPeriods(ctx context.Context, scope store.Scope, by, text, source, version string, provisional bool) ([]Period, error) {
	if err := s.mayChange(scope); err != nil {
		return nil, err
	}
	periods, bad := ParsePeriods(text)
	if err := badLines(bad); err != nil {
		return nil, err
	}
	if len(periods) == 0 {
		return nil, problem.InvalidField("body.text", "required", "at least one period")
	}
	err := s.addPeriods(ctx, periods, source, version, provisional, by, func(added []Period) { periods = added })
	return periods, err
}

func (s *Service) addPeriods(ctx context.Context, periods []Period, source, version string, provisional bool, by string, done func([]Period)) error {
	if err := checkDocument(source, version); err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := advance(ctx, tx); err != nil {
			return err
		}
		added := make([]Period, len(periods))
		for i, p := range periods {
			p.Source, p.Version, p.Provisional = source, version, provisional
			if err := s.putPeriod(ctx, tx, &p, "", by); err != nil {
				return err
			}
			added[i] = p
		}
		done(added)
		return nil
	})
}

// RemovePeriod takes a period back; a computed one comes in its place where it was a filing period.
func (s *Service) RemovePeriod(ctx context.Context, scope store.Scope, id, reason string) error {
	if err := s.mayChange(scope); err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		row, err := removePeriod(ctx, tx, id, tx.Now())
		if err != nil {
			return err
		}
		if err := advance(ctx, tx); err != nil {
			return err
		}
		return s.note(ctx, tx, TypePeriodRemoved, journal.Subject{Kind: subjectPeriod, ID: id}, map[string]any{
			"kind": string(row.Kind), "name": row.Name, "from": row.FromAt.Time, "to": row.ToAt.Time, "reason": reason,
		})
	})
}

// mayChange refuses who is not allowed in the whole installation: the calendar is one for all of it.
func (s *Service) mayChange(scope store.Scope) error {
	if !scope.Covers(s.area, "") {
		return problem.New(problem.Forbidden, "the calendar holds for all of %s", s.area)
	}
	return nil
}

// shipping is the service that stores what the program brings along before anything else runs.
type shipping struct{ s *Service }

// Name implements lifecycle.Service.
func (shipping) Name() string { return "calendar" }

// Start implements lifecycle.Service.
func (x shipping) Start(ctx context.Context) error { return x.s.EnsureShipped(ctx) }

// Stop implements lifecycle.Service.
func (shipping) Stop(context.Context) error { return nil }

// Services are what runs at the start.
func (s *Service) Services() []lifecycle.Service { return []lifecycle.Service{shipping{s}} }
