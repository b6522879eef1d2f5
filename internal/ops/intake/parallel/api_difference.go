package parallel

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// SpanInput is what a comparison is asked for; exported so that the API description shows embedded fields.
type SpanInput struct {
	From     string `query:"from" maxLength:"10" doc:"First day, such as 2026-11-18; the last seven when left out"`
	To       string `query:"to" maxLength:"10" doc:"Last day, included"`
	Minutes  int    `query:"minutes" minimum:"0" maximum:"1440" default:"15" doc:"How far apart the two may see the same"`
	Side     string `query:"side" doc:"both, zabbix_only, ours_only, differences: the latter two"`
	Why      string `query:"why" doc:"no_asset, no_checks, not_seen, not_sent, not_known"`
	Verdict  string `query:"verdict" doc:"open, known, accepted"`
	Severity int    `query:"severity" minimum:"0" maximum:"5" doc:"Of the problem of Zabbix, at least"`
	AssetID  string `query:"asset_id" maxLength:"64"`
	Q        string `query:"q" maxLength:"100" doc:"Text in asset, host, trigger, finding"`
}

func (in SpanInput) read(now time.Time) (Span, Filter, error) {
	from, to := lastDays(now, 7)
	if in.From != "" {
		from = in.From
	}
	if in.To != "" {
		to = in.To
	}
	s := Span{Tolerance: time.Duration(in.Minutes) * time.Minute}
	var err error
	if s.From, err = time.ParseInLocation(time.DateOnly, from, clock.Shanghai()); err != nil {
		return s, Filter{}, problem.InvalidField("query.from", "not_a_day", "a day such as 2026-11-18")
	}
	if s.To, err = time.ParseInLocation(time.DateOnly, to, clock.Shanghai()); err != nil {
		return s, Filter{}, problem.InvalidField("query.to", "not_a_day", "a day such as 2026-11-24")
	}
	s.To = s.To.AddDate(0, 0, 1)
	return s, Filter{Side: in.Side, Why: in.Why, Verdict: in.Verdict, Severity: in.Severity, AssetID: in.AssetID, Text: in.Q}, nil
}

