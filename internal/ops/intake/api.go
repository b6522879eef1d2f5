package intake

import (
	"context"
	"net/http"
	"slices"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/ops/intake/sheet"
)

const (
	// mostSamples of a column are shown beside its name.
	mostSamples = 3
	// mostShown rows of a preview are in one page.
	mostShown = 200
)

type fieldView struct {
	Name    string `json:"name"`
	TitleZH string `json:"title_zh"`
	TitleEN string `json:"title_en"`
}

type uploadInput struct {
	FileName string `query:"file_name" maxLength:"255" doc:"As it is called where it comes from"`
	AreaPath string `query:"area_path" required:"true" maxLength:"64" doc:"Where rows lie that do not say it"`
	SystemID string `query:"system_id" maxLength:"64" doc:"The system of rows that do not name one; may be empty"`
	RawBody  []byte `contentType:"application/octet-stream"`
}

type importColumnView struct {
	Column  string   `json:"column" doc:"As the spreadsheet names it"`
	Title   string   `json:"title"`
	Field   string   `json:"field" doc:"Name of the value, label:key, or empty for none"`
	Samples []string `json:"samples" nullable:"false"`
}

// RunView is a run as the API shows it; exported so that the API description shows embedded fields.
type RunView struct {
	ID            string         `json:"id"`
	Number        string         `json:"number" example:"IMP-2026-0001"`
	Source        string         `json:"source" enum:"assets,zabbix,scripts"`
	FileName      string         `json:"file_name"`
	FileBytes     int64          `json:"file_bytes"`
	SHA256        string         `json:"sha256"`
	State         string         `json:"state" enum:"parsed,applied,undone,discarded"`
	Remembered    bool           `json:"remembered" doc:"The mapping is that of an earlier import with the same columns"`
	Defaults      Defaults       `json:"defaults"`
	Rows          int            `json:"rows"`
	Counts        map[string]int `json:"counts" doc:"Rows by outcome, once applied"`
	CreatedByName string         `json:"created_by_name"`
	CreatedAt     time.Time      `json:"created_at"`
	AppliedByName string         `json:"applied_by_name"`
	AppliedAt     *time.Time     `json:"applied_at,omitempty"`
	UndoneByName  string         `json:"undone_by_name"`
	UndoneAt      *time.Time     `json:"undone_at,omitempty"`
	AreaPath      string         `json:"area_path"`
	SystemID      string         `json:"system_id"`
	Version       int64          `json:"version"`
}

type runDetailView struct {
	RunView
	Sheet      string             `json:"sheet"`
	Encoding   string             `json:"encoding"`
	HeaderLine int                `json:"header_line" doc:"Line of the file in which the header ends, 0 when the rows are not kept any more"`
	Columns    []importColumnView `json:"columns" nullable:"false"`
}

func viewRun(r Run, names map[string]string) RunView {
	return RunView{
		ID: r.ID, Number: r.Number, Source: r.Source, FileName: r.FileName, FileBytes: r.FileBytes, SHA256: r.SHA256, State: string(r.State),
		Remembered: r.Remembered == 1, Defaults: r.Defaults, Rows: r.RowCount, Counts: r.Counts,
		CreatedByName: names[r.CreatedBy], CreatedAt: r.CreatedAt.Time, AppliedByName: names[r.AppliedBy], AppliedAt: r.AppliedAt.Ptr(),
		UndoneByName: names[r.UndoneBy], UndoneAt: r.UndoneAt.Ptr(), AreaPath: r.AreaPath, SystemID: r.SystemID, Version: r.Version,
	}
}

func (m *Module) detail(ctx context.Context, r Run, err error) (*api.Output[runDetailView], error) {
	if err != nil {
		return nil, err
	}
	names, err := m.names(ctx, []Run{r})
	if err != nil {
		return nil, err
	}
	v := runDetailView{RunView: viewRun(r, names), Columns: []importColumnView{}}
	if len(r.Content) > 0 {
		t, err := unpack(r.Content)
		if err != nil {
			return nil, err
		}
		v.Sheet, v.Encoding, v.HeaderLine = t.Sheet, t.Encoding, t.Line
		for i, h := range t.Header {
			c := importColumnView{Column: sheet.Column(i), Title: h, Field: r.Mapping[i], Samples: []string{}}
			for _, l := range t.Rows {
				if s := cut(l.cell(i), 40); s != "" && !slices.Contains(c.Samples, s) {
					if c.Samples = append(c.Samples, s); len(c.Samples) == mostSamples {
						break
					}
				}
			}
			v.Columns = append(v.Columns, c)
		}
	}
	return &api.Output[runDetailView]{Body: v}, nil
}

