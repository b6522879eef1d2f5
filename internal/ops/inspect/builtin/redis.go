package builtin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"taxops/internal/kernel/probe"
)

// redisGrant is the least that lets the check see everything it reports.
const redisGrant = "ACL SETUSER taxops on >口令 resetkeys -@all +ping +info +config|get +slowlog|get"

// redis is the overview of an instance and the single questions to it.
func (h host) redis() []probe.Builtin {
	e := h.redisEngine()
	return append([]probe.Builtin{e.whole(probe.Builtin{
		Kind: "instance.redis", TitleZH: "Redis 实例", TitleEN: "Redis instance",
		HelpZH: "登录实例并执行 INFO：能否服务、登录耗时、版本、角色与运行时长；拒绝连接、不应答、正在载入数据都在此报告一次，其余 Redis 检查项不再重复。最小权限账户：" + redisGrant +
			" 变红时：拒绝连接——查服务与端口；不应答——查慢命令与内存换页；正在载入——等待，勿重启。",
		HelpEN: "Signs in and runs INFO: whether the instance serves, how long that takes, version, role and uptime. Refusals, silence and loading are reported here once and not again by the other Redis checks. Least-privilege account: " + redisGrant +
			" When red: if refused check service and port; if silent look for slow commands and swapping; if loading wait and do not restart.",
		Thresholds: []probe.Threshold{{Metric: "connect_time", Warn: "1", Crit: "3", Unit: "s"}},
	}, func(r *probe.Report, f *redisFacts) string {
		r.Measure("connect_time", "登录耗时", f.connectTime.Seconds(), "s")
		r.Record("uptime", f.number("uptime_in_seconds"), "s")
		return fmt.Sprintf("%s %s，%s，已运行 %s", f.where, f.info["redis_version"], f.role(), probe.Humanize(f.number("uptime_in_seconds"), "s"))
	})}, e.all(redisQuestions())...)
}

// dialRedis connects before the client exists: the client would log and repeat a failed attempt.
func dialRedis(ctx context.Context, p map[string]any) (net.Conn, error) {
	network, addr := "unix", ""
	if addr, _ = p["socket"].(string); addr == "" {
		network = "tcp"
		host, _ := p["host"].(string)
		if host == "" {
			host = "127.0.0.1"
		}
		port, _ := p["port"].(int)
		addr = net.JoinHostPort(host, strconv.Itoa(port))
	}
	if useTLS, _ := p["tls"].(bool); useTLS && network == "tcp" {
		return dialTLS(ctx, addr)
	}
	conn, err := dialer(ctx).DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("connect to Redis: %w", err)
	}
	return conn, nil
}

func redisOptions(p map[string]any, conn net.Conn) *redis.Options {
	user, _ := p["user"].(string)
	password, _ := p["password"].(string)
	return &redis.Options{
		Username: user, Password: password,
		Protocol: 2, DisableIdentity: true, // works with every version, and sends nothing but what is needed
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			if conn == nil {
				return nil, net.ErrClosed
			}
			c := conn
			conn = nil
			return c, nil
		},
		PoolSize: 1, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		ReadTimeout: instanceAnswer, WriteTimeout: instanceAnswer, PoolTimeout: instanceAnswer,
	}
}

func redisProblem(where string, err error, took time.Duration) probe.Result {
	said := err.Error()
	word, _, _ := strings.Cut(said, " ")
	switch {
	case isTimeout(err):
		return silence(where, took, "命令")
	case word == "NOAUTH" || word == "WRONGPASS" || word == "NOPERM" || word == "DENIED",
		strings.Contains(said, "invalid password"), strings.Contains(said, "without any password configured"):
		return denied(where, said, redisGrant)
	case word == "LOADING":
		return dialProblem{probe.Critical, "starting", where + " 正在载入数据，尚不能服务"}.result()
	case word == "ERR" || word == "BUSY" || word == "MISCONF":
		return dialProblem{probe.Critical, "failed", fmt.Sprintf("%s 报错：%s", where, said)}.result()
	}
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) {
		return needsTLS(where, "服务器不使用 TLS，而本检查项要求 TLS")
	}
	if errors.Is(err, io.EOF) {
		return dialProblem{probe.Critical, "reset", where + " 接受连接后立即断开（若服务器只接受 TLS，请打开“使用 TLS”）"}.result()
	}
	return networkProblem(where, err, took).result()
}

// parseInfo reads the lines "key:value" of INFO.
func parseInfo(text string) map[string]string {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(key, "#") {
			info[key] = value
		}
	}
	return info
}

func (h host) discoverRedis(ctx context.Context) []probe.Found {
	list := h.candidates([]string{"redis-server", "valkey-server", "keydb-server"}, []int{6379, 6380, 6381, 6382}, func(path string) bool {
		base := filepath.Base(path)
		return strings.Contains(base, "redis") || strings.Contains(base, "valkey")
	})
	same := func(_, tcp listener) bool { return tcp.port() == 6379 }
	return gather(ctx, list, same, func(ctx context.Context, l listener) *probe.Found {
		addr, ok := l.talk(ctx, speaksRedis)
		if !ok {
			return nil
		}
		params := map[string]any{"socket": l.path}
		if l.path == "" {
			params = map[string]any{"host": addr.Addr().String(), "port": l.port()}
		}
		return &probe.Found{Params: params, Why: l.seen() + " 应答 Redis 协议"}
	})
}
