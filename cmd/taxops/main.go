// Command taxops is the operations platform for tax systems: one program that serves the console,
// inspects, keeps the journal, and answers for itself on the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"taxops/internal/app"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/telemetry"
)

// version is set by the release build.
var version = "dev"

// cli is the command line: flags in, calls out.
type cli struct {
	Config  string      `help:"Configuration file (default: DATA/taxops.yaml, then /etc/taxops/taxops.yaml)." placeholder:"FILE" type:"path"`
	Data    string      `help:"Data directory." placeholder:"DIR"`
	Output  string      `help:"Form of the answer: text or json." enum:"text,json" default:"text"`
	Verbose bool        `help:"Log in detail." short:"v"`
	Version versionFlag `help:"Print the version and leave."`

	Serve     serveCmd     `cmd:"" help:"Run the platform: console, inspection, journal. Example: taxops serve --data /var/lib/taxops"`
	Inspect   inspectCmd   `cmd:"" help:"Inspect this machine. Example: taxops inspect run --format json"`
	Journal   journalCmd   `cmd:"" help:"Verify or export the journal. Example: taxops journal verify --in journal.jsonl"`
	Migrate   migrateCmd   `cmd:"" help:"Bring the tables of the database up to date."`
	Doctor    doctorCmd    `cmd:"" help:"Say what keeps the platform from working well on this host. Exit 1 when something must be mended."`
	ConfigCmd configCmd    `cmd:"" name:"config" help:"Explain the configuration. Example: taxops config explain"`
	Account   accountCmd   `cmd:"" help:"Recover an administrator's account on this host. Example: taxops account recover admin"`
	OpenAPI   openAPICmd   `cmd:"" name:"openapi" help:"Print the OpenAPI document."`
	Reference referenceCmd `cmd:"" help:"Write or check the generated reference. Example: taxops reference --check docs/reference"`
}

type versionFlag bool

// BeforeReset prints the version before anything else is checked.
func (versionFlag) BeforeReset(k *kong.Kong) error {
	_, _ = fmt.Fprintln(k.Stdout, "taxops", version)
	k.Exit(0)
	return nil
}

// env is what a command works with.
type env struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
	cli    *cli
	flags  map[string]string // settings that the command line gives
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// exitCode lets a command choose the exit code, and is not a message.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func run(args []string, stdout, stderr io.Writer) int {
	if version == "dev" {
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
			version = info.Main.Version
		}
	}
	var c cli
	left := -1
	parser, err := kong.New(&c, kong.Name("taxops"), kong.Writers(stdout, stderr), kong.UsageOnError(),
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
		_, _ = fmt.Fprintln(stderr, "taxops:", err)
		return 2
	}
	syscall.Umask(0o077) // what this program writes is nobody else's
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{ctx: ctx, stdout: stdout, stderr: stderr, cli: &c, flags: map[string]string{}}
	err = parsed.Run(e)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	default:
		_, _ = fmt.Fprintln(stderr, "taxops:", err)
		return 1
	}
}

// load reads the configuration with what the command line gave on top.
func (e *env) load() (*config.Config, error) {
	if e.cli.Data != "" {
		e.flags["data.dir"] = e.cli.Data
	}
	if e.cli.Verbose {
		e.flags["log.level"] = "debug"
	}
	path := e.cli.Config
	if path == "" {
		dir := e.flags["data.dir"]
		if dir == "" {
			dir = os.Getenv("TAXOPS_DATA_DIR")
		}
		if dir == "" {
			dir = "./data"
		}
		path = config.DefaultFile(dir)
	}
	c, err := config.Load(app.ConfigKeys(), path, os.Environ(), e.flags)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// options turns the configuration into what app needs; logs go to stderr, answers to stdout.
func (e *env) options() (app.Options, error) {
	c, err := e.load()
	if err != nil {
		return app.Options{}, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(c.Text("log.level")))); err != nil {
		return app.Options{}, fmt.Errorf("log.level: %w", err)
	}
	log := telemetry.NewLogger(e.stderr, telemetry.LogOptions{JSON: c.Text("log.format") == "json", Level: level})
	return app.Options{Config: c, Log: log, Clock: clock.System{}, Version: version}, nil
}

// open opens the platform without running it and closes it after f.
func (e *env) open(f func(a *app.App) error) (err error) {
	o, err := e.options()
	if err != nil {
		return err
	}
	a, err := app.Open(e.ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return f(a)
}
