package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"taxops/internal/app"
	"taxops/internal/kernel/journal"
)

func (e *env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

type serveCmd struct {
	Listen      string `help:"Address and port; one that is not loopback is served with TLS." placeholder:"ADDR"`
	BehindProxy bool   `help:"Serve plain HTTP on any address: a reverse proxy terminates TLS."`
}

// Run serves until SIGTERM or SIGINT.
func (c *serveCmd) Run(e *env) error {
	if c.Listen != "" {
		e.flags["http.listen"] = c.Listen
	}
	if c.BehindProxy {
		e.flags["http.behind_proxy"] = "true"
	}
	o, err := e.options()
	if err != nil {
		return err
	}
	return app.Serve(e.ctx, o, e.stdout)
}

type inspectCmd struct {
	Run inspectRunCmd `cmd:"" help:"Run one round on this machine without a server; the exit code is the worst state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."`
}

type inspectRunCmd struct {
	Format string `help:"Form of the answer: table or json." enum:"table,json" default:"table"`
	Out    string `help:"File to write to instead of the terminal." placeholder:"FILE" type:"path"`
}

// Run inspects once.
func (c *inspectRunCmd) Run(e *env) (err error) {
	o, err := e.options()
	if err != nil {
		return err
	}
	var w io.Writer = e.stdout
	if c.Out != "" {
		f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
		defer f.Close() //nolint:errcheck // closed with an error check below on the good path
		w = f
	}
	format := c.Format
	if e.cli.Output == "json" {
		format = "json"
	}
	worst, err := app.InspectOnce(e.ctx, o, format, w)
	if err != nil {
		return err
	}
	if f, ok := w.(*os.File); ok && c.Out != "" {
		if err := f.Close(); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	if worst != 0 {
		return exitCode(worst)
	}
	return nil
}

type journalCmd struct {
	Verify journalVerifyCmd `cmd:"" help:"Prove that no row was altered: of the database, or of an export. Exit 1 with each bad row named."`
	Export journalExportCmd `cmd:"" help:"Write the chain as JSON Lines with a proof for each row."`
}

type journalVerifyCmd struct {
	In string `help:"Export to verify instead of the database; - for standard input." placeholder:"FILE"`
}

// Run verifies.
func (c *journalVerifyCmd) Run(e *env) error {
	var report journal.Report
	verify := func() error {
		if c.In == "" {
			return e.open(func(a *app.App) (err error) {
				report, err = a.Journal().Verify(e.ctx, nil)
				return err
			})
		}
		in := os.Stdin
		if c.In != "-" {
			f, err := os.Open(c.In)
			if err != nil {
				return fmt.Errorf("export: %w", err)
			}
			defer f.Close() //nolint:errcheck // read only
			in = f
		}
		var err error
		report, err = journal.VerifyExport(e.ctx, in, journal.ExportOptions{})
		return err
	}
	if err := verify(); err != nil {
		return err
	}
	if e.cli.Output == "json" {
		if err := e.json(report); err != nil {
			return err
		}
	} else {
		for _, b := range report.Bad {
			_, _ = fmt.Fprintf(e.stdout, "row %d: %s\n", b.Seq, b.Why)
		}
		word := "whole"
		if !report.OK {
			word = fmt.Sprintf("NOT whole: %d bad", len(report.Bad))
		}
		_, _ = fmt.Fprintf(e.stdout, "journal %s: %d rows, head %s\n", word, report.Rows, report.Head)
	}
	if !report.OK {
		return exitCode(1)
	}
	return nil
}

type journalExportCmd struct {
	Out string `help:"File to write; - for standard output." default:"-" placeholder:"FILE"`
}

// Run exports.
func (c *journalExportCmd) Run(e *env) error {
	return e.open(func(a *app.App) error {
		if c.Out == "-" {
			return a.Journal().Export(e.ctx, e.stdout)
		}
		// Written beside and renamed: a cut export must not look like a whole one.
		tmp, err := os.CreateTemp(filepath.Dir(c.Out), ".export-*")
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
		defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
		if err := a.Journal().Export(e.ctx, tmp); err != nil {
			return err
		}
		if err := tmp.Sync(); err != nil {
			return fmt.Errorf("output: %w", err)
		}
		if err := tmp.Close(); err != nil {
			return fmt.Errorf("output: %w", err)
		}
		return os.Rename(tmp.Name(), c.Out)
	})
}

type migrateCmd struct{}

// Run migrates.
func (migrateCmd) Run(e *env) error {
	o, err := e.options()
	if err != nil {
		return err
	}
	return app.Migrate(e.ctx, o, e.stdout)
}

type doctorCmd struct{}

// Run looks at this host.
func (doctorCmd) Run(e *env) error {
	o, err := e.options()
	if err != nil {
		return err
	}
	found := app.Doctor(e.ctx, o)
	bad := false
	for _, f := range found {
		bad = bad || f.Level == app.MustMend
	}
	if e.cli.Output == "json" {
		err = e.json(found)
	} else {
		w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		for _, f := range found {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Level, f.What, f.Says)
			if f.Hint != "" {
				_, _ = fmt.Fprintf(w, "\t\t→ %s\n", f.Hint)
			}
		}
		err = w.Flush()
	}
	if err == nil && bad {
		return exitCode(1)
	}
	return err
}

type configCmd struct {
	Explain configExplainCmd `cmd:"" help:"List each setting with its value and where that came from."`
}

type configExplainCmd struct{}

// Run explains.
func (configExplainCmd) Run(e *env) error {
	c, err := e.load()
	if err != nil {
		return err
	}
	if e.cli.Output == "json" {
		return e.json(c.Explain())
	}
	w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	for _, x := range c.Explain() {
		_, _ = fmt.Fprintf(w, "%s\t%s\t(%s)\t%s\n", x.Name, x.Value, x.Source, x.DocEN)
	}
	return w.Flush()
}

type accountCmd struct {
	Recover accountRecoverCmd `cmd:"" help:"Print a single-use link with which an administrator sets a new password. Recorded in the journal."`
}

type accountRecoverCmd struct {
	Login string `arg:"" help:"Login of the administrator."`
}

// Run recovers.
func (c *accountRecoverCmd) Run(e *env) error {
	return e.open(func(a *app.App) error {
		link, expires, err := a.Recover(e.ctx, c.Login)
		if err != nil {
			return err
		}
		if e.cli.Output == "json" {
			return e.json(map[string]any{"link": link, "expires_at": expires})
		}
		_, err = fmt.Fprintf(e.stdout, "%s\nsingle use, until %s\n", link, expires.Local().Format("2006-01-02 15:04:05"))
		return err
	})
}

type openAPICmd struct{}

// Run prints the document.
func (openAPICmd) Run(e *env) error {
	b, err := app.OpenAPI(e.ctx, version)
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(b)
	return err
}

type referenceCmd struct {
	Dir   string `arg:"" help:"Folder of the reference." type:"path"`
	Check bool   `help:"Change nothing; exit 1 when a file differs."`
}

// Run writes or checks.
func (c *referenceCmd) Run(e *env) error {
	differ, err := app.Reference(e.ctx, c.Dir, c.Check)
	if err != nil {
		return err
	}
	for _, f := range differ {
		_, _ = fmt.Fprintln(e.stdout, f)
	}
	if c.Check && len(differ) > 0 {
		_, _ = fmt.Fprintln(e.stderr, "taxops: the reference is out of date: run `make generate`")
		return exitCode(1)
	}
	return nil
}
