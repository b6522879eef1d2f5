package module_test

import (
	"slices"
	"strings"
	"testing"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/module"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/state"
)

// room is a module without faults.
func room(name string) module.Module {
	thing := name + ".thing"
	return module.Module{
		Name: name, Title: [2]string{"房间", "Room"},
		Events:      []journal.Type{{Name: thing + ".made", TitleZH: "建立", TitleEN: "Made"}},
		Permissions: []access.Permission{{Name: thing + ".make", TitleZH: "建立", TitleEN: "Make", Roles: []access.Role{access.Engineer}}},
		States: []state.Machine{{
			Name: thing, Initial: "new", Final: []state.State{"old"},
			Edges:  []state.Edge{{From: "new", Event: "age", To: "old", Permission: thing + ".make"}},
			Titles: map[state.State][2]string{"new": {"新", "New"}, "old": {"旧", "Old"}},
		}},
		Subscribe: []journal.Subscription{{Name: name + ".follows"}},
		Config:    []config.Key{{Name: name + ".key"}},
		Probes:    []probe.Builtin{{Kind: name + ".kind"}},
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(a, b *module.Module)
		says   []string // every part of what is said; none for a set without faults
	}{
		"without faults":          {func(_, _ *module.Module) {}, nil},
		"a module without a part": {func(a, _ *module.Module) { *a = module.Module{Name: "empty"} }, nil},
		"two modules of one name": {
			func(_, b *module.Module) { *b = module.Module{Name: "a"} }, []string{"module a is declared by a and by a"},
		},
		"an event declared twice": {
			func(a, _ *module.Module) { a.Events = append(a.Events, a.Events[0]) }, []string{"event a.thing.made is declared by a and by a"},
		},
		"an event of another module": {
			func(a, b *module.Module) { a.Events = b.Events }, []string{"event b.thing.made is declared by a and by b", "event b.thing.made does not carry the name of its module a"},
		},
		"an event whose module only begins alike": {
			func(a, _ *module.Module) { a.Events[0].Name = "ab.thing.made" }, []string{"does not carry the name of its module a"},
		},
		"an event without a title": {func(a, _ *module.Module) { a.Events[0].TitleEN = "" }, []string{"a.thing.made has no title"}},
		"a permission declared twice": {
			func(a, b *module.Module) { b.Permissions = append(b.Permissions, a.Permissions...) },
			[]string{"permission a.thing.make is declared by a and by b", "permission a.thing.make does not carry the name of its module b"},
		},
		"two state machines of one name": {
			func(a, b *module.Module) { b.States[0].Name = a.States[0].Name }, []string{"state machine a.thing is declared by a and by b"},
		},
		"a state that cannot be reached": {
			func(a, _ *module.Module) {
				a.States[0].Edges = append(a.States[0].Edges, state.Edge{From: "lost", Event: "age", To: "old"})
			}, []string{"state lost cannot be reached"},
		},
		"a step for nobody": {
			func(a, _ *module.Module) { a.States[0].Edges[0].Permission = "a.thing.mkae" },
			[]string{"age from new needs the permission a.thing.mkae, which nobody declares"},
		},
		"a step for a permission of another module": {
			func(a, _ *module.Module) { a.States[0].Edges[0].Permission = "b.thing.make" }, nil,
		},
		"two subscriptions of one name": {
			func(a, b *module.Module) { b.Subscribe = a.Subscribe }, []string{"subscription a.follows is declared by a and by b"},
		},
		"two settings of one name": {
			func(a, b *module.Module) { b.Config = a.Config }, []string{"configuration key a.key is declared by a and by b"},
		},
		"two kinds of check of one name": {
			func(a, b *module.Module) { b.Probes = a.Probes }, []string{"check kind a.kind is declared by a and by b"},
		},
		"one name for two kinds of thing": {func(a, b *module.Module) { a.Config[0].Name = b.Probes[0].Kind }, nil},
		"all faults at once": {
			func(a, b *module.Module) { b.Config, b.Probes, a.Events[0].TitleZH = a.Config, a.Probes, "" },
			[]string{"configuration key a.key", "check kind a.kind", "has no title"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := room("a"), room("b")
			c.change(&a, &b)
			err := module.Validate([]module.Module{a, b})
			if len(c.says) == 0 && err != nil {
				t.Errorf("refused: %v", err)
			}
			for _, want := range c.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

func TestCollectKeepsTheOrder(t *testing.T) {
	all := []module.Module{room("b"), {Name: "empty"}, room("a")}
	got := module.Collect(all, func(m module.Module) []config.Key { return m.Config })
	names := make([]string, len(got))
	for i, k := range got {
		names[i] = k.Name
	}
	if want := []string{"b.key", "a.key"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if got := module.Collect(nil, func(m module.Module) []config.Key { return m.Config }); len(got) != 0 {
		t.Errorf("of no modules: %v", got)
	}
}
