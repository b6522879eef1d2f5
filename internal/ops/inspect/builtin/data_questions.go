package builtin

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// dataKinds are the kinds that look at business data and its way to others.
func (h host) dataKinds() []probe.Builtin {
	var list []probe.Builtin
	for _, q := range sqlQuestions() {
		list = append(list, q.builtin())
	}
	return append(list, h.dataDifference(), h.backupAge(), h.restoreDrill(), h.fileArrival(), h.spoolAge(), h.rabbitQueues(), h.rabbitDeadLetters(), h.natsStreams())
}

func sqlQuestions() []sqlQuestion {
	return []sqlQuestion{
		{
			kind: "sql_number", zh: "查询数值", en: "Number from a query",
			helpZH:     "执行一条查询，按阈值判断每个数字列。阈值须自行设定，缺省只记录。",
			helpEN:     "Runs one statement and judges each column that is a number. Set thresholds yourself; by default the figures are only recorded.",
			contractZH: "一行，其中至少一列是数字", contractEN: "one row with at least one number",
			exampleStatement: "SELECT count(*) AS unpaid FROM tax_order WHERE state = 'unpaid'",
			thresholds:       []probe.Threshold{{Metric: "value"}},
			redZH:            "在数据库中执行同一语句，再按业务含义处理。", redEN: "run the same statement in the database and act by what it means.",
			judge: judgeNumbers,
		},
		{
			kind: "row_band", zh: "行数波动", en: "Row count band",
			helpZH:     "统计一个已结束的时段（通常为昨天）的行数，与最近八周同一星期几的中位数比较；不足两个同日时与最近七天比较，仍不足则只积累。",
			helpEN:     "Counts the rows of a closed span (mostly yesterday) and compares with the median of the same weekday of the last eight weeks; with the last seven days while there are fewer than two such days; until then it only gathers.",
			contractZH: "一行一列的数字", contractEN: "one number",
			exampleStatement: "SELECT count(*) FROM invoice WHERE created_at >= current_date - 1 AND created_at < current_date",
			thresholds:       []probe.Threshold{{Metric: "deviation_percent", Warn: "-30:30", Crit: "-60:60", Unit: "%"}},
			redZH:            "先看上游是否停推、重推或改口径，再核对节假日与征期；确属正常的业务变化，可调整阈值并写明原因。",
			redEN:            "see whether the source stopped, repeated or redefined something, then holidays and filing periods; if it is real business, change the thresholds with a reason.",
			judge:            judgeBand,
		},
		{
			kind: "orphans", zh: "孤儿记录", en: "Orphaned rows",
			helpZH:     "统计找不到所属主记录的明细。",
			helpEN:     "Counts rows whose parent does not exist.",
			contractZH: "一行一列的数字", contractEN: "one number",
			exampleStatement: "SELECT count(*) FROM invoice_item i LEFT JOIN invoice v ON v.id = i.invoice_id WHERE v.id IS NULL",
			thresholds:       []probe.Threshold{{Metric: "orphans", Warn: "0", Crit: "100"}},
			redZH:            "按创建时间找出何时开始，核对当时的发布、补数或删除操作；修复须经数据变更审批。",
			redEN:            "find out since when by creation time and which release, reload or deletion happened then; repairs need an approved data change.",
			judge:            judgeCount("orphans", "孤儿记录"),
		},
		{
			kind: "serial_gaps", zh: "编号断号与重号", en: "Gaps in serial numbers",
			helpZH:     "按序列检查凭证号、流水号、印章号等应连续编号的断号与重号。",
			helpEN:     "Looks for missing and doubled numbers in series that must have neither: vouchers, waybills, seals.",
			contractZH: "每个序列一行：序列名、最小号、最大号、不同号的个数，可再加总行数", contractEN: "one row a series: name, lowest, highest, count of distinct numbers, and optionally count of rows",
			exampleStatement: "SELECT series, min(no), max(no), count(DISTINCT no), count(*) FROM voucher GROUP BY series",
			thresholds:       []probe.Threshold{{Metric: "gaps", Warn: "0", Crit: "10"}, {Metric: "doubles", Crit: "0"}},
			redZH:            "断号——核对回滚、作废与未落库的业务；重号——立即停止该序列的开具并上报，查并发取号。",
			redEN:            "for gaps look at rollbacks, voids and lost writes; for doubles stop issuing from that series at once, report it, and look at concurrent numbering.",
			rows:             1000, judge: judgeSerials,
		},
		{
			kind: "push_oldest", zh: "最早未确认推送", en: "Oldest unacknowledged push",
			helpZH:     "对方尚未确认的推送中最早的一条已等待多久。",
			helpEN:     "How long the oldest push that its receiver has not acknowledged has waited.",
			contractZH: "一行一列：最早的时间，或已等待的秒数；没有时为 NULL", contractEN: "one value: the earliest time, or the seconds waited; NULL when there is none",
			exampleStatement: "SELECT min(sent_at) FROM push_record WHERE acked_at IS NULL",
			thresholds:       []probe.Threshold{{Metric: "oldest_wait", Warn: "600", Crit: "1800", Unit: "s"}},
			redZH:            "查推送程序是否在运行、对方接口是否应答、网闸与专线是否通畅；积压恢复后核对有无丢失与重复。",
			redEN:            "see whether the sender runs, the receiver answers and the line is up; when the backlog is gone check for losses and doubles.",
			judge:            judgeOldest,
		},
		{
			kind: "push_failures", zh: "推送失败率", en: "Push failures",
			helpZH:     "一段时间（通常为最近一小时）内推送失败的比例。",
			helpEN:     "The share of pushes that failed within some span, mostly the last hour.",
			contractZH: "一行两列：失败数、总数", contractEN: "one row: failed, all",
			exampleStatement: "SELECT count(CASE WHEN state = 'failed' THEN 1 END), count(*) FROM push_record WHERE sent_at > now() - interval '1 hour'",
			thresholds:       []probe.Threshold{{Metric: "failed_percent", Warn: "1", Crit: "5", Unit: "%"}},
			redZH:            "按错误码归类，先看是否集中于同一接收方或同一字段；修复后重推并核对。",
			redEN:            "group by error code, see whether one receiver or one field stands out; push again after the repair and reconcile.",
			judge:            judgeFailures,
		},
		{
			kind: "dead_letters", zh: "死信", en: "Dead letters",
			helpZH:     "多次重试仍失败而被搁置的消息数。",
			helpEN:     "Messages that were set aside after all retries failed.",
			contractZH: "一行一列的数字", contractEN: "one number",
			exampleStatement: "SELECT count(*) FROM push_record WHERE state = 'dead'",
			thresholds:       []probe.Threshold{{Metric: "dead_letters", Warn: "0", Crit: "9"}},
			redZH:            "逐条看失败原因，修复后重新投递；不可直接删除，每条都是未送达的业务。",
			redEN:            "read why each failed and deliver again after the repair; never just delete them, each is business that did not arrive.",
			judge:            judgeCount("dead_letters", "死信"),
		},
		{
			kind: "extract_deadline", zh: "抽取按时完成", en: "Extraction by its deadline",
			helpZH:     "到规定时刻（北京时间）仍未完成当日抽取、加工或推送的，按逾期时长报警。",
			helpEN:     "When the extraction, processing or push of the day is not done by its time of day (Beijing), judges by how late it is.",
			contractZH: "一行一列：最近一次完成的时间；从未完成时为 NULL", contractEN: "one value: when it last finished; NULL for never",
			exampleStatement: "SELECT max(finished_at) FROM extract_log WHERE state = 'done'",
			extra: []probe.Param{
				{Name: "deadline", Type: "string", Default: "08:00", TitleZH: "完成时限（时:分，北京时间）", TitleEN: "Deadline (HH:MM, Beijing)"},
				{Name: "window_start", Type: "string", Default: "00:00", TitleZH: "不早于（时:分；此后完成的才算当日）", TitleEN: "Not before (HH:MM; only what finished after it counts for the day)"},
				{Name: "days", Type: "string", Default: "daily", TitleZH: "哪些天（daily 每天，weekdays 周一至周五）", TitleEN: "Days (daily, weekdays)"},
			},
			check:      checkDeadline,
			thresholds: []probe.Threshold{{Metric: "overdue", Warn: "0", Crit: "3600", Unit: "s"}},
			redZH:      "看调度与任务日志：是未启动、仍在运行还是失败；按依赖关系从上游补跑，并告知用数的人。",
			redEN:      "read the scheduler and the task's log: did it not start, does it still run, did it fail; run again from the source down and tell those who wait for the data.",
			judge:      judgeDeadline,
		},
	}
}

