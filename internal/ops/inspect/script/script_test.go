package script_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
	"taxops/internal/ops/inspect/script"
	"taxops/internal/ops/inspect/spawn"
	"taxops/internal/ops/inspect/wrapper"
)

func TestMain(m *testing.M) {
	if code, is := spawn.Child(os.Args); is {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

type nobody struct{}

func (nobody) Names(context.Context, []string) (map[string]string, error) {
	return map[string]string{}, nil
}

func migrations() []store.Migrations {
	return []store.Migrations{org.Migrations(), journal.Migrations(), script.Migrations()}
}

func setup(t *testing.T, db *store.DB) *script.Module {
	t.Helper()
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: script.Types(), AreaPath: org.Region})
	if err != nil {
		t.Fatal(err)
	}
	box := spawn.New(spawn.Config{Seats: 2})
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := script.New(script.Deps{DB: db, Journal: j, People: nobody{}, Places: org.New(db), Sandbox: box, AreaPath: org.Region})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func f(v float64) *float64 { return &v }

// table is an old script: it prints a table and always leaves with 0.
const table = `#!/bin/sh
echo "TABLESPACE   使用率"
echo "----------   ------"
echo "SYSTEM       50.00"
echo "$1           $2"
[ -n "$TAXOPS_PASSWORD" ] && echo "password of ${#TAXOPS_PASSWORD} characters"
exit 0
`

func content() script.Content {
	return script.Content{Body: []byte(table), Note: "首版", Manifest: script.ScriptManifest{
		Interpreter: "sh", Judge: script.ByRules,
		Params: []script.ScriptParam{
			{Name: "name", Title: "表空间", Type: "string", Required: true},
			{Name: "used", Title: "使用率", Type: "float", Default: "85", Min: f(0), Max: f(100)},
			{Name: "password", Title: "口令", Type: "string", Secret: true},
		},
		Args: []script.ScriptArg{{Parts: []string{"{name}", "{used}"}}},
		Rules: wrapper.OutputRules{Rules: []wrapper.OutputRule{
			{Name: "使用率", Kind: wrapper.Column, Column: "使用率", UOM: "%", Warn: "80", Crit: "95"},
		}},
	}}
}

func create(t *testing.T, m *script.Module) script.Package {
	t.Helper()
	p, err := m.Create(t.Context(), store.Everything(), script.NewPackage{Name: "tablespace", Title: "表空间使用率", Class: "instance", Content: content()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func check(t *testing.T, m *script.Module, params map[string]any) probe.Result {
	t.Helper()
	kind := m.Kind()
	target, err := kind.NewTarget(params, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return kind.Run(t.Context(), target)
}

func using(version int, args ...string) map[string]any {
	return map[string]any{"package": "tablespace", "version": version, "class": "instance", "args": args}
}

func TestLifeOfAScript(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		m, ctx, all := setup(t, db), t.Context(), store.Everything()
		p := create(t, m)
		if p.Latest != 1 || p.Current != 0 || p.DraftID == "" || p.AreaPath != org.Region {
			t.Errorf("%+v", p)
		}
		if _, err := m.Create(ctx, all, script.NewPackage{Name: "tablespace", Title: "x", Class: "data", Content: content()}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("the name twice: %v", err)
		}
		if _, err := m.Draft(ctx, all, p.ID, content()); problem.CodeOf(err) != problem.Conflict {
			t.Errorf("a second draft: %v", err)
		}
		if r := check(t, m, using(1, "name=USERS")); r.State != probe.Unknown || r.Reason != "no_package" {
			t.Errorf("a draft ran as a check: %+v", r)
		}
		changed := content()
		changed.Body = append(changed.Body, "# changed\n"...)
		v, err := m.Change(ctx, all, p.DraftID, changed, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Change(ctx, all, p.DraftID, changed, 1); problem.CodeOf(err) != problem.Stale {
			t.Errorf("an old draft was written over: %v", err)
		}
		if v, err = m.Release(ctx, all, v.ID, v.Version); err != nil || v.State != script.Released || len(v.SHA256) != 64 {
			t.Fatalf("%+v, %v", v, err)
		}
		if _, err := m.Change(ctx, all, v.ID, content(), v.Version); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("a released version was changed: %v", err)
		}
		if _, err := m.Release(ctx, all, v.ID, v.Version); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("released twice: %v", err)
		}

		r := check(t, m, using(1, "name=USERS", "used=96.5"))
		if r.State != probe.Critical || !strings.HasPrefix(r.Summary, "使用率 USERS 96.5%") || len(r.Perf) != 2 {
			t.Errorf("%+v", r)
		}
		if sha, name, rest := probe.ScriptOf(r.Details); sha != v.SHA256 || name != "tablespace v1" || !strings.HasPrefix(rest, "TABLESPACE") {
			t.Errorf("the result carries %q %q", sha, name)
		}
		with := using(1, "name=USERS")
		with["secrets"] = "password=four\n"
		if r = check(t, m, with); r.State != probe.Warning || !strings.Contains(r.Details, "password of 4 characters") {
			t.Errorf("%+v", r)
		}
		if r = check(t, m, using(1)); r.State != probe.Unknown || r.Reason != "bad_settings" {
			t.Errorf("without what is required: %+v", r)
		}

		next, err := m.Draft(ctx, all, p.ID, content())
		if err != nil || next.Number != 2 {
			t.Fatalf("%+v, %v", next, err)
		}
		if v, err = m.Retire(ctx, all, v.ID, "旧版本", v.Version); err != nil || v.State != script.Retired {
			t.Fatalf("%+v, %v", v, err)
		}
		if r = check(t, m, using(1, "name=USERS")); r.State != probe.Unknown || r.Reason != "retired" {
			t.Errorf("%+v", r)
		}
		if r = check(t, m, using(9, "name=USERS")); r.Reason != "no_package" {
			t.Errorf("%+v", r)
		}
		if _, err := m.Release(ctx, store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"}), next.ID, next.Version); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("from elsewhere: %v", err)
		}
	})
}

// TestAlteredScripts: what somebody changes in the database behind the program does not run.
func TestAlteredScripts(t *testing.T) {
	storetest.Each(t, migrations(), func(t *testing.T, db *store.DB) {
		m, ctx, all := setup(t, db), t.Context(), store.Everything()
		p := create(t, m)
		v, err := m.Release(ctx, all, p.DraftID, 1)
		if err != nil {
			t.Fatal(err)
		}
		alter := func(query string) error {
			return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.NewRaw(query, v.ID).Exec(ctx)
				return err
			})
		}
		for _, column := range []string{"body = body_sha256", "manifest = '{}'", "number = 7"} {
			if db.Dialect() == store.Postgres && strings.HasPrefix(column, "body") {
				column = `body = '\x00'`
			}
			if err := alter("UPDATE script_version SET " + column + " WHERE id = ?"); err == nil {
				t.Errorf("the database let a released version change: %s", column)
			}
		}
		drop := "DROP TRIGGER script_version_fixed"
		if db.Dialect() == store.Postgres {
			drop += " ON script_version"
		}
		if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw(drop).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if r := check(t, m, using(1, "name=A")); r.Reason == "altered" {
			t.Fatalf("%+v", r)
		}
		if err := alter(`UPDATE script_version SET manifest = replace(manifest, '"95"', '"99"') WHERE id = ?`); err != nil {
			t.Fatal(err)
		}
		if r := check(t, m, using(1, "name=A")); r.State != probe.Unknown || r.Reason != "altered" {
			t.Errorf("an altered script ran: %+v", r)
		}
	})
}

