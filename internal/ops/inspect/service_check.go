package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// purpose binds sealed settings to their use.
const purpose = "inspect.check"

// discoverFor bounds the discovery of one kind.
const discoverFor = 10 * time.Second

// NewCheck is what a person adds.
type NewCheck struct {
	AssetID, Kind string
	Params        map[string]any
	Warn, Crit    map[string]string
}

// CheckChange is what a person changes; nil leaves a part as it is. Warn and Crit replace the ranges
// that were set; a metric that they do not name has those of its kind. Secret params that are not
// given stay.
type CheckChange struct {
	Params     map[string]any
	Warn, Crit map[string]string
	Enabled    *bool
	Reason     string
	Version    int64
}

// EnsureChecks adds the checks that discovery proposes for a machine and that were never added: what
// was seen once is a check from then on, so that a service that is stopped later is missed.
func (m *Module) EnsureChecks(ctx context.Context, host Asset) error {
	if !host.Active {
		return nil
	}
	found := make([][]probe.Found, len(m.ordered))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, b := range m.ordered {
		if b.Discover == nil {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found[i] = m.discover(ctx, b)
		})
	}
	wg.Wait()
	for i, b := range m.ordered {
		for _, f := range found[i] {
			if err := m.ensureCheck(ctx, host, b, f); err != nil {
				return fmt.Errorf("check %s that was discovered: %w", b.Kind, err)
			}
		}
	}
	return nil
}

// discover asks one kind; a kind that breaks proposes nothing.
func (m *Module) discover(ctx context.Context, b probe.Builtin) (found []probe.Found) {
	ctx, cancel := context.WithTimeout(ctx, discoverFor)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			m.log.ErrorContext(ctx, "discovery panicked", "kind", b.Kind, "panic", p)
			found = nil
		}
	}()
	return b.Discover(ctx)
}

func (m *Module) ensureCheck(ctx context.Context, host Asset, b probe.Builtin, f probe.Found) error {
	c, err := m.newCheck(host, b, NewCheck{AssetID: host.ID, Kind: b.Kind, Params: f.Params})
	if err != nil {
		return err
	}
	c.Origin, c.Why = originDiscovered, clean(f.Why, 500)
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.NewSelect().Model((*Check)(nil)).Where("asset_id = ?", host.ID).Where("identity = ?", c.Identity).Count(ctx)
		if err != nil || n > 0 {
			return err
		}
		return m.insertCheck(ctx, tx, c)
	})
	if store.Unique(err) {
		return nil // another server of this machine was first
	}
	return err
}

// newCheck makes a check, not stored yet.
func (m *Module) newCheck(a Asset, b probe.Builtin, n NewCheck) (*Check, error) {
	open, hidden, err := splitParams(b, n.Params)
	if err != nil {
		return nil, err
	}
	if err := checkLimits(b, n.Warn, n.Crit); err != nil {
		return nil, err
	}
	c := &Check{
		AssetID: a.ID, AssetName: a.Name, AssetKind: a.Kind, AssetLabels: or(a.Labels), HostID: a.HostID, Kind: b.Kind, Class: string(b.ClassFor(open)),
		Target: clean(b.TargetName(open), 300), Params: open,
		Warn: or(n.Warn), Crit: or(n.Crit), Enabled: 1, AreaPath: a.AreaPath, SystemID: a.SystemID,
		Rank: rankNew, Version: 1,
	}
	c.TitleZH, c.TitleEN = b.TitleFor(open)
	if c.ID, err = newID(); err != nil {
		return nil, err
	}
	if c.Identity, err = identity(b.Kind, open); err != nil {
		return nil, err
	}
	c.Secrets, err = m.seal(c.ID, hidden)
	return c, err
}

