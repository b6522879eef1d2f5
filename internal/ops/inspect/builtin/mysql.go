package builtin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"taxops/internal/kernel/probe"
)

// myGrant is the least that lets the check see everything it reports.
const myGrant = "CREATE USER taxops@localhost IDENTIFIED BY '…'; GRANT PROCESS, REPLICATION CLIENT ON *.* TO taxops@localhost;（MariaDB 10.5 起另加 SLAVE MONITOR；经网络连接时把 localhost 换成本机地址）"

// myGrantData is what the question about auto-increment columns needs beyond that.
const myGrantData = "GRANT SELECT ON *.* TO taxops@localhost;（只需列出表结构；也可仅授予业务库）"

// mysql is the overview of an instance and the single questions to it.
func (h host) mysql() []probe.Builtin {
	e := h.myEngine()
	return append([]probe.Builtin{e.whole(probe.Builtin{
		Kind: "instance.mysql", TitleZH: "MySQL / MariaDB 实例", TitleEN: "MySQL / MariaDB instance",
		HelpZH: "登录实例：能否服务、登录耗时、版本与运行时长；拒绝连接、不应答、连接数已满、地址被封锁都在此报告一次，其余 MySQL 检查项不再重复。需要的权限：" + myGrant +
			" 变红时：拒绝连接——查服务与端口；不应答——查磁盘与负载；连接数已满——查未归还的连接池；被封锁——查来源主机后 FLUSH HOSTS。",
		HelpEN: "Signs in: whether the instance serves, how long that takes, version and uptime. Refusals, silence, no free connection and a blocked host are reported here once and not again by the other MySQL checks. Needs: " + myGrant +
			" When red: if refused check service and port; if silent check disk and load; if full look for pools that do not return connections; if blocked look at the host it came from, then FLUSH HOSTS.",
		Thresholds: []probe.Threshold{{Metric: "connect_time", Warn: "1", Crit: "3", Unit: "s"}},
	}, func(r *probe.Report, s *myState) string {
		r.Measure("connect_time", "登录耗时", s.connect.Seconds(), "s")
		uptime := s.number("Uptime")
		r.Record("uptime", uptime, "s")
		return fmt.Sprintf("%s %s，已运行 %s，连接 %.0f / %.0f", s.where, s.version, probe.Humanize(uptime, "s"), s.number("Threads_connected"), s.setting("max_connections"))
	})}, e.all(myQuestions())...)
}

// myDefaults are the accounts tried when none is set.
func myDefaults() []string { return []string{"root", osUser()} }

// myConnect signs in and keeps one connection.
func myConnect(ctx context.Context, p map[string]any, user string) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.User = user
	config.Passwd, _ = p["password"].(string)
	if socket, _ := p["socket"].(string); socket != "" {
		config.Net, config.Addr = "unix", socket
	} else {
		host, _ := p["host"].(string)
		if host == "" {
			host = "127.0.0.1"
		}
		port, _ := p["port"].(int)
		config.Net, config.Addr = "tcp", net.JoinHostPort(host, strconv.Itoa(port))
		config.TLSConfig, _ = p["tls"].(string)
	}
	config.Logger = &mysql.NopLogger{} // what the driver would write is in the error too
	config.DialFunc = dialer(ctx).DialContext
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("settings of the connection: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("connect to MySQL: %w", err)
	}
	return db, nil
}

func myCode(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// myRefused reports whether the server refused the account, as opposed to not working.
func myRefused(err error) bool {
	switch myCode(err) {
	case 1044, 1045, 1130, 1142, 1227, 1251, 1275, 1698, 4151, 3955:
		return true
	}
	return false
}

func myProblem(where string, err error, took time.Duration) probe.Result {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		if isTimeout(err) {
			return silence(where, took, "登录")
		}
		if errors.Is(err, mysql.ErrNoTLS) {
			return needsTLS(where, "服务器不支持 TLS，而本检查项要求 TLS")
		}
		return networkProblem(where, err, took).result()
	}
	switch {
	case e.Number == 3159:
		return needsTLS(where, "服务器只接受 TLS 登录（"+e.Message+"）：请把 TLS 方式设为 true，证书为自签时设为 skip-verify")
	case myRefused(err):
		return denied(where, e.Message, myGrant)
	case e.Number == 1040 || e.Number == 1203:
		return dialProblem{probe.Critical, "connections_full", fmt.Sprintf("%s 连接数已满：%s", where, e.Message)}.result()
	case e.Number == 1129:
		return dialProblem{probe.Critical, "blocked", fmt.Sprintf("%s 已封锁本机地址（需 FLUSH HOSTS）：%s", where, e.Message)}.result()
	case e.Number == 1053:
		return dialProblem{probe.Critical, "stopping", where + " 正在关闭"}.result()
	}
	return dialProblem{probe.Critical, "failed", fmt.Sprintf("%s 报错 %d：%s", where, e.Number, e.Message)}.result()
}

