package main

import (
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	const p = `"Package":"taxops/x"`
	ev := func(action, test, more string) string {
		s := `{"Action":"` + action + `",` + p
		if test != "" {
			s += `,"Test":"` + test + `"`
		}
		return s + more + "}\n"
	}
	tests := []struct {
		name           string
		in             string
		passed, failed int
		says           []string
	}{
		{"one passes", ev("run", "TestA", "") + ev("pass", "TestA", "") + ev("pass", "", ""), 1, 0, []string{"ok    taxops/x  1 tests"}},
		{
			"a parent is not counted beside its subtests",
			ev("run", "TestA", "") + ev("run", "TestA/a", "") + ev("run", "TestA/b", "") +
				ev("pass", "TestA/a", "") + ev("pass", "TestA/b", "") + ev("pass", "TestA", "") + ev("pass", "", ""),
			2, 0, nil,
		},
		{
			"a failed subtest counts once and is shown",
			ev("run", "TestA", "") + ev("run", "TestA/a", "") + ev("run", "TestA/b", "") +
				ev("output", "TestA/a", `,"Output":"broken thing\n"`) +
				ev("fail", "TestA/a", "") + ev("pass", "TestA/b", "") + ev("fail", "TestA", "") + ev("fail", "", ""),
			1, 1, []string{"FAIL  taxops/x TestA/a", "broken thing", "2 tests, 1 failed"},
		},
		{
			"a parent that fails by itself counts",
			ev("run", "TestA", "") + ev("run", "TestA/a", "") + ev("pass", "TestA/a", "") + ev("fail", "TestA", "") + ev("fail", "", ""),
			1, 1, nil,
		},
		{"a skip is a failure", ev("run", "TestA", "") + ev("skip", "TestA", "") + ev("pass", "", ""), 0, 1, []string{"SKIP  taxops/x TestA"}},
		{"a package without tests is nothing", ev("start", "", "") + ev("skip", "", ""), 0, 0, nil},
		{
			"a build that fails is one failure and is shown",
			`{"ImportPath":"taxops/x [taxops/x.test]","Action":"build-output","Output":"x.go:1: undefined: y\n"}` + "\n" +
				ev("start", "", "") + ev("fail", "", `,"FailedBuild":"taxops/x [taxops/x.test]"`),
			0, 1, []string{"undefined: y"},
		},
		{
			"a package that fails after its tests is one failure",
			ev("start", "", "") + ev("run", "TestA", "") + ev("pass", "TestA", "") +
				ev("output", "", `,"Output":"leaked goroutine\n"`) + ev("fail", "", ""),
			1, 1, []string{"leaked goroutine"},
		},
		{"a test that never ends is a failure", ev("run", "TestA", "") + ev("output", "TestA", `,"Output":"half\n"`), 0, 1, []string{"CUT", "half"}},
		{"what is not JSON is a failure", "go: cannot find main module\n", 0, 1, []string{"cannot find main module"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			passed, failed, err := run(strings.NewReader(tt.in), &out)
			if err != nil {
				t.Fatal(err)
			}
			if passed != tt.passed || failed != tt.failed {
				t.Errorf("counted %d passed, %d failed; want %d, %d\n%s", passed, failed, tt.passed, tt.failed, &out)
			}
			for _, s := range tt.says {
				if !strings.Contains(out.String(), s) {
					t.Errorf("the output lacks %q:\n%s", s, &out)
				}
			}
		})
	}
}
