package builtin

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"taxops/internal/kernel/probe"
)

// redisFacts is what an instance says about itself.
type redisFacts struct {
	where       string
	info        map[string]string
	connectTime time.Duration
	saves       *bool // whether snapshots are configured, nil when unknown
	slow        part[redisSlow]
}

// redisSlow is the newest entry of the slow log, without what was asked for.
type redisSlow struct {
	last    int64 // its number, which only grows; -1 for none
	longest time.Duration
}

func (f *redisFacts) number(key string) float64 { return numberIn(f.info, key) }

func (f *redisFacts) role() string {
	if f.info["role"] == "slave" {
		return "从库"
	}
	return fmt.Sprintf("主库，从库 %.0f 个", f.number("connected_slaves"))
}

// redisEngine is the family of kinds that sign in to a Redis or a relative of it.
func (h host) redisEngine() engine[*redisFacts] {
	shared := &share[*redisFacts]{}
	return engine[*redisFacts]{
		params: append(instanceParams(6379, "套接字文件", "Socket file"),
			probe.Param{Name: "tls", Type: "bool", Default: false, TitleZH: "使用 TLS", TitleEN: "Use TLS"},
		),
		check: checkPort, target: instanceTarget, overview: "instance.redis", overviewZH: "Redis 实例", verified: verifiedTested, verifiedOn: "Redis 7.0, 2026-11",
		discover: sharedDiscovery(h.discoverRedis),
		facts: func(ctx context.Context, t probe.Target) (*redisFacts, *probe.Result) {
			return askRedisOnce(ctx, t, shared)
		},
		name: func(_ probe.Target, f *redisFacts) string { return f.where },
	}
}

func askRedisOnce(ctx context.Context, t probe.Target, shared *share[*redisFacts]) (*redisFacts, *probe.Result) {
	ctx, cancel := answerBy(ctx, instanceAnswer)
	defer cancel()
	where := "Redis " + instanceTarget(t.Params)
	f, took, err := shared.get(ctx, t.Since, shareKey(t.Params, "host", "port", "socket", "user", "password", "tls"),
		func(ctx context.Context) (*redisFacts, error) { return redisCollect(ctx, t, where) })
	if err != nil {
		r := redisProblem(where, err, took)
		return nil, &r
	}
	if f.info["used_memory"] == "" {
		r := probe.Unknowable("read_failed", where+" 的 INFO 中没有内存信息")
		return nil, &r
	}
	return f, nil
}

func redisCollect(ctx context.Context, t probe.Target, where string) (*redisFacts, error) {
	began := time.Now()
	conn, err := dialRedis(ctx, t.Params)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(redisOptions(t.Params, conn))
	defer func() {
		if err := client.Close(); err != nil {
			t.Log.Debug("close Redis connection", "error", err)
		}
		conn.Close() // when the client never took it
	}()
	text, err := client.Info(ctx).Result()
	if err != nil {
		return nil, err //nolint:wrapcheck // redisProblem reads the server's own words
	}
	f := &redisFacts{where: where, info: parseInfo(text), connectTime: time.Since(began)}
	// Whether snapshots are wanted at all; an account that may not ask leaves it open.
	if values, err := client.ConfigGet(ctx, "save").Result(); err == nil {
		save := values["save"] != ""
		f.saves = &save
	}
	slow, err := client.SlowLogGet(ctx, 16).Result()
	f.slow = got(redisSlow{last: -1}, err)
	for _, s := range slow {
		f.slow.v.last = max(f.slow.v.last, s.ID)
		f.slow.v.longest = max(f.slow.v.longest, s.Duration)
	}
	return f, nil
}

