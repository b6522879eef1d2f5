package builtin

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sijms/go-ora/v2/network"

	"taxops/internal/kernel/probe"
)

// recorded is a database that answers with what a real one answered; its zero answer is ORA-00942.
type recorded map[string][][]driver.Value

func (r recorded) Connect(context.Context) (driver.Conn, error) { return recordedConn{r}, nil }
func (r recorded) Driver() driver.Driver                        { return nil }

type recordedConn struct{ r recorded }

func (c recordedConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }
func (c recordedConn) Close() error                        { return nil }
func (c recordedConn) Begin() (driver.Tx, error)           { return nil, errors.New("no transaction") }

func (c recordedConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	rows, known := c.r[query]
	if !known {
		return nil, &network.OracleError{ErrCode: 942, ErrMsg: "ORA-00942: table or view does not exist"}
	}
	return &recordedRows{rows: rows}, nil
}

type recordedRows struct {
	rows [][]driver.Value
	next int
}

func (r *recordedRows) Columns() []string {
	if len(r.rows) == 0 {
		return nil
	}
	return make([]string, len(r.rows[0]))
}
func (r *recordedRows) Close() error { return nil }
func (r *recordedRows) Next(into []driver.Value) error {
	if r.next == len(r.rows) {
		return io.EOF
	}
	copy(into, r.rows[r.next])
	r.next++
	return nil
}

type row = []driver.Value

// oracle11, oracle12 and oracle19 are answers as those versions give them: numbers as text or float,
// a recovery area that 11g XE lacks, a pluggable database without limits, a standby of 19c.
func oracle11() recorded {
	return recorded{
		oraAbout:       {row{"11.2.0.4.0", "OPEN", "TAX", "PRIMARY", "READ WRITE", "ARCHIVELOG"}},
		oraTablespaces: {row{"USERS", "PERMANENT", "33285996544", "34359721984", "96.87"}, row{"SYSTEM", "PERMANENT", "838860800", "34359721984", "2.44"}, row{"TEMP", "TEMPORARY", "1", "1", "100"}},
		oraRecovery:    {row{"+FRA", "92341796864", "107374182400"}},
		oraLimits:      {row{"processes", "140", "149", "150"}, row{"sessions", "120", "171", "248"}},
		oraStandbys:    {row{"2", "LOG_ARCHIVE_DEST_2", "ERROR", "ORA-12541: TNS:no listener"}},
		oraWaits:       {row{"0", "0", " "}},
		oraJobs:        {row{"TAX.P_DAY_REPORT", "3", "2026-11-24 02:00:11", "1555"}},
		oraOldJobs:     {row{"DBMS_JOB 21", "16", "2026-11-20 01:00:00", "Y"}},
		oraAlerts: {
			row{"2026-11-24T08:30:00.123Z", "Errors in file /u01/diag/rdbms/tax/tax1/trace/tax1_ora_11.trc:\nORA-01578: ORACLE data block corrupted (file # 7, block # 131)"},
			row{"2026-11-23T20:00:00.000Z", "ORA-00600: internal error code, arguments: [kdsgrp1]"},
		},
	}
}

func oracle12() recorded {
	return recorded{
		oraAbout:       {row{"12.2.0.1.0", "OPEN", "CDBTAX", "PRIMARY", "READ WRITE", "NOARCHIVELOG"}},
		oraTablespaces: {row{"TAXDATA", "PERMANENT", float64(5 << 30), float64(32 << 30), 15.6}},
		oraRecovery:    {row{nil, "0", "0"}},
		oraLimits:      {},
		oraStandbys:    {},
		oraWaits:       {row{int64(7), int64(45), "131 TAX 等待 17"}},
		oraJobs:        {}, oraOldJobs: {}, oraAlerts: {},
	}
}

func oracle19() recorded {
	return recorded{
		oraAbout:    {row{"19.0.0.0.0", "MOUNTED", "TAXDG", "PHYSICAL STANDBY", "MOUNTED", "ARCHIVELOG"}},
		oraRecovery: {row{"/u01/fra", "1073741824", "107374182400"}},
		oraLimits:   {row{"sessions", "30", "40", "         UNLIMITED"}, row{"processes", "20", "30", "1000"}},
		oraGuard:    {row{"transport lag", "+00 00:00:02"}, row{"apply lag", "+00 00:07:31"}},
		oraStandbys: {}, oraWaits: {row{"0", "0", " "}}, oraAlerts: {},
	}
}

func askRecorded(t *testing.T, r recorded, kind string, memory probe.Memory) probe.Result {
	t.Helper()
	s, err := oracleCollect(t.Context(), "Oracle 10.0.0.9:1521/tax", func(context.Context) (*sql.DB, error) { return sql.OpenDB(r), nil })
	if err != nil {
		return oracleProblem("Oracle 10.0.0.9:1521/tax", err, 0)
	}
	for _, q := range oracleQuestions() {
		if q.kind == kind {
			e := newHost(Deps{}).oracleEngine()
			e.facts = func(context.Context, probe.Target) (*oracleState, *probe.Result) { return s, nil }
			b := e.builtin(q)
			return titled(t, b.Kind, b.Run(t.Context(), target(t, b, map[string]any{"service": "tax"}, memory, at)))
		}
	}
	t.Fatalf("no question %s", kind)
	return probe.Result{}
}

