package builtin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"taxops/internal/kernel/probe"
)

// device is a simulated agent: it speaks SNMP v2c over UDP and answers from a walk in the form that
// snmpwalk -On prints.
type device struct {
	mu   sync.Mutex
	pdus []gosnmp.SnmpPDU // in the order of their ids
}

func parseWalk(t *testing.T, b []byte) *device {
	t.Helper()
	d := &device{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if line := lines.Text(); line != "" && line[0] != '#' {
			d.set(t, line)
		}
	}
	return d
}

// set puts a line of a walk in place of what the device said before.
func (d *device) set(t *testing.T, line string) {
	t.Helper()
	oid, rest, ok := strings.Cut(line, " = ")
	kind, text, ok2 := strings.Cut(rest, ": ")
	if !ok || !ok2 {
		t.Fatalf("not a line of a walk: %s", line)
	}
	p := gosnmp.SnmpPDU{Name: oid}
	number := func() uint64 {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	switch kind {
	case "STRING":
		p.Type, p.Value = gosnmp.OctetString, text
	case "Hex-STRING":
		raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		p.Type, p.Value = gosnmp.OctetString, raw
	case "OID":
		p.Type, p.Value = gosnmp.ObjectIdentifier, text
	case "INTEGER":
		p.Type, p.Value = gosnmp.Integer, int(number())
	case "Counter32":
		p.Type, p.Value = gosnmp.Counter32, uint32(number())
	case "Gauge32":
		p.Type, p.Value = gosnmp.Gauge32, uint32(number())
	case "Timeticks":
		p.Type, p.Value = gosnmp.TimeTicks, uint32(number())
	case "Counter64":
		p.Type, p.Value = gosnmp.Counter64, number()
	default:
		t.Fatalf("kind %s", kind)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.IndexFunc(d.pdus, func(o gosnmp.SnmpPDU) bool { return o.Name == oid }); i >= 0 {
		d.pdus[i] = p
		return
	}
	d.pdus = append(d.pdus, p)
	slices.SortFunc(d.pdus, func(a, b gosnmp.SnmpPDU) int { return compareOIDs(a.Name, b.Name) })
}

func compareOIDs(a, b string) int {
	parse := func(s string) []int {
		var out []int
		for part := range strings.SplitSeq(strings.Trim(s, "."), ".") {
			n, _ := strconv.Atoi(part)
			out = append(out, n)
		}
		return out
	}
	return slices.Compare(parse(a), parse(b))
}

// listen serves on loopback until the test ends. A wrong community is met with silence, as devices do.
func (d *device) listen(t *testing.T) (port int) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 65535)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := d.answer(buf[:n]); out != nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-ended })
	return conn.LocalAddr().(*net.UDPAddr).Port
}

func (d *device) answer(b []byte) []byte {
	in, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c}).SnmpDecodePacket(b)
	if err != nil || in.Community != "taxro" {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	out := &gosnmp.SnmpPacket{Version: gosnmp.Version2c, Community: in.Community, PDUType: gosnmp.GetResponse, RequestID: in.RequestID}
	after := func(oid string) gosnmp.SnmpPDU {
		for _, p := range d.pdus {
			if compareOIDs(p.Name, oid) > 0 {
				return p
			}
		}
		return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.EndOfMibView}
	}
	for _, v := range in.Variables {
		switch in.PDUType {
		case gosnmp.GetRequest:
			i := slices.IndexFunc(d.pdus, func(p gosnmp.SnmpPDU) bool { return p.Name == v.Name })
			if i < 0 {
				out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.NoSuchObject})
				continue
			}
			out.Variables = append(out.Variables, d.pdus[i])
		case gosnmp.GetNextRequest, gosnmp.GetBulkRequest:
			for at, n := v.Name, max(int(in.MaxRepetitions), 1); n > 0; n-- {
				p := after(at)
				out.Variables = append(out.Variables, p)
				if at = p.Name; p.Type == gosnmp.EndOfMibView {
					break
				}
			}
		}
	}
	raw, err := out.MarshalMsg()
	if err != nil {
		return nil
	}
	return raw
}

