package builtin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// myState is what a session brought back from an instance.
type myState struct {
	where     string
	connect   time.Duration
	version   string
	status    map[string]string // SHOW GLOBAL STATUS
	variables map[string]string // SHOW GLOBAL VARIABLES

	transactions part[myTransactions]
	replicas     part[[]myReplica]
	binlogs      part[myBinlogs]
	increments   part[[]myIncrement]
	sizes        part[[]named]
}

type (
	myTransactions struct {
		waits         int
		wait, longest float64 // seconds
		holder        string  // the oldest transaction: thread, account, host
	}
	myBinlogs struct {
		files int
		bytes float64
	}
	myIncrement struct {
		column string
		used   float64 // percent
	}
)

func numberIn(m map[string]string, name string) float64 {
	v, _ := strconv.ParseFloat(m[name], 64)
	return v
}

func (s *myState) number(name string) float64  { return numberIn(s.status, name) }
func (s *myState) setting(name string) float64 { return numberIn(s.variables, name) }

// myEngine is the family of kinds that sign in to a MySQL or MariaDB.
func (h host) myEngine() engine[*myState] {
	shared := &share[*myState]{}
	return engine[*myState]{
		params: append(instanceParams(3306, "套接字文件", "Socket file"),
			probe.Param{Name: "tls", Type: "string", Default: "preferred", TitleZH: "TLS 方式（false、preferred、skip-verify、true）", TitleEN: "TLS mode (false, preferred, skip-verify, true)"},
		),
		check: func(p map[string]any) error {
			switch mode, _ := p["tls"].(string); mode {
			case "false", "preferred", "skip-verify", "true":
			default:
				return fmt.Errorf("tls %q is none of false, preferred, skip-verify, true", mode)
			}
			return checkPort(p)
		},
		target: instanceTarget, overview: "instance.mysql", overviewZH: "MySQL / MariaDB 实例", verified: verifiedTested, verifiedOn: "MariaDB 10.11, 2026-11",
		discover: sharedDiscovery(h.discoverMySQL),
		facts:    func(ctx context.Context, t probe.Target) (*myState, *probe.Result) { return myFacts(ctx, t, shared) },
		name:     func(_ probe.Target, s *myState) string { return s.where },
	}
}

func myFacts(ctx context.Context, t probe.Target, shared *share[*myState]) (*myState, *probe.Result) {
	ctx, cancel := answerBy(ctx, instanceAnswer)
	defer cancel()
	where := "MySQL " + instanceTarget(t.Params)
	s, took, err := shared.get(ctx, t.Since, shareKey(t.Params, "host", "port", "socket", "user", "password", "tls"),
		func(ctx context.Context) (*myState, error) { return myCollect(ctx, t, where) })
	if err != nil {
		r := myProblem(where, err, took)
		return nil, &r
	}
	return s, nil
}

func myCollect(ctx context.Context, t probe.Target, where string) (*myState, error) {
	began := time.Now()
	db, err := signIn(ctx, t.String("user"), myDefaults(), func(ctx context.Context, user string) (*sql.DB, error) {
		return myConnect(ctx, t.Params, user)
	}, myRefused)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s := &myState{where: where, connect: time.Since(began)}
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&s.version); err != nil {
		return nil, fmt.Errorf("ask for the version: %w", err)
	}
	if s.status, err = pairs(ctx, db, "SHOW GLOBAL STATUS"); err != nil {
		return nil, err
	}
	if s.variables, err = pairs(ctx, db, "SHOW GLOBAL VARIABLES"); err != nil {
		return nil, err
	}
	s.transactions = got(askMyTransactions(ctx, db))
	s.replicas = none(askReplicas(ctx, db, s.version))
	s.binlogs = none(askMyBinlogs(ctx, db, s.variables["log_bin"]))
	s.increments = none(askMyIncrements(ctx, db))
	s.sizes = none(askMySizes(ctx, db))
	if ctx.Err() != nil {
		return nil, fmt.Errorf("session broke off: %w", ctx.Err())
	}
	return s, nil
}

// none makes a part of an answer that may be errNone.
func none[V any](v V, err error) part[V] {
	var nothing errNone
	if errors.As(err, &nothing) {
		return part[V]{none: string(nothing)}
	}
	return got(v, err)
}

// pairs reads rows of a name and a value.
func pairs(ctx context.Context, db *sql.DB, query string) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	out := make(map[string]string)
	for rows.Next() {
		var name string
		var value sql.NullString
		if err := rows.Scan(&name, &value); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		out[name] = value.String
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	return out, nil
}

