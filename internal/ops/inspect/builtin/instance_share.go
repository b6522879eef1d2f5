package builtin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"taxops/internal/kernel/probe"
)

// keepFor is how long an answer is remembered at most: rounds do not last longer.
const keepFor = 5 * time.Minute

// shareMost bounds how many instances are remembered.
const shareMost = 1024

// share lets all questions about one instance or device ask it once (合并取数): who comes first asks,
// those who come in the meantime wait for that answer, and those of the same round take it: an answer
// that was asked for before a round began is none to it, however fresh. An error is an answer too, so that a dozen questions do not each wait for a server that says nothing. It
// starts no goroutine; whoever asks does so within its own time.
type share[F any] struct {
	mu    sync.Mutex
	turns map[string]*turn[F]
}

// turn is one instance: who holds the lane may ask and may touch the rest.
type turn[F any] struct {
	lane  chan struct{}
	began time.Time // when the asking began
	took  time.Duration
	facts F
	err   error
}

// get returns the facts under key, asked for since a moment, and how long it took to ask for them. They
// are shared: nobody may change them.
func (s *share[F]) get(ctx context.Context, since time.Time, key string, ask func(context.Context) (F, error)) (facts F, took time.Duration, err error) {
	t := s.turn(key)
	began := time.Now()
	select {
	case t.lane <- struct{}{}:
	case <-ctx.Done():
		return facts, time.Since(began), fmt.Errorf("wait for the answer to another question: %w", ctx.Err())
	}
	defer func() { <-t.lane }()
	if !t.began.IsZero() && !t.began.Before(since) && time.Since(t.began) < keepFor {
		return t.facts, t.took, t.err
	}
	t.began = time.Now()
	t.facts, t.err = ask(ctx)
	t.took = time.Since(t.began)
	return t.facts, t.took, t.err
}

func (s *share[F]) turn(key string) *turn[F] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, known := s.turns[key]; known {
		return t
	}
	if s.turns == nil || len(s.turns) >= shareMost {
		s.turns = make(map[string]*turn[F]) // who holds a turn keeps it
	}
	s.forget()
	t := &turn[F]{lane: make(chan struct{}, 1)}
	s.turns[key] = t
	return t
}

// forget drops what nobody may take any more; what is being asked stays.
func (s *share[F]) forget() {
	for key, t := range s.turns {
		select {
		case t.lane <- struct{}{}:
			if time.Since(t.began) >= keepFor {
				delete(s.turns, key)
			}
			<-t.lane
		default:
		}
	}
}

// shareKey names an instance by the settings that reach it, the password as a hash only.
func shareKey(params map[string]any, names ...string) string {
	reach := make(map[string]any, len(names))
	for _, n := range names {
		reach[n] = params[n]
	}
	b, err := json.Marshal(reach)
	if err != nil { // no setting is of such a type
		return fmt.Sprint(len(names))
	}
	sum := sha256.Sum256(b)
	return string(sum[:])
}

// part is one thing that was asked in a session: its answer, or why there is none. One question that
// a server does not understand leaves the others alone.
type part[V any] struct {
	v    V
	err  error
	none string // there is no such thing on this instance, in Chinese; "" when there is
}

// got makes a part of what a question returned.
func got[V any](v V, err error) part[V] { return part[V]{v: v, err: err} }

// discoverAgain is how old a list of instances may be: the kinds of one engine ask within moments.
const discoverAgain = 5 * time.Second

// sharedDiscovery lets all kinds of one engine look for its instances once.
func sharedDiscovery(discover func(context.Context) []probe.Found) func(context.Context) []probe.Found {
	shared := &share[[]probe.Found]{}
	return func(ctx context.Context) []probe.Found {
		found, _, err := shared.get(ctx, time.Now().Add(-discoverAgain), "", func(ctx context.Context) ([]probe.Found, error) { return discover(ctx), nil })
		if err != nil || len(found) == 0 {
			return nil
		}
		out := make([]probe.Found, len(found))
		for i, f := range found {
			out[i] = probe.Found{Params: maps.Clone(f.Params), Why: f.Why}
		}
		return out
	}
}
