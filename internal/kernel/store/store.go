package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/problem"
)

// Dialect names the engine.
type Dialect string

// The two engines.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// commitWithin bounds a commit, which the end of its caller's context does not stop.
const commitWithin = 15 * time.Second

// slowWrite is the length of a transaction that the log mentions: other writers waited that long.
const slowWrite = 200 * time.Millisecond

// Options say which database to open.
type Options struct {
	// URL is a PostgreSQL URL (postgres://…) or the path of an SQLite file.
	URL string
	// Readers bounds the reader pool of SQLite and a quarter of PostgreSQL's pool; 0 means 4.
	Readers int
	Log     *slog.Logger
	Clock   clock.Clock
}

// DB is the open database.
type DB struct {
	dialect Dialect
	url     string
	schema  string // PostgreSQL only: the first of the search path
	reader  *bun.DB
	writer  *bun.DB
	listen  *pgxpool.Pool // PostgreSQL only: for LISTEN
	log     *slog.Logger
	clock   clock.Clock
}

// Open opens the database and checks that it answers. It changes no table; see [DB.Migrate].
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, o)
}

func openSQLite(ctx context.Context, o Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(o.URL), 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	dsn := func(extra string) string {
		return "file:" + (&url.URL{Path: o.URL}).EscapedPath() +
			"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
			"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)" + extra
	}
	w, err := sql.Open("sqlite", dsn("&_txlock=immediate"))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.URL, err)
	}
	// One writer: SQLite has one write lock, and a queue in the pool is fairer than SQLITE_BUSY.
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", o.URL, err), w.Close())
	}
	r, err := sql.Open("sqlite", dsn("&_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s for reading: %w", o.URL, err), w.Close())
	}
	r.SetMaxOpenConns(o.Readers)
	r.SetMaxIdleConns(o.Readers)
	return &DB{
		dialect: SQLite, url: o.URL, log: o.Log, clock: o.Clock,
		writer: bun.NewDB(w, sqlitedialect.New()), reader: bun.NewDB(r, sqlitedialect.New()),
	}, nil
}

func openPostgres(ctx context.Context, o Options) (*DB, error) {
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	// bun writes arguments into the SQL text, so each text is new: preparing it would cost a round
	// trip and fill pg_prepared_statements for nothing.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.RuntimeParams["timezone"] = "UTC"
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "taxops"
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(o.Readers * 4)
	db.SetMaxIdleConns(o.Readers * 2)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), db.Close())
	}
	var schema sql.NullString
	if err := db.QueryRowContext(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return nil, errors.Join(fmt.Errorf("read the current schema: %w", err), db.Close())
	}
	if !schema.Valid {
		return nil, errors.Join(errors.New("the search_path of the database URL or user names no schema that exists: create it, or mend the search_path"), db.Close())
	}
	pc, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database URL: %w", err), db.Close())
	}
	pc.MaxConns, pc.MinConns = 4, 0
	pc.ConnConfig.ConnectTimeout = cfg.ConnectTimeout
	listen, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen pool: %w", err), db.Close())
	}
	b := bun.NewDB(db, pgdialect.New())
	return &DB{
		dialect: Postgres, url: o.URL, schema: schema.String, log: o.Log, clock: o.Clock,
		writer: b, reader: b, listen: listen,
	}, nil
}

// Dialect tells the engine.
func (d *DB) Dialect() Dialect { return d.dialect }

// Schema is the PostgreSQL schema that holds the tables; "" on SQLite.
func (d *DB) Schema() string { return d.schema }

// URL is what was opened. It may hold a password: never log it.
func (d *DB) URL() string { return d.url }

// Read returns the handle for reading. On SQLite it refuses writes.
func (d *DB) Read() bun.IDB { return d.reader }

// SQL returns the writer as database/sql, for libraries that manage their own tables (job queue,
// migrations). Modules use Write.
func (d *DB) SQL() *sql.DB { return d.writer.DB }

// ListenPool returns connections for LISTEN; nil on SQLite.
func (d *DB) ListenPool() *pgxpool.Pool { return d.listen }

