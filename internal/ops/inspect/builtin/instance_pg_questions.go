package builtin

import (
	"encoding/json"
	"fmt"
	"time"

	"taxops/internal/kernel/probe"
)

// pgQuestions are the single questions that one connection to an instance answers.
func pgQuestions() []question[*pgState] {
	return []question[*pgState]{
		{
			kind: "postgresql_connections", zh: "PostgreSQL 连接数", en: "PostgreSQL connections",
			helpZH:     "查询 pg_stat_database 与 max_connections：已用连接占上限的比例，并记录空闲事务数。变红时：查未归还连接的连接池与 idle in transaction 会话，必要时加连接池；勿只调大 max_connections。",
			helpEN:     "Reads pg_stat_database and max_connections: the share of connections in use, and records idle transactions. When red: look for pools that do not return connections and for sessions idle in transaction; add a pooler rather than only raising max_connections.",
			thresholds: []probe.Threshold{{Metric: "connections_percent", Warn: "75", Crit: "90", Unit: "%"}},
			judge:      pgJudge(func(s *pgState) part[pgConnections] { return s.connections }, judgePgConnections),
		},
		{
			kind: "postgresql_xid_age", zh: "PostgreSQL 事务号年龄", en: "PostgreSQL transaction-id age",
			helpZH:     "查询 pg_database 中各库的事务号（及多事务号）年龄：达到约 21 亿时实例会停止写入。变红时：查长事务、未结束的两阶段事务与失效的复制槽，处理后对最老的库执行 VACUUM FREEZE。",
			helpEN:     "Reads the age of transaction and multixact ids of each database in pg_database: at about 2.1 billion the instance stops writing. When red: look for long transactions, forgotten prepared ones and dead slots, then VACUUM FREEZE the oldest database.",
			thresholds: []probe.Threshold{{Metric: "xid_age", Warn: "500000000", Crit: "1200000000"}},
			judge:      pgJudge(func(s *pgState) part[[]pgAge] { return s.xids }, judgePgAges),
		},
		{
			kind: "postgresql_longest_transaction", zh: "PostgreSQL 最长事务", en: "PostgreSQL longest transaction",
			helpZH:     "查询 pg_stat_activity 中开始最早的事务（不读取语句内容）。需要 pg_monitor 权限：" + pgGrant + " 变红时：与应用方确认后用 pg_terminate_backend 结束；长事务会阻止清理并拖慢全库。",
			helpEN:     "Reads the oldest transaction in pg_stat_activity, never its statement. Needs pg_monitor: " + pgGrant + " When red: end it with pg_terminate_backend after asking the application's owner; it holds up vacuum for the whole database.",
			thresholds: []probe.Threshold{{Metric: "longest_transaction", Warn: "600", Crit: "3600", Unit: "s"}},
			judge:      pgJudge(func(s *pgState) part[[]pgTransaction] { return s.transactions }, judgePgTransactions),
		},
		{
			kind: "postgresql_prepared", zh: "PostgreSQL 两阶段事务", en: "PostgreSQL prepared transactions",
			helpZH:     "查询 pg_prepared_xacts：最早的未决两阶段事务存在多久。变红时：向事务管理器（中间件）核对该事务应提交还是回滚，再执行 COMMIT PREPARED 或 ROLLBACK PREPARED。",
			helpEN:     "Reads pg_prepared_xacts: how long the oldest undecided two-phase transaction has been there. When red: ask the transaction manager whether it is to be committed, then COMMIT PREPARED or ROLLBACK PREPARED.",
			thresholds: []probe.Threshold{{Metric: "prepared_age", Warn: "600", Crit: "3600", Unit: "s"}},
			judge:      pgJudge(func(s *pgState) part[[]pgTransaction] { return s.prepared }, judgePgPrepared),
		},
		{
			kind: "postgresql_locks", zh: "PostgreSQL 锁等待", en: "PostgreSQL lock waits",
			helpZH:     "查询 pg_locks 中未获得的锁：等待的会话数与最长等待。变红时：按 pg_blocking_pids 找到持锁会话，与应用方确认后结束；反复出现时查访问顺序与缺失的索引。",
			helpEN:     "Reads the locks that are not granted in pg_locks: how many sessions wait and for how long. When red: find the holder with pg_blocking_pids and end it after asking; if it recurs, look at the order of access and missing indexes.",
			thresholds: []probe.Threshold{{Metric: "lock_waits", Warn: "5", Crit: "20"}, {Metric: "lock_wait_time", Warn: "10", Crit: "30", Unit: "s"}},
			judge:      pgJudge(func(s *pgState) part[pgWaits] { return s.waits }, judgePgWaits),
		},
		{
			kind: "postgresql_deadlocks", zh: "PostgreSQL 死锁", en: "PostgreSQL deadlocks",
			helpZH:     "由 pg_stat_database 的 deadlocks 计数得出两次检查之间每小时的死锁次数。变红时：在服务器日志中找 deadlock detected，交开发方统一加锁顺序。",
			helpEN:     "Deadlocks per hour between two runs, from the counter in pg_stat_database. When red: find \"deadlock detected\" in the server log and have the developers lock in one order.",
			thresholds: []probe.Threshold{{Metric: "deadlocks_per_hour", Warn: "1", Crit: "10"}},
			judge: pgJudge(func(s *pgState) part[pgCounters] { return s.counters }, func(t probe.Target, r *probe.Report, _ *pgState, c pgCounters) string {
				return measureRate(t, r, "deadlocks_per_hour", "死锁", c.deadlocks, time.Hour, "小时")
			}),
		},
		{
			kind: "postgresql_cache_hit", zh: "PostgreSQL 缓存命中率", en: "PostgreSQL cache hit ratio",
			helpZH:     "由 pg_stat_database 的 blks_hit 与 blks_read 得出两次检查之间的共享缓存命中率（读取不足一万块时取统计以来的值）。变红时：查新出现的全表扫描与缺失的索引，再考虑调大 shared_buffers；刚重启时偏低属正常。",
			helpEN:     "The share of blocks found in shared buffers between two runs (since the statistics began when fewer than ten thousand were read). When red: look for new full scans and missing indexes before raising shared_buffers; low right after a restart is normal.",
			thresholds: []probe.Threshold{{Metric: "cache_hit_percent", Warn: "95:", Crit: "85:", Unit: "%"}},
			judge:      pgJudge(func(s *pgState) part[pgCounters] { return s.counters }, judgePgCache),
		},
		{
			kind: "postgresql_replica_lag", zh: "PostgreSQL 备库延迟", en: "PostgreSQL replica lag",
			helpZH:     "在备库上：未回放的时间，与是否仍在接收日志流；在主库上：每个备库的回放延迟与落后字节数（pg_stat_replication）。变红时：查网络、备库磁盘与备库上的长查询；断流时查主库地址、口令与复制槽。",
			helpEN:     "On a standby: how far replay is behind and whether it still receives; on a primary: delay and bytes behind of each standby in pg_stat_replication. When red: check network, the standby's disk and long queries on it; if the stream broke, check address, password and slot.",
			thresholds: []probe.Threshold{{Metric: "replica_lag", Warn: "30", Crit: "300", Unit: "s"}, {Metric: "replica_behind", Warn: "1073741824", Crit: "17179869184", Unit: "B"}},
			judge:      judgePgReplication,
		},
		{
			kind: "postgresql_slots", zh: "PostgreSQL 复制槽", en: "PostgreSQL replication slots",
			helpZH:     "查询 pg_replication_slots：每个槽为消费者保留的日志量，及无人使用的槽。变红时：确认消费者（备库、同步工具）是否还在；已废弃的槽用 pg_drop_replication_slot 删除，否则日志会写满磁盘。",
			helpEN:     "Reads pg_replication_slots: how much log each slot keeps, and slots nobody uses. When red: find out whether the consumer still exists; drop an abandoned slot with pg_drop_replication_slot, or its log fills the disk.",
			thresholds: []probe.Threshold{{Metric: "slot_kept", Warn: "1073741824", Crit: "10737418240", Unit: "B"}},
			judge:      pgJudge(func(s *pgState) part[[]pgSlot] { return s.slots }, judgePgSlots),
		},
		{
			kind: "postgresql_archiver", zh: "PostgreSQL 归档", en: "PostgreSQL archiver",
			helpZH:     "查询 pg_stat_archiver：距上次归档失败的时间。变红时：查归档目录空间与权限、archive_command 的输出；归档不恢复，日志会一直堆积，且无法按时间点恢复。",
			helpEN:     "Reads pg_stat_archiver: how long ago archiving last failed. When red: check space and rights of the archive and what archive_command says; until it works log piles up and there is no point-in-time recovery.",
			thresholds: []probe.Threshold{{Metric: "archive_failure_age", Warn: "86400:", Crit: "3600:", Unit: "s"}},
			judge:      pgJudge(func(s *pgState) part[pgArchiver] { return s.archiver }, judgePgArchiver),
		},
		{
			kind: "postgresql_size", zh: "PostgreSQL 库增长", en: "PostgreSQL database growth",
			helpZH:     "记录各库大小，按最近一天（不足一天时自首次检查起）的增长率判断；小于 1 GiB 的库只记录。变红时：找出增长最快的表，核对是否为正常业务量、批处理或未清理的日志表，并核对磁盘余量。",
			helpEN:     "Records the size of each database and judges its growth over the last day; databases below 1 GiB are only recorded. When red: find the table that grew, ask whether it is real business, a batch or a log table nobody clears, and check the disk.",
			thresholds: []probe.Threshold{{Metric: "growth_percent", Warn: "20", Crit: "50", Unit: "%"}},
			judge:      pgJudge(func(s *pgState) part[[]named] { return s.sizes }, judgePgSizes),
		},
		{
			kind: "postgresql_checksums", zh: "PostgreSQL 数据页校验", en: "PostgreSQL data checksums",
			helpZH:     "查询 pg_stat_database 的 checksum_failures：读盘时发现的坏页数。变红时：立即停止覆盖旧备份，确认最近一次可用备份，检查磁盘与存储，再用备库或备份恢复受损对象。",
			helpEN:     "Reads checksum_failures of pg_stat_database: pages found damaged when read. When red: keep the old backups from being overwritten, confirm the last good one, check disk and storage, then restore the damaged objects from a standby or backup.",
			thresholds: []probe.Threshold{{Metric: "checksum_failures", Crit: "0"}},
			judge: pgJudge(func(s *pgState) part[[]named] { return s.checksums }, func(_ probe.Target, r *probe.Report, _ *pgState, list []named) string {
				for _, n := range list {
					if n.value > 0 {
						r.Measure("checksum_failures "+n.name, n.name+" 坏页", n.value, "")
					}
				}
				if r.State() == probe.OK {
					r.Measure("checksum_failures", "坏页", 0, "")
				}
				return fmt.Sprintf("检查了 %d 个库的坏页计数", len(list))
			}),
		},
	}
}

