package parallel

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

// AddSource makes a source; the token is told this once.
func (m *Module) AddSource(ctx context.Context, scope store.Scope, name, areaPath, systemID string) (Source, string, error) {
	if err := checkName(name); err != nil {
		return Source{}, "", err
	}
	if err := m.Places.Place(ctx, "body", areaPath, systemID); err != nil {
		return Source{}, "", err
	}
	if !scope.Covers(areaPath, systemID) {
		return Source{}, "", problem.New(problem.Forbidden, "not allowed in area %s for this system", areaPath)
	}
	id, err := newID()
	if err != nil {
		return Source{}, "", err
	}
	token, hash := newToken()
	s := Source{
		ID: id, Name: name, State: sourceMachine().Initial, TokenHash: hash, AreaPath: areaPath, SystemID: systemID,
		CreatedBy: api.CallerFrom(ctx).AccountID, Version: 1,
	}
	err = m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s.CreatedAt = store.At(tx.Now())
		if err := insert(ctx, tx, &s, "source"); err != nil {
			return err
		}
		return m.noteSource(ctx, tx, TypeSourceAdded, &s, map[string]any{})
	})
	return s, token, err
}

// RevokeSource ends a source: its token is worth nothing from then on; its problems stay.
func (m *Module) RevokeSource(ctx context.Context, scope store.Scope, id, reason string, version int64) (Source, error) {
	var out Source
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := findSource(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if s.Version != version {
			return problem.New(problem.Stale, "the source is at version %d", s.Version)
		}
		if s.State, err = sourceMachine().Next(s.State, revoke); err != nil {
			return err
		}
		s.RevokedAt = store.At(tx.Now())
		if err := saveSource(ctx, tx, s); err != nil {
			return err
		}
		out = *s
		return m.noteSource(ctx, tx, TypeSourceRevoked, s, map[string]any{"reason": reason})
	})
	return out, err
}

func (m *Module) noteSource(ctx context.Context, tx *store.Tx, typ string, s *Source, fields map[string]any) error {
	fields["name"] = s.Name
	_, err := m.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subjectSource, ID: s.ID}, AreaPath: s.AreaPath, SystemID: s.SystemID, Fields: fields,
	})
	return err
}

// Receive takes one report in. A report that says nothing new changes nothing.
func (m *Module) Receive(ctx context.Context, token, network string, r Report) (Problem, error) {
	s, err := byToken(ctx, m.db.Read(), hashOf(token))
	if err != nil {
		return Problem{}, err
	}
	if s == nil || token == "" {
		return Problem{}, m.gate.refused(network)
	}
	if err := m.gate.report(s.ID); err != nil {
		return Problem{}, err
	}
	if err := r.check(m.Clock.Now()); err != nil {
		return Problem{}, err
	}
	candidates, err := m.Assets.Called(ctx, []string{r.Address, r.Host, r.HostName})
	if err != nil {
		return Problem{}, err
	}
	asset, by := match(candidates, r.Host, r.HostName, r.Address)
	ctx = journal.WithActor(ctx, journal.SystemActor("zabbix"))
	var out Problem
	for range 2 { // the same report may come twice at the same moment: the second time it is there
		err = m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			p, err := m.take(ctx, tx, s, r, asset, by)
			if err == nil {
				out = *p
			}
			return err
		})
		if !store.Unique(err) {
			break
		}
	}
	return out, err
}

// take stores what is new in a report.
func (m *Module) take(ctx context.Context, tx *store.Tx, s *Source, r Report, asset *Asset, by string) (*Problem, error) {
	// Somebody may have revoked the source since it was read.
	if now, err := findSource(ctx, tx, store.Everything(), s.ID); err != nil || now.State != Active {
		if err == nil {
			err = problem.New(problem.Unauthenticated, "the source was revoked")
		}
		return nil, err
	}
	if err := sourceHeard(ctx, tx, s.ID); err != nil {
		return nil, err
	}
	p, err := byEvent(ctx, tx, s.ID, r.EventID)
	if err != nil {
		return nil, err
	}
	if p == nil {
		id, err := newID()
		if err != nil {
			return nil, err
		}
		p = &Problem{
			ID: id, SourceID: s.ID, EventID: r.EventID, Host: r.Host, HostName: r.HostName, Address: r.Address, TriggerID: r.TriggerID,
			Title: r.Trigger, Severity: r.Severity, StartedAt: store.At(r.StartedAt), ReceivedAt: store.At(tx.Now()),
			MatchedBy: by, AreaPath: s.AreaPath, SystemID: s.SystemID, Version: 1,
		}
		if asset != nil {
			p.AssetID, p.AssetName, p.AreaPath, p.SystemID = asset.ID, asset.Name, asset.AreaPath, asset.SystemID
		}
		if err := insert(ctx, tx, p, "problem"); err != nil {
			return nil, err
		}
		err = m.noteProblem(ctx, tx, TypeBegan, p, map[string]any{"severity": p.Severity, "started_at": p.StartedAt.Time})
		if err != nil {
			return nil, err
		}
	}
	if r.RecoveredAt.IsZero() || !p.RecoveredAt.IsZero() {
		return p, nil
	}
	p.RecoveredAt = store.At(r.RecoveredAt)
	if err := saveProblem(ctx, tx, p); err != nil {
		return nil, err
	}
	return p, m.noteProblem(ctx, tx, TypeRecovered, p, map[string]any{"recovered_at": p.RecoveredAt.Time})
}

// mostMatched bounds what one change of an asset matches at once; the oldest wait for its next change.
const mostMatched = 1000

