package rpc

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/problem"
	"taxops/internal/ops/intake/zabbix"
)

// Bounds of what is read.
const (
	maxHosts    = 20_000
	maxTriggers = 500_000
	hostsAtOnce = 100
)

// text is a value that one version writes as text and another as a number.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	if s := string(b); s != "null" && s[0] != '[' && s[0] != '{' {
		*t = text(s)
	}
	return nil
}

// table is an object, for which PHP writes an empty list when nothing is in it.
type table map[string]text

// UnmarshalJSON implements json.Unmarshaler.
func (t *table) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	return json.Unmarshal(b, (*map[string]text)(t))
}

type named struct {
	Name text `json:"name"`
}

type host struct {
	ID         text    `json:"hostid"`
	Host       text    `json:"host"`
	Name       text    `json:"name"`
	Status     text    `json:"status"`
	Items      text    `json:"items"`
	Groups     []named `json:"groups"`
	HostGroups []named `json:"hostgroups"`
	Templates  []named `json:"parentTemplates"`
	Interfaces []struct {
		Type  text `json:"type"`
		Main  text `json:"main"`
		UseIP text `json:"useip"`
		IP    text `json:"ip"`
		DNS   text `json:"dns"`
		Port  text `json:"port"`
	} `json:"interfaces"`
	Inventory table `json:"inventory"`
	Macros    []struct {
		Macro text `json:"macro"`
		Value text `json:"value"`
		Type  text `json:"type"`
	} `json:"macros"`
	Tags []struct {
		Tag   text `json:"tag"`
		Value text `json:"value"`
	} `json:"tags"`
}

type trigger struct {
	Name       text `json:"description"`
	Expression text `json:"expression"`
	Priority   text `json:"priority"`
	Status     text `json:"status"`
	TemplateID text `json:"templateid"`
	Hosts      []struct {
		ID text `json:"hostid"`
	} `json:"hosts"`
}

type maintenance struct {
	Name       text    `json:"name"`
	Since      text    `json:"active_since"`
	Till       text    `json:"active_till"`
	Hosts      []named `json:"hosts"`
	Groups     []named `json:"groups"`
	HostGroups []named `json:"hostgroups"`
}

// groups is how hosts are asked for their groups, which were renamed in 6.2.
func (c *Client) groups() string {
	if c.version.from(6, 2) {
		return "selectHostGroups"
	}
	return "selectGroups"
}

// Export reads everything. The client signs out at Close.
func (c *Client) Export(ctx context.Context) (*zabbix.Export, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	out := &zabbix.Export{Format: zabbix.API, Version: c.version.String()}
	var ids []struct {
		ID text `json:"hostid"`
	}
	err := c.call(ctx, "host.get", map[string]any{"output": []string{"hostid"}, "sortfield": "hostid", "limit": maxHosts + 1}, &ids)
	if err != nil {
		return nil, c.explain(err)
	}
	if len(ids) > maxHosts {
		return nil, problem.New(problem.TooLarge, "the account sees more than %d hosts: give it fewer groups", maxHosts)
	}
	if len(ids) == 0 {
		return nil, problem.InvalidField("body.token", "no_hosts", "the account sees no host: give it the right to read the groups of the hosts")
	}
	left := maxTriggers
	for part := range slices.Chunk(ids, hostsAtOnce) {
		some := make([]string, len(part))
		for i := range part {
			some[i] = string(part[i].ID)
		}
		hosts, n, err := c.hosts(ctx, some, left)
		if err != nil {
			return nil, err
		}
		left -= n
		out.Hosts = append(out.Hosts, hosts...)
	}
	if out.Maintenances, err = c.maintenances(ctx); err != nil {
		return nil, err
	}
	return out, nil
}

