package app

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/script"
	"taxops/internal/ops/inspect/wrapper"
	"taxops/internal/ops/intake"
	"taxops/internal/ops/intake/scripts"
)

// brought is the inspection as the intake sees it.
type brought struct {
	inspect *inspect.Module
	fleet   *fleet.Module
}

func newCheck(assetID string, c intake.NewCheck) inspect.NewCheck {
	return inspect.NewCheck{AssetID: assetID, Kind: c.Kind, Params: c.Params, Warn: c.Warn, Crit: c.Crit}
}

// Has implements intake.Inspection.
func (b brought) Has(kind string) bool { return b.inspect.HasKind(kind) }

// Title implements intake.Inspection.
func (b brought) Title(kind string) [2]string { return b.inspect.KindTitle(kind) }

// Prepare implements intake.Inspection.
func (b brought) Prepare(c intake.NewCheck) (string, error) {
	return b.inspect.PrepareCheck(newCheck("", c))
}

// Existing implements intake.Inspection.
func (b brought) Existing(ctx context.Context, assetIDs []string) (map[string][]string, error) {
	return b.inspect.Identities(ctx, assetIDs)
}

// Reached implements intake.Inspection.
func (b brought) Reached(ctx context.Context, assetIDs []string) (map[string]bool, error) {
	all, err := b.fleet.Every(ctx, store.Everything())
	if err != nil {
		return nil, err
	}
	byID := make(map[string]fleet.Asset, len(all))
	for _, a := range all {
		byID[a.ID] = a
	}
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, id := range assetIDs {
		a, there := byID[id]
		host := a
		if a.ParentID != "" {
			host = byID[a.ParentID]
		}
		out[id] = there && inspected(a, host, server).Local
	}
	return out, nil
}

// server is the machine of this server; empty when it never ran.
func (b brought) server(ctx context.Context) (fleet.Asset, error) {
	server, err := b.fleet.LocalHost(ctx)
	if problem.CodeOf(err) == problem.NotFound {
		return fleet.Asset{}, nil
	}
	return server, err
}

// AddCheck implements intake.Inspection.
func (b brought) AddCheck(ctx context.Context, tx *store.Tx, source, assetID string, c intake.NewCheck) (intake.Made, error) {
	a, err := b.fleet.In(ctx, tx, assetID)
	if err != nil {
		return intake.Made{}, err
	}
	host := a
	if a.ParentID != "" {
		if host, err = b.fleet.In(ctx, tx, a.ParentID); err != nil {
			return intake.Made{}, err
		}
	}
	server, err := b.server(ctx)
	if err != nil {
		return intake.Made{}, err
	}
	made, reached, err := b.inspect.AddCheckIn(ctx, tx, inspected(a, host, server), newCheck(assetID, c), source)
	out := intake.Made{ID: made.ID, Name: made.AssetName + " · " + made.TitleZH + " " + made.Target, Version: made.Version}
	if !reached {
		out.Off = "not_reached"
	}
	return out, err
}

// RemoveCheck implements intake.Inspection.
func (b brought) RemoveCheck(ctx context.Context, tx *store.Tx, id string, version int64, source string) (string, error) {
	return b.inspect.RemoveCheckIn(ctx, tx, id, version, source)
}

// Plans implements intake.Inspection.
func (b brought) Plans(ctx context.Context) ([]string, error) { return b.inspect.PlanNames(ctx) }

// AddPlan implements intake.Inspection.
func (b brought) AddPlan(ctx context.Context, tx *store.Tx, scope store.Scope, source, areaPath, systemID string, p intake.NewPlan) (intake.Made, error) {
	server, err := b.server(ctx)
	if err != nil {
		return intake.Made{}, err
	}
	if server.ID == "" {
		return intake.Made{}, problem.New(problem.NotPossibleInState, "no server has run here yet: start it once, a plan belongs to its machine")
	}
	n := inspect.NewPlan{
		Name: p.Name, IntervalSeconds: int64(p.Every / time.Second), Classes: []string{}, AreaPath: areaPath, SystemID: systemID,
		Selector: inspect.Selector{Kinds: []string{script.KindRun}},
	}
	if len(p.Times) > 0 {
		n.IntervalSeconds, n.Timing.Rhythm, n.Timing.Times = int64(24*time.Hour/time.Second), "times", p.Times
	}
	if p.Workdays {
		n.Timing.Days = "workdays"
	}
	made, err := b.inspect.AddPlanIn(ctx, tx, scope, server.ID, n, source)
	return intake.Made{ID: made.ID, Name: made.Name, Version: made.Version, Off: "plan_off"}, err
}

