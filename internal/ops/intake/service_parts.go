package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/intake/archive"
	"taxops/internal/ops/intake/scripts"
	"taxops/internal/ops/intake/zabbix"
	"taxops/internal/ops/intake/zabbix/rpc"
)

// Made is what a run made beside assets. Off says why it does not run at first: not_reached, draft,
// plan_off; empty when it does.
type Made struct {
	ID, Name string
	Version  int64
	Off      string
}

// Inspection is where checks and plans live.
type Inspection interface {
	// Has tells whether there is a kind of check.
	Has(kind string) bool
	// Title is what a kind is called, in Chinese and in English.
	Title(kind string) [2]string
	// Prepare refuses a check that cannot be, whatever the asset, and names what it looks at.
	Prepare(c NewCheck) (identity string, err error)
	// Existing names what the checks of assets look at.
	Existing(ctx context.Context, assetIDs []string) (map[string][]string, error)
	// Reached tells which assets a server inspects.
	Reached(ctx context.Context, assetIDs []string) (map[string]bool, error)
	// AddCheck adds a check to an asset that may be part of the same transaction; one that no server reaches is
	// switched off and says so.
	AddCheck(ctx context.Context, tx *store.Tx, source, assetID string, c NewCheck) (Made, error)
	// RemoveCheck takes a check away that never ran and is as it was added; else it says why it stays.
	RemoveCheck(ctx context.Context, tx *store.Tx, id string, version int64, source string) (left string, err error)
	// Plans names the plans there are.
	Plans(ctx context.Context) ([]string, error)
	// AddPlan makes a plan of scripts that is switched off.
	AddPlan(ctx context.Context, tx *store.Tx, scope store.Scope, source, areaPath, systemID string, p NewPlan) (Made, error)
	RemovePlan(ctx context.Context, tx *store.Tx, id string, version int64, source string) (left string, err error)
}

// Library is where scripts live.
type Library interface {
	// Names lists the packages with the digests of their texts.
	Names(ctx context.Context) (map[string][]string, error)
	// Check refuses a script that cannot be kept.
	Check(s NewScript) error
	// Add keeps a script as the draft of a new package.
	Add(ctx context.Context, tx *store.Tx, scope store.Scope, source, areaPath, systemID string, s NewScript) (Made, error)
	// Remove retires the draft of a package that is as it was added; else it says why it stays.
	Remove(ctx context.Context, tx *store.Tx, id string, version int64, source string) (left string, err error)
}

// UploadZabbix reads an export of a Zabbix server.
func (m *Module) UploadZabbix(ctx context.Context, scope store.Scope, u Upload, r io.Reader) (Run, error) {
	if err := m.mayStart(ctx, scope, u); err != nil {
		return Run{}, err
	}
	done, err := m.slot(ctx)
	if err != nil {
		return Run{}, err
	}
	defer done()
	e, err := zabbix.Parse(r)
	switch {
	case errors.Is(err, zabbix.ErrTooLarge):
		return Run{}, problem.New(problem.TooLarge, "%v", err)
	case err != nil:
		return Run{}, problem.InvalidField("body", "not_an_export", "%v", err)
	}
	return m.TakeZabbix(ctx, scope, u, e)
}

// ReadZabbix asks a Zabbix server and begins a run with what it says.
func (m *Module) ReadZabbix(ctx context.Context, scope store.Scope, u Upload, c rpc.Config) (Run, error) {
	if err := m.mayStart(ctx, scope, u); err != nil {
		return Run{}, err
	}
	c.Dial = m.Dial
	client, err := rpc.New(c)
	if err != nil {
		return Run{}, err
	}
	defer client.Close(ctx)
	e, err := client.Export(ctx)
	if err != nil {
		return Run{}, err
	}
	return m.TakeZabbix(ctx, scope, u, e)
}

// mostHosts bounds one run.
const mostHosts = mostRows

// TakeZabbix begins a run with what a Zabbix server said.
func (m *Module) TakeZabbix(ctx context.Context, scope store.Scope, u Upload, e *zabbix.Export) (Run, error) {
	if err := m.mayStart(ctx, scope, u); err != nil {
		return Run{}, err
	}
	if len(e.Hosts) == 0 {
		return Run{}, problem.InvalidField("body", "no_hosts", "there is no host in it: export the hosts themselves, with their templates")
	}
	if len(e.Hosts) > mostHosts {
		return Run{}, problem.New(problem.TooLarge, "at most %d hosts at a time", mostHosts)
	}
	return m.start(ctx, u, SourceZabbix, bringZabbix(e, m.Inspection.Has))
}

