// Command taxops is the operations platform for tax systems: one program that serves the console,
// inspects, keeps the journal, and answers for itself on the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"taxops/internal/app"
	"taxops/internal/kernel/config"
)

// version is set by the release build.
var version = "dev"

// cli is the command line: flags in, calls out.
type cli struct {
	Config  string           `help:"Configuration file (default: DATA/taxops.yaml, then /etc/taxops/taxops.yaml)." placeholder:"FILE" type:"path"`
	Data    string           `help:"Data directory." placeholder:"DIR"`
	Output  string           `help:"Form of the answer: text or json." enum:"text,json" default:"text"`
	Verbose bool             `help:"Log in detail." short:"v"`
	Version kong.VersionFlag `help:"Print the version and leave."`

	Serve   serveCmd `cmd:"" help:"Run the platform: console, inspection, journal. Example: taxops serve --data /var/lib/taxops"`
	Inspect struct {
		Run inspectRunCmd `cmd:"" help:"Run one round on this machine without a server; the exit code is the worst state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."`
	} `cmd:"" help:"Inspect this machine. Example: taxops inspect run --format json"`
	Import struct {
		Assets  app.AssetImport  `cmd:"" help:"Read a list of assets (资产台账) and say what it would change in the register."`
		Zabbix  app.ZabbixImport `cmd:"" help:"Bring hosts and triggers of a Zabbix along: an export, or its API. Example: taxops import zabbix export.yaml"`
		Scripts app.ScriptImport `cmd:"" help:"Bring a folder of old check scripts along. Example: taxops import scripts DIR --crontab crontab.txt"`
	} `cmd:"" help:"Take in what is kept already. Example: taxops import assets 台账.xlsx --system identity --apply"`
	Journal struct {
		Verify journalVerifyCmd `cmd:"" help:"Prove that no row was altered: of the database, or of an export. Exit 1 with each bad row named."`
		Export journalExportCmd `cmd:"" help:"Write the chain as JSON Lines with a proof for each row."`
	} `cmd:"" help:"Verify or export the journal. Example: taxops journal verify --in journal.jsonl"`
	Migrate   migrateCmd `cmd:"" help:"Bring the tables of the database up to date."`
	Doctor    doctorCmd  `cmd:"" help:"Say what keeps the platform from working well on this host. Exit 1 when something must be mended."`
	ConfigCmd struct {
		Explain configExplainCmd `cmd:"" help:"List each setting with its value and where that came from."`
	} `cmd:"" name:"config" help:"Explain the configuration. Example: taxops config explain"`
	Account struct {
		Recover accountRecoverCmd `cmd:"" help:"Print a single-use link with which an administrator sets a new password. Recorded in the journal."`
	} `cmd:"" help:"Recover an administrator's account on this host. Example: taxops account recover admin"`
	OpenAPI   openAPICmd   `cmd:"" name:"openapi" help:"Print the OpenAPI document."`
	Reference referenceCmd `cmd:"" help:"Write or check the generated reference. Example: taxops reference --check docs/reference"`
}

// env is what a command works with.
type env struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
	cli    *cli
	flags  map[string]string // settings that the command line gives
}

func main() { app.Child(os.Args); os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// exitCode lets a command choose the exit code; alone it is not a message.
type exitCode int

func (exitCode) Error() string { return "" }

// exitIf adds the exit code to err, when bad.
func exitIf(err error, bad bool, code int) error {
	if bad {
		return errors.Join(err, exitCode(code))
	}
	return err
}

func run(args []string, stdout, stderr io.Writer) int {
	var c cli
	left := -1
	parser, err := kong.New(&c, kong.Name("taxops"), kong.Writers(stdout, stderr), kong.Vars{"version": "taxops " + version},
		kong.Description("Operations platform for tax systems (税务信息系统运维平台)."), kong.Exit(func(code int) { left = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "taxops:", err)
		return 2
	}
	parsed, err := parser.Parse(args)
	if left >= 0 {
		return left
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "taxops: %v\nWrite --help behind `taxops` or one of its commands to see what can be said.\n", err)
		return 2
	}
	syscall.Umask(0o077) // what this program writes is nobody else's
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{ctx: ctx, stdout: stdout, stderr: stderr, cli: &c, flags: map[string]string{}}
	if err = parsed.Run(e, app.Session{Context: ctx, Open: e.open, Print: e.print()}); err == nil {
		return 0
	}
	code := exitCode(1)
	errors.As(err, &code)
	if says := strings.TrimSpace(err.Error()); says != "" {
		_, _ = fmt.Fprintln(stderr, "taxops:", says)
	}
	return int(code)
}

func (e *env) print() app.Printer { return app.Printer{Out: e.stdout, JSON: e.cli.Output == "json"} }

// load reads the configuration with what the command line gave on top.
func (e *env) load() (*config.Config, error) {
	if e.cli.Data != "" {
		e.flags["data.dir"] = e.cli.Data
	}
	if e.cli.Verbose {
		e.flags["log.level"] = "debug"
	}
	return app.LoadConfig(e.cli.Config, e.flags)
}

// options turns the configuration into what app needs; logs go to stderr, answers to stdout.
func (e *env) options() (app.Options, error) {
	c, err := e.load()
	if err != nil {
		return app.Options{}, err
	}
	return app.NewOptions(c, e.stderr, version)
}

// with hands on the options.
func (e *env) with(f func(o app.Options) error) error {
	o, err := e.options()
	if err != nil {
		return err
	}
	return f(o)
}

// open opens the platform without running it and closes it after f.
func (e *env) open(f func(a *app.App) error) error {
	return e.with(func(o app.Options) error { return app.With(e.ctx, o, f) })
}
