package builtin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"taxops/internal/kernel/probe"
)

func pf(v float64) *float64 { return &v }

// kindOf finds a kind among those of a family.
func kindOf(t *testing.T, list []probe.Builtin, kind string) probe.Builtin {
	t.Helper()
	for _, b := range list {
		if b.Kind == kind {
			return b
		}
	}
	t.Fatalf("no kind %s", kind)
	return probe.Builtin{}
}

// judged runs one question over facts, as after a session that brought them.
func judged[S any](t *testing.T, e engine[S], list []question[S], kind string, facts S, memory probe.Memory, now time.Time) probe.Result {
	t.Helper()
	for _, q := range list {
		if q.kind == kind {
			e.facts = func(context.Context, probe.Target) (S, *probe.Result) { return facts, nil }
			b := e.builtin(q)
			return titled(t, b.Kind, b.Run(t.Context(), target(t, b, nil, memory, now)))
		}
	}
	t.Fatalf("no question %s", kind)
	return probe.Result{}
}

type judgment struct {
	kind, name string
	state      probe.State
	reason     probe.Reason
	words      []string
}

func goodPg() *pgState {
	return &pgState{
		where: "127.0.0.1:5432", about: pgAbout{product: "PostgreSQL", version: "15.20", number: 150020, sees: true},
		connections: part[pgConnections]{v: pgConnections{used: 10, most: 100, reserved: 3}},
		xids:        part[[]pgAge]{v: []pgAge{{"app", 123_456_789}, {"postgres", 20}}},
		prepared:    part[[]pgTransaction]{none: "未启用两阶段提交"}, upstream: part[pgUpstream]{none: "不是备库"}, downstream: part[[]pgStandby]{none: "没有备库连接到本实例"},
		slots: part[[]pgSlot]{none: "没有复制槽"}, archiver: part[pgArchiver]{none: "未启用归档"}, checksums: part[[]named]{none: "未启用数据页校验"},
		counters: part[pgCounters]{v: pgCounters{deadlocks: 5, hit: 99_000, read: 1_000}},
		sizes:    part[[]named]{v: []named{{"app", 2 << 30}, {"postgres", 8 << 20}}},
	}
}

