package calendar

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type dayView struct {
	Date        string   `json:"date" format:"date"`
	Kind        Kind     `json:"kind" enum:"workday,off,makeup,unpublished"`
	Name        string   `json:"name" doc:"Of the holiday; empty for ordinary days"`
	Layer       Layer    `json:"layer" doc:"Whose list says so: national, region; empty when the weekday does"`
	Provisional bool     `json:"provisional" doc:"A later notice may still change it"`
	Periods     []string `json:"periods" nullable:"false" doc:"Kinds of the periods that touch the day"`
}

type listView struct {
	ID           string     `json:"id"`
	Layer        Layer      `json:"layer" enum:"national,region"`
	Year         int        `json:"year"`
	Source       string     `json:"source" doc:"The document"`
	Version      string     `json:"version"`
	Provisional  bool       `json:"provisional"`
	ImportedBy   string     `json:"imported_by" doc:"Account; empty for what the program brought along"`
	ImportedAt   time.Time  `json:"imported_at"`
	SupersededAt *time.Time `json:"superseded_at,omitempty"`
}

type periodView struct {
	ID          string     `json:"id" doc:"Empty when it was computed"`
	Kind        PeriodKind `json:"kind" enum:"filing,filing_major,settlement,holiday,event"`
	Name        string     `json:"name"`
	From        time.Time  `json:"from"`
	To          time.Time  `json:"to" doc:"Not included"`
	Provisional bool       `json:"provisional" doc:"Computed by the rule; the notice may say otherwise"`
	Source      string     `json:"source"`
	Version     string     `json:"version"`
}

func viewPeriod(p Period) periodView {
	return periodView{
		ID: p.ID, Kind: p.Kind, Name: p.Name, From: p.From.UTC(), To: p.To.UTC(), Provisional: p.Provisional, Source: p.Source, Version: p.Version,
	}
}

func viewPeriods(ps []Period) []periodView {
	out := make([]periodView, len(ps))
	for i, p := range ps {
		out[i] = viewPeriod(p)
	}
	return out
}

func (c *Calendar) viewDay(d Date, periods []Period) dayView {
	day := c.Day(d)
	v := dayView{Date: d.String(), Kind: day.Kind, Name: day.Name, Layer: day.Layer, Provisional: day.Provisional, Periods: []string{}}
	begin, end := d.Start(), (d + 1).Start()
	for _, p := range periods {
		if p.From.Before(end) && p.To.After(begin) {
			v.Periods = append(v.Periods, string(p.Kind))
		}
	}
	return v
}

type listDayView struct {
	Date string `json:"date" format:"date"`
	Kind Kind   `json:"kind" enum:"workday,off,makeup"`
	Name string `json:"name"`
}

type yearView struct {
	Year      int          `json:"year"`
	Known     bool         `json:"known" doc:"There is a national list, be it provisional"`
	Published bool         `json:"published" doc:"There is a final national list"`
	Workdays  int          `json:"workdays" doc:"0 when the year is not known"`
	Makeups   int          `json:"makeups"`
	Days      []dayView    `json:"days" nullable:"false"`
	Lists     []listView   `json:"lists" nullable:"false" doc:"Those that hold"`
	Periods   []periodView `json:"periods" nullable:"false" doc:"Those that touch the year, the computed ones included"`
}

type statusView struct {
	Today     dayView      `json:"today"`
	Missing   []int        `json:"missing" nullable:"false" doc:"Years that are needed and not published"`
	Awaited   int          `json:"awaited" doc:"Next year, when its list may come out any day; else 0"`
	Periods   []periodView `json:"periods" nullable:"false" doc:"In which we are now"`
	Hours     string       `json:"hours" doc:"Office hours" example:"09:00-12:00,13:00-18:00"`
	FirstYear int          `json:"first_year" doc:"With a list"`
	LastYear  int          `json:"last_year" doc:"With a list"`
}

type yearInput struct {
	Year int `path:"year" minimum:"2000" maximum:"2100"`
}

type listsInput struct {
	api.ListParams
	Layer string `query:"layer" doc:"national, region"`
	Year  int    `query:"year" minimum:"2000" maximum:"2100"`
}

type listBody struct {
	Layer       string `json:"layer" enum:"national,region"`
	Year        int    `json:"year" minimum:"2000" maximum:"2100"`
	Source      string `json:"source,omitempty" maxLength:"200" doc:"The document, with its number"`
	Version     string `json:"version,omitempty" maxLength:"200" doc:"Of the data, for example the day of the notice"`
	Provisional bool   `json:"provisional,omitempty" doc:"From an announcement that is not the final text"`
	Text        string `json:"text" maxLength:"65536" doc:"Lines of a day or first~last day, off, makeup or workday (休, 班, 工作日), and a name"`
}

