package zabbix

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Fidelity says how well a check of ours stands for a trigger of theirs.
type Fidelity string

// How well it does.
const (
	Exact Fidelity = "exact" // the same value against the same limit
	Near  Fidelity = "near"  // the same question, judged in a slightly different way; see Why
	None  Fidelity = "none"  // no check; see Why
)

// Why a trigger is only nearly, or not, the same; for machines, the console has the words.
const (
	WhyAveraged   = "averaged"       // theirs judges an average or extreme over time, ours each value
	WhyPartly     = "partly"         // theirs has further conditions, which are left out
	WhyDiscovered = "discovered"     // made for each thing that is found; ours looks at all at once
	WhyMeasure    = "other_measure"  // ours answers the question by another measure, with its own limits
	WhyDisabled   = "disabled"       // switched off there
	WhyUnread     = "not_understood" // the expression is not understood
	WhyComplex    = "calculates"     // it calculates with several values
	WhyNoKind     = "no_counterpart" // no check of ours asks this
	WhyChange     = "change"         // it is about a change, not a value: rounds and findings tell changes here
	WhySilence    = "silence"        // it is about missing data: a round tells what was missed here
)

// Limit is a pair of ranges in the plug-in convention, see probe.Limit.
type Limit struct{ Warn, Crit string }

// Check is a check that is proposed for a host, for one trigger or several that ask the same.
type Check struct {
	Kind     string
	Params   map[string]any
	Limits   map[string]Limit // by metric; empty where ours stay
	Triggers []string         // names of the triggers it stands for
	Fidelity Fidelity         // of the least faithful of them
	Why      []string
}

// Left is a trigger for which there is no check.
type Left struct {
	Trigger    string
	Expression string
	Why        string
	Detail     string
}

// Propose says which checks stand for the triggers of a host, the most faithful first. has tells which
// kinds of check there are.
func Propose(h Host, has func(kind string) bool) ([]Check, []Left) {
	byKey := map[string]*Check{}
	var order []string
	var left []Left
	for _, t := range h.Triggers {
		c, why, detail := match(t, has)
		if why != "" {
			left = append(left, Left{Trigger: t.Name, Expression: t.Expression, Why: why, Detail: detail})
			continue
		}
		raw, err := json.Marshal(c.Params)
		if err != nil {
			left = append(left, Left{Trigger: t.Name, Expression: t.Expression, Why: WhyUnread, Detail: err.Error()})
			continue
		}
		key := c.Kind + string(raw)
		if have := byKey[key]; have != nil {
			have.join(c)
			continue
		}
		byKey[key] = c
		order = append(order, key)
	}
	out := make([]Check, 0, len(order))
	for _, key := range order {
		out = append(out, *byKey[key])
	}
	slices.SortStableFunc(out, func(a, b Check) int { return cmp.Compare(string(a.Fidelity), string(b.Fidelity)) })
	return out, left
}

// join adds what another trigger asks of the same thing; of two limits of one gravity the first stays.
func (c *Check) join(o *Check) {
	c.Triggers = append(c.Triggers, o.Triggers...)
	for metric, l := range o.Limits {
		have := c.Limits[metric]
		if have.Warn == "" {
			have.Warn = l.Warn
		}
		if have.Crit == "" {
			have.Crit = l.Crit
		}
		c.Limits[metric] = have
	}
	if o.Fidelity == Near {
		c.Fidelity = Near
	}
	for _, w := range o.Why {
		if !slices.Contains(c.Why, w) {
			c.Why = append(c.Why, w)
		}
	}
}

func match(t Trigger, has func(string) bool) (c *Check, why, detail string) {
	if !t.Enabled {
		return nil, WhyDisabled, ""
	}
	cond, err := ParseExpression(t.Resolved)
	if errors.Is(err, errNotSimple) {
		return nil, WhyComplex, ""
	}
	if err != nil {
		return nil, WhyUnread, err.Error()
	}
	best := ""
	for _, all := range cond.Any {
		for _, one := range all {
			c, why := counterpart(one, t, has)
			if c == nil {
				best = cmp.Or(best, why)
				continue
			}
			if len(cond.Any) > 1 || len(all) > 1 {
				c.nearly(WhyPartly)
			}
			if t.Prototype {
				c.nearly(WhyDiscovered)
			}
			c.Triggers = []string{t.Name}
			slices.Sort(c.Why)
			return c, "", ""
		}
	}
	return nil, cmp.Or(best, WhyComplex), ""
}

