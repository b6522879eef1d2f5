package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"taxops/internal/kernel/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spy is a service that writes down what happens to it.
type spy struct {
	name                string
	log                 *[]string
	failStart, failStop error
}

func (s spy) Name() string { return s.name }

func (s spy) Start(context.Context) error {
	*s.log = append(*s.log, "+"+s.name)
	return s.failStart
}

func (s spy) Stop(context.Context) error {
	*s.log = append(*s.log, "-"+s.name)
	return s.failStop
}

var quiet = slog.New(slog.DiscardHandler)

func TestGroup(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name     string
		services func(log *[]string) []lifecycle.Service
		want     string
		start    error
		stop     error
	}{
		{"stops in reverse order", func(l *[]string) []lifecycle.Service {
			return []lifecycle.Service{spy{name: "a", log: l}, spy{name: "b", log: l}, spy{name: "c", log: l}}
		}, "+a +b +c -c -b -a", nil, nil},
		{"a failed start stops what was started", func(l *[]string) []lifecycle.Service {
			return []lifecycle.Service{spy{name: "a", log: l}, spy{name: "b", log: l, failStart: broken}, spy{name: "c", log: l}}
		}, "+a +b -a", broken, nil},
		{"a failed stop does not keep the rest", func(l *[]string) []lifecycle.Service {
			return []lifecycle.Service{spy{name: "a", log: l}, spy{name: "b", log: l, failStop: broken}}
		}, "+a +b -b -a", nil, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log []string
			g := lifecycle.NewGroup(quiet, tt.services(&log)...)
			if err := g.Start(t.Context()); !errors.Is(err, tt.start) {
				t.Errorf("Start: %v, want %v", err, tt.start)
			}
			if err := g.Stop(t.Context()); !errors.Is(err, tt.stop) {
				t.Errorf("Stop: %v, want %v", err, tt.stop)
			}
			if err := g.Stop(t.Context()); err != nil {
				t.Errorf("a second Stop: %v", err)
			}
			if got := strings.Join(log, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("stopping before starting is nothing", func(t *testing.T) {
		var log []string
		if err := lifecycle.NewGroup(quiet, spy{name: "a", log: &log}).Stop(t.Context()); err != nil || log != nil {
			t.Errorf("got %v, %v", err, log)
		}
	})
}

func TestLoop(t *testing.T) {
	t.Run("runs until stopped, and again", func(t *testing.T) {
		var runs atomic.Int64
		entered := make(chan struct{})
		l := lifecycle.NewLoop("loop", func(ctx context.Context) {
			runs.Add(1)
			entered <- struct{}{}
			<-ctx.Done()
		})
		if err := l.Stop(t.Context()); err != nil {
			t.Errorf("Stop before Start: %v", err)
		}
		for range 2 {
			// The context of the start may end at once: it bounds the start, not the life.
			ctx, cancel := context.WithCancel(t.Context())
			for range 2 {
				if err := l.Start(ctx); err != nil {
					t.Fatal(err)
				}
			}
			cancel()
			<-entered
			for range 2 {
				if err := l.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		if runs.Load() != 2 {
			t.Errorf("ran %d times, want 2: a second Start started it twice", runs.Load())
		}
	})
	t.Run("says that it does not stop in time, each time it is asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			l := lifecycle.NewLoop("stubborn", func(context.Context) { <-release })
			if err := l.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				err := l.Stop(ctx)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stubborn") {
					t.Errorf("got %v", err)
				}
			}
			close(release)
			if err := l.Stop(t.Context()); err != nil {
				t.Errorf("it has ended, but Stop says %v", err)
			}
		})
	})
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var at []time.Duration
		var inside atomic.Int64
		lifecycle.Every(ctx, 3*time.Second, func(ctx context.Context) {
			if inside.Add(1) > 1 {
				t.Error("ran beside itself")
			}
			at = append(at, time.Since(began))
			if len(at) == 2 { // a slow run
				<-time.After(4 * time.Second)
			}
			inside.Add(-1)
		})
		// The slow run started at 3 s and missed the tick of 6 s, which is made up for at 7 s.
		want := []time.Duration{0, 3 * time.Second, 7 * time.Second, 9 * time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("ran at %v, want %v", at, want)
		}
	})
}
