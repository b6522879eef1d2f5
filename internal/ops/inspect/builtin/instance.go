package builtin

import (
	"context"
	"fmt"
	"os/user"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// instanceAnswer is how long a database may take for everything a check asks of it.
const (
	instanceAnswer  = 10 * time.Second
	instanceTimeout = 15 * time.Second
)

// instanceParams are the settings all database kinds share.
func instanceParams(port int, socketZH, socketEN string) []probe.Param {
	return []probe.Param{
		{Name: "host", Type: "string", TitleZH: "主机（空为本机）", TitleEN: "Host (empty for this one)"},
		{Name: "port", Type: "int", Default: port, TitleZH: "端口", TitleEN: "Port"},
		{Name: "socket", Type: "string", TitleZH: socketZH, TitleEN: socketEN},
		{Name: "user", Type: "string", TitleZH: "账户（空为本机默认账户）", TitleEN: "User (empty for the local default)"},
		{Name: "password", Type: "string", Secret: true, TitleZH: "密码", TitleEN: "Password"},
	}
}

// instanceTarget names an instance by its socket or by host and port.
func instanceTarget(p map[string]any) string {
	if s, _ := p["socket"].(string); s != "" {
		return s
	}
	if host, _ := p["host"].(string); host != "" {
		return hostPort(p)
	}
	port, _ := p["port"].(int)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// osUser is the account this program runs under, which local sockets know by themselves.
func osUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// denied is the result of a sign-in that was refused; grant is what would let the check look.
func denied(where, said, grant string) probe.Result {
	return probe.Denied(fmt.Sprintf("%s 拒绝登录（%s）。请建立只读巡检账户并填入本检查项：%s", where, strings.TrimRight(said, "."), grant))
}

// needsTLS is the result of two sides that do not agree on TLS: the settings are wrong, not the server.
func needsTLS(where, why string) probe.Result {
	return probe.Unknowable("tls", where+" "+why)
}

// partlyDenied raises what an account that could sign in may not see.
func partlyDenied(r *probe.Report, what, grant string) {
	r.Raise(probe.Unknown, probe.ReasonDenied, fmt.Sprintf("巡检账户无权查看%s，请执行：%s", what, grant))
}

// lasting says how long the longest transaction has lasted; 0 is that there is none.
func lasting(seconds float64) string {
	if seconds == 0 {
		return "无"
	}
	return probe.Humanize(seconds, "s")
}

// silence is the result of an instance that took the connection and then said nothing.
func silence(where string, waited time.Duration, doing string) probe.Result {
	return dialProblem{probe.Critical, probe.ReasonTimeout,
		fmt.Sprintf("%s 已接受连接，但%s在 %s内没有应答（可能卡死或负载过高）", where, doing, probe.Humanize(waited.Seconds(), "s"))}.result()
}

// signIn tries the account that was set, or the local defaults one after the other while they are
// refused. try returns false with nil error for "refused".
func signIn[C any](ctx context.Context, set string, defaults []string, try func(ctx context.Context, user string) (C, error), refused func(error) bool) (conn C, err error) {
	users := []string{set}
	if set == "" {
		users = defaults
	}
	for i, u := range users {
		if i > 0 && u == users[i-1] {
			continue
		}
		conn, err = try(ctx, u)
		if err == nil || !refused(err) {
			return conn, err
		}
	}
	return conn, err
}
