package inspect

import (
	"context"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Assignment is who shall repair a finding until when; a zero due time takes the one that fits its
// severity.
type Assignment struct {
	AccountID string
	DueAt     time.Time
	Note      string
	Version   int64
}

// AssignFinding gives a finding to a person, who must be allowed to handle it.
func (m *Module) AssignFinding(ctx context.Context, scope store.Scope, id string, a Assignment) (Finding, error) {
	now := m.clock.Now()
	return m.changeFinding(ctx, scope, id, a.Version, func(ctx context.Context, tx *store.Tx, f *Finding) error {
		var err error
		if f.State, err = findingMachine().Next(f.State, assign); err != nil {
			return err
		}
		allowed, err := m.people.Allowed(ctx, a.AccountID, PermissionHandle, f.AreaPath, f.SystemID)
		if err != nil {
			return err
		}
		if !allowed {
			return problem.InvalidField("body.account_id", "not_allowed", "this person may not handle findings here")
		}
		due := a.DueAt
		switch {
		case due.IsZero():
			due = tx.Now().Add(dueAfter(f.Severity))
		case due.Before(now):
			return problem.InvalidField("body.due_at", "out_of_range", "the due time has passed already")
		}
		f.AssigneeID, f.DueAt, f.Overdue = a.AccountID, store.At(due), 0
		fields := map[string]any{"assignee_id": f.AssigneeID, "due_at": f.DueAt.Time}
		if a.Note != "" {
			fields["note"] = a.Note
		}
		return m.noteFinding(ctx, tx, TypeFindingAssigned, f, fields)
	})
}

// Postponement moves the time until which a finding is to be repaired.
type Postponement struct {
	DueAt   time.Time
	Reason  string
	Version int64
}

// PostponeFinding gives a finding more time (延期), for a reason. Each time counts and stays visible;
// a time that is not later than the one before is refused.
func (m *Module) PostponeFinding(ctx context.Context, scope store.Scope, id string, p Postponement) (Finding, error) {
	return m.changeFinding(ctx, scope, id, p.Version, func(ctx context.Context, tx *store.Tx, f *Finding) error {
		var err error
		if f.State, err = findingMachine().Next(f.State, postpone); err != nil {
			return err
		}
		now := tx.Now()
		switch {
		case !p.DueAt.After(f.DueAt.Time) || !p.DueAt.After(now):
			return problem.InvalidField("body.due_at", "not_later", "a time later than now and than the due time before")
		case p.DueAt.After(now.Add(maxPostpone)):
			return problem.InvalidField("body.due_at", "out_of_range", "at most 90 days from now")
		}
		was := f.DueAt.Time
		f.DueAt, f.Overdue = store.At(p.DueAt), 0
		f.Postponed++
		return m.noteFinding(ctx, tx, TypeFindingPostponed, f, map[string]any{
			"was_due_at": was, "due_at": f.DueAt.Time, "postponed": f.Postponed, "reason": p.Reason,
		})
	})
}

const (
	dueEvery = 15 * time.Second
	dueChunk = 200
)

// watchDue notes findings that pass their due time. The row is written once for each due time, whichever
// server sees it first and however late.
func (m *Module) watchDue(ctx context.Context) {
	ctx = journal.WithActor(ctx, journal.SystemActor("inspect"))
	lifecycle.Every(ctx, dueEvery, func(ctx context.Context) {
		if _, err := m.noteOverdue(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "overdue findings not noted", "error", err)
		}
	})
}

// noteOverdue notes what is past its due time now and returns how many findings that are.
func (m *Module) noteOverdue(ctx context.Context) (int, error) {
	total := 0
	for ctx.Err() == nil {
		n := 0
		err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
			rows, err := lateFindings(ctx, tx, m.clock.Now(), dueChunk)
			if err != nil {
				return err
			}
			for _, f := range rows {
				f.Overdue = 1
				if err := saveFinding(ctx, tx, f); err != nil {
					return err
				}
				fields := map[string]any{"severity": f.Severity, "due_at": f.DueAt.Time, "postponed": f.Postponed}
				if f.AssigneeID != "" {
					fields["assignee_id"] = f.AssigneeID
				}
				if err := m.noteFinding(ctx, tx, TypeFindingOverdue, f, fields); err != nil {
					return err
				}
			}
			n = len(rows)
			return nil
		})
		if total += n; err != nil || n < dueChunk {
			return total, err
		}
	}
	return total, ctx.Err()
}

// RepairFinding says that the cause is removed. Only a good result closes the finding.
func (m *Module) RepairFinding(ctx context.Context, scope store.Scope, id, note string, version int64) (Finding, error) {
	return m.changeFinding(ctx, scope, id, version, func(ctx context.Context, tx *store.Tx, f *Finding) error {
		var err error
		if f.State, err = findingMachine().Next(f.State, repair); err != nil {
			return err
		}
		return m.noteFinding(ctx, tx, TypeFindingRepaired, f, map[string]any{"note": note})
	})
}

func (m *Module) changeFinding(ctx context.Context, scope store.Scope, id string, version int64,
	change func(ctx context.Context, tx *store.Tx, f *Finding) error,
) (Finding, error) {
	var out Finding
	err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		f, err := findFinding(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if f.Version != version {
			return problem.New(problem.Stale, "the finding is at version %d", f.Version)
		}
		if err := change(ctx, tx, f); err != nil {
			return err
		}
		if err := saveFinding(ctx, tx, f); err != nil {
			return err
		}
		out = *f
		return nil
	})
	return out, err
}

// CommentFinding adds a text to the timeline of a finding, closed or not.
func (m *Module) CommentFinding(ctx context.Context, scope store.Scope, id, text string) (Finding, error) {
	var out Finding
	err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		f, err := findFinding(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		out = *f
		return m.noteFinding(ctx, tx, TypeFindingCommented, f, map[string]any{"text": text})
	})
	return out, err
}

// SeeFinding notes that a person has seen a finding, once for each person.
func (m *Module) SeeFinding(ctx context.Context, scope store.Scope, id, accountID string) error {
	return m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		f, err := findFinding(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		first, err := markSeen(ctx, tx, f.ID, accountID)
		if err != nil || !first {
			return err
		}
		return m.noteFinding(ctx, tx, TypeFindingSeen, f, nil)
	})
}

// mostTimeline bounds the rows of one timeline.
const mostTimeline = 500

// FindingTimeline reads what happened to a finding, the oldest first.
func (m *Module) FindingTimeline(ctx context.Context, id string) ([]journal.Row, error) {
	return m.timeline.SubjectRows(ctx, journal.Subject{Kind: subjectFinding, ID: id}, mostTimeline)
}
