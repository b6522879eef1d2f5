package intake

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"taxops/internal/kernel/problem"
	"taxops/internal/ops/intake/scripts"
	"taxops/internal/ops/intake/zabbix"
)

// Sources of runs besides lists of assets.
const (
	SourceZabbix  = "zabbix"
	SourceScripts = "scripts"
)

// Kinds of parts.
const (
	PartCheck  = "check"
	PartScript = "script"
	PartPlan   = "plan"
	PartNone   = "none" // what has no counterpart: a trigger, a file, a line of cron
)

// How well a part stands for what it comes from.
const (
	Exact = "exact"
	Near  = "near"
	None  = "none"
)

// Why something of a run has no counterpart, besides the words of the packages that read it.
const (
	whyHostOff = "host_disabled" // the host is switched off in Zabbix
	whyUnused  = "runs_nothing_here"
	whyBadLine = "not_understood"
)

// Bundle is what a run brings: assets as a table, and what goes along with them.
type Bundle struct {
	Table
	Of    string // version of Zabbix
	Notes []BundleNote
	Parts []Part
}

// BundleNote is a fact about the source that a person should know.
type BundleNote struct {
	Code string `json:"code" enum:"missing_template,maintenance"`
	Text string `json:"text"`
}

// Part is one thing that a run brings along, or says that it cannot.
type Part struct {
	ID       string
	Kind     string
	Line     int    // of the asset it belongs to, 0 for none
	Name     string // of the host, the file
	Title    string // what it asks, as it was called before
	Detail   string // settings, for people
	From     []string
	Fidelity string
	Why      []string

	Check  *NewCheck  `json:",omitempty"`
	Script *NewScript `json:",omitempty"`
	Plan   *NewPlan   `json:",omitempty"`

	// Of a preview:
	Outcome string `json:"-"` // new, same, blocked, none
	Off     string `json:"-"` // why it will not run at first: not_reached, draft, plan_off
	Says    string `json:"-"` // why it is blocked
}

// NewCheck is a check to be added.
type NewCheck struct {
	Kind       string
	Params     map[string]any
	Warn, Crit map[string]string
}

// NewScript is a script to be kept as a package, as a draft.
type NewScript struct {
	Name, Title, Class, Interpreter string
	Args                            []string
	Judge                           scripts.Judgement
	Body                            []byte
	Note                            string
}

// NewPlan is a plan to be made, switched off.
type NewPlan struct {
	Name     string
	Every    time.Duration
	Times    []string
	Workdays bool
}

// packBundle makes a bundle small.
func packBundle(b Bundle) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if err := errors.Join(json.NewEncoder(z).Encode(b), z.Close()); err != nil {
		return nil, fmt.Errorf("pack what is brought: %w", err)
	}
	return out.Bytes(), nil
}

func unpackBundle(raw []byte) (Bundle, error) {
	var b Bundle
	if len(raw) == 0 {
		return b, problem.New(problem.NotPossibleInState, "the run is over, its rows are not kept")
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return b, fmt.Errorf("unpack what is brought: %w", err)
	}
	d := json.NewDecoder(io.LimitReader(z, mostUnpacked))
	if err := d.Decode(&b); err != nil {
		return b, fmt.Errorf("unpack what is brought: %w", err)
	}
	return b, nil
}

// zabbixColumns are the values of an asset that a host of Zabbix says.
func zabbixColumns() []string {
	return []string{
		fieldName, fieldHost, fieldAddress, fieldKind, "os", "vendor", "model", fieldSerial, "location",
		labelPrefix + "zabbix.host", labelPrefix + "zabbix.group", labelPrefix + "zabbix.tags",
	}
}