type differencesInput struct {
	SpanInput
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"10" doc:"next_cursor of the page before"`
}

type differenceView struct {
	Key         string       `json:"key" doc:"problem:ID or finding:ID"`
	Side        string       `json:"side" enum:"both,zabbix_only,ours_only"`
	At          time.Time    `json:"at"`
	AssetID     string       `json:"asset_id"`
	AssetName   string       `json:"asset_name"`
	Problem     *ProblemView `json:"problem,omitempty"`
	Finding     *seenView    `json:"finding,omitempty"`
	LeadSeconds int64        `json:"lead_seconds" doc:"How much later we were than Zabbix; negative when we were first"`
	Why         string       `json:"why" enum:",no_asset,no_checks,not_seen,not_sent,not_known" doc:"Why only one side saw it, as far as the records tell"`
	Verdict     *verdictView `json:"verdict,omitempty"`
}

type seenView struct {
	ID       string    `json:"id"`
	Number   string    `json:"number"`
	Title    string    `json:"title"`
	Severity string    `json:"severity"`
	OpenedAt time.Time `json:"opened_at"`
}

type verdictView struct {
	Verdict    string    `json:"verdict" enum:"known,accepted"`
	Reason     string    `json:"reason"`
	SaidByName string    `json:"said_by_name"`
	SaidAt     time.Time `json:"said_at"`
}

type figuresView struct {
	Problems          int   `json:"problems"`
	Findings          int   `json:"findings"`
	Both              int   `json:"both" doc:"Problems with a finding near them"`
	Theirs            int   `json:"zabbix_only"`
	Ours              int   `json:"ours_only"`
	Open              int   `json:"open" doc:"Differences of which nobody has said anything"`
	WeFirst           int   `json:"we_first"`
	TheyFirst         int   `json:"they_first"`
	Equal             int   `json:"equal"`
	MedianLeadSeconds int64 `json:"median_lead_seconds" doc:"Of both; negative when we were first"`
}

type comparisonView struct {
	From    string           `json:"from"`
	To      string           `json:"to"`
	Minutes int              `json:"minutes"`
	Figures figuresView      `json:"figures" doc:"Of the whole span, whatever the filters"`
	Total   int              `json:"total" doc:"Rows that the filters take"`
	Capped  bool             `json:"total_capped" doc:"Never: the span bounds the rows"`
	Next    string           `json:"next_cursor" doc:"Empty at the end"`
	Items   []differenceView `json:"items" nullable:"false"`
}

type verdictInput struct {
	Body struct {
		Key     string `json:"key" minLength:"1" maxLength:"80" doc:"problem:ID or finding:ID"`
		Verdict string `json:"verdict" enum:",known,accepted" doc:"known: its cause is being worked on; accepted: it stays so; empty withdraws what was said"`
		Reason  string `json:"reason" maxLength:"1000" doc:"Needed unless withdrawn"`
	}
}

func (m *Module) viewRows(ctx context.Context, rows []Row) ([]differenceView, error) {
	var people []string
	for _, r := range rows {
		if r.Verdict != nil {
			people = append(people, r.Verdict.SaidBy)
		}
	}
	names, err := m.People.Names(ctx, people)
	if err != nil {
		return nil, err
	}
	out := make([]differenceView, 0, len(rows))
	for _, r := range rows {
		v := differenceView{
			Key: r.Key, Side: r.Side, At: r.At.UTC(), AssetID: r.AssetID, AssetName: r.AssetName, LeadSeconds: int64(r.Lead / time.Second), Why: r.Why,
		}
		if r.Problem != nil {
			p := viewProblem(*r.Problem)
			v.Problem = &p
		}
		if f := r.Finding; f != nil {
			v.Finding = &seenView{ID: f.ID, Number: f.Number, Title: f.Title, Severity: f.Severity, OpenedAt: f.OpenedAt.UTC()}
		}
		if s := r.Verdict; s != nil {
			v.Verdict = &verdictView{Verdict: s.Verdict, Reason: s.Reason, SaidByName: names[s.SaidBy], SaidAt: s.SaidAt.Time}
		}
		out = append(out, v)
	}
	return out, nil
}

func (m *Module) differenceRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "parallel.differences.list", Method: http.MethodGet, Path: "/parallel/differences", Permission: PermissionRead,
		Summary: "Zabbix compared with our findings", Doc: "Problems with the finding nearest in time on the same asset or on what lies on it, and each that has no counterpart; the latest first.",
		Codes: []problem.Code{problem.Invalid},
	}, func(ctx context.Context, in *differencesInput) (*api.Output[comparisonView], error) {
		s, f, err := in.read(m.Clock.Now())
		if err != nil {
			return nil, err
		}
		rows, sums, err := m.Compare(ctx, api.ScopeFrom(ctx), s, f)
		if err != nil {
			return nil, err
		}
		out := comparisonView{
			From: store.Day(s.From), To: store.Day(s.To.Add(-1)), Minutes: in.Minutes, Total: len(rows),
			Figures: figuresView{
				Problems: sums.Problems, Findings: sums.Findings, Both: sums.Both, Theirs: sums.Theirs, Ours: sums.Ours, Open: sums.Open,
				WeFirst: sums.WeFirst, TheyFirst: sums.TheyFirst, Equal: sums.Equal, MedianLeadSeconds: int64(sums.MedianLead / time.Second),
			},
		}
		from := 0
		if in.Cursor != "" {
			if from, err = strconv.Atoi(in.Cursor); err != nil || from < 0 {
				return nil, problem.InvalidField("query.cursor", "not_ours", "the cursor is not one that this list gave")
			}
		}
		from = min(from, len(rows))
		to := min(from+in.Limit, len(rows))
		if to < len(rows) {
			out.Next = strconv.Itoa(to)
		}
		out.Items, err = m.viewRows(ctx, rows[from:to])
		return &api.Output[comparisonView]{Body: out}, err
	})
	api.RegisterExport(r, api.Operation{
		ID: "parallel.differences.export", Path: "/parallel/differences/export", Permission: PermissionRead,
		Summary: "The comparison as a file", Doc: "All rows that the filters take.",
	}, api.ListExport[exportInput, differenceView]{
		List: "parallel.differences", Columns: exportColumns(), Page: m.exportPage,
		Ask: func(in *exportInput) (api.ExportParams, map[string]string) { return in.ExportParams, in.filters() },
	})
	api.Register(r, api.Operation{
		ID: "parallel.differences.explain", Method: http.MethodPost, Path: "/parallel/differences/explain", Permission: PermissionExplain,
		Summary: "Say what a difference is", Doc: "Known or accepted, with the reason; an empty verdict withdraws it.",
		Status: http.StatusNoContent, Codes: []problem.Code{problem.NotFound, problem.Invalid},
	}, func(ctx context.Context, in *verdictInput) (*api.None, error) {
		reason := strings.TrimSpace(in.Body.Reason)
		if in.Body.Verdict != "" && len([]rune(reason)) < 2 {
			return nil, problem.InvalidField("body.reason", "required", "say why")
		}
		return &api.None{}, m.Explain(ctx, api.ScopeFrom(ctx), in.Body.Key, in.Body.Verdict, reason)
	})
}
