package builtin

import (
	"fmt"
	"time"

	"taxops/internal/kernel/probe"
)

// mySimple makes a judge over the counters and settings that every account may read.
func mySimple(judge func(t probe.Target, r *probe.Report, s *myState) string) func(probe.Target, *probe.Report, *myState) (string, *probe.Result) {
	return func(t probe.Target, r *probe.Report, s *myState) (string, *probe.Result) { return judge(t, r, s), nil }
}

// myQuestions are the single questions that one connection to an instance answers.
func myQuestions() []question[*myState] {
	return []question[*myState]{
		{
			kind: "mysql_connections", zh: "MySQL 连接数", en: "MySQL connections",
			helpZH:     "读取 Threads_connected 与 max_connections：已用连接占上限的比例，并记录历史最高。变红时：查未归还连接的连接池与 wait_timeout，必要时加连接池；勿只调大上限。",
			helpEN:     "Reads Threads_connected and max_connections: the share of connections in use, and records the highest ever. When red: look for pools that do not return connections and at wait_timeout; do not only raise the limit.",
			thresholds: []probe.Threshold{{Metric: "connections_percent", Warn: "75", Crit: "90", Unit: "%"}},
			judge: mySimple(func(_ probe.Target, r *probe.Report, s *myState) string {
				used, most := s.number("Threads_connected"), max(s.setting("max_connections"), 1)
				r.Measure("connections_percent", "连接数占比", 100*used/most, "%")
				r.Record("connections", used, "")
				r.Record("highest_connections", s.number("Max_used_connections"), "")
				return fmt.Sprintf("连接 %.0f / %.0f（%s），历史最高 %.0f", used, most, probe.Humanize(100*used/most, "%"), s.number("Max_used_connections"))
			}),
		},
		{
			kind: "mysql_replication", zh: "MySQL 复制", en: "MySQL replication",
			helpZH:     "读取 SHOW REPLICA STATUS（MariaDB 为 SHOW ALL SLAVES STATUS）：每个通道的 IO 与 SQL 线程、延迟秒数。需要的权限：" + myGrant + " 变红时：线程停止——看 Last_Error，勿直接跳过错误；延迟——查大事务、从库磁盘与并行复制设置。",
			helpEN:     "Reads SHOW REPLICA STATUS (SHOW ALL SLAVES STATUS on MariaDB): threads and delay of each channel. Needs: " + myGrant + " When red: if a thread stopped read Last_Error and do not just skip it; for a delay look at large transactions, the replica's disk and parallel replication.",
			thresholds: []probe.Threshold{{Metric: "replica_lag", Warn: "30", Crit: "300", Unit: "s"}},
			judge: func(t probe.Target, r *probe.Report, s *myState) (string, *probe.Result) {
				if s.replicas.err == nil && len(s.replicas.v) == 0 {
					return nothing(s.where + " 不从其他实例复制")
				}
				return myJudge(func(s *myState) part[[]myReplica] { return s.replicas }, judgeMyReplicas)(t, r, s)
			},
		},
		{
			kind: "mysql_locks", zh: "MySQL 锁等待", en: "MySQL lock waits",
			helpZH:     "读取 information_schema.innodb_trx：等待行锁的事务数与最长等待。需要 PROCESS 权限：" + myGrant + " 变红时：在 sys.innodb_lock_waits 中找到持锁线程，与应用方确认后 KILL。",
			helpEN:     "Reads information_schema.innodb_trx: transactions that wait for a row lock and the longest wait. Needs PROCESS: " + myGrant + " When red: find the holder in sys.innodb_lock_waits and KILL it after asking the application's owner.",
			thresholds: []probe.Threshold{{Metric: "lock_waits", Warn: "5", Crit: "20"}, {Metric: "lock_wait_time", Warn: "10", Crit: "30", Unit: "s"}},
			judge: myJudge(func(s *myState) part[myTransactions] { return s.transactions }, func(_ probe.Target, r *probe.Report, _ *myState, x myTransactions) string {
				r.Measure("lock_waits", "锁等待事务数", float64(x.waits), "")
				r.Measure("lock_wait_time", "最长锁等待", x.wait, "s")
				return fmt.Sprintf("锁等待 %d 个，最长 %s", x.waits, lasting(x.wait))
			}),
		},
		{
			kind: "mysql_longest_transaction", zh: "MySQL 最长事务", en: "MySQL longest transaction",
			helpZH:     "读取 information_schema.innodb_trx 中开始最早的事务（不读取语句内容）。需要 PROCESS 权限：" + myGrant + " 变红时：与应用方确认后 KILL；长事务使 undo 膨胀并阻塞表结构变更。",
			helpEN:     "Reads the oldest transaction in information_schema.innodb_trx, never its statement. Needs PROCESS: " + myGrant + " When red: KILL it after asking; it grows the undo log and blocks changes of tables.",
			thresholds: []probe.Threshold{{Metric: "longest_transaction", Warn: "600", Crit: "3600", Unit: "s"}},
			judge: myJudge(func(s *myState) part[myTransactions] { return s.transactions }, func(_ probe.Target, r *probe.Report, _ *myState, x myTransactions) string {
				r.Measure("longest_transaction", "最长事务", x.longest, "s")
				if x.holder == "" {
					return "没有进行中的事务"
				}
				return fmt.Sprintf("最长事务 %s（%s）", probe.Humanize(x.longest, "s"), x.holder)
			}),
		},
		{
			kind: "mysql_history", zh: "MySQL 清理积压", en: "MySQL purge backlog",
			helpZH:     "读取 InnoDB 历史链表长度（尚未清理的旧版本）。变红时：查长事务与长查询，其次调大 innodb_purge_threads；积压会拖慢所有查询。",
			helpEN:     "Reads the InnoDB history list length, the old versions not purged yet. When red: look for long transactions and queries, then raise innodb_purge_threads; a backlog slows every query.",
			thresholds: []probe.Threshold{{Metric: "history_length", Warn: "100000", Crit: "1000000"}},
			judge: func(_ probe.Target, r *probe.Report, s *myState) (string, *probe.Result) {
				if s.status["Innodb_history_list_length"] == "" {
					return nothing(s.where + " 的状态变量中没有历史链表长度（MySQL 只在 SHOW ENGINE INNODB STATUS 中提供）")
				}
				n := s.number("Innodb_history_list_length")
				r.Measure("history_length", "历史链表长度", n, "")
				return fmt.Sprintf("历史链表长度 %.0f", n), nil
			},
		},
		{
			kind: "mysql_aborted_connects", zh: "MySQL 失败连接", en: "MySQL aborted connects",
			helpZH:     "由 Aborted_connects 计数得出两次检查之间每分钟失败的连接。变红时：查服务器日志的来源地址：口令过期的程序、端口扫描或网络中断；只探测端口的监控也会计入。",
			helpEN:     "Failed connections per minute between two runs, from Aborted_connects. When red: look at the addresses in the server log: programs with an old password, port scans or a broken network; monitors that only open the port count too.",
			thresholds: []probe.Threshold{{Metric: "aborted_per_minute", Warn: "10", Crit: "60"}},
			judge: mySimple(func(t probe.Target, r *probe.Report, s *myState) string {
				return measureRate(t, r, "aborted_per_minute", "失败连接", s.number("Aborted_connects"), time.Minute, "分钟")
			}),
		},
		{
			kind: "mysql_slow_queries", zh: "MySQL 慢查询", en: "MySQL slow queries",
			helpZH:     "由 Slow_queries 计数得出两次检查之间每分钟的慢查询（超过 long_query_time）。变红时：打开慢查询日志，找出新上线或数据量变化的语句，查执行计划与索引。",
			helpEN:     "Slow queries per minute between two runs (longer than long_query_time). When red: look in the slow query log for statements that are new or whose data grew, and at their plans and indexes.",
			thresholds: []probe.Threshold{{Metric: "slow_per_minute", Warn: "10", Crit: "60"}},
			judge: mySimple(func(t probe.Target, r *probe.Report, s *myState) string {
				return measureRate(t, r, "slow_per_minute", "慢查询", s.number("Slow_queries"), time.Minute, "分钟") +
					"，界限 " + probe.Humanize(s.setting("long_query_time"), "s")
			}),
		},
		{
			kind: "mysql_buffer_pool", zh: "MySQL 缓冲池命中率", en: "MySQL buffer pool hit ratio",
			helpZH:     "由 Innodb_buffer_pool_read_requests 与 Innodb_buffer_pool_reads 得出两次检查之间的命中率（请求不足一万次时取启动以来的值）。变红时：查新出现的全表扫描，再考虑调大 innodb_buffer_pool_size；刚重启时偏低属正常。",
			helpEN:     "The share of page requests answered from memory between two runs (since the start when fewer than ten thousand). When red: look for new full scans before raising innodb_buffer_pool_size; low right after a restart is normal.",
			thresholds: []probe.Threshold{{Metric: "buffer_hit_percent", Warn: "95:", Crit: "85:", Unit: "%"}},
			judge: mySimple(func(t probe.Target, r *probe.Report, s *myState) string {
				asked, read := s.number("Innodb_buffer_pool_read_requests"), s.number("Innodb_buffer_pool_reads")
				percent, span, ok := hitPercent(t, r, max(asked-read, 0), read, 10_000)
				if !ok {
					return "页请求不足一万次，不作判断"
				}
				r.Measure("buffer_hit_percent", "缓冲池命中率", percent, "%")
				return fmt.Sprintf("缓冲池命中率 %s（%s），缓冲池 %s", probe.Humanize(percent, "%"), span, probe.Humanize(s.setting("innodb_buffer_pool_size"), "B"))
			}),
		},
		{
			kind: "mysql_deadlocks", zh: "MySQL 死锁", en: "MySQL deadlocks",
			helpZH:     "由 Innodb_deadlocks 计数得出两次检查之间每小时的死锁次数（MariaDB、Percona；MySQL 官方版无此状态变量）。变红时：看 SHOW ENGINE INNODB STATUS 的最近死锁，交开发方统一加锁顺序。",
			helpEN:     "Deadlocks per hour between two runs, from Innodb_deadlocks (MariaDB and Percona; MySQL itself has no such status). When red: read the latest deadlock in SHOW ENGINE INNODB STATUS and have the developers lock in one order.",
			thresholds: []probe.Threshold{{Metric: "deadlocks_per_hour", Warn: "1", Crit: "10"}},
			judge: func(t probe.Target, r *probe.Report, s *myState) (string, *probe.Result) {
				if s.status["Innodb_deadlocks"] == "" {
					return nothing(s.where + " 的状态变量中没有死锁计数")
				}
				return measureRate(t, r, "deadlocks_per_hour", "死锁", s.number("Innodb_deadlocks"), time.Hour, "小时"), nil
			},
		},
		{
			kind: "mysql_binlogs", zh: "MySQL 二进制日志", en: "MySQL binary logs",
			helpZH:     "读取 SHOW BINARY LOGS：二进制日志的文件数与总大小。需要 REPLICATION CLIENT（MariaDB 10.5 起为 BINLOG MONITOR）权限。变红时：核对备份已取走日志后再用 PURGE BINARY LOGS；核对 binlog_expire_logs_seconds，查突增的大事务。",
			helpEN:     "Reads SHOW BINARY LOGS: number and total size. Needs REPLICATION CLIENT (BINLOG MONITOR since MariaDB 10.5). When red: make sure the backup has taken the logs before PURGE BINARY LOGS; check binlog_expire_logs_seconds and look for a sudden large transaction.",
			thresholds: []probe.Threshold{{Metric: "binlog_size", Warn: "53687091200", Crit: "214748364800", Unit: "B"}},
			judge: myJudge(func(s *myState) part[myBinlogs] { return s.binlogs }, func(_ probe.Target, r *probe.Report, _ *myState, b myBinlogs) string {
				r.Measure("binlog_size", "二进制日志", b.bytes, "B")
				r.Record("binlog_files", float64(b.files), "")
				return fmt.Sprintf("二进制日志 %d 个，共 %s", b.files, probe.Humanize(b.bytes, "B"))
			}),
		},
		{
			kind: "mysql_size", zh: "MySQL 库增长", en: "MySQL database growth",
			helpZH:     "按 information_schema.tables 记录各库大小，按最近一天（不足一天时自首次检查起）的增长率判断；小于 1 GiB 的库只记录。变红时：找出增长最快的表，核对是否为正常业务量、批处理或未清理的日志表，并核对磁盘余量。",
			helpEN:     "Records the size of each database and judges its growth over the last day; databases below 1 GiB are only recorded. When red: find the table that grew, ask whether it is real business, a batch or a log table nobody clears, and check the disk.",
			thresholds: []probe.Threshold{{Metric: "growth_percent", Warn: "20", Crit: "50", Unit: "%"}},
			judge: myJudge(func(s *myState) part[[]named] { return s.sizes }, func(t probe.Target, r *probe.Report, _ *myState, list []named) string {
				return judgeGrowth(t, r, "库", list)
			}),
		},
		{
			kind: "mysql_auto_increment", class: probe.Data, zh: "MySQL 自增列用量", en: "MySQL auto-increment columns",
			helpZH:     "按 information_schema 计算每个自增列已用掉其类型取值范围的比例；用尽时插入即失败。需要的权限：" + myGrantData + " 变红时：与开发方确认后改为 bigint；改列类型会重写全表，安排停机窗口。",
			helpEN:     "The share of its type's range that each auto-increment column has used; at the end inserts fail. Needs: " + myGrantData + " When red: ask the developers and make it bigint; that rewrites the table, so plan a window.",
			thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "75", Crit: "90", Unit: "%"}},
			judge:      myJudge(func(s *myState) part[[]myIncrement] { return s.increments }, judgeMyIncrements),
		},
	}
}