func judgePgConnections(_ probe.Target, r *probe.Report, _ *pgState, c pgConnections) string {
	percent := 100 * float64(c.used) / float64(max(c.most, 1))
	r.Measure("connections_percent", "连接数占比", percent, "%")
	r.Record("connections", float64(c.used), "")
	r.Record("idle_in_transaction", float64(c.idleInTransaction), "")
	return fmt.Sprintf("连接 %d / %d（%s，其中 %d 个留给管理员），空闲事务 %d 个", c.used, c.most, probe.Humanize(percent, "%"), c.reserved, c.idleInTransaction)
}

func judgePgAges(_ probe.Target, r *probe.Report, _ *pgState, list []pgAge) string {
	if len(list) == 0 {
		r.Raise(probe.Unknown, "read_failed", "没有可见的数据库")
		return ""
	}
	for _, a := range list {
		r.Measure("xid_age "+a.database, a.database+" 事务号年龄", float64(a.age), "")
	}
	return fmt.Sprintf("最老的库 %s，年龄 %s（上限约 21 亿）", list[0].database, bigNumber(list[0].age))
}

func judgePgTransactions(_ probe.Target, r *probe.Report, s *pgState, list []pgTransaction) string {
	if !s.about.sees {
		partlyDenied(r, "其他会话的事务", "GRANT pg_monitor TO 该账户")
		return ""
	}
	longest := 0.0
	for _, x := range list {
		longest = max(longest, x.seconds)
		r.Detail(fmt.Sprintf("%s：已 %s，%s", x.who, probe.Humanize(x.seconds, "s"), x.state))
	}
	r.Measure("longest_transaction", "最长事务", longest, "s")
	if len(list) == 0 {
		return "没有进行中的事务"
	}
	return fmt.Sprintf("最长事务 %s（%s，%s）", probe.Humanize(longest, "s"), list[0].who, list[0].state)
}

