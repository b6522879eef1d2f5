package builtin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

func TestParseAuth(t *testing.T) {
	t.Parallel()
	times, sources := 0, map[string]int{}
	for _, f := range parseAuth(testdata(t, "auth.log"), at) {
		times += f.times
		sources[f.source] += f.times
	}
	if times != 7 || sources["203.0.113.9"] != 4 || sources["198.51.100.7"] != 1 || sources[""] != 2 {
		t.Errorf("%d failures from %v", times, sources)
	}
	rfc := parseAuth(testdata(t, "secure"), at)
	if len(rfc) != 2 || !rfc[0].at.Equal(time.Date(2026, 11, 24, 8, 52, 3, 120001000, time.UTC)) {
		t.Errorf("%+v", rfc)
	}
}

func TestSyslogTimeAcrossNewYear(t *testing.T) {
	t.Parallel()
	got, ok := syslogTime("Dec 31 23:59:59 host x", time.Date(2027, 1, 1, 0, 5, 0, 0, time.UTC))
	if want := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC); !ok || !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAuthLog(t *testing.T) {
	t.Parallel()
	line := func(at time.Time) string {
		return fmt.Sprintf("%s h sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2\n", at.Local().Format(time.Stamp))
	}
	var log strings.Builder
	for i := range 25 {
		log.WriteString(line(at.Add(-25 * time.Minute).Add(time.Duration(i) * time.Second)))
	}
	log.WriteString(line(at.Add(-time.Minute)))
	h := tree(t, map[string]string{"log/auth.log": log.String()})
	wants(t, run(t, h.authLog(), nil, nil), probe.OK, "", "最多 1 次")

	// Half an hour without a run must not hide what happened in between.
	memory := probe.NewMapMemory(map[string]string{"last": fmt.Sprint(at.Add(-30 * time.Minute).Unix())})
	r := run(t, h.authLog(), nil, memory)
	wants(t, r, probe.Warning, probe.ReasonThreshold, "最多 25 次", ">20")
	if !strings.Contains(r.Details, "203.0.113.9：26 次") {
		t.Errorf("details %q", r.Details)
	}
	wants(t, run(t, h.authLog(), nil, memory), probe.OK, "", "最多 1 次")

	// Rotated between two runs: the rest is in the file before.
	path := filepath.Join(h.VarLog, "auth.log")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".1", at, at); err != nil {
		t.Fatal(err)
	}
	wants(t, run(t, h.authLog(), nil, nil), probe.OK, "", "最多 1 次")

	h = tree(t, map[string]string{"log/secure": string(testdata(t, "secure"))})
	wants(t, run(t, h.authLog(), nil, nil), probe.OK, "", "最多 2 次", "secure")
	wants(t, run(t, h.authLog(), map[string]any{"path": "/nowhere/x.log"}, nil), probe.Unknown, probe.ReasonNoSource, "/nowhere/x.log")
}

func TestReadTailStartsAtALine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("first\nsecond\nthird\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, cut, err := readTail(path, 9)
	if string(b) != "third\n" || !cut || err != nil {
		t.Errorf("%q, %v, %v", b, cut, err)
	}
}

func FuzzParseAuth(f *testing.F) {
	f.Add([]byte("Nov 24 08:52:03 db1 sshd[701]: Failed password for root from 203.0.113.9 port 40002 ssh2\n"))
	f.Add([]byte("2026-11-24T16:52:03+08:00 h login[1]: pam_unix(login:auth): authentication failure; rhost=\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { mostWithin(parseAuth(b, at), authWindow) })
}
