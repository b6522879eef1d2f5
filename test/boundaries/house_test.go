package boundaries_test

import (
	"testing"

	"taxops/test/boundaries"
)

func TestTheHouseKeepsItsRules(t *testing.T) {
	found, err := boundaries.Check(boundaries.Config{
		Dir: "../..", Module: "taxops", MaxFileLines: 700, MaxCommandLines: 300,
		Layers: [][]string{
			{"module"}, {"org", "calendar", "approval"}, {"access"}, {"journal"}, {"api", "job"}, {"store", "secret", "state"},
			{"clock", "problem", "config", "lifecycle", "probe", "telemetry"},
		},
		TimeAllowed: map[string]string{
			"internal/kernel/store/store.go":         "measures how long a transaction held others up",
			"internal/kernel/store/usage.go":         "measures how long readers and writers waited",
			"internal/kernel/lifecycle/lifecycle.go": "measures how long a service took to stop",
			"internal/kernel/api/http.go":            "measures how long an answer took",
			"internal/ops/inspect/execute.go":        "measures how long a check took",
			"internal/ops/inspect/engine.go":         "compares the wall clock with the one that only runs forward",
			"internal/ops/inspect/builtin/":          "checks measure how long their object took to answer",
			"internal/ops/inspect/runner/oneshot.go": "tells shared answers of this round from older ones, by the clock that only runs forward",
			"internal/ops/inspect/service_check.go":  "tells shared answers of this try from older ones, by the clock that only runs forward",
			"internal/kernel/probe/target.go":        "a target of no round begins now, by the clock that only runs forward",
			"internal/ops/inspect/spawn/":            "programs run in the time of the machine",
			"internal/app/live.go":                   "a network deadline is in the time of the machine",
		},
		SQLAllowed: map[string]string{
			"internal/kernel/journal/append.go":  "repeats placeholders, as many as columns",
			"internal/kernel/journal/segment.go": "adds the engine's own ON CONFLICT clause",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}
