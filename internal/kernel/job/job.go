package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"taxops/internal/kernel/store"
)

const (
	// timeout bounds one run; a longer work is cut into several jobs.
	timeout = 2 * time.Minute
	// rescueAfter is when a job that its process left running is taken up again. It must exceed timeout.
	rescueAfter = 3 * time.Minute
	maxAttempts = 12
	workers     = 4
)

// Kind names a job and the type of its arguments.
type Kind[A any] struct{ Name string }

// Registry collects what can be run. It is filled before the queue starts and not changed after.
type Registry struct {
	handlers map[string]func(ctx context.Context, args json.RawMessage) error
	periodic []periodic
	errs     []error
}

type periodic struct {
	kind  string
	every time.Duration
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry {
	return &Registry{handlers: map[string]func(context.Context, json.RawMessage) error{}}
}

// Handle says what runs jobs of a kind.
func Handle[A any](r *Registry, k Kind[A], run func(ctx context.Context, args A) error) {
	r.add(k.Name, func(ctx context.Context, raw json.RawMessage) error {
		var a A
		if err := json.Unmarshal(raw, &a); err != nil {
			// The arguments will not get better by trying again.
			return river.JobCancel(fmt.Errorf("arguments of %s: %w", k.Name, err))
		}
		return run(ctx, a)
	})
}

// Periodic runs f on one of the servers each interval, and once at the start.
func (r *Registry) Periodic(name string, every time.Duration, f func(ctx context.Context) error) {
	r.add(name, func(ctx context.Context, _ json.RawMessage) error { return f(ctx) })
	r.periodic = append(r.periodic, periodic{kind: name, every: every})
}

func (r *Registry) add(name string, f func(context.Context, json.RawMessage) error) {
	if _, twice := r.handlers[name]; twice {
		r.errs = append(r.errs, fmt.Errorf("job kind %s is registered twice", name))
	}
	r.handlers[name] = f
}

// call is the one shape of job that River sees.
type call struct {
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

// Kind implements river.JobArgs.
func (call) Kind() string { return "taxops" }

type worker struct {
	river.WorkerDefaults[call]
	registry *Registry
}

func (w *worker) Work(ctx context.Context, j *river.Job[call]) error {
	f := w.registry.handlers[j.Args.Name]
	if f == nil {
		return river.JobCancel(fmt.Errorf("no handler for job kind %s in this version", j.Args.Name))
	}
	if err := f(ctx, j.Args.Args); err != nil {
		return fmt.Errorf("job %s: %w", j.Args.Name, err)
	}
	return nil
}

// Queue enqueues and runs jobs. It is a lifecycle.Service.
type Queue struct {
	db     *store.DB
	driver riverdriver.Driver[*sql.Tx]
	client *river.Client[*sql.Tx]
	log    *slog.Logger
	live   bool
}

// New makes a queue over a database; jobs can be enqueued at once, and run after Start.
func New(db *store.DB, r *Registry, log *slog.Logger) (*Queue, error) {
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	q := &Queue{db: db, log: log}
	if db.Dialect() == store.SQLite {
		q.driver = riversqlite.New(db.SQL())
	} else {
		q.driver = riverdatabasesql.NewWithPgxListener(db.SQL(), db.ListenPool())
	}
	ws := river.NewWorkers()
	river.AddWorker(ws, &worker{registry: r})
	var repeat []*river.PeriodicJob
	for _, p := range r.periodic {
		repeat = append(repeat, river.NewPeriodicJob(river.PeriodicInterval(p.every),
			func() (river.JobArgs, *river.InsertOpts) {
				return call{Name: p.kind, Args: json.RawMessage("{}")},
					// Two servers both propose; one job an interval is kept.
					&river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: p.every}}
			}, &river.PeriodicJobOpts{RunOnStart: true, ID: p.kind}))
	}
	var err error
	q.client, err = river.NewClient(q.driver, &river.Config{
		Logger: quiet(log), Schema: db.Schema(), Workers: ws, PeriodicJobs: repeat,
		Queues:     map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		JobTimeout: timeout, RescueStuckJobsAfter: rescueAfter, MaxAttempts: maxAttempts,
		SoftStopTimeout: 5 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return q, nil
}

// quiet drops River's chatter below warnings: what a job does is logged by the job.
func quiet(log *slog.Logger) *slog.Logger {
	return slog.New(levelHandler{log.Handler()})
}

type levelHandler struct{ slog.Handler }

func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// Migrate brings the queue's own tables up to date.
func Migrate(ctx context.Context, db *store.DB, log *slog.Logger) error {
	m, err := migrator(db, log)
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return store.Classify(fmt.Errorf("migrate the job queue: %w", err))
	}
	return nil
}

// Migrated reports whether the queue's tables are up to date.
func Migrated(ctx context.Context, db *store.DB, log *slog.Logger) (bool, error) {
	m, err := migrator(db, log)
	if err != nil {
		return false, err
	}
	res, err := m.Validate(ctx, nil)
	if err != nil {
		return false, store.Classify(fmt.Errorf("look at the job queue: %w", err))
	}
	return res.OK, nil
}

func migrator(db *store.DB, log *slog.Logger) (*rivermigrate.Migrator[*sql.Tx], error) {
	var d riverdriver.Driver[*sql.Tx] = riverdatabasesql.New(db.SQL())
	if db.Dialect() == store.SQLite {
		d = riversqlite.New(db.SQL())
	}
	m, err := rivermigrate.New(d, &rivermigrate.Config{Logger: quiet(log), Schema: db.Schema()})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return m, nil
}

// Enqueue adds a job in the transaction of the change that it follows.
func Enqueue[A any](ctx context.Context, tx *store.Tx, q *Queue, k Kind[A], args A) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("arguments of %s: %w", k.Name, err)
	}
	if _, err := q.client.InsertTx(ctx, tx.Tx.Tx, call{Name: k.Name, Args: raw}, nil); err != nil {
		return fmt.Errorf("enqueue %s: %w", k.Name, err)
	}
	return nil
}

// Name implements lifecycle.Service.
func (q *Queue) Name() string { return "jobs" }

// Start implements lifecycle.Service.
func (q *Queue) Start(ctx context.Context) error {
	// The client lives until Stop, not until the start's own deadline.
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	q.live = true
	return nil
}

// Stop implements lifecycle.Service: running jobs may finish for five seconds, then are cancelled.
func (q *Queue) Stop(ctx context.Context) error {
	if !q.live {
		return nil
	}
	q.live = false
	if err := q.client.Stop(ctx); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	return nil
}

// Undelivered counts jobs that used up their attempts, and those that wait for another attempt.
func (q *Queue) Undelivered(ctx context.Context) (dead, retrying int, err error) {
	for _, s := range []struct {
		state rivertype.JobState
		n     *int
	}{{rivertype.JobStateDiscarded, &dead}, {rivertype.JobStateRetryable, &retrying}} {
		res, err := q.client.JobList(ctx, river.NewJobListParams().States(s.state).First(1000))
		if err != nil {
			return 0, 0, store.Classify(fmt.Errorf("count jobs: %w", err))
		}
		*s.n = len(res.Jobs)
	}
	return dead, retrying, nil
}
