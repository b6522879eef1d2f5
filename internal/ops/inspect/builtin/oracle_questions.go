package builtin

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// oracleState is what a session brought back from an instance.
type oracleState struct {
	where   string
	connect time.Duration
	about   oracleAbout

	tablespaces part[[]oracleSpace]
	recovery    part[oracleSpace]
	limits      part[[]oracleLimit]
	guard       part[map[string]string] // v$dataguard_stats by name
	standbys    part[[]oracleDest]
	waits       part[pgWaits]
	jobs        part[[]oracleJob]
	alerts      part[[]oracleAlert]
}

type (
	oracleAbout struct{ version, status, name, role, openMode, log string }
	oracleSpace struct {
		name, contents string
		used, most     float64 // bytes, what may still be freed by itself not counted
		percent        float64
	}
	oracleLimit struct {
		name                string
		now, highest, limit float64 // limit 0 is none
	}
	oracleDest struct{ id, name, status, why string }
	oracleJob  struct {
		name string
		runs float64
		last string
		code string
	}
	oracleAlert struct {
		at   time.Time
		text string
	}
)

// What is asked, for 11g, 12c and 19c alike: these views have had these columns since 11.1.
const (
	oraAbout       = `SELECT i.version, i.status, d.name, d.database_role, d.open_mode, d.log_mode FROM v$instance i CROSS JOIN v$database d`
	oraTablespaces = `SELECT m.tablespace_name, t.contents, m.used_space * t.block_size, m.tablespace_size * t.block_size, m.used_percent
		FROM dba_tablespace_usage_metrics m JOIN dba_tablespaces t ON t.tablespace_name = m.tablespace_name WHERE t.status <> 'READ ONLY' ORDER BY m.used_percent DESC`
	oraRecovery = `SELECT name, space_used - space_reclaimable, space_limit FROM v$recovery_file_dest`
	oraLimits   = `SELECT resource_name, current_utilization, max_utilization, TRIM(limit_value) FROM v$resource_limit WHERE resource_name IN ('sessions', 'processes')`
	oraGuard    = `SELECT name, value FROM v$dataguard_stats WHERE name IN ('transport lag', 'apply lag')`
	oraStandbys = `SELECT TO_CHAR(dest_id), dest_name, status, error FROM v$archive_dest WHERE target = 'STANDBY' AND status <> 'INACTIVE'`
	oraWaits    = `SELECT COUNT(*), NVL(MAX(seconds_in_wait), 0), NVL(MIN(sid || ' ' || username || ' 等待 ' || blocking_session), ' ') FROM v$session WHERE blocking_session IS NOT NULL`
	oraJobs     = `SELECT owner || '.' || job_name, COUNT(*), TO_CHAR(MAX(log_date), 'YYYY-MM-DD HH24:MI:SS'), TO_CHAR(MAX(error#)) FROM dba_scheduler_job_run_details
		WHERE status = 'FAILED' AND log_date > SYSTIMESTAMP - INTERVAL '1' DAY GROUP BY owner, job_name ORDER BY 2 DESC`
	oraOldJobs = `SELECT 'DBMS_JOB ' || job, NVL(failures, 0), NVL(TO_CHAR(last_date, 'YYYY-MM-DD HH24:MI:SS'), ' '), broken FROM dba_jobs WHERE broken = 'Y' OR failures > 0`
	// The log itself is the source of what it says; only three days are read, for it may be long.
	oraAlerts = `SELECT TO_CHAR(SYS_EXTRACT_UTC(originating_timestamp), 'YYYY-MM-DD"T"HH24:MI:SS.FF3') || 'Z', message_text FROM v$diag_alert_ext WHERE originating_timestamp > SYSTIMESTAMP - INTERVAL '3' DAY
		AND (message_text LIKE '%ORA-00600%' OR message_text LIKE '%ORA-07445%' OR message_text LIKE '%ORA-01578%' OR message_text LIKE '%ORA-00257%' OR message_text LIKE '%ORA-04031%')
		ORDER BY originating_timestamp DESC`
)

