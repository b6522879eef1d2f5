package intake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// CodePreviewStale says that what would be applied is no longer what was previewed.
const CodePreviewStale problem.Code = "preview_stale"

// Application is what a person applies.
type Application struct {
	Digest        string // of the preview that they saw
	SkipConflicts bool   // conflicts are left out; otherwise a run with conflicts is refused
	Version       int64
	// LeaveLines and LeaveParts are rows and parts that the person does not take; a part goes with its row.
	LeaveLines []int
	LeaveParts []string
	// OnlyExact leaves out what stands only nearly for what it comes from.
	OnlyExact bool
}

func (a Application) leaves(p Part) bool {
	return a.OnlyExact && p.Fidelity == Near && p.Kind == PartCheck || slices.Contains(a.LeaveParts, p.ID) || p.Line > 0 && slices.Contains(a.LeaveLines, p.Line)
}

// Apply makes all that the preview said, in one transaction.
func (m *Module) Apply(ctx context.Context, scope store.Scope, id string, a Application) (Run, error) {
	var out Run
	err := m.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := lockRuns(ctx, tx); err != nil {
			return err
		}
		r, table, err := m.open(ctx, tx, scope, id, a.Version)
		if err != nil {
			return err
		}
		p, err := m.preview(ctx, scope, r, table)
		if err != nil {
			return err
		}
		if p.Digest != a.Digest {
			return problem.New(CodePreviewStale, "the register changed since the preview: look at it again")
		}
		if n := p.Counts[Conflict]; n > 0 && !a.SkipConflicts {
			return problem.InvalidField("body.skip_conflicts", "conflicts", "%d rows are conflicts: mend them, or leave them out", n)
		}
		rows := slices.Clone(p.Rows)
		rows = slices.DeleteFunc(rows, func(row Row) bool { return len(a.LeaveLines) > 0 && slices.Contains(a.LeaveLines, row.Line) })
		if len(rows) < len(p.Rows) && r.Source == SourceAssets {
			return problem.InvalidField("body.leave_lines", "not_possible", "rows of a list of assets are left out by taking them out of the list")
		}
		steps, assets, err := m.carryOut(ctx, tx, scope, r, rows)
		if err != nil {
			return err
		}
		if err := putSteps(ctx, tx, steps); err != nil {
			return err
		}
		parts, err := m.carryParts(ctx, tx, scope, r, p.Parts, assets, a.leaves)
		if err != nil {
			return err
		}
		if err := putParts(ctx, tx, parts); err != nil {
			return err
		}
		if r.State, err = runMachine().Next(r.State, apply); err != nil {
			return err
		}
		for _, s := range parts {
			p.Counts["added_"+s.Kind]++
			if s.Off != "" {
				p.Counts["off_"+s.Kind]++
			}
		}
		r.Counts, r.AppliedBy, r.AppliedAt, r.Content = p.Counts, api.CallerFrom(ctx).AccountID, store.At(tx.Now()), nil
		if err := saveRun(ctx, tx, r); err != nil {
			return err
		}
		if err := remember(ctx, tx, &remembered{
			Fingerprint: r.Fingerprint, Source: r.Source, Mapping: r.Mapping, Defaults: r.Defaults, UpdatedAt: store.At(tx.Now()),
		}); err != nil {
			return err
		}
		counts := map[string]any{}
		for o, n := range r.Counts {
			counts[o] = n
		}
		out = *r
		return m.note(ctx, tx, TypeApplied, r, map[string]any{"sha256": r.SHA256, "counts": counts})
	})
	return out, err
}

// carryOut adds and changes assets, hosts before the components that lie on them.
func (m *Module) carryOut(ctx context.Context, tx *store.Tx, scope store.Scope, r *Run, rows []Row) (steps []Step, assets map[int]string, err error) {
	made := map[int]string{}  // ids of assets by the row that made them, or is them
	assets = map[int]string{} // and by its line
	for _, components := range []bool{false, true} {
		for i := range rows {
			row := &rows[i]
			if (row.kind == kindComponent) != components || row.Outcome == Conflict {
				continue
			}
			if row.known != nil {
				made[i], assets[row.Line] = row.known.ID, row.known.ID
			}
			if row.Outcome == Same {
				continue
			}
			step, err := m.carryRow(ctx, tx, scope, r, row, made)
			if err != nil {
				return nil, nil, atRow(row.Line, err)
			}
			made[i], assets[row.Line] = step.AssetID, step.AssetID
			step.RunID, step.Seq, step.Line = r.ID, len(steps), row.Line
			steps = append(steps, step)
		}
	}
	return steps, assets, nil
}

// atRow says in which row something was refused.
func atRow(line int, err error) error {
	var p *problem.Error
	if !errors.As(err, &p) {
		return fmt.Errorf("row %d: %w", line, err)
	}
	q := *p
	q.Detail = fmt.Sprintf("row %d: %s", line, p.Detail)
	return &q
}

