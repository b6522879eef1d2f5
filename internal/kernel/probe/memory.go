package probe

import (
	"fmt"
	"maps"
	"sync"
)

// Limits of what a check may remember between two runs.
const (
	MaxMemoryKeys  = 16
	MaxMemoryValue = 4 << 10
)

// MapMemory is a [Memory] held in a map, for one check. It may be used from several goroutines.
type MapMemory struct {
	mu     sync.Mutex
	values map[string]string
	err    error
}

// NewMapMemory starts from what an earlier run left; the map is copied.
func NewMapMemory(values map[string]string) *MapMemory {
	m := &MapMemory{values: maps.Clone(values)}
	if m.values == nil {
		m.values = make(map[string]string)
	}
	return m
}

// Get returns what was remembered under the key.
func (m *MapMemory) Get(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[key]
	return v, ok
}

// Set remembers a value. What exceeds the limits is not kept, the old value neither, since a stale
// bookmark is worse than none; [MapMemory.Err] tells.
func (m *MapMemory) Set(key, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.values[key]
	switch {
	case len(value) > MaxMemoryValue:
		m.err = fmt.Errorf("memory value %q has %d bytes, at most %d", clip(key), len(value), MaxMemoryValue)
		delete(m.values, key)
	case !known && len(m.values) >= MaxMemoryKeys:
		m.err = fmt.Errorf("memory key %q is one more than %d", clip(key), MaxMemoryKeys)
	default:
		m.values[key] = value
	}
}

// Snapshot returns a copy of everything remembered.
func (m *MapMemory) Snapshot() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values)
}

// Err returns the last refusal of Set, nil when all was kept.
func (m *MapMemory) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