var hostLike = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,250}[A-Za-z0-9])?$`)

// line makes one line of text of a certain length out of any.
func line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == 0xFFFD {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(cut(strings.TrimSpace(s), most))
}

// bringZabbix turns an export into a bundle. has tells which kinds of checks there are.
func bringZabbix(e *zabbix.Export, has func(kind string) bool) Bundle {
	b := Bundle{Table: Table{Sheet: "Zabbix " + e.Version, Encoding: string(e.Format), Header: zabbixColumns()}, Of: e.Version}
	for _, t := range e.MissingTemplates {
		b.Notes = append(b.Notes, BundleNote{Code: "missing_template", Text: line(t, 200)})
	}
	for _, m := range e.Maintenances {
		text := m.Name + " " + m.From.Format(time.DateOnly) + " – " + m.To.Format(time.DateOnly) + ": " + strings.Join(slices.Concat(m.Groups, m.Hosts), ", ")
		b.Notes = append(b.Notes, BundleNote{Code: "maintenance", Text: line(text, 300)})
	}
	for i, h := range e.Hosts {
		b.Rows = append(b.Rows, Line{N: i + 1, Cells: hostCells(h)})
		b.triggers(i+1, h, has)
	}
	for i := range b.Parts {
		b.Parts[i].ID = strconv.Itoa(i + 1)
	}
	return b
}

func hostCells(h zabbix.Host) []string {
	hostname, address, kind := "", h.Address(), kindHost
	if hostLike.MatchString(h.Technical) && !strings.ContainsAny(h.Technical, " ") {
		hostname = h.Technical
	}
	if ip, err := netip.ParseAddr(address); err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		address = "" // as Zabbix sees itself
	}
	if !slices.ContainsFunc(h.Addresses, func(i zabbix.Interface) bool { return i.Kind != "snmp" }) && len(h.Addresses) > 0 {
		kind = "network"
	}
	inventory := func(keys ...string) string {
		for _, k := range keys {
			if v := line(h.Inventory[k], 200); v != "" {
				return v
			}
		}
		return ""
	}
	var tags []string
	for _, k := range slices.Sorted(maps.Keys(h.Tags)) {
		tags = append(tags, k+"="+h.Tags[k])
	}
	return []string{
		line(h.Name, 100), hostname, address, kind, inventory("os", "os_full", "os_short"), cut(inventory("vendor"), 100), inventory("model", "hardware"),
		cut(inventory("serialno_a"), 100), inventory("location"),
		line(h.Technical, 200), line(strings.Join(slices.Sorted(slices.Values(h.Groups)), ","), 200), line(strings.Join(tags, ","), 200),
	}
}

// triggers adds the checks that stand for the triggers of a host, and those for which there is none.
func (b *Bundle) triggers(n int, h zabbix.Host, has func(string) bool) {
	name := line(h.Name, 100)
	if !h.Enabled {
		if len(h.Triggers) > 0 {
			b.Parts = append(b.Parts, Part{
				Kind: PartNone, Line: n, Name: name, Title: fmt.Sprintf("%d", len(h.Triggers)), Fidelity: None, Why: []string{whyHostOff},
			})
		}
		return
	}
	checks, left := zabbix.Propose(h, has)
	for _, c := range checks {
		warn, crit := map[string]string{}, map[string]string{}
		var limits []string
		for _, metric := range slices.Sorted(maps.Keys(c.Limits)) {
			l := c.Limits[metric]
			if l.Warn != "" {
				warn[metric] = l.Warn
				limits = append(limits, metric+" WARNING "+l.Warn)
			}
			if l.Crit != "" {
				crit[metric] = l.Crit
				limits = append(limits, metric+" CRITICAL "+l.Crit)
			}
		}
		var settings []string
		for _, k := range slices.Sorted(maps.Keys(c.Params)) {
			settings = append(settings, fmt.Sprintf("%s=%v", k, c.Params[k]))
		}
		b.Parts = append(b.Parts, Part{
			Kind: PartCheck, Line: n, Name: name, Title: c.Kind, Detail: line(strings.Join(append(settings, limits...), "; "), 500),
			From: lines(c.Triggers), Fidelity: string(c.Fidelity), Why: c.Why,
			Check: &NewCheck{Kind: c.Kind, Params: c.Params, Warn: warn, Crit: crit},
		})
	}
	for _, l := range left {
		b.Parts = append(b.Parts, Part{
			Kind: PartNone, Line: n, Name: name, Title: line(l.Trigger, 200), Detail: line(l.Expression, 500), Fidelity: None, Why: []string{l.Why},
		})
	}
}

func lines(all []string) []string {
	out := make([]string, 0, min(len(all), 20))
	for _, s := range all[:min(len(all), 20)] {
		out = append(out, line(s, 200))
	}
	return out
}

var notInName = regexp.MustCompile(`[^a-z0-9_-]+`)

// packageName makes the name of a package out of that of a file; taken ones get a number.
func packageName(file string, taken map[string]bool) string {
	base := strings.Trim(notInName.ReplaceAllString(strings.ToLower(file), "-"), "-_")
	if base == "" || base[0] < 'a' || base[0] > 'z' {
		base = strings.TrimRight("script-"+base, "-")
	}
	base = base[:min(len(base), 50)]
	name := base
	for i := 2; taken[name] || len(name) < 2; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	taken[name] = true
	return name
}

// bringScripts turns a folder into a bundle.
func bringScripts(f *scripts.Folder) Bundle {
	b := Bundle{Table: Table{Header: []string{}, Rows: []Line{}}}
	names := map[string]bool{}
	cadences := map[string]*Part{}
	var order []string
	for _, s := range f.Scripts {
		p := Part{Kind: PartScript, Name: line(s.Path, 200), Title: line(s.Name, 100), Fidelity: Exact}
		judge := scripts.Propose(s.Body)
		n := &NewScript{
			Name: packageName(s.Name, names), Title: line(s.Name, 100), Class: "service", Interpreter: interpreterOf(s.Interpreter), Judge: judge, Body: s.Body,
		}
		if n.Title == "" {
			n.Title = n.Name
		}
		why := map[string]bool{}
		if n.Interpreter == "" {
			p.Kind, p.Fidelity, p.Why = PartNone, None, []string{"interpreter"}
			p.Detail = line(strings.Join(s.Interpreter, " "), 200)
			b.Parts = append(b.Parts, p)
			continue
		}
		for i, u := range s.Uses {
			p.From = append(p.From, line(u.Job.Cron+" "+u.Job.Command, 300))
			for _, w := range u.Command.Why {
				why[w] = true
			}
			if i == 0 {
				n.Args = u.Command.Arguments
			} else if !slices.Equal(n.Args, u.Command.Arguments) {
				why["several_uses"] = true
			}
			switch {
			case u.Job.Cadence == nil:
				why[u.Job.Why] = true
			default:
				for _, w := range u.Job.Cadence.Why {
					why[w] = true
				}
				planned := planOf(*u.Job.Cadence)
				key := fmt.Sprint(planned.Every, planned.Times, planned.Workdays)
				if cadences[key] == nil {
					cadences[key] = &Part{Kind: PartPlan, Name: planned.Name, Title: planned.Name, Fidelity: Exact, Plan: planned}
					order = append(order, key)
				}
				c := cadences[key]
				c.From = append(c.From, line(s.Path, 200))
				for _, w := range u.Job.Cadence.Why {
					if c.Fidelity = Near; !slices.Contains(c.Why, w) {
						c.Why = append(c.Why, w)
					}
				}
			}
		}
		if len(s.Uses) == 0 {
			why["never_run"] = true
		}
		if judge.Guessed {
			why["rules_guessed"] = true
		}
		if p.Why = slices.Sorted(maps.Keys(why)); len(p.Why) > 0 {
			p.Fidelity = Near
		}
		p.Detail = line(strings.TrimSuffix(strings.TrimSpace(n.Interpreter+" "+strings.Join(n.Args, " "))+"; "+judge.Text(), "; "), 500)
		n.Note = line("来自 "+s.Path+"；"+strings.Join(p.From, "；"), 500)
		p.Script = n
		b.Parts = append(b.Parts, p)
	}
	for _, key := range order {
		b.Parts = append(b.Parts, *cadences[key])
	}
	for _, s := range f.Skipped {
		if scripts.IsCrontab(s.Path) {
			continue // it was read as one
		}
		b.Parts = append(b.Parts, Part{Kind: PartNone, Name: line(s.Path, 200), Title: line(s.Path, 200), Fidelity: None, Why: []string{s.Why}})
	}
	for _, j := range f.Unused {
		b.Parts = append(b.Parts, Part{Kind: PartNone, Name: "crontab", Title: line(j.Cron+" "+j.Command, 300), Fidelity: None, Why: []string{whyUnused}})
	}
	for _, l := range f.Bad {
		b.Parts = append(b.Parts, Part{Kind: PartNone, Name: "crontab", Title: line(l.Text, 300), Detail: l.Why, Fidelity: None, Why: []string{whyBadLine}})
	}
	for i := range b.Parts {
		b.Parts[i].ID = strconv.Itoa(i + 1)
	}
	return b
}

// interpreterOf is the word for an interpreter that packages know, "" for another.
func interpreterOf(vector []string) string {
	if len(vector) == 0 {
		return ""
	}
	base := vector[0][strings.LastIndexByte(vector[0], '/')+1:]
	switch {
	case slices.Contains([]string{"sh", "bash", "ksh", "perl", "python3", "python2"}, base):
		return base
	case base == "dash":
		return "sh"
	case base == "python" || strings.HasPrefix(base, "python2."):
		return "python2"
	case strings.HasPrefix(base, "python3."):
		return "python3"
	case base == "ksh93":
		return "ksh"
	}
	return ""
}

// shortestPlan is the shortest interval that a plan may have.
const shortestPlan = 30 * time.Second

func planOf(c scripts.Cadence) *NewPlan {
	p := &NewPlan{Every: c.Every, Workdays: c.Workdays}
	for _, m := range c.Times {
		p.Times = append(p.Times, fmt.Sprintf("%02d:%02d", m/60, m%60))
	}
	if p.Every > 0 {
		p.Every = max(p.Every, shortestPlan)
		p.Name = "旧脚本 " + everyText(p.Every)
	} else {
		p.Name = "旧脚本 " + strings.Join(p.Times[:min(len(p.Times), 4)], " ")
		if len(p.Times) > 4 {
			p.Name += " …"
		}
	}
	if p.Workdays {
		p.Name += " 工作日"
	}
	return p
}

// everyText says a distance in words.
func everyText(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("每 %d 小时", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("每 %d 分钟", d/time.Minute)
	}
	return fmt.Sprintf("每 %d 秒", d/time.Second)
}
