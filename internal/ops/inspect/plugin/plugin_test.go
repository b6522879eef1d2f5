package plugin_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/plugin"
	"taxops/internal/ops/inspect/spawn"
)

func TestMain(m *testing.M) {
	if code, is := spawn.Child(os.Args); is {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

func f(v float64) *float64 { return &v }

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, out, err string
		exit           int
		state          probe.State
		reason         probe.Reason
		summary        string
		details        string
		perf           []probe.Perf
	}{
		{name: "one line", out: "DISK OK - free space: / 72791MiB\n", summary: "DISK OK - free space: / 72791MiB"},
		{name: "performance data", out: "PING OK - RTA = 0.05 ms|rta=52ms;100;200;0 pl=0%;5;10;0;100\n", summary: "PING OK - RTA = 0.05 ms", perf: []probe.Perf{
			{Label: "rta", Value: 0.052, UOM: "s", Warn: "0.1", Crit: "0.2", Min: f(0)},
			{Label: "pl", Value: 0, UOM: "%", Warn: "5", Crit: "10", Min: f(0), Max: f(100)},
		}},
		{name: "long text and long performance data", exit: 1, state: probe.Warning,
			out:     "DISK WARNING | /=2643MB;5948;5958;0;5968\n/ 15272 MB (77%)\n/boot 68 MB (69%)\n/home 69357 MB (27%) | /boot=68MB;88;93;0;98\n/home=69357MB;253404;253409;0;253414\n",
			summary: "DISK WARNING", details: "/ 15272 MB (77%)\n/boot 68 MB (69%)\n/home 69357 MB (27%)", perf: []probe.Perf{
				{Label: "/", Value: 2643 << 20, UOM: "B", Warn: "6236930048", Crit: "6247415808", Min: f(0), Max: f(5968 << 20)},
				{Label: "/boot", Value: 68 << 20, UOM: "B", Warn: "92274688", Crit: "97517568", Min: f(0), Max: f(98 << 20)},
				{Label: "/home", Value: 69357 << 20, UOM: "B", Warn: "265713352704", Crit: "265718595584", Min: f(0), Max: f(253414 << 20)},
			}},
		{name: "critical", out: "CRITICAL\n", exit: 2, state: probe.Critical, summary: "CRITICAL"},
		{name: "unknown by itself", out: "UNKNOWN: no host", exit: 3, state: probe.Unknown, summary: "UNKNOWN: no host"},
		{name: "exit 7", out: "seven\n", exit: 7, state: probe.Unknown, reason: plugin.ReasonBadExit, summary: "退出码 7 不是插件状态：seven"},
		{name: "nothing", exit: 0, state: probe.Unknown, reason: plugin.ReasonEmpty, summary: "插件没有输出（退出码 0）"},
		{name: "nothing but trouble", exit: 2, state: probe.Unknown, reason: plugin.ReasonEmpty, summary: "插件没有输出（退出码 2）"},
		{name: "only errors, all well", err: "cannot connect\n", exit: 0, state: probe.Unknown, reason: plugin.ReasonEmpty,
			summary: "cannot connect", details: "标准错误输出：\ncannot connect"},
		{name: "only errors, critical", err: "cannot connect\n", exit: 2, state: probe.Critical, summary: "cannot connect", details: "标准错误输出：\ncannot connect"},
		{name: "blanks", out: "  \n\t\n", exit: 0, state: probe.Unknown, reason: plugin.ReasonEmpty, summary: "插件没有输出（退出码 0）"},
		{name: "gb18030", out: "\xb4\xc5\xc5\xcc\xd5\xfd\xb3\xa3\n", summary: "磁盘正常"},
		{name: "broken performance data", out: "OK | a=x b=2\n", summary: "OK", details: "性能数据有误：performance data \"a\": value \"x\" is not a number", perf: []probe.Perf{{Label: "b", Value: 2}}},
		{name: "line ends of another world", out: "OK\r\nmore\r\n", summary: "OK", details: "more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := plugin.Parse([]byte(tt.out), []byte(tt.err), tt.exit)
			want := probe.Result{State: tt.state, Reason: tt.reason, Summary: tt.summary, Details: tt.details, Perf: tt.perf}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("\n%s\nwant\n%s", text(got), text(want))
			}
		})
	}
}

func text(r probe.Result) string {
	b, _ := json.MarshalIndent(r, "", " ")
	return string(b)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("OK|a=1ms;@5:10;~:3;0;9 'b c'=2KB"), []byte("err"), 0)
	f.Add([]byte("a|b\nc|d\ne"), []byte{0xff}, 2)
	f.Fuzz(func(t *testing.T, out, errs []byte, exit int) {
		r := plugin.Parse(out, errs, exit)
		if r.State < probe.OK || r.State > probe.Unknown || !utf8.ValidString(r.Summary+r.Details) {
			t.Errorf("%+v", r)
		}
		if r.State == probe.OK && (exit != 0 || r.Summary == "" && r.Details == "") {
			t.Errorf("OK out of nothing: %+v", r)
		}
	})
}

