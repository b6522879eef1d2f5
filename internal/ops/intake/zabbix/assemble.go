package zabbix

import (
	"maps"
	"slices"
	"strings"
)

// source is a host or template with what its items and discovery rules carry gathered.
type source struct {
	raw      *rawHost
	triggers []rawTrigger
	made     []rawTrigger // prototypes
	items    int
}

// assemble brings together what an export keeps apart: each host with the triggers of its own, of its
// templates and of theirs, and with macros filled in from the nearest that defines them.
func assemble(raw *rawExport) *Export {
	e := &Export{Version: string(raw.Version)}
	templates := map[string]*source{}
	for i := range raw.Templates {
		templates[raw.Templates[i].technical()] = gather(&raw.Templates[i])
	}
	hosts := make([]*source, 0, len(raw.Hosts))
	byName := map[string]*source{}
	for i := range raw.Hosts {
		h := gather(&raw.Hosts[i])
		hosts = append(hosts, h)
		byName[h.raw.technical()] = h
	}
	// Triggers beside the hosts belong to each host or template that their expressions name.
	spread := func(all list[rawTrigger], put func(*source, rawTrigger)) {
		for _, t := range all {
			for _, name := range hostsOf(string(t.Expression)) {
				if s := byName[name]; s != nil {
					put(s, t)
				} else if s := templates[name]; s != nil {
					put(s, t)
				}
			}
		}
	}
	spread(raw.Triggers, func(s *source, t rawTrigger) { s.triggers = append(s.triggers, t) })
	spread(raw.Prototypes, func(s *source, t rawTrigger) { s.made = append(s.made, t) })

	missing := map[string]bool{}
	for _, h := range hosts {
		e.Hosts = append(e.Hosts, finish(h, templates, missing))
	}
	e.MissingTemplates = slices.Sorted(maps.Keys(missing))
	return e
}

func gather(h *rawHost) *source {
	s := &source{raw: h, items: len(h.Items)}
	for _, it := range h.Items {
		s.triggers = append(s.triggers, it.Triggers...)
	}
	for _, d := range h.Discovery {
		s.made = append(s.made, d.Prototypes...)
		s.items += len(d.Items)
		for _, it := range d.Items {
			s.made = append(s.made, it.Prototypes...)
		}
	}
	return s
}

// maxTemplates bounds how many templates one host may have through others.
const maxTemplates = 500

// lineage lists the templates of a host, nearest first, each once however they are linked.
func lineage(h *source, templates map[string]*source, missing map[string]bool) []*source {
	var out []*source
	seen := map[string]bool{}
	queue := names(h.raw.Templates)
	for len(queue) > 0 && len(out) < maxTemplates {
		name := queue[0]
		queue = queue[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		t := templates[name]
		if t == nil {
			missing[name] = true
			continue
		}
		out = append(out, t)
		queue = append(queue, names(t.raw.Templates)...)
	}
	return out
}

func finish(s *source, templates map[string]*source, missing map[string]bool) Host {
	up := lineage(s, templates, missing)
	macros := map[string]string{}
	for _, from := range append([]*source{s}, up...) {
		for _, m := range from.raw.Macros {
			if _, nearer := macros[string(m.Macro)]; !nearer && m.Macro != "" {
				macros[string(m.Macro)] = string(m.Value)
			}
		}
	}
	h := Host{
		Technical: string(s.raw.Host), Name: string(s.raw.Name), Enabled: enabled(s.raw.Status), Groups: names(s.raw.Groups),
		Inventory: s.raw.Inventory, Tags: map[string]string{}, Items: s.items,
	}
	if h.Name == "" {
		h.Name = h.Technical
	}
	for _, t := range s.raw.Tags {
		h.Tags[string(t.Tag)] = string(t.Value)
	}
	for _, i := range s.raw.Interfaces {
		h.Addresses = append(h.Addresses, i.read())
	}
	add := func(from *source, name string) {
		for i, all := range [][]rawTrigger{from.triggers, from.made} {
			for _, t := range all {
				h.Triggers = append(h.Triggers, t.read(macros, i == 1, name))
			}
		}
	}
	add(s, "")
	for _, t := range up {
		h.Templates = append(h.Templates, t.raw.technical())
		h.Items += t.items
		add(t, t.raw.technical())
	}
	return h
}

func (i rawInterface) read() Interface {
	kinds := map[text]string{
		"": "agent", "1": "agent", "2": "snmp", "3": "ipmi", "4": "jmx",
		"ZABBIX": "agent", "SNMP": "snmp", "IPMI": "ipmi", "JMX": "jmx",
	}
	out := Interface{Kind: kinds[i.Type], Address: string(i.IP), Port: string(i.Port)}
	if i.UseIP == "0" || i.UseIP == "NO" || out.Address == "" {
		out.Address = string(i.DNS)
	}
	out.Main = i.Default == "" || i.Default == "1" || i.Default == "YES"
	return out
}

func (t rawTrigger) read(macros map[string]string, made bool, from string) Trigger {
	out := Trigger{
		Name: string(t.Name), Expression: string(t.Expression), Priority: priority(t.Priority), Enabled: enabled(t.Status),
		Prototype: made, From: from,
	}
	if out.Name == "" {
		out.Name = string(t.Description) // before 3.4 the name was called so
	}
	out.Resolved = fill(out.Expression, macros)
	return out
}

// Resolve puts the values of user macros into an expression; unknown ones stay.
func Resolve(expression string, macros map[string]string) string { return fill(expression, macros) }

// fill puts the values of user macros into an expression: {$NAME} and {$NAME:context}, for which the
// value without a context stands in when the context has none of its own. Unknown ones stay.
func fill(expression string, macros map[string]string) string {
	var b strings.Builder
	for {
		i := strings.Index(expression, "{$")
		if i < 0 {
			break
		}
		j := macroEnd(expression[i:])
		if j < 0 {
			break
		}
		b.WriteString(expression[:i])
		name := expression[i : i+j+1]
		value, known := macros[name]
		if base, _, has := strings.Cut(name, ":"); !known && has {
			value, known = macros[base+"}"]
		}
		if !known {
			value = name
		}
		b.WriteString(value)
		expression = expression[i+j+1:]
	}
	b.WriteString(expression)
	return b.String()
}

// macroEnd finds the brace that ends a macro, past those of a quoted context and of {#LLD} inside it.
func macroEnd(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case quoted:
		case s[i] == '{':
			depth++
		case s[i] == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
