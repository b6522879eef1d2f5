package inspect

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

func (b *bed) withDaily(days string) {
	b.daily = DailyRule{Days: days, Due: 9 * 60, AreaPath: "/45/"}
}

func (b *bed) sweep() {
	b.t.Helper()
	if err := b.sweepDaily(b.ctx()); err != nil {
		b.t.Fatal(err)
	}
}

// week tells the days that have a health check, with their states.
func (b *bed) week() string {
	b.t.Helper()
	var out []string
	for _, d := range all[Daily](b, "day") {
		late := ""
		if d.Late == 1 {
			late = "!"
		}
		out = append(out, d.Day.String()[5:]+" "+string(d.State)+late)
	}
	return strings.Join(out, ", ")
}

func TestEachWorkdayHasItsHealthCheck(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.withDaily(DailyWorkdays)
		b.stepTo("2026-11-20 08:00") // a Friday
		b.sweep()
		b.sweep()
		if w := b.week(); w != "11-20 draft" {
			t.Fatal(w)
		}
		b.stepTo("2026-11-20 09:01")
		b.sweep()
		b.sweep()
		if w := b.week(); w != "11-20 draft!" || len(b.ledger.of(TypeDailyLate)) != 1 {
			t.Fatal(w, len(b.ledger.of(TypeDailyLate)))
		}
		b.stepTo("2026-11-21 00:01")
		b.sweep()
		b.sweep()
		if w := b.week(); w != "11-20 missed!" || len(b.ledger.of(TypeDailyMissed)) != 1 {
			t.Fatal(w)
		}
		b.stepTo("2026-11-25 08:30") // no server ran on Monday and Tuesday
		b.sweep()
		if w := b.week(); w != "11-20 missed!, 11-23 missed!, 11-24 missed!, 11-25 draft" {
			t.Fatal(w)
		}
		if n := len(b.ledger.of(TypeDailyMissed)); n != 3 {
			t.Errorf("%d missed in the journal", n)
		}
		card, err := b.dailyCard(b.ctx(), store.Everything())
		if err != nil || card == nil || card.Severity != "info" || len(card.Items) != 2 {
			t.Errorf("card %+v, %v", card, err)
		}
		b.stepTo("2026-11-25 09:30")
		if card, err := b.dailyCard(b.ctx(), store.Everything()); err != nil || card.Severity != "critical" {
			t.Errorf("card after nine %+v, %v", card, err)
		}
		if card, err := b.dailyCard(b.ctx(), store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"})); err != nil || card != nil {
			t.Errorf("card for a city: %+v, %v", card, err)
		}
	})
}

func TestTheFirstHealthCheckIsNotLateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.withDaily(DailyWorkdays)
		b.stepTo("2026-11-24 15:00")
		b.sweep()
		b.sweep()
		if w := b.week(); w != "11-24 draft" {
			t.Fatal(w)
		}
	})
}

func TestDaysOfTheHealthCheck(t *testing.T) {
	c := calendar.Shipped()
	for date, want := range map[string][3]bool{ // workdays, protected, every
		"2026-11-24": {true, true, true},
		"2026-11-22": {false, false, true}, // a Sunday
		"2026-11-15": {false, true, true},  // a Sunday in the filing period
		"2026-10-10": {true, true, true},   // a make-up Saturday
		"2027-01-02": {true, true, true},   // nobody knows
	} {
		d, err := calendar.ParseDate(date)
		if err != nil {
			t.Fatal(err)
		}
		for i, days := range []string{DailyWorkdays, DailyProtected, DailyEvery} {
			if got := (DailyRule{Days: days}).on(c, d); got != want[i] {
				t.Errorf("%s by %s: %v", date, days, got)
			}
		}
	}
}

