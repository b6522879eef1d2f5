package builtin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	ora "github.com/sijms/go-ora/v2"
	"github.com/sijms/go-ora/v2/network"

	"taxops/internal/kernel/probe"
)

// oracleGrant is the least that lets the checks see everything they report; in a container database
// the account is made in each pluggable database that is looked at, and in the root for its own.
const oracleGrant = "CREATE USER taxops IDENTIFIED BY \"…\"; GRANT CREATE SESSION TO taxops; " +
	"GRANT SELECT ON sys.v_$instance, v_$database, v_$resource_limit, v_$recovery_file_dest, v_$dataguard_stats, v_$archive_dest, v_$session, v_$diag_alert_ext（逐个授权）; " +
	"GRANT SELECT ON sys.dba_tablespace_usage_metrics, dba_tablespaces, dba_scheduler_job_run_details, dba_jobs（逐个授权，完整脚本见运维手册）"

// oracle is the overview of an instance and the single questions to it.
func (h host) oracle() []probe.Builtin {
	e := h.oracleEngine()
	return append([]probe.Builtin{e.whole(probe.Builtin{
		Kind: "instance.oracle", TitleZH: "Oracle 实例", TitleEN: "Oracle instance",
		HelpZH: "登录实例并查询 v$instance 与 v$database：能否服务、登录耗时、版本、角色与打开方式；监听不可用、实例未打开、会话已满、归档卡住都在此报告一次，其余 Oracle 检查项不再重复。适用 11g、12c、19c。需要的权限：" + oracleGrant +
			" 变红时：监听不可用——查 lsnrctl status；未打开——看告警日志；会话已满——查连接池；归档卡住（ORA-00257）——先清理恢复区再恢复归档。",
		HelpEN: "Signs in and reads v$instance and v$database: whether the instance serves, how long that takes, version, role and open mode. A listener that is down, an instance that is not open, no free session and a stuck archiver are reported here once. For 11g, 12c and 19c. Needs: " + oracleGrant +
			" When red: for the listener see lsnrctl status; if not open read the alert log; if full look at the pools; for ORA-00257 free the recovery area first.",
		Thresholds: []probe.Threshold{{Metric: "connect_time", Warn: "2", Crit: "5", Unit: "s"}},
	}, func(r *probe.Report, s *oracleState) string {
		r.Measure("connect_time", "登录耗时", s.connect.Seconds(), "s")
		a := s.about
		if a.status != "OPEN" && !strings.HasPrefix(a.role, "PHYSICAL STANDBY") {
			r.Raise(probe.Critical, "not_open", "实例状态为 "+a.status+"，未打开")
		}
		figures := fmt.Sprintf("%s %s，%s（%s，%s）", s.where, a.version, a.name, a.role, a.openMode)
		if a.log == "NOARCHIVELOG" {
			figures += "，未启用归档"
		}
		return figures
	})}, e.all(oracleQuestions())...)
}

// oracleEngine is the family of kinds that sign in to an Oracle database.
func (h host) oracleEngine() engine[*oracleState] {
	shared := &share[*oracleState]{}
	return engine[*oracleState]{
		params: []probe.Param{
			{Name: "host", Type: "string", Default: "127.0.0.1", TitleZH: "主机", TitleEN: "Host"},
			{Name: "port", Type: "int", Default: 1521, TitleZH: "监听端口", TitleEN: "Listener port"},
			{Name: "service", Type: "string", TitleZH: "服务名", TitleEN: "Service name"},
			{Name: "sid", Type: "string", TitleZH: "SID（无服务名时）", TitleEN: "SID (without a service name)"},
			{Name: "user", Type: "string", Default: "taxops", TitleZH: "账户", TitleEN: "User"},
			{Name: "password", Type: "string", Secret: true, TitleZH: "密码", TitleEN: "Password"},
			{Name: "tls", Type: "string", Default: "disable", TitleZH: "TLS 方式（disable、require、verify）", TitleEN: "TLS mode (disable, require, verify)"},
		},
		check: checkOracle, target: oracleTarget, overview: "instance.oracle", overviewZH: "Oracle 实例",
		verified: verifiedSamples, verifiedOn: "Oracle 11.2, 12.2, 19.3 recorded answers, 2026-11",
		facts: func(ctx context.Context, t probe.Target) (*oracleState, *probe.Result) {
			ctx, cancel := answerBy(ctx, instanceAnswer)
			defer cancel()
			where := "Oracle " + oracleTarget(t.Params)
			s, took, err := shared.get(ctx, t.Since, shareKey(t.Params, "host", "port", "service", "sid", "user", "password", "tls"), func(ctx context.Context) (*oracleState, error) {
				return oracleCollect(ctx, where, func(ctx context.Context) (*sql.DB, error) { return oracleConnect(ctx, t.Params) })
			})
			if err != nil {
				r := oracleProblem(where, err, took)
				return nil, &r
			}
			return s, nil
		},
		name: func(_ probe.Target, s *oracleState) string { return s.where },
	}
}

