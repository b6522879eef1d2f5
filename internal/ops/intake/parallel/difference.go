package parallel

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Who saw it.
const (
	Both   = "both"
	Theirs = "zabbix_only"
	Ours   = "ours_only"
)

// Why only one side saw it, as far as the records tell.
const (
	WhyNoAsset   = "no_asset"  // its host is not in the register, or not to be told from another
	WhyNoChecks  = "no_checks" // the asset has no check
	WhyUnseen    = "not_seen"  // it has checks, and none was bad
	WhyUnsent    = "not_sent"  // Zabbix knows the asset and sent nothing
	WhyNotTheirs = "not_known" // Zabbix never sent anything about the asset
)

// What a person says of a difference.
const (
	Known    = "known"    // 已知：the cause is known and is being worked on
	Accepted = "accepted" // 接受：it stays so
	// Open is what nobody has said anything of yet.
	Open = "open"
)

// Verdict is what a person said of one difference.
type Verdict struct {
	bun.BaseModel `bun:"table:parallel_verdict,alias:said"`
	Subject       string `bun:",pk"` // problem:ID or finding:ID
	Verdict       string
	Reason        string
	SaidBy        string
	SaidAt        store.Time
	AreaPath      string
	SystemID      string
}

// Seen is a finding of ours.
type Seen struct {
	ID, Number, Title, Severity string
	AssetID, AssetName          string
	AreaPath, SystemID          string
	OpenedAt                    time.Time
}

// Row is one problem with the finding nearest to it, or one of them alone.
type Row struct {
	Key       string // problem:ID or finding:ID
	Side      string
	At        time.Time // of the problem, else of the finding
	AssetID   string
	AssetName string
	Problem   *Problem
	Finding   *Seen
	Lead      time.Duration // how much later we were than Zabbix; negative when we were first
	Why       string
	Verdict   *Verdict
}

// Figures sum up a span.
type Figures struct {
	Problems, Findings        int // in the span
	Both, Theirs, Ours        int // rows
	Open                      int // differences of which nobody has said anything
	WeFirst, TheyFirst, Equal int // of both
	MedianLead                time.Duration
}

// Bounds of a comparison.
const (
	DefaultTolerance = 15 * time.Minute
	maxTolerance     = 24 * time.Hour
	maxDays          = 31
	mostRows         = 20_000 // of each side
)

// Span is what is compared: whole days, and how far apart the two may see the same.
type Span struct {
	From, To  time.Time
	Tolerance time.Duration
}

// check refuses spans that cannot be compared.
func (s Span) check() error {
	switch {
	case !s.From.Before(s.To):
		return problem.InvalidField("query.to", "out_of_range", "the last day is not before the first")
	case s.To.Sub(s.From) > maxDays*24*time.Hour:
		return problem.InvalidField("query.from", "out_of_range", "at most %d days", maxDays)
	case s.Tolerance < 0 || s.Tolerance > maxTolerance:
		return problem.InvalidField("query.minutes", "out_of_range", "0 to %d minutes", int(maxTolerance/time.Minute))
	}
	return nil
}

func (s Span) holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// facts are what the records say, besides problems and findings.
type facts struct {
	root     map[string]string // asset → the host it lies on, or itself
	checked  map[string]bool   // assets, by their root, that have checks
	reported map[string]bool   // assets, by their root, of which Zabbix has ever sent anything
	verdicts map[string]Verdict
}

func (f facts) rootOf(assetID string) string { return cmp.Or(f.root[assetID], assetID) }

