package builtin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"taxops/internal/kernel/probe"
)

// pgAbout is which product answers the protocol, and what it can be asked.
type pgAbout struct {
	product string // "PostgreSQL", "KingbaseES", "openGauss", …
	version string // as people say it: "15.20", "V008R006C008B0014"
	number  int    // of the PostgreSQL that it is or descends from: 150020, 90204
	replica bool
	sees    bool // whether the account may see what others do
	super   bool
}

func (a pgAbout) String() string { return a.product + " " + a.version }

// modern reports whether the server knows the names of PostgreSQL 10 (wal, lsn, backend_type).
func (a pgAbout) modern() bool { return a.number >= 100000 }

const openGauss = "openGauss"

// pgProducts are the relatives that speak the protocol, by a word of version().
var pgProducts = []struct{ word, name string }{
	{"KingbaseES", "KingbaseES"}, {openGauss, openGauss}, {"GaussDB", "GaussDB"}, {"MogDB", "MogDB"}, {"Vastbase", "Vastbase"},
	{"HighGo", "HighGo"}, {"Greenplum", "Greenplum"}, {"EnterpriseDB", "EDB"},
}

// aboutPg reads version(), server_version and server_version_num. Relatives put their own name and
// version into version() and keep the number of their ancestor for the sake of drivers.
func aboutPg(full, short string, number int) pgAbout {
	a := pgAbout{product: "PostgreSQL", version: version(short), number: number}
	for _, p := range pgProducts {
		at := strings.Index(full, p.word)
		if at < 0 {
			continue
		}
		a.product = p.name
		// "(openGauss 5.0.0 build a07d57c3)", "KingbaseES V008R006C008B0014 on x86_64…"
		rest := strings.FieldsFunc(full[at+len(p.word):], func(r rune) bool { return strings.ContainsRune(" ,()", r) })
		if len(rest) > 0 {
			a.version = rest[0]
		}
		break
	}
	return a
}

// pgState is what a session brought back from an instance.
type pgState struct {
	where   string
	connect time.Duration
	about   pgAbout

	connections  part[pgConnections]
	xids         part[[]pgAge]
	transactions part[[]pgTransaction]
	prepared     part[[]pgTransaction]
	waits        part[pgWaits]
	upstream     part[pgUpstream]
	downstream   part[[]pgStandby]
	slots        part[[]pgSlot]
	archiver     part[pgArchiver]
	counters     part[pgCounters]
	checksums    part[[]named]
	sizes        part[[]named]
}

type (
	pgConnections struct{ used, most, reserved, idleInTransaction int }
	pgAge         struct {
		database string
		age      int64
	}
	pgTransaction struct {
		who     string // pid, account, database, program
		state   string
		seconds float64
	}
	pgWaits struct {
		sessions int
		longest  float64
		example  string
	}
	pgUpstream struct {
		receiving bool
		lag       *float64 // seconds, nil before the first replayed transaction
	}
	pgStandby struct {
		name, state, sync string
		lag               *float64
		behind            *float64 // bytes
	}
	pgSlot struct {
		name   string
		active bool
		kept   *float64 // bytes of log that are kept for it
		status string   // wal_status of PostgreSQL 13 and later
	}
	pgArchiver struct {
		failures             int64
		lastFailure, lastRun *float64 // seconds ago
	}
	pgCounters struct{ deadlocks, hit, read float64 }
)

// pgEngine is the family of kinds that sign in to a PostgreSQL or a relative of it.
func (h host) pgEngine() engine[*pgState] {
	shared := &share[*pgState]{}
	return engine[*pgState]{
		params: pgParams(), check: checkPg, target: pgTarget, overview: "instance.postgresql", overviewZH: "PostgreSQL 实例",
		verified: verifiedTested, verifiedOn: "PostgreSQL 15, 2026-11", discover: sharedDiscovery(h.discoverPostgres),
		facts: func(ctx context.Context, t probe.Target) (*pgState, *probe.Result) { return pgFacts(ctx, t, shared) },
		name:  func(_ probe.Target, s *pgState) string { return s.about.product + " " + s.where },
	}
}

// pgFacts signs in and asks everything that one connection can answer, or takes what was just asked.
func pgFacts(ctx context.Context, t probe.Target, shared *share[*pgState]) (*pgState, *probe.Result) {
	ctx, cancel := answerBy(ctx, instanceAnswer)
	defer cancel()
	where := pgTarget(t.Params)
	s, took, err := shared.get(ctx, t.Since, shareKey(t.Params, "host", "port", "socket", "user", "password", "database", "sslmode"),
		func(ctx context.Context) (*pgState, error) { return pgCollect(ctx, t, where) })
	if err != nil {
		r := pgProblem(where, err, took)
		return nil, &r
	}
	return s, nil
}

