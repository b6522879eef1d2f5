package intake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"taxops/internal/kernel/problem"
	"taxops/internal/ops/intake/sheet"
)

// Outcomes of a row.
const (
	Added    = "new"
	Changed  = "changed"
	Same     = "same"
	Conflict = "conflict"
)

// Outcomes lists them in the order in which a person wants to see them.
func Outcomes() []string { return []string{Conflict, Added, Changed, Same} }

// Known is an asset of the register.
type Known struct {
	ID, Number, Kind, Name, ParentID, AreaPath, SystemID string
	Values                                               map[string]string // of the profile, and hostname
	Labels                                               map[string]string
	Version                                              int64
	Self                                                 bool // a server that found it out itself
}

// Defaults are what rows are that do not say it.
type Defaults struct {
	Kind        string `json:"kind"`
	AreaPath    string `json:"area_path"`
	SystemID    string `json:"system_id"`
	Environment string `json:"environment"`
}

// Difference is one value before and after.
type Difference struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Fault is what is wrong with one cell.
type Fault struct {
	Column string `json:"column" doc:"As the spreadsheet names it; empty for the row as a whole"`
	Field  string `json:"field"`
	Value  string `json:"value"`
	Code   string `json:"code"`
	Says   string `json:"says"`
}

// Row is what would become of one row.
type Row struct {
	Line    int
	Outcome string
	Name    string
	AssetID string // of an asset that is there
	Number  string
	Changes []Difference
	Faults  []Fault

	named                    bool // the row says the name itself
	kind, areaPath, systemID string
	parentID                 string // known, or
	parentRow                int    // index of the row that makes it, -1 for none
	parentName               string // as the list names it
	values, labels           map[string]string
	known                    *Known
}

// Preview is what would become of a list.
type Preview struct {
	Rows   []Row
	Counts map[string]int
	Digest string // of all outcomes: what is applied must have the same
	// Parts go along with the assets; PartCounts counts them as "kind.outcome" and "fidelity.how".
	Parts      []Part
	PartCounts map[string]int
	Notes      []BundleNote
}

// only lists the rows with some outcomes, separated by commas, or all of them; what needs a person comes first.
func (p Preview) only(outcomes string) []Row {
	var out []Row
	for _, o := range Outcomes() {
		if outcomes != "" && !slices.Contains(strings.Split(outcomes, ","), o) {
			continue
		}
		for _, r := range p.Rows {
			if r.Outcome == o {
				out = append(out, r)
			}
		}
	}
	return out
}

// preview is the making of one.
type preview struct {
	table          Table
	mapping        []string
	defaults       Defaults
	areas, systems []Place
	check          func(name, value string) error
	byKey          map[string][]*Known // assets by key
	rowByKey       map[string]int      // rows by key
	hosts          map[string]int      // rows that make hosts, by what a component may call them
}

// key is one way of knowing an asset again.
type key struct{ field, value string }

// keysOf are the ways in which a row is known again, the surest first: number, serial number, host name,
// address; and the name within its system only when it has none of these.
func keysOf(kind, number, systemID, parent, name string, values map[string]string) []key {
	var out []key
	add := func(field, value string) {
		if value != "" {
			out = append(out, key{field, strings.ToLower(value)})
		}
	}
	add(fieldNumber, number)
	if kind == kindComponent {
		// Several components share the address of their host.
		if number == "" {
			add("component", parent+"\x00"+name)
		}
		return out
	}
	add(fieldSerial, values[fieldSerial])
	add(fieldHost, values[fieldHost])
	add(fieldAddress, values[fieldAddress])
	if len(out) == 0 {
		add(fieldName, systemID+"\x00"+name)
	}
	return out
}

// Kinds of assets that this package must tell apart.
const (
	kindHost      = "host"
	kindComponent = "component"
)

func (k key) String() string { return k.field + "\x00" + k.value }

