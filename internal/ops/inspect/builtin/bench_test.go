package builtin

import (
	"log/slog"
	"testing"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/runner"
)

// BenchmarkHostChecks gives checks per second of kinds that read this host's own files, through the
// runner.
func BenchmarkHostChecks(b *testing.B) {
	h := newHost(Deps{})
	r := runner.New(runner.Limits{}, slog.New(slog.DiscardHandler))
	for _, k := range []probe.Builtin{h.memory(), h.files(), h.cpu(), h.disk(), h.nic()} {
		b.Run(k.Kind, func(b *testing.B) {
			t, err := k.NewTarget(nil, nil, nil, nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if res := r.Run(b.Context(), k, t); res.Reason == probe.ReasonPanic {
					b.Fatal(res.Summary)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "checks/s")
		})
	}
}
