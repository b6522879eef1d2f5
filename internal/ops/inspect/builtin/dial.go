package builtin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"taxops/internal/kernel/probe"
)

// dialProblem is a connection that did not come about, in the words of a result.
type dialProblem struct {
	state  probe.State
	reason probe.Reason
	text   string
}

func (p dialProblem) result() probe.Result {
	return probe.Result{State: p.state, Reason: p.reason, Summary: p.text}
}

// networkProblem says in Chinese why where could not be talked to.
func networkProblem(where string, err error, waited time.Duration) dialProblem {
	var dns *net.DNSError
	var out outside
	switch {
	case errors.As(err, &out):
		return dialProblem{probe.Unknown, probe.ReasonDenied, fmt.Sprintf("%s 未连接：%s 不在允许巡检的网段内，请由平台管理员在 inspect.targets.allow 中添加", where, out.address)}
	case errors.Is(err, unix.ECONNREFUSED):
		return dialProblem{probe.Critical, "refused", where + " 拒绝连接：服务未启动或未监听该端口"}
	case errors.Is(err, unix.ENOENT):
		return dialProblem{probe.Critical, "refused", where + " 不存在：服务未启动，或套接字不在此处"}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return dialProblem{probe.Unknown, probe.ReasonDenied, where + " 无权连接：请以 root 或服务所属组的账户运行"}
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return dialProblem{probe.Critical, "reset", where + " 连接后被对方断开"}
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EADDRNOTAVAIL):
		return dialProblem{probe.Critical, "unreachable", where + " 不可达：没有到该地址的路由，或被防火墙拒绝"}
	case errors.As(err, &dns) && !dns.IsTimeout:
		return dialProblem{probe.Critical, "dns", fmt.Sprintf("%s 的域名 %s 无法解析", where, dns.Name)}
	case isTimeout(err):
		return dialProblem{probe.Critical, probe.ReasonTimeout, fmt.Sprintf("%s 在 %s内没有应答", where, probe.Humanize(waited.Seconds(), "s"))}
	}
	return dialProblem{probe.Critical, "failed", fmt.Sprintf("%s 连接失败：%v", where, err)}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &n) && n.Timeout())
}

// dialTLS connects with TLS, the peer's certificate verified.
func dialTLS(ctx context.Context, addr string) (net.Conn, error) {
	d := tls.Dialer{NetDialer: dialer(ctx), Config: &tls.Config{MinVersion: tls.VersionTLS12}}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect with TLS: %w", err)
	}
	return conn, nil
}

// hostPort joins host and port params, an IPv6 address in brackets.
func hostPort(p map[string]any) string {
	host, _ := p["host"].(string)
	port, _ := p["port"].(int)
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// checkPort is a rule for params: a port that can exist.
func checkPort(p map[string]any) error {
	if port, ok := p["port"].(int); ok && (port < 1 || port > 65535) {
		return fmt.Errorf("port %d is not between 1 and 65535", port)
	}
	return nil
}
