package zabbix

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func every(string) bool { return true }

// TestVersions: the same host, as each version writes it, gives the same checks.
func TestVersions(t *testing.T) {
	files, err := filepath.Glob("testdata/[0-9]*")
	if err != nil || len(files) != 5 {
		t.Fatalf("%v: %v", files, err)
	}
	want := []Check{
		{Kind: "performance.memory", Params: map[string]any{}, Limits: map[string]Limit{"available_percent": {Crit: "5:"}}, Triggers: []string{"内存不足"}, Fidelity: Exact},
		{Kind: "service.process", Params: map[string]any{"name": "nginx", "min": 2}, Limits: map[string]Limit{}, Triggers: []string{"nginx 进程过少"}, Fidelity: Exact},
		{Kind: "service.tcp", Params: map[string]any{"host": "127.0.0.1", "port": 8080}, Limits: map[string]Limit{}, Triggers: []string{"8080 端口不通"}, Fidelity: Exact},
		{
			Kind: "performance.disk", Params: map[string]any{}, Limits: map[string]Limit{"used_percent": {Warn: "~:80"}},
			Triggers: []string{"Free disk space is less than {$FREE}% on volume {#FSNAME}"}, Fidelity: Near, Why: []string{WhyDiscovered},
		},
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			e, err := Parse(f)
			if err != nil {
				t.Fatal(err)
			}
			if e.Version != strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) || "."+string(e.Format) != filepath.Ext(file) {
				t.Errorf("version %s, format %s", e.Version, e.Format)
			}
			if !slices.Equal(e.MissingTemplates, []string{"Template Elsewhere"}) || len(e.Hosts) != 2 {
				t.Fatalf("%d hosts, missing %v", len(e.Hosts), e.MissingTemplates)
			}
			h := e.Hosts[0]
			if h.Name != "发票寄递应用 01" || !h.Enabled || h.Address() != "10.45.1.11" || h.Inventory["os"] != "Kylin V10" || len(h.Inventory) != 2 {
				t.Errorf("host: %+v", h)
			}
			if l := h.Labels()["zabbix.group"]; l != "Linux servers,南宁/发票寄递" {
				t.Errorf("groups: %q", l)
			}
			if e.Hosts[1].Enabled || e.Hosts[1].Address() != "" {
				t.Errorf("the host that is switched off: %+v", e.Hosts[1])
			}
			got, left := Propose(h, every)
			slices.SortFunc(got, func(a, b Check) int { return strings.Compare(string(a.Fidelity)+a.Kind, string(b.Fidelity)+b.Kind) })
			for i := range got {
				if len(got[i].Why) == 0 {
					got[i].Why = nil
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("checks:\n %+v\nwant\n %+v", got, want)
			}
			why := map[string]string{}
			for _, l := range left {
				why[l.Trigger] = l.Why
			}
			delete(why, "内存不足（简写）") // a short form that only 5.0 has
			if !reflect.DeepEqual(why, map[string]string{"Agent 无应答": WhySilence, "主机重启": WhyDisabled}) {
				t.Errorf("left: %v", why)
			}
		})
	}
}

