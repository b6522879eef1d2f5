package access

import (
	"testing"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
)

// Each edge of the table leads where it says, and everything else is refused.
func TestAccountMachine(t *testing.T) {
	t.Parallel()
	m := AccountMachine()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	edges := map[string]state.State{
		"invited invite": Invited, "invited accept": Active, "invited remove": Removed,
		"invited hold": Invited, "invited confirm": Active, "active hold": Invited, "active confirm": Active, "disabled hold": Invited,
		"active invite": Active, "active accept": Active, "active disable": Disabled, "active remove": Removed,
		"disabled enable": Active, "disabled remove": Removed,
		"removed erase": Removed,
	}
	walked := 0
	for _, from := range m.States() {
		for _, event := range m.Events() {
			want, ok := edges[string(from)+" "+string(event)]
			have, err := m.Next(from, event)
			switch {
			case ok && (err != nil || have != want):
				t.Errorf("%s on %s leads to %s, %v", event, from, have, err)
			case !ok && problem.CodeOf(err) != problem.NotPossibleInState:
				t.Errorf("%s on %s is not refused but leads to %s", event, from, have)
			case ok:
				walked++
			}
		}
	}
	if walked != len(edges) || len(m.Edges) != len(edges) {
		t.Errorf("walked %d of %d edges, the table has %d", walked, len(edges), len(m.Edges))
	}
}
