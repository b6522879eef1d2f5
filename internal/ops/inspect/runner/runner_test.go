package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/runner"
)

func kind(run func(context.Context, probe.Target) probe.Result) probe.Builtin {
	return probe.Builtin{
		Kind: "test.kind", Class: probe.Service, Timeout: 10 * time.Second, Run: run,
		Discover: func(context.Context) []probe.Found { return []probe.Found{{}} },
	}
}

func says(s probe.State, text string) probe.Builtin {
	return kind(func(context.Context, probe.Target) probe.Result { return probe.Result{State: s, Summary: text} })
}

func newRunner(l runner.Limits) *runner.Runner { return runner.New(l, slog.New(slog.DiscardHandler)) }

func TestRunKeepsWhatGoesWrongToItself(t *testing.T) {
	long := strings.Repeat("税", 1000)
	for name, c := range map[string]struct {
		run    func(context.Context, probe.Target) probe.Result
		state  probe.State
		reason probe.Reason
	}{
		"good":                 {func(context.Context, probe.Target) probe.Result { return probe.Result{Summary: "好"} }, probe.OK, ""},
		"panics":               {func(context.Context, probe.Target) probe.Result { panic("broken") }, probe.Unknown, probe.ReasonPanic},
		"a state of its own":   {func(context.Context, probe.Target) probe.Result { return probe.Result{State: 7, Summary: "x"} }, probe.Unknown, "bad_state"},
		"says nothing":         {func(context.Context, probe.Target) probe.Result { return probe.Result{} }, probe.Unknown, "empty"},
		"red and says nothing": {func(context.Context, probe.Target) probe.Result { return probe.Result{State: probe.Critical} }, probe.Critical, ""},
		"invalid text": {func(context.Context, probe.Target) probe.Result {
			return probe.Result{Summary: "a\xffb\x00c\n" + long, Details: strings.Repeat("税\xff", 50_000), Perf: make([]probe.Perf, 500)}
		}, probe.OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(runner.Limits{}).Run(t.Context(), kind(c.run), probe.Target{})
			if r.State != c.state || r.Reason != c.reason {
				t.Errorf("%s %q, want %s %q", r.State, r.Reason, c.state, c.reason)
			}
			if !utf8.ValidString(r.Summary) || !utf8.ValidString(r.Details) || strings.ContainsAny(r.Summary, "\x00\n") {
				t.Errorf("text is not clean: %q", r.Summary)
			}
			if r.Summary == "" || utf8.RuneCountInString(r.Summary) > 500 || len(r.Details) > 64<<10 || len(r.Perf) > 200 {
				t.Errorf("beyond the limits: %d runes, %d bytes, %d values", utf8.RuneCountInString(r.Summary), len(r.Details), len(r.Perf))
			}
		})
	}
}

func TestRunEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner(runner.Limits{Grace: time.Second, Abandoned: 1})
		obedient := kind(func(ctx context.Context, _ probe.Target) probe.Result {
			<-ctx.Done()
			return probe.Unknowable(probe.ReasonTimeout, "等不到")
		})
		began := time.Now()
		if res := r.Run(t.Context(), obedient, probe.Target{}); res.Reason != probe.ReasonTimeout || res.Summary != "等不到" {
			t.Errorf("an obedient check speaks for itself: %+v", res)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("took %s, want the kind's own 10 s", took)
		}
		let := make(chan struct{})
		deaf := kind(func(context.Context, probe.Target) probe.Result { <-let; return probe.Result{Summary: "late"} })
		began = time.Now()
		if res := r.Run(t.Context(), deaf, probe.Target{}); res.State != probe.Unknown || res.Reason != probe.ReasonTimeout {
			t.Errorf("a deaf check: %+v", res)
		}
		if took := time.Since(began); took != 11*time.Second {
			t.Errorf("took %s, want 10 s and 1 s of grace", took)
		}
		if r.Abandoned() != 1 {
			t.Errorf("%d abandoned, want 1", r.Abandoned())
		}
		if res := r.Run(t.Context(), says(probe.OK, "x"), probe.Target{}); res.State != probe.Unknown {
			t.Errorf("with too many abandoned, a check is refused: %+v", res)
		}
		close(let)
		synctest.Wait()
		if res := r.Run(t.Context(), says(probe.OK, "x"), probe.Target{}); res.State != probe.OK || r.Abandoned() != 0 {
			t.Errorf("after it returned: %+v, %d abandoned", res, r.Abandoned())
		}
	})
}

func TestAbandonedCheckIsNotStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner(runner.Limits{Grace: time.Second})
		let := make(chan struct{})
		var started atomic.Int64
		deaf := kind(func(_ context.Context, tg probe.Target) probe.Result {
			started.Add(1)
			<-let
			tg.Memory.Set("bookmark", "late")
			return probe.Result{Summary: "late"}
		})
		deaf.Target = func(p map[string]any) string { s, _ := p["mount"].(string); return s }
		memory := probe.NewMapMemory(map[string]string{"bookmark": "before"})
		tg := probe.Target{Memory: memory, Params: map[string]any{"mount": "/nfs"}}
		for range 3 {
			if res := r.Run(t.Context(), deaf, tg); res.Reason != probe.ReasonTimeout {
				t.Errorf("%+v", res)
			}
		}
		if started.Load() != 1 || r.Abandoned() != 1 {
			t.Errorf("started %d times, %d abandoned; want once", started.Load(), r.Abandoned())
		}
		if res := r.Run(t.Context(), says(probe.OK, "x"), tg); res.State != probe.OK {
			t.Errorf("another check: %+v", res)
		}
		close(let)
		synctest.Wait()
		if v, _ := memory.Get("bookmark"); v != "before" {
			t.Errorf("an abandoned check remembered %q", v)
		}
	})
}

func TestRunKeepsTheMemoryOfResultsThatCount(t *testing.T) {
	memory := probe.NewMapMemory(map[string]string{"bookmark": "1"})
	step := func(next string, fail bool) {
		newRunner(runner.Limits{}).Run(t.Context(), kind(func(_ context.Context, tg probe.Target) probe.Result {
			tg.Memory.Set("bookmark", next)
			if v, _ := tg.Memory.Get("bookmark"); v != next {
				t.Errorf("the check reads %q of its own", v)
			}
			if fail {
				panic("after moving the bookmark")
			}
			return probe.Result{Summary: "x"}
		}), probe.Target{Memory: memory})
	}
	step("2", false)
	step("3", true)
	if v, _ := memory.Get("bookmark"); v != "2" {
		t.Errorf("bookmark %q, want 2", v)
	}
}

func TestRunDropsWhatIsNoNumber(t *testing.T) {
	inf := math.Inf(1)
	res := newRunner(runner.Limits{}).Run(t.Context(), kind(func(context.Context, probe.Target) probe.Result {
		return probe.Result{Summary: "x", Perf: []probe.Perf{{Label: "a", Value: math.NaN()}, {Label: "b\xff", Value: 1, Max: &inf}}}
	}), probe.Target{})
	if len(res.Perf) != 1 || res.Perf[0].Max != nil || !utf8.ValidString(res.Perf[0].Label) {
		t.Errorf("%+v", res.Perf)
	}
	if _, err := json.Marshal(res); err != nil {
		t.Error(err)
	}
}

func TestOneShotWhenDiscoveryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		broken, stuck := says(probe.OK, "a"), says(probe.OK, "b")
		broken.Discover = func(context.Context) []probe.Found { panic("broken") }
		stuck.Discover = func(context.Context) []probe.Found { <-let; return nil }
		worst, items := runner.OneShot(t.Context(), newRunner(runner.Limits{}), "主机", []probe.Builtin{broken, stuck, says(probe.OK, "c")}, 2, time.Now, nil)
		reasons := map[probe.Reason]int{}
		for _, it := range items {
			reasons[it.Result.Reason]++
		}
		if worst != probe.Unknown || reasons[probe.ReasonPanic] != 1 || reasons[probe.ReasonTimeout] != 1 || reasons[""] != 1 {
			t.Errorf("%s, %v", worst, reasons)
		}
		close(let)
	})
}