func TestExpressions(t *testing.T) {
	for expression, want := range map[string]string{
		`{h:vfs.fs.size[/,pused].last()}>80`:                "last(vfs.fs.size[/,pused]) > 80",
		`{h:net.tcp.service[http,"a:b.c(d)",80].max(#3)}=0`: `max(net.tcp.service[http,"a:b.c(d)",80]) = 0`,
		`last(/h/vfs.fs.size["/a,b",pused])>80`:             `last(vfs.fs.size["/a,b",pused]) > 80`,
		`avg(/h/system.cpu.load[percpu,avg1],5m)>1.5`:       "avg(system.cpu.load[percpu,avg1]) > 1.5",
		`5 > last(/h/k)`:                "last(k) < 5",
		`last(/h/k)>1G`:                 "last(k) > 1073741824",
		`last(/h/k)>2*1K`:               "last(k) > 2048",
		`last(/h/k)<-5`:                 "last(k) < -5",
		`last(/h/k)>1e3`:                "last(k) > 1000",
		`min(/h/k,5m)>5m`:               "min(k) > 300",
		`last(/h/a)>1 and last(/h/b)>2`: "last(a) > 1 & last(b) > 2",
		`last(/h/a)>1 or (last(/h/b)>2 and last(/h/c)>3)`:         "last(a) > 1 | last(b) > 2 & last(c) > 3",
		`{h:a.last(0)}>1 & {h:b.last(0)}#2`:                       "last(a) > 1 & last(b) <> 2", // before 2.4
		`nodata(/h/agent.ping,5m)`:                                "nodata(agent.ping) <> 0",
		`last(/h/a)-last(/h/b)>1`:                                 "calculates",
		`avg(last_foreach(/*/k))>1`:                               "calculates",
		`{TRIGGER.VALUE}=0 and {h:k.last()}>1`:                    "calculates",
		`not last(/h/k)`:                                          "calculates",
		`last(/h/k)=""`:                                           "calculates",
		`last(/h/k)>{$UNKNOWN}`:                                   "calculates",
		`last(/h/k)>`:                                             "error",
		`(last(/h/k)>1`:                                           "error",
		`last(/h/k)>1 extra`:                                      "error",
		strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500): "error",
		strings.Repeat("last(/h/k)>1 and ", 20) + "last(/h/k)>1":  strings.Repeat("last(k) > 1 & ", 20) + "last(k) > 1",
		strings.TrimSuffix(strings.Repeat("(1=1 or 1=2) and ", 20), " and "): "calculates",
		``: "error",
	} {
		got := ""
		c, err := ParseExpression(expression)
		switch {
		case errors.Is(err, errNotSimple):
			got = "calculates"
		case err != nil:
			got = "error"
		default:
			var some []string
			for _, all := range c.Any {
				var each []string
				for _, q := range all {
					each = append(each, q.String())
				}
				some = append(some, strings.Join(each, " & "))
			}
			got = strings.Join(some, " | ")
		}
		if got != want {
			t.Errorf("%s: %q (%v), want %q", shorten(expression), got, err, want)
		}
	}
}

// TestCounterparts: what each kind of item becomes.
func TestCounterparts(t *testing.T) {
	for expression, want := range map[string]string{
		`last(/h/vfs.fs.size[/,pused])>=90`:                          "performance.disk exact used_percent @90:",
		`last(/h/vfs.fs.size[/,pfree])<=10`:                          "performance.disk exact used_percent @90:",
		`avg(/h/vfs.fs.inode[/data,pfree],5m)<10`:                    "performance.inodes near used_percent ~:90",
		`last(/h/vfs.fs.size[/,free])<1G`:                            WhyNoKind,
		`last(/h/vfs.fs.size[/,pused])<10`:                           WhyNoKind, // nearly empty is no trouble of ours
		`min(/h/vm.memory.utilization,5m)>90`:                        "performance.memory near available_percent 10:",
		`last(/h/system.cpu.load[percpu,avg5])>3`:                    "performance.cpu exact load_per_cpu ~:3",
		`avg(/h/system.cpu.load[all,avg1],5m)>8`:                     "performance.cpu near",
		`avg(/h/system.cpu.util[,iowait],5m)>50`:                     "performance.cpu near",
		`last(/h/system.swap.size[,pfree])<50`:                       "performance.swap exact used_percent ~:50",
		`last(/h/net.tcp.service[ssh])=0`:                            "service.tcp exact",
		`last(/h/net.tcp.service[https,10.1.1.1])=0`:                 "service.tcp exact",
		`last(/h/net.tcp.port[,99999])=0`:                            WhyNoKind,
		`last(/h/net.tcp.listen[3306])<>1`:                           "service.tcp exact",
		`last(/h/net.tcp.service[ssh])=1`:                            WhyNoKind, // alarms while it is there
		`last(/h/proc.num[java,,,weblogic])<1`:                       "service.process exact",
		`last(/h/proc.num[,,zomb])>5`:                                WhyNoKind,
		`last(/h/proc.num[])>500`:                                    WhyNoKind,
		`last(/h/proc.num[httpd])>=0`:                                WhyNoKind,
		`change(/h/vfs.file.cksum[/etc/passwd])<>0`:                  WhyChange,
		`find(/h/log[/var/log/app.log,"ERROR|FATAL"],,"like","x")=1`: "os_log.app near",
		`last(/h/pgsql.ping[])=0`:                                    "instance.postgresql near",
		`last(/h/icmpping)=0`:                                        "network.ping near",
		`last(/h/some.own.key)>5`:                                    WhyNoKind,
		`last(/h/a)>last(/h/b)`:                                      WhyComplex,
		`last(/h/a)>>5`:                                              WhyUnread,
		`last(/h/vm.memory.size[pavailable])<5 and last(/h/x)>1`:     "performance.memory near available_percent 5:",
	} {
		got, left := Propose(Host{Triggers: []Trigger{{Name: "t", Resolved: expression, Enabled: true, Priority: High}}}, every)
		said := ""
		switch {
		case len(left) == 1 && len(got) == 0:
			said = left[0].Why
		case len(got) == 1 && len(left) == 0:
			said = got[0].Kind + " " + string(got[0].Fidelity)
			for metric, l := range got[0].Limits {
				said += " " + metric + " " + l.Crit + l.Warn
			}
		}
		if said != want {
			t.Errorf("%s: %q, want %q (%+v)", expression, said, want, got)
		}
	}
	none := func(string) bool { return false }
	if got, left := Propose(Host{Triggers: []Trigger{{Resolved: `last(/h/pgsql.ping[])=0`, Enabled: true}}}, none); len(got) != 0 || left[0].Why != WhyNoKind {
		t.Errorf("a kind that this program does not have: %+v %+v", got, left)
	}
}

