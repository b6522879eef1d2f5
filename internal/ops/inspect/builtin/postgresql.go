package builtin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"taxops/internal/kernel/probe"
)

// pgGrant is the least that lets the check see everything it reports.
const pgGrant = "CREATE ROLE taxops LOGIN PASSWORD '…'; GRANT pg_monitor TO taxops;"

func (h host) postgresql() probe.Builtin {
	return probe.Builtin{
		Kind: "instance.postgresql", Class: probe.Instance,
		TitleZH: "PostgreSQL 实例", TitleEN: "PostgreSQL instance",
		HelpZH: "登录实例并只读查询：连接耗时、版本、连接数占比、事务号年龄（防回卷）、最长事务、备库延迟、归档失败。需要 pg_monitor 权限：" + pgGrant +
			" 变红时：连接数——查未归还的连接池；事务号年龄——查长事务与失效复制槽，手工 VACUUM FREEZE；最长事务——与应用方确认后结束；备库延迟——查网络与磁盘；归档失败——查归档目录空间，主库日志会一直堆积。",
		HelpEN: "Signs in and reads: connect time, version, share of connections, transaction-id age, longest transaction, replica lag, archiver failures. Needs pg_monitor: " + pgGrant +
			" When red: connections, look for pools that do not return them; transaction-id age, look for long transactions and dead slots, then VACUUM FREEZE; longest transaction, end it after asking the application's owner; replica lag, check network and disk; archiver, check the space of the archive, WAL piles up meanwhile.",
		Params: append(instanceParams(5432, "套接字目录", "Socket directory"),
			probe.Param{Name: "database", Type: "string", Default: "postgres", TitleZH: "数据库", TitleEN: "Database"},
			probe.Param{Name: "sslmode", Type: "string", Default: "prefer", TitleZH: "TLS 方式（disable、prefer、require、verify-full）", TitleEN: "TLS mode (disable, prefer, require, verify-full)"},
		),
		Thresholds: []probe.Threshold{
			{Metric: "connect_time", Warn: "1", Crit: "3", Unit: "s"},
			{Metric: "connections_percent", Warn: "75", Crit: "90", Unit: "%"},
			{Metric: "xid_age", Warn: "500000000", Crit: "1200000000"},
			{Metric: "longest_transaction", Warn: "600", Crit: "3600", Unit: "s"},
			{Metric: "replica_lag", Warn: "30", Crit: "300", Unit: "s"},
			{Metric: "archive_failure_age", Warn: "86400:", Crit: "3600:", Unit: "s"},
		},
		Check: func(p map[string]any) error {
			switch mode, _ := p["sslmode"].(string); mode {
			case "disable", "allow", "prefer", "require", "verify-ca", "verify-full":
			default:
				return fmt.Errorf("sslmode %q is none of disable, prefer, require, verify-full", mode)
			}
			return checkPort(p)
		},
		Target:   pgTarget,
		Verified: verifiedTested, VerifiedOn: "PostgreSQL 15, 2026-11", Timeout: instanceTimeout,
		Run:      runPostgres,
		Discover: h.discoverPostgres,
	}
}

// pgTarget names a socket by its file, since one directory may hold several.
func pgTarget(p map[string]any) string {
	if dir, _ := p["socket"].(string); dir != "" {
		port, _ := p["port"].(int)
		return filepath.Join(dir, fmt.Sprintf(".s.PGSQL.%d", port))
	}
	return instanceTarget(p)
}

// pgDefaults are the accounts tried when none is set.
func pgDefaults() []string { return []string{"postgres", osUser()} }

func runPostgres(ctx context.Context, t probe.Target) probe.Result {
	ctx, cancel := answerBy(ctx, instanceAnswer)
	defer cancel()
	where := pgTarget(t.Params)
	began := time.Now()
	conn, err := signIn(ctx, t.String("user"), pgDefaults(), func(ctx context.Context, user string) (*pgx.Conn, error) {
		return pgConnect(ctx, t.Params, user)
	}, pgRefused)
	took := time.Since(began)
	if err != nil {
		return pgProblem(where, err, took)
	}
	defer func() {
		// The connection is closed even when ctx has ended, and never waits for a dead peer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
		defer cancel()
		if err := conn.Close(ctx); err != nil {
			t.Log.Debug("close PostgreSQL connection", "error", err)
		}
	}()
	facts, err := askPostgres(ctx, conn)
	if err != nil {
		if isTimeout(err) || ctx.Err() != nil {
			return silence("PostgreSQL "+where, time.Since(began), "查询")
		}
		return pgProblem(where, err, time.Since(began))
	}
	facts.connectTime = took
	return judgePostgres(t, where, facts)
}

