package inspect

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type dailyItemView struct {
	Key       string     `json:"key"`
	Kind      string     `json:"kind" enum:"check,gap,missed,plan,calendar"`
	Severity  string     `json:"severity" enum:"CRITICAL,UNKNOWN,WARNING"`
	TitleZH   string     `json:"title_zh"`
	TitleEN   string     `json:"title_en"`
	Detail    string     `json:"detail"`
	Since     *time.Time `json:"since,omitempty"`
	Href      string     `json:"href" doc:"Page of the console about it"`
	FindingID string     `json:"finding_id"`
	Note      string     `json:"note" doc:"From the records until it is signed"`
}

// DailyView is the health check of a day in a list; exported so that the API description shows embedded
// fields.
type DailyView struct {
	Day      string      `json:"day" format:"date"`
	State    string      `json:"state" enum:"draft,signed,missed,none" doc:"none: none is due that day"`
	DueAt    *time.Time  `json:"due_at,omitempty"`
	Late     bool        `json:"late"`
	SignedAt *time.Time  `json:"signed_at,omitempty"`
	SignedBy *personView `json:"signed_by,omitempty"`
	SHA256   string      `json:"sha256" doc:"Of the text as signed, as in the journal"`
}

type dailyDetailView struct {
	DailyView
	DayKind     string          `json:"day_kind" enum:"workday,off,makeup,unpublished"`
	Periods     []string        `json:"periods" nullable:"false" doc:"Names of those that want more care"`
	Since       time.Time       `json:"since" doc:"What it tells begins here"`
	Figures     DailyFigures    `json:"figures"`
	Items       []dailyItemView `json:"items" nullable:"false" doc:"Red first"`
	More        int             `json:"more" doc:"Items beyond those"`
	Fingerprint string          `json:"fingerprint" doc:"To be sent when signing; empty when it cannot be signed"`
	Text        string          `json:"text" doc:"For the chat group"`
	Open        []FindingView   `json:"open" nullable:"false" doc:"Findings not closed, the overdue first; at most 50"`
	Opened      []FindingView   `json:"opened" nullable:"false" doc:"Since the check before; at most 20"`
	Closed      []FindingView   `json:"closed" nullable:"false" doc:"Since the check before; at most 20"`
}

type dailyListInput struct {
	api.ListParams
	State string `query:"state" doc:"draft, signed, missed"`
}

type dayInput struct {
	Day string `path:"day" format:"date" doc:"2026-11-24"`
}

type signInput struct {
	Day  string `path:"day" format:"date"`
	Body struct {
		Notes       map[string]string `json:"notes,omitempty" doc:"By key; an item that is left out keeps its note"`
		Remark      string            `json:"remark,omitempty" maxLength:"300"`
		Fingerprint string            `json:"fingerprint" maxLength:"64"`
	}
}

const (
	dailyOpen    = 50
	dailyChanged = 20
)

func viewDaily(d *Daily, names map[string]string) DailyView {
	v := DailyView{Day: d.Day.String(), State: string(d.State), DueAt: d.DueAt.Ptr(), Late: d.Late == 1, SignedAt: d.SignedAt.Ptr(), SHA256: d.SHA256}
	if d.SignedBy != "" {
		v.SignedBy = &personView{ID: d.SignedBy, DisplayName: names[d.SignedBy]}
	}
	return v
}

func viewDailyItems(items []DailyItem) []dailyItemView {
	out := make([]dailyItemView, len(items))
	for i, it := range items {
		out[i] = dailyItemView{
			Key: it.Key, Kind: it.Kind, Severity: it.Severity, TitleZH: it.TitleZH, TitleEN: it.TitleEN, Detail: it.Detail,
			Since: it.SinceAt.Ptr(), Href: it.Href, FindingID: it.FindingID, Note: it.Note,
		}
	}
	return out
}