func TestJudgePostgres(t *testing.T) {
	t.Parallel()
	syntax := &pgconn.PgError{Code: "42703", Message: `column "wait_event" does not exist`}
	for _, tt := range []struct {
		judgment
		change func(*pgState)
	}{
		{judgment{"postgresql_connections", "good", probe.OK, "", []string{"10 / 100（10%"}}, func(*pgState) {}},
		{judgment{"postgresql_connections", "nearly full", probe.Critical, probe.ReasonThreshold, []string{">90%"}}, func(s *pgState) { s.connections.v.used = 92 }},
		{judgment{"postgresql_xid_age", "good", probe.OK, "", []string{"app", "1.23 亿"}}, func(*pgState) {}},
		{judgment{"postgresql_xid_age", "wraparound", probe.Warning, probe.ReasonThreshold, []string{"app 事务号年龄"}}, func(s *pgState) { s.xids.v[0].age = 600_000_000 }},
		{judgment{"postgresql_xid_age", "nothing seen", probe.Unknown, "read_failed", nil}, func(s *pgState) { s.xids.v = nil }},
		{judgment{"postgresql_longest_transaction", "none", probe.OK, "", []string{"没有进行中的事务"}}, func(*pgState) {}},
		{judgment{"postgresql_longest_transaction", "long", probe.Critical, probe.ReasonThreshold, []string{"最长事务 66.7 分钟", "pid 7 app"}},
			func(s *pgState) { s.transactions.v = []pgTransaction{{"pid 7 app", "active", 4000}} }},
		{judgment{"postgresql_longest_transaction", "may not see", probe.Unknown, probe.ReasonDenied, []string{"pg_monitor"}}, func(s *pgState) { s.about.sees = false }},
		{judgment{"postgresql_longest_transaction", "no right", probe.Unknown, probe.ReasonDenied, []string{"pg_monitor"}},
			func(s *pgState) { s.transactions.err = &pgconn.PgError{Code: "42501", Message: "permission denied"} }},
		{judgment{"postgresql_prepared", "off", probe.Unknown, probe.ReasonNoSource, nil}, func(*pgState) {}},
		{judgment{"postgresql_prepared", "forgotten", probe.Critical, probe.ReasonThreshold, []string{"未决的两阶段事务 1 个"}},
			func(s *pgState) { s.prepared = part[[]pgTransaction]{v: []pgTransaction{{"app app", "gtrid_9", 7200}}} }},
		{judgment{"postgresql_locks", "none", probe.OK, "", []string{"没有会话在等待锁"}}, func(*pgState) {}},
		{judgment{"postgresql_locks", "many", probe.Critical, probe.ReasonThreshold, []string{"最长锁等待 31 秒"}}, func(s *pgState) { s.waits.v = pgWaits{6, 31, "pid 8"} }},
		{judgment{"postgresql_locks", "an old relative", probe.Unknown, "unsupported", []string{"PostgreSQL 15.20", "wait_event"}}, func(s *pgState) { s.waits.err = syntax }},
		{judgment{"postgresql_locks", "took too long", probe.Unknown, probe.ReasonTimeout, nil}, func(s *pgState) { s.waits.err = &pgconn.PgError{Code: "57014", Message: "canceling statement"} }},
		{judgment{"postgresql_deadlocks", "first run", probe.OK, "", []string{"累计 5 次"}}, func(*pgState) {}},
		{judgment{"postgresql_cache_hit", "good", probe.OK, "", []string{"99%", "统计以来"}}, func(*pgState) {}},
		{judgment{"postgresql_cache_hit", "poor", probe.Critical, probe.ReasonThreshold, nil}, func(s *pgState) { s.counters.v.read = 50_000 }},
		{judgment{"postgresql_cache_hit", "too few", probe.OK, "", []string{"不足一万"}}, func(s *pgState) { s.counters.v = pgCounters{} }},
		{judgment{"postgresql_replica_lag", "alone", probe.Unknown, probe.ReasonNoSource, nil}, func(*pgState) {}},
		{judgment{"postgresql_replica_lag", "lags", probe.Warning, probe.ReasonThreshold, []string{"备库延迟 45 秒"}}, func(s *pgState) { s.upstream = part[pgUpstream]{v: pgUpstream{true, pf(45)}} }},
		{judgment{"postgresql_replica_lag", "keeps up", probe.OK, "", []string{"备库"}}, func(s *pgState) { s.upstream = part[pgUpstream]{v: pgUpstream{true, pf(0)}} }},
		{judgment{"postgresql_replica_lag", "cut off", probe.Critical, probe.ReasonThreshold, []string{"未在接收日志流"}}, func(s *pgState) { s.upstream = part[pgUpstream]{v: pgUpstream{false, pf(900)}} }},
		{judgment{"postgresql_replica_lag", "never connected", probe.Critical, "replication_stopped", nil}, func(s *pgState) { s.upstream = part[pgUpstream]{} }},
		{judgment{"postgresql_replica_lag", "standby lags", probe.Critical, probe.ReasonThreshold, []string{"备库 b 延迟", "备库 2 个"}}, func(s *pgState) {
			s.downstream = part[[]pgStandby]{v: []pgStandby{{"a", "streaming", "async", nil, pf(0)}, {"b", "streaming", "async", pf(400), pf(2 << 30)}}}
		}},
		{judgment{"postgresql_replica_lag", "standby catches up", probe.Warning, "replica_catches_up", nil}, func(s *pgState) {
			s.downstream = part[[]pgStandby]{v: []pgStandby{{"a", "catchup", "async", nil, pf(0)}}}
		}},
		{judgment{"postgresql_replica_lag", "standby not shown", probe.Unknown, probe.ReasonDenied, nil}, func(s *pgState) {
			s.about.sees, s.downstream = false, part[[]pgStandby]{v: []pgStandby{{name: "a"}}}
		}},
		{judgment{"postgresql_slots", "abandoned", probe.Critical, probe.ReasonThreshold, []string{"1 个无人使用"}}, func(s *pgState) { s.slots = part[[]pgSlot]{v: []pgSlot{{"cdc", false, pf(20 << 30), "extended"}}} }},
		{judgment{"postgresql_slots", "lost", probe.Critical, "slot_lost", nil}, func(s *pgState) { s.slots = part[[]pgSlot]{v: []pgSlot{{"cdc", false, nil, "lost"}}} }},
		{judgment{"postgresql_archiver", "fails", probe.Critical, probe.ReasonThreshold, []string{"没有成功过"}}, func(s *pgState) { s.archiver = part[pgArchiver]{v: pgArchiver{4, pf(120), nil}} }},
		{judgment{"postgresql_archiver", "failed yesterday", probe.Warning, probe.ReasonThreshold, []string{"累计失败 4 次"}}, func(s *pgState) { s.archiver = part[pgArchiver]{v: pgArchiver{4, pf(80_000), pf(10)}} }},
		{judgment{"postgresql_archiver", "works", probe.OK, "", []string{"归档正常"}}, func(s *pgState) { s.archiver = part[pgArchiver]{v: pgArchiver{lastRun: pf(10)}} }},
		{judgment{"postgresql_checksums", "damaged", probe.Critical, probe.ReasonThreshold, []string{"app 坏页"}}, func(s *pgState) { s.checksums = part[[]named]{v: []named{{"app", 1}, {"b", 0}}} }},
		{judgment{"postgresql_checksums", "good", probe.OK, "", nil}, func(s *pgState) { s.checksums = part[[]named]{v: []named{{"app", 0}}} }},
		{judgment{"postgresql_size", "good", probe.OK, "", []string{"库 2 个，共 2.0 GiB"}}, func(*pgState) {}},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := goodPg()
			tt.change(s)
			wants(t, judged(t, newHost(Deps{}).pgEngine(), pgQuestions(), tt.kind, s, nil, at), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestJudgePostgresDatabases(t *testing.T) {
	t.Parallel()
	one := func(d pgDatabase) *pgDatabases {
		d.name = "app"
		return &pgDatabases{where: "127.0.0.1:5432", about: pgAbout{product: "PostgreSQL", version: "15.20", number: 150020}, list: []pgDatabase{d}}
	}
	more := one(pgDatabase{})
	more.more = 3
	for _, tt := range []struct {
		judgment
		facts *pgDatabases
	}{
		{judgment{"postgresql_dead_rows", "good", probe.OK, "", []string{"查看了 1 个库"}}, one(pgDatabase{})},
		{judgment{"postgresql_dead_rows", "others left out", probe.OK, "", []string{"另有 3 个较小的库未看"}}, more},
		{judgment{"postgresql_dead_rows", "bloated", probe.Critical, probe.ReasonThreshold, []string{"public.t 死元组 50%"}}, one(pgDatabase{dead: part[[]pgDead]{v: []pgDead{{"public.t", 50_000, 50_000, pf(9e5)}}}})},
		{judgment{"postgresql_dead_rows", "no way in", probe.Unknown, probe.ReasonDenied, []string{"app 库未能查询"}}, one(pgDatabase{err: &pgconn.PgError{Code: "28000", Message: "no pg_hba.conf entry"}})},
		{judgment{"postgresql_invalid_indexes", "one", probe.Warning, probe.ReasonThreshold, []string{"app 库的 public.i"}}, one(pgDatabase{invalid: part[[]string]{v: []string{"public.i"}}})},
		{judgment{"postgresql_sequences", "near its end", probe.Warning, probe.ReasonThreshold, []string{"public.s 已用 80%"}}, one(pgDatabase{sequences: part[[]pgSequence]{v: []pgSequence{{"public.s", 80, true}}}})},
		{judgment{"postgresql_sequences", "hidden", probe.Unknown, probe.ReasonDenied, []string{"1 个序列", "pg_read_all_data"}}, one(pgDatabase{sequences: part[[]pgSequence]{v: []pgSequence{{"public.s", 0, false}}}})},
		{judgment{"postgresql_sequences", "old server", probe.Unknown, probe.ReasonNoSource, nil}, one(pgDatabase{sequences: part[[]pgSequence]{none: "没有 pg_sequences 视图"}})},
		{judgment{"postgresql_unvalidated", "some", probe.Warning, probe.ReasonThreshold, []string{"fk_a"}}, one(pgDatabase{unvalidated: part[[]string]{v: []string{"t fk_a"}}})},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			e := engine[*pgDatabases]{name: func(_ probe.Target, d *pgDatabases) string { return d.where }}
			wants(t, judged(t, e, pgDatabaseQuestions(), tt.kind, tt.facts, nil, at), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestJudgeMySQL(t *testing.T) {
	t.Parallel()
	good := func() *myState {
		return &myState{
			where: "MySQL 127.0.0.1:3306", version: "10.11.19-MariaDB",
			status: map[string]string{
				"Threads_connected": "10", "Max_used_connections": "40", "Aborted_connects": "7", "Slow_queries": "3", "Innodb_history_list_length": "12",
				"Innodb_buffer_pool_read_requests": "100000", "Innodb_buffer_pool_reads": "100", "Innodb_deadlocks": "0",
			},
			variables: map[string]string{"max_connections": "100", "long_query_time": "10.000000"},
		}
	}
	for _, tt := range []struct {
		judgment
		change func(*myState)
	}{
		{judgment{"mysql_connections", "good", probe.OK, "", []string{"10 / 100（10%）", "历史最高 40"}}, func(*myState) {}},
		{judgment{"mysql_connections", "many", probe.Warning, probe.ReasonThreshold, []string{">75%"}}, func(s *myState) { s.status["Threads_connected"] = "80" }},
		{judgment{"mysql_locks", "long", probe.Critical, probe.ReasonThreshold, []string{"最长锁等待 31 秒"}}, func(s *myState) { s.transactions.v = myTransactions{waits: 6, wait: 31} }},
		{judgment{"mysql_locks", "may not see", probe.Unknown, probe.ReasonDenied, []string{"PROCESS"}}, func(s *myState) { s.transactions.err = &mysql.MySQLError{Number: 1227, Message: "need PROCESS"} }},
		{judgment{"mysql_longest_transaction", "long", probe.Warning, probe.ReasonThreshold, []string{"线程 5"}}, func(s *myState) { s.transactions.v = myTransactions{longest: 700, holder: "线程 5 app@10.0.0.2 tax"} }},
		{judgment{"mysql_replication", "no replica", probe.Unknown, probe.ReasonNoSource, nil}, func(*myState) {}},
		{judgment{"mysql_replication", "lags", probe.Critical, probe.ReasonThreshold, []string{"复制延迟 5.0 分钟"}}, func(s *myState) { s.replicas.v = []myReplica{{io: "Yes", sql: "Yes", lag: pf(301)}} }},
		{judgment{"mysql_replication", "stopped", probe.Critical, "replication_stopped", []string{"复制通道 a（来自 db0）已停止", "error connecting"}}, func(s *myState) {
			s.replicas.v = []myReplica{{name: "a", source: "db0", io: "Connecting", sql: "Yes", lastError: "error connecting"}}
		}},
		{judgment{"mysql_replication", "may not see", probe.Unknown, probe.ReasonDenied, []string{"REPLICATION CLIENT"}}, func(s *myState) { s.replicas.err = &mysql.MySQLError{Number: 1227, Message: "denied"} }},
		{judgment{"mysql_history", "good", probe.OK, "", []string{"12"}}, func(*myState) {}},
		{judgment{"mysql_history", "backlog", probe.Critical, probe.ReasonThreshold, nil}, func(s *myState) { s.status["Innodb_history_list_length"] = "2000000" }},
		{judgment{"mysql_history", "MySQL", probe.Unknown, probe.ReasonNoSource, nil}, func(s *myState) { delete(s.status, "Innodb_history_list_length") }},
		{judgment{"mysql_deadlocks", "MySQL", probe.Unknown, probe.ReasonNoSource, nil}, func(s *myState) { delete(s.status, "Innodb_deadlocks") }},
		{judgment{"mysql_aborted_connects", "first run", probe.OK, "", []string{"累计 7 次"}}, func(*myState) {}},
		{judgment{"mysql_slow_queries", "first run", probe.OK, "", []string{"累计 3 次", "界限 10 秒"}}, func(*myState) {}},
		{judgment{"mysql_buffer_pool", "good", probe.OK, "", []string{"99.9%"}}, func(*myState) {}},
		{judgment{"mysql_buffer_pool", "poor", probe.Warning, probe.ReasonThreshold, nil}, func(s *myState) { s.status["Innodb_buffer_pool_reads"] = "10000" }},
		{judgment{"mysql_binlogs", "off", probe.Unknown, probe.ReasonNoSource, nil}, func(s *myState) { s.binlogs.none = "未启用二进制日志" }},
		{judgment{"mysql_binlogs", "large", probe.Warning, probe.ReasonThreshold, []string{"60 GiB"}}, func(s *myState) { s.binlogs.v = myBinlogs{60, 60 << 30} }},
		{judgment{"mysql_auto_increment", "near its end", probe.Critical, probe.ReasonThreshold, []string{"tax.t.id 已用 95%"}}, func(s *myState) { s.increments.v = []myIncrement{{"tax.t.id", 95}} }},
		{judgment{"mysql_auto_increment", "nothing seen", probe.Unknown, probe.ReasonNoSource, nil}, func(s *myState) { s.increments.none = "看不到自增列" }},
		{judgment{"mysql_size", "good", probe.OK, "", []string{"库 1 个"}}, func(s *myState) { s.sizes.v = []named{{"tax", 5}} }},
		{judgment{"mysql_size", "broken", probe.Unknown, "failed", []string{"boom"}}, func(s *myState) { s.sizes.err = errors.New("boom") }},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := good()
			tt.change(s)
			wants(t, judged(t, newHost(Deps{}).myEngine(), myQuestions(), tt.kind, s, nil, at), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestJudgeRedis(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	saved := func(ago time.Duration) string { return fmt.Sprint(at.Add(-ago).Unix()) }
	base := map[string]string{
		"redis_version": "7.0.15", "used_memory": "1048576", "maxmemory": "10485760", "total_system_memory": "1073741824", "role": "master",
		"connected_slaves": "0", "rdb_last_bgsave_status": "ok", "rdb_last_save_time": saved(time.Hour), "rdb_changes_since_last_save": "5", "aof_enabled": "0",
		"connected_clients": "10", "maxclients": "100", "keyspace_hits": "900", "keyspace_misses": "100", "master_repl_offset": "700000000",
	}
	for _, tt := range []struct {
		judgment
		change map[string]string
		saves  *bool
	}{
		{judgment{"redis_memory", "good", probe.OK, "", []string{"maxmemory 10 MiB 的 10%"}}, nil, &yes},
		{judgment{"redis_memory", "full", probe.Critical, probe.ReasonThreshold, []string{">95%"}}, map[string]string{"used_memory": "10276045"}, &yes},
		{judgment{"redis_memory", "no limit", probe.OK, "", []string{"物理内存 1 GiB", "未设 maxmemory"}}, map[string]string{"maxmemory": "0"}, &yes},
		{judgment{"redis_persistence", "good", probe.OK, "", []string{"上次快照 60 分钟前"}}, nil, &yes},
		{judgment{"redis_persistence", "failed", probe.Critical, "save_failed", nil}, map[string]string{"rdb_last_bgsave_status": "err"}, &yes},
		{judgment{"redis_persistence", "unsaved too long", probe.Warning, probe.ReasonThreshold, []string{"未落盘"}}, map[string]string{"rdb_last_save_time": saved(30 * time.Hour)}, &yes},
		{judgment{"redis_persistence", "a cache only", probe.Unknown, probe.ReasonNoSource, []string{"未启用持久化"}}, map[string]string{"rdb_last_save_time": saved(300 * time.Hour)}, &no},
		{judgment{"redis_persistence", "saving not known", probe.OK, "", nil}, map[string]string{"rdb_last_save_time": saved(300 * time.Hour)}, nil},
		{judgment{"redis_persistence", "append-only write fails", probe.Critical, "save_failed", []string{"AOF"}}, map[string]string{"aof_enabled": "1", "aof_last_write_status": "err"}, &yes},
		{judgment{"redis_replication", "alone", probe.Unknown, probe.ReasonNoSource, nil}, nil, &yes},
		{judgment{"redis_replication", "link down", probe.Critical, "replication_stopped", []string{"10.0.0.1:6379", "90 秒"}},
			map[string]string{"role": "slave", "master_host": "10.0.0.1", "master_port": "6379", "master_link_status": "down", "master_link_down_since_seconds": "90"}, &yes},
		{judgment{"redis_replication", "link slow", probe.Warning, probe.ReasonThreshold, nil}, map[string]string{"role": "slave", "master_link_status": "up", "master_last_io_seconds_ago": "40"}, &yes},
		{judgment{"redis_replication", "replica behind", probe.Critical, probe.ReasonThreshold, []string{"10.0.0.2:6379 落后"}},
			map[string]string{"connected_slaves": "1", "slave0": "ip=10.0.0.2,port=6379,state=online,offset=42,lag=1"}, &yes},
		{judgment{"redis_replication", "replica loads", probe.Warning, "replica_catches_up", nil},
			map[string]string{"connected_slaves": "1", "slave0": "ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0"}, &yes},
		{judgment{"redis_clients", "good", probe.OK, "", []string{"10 个 / 100（10%）"}}, nil, &yes},
		{judgment{"redis_clients", "many", probe.Critical, probe.ReasonThreshold, nil}, map[string]string{"connected_clients": "95"}, &yes},
		{judgment{"redis_hit_rate", "good", probe.OK, "", []string{"90%"}}, nil, &yes},
		{judgment{"redis_hit_rate", "poor", probe.Critical, probe.ReasonThreshold, nil}, map[string]string{"keyspace_misses": "9000"}, &yes},
		{judgment{"redis_evictions", "first run", probe.OK, "", []string{"累计 0 次"}}, nil, &yes},
		{judgment{"redis_slowlog", "first run", probe.OK, "", []string{"累计 4 次"}}, nil, &yes},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			info := make(map[string]string)
			for k, v := range base {
				info[k] = v
			}
			for k, v := range tt.change {
				info[k] = v
			}
			f := &redisFacts{where: "Redis 127.0.0.1:6379", info: info, saves: tt.saves, slow: part[redisSlow]{v: redisSlow{last: 3}}}
			wants(t, judged(t, newHost(Deps{}).redisEngine(), redisQuestions(), tt.kind, f, nil, at), tt.state, tt.reason, tt.words...)
		})
	}
}

// TestRatesBetweenTwoRuns follows counters over several runs, a restart and a clock that went back.
func TestRatesBetweenTwoRuns(t *testing.T) {
	t.Parallel()
	memory := probe.NewMapMemory(nil)
	s := goodPg()
	ask := func(after time.Duration, deadlocks float64) probe.Result {
		s.counters.v.deadlocks = deadlocks
		return judged(t, newHost(Deps{}).pgEngine(), pgQuestions(), "postgresql_deadlocks", s, memory, at.Add(after))
	}
	wants(t, ask(0, 5), probe.OK, "")
	wants(t, ask(time.Hour, 7), probe.Warning, probe.ReasonThreshold, "2 次")
	wants(t, ask(2*time.Hour, 7), probe.OK, "", "死锁 0 次")
	wants(t, ask(3*time.Hour, 1), probe.OK, "", "累计 1 次") // the server's statistics began anew
	wants(t, ask(2*time.Hour, 4), probe.OK, "", "累计 4 次") // the clock was set back
	wants(t, ask(150*time.Minute, 44), probe.Critical, probe.ReasonThreshold)
}

func TestGrowthIsJudgedOverADay(t *testing.T) {
	t.Parallel()
	memory := probe.NewMapMemory(nil)
	s := goodPg()
	ask := func(hours int, gib float64) probe.Result {
		s.sizes.v = []named{{"app", gib * (1 << 30)}, {"small", 1 << 20 * float64(hours+1)}}
		return judged(t, newHost(Deps{}).pgEngine(), pgQuestions(), "postgresql_size", s, memory, at.Add(time.Duration(hours)*time.Hour))
	}
	wants(t, ask(0, 10), probe.OK, "")
	wants(t, ask(1, 11), probe.OK, "")
	wants(t, ask(20, 13), probe.Warning, probe.ReasonThreshold, "app 在 20 小时内增长 30.0%")
	wants(t, ask(25, 11), probe.OK, "")
	wants(t, ask(48, 12), probe.OK, "")                           // against the first day still
	wants(t, ask(50, 12.5), probe.Warning, probe.ReasonThreshold) // the day before becomes the base afterwards
	wants(t, ask(51, 12.6), probe.OK, "")                         // against hour 25
	wants(t, ask(75, 20), probe.Critical, probe.ReasonThreshold)
}

func TestAboutPostgresRelatives(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		full, short string
		number      int
		want        string
		modern      bool
	}{
		{"PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64-pc-linux-gnu", "15.20 (Debian 15.20-0+deb12u1)", 150020, "PostgreSQL 15.20", true},
		{"KingbaseES V008R006C008B0014 on x86_64-pc-linux-gnu, compiled by gcc (GCC) 4.1.2 20080704 (Red Hat 4.1.2-46), 64-bit", "12.1", 120001, "KingbaseES V008R006C008B0014", true},
		{"(openGauss 5.0.0 build a07d57c3) compiled at 2023-03-29 03:07:56 commit 0 last mr   on x86_64-unknown-linux-gnu", "9.2.4", 90204, "openGauss 5.0.0", false},
		{"PostgreSQL 9.2.4 (GaussDB Kernel V500R002C10 build 73bb3e2b) compiled at 2022-05-30", "9.2.4", 90204, "GaussDB Kernel", false},
	} {
		if a := aboutPg(tt.full, tt.short, tt.number); a.String() != tt.want || a.modern() != tt.modern {
			t.Errorf("%s: %s, modern %v", tt.full, a, a.modern())
		}
	}
}

// TestManyQuestionsAskOnce holds that an instance is asked once for all questions of a round, that a
// failure is shared too, and that a later round asks again.
func TestManyQuestionsAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s share[int]
		var asked atomic.Int32
		ask := func(context.Context) (int, error) {
			<-time.After(time.Second)
			return int(asked.Add(1)), nil
		}
		var wg sync.WaitGroup
		round := time.Now()
		for range 20 {
			wg.Go(func() {
				if v, _, err := s.get(t.Context(), round, "a", ask); v != 1 || err != nil {
					t.Errorf("%d, %v", v, err)
				}
			})
		}
		wg.Wait()
		// A round that began while the other asked, or just now, wants an answer of its own: a service may
		// have been stopped in between.
		if v, _, _ := s.get(t.Context(), round.Add(time.Millisecond), "a", ask); v != 2 {
			t.Errorf("a round that began while the other asked got the old answer %d", v)
		}
		if v, _, _ := s.get(t.Context(), time.Now(), "a", ask); v != 3 {
			t.Errorf("a later round got the old answer %d", v)
		}
		if v, _, _ := s.get(t.Context(), round, "a", ask); v != 3 {
			t.Errorf("the freshest answer is one to an earlier round too, not %d", v)
		}
		hangs := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
		began := time.Now()
		for range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if _, _, err := s.get(ctx, began, "b", hangs); !isTimeout(err) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("twenty questions to a silent server took %s", took)
		}
	})
}

// TestQuestionsFollowTheOverview: one outage is one CRITICAL, and every other question says why it
// knows nothing.
func TestQuestionsFollowTheOverview(t *testing.T) {
	t.Parallel()
	h := newHost(Deps{})
	for _, family := range [][]probe.Builtin{h.postgresql(), h.mysql(), h.redis()} {
		params := map[string]any{"host": "127.0.0.1", "port": closedPort(t)}
		for i, b := range family {
			r := run(t, b, params, nil)
			if i == 0 {
				wants(t, r, probe.Critical, "refused")
			} else {
				wants(t, r, probe.Unknown, probe.ReasonDown, "拒绝连接", family[0].TitleZH)
			}
		}
	}
	denied := map[string]any{"host": "127.0.0.1", "port": peer(t, postgresSays("28P01", "password authentication failed"))}
	wants(t, run(t, kindOf(t, h.postgresql(), "instance.postgresql_locks"), denied, nil), probe.Unknown, probe.ReasonDenied, "pg_monitor")
}

func TestTLSRequired(t *testing.T) {
	t.Parallel()
	h := newHost(Deps{})
	plain := func(kind probe.Builtin, key string, value any, serve func(net.Conn), words ...string) {
		r := run(t, kind, map[string]any{"host": "127.0.0.1", "port": peer(t, serve), key: value}, nil)
		if r.State != probe.Critical && r.State != probe.Unknown || r.Reason == "" {
			t.Errorf("%s: %s %s %s", kind.Kind, r.State, r.Reason, r.Summary)
		}
		for _, w := range words {
			if !strings.Contains(r.Summary, w) {
				t.Errorf("%s does not say %s: %s", kind.Kind, w, r.Summary)
			}
		}
	}
	plain(h.postgresql()[0], "sslmode", "require", postgresSays("28000", "x"), "TLS")
	plain(h.mysql()[0], "tls", "true", func(c net.Conn) {
		g := mysqlGreeting()
		_, _ = c.Write(g)
		silent(c)
	})
	plain(h.mysql()[0], "tls", "false", mysqlSays(3159, "Connections using insecure transport are prohibited while --require_secure_transport=ON."), "TLS")
	plain(h.postgresql()[0], "sslmode", "disable", postgresSays("28000", `no pg_hba.conf entry for host "10.0.0.1", user "taxops", database "postgres", no encryption`), "TLS")
}