func TestSigningTheHealthCheck(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.withDaily(DailyWorkdays)
		b.w.allowed["u1"] = true
		b.stepTo("2026-11-24 07:00")
		b.w.say(2, probe.Warning, probe.ReasonThreshold, "响应慢")
		b.w.say(3, probe.Critical, "refused", "连接被拒绝")
		b.round()
		b.stepTo("2026-11-24 08:09")
		b.round() // with a gap
		b.sweep()
		var grave Finding
		for _, f := range b.findings() {
			if f.Severity == severityCritical {
				grave = f
			}
		}
		if _, err := b.AssignFinding(b.ctx(), store.Everything(), grave.ID, Assignment{
			AccountID: "u1", DueAt: b.stepped.Now().Add(4 * time.Hour), Version: grave.Version,
		}); err != nil {
			t.Fatal(err)
		}
		d, r, err := b.Today(b.ctx(), store.Everything())
		if err != nil || d == nil || d.State != DailyDraft {
			t.Fatalf("%+v %v", d, err)
		}
		var kinds []string
		for _, it := range r.Items {
			kinds = append(kinds, it.Severity+" "+it.Kind)
		}
		if got := strings.Join(kinds, ", "); got != "CRITICAL check, UNKNOWN gap, WARNING check" {
			t.Fatal(got)
		}
		if note := r.Items[0].Note; !strings.HasPrefix(note, "已派工程师 u1，期限11月24日12:") {
			t.Errorf("prefilled %q", note)
		}
		if f := r.Figures; f.Since.Rounds != 2 || f.Since.Planned != 8 || f.Since.Ran != 8 || f.Since.GapRounds != 12 || f.Critical != 1 || f.Warning != 1 || f.NoSource != 1 || f.Open != 2 || f.Opened != 2 {
			t.Errorf("figures %+v", f)
		}
		sign := func(s Signing) (*Daily, error) {
			out, _, err := b.SignDaily(b.ctx(), store.Everything(), "u1", "李四", s)
			return out, err
		}
		today := calendar.DateOf(b.stepped.Now())
		good := Signing{Day: today, Fingerprint: fingerprint(r.Items), Notes: map[string]string{r.Items[2].Key: "已扩容\n观察中"}, Remark: "专家到场"}
		for name, s := range map[string]Signing{
			"yesterday": {Day: today - 1, Fingerprint: good.Fingerprint}, "something else": {Day: today, Fingerprint: "x"},
			"a long note": {Day: today, Fingerprint: good.Fingerprint, Notes: map[string]string{"x": strings.Repeat("长", 301)}},
		} {
			if _, err := sign(s); err == nil {
				t.Errorf("%s was signed", name)
			}
		}
		signed, err := sign(good)
		if err != nil {
			t.Fatal(err)
		}
		if signed.State != DailySigned || signed.Late != 0 || signed.SHA256 != sumOf(signed.Text) {
			t.Errorf("signed %+v", signed)
		}
		for _, want := range []string{
			"【早检】11月24日 周二（工作日）\n", "结论：严重1项，未知0项，警告1项；漏检0项，缺12轮。\n", "应检8项，已检8项（100.0%）",
			"1.[严重]tax-app-01 端口 127.0.0.1:3：连接被拒绝——已派工程师 u1", "缺12轮：11月24日07:05起，时钟前跳或主机休眠", "——已扩容 观察中\n", "备注：专家到场\n", "签发：李四 08:09\n",
		} {
			if !strings.Contains(signed.Text, want) {
				t.Errorf("the text lacks %q:\n%s", want, signed.Text)
			}
		}
		if rows := b.ledger.of(TypeDailySigned); len(rows) != 1 || rows[0].Fields["sha256"] != signed.SHA256 || rows[0].Fields["late"] != false {
			t.Errorf("journal %+v", rows)
		}
		if _, err := sign(good); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("twice: %v", err)
		}
		items, err := dailyItems(b.ctx(), b.db.Read(), signed.ID)
		if err != nil || len(items) != 3 || items[2].Note != "已扩容 观察中" {
			t.Errorf("items %+v, %v", items, err)
		}
		if card, err := b.dailyCard(b.ctx(), store.Everything()); err != nil || card != nil {
			t.Errorf("card %+v, %v", card, err)
		}
		// The next day tells what happened since.
		b.w.say(3, probe.OK, "", "端口可连")
		b.stepTo("2026-11-25 08:00")
		b.round()
		_, next, err := b.Today(b.ctx(), store.Everything())
		if err != nil || !next.Since.Equal(signed.SignedAt.Time) || next.Figures.Closed != 1 || next.Figures.Opened != 0 || next.Figures.Since.Rounds != 1 {
			t.Errorf("next day %+v, %v", next.Figures, err)
		}
		if _, _, err := b.Today(b.ctx(), store.NewScope(store.ScopeGrant{AreaPath: "/45/4501/"})); problem.CodeOf(err) != problem.Forbidden {
			t.Errorf("a city saw all of it: %v", err)
		}
	})
}

func TestTheTextStaysShort(t *testing.T) {
	at := time.Date(2026, 11, 24, 8, 30, 0, 0, clock.Shanghai())
	r := &dailyReport{Day: calendar.Shipped().Day(calendar.DateOf(at)), At: at, Since: at.Add(-24 * time.Hour)}
	if text := r.text("", ""); !strings.Contains(text, "结论：正常，无异常项。") || !strings.Contains(text, "（—）") || strings.Contains(text, "签发") {
		t.Error(text)
	}
	for range mostDailyItems {
		r.Items = append(r.Items, DailyItem{Severity: "CRITICAL", TitleZH: "主机 检查", Detail: strings.Repeat("很长", 60)})
	}
	r.More = 7
	text := r.text("李四", "")
	if n := strings.Count(text, "\n"); n > 16 || len([]rune(text)) > 1200 || !strings.Contains(text, "另有197项见平台。") {
		t.Errorf("%d lines:\n%s", n, text)
	}
	if p := percent(9999, 10000); p != "99.9%" {
		t.Errorf("percent %s", p)
	}
}

// TestTheHealthCheckThroughTheDoor reads and signs by the operations.
func TestTheHealthCheckThroughTheDoor(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.withDaily(DailyEvery)
		b.w.say(3, probe.Critical, "refused", "连接被拒绝")
		b.round()
		b.sweep()
		d := b.door()
		today := d.get("/inspect/daily/today")
		if today["state"] != "draft" || len(today["items"].([]any)) != 1 || len(today["open"].([]any)) != 1 {
			t.Fatalf("today: %v", today)
		}
		day := today["day"].(string)
		d.post("/inspect/daily/days/"+day+"/sign", object{"fingerprint": "x"}, http.StatusConflict)
		d.post("/inspect/daily/days/tomorrow/sign", object{"fingerprint": "x"}, http.StatusUnprocessableEntity)
		signed := d.post("/inspect/daily/days/"+day+"/sign", object{"fingerprint": today["fingerprint"], "remark": "好"}, http.StatusOK)
		if signed["state"] != "signed" || !strings.Contains(signed["text"].(string), "备注：好") {
			t.Fatalf("signed: %v", signed)
		}
		if again := d.get("/inspect/daily/days/" + day); again["sha256"] != signed["sha256"] || again["fingerprint"] != "" {
			t.Errorf("read again: %v", again)
		}
		if now := d.get("/inspect/daily/today"); now["fingerprint"] != "" || now["text"] != signed["text"] {
			t.Errorf("today once signed: %v", now)
		}
		if list := d.get("/inspect/daily?state=signed"); len(list["items"].([]any)) != 1 {
			t.Errorf("list: %v", list)
		}
	})
}
