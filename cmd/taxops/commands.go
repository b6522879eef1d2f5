package main

import (
	"errors"
	"io"
	"slices"

	"taxops/internal/app"
	"taxops/internal/kernel/journal"
)

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
	return e.with(func(o app.Options) error { return app.Serve(e.ctx, o, e.stdout) })
}

type inspectRunCmd struct {
	Format string `help:"Form of the answer: table or json." enum:"table,json" default:"table"`
	Out    string `help:"File to write to instead of the terminal." placeholder:"FILE" type:"path"`
}

// Run inspects once.
func (c *inspectRunCmd) Run(e *env) error {
	if e.cli.Output == "json" {
		c.Format = "json"
	}
	var worst int
	o, err := e.options()
	if err == nil {
		err = app.ToFile(c.Out, e.stdout, func(w io.Writer) (err error) { worst, err = app.InspectOnce(e.ctx, o, c.Format, w); return err })
	}
	if err != nil {
		worst = 3 // UNKNOWN: without a result the state is not known, and 1 would say WARNING
	}
	return exitIf(err, worst != 0, worst)
}

type journalVerifyCmd struct {
	In string `help:"Export to verify instead of the database; - for standard input." placeholder:"FILE"`
}

// Run verifies.
func (c *journalVerifyCmd) Run(e *env) error {
	var report journal.Report
	var err error
	if c.In != "" {
		report, err = app.VerifyExport(e.ctx, c.In)
	} else {
		err = e.open(func(a *app.App) (err error) { report, err = a.Journal().Verify(e.ctx, nil); return err })
	}
	if err != nil {
		return err
	}
	return exitIf(e.print().Journal(report), !report.OK, 1)
}

type journalExportCmd struct {
	Out string `help:"File to write; - for standard output." default:"-" placeholder:"FILE"`
}

// Run exports.
func (c *journalExportCmd) Run(e *env) error {
	export := func(a *app.App) error {
		return app.ToFile(c.Out, e.stdout, func(w io.Writer) error { return a.Journal().Export(e.ctx, w) })
	}
	return e.open(export)
}

type (
	migrateCmd       struct{}
	doctorCmd        struct{}
	configExplainCmd struct{}
	openAPICmd       struct{}
)

// Run migrates.
func (migrateCmd) Run(e *env) error {
	return e.with(func(o app.Options) error { return app.Migrate(e.ctx, o, e.stdout) })
}

// Run looks at this host.
func (doctorCmd) Run(e *env) error {
	return e.with(func(o app.Options) error {
		found := app.Doctor(e.ctx, o)
		bad := slices.ContainsFunc(found, func(d app.Diagnosis) bool { return d.Level == app.MustMend })
		return exitIf(e.print().Diagnoses(found), bad, 1)
	})
}

// Run explains.
func (configExplainCmd) Run(e *env) error {
	c, err := e.load()
	if err != nil {
		return err
	}
	return e.print().Settings(c.Explain())
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
		return e.print().Link(link, expires)
	})
}

// Run prints the document.
func (openAPICmd) Run(e *env) error {
	b, err := app.OpenAPI(e.ctx, version)
	_, werr := e.stdout.Write(b)
	return errors.Join(err, werr)
}

type referenceCmd struct {
	Dir   string `arg:"" help:"Folder of the reference." type:"path"`
	Check bool   `help:"Change nothing; exit 1 when a file differs."`
}

// Run writes or checks, and names each file that differed.
func (c *referenceCmd) Run(e *env) error {
	differ, err := app.Reference(e.ctx, c.Dir, c.Check)
	if err != nil {
		return err
	}
	return exitIf(e.print().Lines(differ), c.Check && len(differ) > 0, 1)
}