func oracleCollect(ctx context.Context, where string, connect func(context.Context) (*sql.DB, error)) (*oracleState, error) {
	began := time.Now()
	db, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	s := &oracleState{where: where, connect: time.Since(began)}
	about, err := oracleRows(ctx, db, oraAbout, 6)
	if err != nil {
		return nil, err
	}
	if len(about) != 1 {
		return nil, fmt.Errorf("v$instance has %d rows", len(about))
	}
	a := about[0]
	s.about = oracleAbout{a[0].text, a[1].text, a[2].text, a[3].text, a[4].text, a[5].text}
	s.tablespaces = none(askOracleSpaces(ctx, db, s.about))
	s.recovery = none(askOracleRecovery(ctx, db))
	s.limits = none(askOracleLimits(ctx, db))
	s.guard = none(askOracleGuard(ctx, db, s.about))
	s.standbys = none(askOracleStandbys(ctx, db))
	s.waits = none(askOracleWaits(ctx, db))
	s.jobs = none(askOracleJobs(ctx, db, s.about))
	s.alerts = none(askOracleAlerts(ctx, db))
	if ctx.Err() != nil {
		return nil, fmt.Errorf("session broke off: %w", ctx.Err())
	}
	return s, nil
}

// oracleRows reads an answer of so many columns as text; at most a thousand rows.
func oracleRows(ctx context.Context, db *sql.DB, query string, columns int) ([][]datum, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("ask Oracle: %w", err)
	}
	defer rows.Close()
	raw, into := make([]any, columns), make([]any, columns)
	for i := range raw {
		into[i] = &raw[i]
	}
	var out [][]datum
	for rows.Next() && len(out) < 1000 {
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("read what Oracle answers: %w", err)
		}
		row := make([]datum, columns)
		for i, v := range raw {
			row[i] = datumOf(v)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask Oracle: %w", err)
	}
	return out, nil
}

// mounted reports whether the dictionary cannot be read: a standby that is not open.
func (a oracleAbout) mounted() bool { return a.openMode == "MOUNTED" }

const oracleMounted = "备库处于 MOUNTED，数据字典不可查询"

func askOracleSpaces(ctx context.Context, db *sql.DB, a oracleAbout) ([]oracleSpace, error) {
	if a.mounted() {
		return nil, errNone(oracleMounted)
	}
	rows, err := oracleRows(ctx, db, oraTablespaces, 5)
	var list []oracleSpace
	for _, r := range rows {
		used, _ := r[2].number()
		most, _ := r[3].number()
		percent, ok := r[4].number()
		if !ok {
			return nil, fmt.Errorf("usage of tablespace %s is %q", r[0].text, r[4].text)
		}
		list = append(list, oracleSpace{r[0].text, r[1].text, used, most, percent})
	}
	return list, err
}

func askOracleRecovery(ctx context.Context, db *sql.DB) (oracleSpace, error) {
	rows, err := oracleRows(ctx, db, oraRecovery, 3)
	if err != nil {
		return oracleSpace{}, err
	}
	if len(rows) == 0 || rows[0][0].null || rows[0][0].text == "" {
		return oracleSpace{}, errNone("未设快速恢复区")
	}
	used, ok1 := rows[0][1].number()
	most, ok2 := rows[0][2].number()
	if !ok1 || !ok2 || most <= 0 {
		return oracleSpace{}, errNone("快速恢复区没有上限")
	}
	return oracleSpace{rows[0][0].text, "", used, most, 100 * used / most}, nil
}

