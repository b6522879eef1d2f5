package builtin

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"taxops/internal/kernel/probe"
)

// discoverWithin is how long a kind may look for its instances; each peer gets less.
const (
	discoverWithin = 2500 * time.Millisecond
	peerWithin     = 800 * time.Millisecond
)

// gather asks all candidates at the same time and returns the proposals, UNIX sockets first. An
// instance that answers on a socket is not proposed for TCP again: the owner decides, or same where
// owners cannot be seen; a nil same never drops.
func gather(ctx context.Context, list []listener, same func(socket, tcp listener) bool, ask func(context.Context, listener) *probe.Found) []probe.Found {
	ctx, cancel := context.WithTimeout(ctx, discoverWithin)
	defer cancel()
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b listener) int { return boolFirst(a.path != "", b.path != "") })
	found := make([]*probe.Found, len(list))
	var wg sync.WaitGroup
	limit := make(chan struct{}, 16)
	for i, l := range list {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			found[i] = ask(ctx, l)
		})
	}
	wg.Wait()
	var out []probe.Found
	var sockets []listener
	for i, f := range found {
		l := list[i]
		if f == nil || slices.ContainsFunc(sockets, func(s listener) bool {
			if s.pid != 0 && l.pid != 0 {
				return s.pid == l.pid
			}
			return l.path == "" && same != nil && same(s, l)
		}) {
			continue
		}
		if l.path != "" {
			sockets = append(sockets, l)
		}
		out = append(out, *f)
	}
	return out
}

// talk connects to a listener and lets speak say something within the time of one peer. It returns
// the address that took the connection.
func (l listener) talk(ctx context.Context, speak func(net.Conn) bool) (netip.AddrPort, bool) {
	ctx, cancel := context.WithTimeout(ctx, peerWithin)
	defer cancel()
	for _, addr := range l.addrs() {
		network, where := "tcp", addr.String()
		if l.path != "" {
			network, where = "unix", l.path
		}
		conn, err := dialer(ctx).DialContext(ctx, network, where)
		if err != nil {
			continue
		}
		defer conn.Close()
		if end, ok := ctx.Deadline(); ok {
			if err := conn.SetDeadline(end); err != nil {
				return addr, false
			}
		}
		return addr, speak(conn)
	}
	return netip.AddrPort{}, false
}

// addrs are the loopback addresses to try, one zero address for a UNIX socket.
func (l listener) addrs() []netip.AddrPort {
	if l.dual {
		return []netip.AddrPort{l.addr, netip.AddrPortFrom(netip.IPv6Loopback(), l.addr.Port())}
	}
	return []netip.AddrPort{l.addr}
}

// speaksPostgres asks whether TLS would be welcome: a question every PostgreSQL answers with one
// letter, before any sign-in and without a line in its log.
func speaksPostgres(conn net.Conn) bool {
	if _, err := conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return false
	}
	var answer [1]byte
	_, err := io.ReadFull(conn, answer[:])
	return err == nil && (answer[0] == 'S' || answer[0] == 'N')
}

// greetsMySQL waits for the greeting that a MySQL or MariaDB sends first, and returns its version.
func greetsMySQL(conn net.Conn) (version string, ok bool) {
	r := bufio.NewReaderSize(conn, 256)
	head, err := r.Peek(5)
	if err != nil {
		return "", false
	}
	length := int(binary.LittleEndian.Uint16(head[:2])) | int(head[2])<<16
	if length > 4096 || head[3] != 0 || (head[4] != 10 && head[4] != 0xff) {
		return "", false
	}
	if head[4] == 0xff { // it refuses this host, in its own protocol
		return "", true
	}
	if _, err := r.Discard(5); err != nil {
		return "", false
	}
	version, err = r.ReadString(0)
	// MariaDB hides behind "5.5.5-" for the sake of old replicas.
	return strings.TrimPrefix(strings.TrimRight(version, "\x00"), "5.5.5-"), err == nil
}