// viewToday shows what is known now; a signed check shows what was signed.
func (m *Module) viewToday(ctx context.Context, d *Daily, r *dailyReport) (dailyDetailView, error) {
	v := dailyDetailView{
		DailyView: DailyView{Day: r.Day.Date.String(), State: "none"}, DayKind: string(r.Day.Kind), Periods: []string{}, Since: r.Since.UTC(),
		Figures: r.Figures, Items: viewDailyItems(r.Items), More: r.More, Fingerprint: fingerprint(r.Items), Text: r.text("", ""),
	}
	for _, p := range r.Periods {
		v.Periods = append(v.Periods, p.Name)
	}
	if d != nil {
		names, err := m.namesOf(ctx, []string{d.SignedBy})
		if err != nil {
			return v, err
		}
		v.DailyView = viewDaily(d, names)
		if d.State == DailySigned {
			items, err := dailyItems(ctx, m.db.Read(), d.ID)
			if err != nil {
				return v, err
			}
			v.Items, v.Figures, v.Text, v.Since, v.Fingerprint, v.More = viewDailyItems(items), d.Figures, d.Text, d.SinceAt.Time, "", 0
		}
	}
	return v, m.addFindings(ctx, &v, r.Since)
}

// viewPast shows the check of a day that is over: as it was signed, or nothing.
func (m *Module) viewPast(ctx context.Context, d *Daily) (dailyDetailView, error) {
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return dailyDetailView{}, err
	}
	names, err := m.namesOf(ctx, []string{d.SignedBy})
	if err != nil {
		return dailyDetailView{}, err
	}
	items, err := dailyItems(ctx, m.db.Read(), d.ID)
	if err != nil {
		return dailyDetailView{}, err
	}
	v := dailyDetailView{
		DailyView: viewDaily(d, names), DayKind: string(c.Day(d.Day).Kind), Periods: []string{}, Since: d.SinceAt.Time, Figures: d.Figures,
		Items: viewDailyItems(items), Text: d.Text, Open: []FindingView{}, Opened: []FindingView{}, Closed: []FindingView{},
	}
	for _, p := range c.PeriodsAt(d.DueAt.Time) {
		v.Periods = append(v.Periods, p.Name)
	}
	return v, nil
}

func (m *Module) addFindings(ctx context.Context, v *dailyDetailView, since time.Time) error {
	open, err := openFindings(ctx, m.db.Read(), dailyOpen)
	if err != nil {
		return err
	}
	opened, err := changedFindings(ctx, m.db.Read(), "opened_at", since, dailyChanged)
	if err != nil {
		return err
	}
	closed, err := changedFindings(ctx, m.db.Read(), "closed_at", since, dailyChanged)
	if err != nil {
		return err
	}
	for into, rows := range map[*[]FindingView][]Finding{&v.Open: open, &v.Opened: opened, &v.Closed: closed} {
		made, err := m.viewFindings(ctx, rows)
		if err != nil {
			return err
		}
		*into = []FindingView{}
		for _, f := range rows {
			*into = append(*into, made[f.ID])
		}
	}
	return nil
}

