package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/schedule"
)

// The plan that every machine gets.
const (
	defaultPlanName     = "本机巡检"
	defaultPlanNameEN   = "This machine"
	defaultPlanInterval = 5 * time.Minute
)

// planNameEN names a plan in English. People give their plans one name, whatever language they read.
func planNameEN(name string) string {
	if name == defaultPlanName {
		return defaultPlanNameEN
	}
	return name
}

// CodeAlreadyRunning says that a round of the plan is under way.
const CodeAlreadyRunning problem.Code = "already_running"

// NewPlan is what a person asks for.
type NewPlan struct {
	Name               string
	IntervalSeconds    int64
	Classes            []string
	Timing             Timing
	Selector           Selector
	AreaPath, SystemID string
}

// PlanChange is what a person changes; nil leaves a field as it is.
type PlanChange struct {
	Name            *string
	IntervalSeconds *int64
	Enabled         *bool
	Classes         *[]string
	Timing          *Timing
	Selector        *Selector
	Version         int64
}

// ensurePlan makes the default plan of a machine when it has none of that kind.
func (m *Module) ensurePlan(ctx context.Context, host Asset) error {
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return err
	}
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		origin := "default:" + host.ID
		n, err := tx.NewSelect().Model((*Plan)(nil)).Where("origin = ?", origin).Count(ctx)
		if err != nil || n > 0 {
			return err
		}
		p := &Plan{
			Name: defaultPlanName, IntervalSeconds: int64(defaultPlanInterval / time.Second), Classes: classWords(),
			HostID: host.ID, AreaPath: host.AreaPath, Origin: origin,
		}
		return m.insertPlan(ctx, tx, c, p)
	})
	if store.Unique(err) {
		return nil // another server of this machine was first
	}
	return err
}

func (m *Module) insertPlan(ctx context.Context, tx *store.Tx, c *calendar.Calendar, p *Plan) error {
	var err error
	if p.ID, err = newID(); err != nil {
		return err
	}
	now := store.At(tx.Now())
	p.Enabled, p.Version, p.CreatedAt, p.UpdatedAt = 1, 1, now, now
	p.NextDueAt, p.CalendarRevision = store.At(p.first(c, now.Time)), c.Revision
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	return m.note(ctx, tx, TypePlanCreated, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
		"name": p.Name, "interval_seconds": p.IntervalSeconds, "classes": p.Classes,
		"timing": p.Timing.text(p.IntervalSeconds), "selector": p.Selector.text(p.Classes),
	})
}

// newPlan makes a plan as a person asks for it, for the machine of this server, not stored yet.
func (m *Module) newPlan(ctx context.Context, scope store.Scope, n NewPlan) (*Plan, error) {
	p, err := m.shapePlan(ctx, scope, n)
	if err != nil {
		return nil, err
	}
	host, err := m.assets.Local(ctx)
	if err != nil {
		return nil, err
	}
	p.HostID = host.ID
	return p, nil
}

// shapePlan makes a plan that belongs to no machine yet. It only reads.
func (m *Module) shapePlan(ctx context.Context, scope store.Scope, n NewPlan) (*Plan, error) {
	p := &Plan{
		Name: n.Name, IntervalSeconds: n.IntervalSeconds, Classes: n.Classes, Timing: n.Timing.filled(), Selector: n.Selector.filled(),
		AreaPath: n.AreaPath, SystemID: n.SystemID,
	}
	if p.Classes == nil {
		p.Classes = []string{}
	}
	if err := checkPlan(p, m.kinds); err != nil {
		return nil, err
	}
	if err := m.places.Place(ctx, "body", n.AreaPath, n.SystemID); err != nil {
		return nil, err
	}
	if !scope.Covers(n.AreaPath, n.SystemID) {
		return nil, problem.New(problem.Forbidden, "not allowed in area %s", n.AreaPath)
	}
	return p, nil
}

// CreatePlan makes a plan for the machine of this server; its first round is due at its first slot,
// for an interval at once.
func (m *Module) CreatePlan(ctx context.Context, scope store.Scope, n NewPlan) (Plan, error) {
	p, err := m.newPlan(ctx, scope, n)
	if err != nil {
		return Plan{}, err
	}
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return Plan{}, err
	}
	if err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return m.insertPlan(ctx, tx, c, p) }); err != nil {
		return Plan{}, err
	}
	m.engine.wake()
	return *p, nil
}