func (m *Module) carryRow(ctx context.Context, tx *store.Tx, scope store.Scope, r *Run, row *Row, made map[int]string) (Step, error) {
	if row.parentRow >= 0 {
		row.parentID = made[row.parentRow]
	}
	if row.known == nil {
		a, err := m.Register.Add(ctx, tx, scope, r.Number, NewAsset{
			Kind: row.kind, Name: row.Name, ParentID: row.parentID, AreaPath: row.areaPath, SystemID: row.systemID,
			Values: row.values, Labels: row.labels,
		})
		return Step{AssetID: a.ID, Number: a.Number, Name: a.Name, Added: 1, After: a.Version, Before: Was{Labels: map[string]string{}}}, err
	}
	k := row.known
	was := Was{Name: k.Name, AreaPath: k.AreaPath, SystemID: k.SystemID, ParentID: k.ParentID, Values: map[string]string{}, Labels: k.Labels}
	c := AssetChange{Values: map[string]string{}, Version: k.Version}
	labels := maps.Clone(k.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for _, d := range row.Changes {
		switch {
		case d.Field == fieldName:
			c.Name = &d.After
		case d.Field == fieldArea:
			c.AreaPath = &d.After
		case d.Field == fieldSystem:
			c.SystemID = &d.After
		case d.Field == fieldParent:
			c.ParentID = &d.After
		case strings.HasPrefix(d.Field, labelPrefix):
			labels[strings.TrimPrefix(d.Field, labelPrefix)] = d.After
			c.Labels = &labels
		default:
			was.Values[d.Field], c.Values[d.Field] = d.Before, d.After
		}
	}
	a, err := m.Register.Change(ctx, tx, scope, r.Number, k.ID, c)
	return Step{AssetID: k.ID, Number: k.Number, Name: a.Name, After: a.Version, Before: was}, err
}

// Undo puts back what a run changed and retires what it added, the last step first. Assets that somebody
// changed since are left, and their steps say why.
func (m *Module) Undo(ctx context.Context, scope store.Scope, id, reason string, version int64) (out Run, left []Step, err error) {
	err = m.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		left = nil
		if err := lockRuns(ctx, tx); err != nil {
			return err
		}
		r, err := m.at(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		if r.State, err = runMachine().Next(r.State, undo); err != nil {
			return err
		}
		steps, err := stepsOf(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		gone, kept, held, err := m.undoParts(ctx, tx, r)
		if err != nil {
			return err
		}
		// What is there now, read before anything changes: a refusal within the transaction would end it.
		known, err := m.Register.Known(ctx, scope)
		if err != nil {
			return err
		}
		now := map[string]*Known{}
		lying := map[string]int{}
		for i := range known {
			now[known[i].ID] = &known[i]
			lying[known[i].ParentID]++
		}
		for _, s := range slices.Backward(steps) {
			if s.Left = leave(&s, now, lying); s.Left == "" && s.Added == 1 && held[s.AssetID] {
				s.Left = "in_use"
			}
			if s.Left != "" {
				left = append(left, s)
				if err := noteLeft(ctx, tx, &s); err != nil {
					return err
				}
				continue
			}
			if err := m.putBack(ctx, tx, scope, r, &s); err != nil {
				return atRow(s.Line, err)
			}
			if s.Added == 1 {
				lying[now[s.AssetID].ParentID]--
			}
		}
		r.UndoneBy, r.UndoneAt = api.CallerFrom(ctx).AccountID, store.At(tx.Now())
		if err := saveRun(ctx, tx, r); err != nil {
			return err
		}
		out = *r
		return m.note(ctx, tx, TypeUndone, r, map[string]any{
			"put_back": len(steps) - len(left) + gone, "left": len(left) + len(kept), "reason": reason,
		})
	})
	return out, left, err
}

// leave says why a step cannot be undone, "" when it can.
func leave(s *Step, now map[string]*Known, lying map[string]int) string {
	a := now[s.AssetID]
	switch {
	case a == nil:
		return "gone"
	case a.Version != s.After:
		return "changed"
	case s.Added == 1 && a.Self:
		return "self"
	case s.Added == 1 && lying[a.ID] > 0:
		return "in_use"
	}
	return ""
}

func (m *Module) putBack(ctx context.Context, tx *store.Tx, scope store.Scope, r *Run, s *Step) error {
	if s.Added == 1 {
		return m.Register.Retire(ctx, tx, scope, s.AssetID, "撤销导入 "+r.Number, s.After)
	}
	labels := s.Before.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	c := AssetChange{Name: &s.Before.Name, AreaPath: &s.Before.AreaPath, SystemID: &s.Before.SystemID, Values: s.Before.Values, Labels: &labels, Version: s.After}
	if s.Before.ParentID != "" {
		c.ParentID = &s.Before.ParentID
	}
	_, err := m.Register.Change(ctx, tx, scope, r.Number, s.AssetID, c)
	return err
}