// compare says what a list would change in the register. It only computes.
func compare(table Table, mapping []string, defaults Defaults, areas, systems []Place, register []Known, check func(name, value string) error) Preview {
	p := &preview{
		table: table, mapping: mapping, defaults: defaults, areas: areas, systems: systems, check: check,
		byKey: map[string][]*Known{}, rowByKey: map[string]int{}, hosts: map[string]int{},
	}
	for i := range register {
		k := &register[i]
		keys := keysOf(k.Kind, "", k.SystemID, k.ParentID, k.Name, k.Values)
		if k.Kind != kindComponent {
			keys = append(keys, key{fieldName, strings.ToLower(k.SystemID + "\x00" + k.Name)}, key{"any", strings.ToLower(k.Name)})
			for _, f := range []string{fieldHost, fieldAddress} {
				if v := k.Values[f]; v != "" {
					keys = append(keys, key{"any", strings.ToLower(v)})
				}
			}
			keys = append(keys, key{"any", strings.ToLower(k.Number)})
		}
		for _, one := range append(keys, key{fieldNumber, strings.ToLower(k.Number)}) {
			if s := one.String(); !slices.Contains(p.byKey[s], k) {
				p.byKey[s] = append(p.byKey[s], k)
			}
		}
	}
	out := Preview{Counts: map[string]int{Added: 0, Changed: 0, Same: 0, Conflict: 0}}
	for i, l := range table.Rows {
		r := p.row(l)
		if r.kind == kindHost {
			for _, name := range []string{r.Name, r.values[fieldHost], r.values[fieldAddress]} {
				if _, taken := p.hosts[strings.ToLower(name)]; !taken && name != "" {
					p.hosts[strings.ToLower(name)] = i
				}
			}
		}
		out.Rows = append(out.Rows, r)
	}
	for i := range out.Rows {
		p.settle(i, out.Rows)
	}
	// A component of a row that cannot be taken in cannot be taken in either.
	for i := range out.Rows {
		if r := &out.Rows[i]; r.parentRow >= 0 && out.Rows[r.parentRow].Outcome == Conflict {
			p.fault(r, fieldParent, "", "parent_conflict", "the row of its host is a conflict")
			r.Outcome = Conflict
		}
	}
	h := sha256.New()
	for i := range out.Rows {
		r := &out.Rows[i]
		out.Counts[r.Outcome]++
		b, _ := json.Marshal([]any{r.Line, r.Outcome, r.AssetID, r.Changes}) // strings and numbers always marshal
		h.Write(b)
	}
	out.Digest = hex.EncodeToString(h.Sum(nil)[:16])
	return out
}

// fault notes what is wrong with the cell of a field.
func (p *preview) fault(r *Row, field, value, code, says string) {
	column := ""
	if i := slices.Index(p.mapping, field); i >= 0 {
		column = sheet.Column(i)
	}
	r.Faults = append(r.Faults, Fault{Column: column, Field: field, Value: value, Code: code, Says: says})
}

