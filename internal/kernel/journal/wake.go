package journal

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// wake is a bell: ringing never blocks, and rings before somebody listens are one ring.
type wake struct{ c chan struct{} }

func newWake() *wake { return &wake{c: make(chan struct{}, 1)} }

func (w *wake) ring() {
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// watches hands news to whoever watches; each watcher has one slot, in which news adds up.
type watches struct {
	mu  sync.Mutex
	all map[*watch]struct{}
}

type watch struct {
	types map[string]struct{} // news not yet taken
	bell  *wake
}

// Watch tells which types of rows were chained, on any server, until ctx ends; then the channel is
// closed. Who reads slowly gets fewer and larger changes and holds up nobody.
func (j *Journal) Watch(ctx context.Context) <-chan Change {
	w := &watch{types: map[string]struct{}{}, bell: newWake()}
	j.watches.mu.Lock()
	if j.watches.all == nil {
		j.watches.all = map[*watch]struct{}{}
	}
	j.watches.all[w] = struct{}{}
	j.watches.mu.Unlock()
	out := make(chan Change)
	go func() {
		defer close(out)
		defer j.watches.remove(w)
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.bell.c:
			}
			c := j.watches.take(w)
			if len(c.Types) == 0 {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case out <- c:
			}
		}
	}()
	return out
}

func (ws *watches) remove(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.all, w)
}

func (ws *watches) take(w *watch) Change {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	c := Change{Types: slices.Sorted(maps.Keys(w.types))}
	clear(w.types)
	return c
}

func (ws *watches) publish(types []string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		for _, t := range types {
			w.types[t] = struct{}{}
		}
		w.bell.ring()
	}
}