func (c *Check) nearly(why string) {
	c.Fidelity = Near
	if !slices.Contains(c.Why, why) {
		c.Why = append(c.Why, why)
	}
}

// counterpart finds the check that asks what one comparison asks.
func counterpart(q Comparison, t Trigger, has func(string) bool) (*Check, string) {
	switch q.Call.Func {
	case "last", "min", "max", "avg", "sum", "count", "find", "regexp", "iregexp", "str", "fuzzytime", "percentile":
	case "nodata":
		return nil, WhySilence
	case "change", "diff", "abschange", "changecount", "delta", "trendavg", "forecast", "timeleft", "baselinedev", "baselinewma":
		return nil, WhyChange
	default:
		return nil, WhyNoKind
	}
	name, params := SplitKey(q.Call.Key)
	arg := func(i int) string {
		if i < len(params) {
			return params[i]
		}
		return ""
	}
	for _, r := range rules {
		if !slices.Contains(r.keys, name) {
			continue
		}
		c := r.make(q, arg, t)
		if c == nil || !has(c.Kind) {
			continue
		}
		c.Fidelity = cmp.Or(c.Fidelity, Exact)
		if len(c.Limits) > 0 && q.Call.Func != "last" {
			c.nearly(WhyAveraged)
		}
		if c.Limits == nil {
			c.Limits = map[string]Limit{}
		}
		if c.Params == nil {
			c.Params = map[string]any{}
		}
		return c, ""
	}
	return nil, WhyNoKind
}

// rule turns the items of some keys into a check; nil when this one has no counterpart.
type rule struct {
	keys []string
	make func(q Comparison, arg func(int) string, t Trigger) *Check
}

// limit judges a metric by what a comparison says, as WARNING or CRITICAL by the trigger's priority.
func limit(t Trigger, metric, r string) map[string]Limit {
	if r == "" {
		return nil
	}
	if t.Priority >= Average {
		return map[string]Limit{metric: {Crit: r}}
	}
	return map[string]Limit{metric: {Warn: r}}
}

// ranged writes "value op limit is bad" as a range; "" for what is no limit of a measure.
func ranged(op string, v float64) string {
	n := strconv.FormatFloat(v, 'f', -1, 64)
	switch op {
	case ">":
		return "~:" + n
	case ">=":
		return "@" + n + ":"
	case "<":
		return n + ":"
	case "<=":
		return "@~:" + n
	}
	return ""
}

// mirrored is the comparison for 100 minus the value: what is free instead of what is used.
func mirrored(q Comparison) (op string, v float64) {
	return map[string]string{">": "<", ">=": "<=", "<": ">", "<=": ">="}[q.Op], 100 - q.Value
}

// down reports whether a comparison with a truth asks whether something is not there.
func down(q Comparison) bool {
	return q.Op == "=" && q.Value == 0 || q.Op == "<" && q.Value <= 1 && q.Value > 0 || q.Op == "<>" && q.Value == 1
}

// share is a percentage of a file system: pused is theirs to ours, pfree is mirrored.
func share(kind string) func(q Comparison, arg func(int) string, t Trigger) *Check {
	return func(q Comparison, arg func(int) string, t Trigger) *Check {
		op, v := q.Op, q.Value
		switch arg(1) {
		case "pused":
		case "pfree":
			op, v = mirrored(q)
		default:
			return nil // a number of bytes: ours judges shares and the days until it is full
		}
		r := ranged(op, v)
		if r == "" || op[0] == '<' {
			return nil
		}
		c := &Check{Kind: kind, Limits: limit(t, "used_percent", r)}
		if mount := arg(0); !strings.Contains(mount, "{#") {
			c.Params = map[string]any{"mounts": []any{mount}}
		}
		return c
	}
}