// redisQuestions are the single questions that one INFO answers.
func redisQuestions() []question[*redisFacts] {
	type judge = func(probe.Target, *probe.Report, *redisFacts) (string, *probe.Result)
	plain := func(j func(probe.Target, *probe.Report, *redisFacts) string) judge {
		return func(t probe.Target, r *probe.Report, f *redisFacts) (string, *probe.Result) { return j(t, r, f), nil }
	}
	return []question[*redisFacts]{
		{
			kind: "redis_memory", zh: "Redis 内存", en: "Redis memory",
			helpZH:     "读取 INFO memory：已用内存占 maxmemory 的比例（未设 maxmemory 时与物理内存相比）。变红时：用 --bigkeys 查大键，核对过期时间与 maxmemory-policy；未设上限的实例先设上限。",
			helpEN:     "Reads INFO memory: memory in use as a share of maxmemory (of the machine's memory when that is not set). When red: look for large keys with --bigkeys, check expiry and maxmemory-policy; give an instance without a limit one.",
			thresholds: []probe.Threshold{{Metric: "memory_percent", Warn: "80", Crit: "95", Unit: "%"}},
			judge:      plain(judgeRedisMemory),
		},
		{
			kind: "redis_persistence", zh: "Redis 持久化", en: "Redis persistence",
			helpZH:     "读取 INFO persistence：快照与 AOF 最近一次是否成功，改动未落盘的时间。变红时：查磁盘空间、vm.overcommit_memory 与日志；失败不处理，重启即丢数据。",
			helpEN:     "Reads INFO persistence: whether the last snapshot and AOF write worked, and how long changes are unsaved. When red: check disk space, vm.overcommit_memory and the log; a restart would lose data.",
			thresholds: []probe.Threshold{{Metric: "unsaved_time", Warn: "93600", Crit: "180000", Unit: "s"}},
			judge:      judgeRedisSaving,
		},
		{
			kind: "redis_replication", zh: "Redis 复制", en: "Redis replication",
			helpZH:     "读取 INFO replication：从库与主库的链路、多久没有收到主库数据；主库上每个从库的落后字节数。变红时：查主库、网络与口令；反复全量同步时调大 repl-backlog-size。",
			helpEN:     "Reads INFO replication: a replica's link to its master and how long it has heard nothing; on a master how many bytes each replica is behind. When red: check master, network and password; if full syncs repeat raise repl-backlog-size.",
			thresholds: []probe.Threshold{{Metric: "replica_lag", Warn: "30", Crit: "300", Unit: "s"}, {Metric: "replica_behind", Warn: "67108864", Crit: "536870912", Unit: "B"}},
			judge:      judgeRedisReplication,
		},
		{
			kind: "redis_evictions", zh: "Redis 淘汰", en: "Redis evictions",
			helpZH:     "由 evicted_keys 计数得出两次检查之间每分钟因内存不足而淘汰的键。变红时：若作缓存，看命中率是否下降再扩容；若存业务数据（会话、队列），立即扩内存，淘汰即丢数据。",
			helpEN:     "Keys evicted per minute between two runs because memory ran out. When red: for a cache see whether its hit ratio falls and enlarge it; for business data (sessions, queues) enlarge at once, since eviction loses data.",
			thresholds: []probe.Threshold{{Metric: "evicted_per_minute", Warn: "1", Crit: "1000"}},
			judge: plain(func(t probe.Target, r *probe.Report, f *redisFacts) string {
				return measureRate(t, r, "evicted_per_minute", "淘汰", f.number("evicted_keys"), time.Minute, "分钟")
			}),
		},
		{
			kind: "redis_clients", zh: "Redis 客户端", en: "Redis clients",
			helpZH:     "读取 INFO clients 与 stats：客户端数占 maxclients 的比例、被阻塞的客户端，及两次检查之间被拒绝的连接。变红时：用 CLIENT LIST 按来源统计，查未归还连接的连接池；被拒绝的连接即应用报错。",
			helpEN:     "Reads INFO clients and stats: clients as a share of maxclients, blocked ones, and connections refused between two runs. When red: count CLIENT LIST by address and look for pools that do not return connections; each refusal is an error in an application.",
			thresholds: []probe.Threshold{{Metric: "clients_percent", Warn: "75", Crit: "90", Unit: "%"}, {Metric: "rejected", Crit: "0"}},
			judge:      plain(judgeRedisClients),
		},
		{
			kind: "redis_hit_rate", zh: "Redis 命中率", en: "Redis hit ratio",
			helpZH:     "由 keyspace_hits 与 keyspace_misses 得出两次检查之间的查询命中率（不足一千次时取启动以来的值）；作队列或会话用途的实例可停用本项。变红时：查键是否集中过期、被淘汰，或应用改了键名。",
			helpEN:     "The share of lookups that found their key between two runs (since the start when fewer than a thousand); switch it off for queues. When red: see whether keys expired together, were evicted, or the application changed their names.",
			thresholds: []probe.Threshold{{Metric: "hit_percent", Warn: "60:", Crit: "30:", Unit: "%"}},
			judge: plain(func(t probe.Target, r *probe.Report, f *redisFacts) string {
				percent, span, ok := hitPercent(t, r, f.number("keyspace_hits"), f.number("keyspace_misses"), 1000)
				if !ok {
					return "查询不足一千次，不作判断"
				}
				r.Measure("hit_percent", "命中率", percent, "%")
				return fmt.Sprintf("命中率 %s（%s）", probe.Humanize(percent, "%"), span)
			}),
		},
		{
			kind: "redis_slowlog", zh: "Redis 慢命令", en: "Redis slow commands",
			helpZH:     "读取慢日志的编号（不读取命令内容）：两次检查之间每分钟新增的慢命令，并记录其中最长耗时。需要 +slowlog|get 权限。变红时：用 SLOWLOG GET 看命令，禁用 KEYS、大范围 HGETALL 与 SORT，拆分大键。",
			helpEN:     "Reads the numbers of the slow log, never the commands: how many were added per minute between two runs, and the longest of them. Needs +slowlog|get. When red: read SLOWLOG GET, forbid KEYS, large HGETALL and SORT, and split large keys.",
			thresholds: []probe.Threshold{{Metric: "slow_per_minute", Warn: "5", Crit: "30"}},
			judge: func(t probe.Target, r *probe.Report, f *redisFacts) (string, *probe.Result) {
				if f.slow.err != nil {
					return unanswered(redisProblem(f.where, f.slow.err, instanceAnswer))
				}
				r.Record("longest", f.slow.v.longest.Seconds(), "s")
				return measureRate(t, r, "slow_per_minute", "慢命令", float64(f.slow.v.last+1), time.Minute, "分钟"), nil
			},
		},
	}
}