// UploadScripts reads an archive of scripts: zip, tar, or tar.gz. Crontabs lie in it, or are given apart.
func (m *Module) UploadScripts(ctx context.Context, scope store.Scope, u Upload, crontabs ...scripts.Crontab) (Run, error) {
	if err := m.mayStart(ctx, scope, u); err != nil {
		return Run{}, err
	}
	done, err := m.slot(ctx)
	if err != nil {
		return Run{}, err
	}
	defer done()
	folder, err := archive.Open(u.Content)
	if err != nil {
		var r *archive.Refusal
		if errors.As(err, &r) {
			return Run{}, problem.InvalidField("body", r.Code, "%s", r.Says)
		}
		return Run{}, err
	}
	return m.TakeScripts(ctx, scope, u, folder, crontabs...)
}

// TakeScripts begins a run with a folder of scripts.
func (m *Module) TakeScripts(ctx context.Context, scope store.Scope, u Upload, folder fs.FS, crontabs ...scripts.Crontab) (Run, error) {
	if err := m.mayStart(ctx, scope, u); err != nil {
		return Run{}, err
	}
	inside, err := scripts.Crontabs(folder)
	if err != nil {
		return Run{}, err
	}
	f, err := scripts.Scan(ctx, folder, append(crontabs, inside...)...)
	if errors.Is(err, scripts.ErrTooMuch) {
		return Run{}, problem.New(problem.TooLarge, "%v", err)
	}
	if err != nil {
		return Run{}, problem.InvalidField("body", "not_read", "%v", err)
	}
	if len(f.Scripts) == 0 {
		return Run{}, problem.InvalidField("body", "no_scripts", "there is no script in it")
	}
	return m.start(ctx, u, SourceScripts, bringScripts(f))
}

