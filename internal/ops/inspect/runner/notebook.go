package runner

import (
	"sync"

	"taxops/internal/kernel/probe"
)

// notebook stands between a check and its memory: what the check remembers is written through only
// when its result counts, and a check that was abandoned reaches the memory no more, which its caller
// may be reading by then.
type notebook struct {
	mu     sync.Mutex
	under  probe.Memory // nil once closed
	notes  map[string]string
	fields []string // in the order of writing
}

func newNotebook(m probe.Memory) *notebook {
	return &notebook{under: m, notes: make(map[string]string)}
}

// Get returns what was written in this run, or else what an earlier one left.
func (n *notebook) Get(key string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if v, ok := n.notes[key]; ok {
		return v, true
	}
	if n.under == nil {
		return "", false
	}
	return n.under.Get(key)
}

// Set writes a note.
func (n *notebook) Set(key, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.notes[key]; !ok {
		n.fields = append(n.fields, key)
	}
	n.notes[key] = value
}

// close ends the run: keep writes the notes through.
func (n *notebook) close(keep bool) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if keep {
		for _, key := range n.fields {
			n.under.Set(key, n.notes[key])
		}
	}
	n.under = nil
}