func (b listBody) list() NewList {
	return NewList{Layer: Layer(b.Layer), Year: b.Year, Source: b.Source, Version: b.Version, Provisional: b.Provisional, Text: b.Text}
}

type periodBody struct {
	Kind        string    `json:"kind" enum:"filing,filing_major,settlement,holiday,event"`
	Name        string    `json:"name,omitempty" maxLength:"60"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to" doc:"Not included"`
	Source      string    `json:"source" maxLength:"200"`
	Version     string    `json:"version" maxLength:"200"`
	Provisional bool      `json:"provisional,omitempty"`
}

type periodsBody struct {
	Source      string `json:"source,omitempty" maxLength:"200"`
	Version     string `json:"version,omitempty" maxLength:"200"`
	Provisional bool   `json:"provisional,omitempty"`
	Text        string `json:"text" maxLength:"65536" doc:"Lines of a kind (征期, 大征期, 汇算清缴, 节假日, 重大活动), first day, last day, name"`
}

type bodyInput[T any] struct{ Body T }

type removeInput struct {
	api.IDInput
	Body struct {
		Reason string `json:"reason" minLength:"2" maxLength:"500"`
	}
}

type daysPreview struct {
	Days []listDayView `json:"days" nullable:"false"`
	Bad  []BadLine     `json:"bad" nullable:"false" doc:"Lines that cannot be read; nothing is imported while there are any"`
}

type periodsPreview struct {
	Periods []periodView `json:"periods" nullable:"false"`
	Bad     []BadLine    `json:"bad" nullable:"false"`
}

func viewListDays(days []ListDay) []listDayView {
	out := make([]listDayView, len(days))
	for i, d := range days {
		out[i] = listDayView{Date: d.Date.String(), Kind: d.Kind, Name: d.Name}
	}
	return out
}

func orNone(bad []BadLine) []BadLine {
	if bad == nil {
		return []BadLine{}
	}
	return bad
}

func viewList(r listRow) listView {
	return listView{
		ID: r.ID, Layer: r.Layer, Year: r.Year, Source: r.Source, Version: r.DocVersion, Provisional: r.Provisional == 1,
		ImportedBy: r.ImportedBy, ImportedAt: r.ImportedAt.Time, SupersededAt: r.SupersededAt.Ptr(),
	}
}

// status says where today stands.
func (s *Service) status(ctx context.Context) (statusView, error) {
	c, err := s.Calendar(ctx)
	if err != nil {
		return statusView{}, err
	}
	now := s.clock.Now()
	periods := c.PeriodsAt(now)
	v := statusView{
		Today: c.viewDay(DateOf(now), periods), Missing: append([]int{}, c.Missing(now)...), Periods: viewPeriods(periods), Hours: c.Hours.String(),
	}
	if year, awaited := c.Awaited(now); awaited {
		v.Awaited = year
	}
	for year := range c.lists[National] {
		if v.FirstYear == 0 || year < v.FirstYear {
			v.FirstYear = year
		}
		v.LastYear = max(v.LastYear, year)
	}
	return v, nil
}

// year shows a whole year.
func (s *Service) year(ctx context.Context, year int) (yearView, error) {
	c, err := s.Calendar(ctx)
	if err != nil {
		return yearView{}, err
	}
	first, last := NewDate(year, time.January, 1), NewDate(year, time.December, 31)
	periods := c.Periods(first.Start(), (last + 1).Start())
	v := yearView{
		Year: year, Known: c.known(year), Published: c.Published(year), Days: make([]dayView, 0, 366), Lists: []listView{}, Periods: viewPeriods(periods),
	}
	for d := first; d <= last; d++ {
		day := c.viewDay(d, periods)
		v.Days = append(v.Days, day)
		if day.Kind == Makeup {
			v.Makeups++
		}
		if day.Kind == Makeup || day.Kind == Workday {
			v.Workdays++
		}
	}
	if !v.Known {
		v.Workdays = 0
	}
	page, err := store.List[listRow](ctx, s.db.Read(), historyList(), store.Everything(), store.ListQuery{
		Filters: map[string]string{"year": itoa(year)}, Limit: store.MaxLimit,
	}, nil)
	if err != nil {
		return yearView{}, err
	}
	for _, r := range page.Items {
		if r.SupersededAt.IsZero() {
			v.Lists = append(v.Lists, viewList(r))
		}
	}
	return v, nil
}

