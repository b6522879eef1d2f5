package main

import (
	"bytes"
	"strings"
	"testing"
)

// What cannot be understood says what was wrong and where help is, on stderr, with exit code 2.
func TestWrongCommandLines(t *testing.T) {
	for line, wants := range map[string][]string{
		"":                         {"expected one of"},
		"help":                     {"unexpected argument help"},
		"serve --bogus":            {"unknown flag --bogus"},
		"inspect":                  {`expected "run"`},
		"inspect run --format pdf": {`one of "table","json"`},
		"account recover":          {"<login>"},
		"--output xml doctor":      {`one of "text","json"`},
	} {
		t.Run(line, func(t *testing.T) {
			var out, bad bytes.Buffer
			if code := run(strings.Fields(line), &out, &bad); code != 2 || out.Len() > 0 {
				t.Errorf("exit code %d, stdout %q", code, out.String())
			}
			for _, want := range append(wants, "--help") {
				if !strings.Contains(bad.String(), want) {
					t.Errorf("%q lacks %q", bad.String(), want)
				}
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for line, want := range map[string]string{"--help": "Commands:", "serve --help": "--listen", "--version": "taxops "} {
		var out, bad bytes.Buffer
		if code := run(strings.Fields(line), &out, &bad); code != 0 || !strings.Contains(out.String(), want) || bad.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, %q", line, code, out.String(), bad.String())
		}
	}
}

// An inspection that cannot say anything is UNKNOWN to whoever reads the exit code, and says why.
func TestInspectionWithoutAResultIsUnknown(t *testing.T) {
	for _, line := range []string{
		"--config /no/such/file inspect run", "inspect run --out /no/such/folder/report",
	} {
		var out, bad bytes.Buffer
		if code := run(append([]string{"--data", t.TempDir()}, strings.Fields(line)...), &out, &bad); code != 3 {
			t.Errorf("%s: exit code %d, want 3", line, code)
		}
		if !strings.HasPrefix(bad.String(), "taxops: ") || strings.Contains(bad.String(), "exit code") {
			t.Errorf("%s: %q", line, bad.String())
		}
	}
}