// row reads the cells of one row.
func (p *preview) row(l Line) Row {
	r := Row{Line: l.N, values: map[string]string{}, labels: map[string]string{}, parentRow: -1, Changes: []Difference{}, Faults: []Fault{}}
	parent := ""
	for c, field := range p.mapping {
		cell := l.cell(c)
		if field == "" || nothing(cell) {
			continue
		}
		value, extra, code, says := p.read(field, cell)
		if code != "" {
			p.fault(&r, field, cell, code, says)
			continue
		}
		switch {
		case field == fieldNumber:
			r.Number = strings.ToUpper(value)
		case field == fieldKind:
			r.kind = value
		case field == fieldName:
			r.Name = value
		case field == fieldParent:
			parent = value
		case field == fieldArea:
			r.areaPath = value
		case field == fieldSystem:
			r.systemID = value
		case strings.HasPrefix(field, labelPrefix):
			r.labels[strings.TrimPrefix(field, labelPrefix)] = cut(value, 200)
		default:
			if err := p.check(field, value); err != nil {
				p.fault(&r, field, cell, faultCode(err), faultText(err))
				continue
			}
			r.values[field] = value
			if extra != "" {
				r.labels["more_"+field] = cut(extra, 200)
			}
		}
	}
	if r.named = r.Name != ""; !r.named {
		r.Name = cmp.Or(r.values[fieldHost], r.values[fieldAddress])
	} else if err := p.check(fieldName, r.Name); err != nil {
		p.fault(&r, fieldName, r.Name, faultCode(err), faultText(err))
	}
	if r.kind == "" {
		if r.kind = p.defaults.Kind; parent != "" {
			r.kind = kindComponent
		}
		r.kind = cmp.Or(r.kind, kindHost)
	}
	if parent != "" {
		r.values[fieldParent] = parent
	}
	return r
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// settle finds out which asset a row is and what differs.
func (p *preview) settle(i int, rows []Row) {
	r := &rows[i]
	defer func() {
		if len(r.Faults) > 0 {
			r.Outcome = Conflict
		}
	}()
	if r.Name == "" && r.Number == "" {
		p.fault(r, fieldName, "", "required", "the row names no asset")
		return
	}
	parent := r.values[fieldParent]
	delete(r.values, fieldParent)
	if r.kind == kindComponent && !p.lies(r, parent) {
		return
	}
	parentKey := r.parentID
	if r.parentRow >= 0 {
		parentKey = fmt.Sprintf("row %d", r.parentRow)
	}
	systemID := cmp.Or(r.systemID, p.defaults.SystemID)
	keys := keysOf(r.kind, r.Number, systemID, parentKey, r.Name, r.values)
	for _, k := range keys {
		if other, taken := p.rowByKey[k.String()]; taken && other != i {
			p.fault(r, k.field, "", "twice", fmt.Sprintf("row %d is the same asset", rows[other].Line))
			return
		}
		p.rowByKey[k.String()] = i
	}
	for _, k := range keys {
		matches := p.byKey[k.String()]
		matches = slices.DeleteFunc(slices.Clone(matches), func(m *Known) bool { return (m.Kind == kindComponent) != (r.kind == kindComponent) })
		switch {
		case len(matches) > 1:
			p.fault(r, k.field, "", "ambiguous", fmt.Sprintf("%d assets have this", len(matches)))
			return
		case len(matches) == 1 && r.known != nil && r.known != matches[0]:
			p.fault(r, k.field, "", "contradiction", fmt.Sprintf("by this it is %s, by another value %s", matches[0].Number, r.known.Number))
			return
		case len(matches) == 1:
			r.known = matches[0]
		case k.field == fieldNumber:
			p.fault(r, fieldNumber, r.Number, "unknown_asset", "no asset with this number")
			return
		}
	}
	if r.known == nil {
		p.makeNew(r, systemID)
		return
	}
	p.differ(r)
}

// lies finds the host that a component lies on.
func (p *preview) lies(r *Row, parent string) bool {
	if parent == "" && r.Number != "" {
		return true // an asset that is there keeps its host
	}
	if parent == "" {
		parent = cmp.Or(r.values[fieldHost], r.values[fieldAddress])
	}
	if parent == "" {
		p.fault(r, fieldParent, "", "required", "a component lies on a host: say on which")
		return false
	}
	r.parentName = parent
	hosts := slices.DeleteFunc(slices.Clone(p.byKey[key{"any", strings.ToLower(parent)}.String()]), func(k *Known) bool { return k.Kind != kindHost })
	switch {
	case len(hosts) == 1:
		r.parentID = hosts[0].ID
	case len(hosts) > 1:
		p.fault(r, fieldParent, parent, "ambiguous", fmt.Sprintf("%d hosts are called so", len(hosts)))
		return false
	default:
		row, found := p.hosts[strings.ToLower(parent)]
		if !found {
			p.fault(r, fieldParent, parent, "unknown_host", "no host of this name, address or number")
			return false
		}
		r.parentRow = row
	}
	return true
}

func (p *preview) makeNew(r *Row, systemID string) {
	r.Outcome = Added
	r.areaPath, r.systemID = cmp.Or(r.areaPath, p.defaults.AreaPath), systemID
	if r.systemID == "" {
		p.fault(r, fieldSystem, "", "required", "every asset belongs to a system: map a column, or choose one for all rows")
	}
	if r.areaPath == "" {
		p.fault(r, fieldArea, "", "required", "every asset lies in an area: map a column, or choose one for all rows")
	}
	if r.values["environment"] == "" && p.defaults.Environment != "" {
		r.values["environment"] = p.defaults.Environment
	}
	add := func(field, v string) {
		if v != "" {
			r.Changes = append(r.Changes, Difference{Field: field, After: v})
		}
	}
	add(fieldKind, r.kind)
	add(fieldArea, r.areaPath)
	add(fieldSystem, r.systemID)
	add(fieldParent, r.parentName)
	for _, n := range slices.Sorted(maps.Keys(r.values)) {
		add(n, r.values[n])
	}
	for _, n := range slices.Sorted(maps.Keys(r.labels)) {
		add(labelPrefix+n, r.labels[n])
	}
}

// differ lists what the row would change in the asset that it is.
func (p *preview) differ(r *Row) {
	k := r.known
	r.AssetID, r.Number = k.ID, k.Number
	add := func(field, before, after string) {
		if after != "" && after != before {
			r.Changes = append(r.Changes, Difference{Field: field, Before: before, After: after})
		}
	}
	if r.named {
		add(fieldName, k.Name, r.Name)
	}
	add(fieldArea, k.AreaPath, r.areaPath)
	add(fieldSystem, k.SystemID, r.systemID)
	if r.parentID != "" {
		add(fieldParent, k.ParentID, r.parentID)
	}
	for _, n := range slices.Sorted(maps.Keys(r.values)) {
		if k.Self && (n == fieldHost || n == "reach") {
			continue // the server that runs there knows better
		}
		if slices.Contains([]string{fieldHost, fieldAddress, fieldSerial}, n) && strings.EqualFold(k.Values[n], r.values[n]) {
			continue
		}
		add(n, k.Values[n], r.values[n])
	}
	for _, n := range slices.Sorted(maps.Keys(r.labels)) {
		add(labelPrefix+n, k.Labels[n], r.labels[n])
	}
	if !r.named {
		r.Name = k.Name
	}
	if r.Outcome = Same; len(r.Changes) > 0 {
		r.Outcome = Changed
	}
}

func faultCode(err error) string {
	var p *problem.Error
	if asProblem(err, &p) && len(p.Fields) > 0 {
		return p.Fields[0].Code
	}
	return "not_possible"
}

func faultText(err error) string {
	var p *problem.Error
	if asProblem(err, &p) {
		return p.Detail
	}
	return err.Error()
}
