// Package lifecycle starts and stops the long-running parts of the program in order.
//
// A [Service] is anything that runs until it is told to stop. A [Group] starts its services in the
// order given and stops them in the reverse order; stopping twice, or before starting, is safe. A
// service that fails to start stops those already started.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Service is one long-running part.
type Service interface {
	// Name is what the log calls it.
	Name() string
	// Start returns once the service works; the context bounds the start only.
	Start(ctx context.Context) error
	// Stop ends the service and waits for it, at most until the context ends. It may be called
	// again, and before Start.
	Stop(ctx context.Context) error
}

// Group is a set of services with one life.
type Group struct {
	log      *slog.Logger
	services []Service
	mu       sync.Mutex
	started  []Service
}

// NewGroup makes a group that starts services in the order given.
func NewGroup(log *slog.Logger, services ...Service) *Group {
	return &Group{log: log, services: services}
}

// Start starts all services or none.
func (g *Group) Start(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.services {
		if err := s.Start(ctx); err != nil {
			err = fmt.Errorf("start %s: %w", s.Name(), err)
			return errors.Join(err, g.stopLocked(context.WithoutCancel(ctx)))
		}
		g.started = append(g.started, s)
	}
	return nil
}

// Stop stops what was started, the last first.
func (g *Group) Stop(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stopLocked(ctx)
}

func (g *Group) stopLocked(ctx context.Context) error {
	var errs []error
	for i := len(g.started) - 1; i >= 0; i-- {
		s, began := g.started[i], time.Now()
		if err := s.Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.Name(), err))
		}
		g.log.Debug("stopped", "service", s.Name(), "took", time.Since(began))
	}
	g.started = nil
	return errors.Join(errs...)
}

// Loop is a Service around a function that runs until its context ends.
type Loop struct {
	name   string
	run    func(ctx context.Context)
	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{}
}

// NewLoop makes a service that calls run in its own goroutine; run must return when its context ends.
func NewLoop(name string, run func(ctx context.Context)) *Loop { return &Loop{name: name, run: run} }

// Name implements Service.
func (l *Loop) Name() string { return l.name }

// Start implements Service.
func (l *Loop) Start(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		return nil
	}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	l.done = done
	go func() {
		defer close(done)
		l.run(ctx)
	}()
	return nil
}

// Stop implements Service.
func (l *Loop) Stop(ctx context.Context) error {
	l.mu.Lock()
	cancel, done := l.cancel, l.done
	l.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	select {
	case <-done:
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.done == done { // nobody started it again meanwhile
			l.cancel = nil
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s did not stop in time: %w", l.name, ctx.Err())
	}
}

// Every calls f at once and then after each interval until ctx ends. f's own time counts within the
// interval, and a slow f never runs beside itself.
func Every(ctx context.Context, interval time.Duration, f func(ctx context.Context)) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		f(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