func TestVerify(t *testing.T) {
	db := storetest.Open(t, store.SQLite, nil, migrations())
	m := setup(t, db)
	p := create(t, m)
	kind := m.Kind()
	if err := kind.Verify(t.Context(), using(1, "name=A")); err == nil {
		t.Error("a check was added to a draft")
	}
	if _, err := m.Release(t.Context(), store.Everything(), p.DraftID, 1); err != nil {
		t.Fatal(err)
	}
	wrongClass := using(1, "name=A")
	wrongClass["class"] = "data"
	for name, params := range map[string]map[string]any{
		"missing":              using(1),
		"unknown":              using(1, "name=A", "x=1"),
		"out of range":         using(1, "name=A", "used=101"),
		"no number":            using(1, "name=A", "used=NaN"),
		"an option":            using(1, "name=-rf"),
		"a secret in the open": using(1, "name=A", "password=x"),
		"no such version":      using(2, "name=A"),
		"another class":        wrongClass,
	} {
		if err := kind.Verify(t.Context(), params); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if err := kind.Verify(t.Context(), using(1, "name=A B", "used=-0")); err != nil {
		t.Error(err)
	}
	if class := kind.ClassFor(using(1)); class != probe.Instance {
		t.Errorf("class %s", class)
	}
}

func TestTry(t *testing.T) {
	db := storetest.Open(t, store.SQLite, nil, migrations())
	m := setup(t, db)
	try := func(interpreter, judge, body string, args ...string) (script.Tried, error) {
		man := content().Manifest
		man.Interpreter, man.Judge = interpreter, judge
		values, err := script.ParseValues(args)
		if err != nil {
			t.Fatal(err)
		}
		return m.Try(t.Context(), store.Everything(), script.Trial{Manifest: man, Body: []byte(body), Values: values})
	}
	got, err := try("sh", script.ByRules, table, "name=USERS", "used=97")
	if err != nil || got.Result.State != probe.Critical || got.Judgement == nil || got.Judgement.Decided != "rules" || len(got.Judgement.Rules[0].Matches) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for interpreter, body := range map[string]string{
		"sh":      "echo \"OK $1 $2|a=1\"",
		"bash":    "x=(OK $1); echo \"${x[0]} ${x[1]} $2|a=1\"",
		"perl":    "print \"OK $ARGV[0] $ARGV[1]|a=1\\n\";",
		"python3": "import sys\nprint('OK', sys.argv[1], sys.argv[2] + '|a=1')",
	} {
		got, err := try(interpreter, script.ByPlugin, body, "name=USERS")
		if err != nil || got.Result.State != probe.OK || got.Result.Summary != "OK USERS 85" || len(got.Result.Perf) != 1 {
			t.Errorf("%s: %+v, %v", interpreter, got, err)
		}
	}
	got, err = try("sh", script.ByRules, "printf '\\261\\355\\277\\325\\274\\344  \\312\\271\\323\\303\\302\\312\\nA  81\\n'", "name=A")
	if err != nil || got.Result.State != probe.Warning || got.Encoding != "gb18030" {
		t.Errorf("GB18030: %+v, %v", got, err)
	}
	got, err = try("ksh", script.ByPlugin, "echo", "name=A")
	if err != nil || got.Result.State != probe.Unknown || got.Result.Reason != "no_interpreter" {
		if got.Result.Reason != "empty" { // this machine has one
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, err := try("sh", script.ByRules, table); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("without what is required: %v", err)
	}
	if _, err := m.Try(t.Context(), store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"}), script.Trial{Manifest: content().Manifest, Body: []byte("x")}); problem.CodeOf(err) != problem.Forbidden {
		t.Errorf("from elsewhere: %v", err)
	}
	j, err := m.Judge(content().Manifest.Rules, "a  使用率\nb  81\n", 0)
	if err != nil || j.Result.State != probe.Warning {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := m.Judge(wrapper.OutputRules{Rules: []wrapper.OutputRule{{Name: "x", Kind: wrapper.Text, Pattern: "(", State: "OK"}}}, "x", 0); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("%v", err)
	}
}

func TestBadManifests(t *testing.T) {
	db := storetest.Open(t, store.SQLite, nil, migrations())
	m := setup(t, db)
	for field, change := range map[string]func(n *script.NewPackage){
		"body.name":                           func(n *script.NewPackage) { n.Name = "../x" },
		"body.title":                          func(n *script.NewPackage) { n.Title = " x" },
		"body.class":                          func(n *script.NewPackage) { n.Class = "x" },
		"body.area_path":                      func(n *script.NewPackage) { n.AreaPath = "/99/" },
		"body.body":                           func(n *script.NewPackage) { n.Body = nil },
		"body.manifest.interpreter":           func(n *script.NewPackage) { n.Manifest.Interpreter = "cmd" },
		"body.manifest.judge":                 func(n *script.NewPackage) { n.Manifest.Judge = "" },
		"body.manifest.timeout_seconds":       func(n *script.NewPackage) { n.Manifest.TimeoutSeconds = 301 },
		"body.manifest.memory_mb":             func(n *script.NewPackage) { n.Manifest.MemoryMB = 1 << 20 },
		"body.manifest.params[3].name":        func(n *script.NewPackage) { add(n, script.ScriptParam{Name: "name", Type: "int"}) },
		"body.manifest.params[3]":             func(n *script.NewPackage) { add(n, script.ScriptParam{Name: "x", Type: "list"}) },
		"body.manifest.args[0].parts":         func(n *script.NewPackage) { n.Manifest.Args[0].Parts[0] = "{nobody}" },
		"body.manifest.args[0].when":          func(n *script.NewPackage) { n.Manifest.Args[0].When = "name" },
		"body.manifest.rules.rules[0].column": func(n *script.NewPackage) { n.Manifest.Rules.Rules[0].Column = "" },
	} {
		n := script.NewPackage{Name: "name", Title: "t", Class: "data", Content: content()}
		change(&n)
		_, err := m.Create(t.Context(), store.Everything(), n)
		var p *problem.Error
		if !errors.As(err, &p) || p.Code != problem.Invalid || !slices.ContainsFunc(p.Fields, func(f problem.Field) bool { return f.Location == field }) {
			t.Errorf("%s: %v", field, err)
		}
	}
	n := script.NewPackage{Name: "name", Title: "t", Class: "data", Content: content()}
	n.Manifest.Args[0].Parts[0] = "--password={password}"
	if _, err := m.Create(t.Context(), store.Everything(), n); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a secret among the arguments: %v", err)
	}
}

func add(n *script.NewPackage, p script.ScriptParam) {
	n.Manifest.Params = append(n.Manifest.Params, p)
}