func judgeNumbers(_ probe.Target, r *probe.Report, columns []string, rows [][]datum) (string, error) {
	if len(rows) != 1 {
		return "", fmt.Errorf("返回了 %d 行", len(rows))
	}
	var figures []string
	numbers := 0
	for i, c := range rows[0] {
		v, ok := c.number()
		switch {
		case ok:
			numbers++
			r.Measure("value "+columns[i], columns[i], v, "")
			figures = append(figures, columns[i]+" "+probe.Humanize(v, ""))
		case !c.null:
			r.Detail(columns[i] + "：" + c.text)
		}
	}
	if numbers == 0 {
		return "", errors.New("没有数字列")
	}
	return strings.Join(figures, "，"), nil
}

func judgeCount(metric, title string) func(probe.Target, *probe.Report, []string, [][]datum) (string, error) {
	return func(_ probe.Target, r *probe.Report, _ []string, rows [][]datum) (string, error) {
		v, err := oneNumber(rows)
		if err != nil {
			return "", err
		}
		r.Measure(metric, title, v, "")
		return fmt.Sprintf("%s %.0f 条", title, v), nil
	}
}

// bandDays is how many days of counts are remembered: eight weeks and the day itself.
const bandDays = 57

// judgeBand compares the count of today's look with what the same weekday usually says. Each day
// keeps its last count; today's own never enters the comparison.
func judgeBand(t probe.Target, r *probe.Report, _ []string, rows [][]datum) (string, error) {
	v, err := oneNumber(rows)
	if err != nil {
		return "", err
	}
	today := (t.Now().Unix() + 8*3600) / 86400 // the day in Shanghai
	days := map[int64]float64{}
	text, _ := t.Memory.Get("days")
	if json.Unmarshal([]byte(text), &days) != nil {
		days = map[int64]float64{} // what cannot be read is forgotten: it only delays the next judgment
	}
	var same, recent []float64
	for d, n := range days {
		switch age := today - d; {
		case age <= 0 || age >= bandDays:
			if age != 0 {
				delete(days, d)
			}
		default:
			if age%7 == 0 {
				same = append(same, n)
			}
			if age <= 7 {
				recent = append(recent, n)
			}
		}
	}
	days[today] = v
	if b, err := json.Marshal(days); err == nil {
		t.Memory.Set("days", string(b))
	}
	r.Record("rows", v, "")
	base, of := median(same), fmt.Sprintf("最近 %d 个同日的中位数", len(same))
	if len(same) < 2 {
		if len(recent) < 3 {
			return fmt.Sprintf("行数 %.0f，正在积累历史（已有 %d 天）", v, len(days)-1), nil
		}
		base, of = median(recent), fmt.Sprintf("最近 %d 天的中位数", len(recent))
	}
	deviation := 0.0
	switch {
	case base != 0:
		deviation = 100 * (v - base) / base
	case v != 0:
		deviation = 100
	}
	r.Measure("deviation_percent", "行数偏离", deviation, "%")
	return fmt.Sprintf("行数 %.0f，%s %.0f，偏离 %+.1f%%", v, of, base, deviation), nil
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2
	}
	return list[len(list)/2]
}

