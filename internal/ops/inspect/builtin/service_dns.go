package builtin

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) dns() probe.Builtin {
	return probe.Builtin{
		Kind: "service.dns", Class: probe.Service,
		TitleZH: "域名解析", TitleEN: "DNS",
		HelpZH: "直接向域名服务器（默认为 /etc/resolv.conf 的第一个）查询 A 记录，看是否应答、耗时与结果；不经本机缓存与 hosts 文件。未填域名时只要求服务器有应答。" +
			"变红时：换一台解析服务器比较，区分是服务器故障、网络不通还是记录被改；结果不符时核对近期变更，警惕劫持。",
		HelpEN: "Asks a name server (by default the first of /etc/resolv.conf) for an A record and looks at answer, time and result, past the host's cache and hosts file. Without a name the server only has to answer. " +
			"When red: compare with another server to tell a broken server from a broken network or a changed record; if the result is wrong look at recent changes and beware of hijacking.",
		Params: []probe.Param{
			{Name: "name", Type: "string", TitleZH: "域名", TitleEN: "Name"},
			{Name: "server", Type: "string", TitleZH: "域名服务器（默认取系统配置）", TitleEN: "Name server (of the system by default)"},
			{Name: "expected", Type: "strings", TitleZH: "应解析到的地址", TitleEN: "Addresses it should give"},
		},
		Thresholds: []probe.Threshold{{Metric: "time", Warn: "1", Crit: "3", Unit: "s"}},
		Check: func(p map[string]any) error {
			name, _ := p["name"].(string)
			if name != "" {
				if _, err := dnsQuestion(1, name); err != nil {
					return err
				}
			}
			if server, _ := p["server"].(string); server != "" {
				if _, err := dnsServer(server); err != nil {
					return err
				}
			}
			expected, _ := p["expected"].([]string)
			for _, e := range expected {
				if _, err := netip.ParseAddr(e); err != nil {
					return fmt.Errorf("expected: %q is no address", e)
				}
			}
			if len(expected) > 0 && name == "" {
				return errors.New("expected needs a name")
			}
			return nil
		},
		Target: func(p map[string]any) string {
			name, _ := p["name"].(string)
			server, _ := p["server"].(string)
			return strings.Trim(name+" @"+server, " @")
		},
		Verified: verifiedTested, VerifiedOn: "RFC 1035 over UDP and TCP, 2026-11", Timeout: 15 * time.Second,
		Run: h.runDNS,
		Discover: func(context.Context) []probe.Found {
			if s := h.nameServers(); len(s) > 0 {
				return []probe.Found{{Params: map[string]any{}, Why: "/etc/resolv.conf 指定了域名服务器 " + strings.Join(s, "、")}}
			}
			return nil
		},
	}
}

// nameServers are those of the system, in their order.
func (h host) nameServers() []string {
	b, err := readFile(h.at("etc/resolv.conf"))
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "nameserver" {
			if _, err := netip.ParseAddr(f[1]); err == nil {
				out = append(out, f[1])
			}
		}
	}
	return out
}

// dnsServer reads an address with or without a port.
func dnsServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	p, err := netip.ParseAddrPort(s)
	if err != nil {
		return p, fmt.Errorf("server: %q is no address", s)
	}
	return p, nil
}

func (h host) runDNS(ctx context.Context, t probe.Target) probe.Result {
	text := t.String("server")
	if text == "" {
		servers := h.nameServers()
		if len(servers) == 0 {
			return probe.NoSource("/etc/resolv.conf 没有指定域名服务器")
		}
		text = servers[0]
	}
	server, err := dnsServer(text)
	if err != nil {
		return probe.Unknowable("bad_params", err.Error())
	}
	name := t.String("name")
	if name == "" {
		name = "localhost" // any server must be able to answer for it, and none need ask another
	}
	ctx, cancel := answerBy(ctx, 10*time.Second)
	defer cancel()
	where := "域名服务器 " + server.String()
	began := time.Now()
	a, err := askDNS(ctx, server, name)
	took := time.Since(began)
	if err != nil {
		if errors.Is(err, errDNS) {
			return probe.Result{State: probe.Critical, Reason: "bad_answer", Summary: where + " 的应答无法识别：" + err.Error()}
		}
		return networkProblem(where, err, took).result()
	}
	r := t.Report()
	switch {
	case t.String("name") != "" && a.code == 3:
		r.Raise(probe.Critical, "not_found", fmt.Sprintf("%s 答复域名 %s 不存在", where, name))
	case a.code != 0 && a.code != 3:
		r.Raise(probe.Critical, "server_failure", fmt.Sprintf("%s 答复失败（%s）", where, a.word()))
	case t.String("name") != "" && len(a.addrs) == 0 && a.code == 0:
		r.Raise(probe.Critical, "not_found", fmt.Sprintf("域名 %s 没有 A 记录", name))
	}
	var got []string
	for _, x := range a.addrs {
		got = append(got, x.String())
	}
	slices.Sort(got)
	if want := t.Strings("expected"); len(want) > 0 && len(got) > 0 {
		for _, g := range got {
			if !slices.Contains(want, g) {
				r.Raise(probe.Critical, "wrong_answer", fmt.Sprintf("域名 %s 解析到 %s，不在应有的 %s 之内", name, strings.Join(got, "、"), strings.Join(want, "、")))
				break
			}
		}
	}
	r.Measure("time", where+" 耗时", took.Seconds(), "s")
	figures := fmt.Sprintf("%s 应答用时 %s", where, probe.Humanize(took.Seconds(), "s"))
	if len(got) > 0 && t.String("name") != "" {
		figures += fmt.Sprintf("，%s 解析到 %s", name, strings.Join(got, "、"))
	}
	return r.Result(figures)
}