func TestBase(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want probe.Perf }{
		{probe.Perf{Value: 250, UOM: "us", Warn: "@10:500"}, probe.Perf{Value: 0.00025, UOM: "s", Warn: "@0.00001:0.0005"}},
		{probe.Perf{Value: 1.5, UOM: "GiB", Crit: "~:2"}, probe.Perf{Value: 1610612736, UOM: "B", Crit: "~:2147483648"}},
		{probe.Perf{Value: 4, UOM: "kB", Max: f(8)}, probe.Perf{Value: 4096, UOM: "B", Max: f(8192)}},
		{probe.Perf{Value: 7, UOM: "%", Warn: "80"}, probe.Perf{Value: 7, UOM: "%", Warn: "80"}},
		{probe.Perf{Value: 7, UOM: "c"}, probe.Perf{Value: 7, UOM: "c"}},
		{probe.Perf{Value: 7, UOM: "笔"}, probe.Perf{Value: 7, UOM: "笔"}},
	}
	for _, tt := range tests {
		if got := plugin.Base(tt.in); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v became %v, want %v", tt.in, got, tt.want)
		}
	}
}

// Where Debian and the Red Hat family install plug-ins.
var usual = plugin.Dirs{"/usr/lib/nagios/plugins", "/usr/lib64/nagios/plugins", "/usr/lib/monitoring-plugins"}

