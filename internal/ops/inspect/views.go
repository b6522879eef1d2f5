package inspect

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
)

// What operations answer.

type paramView struct {
	Name     string `json:"name"`
	Type     string `json:"type" enum:"string,int,float,bool,strings"`
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
	Default  any    `json:"default"`
	TitleZH  string `json:"title_zh"`
	TitleEN  string `json:"title_en"`
}

type thresholdView struct {
	Metric string `json:"metric"`
	Warn   string `json:"warn"`
	Crit   string `json:"crit"`
	Unit   string `json:"unit"`
}

type kindsView struct {
	Items   []kindView   `json:"items" nullable:"false"`
	Metrics []metricView `json:"metrics" nullable:"false" doc:"What measured values are called"`
}

type metricView struct {
	Name    string `json:"name" doc:"The label of a measured value up to its first blank"`
	TitleZH string `json:"title_zh"`
	TitleEN string `json:"title_en"`
}

type kindView struct {
	Kind       string          `json:"kind"`
	Class      string          `json:"class" enum:"os_log,hardware,service,performance,instance,data"`
	TitleZH    string          `json:"title_zh"`
	TitleEN    string          `json:"title_en"`
	HelpZH     string          `json:"help_zh"`
	HelpEN     string          `json:"help_en"`
	Params     []paramView     `json:"params" nullable:"false"`
	Thresholds []thresholdView `json:"thresholds" nullable:"false"`
	Verified   string          `json:"verified" enum:"tested,samples"`
	VerifiedOn string          `json:"verified_on"`
}

func viewKind(b probe.Builtin) kindView {
	v := kindView{
		Kind: b.Kind, Class: string(b.Class), TitleZH: b.TitleZH, TitleEN: b.TitleEN, HelpZH: b.HelpZH, HelpEN: b.HelpEN,
		Params: []paramView{}, Thresholds: []thresholdView{}, Verified: b.Verified, VerifiedOn: b.VerifiedOn,
	}
	for _, p := range b.Params {
		v.Params = append(v.Params, paramView{
			Name: p.Name, Type: p.Type, Required: p.Required, Secret: p.Secret, Default: p.Default, TitleZH: p.TitleZH, TitleEN: p.TitleEN,
		})
	}
	for _, t := range b.Thresholds {
		v.Thresholds = append(v.Thresholds, thresholdView(t))
	}
	return v
}

type currentView struct {
	State    string       `json:"state" enum:"OK,WARNING,CRITICAL,UNKNOWN"`
	Reason   string       `json:"reason"`
	Summary  string       `json:"summary"`
	Since    time.Time    `json:"since" doc:"Since when it says the same"`
	RanAt    time.Time    `json:"ran_at"`
	Perfdata []probe.Perf `json:"perfdata" nullable:"false"`
	ResultID string       `json:"result_id"`
}

type checkView struct {
	ID            string            `json:"id"`
	AssetID       string            `json:"asset_id"`
	AssetName     string            `json:"asset_name"`
	Kind          string            `json:"kind"`
	Class         string            `json:"class" enum:"os_log,hardware,service,performance,instance,data"`
	TitleZH       string            `json:"title_zh"`
	TitleEN       string            `json:"title_en"`
	Target        string            `json:"target" doc:"What it looks at, empty for the machine itself"`
	Origin        string            `json:"origin" enum:"discovered,added,imported"`
	Why           string            `json:"why" doc:"What discovery saw"`
	Params        map[string]any    `json:"params" doc:"Without the secret ones"`
	SecretsSet    []string          `json:"secrets_set" nullable:"false" doc:"Names of the secret params that are set"`
	Warn          map[string]string `json:"warn" doc:"Range by metric that makes it WARNING, as it holds now"`
	Crit          map[string]string `json:"crit" doc:"Range by metric that makes it CRITICAL, as it holds now"`
	Enabled       bool              `json:"enabled"`
	Exemption     string            `json:"exemption" enum:"none,proposed,active" doc:"active: not applicable, counted nowhere; proposed: waits for a decision"`
	AreaPath      string            `json:"area_path"`
	SystemID      string            `json:"system_id"`
	Version       int64             `json:"version"`
	Current       *currentView      `json:"current" doc:"null until it ran"`
	OpenFindingID string            `json:"open_finding_id" doc:"Empty when nothing is wrong"`
}