func judgeRedisMemory(_ probe.Target, r *probe.Report, f *redisFacts) string {
	used, limit, of, note := f.number("used_memory"), f.number("maxmemory"), "maxmemory", ""
	if limit == 0 {
		limit, of, note = f.number("total_system_memory"), "物理内存", "，未设 maxmemory"
	}
	r.Record("used_memory", used, "B")
	r.Record("fragmentation", f.number("mem_fragmentation_ratio"), "")
	figures := "内存 " + probe.Humanize(used, "B")
	if limit > 0 {
		percent := 100 * used / limit
		r.Measure("memory_percent", "内存占用", percent, "%")
		figures += fmt.Sprintf("（%s %s 的 %s%s）", of, probe.Humanize(limit, "B"), probe.Humanize(percent, "%"), note)
	}
	return figures
}

// judgeRedisSaving judges whether saving works and how long changes have been in memory only.
func judgeRedisSaving(t probe.Target, r *probe.Report, f *redisFacts) (string, *probe.Result) {
	if f.info["rdb_last_bgsave_status"] == "err" {
		r.Raise(probe.Critical, "save_failed", "最近一次快照保存失败")
	}
	if f.info["aof_enabled"] == "1" && f.info["aof_last_write_status"] == "err" {
		r.Raise(probe.Critical, "save_failed", "最近一次 AOF 写入失败")
	}
	if f.info["aof_last_bgrewrite_status"] == "err" {
		r.Raise(probe.Warning, "save_failed", "最近一次 AOF 重写失败")
	}
	last := time.Unix(int64(f.number("rdb_last_save_time")), 0)
	age := max(0, t.Now().Sub(last).Seconds())
	r.Record("last_save_age", age, "s")
	r.Record("unsaved_changes", f.number("rdb_changes_since_last_save"), "")
	switch {
	case f.info["aof_enabled"] == "1":
		return "AOF 持久化", nil
	case f.saves != nil && !*f.saves:
		if r.State() == probe.OK {
			return nothing(f.where + " 未启用持久化（只作缓存时正常）")
		}
		return "未启用持久化", nil
	}
	if f.number("rdb_changes_since_last_save") > 0 && f.saves != nil {
		r.Measure("unsaved_time", "未落盘的改动距上次快照", age, "s")
	}
	return "上次快照 " + probe.Humanize(age, "s") + "前", nil
}