// Close closes all connections; on SQLite it folds the write-ahead log into the file first.
func (d *DB) Close() error {
	if d.dialect == SQLite {
		rerr := d.reader.Close()
		_, cerr := d.writer.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		return errors.Join(rerr, cerr, d.writer.Close())
	}
	d.listen.Close()
	return d.writer.Close()
}

// Tx is one transaction.
type Tx struct {
	bun.Tx
	dialect Dialect
	schema  string
	now     time.Time
	after   []func()
}

// Engine tells the engine. (Dialect is bun's, which makes a Tx usable wherever a query is made.)
func (t *Tx) Engine() Dialect { return t.dialect }

var _ bun.IDB = (*Tx)(nil)

// Now is the time of this attempt, the same for every row that the transaction writes.
func (t *Tx) Now() time.Time { return t.now }

// AfterCommit has f called once the transaction is on disc. f must be quick.
func (t *Tx) AfterCommit(f func()) { t.after = append(t.after, f) }

// Write runs f in one transaction. On PostgreSQL a serialization failure or deadlock runs f again,
// at most five times in all. The returned error is classified (see [Classify]).
//
// When ctx ends before the commit has begun, nothing is written and its error is returned. A commit that
// has begun is carried through, at most for commitWithin: given up halfway, nobody could tell whether it
// took place. A nil error says that it did. Only when the connection breaks within the commit, or the
// database takes longer than that, does an error leave it open; then an Idempotency-Key tells.
func (d *DB) Write(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	began := time.Now()
	var err error
	for attempt := 1; ; attempt++ {
		err = d.writeOnce(ctx, f)
		if err == nil || attempt == 5 || !retryable(err) {
			break
		}
		if !pause(ctx, time.Duration(attempt*attempt)*5*time.Millisecond+rand.N(10*time.Millisecond)) {
			break
		}
	}
	if took := time.Since(began); took > slowWrite {
		_, file, line, _ := runtime.Caller(1)
		d.log.WarnContext(ctx, "slow write", "took", took.Round(time.Millisecond),
			"caller", fmt.Sprintf("%s:%d", filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), line))
	}
	return Classify(err)
}

func (d *DB) writeOnce(ctx context.Context, f func(ctx context.Context, tx *Tx) error) (err error) {
	// The transaction ends with ctx up to its commit, and then no longer.
	txCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	detach := context.AfterFunc(ctx, cancel)
	defer detach()
	btx, err := d.writer.BeginTx(txCtx, nil)
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	tx := &Tx{Tx: btx, dialect: d.dialect, schema: d.schema, now: d.clock.Now()}
	defer func() {
		if p := recover(); p != nil {
			_ = btx.Rollback() // the panic is the news
			panic(p)
		}
		if err != nil {
			// ErrTxDone: the context ended and database/sql rolled back already.
			if rerr := btx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
				err = errors.Join(err, fmt.Errorf("roll back: %w", rerr))
			}
			// database/sql rolls back as soon as the context ends, and then says only that it is over.
			if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
				err = errors.Join(ctx.Err(), err)
			}
		}
	}()
	if err = claimOnce(ctx, tx); err != nil {
		return err
	}
	if err = f(ctx, tx); err != nil {
		return err
	}
	if !detach() {
		return ctx.Err()
	}
	bound := time.AfterFunc(commitWithin, cancel)
	defer bound.Stop()
	if err = btx.Commit(); err != nil {
		if txCtx.Err() != nil {
			err = problem.New(problem.DatabaseUnavailable, "the database did not answer the commit within %s; whether it took place is not known", commitWithin).With(err)
		}
		return err
	}
	for _, a := range tx.after {
		a()
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Ping reports whether the database answers and takes writes as far as can be told without one.
func (d *DB) Ping(ctx context.Context) error {
	if _, err := d.reader.ExecContext(ctx, "SELECT 1"); err != nil {
		return Classify(fmt.Errorf("ping the database: %w", err))
	}
	return nil
}
