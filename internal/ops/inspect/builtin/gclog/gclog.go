// Package gclog reads the log that a Java virtual machine writes of its garbage collections (GC 日志):
// the unified log of Java 9 and later (-Xlog:gc) and the older one of Java 6 to 8 (-verbose:gc with or
// without -XX:+PrintGCDetails), of the collectors Serial, Parallel, CMS, G1, Shenandoah and ZGC.
package gclog

import (
	"regexp"
	"strconv"
	"strings"
)

// Event is one collection that says what it left.
type Event struct {
	// Major collections look at all long-lived objects: what they leave is what the program really needs.
	Major  bool
	Name   string  // "Pause Full (Ergonomics)"
	After  float64 // bytes of the heap in use after it
	Heap   float64 // bytes that the heap has now, 0 when the line does not say
	Pause  float64 // seconds that the program stood still, 0 for what runs beside it
	Failed bool    // the collector gave up what it tried: "to-space exhausted", "concurrent mode failure"
}

const size = `(\d+(?:\.\d+)?)([BKMG])`

var (
	// [2026-11-24T09:00:00.123+0800][info][gc] GC(7) Pause Young (Normal) (G1 Evacuation Pause) 102M->51M(256M) 3.210ms
	unified = regexp.MustCompile(`GC\(\d+\) ((?:Pause|Concurrent|Garbage Collection|Major Collection|Minor Collection)[^\d\[]*?(?: \([^)]*\))*) ` + size + `(?:\(\d+%\))?->` + size + `(?:\((?:` + size + `|\d+%)\))?(?: (\d+(?:\.\d+)?)(ms|s))?`)
	// 12.345: [Full GC (Ergonomics) [PSYoungGen: 0K->0K(1K)] ... 171024K->90000K(251392K), [Metaspace: ...], 0.3456789 secs]
	oldHead = regexp.MustCompile(`\[((?:Full )?GC(?:--)?(?: pause)?(?: \([^)]*\))*)`)
	oldHeap = regexp.MustCompile(size + `->` + size + `\(` + size + `\)`)
	// The old G1 with details tells of the heap on a line of its own.
	oldG1   = regexp.MustCompile(`Heap: ` + size + `\(` + size + `\)->` + size + `\(` + size + `\)`)
	oldTime = regexp.MustCompile(`(\d+\.\d+) secs\]`)
	inner   = regexp.MustCompile(`\[[^\[\]]*\]`)
)

var failures = []string{"to-space exhausted", "to-space overflow", "Evacuation Failure", "concurrent mode failure", "promotion failed", "Allocation Stall", "Degenerated"}

// Parse reads one line; ok is false for lines that do not tell what a collection left.
func Parse(line string) (e Event, ok bool) {
	for _, f := range failures {
		e.Failed = e.Failed || strings.Contains(line, f)
	}
	if m := unified.FindStringSubmatch(line); m != nil {
		e.Name = strings.TrimSpace(m[1])
		e.After, e.Heap = bytes(m[4], m[5]), bytes(m[6], m[7])
		if strings.HasPrefix(e.Name, "Pause") {
			e.Pause = number(m[8])
			if m[9] == "ms" {
				e.Pause /= 1000
			}
		}
		switch {
		case strings.HasPrefix(e.Name, "Pause Full"), strings.HasPrefix(e.Name, "Garbage Collection"), strings.HasPrefix(e.Name, "Major Collection"):
			e.Major = true
		// The cleanup of a concurrent cycle: Shenandoah.
		case strings.HasPrefix(e.Name, "Concurrent cleanup"):
			e.Major = true
		}
		return e, true
	}
	if m := oldG1.FindStringSubmatch(line); m != nil {
		e.Name = "GC pause"
		e.After, e.Heap = bytes(m[5], m[6]), bytes(m[7], m[8])
		return e, true
	}
	m := oldHead.FindStringSubmatch(line)
	if m == nil || strings.Contains(line, "CMS Initial Mark") || strings.Contains(line, "CMS Final Remark") {
		return e, false
	}
	e.Name, e.Major = m[1], strings.HasPrefix(m[1], "Full GC")
	// The line holds each generation in brackets of its own; the heap is what stands outside of them.
	rest := line[strings.Index(line, m[0])+len(m[0]):]
	for {
		shorter := inner.ReplaceAllString(rest, "")
		if shorter == rest {
			break
		}
		rest = shorter
	}
	h := oldHeap.FindStringSubmatch(rest)
	if h == nil {
		return e, false
	}
	e.After, e.Heap = bytes(h[3], h[4]), bytes(h[5], h[6])
	if t := oldTime.FindAllStringSubmatch(line, -1); len(t) > 0 {
		e.Pause = number(t[len(t)-1][1])
		// "[Times: user=0.01 sys=0.00, real=0.01 secs]" follows on the same line and is rounded.
		if len(t) > 1 && strings.Contains(line, "[Times:") {
			e.Pause = number(t[len(t)-2][1])
		}
	}
	return e, true
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return v
}

func bytes(n, unit string) float64 {
	return number(n) * map[string]float64{"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[unit]
}

var maxHeap = []*regexp.Regexp{
	regexp.MustCompile(`\bMax Capacity: ` + size), // after "Heap" but with ZGC
	regexp.MustCompile(`-XX:MaxHeapSize=(\d+)()`),
}

// MaxHeap finds how far the heap may grow, in bytes, in the lines with which a log begins.
func MaxHeap(head string) (float64, bool) {
	for _, re := range maxHeap {
		if m := re.FindStringSubmatch(head); m != nil {
			unit := m[2]
			if unit == "" {
				unit = "B"
			}
			v := bytes(m[1], unit)
			return v, v > 0
		}
	}
	return 0, false
}