func judgePgPrepared(_ probe.Target, r *probe.Report, _ *pgState, list []pgTransaction) string {
	oldest := 0.0
	for _, x := range list {
		oldest = max(oldest, x.seconds)
		r.Detail(fmt.Sprintf("%s（%s）：已 %s", x.state, x.who, probe.Humanize(x.seconds, "s")))
	}
	r.Measure("prepared_age", "最早的两阶段事务", oldest, "s")
	if len(list) == 0 {
		return "没有未决的两阶段事务"
	}
	return fmt.Sprintf("未决的两阶段事务 %d 个（至多列 5 个），最早 %s 前", len(list), probe.Humanize(oldest, "s"))
}

func judgePgWaits(_ probe.Target, r *probe.Report, _ *pgState, w pgWaits) string {
	r.Measure("lock_waits", "等待锁的会话", float64(w.sessions), "")
	r.Measure("lock_wait_time", "最长锁等待", w.longest, "s")
	if w.sessions == 0 {
		return "没有会话在等待锁"
	}
	r.Detail(w.example)
	return fmt.Sprintf("%d 个会话在等待锁，最长 %s（%s）", w.sessions, probe.Humanize(w.longest, "s"), w.example)
}

// pgCacheEnough is how many blocks a hit ratio needs.
const pgCacheEnough = 10_000

