package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// mostAtOnce bounds the assets of one bulk change.
const mostAtOnce = 500

// Bulk is one change of many assets: what it does not name stays as it is.
type Bulk struct {
	IDs                []string
	SetLabels          map[string]string
	DropLabels         []string
	Values             map[string]string // of the profile, by name
	AreaPath, SystemID *string
}

// UpdateMany makes one change on many assets, all of them or none, and returns how many differ now.
func (m *Module) UpdateMany(ctx context.Context, scope store.Scope, b Bulk) (changed int, err error) {
	if len(b.IDs) == 0 || len(b.IDs) > mostAtOnce {
		return 0, problem.InvalidField("body.ids", "out_of_range", "1 to %d assets", mostAtOnce)
	}
	if b.Values["hostname"] != "" || b.Values["address"] != "" || b.Values["serial"] != "" {
		return 0, problem.InvalidField("body.values", "not_possible", "host name, address and serial number are each asset's own")
	}
	ids := slices.Clone(b.IDs)
	slices.Sort(ids) // one order, so that two bulk changes do not wait for each other in a circle
	err = m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		changed = 0
		for i, id := range slices.Compact(ids) {
			a, err := find(ctx, tx, scope, id)
			if err != nil {
				return fmt.Errorf("asset %d of the change: %w", i+1, err)
			}
			if a.State != Active {
				return problem.New(problem.NotPossibleInState, "%s %s is retired", a.Number, a.Name)
			}
			labels := maps.Clone(a.Labels)
			if labels == nil {
				labels = map[string]string{}
			}
			maps.Copy(labels, b.SetLabels)
			for _, k := range b.DropLabels {
				delete(labels, k)
			}
			was := a.Version
			done, err := m.UpdateIn(ctx, tx, scope, id, Change{
				AreaPath: b.AreaPath, SystemID: b.SystemID, Set: b.Values, Labels: &labels, Version: a.Version,
			}, "")
			if err != nil {
				return err
			}
			if done.Version != was {
				changed++
			}
		}
		return nil
	})
	return changed, err
}

// Step is one row of an asset's history.
type Step struct {
	Seq                int64
	Row                journal.Row
	ActorKind, ActorID string
	ActorName          string
	Changes            []ValueChange
}

// ValueChange is one value before and after.
type ValueChange struct {
	Name          string
	Before, After any
}

// mostSteps bounds the history that is shown.
const mostSteps = 300

// History reads what happened to an asset, the latest first, each change with its values before and after.
func (m *Module) History(ctx context.Context, scope store.Scope, id string) ([]Step, error) {
	if _, err := find(ctx, m.db.Read(), scope, id); err != nil {
		return nil, err
	}
	rows, err := m.timeline.SubjectRows(ctx, journal.Subject{Kind: subject, ID: id}, mostSteps)
	if err != nil {
		return nil, err
	}
	var people []string
	for _, r := range rows {
		if r.Actor.Kind == journal.AccountActor {
			people = append(people, r.Actor.ID)
		}
	}
	slices.Sort(people)
	names, err := m.people.Names(ctx, slices.Compact(people))
	if err != nil {
		return nil, err
	}
	out := make([]Step, 0, len(rows))
	for _, r := range slices.Backward(rows) {
		out = append(out, Step{
			Seq: r.Seq, Row: r, ActorKind: r.Actor.Kind, ActorID: r.Actor.ID, ActorName: names[r.Actor.ID], Changes: changesOf(r),
		})
	}
	return out, nil
}

// changesOf reads the values of a row: personal ones stand beside it.
func changesOf(r journal.Row) []ValueChange {
	out := []ValueChange{}
	changes, _ := r.Fields["changes"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		c := ValueChange{Name: name}
		if pair, ok := changes[name].([]any); ok && len(pair) == 2 {
			c.Before, c.After = pair[0], pair[1]
		} else {
			c.Before, c.After = r.Private[name+"_before"], r.Private[name+"_after"]
		}
		out = append(out, c)
	}
	if given, ok := r.Fields["given"].(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(given)) {
			out = append(out, ValueChange{Name: name, After: given[name]})
		}
	}
	return out
}