// judgeRedisReplication judges the link to the master, or the replicas of a master.
func judgeRedisReplication(_ probe.Target, r *probe.Report, f *redisFacts) (string, *probe.Result) {
	if f.info["role"] == "slave" {
		return judgeRedisLink(r, f), nil
	}
	n := int(f.number("connected_slaves"))
	if n == 0 {
		return nothing(f.where + " 既不是从库，也没有从库")
	}
	written := f.number("master_repl_offset")
	for i := range min(n, 50) {
		s := parseReplica(f.info["slave"+strconv.Itoa(i)])
		name := net.JoinHostPort(s["ip"], s["port"])
		if s["state"] != "online" {
			r.Raise(probe.Warning, "replica_catches_up", fmt.Sprintf("从库 %s 状态为 %s", name, s["state"]))
			continue
		}
		r.Measure("replica_behind "+name, "从库 "+name+" 落后", max(0, written-numberIn(s, "offset")), "B")
		r.Measure("replica_lag "+name, "从库 "+name+" 距上次确认", numberIn(s, "lag"), "s")
	}
	return fmt.Sprintf("从库 %d 个", n), nil
}

func judgeRedisLink(r *probe.Report, f *redisFacts) string {
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
		return "从库"
	}
	lag := f.number("master_last_io_seconds_ago")
	r.Measure("replica_lag", "距上次收到主库数据", lag, "s")
	return fmt.Sprintf("从库，主库 %s，%s前有数据", master, probe.Humanize(lag, "s"))
}

func judgeRedisClients(t probe.Target, r *probe.Report, f *redisFacts) string {
	clients, most := f.number("connected_clients"), f.number("maxclients")
	figures := fmt.Sprintf("客户端 %.0f 个", clients)
	if most > 0 { // Redis 6 and later say it
		r.Measure("clients_percent", "客户端占比", 100*clients/most, "%")
		figures += fmt.Sprintf(" / %.0f（%s）", most, probe.Humanize(100*clients/most, "%"))
	}
	r.Record("clients", clients, "")
	r.Record("blocked_clients", f.number("blocked_clients"), "")
	total := f.number("rejected_connections")
	r.Record("rejected_total", total, "c")
	if grown, d, ok := since(t, "rejected", total); ok {
		r.Measure("rejected", "被拒绝的连接（"+probe.Humanize(d.Seconds(), "s")+"内）", grown, "")
	}
	return figures + fmt.Sprintf("，累计拒绝 %.0f 次", total)
}

// parseReplica reads "ip=10.0.0.2,port=6379,state=online,offset=42,lag=0".
func parseReplica(s string) map[string]string {
	out := make(map[string]string)
	for field := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(field, "="); ok {
			out[k] = v
		}
	}
	return out
}