func TestTableIsAlignedWithWideCharacters(t *testing.T) {
	report := runner.Report{State: "OK", Results: []runner.ReportItem{
		{Check: "a.b", Target: "/数据", State: "CRITICAL", Summary: "S1"}, {Check: "a.bcd", Target: "/data-x", State: "OK", Summary: "S2"},
	}}
	var out bytes.Buffer
	if err := report.WriteTable(&out, false); err != nil {
		t.Fatal(err)
	}
	want := "CRITICAL  a.b    /数据    S1\nOK        a.bcd  /data-x  S2\n"
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestOneShot(t *testing.T) {
	absent := kind(func(context.Context, probe.Target) probe.Result { return probe.NoSource("没有") })
	for name, c := range map[string]struct {
		kinds []probe.Builtin
		worst probe.State
		first string
	}{
		"nothing":                    {nil, probe.Unknown, ""},
		"nothing but what is absent": {[]probe.Builtin{absent}, probe.Unknown, "没有"},
		"what is absent is no state": {[]probe.Builtin{says(probe.OK, "a"), absent}, probe.OK, "a"},
		"unknown is worse than a warning": {
			[]probe.Builtin{says(probe.Warning, "w"), says(probe.OK, "o"), says(probe.Unknown, "u")}, probe.Unknown, "u",
		},
		"red first": {[]probe.Builtin{says(probe.OK, "o"), says(probe.Unknown, "u"), says(probe.Critical, "c")}, probe.Critical, "c"},
	} {
		t.Run(name, func(t *testing.T) {
			seen := 0
			worst, items := runner.OneShot(t.Context(), newRunner(runner.Limits{}), "主机", c.kinds, 2, time.Now, func(int, int) { seen++ })
			if worst != c.worst || seen != len(c.kinds) || len(items) != len(c.kinds) {
				t.Errorf("%s with %d of %d, want %s", worst, seen, len(c.kinds), c.worst)
			}
			if len(items) > 0 && items[0].Result.Summary != c.first {
				t.Errorf("%q stands first, want %q", items[0].Result.Summary, c.first)
			}
			var table, raw bytes.Buffer
			report := runner.NewReport(worst, items, "abc")
			if err := report.WriteTable(&table, false); err != nil {
				t.Fatal(err)
			}
			if err := report.WriteJSON(&raw); err != nil {
				t.Fatal(err)
			}
			var back struct {
				State   string
				Results []map[string]any
			}
			if err := json.Unmarshal(raw.Bytes(), &back); err != nil || back.State != c.worst.String() || len(back.Results) != len(items) {
				t.Errorf("%v: %s", err, raw.String())
			}
			for _, it := range back.Results {
				for _, field := range []string{"asset", "class", "check", "state", "reason", "summary", "perfdata", "ran_at", "script_sha256"} {
					if _, there := it[field]; !there {
						t.Errorf("a result has no %s: %v", field, it)
					}
				}
			}
			if !strings.Contains(table.String(), c.worst.String()) {
				t.Errorf("the table does not say %s:\n%s", c.worst, table.String())
			}
		})
	}
}

// BenchmarkRunnerInProcess gives checks per second of a check that costs nothing: the runner's own
// price. The bar is 20,000.
func BenchmarkRunnerInProcess(b *testing.B) {
	r, k := newRunner(runner.Limits{}), says(probe.OK, "磁盘 / 已用 42%")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if res := r.Run(b.Context(), k, probe.Target{}); res.State != probe.OK {
				b.Error(res)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "checks/s")
}
