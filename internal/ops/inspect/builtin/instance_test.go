package builtin

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

// TestInstanceThatDoesNotServe asks each kind of database in each way it may fail to answer.
func TestInstanceThatDoesNotServe(t *testing.T) {
	t.Parallel()
	h := newHost(Deps{})
	kinds := map[string]probe.Builtin{"postgresql": h.postgresql(), "mysql": h.mysql(), "redis": h.redis()}
	for _, tt := range []struct {
		kind, name string
		serve      func(net.Conn)
		state      probe.State
		reason     probe.Reason
		words      []string
	}{
		{"postgresql", "hangs", silent, probe.Critical, probe.ReasonTimeout, []string{"已接受连接", "没有应答"}},
		{"postgresql", "denied", postgresSays("28P01", `password authentication failed for user "postgres"`), probe.Unknown, probe.ReasonDenied, []string{"pg_monitor", "password authentication failed"}},
		{"postgresql", "full", postgresSays("53300", "sorry, too many clients already"), probe.Critical, "connections_full", []string{"连接数已满"}},
		{"postgresql", "starting", postgresSays("57P03", "the database system is starting up"), probe.Critical, "starting", nil},
		{"postgresql", "no database", postgresSays("3D000", `database "x" does not exist`), probe.Unknown, "no_database", nil},
		{"mysql", "hangs", silent, probe.Critical, probe.ReasonTimeout, []string{"已接受连接", "没有应答"}},
		{"mysql", "hangs after greeting", func(c net.Conn) { _, _ = c.Write(mysqlGreeting()); silent(c) }, probe.Critical, probe.ReasonTimeout, nil},
		{"mysql", "denied", mysqlSays(1045, "Access denied for user 'root'@'localhost'"), probe.Unknown, probe.ReasonDenied, []string{"REPLICATION CLIENT", "Access denied"}},
		{"mysql", "full", mysqlSays(1040, "Too many connections"), probe.Critical, "connections_full", nil},
		{"redis", "hangs", silent, probe.Critical, probe.ReasonTimeout, []string{"已接受连接", "没有应答"}},
		{"redis", "denied", redisSays("-NOAUTH Authentication required."), probe.Unknown, probe.ReasonDenied, []string{"ACL SETUSER", "NOAUTH"}},
		{"redis", "not permitted", redisSays("-NOPERM this user has no permissions to run the 'info' command"), probe.Unknown, probe.ReasonDenied, nil},
		{"redis", "loading", redisSays("-LOADING Redis is loading the dataset in memory"), probe.Critical, "starting", nil},
		{"redis", "another protocol", redisSays("+hello"), probe.Critical, "failed", nil},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			b := kinds[tt.kind]
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			if tt.reason != probe.ReasonTimeout {
				ctx = t.Context()
			}
			r := b.Run(ctx, target(t, b, map[string]any{"host": "127.0.0.1", "port": peer(t, tt.serve)}, nil, at))
			if tt.reason == probe.ReasonTimeout && ctx.Err() != nil {
				t.Error("the answer came after the context had ended")
			}
			wants(t, r, tt.state, tt.reason, tt.words...)
		})
	}
	for name, b := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wants(t, run(t, b, map[string]any{"host": "127.0.0.1", "port": closedPort(t)}, nil), probe.Critical, "refused", "拒绝连接")
			wants(t, run(t, b, map[string]any{"socket": filepath.Join(t.TempDir(), "gone.sock")}, nil), probe.Critical, "refused", "不存在")
			r := run(t, b, map[string]any{"host": "127.0.0.1", "port": peer(t, hangsUp)}, nil)
			if r.State != probe.Critical {
				t.Errorf("hangs up: %s %s %s", r.State, r.Reason, r.Summary)
			}
			for _, p := range b.Params {
				if p.Secret != (p.Name == "password") {
					t.Errorf("%s: secret %v", p.Name, p.Secret)
				}
			}
		})
	}
}

func pf(v float64) *float64 { return &v }