func askOracleLimits(ctx context.Context, db *sql.DB) ([]oracleLimit, error) {
	rows, err := oracleRows(ctx, db, oraLimits, 4)
	var list []oracleLimit
	for _, r := range rows {
		now, _ := r[1].number()
		highest, _ := r[2].number()
		limit, _ := r[3].number() // UNLIMITED is none
		list = append(list, oracleLimit{r[0].text, now, highest, limit})
	}
	if err == nil && len(list) == 0 {
		return nil, errNone("v$resource_limit 中没有会话与进程上限（可插拔数据库中请对根容器检查）")
	}
	return list, err
}

func askOracleGuard(ctx context.Context, db *sql.DB, a oracleAbout) (map[string]string, error) {
	if !strings.Contains(a.role, "STANDBY") {
		return nil, errNone("不是备库")
	}
	rows, err := oracleRows(ctx, db, oraGuard, 2)
	out := make(map[string]string)
	for _, r := range rows {
		out[r[0].text] = r[1].text
	}
	return out, err
}

func askOracleStandbys(ctx context.Context, db *sql.DB) ([]oracleDest, error) {
	rows, err := oracleRows(ctx, db, oraStandbys, 4)
	var list []oracleDest
	for _, r := range rows {
		list = append(list, oracleDest{r[0].text, r[1].text, r[2].text, r[3].text})
	}
	if err == nil && len(list) == 0 {
		return nil, errNone("没有配置备库")
	}
	return list, err
}

func askOracleWaits(ctx context.Context, db *sql.DB) (w pgWaits, err error) {
	rows, err := oracleRows(ctx, db, oraWaits, 3)
	if err != nil || len(rows) != 1 {
		return w, err
	}
	n, _ := rows[0][0].number()
	longest, _ := rows[0][1].number()
	return pgWaits{int(n), longest, strings.TrimSpace(rows[0][2].text)}, nil
}

func askOracleJobs(ctx context.Context, db *sql.DB, a oracleAbout) ([]oracleJob, error) {
	if a.mounted() {
		return nil, errNone(oracleMounted)
	}
	var list []oracleJob
	for _, query := range []string{oraJobs, oraOldJobs} {
		rows, err := oracleRows(ctx, db, query, 4)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			runs, _ := r[1].number()
			list = append(list, oracleJob{r[0].text, runs, strings.TrimSpace(r[2].text), r[3].text})
		}
	}
	return list, nil
}

func askOracleAlerts(ctx context.Context, db *sql.DB) ([]oracleAlert, error) {
	rows, err := oracleRows(ctx, db, oraAlerts, 2)
	var list []oracleAlert
	for _, r := range rows {
		at, ok := r[0].time()
		if !ok {
			return nil, fmt.Errorf("time of an alert is %q", r[0].text)
		}
		list = append(list, oracleAlert{at, strings.TrimSpace(r[1].text)})
	}
	return list, err
}

// parseInterval reads "+00 00:00:03", days and time.
func parseInterval(s string) (seconds float64, ok bool) {
	sign, rest := 1.0, strings.TrimSpace(s)
	switch {
	case strings.HasPrefix(rest, "+"):
		rest = rest[1:]
	case strings.HasPrefix(rest, "-"):
		sign, rest = -1, rest[1:]
	}
	days, clock, found := strings.Cut(rest, " ")
	parts := strings.Split(clock, ":")
	if !found || len(parts) != 3 {
		return 0, false
	}
	var n [4]float64
	for i, text := range append([]string{days}, parts...) {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || v < 0 {
			return 0, false
		}
		n[i] = v
	}
	return sign * (n[0]*86400 + n[1]*3600 + n[2]*60 + n[3]), true
}

// oracleJudge makes a judge over one part of the session.
func oracleJudge[V any](pick func(*oracleState) part[V], judge func(t probe.Target, r *probe.Report, s *oracleState, v V) string) func(probe.Target, *probe.Report, *oracleState) (string, *probe.Result) {
	return func(t probe.Target, r *probe.Report, s *oracleState) (string, *probe.Result) {
		p := pick(s)
		switch {
		case oracleRefused(p.err):
			return unanswered(denied(s.where, oracleSaid(p.err), oracleGrant))
		case p.err != nil:
			return unanswered(probe.Unknowable("failed", fmt.Sprintf("%s %s 不能回答本项查询：%s", s.where, s.about.version, oracleSaid(p.err))))
		case p.none != "":
			return nothing(s.where + " " + p.none)
		}
		return judge(t, r, s, p.v), nil
	}
}

