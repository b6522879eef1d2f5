package inspect

import (
	"context"
	"fmt"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// originImported is a check that an import brought along.
const originImported = "imported"

// Why something that was imported is not taken away again.
const (
	LeftChanged = "changed" // somebody changed it since
	LeftUsed    = "in_use"  // it has run
	LeftGone    = "gone"    // it is not there any more
)

// HasKind tells whether this program has a kind of check.
func (m *Module) HasKind(kind string) bool {
	_, known := m.kinds[kind]
	return known
}

// KindTitle is what a kind is called, in Chinese and in English.
func (m *Module) KindTitle(kind string) [2]string {
	b := m.kinds[kind]
	return [2]string{b.TitleZH, b.TitleEN}
}

// PrepareCheck refuses settings and ranges that a kind does not take and names what the check would look
// at, whatever the asset.
func (m *Module) PrepareCheck(n NewCheck) (string, error) {
	b, known := m.kinds[n.Kind]
	if !known {
		return "", problem.InvalidField("body.kind", "unknown", "no kind %q", n.Kind)
	}
	open, _, err := splitParams(b, n.Params)
	if err != nil {
		return "", err
	}
	if err := checkLimits(b, n.Warn, n.Crit); err != nil {
		return "", err
	}
	return identity(b.Kind, open)
}

// AddCheckIn adds a check within a transaction, to an asset that may be part of it. One that no server
// inspects is switched off and says so: it is neither green nor missing. Source names the import.
func (m *Module) AddCheckIn(ctx context.Context, tx *store.Tx, a Asset, n NewCheck, source string) (c Check, reached bool, err error) {
	b, known := m.kinds[n.Kind]
	if !known {
		return Check{}, false, problem.InvalidField("body.kind", "unknown", "no kind %q", n.Kind)
	}
	made, err := m.newCheck(a, b, n)
	if err != nil {
		return Check{}, false, err
	}
	made.Origin, made.Why = originImported, "导入 "+source
	reached = a.Active && a.Local
	if !reached {
		made.Enabled = 0
		made.Why += "；该资产尚未接入（没有服务器能巡检它），接入后请启用本检查项"
	}
	return *made, reached, m.insertCheck(ctx, tx, made)
}

// RemoveCheckIn takes away a check that an import added, when nobody changed it and it never ran; otherwise
// it says why it stays.
func (m *Module) RemoveCheckIn(ctx context.Context, tx *store.Tx, id string, version int64, source string) (left string, err error) {
	c, err := findCheck(ctx, tx, store.Everything(), id)
	switch {
	case problem.CodeOf(err) == problem.NotFound:
		return LeftGone, nil
	case err != nil:
		return "", err
	case c.Version != version:
		return LeftChanged, nil
	case c.State != "":
		return LeftUsed, nil
	}
	removed, err := removeCheck(ctx, tx, c)
	if err != nil || !removed {
		return LeftUsed, err
	}
	return "", m.note(ctx, tx, TypeCheckRemoved, subjectCheck, c.ID, c.AreaPath, c.SystemID, map[string]any{
		"kind": c.Kind, "target": c.Target, "asset": c.AssetName, "source": source,
	})
}

// AddPlanIn makes a plan for a machine within a transaction, switched off.
func (m *Module) AddPlanIn(ctx context.Context, tx *store.Tx, scope store.Scope, hostID string, n NewPlan, source string) (Plan, error) {
	p, err := m.shapePlan(ctx, scope, n)
	if err != nil {
		return Plan{}, err
	}
	p.HostID = hostID
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return Plan{}, err
	}
	if err := m.insertPlan(ctx, tx, c, p); err != nil {
		return Plan{}, err
	}
	p.Enabled = 0
	if err := switchOff(ctx, tx, p); err != nil {
		return Plan{}, err
	}
	return *p, m.note(ctx, tx, TypePlanChanged, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{
		"name": p.Name, "changes": map[string]any{"enabled": []any{true, false}, "source": []any{"", source}},
	})
}

// RemovePlanIn takes away a plan that an import made, when it is as it was made.
func (m *Module) RemovePlanIn(ctx context.Context, tx *store.Tx, id string, version int64, source string) (left string, err error) {
	p, err := findPlan(ctx, tx, store.Everything(), id)
	switch {
	case problem.CodeOf(err) == problem.NotFound:
		return LeftGone, nil
	case err != nil:
		return "", err
	case p.Version != version || p.Enabled == 1:
		return LeftChanged, nil
	case p.LastRoundID != "":
		return LeftUsed, nil
	}
	removed, err := removePlan(ctx, tx, p)
	if err != nil || !removed {
		return LeftUsed, err
	}
	return "", m.note(ctx, tx, TypePlanRemoved, subjectPlan, p.ID, p.AreaPath, p.SystemID, map[string]any{"name": p.Name, "source": source})
}

// PlanNames lists what plans are called.
func (m *Module) PlanNames(ctx context.Context) ([]string, error) {
	var names []string
	if err := m.db.Read().NewSelect().Model((*Plan)(nil)).Column("name").Scan(ctx, &names); err != nil {
		return nil, store.Classify(fmt.Errorf("names of plans: %w", err))
	}
	return names, nil
}