// TestLimitsJoin: a warning and a high trigger on one value are one check.
func TestLimitsJoin(t *testing.T) {
	trigger := func(name, limit string, p Priority) Trigger {
		return Trigger{Name: name, Resolved: "last(/h/vfs.fs.size[/,pused])>" + limit, Enabled: true, Priority: p}
	}
	got, _ := Propose(Host{Triggers: []Trigger{trigger("a", "80", Warning), trigger("b", "90", High), trigger("c", "95", Disaster)}}, every)
	if len(got) != 1 || got[0].Limits["used_percent"] != (Limit{Warn: "~:80", Crit: "~:90"}) || len(got[0].Triggers) != 3 {
		t.Errorf("%+v", got)
	}
}

func TestMacros(t *testing.T) {
	macros := map[string]string{"{$A}": "1", `{$A:"/data"}`: "2", "{$B:regex:\"^x{2}$\"}": "3"}
	for in, want := range map[string]string{
		"last(/h/k)>{$A}": "last(/h/k)>1", `>{$A:"/data"}`: ">2", `>{$A:"/other"}`: ">1", `>{$A:{#FSNAME}}`: ">1", ">{$NONE}": ">{$NONE}", ">{$A": ">{$A",
	} {
		if got := fill(in, macros); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestNotExports(t *testing.T) {
	deep := strings.Repeat("[", 1000)
	for name, in := range map[string]string{
		"nothing": "", "text": "hello", "other XML": "<html><body/></html>", "cut XML": "<zabbix_export><hosts><host>", "other JSON": `{"a":1}`,
		"cut JSON": `{"zabbix_export":{"hosts":[`, "deep JSON": `{"zabbix_export":` + deep, "wrong type": `{"zabbix_export":{"hosts":"x","version":""}}`,
		"other YAML": "a: 1", "broken YAML": "zabbix_export:\n\t- a: [", "empty export": "<zabbix_export/>",
		"deep XML": "<zabbix_export>" + strings.Repeat("<a>", 1000), "entities": `<!DOCTYPE x [<!ENTITY a "aaaa">]><zabbix_export><version>&a;</version></zabbix_export>`,
		"alias bomb": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nzabbix_export: {version: '6.0', hosts: *f}",
	} {
		if e, err := Parse(strings.NewReader(in)); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
	if _, err := Parse(bytes.NewReader(make([]byte, MaxSize+1))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	// Templates that link to each other in a circle end.
	circle := `{"zabbix_export":{"version":"6.0","templates":[{"template":"a","templates":[{"name":"b"}]},{"template":"b","templates":[{"name":"a"}]}],"hosts":[{"host":"h","templates":[{"name":"a"}]}]}}`
	e, err := Parse(strings.NewReader(circle))
	if err != nil || !slices.Equal(e.Hosts[0].Templates, []string{"a", "b"}) {
		t.Errorf("circle: %+v %v", e, err)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/[0-9]*")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, h := range e.Hosts {
			checks, left := Propose(h, every)
			n := len(left)
			for _, c := range checks {
				n += len(c.Triggers)
			}
			if n != len(h.Triggers) {
				t.Errorf("%d triggers, but %d told of", len(h.Triggers), n)
			}
		}
	})
}

func FuzzExpression(f *testing.F) {
	f.Add(`{h:k["a"].last(0)}>{$A} and max(/h/k[x,"y,z"],5m)<=1.5K`)
	f.Fuzz(func(_ *testing.T, s string) {
		_, _ = ParseExpression(s)
		_ = hostsOf(s)
		_ = fill(s, map[string]string{"{$A}": "1"})
		_, _ = SplitKey(s)
	})
}
