package intake

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"taxops/internal/kernel/store"
	"taxops/internal/ops/intake/scripts"
	"taxops/internal/ops/intake/zabbix"
)

// idle is an inspection and a library in which nothing is.
type idle struct{}

func (idle) Has(string) bool                                                 { return true }
func (idle) Title(string) [2]string                                          { return [2]string{} }
func (idle) Prepare(NewCheck) (string, error)                                { return "", nil }
func (idle) Existing(context.Context, []string) (map[string][]string, error) { return nil, nil }
func (idle) Reached(context.Context, []string) (map[string]bool, error)      { return nil, nil }
func (idle) AddCheck(context.Context, *store.Tx, string, string, NewCheck) (Made, error) {
	return Made{}, nil
}

func (idle) RemoveCheck(context.Context, *store.Tx, string, int64, string) (string, error) {
	return "", nil
}
func (idle) Plans(context.Context) ([]string, error) { return nil, nil }
func (idle) AddPlan(context.Context, *store.Tx, store.Scope, string, string, string, NewPlan) (Made, error) {
	return Made{}, nil
}

func (idle) RemovePlan(context.Context, *store.Tx, string, int64, string) (string, error) {
	return "", nil
}
func (idle) Names(context.Context) (map[string][]string, error) { return nil, nil }
func (idle) Check(NewScript) error                              { return nil }
func (idle) Add(context.Context, *store.Tx, store.Scope, string, string, string, NewScript) (Made, error) {
	return Made{}, nil
}

func (idle) Remove(context.Context, *store.Tx, string, int64, string) (string, error) {
	return "", nil
}

// TestBundlesSurvive: what is stored of an export comes back as it was, and every trigger of it is either
// in a check or left with a reason.
func TestBundlesSurvive(t *testing.T) {
	files, err := filepath.Glob("zabbix/testdata/[0-9]*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := zabbix.Parse(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		b := bringZabbix(e, func(string) bool { return true })
		triggers := 0
		for _, h := range e.Hosts {
			if h.Enabled {
				triggers += len(h.Triggers)
			}
		}
		told := 0
		for _, p := range b.Parts {
			switch {
			case p.Kind == PartCheck:
				told += len(p.From)
			case !slices.Contains(p.Why, whyHostOff):
				told++
			}
			if p.Kind == PartNone && len(p.Why) == 0 || p.Fidelity == Near && len(p.Why) == 0 {
				t.Errorf("%s: no reason: %+v", file, p)
			}
		}
		if told != triggers {
			t.Errorf("%s: %d of %d triggers are told of", file, told, triggers)
		}
		packed, err := packBundle(b)
		if err != nil {
			t.Fatal(err)
		}
		back, err := unpackBundle(packed)
		if err != nil || len(back.Parts) != len(b.Parts) || len(back.Rows) != len(b.Rows) || back.Parts[0].Check.Kind != b.Parts[0].Check.Kind {
			t.Errorf("%s: %v", file, err)
		}
		if table, err := unpack(packed); err != nil || len(table.Rows) != len(b.Rows) {
			t.Errorf("%s: as a table: %v", file, err)
		}
		if c, says := checkMapping(b.Header, b.Header); says != "" {
			t.Errorf("column %d: %s", c, says)
		}
	}
}

func TestHostsOfZabbix(t *testing.T) {
	for name, c := range map[string]struct {
		host zabbix.Host
		want string
	}{
		"an agent":     {zabbix.Host{Technical: "app-01", Name: "应用", Addresses: []zabbix.Interface{{Kind: "agent", Address: "10.1.1.1", Main: true}}}, "应用|app-01|10.1.1.1|host"},
		"a switch":     {zabbix.Host{Technical: "sw 1", Name: "核心交换机\n一", Addresses: []zabbix.Interface{{Kind: "snmp", Address: "10.1.1.2"}}}, "核心交换机 一||10.1.1.2|network"},
		"Zabbix":       {zabbix.Host{Technical: "Zabbix server", Name: "Zabbix server", Addresses: []zabbix.Interface{{Kind: "agent", Address: "127.0.0.1"}}}, "Zabbix server|||host"},
		"no interface": {zabbix.Host{Technical: "x", Name: "x"}, "x|x||host"},
	} {
		if got := strings.Join(hostCells(c.host)[:4], "|"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestScriptsOfAFolder(t *testing.T) {
	folder := fstest.MapFS{
		"a.sh": {Data: []byte("#!/bin/sh\necho OK\nexit 0\n")}, "A.sh": {Data: []byte("#!/bin/sh\necho 正常\n")}, "检查.sh": {Data: []byte("#!/bin/dash\necho 1\n")},
		"9.py": {Data: []byte("print('OK')")}, "x.rb": {Data: []byte("#!/usr/bin/ruby\n1")},
	}
	f, err := scripts.Scan(t.Context(), folder, scripts.Crontab{Text: "*/5 * * * * /a.sh one\n0 8 * * * /a.sh two\nnonsense\n"})
	if err != nil {
		t.Fatal(err)
	}
	b := bringScripts(f)
	var got []string
	for _, p := range b.Parts {
		switch p.Kind {
		case PartScript:
			got = append(got, p.Script.Name+" "+p.Script.Interpreter+" "+strings.Join(p.Why, ","))
		case PartPlan:
			got = append(got, p.Plan.Name)
		default:
			got = append(got, "- "+p.Title+" "+strings.Join(p.Why, ","))
		}
	}
	want := []string{
		"a-2 sh never_run,rules_guessed", "script-9 python3 never_run,rules_guessed", "a-3 sh rules_guessed,several_uses", "script sh never_run,rules_guessed",
		"旧脚本 每 5 分钟", "旧脚本 08:00", "- x interpreter", "- nonsense not_understood",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
