package inspect

import (
	"context"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Proposals works out ranges for each metric of a check from what it measured in the last days.
func (m *Module) Proposals(ctx context.Context, scope store.Scope, id string, days int) (Check, []Proposal, error) {
	c, err := findCheck(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Check{}, nil, err
	}
	b, known := m.kinds[c.Kind]
	if !known {
		return Check{}, nil, problem.New(problem.NotPossibleInState, "this program has no kind %q any more", c.Kind)
	}
	now := m.clock.Now()
	rows, err := m.courseOf(ctx, id, now.Add(-time.Duration(days)*24*time.Hour), now)
	if err != nil {
		return Check{}, nil, err
	}
	held := limits(b, c.Warn, c.Crit)
	out := []Proposal{}
	for _, t := range b.Thresholds {
		out = append(out, propose(t, held[t.Metric], worstValues(rows, t)))
	}
	return *c, out, nil
}

// ThresholdChange is one range that a person changed.
type ThresholdChange struct {
	Seq           int64
	At            time.Time
	Actor         journal.Actor
	Reason        string
	Metric, Side  string // "warn" or "crit"
	Before, After string // as they held; "" never alerts
}

// mostChanges bounds the rows of a check's history that are looked at.
const mostChanges = 500

// ThresholdChanges reads from the journal who changed which range of a check and why, the latest first.
func (m *Module) ThresholdChanges(ctx context.Context, scope store.Scope, id string) ([]ThresholdChange, error) {
	c, err := findCheck(ctx, m.db.Read(), scope, id)
	if err != nil {
		return nil, err
	}
	rows, err := m.timeline.SubjectRows(ctx, journal.Subject{Kind: subjectCheck, ID: id}, mostChanges)
	if err != nil {
		return nil, err
	}
	out := []ThresholdChange{}
	for _, r := range slices.Backward(rows) {
		if r.Type == TypeCheckChanged {
			out = append(out, changesOf(r, m.kinds[c.Kind])...)
		}
	}
	return out, nil
}

// changesOf reads the ranges from a row "check changed": before and after, by metric, without those that
// are the kind's own.
func changesOf(r journal.Row, kind probe.Builtin) []ThresholdChange {
	changes, _ := r.Fields["changes"].(map[string]any)
	var out []ThresholdChange
	for _, side := range []string{"warn", "crit"} {
		pair, _ := changes[side].([]any)
		if len(pair) != 2 {
			continue
		}
		before, _ := pair[0].(map[string]any)
		after, _ := pair[1].(map[string]any)
		for _, t := range kind.Thresholds {
			own := t.Warn
			if side == "crit" {
				own = t.Crit
			}
			was, is := textOr(before, t.Metric, own), textOr(after, t.Metric, own)
			if was == is {
				continue
			}
			out = append(out, ThresholdChange{
				Seq: r.Seq, At: r.At, Actor: r.Actor, Reason: r.Private["reason"], Metric: t.Metric, Side: side, Before: was, After: is,
			})
		}
	}
	slices.SortStableFunc(out, func(a, b ThresholdChange) int { return strings.Compare(a.Metric, b.Metric) })
	return out
}

func textOr(m map[string]any, key, otherwise string) string {
	if s, ok := m[key].(string); ok {
		return s
	}
	return otherwise
}
