package journal

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/store"
)

// batch bounds one chaining transaction.
const batch = 2000

type head struct {
	seq  int64
	hash []byte
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readHead reads the last row of the chain. It is never cached: a head in memory would have to be
// taken back when a transaction rolls back, and another server may have chained.
func readHead(ctx context.Context, q queryer) (head, error) {
	h := head{hash: genesis()}
	err := q.QueryRowContext(ctx, `SELECT seq, hash FROM journal_chain ORDER BY seq DESC LIMIT 1`).Scan(&h.seq, &h.hash)
	if err != nil && !store.NoRows(err) {
		return h, fmt.Errorf("read the head of the chain: %w", err)
	}
	return h, nil
}

// names gives the notification channel and the advisory lock of a schema, so that two installations
// in one database do not meet.
func names(schema string) (channel string, lock int64) {
	f := fnv.New64a()
	_, _ = f.Write([]byte("taxops.journal." + schema)) // never fails
	sum := f.Sum64()
	return fmt.Sprintf("taxops_journal_%016x", sum), int64(sum)
}

// chainPending moves one batch of pending rows to the chain (PostgreSQL). Rows that can be seen are
// committed; whoever does not get the lock leaves the work to whoever holds it.
func (j *Journal) chainPending(ctx context.Context) (chained int, locked bool, err error) {
	err = j.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		chained, locked = 0, false
		t := tx.Tx.Tx
		if err := t.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1)`, pgx.QueryExecModeCacheStatement, j.lockKey).Scan(&locked); err != nil {
			return fmt.Errorf("lock the chain: %w", err)
		}
		if !locked {
			return nil
		}
		h, serials, digests, err := readPending(ctx, t)
		if err != nil || len(serials) == 0 {
			return err
		}
		prevs, hashes := make([][]byte, len(serials)), make([][]byte, len(serials))
		prev := h.hash
		for i := range serials {
			prevs[i], hashes[i] = prev, link(prev, digests[i])
			prev = hashes[i]
		}
		res, err := t.ExecContext(ctx, `WITH gone AS (DELETE FROM journal_pending WHERE serial = ANY($2::bigint[]) RETURNING serial, `+chainColumns+`),
			told AS (SELECT pg_notify($5, ''))
			INSERT INTO journal_chain (seq, row, prev, hash, `+chainColumns+`)
			SELECT $1 + x.n, x.serial, x.prev, x.hash, `+chainColumns+`
			FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) WITH ORDINALITY AS x (serial, prev, hash, n)
			JOIN gone USING (serial), told ORDER BY x.n`,
			pgx.QueryExecModeCacheStatement, h.seq, serials, prevs, hashes, j.channel)
		if err != nil {
			return fmt.Errorf("chain %d rows: %w", len(serials), err)
		}
		if n, err := res.RowsAffected(); err != nil || n != int64(len(serials)) {
			return fmt.Errorf("chain %d rows: %d were inserted: %w", len(serials), n, err)
		}
		chained = len(serials)
		return nil
	})
	return chained, locked, err
}

// readPending reads the head and the oldest pending rows in one round trip.
func readPending(ctx context.Context, t *sql.Tx) (h head, serials []int64, digests [][]byte, err error) {
	h = head{hash: genesis()}
	rows, err := t.QueryContext(ctx, `SELECT p.serial, p.digest, h.seq, h.hash FROM journal_pending AS p
		LEFT JOIN (SELECT seq, hash FROM journal_chain ORDER BY seq DESC LIMIT 1) AS h ON true
		ORDER BY p.serial LIMIT $1`, pgx.QueryExecModeCacheStatement, batch)
	if err != nil {
		return h, nil, nil, fmt.Errorf("read pending rows: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read only; Err is checked below
	for rows.Next() {
		var serial int64
		var seq sql.NullInt64
		var digest, hash []byte
		if err := rows.Scan(&serial, &digest, &seq, &hash); err != nil {
			return h, nil, nil, fmt.Errorf("read pending rows: %w", err)
		}
		if seq.Valid {
			h = head{seq: seq.Int64, hash: hash}
		}
		serials, digests = append(serials, serial), append(digests, digest)
	}
	if err := rows.Err(); err != nil {
		return h, nil, nil, fmt.Errorf("read pending rows: %w", err)
	}
	return h, serials, digests, nil
}
