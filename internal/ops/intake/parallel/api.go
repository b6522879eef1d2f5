package parallel

import (
	"context"
	"net/http"
	"strings"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// SourceView is a source as answered.
type SourceView struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	State         string     `json:"state" enum:"active,revoked"`
	AreaPath      string     `json:"area_path" doc:"Of problems whose asset is not known"`
	SystemID      string     `json:"system_id"`
	CreatedByName string     `json:"created_by_name"`
	CreatedAt     time.Time  `json:"created_at"`
	RevokedAt     *time.Time `json:"revoked_at,omitempty"`
	LastAt        *time.Time `json:"last_at,omitempty" doc:"When it sent last, to the minute"`
	Version       int64      `json:"version"`
}

type sourcesInput struct {
	api.ListParams
	State string `query:"state" doc:"active, revoked"`
}

type sourceInput struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"100"`
		AreaPath string `json:"area_path" maxLength:"64"`
		SystemID string `json:"system_id" maxLength:"64"`
	}
}

type newSourceView struct {
	Source SourceView `json:"source"`
	Token  string     `json:"token" doc:"Shown this once; only its hash is kept"`
}

type revokeInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

type reportInput struct {
	Authorization string `header:"Authorization" maxLength:"200" doc:"Bearer and the token of the source"`
	Body          struct {
		EventID     string    `json:"event_id" minLength:"1" maxLength:"64" doc:"{EVENT.ID}: of the problem, also in the report of its recovery"`
		Status      string    `json:"status" enum:"problem,recovery"`
		Host        string    `json:"host" minLength:"1" maxLength:"128" doc:"{HOST.HOST}"`
		HostName    string    `json:"host_name,omitempty" maxLength:"128" doc:"{HOST.NAME}"`
		Address     string    `json:"address,omitempty" maxLength:"253" doc:"{HOST.CONN}"`
		TriggerID   string    `json:"trigger_id,omitempty" maxLength:"64" doc:"{TRIGGER.ID}"`
		Trigger     string    `json:"trigger" minLength:"1" maxLength:"2048" doc:"{EVENT.NAME}"`
		Severity    int       `json:"severity" minimum:"0" maximum:"5" doc:"{EVENT.NSEVERITY}"`
		StartedAt   time.Time `json:"started_at" doc:"When the problem began"`
		RecoveredAt time.Time `json:"recovered_at,omitempty" doc:"When it ended, for a recovery"`
	}
}

// ProblemView is a problem of Zabbix as answered.
type ProblemView struct {
	ID          string     `json:"id"`
	SourceID    string     `json:"source_id"`
	EventID     string     `json:"event_id"`
	Host        string     `json:"host"`
	HostName    string     `json:"host_name"`
	Address     string     `json:"address"`
	Trigger     string     `json:"trigger"`
	Severity    int        `json:"severity" minimum:"0" maximum:"5"`
	StartedAt   time.Time  `json:"started_at"`
	RecoveredAt *time.Time `json:"recovered_at,omitempty"`
	ReceivedAt  time.Time  `json:"received_at"`
	AssetID     string     `json:"asset_id" doc:"Empty while no asset fits"`
	AssetName   string     `json:"asset_name"`
	MatchedBy   string     `json:"matched_by" enum:"address,hostname,name,ambiguous,unknown"`
	AreaPath    string     `json:"area_path"`
	SystemID    string     `json:"system_id"`
}

func viewProblem(p Problem) ProblemView {
	return ProblemView{
		ID: p.ID, SourceID: p.SourceID, EventID: p.EventID, Host: p.Host, HostName: p.HostName, Address: p.Address, Trigger: p.Title,
		Severity: p.Severity, StartedAt: p.StartedAt.Time, RecoveredAt: p.RecoveredAt.Ptr(), ReceivedAt: p.ReceivedAt.Time,
		AssetID: p.AssetID, AssetName: p.AssetName, MatchedBy: p.MatchedBy, AreaPath: p.AreaPath, SystemID: p.SystemID,
	}
}

type problemsInput struct {
	api.ListParams
	SourceID  string `query:"source_id" maxLength:"64"`
	AssetID   string `query:"asset_id" maxLength:"64"`
	MatchedBy string `query:"matched_by" doc:"address, hostname, name, ambiguous, unknown"`
	Severity  string `query:"severity" doc:"0 to 5"`
	Since     string `query:"since" doc:"Began at or after this time"`
	Until     string `query:"until" doc:"Began before this time"`
	Q         string `query:"q" maxLength:"100" doc:"Text in host, address, trigger or event"`
}

func (m *Module) viewSources(ctx context.Context, sources []Source) (map[string]SourceView, error) {
	var people []string
	for _, s := range sources {
		people = append(people, s.CreatedBy)
	}
	names, err := m.People.Names(ctx, people)
	if err != nil {
		return nil, err
	}
	out := make(map[string]SourceView, len(sources))
	for _, s := range sources {
		out[s.ID] = SourceView{
			ID: s.ID, Name: s.Name, State: string(s.State), AreaPath: s.AreaPath, SystemID: s.SystemID, CreatedByName: names[s.CreatedBy],
			CreatedAt: s.CreatedAt.Time, RevokedAt: s.RevokedAt.Ptr(), LastAt: s.LastAt.Ptr(), Version: s.Version,
		}
	}
	return out, nil
}

// Routes are the operations of this module.
func (m *Module) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "parallel.sources.list", Method: http.MethodGet, Path: "/parallel/sources", Permission: PermissionRead,
		Summary: "Zabbix servers that send their problems", Doc: "The latest first.",
	}, func(ctx context.Context, in *sourcesInput) (*api.PageOutput[SourceView], error) {
		page, err := store.List[Source](ctx, m.db.Read(), sourceList(), api.ScopeFrom(ctx), in.Query(map[string]string{"state": in.State}), nil)
		if err != nil {
			return nil, err
		}
		views, err := m.viewSources(ctx, page.Items)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(s Source) SourceView { return views[s.ID] }), nil
	})
	api.Register(r, api.Operation{
		ID: "parallel.sources.create", Method: http.MethodPost, Path: "/parallel/sources", Permission: PermissionManage,
		Summary: "Let a Zabbix server send its problems", Doc: "The answer holds its token, which is shown this once.",
		Status: http.StatusCreated, Sensitive: true, Codes: []problem.Code{problem.Invalid},
	}, func(ctx context.Context, in *sourceInput) (*api.Output[newSourceView], error) {
		s, token, err := m.AddSource(ctx, api.ScopeFrom(ctx), in.Body.Name, in.Body.AreaPath, in.Body.SystemID)
		if err != nil {
			return nil, err
		}
		views, err := m.viewSources(ctx, []Source{s})
		return &api.Output[newSourceView]{Body: newSourceView{Source: views[s.ID], Token: token}}, err
	})
	api.Register(r, api.Operation{
		ID: "parallel.sources.revoke", Method: http.MethodPost, Path: "/parallel/sources/{id}/revoke", Permission: PermissionManage,
		Summary: "Let a Zabbix server send no more", Doc: "Its token is worth nothing from then on; what it sent stays.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *revokeInput) (*api.Output[SourceView], error) {
		s, err := m.RevokeSource(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Reason, in.Body.Version)
		if err != nil {
			return nil, err
		}
		views, err := m.viewSources(ctx, []Source{s})
		return &api.Output[SourceView]{Body: views[s.ID]}, err
	})
	api.Register(r, api.Operation{
		ID: "intake.zabbix.events", Method: http.MethodPost, Path: "/intake/zabbix/events",
		Public:  "the token of a source stands in for a person; without one nothing is taken",
		Summary: "Take in a problem of Zabbix, or its end", Doc: "Sent by a media type of type webhook. The same report may be sent again: it is taken once, by its event.",
		MaxBody: 16 << 10, Status: http.StatusNoContent,
		Codes: []problem.Code{problem.Unauthenticated, problem.Invalid, problem.RateLimited, problem.TooLarge},
	}, func(ctx context.Context, in *reportInput) (*api.None, error) {
		token, _ := strings.CutPrefix(in.Authorization, "Bearer ")
		b := in.Body
		_, err := m.Receive(ctx, token, api.Network(api.Remote(ctx)), Report{
			EventID: b.EventID, Status: b.Status, Host: b.Host, HostName: b.HostName, Address: b.Address, TriggerID: b.TriggerID,
			Trigger: b.Trigger, Severity: b.Severity, StartedAt: b.StartedAt, RecoveredAt: b.RecoveredAt,
		})
		return &api.None{}, err
	})
	api.Register(r, api.Operation{
		ID: "parallel.problems.list", Method: http.MethodGet, Path: "/parallel/problems", Permission: PermissionRead,
		Summary: "Problems that Zabbix sent", Doc: "The latest first.",
	}, func(ctx context.Context, in *problemsInput) (*api.PageOutput[ProblemView], error) {
		page, err := m.Problems(ctx, api.ScopeFrom(ctx), in.Query(map[string]string{
			"source_id": in.SourceID, "asset_id": in.AssetID, "matched_by": in.MatchedBy, "severity": in.Severity,
			"since": in.Since, "until": in.Until, "q": in.Q,
		}))
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, viewProblem), nil
	})
	m.differenceRoutes(r)
}