type runsInput struct {
	api.ListParams
	State  string `query:"state" doc:"parsed, applied, undone, discarded"`
	Source string `query:"source" maxLength:"20"`
}

type configureInput struct {
	api.IDInput
	Body struct {
		Mapping  []string `json:"mapping" maxItems:"256" nullable:"false" doc:"For each column the name of a value, label:key, or an empty text"`
		Defaults Defaults `json:"defaults" doc:"What rows are that do not say it"`
		Version  int64    `json:"version"`
	}
}

type previewInput struct {
	api.IDInput
	Outcome string `query:"outcome" doc:"Only these rows: conflict, new, changed, same; several with commas between"`
	After   int    `query:"after" minimum:"0" doc:"Rows to pass over: next of the page before"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type importRowView struct {
	Line    int          `json:"line"`
	Outcome string       `json:"outcome" enum:"new,changed,same,conflict"`
	Name    string       `json:"name"`
	AssetID string       `json:"asset_id" doc:"Empty for a new asset"`
	Number  string       `json:"number"`
	Changes []Difference `json:"changes" nullable:"false"`
	Faults  []Fault      `json:"faults" nullable:"false"`
}

type importPreviewView struct {
	Counts map[string]int  `json:"counts" doc:"Rows by outcome"`
	Digest string          `json:"digest" doc:"Of the whole preview, to be given when it is applied"`
	Rows   []importRowView `json:"rows" nullable:"false"`
	Next   int             `json:"next" doc:"Rows before the next page, 0 at the end"`
}

type applyInput struct {
	api.IDInput
	Body struct {
		Digest        string `json:"digest" maxLength:"64" doc:"Of the preview"`
		SkipConflicts bool   `json:"skip_conflicts,omitempty" doc:"Leave conflicts out; otherwise they refuse the whole"`
		Version       int64  `json:"version"`
		// Of what Zabbix or a folder of scripts brings:
		LeaveLines []int    `json:"leave_lines,omitempty" maxItems:"20000" doc:"Hosts that are not taken, by line of the preview"`
		LeaveParts []string `json:"leave_parts,omitempty" maxItems:"20000" doc:"Parts that are not taken, by id"`
		OnlyExact  bool     `json:"only_exact,omitempty" doc:"Leave out checks that ask only nearly what their triggers asked"`
	}
}

type undoInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

type versionInput struct {
	api.IDInput
	Body struct {
		Version int64 `json:"version"`
	}
}

type importStepView struct {
	Line    int    `json:"line"`
	AssetID string `json:"asset_id"`
	Number  string `json:"number"`
	Name    string `json:"name"`
	Added   bool   `json:"added"`
	Left    string `json:"left" enum:",gone,changed,self,in_use" doc:"Why it was not put back when the run was undone"`
}

func viewSteps(steps []Step) []importStepView {
	out := []importStepView{}
	for _, s := range steps {
		out = append(out, importStepView{Line: s.Line, AssetID: s.AssetID, Number: s.Number, Name: s.Name, Added: s.Added == 1, Left: s.Left})
	}
	return out
}

// Routes adds the operations.
func (m *Module) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "intake.fields.list", Method: http.MethodGet, Path: "/intake/fields", Permission: PermissionImport,
		Summary: "Values of an asset that a column may hold",
	}, func(context.Context, *struct{}) (*api.Output[api.Items[fieldView]], error) {
		out := api.Items[fieldView]{Items: []fieldView{}}
		for _, f := range Fields() {
			out.Items = append(out.Items, fieldView{Name: f.Name, TitleZH: f.TitleZH, TitleEN: f.TitleEN})
		}
		return &api.Output[api.Items[fieldView]]{Body: out}, nil
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.create", Method: http.MethodPost, Path: "/intake/runs", Permission: PermissionImport, MaxBody: sheet.Usual().Bytes + 1024,
		Summary: "Upload a list of assets", Doc: "XLSX or CSV (UTF-8 or GB18030) as the body, at most 50 MB and 20,000 rows. Nothing is changed yet.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.TooLarge, problem.Forbidden},
	}, func(ctx context.Context, in *uploadInput) (*api.Output[runDetailView], error) {
		run, err := m.Upload(ctx, api.ScopeFrom(ctx), Upload{FileName: in.FileName, Content: in.RawBody, AreaPath: in.AreaPath, SystemID: in.SystemID})
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.list", Method: http.MethodGet, Path: "/intake/runs", Permission: PermissionImport,
		Summary: "Imports", Doc: "The latest first.",
	}, func(ctx context.Context, in *runsInput) (*api.PageOutput[RunView], error) {
		page, err := m.Runs(ctx, api.ScopeFrom(ctx), in.Query(map[string]string{"state": in.State, "source": in.Source}))
		if err != nil {
			return nil, err
		}
		names, err := m.names(ctx, page.Items)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(r Run) RunView { return viewRun(r, names) }), nil
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.get", Method: http.MethodGet, Path: "/intake/runs/{id}", Permission: PermissionImport,
		Summary: "One import", Doc: "With its columns, what they are taken for, and samples.", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[runDetailView], error) {
		run, _, err := m.Run(ctx, api.ScopeFrom(ctx), in.ID)
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.configure", Method: http.MethodPatch, Path: "/intake/runs/{id}", Permission: PermissionImport,
		Summary: "Say what the columns are", Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid, problem.NotPossibleInState},
	}, func(ctx context.Context, in *configureInput) (*api.Output[runDetailView], error) {
		run, err := m.Configure(ctx, api.ScopeFrom(ctx), in.ID, Settings{Mapping: in.Body.Mapping, Defaults: in.Body.Defaults, Version: in.Body.Version})
		return m.detail(ctx, run, err)
	})
	m.runRoutes(r)
	m.partRoutes(r)
}

func (m *Module) runRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "intake.runs.preview", Method: http.MethodGet, Path: "/intake/runs/{id}/preview", Permission: PermissionImport,
		Summary: "What an import would change now", Doc: "It changes nothing. Conflicts come first and name the cells at fault.",
		Codes: []problem.Code{problem.NotFound, problem.Invalid, problem.NotPossibleInState},
	}, func(ctx context.Context, in *previewInput) (*api.Output[importPreviewView], error) {
		p, err := m.Preview(ctx, api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		v := importPreviewView{Counts: p.Counts, Digest: p.Digest, Rows: []importRowView{}}
		shown := p.only(in.Outcome)
		end := min(in.After+min(in.Limit, mostShown), len(shown))
		if end < len(shown) {
			v.Next = end
		}
		for _, row := range shown[min(in.After, end):end] {
			v.Rows = append(v.Rows, importRowView{
				Line: row.Line, Outcome: row.Outcome, Name: row.Name, AssetID: row.AssetID, Number: row.Number, Changes: row.Changes, Faults: row.Faults,
			})
		}
		return &api.Output[importPreviewView]{Body: v}, nil
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.apply", Method: http.MethodPost, Path: "/intake/runs/{id}/apply", Permission: PermissionImport,
		Summary: "Apply an import", Doc: "All of the preview in one transaction, once.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid, problem.NotPossibleInState, CodePreviewStale},
	}, func(ctx context.Context, in *applyInput) (*api.Output[runDetailView], error) {
		run, err := m.Apply(ctx, api.ScopeFrom(ctx), in.ID, Application{
			Digest: in.Body.Digest, SkipConflicts: in.Body.SkipConflicts, Version: in.Body.Version,
			LeaveLines: in.Body.LeaveLines, LeaveParts: in.Body.LeaveParts, OnlyExact: in.Body.OnlyExact,
		})
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.undo", Method: http.MethodPost, Path: "/intake/runs/{id}/undo", Permission: PermissionImport,
		Summary: "Undo an import", Doc: "Puts back what it changed and retires what it added; what was changed since is left.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *undoInput) (*api.Output[runDetailView], error) {
		run, _, err := m.Undo(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Reason, in.Body.Version)
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.discard", Method: http.MethodPost, Path: "/intake/runs/{id}/discard", Permission: PermissionImport,
		Summary: "Give an import up", Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *versionInput) (*api.Output[runDetailView], error) {
		run, err := m.Discard(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Version)
		return m.detail(ctx, run, err)
	})
	api.Register(r, api.Operation{
		ID: "intake.runs.steps", Method: http.MethodGet, Path: "/intake/runs/{id}/steps", Permission: PermissionImport,
		Summary: "What an import added and changed", Doc: "In the order of the file; after an undo with what was left, and why.",
		Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[api.Items[importStepView]], error) {
		steps, err := m.Steps(ctx, api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		return &api.Output[api.Items[importStepView]]{Body: api.Items[importStepView]{Items: viewSteps(steps)}}, nil
	})
}