// errDNS is an answer that is not one.
var errDNS = errors.New("malformed answer")

// dnsAnswer is what a name server said.
type dnsAnswer struct {
	code  int // RCODE
	cut   bool
	addrs []netip.Addr
}

func (a dnsAnswer) word() string {
	return map[int]string{1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}[a.code]
}

// askDNS asks once over UDP, a second time when the first packet was lost, and over TCP when the answer
// did not fit.
func askDNS(ctx context.Context, server netip.AddrPort, name string) (dnsAnswer, error) {
	id := uint16(rand.Uint32()) //nolint:gosec // tells answers apart; the port is random too
	q, err := dnsQuestion(id, name)
	if err != nil {
		return dnsAnswer{}, err
	}
	for _, wait := range []time.Duration{3 * time.Second, 7 * time.Second} {
		var a dnsAnswer
		if a, err = exchangeUDP(ctx, server, q, wait); err == nil && a.cut {
			return exchangeTCP(ctx, server, q)
		} else if err == nil || !isTimeout(err) {
			return a, err
		}
	}
	return dnsAnswer{}, err
}

func exchangeUDP(ctx context.Context, server netip.AddrPort, q []byte, wait time.Duration) (dnsAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := dialer(ctx).DialContext(ctx, "udp", server.String())
	if err != nil {
		return dnsAnswer{}, fmt.Errorf("ask the name server: %w", err)
	}
	defer conn.Close()
	if err := deadline(ctx, conn); err != nil {
		return dnsAnswer{}, err
	}
	if _, err := conn.Write(q); err != nil {
		return dnsAnswer{}, fmt.Errorf("ask the name server: %w", err)
	}
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return dnsAnswer{}, fmt.Errorf("answer of the name server: %w", err)
		}
		if n >= 2 && buf[0] == q[0] && buf[1] == q[1] { // others are late answers to someone else
			return parseDNS(buf[:n])
		}
	}
}

func exchangeTCP(ctx context.Context, server netip.AddrPort, q []byte) (dnsAnswer, error) {
	conn, err := dialer(ctx).DialContext(ctx, "tcp", server.String())
	if err != nil {
		return dnsAnswer{}, fmt.Errorf("ask the name server: %w", err)
	}
	defer conn.Close()
	if err := deadline(ctx, conn); err != nil {
		return dnsAnswer{}, err
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...)); err != nil {
		return dnsAnswer{}, fmt.Errorf("ask the name server: %w", err)
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return dnsAnswer{}, fmt.Errorf("answer of the name server: %w", err)
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return dnsAnswer{}, fmt.Errorf("answer of the name server: %w", err)
	}
	return parseDNS(buf)
}

func deadline(ctx context.Context, conn net.Conn) error {
	end, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	if err := conn.SetDeadline(end); err != nil {
		return fmt.Errorf("time limit of the connection: %w", err)
	}
	return nil
}

// dnsQuestion writes a query for the A records of a name.
func dnsQuestion(id uint16, name string) ([]byte, error) {
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > 253 {
		return nil, fmt.Errorf("name: %q is no domain name", name)
	}
	q := binary.BigEndian.AppendUint16(nil, id)
	q = append(q, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0) // recursion desired, one question
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.ContainsAny(label, " /:@\t") {
			return nil, fmt.Errorf("name: %q is no domain name", name)
		}
		q = append(append(q, byte(len(label))), label...)
	}
	return append(q, 0, 0, 1, 0, 1), nil // A, IN
}

// parseDNS reads an answer; only A records are kept.
func parseDNS(b []byte) (dnsAnswer, error) {
	if len(b) < 12 || b[2]&0x80 == 0 {
		return dnsAnswer{}, errDNS
	}
	a := dnsAnswer{code: int(b[3] & 0xf), cut: b[2]&2 != 0}
	questions, answers := int(binary.BigEndian.Uint16(b[4:])), int(binary.BigEndian.Uint16(b[6:]))
	at, ok := 12, true
	for range questions {
		if at, ok = skipName(b, at); !ok || at+4 > len(b) {
			return a, errDNS
		}
		at += 4
	}
	for range answers {
		if at, ok = skipName(b, at); !ok || at+10 > len(b) {
			if a.cut {
				return a, nil
			}
			return a, errDNS
		}
		typ, size := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+8:]))
		if at += 10; at+size > len(b) {
			return a, errDNS
		}
		if typ == 1 && size == 4 {
			a.addrs = append(a.addrs, netip.AddrFrom4([4]byte(b[at:at+4])))
		}
		at += size
	}
	return a, nil
}

// skipName returns where the bytes after a name begin; a pointer ends a name.
func skipName(b []byte, at int) (int, bool) {
	for at < len(b) {
		switch n := int(b[at]); {
		case n == 0:
			return at + 1, true
		case n&0xc0 == 0xc0:
			return at + 2, at+2 <= len(b)
		case n&0xc0 != 0:
			return at, false
		default:
			at += 1 + n
		}
	}
	return at, false
}
