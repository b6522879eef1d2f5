package probe_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
)

func sample() probe.Builtin {
	return probe.Builtin{
		Kind: "service.sample",
		Params: []probe.Param{
			{Name: "host", Type: "string", Required: true},
			{Name: "port", Type: "int", Default: 5432},
			{Name: "ratio", Type: "float"},
			{Name: "verify", Type: "bool", Default: true},
			{Name: "ignore", Type: "strings"},
			{Name: "password", Type: "string", Secret: true},
		},
		Thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "80", Crit: "90"}, {Metric: "age", Warn: "10"}},
		Check: func(p map[string]any) error {
			if p["port"].(int) > 65535 {
				return errors.New("port is above 65535")
			}
			return nil
		},
	}
}

func TestCheckParams(t *testing.T) {
	t.Parallel()
	b := sample()
	var fromJSON map[string]any
	if err := json.Unmarshal([]byte(`{"host":"db","port":5433,"ratio":1,"ignore":["a","b"],"password":null}`), &fromJSON); err != nil {
		t.Fatal(err)
	}
	got, err := b.CheckParams(fromJSON)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"host": "db", "port": 5433, "ratio": 1.0, "verify": true, "ignore": []string{"a", "b"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}

	tests := []struct {
		name        string
		in          map[string]any
		field, code string
	}{
		{"missing", nil, "params.host", "missing"},
		{"empty", map[string]any{"host": ""}, "params.host", "missing"},
		{"unknown", map[string]any{"host": "a", "hots": 1}, "params.hots", "unknown"},
		{"wrong type", map[string]any{"host": 5}, "params.host", "type"},
		{"fraction", map[string]any{"host": "a", "port": 1.5}, "params.port", "type"},
		{"text for number", map[string]any{"host": "a", "port": "5432"}, "params.port", "type"},
		{"list of mixed", map[string]any{"host": "a", "ignore": []any{"x", 1}}, "params.ignore", "type"},
		{"rule", map[string]any{"host": "a", "port": 70000}, "params", "rule"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := b.CheckParams(tt.in)
			var errs probe.ParamErrors
			if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Field != tt.field || errs[0].Code != tt.code {
				t.Errorf("got %v, want %s %s", err, tt.field, tt.code)
			}
		})
	}
	_, err = b.CheckParams(map[string]any{"host": "a", "password": map[string]any{"x": "hunter2"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a wrong secret must be refused without being shown, got %v", err)
	}
}

func TestCheckLimits(t *testing.T) {
	t.Parallel()
	b := sample()
	got, err := b.CheckLimits(map[string]probe.Limit{"used_percent": {Warn: "70", Crit: "85"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]probe.Limit{"used_percent": {Warn: "70", Crit: "85"}, "age": {Warn: "10"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	_, err = b.CheckLimits(map[string]probe.Limit{"nope": {}, "age": {Crit: "x"}})
	var errs probe.ParamErrors
	if !errors.As(err, &errs) || len(errs) != 2 || errs[0].Field != "thresholds.age.crit" || errs[1].Code != "unknown" {
		t.Errorf("got %v", err)
	}
}

func TestMapMemoryKeepsItsLimits(t *testing.T) {
	t.Parallel()
	m := probe.NewMapMemory(map[string]string{"a": "1"})
	m.Set("b", "2")
	if v, ok := m.Get("b"); !ok || v != "2" || m.Err() != nil {
		t.Fatalf("b = %q, %v, %v", v, ok, m.Err())
	}
	m.Set("b", strings.Repeat("x", probe.MaxMemoryValue+1))
	if _, ok := m.Get("b"); ok || m.Err() == nil {
		t.Error("a value over the limit was kept")
	}
	for i := range 20 {
		m.Set(string(rune('c'+i)), "x")
	}
	if n := len(m.Snapshot()); n != probe.MaxMemoryKeys {
		t.Errorf("%d keys, want %d", n, probe.MaxMemoryKeys)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	target, err := sample().NewTarget(map[string]any{"host": "a"}, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := target.Report()
	r.Measure("used_percent /", "/ 已用", 50, "%")
	r.Measure("used_percent /var", "/var 已用", 85, "%")
	r.Raise(probe.Unknown, probe.ReasonDenied, "/home 无权限")
	r.Measure("used_percent /srv", "/srv 已用", 95.25, "%")
	r.Record("free /", 1024, "B")
	got := r.Result("共 3 个挂载点")
	if got.State != probe.Critical || got.Reason != probe.ReasonThreshold {
		t.Errorf("state %v, reason %v", got.State, got.Reason)
	}
	want := "/srv 已用 95.2%（严重阈值 >90%）；/home 无权限；/var 已用 85%（警告阈值 >80%）；共 3 个挂载点"
	if got.Summary != want {
		t.Errorf("summary\n%s, want\n%s", got.Summary, want)
	}
	if len(got.Perf) != 4 || got.Perf[1].Warn != "80" || got.Perf[3].Warn != "" {
		t.Errorf("perf %+v", got.Perf)
	}
}

func TestHumanize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v         float64
		uom, want string
	}{
		{0, "B", "0 B"}, {1536, "B", "1.5 KiB"}, {50e9, "B", "46.6 GiB"}, {12.345, "%", "12.3%"}, {0.004, "%", "0.004%"},
		{0.0021, "s", "2.1 毫秒"}, {2.5, "s", "2.5 秒"}, {600, "s", "10 分钟"}, {86400 * 3, "s", "3 天"}, {6.5, "d", "6.5 天"}, {3, "", "3"},
	} {
		if got := probe.Humanize(tt.v, tt.uom); got != tt.want {
			t.Errorf("Humanize(%v, %q) = %q, want %q", tt.v, tt.uom, got, tt.want)
		}
	}
}