// pgConnect signs in. Nothing of this program's environment (PGHOST, .pgpass, service files) plays in.
func pgConnect(ctx context.Context, p map[string]any, user string) (*pgx.Conn, error) {
	host, _ := p["socket"].(string)
	if host == "" {
		host, _ = p["host"].(string)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	port, _ := p["port"].(int)
	password, _ := p["password"].(string)
	database, _ := p["database"].(string)
	sslmode, _ := p["sslmode"].(string)
	var dsn strings.Builder
	for _, kv := range [][2]string{
		{"host", host}, {"port", strconv.Itoa(port)}, {"user", user}, {"password", password}, {"dbname", database}, {"sslmode", sslmode},
		{"passfile", "/dev/null"}, {"servicefile", "/dev/null"}, {"application_name", "taxops"}, {"target_session_attrs", "any"},
	} {
		fmt.Fprintf(&dsn, "%s='%s' ", kv[0], strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(kv[1]))
	}
	config, err := pgx.ParseConfig(dsn.String())
	if err != nil {
		return nil, fmt.Errorf("settings of the connection: %w", err)
	}
	// Poolers in between know neither prepared statements nor settings at the start.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return conn, nil
}

// pgRefused reports whether the server refused the account, as opposed to not working.
func pgRefused(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "28") || e.Code == "42501")
}

func pgProblem(where string, err error, took time.Duration) probe.Result {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		if isTimeout(err) {
			return silence("PostgreSQL "+where, took, "登录")
		}
		return networkProblem("PostgreSQL "+where, err, took).result()
	}
	switch {
	case pgRefused(err):
		return denied("PostgreSQL "+where, e.Message, pgGrant)
	case e.Code == "3D000":
		return probe.Unknowable("no_database", fmt.Sprintf("PostgreSQL %s 没有所填的数据库：%s", where, e.Message))
	case e.Code == "53300":
		return dialProblem{probe.Critical, "connections_full", fmt.Sprintf("PostgreSQL %s 连接数已满：%s", where, e.Message)}.result()
	case e.Code == "57014":
		return silence("PostgreSQL "+where, took, "查询")
	case strings.HasPrefix(e.Code, "42"): // an older server, or another product behind the same protocol
		return probe.Unknowable("unsupported", fmt.Sprintf("PostgreSQL %s 不支持本检查项的查询（需要 10 及以上版本）：%s", where, e.Message))
	case e.Code == "57P03":
		return dialProblem{probe.Critical, "starting", fmt.Sprintf("PostgreSQL %s 正在启动、恢复或关闭：%s", where, e.Message)}.result()
	}
	return dialProblem{probe.Critical, "failed", fmt.Sprintf("PostgreSQL %s 报错 %s：%s", where, e.Code, e.Message)}.result()
}

// pgFacts is what an instance says about itself.
type pgFacts struct {
	connectTime          time.Duration
	version              string
	connections, most    int
	xidAge               int64
	longest              float64 // seconds
	seesOthers           bool    // whether the account may see what others do
	replica              bool
	lag                  *float64 // seconds, nil before the first replayed transaction
	receiving            bool
	archiving            bool
	archiveFailures      int64
	lastFailure, lastRun *float64 // seconds ago
}

func askPostgres(ctx context.Context, conn *pgx.Conn) (f pgFacts, err error) {
	if _, err := conn.Exec(ctx, "BEGIN READ ONLY; SET LOCAL statement_timeout = '8s'"); err != nil {
		return f, fmt.Errorf("begin: %w", err)
	}
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('max_connections')::int,
		(SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database),
		(SELECT max(greatest(age(datfrozenxid), mxid_age(datminmxid)))::bigint FROM pg_database),
		pg_is_in_recovery(), current_setting('archive_mode') <> 'off',
		pg_has_role(current_user, 'pg_read_all_stats', 'usage')`).
		Scan(&f.version, &f.most, &f.connections, &f.xidAge, &f.replica, &f.archiving, &f.seesOthers)
	if err != nil {
		return f, fmt.Errorf("ask for state: %w", err)
	}
	err = conn.QueryRow(ctx, `SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8
		FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&f.longest)
	if err != nil {
		return f, fmt.Errorf("ask for transactions: %w", err)
	}
	if f.replica {
		// Everything received is replayed: no lag, however long ago the primary last wrote. This
		// holds only while it is receiving.
		err = conn.QueryRow(ctx, `WITH r AS (SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving)
			SELECT receiving, CASE WHEN receiving AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
				ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END FROM r`).Scan(&f.receiving, &f.lag)
		if err != nil {
			return f, fmt.Errorf("ask for replication: %w", err)
		}
	}
	if f.archiving {
		err = conn.QueryRow(ctx, `SELECT failed_count, extract(epoch FROM now() - last_failed_time)::float8,
			extract(epoch FROM now() - last_archived_time)::float8 FROM pg_stat_archiver`).Scan(&f.archiveFailures, &f.lastFailure, &f.lastRun)
		if err != nil {
			return f, fmt.Errorf("ask for archiver: %w", err)
		}
	}
	return f, nil
}