func judgePgCache(t probe.Target, r *probe.Report, _ *pgState, c pgCounters) string {
	percent, span, ok := hitPercent(t, r, c.hit, c.read, pgCacheEnough)
	if !ok {
		return "读取的数据块不足一万，不作判断"
	}
	r.Measure("cache_hit_percent", "缓存命中率", percent, "%")
	return fmt.Sprintf("缓存命中率 %s（%s）", probe.Humanize(percent, "%"), span)
}

func judgePgReplication(t probe.Target, r *probe.Report, s *pgState) (string, *probe.Result) {
	up, down := s.upstream, s.downstream
	if up.none != "" && down.none != "" {
		return nothing(s.about.product + " " + s.where + " 既不是备库，也没有备库连接")
	}
	figures := ""
	switch {
	case up.err != nil:
		return unanswered(pgWords(s, up.err))
	case up.none == "":
		figures = judgePgUpstream(r, up.v)
	}
	switch {
	case down.err != nil && up.none != "":
		return unanswered(pgWords(s, down.err))
	case down.err == nil && down.none == "":
		if figures != "" {
			figures += "；"
		}
		figures += judgePgDownstream(r, s, down.v)
	}
	return figures, nil
}

func judgePgUpstream(r *probe.Report, u pgUpstream) string {
	figures := "备库"
	if !u.receiving {
		figures += "未在接收日志流"
		if u.lag == nil {
			r.Raise(probe.Critical, "replication_stopped", "备库未在接收日志流")
		}
	}
	if u.lag != nil {
		r.Measure("replica_lag", "备库延迟", *u.lag, "s")
		figures += "延迟 " + probe.Humanize(*u.lag, "s")
	}
	return figures
}

func judgePgDownstream(r *probe.Report, s *pgState, list []pgStandby) string {
	if !s.about.sees {
		partlyDenied(r, "备库的进度", "GRANT pg_monitor TO 该账户")
		return ""
	}
	for _, b := range list {
		line := fmt.Sprintf("备库 %s：%s，%s", b.name, b.state, b.sync)
		if b.state != "streaming" && b.state != "Streaming" {
			r.Raise(probe.Warning, "replica_catches_up", fmt.Sprintf("备库 %s 状态为 %s", b.name, b.state))
		}
		lag := 0.0 // an idle and caught-up standby reports none
		if b.lag != nil {
			lag = *b.lag
		}
		r.Measure("replica_lag "+b.name, "备库 "+b.name+" 延迟", lag, "s")
		if b.behind != nil {
			r.Measure("replica_behind "+b.name, "备库 "+b.name+" 落后", max(*b.behind, 0), "B")
			line += "，落后 " + probe.Humanize(max(*b.behind, 0), "B")
		}
		r.Detail(line)
	}
	return fmt.Sprintf("备库 %d 个", len(list))
}

