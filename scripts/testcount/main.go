// Command testcount reads `go test -json` and says what a person needs: each package with its
// result, and of what failed the whole output. It counts tests and subtests that hold no further
// subtest. A skipped test counts as failed: in this project a test that cannot run must say so.
//
//	go test -json ./... | testcount -counts FILE
//
// FILE gets one line "PASSED FAILED". The exit code is 1 when anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// event is one line of `go test -json`; see `go doc cmd/test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

func main() {
	counts := flag.String("counts", "", "file that gets the line \"PASSED FAILED\"")
	flag.Parse()
	passed, failed, err := run(os.Stdin, os.Stdout)
	if err == nil && *counts != "" {
		err = os.WriteFile(*counts, fmt.Appendf(nil, "%d %d\n", passed, failed), 0o644)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "testcount:", err)
		os.Exit(2)
	case failed > 0:
		os.Exit(1)
	}
}

// counter holds what is known of tests that have not ended.
type counter struct {
	out            io.Writer
	passed, failed int
	output         map[string]*strings.Builder // package, or package + "\x00" + test → its output so far
	parents        map[string]bool             // tests that hold subtests
	failedBelow    map[string]int              // failures counted below a package or test
	inPackage      map[string]int              // tests counted in a package
	buildOutput    map[string]*strings.Builder
}

func run(in io.Reader, out io.Writer) (passed, failed int, err error) {
	c := &counter{
		out: out, output: map[string]*strings.Builder{}, parents: map[string]bool{},
		failedBelow: map[string]int{}, inPackage: map[string]int{}, buildOutput: map[string]*strings.Builder{},
	}
	s := bufio.NewScanner(in)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var e event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			// The go command itself had something to say, and it is never good news.
			fmt.Fprintln(out, s.Text())
			c.failed++
			continue
		}
		c.take(e)
	}
	if err := s.Err(); err != nil {
		return 0, 0, fmt.Errorf("read the test output: %w", err)
	}
	// What never ended was cut off: a killed test binary, or go test itself.
	var cut []string
	for k := range c.output {
		cut = append(cut, k)
	}
	sort.Strings(cut)
	for _, k := range cut {
		name := strings.ReplaceAll(k, "\x00", " ")
		fmt.Fprintf(out, "CUT   %s did not end\n%s", name, c.output[k])
		c.failed++
	}
	return c.passed, c.failed, nil
}

func key(e event) string {
	if e.Test == "" {
		return e.Package
	}
	return e.Package + "\x00" + e.Test
}

func parent(k string) string {
	if i := strings.LastIndexAny(k, "/\x00"); i > strings.IndexByte(k, 0) && k[i] == '/' {
		return k[:i]
	}
	if i := strings.IndexByte(k, 0); i >= 0 {
		return k[:i]
	}
	return ""
}

func (c *counter) take(e event) {
	k := key(e)
	switch e.Action {
	case "build-output":
		builder(c.buildOutput, e.ImportPath).WriteString(e.Output)
	case "start", "run":
		builder(c.output, k)
		if e.Test != "" {
			c.parents[parent(k)] = true
		}
	case "output":
		builder(c.output, k).WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test != "" {
			c.test(k, e)
		} else {
			c.pkg(k, e)
		}
		delete(c.output, k)
	}
}

func (c *counter) test(k string, e event) {
	top := e.Package
	switch {
	case e.Action == "pass" && c.parents[k]:
	case e.Action == "pass":
		c.passed++
		c.inPackage[top]++
	case e.Action == "fail" && c.failedBelow[k] > 0:
		// Its subtests were counted and shown; what it said itself may still matter.
		c.show("FAIL", k)
	default:
		c.failed++
		c.inPackage[top]++
		for up := parent(k); up != ""; up = parent(up) {
			c.failedBelow[up]++
		}
		word := "FAIL"
		if e.Action == "skip" {
			word = "SKIP"
		}
		c.show(word, k)
	}
}

func (c *counter) pkg(k string, e event) {
	switch {
	case e.Action == "fail":
		if c.failedBelow[k] == 0 {
			// It did not build, panicked outside a test, or found a leak at its end.
			c.failed++
			if b := c.buildOutput[e.FailedBuild]; b != nil {
				fmt.Fprint(c.out, b)
			}
			c.show("FAIL", k)
		}
		fmt.Fprintf(c.out, "FAIL  %s  %d tests, %d failed, %.1f s\n", e.Package, c.inPackage[k], max(1, c.failedBelow[k]), e.Elapsed)
	case c.inPackage[k] > 0:
		fmt.Fprintf(c.out, "ok    %s  %d tests, %.1f s\n", e.Package, c.inPackage[k], e.Elapsed)
	}
}

func (c *counter) show(word, k string) {
	fmt.Fprintf(c.out, "%s  %s\n", word, strings.ReplaceAll(k, "\x00", " "))
	if b := c.output[k]; b != nil {
		for line := range strings.Lines(b.String()) {
			if t := strings.TrimSpace(line); strings.HasPrefix(t, "=== ") {
				continue
			}
			fmt.Fprint(c.out, "      ", line)
		}
	}
}

func builder(m map[string]*strings.Builder, k string) *strings.Builder {
	b := m[k]
	if b == nil {
		b = new(strings.Builder)
		m[k] = b
	}
	return b
}