func judgeSerials(_ probe.Target, r *probe.Report, _ []string, rows [][]datum) (string, error) {
	if len(rows) == 0 {
		return "没有任何序列", nil
	}
	gapsAll, doublesAll, worst := 0.0, 0.0, ""
	for i, row := range rows {
		if len(row) < 4 {
			return "", fmt.Errorf("第 %d 行只有 %d 列", i+1, len(row))
		}
		lowest, ok1 := row[1].number()
		highest, ok2 := row[2].number()
		distinct, ok3 := row[3].number()
		if !ok1 || !ok2 || !ok3 {
			return "", fmt.Errorf("第 %d 行的第二至四列不是数字", i+1)
		}
		gaps, doubles := highest-lowest+1-distinct, 0.0
		if len(row) > 4 {
			all, ok := row[4].number()
			if !ok {
				return "", fmt.Errorf("第 %d 行的第五列不是数字", i+1)
			}
			doubles = all - distinct
		}
		if gaps < 0 || doubles < 0 {
			return "", fmt.Errorf("第 %d 行的个数多于号段", i+1)
		}
		gapsAll, doublesAll = gapsAll+gaps, doublesAll+doubles
		if gaps > 0 || doubles > 0 {
			worst = row[0].text
			r.Detail(fmt.Sprintf("序列 %s：%.0f 至 %.0f，断号 %.0f 个，重号 %.0f 个", row[0].text, lowest, highest, gaps, doubles))
		}
	}
	r.Measure("gaps", "断号", gapsAll, "")
	r.Measure("doubles", "重号", doublesAll, "")
	figures := fmt.Sprintf("序列 %d 个，断号 %.0f 个，重号 %.0f 个", len(rows), gapsAll, doublesAll)
	if worst != "" {
		figures += "，如序列 " + worst
	}
	return figures, nil
}