func (m *Module) dailyRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.daily.list", Method: http.MethodGet, Path: "/inspect/daily", Permission: PermissionRead,
		Summary: "Health checks by day", Doc: "The latest first.",
	}, func(ctx context.Context, in *dailyListInput) (*api.PageOutput[DailyView], error) {
		page, err := store.List[Daily](ctx, m.db.Read(), dailyList(), api.ScopeFrom(ctx), in.Query(map[string]string{"state": in.State}), nil)
		if err != nil {
			return nil, err
		}
		people := make([]string, len(page.Items))
		for i, d := range page.Items {
			people[i] = d.SignedBy
		}
		names, err := m.namesOf(ctx, people)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(d Daily) DailyView { return viewDaily(&d, names) }), nil
	})
	api.Register(r, api.Operation{
		ID: "inspect.daily.today", Method: http.MethodGet, Path: "/inspect/daily/today", Permission: PermissionRead,
		Summary: "Today's health check", Doc: "What is red, unknown or missed since the one before, coverage, open findings, changes, and the text for the chat group.",
		Codes: []problem.Code{problem.Forbidden},
	}, func(ctx context.Context, _ *struct{}) (*api.Output[dailyDetailView], error) {
		d, rep, err := m.Today(ctx, api.ScopeFrom(ctx))
		if err != nil {
			return nil, err
		}
		v, err := m.viewToday(ctx, d, rep)
		return &api.Output[dailyDetailView]{Body: v}, err
	})
	api.Register(r, api.Operation{
		ID: "inspect.daily.get", Method: http.MethodGet, Path: "/inspect/daily/days/{day}", Permission: PermissionRead,
		Summary: "The health check of a day, as it was signed", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *dayInput) (*api.Output[dailyDetailView], error) {
		day, err := calendar.ParseDate(in.Day)
		if err != nil {
			return nil, problem.Missing("health check", in.Day)
		}
		d, err := findDaily(ctx, m.db.Read(), api.ScopeFrom(ctx), day)
		return answer(d, err, func(d *Daily) (dailyDetailView, error) { return m.viewPast(ctx, d) })
	})
	api.Register(r, api.Operation{
		ID: "inspect.daily.sign", Method: http.MethodPost, Path: "/inspect/daily/days/{day}/sign", Permission: PermissionDaily,
		Summary: "Sign today's health check", Doc: "With the notes; what is signed must be what was shown.",
		Codes: []problem.Code{problem.Stale, problem.NotPossibleInState, problem.Forbidden, problem.Invalid},
	}, func(ctx context.Context, in *signInput) (*api.Output[dailyDetailView], error) {
		day, err := calendar.ParseDate(in.Day)
		if err != nil {
			return nil, problem.InvalidField("path.day", "not_a_time", "a day such as 2026-11-24")
		}
		c := api.CallerFrom(ctx)
		d, _, err := m.SignDaily(ctx, api.ScopeFrom(ctx), c.AccountID, c.DisplayName, Signing{
			Day: day, Notes: in.Body.Notes, Remark: in.Body.Remark, Fingerprint: in.Body.Fingerprint,
		})
		return answer(d, err, func(d *Daily) (dailyDetailView, error) { return m.viewPast(ctx, d) })
	})
}

// dailyCard asks for today's health check until it is signed, and tells of the one that was missed.
func (m *Module) dailyCard(ctx context.Context, scope store.Scope) (*api.Card, error) {
	if m.seesDaily(scope) != nil {
		return nil, nil
	}
	now := m.clock.Now()
	d, err := dailyOf(ctx, m.db.Read(), calendar.DateOf(now))
	if err != nil || d == nil || d.State != DailyDraft {
		return nil, err
	}
	card := &api.Card{Severity: "info", TitleZH: "今日早检", TitleEN: "Today's check", Count: 1, Href: "/inspect/daily", Items: []api.CardItem{}}
	line := api.CardItem{TitleZH: "待签发", TitleEN: "To be signed", Href: "/inspect/daily", At: d.DueAt.Ptr()}
	if d.Late == 1 || now.After(d.DueAt.Time) {
		card.Severity, line.TitleZH, line.TitleEN = "critical", "已过签发时限", "Not signed in time"
	}
	card.Items = append(card.Items, line)
	before, err := store.List[Daily](ctx, m.db.Read(), dailyList(), scope, store.ListQuery{Limit: 1, Filters: map[string]string{"state": string(DailyMissed)}}, nil)
	if err != nil {
		return nil, err
	}
	for _, old := range before.Items {
		if d.Day-old.Day <= 7 {
			card.Count++
			card.Items = append(card.Items, api.CardItem{
				TitleZH: old.Day.String() + " 的早检未签发", TitleEN: "The check of " + old.Day.String() + " was not signed", Href: "/inspect/daily?day=" + old.Day.String(), At: old.DueAt.Ptr(),
			})
		}
	}
	return card, nil
}
