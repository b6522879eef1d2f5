package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
)

const (
	heartbeat = 15 * time.Second
	// streamLife ends a stream so that the client signs in anew with its next request: a session that
	// was revoked meanwhile hears nothing more.
	streamLife = 2 * time.Minute
	// streamWrite bounds one write to a reader that has stopped reading.
	streamWrite = 10 * time.Second
	// streamsEach bounds the streams of one person, who has one for each open screen.
	streamsEach = 50
)

// openStreams counts the streams of each person.
type openStreams struct {
	mu sync.Mutex
	of map[string]int
}

// take counts one more stream, unless the person has all they may have.
func (s *openStreams) take(person string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[person] >= streamsEach {
		p := problem.New(problem.RateLimited, "at most %d screens of one person follow what changes", streamsEach)
		p.RetryAfter = int(heartbeat / time.Second)
		return p
	}
	s.of[person]++
	return nil
}

func (s *openStreams) give(person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[person]--; s.of[person] <= 0 {
		delete(s.of, person)
	}
}

// registerLive adds the stream that tells screens what changed. It carries names of event types only,
// no content: the screen asks again for what it shows, under its own rights.
func registerLive(r *api.Router, changes func(ctx context.Context) <-chan journal.Change) {
	streams := &openStreams{of: map[string]int{}}
	api.Register(r, api.Operation{
		ID: "home.events", Method: http.MethodGet, Path: "/events", Self: true, Passive: true,
		Summary: "Stream of what changed (server-sent events)",
		Doc:     "Event `change` with `{types, modules}`; a comment every 15 s; the stream ends after two minutes and is opened again.",
	}, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
		person := api.CallerFrom(ctx).AccountID
		if err := streams.take(person); err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer streams.give(person)
			hc.SetHeader("Content-Type", "text/event-stream")
			hc.SetHeader("Cache-Control", "no-store")
			hc.SetHeader("X-Accel-Buffering", "no")
			ctx, stop := context.WithTimeout(hc.Context(), streamLife)
			defer stop()
			stream(ctx, hc, changes(ctx))
		}}, nil
	})
}

func stream(ctx context.Context, hc huma.Context, changes <-chan journal.Change) {
	w := hc.BodyWriter()
	send := func(format string, args ...any) bool {
		if rw, ok := w.(http.ResponseWriter); ok {
			rc := http.NewResponseController(rw)
			if rc.SetWriteDeadline(time.Now().Add(streamWrite)) != nil {
				return false
			}
			if _, err := fmt.Fprintf(w, format, args...); err != nil {
				return false
			}
			return rc.Flush() == nil
		}
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil
	}
	if !send(": open\n\nretry: 2000\n\n") {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if !send(": still here\n\n") {
				return
			}
		case c, open := <-changes:
			if !open {
				return
			}
			var modules []string
			for _, t := range c.Types {
				if m, _, _ := strings.Cut(t, "."); !slices.Contains(modules, m) {
					modules = append(modules, m)
				}
			}
			b, err := json.Marshal(map[string][]string{"types": c.Types, "modules": modules})
			if err != nil || !send("event: change\ndata: %s\n\n", b) {
				return
			}
		}
	}
}
