package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
	"taxops/internal/kernel/approval"
	"taxops/internal/kernel/calendar"
	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/job"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/module"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/telemetry"
	"taxops/internal/ops/fleet"
	"taxops/internal/ops/inspect"
	"taxops/internal/ops/inspect/runner"
	"taxops/internal/ops/inspect/script"
	"taxops/internal/ops/inspect/spawn"
	"taxops/internal/ops/intake"
)

// Options are what the program is opened with.
type Options struct {
	Config  *config.Config
	Log     *slog.Logger
	Clock   clock.Clock
	Version string

	serving bool   // this process holds the lock of the data directory
	baseURL string // that links begin with; "" for what the settings say
}

// App is the program, opened.
type App struct {
	o        Options
	db       *store.DB
	ring     *secret.Ring
	journal  *journal.Journal
	access   *access.Service
	approval *approval.Service
	calendar *calendar.Service
	fleet    *fleet.Module
	inspect  *inspect.Module
	intake   *intake.Module
	builtins []probe.Builtin // the built-in kinds, as they look over logins too
	checks   *runner.Runner
	spawner  *spawn.Spawner
	scripts  *script.Module
	queue    *job.Queue
	metrics  *telemetry.Metrics
	modules  []module.Module
	router   *api.Router
	baseURL  string
}

// Open opens the platform over a database whose tables are up to date. Nothing runs yet.
func Open(ctx context.Context, o Options) (*App, error) { return open(ctx, o, whenEmbedded) }