// Preview is what a plan would do.
type Preview struct {
	Slots   []schedule.Slot
	Checks  int
	Assets  int
	Missing []int // years whose workdays matter and are not known
}

// previewed is how many slots are shown ahead.
const previewed = 10

// PreviewPlan tells what a plan would do, without making it.
func (m *Module) PreviewPlan(ctx context.Context, scope store.Scope, n NewPlan) (Preview, error) {
	p, err := m.newPlan(ctx, scope, n)
	if err != nil {
		return Preview{}, err
	}
	return m.preview(ctx, p, time.Time{})
}

// PlanAhead tells the next slots of a plan.
func (m *Module) PlanAhead(ctx context.Context, scope store.Scope, id string) (Preview, error) {
	p, err := findPlan(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Preview{}, err
	}
	return m.preview(ctx, p, p.NextDueAt.Time)
}

func (m *Module) preview(ctx context.Context, p *Plan, from time.Time) (Preview, error) {
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return Preview{}, err
	}
	checks, err := checksOf(ctx, m.db.Read(), p)
	if err != nil {
		return Preview{}, err
	}
	now := m.clock.Now()
	if from.IsZero() {
		from = p.first(c, now)
	}
	out := Preview{Checks: len(checks), Assets: assetsOf(checks), Missing: p.schedule().Missing(c, now)}
	if from.Before(neverDue) {
		out.Slots = p.schedule().Upcoming(c, from, previewed)
	}
	return out, nil
}

func assetsOf(checks []*Check) int {
	seen := map[string]bool{}
	for _, c := range checks {
		seen[c.AssetID] = true
	}
	return len(seen)
}

// ChangePlan changes a plan. One that gets another rhythm or is switched on begins anew: by an interval
// it is due at once.
func (m *Module) ChangePlan(ctx context.Context, scope store.Scope, id string, c PlanChange) (Plan, error) {
	var out Plan
	cal, err := m.calendar.Calendar(ctx)
	if err != nil {
		return Plan{}, err
	}
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := findPlan(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if p.Version != c.Version {
			return problem.New(problem.Stale, "the plan is at version %d", p.Version)
		}
		changed, anew := map[string]any{}, false
		if c.Name != nil && *c.Name != p.Name {
			changed["name"], p.Name = []any{p.Name, *c.Name}, *c.Name
		}
		if c.IntervalSeconds != nil && *c.IntervalSeconds != p.IntervalSeconds {
			changed["interval_seconds"], p.IntervalSeconds = []any{p.IntervalSeconds, *c.IntervalSeconds}, *c.IntervalSeconds
			anew = true
		}
		if c.Timing != nil && !c.Timing.equal(p.Timing) {
			changed["timing"], p.Timing = []any{p.Timing.text(p.IntervalSeconds), c.Timing.text(p.IntervalSeconds)}, c.Timing.filled()
			anew = true
		}
		if c.Enabled != nil && *c.Enabled != (p.Enabled == 1) {
			changed["enabled"], p.Enabled = []any{p.Enabled == 1, *c.Enabled}, bit(*c.Enabled)
			anew = true
		}
		if c.Classes != nil && !slices.Equal(*c.Classes, p.Classes) {
			changed["classes"], p.Classes = []any{p.Classes, *c.Classes}, *c.Classes
		}
		if c.Selector != nil && !c.Selector.filled().equal(p.Selector.filled()) {
			changed["selector"], p.Selector = []any{p.Selector.text(p.Classes), c.Selector.text(p.Classes)}, c.Selector.filled()
		}
		if err := checkPlan(p, m.kinds); err != nil {
			return err
		}
		if anew {
			p.NextDueAt, p.LastSlotAt, p.CalendarRevision = store.At(p.first(cal, tx.Now())), store.Time{}, cal.Revision
		}
		if out = *p; len(changed) == 0 {
			return nil
		}
		p.Version++
		p.UpdatedAt = store.At(tx.Now())
		// What the scheduler writes is left alone, unless the plan begins anew.
		columns := []string{"name", "interval_seconds", "enabled", "classes", "timing", "selector", "updated_at", "version"}
		if anew {
			columns = append(columns, "next_due_at", "last_slot_at", "calendar_revision")
		}
		res, err := tx.NewUpdate().Model(p).Column(columns...).
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

// reschedule gives a plan another next slot, after the clock was set back or the calendar changed.
func (m *Module) reschedule(ctx context.Context, p *Plan, c *calendar.Calendar, s slots) error {
	return m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		to := move{next: store.At(s.next), revision: c.Revision, emptySince: p.EmptySince, emptySlots: p.EmptySlots}
		if s.moved == movedCalendar {
			to.slot = p.LastSlotAt // the grid goes on
		}
		moved, err := advance(ctx, tx, p, to)
		if err != nil || !moved {
			return err
		}
		return m.note(ctx, tx, TypePlanRescheduled, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
			"name": p.Name, "was_due_at": s.instead, "due_at": s.next, "reason": s.moved,
		})
	})
}