// viewChecks adds to checks what they say and whether something is wrong.
func (m *Module) viewChecks(ctx context.Context, checks []Check) (map[string]checkView, error) {
	ids := make([]string, len(checks))
	for i, c := range checks {
		ids[i] = c.ID
	}
	states, err := statesOf(ctx, m.db.Read(), ids)
	if err != nil {
		return nil, err
	}
	findings, err := activeOf(ctx, m.db.Read(), ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]checkView, len(checks))
	for _, c := range checks {
		v := checkView{
			ID: c.ID, AssetID: c.AssetID, AssetName: c.AssetName, Kind: c.Kind, Class: c.Class, TitleZH: c.TitleZH, TitleEN: c.TitleEN,
			Target: c.Target, Origin: c.Origin, Why: c.Why, Params: c.Params, SecretsSet: []string{},
			Warn: map[string]string{}, Crit: map[string]string{}, Enabled: c.Enabled == 1, Exemption: c.Exemption,
			AreaPath: c.AreaPath, SystemID: c.SystemID, Version: c.Version, OpenFindingID: findings[c.ID],
		}
		for metric, l := range limits(m.kinds[c.Kind], c.Warn, c.Crit) {
			v.Warn[metric], v.Crit[metric] = l.Warn, l.Crit
		}
		if all, err := m.allParams(&c); err == nil {
			for _, p := range m.kinds[c.Kind].Params {
				if _, set := all[p.Name]; set && p.Secret {
					v.SecretsSet = append(v.SecretsSet, p.Name)
				}
			}
		}
		if s := states[c.ID]; s != nil {
			v.Current = &currentView{
				State: s.State, Reason: s.Reason, Summary: s.Summary, Since: s.Since.Time, RanAt: s.RanAt.Time,
				Perfdata: s.Perf, ResultID: s.ResultID,
			}
		}
		out[c.ID] = v
	}
	return out, nil
}

type resultView struct {
	ID         string       `json:"id"`
	CheckID    string       `json:"check_id"`
	AssetID    string       `json:"asset_id"`
	AssetName  string       `json:"asset_name"`
	Class      string       `json:"class" enum:"os_log,hardware,service,performance,instance,data"`
	Kind       string       `json:"kind"`
	TitleZH    string       `json:"title_zh"`
	TitleEN    string       `json:"title_en"`
	Target     string       `json:"target"`
	RoundID    string       `json:"round_id"`
	State      string       `json:"state" enum:"OK,WARNING,CRITICAL,UNKNOWN"`
	Reason     string       `json:"reason"`
	Summary    string       `json:"summary"`
	Details    string       `json:"details"`
	Perfdata   []probe.Perf `json:"perfdata" nullable:"false"`
	RanAt      time.Time    `json:"ran_at"`
	DurationMS float64      `json:"duration_ms"`
	SHA256     string       `json:"sha256" doc:"Of its content in canonical JSON"`
	Script     string       `json:"script" doc:"Name and version of the script that ran; empty for other checks"`
	ScriptSHA  string       `json:"script_sha256" doc:"Digest of that version, as released; the first line of details says it too"`
	AreaPath   string       `json:"area_path"`
	SystemID   string       `json:"system_id"`
}

