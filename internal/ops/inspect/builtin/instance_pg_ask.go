package builtin

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// one reads one row.
func one(ctx context.Context, q pgQuery, sql string, into ...any) error {
	if err := q.tx.QueryRow(ctx, sql).Scan(into...); err != nil {
		return fmt.Errorf("ask PostgreSQL: %w", err)
	}
	return nil
}

// many reads rows of columns that a struct's own scan takes.
func many[V any](ctx context.Context, q pgQuery, sql string, scan func(pgx.Rows, *V) error) ([]V, error) {
	rows, err := q.tx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("ask PostgreSQL: %w", err)
	}
	defer rows.Close()
	var out []V
	for rows.Next() {
		var v V
		if err := scan(rows, &v); err != nil {
			return nil, fmt.Errorf("read what PostgreSQL answers: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask PostgreSQL: %w", err)
	}
	return out, nil
}

func askPgConnections(ctx context.Context, q pgQuery) (c pgConnections, err error) {
	err = one(ctx, q, `SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int,
		(SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database),
		(SELECT count(*)::int FROM pg_stat_activity WHERE state LIKE 'idle in transaction%')`,
		&c.most, &c.reserved, &c.used, &c.idleInTransaction)
	return c, err
}

// askPgAges asks for transaction ids, and for multixacts where the server tells (PostgreSQL 9.5).
func askPgAges(ctx context.Context, q pgQuery) ([]pgAge, error) {
	sql := `SELECT datname, greatest(age(datfrozenxid), mxid_age(datminmxid))::bigint FROM pg_database ORDER BY 2 DESC LIMIT 20`
	switch {
	case q.about.product == openGauss: // its 64-bit ids do not wrap around, but cleaning up may fall behind all the same
		sql = `SELECT datname, age(datfrozenxid64)::bigint FROM pg_database ORDER BY 2 DESC LIMIT 20`
	case q.about.number < 90500:
		sql = `SELECT datname, age(datfrozenxid)::bigint FROM pg_database ORDER BY 2 DESC LIMIT 20`
	}
	return many(ctx, q, sql, func(r pgx.Rows, a *pgAge) error { return r.Scan(&a.database, &a.age) })
}

func askPgTransactions(ctx context.Context, q pgQuery) ([]pgTransaction, error) {
	// What a statement says stays where it is: it may hold the data of taxpayers.
	sql := `SELECT concat_ws(' ', 'pid', pid, usename, datname, nullif(application_name, '')), coalesce(state, ''),
		extract(epoch FROM now() - xact_start)::float8 FROM pg_stat_activity
		WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY xact_start LIMIT 5`
	if !q.about.modern() {
		sql = `SELECT concat_ws(' ', 'pid', pid, usename, datname, nullif(application_name, '')), coalesce(state, ''),
			extract(epoch FROM now() - xact_start)::float8 FROM pg_stat_activity
			WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND datname IS NOT NULL ORDER BY xact_start LIMIT 5`
	}
	return many(ctx, q, sql, scanPgTransaction)
}

func scanPgTransaction(r pgx.Rows, t *pgTransaction) error {
	return r.Scan(&t.who, &t.state, &t.seconds)
}

func askPgPrepared(ctx context.Context, q pgQuery) ([]pgTransaction, error) {
	var most int
	if err := one(ctx, q, `SELECT current_setting('max_prepared_transactions')::int`, &most); err != nil {
		return nil, err
	}
	if most == 0 {
		return nil, errNone("未启用两阶段提交（max_prepared_transactions 为 0）")
	}
	return many(ctx, q, `SELECT concat_ws(' ', owner::text, database::text), left(gid, 60), extract(epoch FROM now() - prepared)::float8
		FROM pg_prepared_xacts ORDER BY prepared LIMIT 5`, scanPgTransaction)
}

func askPgWaits(ctx context.Context, q pgQuery) (w pgWaits, err error) {
	sql := `SELECT count(DISTINCT l.pid)::int, coalesce(max(extract(epoch FROM now() - coalesce(a.query_start, now()))), 0)::float8,
		coalesce((array_agg(concat_ws(' ', 'pid', l.pid, a.usename, a.datname, l.locktype, l.mode, '等待 pid', array_to_string(pg_blocking_pids(l.pid), ','))
			ORDER BY a.query_start))[1], '')
		FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE NOT l.granted`
	if q.about.number < 90600 {
		sql = `SELECT count(DISTINCT l.pid)::int, coalesce(max(extract(epoch FROM now() - coalesce(a.query_start, now()))), 0)::float8,
			coalesce((array_agg(concat_ws(' ', 'pid', l.pid, a.usename, a.datname, l.locktype, l.mode) ORDER BY a.query_start))[1], '')
			FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE NOT l.granted`
	}
	err = one(ctx, q, sql, &w.sessions, &w.longest, &w.example)
	return w, err
}

