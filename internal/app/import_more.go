package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/intake"
	"taxops/internal/ops/intake/scripts"
	"taxops/internal/ops/intake/zabbix/rpc"
)

// Session is what an import on the command line works with.
type Session struct {
	Context context.Context //nolint:containedctx // of one command
	Open    func(func(*App) error) error
	Print   Printer
}

// Run takes a list of assets in.
func (in AssetImport) Run(s Session) error {
	return s.Open(func(a *App) error {
		r, err := a.ImportAssets(s.Context, in)
		return errors.Join(s.Print.Import(r), err)
	})
}

// ImportPlace says where what is brought lies, and whether it is taken.
type ImportPlace struct {
	Apply    bool   `help:"Make the changes; otherwise only say what would change."`
	AreaPath string `name:"area" help:"Area (default: that of the installation)." placeholder:"PATH"`
	System   string `help:"System: identity, delivery, seal or platform." placeholder:"KEY" default:"platform"`
}

// ZabbixImport is what the command line asks for.
type ZabbixImport struct {
	Source string `arg:"" help:"Export (XML, JSON, YAML), or address of the frontend: https://zabbix.example/zabbix/"`
	ImportPlace
	SkipConflicts bool   `help:"Leave out hosts that are conflicts instead of refusing the whole."`
	OnlyExact     bool   `help:"Leave out checks that ask only nearly what their triggers asked."`
	TokenFile     string `help:"File with the API token." placeholder:"FILE" type:"path"`
	User          string `help:"Without a token: a user who may read." placeholder:"NAME"`
	PasswordFile  string `help:"File with the user's password." placeholder:"FILE" type:"path"`
	CAFile        string `name:"ca-file" help:"Certificates of further authorities." placeholder:"FILE" type:"path"`
	Fingerprint   string `help:"SHA-256 of the server's certificate, instead of an authority." placeholder:"HEX"`
	Plain         bool   `help:"Let the token go over http without encryption."`
}

// ScriptImport is what the command line asks for.
type ScriptImport struct {
	Dir string `arg:"" help:"Folder of the scripts." type:"existingdir"`
	ImportPlace
	Crontab       []string `help:"Crontab that ran them (crontab -l); may be given several times." placeholder:"FILE" type:"path"`
	SystemCrontab []string `help:"Crontab of the system, whose lines name a user." placeholder:"FILE" type:"path"`
}

// PartsResult is what an import brings along.
type PartsResult struct {
	Number string         `json:"number"`
	State  string         `json:"state"`
	Counts map[string]int `json:"counts"` // assets by outcome, parts as kind.outcome and fidelity.how
	Parts  []ImportPart   `json:"parts"`
	Faults []string       `json:"faults"`
	notes  []intake.BundleNote
}

// ImportPart is one thing that goes along.
type ImportPart struct {
	Kind     string   `json:"kind"`
	Fidelity string   `json:"fidelity"`
	Outcome  string   `json:"outcome"`
	Off      string   `json:"off,omitempty"`
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Why      []string `json:"why"`
}

// Run brings Zabbix along.
func (in ZabbixImport) Run(s Session) error {
	return s.Open(func(a *App) error {
		ctx := journal.WithActor(s.Context, journal.SystemActor("cli"))
		u, err := a.importPlace(ctx, in.ImportPlace, in.Source)
		if err != nil {
			return err
		}
		var run intake.Run
		if strings.Contains(in.Source, "://") {
			run, err = in.read(ctx, a, u)
		} else {
			run, err = in.file(ctx, a, u)
		}
		if err != nil {
			return err
		}
		return a.takeParts(ctx, run, in.Apply, intake.Application{SkipConflicts: in.SkipConflicts, OnlyExact: in.OnlyExact}, s.Print)
	})
}

