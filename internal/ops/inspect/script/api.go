package script

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/wrapper"
)

// maxRequest holds a script of 1 MiB in base64 with its manifest.
const maxRequest = 2 << 20

// scriptPersonView is a person as others see them.
type scriptPersonView struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
}

// ScriptView is a package as the API shows it; exported so that the API description shows embedded fields.
type ScriptView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" example:"tablespace"`
	Title     string    `json:"title"`
	Class     string    `json:"class" enum:"os_log,hardware,service,performance,instance,data"`
	AreaPath  string    `json:"area_path"`
	SystemID  string    `json:"system_id"`
	Latest    int64     `json:"latest" doc:"Highest number of a version"`
	Current   int64     `json:"current" doc:"Highest number of a released version; 0 for none"`
	DraftID   string    `json:"draft_id" doc:"Its draft; empty for none"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func viewPackage(p Package) ScriptView {
	return ScriptView{
		ID: p.ID, Name: p.Name, Title: p.Title, Class: p.Class, AreaPath: p.AreaPath, SystemID: p.SystemID, Latest: p.Latest,
		Current: p.Current, DraftID: p.DraftID, CreatedAt: p.CreatedAt.Time, UpdatedAt: p.UpdatedAt.Time,
	}
}

// ScriptVersionView is a version as the API shows it; exported so that the API description shows embedded fields.
type ScriptVersionView struct {
	ID         string            `json:"id"`
	PackageID  string            `json:"package_id"`
	Number     int64             `json:"number"`
	State      string            `json:"state" enum:"draft,released,retired"`
	Manifest   ScriptManifest    `json:"manifest"`
	BodySHA256 string            `json:"body_sha256"`
	SHA256     string            `json:"sha256" doc:"Of text and manifest; empty until released. Results carry it"`
	Note       string            `json:"note"`
	CreatedBy  *scriptPersonView `json:"created_by"`
	CreatedAt  time.Time         `json:"created_at"`
	ReleasedBy *scriptPersonView `json:"released_by"`
	ReleasedAt *time.Time        `json:"released_at"`
	Version    int64             `json:"version"`
}

type scriptVersionDetailView struct {
	ScriptVersionView
	Body []byte `json:"body" doc:"The text of the script in base64: it may be in any encoding"`
}

type scriptDetailView struct {
	ScriptView
	Versions []ScriptVersionView `json:"versions" nullable:"false" doc:"The newest first"`
}

func (m *Module) viewVersions(ctx context.Context, list []Version) ([]ScriptVersionView, error) {
	var people []string
	for _, v := range list {
		for _, id := range []string{v.CreatedBy, v.ReleasedBy} {
			if id != "" {
				people = append(people, id)
			}
		}
	}
	names := map[string]string{}
	if len(people) > 0 {
		var err error
		if names, err = m.people.Names(ctx, people); err != nil {
			return nil, err
		}
	}
	who := func(id string) *scriptPersonView {
		if id == "" {
			return nil
		}
		return &scriptPersonView{ID: id, DisplayName: names[id]}
	}
	out := make([]ScriptVersionView, 0, len(list))
	for _, v := range list {
		v.Manifest.fill()
		out = append(out, ScriptVersionView{
			ID: v.ID, PackageID: v.PackageID, Number: v.Number, State: string(v.State), Manifest: v.Manifest, BodySHA256: v.BodySHA256,
			SHA256: v.SHA256, Note: v.Note, CreatedBy: who(v.CreatedBy), CreatedAt: v.CreatedAt.Time,
			ReleasedBy: who(v.ReleasedBy), ReleasedAt: v.ReleasedAt.Ptr(), Version: v.Version,
		})
	}
	return out, nil
}

func (m *Module) viewVersion(ctx context.Context, v Version, err error) (*api.Output[scriptVersionDetailView], error) {
	if err != nil {
		return nil, err
	}
	views, err := m.viewVersions(ctx, []Version{v})
	if err != nil {
		return nil, err
	}
	return &api.Output[scriptVersionDetailView]{Body: scriptVersionDetailView{ScriptVersionView: views[0], Body: v.Body}}, nil
}

// ScriptFilters narrow a list of scripts; exported so that the API description shows them.
type ScriptFilters struct {
	Class string `query:"class" doc:"os_log, hardware, service, performance, instance, data"`
	Q     string `query:"q" maxLength:"100" doc:"Text in name or title"`
}

func (f *ScriptFilters) filters() map[string]string {
	return map[string]string{"class": f.Class, "q": f.Q}
}

type scriptsInput struct {
	api.ListParams
	ScriptFilters
}

// ScriptContent is what a draft holds, in a request; exported so that the API description shows it.
type ScriptContent struct {
	Manifest ScriptManifest `json:"manifest"`
	Body     []byte         `json:"body" doc:"The text of the script in base64, at most 1 MiB"`
	Note     string         `json:"note,omitempty" maxLength:"500" doc:"What this version is for"`
}

func (c ScriptContent) content() Content { return Content(c) }

type scriptInput struct {
	Body struct {
		Name     string `json:"name" minLength:"2" maxLength:"60"`
		Title    string `json:"title" minLength:"1" maxLength:"100"`
		Class    string `json:"class" enum:"os_log,hardware,service,performance,instance,data"`
		AreaPath string `json:"area_path,omitempty" maxLength:"64" doc:"Where it belongs; that of the installation when left out"`
		SystemID string `json:"system_id,omitempty" maxLength:"64"`
		ScriptContent
	}
}

type scriptDraftInput struct {
	api.IDInput
	Body ScriptContent
}

type scriptChangeInput struct {
	api.IDInput
	Body struct {
		ScriptContent
		Version int64 `json:"version"`
	}
}

type scriptReleaseInput struct {
	api.IDInput
	Body struct {
		Version int64 `json:"version"`
	}
}

type scriptRetireInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

// Routes adds the operations.
func (m *Module) Routes(r *api.Router) {
	m.packageRoutes(r)
	m.versionRoutes(r)
	m.tryRoutes(r)
}

func (m *Module) packageRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "script.packages.list", Method: http.MethodGet, Path: "/inspect/scripts", Permission: inspect.PermissionRead,
		Summary: "Inspection scripts", Doc: "Within the caller's areas and systems.",
	}, func(ctx context.Context, in *scriptsInput) (*api.PageOutput[ScriptView], error) {
		page, err := m.pageOfPackages(ctx, in.Query(in.filters()))
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, viewPackage), nil
	})
	m.exportRoutes(r)
	api.Register(r, api.Operation{
		ID: "script.packages.create", Method: http.MethodPost, Path: "/inspect/scripts", Permission: inspect.PermissionManage, MaxBody: maxRequest,
		Summary: "Bring a script", Doc: "Makes a package with its first draft.", Status: http.StatusCreated,
		Codes: []problem.Code{problem.Invalid, problem.Forbidden, problem.TooLarge},
	}, func(ctx context.Context, in *scriptInput) (*api.Output[ScriptView], error) {
		p, err := m.Create(ctx, api.ScopeFrom(ctx), NewPackage{
			Name: in.Body.Name, Title: in.Body.Title, Class: in.Body.Class, AreaPath: in.Body.AreaPath, SystemID: in.Body.SystemID,
			Content: in.Body.content(),
		})
		if err != nil {
			return nil, err
		}
		return &api.Output[ScriptView]{Body: viewPackage(p)}, nil
	})
	api.Register(r, api.Operation{
		ID: "script.packages.get", Method: http.MethodGet, Path: "/inspect/scripts/{id}", Permission: inspect.PermissionRead,
		Summary: "One script with its versions", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[scriptDetailView], error) {
		p, err := findPackage(ctx, m.db.Read(), api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		versions, err := versionsOf(ctx, m.db.Read(), p.ID)
		if err != nil {
			return nil, err
		}
		views, err := m.viewVersions(ctx, versions)
		if err != nil {
			return nil, err
		}
		return &api.Output[scriptDetailView]{Body: scriptDetailView{ScriptView: viewPackage(*p), Versions: views}}, nil
	})
	api.Register(r, api.Operation{
		ID: "script.versions.create", Method: http.MethodPost, Path: "/inspect/scripts/{id}/versions", Permission: inspect.PermissionManage, MaxBody: maxRequest,
		Summary: "Begin the next version of a script", Doc: "There is one draft at a time.", Status: http.StatusCreated,
		Codes: []problem.Code{problem.NotFound, problem.Invalid, problem.Conflict, problem.TooLarge},
	}, func(ctx context.Context, in *scriptDraftInput) (*api.Output[scriptVersionDetailView], error) {
		v, err := m.Draft(ctx, api.ScopeFrom(ctx), in.ID, in.Body.content())
		return m.viewVersion(ctx, v, err)
	})
}

func (m *Module) versionRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "script.versions.get", Method: http.MethodGet, Path: "/inspect/script-versions/{id}", Permission: inspect.PermissionRead,
		Summary: "One version of a script with its text", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[scriptVersionDetailView], error) {
		_, v, err := findVersion(ctx, m.db.Read(), api.ScopeFrom(ctx), in.ID)
		if err != nil {
			return nil, err
		}
		return m.viewVersion(ctx, *v, nil)
	})
	api.Register(r, api.Operation{
		ID: "script.versions.update", Method: http.MethodPatch, Path: "/inspect/script-versions/{id}", Permission: inspect.PermissionManage, MaxBody: maxRequest,
		Summary: "Change a draft", Doc: "A released version never changes.",
		Codes: []problem.Code{problem.NotFound, problem.Invalid, problem.Stale, problem.NotPossibleInState, problem.TooLarge},
	}, func(ctx context.Context, in *scriptChangeInput) (*api.Output[scriptVersionDetailView], error) {
		v, err := m.Change(ctx, api.ScopeFrom(ctx), in.ID, in.Body.content(), in.Body.Version)
		return m.viewVersion(ctx, v, err)
	})
	api.Register(r, api.Operation{
		ID: "script.versions.release", Method: http.MethodPost, Path: "/inspect/script-versions/{id}/release", Permission: inspect.PermissionManage, Fresh: true,
		Summary: "Release a draft", Doc: "From then on checks may use it, and nobody can change it.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *scriptReleaseInput) (*api.Output[scriptVersionDetailView], error) {
		v, err := m.Release(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Version)
		return m.viewVersion(ctx, v, err)
	})
	api.Register(r, api.Operation{
		ID: "script.versions.retire", Method: http.MethodPost, Path: "/inspect/script-versions/{id}/retire", Permission: inspect.PermissionManage,
		Summary: "Retire a version", Doc: "Checks that use it are UNKNOWN until they are moved to another; of a draft it is the end.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *scriptRetireInput) (*api.Output[scriptVersionDetailView], error) {
		v, err := m.Retire(ctx, api.ScopeFrom(ctx), in.ID, in.Body.Reason, in.Body.Version)
		return m.viewVersion(ctx, v, err)
	})
}

type scriptTryInput struct {
	Body struct {
		Manifest ScriptManifest `json:"manifest"`
		Body     []byte         `json:"body" doc:"The text of the script in base64"`
		Args     []string       `json:"args,omitempty" maxItems:"30" doc:"Values of parameters, name=value"`
	}
}

type judgementView struct {
	Text     string             `json:"text" doc:"The output as it was decoded; matches count its UTF-16 units"`
	Encoding string             `json:"encoding"`
	Rules    []wrapper.RuleSaid `json:"rules" nullable:"false" doc:"What each rule says, in order"`
	ExitCode string             `json:"exit_code" doc:"What the exit code says: a state, or none"`
	Decided  string             `json:"decided" enum:"rules,exit_code,otherwise,empty" doc:"What the state comes from"`
	State    string             `json:"state" enum:"OK,WARNING,CRITICAL,UNKNOWN"`
	Reason   string             `json:"reason"`
	Summary  string             `json:"summary"`
	Perfdata []probe.Perf       `json:"perfdata" nullable:"false"`
}

func viewJudgement(j *wrapper.Judgement) *judgementView {
	if j == nil {
		return nil
	}
	v := &judgementView{
		Text: j.Text, Encoding: j.Encoding, Rules: j.Rules, ExitCode: j.ExitCode, Decided: j.Decided, State: j.Result.State.String(),
		Reason: string(j.Result.Reason), Summary: j.Result.Summary, Perfdata: j.Result.Perf,
	}
	if v.Perfdata == nil {
		v.Perfdata = []probe.Perf{}
	}
	return v
}

type triedView struct {
	Ended      string         `json:"ended" enum:"exit,signal,not_run,timeout,memory,processes,flood,cancelled," doc:"Empty when nothing could be run"`
	Exit       int            `json:"exit"`
	Signal     int            `json:"signal"`
	DurationMS float64        `json:"duration_ms"`
	CPUMS      float64        `json:"cpu_ms"`
	MaxRSS     int64          `json:"max_rss" doc:"Bytes, of its largest process; 0 for little"`
	Survivors  int            `json:"survivors" doc:"Processes that it left behind"`
	Stdout     string         `json:"stdout"`
	Stderr     string         `json:"stderr"`
	StdoutCut  bool           `json:"stdout_cut"`
	StderrCut  bool           `json:"stderr_cut"`
	Encoding   string         `json:"encoding" doc:"How the output was decoded"`
	State      string         `json:"state" enum:"OK,WARNING,CRITICAL,UNKNOWN"`
	Reason     string         `json:"reason"`
	Summary    string         `json:"summary"`
	Details    string         `json:"details"`
	Perfdata   []probe.Perf   `json:"perfdata" nullable:"false"`
	Judgement  *judgementView `json:"judgement" doc:"By the rules; null when it is judged by the plug-in convention"`
	RunsAs     string         `json:"runs_as" doc:"The account that it ran as"`
	Isolated   bool           `json:"isolated" doc:"That account is not the platform's own, so it cannot read its keys"`
}

type scriptJudgeInput struct {
	Body struct {
		Rules wrapper.OutputRules `json:"rules"`
		Text  string              `json:"text" maxLength:"65536" doc:"The output of the script"`
		Exit  int                 `json:"exit,omitempty" minimum:"0" maximum:"255"`
	}
}

type pluginView struct {
	Path string `json:"path" example:"/usr/lib/nagios/plugins/check_disk"`
	Name string `json:"name"`
}

func (m *Module) tryRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "script.try", Method: http.MethodPost, Path: "/inspect/scripts/try", Permission: inspect.PermissionManage, MaxBody: maxRequest,
		Summary: "Run a script once without keeping it",
		Doc:     "On the machine of this server, in the same sandbox as checks, for 60 s at most; the journal notes who tried which text.",
		Codes:   []problem.Code{problem.Invalid, problem.Forbidden, problem.RateLimited, problem.TooLarge},
	}, func(ctx context.Context, in *scriptTryInput) (*api.Output[triedView], error) {
		values, err := ParseValues(in.Body.Args)
		if err != nil {
			return nil, problem.InvalidField("body.args", "rule", "%s", err.Error())
		}
		t, err := m.Try(ctx, api.ScopeFrom(ctx), Trial{Manifest: in.Body.Manifest, Body: in.Body.Body, Values: values})
		if err != nil {
			return nil, err
		}
		o := t.Outcome
		v := triedView{
			Ended: string(o.Ended), Exit: o.Exit, Signal: o.Signal, DurationMS: float64(o.Took.Microseconds()) / 1000,
			CPUMS: float64(o.CPU.Microseconds()) / 1000, MaxRSS: o.MaxRSS, Survivors: o.Survivors, Stdout: t.Stdout, Stderr: t.Stderr,
			StdoutCut: o.StdoutCut, StderrCut: o.StderrCut, Encoding: t.Encoding, State: t.Result.State.String(),
			Reason: string(t.Result.Reason), Summary: t.Result.Summary, Details: t.Result.Details, Perfdata: t.Result.Perf,
			Judgement: viewJudgement(t.Judgement), RunsAs: m.runsAs, Isolated: m.isolated,
		}
		if v.Perfdata == nil {
			v.Perfdata = []probe.Perf{}
		}
		return &api.Output[triedView]{Body: v}, nil
	})
	api.Register(r, api.Operation{
		ID: "script.judge", Method: http.MethodPost, Path: "/inspect/scripts/judge", Permission: inspect.PermissionManage, MaxBody: maxRequest,
		Summary: "Judge an output by rules", Doc: "Runs nothing: shows which rule finds what in a text, and the state that follows.",
		Codes: []problem.Code{problem.Invalid},
	}, func(_ context.Context, in *scriptJudgeInput) (*api.Output[judgementView], error) {
		j, err := m.Judge(in.Body.Rules, in.Body.Text, in.Body.Exit)
		if err != nil {
			return nil, err
		}
		return &api.Output[judgementView]{Body: *viewJudgement(&j)}, nil
	})
	api.Register(r, api.Operation{
		ID: "script.plugins.list", Method: http.MethodGet, Path: "/inspect/plugins", Permission: inspect.PermissionRead,
		Summary: "Installed plug-ins", Doc: "What lies in the folders of inspect.plugins.dirs on the machine of this server and may be run.",
	}, func(context.Context, *struct{}) (*api.Output[api.Items[pluginView]], error) {
		out := api.Items[pluginView]{Items: []pluginView{}}
		for _, p := range m.Plugins() {
			out.Items = append(out.Items, pluginView{Path: p.Path, Name: p.Name})
		}
		return &api.Output[api.Items[pluginView]]{Body: out}, nil
	})
}