// hosts reads some hosts with their triggers.
func (c *Client) hosts(ctx context.Context, ids []string, most int) (out []zabbix.Host, triggers int, err error) {
	var raw []host
	ask := map[string]any{
		"hostids": ids, "output": []string{"hostid", "host", "name", "status"}, "sortfield": "hostid",
		c.groups():              []string{"name"},
		"selectParentTemplates": []string{"name"},
		"selectInterfaces":      []string{"type", "main", "useip", "ip", "dns", "port"},
		"selectInventory":       "extend", "selectItems": "count", "selectMacros": "extend",
	}
	if c.version.from(4, 2) {
		ask["selectTags"] = []string{"tag", "value"}
	}
	if err := c.call(ctx, "host.get", ask, &raw); err != nil {
		return nil, 0, c.explain(err)
	}
	var rules []trigger
	err = c.call(ctx, "trigger.get", map[string]any{
		"hostids": ids, "output": []string{"description", "expression", "priority", "status", "templateid"},
		"expandExpression": true, "selectHosts": []string{"hostid"}, "limit": most + 1,
	}, &rules)
	if err != nil {
		return nil, 0, c.explain(err)
	}
	if len(rules) > most {
		return nil, 0, problem.New(problem.TooLarge, "the account sees more than %d triggers: give it fewer groups", maxTriggers)
	}
	of := map[text][]trigger{}
	for _, t := range rules {
		for _, h := range t.Hosts {
			of[h.ID] = append(of[h.ID], t)
		}
	}
	for _, h := range raw {
		out = append(out, h.read(of[h.ID]))
	}
	return out, len(rules), nil
}

func (h host) read(rules []trigger) zabbix.Host {
	out := zabbix.Host{
		Technical: string(h.Host), Name: string(h.Name), Enabled: h.Status == "0", Groups: names(append(h.Groups, h.HostGroups...)),
		Templates: names(h.Templates), Inventory: map[string]string{}, Tags: map[string]string{},
	}
	if out.Name == "" {
		out.Name = out.Technical
	}
	out.Items, _ = strconv.Atoi(string(h.Items))
	for k, v := range h.Inventory {
		if v != "" && k != "hostid" && k != "inventory_mode" {
			out.Inventory[k] = string(v)
		}
	}
	for _, t := range h.Tags {
		out.Tags[string(t.Tag)] = string(t.Value)
	}
	kinds := map[text]string{"1": "agent", "2": "snmp", "3": "ipmi", "4": "jmx"}
	for _, i := range h.Interfaces {
		at := zabbix.Interface{Kind: kinds[i.Type], Address: string(i.IP), Port: string(i.Port), Main: i.Main == "1"}
		if i.UseIP == "0" || at.Address == "" {
			at.Address = string(i.DNS)
		}
		out.Addresses = append(out.Addresses, at)
	}
	macros := map[string]string{}
	for _, m := range h.Macros {
		if m.Type == "" || m.Type == "0" { // the value of secret ones is not told
			macros[string(m.Macro)] = string(m.Value)
		}
	}
	for _, t := range rules {
		p, _ := strconv.Atoi(string(t.Priority))
		r := zabbix.Trigger{
			Name: string(t.Name), Expression: string(t.Expression), Resolved: zabbix.Resolve(string(t.Expression), macros),
			Priority: zabbix.Priority(min(max(p, 0), int(zabbix.Disaster))), Enabled: t.Status == "0",
		}
		if t.TemplateID != "" && t.TemplateID != "0" {
			r.From = strings.Join(out.Templates, ", ")
		}
		out.Triggers = append(out.Triggers, r)
	}
	slices.SortStableFunc(out.Triggers, func(a, b zabbix.Trigger) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func names(all []named) []string {
	seen := map[string]bool{}
	for _, n := range all {
		seen[string(n.Name)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func (c *Client) maintenances(ctx context.Context) ([]zabbix.Maintenance, error) {
	var raw []maintenance
	err := c.call(ctx, "maintenance.get", map[string]any{
		"output": []string{"name", "active_since", "active_till"}, "selectHosts": []string{"name"},
		c.groups(): []string{"name"}, "limit": 1000,
	}, &raw)
	if err != nil {
		return nil, c.explain(err)
	}
	var out []zabbix.Maintenance
	for _, m := range raw {
		out = append(out, zabbix.Maintenance{
			Name: string(m.Name), From: unix(m.Since), To: unix(m.Till), Hosts: names(m.Hosts), Groups: names(append(m.Groups, m.HostGroups...)),
		})
	}
	return out, nil
}

func unix(t text) time.Time {
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
