package inspect

import (
	"context"
	"time"
	"unicode/utf8"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/approval"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// MatterNotApplicable is the kind of decision that takes a check out of the inspection.
const MatterNotApplicable = "inspect.not_applicable"

// sweepEvery is how often exemptions whose last day is over are ended.
const sweepEvery = time.Minute

// Approvals has somebody decide.
type Approvals interface {
	Propose(ctx context.Context, tx *store.Tx, p approval.Proposal) (approval.Request, error)
}

// Matters are the kinds of decisions that this module asks for.
func (m *Module) Matters() []approval.Kind {
	return []approval.Kind{{
		Name: MatterNotApplicable, TitleZH: "检查项不适用", TitleEN: "Check not applicable", Execute: m.exempt, Drop: m.doNotExempt,
	}}
}

// ProposeExemption asks to have a check, or all checks of its kind on its asset, taken out of the
// inspection. Until somebody decides they are inspected as before and shown apart.
func (m *Module) ProposeExemption(ctx context.Context, scope store.Scope, n NewExemption) (Exemption, error) {
	if m.approvals == nil {
		return Exemption{}, problem.New(problem.NotPossibleInState, "nobody decides here")
	}
	if l := utf8.RuneCountInString(n.Reason); l < 2 || l > 500 {
		return Exemption{}, problem.InvalidField("body.reason", "required", "2 to 500 characters")
	}
	until, err := untilOf(n.Until, m.clock.Now())
	if err != nil {
		return Exemption{}, err
	}
	var out Exemption
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, err := findCheck(ctx, tx, scope, n.CheckID)
		if problem.CodeOf(err) == problem.NotFound {
			return problem.InvalidField("body.check_id", "unknown", "no check with this id")
		}
		if err != nil {
			return err
		}
		out = Exemption{
			AssetID: c.AssetID, AssetName: c.AssetName, Kind: c.Kind, CheckID: c.ID, TitleZH: c.TitleZH, TitleEN: c.TitleEN,
			Target: c.Target, Reason: n.Reason, UntilAt: until, State: exemptionMachine().Initial,
			ProposedBy: api.CallerFrom(ctx).AccountID, ProposedAt: store.At(tx.Now()), AreaPath: c.AreaPath, SystemID: c.SystemID, Version: 1,
		}
		subject := approval.Proposal{
			Kind: MatterNotApplicable, SubjectKind: subjectCheck, SubjectID: c.ID, Href: "/inspect/checks/" + c.ID, Reason: n.Reason,
			TitleZH: "不适用：" + c.AssetName + " · " + c.TitleZH, TitleEN: "Not applicable: " + c.AssetName + " · " + c.TitleEN,
			AreaPath: c.AreaPath, SystemID: c.SystemID,
		}
		if c.Target != "" && !n.WholeKind {
			subject.TitleZH, subject.TitleEN = subject.TitleZH+" "+c.Target, subject.TitleEN+" "+c.Target
		}
		if n.WholeKind {
			out.CheckID, out.Target = "", ""
			subject.SubjectKind, subject.SubjectID = "inspect.kind_on_asset", c.AssetID+"/"+c.Kind
			subject.TitleZH, subject.TitleEN = subject.TitleZH+"（该类全部）", subject.TitleEN+" (all of the kind)"
		}
		if n.Until != "" {
			subject.TitleZH, subject.TitleEN = subject.TitleZH+"，至 "+n.Until, subject.TitleEN+", until "+n.Until
		}
		live, err := liveExemptions(ctx, tx, c.AssetID, c.Kind)
		if err != nil {
			return err
		}
		for _, e := range live {
			if e.covers(c) && (e.CheckID == "" || e.CheckID == out.CheckID) {
				return problem.New(problem.Conflict, "this is not applicable already, or waits for a decision")
			}
		}
		if out.ID, err = newID(); err != nil {
			return err
		}
		asked, err := m.approvals.Propose(ctx, tx, subject)
		if err != nil {
			return err
		}
		out.RequestID = asked.ID
		if _, err := tx.NewInsert().Model(&out).Exec(ctx); err != nil {
			return err
		}
		if err := m.noteExemption(ctx, tx, TypeExemptionProposed, &out, map[string]any{"reason": n.Reason, "request": asked.Number}); err != nil {
			return err
		}
		_, err = markChecks(ctx, tx, c.AssetID, c.Kind)
		return err
	})
	return out, err
}