func open(ctx context.Context, o Options, migrate migration) (_ *App, err error) {
	a := &App{o: o, metrics: telemetry.NewMetrics(o.Version), baseURL: cmp.Or(o.baseURL, baseURL(o.Config))}
	if err := os.MkdirAll(a.path(), 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if a.db, err = store.Open(ctx, store.Options{URL: databaseURL(o.Config), Log: o.Log, Clock: o.Clock}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.prepareTables(ctx, migrate); err != nil {
		return nil, err
	}
	if err := a.requireRing(ctx); err != nil {
		return nil, err
	}
	passphrase, err := passphrase(o.Config.Text("secret.passphrase_file"))
	if err != nil {
		return nil, err
	}
	if a.ring, err = secret.OpenRing(ctx, secret.Config{
		File: a.ringFile(), Passphrase: passphrase, Clock: o.Clock,
	}); err != nil {
		return nil, err
	}
	if err := a.compose(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *App) ringFile() string { return a.path("keys", "ring.json") }

// requireRing refuses a database in use without the key ring that seals its values: a new ring would
// open none of them, and sign the journal by another key.
func (a *App) requireRing(ctx context.Context) error {
	if _, err := os.Stat(a.ringFile()); !errors.Is(err, fs.ErrNotExist) {
		return nil // opening it tells what else may be wrong
	}
	used, err := a.db.Used(ctx)
	if err != nil || !used {
		return err
	}
	return fmt.Errorf("the database is in use, but its key ring %s is not there: put the files of keys/ back from their backup, or copy them from the other server of this database", a.ringFile())
}

func passphrase(file string) (secret.Text, error) {
	if file == "" {
		return secret.Text{}, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return secret.Text{}, fmt.Errorf("passphrase of the key ring: %w", err)
	}
	p := strings.TrimRight(string(b), "\r\n")
	if p == "" {
		return secret.Text{}, fmt.Errorf("passphrase of the key ring: %s is empty", file)
	}
	return secret.NewText(p), nil
}

// path joins names below the data directory.
func (a *App) path(names ...string) string {
	return filepath.Join(append([]string{a.o.Config.Text("data.dir")}, names...)...)
}

// embeddedFile is the embedded database, in the data directory.
const embeddedFile = "taxops.db"

func databaseURL(c *config.Config) string {
	if u := c.Text("database.url"); u != "" {
		return u
	}
	return filepath.Join(c.Text("data.dir"), embeddedFile)
}

// Journal is the ledger, for the command line.
func (a *App) Journal() *journal.Journal { return a.journal }

// Recover makes a link with which an administrator sets a new password.
func (a *App) Recover(ctx context.Context, login string) (link string, expires time.Time, err error) {
	return a.access.Recover(journal.WithActor(ctx, journal.SystemActor("cli")), login)
}

// Close closes what Open opened; it may be called after a failed Open too.
func (a *App) Close() error {
	if a.db == nil {
		return nil
	}
	db := a.db
	a.db = nil
	if a.spawner == nil {
		return db.Close()
	}
	return errors.Join(a.spawner.Close(), db.Close())
}

// services are all long-running parts in the order they start.
func (a *App) services() []lifecycle.Service {
	out := a.journal.Services()
	out = append(out, a.queue)
	return append(out, module.Collect(a.modules, func(m module.Module) []lifecycle.Service { return m.Services })...)
}

// kernelModules are the rooms of the kernel that have tables, operations or events of their own.
func (a *App) kernelModules(orgs *org.Service) []module.Module {
	orgTables, journalTables, accessTables := org.Migrations(), journal.Migrations(), access.Migrations()
	calendarTables, approvalTables := calendar.Migrations(), approval.Migrations()
	return []module.Module{
		{
			Name: "org", Title: [2]string{"组织与系统", "Organisation and systems"},
			Migrations: &orgTables, Permissions: org.Permissions(), Routes: orgs.Routes,
		},
		{
			Name: "journal", Title: [2]string{"审计日志", "Journal"},
			Migrations: &journalTables, Events: journal.OwnTypes(), Permissions: journalPermissions(), Routes: a.journal.Routes,
		},
		{
			Name: "access", Title: [2]string{"账号与权限", "Accounts and rights"},
			Migrations: &accessTables, Events: access.Types(), States: access.Machines(),
			Permissions: access.OwnPermissions(), Routes: a.access.Routes,
			Jobs: func(r *job.Registry) {
				r.Periodic("access.sessions.sweep", 10*time.Minute, a.access.SweepSessions)
				r.Periodic("store.once.forget", time.Hour, a.forgetOnce)
			},
		},
		{
			Name: "calendar", Title: [2]string{"工作日历", "Calendar"}, Migrations: &calendarTables,
			Events: calendar.Types(), Permissions: calendar.Permissions(), Routes: a.calendar.Routes,
			Services: a.calendar.Services(), Homes: a.calendar.HomeCards(),
		},
		{
			Name: "approval", Title: [2]string{"审批", "Decisions"},
			Migrations: &approvalTables, Events: approval.Types(), States: approval.Machines(),
			Permissions: approval.Permissions(), Routes: a.approval.Routes, Homes: a.approval.HomeCards(),
		},
	}
}

// forgetOnce drops idempotency keys after a day: a client repeats within minutes.
func (a *App) forgetOnce(ctx context.Context) error {
	return a.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return store.ForgetOnce(ctx, tx, store.At(tx.Now().Add(-24*time.Hour)))
	})
}

// journalPermissions are declared here because the journal lies below the rights that guard it.
func journalPermissions() []access.Permission {
	look := []access.Role{access.Auditor, access.SecurityAdmin, access.ProjectManager, access.BureauOfficial}
	audit := []access.Role{access.Auditor}
	return []access.Permission{
		{Name: "journal.read", TitleZH: "查看审计日志", TitleEN: "Read the journal", Roles: append(look, access.Engineer, access.Coordinator)},
		{Name: "journal.verify", TitleZH: "校验审计日志", TitleEN: "Verify the journal", Roles: append(look, access.Engineer, access.Coordinator)},
		{Name: "journal.export", TitleZH: "导出审计日志", TitleEN: "Export the journal", Roles: audit},
		{Name: "journal.reveal", TitleZH: "查看审计日志中的私密内容", TitleEN: "See private values in the journal", Roles: audit},
		{Name: "journal.subscription.manage", TitleZH: "处理停住的订阅", TitleEN: "Deal with parked subscriptions", Roles: []access.Role{access.SystemAdmin}},
	}
}