// askPgUpstream asks a standby how far behind it is. Everything received is replayed: no lag, however
// long ago the primary last wrote. This holds only while it is receiving.
func askPgUpstream(ctx context.Context, q pgQuery) (u pgUpstream, err error) {
	if !q.about.replica {
		return u, errNone("不是备库")
	}
	sql := `WITH r AS (SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving)
		SELECT receiving, CASE WHEN receiving AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
			ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END FROM r`
	switch {
	case q.about.product == openGauss:
		// It keeps no time of the last replayed commit that an unprivileged account may read.
		sql = `SELECT count(*) > 0, CASE WHEN count(*) > 0 AND pg_last_xlog_receive_location() = pg_last_xlog_replay_location() THEN 0
			ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END FROM pg_stat_get_wal_receiver()`
	case !q.about.modern():
		sql = `SELECT pg_last_xlog_receive_location() IS NOT NULL,
			CASE WHEN pg_last_xlog_receive_location() = pg_last_xlog_replay_location() THEN 0
			ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 END`
	}
	err = one(ctx, q, sql, &u.receiving, &u.lag)
	return u, err
}

func askPgDownstream(ctx context.Context, q pgQuery) ([]pgStandby, error) {
	sql := `SELECT coalesce(nullif(application_name, ''), client_addr::text, pid::text), coalesce(state, ''), coalesce(sync_state, ''),
		extract(epoch FROM replay_lag)::float8,
		pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, replay_lsn)::float8
		FROM pg_stat_replication WHERE application_name NOT LIKE 'pg_basebackup%' ORDER BY 1 LIMIT 50`
	switch {
	case q.about.product == openGauss:
		sql = `SELECT coalesce(nullif(application_name, ''), client_addr::text, pid::text), coalesce(state, ''), coalesce(sync_state, ''),
			NULL::float8, pg_xlog_location_diff(sender_sent_location, receiver_replay_location)::float8
			FROM pg_stat_replication ORDER BY 1 LIMIT 50`
	case !q.about.modern():
		sql = `SELECT coalesce(nullif(application_name, ''), client_addr::text, pid::text), coalesce(state, ''), coalesce(sync_state, ''),
			NULL::float8, pg_xlog_location_diff(sent_location, replay_location)::float8
			FROM pg_stat_replication ORDER BY 1 LIMIT 50`
	}
	list, err := many(ctx, q, sql, func(r pgx.Rows, s *pgStandby) error { return r.Scan(&s.name, &s.state, &s.sync, &s.lag, &s.behind) })
	if err == nil && len(list) == 0 {
		return nil, errNone("没有备库连接到本实例")
	}
	return list, err
}

func askPgSlots(ctx context.Context, q pgQuery) ([]pgSlot, error) {
	sql := `SELECT slot_name, active, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::float8,
		coalesce(wal_status, '') FROM pg_replication_slots ORDER BY 3 DESC NULLS LAST LIMIT 50`
	switch {
	case !q.about.modern():
		sql = `SELECT slot_name, active, pg_xlog_location_diff(pg_current_xlog_location(), restart_lsn::text)::float8, ''
			FROM pg_replication_slots LIMIT 50`
	case q.about.number < 130000:
		sql = `SELECT slot_name, active, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::float8,
			'' FROM pg_replication_slots ORDER BY 3 DESC NULLS LAST LIMIT 50`
	}
	list, err := many(ctx, q, sql, func(r pgx.Rows, s *pgSlot) error { return r.Scan(&s.name, &s.active, &s.kept, &s.status) })
	if err == nil && len(list) == 0 {
		return nil, errNone("没有复制槽")
	}
	return list, err
}

func askPgArchiver(ctx context.Context, q pgQuery) (a pgArchiver, err error) {
	var on bool
	if err := one(ctx, q, `SELECT current_setting('archive_mode') <> 'off'`, &on); err != nil {
		return a, err
	}
	if !on {
		return a, errNone("未启用归档（archive_mode 为 off）")
	}
	err = one(ctx, q, `SELECT failed_count, extract(epoch FROM now() - last_failed_time)::float8,
		extract(epoch FROM now() - last_archived_time)::float8 FROM pg_stat_archiver`, &a.failures, &a.lastFailure, &a.lastRun)
	return a, err
}

func askPgCounters(ctx context.Context, q pgQuery) (c pgCounters, err error) {
	err = one(ctx, q, `SELECT coalesce(sum(deadlocks), 0)::float8, coalesce(sum(blks_hit), 0)::float8, coalesce(sum(blks_read), 0)::float8
		FROM pg_stat_database`, &c.deadlocks, &c.hit, &c.read)
	return c, err
}

func scanNamed(r pgx.Rows, n *named) error { return r.Scan(&n.name, &n.value) }

func askPgChecksums(ctx context.Context, q pgQuery) ([]named, error) {
	if q.about.number < 120000 {
		return nil, errNone("此版本不统计页校验失败（需要 12 及以上版本）")
	}
	var on string
	if err := one(ctx, q, `SELECT current_setting('data_checksums')`, &on); err != nil {
		return nil, err
	}
	if on != "on" {
		return nil, errNone("未启用数据页校验（data_checksums 为 off，可在停机时用 pg_checksums --enable 启用）")
	}
	return many(ctx, q, `SELECT coalesce(datname, '共享对象'), coalesce(checksum_failures, 0)::float8 FROM pg_stat_database ORDER BY 2 DESC LIMIT 20`, scanNamed)
}

func askPgSizes(ctx context.Context, q pgQuery) ([]named, error) {
	return many(ctx, q, `SELECT datname, pg_database_size(oid)::float8 FROM pg_database
		WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT') ORDER BY 2 DESC LIMIT 50`, scanNamed)
}
