package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/intake"
	"taxops/internal/ops/intake/sheet"
)

// register is the register of assets as the intake sees it.
type register struct{ fleet *fleet.Module }

func known(a fleet.Asset) intake.Known {
	return intake.Known{
		ID: a.ID, Number: a.Number, Kind: a.Kind, Name: a.Name, ParentID: a.ParentID, AreaPath: a.AreaPath, SystemID: a.SystemID,
		Values: a.Values(), Labels: a.Labels, Version: a.Version, Self: a.Machine != "",
	}
}

// Known implements intake.Register.
func (r register) Known(ctx context.Context, scope store.Scope) ([]intake.Known, error) {
	all, err := r.fleet.Every(ctx, scope)
	out := make([]intake.Known, len(all))
	for i, a := range all {
		out[i] = known(a)
	}
	return out, err
}

// CheckValue implements intake.Register.
func (r register) CheckValue(name, value string) error { return fleet.CheckValue(name, value) }

// Add implements intake.Register.
func (r register) Add(ctx context.Context, tx *store.Tx, scope store.Scope, source string, a intake.NewAsset) (intake.Known, error) {
	profile, hostname, err := fleet.ProfileOf(a.Values)
	if err != nil {
		return intake.Known{}, err
	}
	made, err := r.fleet.RegisterIn(ctx, tx, scope, fleet.NewAsset{
		Kind: a.Kind, Name: a.Name, Hostname: hostname, ParentID: a.ParentID, AreaPath: a.AreaPath, SystemID: a.SystemID,
		Profile: profile, Labels: a.Labels,
	}, source)
	return known(made), err
}

// Change implements intake.Register.
func (r register) Change(ctx context.Context, tx *store.Tx, scope store.Scope, source, id string, c intake.AssetChange) (intake.Known, error) {
	set := c.Values
	if c.ParentID != nil {
		if set == nil {
			set = map[string]string{}
		}
		set["parent_id"] = *c.ParentID
	}
	done, err := r.fleet.UpdateIn(ctx, tx, scope, id, fleet.Change{
		Name: c.Name, AreaPath: c.AreaPath, SystemID: c.SystemID, Set: set, Labels: c.Labels, Version: c.Version,
	}, source)
	return known(done), err
}

// Retire implements intake.Register.
func (r register) Retire(ctx context.Context, tx *store.Tx, scope store.Scope, id, reason string, version int64) error {
	_, err := r.fleet.RetireIn(ctx, tx, scope, id, reason, version)
	return err
}

// named is how areas and systems are called in lists.
type named struct{ *org.Service }

// Areas implements intake.Places.
func (n named) Areas(ctx context.Context) ([]intake.Place, error) {
	all, err := n.Service.Areas(ctx)
	var out []intake.Place
	for _, a := range all {
		names := []string{a.NameZH, a.NameEN, a.Code, strings.TrimSuffix(a.NameZH, "税务局") + "局"}
		if a.Path == org.Region {
			names = append(names, "区局", "广西区局", "自治区局", "省局")
		}
		out = append(out, intake.Place{ID: a.Path, Names: names})
	}
	return out, err
}

// Systems implements intake.Places.
func (n named) Systems(ctx context.Context) ([]intake.Place, error) {
	all, err := n.Service.Systems(ctx)
	var out []intake.Place
	for _, s := range all {
		out = append(out, intake.Place{ID: s.ID, Names: []string{s.NameZH, s.NameEN, s.Key}})
	}
	return out, err
}

// AssetImport is what the command line asks for.
type AssetImport struct {
	File          string `arg:"" help:"Workbook (XLSX) or CSV in UTF-8 or GB18030." type:"path"`
	Apply         bool   `help:"Change the register; otherwise only say what would change."`
	SkipConflicts bool   `help:"Leave out rows that are conflicts instead of refusing the whole."`
	AreaPath      string `name:"area" help:"Area of rows that do not say one (default: that of the installation)." placeholder:"PATH"`
	System        string `help:"System of rows that do not name one: identity, delivery, seal or platform." placeholder:"KEY"`
}

