package runner

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"taxops/internal/kernel/probe"
)

// Item is one check of a one-shot round, with what it said.
type Item struct {
	Asset  string
	Kind   probe.Builtin
	Target string
	Result probe.Result
	RanAt  time.Time
	Took   time.Duration
}

// OneShot discovers what this machine has, runs every check once, and returns the results with the
// gravest state. What the machine does not have is listed but does not count. atOnce bounds how many
// checks run at the same time; progress, when not nil, is told of each that is done.
func OneShot(ctx context.Context, r *Runner, host string, kinds []probe.Builtin, atOnce int, now func() time.Time,
	progress func(done, all int),
) (worst probe.State, items []Item) {
	type job struct {
		kind  probe.Builtin
		found probe.Found
	}
	found := make([][]probe.Found, len(kinds))
	var wg sync.WaitGroup
	for i, k := range kinds {
		if k.Discover == nil {
			continue
		}
		wg.Go(func() { found[i] = k.Discover(ctx) })
	}
	wg.Wait()
	var jobs []job
	for i, k := range kinds {
		for _, f := range found[i] {
			jobs = append(jobs, job{k, f})
		}
	}
	items = make([]Item, len(jobs))
	turns := make(chan struct{}, atOnce)
	var mu sync.Mutex
	done := 0
	for i, j := range jobs {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			began := now()
			items[i] = Item{Asset: host, Kind: j.kind, Target: j.kind.TargetName(j.found.Params), RanAt: began}
			t, err := j.kind.NewTarget(j.found.Params, nil, probe.NewMapMemory(nil), slog.New(slog.DiscardHandler), now)
			if err != nil {
				items[i].Result = probe.Unknowable("bad_params", "检查参数有误："+err.Error())
			} else {
				items[i].Result = r.Run(ctx, j.kind, t)
			}
			items[i].Took = now().Sub(began)
			mu.Lock()
			defer mu.Unlock()
			if done++; progress != nil {
				progress(done, len(jobs))
			}
		})
	}
	wg.Wait()
	worst = probe.OK
	for _, it := range items {
		if it.Result.Reason != probe.ReasonNoSource {
			worst = probe.Worse(worst, it.Result.State)
		}
	}
	slices.SortStableFunc(items, func(a, b Item) int { return rank(a) - rank(b) })
	return worst, items
}

// rank puts red first and what is not there last.
func rank(it Item) int {
	if it.Result.Reason == probe.ReasonNoSource {
		return 4
	}
	switch it.Result.State {
	case probe.Critical:
		return 0
	case probe.Unknown:
		return 1
	case probe.Warning:
		return 2
	default:
		return 3
	}
}
