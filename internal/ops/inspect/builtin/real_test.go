package builtin_test

import (
	"testing"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/builtin"
)

// overviews are the kinds that say whether an instance serves at all.
var overviews = map[string]bool{"instance.postgresql": true, "instance.mysql": true, "instance.redis": true}

// TestOnThisHost runs every kind against the machine the tests run on, whatever it has: the answer
// must be one that can be defended, and in time.
func TestOnThisHost(t *testing.T) {
	t.Parallel()
	for _, b := range builtin.All(builtin.Deps{}) {
		t.Run(b.Kind, func(t *testing.T) {
			t.Parallel()
			if b.Discover == nil {
				return
			}
			began := time.Now()
			found := b.Discover(t.Context())
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("discovery took %s", took)
			}
			for _, f := range found {
				if f.Why == "" {
					t.Errorf("%v is proposed without a reason", f.Params)
				}
				target, err := b.NewTarget(f.Params, nil, probe.NewMapMemory(nil), nil, nil)
				if err != nil {
					t.Fatalf("discovery proposes what the kind refuses: %v", err)
				}
				res := b.Run(t.Context(), target)
				t.Logf("%s [%s] %s: %s %s: %s", b.Kind, b.TargetName(target.Params), f.Why, res.State, res.Reason, res.Summary)
				if res.Summary == "" {
					t.Error("no summary")
				}
				if res.State == probe.Unknown && res.Reason == probe.ReasonNone {
					t.Error("UNKNOWN without a reason")
				}
				if res.State == probe.OK && len(res.Perf) == 0 {
					t.Error("OK without a single figure")
				}
				if overviews[b.Kind] && res.Reason != probe.ReasonDenied && (len(res.Perf) == 0 || res.Perf[0].Label != "connect_time") {
					t.Error("an instance that answers discovery must say how long it took to sign in")
				}
				for _, p := range res.Perf {
					if again, err := probe.ParsePerf(p.String()); err != nil || len(again) != 1 || again[0].Label != p.Label {
						t.Errorf("%s cannot be read back: %v", p, err)
					}
				}
			}
		})
	}
}
