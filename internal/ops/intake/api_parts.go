package intake

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/ops/intake/archive"
	"taxops/internal/ops/intake/zabbix"
	"taxops/internal/ops/intake/zabbix/rpc"
)

type readZabbixInput struct {
	Body struct {
		URL         string `json:"url" minLength:"8" maxLength:"500" doc:"Of the frontend, such as https://zabbix.example/zabbix/"`
		Token       string `json:"token,omitempty" maxLength:"200" doc:"API token (5.4 and later)"`
		User        string `json:"user,omitempty" maxLength:"200" doc:"Without a token: a user who may read"`
		Password    string `json:"password,omitempty" maxLength:"500"`
		CA          string `json:"ca,omitempty" maxLength:"65536" doc:"Certificates of further authorities, PEM"`
		Fingerprint string `json:"fingerprint,omitempty" maxLength:"100" doc:"SHA-256 of the server's certificate, instead of an authority"`
		Plain       bool   `json:"plain,omitempty" doc:"Let the token go over http without encryption"`
		AreaPath    string `json:"area_path" maxLength:"64"`
		SystemID    string `json:"system_id,omitempty" maxLength:"64"`
	}
}

// BroughtPartView is a part as the API shows it.
type BroughtPartView struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind" enum:"check,script,plan,none" doc:"none: what has no counterpart here"`
	Line     int      `json:"line" doc:"Of the host in the preview, 0 for none"`
	Name     string   `json:"name" doc:"Host or file"`
	Title    string   `json:"title" doc:"What it is: the kind of a check, the trigger, the file, the line of cron"`
	TitleZH  string   `json:"title_zh" doc:"Of the kind of a check"`
	TitleEN  string   `json:"title_en"`
	Detail   string   `json:"detail"`
	From     []string `json:"from" nullable:"false" doc:"Triggers or lines of cron that it stands for"`
	Fidelity string   `json:"fidelity" enum:"exact,near,none"`
	Why      []string `json:"why" nullable:"false" doc:"Codes: why it is only nearly, or not, the same"`
	Outcome  string   `json:"outcome" enum:"new,same,blocked,none"`
	Off      string   `json:"off" enum:",not_reached,draft,plan_off" doc:"Why it will not run at first"`
	Says     string   `json:"says" doc:"Why it is blocked"`
}