// skip passes a slot at which no check belongs to the plan: it is never a round, which would be green.
// The first such slot is told in the journal; those that follow are counted until a check is there.
func (m *Module) skip(ctx context.Context, tx *store.Tx, p *Plan, c *calendar.Calendar, s slots) error {
	to := move{
		next: store.At(s.next), slot: store.At(s.slot), revision: c.Revision,
		emptySince: p.EmptySince, emptySlots: p.EmptySlots + s.missed + 1,
	}
	if to.emptySince.IsZero() {
		to.emptySince = store.At(s.from)
	}
	moved, err := advance(ctx, tx, p, to)
	if err != nil || !moved || !p.EmptySince.IsZero() {
		return err
	}
	return m.note(ctx, tx, TypePlanEmpty, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
		"name": p.Name, "since": to.emptySince.Time, "selector": p.Selector.text(p.Classes),
	})
}

// take makes the round that is due, with all its items, and moves the plan to its next slot, in one
// transaction. It returns no round when another server was first, or when one of this plan still runs:
// then the slot waits for its end, and only those that pass meanwhile are lost.
func (m *Module) take(ctx context.Context, p *Plan, c *calendar.Calendar, s slots, how, gapReason, owner string, lease time.Duration) (out *Round, busy bool, err error) {
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
		if len(checks) == 0 {
			return m.skip(ctx, tx, p, c, s)
		}
		r.DueAt, r.Owner, r.DueWhy = store.At(s.slot), owner, s.why
		moved, err := advance(ctx, tx, p, move{next: store.At(s.next), slot: store.At(s.slot), revision: c.Revision, roundID: r.ID})
		if err != nil || !moved {
			return err
		}
		if !p.EmptySince.IsZero() {
			if err := m.noteGap(ctx, tx, p, p.EmptySince.Time, s.from, p.EmptySlots, gapEmpty); err != nil {
				return err
			}
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
		if len(checks) == 0 {
			return problem.New(problem.NotPossibleInState, "no check belongs to this plan")
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
		"number": r.Number, "plan": r.PlanName, "trigger": r.StartedHow, "planned": r.Planned, "due_why": r.DueWhy,
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
		done, err := closeRound(ctx, tx, r, e, func(ctx context.Context, r *Round) ([]string, error) { return m.leaves(ctx, tx, r) })
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

// describeAssets notes kind and labels of their asset with checks that were made before these were.
func (m *Module) describeAssets(ctx context.Context) error {
	ids, err := undescribed(ctx, m.db.Read())
	if err != nil {
		return err
	}
	for _, id := range ids {
		a, err := m.assets.Asset(ctx, id)
		if problem.CodeOf(err) == problem.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		if a.Kind == "" {
			continue
		}
		if err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewUpdate().Model(&Check{AssetKind: a.Kind, AssetLabels: or(a.Labels)}).Column("asset_kind", "asset_labels").
				Where("asset_id = ?", id).Exec(ctx)
			return err
		}); err != nil {
			return fmt.Errorf("describe the asset of a check: %w", err)
		}
	}
	return nil
}