func memory(mirror bool) func(q Comparison, arg func(int) string, t Trigger) *Check {
	return func(q Comparison, arg func(int) string, t Trigger) *Check {
		op, v := q.Op, q.Value
		if mirror || arg(0) == "pused" {
			op, v = mirrored(q)
		} else if arg(0) != "pavailable" {
			return nil
		}
		r := ranged(op, v)
		if r == "" {
			return nil
		}
		return &Check{Kind: "performance.memory", Limits: limit(t, "available_percent", r)}
	}
}

// alone is a kind that answers the question by its own measure and limits.
func alone(kind string) func(Comparison, func(int) string, Trigger) *Check {
	return func(Comparison, func(int) string, Trigger) *Check {
		return &Check{Kind: kind, Fidelity: Near, Why: []string{WhyMeasure}}
	}
}

// here is the address in an item key that means the host itself.
func here(s string) string {
	if s == "" || strings.Contains(s, "{HOST.") {
		return "127.0.0.1"
	}
	return s
}

var servicePorts = map[string]int{
	"ssh": 22, "ldap": 389, "smtp": 25, "ftp": 21, "http": 80, "pop": 110, "nntp": 119, "imap": 143, "https": 443, "telnet": 23,
}

func tcp(host, port string) *Check {
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return nil
	}
	return &Check{Kind: "service.tcp", Params: map[string]any{"host": here(host), "port": n}}
}

func listening(q Comparison, arg func(int) string, _ Trigger) *Check {
	if !down(q) {
		return nil
	}
	port := arg(2)
	if n := servicePorts[arg(0)]; port == "" && n > 0 {
		port = strconv.Itoa(n)
	}
	return tcp(arg(1), port)
}

// answering is an instance that is asked whether it lives.
func answering(kind string) func(q Comparison, arg func(int) string, t Trigger) *Check {
	return func(q Comparison, _ func(int) string, _ Trigger) *Check {
		if !down(q) {
			return nil
		}
		return &Check{Kind: kind, Fidelity: Near, Why: []string{WhyMeasure}}
	}
}

func processes(q Comparison, arg func(int) string, _ Trigger) *Check {
	if arg(0) == "" && arg(3) == "" || arg(2) != "" && arg(2) != "all" {
		return nil
	}
	c := &Check{Kind: "service.process", Params: map[string]any{}}
	if arg(0) != "" {
		c.Params["name"] = arg(0)
	}
	if arg(3) != "" {
		c.Params["cmdline"] = arg(3)
	}
	n := int(q.Value)
	switch {
	case q.Value != float64(n) || n < 0 || n > 100_000:
		return nil
	case q.Op == "<" && n > 0:
		c.Params["min"] = n
	case q.Op == "<=":
		c.Params["min"] = n + 1
	case q.Op == "=" && n == 0:
		c.Params["min"] = 1
	case q.Op == ">":
		c.Params["max"] = n
	case q.Op == ">=" && n > 0:
		c.Params["max"] = n - 1
	default:
		return nil
	}
	return c
}