// Routes adds the operations.
func (s *Service) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "calendar.status", Method: http.MethodGet, Path: "/calendar/status", Permission: PermissionRead,
		Summary: "Today, and what is missing",
	}, func(ctx context.Context, _ *struct{}) (*api.Output[statusView], error) {
		v, err := s.status(ctx)
		return &api.Output[statusView]{Body: v}, err
	})
	api.Register(r, api.Operation{
		ID: "calendar.years.get", Method: http.MethodGet, Path: "/calendar/years/{year}", Permission: PermissionRead,
		Summary: "A year, day by day", Doc: "A year without a national list has days of kind unpublished, never guessed ones.",
	}, func(ctx context.Context, in *yearInput) (*api.Output[yearView], error) {
		v, err := s.year(ctx, in.Year)
		return &api.Output[yearView]{Body: v}, err
	})
	api.Register(r, api.Operation{
		ID: "calendar.lists.list", Method: http.MethodGet, Path: "/calendar/lists", Permission: PermissionRead,
		Summary: "Lists of holidays", Doc: "The latest first, with those that were replaced.",
	}, func(ctx context.Context, in *listsInput) (*api.PageOutput[listView], error) {
		year := ""
		if in.Year != 0 {
			year = itoa(in.Year)
		}
		page, err := store.List[listRow](ctx, s.db.Read(), historyList(), api.ScopeFrom(ctx), in.Query(map[string]string{
			"layer": in.Layer, "year": year,
		}), nil)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, viewList), nil
	})
	api.Register(r, api.Operation{
		ID: "calendar.lists.preview", Method: http.MethodPost, Path: "/calendar/lists/preview", Permission: PermissionManage,
		Summary: "Read a list without importing it", Codes: []problem.Code{problem.Invalid},
	}, func(_ context.Context, in *bodyInput[listBody]) (*api.Output[daysPreview], error) {
		n := in.Body.list()
		l, bad, err := n.parse()
		return &api.Output[daysPreview]{Body: daysPreview{Days: viewListDays(l.Days), Bad: orNone(bad)}}, err
	})
	api.Register(r, api.Operation{
		ID: "calendar.lists.import", Method: http.MethodPost, Path: "/calendar/lists", Permission: PermissionManage,
		Summary: "Import a list of holidays", Doc: "It takes the place of the one for its layer and year, which stays readable.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *bodyInput[listBody]) (*api.Output[yearView], error) {
		n := in.Body.list()
		if _, err := s.ImportList(ctx, api.ScopeFrom(ctx), api.CallerFrom(ctx).AccountID, n); err != nil {
			return nil, err
		}
		v, err := s.year(ctx, n.Year)
		return &api.Output[yearView]{Body: v}, err
	})
	s.periodRoutes(r)
	s.exportRoutes(r)
}

func (s *Service) periodRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "calendar.periods.create", Method: http.MethodPost, Path: "/calendar/periods", Permission: PermissionManage,
		Summary: "Add a period that wants more care", Doc: "A filing period takes the place of the one of its month.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *bodyInput[periodBody]) (*api.Output[periodView], error) {
		b := in.Body
		p, err := s.AddPeriod(ctx, api.ScopeFrom(ctx), api.CallerFrom(ctx).AccountID, NewPeriod{
			Kind: PeriodKind(b.Kind), Name: b.Name, From: b.From, To: b.To, Source: b.Source, Version: b.Version, Provisional: b.Provisional,
		})
		return &api.Output[periodView]{Body: viewPeriod(p)}, err
	})
	api.Register(r, api.Operation{
		ID: "calendar.periods.preview", Method: http.MethodPost, Path: "/calendar/periods/preview", Permission: PermissionManage,
		Summary: "Read periods without importing them",
	}, func(_ context.Context, in *bodyInput[periodsBody]) (*api.Output[periodsPreview], error) {
		periods, bad := ParsePeriods(in.Body.Text)
		return &api.Output[periodsPreview]{Body: periodsPreview{Periods: viewPeriods(periods), Bad: orNone(bad)}}, nil
	})
	api.Register(r, api.Operation{
		ID: "calendar.periods.import", Method: http.MethodPost, Path: "/calendar/periods/import", Permission: PermissionManage,
		Summary: "Import periods", Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *bodyInput[periodsBody]) (*api.Output[api.Items[periodView]], error) {
		b := in.Body
		periods, err := s.ImportPeriods(ctx, api.ScopeFrom(ctx), api.CallerFrom(ctx).AccountID, b.Text, b.Source, b.Version, b.Provisional)
		return &api.Output[api.Items[periodView]]{Body: api.Items[periodView]{Items: viewPeriods(periods)}}, err
	})
	api.Register(r, api.Operation{
		ID: "calendar.periods.remove", Method: http.MethodPost, Path: "/calendar/periods/{id}/remove", Permission: PermissionManage,
		Summary: "Take a period back", Doc: "A computed filing period comes in its place.", Status: http.StatusNoContent,
		Codes: []problem.Code{problem.NotFound, problem.Forbidden},
	}, func(ctx context.Context, in *removeInput) (*api.None, error) {
		return &api.None{}, s.RemovePeriod(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Reason)
	})
}