func (m *Module) noteExemption(ctx context.Context, tx *store.Tx, typ string, e *Exemption, fields map[string]any) error {
	fields["asset"], fields["kind"], fields["whole_kind"] = e.AssetName, e.Kind, e.CheckID == ""
	if e.CheckID != "" {
		fields["check_id"], fields["target"] = e.CheckID, e.Target
	}
	if !e.UntilAt.IsZero() {
		fields["until"] = e.UntilAt.Time
	}
	return m.note(ctx, tx, typ, subjectExemption, e.ID, e.AreaPath, e.SystemID, fields)
}

// exempt carries out an approved request: the checks are planned no more, and what was found by them is
// closed, since no result will close it.
func (m *Module) exempt(ctx context.Context, tx *store.Tx, r approval.Request) error {
	e, err := exemptionOf(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	if !e.UntilAt.IsZero() && !e.UntilAt.After(tx.Now()) {
		return problem.New(problem.NotPossibleInState, "the day until which it was to hold is over: decline it")
	}
	if e.State, err = exemptionMachine().Next(e.State, grant); err != nil {
		return err
	}
	e.DecidedAt = store.At(tx.Now())
	if err := saveExemption(ctx, tx, e); err != nil {
		return err
	}
	if err := m.noteExemption(ctx, tx, TypeExemptionGranted, e, map[string]any{"request": r.Number}); err != nil {
		return err
	}
	changed, err := markChecks(ctx, tx, e.AssetID, e.Kind)
	if err != nil || len(changed) == 0 {
		return err
	}
	ids := make([]string, len(changed))
	for i, c := range changed {
		ids[i] = c.ID
	}
	active, err := holdActive(ctx, tx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		f := active[id]
		if f == nil {
			continue
		}
		if f.State, err = findingMachine().Next(f.State, waived); err != nil {
			return err
		}
		f.Active, f.ClosedAt = 0, store.At(tx.Now())
		if err := saveFinding(ctx, tx, f); err != nil {
			return err
		}
		if err := m.noteFinding(ctx, tx, TypeFindingWaived, f, map[string]any{"request": r.Number}); err != nil {
			return err
		}
	}
	return nil
}

// doNotExempt follows a request that was declined or withdrawn.
func (m *Module) doNotExempt(ctx context.Context, tx *store.Tx, r approval.Request) error {
	e, err := exemptionOf(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	if e.State, err = exemptionMachine().Next(e.State, refuse); err != nil {
		return err
	}
	e.DecidedAt = store.At(tx.Now())
	if err := saveExemption(ctx, tx, e); err != nil {
		return err
	}
	_, err = markChecks(ctx, tx, e.AssetID, e.Kind)
	return err
}

// EndExemption has the check inspected again from the next round on. To inspect more needs no decision.
func (m *Module) EndExemption(ctx context.Context, scope store.Scope, id, reason string, version int64) (Exemption, error) {
	var out Exemption
	err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		e, err := findExemption(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if e.Version != version {
			return problem.New(problem.Stale, "the exemption is at version %d", e.Version)
		}
		err = m.endExemption(ctx, tx, e, reason)
		out = *e
		return err
	})
	return out, err
}

func (m *Module) endExemption(ctx context.Context, tx *store.Tx, e *Exemption, reason string) error {
	var err error
	if e.State, err = exemptionMachine().Next(e.State, end); err != nil {
		return err
	}
	e.EndedAt, e.EndReason = store.At(tx.Now()), reason
	if err := saveExemption(ctx, tx, e); err != nil {
		return err
	}
	if err := m.noteExemption(ctx, tx, TypeExemptionEnded, e, map[string]any{"reason": reason}); err != nil {
		return err
	}
	_, err = markChecks(ctx, tx, e.AssetID, e.Kind)
	return err
}

// sweepExemptions ends exemptions whose last day is over.
func (m *Module) sweepExemptions(ctx context.Context) {
	lifecycle.Every(ctx, sweepEvery, func(ctx context.Context) {
		if err := m.EndOverdue(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "exemptions not ended", "error", err)
		}
	})
}

// EndOverdue ends the exemptions whose last day is over.
func (m *Module) EndOverdue(ctx context.Context) error {
	ctx = journal.WithActor(ctx, journal.SystemActor("inspect"))
	ids, err := overdueExemptions(ctx, m.db.Read(), m.clock.Now())
	if err != nil {
		return err
	}
	for _, id := range ids {
		err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
			e, err := findExemption(ctx, tx, store.Everything(), id)
			if err != nil || e.State != ExemptionActive {
				return err // another server was first
			}
			return m.endExemption(ctx, tx, e, "期限已到")
		})
		if err != nil && problem.CodeOf(err) != problem.Stale {
			return err
		}
	}
	return nil
}