func checkOracle(p map[string]any) error {
	service, _ := p["service"].(string)
	sid, _ := p["sid"].(string)
	if (service == "") == (sid == "") {
		return errors.New("either service or sid is needed")
	}
	switch mode, _ := p["tls"].(string); mode {
	case "disable", "require", "verify":
	default:
		return fmt.Errorf("tls %q is none of disable, require, verify", mode)
	}
	return checkPort(p)
}

func oracleTarget(p map[string]any) string {
	name, _ := p["service"].(string)
	if name == "" {
		name, _ = p["sid"].(string)
	}
	return hostPort(p) + "/" + name
}

// oracleConnect signs in and keeps one connection. Nothing of this program's environment (TNS_ADMIN,
// wallets) plays in.
func oracleConnect(ctx context.Context, p map[string]any) (*sql.DB, error) {
	text := func(name string) string { s, _ := p[name].(string); return s }
	port, _ := p["port"].(int)
	options := map[string]string{"CONNECTION TIMEOUT": strconv.Itoa(int(instanceAnswer / time.Second)), "PROGRAM": "taxops"}
	if sid := text("sid"); sid != "" {
		options["SID"] = sid
	}
	switch text("tls") {
	case "require":
		options["SSL"], options["SSL VERIFY"] = "true", "false"
	case "verify":
		options["SSL"], options["SSL VERIFY"] = "true", "true"
	}
	connector := ora.NewConnector(ora.BuildUrl(text("host"), port, text("service"), text("user"), text("password"), options))
	if c, ok := connector.(*ora.OracleConnector); ok {
		c.Dialer(dialer(ctx))
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("connect to Oracle: %w", err)
	}
	return db, nil
}

// sqlOracle runs the statement of a data check; its settings name the service "database".
func sqlOracle(ctx context.Context, p map[string]any, text string, row func([]string, []datum) error) error {
	host, _ := p["host"].(string)
	if host == "" {
		host = "127.0.0.1"
	}
	db, err := oracleConnect(ctx, map[string]any{"host": host, "port": p["port"], "service": p["database"], "user": p["user"], "password": p["password"], "tls": p["tls"]})
	if err != nil {
		return err
	}
	defer db.Close()
	// A read-only transaction is asked for by a statement of its own: the driver cannot begin one.
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	if _, err := tx.ExecContext(ctx, "SET TRANSACTION READ ONLY"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return sqlRows(ctx, tx, text, row)
}

func oracleCode(err error) int {
	var e *network.OracleError
	if errors.As(err, &e) {
		return e.ErrCode
	}
	return 0
}

// oracleRefused reports whether the server refused the account or what it asked, as opposed to not
// working. A view that the account may not see does not exist for it (942).
func oracleRefused(err error) bool {
	switch oracleCode(err) {
	case 1017, 1045, 28000, 28001, 942, 1031, 1039, 12506:
		return true
	}
	return false
}

func oracleSaid(err error) string {
	said, _, _ := strings.Cut(err.Error(), " error occur at position")
	if at := strings.Index(said, "ORA-"); at > 0 {
		said = said[at:]
	}
	return strings.TrimSpace(strings.ReplaceAll(said, "\n", " "))
}

func oracleProblem(where string, err error, took time.Duration) probe.Result {
	code := oracleCode(err)
	critical := func(reason probe.Reason, text string) probe.Result {
		return dialProblem{probe.Critical, reason, where + " " + text + "：" + oracleSaid(err)}.result()
	}
	switch {
	case code == 0 && (isTimeout(err) || errors.Is(err, network.ErrConnReset)):
		return silence(where, took, "登录")
	case code == 0:
		var op *net.OpError
		if errors.As(err, &op) || isNetwork(err) {
			return networkProblem(where, err, took).result()
		}
		return dialProblem{probe.Critical, "failed", where + " 连接失败：" + oracleSaid(err)}.result()
	case oracleRefused(err):
		return denied(where, oracleSaid(err), oracleGrant)
	}
	switch code {
	case 12514, 12505:
		return probe.Unknowable("no_database", where+" 的监听不认识所填的服务名或 SID（实例未注册，或填写有误）："+oracleSaid(err))
	case 1033, 1034, 1089, 1090, 12526, 12527, 12528:
		return critical("starting", "实例未打开、正在启动或关闭")
	case 18, 20, 12516, 12519, 12520:
		return critical("connections_full", "会话或进程数已满")
	case 257:
		return critical("archiver_stuck", "归档卡住，实例已停止接受写入")
	case 1013:
		return silence(where, took, "查询")
	case 28, 1012, 3113, 3114, 3135, 12537:
		return critical("reset", "连接后被断开")
	}
	return critical("failed", "报错")
}

func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n)
}