func viewResult(r *Result, c *Check) resultView {
	v := resultView{
		ID: r.ID, CheckID: r.CheckID, AssetID: r.AssetID, Class: r.Class, Kind: r.Kind, Target: r.Target, RoundID: r.RoundID,
		State: r.State, Reason: r.Reason, Summary: r.Summary, Details: r.Details, Perfdata: r.Perf, RanAt: r.RanAt.Time,
		DurationMS: float64(r.DurationUS) / 1000, SHA256: r.SHA256, AreaPath: r.AreaPath, SystemID: r.SystemID,
	}
	v.ScriptSHA, v.Script, _ = probe.ScriptOf(r.Details)
	if c != nil {
		v.AssetName, v.TitleZH, v.TitleEN = c.AssetName, c.TitleZH, c.TitleEN
	}
	if v.Perfdata == nil {
		v.Perfdata = []probe.Perf{}
	}
	return v
}

// viewResults names the checks of results.
func (m *Module) viewResults(ctx context.Context, results []Result) (map[string]resultView, error) {
	ids := map[string]bool{}
	for _, r := range results {
		ids[r.CheckID] = true
	}
	checks, err := checksByID(ctx, m.db.Read(), slices.Collect(maps.Keys(ids)))
	if err != nil {
		return nil, err
	}
	out := make(map[string]resultView, len(results))
	for i := range results {
		out[results[i].ID] = viewResult(&results[i], checks[results[i].CheckID])
	}
	return out, nil
}

type lastRoundView struct {
	ID         string     `json:"id"`
	Number     string     `json:"number"`
	State      string     `json:"state" enum:"running,finished"`
	WorstState string     `json:"worst_state"`
	FinishedAt *time.Time `json:"finished_at"`
}

type selectorView struct {
	Classes    []string          `json:"classes" nullable:"false"`
	Kinds      []string          `json:"kinds" nullable:"false"`
	AssetKinds []string          `json:"asset_kinds" nullable:"false"`
	Labels     map[string]string `json:"labels"`
}

type timingView struct {
	Rhythm       string   `json:"rhythm" enum:"interval,times"`
	Times        []string `json:"times" nullable:"false"`
	Days         string   `json:"days" enum:"every,workdays"`
	Protection   string   `json:"protection" enum:"ignore,only,denser"`
	Periods      []string `json:"periods" nullable:"false"`
	DenseSeconds int64    `json:"dense_seconds"`
}

type planView struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	NameEN          string         `json:"name_en" doc:"The name in English: its own for a plan that the program made, else the same"`
	IntervalSeconds int64          `json:"interval_seconds"`
	Enabled         bool           `json:"enabled"`
	NextDueAt       time.Time      `json:"next_due_at"`
	LastRound       *lastRoundView `json:"last_round"`
	CheckCount      int            `json:"check_count"`
	AssetCount      int            `json:"asset_count"`
	State           string         `json:"state" enum:"on,off,empty,never" doc:"empty: no check belongs to it; never: it has no slot within two years"`
	EmptySince      *time.Time     `json:"empty_since,omitempty" doc:"The first slot at which no check belonged to it"`
	CalendarMissing []int          `json:"calendar_missing" nullable:"false" doc:"Years whose workdays matter and are not known: it runs every day"`
	Timing          timingView     `json:"timing"`
	Selector        selectorView   `json:"selector"`
	AreaPath        string         `json:"area_path"`
	SystemID        string         `json:"system_id"`
	Version         int64          `json:"version"`
}

