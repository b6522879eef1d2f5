// Package module says what a module is: one room of the house, declared as data. There is no
// registry and no init function; package app lists the modules, and everything that is generated or
// checked for all of them (tables, reference, permissions, subscriptions) is read from these values.
package module

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/job"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// Module is one room. Fields that a module does not need stay empty.
type Module struct {
	Name        string
	Title       [2]string              // zh, en
	Migrations  *store.Migrations      // with a version table of its own
	Events      []journal.Type         // what it writes to the journal
	States      []state.Machine        // how its things change
	Permissions []access.Permission    // each with its default roles
	Config      []config.Key           // its settings
	Routes      func(*api.Router)      // its operations
	Jobs        func(*job.Registry)    // its background work
	Subscribe   []journal.Subscription // what it follows
	Services    []lifecycle.Service    // its long-running loops
	Probes      []probe.Builtin        // what the inspection may ask of it
	Homes       []api.HomeCard         // what it says on the home page
}

// Validate finds what is wrong with a set of modules, all of it at once: names that are taken twice,
// events and permissions that do not carry their module's name, events without titles, state machines
// that cannot be walked, or with a step for a permission that nobody declares.
func Validate(all []Module) error {
	var errs []error
	seen := map[string]string{}
	once := func(kind, name, owner string) {
		key := kind + " " + name
		if other, taken := seen[key]; taken {
			errs = append(errs, fmt.Errorf("%s is declared by %s and by %s", key, other, owner))
		}
		seen[key] = owner
	}
	permissions := Collect(all, func(m Module) []access.Permission { return m.Permissions })
	for _, m := range all {
		once("module", m.Name, m.Name)
		for _, e := range m.Events {
			once("event", e.Name, m.Name)
			errs = append(errs, e.Validate(), owned("event", e.Name, m.Name))
		}
		for _, p := range m.Permissions {
			once("permission", p.Name, m.Name)
			errs = append(errs, owned("permission", p.Name, m.Name))
		}
		for _, s := range m.States {
			once("state machine", s.Name, m.Name)
			errs = append(errs, s.Validate())
			for _, e := range s.Edges {
				if e.Permission != "" && !slices.ContainsFunc(permissions, func(p access.Permission) bool { return p.Name == e.Permission }) {
					errs = append(errs, fmt.Errorf("state machine %s: %s from %s needs the permission %s, which nobody declares", s.Name, e.Event, e.From, e.Permission))
				}
			}
		}
		for _, s := range m.Subscribe {
			once("subscription", s.Name, m.Name)
		}
		for _, k := range m.Config {
			once("configuration key", k.Name, m.Name)
		}
		for _, p := range m.Probes {
			once("check kind", p.Kind, m.Name)
		}
	}
	return errors.Join(errs...)
}

func owned(kind, name, module string) error {
	if !strings.HasPrefix(name, module+".") {
		return fmt.Errorf("%s %s does not carry the name of its module %s", kind, name, module)
	}
	return nil
}

// Collect joins one field of all modules.
func Collect[T any](all []Module, field func(Module) []T) []T {
	var out []T
	for _, m := range all {
		out = slices.Concat(out, field(m))
	}
	return out
}