// askMyTransactions never reads a statement: it may hold the data of taxpayers.
func askMyTransactions(ctx context.Context, db *sql.DB) (x myTransactions, err error) {
	err = db.QueryRowContext(ctx, `SELECT count(CASE WHEN trx_state = 'LOCK WAIT' THEN 1 END),
		coalesce(max(timestampdiff(SECOND, trx_wait_started, now())), 0), coalesce(max(timestampdiff(SECOND, trx_started, now())), 0)
		FROM information_schema.innodb_trx`).Scan(&x.waits, &x.wait, &x.longest)
	if err != nil {
		return x, fmt.Errorf("ask for transactions: %w", err)
	}
	err = db.QueryRowContext(ctx, `SELECT concat('线程 ', t.trx_mysql_thread_id, ' ', coalesce(p.user, ''), '@', coalesce(substring_index(p.host, ':', 1), ''), ' ', coalesce(p.db, ''))
		FROM information_schema.innodb_trx t LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
		ORDER BY t.trx_started LIMIT 1`).Scan(&x.holder)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return x, fmt.Errorf("ask for the oldest transaction: %w", err)
	}
	return x, nil
}

func askMyBinlogs(ctx context.Context, db *sql.DB, on string) (b myBinlogs, err error) {
	if on != "ON" && on != "1" {
		return b, errNone("未启用二进制日志（log_bin 为 OFF），无法按时间点恢复")
	}
	rows, err := rowsByName(ctx, db, "SHOW BINARY LOGS")
	if err != nil {
		return b, err
	}
	for _, r := range rows {
		size, err := strconv.ParseFloat(r["File_size"].String, 64)
		if err != nil {
			return b, fmt.Errorf("size of a binary log: %w", err)
		}
		b.files++
		b.bytes += size
	}
	return b, nil
}

// myLargest is the largest number that each column type holds.
var myLargest = map[string][2]float64{ // signed, unsigned
	"tinyint": {127, 255}, "smallint": {32767, 65535}, "mediumint": {8388607, 16777215},
	"int": {2147483647, 4294967295}, "bigint": {9223372036854775807, 18446744073709551615},
}

func askMyIncrements(ctx context.Context, db *sql.DB) ([]myIncrement, error) {
	rows, err := db.QueryContext(ctx, `SELECT concat(t.table_schema, '.', t.table_name, '.', c.column_name), c.data_type, c.column_type, t.auto_increment
		FROM information_schema.tables t JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.extra LIKE '%auto_increment%'
		WHERE t.auto_increment IS NOT NULL AND t.table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
		ORDER BY t.auto_increment DESC LIMIT 500`)
	if err != nil {
		return nil, fmt.Errorf("ask for auto-increment columns: %w", err)
	}
	defer rows.Close()
	var list []myIncrement
	for rows.Next() {
		var column, kind, full string
		var next float64
		if err := rows.Scan(&column, &kind, &full, &next); err != nil {
			return nil, fmt.Errorf("read auto-increment columns: %w", err)
		}
		most := myLargest[strings.ToLower(kind)][0]
		if strings.Contains(strings.ToLower(full), "unsigned") {
			most = myLargest[strings.ToLower(kind)][1]
		}
		if most > 0 {
			list = append(list, myIncrement{column, 100 * (next - 1) / most})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask for auto-increment columns: %w", err)
	}
	if len(list) == 0 {
		return nil, errNone("巡检账户看不到自增列：没有业务表，或需 " + myGrantData)
	}
	return list, nil
}

func askMySizes(ctx context.Context, db *sql.DB) ([]named, error) {
	rows, err := db.QueryContext(ctx, `SELECT table_schema, coalesce(sum(data_length + index_length), 0) FROM information_schema.tables
		WHERE table_schema NOT IN ('performance_schema', 'information_schema') AND table_type = 'BASE TABLE' GROUP BY table_schema ORDER BY 2 DESC LIMIT 50`)
	if err != nil {
		return nil, fmt.Errorf("ask for sizes: %w", err)
	}
	defer rows.Close()
	var list []named
	for rows.Next() {
		var n named
		if err := rows.Scan(&n.name, &n.value); err != nil {
			return nil, fmt.Errorf("read sizes: %w", err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask for sizes: %w", err)
	}
	if len(list) == 0 {
		return nil, errNone("巡检账户看不到任何表：没有业务表，或需 " + myGrantData)
	}
	return list, nil
}

// myJudge makes a judge over one part of the session.
func myJudge[V any](pick func(*myState) part[V], judge func(t probe.Target, r *probe.Report, s *myState, v V) string) func(probe.Target, *probe.Report, *myState) (string, *probe.Result) {
	return func(t probe.Target, r *probe.Report, s *myState) (string, *probe.Result) {
		p := pick(s)
		switch {
		case myRefused(p.err):
			return unanswered(denied(s.where, p.err.Error(), myGrant))
		case p.err != nil:
			return unanswered(probe.Unknowable("failed", fmt.Sprintf("%s %s 不能回答本项查询：%v", s.where, s.version, p.err)))
		case p.none != "":
			return nothing(s.where + " " + p.none)
		}
		return judge(t, r, s, p.v), nil
	}
}