// RemovePlan implements intake.Inspection.
func (b brought) RemovePlan(ctx context.Context, tx *store.Tx, id string, version int64, source string) (string, error) {
	return b.inspect.RemovePlanIn(ctx, tx, id, version, source)
}

// library is where scripts live, as the intake sees it.
type library struct{ scripts *script.Module }

// Names implements intake.Library.
func (l library) Names(ctx context.Context) (map[string][]string, error) {
	return l.scripts.Digests(ctx)
}

// Check implements intake.Library.
func (l library) Check(s intake.NewScript) error { return script.CheckContent(newPackage(s, "", "")) }

// Add implements intake.Library.
func (l library) Add(ctx context.Context, tx *store.Tx, scope store.Scope, _, areaPath, systemID string, s intake.NewScript) (intake.Made, error) {
	made, err := l.scripts.CreateIn(ctx, tx, scope, newPackage(s, areaPath, systemID))
	return intake.Made{ID: made.ID, Name: made.Name, Version: made.Version, Off: "draft"}, err
}

// Remove implements intake.Library.
func (l library) Remove(ctx context.Context, tx *store.Tx, id string, version int64, source string) (string, error) {
	return l.scripts.RemoveIn(ctx, tx, id, version, source)
}

// newPackage is a script as its package, with rules as they were read from its text.
func newPackage(s intake.NewScript, areaPath, systemID string) script.NewPackage {
	m := script.ScriptManifest{Interpreter: s.Interpreter, Judge: script.ByPlugin}
	for _, arg := range s.Args {
		m.Args = append(m.Args, script.ScriptArg{Parts: []string{arg}})
	}
	if !s.Judge.Plugin {
		m.Judge, m.Rules = script.ByRules, outputRules(s.Judge)
	}
	return script.NewPackage{
		Name: s.Name, Title: s.Title, Class: s.Class, AreaPath: areaPath, SystemID: systemID,
		Content: script.Content{Manifest: m, Body: s.Body, Note: s.Note},
	}
}

// outputRules are the rules that a text proposes. What nothing says anything about is UNKNOWN.
func outputRules(j scripts.Judgement) wrapper.OutputRules {
	out := wrapper.OutputRules{}
	for _, w := range j.Words {
		pattern := w.Text
		if pattern[0] < 0x80 {
			pattern = `(?i)\b` + pattern + `\b`
		}
		out.Rules = append(out.Rules, wrapper.OutputRule{Name: w.Text, Kind: wrapper.Text, Pattern: pattern, State: w.State, Optional: true})
	}
	codes := make([]int, 0, len(j.Exits))
	for code := range j.Exits {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes[:min(len(codes), 50)] {
		out.ExitCodes = append(out.ExitCodes, wrapper.RuleExitCode{Code: code, State: j.Exits[code]})
	}
	if len(out.Rules) == 0 { // rules need one: every output is looked at by a person
		out.Rules = []wrapper.OutputRule{{Name: "待定", Kind: wrapper.Text, Pattern: `(?s).`, State: "UNKNOWN", Optional: true}}
	}
	return out
}

// confined makes connections to the networks that are inspected only; to all when there are none.
func confined(networks []netip.Prefix) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 15 * time.Second}
	if len(networks) > 0 {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err == nil && slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(to.Addr().Unmap()) }) {
				return nil
			}
			return problem.InvalidField("body.url", "not_allowed", "%s is in none of the networks of inspect.targets.allow", address)
		}
	}
	return d.DialContext
}
