package state_test

import (
	"slices"
	"strings"
	"testing"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
)

func lamp() state.Machine {
	return state.Machine{
		Name: "test.lamp", Initial: "off", Final: []state.State{"broken"},
		Edges: []state.Edge{
			{From: "off", Event: "switch", To: "on", Permission: "lamp.use"},
			{From: "on", Event: "switch", To: "off", Permission: "lamp.use"},
			{From: "on", Event: "burn", To: "broken"},
		},
		Titles: map[state.State][2]string{"off": {"关", "Off"}, "on": {"开", "On"}, "broken": {"坏", "Broken"}},
	}
}

// Every edge of the table leads where it says, and every pair that is no edge is refused.
func TestMachineDoesWhatItsTableSays(t *testing.T) {
	m := lamp()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, from := range m.States() {
		for _, event := range m.Events() {
			i := slices.IndexFunc(m.Edges, func(e state.Edge) bool { return e.From == from && e.Event == event })
			to, err := m.Next(from, event)
			switch {
			case i >= 0 && (err != nil || to != m.Edges[i].To):
				t.Errorf("%s on %s: got %s, %v", from, event, to, err)
			case i < 0 && (problem.CodeOf(err) != problem.NotPossibleInState || to != from):
				t.Errorf("%s on %s is no edge: got %s, %v", from, event, to, err)
			}
		}
	}
}

func TestRefusalNamesWhatIsPossible(t *testing.T) {
	_, err := lamp().Next("off", "burn")
	if err == nil || !strings.Contains(err.Error(), "possible: switch") {
		t.Errorf("got %v", err)
	}
}

func TestStatesAndEventsOnce(t *testing.T) {
	m := lamp()
	if got := m.States(); !slices.Equal(got, []state.State{"off", "on", "broken"}) {
		t.Errorf("states %v", got)
	}
	if got := m.Events(); !slices.Equal(got, []state.Event{"switch", "burn"}) {
		t.Errorf("events %v", got)
	}
}

func TestValidateRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*state.Machine)
		says  string
	}{
		{"two ways out on one event", func(m *state.Machine) {
			m.Edges = append(m.Edges, state.Edge{From: "on", Event: "burn", To: "off"})
		}, "two edges from on"},
		{"a state nobody reaches", func(m *state.Machine) {
			m.Edges = append(m.Edges, state.Edge{From: "lost", Event: "find", To: "off"})
			m.Titles["lost"] = [2]string{"丢", "Lost"}
		}, "lost cannot be reached"},
		{"two states that reach only each other", func(m *state.Machine) {
			m.Edges = append(m.Edges, state.Edge{From: "x", Event: "a", To: "y"}, state.Edge{From: "y", Event: "a", To: "x"})
			m.Titles["x"], m.Titles["y"] = [2]string{"甲", "X"}, [2]string{"乙", "Y"}
		}, "cannot be reached"},
		{"a state without a Chinese title", func(m *state.Machine) { m.Titles["on"] = [2]string{"", "On"} }, "on has no title"},
		{"a state without a title", func(m *state.Machine) { delete(m.Titles, "broken") }, "broken has no title"},
		{"an end that is no state", func(m *state.Machine) { m.Final = []state.State{"brokn"} }, "brokn"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := lamp()
			tt.spoil(&m)
			if err := m.Validate(); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error with %q", err, tt.says)
			}
		})
	}
}

func TestMermaid(t *testing.T) {
	want := `stateDiagram-v2
    [*] --> off
    off --> on: switch
    on --> off: switch
    on --> broken: burn
    broken --> [*]
`
	if got := lamp().Mermaid(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