// myReplica is one channel by which this instance copies another.
type myReplica struct {
	name, source string
	io, sql      string
	lag          *float64
	lastError    string
}

// askReplicas speaks the dialect of the server: the statement was renamed in MySQL 8.0.22 and
// removed under its old name in 8.4; MariaDB shows named channels only with ALL.
func askReplicas(ctx context.Context, db *sql.DB, version string) ([]myReplica, error) {
	statements := []string{"SHOW REPLICA STATUS", "SHOW SLAVE STATUS"}
	if strings.Contains(version, "MariaDB") {
		statements = []string{"SHOW ALL SLAVES STATUS"}
	}
	var err error
	for _, s := range statements {
		var rows []map[string]sql.NullString
		if rows, err = rowsByName(ctx, db, s); err == nil {
			return parseReplicas(rows), nil
		}
		if myCode(err) != 1064 { // syntax: an older server
			break
		}
	}
	return nil, err
}

func parseReplicas(rows []map[string]sql.NullString) []myReplica {
	var list []myReplica
	for _, row := range rows {
		get := func(names ...string) sql.NullString {
			for _, n := range names {
				if v, ok := row[n]; ok {
					return v
				}
			}
			return sql.NullString{}
		}
		m := myReplica{
			name:   get("Connection_name", "Channel_Name").String,
			source: get("Source_Host", "Master_Host").String,
			io:     get("Replica_IO_Running", "Slave_IO_Running").String,
			sql:    get("Replica_SQL_Running", "Slave_SQL_Running").String,
		}
		if v := get("Seconds_Behind_Source", "Seconds_Behind_Master"); v.Valid {
			if lag, err := strconv.ParseFloat(v.String, 64); err == nil {
				m.lag = &lag
			}
		}
		for _, n := range []string{"Last_IO_Error", "Last_SQL_Error", "Last_Error"} {
			if e := row[n].String; e != "" {
				m.lastError = e
				break
			}
		}
		list = append(list, m)
	}
	return list
}

// rowsByName reads rows whose columns depend on the version of the server.
func rowsByName(ctx context.Context, db *sql.DB, query string) ([]map[string]sql.NullString, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var out []map[string]sql.NullString
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		row := make(map[string]sql.NullString, len(columns))
		for i, c := range columns {
			row[c] = values[i]
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	return out, nil
}

func (h host) discoverMySQL(ctx context.Context) []probe.Found {
	list := h.candidates([]string{"mysqld", "mariadbd"}, []int{3306, 3307, 3308}, func(path string) bool {
		base := filepath.Base(path)
		return strings.Contains(base, "mysql") && strings.HasSuffix(base, ".sock") && !strings.Contains(base, "mysqlx")
	})
	// One server on the usual port is taken to be the one behind the socket.
	same := func(_, tcp listener) bool { return tcp.port() == 3306 }
	return gather(ctx, list, same, func(ctx context.Context, l listener) *probe.Found {
		var version string
		addr, ok := l.talk(ctx, func(conn net.Conn) (ok bool) {
			version, ok = greetsMySQL(conn)
			return ok
		})
		if !ok {
			return nil
		}
		params := map[string]any{"port": l.port()}
		if l.path == "" {
			params["host"] = addr.Addr().String()
		} else {
			params = map[string]any{"socket": l.path}
		}
		return &probe.Found{Params: params, Why: strings.TrimSpace(l.seen() + " 应答 MySQL 协议 " + version)}
	})
}