func logLines(q Comparison, arg func(int) string, _ Trigger) *Check {
	path := arg(0)
	if path == "" || strings.ContainsAny(path, `^$()|+\`) {
		return nil // logrt takes an expression for the name of the file
	}
	c := &Check{Kind: "os_log.app", Params: map[string]any{"path": path}, Fidelity: Near, Why: []string{WhyMeasure}}
	if m := arg(1); m != "" && !strings.HasPrefix(m, "@") {
		c.Params["match"] = []any{m}
	}
	return c
}

func measured(kind, metric string, scale float64) func(q Comparison, arg func(int) string, t Trigger) *Check {
	return func(q Comparison, _ func(int) string, t Trigger) *Check {
		r := ranged(q.Op, q.Value*scale)
		if r == "" {
			return nil
		}
		return &Check{Kind: kind, Limits: limit(t, metric, r)}
	}
}

// rules are in order: the first that makes a check of a kind there is wins.
var rules = []rule{
	{[]string{"vfs.fs.size", "vfs.fs.dependent.size"}, share("performance.disk")},
	{[]string{"vfs.fs.inode", "vfs.fs.dependent.inode"}, share("performance.inodes")},
	{[]string{"vm.memory.size"}, memory(false)},
	{[]string{"vm.memory.util", "vm.memory.utilization"}, memory(true)},
	{[]string{"system.cpu.load"}, func(q Comparison, arg func(int) string, t Trigger) *Check {
		r := ranged(q.Op, q.Value)
		if arg(0) != "percpu" || r == "" || q.Op[0] == '<' {
			return nil
		}
		return &Check{Kind: "performance.cpu", Limits: limit(t, "load_per_cpu", r)}
	}},
	{[]string{"system.cpu.load", "system.cpu.util"}, alone("performance.cpu")},
	{[]string{"system.swap.size", "system.swap.free", "system.swap.pfree"}, func(q Comparison, arg func(int) string, t Trigger) *Check {
		op, v := mirrored(q)
		if r := ranged(op, v); arg(1) == "pfree" && r != "" && op[0] == '>' {
			return &Check{Kind: "performance.swap", Limits: limit(t, "used_percent", r)}
		}
		return nil
	}},
	{[]string{"net.tcp.service", "net.udp.service"}, listening},
	{[]string{"net.tcp.port"}, func(q Comparison, arg func(int) string, _ Trigger) *Check {
		if !down(q) {
			return nil
		}
		return tcp(arg(0), arg(1))
	}},
	{[]string{"net.tcp.listen"}, func(q Comparison, arg func(int) string, _ Trigger) *Check {
		if !down(q) {
			return nil
		}
		return tcp("", arg(0))
	}},
	{[]string{"proc.num"}, processes},
	{[]string{"net.if.in", "net.if.out", "net.if.total"}, func(q Comparison, arg func(int) string, t Trigger) *Check {
		if arg(1) == "errors" || arg(1) == "dropped" {
			return alone("hardware.nic")(q, arg, t)
		}
		return nil
	}},
	{[]string{"log", "logrt", "log.count", "logrt.count"}, logLines},
	{[]string{"kernel.openfiles", "kernel.maxfiles"}, alone("performance.files")},
	{[]string{"system.localtime"}, alone("service.ntp")},
	{[]string{"systemd.unit.info"}, alone("service.systemd")},
	{[]string{"icmpping", "icmppingloss", "icmppingsec"}, alone("network.ping")},
	{[]string{"pgsql.ping"}, answering("instance.postgresql")},
	{[]string{"mysql.ping", "mysql.status"}, answering("instance.mysql")},
	{[]string{"redis.ping"}, answering("instance.redis")},
	{[]string{"pgsql.replication.lag.sec"}, measured("instance.postgresql_replica_lag", "replica_lag", 1)},
	{[]string{"mysql.slave_status", "mysql.replication.seconds_behind_master"}, measured("instance.mysql_replication", "replica_lag", 1)},
}

// Labels are what a host's groups and tags say, as labels of an asset: "zabbix.group" and each tag.
func (h Host) Labels() map[string]string {
	out := map[string]string{}
	if len(h.Groups) > 0 {
		out["zabbix.group"] = strings.Join(slices.Sorted(slices.Values(h.Groups)), ",")
	}
	for _, k := range slices.Sorted(maps.Keys(h.Tags)) {
		if k != "" {
			out["zabbix.tag."+k] = h.Tags[k]
		}
	}
	return out
}

// Address is how the host is reached: its main agent interface, else its first.
func (h Host) Address() string {
	for _, i := range h.Addresses {
		if i.Main && i.Kind == "agent" {
			return i.Address
		}
	}
	for _, i := range h.Addresses {
		if i.Address != "" {
			return i.Address
		}
	}
	return ""
}

// String names a comparison for people.
func (c Comparison) String() string {
	return fmt.Sprintf("%s(%s) %s %s", c.Call.Func, c.Call.Key, c.Op, strconv.FormatFloat(c.Value, 'f', -1, 64))
}