func TestJudgePostgres(t *testing.T) {
	t.Parallel()
	b := newHost(Deps{}).postgresql()
	good := pgFacts{version: "15.20 (Debian 15.20-0+deb12u1)", connections: 10, most: 100, xidAge: 123_456_789, longest: 3, seesOthers: true}
	for _, tt := range []struct {
		name   string
		change func(*pgFacts)
		state  probe.State
		reason probe.Reason
		words  []string
	}{
		{"good", func(*pgFacts) {}, probe.OK, "", []string{"15.20，", "10 / 100（10%）", "1.23 亿", "最长事务 3 秒"}},
		{"connections", func(f *pgFacts) { f.connections = 92 }, probe.Critical, probe.ReasonThreshold, []string{">90%"}},
		{"wraparound", func(f *pgFacts) { f.xidAge = 600_000_000 }, probe.Warning, probe.ReasonThreshold, []string{"事务号年龄"}},
		{"long transaction", func(f *pgFacts) { f.longest = 4000 }, probe.Critical, probe.ReasonThreshold, []string{"最长事务 66.7 分钟"}},
		{"may not see", func(f *pgFacts) { f.seesOthers = false }, probe.Unknown, probe.ReasonDenied, []string{"pg_monitor"}},
		{"replica lags", func(f *pgFacts) { f.replica, f.receiving, f.lag = true, true, pf(45) }, probe.Warning, probe.ReasonThreshold, []string{"备库延迟 45 秒"}},
		{"replica keeps up", func(f *pgFacts) { f.replica, f.receiving, f.lag = true, true, pf(0) }, probe.OK, "", []string{"备库"}},
		{"replica cut off", func(f *pgFacts) { f.replica, f.lag = true, pf(900) }, probe.Critical, probe.ReasonThreshold, []string{"未在接收日志流"}},
		{"replica never connected", func(f *pgFacts) { f.replica = true }, probe.Critical, "replication_stopped", nil},
		{"archiver fails", func(f *pgFacts) { f.archiving, f.archiveFailures, f.lastFailure = true, 4, pf(120) }, probe.Critical, probe.ReasonThreshold, []string{"没有成功过"}},
		{"archiver failed yesterday", func(f *pgFacts) {
			f.archiving, f.archiveFailures, f.lastFailure, f.lastRun = true, 4, pf(80_000), pf(10)
		}, probe.Warning, probe.ReasonThreshold, []string{"累计失败 4 次"}},
		{"archiver works", func(f *pgFacts) { f.archiving, f.lastRun = true, pf(10) }, probe.OK, "", []string{"归档正常"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := good
			tt.change(&f)
			wants(t, judgePostgres(target(t, b, nil, nil, at), "127.0.0.1:5432", f), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestJudgeMySQL(t *testing.T) {
	t.Parallel()
	b := newHost(Deps{}).mysql()
	good := myFacts{version: "10.11.19-MariaDB", connections: 10, most: 100}
	for _, tt := range []struct {
		name   string
		change func(*myFacts)
		state  probe.State
		reason probe.Reason
		words  []string
	}{
		{"good", func(*myFacts) {}, probe.OK, "", []string{"10 / 100（10%）", "锁等待 0 个"}},
		{"connections", func(f *myFacts) { f.connections = 80 }, probe.Warning, probe.ReasonThreshold, []string{">75%"}},
		{"locks", func(f *myFacts) { f.lockWaits, f.lockWait = 6, 31 }, probe.Critical, probe.ReasonThreshold, []string{"最长锁等待 31 秒"}},
		{"may not see", func(f *myFacts) { f.trxDenied, f.replicaDenied = true, true }, probe.Unknown, probe.ReasonDenied, []string{"PROCESS", "REPLICATION CLIENT"}},
		{"replica lags", func(f *myFacts) { f.replicas = []myReplica{{io: "Yes", sql: "Yes", lag: pf(301)}} }, probe.Critical, probe.ReasonThreshold, []string{"复制延迟 5.0 分钟"}},
		{"replica stopped", func(f *myFacts) {
			f.replicas = []myReplica{{name: "a", source: "db0", io: "Connecting", sql: "Yes", lastError: "error connecting"}}
		}, probe.Critical, "replication_stopped", []string{"复制通道 a（来自 db0）已停止", "error connecting"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := good
			tt.change(&f)
			wants(t, judgeMySQL(target(t, b, nil, nil, at), "127.0.0.1:3306", f), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestJudgeRedis(t *testing.T) {
	t.Parallel()
	b := newHost(Deps{}).redis()
	yes, no := true, false
	saved := func(ago time.Duration) string { return fmt.Sprint(at.Add(-ago).Unix()) }
	base := map[string]string{
		"redis_version": "7.0.15", "used_memory": "1048576", "maxmemory": "10485760", "total_system_memory": "1073741824", "role": "master",
		"connected_slaves": "1", "rdb_last_bgsave_status": "ok", "rdb_last_save_time": saved(time.Hour), "rdb_changes_since_last_save": "5", "aof_enabled": "0",
	}
	for _, tt := range []struct {
		name   string
		change map[string]string
		saves  *bool
		state  probe.State
		reason probe.Reason
		words  []string
	}{
		{"good", nil, &yes, probe.OK, "", []string{"7.0.15", "maxmemory 10 MiB 的 10%", "从库 1 个", "上次快照 60 分钟前"}},
		{"full", map[string]string{"used_memory": "10276045"}, &yes, probe.Critical, probe.ReasonThreshold, []string{">95%"}},
		{"no limit", map[string]string{"maxmemory": "0"}, &yes, probe.OK, "", []string{"物理内存 1 GiB", "未设 maxmemory"}},
		{"save failed", map[string]string{"rdb_last_bgsave_status": "err"}, &yes, probe.Critical, "save_failed", nil},
		{"unsaved too long", map[string]string{"rdb_last_save_time": saved(30 * time.Hour)}, &yes, probe.Warning, probe.ReasonThreshold, []string{"未落盘"}},
		{"a cache only", map[string]string{"rdb_last_save_time": saved(300 * time.Hour)}, &no, probe.OK, "", []string{"未启用持久化"}},
		{"saving not known", map[string]string{"rdb_last_save_time": saved(300 * time.Hour)}, nil, probe.OK, "", nil},
		{"link down", map[string]string{"role": "slave", "master_host": "10.0.0.1", "master_port": "6379", "master_link_status": "down", "master_link_down_since_seconds": "90"}, &yes,
			probe.Critical, "replication_stopped", []string{"10.0.0.1:6379", "90 秒"}},
		{"link slow", map[string]string{"role": "slave", "master_link_status": "up", "master_last_io_seconds_ago": "40"}, &yes, probe.Warning, probe.ReasonThreshold, nil},
		{"append-only write fails", map[string]string{"aof_enabled": "1", "aof_last_write_status": "err"}, &yes, probe.Critical, "save_failed", []string{"AOF"}},
		{"says nothing", map[string]string{"used_memory": ""}, &yes, probe.Unknown, "read_failed", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			info := make(map[string]string)
			for k, v := range base {
				info[k] = v
			}
			for k, v := range tt.change {
				info[k] = v
			}
			wants(t, judgeRedis(target(t, b, nil, nil, at), "127.0.0.1:6379", redisFacts{info: info, saves: tt.saves}), tt.state, tt.reason, tt.words...)
		})
	}
}

// listening makes a host whose kernel tables show real listeners under the names of programs.
func listening(t *testing.T, ports map[string]int) host {
	t.Helper()
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	files := map[string]string{}
	pid := 100
	links := map[string]string{}
	for owner, port := range ports {
		pid++
		addr := "0100007F"
		if !littleEndian() {
			addr = "7F000001"
		}
		table += fmt.Sprintf("   0: %s:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n", addr, port, pid)
		files[fmt.Sprintf("proc/%d/comm", pid)] = owner + "\n"
		files[fmt.Sprintf("proc/%d/fd/.keep", pid)] = ""
		links[fmt.Sprintf("%d/fd/3", pid)] = fmt.Sprintf("socket:[%d]", pid)
	}
	files["proc/net/tcp"] = table
	h := tree(t, files)
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(h.Proc, name)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestDiscoverInstances(t *testing.T) {
	t.Parallel()
	ports := map[string]int{
		"postgres": peer(t, postgresSays("28P01", "no")), "mariadbd": peer(t, mysqlSays(1045, "no")), "redis-server": peer(t, redisSays("-NOAUTH no")),
	}
	h := listening(t, ports)
	for owner, b := range map[string]probe.Builtin{"postgres": h.postgresql(), "mariadbd": h.mysql(), "redis-server": h.redis()} {
		found := b.Discover(t.Context())
		if len(found) != 1 || found[0].Params["port"] != ports[owner] || found[0].Params["host"] != "127.0.0.1" || !strings.Contains(found[0].Why, owner) {
			t.Errorf("%s: %+v", b.Kind, found)
			continue
		}
		if _, err := b.CheckParams(found[0].Params); err != nil {
			t.Errorf("%s refuses what it found: %v", b.Kind, err)
		}
	}
	// Whoever accepts and stays silent is no instance, and does not hold up the others.
	h = listening(t, map[string]int{"postgres": peer(t, silent), "redis-server": peer(t, silent), "mysqld": peer(t, silent)})
	for _, b := range []probe.Builtin{h.postgresql(), h.mysql(), h.redis()} {
		began := time.Now()
		if found := b.Discover(t.Context()); found != nil {
			t.Errorf("%s: %+v", b.Kind, found)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s took %s", b.Kind, took)
		}
	}
}

func TestListeners(t *testing.T) {
	t.Parallel()
	if littleEndian() { // the recording was made on such a machine
		var where []string
		for _, l := range parseTCP(testdata(t, "proc_net_tcp.txt")) {
			where = append(where, l.where())
		}
		got := strings.Join(where, " ")
		for _, want := range []string{"127.0.0.1:5432", "127.0.0.1:3306", "127.0.0.1:6379", "127.0.0.1:2024"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is not among %s", want, got)
			}
		}
		if six := parseTCP(testdata(t, "proc_net_tcp6.txt")); len(six) != 2 || six[0].where() != "[::1]:4369" {
			t.Errorf("%+v", six)
		}
	}
	sockets := parseUnix(testdata(t, "proc_net_unix.txt"))
	if len(sockets) != 2 || sockets[0].path != "/var/run/postgresql/.s.PGSQL.5432" || sockets[1].inode == "" {
		t.Errorf("%+v", sockets)
	}
}

func TestSignInTriesDefaultsWhileRefused(t *testing.T) {
	t.Parallel()
	var tried []string
	try := func(_ context.Context, user string) (string, error) {
		tried = append(tried, user)
		if user == "ok" {
			return user, nil
		}
		return "", net.ErrClosed
	}
	refused := func(error) bool { return true }
	if got, err := signIn(t.Context(), "", []string{"a", "a", "ok", "z"}, try, refused); got != "ok" || err != nil || len(tried) != 2 {
		t.Errorf("%q, %v after %v", got, err, tried)
	}
	tried = nil
	if _, err := signIn(t.Context(), "set", []string{"ok"}, try, refused); err == nil || len(tried) != 1 {
		t.Errorf("a set account must be the only one: %v", tried)
	}
}

func FuzzParseListeners(f *testing.F) {
	f.Add([]byte("   0: 0100007F:18EB 00000000:0000 0A 0 0 0 0 0 4921 1\n"))
	f.Add([]byte("0: 00000002 00000000 00010000 0001 01 4903 /run/x.sock\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseTCP(b)
		parseUnix(b)
		parseInfo(string(b))
	})
}
