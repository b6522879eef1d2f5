package boundaries_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"taxops/test/boundaries"
)

// A rule that cannot fail proves nothing: testdata/bad breaks each, and says where.
func TestEveryRuleCanFail(t *testing.T) {
	const dir = "testdata/bad"
	found, err := boundaries.Check(boundaries.Config{
		Dir: dir, Module: "taxops", MaxFileLines: 40, MaxCommandLines: 10,
		Layers:      [][]string{{"above", "base"}, {"clock", "measure"}},
		TimeAllowed: map[string]string{"internal/kernel/measure/measure.go": "measures", "internal/kernel/gone.go": "is gone"},
		SQLAllowed:  map[string]string{"internal/kernel/gone.go": "is gone"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range found {
		got = append(got, fmt.Sprintf("%s:%d %s", v.File, v.Line, v.Rule))
	}
	want := append(wanted(t, dir),
		"internal/kernel/gone.go:0 time", "internal/kernel/gone.go:0 sql-text",
		"cmd/taxops:0 command-length", "internal/ops/alpha/migrations:0 both-dialects")
	slices.Sort(got)
	slices.Sort(want)
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("not found: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("found, but it breaks nothing: %s", g)
		}
	}
}

var mark = regexp.MustCompile(`want ((?:[a-z-]+ ?)+)$`)

// wanted reads the marks "// want RULE" (in SQL: "-- want RULE") of a module.
func wanted(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		s := bufio.NewScanner(f)
		for line := 1; s.Scan(); line++ {
			if m := mark.FindStringSubmatch(s.Text()); m != nil {
				for rule := range strings.FieldsSeq(m[1]) {
					out = append(out, fmt.Sprintf("%s:%d %s", filepath.ToSlash(rel), line, rule))
				}
			}
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