func oracleQuestions() []question[*oracleState] {
	return []question[*oracleState]{
		{
			kind: "oracle_tablespaces", zh: "Oracle 表空间", en: "Oracle tablespaces",
			helpZH:     "查询 dba_tablespace_usage_metrics：每个表空间按可自动扩展到的上限计算的使用率；临时与回滚表空间只记录。需要的权限：" + oracleGrant + " 变红时：核对磁盘（或磁盘组）余量后增加数据文件；查突增的段，清理回收站与过期分区。",
			helpEN:     "Reads dba_tablespace_usage_metrics: use of each tablespace against what it may grow to; temporary and undo ones are only recorded. Needs: " + oracleGrant + " When red: check the space of the disk (group), add a data file; look for the segment that grew, purge the recycle bin and old partitions.",
			thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "85", Crit: "97", Unit: "%"}},
			judge: oracleJudge(func(s *oracleState) part[[]oracleSpace] { return s.tablespaces }, func(_ probe.Target, r *probe.Report, _ *oracleState, list []oracleSpace) string {
				fullest := oracleSpace{}
				for _, x := range list {
					if x.contents == "TEMPORARY" || x.contents == "UNDO" {
						r.Record("working_percent "+x.name, x.percent, "%")
						continue
					}
					if fullest.name == "" {
						fullest = x
					}
					r.Measure("used_percent "+x.name, "表空间 "+x.name+" 已用", x.percent, "%")
				}
				if fullest.name == "" {
					r.Raise(probe.Unknown, "read_failed", "没有可见的表空间")
					return ""
				}
				return fmt.Sprintf("表空间 %d 个，最满 %s 已用 %s（%s / %s）", len(list), fullest.name, probe.Humanize(fullest.percent, "%"), probe.Humanize(fullest.used, "B"), probe.Humanize(fullest.most, "B"))
			}),
		},
		{
			kind: "oracle_recovery_area", zh: "Oracle 快速恢复区", en: "Oracle recovery area",
			helpZH:     "查询 v$recovery_file_dest：扣除可回收部分后的使用率；写满后归档停止、实例挂起（ORA-00257）。变红时：用 RMAN 删除已备份的归档（勿在操作系统直接删除），或调大 db_recovery_file_dest_size；查备份是否按时。",
			helpEN:     "Reads v$recovery_file_dest: use without what can be reclaimed; when full, archiving stops and the instance hangs (ORA-00257). When red: delete backed-up archive logs with RMAN, never with rm, or raise db_recovery_file_dest_size; see whether backups run.",
			thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "85", Crit: "95", Unit: "%"}},
			judge: oracleJudge(func(s *oracleState) part[oracleSpace] { return s.recovery }, func(_ probe.Target, r *probe.Report, _ *oracleState, x oracleSpace) string {
				r.Measure("used_percent", "恢复区已用", x.percent, "%")
				return fmt.Sprintf("恢复区 %s 已用 %s / %s（%s）", x.name, probe.Humanize(x.used, "B"), probe.Humanize(x.most, "B"), probe.Humanize(x.percent, "%"))
			}),
		},
		{
			kind: "oracle_sessions", zh: "Oracle 会话与进程", en: "Oracle sessions and processes",
			helpZH:     "查询 v$resource_limit：会话数与进程数占上限的比例，并记录历史最高。变红时：按 machine、program 统计 v$session，查未归还连接的连接池；调大 processes 须重启。",
			helpEN:     "Reads v$resource_limit: sessions and processes as a share of their limits, and records the highest. When red: count v$session by machine and program and look for pools that do not return connections; raising processes needs a restart.",
			thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "80", Crit: "95", Unit: "%"}},
			judge: oracleJudge(func(s *oracleState) part[[]oracleLimit] { return s.limits }, func(_ probe.Target, r *probe.Report, _ *oracleState, list []oracleLimit) string {
				var figures []string
				for _, l := range list {
					if l.limit > 0 {
						r.Measure("used_percent "+l.name, l.name+" 占比", 100*l.now/l.limit, "%")
					}
					r.Record("highest "+l.name, l.highest, "")
					figures = append(figures, fmt.Sprintf("%s %.0f / %.0f（历史最高 %.0f）", l.name, l.now, l.limit, l.highest))
				}
				return strings.Join(figures, "，")
			}),
		},
		{
			kind: "oracle_dataguard", zh: "Oracle Data Guard", en: "Oracle Data Guard",
			helpZH:     "备库上查询 v$dataguard_stats 的传输与应用延迟；主库上查询 v$archive_dest 中备库目的地的状态。变红时：传输——查网络与主库日志传输；应用——查 MRP 进程是否在运行、备库磁盘；目的地报错——看 error 列与备库告警日志。",
			helpEN:     "On a standby reads transport and apply lag of v$dataguard_stats; on a primary the state of standby destinations in v$archive_dest. When red: for transport check network and log shipping; for apply whether MRP runs and the standby's disk; for a destination its error and the standby's alert log.",
			thresholds: []probe.Threshold{{Metric: "lag", Warn: "30", Crit: "300", Unit: "s"}},
			judge:      judgeOracleGuard,
		},
		{
			kind: "oracle_locks", zh: "Oracle 锁等待", en: "Oracle lock waits",
			helpZH:     "查询 v$session 中被其他会话阻塞的会话数与最长等待。变红时：沿 blocking_session 找到源头会话，与应用方确认后 ALTER SYSTEM KILL SESSION。",
			helpEN:     "Reads sessions that another blocks in v$session, and the longest wait. When red: follow blocking_session to the first one and kill it after asking the application's owner.",
			thresholds: []probe.Threshold{{Metric: "lock_waits", Warn: "5", Crit: "20"}, {Metric: "lock_wait_time", Warn: "10", Crit: "30", Unit: "s"}},
			judge: oracleJudge(func(s *oracleState) part[pgWaits] { return s.waits }, func(_ probe.Target, r *probe.Report, s *oracleState, w pgWaits) string {
				if w.sessions == 0 {
					w.longest = 0
				}
				return judgePgWaits(probe.Target{}, r, nil, w)
			}),
		},
		{
			kind: "oracle_alert_log", zh: "Oracle 告警日志", en: "Oracle alert log",
			helpZH:     "查询 v$diag_alert_ext：自上次检查以来（首次为三天内）的 ORA-00600、ORA-07445、ORA-01578、ORA-00257、ORA-04031。未授权该视图时，可改用“应用日志”检查项读取 alert_实例名.log。变红时：ORA-01578——先确认备份，用 RMAN 验证并修复坏块；ORA-00600/07445——收集 incident 包交厂商；ORA-00257——清理恢复区。",
			helpEN:     "Reads v$diag_alert_ext: ORA-00600, ORA-07445, ORA-01578, ORA-00257 and ORA-04031 since the last run (the first time: of three days). Without that view use the application-log check on alert_SID.log. When red: for ORA-01578 secure a backup, validate and repair with RMAN; for ORA-00600/07445 pack the incident for the vendor; for ORA-00257 free the recovery area.",
			thresholds: []probe.Threshold{{Metric: "alerts", Crit: "0"}},
			judge:      oracleJudge(func(s *oracleState) part[[]oracleAlert] { return s.alerts }, judgeOracleAlerts),
		},
		{
			kind: "oracle_jobs", zh: "Oracle 失败作业", en: "Oracle failed jobs",
			helpZH:     "查询 dba_scheduler_job_run_details 最近一天失败的作业，与 dba_jobs 中失败或停用（broken）的旧式作业。变红时：看 additional_info 与错误号，修复后手工执行一次并核对数据。",
			helpEN:     "Reads jobs that failed within a day in dba_scheduler_job_run_details, and failed or broken ones of dba_jobs. When red: read additional_info and the error, run it once by hand after the repair and check the data.",
			thresholds: []probe.Threshold{{Metric: "failed_jobs", Warn: "0", Crit: "5"}},
			judge: oracleJudge(func(s *oracleState) part[[]oracleJob] { return s.jobs }, func(_ probe.Target, r *probe.Report, _ *oracleState, list []oracleJob) string {
				for _, j := range list {
					r.Detail(fmt.Sprintf("%s：失败 %.0f 次，最近 %s，错误 %s", j.name, j.runs, j.last, j.code))
				}
				r.Measure("failed_jobs", "失败的作业", float64(len(list)), "")
				if len(list) == 0 {
					return "最近一天没有失败的作业"
				}
				return fmt.Sprintf("失败的作业 %d 个，如 %s", len(list), list[0].name)
			}),
		},
	}
}