func judgePgSlots(_ probe.Target, r *probe.Report, _ *pgState, list []pgSlot) string {
	idle := 0
	for _, s := range list {
		if !s.active {
			idle++
		}
		if s.status == "lost" || s.status == "unreserved" {
			r.Raise(probe.Critical, "slot_lost", fmt.Sprintf("复制槽 %s 所需的日志已不保留（%s），消费者须重建", s.name, s.status))
		}
		if s.kept == nil {
			continue
		}
		r.Measure("slot_kept "+s.name, "复制槽 "+s.name+" 保留的日志", max(*s.kept, 0), "B")
	}
	return fmt.Sprintf("复制槽 %d 个，%d 个无人使用", len(list), idle)
}

func judgePgArchiver(_ probe.Target, r *probe.Report, _ *pgState, a pgArchiver) string {
	if a.lastFailure == nil {
		if a.lastRun == nil {
			return "尚未归档过"
		}
		return "归档正常，上次 " + probe.Humanize(*a.lastRun, "s") + "前"
	}
	r.Measure("archive_failure_age", "距上次归档失败", *a.lastFailure, "s")
	r.Record("archive_failures", float64(a.failures), "c")
	figures := fmt.Sprintf("归档累计失败 %d 次", a.failures)
	if a.lastRun == nil || *a.lastRun > *a.lastFailure {
		figures += "（此后没有成功过）"
	}
	return figures
}

// Growth is judged for things of some size, over about a day.
const (
	smallestGrowth = 1 << 30
	dayOfGrowth    = 24 * time.Hour
)

// sizesAt is what is remembered of sizes: when, and how large each thing was.
type sizesAt struct {
	At    int64            `json:"t"` // seconds
	Sizes map[string]int64 `json:"s"` // MiB
}

func judgePgSizes(t probe.Target, r *probe.Report, _ *pgState, list []named) string {
	return judgeGrowth(t, r, "库", list)
}

// judgeGrowth records sizes and judges by how much each has grown since the older of two memories,
// which is one to two spans old.
func judgeGrowth(t probe.Target, r *probe.Report, what string, list []named) string {
	now := sizesAt{At: t.Now().Unix(), Sizes: make(map[string]int64)}
	load := func(key string) (g sizesAt, ok bool) {
		text, _ := t.Memory.Get(key)
		return g, json.Unmarshal([]byte(text), &g) == nil && g.At <= now.At
	}
	older, known := load("older")
	newer, two := load("newer")
	total := 0.0
	for i, n := range list {
		total += n.value
		r.Record("size "+n.name, n.value, "B")
		if i < 40 { // what is remembered has its limit
			now.Sizes[n.name] = int64(n.value) >> 20
		}
		was, seen := older.Sizes[n.name]
		if !known || !seen || n.value < smallestGrowth {
			continue
		}
		from := max(float64(was<<20), smallestGrowth)
		r.Measure("growth_percent "+n.name, n.name+" 在 "+probe.Humanize(float64(now.At-older.At), "s")+"内增长", 100*(n.value/from-1), "%")
	}
	save := func(key string, g sizesAt) {
		if b, err := json.Marshal(g); err == nil && len(b) <= probe.MaxMemoryValue {
			t.Memory.Set(key, string(b))
		}
	}
	span := int64(dayOfGrowth / time.Second)
	switch {
	case !known:
		save("older", now)
	case !two && now.At-older.At >= span:
		save("newer", now)
	case two && now.At-newer.At >= span:
		save("older", newer)
		save("newer", now)
	}
	return fmt.Sprintf("%s %d 个，共 %s", what, len(list), probe.Humanize(total, "B"))
}