func (m *Module) viewPlans(ctx context.Context, plans []Plan) (map[string]planView, error) {
	var roundIDs []string
	for _, p := range plans {
		if p.LastRoundID != "" {
			roundIDs = append(roundIDs, p.LastRoundID)
		}
	}
	rounds, err := byID(ctx, m.db.Read(), roundIDs, func(r *Round) string { return r.ID }, "id")
	if err != nil {
		return nil, err
	}
	c, err := m.calendar.Calendar(ctx)
	if err != nil {
		return nil, err
	}
	now := m.clock.Now()
	out := make(map[string]planView, len(plans))
	for _, p := range plans {
		checks, err := checksOf(ctx, m.db.Read(), &p)
		if err != nil {
			return nil, err
		}
		v := planView{
			ID: p.ID, Name: p.Name, NameEN: planNameEN(p.Name), IntervalSeconds: p.IntervalSeconds, Enabled: p.Enabled == 1, NextDueAt: p.NextDueAt.Time,
			CheckCount: len(checks), AssetCount: assetsOf(checks), State: p.state(len(checks)), EmptySince: p.EmptySince.Ptr(),
			CalendarMissing: append([]int{}, p.schedule().Missing(c, now)...), Timing: timingView(p.Timing.filled()),
			AreaPath: p.AreaPath, SystemID: p.SystemID, Version: p.Version,
		}
		s := p.Selector.filled()
		v.Selector = selectorView{Classes: p.Classes, Kinds: s.Kinds, AssetKinds: s.AssetKinds, Labels: s.Labels}
		if r := rounds[p.LastRoundID]; r != nil {
			v.LastRound = &lastRoundView{ID: r.ID, Number: r.Number, State: r.State, WorstState: r.WorstState, FinishedAt: r.FinishedAt.Ptr()}
		}
		out[p.ID] = v
	}
	return out, nil
}

type countsView struct {
	OK       int64 `json:"ok"`
	Warning  int64 `json:"warning"`
	Critical int64 `json:"critical"`
	Unknown  int64 `json:"unknown"`
	NoSource int64 `json:"no_source" doc:"Neither green nor red: the asset has no such thing"`
}

// personView is a person as others see them.
type personView struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
}

// RoundView is a round as the API shows it; exported so that the API description shows embedded fields.
type RoundView struct {
	ID           string      `json:"id"`
	Number       string      `json:"number"`
	PlanID       string      `json:"plan_id"`
	PlanName     string      `json:"plan_name"`
	PlanNameEN   string      `json:"plan_name_en" doc:"See name_en of a plan"`
	Trigger      string      `json:"trigger" enum:"schedule,manual,start"`
	State        string      `json:"state" enum:"running,finished"`
	DueAt        time.Time   `json:"due_at"`
	DueWhy       string      `json:"due_why" doc:"Why its slot was there; empty when a person began it"`
	StartedAt    time.Time   `json:"started_at"`
	FinishedAt   *time.Time  `json:"finished_at,omitempty"`
	Planned      int64       `json:"planned"`
	Ran          int64       `json:"ran"`
	Missed       int64       `json:"missed"`
	WorstState   string      `json:"worst_state" doc:"Empty while it runs and when nothing could be judged"`
	Counts       countsView  `json:"counts"`
	StartedBy    *personView `json:"started_by,omitempty"`
	MissedReason string      `json:"missed_reason,omitempty"`
	TreeRoot     string      `json:"tree_root" doc:"Root of the Merkle tree over the results' hashes, as in the journal"`
	AreaPath     string      `json:"area_path"`
	SystemID     string      `json:"system_id"`
}

func viewRound(r Round, names map[string]string) RoundView {
	v := RoundView{
		ID: r.ID, Number: r.Number, PlanID: r.PlanID, PlanName: r.PlanName, PlanNameEN: planNameEN(r.PlanName), Trigger: r.StartedHow, State: r.State,
		DueAt: r.DueAt.Time, DueWhy: r.DueWhy, StartedAt: r.StartedAt.Time, FinishedAt: r.FinishedAt.Ptr(), Planned: r.Planned, Ran: r.Ran, Missed: r.Missed,
		WorstState: r.WorstState, Counts: countsView{OK: r.OK, Warning: r.Warning, Critical: r.Critical, Unknown: r.Unknown, NoSource: r.NoSource},
		MissedReason: r.MissedReason, TreeRoot: r.TreeRoot, AreaPath: r.AreaPath, SystemID: r.SystemID,
	}
	if r.StartedBy != "" {
		v.StartedBy = &personView{ID: r.StartedBy, DisplayName: names[r.StartedBy]}
	}
	return v
}

