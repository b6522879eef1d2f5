// Package selfcheck holds the kinds of check by which the platform inspects itself (自检) in the way it
// inspects everything else: its database, its journal, and what it has not delivered.
//
// Guarantees: a kind only reads; each round looks at a bounded number of rows, so that a long journal
// does not make a long check; where verification stopped is remembered with the result, so a result
// that was lost takes its mark with it and the rows are verified again. What is bad is looked at again
// each round until it is good.
//
// Failure modes: while the database is away its check is CRITICAL, and the result waits for it.
package selfcheck

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// Store is what these kinds ask of the database.
type Store interface {
	// Usage measures the database; an error says that it does not answer.
	Usage(ctx context.Context) (store.Usage, error)
}

// Journal is what these kinds ask of the journal.
type Journal interface {
	// Lag counts the rows that are not chained yet and tells the age of the oldest.
	Lag(ctx context.Context) (pending int64, oldest time.Duration, err error)
	// VerifyTail verifies at most some rows after a mark; the mark stays where it is when one is bad.
	VerifyTail(ctx context.Context, from journal.Mark, most int64) (journal.Mark, []journal.Bad, error)
	// VerifyCopies names the copies of segments and of the head outside the database that are gone,
	// damaged or differ from it.
	VerifyCopies(ctx context.Context) ([]journal.Bad, error)
}

// Work is what follows from changes and may not arrive.
type Work interface {
	// Undelivered counts jobs that used up their attempts, and those that wait for another.
	Undelivered(ctx context.Context) (dead, retrying int, err error)
	// Subscriptions tells where each subscription of the journal stands.
	Subscriptions(ctx context.Context) ([]journal.SubscriptionState, error)
}

// Kinds returns the kinds.
func Kinds(s Store, j Journal, w Work) []probe.Builtin {
	always := func(context.Context) []probe.Found {
		return []probe.Found{{Params: map[string]any{}, Why: "运维平台自身"}}
	}
	kinds := []probe.Builtin{
		{
			Kind: "data.store", TitleZH: "平台数据库", TitleEN: "The platform's database",
			HelpZH: "平台数据库的应答时间、大小、预写日志大小和所在磁盘的剩余空间。变红时：检查数据库服务和磁盘；预写日志过大说明有长时间不结束的读事务。",
			HelpEN: "How fast the platform's database answers, its size, that of its write-ahead log, and the free space of its disc. When red: look at the database server and the disc; a large log means a reader that does not end.",
			Thresholds: []probe.Threshold{
				{Metric: "answer_time", Warn: "1", Crit: "5", Unit: "s"},
				{Metric: "free", Warn: "2147483648:", Crit: "536870912:", Unit: "B"},
				{Metric: "log", Warn: "268435456", Crit: "1073741824", Unit: "B"},
			},
			Timeout: 15 * time.Second,
			Run:     func(ctx context.Context, t probe.Target) probe.Result { return lookAtStore(ctx, t, s) },
		},
		{
			Kind: "data.journal", TitleZH: "审计日志链", TitleEN: "The journal's chain",
			HelpZH: "逐轮校验上次之后新增的日志行，核对数据库之外的分段副本与签名链头（缺失或不一致即为严重），并检查待入链行的等待时间。变红时：不要修复数据库，先导出日志并运行 taxops journal verify，保留现场。",
			HelpEN: "Verifies each round the rows since the last one, compares the copies of segments and of the signed head outside the database (one that is gone or differs is critical), and looks at how long rows wait to be chained. When red: do not repair the database; export the journal, run taxops journal verify and keep everything as it is.",
			Thresholds: []probe.Threshold{
				{Metric: "oldest", Warn: strconv.FormatFloat(journal.LagAlarm.Seconds(), 'f', -1, 64), Crit: "60", Unit: "s"},
			},
			Timeout: 60 * time.Second,
			Run:     func(ctx context.Context, t probe.Target) probe.Result { return lookAtJournal(ctx, t, j) },
		},
		{
			Kind: "data.undelivered", TitleZH: "未送达事项", TitleEN: "What was not delivered",
			HelpZH: "重试用尽的后台任务、停住的日志订阅对象和订阅落后的行数。变红时：在「审计日志」的订阅页查看原因，修复后重试，或说明理由跳过。",
			HelpEN: "Background jobs that used up their attempts, subjects whose rows a subscription could not handle, and rows that subscriptions lag behind. When red: look at the journal's subscriptions, then retry, or skip with a reason.",
			Thresholds: []probe.Threshold{
				{Metric: "dead", Warn: "0", Crit: "9"},
				{Metric: "parked", Warn: "0", Crit: "9"},
				{Metric: "lag", Warn: "1000", Crit: "9999"},
			},
			Timeout: 15 * time.Second,
			Run:     func(ctx context.Context, t probe.Target) probe.Result { return lookAtWork(ctx, t, w) },
		},
	}
	for i := range kinds {
		kinds[i].Class, kinds[i].Discover = probe.Data, always
		kinds[i].Verified, kinds[i].VerifiedOn = "tested", "SQLite 3.54, PostgreSQL 15, 2026-11"
	}
	return kinds
}