func pgCollect(ctx context.Context, t probe.Target, where string) (*pgState, error) {
	began := time.Now()
	conn, err := signIn(ctx, t.String("user"), pgDefaults(), func(ctx context.Context, user string) (*pgx.Conn, error) {
		return pgConnect(ctx, t.Params, user)
	}, pgRefused)
	if err != nil {
		return nil, err
	}
	s := &pgState{where: where, connect: time.Since(began)}
	defer pgClose(ctx, t, conn)
	about, err := pgAsk(ctx, conn, askPgAbout)
	if err != nil {
		return nil, err
	}
	s.about = about
	q := pgQuery{conn: conn, about: about}
	s.connections = pgPart(ctx, q, askPgConnections)
	s.xids = pgPart(ctx, q, askPgAges)
	s.transactions = pgPart(ctx, q, askPgTransactions)
	s.prepared = pgPart(ctx, q, askPgPrepared)
	s.waits = pgPart(ctx, q, askPgWaits)
	s.upstream = pgPart(ctx, q, askPgUpstream)
	s.downstream = pgPart(ctx, q, askPgDownstream)
	s.slots = pgPart(ctx, q, askPgSlots)
	s.archiver = pgPart(ctx, q, askPgArchiver)
	s.counters = pgPart(ctx, q, askPgCounters)
	s.checksums = pgPart(ctx, q, askPgChecksums)
	s.sizes = pgPart(ctx, q, askPgSizes)
	if conn.IsClosed() || ctx.Err() != nil {
		// It stopped answering in the middle: that is the news, not the questions after it.
		return nil, fmt.Errorf("session broke off: %w", errors.Join(s.connections.err, s.waits.err, s.counters.err, s.sizes.err, ctx.Err()))
	}
	return s, nil
}

// pgClose ends a session even when ctx has ended, and never waits for a dead peer.
func pgClose(ctx context.Context, t probe.Target, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
	defer cancel()
	if err := conn.Close(ctx); err != nil {
		t.Log.Debug("close PostgreSQL connection", "error", err)
	}
}

// pgQuery is a session together with what is known of the server.
type pgQuery struct {
	conn  *pgx.Conn
	tx    pgx.Tx
	about pgAbout
}

// errNone is what a question returns for something that the instance does not have.
type errNone string

func (e errNone) Error() string { return string(e) }

// pgPart asks one question in a read-only transaction of its own.
func pgPart[V any](ctx context.Context, q pgQuery, ask func(context.Context, pgQuery) (V, error)) part[V] {
	if q.conn.IsClosed() {
		return part[V]{err: errors.New("session is closed")}
	}
	var v V
	var err error
	for range 3 { // an object that is dropped between two looks of one statement is no failure
		v, err = pgAsk(ctx, q.conn, func(ctx context.Context, tx pgx.Tx) (V, error) { return ask(ctx, pgQuery{q.conn, tx, q.about}) })
		var e *pgconn.PgError
		if !errors.As(err, &e) || (e.Code != "XX000" && e.Code != "42P01") {
			break
		}
	}
	var none errNone
	if errors.As(err, &none) {
		return part[V]{none: string(none)}
	}
	return got(v, err)
}

// pgAsk runs ask in a read-only transaction with a limit on each statement, and rolls it back.
func pgAsk[V any](ctx context.Context, conn *pgx.Conn, ask func(context.Context, pgx.Tx) (V, error)) (v V, err error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return v, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if back := tx.Rollback(ctx); back != nil && err == nil && !errors.Is(back, pgx.ErrTxClosed) {
			err = fmt.Errorf("end of a question: %w", back)
		}
	}()
	if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = '8s'"); err != nil {
		return v, fmt.Errorf("limit the time of a question: %w", err)
	}
	return ask(ctx, tx)
}

func askPgAbout(ctx context.Context, tx pgx.Tx) (pgAbout, error) {
	var full, short, super string
	var number int
	var replica bool
	err := tx.QueryRow(ctx, `SELECT version(), current_setting('server_version'), current_setting('server_version_num')::int,
		pg_is_in_recovery(), current_setting('is_superuser')`).Scan(&full, &short, &number, &replica, &super)
	if err != nil {
		return pgAbout{}, fmt.Errorf("ask for the version: %w", err)
	}
	a := aboutPg(full, short, number)
	a.replica, a.super, a.sees = replica, super == "on", super == "on"
	if a.modern() && !a.sees {
		if err := tx.QueryRow(ctx, `SELECT pg_has_role(current_user, 'pg_read_all_stats', 'usage')`).Scan(&a.sees); err != nil {
			return a, fmt.Errorf("ask for rights: %w", err)
		}
	}
	return a, nil
}

// pgWords turns a failed question into a result. It names the product, since relatives lack views.
func pgWords(s *pgState, err error) probe.Result {
	var e *pgconn.PgError
	if errors.As(err, &e) && strings.HasPrefix(e.Code, "42") && e.Code != "42501" {
		return probe.Unknowable("unsupported", fmt.Sprintf("%s %s 不支持本项查询：%s", s.about, s.where, e.Message))
	}
	r := pgProblem(s.where, err, instanceAnswer)
	if r.State == probe.Critical { // the instance serves; this one question was too much for it
		r.State = probe.Unknown
	}
	return r
}

// pgJudge makes a judge over one part of the session.
func pgJudge[V any](pick func(*pgState) part[V], judge func(t probe.Target, r *probe.Report, s *pgState, v V) string) func(probe.Target, *probe.Report, *pgState) (string, *probe.Result) {
	return func(t probe.Target, r *probe.Report, s *pgState) (string, *probe.Result) {
		p := pick(s)
		switch {
		case p.err != nil:
			return unanswered(pgWords(s, p.err))
		case p.none != "":
			return nothing(s.about.product + " " + s.where + " " + p.none)
		}
		return judge(t, r, s, p.v), nil
	}
}
