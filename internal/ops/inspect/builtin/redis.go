package builtin

import (
	"context"
	"fmt"
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
const redisGrant = "ACL SETUSER taxops on >口令 resetkeys -@all +ping +info +config|get"

func (h host) redis() probe.Builtin {
	return probe.Builtin{
		Kind: "instance.redis", Class: probe.Instance,
		TitleZH: "Redis 实例", TitleEN: "Redis instance",
		HelpZH: "登录实例并执行 INFO：连接耗时、版本、内存占比（未设 maxmemory 时与物理内存相比）、持久化是否成功及未落盘的时间、与主库的复制链路。最小权限账户：" + redisGrant +
			" 变红时：内存——查大键与过期策略，核对 maxmemory-policy；持久化失败——查磁盘空间与 vm.overcommit_memory；复制中断——查主库、网络与口令。",
		HelpEN: "Signs in and runs INFO: connect time, version, share of memory (of the machine's memory when maxmemory is not set), whether saving works and how long changes are unsaved, and the link to the master. Least-privilege account: " + redisGrant +
			" When red: memory, look for large keys and expiry and check maxmemory-policy; failed saves, check disk space and vm.overcommit_memory; broken link, check master, network and password.",
		Params: append(instanceParams(6379, "套接字文件", "Socket file"),
			probe.Param{Name: "tls", Type: "bool", Default: false, TitleZH: "使用 TLS", TitleEN: "Use TLS"},
		),
		Thresholds: []probe.Threshold{
			{Metric: "connect_time", Warn: "1", Crit: "3", Unit: "s"},
			{Metric: "memory_percent", Warn: "80", Crit: "95", Unit: "%"},
			{Metric: "unsaved_time", Warn: "93600", Crit: "180000", Unit: "s"},
			{Metric: "replica_lag", Warn: "30", Crit: "300", Unit: "s"},
		},
		Check: checkPort, Target: instanceTarget,
		Verified: verifiedTested, VerifiedOn: "Redis 7.0, 2026-11", Timeout: instanceTimeout,
		Run:      runRedis,
		Discover: h.discoverRedis,
	}
}

func runRedis(ctx context.Context, t probe.Target) probe.Result {
	ctx, cancel := answerBy(ctx, instanceAnswer)
	defer cancel()
	where := "Redis " + instanceTarget(t.Params)
	began := time.Now()
	conn, err := dialRedis(ctx, t.Params)
	if err != nil {
		return networkProblem(where, err, time.Since(began)).result()
	}
	client := redis.NewClient(redisOptions(t.Params, conn))
	defer func() {
		if err := client.Close(); err != nil {
			t.Log.Debug("close Redis connection", "error", err)
		}
		conn.Close() // when the client never took it
	}()
	text, err := client.Info(ctx).Result()
	took := time.Since(began)
	if err != nil {
		return redisProblem(where, err, took)
	}
	facts := redisFacts{info: parseInfo(text), connectTime: took}
	// Whether snapshots are wanted at all; an account that may not ask leaves it open.
	if values, err := client.ConfigGet(ctx, "save").Result(); err == nil {
		save := values["save"] != ""
		facts.saves = &save
	}
	return judgeRedis(t, where, facts)
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
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
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
	return networkProblem(where, err, took).result()
}

// redisFacts is what an instance says about itself.
type redisFacts struct {
	info        map[string]string
	connectTime time.Duration
	saves       *bool // whether snapshots are configured, nil when unknown
}

func (f redisFacts) number(key string) float64 {
	v, _ := strconv.ParseFloat(f.info[key], 64)
	return v
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

func judgeRedis(t probe.Target, where string, f redisFacts) probe.Result {
	if f.info["used_memory"] == "" {
		return probe.Unknowable("read_failed", where+" 的 INFO 中没有内存信息")
	}
	r := t.Report()
	r.Measure("connect_time", "连接耗时", f.connectTime.Seconds(), "s")
	used, limit, of, note := f.number("used_memory"), f.number("maxmemory"), "maxmemory", ""
	if limit == 0 {
		limit, of, note = f.number("total_system_memory"), "物理内存", "，未设 maxmemory"
	}
	figures := fmt.Sprintf("%s %s，内存 %s", where, f.info["redis_version"], probe.Humanize(used, "B"))
	if limit > 0 {
		percent := 100 * used / limit
		r.Measure("memory_percent", "内存占用", percent, "%")
		figures += fmt.Sprintf("（%s %s 的 %s%s）", of, probe.Humanize(limit, "B"), probe.Humanize(percent, "%"), note)
	}
	r.Record("used_memory", used, "B")
	r.Record("clients", f.number("connected_clients"), "")
	if f.info["rdb_last_bgsave_status"] == "err" {
		r.Raise(probe.Critical, "save_failed", "最近一次快照保存失败")
	}
	if f.info["aof_enabled"] == "1" && f.info["aof_last_write_status"] == "err" {
		r.Raise(probe.Critical, "save_failed", "最近一次 AOF 写入失败")
	}
	if f.info["aof_last_bgrewrite_status"] == "err" {
		r.Raise(probe.Warning, "save_failed", "最近一次 AOF 重写失败")
	}
	figures += f.saving(t, r)
	figures += f.replication(r)
	return r.Result(figures)
}

// saving judges how long changes have been in memory only.
func (f redisFacts) saving(t probe.Target, r *probe.Report) string {
	switch {
	case f.info["aof_enabled"] == "1":
		return "，AOF 持久化"
	case f.saves != nil && !*f.saves:
		return "，未启用持久化"
	}
	last := time.Unix(int64(f.number("rdb_last_save_time")), 0)
	age := max(0, t.Now().Sub(last).Seconds())
	if f.number("rdb_changes_since_last_save") > 0 && f.saves != nil {
		r.Measure("unsaved_time", "未落盘的改动距上次快照", age, "s")
	}
	return "，上次快照 " + probe.Humanize(age, "s") + "前"
}

// replication judges the link to the master.
func (f redisFacts) replication(r *probe.Report) string {
	if f.info["role"] != "slave" {
		r.Record("replicas", f.number("connected_slaves"), "")
		return fmt.Sprintf("，主库，从库 %.0f 个", f.number("connected_slaves"))
	}
	master := net.JoinHostPort(f.info["master_host"], f.info["master_port"])
	if f.info["master_link_status"] != "up" {
		text := "与主库 " + master + " 的复制链路中断"
		if down := f.number("master_link_down_since_seconds"); down > 0 {
			text += " " + probe.Humanize(down, "s")
		}
		if f.info["master_sync_in_progress"] == "1" {
			text += "（正在全量同步）"
		}
		r.Raise(probe.Critical, "replication_stopped", text)
		return "，从库"
	}
	lag := f.number("master_last_io_seconds_ago")
	r.Measure("replica_lag", "距上次收到主库数据", lag, "s")
	return fmt.Sprintf("，从库，主库 %s，%s前有数据", master, probe.Humanize(lag, "s"))
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