// namesOf finds what people are called, without repeats and empty ids.
func (m *Module) namesOf(ctx context.Context, ids []string) (map[string]string, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "" })
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil, nil
	}
	return m.people.Names(ctx, ids)
}

type itemView struct {
	CheckID      string      `json:"check_id"`
	AssetName    string      `json:"asset_name"`
	Class        string      `json:"class"`
	TitleZH      string      `json:"title_zh"`
	TitleEN      string      `json:"title_en"`
	Target       string      `json:"target"`
	State        string      `json:"state" enum:"planned,ran,missed"`
	MissedReason string      `json:"missed_reason"`
	Result       *resultView `json:"result"`
}

type roundDetailView struct {
	RoundView
	Items []itemView `json:"items" nullable:"false"`
}

// viewItems reads the items of a round: what ran with what it said, and what was missed or is to come.
func (m *Module) viewItems(ctx context.Context, r *Round) ([]itemView, error) {
	items, results, err := m.roundContents(ctx, r)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(items)+len(results))
	for _, it := range items {
		if results[it.CheckID] == nil {
			ids = append(ids, it.CheckID)
		}
	}
	ids = slices.AppendSeq(ids, maps.Keys(results))
	checks, err := checksByID(ctx, m.db.Read(), ids)
	if err != nil {
		return nil, err
	}
	out := make([]itemView, 0, len(ids))
	view := func(id, state, reason string) itemView {
		v := itemView{CheckID: id, State: state, MissedReason: reason}
		if c := checks[id]; c != nil {
			v.AssetName, v.Class, v.TitleZH, v.TitleEN, v.Target = c.AssetName, c.Class, c.TitleZH, c.TitleEN, c.Target
		}
		return v
	}
	for _, it := range items {
		if results[it.CheckID] == nil {
			out = append(out, view(it.CheckID, it.State, it.MissedReason))
		}
	}
	for id, r := range results {
		v := view(id, itemRan, "")
		shown := viewResult(r, checks[id])
		v.Result = &shown
		out = append(out, v)
	}
	classes := classWords()
	slices.SortFunc(out, func(a, b itemView) int {
		return cmp.Or(cmp.Compare(slices.Index(classes, a.Class), slices.Index(classes, b.Class)), cmp.Compare(a.CheckID, b.CheckID))
	})
	return out, nil
}

// FindingView is a finding as the API shows it; exported so that the API description shows embedded fields.
type FindingView struct {
	ID         string      `json:"id"`
	Number     string      `json:"number" example:"FND-2026-0001"`
	State      string      `json:"state" enum:"open,assigned,repaired,closed"`
	Severity   string      `json:"severity" enum:"warning,critical,unknown" doc:"The gravest it has been"`
	TitleZH    string      `json:"title_zh"`
	TitleEN    string      `json:"title_en"`
	Summary    string      `json:"summary"`
	CheckID    string      `json:"check_id"`
	AssetID    string      `json:"asset_id"`
	AssetName  string      `json:"asset_name"`
	Kind       string      `json:"kind"`
	Class      string      `json:"class" enum:"os_log,hardware,service,performance,instance,data"`
	AreaPath   string      `json:"area_path"`
	SystemID   string      `json:"system_id"`
	OpenedAt   time.Time   `json:"opened_at"`
	LastSeenAt time.Time   `json:"last_seen_at"`
	SeenCount  int64       `json:"seen_count" doc:"Bad results so far"`
	ClosedAt   *time.Time  `json:"closed_at,omitempty"`
	Assignee   *personView `json:"assignee"`
	DueAt      *time.Time  `json:"due_at,omitempty"`
	ProposeDue *time.Time  `json:"proposed_due_at,omitempty" doc:"Due time that fits its severity, while nobody has it"`
	Overdue    bool        `json:"overdue" doc:"Its due time has passed without a good result"`
	Postponed  int64       `json:"postponed" doc:"Times its due time was moved"`
	Recurrence int64       `json:"recurrence" doc:"Findings of the same check before it, each at most 30 days after the last"`
	PreviousID string      `json:"previous_id" doc:"The finding of the same check before this one"`
	CheckState string      `json:"check_state" doc:"What the check says now"`
	Version    int64       `json:"version"`
}

