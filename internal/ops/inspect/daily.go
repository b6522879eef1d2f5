package inspect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// States of a day's health check (早检).
const (
	DailyDraft  state.State = "draft"  // 待签发
	DailySigned state.State = "signed" // 已签发
	DailyMissed state.State = "missed" // 未签发: the day passed

	signDaily   state.Event = "sign"
	expireDaily state.Event = "expire"
)

// dailyMachine is the life of a day's health check.
func dailyMachine() state.Machine {
	return state.Machine{
		Name: "inspect.daily", Initial: DailyDraft, Final: []state.State{DailySigned, DailyMissed},
		Edges: []state.Edge{
			{From: DailyDraft, Event: signDaily, To: DailySigned, Permission: PermissionDaily},
			{From: DailyDraft, Event: expireDaily, To: DailyMissed},
		},
		Titles: map[state.State][2]string{
			DailyDraft: {"待签发", "To be signed"}, DailySigned: {"已签发", "Signed"}, DailyMissed: {"未签发", "Not signed"},
		},
	}
}

// Days on which a health check is due.
const (
	DailyWorkdays  = "workdays"
	DailyProtected = "protected" // workdays, and every day of a period that wants more care
	DailyEvery     = "every"
)

// DailyRule says when the health check is due, and for which area it is made.
type DailyRule struct {
	Days     string
	Due      int // minutes of the day in Shanghai
	AreaPath string
}

// on reports whether a health check is due on a day. Nobody knows whether a day of an unpublished year
// is worked, so one is due.
func (r DailyRule) on(c *calendar.Calendar, d calendar.Date) bool {
	day := c.Day(d)
	switch {
	case r.Days == DailyEvery, day.Kind == calendar.Unpublished, day.Works():
		return true
	case r.Days == DailyProtected:
		return len(c.Periods(d.Start(), (d+1).Start())) > 0
	}
	return false
}

// Daily is the health check of one day.
type Daily struct {
	bun.BaseModel `bun:"table:inspect_daily,alias:daily"`
	ID            string `bun:",pk"`
	Day           calendar.Date
	State         state.State
	DueAt         store.Time
	Late          int        // 1 once the due time passed unsigned
	SinceAt       store.Time // what it tells begins here: when the one before was signed
	SignedAt      store.Time
	SignedBy      string
	Figures       DailyFigures `bun:"type:json"`
	Text          string       // as it was signed
	SHA256        string       `bun:"sha256"` // of the text
	AreaPath      string
	SystemID      string
	CreatedAt     store.Time
	Version       int64
}

// Span counts what was to be done and was done in a time.
type Span struct {
	Rounds    int64 `json:"rounds" doc:"That ended"`
	Planned   int64 `json:"planned" doc:"Items of these rounds"`
	Ran       int64 `json:"ran"`
	Missed    int64 `json:"missed"`
	GapRounds int64 `json:"gap_rounds" doc:"Rounds that did not take place"`
}

// DailyFigures are the figures of a health check, all from records.
type DailyFigures struct {
	Since    Span  `json:"since" doc:"Since the one before was signed"`
	Today    Span  `json:"today" doc:"Since midnight in Shanghai"`
	OK       int64 `json:"ok" doc:"Checks by what they say now"`
	Warning  int64 `json:"warning"`
	Critical int64 `json:"critical"`
	Unknown  int64 `json:"unknown"`
	NoSource int64 `json:"no_source"`
	NotRun   int64 `json:"not_run" doc:"Checks that never ran"`
	Open     int64 `json:"open" doc:"Findings not closed"`
	Overdue  int64 `json:"overdue"`
	Opened   int64 `json:"opened" doc:"Findings opened since"`
	Closed   int64 `json:"closed" doc:"Findings closed since"`
}

// Kinds of items of a health check.
const (
	dailyCheck    = "check"    // a check that is not good now
	dailyGap      = "gap"      // rounds that did not take place
	dailyLost     = "missed"   // items of rounds that were missed
	dailyPlan     = "plan"     // a plan that inspects nothing
	dailyCalendar = "calendar" // a year without a list
)

// DailyItem is one thing that a person says something about.
type DailyItem struct {
	bun.BaseModel `bun:"table:inspect_daily_item,alias:item"`
	DailyID       string     `bun:",pk"`
	Key           string     `bun:",pk"` // what it is about, the same from look to look
	Position      int64      //
	Kind          string     //
	Severity      string     // CRITICAL, UNKNOWN, WARNING
	TitleZH       string     `bun:"title_zh"`
	TitleEN       string     `bun:"title_en"`
	Detail        string     //
	SinceAt       store.Time //
	Href          string     //
	FindingID     string     //
	Note          string     // prefilled from the records; what the person made of it once signed
}

// gravityOf orders items: red first, then what is not known, then the rest.
func (it *DailyItem) gravity() int {
	switch it.Severity {
	case "CRITICAL":
		return 3
	case "UNKNOWN":
		return 2
	}
	return 1
}