type partsInput struct {
	api.IDInput
	Kind     string `query:"kind" doc:"check, script, plan, none"`
	Fidelity string `query:"fidelity" doc:"exact, near, none"`
	Outcome  string `query:"outcome" doc:"new, same, blocked, none"`
	Q        string `query:"q" maxLength:"100" doc:"Text in host, file, title or trigger"`
	Offset   int    `query:"offset" minimum:"0"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type partsView struct {
	Counts map[string]int    `json:"counts" doc:"All parts, as kind.outcome and fidelity.how"`
	Notes  []BundleNote      `json:"notes" nullable:"false" doc:"Facts of the source: templates that are missing, maintenances"`
	Digest string            `json:"digest" doc:"Of the whole preview"`
	Total  int               `json:"total" doc:"Parts that the filters take"`
	Items  []BroughtPartView `json:"items" nullable:"false"`
}

// BroughtView is what a run made beside assets.
type BroughtView struct {
	Kind    string `json:"kind" enum:"check,script,plan"`
	ThingID string `json:"thing_id"`
	AssetID string `json:"asset_id"`
	Name    string `json:"name"`
	Off     string `json:"off" enum:",not_reached,draft,plan_off" doc:"Why it did not run at first"`
	Left    string `json:"left" enum:",gone,changed,in_use" doc:"Why it was not taken away when the run was undone"`
}

func (m *Module) viewPart(p Part) BroughtPartView {
	v := BroughtPartView{
		ID: p.ID, Kind: p.Kind, Line: p.Line, Name: p.Name, Title: p.Title, Detail: p.Detail, From: p.From, Fidelity: p.Fidelity, Why: p.Why,
		Outcome: p.Outcome, Off: p.Off, Says: p.Says,
	}
	if p.Check != nil {
		t := m.Inspection.Title(p.Check.Kind)
		v.TitleZH, v.TitleEN = t[0], t[1]
	}
	if v.From == nil {
		v.From = []string{}
	}
	if v.Why == nil {
		v.Why = []string{}
	}
	return v
}

// attention orders parts by how much they need a person.
func attention(p Part) int {
	switch {
	case p.Outcome == "blocked":
		return 0
	case p.Fidelity == None:
		return 1
	case p.Fidelity == Near:
		return 2
	case p.Outcome == Same:
		return 4
	}
	return 3
}

func (in *partsInput) takes(p Part) bool {
	of := func(filter, value string) bool {
		return filter == "" || slices.Contains(strings.Split(filter, ","), value)
	}
	if !of(in.Kind, p.Kind) || !of(in.Fidelity, p.Fidelity) || !of(in.Outcome, p.Outcome) {
		return false
	}
	text := strings.ToLower(strings.Join(append([]string{p.Name, p.Title, p.Detail}, p.From...), "\n"))
	return in.Q == "" || strings.Contains(text, strings.ToLower(in.Q))
}

func (m *Module) partRoutes(r *api.Router) {
	codes := []problem.Code{problem.Invalid, problem.TooLarge, problem.Forbidden}
	api.Register(r, api.Operation{
		ID: "intake.zabbix.upload", Method: http.MethodPost, Path: "/intake/zabbix/files", Permission: PermissionImport, MaxBody: zabbix.MaxSize + 1024,
		Summary: "Upload an export of Zabbix", Doc: "XML, JSON or YAML of 3.0 to 7.x as the body, at most 64 MiB. Nothing is changed yet.",
		Status: http.StatusCreated, Codes: codes,
	}, func(ctx context.Context, in *uploadInput) (*api.Output[runDetailView], error) {
		run, err := m.UploadZabbix(ctx, api.ScopeFrom(ctx), in.upload(), bytes.NewReader(in.RawBody))
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.zabbix.read", Method: http.MethodPost, Path: "/intake/zabbix/read", Permission: PermissionImport, MaxBody: 128 << 10,
		Summary: "Read a Zabbix server through its API", Doc: "4.0 to 7.x, with reading methods only. Token and password are used once and kept nowhere. Nothing is changed yet.",
		Status: http.StatusCreated, Codes: codes,
	}, func(ctx context.Context, in *readZabbixInput) (*api.Output[runDetailView], error) {
		b := in.Body
		run, err := m.ReadZabbix(ctx, api.ScopeFrom(ctx), Upload{FileName: "Zabbix API", AreaPath: b.AreaPath, SystemID: b.SystemID}, rpc.Config{
			URL: b.URL, Token: secret.NewText(b.Token), User: b.User, Password: secret.NewText(b.Password), CA: b.CA, Fingerprint: b.Fingerprint, Plain: b.Plain,
		})
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.scripts.upload", Method: http.MethodPost, Path: "/intake/scripts/files", Permission: PermissionImport, MaxBody: archive.MaxPacked + 1024,
		Summary: "Upload old check scripts", Doc: "A zip, tar or tar.gz as the body, with its crontab in it (crontab.txt, *.cron, cron.d/). Nothing is run, nothing is changed yet.",
		Status: http.StatusCreated, Codes: codes,
	}, func(ctx context.Context, in *uploadInput) (*api.Output[runDetailView], error) {
		run, err := m.UploadScripts(ctx, api.ScopeFrom(ctx), in.upload())
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.parts", Method: http.MethodGet, Path: "/intake/runs/{id}/parts", Permission: PermissionImport,
		Summary: "What an import brings along with assets", Doc: "Checks with how well they stand for their triggers, scripts, plans, and what has no counterpart, each with the reason.",
		Codes: []problem.Code{problem.NotFound, problem.NotPossibleInState},
	}, func(ctx context.Context, in *partsInput) (*api.Output[partsView], error) {
		p, err := m.Preview(ctx, api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		v := partsView{Counts: p.PartCounts, Notes: p.Notes, Digest: p.Digest, Items: []BroughtPartView{}}
		if v.Counts == nil {
			v.Counts = map[string]int{}
		}
		if v.Notes == nil {
			v.Notes = []BundleNote{}
		}
		// What needs a person first.
		slices.SortStableFunc(p.Parts, func(a, b Part) int { return attention(a) - attention(b) })
		for _, part := range p.Parts {
			if !in.takes(part) {
				continue
			}
			if v.Total++; v.Total > in.Offset && len(v.Items) < in.Limit {
				v.Items = append(v.Items, m.viewPart(part))
			}
		}
		return &api.Output[partsView]{Body: v}, nil
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.brought", Method: http.MethodGet, Path: "/intake/runs/{id}/brought", Permission: PermissionImport,
		Summary: "Checks, scripts and plans that an import made", Doc: "After an undo with what stays, and why.",
		Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[api.Items[BroughtView]], error) {
		steps, err := m.Brought(ctx, api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		out := api.Items[BroughtView]{Items: []BroughtView{}}
		for _, s := range steps {
			out.Items = append(out.Items, BroughtView{Kind: s.Kind, ThingID: s.ThingID, AssetID: s.AssetID, Name: s.Name, Off: s.Off, Left: s.Left})
		}
		return &api.Output[api.Items[BroughtView]]{Body: out}, nil
	})
}

func (in *uploadInput) upload() Upload {
	return Upload{FileName: in.FileName, Content: in.RawBody, AreaPath: in.AreaPath, SystemID: in.SystemID}
}
