package inspect

import (
	"context"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// OnceResult is one check of a round that was run without a server.
type OnceResult struct {
	Asset, Class, Kind, Title, Target string
	State                             probe.State
	Reason, Summary                   string
	Perf                              []probe.Perf
	RanAt                             time.Time
	SHA256                            string // of the result
	Missed                            string // why it did not run; empty when it did
}

// Once runs one round of a plan of this machine to its end, in the calling process: the command line
// does, when no server runs. An empty plan means the machine's own; otherwise it is an id or a name.
func (m *Module) Once(ctx context.Context, plan string) (Round, []OnceResult, error) {
	ctx = journal.WithActor(ctx, journal.SystemActor("inspect"))
	host, err := m.engine.prepare(ctx)
	if err != nil {
		return Round{}, nil, err
	}
	plans, err := plansOfHost(ctx, m.db.Read(), host.ID)
	if err != nil {
		return Round{}, nil, err
	}
	var chosen *Plan
	for _, p := range plans {
		if (plan == "" && p.Origin != "") || (plan != "" && (p.ID == plan || p.Name == plan)) {
			chosen = p
			break
		}
	}
	if chosen == nil {
		return Round{}, nil, problem.Missing("plan of this machine", plan)
	}
	planned, err := m.startRound(ctx, store.Everything(), chosen.ID, "", m.engine.instance)
	if err != nil {
		return Round{}, nil, err
	}
	m.engine.start(ctx, &planned, chosen.deadline())
	m.engine.rounds.Wait()
	done, err := findRound(ctx, m.db.Read(), store.Everything(), planned.ID)
	if err != nil {
		return Round{}, nil, err
	}
	items, err := m.viewItems(ctx, done.ID)
	if err != nil {
		return Round{}, nil, err
	}
	out := make([]OnceResult, 0, len(items))
	for _, it := range items {
		r := OnceResult{Asset: it.AssetName, Class: it.Class, Title: it.TitleZH, Target: it.Target, State: probe.Unknown, Missed: it.MissedReason}
		if it.Result != nil {
			if r.State, err = probe.ParseState(it.Result.State); err != nil {
				return Round{}, nil, err
			}
			r.Kind, r.Reason, r.Summary, r.Perf = it.Result.Kind, it.Result.Reason, it.Result.Summary, it.Result.Perfdata
			r.RanAt, r.SHA256 = it.Result.RanAt, it.Result.SHA256
		}
		out = append(out, r)
	}
	return *done, out, nil
}