func judgeOracleGuard(t probe.Target, r *probe.Report, s *oracleState) (string, *probe.Result) {
	if s.guard.none != "" && s.standbys.none != "" {
		return nothing(s.where + " 既不是备库，也没有配置备库")
	}
	if s.guard.none == "" {
		return oracleJudge(func(s *oracleState) part[map[string]string] { return s.guard }, judgeOracleLag)(t, r, s)
	}
	return oracleJudge(func(s *oracleState) part[[]oracleDest] { return s.standbys }, func(_ probe.Target, r *probe.Report, _ *oracleState, list []oracleDest) string {
		valid := 0
		for _, d := range list {
			if d.status == "VALID" {
				valid++
				continue
			}
			r.Raise(probe.Critical, "standby_failed", fmt.Sprintf("备库目的地 %s 状态为 %s %s", d.name, d.status, d.why))
		}
		r.Record("standbys", float64(len(list)), "")
		return fmt.Sprintf("主库，备库目的地 %d 个，正常 %d 个", len(list), valid)
	})(t, r, s)
}

func judgeOracleLag(_ probe.Target, r *probe.Report, _ *oracleState, stats map[string]string) string {
	var figures []string
	for _, x := range []struct{ name, label, title string }{{"transport lag", "lag transport", "传输延迟"}, {"apply lag", "lag apply", "应用延迟"}} {
		lag, ok := parseInterval(stats[x.name])
		if !ok {
			r.Raise(probe.Critical, "no_lag", x.title+"未知（备库未在接收或应用日志）")
			continue
		}
		r.Measure(x.label, x.title, lag, "s")
		figures = append(figures, x.title+" "+probe.Humanize(lag, "s"))
	}
	return "备库，" + strings.Join(figures, "，")
}

func judgeOracleAlerts(t probe.Target, r *probe.Report, _ *oracleState, list []oracleAlert) string {
	text, _ := t.Memory.Get("seen")
	micro, err := strconv.ParseInt(text, 10, 64)
	seen := time.UnixMicro(micro)
	if err != nil {
		seen = time.Time{}
	}
	newest, count := seen, 0
	for _, a := range list {
		if !a.at.After(seen) {
			continue
		}
		count++
		if a.at.After(newest) {
			newest = a.at
		}
		if count <= 50 {
			r.Detail(a.at.In(shanghai).Format("01-02 15:04:05") + " " + a.text)
		}
	}
	if !newest.IsZero() {
		t.Memory.Set("seen", strconv.FormatInt(newest.UnixMicro(), 10))
	}
	r.Measure("alerts", "告警日志中的严重错误", float64(count), "")
	if count == 0 {
		return "没有新的严重错误"
	}
	return fmt.Sprintf("严重错误 %d 条，最近：%s", count, list[0].text)
}
