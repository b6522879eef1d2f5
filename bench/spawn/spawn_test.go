// Package spawn measures how many foreign programs a second the inspection runs, with each result stored
// durably by the real engine, against a bare loop of os/exec around the same program in the same run, and
// against nagios4 where there is one: `apt-get install nagios4-core`, or NAGIOS4=/path/to/nagios4.
// Bars: ≥ 0.8 of the bare loop, ≥ 1.2 of nagios4.
package spawn

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/plugin"
	"taxops/internal/ops/inspect/runner"
	"taxops/internal/ops/inspect/spawn"
)

func TestMain(m *testing.M) {
	if code, is := spawn.Child(os.Args); is {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// trivial is the cheapest plug-in there is: static, without a library to load. With an argument that names
// a file it adds a byte to it, so that runs by others can be counted.
const trivial = `#include <fcntl.h>
#include <unistd.h>
int main(int argc, char **argv) {
	static const char s[] = "OK - nothing to do|time=0.001s;1;2\n";
	if (argc > 1 && argv[1][0] == '/') {
		int f = open(argv[1], O_WRONLY | O_APPEND);
		if (f < 0 || write(f, "x", 1) != 1) return 3;
	}
	return write(1, s, sizeof s - 1) == sizeof s - 1 ? 0 : 3;
}
`

func build(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil { // programs run as another user
			b.Fatal(err)
		}
	}
	source, bin := filepath.Join(dir, "check_nothing.c"), filepath.Join(dir, "check_nothing")
	if err := os.WriteFile(source, []byte(trivial), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.CommandContext(b.Context(), "cc", "-O2", "-static", "-o", bin, source).CombinedOutput(); err != nil {
		b.Fatalf("cc: %v\n%s", err, out)
	}
	if err := os.Chmod(bin, 0o755); err != nil {
		b.Fatal(err)
	}
	return bin
}

const (
	checks = 3000 // of one round: beginning and closing it are a part of the figure, as they are in use
	atOnce = 8    // as the engine
)

// perSecond runs f n times, several at once, and returns how many that were a second.
func perSecond(b *testing.B, n int, f func(i int) error) float64 {
	b.Helper()
	began := time.Now()
	next := make(chan int)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := range next {
				if err := f(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return float64(n) / time.Since(began).Seconds()
}

// BenchmarkPlugins measures, in turn, the bare loop, the sandbox alone, and a round of the engine.
func BenchmarkPlugins(b *testing.B) {
	bin := build(b)
	other := nagiosBinary()
	box := spawn.New(spawn.Config{Seats: atOnce})
	b.Cleanup(func() { _ = box.Close() })
	for _, dialect := range []store.Dialect{store.SQLite, store.Postgres} {
		b.Run(string(dialect), func(b *testing.B) {
			e := start(b, dialect, box, bin)
			var bare, sandbox, engine, rival []float64
			for b.Loop() {
				bare = append(bare, perSecond(b, checks, func(int) error {
					_, err := exec.CommandContext(b.Context(), bin).Output()
					return err
				}))
				sandbox = append(sandbox, perSecond(b, checks, func(int) error {
					o, err := box.Run(b.Context(), spawn.Command{Path: bin})
					if err == nil && (o.Ended != spawn.Exited || o.Exit != 0) {
						err = fmt.Errorf("%+v", o)
					}
					return err
				}))
				engine = append(engine, e.round(b))
				if other != "" {
					rival = append(rival, nagios(b, other, bin))
				}
			}
			median := func(v []float64) float64 {
				slices.Sort(v)
				return v[len(v)/2]
			}
			b.ReportMetric(median(bare), "bare/s")
			b.ReportMetric(median(sandbox), "sandbox/s")
			b.ReportMetric(median(engine), "checks/s")
			b.ReportMetric(median(engine)/median(bare), "of-bare")
			if len(rival) > 0 {
				b.ReportMetric(median(rival), "nagios4/s")
				b.ReportMetric(median(engine)/median(rival), "of-nagios4")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// engine is an inspection with its loops running.
type engine struct {
	db   *store.DB
	m    *inspect.Module
	plan string
}

// host is the only asset there is.
type host struct{ asset inspect.Asset }

// Local implements inspect.Assets.
func (h host) Local(context.Context) (inspect.Asset, error) { return h.asset, nil }

// Asset implements inspect.Assets.
func (h host) Asset(_ context.Context, id string) (inspect.Asset, error) {
	if id != h.asset.ID {
		return inspect.Asset{}, problem.Missing("asset", id)
	}
	return h.asset, nil
}

// nobody works here.
type nobody struct{}

func (nobody) Names(context.Context, []string) (map[string]string, error) { return nil, nil }
func (nobody) Allowed(context.Context, string, string, string, string) (bool, error) {
	return false, nil
}

func start(b *testing.B, dialect store.Dialect, box plugin.Sandbox, bin string) *engine {
	b.Helper()
	db := storetest.Open(b, dialect, clock.System{}, []store.Migrations{org.Migrations(), journal.Migrations(), inspect.Migrations()})
	ring, err := secret.OpenRing(b.Context(), secret.Config{File: filepath.Join(b.TempDir(), "ring.json")})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: inspect.Types(), AreaPath: org.Region, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	machine := inspect.Asset{
		ID: "host", Name: "host", HostID: "host", AreaPath: org.Region, SystemID: org.SystemPlatform, Active: true, Local: true,
	}
	m, err := inspect.New(inspect.Deps{
		DB: db, Journal: j, Timeline: j, Ring: ring, Runner: runner.New(runner.Limits{}, log),
		Kinds:  []probe.Builtin{plugin.Kind(box, plugin.Dirs{filepath.Dir(bin)})},
		Assets: host{machine}, People: nobody{}, Places: org.New(db), Log: log,
	})
	if err != nil {
		b.Fatal(err)
	}
	for i := range checks {
		if _, err := m.AddCheck(b.Context(), store.Everything(), inspect.NewCheck{
			AssetID: machine.ID, Kind: plugin.KindCommand, Params: map[string]any{"command": bin, "args": []string{fmt.Sprint(i)}},
		}); err != nil {
			b.Fatal(err)
		}
	}
	group := lifecycle.NewGroup(log, append(j.Services(), m.Services()...)...)
	if err := group.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := group.Stop(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	e := &engine{db: db, m: m}
	e.plan = e.finished(b, "").PlanID
	return e
}

// round runs all checks once and returns how many that were a second, from the start of the round to
// its end, when every result is stored.
func (e *engine) round(b *testing.B) float64 {
	b.Helper()
	r, err := e.m.RunNow(b.Context(), store.Everything(), e.plan, "")
	if err != nil {
		b.Fatal(err)
	}
	done := e.finished(b, r.ID)
	if done.Ran != checks || done.OK != checks {
		b.Fatalf("round %s: %d ran, %d OK", done.Number, done.Ran, done.OK)
	}
	return checks / done.FinishedAt.Sub(done.StartedAt.Time).Seconds()
}

// finished waits for the end of a round; "" for the first there is.
func (e *engine) finished(b *testing.B, id string) inspect.Round {
	b.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var rounds []inspect.Round
		q := e.db.Read().NewSelect().Model(&rounds).Where("state = ?", "finished")
		if id != "" {
			q = q.Where("id = ?", id)
		}
		if err := q.Scan(b.Context()); err != nil {
			b.Fatal(err)
		}
		if len(rounds) > 0 {
			return rounds[0]
		}
	}
	return inspect.Round{}
}