// TestRealPlugins runs plug-ins as they come from the distribution.
func TestRealPlugins(t *testing.T) {
	const dir = "/usr/lib/nagios/plugins/"
	for _, name := range []string{"check_disk", "check_http", "check_load", "check_procs", "check_pgsql"} {
		if _, err := os.Stat(dir + name); err != nil {
			t.Fatalf("%v: run `make deps`", err)
		}
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ok" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(web.Close)
	at, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	box := spawn.New(spawn.Config{Seats: 2})
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	kind := plugin.Kind(box, usual)
	tests := []struct {
		command string
		args    []string
		state   probe.State
		summary string
		label   string
	}{
		{"check_disk", []string{"-w", "1", "-c", "1", "-p", "/"}, probe.OK, "DISK OK", "/"},
		{"check_disk", []string{"-w", "101%", "-c", "100%", "-p", "/"}, probe.Critical, "", ""},
		{"check_disk", []string{"-w", "1", "-p", "/nowhere/at all"}, probe.Critical, "/nowhere/at all", ""},
		{"check_load", []string{"-w", "9999,9999,9999", "-c", "9999,9999,9999"}, probe.OK, "LOAD OK", "load1"},
		{"check_procs", []string{"-w", "1:100000", "-c", "1:100000"}, probe.OK, "PROCS OK", "procs"},
		{"check_procs", []string{"-c", "1:", "-a", "no such process; echo"}, probe.Critical, "PROCS CRITICAL", "procs"},
		{"check_http", []string{"-H", "127.0.0.1", "-p", at.Port(), "-u", "/ok"}, probe.OK, "HTTP OK", "time"},
		{"check_http", []string{"-H", "127.0.0.1", "-p", at.Port(), "-u", "/broken"}, probe.Critical, "HTTP CRITICAL", "time"},
		{"check_pgsql", []string{"-H", "127.0.0.1", "-P", "1", "-d", "postgres"}, probe.Critical, "", ""},
		{"check_dummy", []string{"3", "said so"}, probe.Unknown, "UNKNOWN: said so", ""},
	}
	for _, tt := range tests {
		t.Run(tt.command+" "+strings.Join(tt.args, " "), func(t *testing.T) {
			r := runKind(t, kind, map[string]any{"command": dir + tt.command, "args": tt.args})
			if r.State != tt.state || !strings.Contains(r.Summary, tt.summary) {
				t.Errorf("%s", text(r))
			}
			if tt.label != "" && (len(r.Perf) == 0 || r.Perf[0].Label != tt.label) {
				t.Errorf("performance data %v", r.Perf)
			}
		})
	}
}

// TestRealPostgres gives check_pgsql a database that answers.
func TestRealPostgres(t *testing.T) {
	u, err := url.Parse(os.Getenv("TAXOPS_TEST_DATABASE_URL"))
	if err != nil || u.Scheme == "" {
		t.Fatal("TAXOPS_TEST_DATABASE_URL names no PostgreSQL: run `make test`")
	}
	host := u.Query().Get("host")
	if host == "" {
		host = u.Hostname()
	}
	box := spawn.New(spawn.Config{Seats: 1})
	t.Cleanup(func() { _ = box.Close() })
	password, _ := u.User.Password()
	params := map[string]any{
		"command": "/usr/lib/nagios/plugins/check_pgsql", "class": "instance",
		"args": []string{"-H", host, "-l", u.User.Username(), "-d", strings.TrimPrefix(u.Path, "/"), "-q", "SELECT 42", "-W", "40"},
	}
	if u.Port() != "" {
		params["args"] = append(params["args"].([]string), "-P", u.Port())
	}
	if password != "" {
		params["secret_env"], params["secret"] = "PGPASSWORD", password
	}
	r := runKind(t, plugin.Kind(box, usual), params)
	if r.State != probe.Warning || !strings.Contains(text(r), "42") {
		t.Errorf("%s", text(r))
	}
}

func runKind(t *testing.T, kind probe.Builtin, params map[string]any) probe.Result {
	t.Helper()
	target, err := kind.NewTarget(params, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return kind.Run(t.Context(), target)
}

// scripted answers as a sandbox would.
type scripted struct {
	out  spawn.Outcome
	err  error
	seen spawn.Command
}

func (s *scripted) Run(_ context.Context, c spawn.Command) (spawn.Outcome, error) {
	s.seen = c
	return s.out, s.err
}

func TestKind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := filepath.Join(dir, "check_x")
	open := filepath.Join(dir, "check_open")
	for path, mode := range map[string]os.FileMode{good: 0o755, open: 0o757, filepath.Join(dir, "plain"): 0o644} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		path   string
		out    spawn.Outcome
		err    error
		state  probe.State
		reason probe.Reason
	}{
		{name: "fine", path: good, out: spawn.Outcome{Ended: spawn.Exited, Stdout: []byte("OK\n")}, state: probe.OK},
		{name: "time is up", path: good, out: spawn.Outcome{Ended: spawn.TimedOut}, state: probe.Unknown, reason: probe.ReasonTimeout},
		{name: "dies", path: good, out: spawn.Outcome{Ended: spawn.Signalled, Signal: 11}, state: probe.Unknown, reason: plugin.ReasonSignal},
		{name: "eats", path: good, out: spawn.Outcome{Ended: spawn.OverMemory, Exit: 0}, state: probe.Unknown, reason: plugin.ReasonMemory},
		{name: "multiplies", path: good, out: spawn.Outcome{Ended: spawn.OverTree}, state: probe.Unknown, reason: plugin.ReasonProcesses},
		{name: "floods", path: good, out: spawn.Outcome{Ended: spawn.Flooded}, state: probe.Unknown, reason: plugin.ReasonFlood},
		{name: "cannot start", path: good, out: spawn.Outcome{Ended: spawn.NotStarted, Detail: "exec format error"}, state: probe.Unknown, reason: plugin.ReasonNotRun},
		{name: "lost", path: good, err: spawn.ErrLost, state: probe.Unknown, reason: plugin.ReasonLost},
		{name: "anybody may change it", path: open, state: probe.Unknown, reason: probe.ReasonDenied},
		{name: "no program", path: filepath.Join(dir, "plain"), state: probe.Unknown, reason: probe.ReasonDenied},
		{name: "not there", path: filepath.Join(dir, "gone"), state: probe.Unknown, reason: plugin.ReasonNotRun},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := runKind(t, plugin.Kind(&scripted{out: tt.out, err: tt.err}, plugin.Dirs{dir}), map[string]any{"command": tt.path})
			if r.State != tt.state || r.Reason != tt.reason || r.Summary == "" {
				t.Errorf("%s", text(r))
			}
		})
	}

	box := &scripted{out: spawn.Outcome{Ended: spawn.Exited, Stdout: []byte("OK"), Survivors: 2}}
	kind := plugin.Kind(box, plugin.Dirs{dir})
	r := runKind(t, kind, map[string]any{"command": good, "args": []string{"-w", "5"}, "secret_env": "PGPASSWORD", "secret": "p'w", "timeout_seconds": 12, "class": "data"})
	if !strings.Contains(r.Details, "2 个进程") || len(box.seen.Env) != 1 || box.seen.Env[0] != "PGPASSWORD=p'w" || box.seen.Timeout.Seconds() != 12 {
		t.Errorf("%s %+v", text(r), box.seen)
	}
	if c := kind.ClassFor(map[string]any{"class": "data"}); c != probe.Data {
		t.Errorf("class %s", c)
	}
	if zh, en := kind.TitleFor(map[string]any{"title": "磁盘"}); zh != "磁盘" || en != "磁盘" {
		t.Errorf("titles %s, %s", zh, en)
	}
	if zh, en := kind.TitleFor(nil); zh != kind.TitleZH || en != kind.TitleEN {
		t.Errorf("titles %s, %s", zh, en)
	}
	for name, bad := range map[string]map[string]any{
		"another folder":    {"command": "/bin/sh"},
		"up and away":       {"command": dir + "/../x"},
		"the folder itself": {"command": dir},
		"a neighbour":       {"command": dir + "x/check"},
		"relative":          {"command": "check_x"},
		"for ever":          {"command": good, "timeout_seconds": 301},
		"no class":          {"command": good, "class": "magic"},
		"loader":            {"command": good, "secret_env": "LD_PRELOAD", "secret": "x"},
		"half a secret":     {"command": good, "secret": "x"},
		"two lines":         {"command": good, "title": "a\nb"},
		"zero byte":         {"command": good, "args": []string{"a\x00"}},
	} {
		if _, err := kind.NewTarget(bad, nil, nil, nil, nil); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if list := (plugin.Dirs{dir, "/nowhere"}).List(); len(list) != 1 || list[0].Path != good {
		t.Errorf("installed: %v", list)
	}
}