func judgeOldest(t probe.Target, r *probe.Report, _ []string, rows [][]datum) (string, error) {
	if len(rows) > 1 || (len(rows) == 1 && len(rows[0]) == 0) {
		return "", fmt.Errorf("返回了 %d 行", len(rows))
	}
	if len(rows) == 0 || rows[0][0].null {
		r.Measure("oldest_wait", "最早的等待", 0, "s")
		return "没有未确认的推送", nil
	}
	wait, ok := rows[0][0].number()
	if !ok {
		at, ok := rows[0][0].time()
		if !ok {
			return "", errors.New("既不是时间也不是秒数")
		}
		wait = t.Now().Sub(at).Seconds()
	}
	wait = math.Max(wait, 0)
	r.Measure("oldest_wait", "最早未确认的推送已等待", wait, "s")
	return "最早未确认的推送已等待 " + probe.Humanize(wait, "s"), nil
}

func judgeFailures(_ probe.Target, r *probe.Report, _ []string, rows [][]datum) (string, error) {
	if len(rows) != 1 || len(rows[0]) < 2 {
		return "", fmt.Errorf("返回了 %d 行", len(rows))
	}
	failed, ok1 := rows[0][0].number()
	all, ok2 := rows[0][1].number()
	if !ok1 || !ok2 || failed < 0 || all < failed {
		return "", errors.New("失败数与总数应为数字，且失败数不大于总数")
	}
	r.Record("pushes", all, "")
	if all == 0 {
		return "此时段没有推送", nil
	}
	r.Measure("failed_percent", "推送失败率", 100*failed/all, "%")
	return fmt.Sprintf("推送 %.0f 次，失败 %.0f 次（%s）", all, failed, probe.Humanize(100*failed/all, "%")), nil
}

func checkDeadline(p map[string]any) error {
	for _, name := range []string{"deadline", "window_start"} {
		text, _ := p[name].(string)
		if _, err := time.Parse("15:04", text); err != nil {
			return fmt.Errorf("%s %q is not a time such as 08:00", name, text)
		}
	}
	if d, _ := p["days"].(string); d != "daily" && d != "weekdays" {
		return fmt.Errorf("days %q is neither daily nor weekdays", d)
	}
	return nil
}

// overdue says by how much the latest deadline that has passed is missed by what was done last, and
// when that deadline was. A deadline is met by what finished since the window of its day began.
func overdue(now, done time.Time, deadline, window string, weekdays bool) (late time.Duration, due time.Time) {
	clock := func(day time.Time, text string) time.Time {
		at, err := time.Parse("15:04", text)
		if err != nil {
			return day
		}
		return time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), 0, 0, shanghai)
	}
	day := now.In(shanghai)
	for range 8 {
		due = clock(day, deadline)
		off := weekdays && (day.Weekday() == time.Saturday || day.Weekday() == time.Sunday)
		if !off && !due.After(now) {
			break
		}
		day = day.AddDate(0, 0, -1)
	}
	begin := clock(due, window)
	if begin.After(due) { // a window that begins the evening before
		begin = begin.AddDate(0, 0, -1)
	}
	if done.Before(begin) {
		return now.Sub(due), due
	}
	return 0, due
}

func judgeDeadline(t probe.Target, r *probe.Report, _ []string, rows [][]datum) (string, error) {
	if len(rows) > 1 || (len(rows) == 1 && len(rows[0]) == 0) {
		return "", fmt.Errorf("返回了 %d 行", len(rows))
	}
	var done time.Time
	said := "从未完成过"
	if len(rows) == 1 && !rows[0][0].null {
		at, ok := rows[0][0].time()
		if !ok {
			return "", errors.New("第一列不是时间")
		}
		done = at
		said = "最近完成于 " + at.In(shanghai).Format("01-02 15:04")
	}
	late, due := overdue(t.Now(), done, t.String("deadline"), t.String("window_start"), t.String("days") == "weekdays")
	r.Measure("overdue", "已逾期", late.Seconds(), "s")
	return fmt.Sprintf("%s（时限 %s）", said, due.Format("01-02 15:04")), nil
}
