// Package runner runs checks so that nothing a check does wrong reaches anybody else (执行器).
//
// A [Runner] runs one check within its time and always returns a result that can be stored: a check
// that panics is UNKNOWN panic, one that ignores its deadline is abandoned a moment later and is
// UNKNOWN timeout, text is valid UTF-8 and cut to its limits. [OneShot] runs a whole round of this
// machine without a server or a database.
//
// A check that panicked or was abandoned has remembered nothing: its bookmark stays where it was, as
// its result was never given.
//
// Failure modes: an abandoned check keeps its goroutine until it returns by itself. Until then the
// same check is not started again, so that one that always hangs holds one goroutine and not one a
// round; [Runner.Abandoned] counts them, and while as many as [Limits.Abandoned] are out, further
// checks are refused as UNKNOWN instead of filling the memory.
package runner

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"taxops/internal/kernel/probe"
)

// Bounds of what a result may hold.
const (
	maxSummary = 500      // runes
	maxDetails = 64 << 10 // bytes
	maxPerf    = 200
)

// Limits bound what checks may take.
type Limits struct {
	// Timeout is that of a kind that names none; 0 means 30 s. No kind gets more than 310 s.
	Timeout time.Duration
	// Grace is how long a check may take to notice its deadline; 0 means 2 s.
	Grace time.Duration
	// Abandoned is how many checks may be out that ignored their deadline; 0 means 64.
	Abandoned int
}

const maxTimeout = 310 * time.Second

// Runner runs checks. It is safe for concurrent use.
type Runner struct {
	limits    Limits
	log       *slog.Logger
	abandoned atomic.Int64
	mu        sync.Mutex
	out       map[string]bool // the checks that were abandoned, by kind and target
}

// New makes a runner.
func New(l Limits, log *slog.Logger) *Runner {
	if l.Timeout <= 0 {
		l.Timeout = 30 * time.Second
	}
	if l.Grace <= 0 {
		l.Grace = 2 * time.Second
	}
	if l.Abandoned <= 0 {
		l.Abandoned = 64
	}
	return &Runner{limits: l, log: log, out: make(map[string]bool)}
}

// Abandoned counts the checks that ignored their deadline and have not returned yet.
func (r *Runner) Abandoned() int { return int(r.abandoned.Load()) }

// Run runs one check. It returns within the check's time and the grace, or sooner when ctx ends.
func (r *Runner) Run(ctx context.Context, b probe.Builtin, t probe.Target) probe.Result {
	if r.Abandoned() >= r.limits.Abandoned {
		return probe.Unknowable("too_many_abandoned", fmt.Sprintf("有 %d 个检查超时后仍未退出，本项暂不执行", r.Abandoned()))
	}
	key := b.Kind + "\x00" + b.TargetName(t.Params)
	if r.isOut(key) {
		return probe.Unknowable(probe.ReasonTimeout, "上一次检查超时后仍未退出，本次不再重复执行")
	}
	limit := b.Timeout
	if limit <= 0 {
		limit = r.limits.Timeout
	}
	limit = min(limit, maxTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var notes *notebook
	if t.Memory != nil {
		notes = newNotebook(t.Memory)
		t.Memory = notes
	}
	answered := make(chan answer, 1)
	go func() { answered <- r.guarded(ctx, b, t) }()
	end := func(a answer) probe.Result {
		notes.close(!a.panicked)
		return tidy(a.Result)
	}
	select {
	case a := <-answered:
		return end(a)
	case <-ctx.Done():
	}
	grace := time.NewTimer(r.limits.Grace)
	defer grace.Stop()
	select {
	case a := <-answered:
		return end(a)
	case <-grace.C:
		notes.close(false)
		r.abandon(key, answered)
		return probe.Unknowable(probe.ReasonTimeout, fmt.Sprintf("检查在 %s 内没有给出结果", limit))
	}
}

// answer is what came back from a check.
type answer struct {
	probe.Result
	panicked bool
}

func (r *Runner) isOut(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out[key]
}

// abandon stops waiting for a check and watches for its return.
func (r *Runner) abandon(key string, answered <-chan answer) {
	r.mu.Lock()
	r.out[key] = true
	r.mu.Unlock()
	r.abandoned.Add(1)
	go func() {
		<-answered
		r.mu.Lock()
		delete(r.out, key)
		r.mu.Unlock()
		r.abandoned.Add(-1)
	}()
}

func (r *Runner) guarded(ctx context.Context, b probe.Builtin, t probe.Target) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			r.log.ErrorContext(ctx, "a check panicked", "kind", b.Kind, "panic", p, "stack", string(debug.Stack()))
			a = answer{probe.Unknowable(probe.ReasonPanic, fmt.Sprintf("检查程序出错：%v", p)), true}
		}
	}()
	return answer{Result: b.Run(ctx, t)}
}

// tidy makes a result fit to be stored: a state of the four, valid text within its limits.
func tidy(r probe.Result) probe.Result {
	if r.State < probe.OK || r.State > probe.Unknown {
		r.State, r.Reason = probe.Unknown, "bad_state"
	}
	r.Summary = cutRunes(clean(strings.ReplaceAll(r.Summary, "\n", " ")), maxSummary)
	if r.Summary == "" {
		r.Summary = "检查没有说明结果"
		if r.State == probe.OK {
			r.State, r.Reason = probe.Unknown, "empty"
		}
	}
	r.Details = cutBytes(clean(r.Details), maxDetails)
	r.Perf = tidyPerf(r.Perf)
	return r
}

// tidyPerf keeps what can be stored and drawn: numbers, at most maxPerf of them.
func tidyPerf(list []probe.Perf) []probe.Perf {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	out := make([]probe.Perf, 0, min(len(list), maxPerf))
	for _, p := range list {
		if len(out) == maxPerf {
			break
		}
		if !finite(p.Value) {
			continue // no JSON and no database holds it
		}
		p.Label, p.UOM, p.Warn, p.Crit = clean(p.Label), clean(p.UOM), clean(p.Warn), clean(p.Crit)
		if p.Min != nil && !finite(*p.Min) {
			p.Min = nil
		}
		if p.Max != nil && !finite(*p.Max) {
			p.Max = nil
		}
		out = append(out, p)
	}
	return out
}

// clean drops what no database and no screen holds: invalid UTF-8 and control characters but for tab
// and line feed.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, "�"))
}

func cutRunes(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

func cutBytes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const mark = "\n…（已截断）"
	s = s[:most-len(mark)]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + mark
}