func (in ZabbixImport) file(ctx context.Context, a *App, u intake.Upload) (intake.Run, error) {
	f, err := os.Open(in.Source)
	if err != nil {
		return intake.Run{}, fmt.Errorf("export of Zabbix: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	return a.intake.UploadZabbix(ctx, store.Everything(), u, f)
}

func (in ZabbixImport) read(ctx context.Context, a *App, u intake.Upload) (intake.Run, error) {
	c := rpc.Config{URL: in.Source, User: in.User, Fingerprint: in.Fingerprint, Plain: in.Plain}
	for _, f := range []struct {
		file string
		into func(string)
	}{
		{in.TokenFile, func(s string) { c.Token = secret.NewText(s) }},
		{in.PasswordFile, func(s string) { c.Password = secret.NewText(s) }},
		{in.CAFile, func(s string) { c.CA = s }},
	} {
		if f.file == "" {
			continue
		}
		b, err := os.ReadFile(f.file)
		if err != nil {
			return intake.Run{}, fmt.Errorf("account of Zabbix: %w", err)
		}
		f.into(strings.TrimSpace(string(b)))
	}
	return a.intake.ReadZabbix(ctx, store.Everything(), u, c)
}

// Run brings a folder of scripts along.
func (in ScriptImport) Run(s Session) error {
	return s.Open(func(a *App) error {
		ctx := journal.WithActor(s.Context, journal.SystemActor("cli"))
		u, err := a.importPlace(ctx, in.ImportPlace, in.Dir)
		if err != nil {
			return err
		}
		var crontabs []scripts.Crontab
		for i, file := range slices.Concat(in.Crontab, in.SystemCrontab) {
			b, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("crontab: %w", err)
			}
			crontabs = append(crontabs, scripts.Crontab{Text: string(b), System: i >= len(in.Crontab)})
		}
		root, err := os.OpenRoot(in.Dir)
		if err != nil {
			return fmt.Errorf("folder of scripts: %w", err)
		}
		defer root.Close() //nolint:errcheck // only read
		run, err := a.intake.TakeScripts(ctx, store.Everything(), u, root.FS(), crontabs...)
		if err != nil {
			return err
		}
		return a.takeParts(ctx, run, in.Apply, intake.Application{}, s.Print)
	})
}

func (a *App) importPlace(ctx context.Context, p ImportPlace, name string) (intake.Upload, error) {
	u := intake.Upload{FileName: filepath.Base(name), AreaPath: p.AreaPath}
	if u.AreaPath == "" {
		u.AreaPath = a.o.Config.Text("installation.area")
	}
	var err error
	u.SystemID, err = a.systemID(ctx, p.System)
	return u, err
}

// takeParts says what a run would change, and changes it when asked to. A preview leaves nothing behind but
// its rows in the journal.
func (a *App) takeParts(ctx context.Context, run intake.Run, apply bool, how intake.Application, print Printer) error {
	all := store.Everything()
	p, err := a.intake.Preview(ctx, all, run.ID)
	if err != nil {
		return err
	}
	out := PartsResult{Number: run.Number, State: "preview", Counts: maps.Clone(p.Counts), Parts: []ImportPart{}, Faults: []string{}, notes: p.Notes}
	maps.Copy(out.Counts, p.PartCounts)
	for _, r := range p.Rows {
		for _, f := range r.Faults {
			out.Faults = append(out.Faults, fmt.Sprintf("host %s %s: %s %q", r.Name, f.Field, f.Says, f.Value))
		}
	}
	for _, part := range p.Parts {
		out.Parts = append(out.Parts, ImportPart{
			Kind: part.Kind, Fidelity: part.Fidelity, Outcome: part.Outcome, Off: part.Off, Name: part.Name, Title: part.Title, Why: append([]string{}, part.Why...),
		})
	}
	if apply {
		how.Digest, how.Version = p.Digest, run.Version
		var done intake.Run
		if done, err = a.intake.Apply(ctx, all, run.ID, how); err == nil {
			out.State, out.Counts = string(done.State), done.Counts
		}
	} else {
		_, err = a.intake.Discard(ctx, all, run.ID, run.Version)
	}
	return errors.Join(print.Parts(out), err)
}

// Parts prints what an import brings along.
func (p Printer) Parts(r PartsResult) error {
	if p.JSON {
		return json.NewEncoder(p.Out).Encode(r)
	}
	var b strings.Builder
	for _, n := range r.notes {
		fmt.Fprintf(&b, "%s: %s\n", n.Code, n.Text)
	}
	for _, f := range r.Faults {
		fmt.Fprintln(&b, f)
	}
	for _, part := range r.Parts {
		fmt.Fprintf(&b, "%-6s %-5s %-7s %-11s %s | %s | %s\n", part.Kind, part.Fidelity, part.Outcome, part.Off, part.Name, part.Title, strings.Join(part.Why, " "))
	}
	fmt.Fprintf(&b, "%s %s:", r.Number, r.State)
	for _, k := range slices.Sorted(maps.Keys(r.Counts)) {
		if r.Counts[k] > 0 {
			fmt.Fprintf(&b, " %s %d", k, r.Counts[k])
		}
	}
	b.WriteString("\n")
	_, err := io.WriteString(p.Out, b.String())
	return err
}
