package builtin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/probe"
)

// sqlAnswer is how long one question to business data may take, and sqlTimeout the whole check.
const (
	sqlAnswer  = 60 * time.Second
	sqlTimeout = 90 * time.Second
)

// datum is one value of an answer as text; numbers and times are read from it.
type datum struct {
	text string
	null bool
}

func (c datum) number() (float64, bool) {
	if c.null {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(c.text), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// sqlTimes are the forms in which the engines write a time.
var sqlTimes = []string{
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07", time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02",
}

// shanghai is the zone of times that name none: the databases of the bureau run there.
var shanghai = time.FixedZone("CST", 8*3600)

func (c datum) time() (time.Time, bool) {
	if c.null {
		return time.Time{}, false
	}
	for _, layout := range sqlTimes {
		if t, err := time.ParseInLocation(layout, strings.TrimSpace(c.text), shanghai); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// sqlParams are the settings that reach a database; prefix and the two words set the second of two apart.
func sqlParams(prefix, zh, en string) []probe.Param {
	p := []probe.Param{
		{Name: "engine", Type: "string", Default: "postgresql", TitleZH: "数据库类型（postgresql、mysql、oracle；人大金仓、openGauss 填 postgresql）", TitleEN: "Engine (postgresql, mysql, oracle; postgresql for KingbaseES and openGauss)"},
		{Name: "host", Type: "string", TitleZH: "主机（空为本机）", TitleEN: "Host (empty for this one)"},
		{Name: "port", Type: "int", Default: 0, TitleZH: "端口（0 为该类型的默认端口）", TitleEN: "Port (0 for the usual one)"},
		{Name: "socket", Type: "string", TitleZH: "套接字（PostgreSQL 为目录，MySQL 为文件）", TitleEN: "Socket (directory for PostgreSQL, file for MySQL)"},
		{Name: "user", Type: "string", TitleZH: "账户（空为本机默认账户）", TitleEN: "User (empty for the local default)"},
		{Name: "password", Type: "string", Secret: true, TitleZH: "密码", TitleEN: "Password"},
		{Name: "database", Type: "string", TitleZH: "数据库（Oracle 为服务名）", TitleEN: "Database (service name for Oracle)"},
		{Name: "tls", Type: "string", Default: "prefer", TitleZH: "TLS 方式（disable、prefer、require）", TitleEN: "TLS mode (disable, prefer, require)"},
		{Name: "sql", Type: "string", Required: true, TitleZH: "查询语句（一条 SELECT）", TitleEN: "Statement (one SELECT)"},
	}
	for i := range p {
		p[i].Name = prefix + p[i].Name
		p[i].TitleZH, p[i].TitleEN = zh+p[i].TitleZH, en+p[i].TitleEN
	}
	return p
}

// sqlSettings picks the settings of one database and gives them the names its own kinds use.
func sqlSettings(params map[string]any, prefix string) map[string]any {
	out := make(map[string]any)
	for k, v := range params {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			out[name] = v
		}
	}
	engine, _ := out["engine"].(string)
	usual := map[string]int{"postgresql": 5432, "mysql": 3306, "oracle": 1521}[engine]
	if port, _ := out["port"].(int); port == 0 {
		out["port"] = usual
	}
	mode, _ := out["tls"].(string)
	switch engine {
	case "postgresql":
		out["sslmode"] = mode
		if d, _ := out["database"].(string); d == "" {
			out["database"] = "postgres"
		}
	case "mysql":
		out["tls"] = map[string]string{"disable": "false", "prefer": "preferred", "require": "true"}[mode]
	}
	return out
}

func checkSQLParams(prefixes ...string) func(map[string]any) error {
	return func(p map[string]any) error {
		for _, prefix := range prefixes {
			switch e, _ := p[prefix+"engine"].(string); e {
			case "postgresql", "mysql", "oracle":
			default:
				return fmt.Errorf("%sengine %q is none of postgresql, mysql, oracle", prefix, e)
			}
			switch m, _ := p[prefix+"tls"].(string); m {
			case "disable", "prefer", "require":
			default:
				return fmt.Errorf("%stls %q is none of disable, prefer, require", prefix, m)
			}
			if port, _ := p[prefix+"port"].(int); port < 0 || port > 65535 {
				return fmt.Errorf("%sport %d is not between 0 and 65535", prefix, port)
			}
			if text, _ := p[prefix+"sql"].(string); text != "" {
				if err := checkSQL(text); err != nil {
					return fmt.Errorf("%w", err)
				}
			}
		}
		return nil
	}
}

// sqlTarget names the database and the beginning of the question.
func sqlTarget(prefix string) func(map[string]any) string {
	return func(params map[string]any) string {
		p := sqlSettings(params, prefix)
		where := instanceTarget(p)
		if p["engine"] == "postgresql" {
			where = pgTarget(p)
		}
		if d, _ := p["database"].(string); d != "" {
			where += "/" + d
		}
		text, _ := p["sql"].(string)
		text = strings.Join(strings.Fields(text), " ")
		if r := []rune(text); len(r) > 60 {
			text = string(r[:60]) + "…"
		}
		return where + " " + text
	}
}

// errTooMany is an answer of more rows than a check takes.
var errTooMany = errors.New("more rows than a check takes")

// sqlEach runs the one statement of a check in a read-only transaction that is rolled back, with the
// server's own limit of time, and hands on each row as text.
func sqlEach(ctx context.Context, p map[string]any, most int, row func(columns []string, values []datum) error) error {
	text, _ := p["sql"].(string)
	if err := checkSQL(text); err != nil {
		return err
	}
	count := 0
	counted := func(columns []string, values []datum) error {
		if count++; count > most {
			return errTooMany
		}
		return row(columns, values)
	}
	text = strings.TrimRight(strings.TrimSpace(text), "; \n\t")
	switch p["engine"] {
	case "mysql":
		return sqlMySQL(ctx, p, text, counted)
	case "oracle":
		return sqlOracle(ctx, p, text, counted)
	}
	return sqlPostgres(ctx, p, text, counted)
}

func sqlPostgres(ctx context.Context, p map[string]any, text string, row func([]string, []datum) error) error {
	user, _ := p["user"].(string)
	conn, err := signIn(ctx, user, pgDefaults(), func(ctx context.Context, user string) (*pgx.Conn, error) { return pgConnect(ctx, p, user) }, pgRefused)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
		defer cancel()
		_ = conn.Close(ctx) //nolint:errcheck // nothing was changed
	}()
	if _, err := conn.Exec(ctx, "BEGIN READ ONLY; SET LOCAL statement_timeout = '60s'"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// The extended protocol takes one statement only, and gives every value as text.
	result := conn.PgConn().ExecParams(ctx, text, nil, nil, nil, nil)
	var columns []string
	for result.NextRow() {
		if columns == nil {
			for _, f := range result.FieldDescriptions() {
				columns = append(columns, f.Name)
			}
		}
		values := make([]datum, len(columns))
		for i, v := range result.Values() {
			values[i] = datum{string(v), v == nil}
		}
		if err := row(columns, values); err != nil {
			// What was not read yet is not waited for: the connection ends with the check.
			return err
		}
	}
	if _, err := result.Close(); err != nil {
		return fmt.Errorf("run the statement: %w", err)
	}
	return nil
}

func sqlMySQL(ctx context.Context, p map[string]any, text string, row func([]string, []datum) error) error {
	user, _ := p["user"].(string)
	db, err := signIn(ctx, user, myDefaults(), func(ctx context.Context, user string) (*sql.DB, error) { return myConnect(ctx, p, user) }, myRefused)
	if err != nil {
		return err
	}
	defer db.Close()
	// MariaDB counts seconds, MySQL milliseconds; a server that knows neither is held by the context.
	for _, limit := range []string{"SET SESSION max_statement_time = 60", "SET SESSION max_execution_time = 60000"} {
		if _, err := db.ExecContext(ctx, limit); err == nil {
			break
		} else if myCode(err) != 1193 {
			return fmt.Errorf("limit the time of a statement: %w", err)
		}
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	return sqlRows(ctx, tx, text, row)
}

// sqlRows reads an answer through database/sql.
func sqlRows(ctx context.Context, tx *sql.Tx, text string, row func([]string, []datum) error) error {
	rows, err := tx.QueryContext(ctx, text)
	if err != nil {
		return fmt.Errorf("run the statement: %w", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("columns of the answer: %w", err)
	}
	raw := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range raw {
		into[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		values := make([]datum, len(columns))
		for i, v := range raw {
			values[i] = datumOf(v)
		}
		if err := row(columns, values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("run the statement: %w", err)
	}
	return nil
}

// datumOf writes a driver's value as text.
func datumOf(v any) datum {
	switch x := v.(type) {
	case nil:
		return datum{null: true}
	case []byte:
		return datum{text: string(x)}
	case string:
		return datum{text: x}
	case time.Time:
		return datum{text: x.Format(time.RFC3339Nano)}
	case float64:
		return datum{text: strconv.FormatFloat(x, 'f', -1, 64)}
	}
	return datum{text: fmt.Sprint(v)}
}

// sqlProblem turns a failed question into a result.
func sqlProblem(p map[string]any, err error, took time.Duration) probe.Result {
	where := instanceTarget(p)
	var r probe.Result
	switch {
	case errors.Is(err, errTooMany):
		return probe.Unknowable("bad_answer", "查询返回的行数超过本检查项的上限，请在语句中汇总")
	case errors.Is(err, errBadAnswer):
		return probe.Unknowable("bad_answer", err.Error())
	case p["engine"] == "mysql":
		r = myProblem("MySQL "+where, err, took)
	case p["engine"] == "oracle":
		r = oracleProblem("Oracle "+where, err, took)
	default:
		r = pgProblem(pgTarget(p), err, took)
	}
	// Whether the instance serves is its own check; here the question was not answered.
	if r.State == probe.Critical {
		r.State = probe.Unknown
	}
	return r
}

// sqlQuestion is a kind that asks one statement of one database.
type sqlQuestion struct {
	kind, zh, en     string
	helpZH, helpEN   string
	contractZH       string // what the statement returns
	contractEN       string
	extra            []probe.Param
	check            func(map[string]any) error
	thresholds       []probe.Threshold
	rows             int // most rows that are taken
	judge            func(t probe.Target, r *probe.Report, columns []string, rows [][]datum) (figures string, bad error)
	redZH, redEN     string
	exampleStatement string
}

func (q sqlQuestion) builtin() probe.Builtin {
	rules := checkSQLParams("")
	return probe.Builtin{
		Kind: "data." + q.kind, Class: probe.Data, TitleZH: q.zh, TitleEN: q.en,
		HelpZH: q.helpZH + "语句在只读事务中执行，限时 60 秒，返回" + q.contractZH + "。例：" + q.exampleStatement + "。请用只能查询所需表的账户。变红时：" + q.redZH,
		HelpEN: q.helpEN + " The statement runs in a read-only transaction of at most 60 seconds and returns " + q.contractEN + ". For example: " + q.exampleStatement + ". Use an account that may only read the tables it needs. When red: " + q.redEN,
		Params: append(sqlParams("", "", ""), q.extra...), Thresholds: q.thresholds,
		Check: func(p map[string]any) error {
			if err := rules(p); err != nil || q.check == nil {
				return err
			}
			return q.check(p)
		},
		Target:   sqlTarget(""),
		Verified: verifiedTested, VerifiedOn: "PostgreSQL 15, MariaDB 10.11, 2026-11", Timeout: sqlTimeout,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			ctx, cancel := answerBy(ctx, sqlAnswer+5*time.Second)
			defer cancel()
			p := sqlSettings(t.Params, "")
			began := time.Now()
			var columns []string
			var rows [][]datum
			err := sqlEach(ctx, p, max(q.rows, 1), func(c []string, v []datum) error {
				columns, rows = c, append(rows, v)
				return nil
			})
			if err != nil {
				return sqlProblem(p, err, time.Since(began))
			}
			r := t.Report()
			r.Record("query_time", time.Since(began).Seconds(), "s")
			figures, bad := q.judge(t, r, columns, rows)
			if bad != nil {
				return probe.Unknowable("bad_answer", fmt.Sprintf("查询结果不符合约定（应返回%s）：%v", q.contractZH, bad))
			}
			return r.Result(figures)
		},
	}
}

// oneNumber reads an answer that is one number.
func oneNumber(rows [][]datum) (float64, error) {
	if len(rows) != 1 || len(rows[0]) == 0 {
		return 0, fmt.Errorf("返回了 %d 行", len(rows))
	}
	v, ok := rows[0][0].number()
	if !ok {
		return 0, errors.New("第一列不是数字")
	}
	return v, nil
}