// ImportResult is what came of it.
type ImportResult struct {
	Number    string         `json:"number"`
	State     string         `json:"state"`
	Columns   []ImportColumn `json:"columns"`
	Counts    map[string]int `json:"counts"`
	Conflicts []string       `json:"conflicts"`
}

// ImportColumn is what a column was taken for.
type ImportColumn struct {
	Title string `json:"title"`
	Field string `json:"field"`
}

// ImportAssets reads a list of assets and says what it would change; with Apply it changes it. A preview
// leaves nothing behind but its rows in the journal.
func (a *App) ImportAssets(ctx context.Context, in AssetImport) (ImportResult, error) {
	ctx = journal.WithActor(ctx, journal.SystemActor("cli"))
	st, err := os.Stat(in.File)
	if err != nil {
		return ImportResult{}, fmt.Errorf("list of assets: %w", err)
	}
	if st.Size() > sheet.Usual().Bytes {
		return ImportResult{}, fmt.Errorf("list of assets: %s has %d bytes, at most %d are read", in.File, st.Size(), sheet.Usual().Bytes)
	}
	file, err := os.ReadFile(in.File)
	if err != nil {
		return ImportResult{}, fmt.Errorf("list of assets: %w", err)
	}
	if in.AreaPath == "" {
		in.AreaPath = a.o.Config.Text("installation.area")
	}
	systemID, err := a.systemID(ctx, in.System)
	if err != nil {
		return ImportResult{}, err
	}
	all := store.Everything()
	run, err := a.intake.Upload(ctx, all, intake.Upload{FileName: filepath.Base(in.File), Content: file, AreaPath: in.AreaPath, SystemID: systemID})
	if err != nil {
		return ImportResult{}, err
	}
	_, table, err := a.intake.Run(ctx, all, run.ID)
	if err != nil {
		return ImportResult{}, err
	}
	out := ImportResult{Number: run.Number, State: "preview", Columns: []ImportColumn{}, Conflicts: []string{}}
	for i, h := range table.Header {
		out.Columns = append(out.Columns, ImportColumn{Title: h, Field: run.Mapping[i]})
	}
	p, err := a.intake.Preview(ctx, all, run.ID)
	if err != nil {
		return out, err
	}
	out.Counts = p.Counts
	for _, r := range p.Rows {
		for _, f := range r.Faults {
			out.Conflicts = append(out.Conflicts, fmt.Sprintf("row %d %s %s: %s %q", r.Line, r.Name, f.Column, f.Says, f.Value))
		}
	}
	if !in.Apply {
		_, err = a.intake.Discard(ctx, all, run.ID, run.Version)
		return out, err
	}
	done, err := a.intake.Apply(ctx, all, run.ID, intake.Application{Digest: p.Digest, SkipConflicts: in.SkipConflicts, Version: run.Version})
	if err == nil {
		out.State = string(done.State)
	}
	return out, err
}

// systemID finds a system by its key or id; "" is none.
func (a *App) systemID(ctx context.Context, keyOrID string) (string, error) {
	if keyOrID == "" {
		return "", nil
	}
	all, err := org.New(a.db).Systems(ctx)
	if err != nil {
		return "", err
	}
	var keys []string
	for _, s := range all {
		if s.Key == keyOrID || s.ID == keyOrID {
			return s.ID, nil
		}
		keys = append(keys, s.Key)
	}
	return "", fmt.Errorf("no system %q: one of %s", keyOrID, strings.Join(keys, ", "))
}

// Import prints what came of an import.
func (p Printer) Import(r ImportResult) error {
	if p.JSON {
		return json.NewEncoder(p.Out).Encode(r)
	}
	var b strings.Builder
	for _, c := range r.Columns {
		field := c.Field
		if field == "" {
			field = "-"
		}
		fmt.Fprintf(&b, "%-24s %s\n", field, c.Title)
	}
	for _, c := range r.Conflicts {
		fmt.Fprintln(&b, c)
	}
	fmt.Fprintf(&b, "%s %s: %d new, %d changed, %d same, %d conflicts\n", r.Number, r.State,
		r.Counts[intake.Added], r.Counts[intake.Changed], r.Counts[intake.Same], r.Counts[intake.Conflict])
	_, err := io.WriteString(p.Out, b.String())
	return err
}
