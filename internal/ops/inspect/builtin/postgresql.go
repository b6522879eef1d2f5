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

// pgGrantData is what the questions about the objects inside databases need beyond that.
const pgGrantData = "GRANT CONNECT ON DATABASE 库名 TO taxops; GRANT pg_read_all_data TO taxops;（13 及以下版本改为对各模式 GRANT USAGE 与 GRANT SELECT ON ALL SEQUENCES）"

// postgresql is the overview of an instance and the single questions to it.
func (h host) postgresql() []probe.Builtin {
	e := h.pgEngine()
	return append([]probe.Builtin{e.whole(probe.Builtin{
		Kind: "instance.postgresql", TitleZH: "PostgreSQL 实例", TitleEN: "PostgreSQL instance",
		HelpZH: "登录实例：能否服务、登录耗时、产品与版本、主备角色；拒绝连接、不应答、连接数已满、正在恢复都在此报告一次，其余 PostgreSQL 检查项不再重复。人大金仓、openGauss 等同源产品按各自版本查询。需要的权限：" + pgGrant +
			" 变红时：拒绝连接——查服务与端口；不应答——查磁盘与负载；连接数已满——查未归还的连接池；正在恢复——看服务器日志，勿强行结束。",
		HelpEN: "Signs in: whether the instance serves, how long that takes, product, version and role. Refusals, silence, no free connection and recovery are reported here once and not again by the other PostgreSQL checks. Relatives (KingbaseES, openGauss) are asked in their own versions. Needs: " + pgGrant +
			" When red: if refused check service and port; if silent check disk and load; if full look for pools that do not return connections; if recovering read the server log and do not kill it.",
		Thresholds: []probe.Threshold{{Metric: "connect_time", Warn: "1", Crit: "3", Unit: "s"}},
	}, func(r *probe.Report, s *pgState) string {
		r.Measure("connect_time", "登录耗时", s.connect.Seconds(), "s")
		role := "主库"
		if s.about.replica {
			role = "备库"
		}
		figures := fmt.Sprintf("%s %s，%s", s.where, s.about, role)
		if c := s.connections.v; s.connections.err == nil {
			figures += fmt.Sprintf("，连接 %d / %d", c.used, c.most)
		}
		if n := len(s.sizes.v); n > 0 {
			figures += fmt.Sprintf("，%d 个库", n)
		}
		return figures
	})}, append(e.all(pgQuestions()), h.pgDatabaseKinds(e)...)...)
}

func pgParams() []probe.Param {
	return append(instanceParams(5432, "套接字目录", "Socket directory"),
		probe.Param{Name: "database", Type: "string", Default: "postgres", TitleZH: "登录的数据库", TitleEN: "Database to sign in to"},
		probe.Param{Name: "sslmode", Type: "string", Default: "prefer", TitleZH: "TLS 方式（disable、prefer、require、verify-full）", TitleEN: "TLS mode (disable, prefer, require, verify-full)"},
	)
}

func checkPg(p map[string]any) error {
	switch mode, _ := p["sslmode"].(string); mode {
	case "disable", "allow", "prefer", "require", "verify-ca", "verify-full":
	default:
		return fmt.Errorf("sslmode %q is none of disable, prefer, require, verify-full", mode)
	}
	return checkPort(p)
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
	config.DialFunc = dialer(ctx).DialContext
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
		if strings.Contains(err.Error(), "refused TLS") {
			return needsTLS("PostgreSQL "+where, "服务器不支持 TLS，而本检查项要求 TLS（sslmode）")
		}
		if strings.Contains(err.Error(), "unexpected authentication message") || strings.Contains(err.Error(), "unknown authentication message") {
			return probe.Unknowable("unsupported_auth", "PostgreSQL "+where+" 要求本程序不会的登录方式（openGauss 的 sha256）：请为巡检账户在 pg_hba.conf 中改用 md5，并以 password_encryption_type=0 或 1 重设口令")
		}
		return networkProblem("PostgreSQL "+where, err, took).result()
	}
	switch {
	case e.Code == "28000" && strings.Contains(e.Message, "no encryption"):
		return needsTLS("PostgreSQL "+where, "服务器只接受 TLS 登录（"+e.Message+"）：请把 sslmode 设为 require 或 verify-full")
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
