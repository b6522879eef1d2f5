package hsperf_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"taxops/internal/ops/inspect/builtin/hsperf"
)

// The recordings are of OpenJDK 17.0.15 with -Xmx64m, after a full collection.
func TestParseRecordings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/java17_*.bin")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	const mib = 1 << 20
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d, err := hsperf.Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		used, limit, ok := d.Old()
		if !ok || limit < 40*mib || limit > 65*mib || used < 8*mib || used > limit {
			t.Errorf("%s: old generation %d of %d, %v", f, used, limit, ok)
		}
		heap, most := d.Heap()
		if heap < used || most < limit || most > 66*mib {
			t.Errorf("%s: heap %d of %d", f, heap, most)
		}
		if n, s := d.GC(); n < 3 || s <= 0 || s > d.Uptime() {
			t.Errorf("%s: %d collections in %v s of %v s", f, n, s, d.Uptime())
		}
		if d.Program() != "Churn" || d.Version() != "OpenJDK 64-Bit Server VM 17.0.15+6-Debian-1deb12u1" {
			t.Errorf("%s: %q on %q", f, d.Program(), d.Version())
		}
	}
}

func TestParseRefusesWhatIsBroken(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("testdata/java17_g1.bin")
	if err != nil {
		t.Fatal(err)
	}
	starting := bytes.Clone(good)
	starting[7] = 0
	if _, err := hsperf.Parse(starting); !errors.Is(err, hsperf.ErrNotReady) {
		t.Errorf("starting: %v", err)
	}
	old := bytes.Clone(good)
	old[5] = 1
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("hello, this is no performance file at all"), "cut": good[:200], "version": old} {
		if _, err := hsperf.Parse(b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestProgramHidesArguments(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"org.apache.catalina.startup.Bootstrap start": "org.apache.catalina.startup.Bootstrap",
		"/opt/tax/delivery.jar --password=hunter2":    "delivery.jar",
		"weblogic.Server": "weblogic.Server",
		"com.sun.tools.javac.launcher.Main Churn.java": "com.sun.tools.javac.launcher.Main",
		"": "",
	} {
		if got := (hsperf.Data{Texts: map[string]string{"sun.rt.javaCommand": command}}).Program(); got != want {
			t.Errorf("%q: %q", command, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("testdata/java17_serial.bin")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:64])
	f.Fuzz(func(_ *testing.T, b []byte) {
		if d, err := hsperf.Parse(b); err == nil {
			d.Old()
			d.Heap()
			d.GC()
			d.Program()
		}
	})
}