func or(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (m *Module) insertCheck(ctx context.Context, tx *store.Tx, c *Check) error {
	// Every check of its kind may be exempted already.
	live, err := liveExemptions(ctx, tx, c.AssetID, c.Kind)
	if err != nil {
		return err
	}
	if c.Exemption = wordOf(live, c); c.Exemption == exempted {
		c.Rank = rankExempted
	}
	c.CreatedAt, c.UpdatedAt = store.At(tx.Now()), store.At(tx.Now())
	if _, err := tx.NewInsert().Model(c).Exec(ctx); err != nil {
		return fmt.Errorf("store check: %w", err)
	}
	return m.note(ctx, tx, TypeCheckAdded, subjectCheck, c.ID, c.AreaPath, c.SystemID, map[string]any{
		"kind": c.Kind, "target": c.Target, "asset": c.AssetName, "origin": c.Origin,
	})
}

func (m *Module) seal(checkID string, hidden map[string]any) ([]byte, error) {
	if len(hidden) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(hidden)
	if err != nil {
		return nil, fmt.Errorf("seal settings: %w", err)
	}
	sealed, err := m.ring.Seal(purpose, checkID, raw)
	if err != nil {
		return nil, fmt.Errorf("seal settings: %w", err)
	}
	return sealed, nil
}

// allParams returns the settings of a check with the secret ones.
func (m *Module) allParams(c *Check) (map[string]any, error) {
	all := maps.Clone(c.Params)
	if all == nil {
		all = map[string]any{}
	}
	if len(c.Secrets) == 0 {
		return all, nil
	}
	raw, err := m.ring.Open(purpose, c.ID, c.Secrets)
	if err != nil {
		return nil, fmt.Errorf("open settings: %w", err)
	}
	var hidden map[string]any
	if err := json.Unmarshal(raw, &hidden); err != nil {
		return nil, fmt.Errorf("open settings: %w", err)
	}
	maps.Copy(all, hidden)
	return all, nil
}

// target makes what a check's kind runs on.
func (m *Module) target(b probe.Builtin, c *Check, memory probe.Memory) (probe.Target, error) {
	params, err := m.allParams(c)
	if err != nil {
		return probe.Target{}, err
	}
	return b.NewTarget(params, limits(b, c.Warn, c.Crit), memory, m.log.With("kind", c.Kind, "check", c.ID), m.clock.Now)
}

// AddCheck adds a check to an asset.
func (m *Module) AddCheck(ctx context.Context, scope store.Scope, n NewCheck) (Check, error) {
	b, known := m.kinds[n.Kind]
	if !known {
		return Check{}, problem.InvalidField("body.kind", "unknown", "no kind %q", n.Kind)
	}
	a, err := m.assets.Asset(ctx, n.AssetID)
	if problem.CodeOf(err) == problem.NotFound || (err == nil && !scope.Covers(a.AreaPath, a.SystemID)) {
		return Check{}, problem.InvalidField("body.asset_id", "unknown", "no asset with id %q", n.AssetID)
	}
	if err != nil {
		return Check{}, err
	}
	if !a.Active || !a.Local {
		return Check{}, problem.InvalidField("body.asset_id", "not_inspected", "no server inspects this asset")
	}
	c, err := m.newCheck(a, b, n)
	if err != nil {
		return Check{}, err
	}
	if err := verify(ctx, b, n.Params); err != nil {
		return Check{}, err
	}
	c.Origin = originAdded
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := m.insertCheck(ctx, tx, c)
		if store.Unique(err) {
			return problem.New(problem.Conflict, "this asset has a check of this kind with these settings").With(err)
		}
		return err
	})
	if err != nil {
		return Check{}, err
	}
	return *c, nil
}

// verify asks a kind about settings that a person gives.
func verify(ctx context.Context, b probe.Builtin, params map[string]any) error {
	if b.Verify == nil {
		return nil
	}
	typed, err := b.CheckParams(params)
	if err != nil {
		return nil // said elsewhere: secret settings may be left out here
	}
	if err := b.Verify(ctx, typed); err != nil {
		if known := new(problem.Error); errors.As(err, &known) {
			return err
		}
		return problem.InvalidField("body.params", "rule", "%s", err.Error())
	}
	return nil
}

// ChangeCheck changes the settings of a check.
func (m *Module) ChangeCheck(ctx context.Context, scope store.Scope, id string, ch CheckChange) (Check, error) {
	var out Check
	if ch.Params != nil {
		c, err := findCheck(ctx, m.db.Read(), scope, id)
		if err != nil {
			return Check{}, err
		}
		if err := verify(ctx, m.kinds[c.Kind], ch.Params); err != nil {
			return Check{}, err
		}
	}
	err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, err := findCheck(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if c.Version != ch.Version {
			return problem.New(problem.Stale, "the check is at version %d", c.Version)
		}
		changed, err := m.applyChange(c, ch)
		if err != nil {
			return err
		}
		if out = *c; len(changed) == 0 {
			return nil
		}
		if err := saveCheck(ctx, tx, c); err != nil {
			return err
		}
		out = *c
		return m.note(ctx, tx, TypeCheckChanged, subjectCheck, c.ID, c.AreaPath, c.SystemID, map[string]any{
			"kind": c.Kind, "target": c.Target, "changes": changed, "reason": ch.Reason,
		})
	})
	return out, err
}