// slot waits until a file may be read.
func (m *Module) slot(ctx context.Context) (done func(), err error) {
	select {
	case m.reading <- struct{}{}:
		return func() { <-m.reading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// previewParts adds to a preview what a run brings along; a list of assets brings nothing.
func (m *Module) previewParts(ctx context.Context, r *Run, p *Preview) error {
	if r.Source == SourceAssets {
		return nil
	}
	b, err := unpackBundle(r.Content)
	if err != nil {
		return err
	}
	p.Notes = b.Notes
	return m.judgeParts(ctx, b, p)
}

// Brought lists what a run made beside assets.
func (m *Module) Brought(ctx context.Context, scope store.Scope, id string) ([]PartStep, error) {
	if _, err := findRun(ctx, m.DB.Read(), scope, id); err != nil {
		return nil, err
	}
	return partSteps(ctx, m.DB.Read(), id)
}

// judgeParts says what would become of each part.
func (m *Module) judgeParts(ctx context.Context, b Bundle, p *Preview) error {
	if len(b.Parts) == 0 {
		return nil
	}
	rows := map[int]*Row{}
	var ids []string
	for i := range p.Rows {
		rows[p.Rows[i].Line] = &p.Rows[i]
		if id := p.Rows[i].AssetID; id != "" {
			ids = append(ids, id)
		}
	}
	have, err := m.Inspection.Existing(ctx, ids)
	if err != nil {
		return err
	}
	reached, err := m.Inspection.Reached(ctx, ids)
	if err != nil {
		return err
	}
	packages, err := m.Library.Names(ctx)
	if err != nil {
		return err
	}
	plans, err := m.Inspection.Plans(ctx)
	if err != nil {
		return err
	}
	p.Parts = slices.Clone(b.Parts)
	h := sha256.New()
	for i := range p.Parts {
		part := &p.Parts[i]
		switch part.Kind {
		case PartCheck:
			m.judgeCheck(part, rows[part.Line], have, reached)
		case PartScript:
			m.judgeScript(part, packages)
		case PartPlan:
			if part.Outcome, part.Off = Added, "plan_off"; slices.Contains(plans, part.Plan.Name) {
				part.Outcome, part.Off = Same, ""
			}
		default:
			part.Outcome = None
		}
		p.PartCounts = count(p.PartCounts, part.Kind+"."+part.Outcome)
		if part.Fidelity != "" && part.Kind != PartPlan {
			p.PartCounts = count(p.PartCounts, "fidelity."+part.Fidelity)
		}
		line, _ := json.Marshal([]any{part.ID, part.Kind, part.Outcome, part.Off}) // strings always marshal
		h.Write(line)
	}
	h.Write([]byte(p.Digest))
	p.Digest = hex.EncodeToString(h.Sum(nil)[:16])
	return nil
}

func count(m map[string]int, key string) map[string]int {
	if m == nil {
		m = map[string]int{}
	}
	m[key]++
	return m
}

func (m *Module) judgeCheck(part *Part, row *Row, have map[string][]string, reached map[string]bool) {
	identity, err := m.Inspection.Prepare(*part.Check)
	switch {
	case err != nil:
		part.Outcome, part.Says = "blocked", faultText(err)
	case row == nil || row.Outcome == Conflict:
		part.Outcome, part.Says = "blocked", "host_conflict"
	case row.AssetID != "" && slices.Contains(have[row.AssetID], identity):
		part.Outcome = Same
	default:
		part.Outcome = Added
		if row.AssetID == "" || !reached[row.AssetID] {
			part.Off = "not_reached"
		}
	}
}

func (m *Module) judgeScript(part *Part, packages map[string][]string) {
	sum := sha256.Sum256(part.Script.Body)
	digest := hex.EncodeToString(sum[:])
	for _, digests := range packages {
		if slices.Contains(digests, digest) {
			part.Outcome = Same
			return
		}
	}
	part.Outcome, part.Off = Added, "draft"
	if _, taken := packages[part.Script.Name]; taken {
		part.Outcome, part.Off, part.Says = "blocked", "", "name_taken"
	} else if err := m.Library.Check(*part.Script); err != nil {
		part.Outcome, part.Off, part.Says = "blocked", "", faultText(err)
	}
}

// carryParts makes the parts of a preview that are new and not left out. made names the assets of rows.
func (m *Module) carryParts(ctx context.Context, tx *store.Tx, scope store.Scope, r *Run, parts []Part, assets map[int]string, left func(Part) bool) ([]PartStep, error) {
	var out []PartStep
	for _, p := range parts {
		if p.Outcome != Added || left(p) {
			continue
		}
		var made Made
		var err error
		assetID := assets[p.Line]
		switch p.Kind {
		case PartCheck:
			if assetID == "" {
				continue
			}
			made, err = m.Inspection.AddCheck(ctx, tx, r.Number, assetID, *p.Check)
		case PartScript:
			made, err = m.Library.Add(ctx, tx, scope, r.Number, r.Defaults.AreaPath, r.Defaults.SystemID, *p.Script)
		case PartPlan:
			made, err = m.Inspection.AddPlan(ctx, tx, scope, r.Number, r.Defaults.AreaPath, r.Defaults.SystemID, *p.Plan)
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Kind, p.Title, err)
		}
		out = append(out, PartStep{
			RunID: r.ID, Seq: len(out), Kind: p.Kind, ThingID: made.ID, AssetID: assetID, Name: cut(made.Name, 300), After: made.Version, Off: made.Off,
		})
	}
	return out, nil
}

// undoParts takes away what a run made beside assets, the last first, and names the assets on which
// something stays.
func (m *Module) undoParts(ctx context.Context, tx *store.Tx, r *Run) (gone int, left []PartStep, held map[string]bool, err error) {
	steps, err := partSteps(ctx, tx, r.ID)
	if err != nil {
		return 0, nil, nil, err
	}
	held = map[string]bool{}
	for _, s := range slices.Backward(steps) {
		switch s.Kind {
		case PartCheck:
			s.Left, err = m.Inspection.RemoveCheck(ctx, tx, s.ThingID, s.After, r.Number)
		case PartScript:
			s.Left, err = m.Library.Remove(ctx, tx, s.ThingID, s.After, r.Number)
		case PartPlan:
			s.Left, err = m.Inspection.RemovePlan(ctx, tx, s.ThingID, s.After, r.Number)
		}
		if err != nil {
			return 0, nil, nil, fmt.Errorf("undo %s %s: %w", s.Kind, s.Name, err)
		}
		if s.Left == "" {
			gone++
			continue
		}
		left = append(left, s)
		held[s.AssetID] = true
		if err := notePartLeft(ctx, tx, &s); err != nil {
			return 0, nil, nil, err
		}
	}
	delete(held, "")
	return gone, left, held, nil
}