// askDevice runs one kind against a device, past what was shared before.
func askDevice(t *testing.T, kind string, port int, memory probe.Memory, now time.Time, more map[string]any) probe.Result {
	t.Helper()
	p := map[string]any{"host": "127.0.0.1", "port": port, "community": "taxro"}
	for k, v := range more {
		p[k] = v
	}
	b := kindOf(t, newHost(Deps{}).snmp(), kind)
	return titled(t, b.Kind, b.Run(t.Context(), target(t, b, p, memory, now)))
}

func TestSNMPDevices(t *testing.T) {
	t.Parallel()
	huawei := parseWalk(t, testdata(t, "snmp_huawei.txt")).listen(t)
	h3c := parseWalk(t, testdata(t, "snmp_h3c.txt")).listen(t)
	bare := &device{}
	bare.set(t, ".1.3.6.1.2.1.1.1.0 = STRING: a printer")
	printer := bare.listen(t)
	for _, tt := range []struct {
		judgment
		port int
	}{
		{judgment{"hardware.snmp_device", "huawei", probe.OK, "", []string{"core-sw-1（127.0.0.1:", "华为 S5720", "100 天", "接口 4 个"}}, huawei},
		{judgment{"hardware.snmp_interfaces", "huawei", probe.OK, "", []string{"接口 3 个，连通 2 个"}}, huawei},
		{judgment{"performance.snmp_utilisation", "huawei", probe.OK, "", []string{"接口 2 个"}}, huawei},
		{judgment{"performance.snmp_cpu", "huawei", probe.OK, "", []string{"23%（MPU Board 0），共 1 项"}}, huawei},
		{judgment{"performance.snmp_memory", "huawei", probe.Warning, probe.ReasonThreshold, []string{"MPU Board 0 88%"}}, huawei},
		{judgment{"hardware.snmp_temperature", "huawei", probe.OK, "", []string{"52°C", "共 1 项"}}, huawei},
		{judgment{"hardware.snmp_parts", "huawei", probe.Critical, "part_failed", []string{"部件 4 个，异常 2 个"}}, huawei},
		{judgment{"hardware.snmp_device", "h3c", probe.OK, "", []string{"dc-sw-2", "新华三", "60 分钟"}}, h3c},
		{judgment{"performance.snmp_cpu", "h3c", probe.Critical, probe.ReasonThreshold, []string{"Board 1 95%"}}, h3c},
		{judgment{"performance.snmp_memory", "h3c", probe.OK, "", []string{"41%"}}, h3c},
		{judgment{"hardware.snmp_temperature", "h3c", probe.Critical, "too_hot", []string{"61°C 达到设备门限 60°C"}}, h3c},
		{judgment{"hardware.snmp_parts", "h3c", probe.OK, "", []string{"部件 2 个，异常 0 个"}}, h3c},
		{judgment{"performance.snmp_cpu", "bare", probe.Unknown, probe.ReasonNoSource, nil}, printer},
		{judgment{"performance.snmp_memory", "bare", probe.Unknown, probe.ReasonNoSource, nil}, printer},
		{judgment{"hardware.snmp_temperature", "bare", probe.Unknown, probe.ReasonNoSource, nil}, printer},
		{judgment{"hardware.snmp_parts", "bare", probe.Unknown, probe.ReasonNoSource, nil}, printer},
		{judgment{"hardware.snmp_interfaces", "bare", probe.Unknown, probe.ReasonNoSource, nil}, printer},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			wants(t, askDevice(t, tt.kind, tt.port, nil, at, nil), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestSNMPThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	port := parseWalk(t, testdata(t, "snmp_h3c.txt")).listen(t)
	family := newHost(Deps{}).snmp()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	p := map[string]any{"host": "127.0.0.1", "port": port, "community": "wrong"}
	wants(t, family[0].Run(ctx, target(t, family[0], p, nil, at)), probe.Critical, probe.ReasonTimeout, "团体字")
	if ctx.Err() != nil {
		t.Error("the answer came after the context had ended")
	}
	cpu := kindOf(t, family, "performance.snmp_cpu")
	wants(t, cpu.Run(t.Context(), target(t, cpu, p, nil, at)), probe.Unknown, probe.ReasonDown, "网络设备", "秒")
	b := family[0]
	for _, p := range []map[string]any{
		{}, {"host": "a", "version": "1"}, {"host": "a", "auth": "CRC"}, {"host": "a", "privacy": "ROT13"}, {"host": "a", "version": "3", "auth": "none"}, {"host": "a", "port": 0}, {"host": "a", "ignore": []any{"["}},
	} {
		if _, err := b.CheckParams(p); err == nil {
			t.Errorf("%v was taken", p)
		}
	}
}

// TestSNMPOverTime follows a device through a lost link, errors, load and a restart.
func TestSNMPOverTime(t *testing.T) {
	t.Parallel()
	d := parseWalk(t, testdata(t, "snmp_huawei.txt"))
	port := d.listen(t)
	memories := map[string]probe.Memory{}
	ask := func(kind string, after time.Duration, more map[string]any) probe.Result {
		if memories[kind] == nil {
			memories[kind] = probe.NewMapMemory(nil)
		}
		return askDevice(t, kind, port, memories[kind], at.Add(after), more)
	}
	for _, k := range []string{"hardware.snmp_device", "hardware.snmp_interfaces", "performance.snmp_utilisation"} {
		wants(t, ask(k, 0, nil), probe.OK, "")
	}
	d.set(t, ".1.3.6.1.2.1.2.2.1.8.5 = INTEGER: 2")
	wants(t, ask("hardware.snmp_interfaces", time.Minute, nil), probe.Critical, "link_down", "GigabitEthernet0/0/1（到税务局）")
	wants(t, ask("hardware.snmp_interfaces", 2*time.Minute, nil), probe.Critical, "link_down")
	wants(t, ask("hardware.snmp_interfaces", 3*time.Minute, map[string]any{"ignore": []string{"GigabitEthernet0/0/1"}}), probe.OK, "")
	d.set(t, ".1.3.6.1.2.1.2.2.1.8.5 = INTEGER: 1")
	d.set(t, ".1.3.6.1.2.1.2.2.1.14.5 = Counter32: 5010")
	d.set(t, ".1.3.6.1.2.1.31.1.1.1.7.5 = Counter64: 2000000")
	wants(t, ask("hardware.snmp_interfaces", 4*time.Minute, nil), probe.Critical, probe.ReasonThreshold, "错包率")
	d.set(t, fmt.Sprintf(".1.3.6.1.2.1.31.1.1.1.10.5 = Counter64: %d", 500_000_000+60*100_000_000)) // 100 MB a second out of 125
	wants(t, ask("performance.snmp_utilisation", time.Minute, nil), probe.Warning, probe.ReasonThreshold, "GigabitEthernet0/0/1", "80")
	d.set(t, ".1.3.6.1.2.1.1.3.0 = Timeticks: 6000")
	wants(t, ask("hardware.snmp_device", time.Minute, nil), probe.Warning, "restarted", "60 秒")
	wants(t, ask("hardware.snmp_device", 2*time.Minute, nil), probe.OK, "")
}

func TestPing(t *testing.T) {
	t.Parallel()
	b := newHost(Deps{}).ping()
	r := run(t, b, map[string]any{"host": "127.0.0.1", "count": 2}, nil)
	if r.State == probe.OK {
		wants(t, r, probe.OK, "", "发 2 收 2")
	} else { // neither root nor in the group that may
		wants(t, r, probe.Unknown, probe.ReasonDenied, "ping_group_range")
	}
	wants(t, run(t, b, map[string]any{"host": "no-such-host.invalid"}, nil), probe.Critical, "dns")
	addr := netip.MustParseAddr("10.0.0.1")
	tg := target(t, b, map[string]any{"host": "gw"}, nil, at)
	wants(t, judgePing(tg, "gw", addr, []time.Duration{time.Millisecond, 3 * time.Millisecond, 2 * time.Millisecond, -1, -1}), probe.Warning, probe.ReasonThreshold, "发 5 收 3", "2 毫秒")
	wants(t, judgePing(tg, "gw", addr, []time.Duration{-1, -1}), probe.Critical, probe.ReasonThreshold, "丢包率 100%")
	if got := checksum([]byte{8, 0, 0, 0, 0, 1, 0, 2, 'a'}); got != ^uint16(0x0800+1+2+0x6100) {
		t.Errorf("checksum %x", got)
	}
	if _, err := b.CheckParams(map[string]any{"host": "a", "count": 100}); err == nil {
		t.Error("a hundred echoes were taken")
	}
}