// applyChange makes a change and names what differs; of secret settings only that they differ.
func (m *Module) applyChange(c *Check, ch CheckChange) (map[string]any, error) {
	b, known := m.kinds[c.Kind]
	if !known {
		return nil, problem.New(problem.NotPossibleInState, "this program has no kind %q any more", c.Kind)
	}
	changed := map[string]any{}
	if ch.Params != nil {
		before, err := m.allParams(c)
		if err != nil {
			return nil, err
		}
		given := maps.Clone(ch.Params)
		kept := "" // a secret that was not given again
		for _, p := range b.Params {
			if old, set := before[p.Name]; p.Secret && set && (given[p.Name] == nil) {
				given[p.Name], kept = old, p.Name
			}
		}
		open, hidden, err := splitParams(b, given)
		if err != nil {
			return nil, err
		}
		for _, p := range b.Params {
			after, set := open[p.Name], true
			if p.Secret {
				after = hidden[p.Name]
			} else {
				_, set = open[p.Name]
			}
			switch {
			case same(before[p.Name], after):
			case p.Secret:
				changed["params."+p.Name] = "changed"
			case set || before[p.Name] != nil:
				if kept != "" {
					// A check that is pointed elsewhere would hand its secret to whoever listens there.
					return nil, problem.InvalidField("body.params."+kept, "secret_required",
						"give %s again: it was entered for other settings (%s changes)", kept, p.Name)
				}
				changed["params."+p.Name] = []any{before[p.Name], after}
			}
		}
		c.Params, c.Target, c.Class = open, clean(b.TargetName(open), 300), string(b.ClassFor(open))
		c.TitleZH, c.TitleEN = b.TitleFor(open)
		if c.Secrets, err = m.seal(c.ID, hidden); err != nil {
			return nil, err
		}
	}
	if err := checkLimits(b, ch.Warn, ch.Crit); err != nil {
		return nil, err
	}
	for side, part := range map[string]struct {
		have *map[string]string
		want map[string]string
	}{"warn": {&c.Warn, ch.Warn}, "crit": {&c.Crit, ch.Crit}} {
		if part.want != nil && !maps.Equal(*part.have, part.want) {
			changed[side] = []any{texts(*part.have), texts(part.want)}
			*part.have = part.want
		}
	}
	if ch.Enabled != nil && *ch.Enabled != (c.Enabled == 1) {
		changed["enabled"] = []any{c.Enabled == 1, *ch.Enabled}
		c.Enabled = bit(*ch.Enabled)
	}
	return changed, nil
}

// same compares settings as JSON does: what was stored comes back in wider types.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func texts(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// TryCheck runs a check once and stores nothing.
func (m *Module) TryCheck(ctx context.Context, scope store.Scope, id string) (Check, Result, error) {
	c, err := findCheck(ctx, m.db.Read(), scope, id)
	if err != nil {
		return Check{}, Result{}, err
	}
	local, err := m.assets.Local(ctx)
	if err != nil {
		return Check{}, Result{}, err
	}
	if local.ID != c.HostID {
		return Check{}, Result{}, problem.New(problem.NotPossibleInState, "the server of another machine runs this check")
	}
	states, err := statesOf(ctx, m.db.Read(), []string{id})
	if err != nil {
		return Check{}, Result{}, err
	}
	o := m.execute(ctx, c, states[id], time.Now())
	if err := ctx.Err(); err != nil {
		return Check{}, Result{}, err
	}
	r, err := o.result("")
	if err != nil {
		return Check{}, Result{}, err
	}
	return *c, *r, nil
}

// WorstStates returns the gravest state of the checks of each asset.
func (m *Module) WorstStates(ctx context.Context, assetIDs []string) (map[string]string, error) {
	if len(assetIDs) == 0 {
		return nil, nil
	}
	return worstOf(ctx, m.db.Read(), assetIDs)
}
