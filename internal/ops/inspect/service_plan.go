package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// The plan that every machine gets.
const (
	defaultPlanName     = "本机巡检"
	defaultPlanInterval = 5 * time.Minute
)

// CodeAlreadyRunning says that a round of the plan is under way.
const CodeAlreadyRunning problem.Code = "already_running"

// NewPlan is what a person asks for.
type NewPlan struct {
	Name               string
	IntervalSeconds    int64
	Classes            []string
	AreaPath, SystemID string
}

// PlanChange is what a person changes; nil leaves a field as it is.
type PlanChange struct {
	Name            *string
	IntervalSeconds *int64
	Enabled         *bool
	Classes         *[]string
	Version         int64
}

// ensurePlan makes the default plan of a machine when it has none of that kind.
func (m *Module) ensurePlan(ctx context.Context, host Asset) error {
	err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		origin := "default:" + host.ID
		n, err := tx.NewSelect().Model((*Plan)(nil)).Where("origin = ?", origin).Count(ctx)
		if err != nil || n > 0 {
			return err
		}
		p := &Plan{
			Name: defaultPlanName, IntervalSeconds: int64(defaultPlanInterval / time.Second), Classes: classWords(),
			HostID: host.ID, AreaPath: host.AreaPath, Origin: origin,
		}
		return m.insertPlan(ctx, tx, p)
	})
	if store.Unique(err) {
		return nil // another server of this machine was first
	}
	return err
}

func (m *Module) insertPlan(ctx context.Context, tx *store.Tx, p *Plan) error {
	var err error
	if p.ID, err = newID(); err != nil {
		return err
	}
	now := store.At(tx.Now())
	p.Enabled, p.Version, p.CreatedAt, p.UpdatedAt, p.NextDueAt = 1, 1, now, now, now
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	return m.note(ctx, tx, TypePlanCreated, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
		"name": p.Name, "interval_seconds": p.IntervalSeconds, "classes": p.Classes,
	})
}

// CreatePlan makes a plan for the machine of this server; its first round is due at once.
func (m *Module) CreatePlan(ctx context.Context, scope store.Scope, n NewPlan) (Plan, error) {
	if err := checkPlan(n.Name, n.IntervalSeconds, n.Classes); err != nil {
		return Plan{}, err
	}
	if err := m.places.Place(ctx, "body", n.AreaPath, n.SystemID); err != nil {
		return Plan{}, err
	}
	if !scope.Covers(n.AreaPath, n.SystemID) {
		return Plan{}, problem.New(problem.Forbidden, "not allowed in area %s", n.AreaPath)
	}
	host, err := m.assets.Local(ctx)
	if err != nil {
		return Plan{}, err
	}
	p := &Plan{
		Name: n.Name, IntervalSeconds: n.IntervalSeconds, Classes: n.Classes,
		HostID: host.ID, AreaPath: n.AreaPath, SystemID: n.SystemID,
	}
	if err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return m.insertPlan(ctx, tx, p) }); err != nil {
		return Plan{}, err
	}
	m.engine.wake()
	return *p, nil
}

// ChangePlan changes a plan. A plan that gets another interval or is switched on is due at once.
func (m *Module) ChangePlan(ctx context.Context, scope store.Scope, id string, c PlanChange) (Plan, error) {
	var out Plan
	err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := findPlan(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if p.Version != c.Version {
			return problem.New(problem.Stale, "the plan is at version %d", p.Version)
		}
		changed := map[string]any{}
		if c.Name != nil && *c.Name != p.Name {
			changed["name"], p.Name = []any{p.Name, *c.Name}, *c.Name
		}
		if c.IntervalSeconds != nil && *c.IntervalSeconds != p.IntervalSeconds {
			changed["interval_seconds"], p.IntervalSeconds = []any{p.IntervalSeconds, *c.IntervalSeconds}, *c.IntervalSeconds
			p.NextDueAt = store.At(tx.Now())
		}
		if c.Enabled != nil && *c.Enabled != (p.Enabled == 1) {
			changed["enabled"], p.Enabled = []any{p.Enabled == 1, *c.Enabled}, bit(*c.Enabled)
			p.NextDueAt = store.At(tx.Now())
		}
		if c.Classes != nil && !slices.Equal(*c.Classes, p.Classes) {
			changed["classes"], p.Classes = []any{p.Classes, *c.Classes}, *c.Classes
		}
		if err := checkPlan(p.Name, p.IntervalSeconds, p.Classes); err != nil {
			return err
		}
		if out = *p; len(changed) == 0 {
			return nil
		}
		p.Version++
		p.UpdatedAt = store.At(tx.Now())
		// last_round_id belongs to the scheduler.
		res, err := tx.NewUpdate().Model(p).Column("name", "interval_seconds", "enabled", "classes", "next_due_at", "updated_at", "version").
			WherePK().Where("version = ?", c.Version).Exec(ctx)
		if err := stale(res, err, "plan"); err != nil {
			return err
		}
		out = *p
		return m.note(ctx, tx, TypePlanChanged, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
			"name": p.Name, "changes": changed,
		})
	})
	if err == nil {
		m.engine.wake()
	}
	return out, err
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

// reschedule gives a plan a new beginning after the clock was set back.
func (m *Module) reschedule(ctx context.Context, p *Plan, s slots) error {
	return m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		moved, err := advance(ctx, tx, p, store.At(s.next), "")
		if err != nil || !moved {
			return err
		}
		return m.note(ctx, tx, TypePlanRescheduled, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
			"name": p.Name, "was_due_at": s.instead, "due_at": s.next,
		})
	})
}