func TestJudgeOracle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		judgment
		db recorded
	}{
		{judgment{"oracle_tablespaces", "11g nearly full", probe.Warning, probe.ReasonThreshold, []string{"表空间 USERS 已用 96.9%", "3 个"}}, oracle11()},
		{judgment{"oracle_tablespaces", "12c", probe.OK, "", []string{"TAXDATA 已用 15.6%（5 GiB / 32 GiB）"}}, oracle12()},
		{judgment{"oracle_tablespaces", "19c standby not open", probe.Unknown, probe.ReasonNoSource, []string{"MOUNTED"}}, oracle19()},
		{judgment{"oracle_tablespaces", "no grant", probe.Unknown, probe.ReasonDenied, []string{"ORA-00942", "GRANT"}}, recorded{oraAbout: oracle12()[oraAbout]}},
		{judgment{"oracle_recovery_area", "11g", probe.Warning, probe.ReasonThreshold, []string{"+FRA", "86"}}, oracle11()},
		{judgment{"oracle_recovery_area", "12c has none", probe.Unknown, probe.ReasonNoSource, nil}, oracle12()},
		{judgment{"oracle_sessions", "11g", probe.Warning, probe.ReasonThreshold, []string{"processes 占比 93.3%", "历史最高 171"}}, oracle11()},
		{judgment{"oracle_sessions", "12c pluggable", probe.Unknown, probe.ReasonNoSource, []string{"根容器"}}, oracle12()},
		{judgment{"oracle_sessions", "19c unlimited", probe.OK, "", []string{"processes 20 / 1000"}}, oracle19()},
		{judgment{"oracle_dataguard", "11g primary, standby gone", probe.Critical, "standby_failed", []string{"ORA-12541"}}, oracle11()},
		{judgment{"oracle_dataguard", "12c alone", probe.Unknown, probe.ReasonNoSource, nil}, oracle12()},
		{judgment{"oracle_dataguard", "19c standby lags", probe.Critical, probe.ReasonThreshold, []string{"应用延迟 7.5 分钟"}}, oracle19()},
		{judgment{"oracle_locks", "11g", probe.OK, "", []string{"没有会话在等待锁"}}, oracle11()},
		{judgment{"oracle_locks", "12c", probe.Critical, probe.ReasonThreshold, []string{"131 TAX 等待 17"}}, oracle12()},
		{judgment{"oracle_alert_log", "11g", probe.Critical, probe.ReasonThreshold, []string{"严重错误 2 条", "ORA-01578"}}, oracle11()},
		{judgment{"oracle_alert_log", "12c", probe.OK, "", []string{"没有新的严重错误"}}, oracle12()},
		{judgment{"oracle_jobs", "11g", probe.Warning, probe.ReasonThreshold, []string{"失败的作业 2 个", "TAX.P_DAY_REPORT"}}, oracle11()},
		{judgment{"oracle_jobs", "12c", probe.OK, "", []string{"没有失败的作业"}}, oracle12()},
		{judgment{"oracle_jobs", "19c standby not open", probe.Unknown, probe.ReasonNoSource, nil}, oracle19()},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			wants(t, askRecorded(t, tt.db, tt.kind, nil), tt.state, tt.reason, tt.words...)
		})
	}
}

func TestOracleAlertsAreReportedOnce(t *testing.T) {
	t.Parallel()
	memory := probe.NewMapMemory(nil)
	db := oracle11()
	wants(t, askRecorded(t, db, "oracle_alert_log", memory), probe.Critical, probe.ReasonThreshold, "2 条")
	wants(t, askRecorded(t, db, "oracle_alert_log", memory), probe.OK, "", "没有新的")
	db[oraAlerts] = append([][]driver.Value{{"2026-11-24T08:59:00.000Z", "ORA-07445: exception encountered"}}, db[oraAlerts]...)
	wants(t, askRecorded(t, db, "oracle_alert_log", memory), probe.Critical, probe.ReasonThreshold, "1 条", "ORA-07445")
}

func TestOracleProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code   int
		state  probe.State
		reason probe.Reason
	}{
		{1017, probe.Unknown, probe.ReasonDenied}, {28000, probe.Unknown, probe.ReasonDenied}, {28001, probe.Unknown, probe.ReasonDenied}, {942, probe.Unknown, probe.ReasonDenied},
		{12514, probe.Unknown, "no_database"}, {12505, probe.Unknown, "no_database"}, {1034, probe.Critical, "starting"}, {12528, probe.Critical, "starting"},
		{20, probe.Critical, "connections_full"}, {12519, probe.Critical, "connections_full"}, {257, probe.Critical, "archiver_stuck"}, {1013, probe.Critical, probe.ReasonTimeout},
		{3113, probe.Critical, "reset"}, {600, probe.Critical, "failed"},
	} {
		err := fmt.Errorf("connect: %w", &network.OracleError{ErrCode: tt.code})
		wants(t, oracleProblem("Oracle x", err, 0), tt.state, tt.reason)
	}
	b := newHost(Deps{}).oracle()[0]
	wants(t, run(t, b, map[string]any{"service": "tax", "port": closedPort(t)}, nil), probe.Critical, "refused", "拒绝连接")
	r := run(t, b, map[string]any{"service": "tax", "port": peer(t, hangsUp)}, nil)
	if r.State != probe.Critical {
		t.Errorf("%s %s %s", r.State, r.Reason, r.Summary)
	}
	for _, p := range []map[string]any{{}, {"service": "a", "sid": "b"}, {"service": "a", "tls": "maybe"}, {"service": "a", "port": 0}} {
		if _, err := b.CheckParams(p); err == nil {
			t.Errorf("%v was taken", p)
		}
	}
}

func TestParseInterval(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"+00 00:00:03": 3, "+01 02:03:04": 93784, "-00 00:00:01": -1} {
		if got, ok := parseInterval(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "3", "+00 00:03", "+a 00:00:00", strings.Repeat(":", 5)} {
		if _, ok := parseInterval(text); ok {
			t.Errorf("%q was taken", text)
		}
	}
}
