// Package start measures how soon the program answers after its start, and what it weighs when
// nobody asks anything. Bars: first answer ≤ 1 s after a warm start, idle RSS ≤ 150 MB.
package start

import (
	"slices"
	"testing"
	"time"

	"taxops/test/program"
)

// BenchmarkStart starts the program on a data directory that has been used before.
func BenchmarkStart(b *testing.B) {
	bin, data := program.Build(b), b.TempDir()
	first := program.Start(b, program.Options{Binary: bin, Data: data})
	if err := first.Ready(time.Minute); err != nil {
		b.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	var weight []int64
	for b.Loop() {
		began := time.Now()
		p := program.Start(b, program.Options{Binary: bin, Data: data})
		if err := p.Ready(time.Minute); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		// Idle: the first round, if one was due, is over and the garbage of the start collected.
		idle := time.After(15 * time.Second)
		<-idle
		rss, err := program.RSS(p.PID())
		if err != nil {
			b.Fatal(err)
		}
		weight = append(weight, rss)
		if err := p.Stop(); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	slices.Sort(weight)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-to-first-answer")
	b.ReportMetric(float64(weight[len(weight)/2])/1e6, "MB-idle-RSS")
}
