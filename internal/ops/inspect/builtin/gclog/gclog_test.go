package gclog_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"taxops/internal/ops/inspect/builtin/gclog"
)

const mib = 1 << 20

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line        string
		major       bool
		after, heap float64
		pause       float64
		failed      bool
	}{
		// Java 17, recorded.
		{"[0.052s][info][gc] GC(0) Pause Young (Normal) (G1 Evacuation Pause) 23M->4M(256M) 2.345ms", false, 4 * mib, 256 * mib, 0.002345, false},
		{"[2026-11-24T09:00:00.123+0800][12.345s][info][gc     ] GC(12) Pause Full (System.gc()) 900M->800M(1024M) 412.307ms", true, 800 * mib, 1024 * mib, 0.412307, false},
		{"[1.204s][info][gc] GC(3) Pause Remark 60M->58M(256M) 1.020ms", false, 58 * mib, 256 * mib, 0.00102, false},
		{"[1.9s][info][gc] GC(9) Pause Young (Normal) (G1 Evacuation Pause) (Evacuation Failure) 250M->251M(256M) 8.1ms", false, 251 * mib, 256 * mib, 0.0081, true},
		{"[2.5s][info][gc] GC(2) Garbage Collection (Warmup) 52M(20%)->18M(7%)", true, 18 * mib, 0, 0, false},
		{"[2.5s][info][gc] GC(4) Concurrent cleanup 61M->20M(256M) 0.051ms", true, 20 * mib, 256 * mib, 0, false},
		// Java 8, Parallel, CMS, G1, Serial.
		{"2026-11-24T09:00:00.000+0800: 123.456: [Full GC (Ergonomics) [PSYoungGen: 1024K->0K(76288K)] [ParOldGen: 170000K->90000K(175104K)] 171024K->90000K(251392K), [Metaspace: 3000K->3000K(1056768K)], 0.3456789 secs] [Times: user=0.60 sys=0.00, real=0.35 secs] ", true, 90000 << 10, 251392 << 10, 0.3456789, false},
		{"0.345: [GC (Allocation Failure) [PSYoungGen: 65536K->10748K(76288K)] 65536K->12345K(251392K), 0.0123456 secs] [Times: user=0.02 sys=0.01, real=0.01 secs] ", false, 12345 << 10, 251392 << 10, 0.0123456, false},
		{"1.234: [GC (Allocation Failure) 1.234: [ParNew: 272640K->34048K(306688K), 0.0844702 secs] 272640K->69574K(1014528K), 0.0845560 secs] [Times: user=0.23 sys=0.03, real=0.09 secs] ", false, 69574 << 10, 1014528 << 10, 0.084556, false},
		{"44.1: [Full GC (Allocation Failure) 44.1: [CMS (concurrent mode failure): 707839K->707838K(707840K), 1.2345678 secs] 1014527K->900000K(1014528K), [Metaspace: 3000K->3000K(1056768K)], 1.2346000 secs] [Times: user=1.2 sys=0.0, real=1.23 secs] ", true, 900000 << 10, 1014528 << 10, 1.2346, true},
		{"   [Eden: 24.0M(24.0M)->0.0B(13.0M) Survivors: 0.0B->3072.0K Heap: 24.0M(256.0M)->21.9M(256.0M)]", false, 21.9 * mib, 256 * mib, 0, false},
		{"[Full GC 8192K->4096K(15872K), 0.0098765 secs]", true, 4096 << 10, 15872 << 10, 0.0098765, false},
	} {
		e, ok := gclog.Parse(tt.line)
		if !ok || e.Major != tt.major || math.Abs(e.After-tt.after) > 1 || math.Abs(e.Heap-tt.heap) > 1 || math.Abs(e.Pause-tt.pause) > 1e-9 || e.Failed != tt.failed {
			t.Errorf("%s\n%+v, %v", tt.line, e, ok)
		}
	}
	for _, line := range []string{
		"", "[0.010s][info][gc] Using G1", "[1.2s][info][gc] GC(5) Concurrent Mark Cycle",
		"[1.2s][info][gc,heap] GC(5) Eden regions: 24->0(13)",
		"12.1: [GC (CMS Initial Mark) [1 CMS-initial-mark: 90000K(175104K)] 100000K(251392K), 0.0020000 secs] ",
		"2026-11-24T09:00:00.000+0800: 5.1: [GC pause (G1 Evacuation Pause) (young), 0.0123456 secs]",
	} {
		if e, ok := gclog.Parse(line); ok {
			t.Errorf("%q is taken for %+v", line, e)
		}
	}
}

func TestMaxHeap(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"[0.004s][info][gc,init] Heap Max Capacity: 256M\n":                                 256 * mib,
		"CommandLine flags: -XX:InitialHeapSize=268435456 -XX:MaxHeapSize=4294967296 -XX:+": 4 << 30,
	} {
		if v, ok := gclog.MaxHeap(text); !ok || v != want {
			t.Errorf("%q: %v, %v", text, v, ok)
		}
	}
	if _, ok := gclog.MaxHeap("nothing"); ok {
		t.Error("found a heap where there is none")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[1.2s][info][gc] GC(5) Pause Full (x) 9M->8M(10M) 1.0ms")
	f.Add("0.345: [GC (Allocation Failure) [PSYoungGen: 1K->1K(7K)] 6K->1K(2K), 0.01 secs] [Times: ]")
	f.Fuzz(func(t *testing.T, line string) {
		if e, ok := gclog.Parse(line); ok && (e.After < 0 || e.Heap < 0 || e.Pause < 0) {
			t.Errorf("%+v", e)
		}
	})
}

// TestRecordings reads what OpenJDK 17 with -Xmx64m wrote: every collector says what it left.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for name, wantMajor := range map[string]bool{"serial": true, "parallel": true, "g1": true, "z": true, "shenandoah": true} {
		b, err := os.ReadFile("testdata/java17_" + name + ".log")
		if err != nil {
			t.Fatal(err)
		}
		events, major := 0, 0
		for line := range strings.Lines(string(b)) {
			e, ok := gclog.Parse(line)
			if !ok {
				continue
			}
			events++
			if e.Major {
				major++
			}
			if e.After <= 0 || e.After > 70*mib || e.Heap > 70*mib || e.Pause > 1 {
				t.Errorf("%s: %+v of %s", name, e, line)
			}
		}
		if events < 3 || (major > 0) != wantMajor {
			t.Errorf("%s: %d events, %d major", name, events, major)
		}
		if v, ok := gclog.MaxHeap(string(b[:4000])); !ok || v != 64*mib {
			t.Errorf("%s: heap may grow to %v, %v", name, v, ok)
		}
	}
}
