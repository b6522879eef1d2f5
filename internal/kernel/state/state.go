// Package state holds a state machine as one table: from, event, to. The table is what the code
// runs, what the documentation draws and what the tests walk; nothing else decides what may follow.
package state

import (
	"fmt"
	"slices"
	"strings"

	"taxops/internal/kernel/problem"
)

// State is a named state of a thing ("open").
type State string

// Event is what happens to a thing ("assign").
type Event string

// Edge is one allowed step.
type Edge struct {
	From       State
	Event      Event
	To         State
	Permission string // who may; "" for steps that the program itself takes
}

// Machine is one table.
type Machine struct {
	Name    string // "inspect.finding"
	Initial State
	Final   []State // states that end the life of the thing; a final state may still have edges out (reopen)
	Edges   []Edge
	Titles  map[State][2]string // zh, en
}

// Next returns the state that event leads to, or a problem with code not_possible_in_state that
// names the events that are possible.
func (m Machine) Next(from State, event Event) (State, error) {
	var possible []string
	for _, e := range m.Edges {
		if e.From != from {
			continue
		}
		if e.Event == event {
			return e.To, nil
		}
		possible = append(possible, string(e.Event))
	}
	return from, problem.New(problem.NotPossibleInState,
		"%s cannot %s while %s (possible: %s)", m.Name, event, from, strings.Join(possible, ", "))
}

// States lists every state once, the initial one first, in the order of the table.
func (m Machine) States() []State {
	out := []State{m.Initial}
	for _, e := range m.Edges {
		for _, s := range []State{e.From, e.To} {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// Events lists every event once.
func (m Machine) Events() []Event {
	var out []Event
	for _, e := range m.Edges {
		if !slices.Contains(out, e.Event) {
			out = append(out, e.Event)
		}
	}
	return out
}

// Validate refuses a table with two edges for the same event, an unreachable state, a state
// without a title or an end that is no state.
func (m Machine) Validate() error {
	seen := map[string]bool{}
	reached := map[State]bool{m.Initial: true}
	for _, e := range m.Edges {
		k := string(e.From) + "\x00" + string(e.Event)
		if seen[k] {
			return fmt.Errorf("%s: two edges from %s on %s", m.Name, e.From, e.Event)
		}
		seen[k] = true
	}
	for range m.Edges {
		for _, e := range m.Edges {
			if reached[e.From] {
				reached[e.To] = true
			}
		}
	}
	for _, s := range m.States() {
		if !reached[s] {
			return fmt.Errorf("%s: state %s cannot be reached", m.Name, s)
		}
		if t := m.Titles[s]; t[0] == "" || t[1] == "" {
			return fmt.Errorf("%s: state %s has no title", m.Name, s)
		}
	}
	for _, f := range m.Final {
		if !reached[f] {
			return fmt.Errorf("%s: final state %s is not in the table", m.Name, f)
		}
	}
	return nil
}

// Mermaid draws the table as a state diagram.
func (m Machine) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", m.Initial)
	for _, e := range m.Edges {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", e.From, e.To, e.Event)
	}
	for _, f := range m.Final {
		fmt.Fprintf(&b, "    %s --> [*]\n", f)
	}
	return b.String()
}