// take makes the round that is due, with all its items, and moves the plan to its next slot, in one
// transaction. It returns no round when another server was first, or when one of this plan still runs:
// then the slot waits for its end, and only those that pass meanwhile are lost.
func (m *Module) take(ctx context.Context, p *Plan, s slots, how, gapReason, owner string, lease time.Duration) (out *Round, busy bool, err error) {
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		out = nil
		var err error
		if busy, err = isBusy(ctx, tx, p.ID); err != nil || busy {
			return err
		}
		r, checks, err := m.plannedRound(ctx, tx, p, how)
		if err != nil {
			return err
		}
		r.DueAt, r.Owner = store.At(s.slot), owner
		moved, err := advance(ctx, tx, p, store.At(s.next), r.ID)
		if err != nil || !moved {
			return err
		}
		if s.missed > 0 {
			if err := m.noteGap(ctx, tx, p, s.from, s.slot, s.missed, gapReason); err != nil {
				return err
			}
		}
		if err := m.insertRound(ctx, tx, r, checks, lease); err != nil {
			return err
		}
		out = r
		return nil
	})
	if store.Unique(err) {
		return nil, true, nil // another server began a round of this plan at this moment
	}
	return out, busy, err
}

// RunNow starts a round of a plan; it waits for the server of the plan's machine to take it.
func (m *Module) RunNow(ctx context.Context, scope store.Scope, planID, accountID string) (Round, error) {
	busyNow := problem.New(CodeAlreadyRunning, "a round of this plan is under way")
	var out Round
	err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := findPlan(ctx, tx, scope, planID)
		if err != nil {
			return err
		}
		busy, err := isBusy(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if busy {
			return busyNow
		}
		r, checks, err := m.plannedRound(ctx, tx, p, byHand)
		if err != nil {
			return err
		}
		r.StartedBy = accountID
		if _, err := tx.NewUpdate().Model((*Plan)(nil)).Set("last_round_id = ?", r.ID).Where("id = ?", p.ID).Exec(ctx); err != nil {
			return fmt.Errorf("store plan: %w", err)
		}
		if err := m.insertRound(ctx, tx, r, checks, m.engine.lease); err != nil {
			if store.Unique(err) {
				return busyNow.With(err)
			}
			return err
		}
		out = *r
		return nil
	})
	if err == nil {
		m.engine.wake()
	}
	return out, err
}

func isBusy(ctx context.Context, tx *store.Tx, planID string) (bool, error) {
	n, err := tx.NewSelect().Model((*Round)(nil)).Where("plan_id = ?", planID).Where("state = ?", roundRunning).Count(ctx)
	if err != nil {
		return false, fmt.Errorf("rounds under way: %w", err)
	}
	return n > 0, nil
}

// plannedRound makes a round of a plan, not stored yet, and names its checks.
func (m *Module) plannedRound(ctx context.Context, tx *store.Tx, p *Plan, how string) (*Round, []*Check, error) {
	checks, err := checksOf(ctx, tx, p)
	if err != nil {
		return nil, nil, err
	}
	now := store.At(tx.Now())
	r := &Round{
		PlanID: p.ID, PlanName: p.Name, HostID: p.HostID, StartedHow: how, State: roundRunning,
		DueAt: now, StartedAt: now, Planned: int64(len(checks)), AreaPath: p.AreaPath, SystemID: p.SystemID,
	}
	r.ID, err = newID()
	return r, checks, err
}

func (m *Module) insertRound(ctx context.Context, tx *store.Tx, r *Round, checks []*Check, lease time.Duration) error {
	var err error
	if r.Number, err = store.NextNumber(ctx, tx, "RND"); err != nil {
		return err
	}
	if err := insertRound(ctx, tx, r, checks, lease.Microseconds()); err != nil {
		return err
	}
	return m.note(ctx, tx, TypeRoundStarted, subjectRound, r.ID, r.AreaPath, r.SystemID, map[string]any{
		"number": r.Number, "plan": r.PlanName, "trigger": r.StartedHow, "planned": r.Planned,
	})
}

func (m *Module) noteGap(ctx context.Context, tx *store.Tx, p *Plan, from, to time.Time, missed int64, reason string) error {
	id, err := newID()
	if err != nil {
		return err
	}
	g := &Gap{
		ID: id, PlanID: p.ID, FromAt: store.At(from), ToAt: store.At(to), MissedRounds: missed, Reason: reason,
		NotedAt: store.At(tx.Now()), AreaPath: p.AreaPath, SystemID: p.SystemID,
	}
	if _, err := tx.NewInsert().Model(g).Exec(ctx); err != nil {
		return fmt.Errorf("store gap: %w", err)
	}
	return m.note(ctx, tx, TypeRoundGap, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
		"plan": p.Name, "from": from, "to": to, "missed_rounds": missed, "reason": reason,
	})
}

// finish closes a round and writes its closing row; nothing happens when it is closed already.
func (m *Module) finish(ctx context.Context, r *Round, e ending) error {
	return m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		done, err := closeRound(ctx, tx, r, e)
		if err != nil || done == nil {
			return err
		}
		fields := map[string]any{
			"number": done.Number, "plan": done.PlanName, "planned": done.Planned, "ran": done.Ran, "missed": done.Missed,
			"worst_state": done.WorstState, "ok": done.OK, "warning": done.Warning, "critical": done.Critical,
			"unknown": done.Unknown, "no_source": done.NoSource, "tree_root": done.TreeRoot,
		}
		if done.MissedReason != "" {
			fields["missed_reason"] = done.MissedReason
		}
		return m.note(ctx, tx, TypeRoundFinished, subjectRound, done.ID, done.AreaPath, done.SystemID, fields)
	})
}
