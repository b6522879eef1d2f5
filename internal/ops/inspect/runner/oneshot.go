package runner

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
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

// discoverWithin is how long the kinds may look for what this machine has.
const discoverWithin = 5 * time.Second

// OneShot discovers what this machine has, runs every check once, and returns the results with the
// gravest state. What the machine does not have is listed but does not count; when nothing counts the
// state is UNKNOWN, since nothing was looked at. A kind whose discovery panics or does not end stands
// in the results itself. atOnce bounds how many checks run at the same time; progress, when not nil,
// is told of each that is done.
func OneShot(ctx context.Context, r *Runner, host string, kinds []probe.Builtin, atOnce int, now func() time.Time,
	progress func(done, all int),
) (worst probe.State, items []Item) {
	type job struct {
		kind  probe.Builtin
		found probe.Found
	}
	var jobs []job
	for i, d := range r.discover(ctx, kinds) {
		if d.failed != nil {
			items = append(items, Item{Asset: host, Kind: kinds[i], Result: tidy(*d.failed), RanAt: now()})
		}
		for _, f := range d.found {
			jobs = append(jobs, job{kinds[i], f})
		}
	}
	before := len(items)
	items = append(items, make([]Item, len(jobs))...)
	turns := make(chan struct{}, max(atOnce, 1))
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	since := time.Now()
	for i, j := range jobs {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			began := now()
			it := Item{Asset: host, Kind: j.kind, RanAt: began}
			t, err := j.kind.NewTarget(j.found.Params, nil, probe.NewMapMemory(nil), slog.New(slog.DiscardHandler), now)
			if err != nil {
				it.Result = probe.Unknowable("bad_params", "检查参数有误："+err.Error())
			} else {
				t.Since = since
				it.Target = j.kind.TargetName(t.Params)
				it.Result = r.Run(ctx, j.kind, t)
			}
			it.Took = now().Sub(began)
			items[before+i] = it
			mu.Lock()
			defer mu.Unlock()
			if done++; progress != nil {
				progress(done, len(jobs))
			}
		})
	}
	wg.Wait()
	slices.SortStableFunc(items, func(a, b Item) int { return rank(a) - rank(b) })
	return gravest(items), items
}

// discovery is what a kind found on this machine, or why it could not look.
type discovery struct {
	found  []probe.Found
	failed *probe.Result
}

// discover asks all kinds at the same time. A kind that does not answer in its time is left behind.
func (r *Runner) discover(ctx context.Context, kinds []probe.Builtin) []discovery {
	ctx, cancel := context.WithTimeout(ctx, discoverWithin)
	defer cancel()
	answers := make([]chan discovery, len(kinds))
	for i, k := range kinds {
		if k.Discover == nil {
			continue
		}
		answer := make(chan discovery, 1)
		answers[i] = answer
		go func() { answer <- r.look(ctx, k) }()
	}
	grace := time.NewTimer(discoverWithin + r.limits.Grace)
	defer grace.Stop()
	out := make([]discovery, len(kinds))
	late := false
	for i, answer := range answers {
		if answer == nil {
			continue
		}
		if !late {
			select {
			case out[i] = <-answer:
				continue
			case <-grace.C:
				late = true
			}
		}
		select { // the time of all is over: only what lies ready counts
		case out[i] = <-answer:
		default:
			res := probe.Unknowable(probe.ReasonTimeout, fmt.Sprintf("在 %s 内没有查明本机有无此类检查对象", discoverWithin))
			out[i].failed = &res
		}
	}
	return out
}

func (r *Runner) look(ctx context.Context, k probe.Builtin) (d discovery) {
	defer func() {
		if p := recover(); p != nil {
			r.log.ErrorContext(ctx, "a discovery panicked", "kind", k.Kind, "panic", p, "stack", string(debug.Stack()))
			res := probe.Unknowable(probe.ReasonPanic, fmt.Sprintf("查找检查对象时程序出错：%v", p))
			d = discovery{failed: &res}
		}
	}()
	return discovery{found: k.Discover(ctx)}
}

// gravest is the state of the whole.
func gravest(items []Item) probe.State {
	worst, counted := probe.OK, 0
	for _, it := range items {
		if it.Result.Reason != probe.ReasonNoSource {
			worst = probe.Worse(worst, it.Result.State)
			counted++
		}
	}
	if counted == 0 {
		return probe.Unknown
	}
	return worst
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