// viewFindings adds to findings who has them and what their checks say now.
func (m *Module) viewFindings(ctx context.Context, findings []Finding) (map[string]FindingView, error) {
	var people, checkIDs []string
	for _, f := range findings {
		people, checkIDs = append(people, f.AssigneeID), append(checkIDs, f.CheckID)
	}
	names, err := m.namesOf(ctx, people)
	if err != nil {
		return nil, err
	}
	states, err := statesOf(ctx, m.db.Read(), checkIDs)
	if err != nil {
		return nil, err
	}
	out := make(map[string]FindingView, len(findings))
	for _, f := range findings {
		v := FindingView{
			ID: f.ID, Number: f.Number, State: string(f.State), Severity: f.Severity, TitleZH: f.Title, TitleEN: f.TitleEN, Summary: f.Summary,
			CheckID: f.CheckID, AssetID: f.AssetID, AssetName: f.AssetName, Kind: f.Kind, Class: f.Class,
			AreaPath: f.AreaPath, SystemID: f.SystemID, OpenedAt: f.OpenedAt.Time, LastSeenAt: f.LastSeenAt.Time,
			SeenCount: f.SeenCount, ClosedAt: f.ClosedAt.Ptr(), DueAt: f.DueAt.Ptr(), PreviousID: f.PreviousID, Version: f.Version,
			Overdue: f.Overdue == 1, Postponed: f.Postponed, Recurrence: f.Recurrence,
		}
		if f.AssigneeID != "" {
			v.Assignee = &personView{ID: f.AssigneeID, DisplayName: names[f.AssigneeID]}
		}
		if f.State == Open {
			due := m.clock.Now().Add(dueAfter(f.Severity))
			v.ProposeDue = &due
		}
		if s := states[f.CheckID]; s != nil {
			v.CheckState = s.State
		}
		out[f.ID] = v
	}
	return out, nil
}

type actorView struct {
	Kind        string `json:"kind"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
}

type timelineView struct {
	Seq    int64          `json:"seq" doc:"Row of the journal"`
	Type   string         `json:"type"`
	At     time.Time      `json:"at"`
	Actor  actorView      `json:"actor"`
	Text   string         `json:"text" doc:"What a person wrote"`
	Fields map[string]any `json:"fields" doc:"The row's other values"`
}

type findingDetailView struct {
	FindingView
	Timeline []timelineView `json:"timeline" nullable:"false" doc:"The oldest first"`
	Result   *resultView    `json:"result" doc:"The last result"`
}

// viewTimeline reads what happened to a finding.
func (m *Module) viewTimeline(ctx context.Context, id string) ([]timelineView, error) {
	rows, err := m.FindingTimeline(ctx, id)
	if err != nil {
		return nil, err
	}
	var people []string
	for _, r := range rows {
		if r.Actor.Kind == journal.AccountActor {
			people = append(people, r.Actor.ID)
		}
		people = append(people, r.Text("assignee_id"))
	}
	names, err := m.namesOf(ctx, people)
	if err != nil {
		return nil, err
	}
	out := make([]timelineView, 0, len(rows))
	for _, r := range rows {
		v := timelineView{
			Seq: r.Seq, Type: r.Type, At: r.At, Fields: maps.Clone(r.Fields),
			Actor: actorView{Kind: r.Actor.Kind, ID: r.Actor.ID, DisplayName: names[r.Actor.ID]},
		}
		for _, name := range []string{"text", "note", "reason"} {
			if t := r.Private[name]; t != "" {
				v.Text = t
			}
		}
		if who := r.Text("assignee_id"); who != "" {
			v.Fields["assignee_name"] = names[who]
		}
		out = append(out, v)
	}
	return out, nil
}