// pair compares. Problems and findings reach the tolerance beyond the span on both ends, so that what
// lies at its edge finds its counterpart; only those within it become rows.
func pair(s Span, theirs []Problem, ours []Seen, f facts) ([]Row, Figures) {
	byAsset := map[string][]*Seen{}
	for i := range ours {
		root := f.rootOf(ours[i].AssetID)
		byAsset[root] = append(byAsset[root], &ours[i])
	}
	var rows []Row
	var out Figures
	var leads []time.Duration
	seenByThem := map[string]bool{}
	for i := range theirs {
		p := &theirs[i]
		var nearest *Seen
		if p.AssetID != "" {
			for _, o := range byAsset[f.rootOf(p.AssetID)] {
				d := o.OpenedAt.Sub(p.StartedAt.Time).Abs()
				if d > s.Tolerance {
					continue
				}
				seenByThem[o.ID] = true
				if nearest == nil || d < nearest.OpenedAt.Sub(p.StartedAt.Time).Abs() {
					nearest = o
				}
			}
		}
		if !s.holds(p.StartedAt.Time) {
			continue
		}
		out.Problems++
		r := Row{
			Key: "problem:" + p.ID, Side: Theirs, At: p.StartedAt.Time, AssetID: p.AssetID, AssetName: cmp.Or(p.AssetName, p.HostName, p.Host),
			Problem: p, Finding: nearest,
		}
		switch {
		case nearest != nil:
			r.Side, r.Lead = Both, nearest.OpenedAt.Sub(p.StartedAt.Time)
			leads = append(leads, r.Lead)
		case p.AssetID == "":
			r.Why = WhyNoAsset
		case !f.checked[f.rootOf(p.AssetID)]:
			r.Why = WhyNoChecks
		default:
			r.Why = WhyUnseen
		}
		rows = append(rows, r)
	}
	for i := range ours {
		o := &ours[i]
		if !s.holds(o.OpenedAt) {
			continue
		}
		out.Findings++
		if seenByThem[o.ID] {
			continue
		}
		why := WhyNotTheirs
		if f.reported[f.rootOf(o.AssetID)] {
			why = WhyUnsent
		}
		rows = append(rows, Row{
			Key: "finding:" + o.ID, Side: Ours, At: o.OpenedAt, AssetID: o.AssetID, AssetName: o.AssetName, Finding: o, Why: why,
		})
	}
	for i := range rows {
		r := &rows[i]
		if v, said := f.verdicts[r.Key]; said {
			r.Verdict = &v
		}
		switch r.Side {
		case Both:
			out.Both++
		case Theirs:
			out.Theirs++
		default:
			out.Ours++
		}
		if r.Side != Both && r.Verdict == nil {
			out.Open++
		}
	}
	for _, l := range leads {
		switch {
		case l < 0:
			out.WeFirst++
		case l > 0:
			out.TheyFirst++
		default:
			out.Equal++
		}
	}
	if n := len(leads); n > 0 {
		slices.Sort(leads)
		out.MedianLead = leads[(n-1)/2]
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(b.Key, a.Key)) })
	return rows, out
}

// Filter narrows the rows of a comparison; empty parts narrow nothing.
type Filter struct {
	Side, Why, Verdict, AssetID, Text string
	Severity                          int // of the problem, at least
}

func (f Filter) check() error {
	for _, one := range []struct {
		name, value string
		of          []string
	}{
		{"side", f.Side, []string{Both, Theirs, Ours, "differences"}},
		{"why", f.Why, []string{WhyNoAsset, WhyNoChecks, WhyUnseen, WhyUnsent, WhyNotTheirs}},
		{"verdict", f.Verdict, []string{Open, Known, Accepted}},
	} {
		if one.value != "" && !slices.Contains(one.of, one.value) {
			return problem.InvalidField("query."+one.name, "unknown", "one of: %s", strings.Join(one.of, ", "))
		}
	}
	return nil
}

func (f Filter) takes(r Row) bool {
	switch {
	case f.Side == "differences" && r.Side == Both, f.Side != "" && f.Side != "differences" && f.Side != r.Side:
		return false
	case f.Why != "" && f.Why != r.Why, f.AssetID != "" && f.AssetID != r.AssetID:
		return false
	case f.Severity > 0 && (r.Problem == nil || r.Problem.Severity < f.Severity):
		return false
	case f.Verdict == Open && (r.Verdict != nil || r.Side == Both):
		return false
	case f.Verdict != "" && f.Verdict != Open && (r.Verdict == nil || r.Verdict.Verdict != f.Verdict):
		return false
	}
	if f.Text == "" {
		return true
	}
	text := r.AssetName
	if r.Problem != nil {
		text += " " + r.Problem.Title + " " + r.Problem.Host + " " + r.Problem.HostName + " " + r.Problem.Address + " " + r.Problem.EventID
	}
	if r.Finding != nil {
		text += " " + r.Finding.Title + " " + r.Finding.Number
	}
	return strings.Contains(strings.ToLower(text), strings.ToLower(f.Text))
}