// followAsset matches problems that had no asset to one that is new or has another name or address.
func (m *Module) followAsset(ctx context.Context, tx *store.Tx, row journal.Row) error {
	a, found, err := m.Assets.Asset(ctx, row.Subject.ID)
	if err != nil || !found || a.Component {
		return err
	}
	open, err := unmatched(ctx, tx, []string{a.Address, a.Hostname, a.Name}, mostMatched)
	if err != nil {
		return err
	}
	for i := range open {
		p := &open[i]
		candidates, err := m.Assets.Called(ctx, []string{p.Address, p.Host, p.HostName})
		if err != nil {
			return err
		}
		fits, by := match(candidates, p.Host, p.HostName, p.Address)
		if fits == nil {
			continue
		}
		p.AssetID, p.AssetName, p.MatchedBy, p.AreaPath, p.SystemID = fits.ID, fits.Name, by, fits.AreaPath, fits.SystemID
		if err := saveProblem(ctx, tx, p); err != nil {
			return err
		}
		if err := m.noteProblem(ctx, tx, TypeMatched, p, map[string]any{}); err != nil {
			return err
		}
	}
	return nil
}

// Problems reads one page of what Zabbix sent.
func (m *Module) Problems(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Problem], error) {
	return store.List[Problem](ctx, m.db.Read(), problemList(), scope, q, nil)
}

// Compare computes the rows of a span that a filter takes, the newest first, and the figures of the whole
// span.
func (m *Module) Compare(ctx context.Context, scope store.Scope, s Span, f Filter) ([]Row, Figures, error) {
	if err := s.check(); err != nil {
		return nil, Figures{}, err
	}
	if err := f.check(); err != nil {
		return nil, Figures{}, err
	}
	wide := Span{From: s.From.Add(-s.Tolerance), To: s.To.Add(s.Tolerance), Tolerance: s.Tolerance}
	theirs, err := problemsBetween(ctx, m.db.Read(), scope, wide, mostRows+1)
	if err != nil {
		return nil, Figures{}, err
	}
	ours, err := m.Findings.OpenedBetween(ctx, scope, wide, mostRows+1)
	if err != nil {
		return nil, Figures{}, err
	}
	if len(theirs) > mostRows || len(ours) > mostRows {
		return nil, Figures{}, problem.InvalidField("query.from", "too_many", "more than %d problems or findings: choose fewer days", mostRows)
	}
	known, err := m.facts(ctx, theirs, ours)
	if err != nil {
		return nil, Figures{}, err
	}
	rows, figures := pair(s, theirs, ours, known)
	taken := rows[:0]
	for _, r := range rows {
		if f.takes(r) {
			taken = append(taken, r)
		}
	}
	return taken, figures, nil
}

func (m *Module) facts(ctx context.Context, theirs []Problem, ours []Seen) (facts, error) {
	var f facts
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for i := range theirs {
		add(theirs[i].AssetID)
	}
	for i := range ours {
		add(ours[i].AssetID)
	}
	var err error
	if f.root, err = m.Assets.Roots(ctx, ids); err != nil {
		return f, err
	}
	var roots []string
	once := map[string]bool{}
	for _, id := range ids {
		if r := f.rootOf(id); !once[r] {
			once[r] = true
			roots = append(roots, r)
		}
	}
	if f.checked, err = m.Findings.Checked(ctx, roots); err != nil {
		return f, err
	}
	if f.reported, err = everReported(ctx, m.db.Read(), roots); err != nil {
		return f, err
	}
	f.verdicts, err = verdicts(ctx, m.db.Read())
	return f, err
}

// Explain says of a difference that it is known or accepted, and why; an empty verdict withdraws it.
func (m *Module) Explain(ctx context.Context, scope store.Scope, key, verdict, reason string) error {
	areaPath, systemID, err := m.placeOf(ctx, scope, key)
	if err != nil {
		return err
	}
	return m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := findVerdict(ctx, tx, key)
		if err != nil {
			return err
		}
		note := func(typ string, fields map[string]any) error {
			_, err := m.journal.Append(ctx, tx, journal.Entry{
				Type: typ, Subject: journal.Subject{Kind: subjectDifference, ID: key}, AreaPath: areaPath, SystemID: systemID, Fields: fields,
			})
			return err
		}
		if verdict == "" {
			if before == nil {
				return nil
			}
			if err := deleteVerdict(ctx, tx, key); err != nil {
				return err
			}
			return note(TypeWithdrawn, map[string]any{"verdict": before.Verdict})
		}
		v := &Verdict{
			Subject: key, Verdict: verdict, Reason: reason, SaidBy: api.CallerFrom(ctx).AccountID, SaidAt: store.At(tx.Now()),
			AreaPath: areaPath, SystemID: systemID,
		}
		if err := putVerdict(ctx, tx, v); err != nil {
			return err
		}
		return note(TypeExplained, map[string]any{"verdict": verdict, "reason": reason})
	})
}

// placeOf finds where the subject of a verdict lies, within a scope.
func (m *Module) placeOf(ctx context.Context, scope store.Scope, key string) (areaPath, systemID string, err error) {
	kind, id := cut(key)
	switch kind {
	case "problem":
		p, err := findProblem(ctx, m.db.Read(), scope, id)
		if err != nil {
			return "", "", err
		}
		return p.AreaPath, p.SystemID, nil
	case "finding":
		f, found, err := m.Findings.Opened(ctx, scope, id)
		if err != nil {
			return "", "", err
		}
		if found {
			return f.AreaPath, f.SystemID, nil
		}
	}
	return "", "", problem.Missing("difference", key)
}

// lastDays is the span of the last days up to a moment, for a person who names none.
func lastDays(now time.Time, days int) (from, to string) {
	return store.Day(now.AddDate(0, 0, 1-days)), store.Day(now)
}