func lookAtStore(ctx context.Context, t probe.Target, s Store) probe.Result {
	r := t.Report()
	u, err := s.Usage(ctx)
	if err != nil {
		r.Raise(probe.Critical, "database_unavailable", "数据库没有应答："+err.Error())
		return r.Result("")
	}
	r.Measure("answer_time", "应答时间", u.Answered.Seconds(), "s")
	r.Record("size", float64(u.Bytes), "B")
	figures := fmt.Sprintf("应答 %s，大小 %s", probe.Humanize(u.Answered.Seconds(), "s"), probe.Humanize(float64(u.Bytes), "B"))
	if u.LogBytes > 0 {
		r.Measure("log", "预写日志", float64(u.LogBytes), "B")
		figures += "，预写日志 " + probe.Humanize(float64(u.LogBytes), "B")
	}
	if u.Free >= 0 { // the disc of a database elsewhere cannot be seen from here
		r.Measure("free", "剩余空间", float64(u.Free), "B")
		figures += "，磁盘剩余 " + probe.Humanize(float64(u.Free), "B")
	}
	return r.Result(figures)
}

// mostRows are verified in one round: at one round each five minutes 170 rows a second keep up.
const mostRows = 50_000

// markKey is where the place up to which the chain was found good is remembered.
const markKey = "mark"

func lookAtJournal(ctx context.Context, t probe.Target, j Journal) probe.Result {
	pending, oldest, err := j.Lag(ctx)
	if err != nil {
		return probe.Unknowable("read_failed", "无法读取审计日志："+err.Error())
	}
	r := t.Report()
	r.Record("pending", float64(pending), "")
	r.Measure("oldest", "最早未入链的行已等待", oldest.Seconds(), "s")
	from := recall(t.Memory)
	mark, bad, err := j.VerifyTail(ctx, from, mostRows)
	if err != nil {
		return probe.Unknowable("read_failed", "无法校验审计日志："+err.Error())
	}
	copies, err := j.VerifyCopies(ctx)
	if err != nil {
		return probe.Unknowable("read_failed", "无法核对审计日志的副本："+err.Error())
	}
	if len(copies) > 0 {
		r.Raise(probe.Critical, "copies_differ", fmt.Sprintf("数据库之外的日志副本有 %d 处缺失或不一致：%s", len(copies), copies[0].Why))
		list(r, copies)
	}
	if len(bad) > 0 {
		r.Raise(probe.Critical, "tampered", fmt.Sprintf("第 %d 行与写入时不一致，共 %d 处", bad[0].Seq, len(bad)))
		list(r, bad)
	} else {
		t.Memory.Set(markKey, strconv.FormatInt(mark.Seq, 10)+":"+mark.Hash)
	}
	r.Record("verified", float64(mark.Seq), "c")
	return r.Result(fmt.Sprintf("已校验至第 %d 行，未入链 %d 行", mark.Seq, pending))
}

// list gives what is bad as details, the first of it.
func list(r *probe.Report, bad []journal.Bad) {
	for i, b := range bad {
		if i == 20 {
			r.Detail("…")
			return
		}
		r.Detail(fmt.Sprintf("%d: %s", b.Seq, b.Why))
	}
}

func recall(m probe.Memory) journal.Mark {
	text, _ := m.Get(markKey)
	number, hash, _ := strings.Cut(text, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return journal.Mark{} // nothing remembered: from the beginning
	}
	return journal.Mark{Seq: seq, Hash: hash}
}

func lookAtWork(ctx context.Context, t probe.Target, w Work) probe.Result {
	dead, retrying, err := w.Undelivered(ctx)
	if err != nil {
		return probe.Unknowable("read_failed", "无法读取后台任务："+err.Error())
	}
	subs, err := w.Subscriptions(ctx)
	if err != nil {
		return probe.Unknowable("read_failed", "无法读取日志订阅："+err.Error())
	}
	r := t.Report()
	parked, lag := 0, int64(0)
	for _, s := range subs {
		parked, lag = parked+len(s.Parked), max(lag, s.Lag)
		for _, p := range s.Parked {
			r.Detail(fmt.Sprintf("%s: %s 停在第 %d 行，其后还有 %d 行", s.Name, p.Subject, p.Seq, p.Waiting))
		}
	}
	r.Measure("dead", "重试用尽的任务", float64(dead), "")
	r.Measure("parked", "停住的订阅对象", float64(parked), "")
	r.Measure("lag", "订阅落后行数", float64(lag), "")
	r.Record("retrying", float64(retrying), "")
	return r.Result(fmt.Sprintf("失败任务 %d，待重试 %d，%d 个订阅最多落后 %d 行", dead, retrying, len(subs), lag))
}