func judgeMyReplicas(_ probe.Target, r *probe.Report, _ *myState, list []myReplica) string {
	for _, m := range list {
		name, label := "复制", "replica_lag"
		if m.name != "" {
			name, label = "复制通道 "+m.name, "replica_lag "+m.name
		}
		if m.io != "Yes" || m.sql != "Yes" {
			text := fmt.Sprintf("%s（来自 %s）已停止：IO 线程 %s，SQL 线程 %s", name, m.source, m.io, m.sql)
			if m.lastError != "" {
				text += "，" + m.lastError
			}
			r.Raise(probe.Critical, "replication_stopped", text)
			continue
		}
		if m.lag != nil {
			r.Measure(label, name+"延迟", *m.lag, "s")
		}
		r.Detail(fmt.Sprintf("%s（来自 %s）：线程正常", name, m.source))
	}
	return fmt.Sprintf("复制通道 %d 个", len(list))
}

func judgeMyIncrements(_ probe.Target, r *probe.Report, _ *myState, list []myIncrement) string {
	worst := myIncrement{}
	for _, i := range list {
		if i.used > worst.used {
			worst = i
		}
		if i.used >= 50 {
			r.Measure("used_percent "+i.column, i.column+" 已用", i.used, "%")
		}
	}
	r.Record("highest_percent", worst.used, "%")
	return fmt.Sprintf("自增列 %d 个，用量最高 %s（%s）", len(list), probe.Humanize(worst.used, "%"), worst.column)
}
