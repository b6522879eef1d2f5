package builtin

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"taxops/internal/kernel/probe"
)

// pingAnswer is how long one echo may take; pingPause lies between two.
const (
	pingAnswer = time.Second
	pingPause  = 50 * time.Millisecond
)

func (h host) ping() probe.Builtin {
	return probe.Builtin{
		Kind: "service.ping", Class: probe.Service, TitleZH: "Ping", TitleEN: "Ping",
		HelpZH: "向主机或网络设备发送数个 ICMP 回显请求，判断丢包率与往返时间的中位数。优先用无需特权的 ICMP 套接字，其次用原始套接字（root）。" +
			"变红时：逐跳查（traceroute）丢在哪一段；只丢包而业务正常时，先确认对方或防火墙是否限制了 ICMP。",
		HelpEN: "Sends some ICMP echo requests and judges loss and the median round trip. Uses the unprivileged ICMP socket first, then a raw one (root). " +
			"When red: find the hop where they are lost (traceroute); if only pings are lost see whether the peer or a firewall limits ICMP.",
		Params: []probe.Param{
			{Name: "host", Type: "string", Required: true, TitleZH: "主机", TitleEN: "Host"},
			{Name: "count", Type: "int", Default: 5, TitleZH: "次数", TitleEN: "How many"},
		},
		Thresholds: []probe.Threshold{{Metric: "loss_percent", Warn: "20", Crit: "60", Unit: "%"}, {Metric: "round_trip", Warn: "0.2", Crit: "1", Unit: "s"}},
		Check: func(p map[string]any) error {
			if n, _ := p["count"].(int); n < 1 || n > 20 {
				return fmt.Errorf("count %d is not between 1 and 20", n)
			}
			return nil
		},
		Target:   func(p map[string]any) string { s, _ := p["host"].(string); return s },
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			ctx, cancel := answerBy(ctx, 25*time.Second)
			defer cancel()
			host := t.String("host")
			addr, err := resolve(ctx, host)
			if err != nil {
				return networkProblem(host, err, 0).result()
			}
			if err := permitted(ctx, addr); err != nil {
				return networkProblem(host, err, 0).result()
			}
			conn, err := pingSocket(addr)
			if err != nil {
				return probe.Denied(fmt.Sprintf("无权发送 ICMP（%v）：请执行 sysctl -w net.ipv4.ping_group_range='0 2147483647'，或以 root 运行", err))
			}
			defer conn.Close()
			trips, err := pingTimes(ctx, conn, addr, t.Int("count"))
			if err != nil {
				return networkProblem(host, err, pingAnswer).result()
			}
			return judgePing(t, host, addr, trips)
		},
	}
}

// resolve finds the first address of a name.
func resolve(ctx context.Context, host string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), nil
	}
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolve: %w", err)
	}
	if len(list) == 0 {
		return netip.Addr{}, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return list[0].Unmap(), nil
}

// pingSocket opens a socket for echoes: unprivileged where the kernel lets this group, else raw.
func pingSocket(addr netip.Addr) (net.PacketConn, error) {
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if addr.Is6() {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	var errs []error
	for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_RAW} {
		fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
		if err != nil {
			errs = append(errs, os.NewSyscallError("socket", err))
			continue
		}
		f := os.NewFile(uintptr(fd), "icmp")
		conn, err := net.FilePacketConn(f)
		f.Close()
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// pingTimes sends echoes one after the other; an echo that does not come back in its time is -1.
func pingTimes(ctx context.Context, conn net.PacketConn, addr netip.Addr, count int) ([]time.Duration, error) {
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, fmt.Errorf("make an echo: %w", err)
	}
	to := net.Addr(&net.UDPAddr{IP: addr.AsSlice(), Zone: addr.Zone()})
	if _, raw := conn.(*net.IPConn); raw {
		to = &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()}
	}
	var trips []time.Duration
	var failed error
	for seq := range count {
		began := time.Now()
		deadline := began.Add(pingAnswer)
		if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
			deadline = end
		}
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, fmt.Errorf("limit the time of an echo: %w", err)
		}
		trip := time.Duration(-1)
		if _, err := conn.WriteTo(echo(addr, uint16(seq), nonce), to); err != nil { //nolint:gosec // at most 20
			failed = fmt.Errorf("send an echo: %w", err)
		} else if echoed(conn, addr, uint16(seq), nonce) { //nolint:gosec // at most 20
			trip = time.Since(began)
		}
		trips = append(trips, trip)
		if ctx.Err() != nil {
			break
		}
		if seq < count-1 {
			pause := time.NewTimer(pingPause)
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
			pause.Stop()
		}
	}
	if failed != nil && !slices.ContainsFunc(trips, func(d time.Duration) bool { return d >= 0 }) {
		return nil, failed
	}
	return trips, nil
}

// echo is an ICMP echo request. The kernel fills in the identifier of unprivileged sockets, so that
// answers are known by the nonce.
func echo(addr netip.Addr, seq uint16, nonce [16]byte) []byte {
	m := make([]byte, 8, 8+len(nonce)+2)
	m[0] = 8
	if addr.Is6() {
		m[0] = 128
	}
	binary.BigEndian.PutUint16(m[4:], uint16(os.Getpid())) //nolint:gosec // its low half
	binary.BigEndian.PutUint16(m[6:], seq)
	m = binary.BigEndian.AppendUint16(append(m, nonce[:]...), seq)
	if addr.Is4() { // the kernel reckons that of ICMPv6
		binary.BigEndian.PutUint16(m[2:], checksum(m))
	}
	return m
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum) //nolint:gosec // folded above
}

// echoed reads until the answer to one request is there, or its time is over.
func echoed(conn net.PacketConn, addr netip.Addr, seq uint16, nonce [16]byte) bool {
	want := byte(0)
	if addr.Is6() {
		want = 129
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return false
		}
		if m := buf[:n]; len(m) >= 26 && m[0] == want && [16]byte(m[8:24]) == nonce && binary.BigEndian.Uint16(m[24:]) == seq {
			return true
		}
	}
}

func judgePing(t probe.Target, host string, addr netip.Addr, trips []time.Duration) probe.Result {
	var back []time.Duration
	for _, d := range trips {
		if d >= 0 {
			back = append(back, d)
		}
	}
	slices.Sort(back)
	where := host
	if host != addr.String() {
		where += "（" + addr.String() + "）"
	}
	r := t.Report()
	loss := 100 * float64(len(trips)-len(back)) / float64(max(len(trips), 1))
	r.Measure("loss_percent", where+" 丢包率", loss, "%")
	figures := fmt.Sprintf("%s 发 %d 收 %d", where, len(trips), len(back))
	if len(back) > 0 {
		middle := back[len(back)/2]
		r.Measure("round_trip", "往返时间", middle.Seconds(), "s")
		figures += "，往返 " + probe.Humanize(middle.Seconds(), "s")
	}
	return r.Result(figures)
}

// networkKinds are the kinds that look at network devices from outside.
func (h host) networkKinds() []probe.Builtin {
	return append([]probe.Builtin{h.ping()}, h.snmp()...)
}