// fingerprint names what a person was shown: signing something else is refused.
func fingerprint(items []DailyItem) string {
	h := sha256.New()
	for _, it := range items {
		_, _ = fmt.Fprintf(h, "%s\x00%s\n", it.Key, it.Severity)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// reasonZH are the words of reasons in the text for the chat group, as the console has them.
func reasonZH(code string) string {
	words := map[string]string{
		gapServerStopped: "服务器未运行", gapClockForward: "时钟前跳或主机休眠", gapDatabase: "数据库不可用", gapStillRunning: "上一轮尚未结束",
		gapLate: "服务器繁忙", gapEmpty: "没有检查项", missedStopped: "服务器正常停止", missedNotStored: "结果未能入库",
		missedDeadline: "超过轮次时限", missedNoServer: "没有服务器接手",
	}
	if w := words[code]; w != "" {
		return w
	}
	return code
}

const (
	mostDailyItems = 200 // that are listed; the rest is told as a number
	dailyTextItems = 10  // of each kind in the text: it goes to a chat group
	mostDailyNote  = 300 // characters
)

// checkNotes refuses notes that are too long.
func checkNotes(notes map[string]string, remark string) error {
	if len(notes) > mostDailyItems {
		return problem.InvalidField("body.notes", "too_many", "at most %d notes", mostDailyItems)
	}
	for key, note := range notes {
		if len([]rune(note)) > mostDailyNote {
			return problem.InvalidField("body.notes."+key, "too_long", "at most %d characters", mostDailyNote)
		}
	}
	if len([]rune(remark)) > mostDailyNote {
		return problem.InvalidField("body.remark", "too_long", "at most %d characters", mostDailyNote)
	}
	return nil
}

// dailyReport is what a health check tells at a moment.
type dailyReport struct {
	Day     calendar.Day
	Periods []calendar.Period
	At      time.Time
	Since   time.Time
	Figures DailyFigures
	Items   []DailyItem
	More    int // items beyond those that are listed
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "—"
	}
	// Cut, never rounded up: 100% means all.
	return fmt.Sprintf("%d.%d%%", 100*part/whole, 1000*part/whole%10)
}

var weekdays = [...]string{"日", "一", "二", "三", "四", "五", "六"}

// text writes the report for a chat group: plain, short, all figures from records.
func (r *dailyReport) text(signer, remark string) string {
	var b strings.Builder
	d := r.Day.Date
	words := []string{map[calendar.Kind]string{
		calendar.Workday: "工作日", calendar.Off: "休息日", calendar.Makeup: "补班", calendar.Unpublished: "放假安排未公布",
	}[r.Day.Kind]}
	for _, p := range r.Periods {
		words = append(words, p.Name)
	}
	fmt.Fprintf(&b, "【早检】%d月%d日 周%s（%s）\n", d.Month(), d.Day(), weekdays[d.Weekday()], strings.Join(words, "，"))
	f := r.Figures
	if len(r.Items) == 0 && r.More == 0 {
		b.WriteString("结论：正常，无异常项。\n")
	} else {
		fmt.Fprintf(&b, "结论：严重%d项，未知%d项，警告%d项；漏检%d项，缺%d轮。\n", f.Critical, f.Unknown, f.Warning, f.Since.Missed, f.Since.GapRounds)
	}
	fmt.Fprintf(&b, "覆盖：自%s应检%d项，已检%d项（%s）；今日%d/%d。\n",
		r.Since.In(clock.Shanghai()).Format("1月2日15:04"), f.Since.Planned, f.Since.Ran, percent(f.Since.Ran, f.Since.Planned), f.Today.Ran, f.Today.Planned)
	for i, it := range r.Items {
		if i == dailyTextItems {
			fmt.Fprintf(&b, "另有%d项见平台。\n", len(r.Items)-dailyTextItems+r.More)
			break
		}
		line := fmt.Sprintf("%d.[%s]%s", i+1, severityZH(it.Severity), it.TitleZH)
		if it.Detail != "" {
			line += "：" + shortened(it.Detail)
		}
		if it.Note != "" {
			line += "——" + it.Note
		}
		b.WriteString(oneLine(line) + "\n")
	}
	fmt.Fprintf(&b, "隐患：未消除%d项，逾期%d项；较上次新增%d项，消除%d项。\n", f.Open, f.Overdue, f.Opened, f.Closed)
	if remark != "" {
		b.WriteString("备注：" + oneLine(remark) + "\n")
	}
	if signer != "" {
		fmt.Fprintf(&b, "签发：%s %s\n", signer, r.At.In(clock.Shanghai()).Format("15:04"))
	}
	return b.String()
}

func severityZH(s string) string {
	switch s {
	case "CRITICAL":
		return "严重"
	case "UNKNOWN":
		return "未知"
	}
	return "警告"
}

// shortened keeps a detail of the text to what a chat group reads; the platform has all of it.
func shortened(s string) string {
	const most = 48
	if r := []rune(oneLine(s)); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// findingNote is what the records say of the repair, as the beginning of a note.
func findingNote(f *Finding, assignee string) string {
	due := func() string { return f.DueAt.In(clock.Shanghai()).Format("1月2日15:04") }
	late := ""
	if f.Overdue == 1 {
		late = "，已逾期"
	}
	switch f.State {
	case Open:
		return "待派"
	case Assigned:
		return fmt.Sprintf("已派%s，期限%s%s", assignee, due(), late)
	case Repaired:
		return assignee + "已修复，待复检" + late
	}
	return ""
}
