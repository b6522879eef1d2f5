package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/intake/sheet"
)

// keptFor is how long the rows of a list are kept that nobody decided about.
const keptFor = 30 * 24 * time.Hour

// Upload is a file that somebody brings.
type Upload struct {
	FileName           string
	Content            []byte
	AreaPath, SystemID string // where rows lie that do not say it; SystemID may be empty
}

// Upload reads a list of assets and proposes what its columns are. Nothing is changed yet.
func (m *Module) Upload(ctx context.Context, scope store.Scope, u Upload) (Run, error) {
	if err := m.mayStart(ctx, scope, u); err != nil {
		return Run{}, err
	}
	table, err := m.read(ctx, u.Content)
	if err != nil {
		return Run{}, err
	}
	return m.start(ctx, u, SourceAssets, Bundle{Table: table})
}

// mayStart refuses a run that somebody may not make there.
func (m *Module) mayStart(ctx context.Context, scope store.Scope, u Upload) error {
	if err := m.Places.Place(ctx, "query", u.AreaPath, u.SystemID); err != nil {
		return err
	}
	if !scope.Covers(u.AreaPath, u.SystemID) {
		return problem.New(problem.Forbidden, "not allowed in area %s for this system", u.AreaPath)
	}
	return nil
}

// start stores what was read as a run.
func (m *Module) start(ctx context.Context, u Upload, source string, b Bundle) (Run, error) {
	packed, err := packBundle(b)
	if err != nil {
		return Run{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Run{}, fmt.Errorf("new id: %w", err)
	}
	sum := sha256.Sum256(u.Content)
	r := Run{
		ID: id.String(), Source: source, FileName: cut(path.Base(strings.ReplaceAll(u.FileName, `\`, "/")), 200), FileBytes: int64(len(u.Content)),
		SHA256: hex.EncodeToString(sum[:]), State: runMachine().Initial, Fingerprint: fingerprint(b.Header),
		Mapping: suggested(b.Table), Defaults: Defaults{Kind: kindHost, AreaPath: u.AreaPath, SystemID: u.SystemID},
		Content: packed, RowCount: len(b.Rows), Counts: map[string]int{}, CreatedBy: api.CallerFrom(ctx).AccountID,
		AreaPath: u.AreaPath, SystemID: u.SystemID, Version: 1,
	}
	if source != SourceAssets {
		r.Mapping = b.Header // its columns are the values themselves
	} else if known, err := recall(ctx, m.DB.Read(), r.Fingerprint, r.Source); err != nil {
		return Run{}, err
	} else if known != nil && len(known.Mapping) == len(b.Header) {
		r.Mapping, r.Remembered = known.Mapping, 1
		r.Defaults.Kind, r.Defaults.Environment = known.Defaults.Kind, known.Defaults.Environment
	}
	err = m.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if r.Number, err = store.NextNumber(ctx, tx, "IMP"); err != nil {
			return err
		}
		r.CreatedAt = store.At(tx.Now())
		if err := dropOld(ctx, tx, tx.Now().Add(-keptFor)); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&r).Exec(ctx); err != nil {
			return fmt.Errorf("store import: %w", err)
		}
		return m.note(ctx, tx, TypeParsed, &r, map[string]any{"file": r.FileName, "sha256": r.SHA256, "rows": r.RowCount})
	})
	return r, err
}

// read parses a file, few at a time, and says what is wrong with it as a problem of the body.
func (m *Module) read(ctx context.Context, file []byte) (Table, error) {
	done, err := m.slot(ctx)
	if err != nil {
		return Table{}, err
	}
	defer done()
	t, err := parse(ctx, file)
	var r *sheet.Refusal
	if errors.As(err, &r) {
		return Table{}, problem.InvalidField("body", r.Code, "%s", r.Says)
	}
	return t, err
}

func (m *Module) note(ctx context.Context, tx *store.Tx, typ string, r *Run, fields map[string]any) error {
	fields["number"], fields["source"] = r.Number, r.Source
	_, err := m.Journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subject, ID: r.ID}, AreaPath: r.AreaPath, SystemID: r.SystemID, Fields: fields,
	})
	return err
}

// Settings are what a person chooses for a run.
type Settings struct {
	Mapping  []string
	Defaults Defaults
	Version  int64
}

// Configure says what the columns are, and what rows are that do not say it.
func (m *Module) Configure(ctx context.Context, scope store.Scope, id string, s Settings) (Run, error) {
	if err := m.Places.Place(ctx, "body", s.Defaults.AreaPath, s.Defaults.SystemID); err != nil {
		return Run{}, err
	}
	if !scope.Covers(s.Defaults.AreaPath, s.Defaults.SystemID) {
		return Run{}, problem.New(problem.Forbidden, "not allowed in area %s for this system", s.Defaults.AreaPath)
	}
	if e := s.Defaults.Environment; e != "" {
		if err := m.Register.CheckValue("environment", e); err != nil {
			return Run{}, err
		}
	}
	if s.Defaults.Kind != kindHost && s.Defaults.Kind != "network" && s.Defaults.Kind != kindComponent {
		return Run{}, problem.InvalidField("body.kind", "unknown", "one of: host, network, component")
	}
	var out Run
	err := m.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, table, err := m.open(ctx, tx, scope, id, s.Version)
		if err != nil {
			return err
		}
		if c, says := checkMapping(s.Mapping, table.Header); says != "" {
			return problem.InvalidField(fmt.Sprintf("body.mapping[%d]", c), "not_possible", "%s", says)
		}
		r.Mapping, r.Defaults = s.Mapping, s.Defaults
		if err := saveRun(ctx, tx, r); err != nil {
			return err
		}
		out = *r
		return nil
	})
	return out, err
}

// open reads a run that was not applied yet, with its table.
func (m *Module) open(ctx context.Context, tx *store.Tx, scope store.Scope, id string, version int64) (*Run, Table, error) {
	r, err := m.at(ctx, tx, scope, id, version)
	if err != nil {
		return nil, Table{}, err
	}
	if _, err := runMachine().Next(r.State, apply); err != nil {
		return nil, Table{}, err
	}
	table, err := unpack(r.Content)
	return r, table, err
}

func (m *Module) at(ctx context.Context, tx *store.Tx, scope store.Scope, id string, version int64) (*Run, error) {
	r, err := findRun(ctx, tx, scope, id)
	if err != nil {
		return nil, err
	}
	if r.Version != version {
		return nil, problem.New(problem.Stale, "the import is at version %d", r.Version)
	}
	return r, nil
}

// Run reads one run, with its table while it is kept.
func (m *Module) Run(ctx context.Context, scope store.Scope, id string) (Run, *Table, error) {
	r, err := findRun(ctx, m.DB.Read(), scope, id)
	if err != nil {
		return Run{}, nil, err
	}
	if len(r.Content) == 0 {
		return *r, nil, nil
	}
	t, err := unpack(r.Content)
	return *r, &t, err
}

// Runs reads one page of runs, the latest first.
func (m *Module) Runs(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Run], error) {
	return store.List[Run](ctx, m.DB.Read(), runList(), scope, q, nil)
}

// Preview says what a run would change now. It changes nothing.
func (m *Module) Preview(ctx context.Context, scope store.Scope, id string) (Preview, error) {
	r, table, err := m.Run(ctx, scope, id)
	if err != nil {
		return Preview{}, err
	}
	if table == nil || r.State != Parsed {
		return Preview{}, problem.New(problem.NotPossibleInState, "the import is over")
	}
	return m.preview(ctx, scope, &r, *table)
}

func (m *Module) preview(ctx context.Context, scope store.Scope, r *Run, table Table) (Preview, error) {
	if r.Source == SourceScripts {
		p := Preview{Rows: []Row{}, Counts: map[string]int{Added: 0, Changed: 0, Same: 0, Conflict: 0}}
		return p, m.previewParts(ctx, r, &p)
	}
	if c, says := checkMapping(r.Mapping, table.Header); says != "" {
		return Preview{}, problem.InvalidField(fmt.Sprintf("body.mapping[%d]", c), "not_possible", "%s", says)
	}
	areas, err := m.Places.Areas(ctx)
	if err != nil {
		return Preview{}, err
	}
	systems, err := m.Places.Systems(ctx)
	if err != nil {
		return Preview{}, err
	}
	known, err := m.Register.Known(ctx, scope)
	if err != nil {
		return Preview{}, err
	}
	p := compare(table, r.Mapping, r.Defaults, areas, systems, known, m.Register.CheckValue)
	return p, m.previewParts(ctx, r, &p)
}

// Discard gives a run up before it was applied.
func (m *Module) Discard(ctx context.Context, scope store.Scope, id string, version int64) (Run, error) {
	var out Run
	err := m.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := m.at(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		if r.State, err = runMachine().Next(r.State, discard); err != nil {
			return err
		}
		r.Content = nil
		if err := saveRun(ctx, tx, r); err != nil {
			return err
		}
		out = *r
		return m.note(ctx, tx, TypeDiscarded, r, map[string]any{})
	})
	return out, err
}

// Steps lists what a run added and changed.
func (m *Module) Steps(ctx context.Context, scope store.Scope, id string) ([]Step, error) {
	if _, err := findRun(ctx, m.DB.Read(), scope, id); err != nil {
		return nil, err
	}
	return stepsOf(ctx, m.DB.Read(), id)
}

// names finds what the people of runs are called.
func (m *Module) names(ctx context.Context, rs []Run) (map[string]string, error) {
	var ids []string
	for _, r := range rs {
		for _, id := range []string{r.CreatedBy, r.AppliedBy, r.UndoneBy} {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return m.People.Names(ctx, ids)
}