// speaksRedis sends PING; a server that wants a password answers in the protocol too.
func speaksRedis(conn net.Conn) bool {
	if _, err := io.WriteString(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return false
	}
	line, err := bufio.NewReaderSize(conn, 128).ReadString('\n')
	if err != nil {
		return false
	}
	for _, prefix := range []string{"+PONG", "-NOAUTH", "-DENIED", "-NOPERM", "-LOADING", "-MASTERDOWN"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// httpPorts are where web servers and the consoles of middleware usually listen.
var httpPorts = []int{80, 443, 3000, 5601, 7001, 7002, 8000, 8008, 8080, 8081, 8088, 8090, 8161, 8443, 8888, 9000, 9090, 9093, 9100, 9200, 15672}

func (h host) discoverHTTP(ctx context.Context) []probe.Found {
	owners := []string{"nginx", "apache2", "httpd", "haproxy", "caddy", "lighttpd", "traefik"}
	return gather(ctx, h.candidates(owners, httpPorts, nil), nil, func(ctx context.Context, l listener) *probe.Found {
		ctx, cancel := context.WithTimeout(ctx, peerWithin)
		defer cancel()
		for _, addr := range l.addrs() {
			for _, scheme := range []string{"http", "https"} {
				url := scheme + "://" + addr.String() + "/"
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
				if err != nil {
					continue
				}
				status, _, err := fetch(req, true)
				if err != nil || (scheme == "http" && status == http.StatusBadRequest) { // nginx answers so to http on its https port
					continue
				}
				params := map[string]any{"url": url}
				if status < 200 || status > 399 {
					params["status"] = strconv.Itoa(status) // what it answers today is what it should answer tomorrow
				}
				if scheme == "https" {
					params["insecure"] = true // nobody has a certificate for 127.0.0.1
				}
				return &probe.Found{Params: params, Why: fmt.Sprintf("%s 应答 %s，状态码 %d", l.seen(), strings.ToUpper(scheme), status)}
			}
		}
		return nil
	})
}

func (h host) discoverCertificate(ctx context.Context) []probe.Found {
	return append(h.certificateFiles(), h.discoverTLS(ctx)...)
}

func (h host) discoverTLS(ctx context.Context) []probe.Found {
	return gather(ctx, h.candidates(nil, []int{443, 636, 993, 995, 8443, 9443}, nil), nil, func(ctx context.Context, l listener) *probe.Found {
		addr, ok := l.talk(ctx, func(conn net.Conn) bool {
			return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil //nolint:gosec // only asks whether TLS is spoken
		})
		if !ok {
			return nil
		}
		return &probe.Found{
			Params: map[string]any{"host": addr.Addr().String(), "port": l.port(), "verify": false},
			Why:    l.seen() + " 提供 TLS",
		}
	})
}

// tcpServices are services that are known by their port and have no kind of their own.
var tcpServices = map[int]string{
	22: "SSH", 25: "SMTP", 53: "DNS", 389: "LDAP", 636: "LDAPS", 1521: "Oracle", 1883: "MQTT", 2049: "NFS", 2181: "ZooKeeper",
	2379: "etcd", 4222: "NATS", 5236: "达梦", 5672: "AMQP", 8848: "Nacos", 9092: "Kafka", 9876: "RocketMQ", 11211: "Memcached",
	27017: "MongoDB", 54321: "人大金仓", 61616: "ActiveMQ",
}

func (h host) discoverTCP(ctx context.Context) []probe.Found {
	var list []listener
	for _, l := range h.listeners() {
		if l.path == "" && tcpServices[l.port()] != "" {
			list = append(list, l)
		}
	}
	return gather(ctx, list, nil, func(ctx context.Context, l listener) *probe.Found {
		addr, ok := l.talk(ctx, func(net.Conn) bool { return true })
		if !ok {
			return nil
		}
		return &probe.Found{
			Params: map[string]any{"host": addr.Addr().String(), "port": l.port()},
			Why:    fmt.Sprintf("%s 在监听（%s 的常用端口）", l.seen(), tcpServices[l.port()]),
		}
	})
}