func judgePostgres(t probe.Target, where string, f pgFacts) probe.Result {
	r := t.Report()
	r.Measure("connect_time", "连接耗时", f.connectTime.Seconds(), "s")
	percent := 100 * float64(f.connections) / float64(max(f.most, 1))
	r.Measure("connections_percent", fmt.Sprintf("连接数 %d / %d", f.connections, f.most), percent, "%")
	r.Record("connections", float64(f.connections), "")
	r.Measure("xid_age", "事务号年龄", float64(f.xidAge), "")
	figures := fmt.Sprintf("PostgreSQL %s %s，连接 %d / %d（%s），事务号年龄 %s", where, version(f.version),
		f.connections, f.most, probe.Humanize(percent, "%"), bigNumber(f.xidAge))
	if f.seesOthers {
		r.Measure("longest_transaction", "最长事务", f.longest, "s")
		figures += "，最长事务 " + lasting(f.longest)
	} else {
		partlyDenied(r, "其他会话的事务", "GRANT pg_monitor TO 该账户")
	}
	if f.replica {
		figures += "，备库"
		if !f.receiving {
			figures += "未在接收日志流，"
			if f.lag == nil {
				r.Raise(probe.Critical, "replication_stopped", "备库未在接收日志流")
			}
		}
		if f.lag != nil {
			r.Measure("replica_lag", "备库延迟", *f.lag, "s")
			figures += "延迟 " + probe.Humanize(*f.lag, "s")
		}
	}
	if f.archiving {
		if f.lastFailure != nil {
			r.Measure("archive_failure_age", "距上次归档失败", *f.lastFailure, "s")
			r.Record("archive_failures", float64(f.archiveFailures), "c")
			figures += fmt.Sprintf("，归档累计失败 %d 次", f.archiveFailures)
			if f.lastRun == nil || *f.lastRun > *f.lastFailure {
				figures += "（此后没有成功过）"
			}
		} else {
			figures += "，归档正常"
		}
	}
	return r.Result(figures)
}

// bigNumber writes a count as people here say it.
func bigNumber(n int64) string {
	switch {
	case n >= 1e8:
		return fmt.Sprintf("%.2f 亿", float64(n)/1e8)
	case n >= 1e4:
		return fmt.Sprintf("%.1f 万", float64(n)/1e4)
	}
	return strconv.FormatInt(n, 10)
}

// version shortens "15.20 (Debian 15.20-0+deb12u1)".
func version(s string) string {
	v, _, _ := strings.Cut(s, " ")
	return v
}

func (h host) discoverPostgres(ctx context.Context) []probe.Found {
	ports := []int{5432, 5433, 5434, 5435}
	list := h.candidates([]string{"postgres", "postmaster", "pgbouncer"}, ports, func(path string) bool {
		_, ok := pgSocketPort(path)
		return ok
	})
	same := func(socket, tcp listener) bool {
		port, _ := pgSocketPort(socket.path)
		return port == tcp.port()
	}
	return gather(ctx, list, same, func(ctx context.Context, l listener) *probe.Found {
		addr, ok := l.talk(ctx, speaksPostgres)
		if !ok {
			return nil
		}
		params := map[string]any{"port": l.port()}
		if l.path == "" {
			params["host"] = addr.Addr().String()
		} else {
			port, _ := pgSocketPort(l.path)
			params["port"], params["socket"] = port, filepath.Dir(l.path)
		}
		return &probe.Found{Params: params, Why: l.seen() + " 应答 PostgreSQL 协议"}
	})
}

// pgSocketPort reads the port from a socket's name, ".s.PGSQL.5432".
func pgSocketPort(path string) (int, bool) {
	text, ok := strings.CutPrefix(filepath.Base(path), ".s.PGSQL.")
	port, err := strconv.Atoi(text)
	return port, ok && err == nil
}
