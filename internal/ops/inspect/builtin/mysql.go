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

func (h host) mysql() probe.Builtin {
	return probe.Builtin{
		Kind: "instance.mysql", Class: probe.Instance,
		TitleZH: "MySQL / MariaDB 实例", TitleEN: "MySQL / MariaDB instance",
		HelpZH: "登录实例并只读查询：连接耗时、版本、连接数占比、复制线程与延迟、锁等待、最长事务。需要 PROCESS 与 REPLICATION CLIENT 权限：" + myGrant +
			" 变红时：连接数——查未归还的连接池与 wait_timeout；复制停止——看 Last_Error，勿直接跳过；锁等待与长事务——在 information_schema.innodb_trx 中找到持有者，与应用方确认后结束。",
		HelpEN: "Signs in and reads: connect time, version, share of connections, replication threads and lag, lock waits, longest transaction. Needs PROCESS and REPLICATION CLIENT: " + myGrant +
			" When red: connections, look for pools that do not return them and at wait_timeout; stopped replication, read Last_Error and do not just skip; lock waits and long transactions, find the holder in information_schema.innodb_trx and end it after asking the application's owner.",
		Params: append(instanceParams(3306, "套接字文件", "Socket file"),
			probe.Param{Name: "tls", Type: "string", Default: "preferred", TitleZH: "TLS 方式（false、preferred、skip-verify、true）", TitleEN: "TLS mode (false, preferred, skip-verify, true)"},
		),
		Thresholds: []probe.Threshold{
			{Metric: "connect_time", Warn: "1", Crit: "3", Unit: "s"},
			{Metric: "connections_percent", Warn: "75", Crit: "90", Unit: "%"},
			{Metric: "replica_lag", Warn: "30", Crit: "300", Unit: "s"},
			{Metric: "lock_waits", Warn: "5", Crit: "20"},
			{Metric: "lock_wait_time", Warn: "10", Crit: "30", Unit: "s"},
			{Metric: "longest_transaction", Warn: "600", Crit: "3600", Unit: "s"},
		},
		Check: func(p map[string]any) error {
			switch mode, _ := p["tls"].(string); mode {
			case "false", "preferred", "skip-verify", "true":
			default:
				return fmt.Errorf("tls %q is none of false, preferred, skip-verify, true", mode)
			}
			return checkPort(p)
		},
		Target:   instanceTarget,
		Verified: verifiedTested, VerifiedOn: "MariaDB 10.11, 2026-11", Timeout: instanceTimeout,
		Run:      runMySQL,
		Discover: h.discoverMySQL,
	}
}

// myDefaults are the accounts tried when none is set.
func myDefaults() []string { return []string{"root", osUser()} }

func runMySQL(ctx context.Context, t probe.Target) probe.Result {
	ctx, cancel := answerBy(ctx, instanceAnswer)
	defer cancel()
	where := "MySQL " + instanceTarget(t.Params)
	began := time.Now()
	db, err := signIn(ctx, t.String("user"), myDefaults(), func(ctx context.Context, user string) (*sql.DB, error) {
		return myConnect(ctx, t.Params, user)
	}, myRefused)
	took := time.Since(began)
	if err != nil {
		return myProblem(where, err, took)
	}
	defer db.Close()
	facts, err := askMySQL(ctx, db)
	if err != nil {
		if isTimeout(err) || ctx.Err() != nil {
			return silence(where, time.Since(began), "查询")
		}
		return myProblem(where, err, time.Since(began))
	}
	facts.connectTime = took
	return judgeMySQL(t, where, facts)
}

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
		return networkProblem(where, err, took).result()
	}
	switch {
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

// myFacts is what an instance says about itself.
type myFacts struct {
	connectTime       time.Duration
	version           string
	connections, most int
	replicas          []myReplica
	replicaDenied     bool
	lockWaits         int
	lockWait, longest float64 // seconds
	trxDenied         bool
}

// myReplica is one channel by which this instance copies another.
type myReplica struct {
	name, source string
	io, sql      string
	lag          *float64
	lastError    string
}

func askMySQL(ctx context.Context, db *sql.DB) (f myFacts, err error) {
	err = db.QueryRowContext(ctx, "SELECT VERSION(), @@max_connections").Scan(&f.version, &f.most)
	if err != nil {
		return f, fmt.Errorf("ask for version: %w", err)
	}
	var name string
	if err = db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Threads_connected'").Scan(&name, &f.connections); err != nil {
		return f, fmt.Errorf("ask for connections: %w", err)
	}
	err = db.QueryRowContext(ctx, `SELECT count(CASE WHEN trx_state = 'LOCK WAIT' THEN 1 END),
		coalesce(max(timestampdiff(SECOND, trx_wait_started, now())), 0), coalesce(max(timestampdiff(SECOND, trx_started, now())), 0)
		FROM information_schema.innodb_trx`).Scan(&f.lockWaits, &f.lockWait, &f.longest)
	switch {
	case myRefused(err):
		f.trxDenied = true
	case err != nil:
		return f, fmt.Errorf("ask for transactions: %w", err)
	}
	f.replicas, err = askReplicas(ctx, db, f.version)
	switch {
	case myRefused(err):
		f.replicaDenied = true
	case err != nil:
		return f, fmt.Errorf("ask for replication: %w", err)
	}
	return f, nil
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

func judgeMySQL(t probe.Target, where string, f myFacts) probe.Result {
	r := t.Report()
	r.Measure("connect_time", "连接耗时", f.connectTime.Seconds(), "s")
	percent := 100 * float64(f.connections) / float64(max(f.most, 1))
	r.Measure("connections_percent", fmt.Sprintf("连接数 %d / %d", f.connections, f.most), percent, "%")
	r.Record("connections", float64(f.connections), "")
	figures := fmt.Sprintf("%s %s，连接 %d / %d（%s）", where, f.version, f.connections, f.most, probe.Humanize(percent, "%"))
	if f.trxDenied {
		partlyDenied(r, "事务与锁等待", "GRANT PROCESS ON *.* TO 该账户")
	} else {
		r.Measure("lock_waits", "锁等待事务数", float64(f.lockWaits), "")
		r.Measure("lock_wait_time", "最长锁等待", f.lockWait, "s")
		r.Measure("longest_transaction", "最长事务", f.longest, "s")
		figures += fmt.Sprintf("，锁等待 %d 个，最长事务 %s", f.lockWaits, lasting(f.longest))
	}
	if f.replicaDenied {
		partlyDenied(r, "复制状态", "GRANT REPLICATION CLIENT ON *.* TO 该账户（MariaDB 10.5 起为 SLAVE MONITOR）")
	}
	for _, m := range f.replicas {
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
			figures += fmt.Sprintf("，%s延迟 %s", name, probe.Humanize(*m.lag, "s"))
		}
	}
	return r.Result(figures)
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
