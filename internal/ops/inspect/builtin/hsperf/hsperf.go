// Package hsperf reads what a Java virtual machine shows of itself in its performance file
// (HotSpot performance data, /tmp/hsperfdata_<account>/<pid>): the counters that jstat reads, without
// attaching to the process and without a Java program.
//
// The layout, version 2: a prologue of 32 bytes (magic, byte order, version, accessible, used, overflow,
// time of the last change, offset and number of entries), then entries of variable length, each with its
// name, its type ('J' for a 64-bit number, 'B' for bytes of text) and its value. The file is mapped by the
// process and changes while it is read, so one value may be older than another by a moment.
package hsperf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// MaxSize is more than any performance file: 32 KiB by default, set by -XX:PerfDataMemorySize.
const MaxSize = 4 << 20

// Data is the content of a performance file by the names of its counters.
type Data struct {
	Numbers map[string]int64
	Texts   map[string]string
}

const (
	magic        = 0xcafec0c0
	prologueSize = 32
	entrySize    = 20
)

// ErrNotReady says that the virtual machine is still starting and has not opened its file to readers.
var ErrNotReady = errors.New("the virtual machine is still starting")

// Parse reads a performance file. A file that is cut or broken is an error; entries of types that nobody
// asks for are passed over.
func Parse(b []byte) (Data, error) {
	if len(b) < prologueSize || binary.BigEndian.Uint32(b) != magic {
		return Data{}, errors.New("not a performance file of a Java virtual machine")
	}
	var order binary.ByteOrder = binary.BigEndian
	if b[4] == 1 {
		order = binary.LittleEndian
	}
	if major, minor := b[5], b[6]; major != 2 {
		return Data{}, fmt.Errorf("performance file of version %d.%d, only 2 is known", major, minor)
	}
	if b[7] == 0 {
		return Data{}, ErrNotReady
	}
	used := int(int32(order.Uint32(b[8:])))
	at, entries := int(int32(order.Uint32(b[24:]))), int(int32(order.Uint32(b[28:])))
	if used >= prologueSize && used < len(b) {
		b = b[:used]
	}
	if at < prologueSize || entries < 0 || entries > len(b)/entrySize {
		return Data{}, fmt.Errorf("performance file with %d entries from byte %d on", entries, at)
	}
	d := Data{Numbers: make(map[string]int64), Texts: make(map[string]string)}
	for range entries {
		n, err := d.entry(b, at, order)
		if err != nil {
			return Data{}, fmt.Errorf("performance file at byte %d: %w", at, err)
		}
		at += n
	}
	return d, nil
}

// entry reads the entry at an offset and returns its length.
func (d Data) entry(b []byte, at int, order binary.ByteOrder) (int, error) {
	if at+entrySize > len(b) {
		return 0, errors.New("ends within an entry")
	}
	e := b[at:]
	length, name := int(int32(order.Uint32(e))), int(int32(order.Uint32(e[4:])))
	vector, kind, value := int(int32(order.Uint32(e[8:]))), e[12], int(int32(order.Uint32(e[16:])))
	if length < entrySize || length > len(e) || name < entrySize || name >= length || value < entrySize || value > length || vector < 0 {
		return 0, errors.New("an entry reaches beyond its end")
	}
	e = e[:length]
	end := bytes.IndexByte(e[name:], 0)
	if end < 0 {
		return 0, errors.New("a name without an end")
	}
	key := string(e[name : name+end])
	switch {
	case kind == 'J' && vector == 0 && value+8 <= length:
		d.Numbers[key] = int64(order.Uint64(e[value:]))
	case kind == 'B' && value+vector <= length:
		text, _, _ := bytes.Cut(e[value:value+vector], []byte{0})
		d.Texts[key] = strings.ToValidUTF8(string(text), "\uFFFD")
	}
	return length, nil
}

// Old is the generation of long-lived objects (老年代), in bytes; ok is false for collectors without one.
// Used is what the last collection left.
func (d Data) Old() (used, limit int64, ok bool) {
	used, ok = d.Numbers["sun.gc.generation.1.space.0.used"]
	limit = d.Numbers["sun.gc.generation.1.maxCapacity"]
	if limit <= 0 {
		limit = d.Numbers["sun.gc.generation.1.space.0.maxCapacity"]
	}
	return used, limit, ok && limit > 0
}

// Heap is the sum of all spaces of all generations, in bytes, and its limit. With G1 each generation may
// grow to the whole heap, so that their limits do not add up.
func (d Data) Heap() (used, limit int64) {
	for g := range 3 {
		for s := range 3 {
			used += d.Numbers[fmt.Sprintf("sun.gc.generation.%d.space.%d.used", g, s)]
		}
	}
	young, old := d.Numbers["sun.gc.generation.0.maxCapacity"], d.Numbers["sun.gc.generation.1.maxCapacity"]
	if limit = young + old; young >= old-64 {
		limit = max(young, old)
	}
	return used, limit
}

// GC is how many collections there were and how many seconds the program stood still for them.
func (d Data) GC() (count int64, seconds float64) {
	ticks := int64(0)
	for c := range 4 {
		prefix := fmt.Sprintf("sun.gc.collector.%d.", c)
		// Concurrent work is no standstill.
		if strings.Contains(strings.ToLower(d.Texts[prefix+"name"]), "concurrent cycle") {
			continue
		}
		count += d.Numbers[prefix+"invocations"]
		ticks += d.Numbers[prefix+"time"]
	}
	if f := d.Numbers["sun.os.hrt.frequency"]; f > 0 {
		seconds = float64(ticks) / float64(f)
	}
	return count, seconds
}

// Uptime is how long the virtual machine runs, in seconds.
func (d Data) Uptime() float64 {
	if f := d.Numbers["sun.os.hrt.frequency"]; f > 0 {
		return float64(d.Numbers["sun.os.hrt.ticks"]) / float64(f)
	}
	return 0
}

// Program is the main class or archive that was started, without its arguments, which may hold passwords.
func (d Data) Program() string {
	first, _, _ := strings.Cut(strings.TrimSpace(d.Texts["sun.rt.javaCommand"]), " ")
	if strings.Contains(first, "/") && strings.HasSuffix(first, ".jar") {
		first = first[strings.LastIndexByte(first, '/')+1:]
	}
	return first
}

// Version names the virtual machine, "OpenJDK 64-Bit Server VM 17.0.15+6".
func (d Data) Version() string {
	return strings.TrimSpace(d.Texts["java.property.java.vm.name"] + " " + d.Texts["java.property.java.vm.version"])
}
