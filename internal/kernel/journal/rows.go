package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

// reader is what rows are read through: the database or a transaction.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// stored is a row as it lies in the tables.
type stored struct {
	seq, serial int64
	prev, hash  []byte
	bytes       []byte // nil when the record is gone
}

const selectStored = `SELECT c.seq, c.row, c.prev, c.hash, r.bytes FROM journal_chain AS c JOIN journal_row AS r ON r.serial = c.row `

// query runs a select and hands over each row; bun writes the arguments into the text.
func query(ctx context.Context, r reader, scan func(*sql.Rows) error, text string, args ...any) error {
	rows, err := r.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // read only; Err is checked below
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func readStored(ctx context.Context, r reader, text string, args ...any) ([]stored, error) {
	var out []stored
	err := query(ctx, r, func(rows *sql.Rows) error {
		var s stored
		if err := rows.Scan(&s.seq, &s.serial, &s.prev, &s.hash, &s.bytes); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	}, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read journal rows: %w", err)
	}
	return out, nil
}

// headNow reads the head outside a transaction.
func (j *Journal) headNow(ctx context.Context) (head, error) {
	h := head{hash: genesis()}
	err := query(ctx, j.db.Read(), func(rows *sql.Rows) error { return rows.Scan(&h.seq, &h.hash) },
		`SELECT seq, hash FROM journal_chain ORDER BY seq DESC LIMIT 1`)
	if err != nil {
		return h, fmt.Errorf("read the head of the chain: %w", err)
	}
	return h, nil
}

// rows turns stored rows into what readers get. Private texts are opened only if open is set.
func (j *Journal) rows(ctx context.Context, r reader, in []stored, open bool) ([]Row, error) {
	out := make([]Row, 0, len(in))
	var withPrivate []int64
	at := map[int64]int{}
	commitments := map[int64]map[string]string{}
	for _, s := range in {
		rec, err := parseRecord(s.bytes)
		var t time.Time
		if err == nil {
			t, err = rec.at()
		}
		if err != nil {
			out = append(out, Row{
				Seq: s.seq, Hash: hexOf(s.hash), Prev: hexOf(s.prev), Fields: map[string]any{}, Private: map[string]string{},
				Broken: err.Error(),
			})
			continue
		}
		row := Row{
			Seq: s.seq, ID: rec.ID, Type: rec.Type, At: t, Actor: Actor(rec.Actor), AreaPath: rec.AreaPath, SystemID: rec.SystemID,
			RequestID: rec.Request, Fields: rec.Fields, Private: map[string]string{}, Hash: hexOf(s.hash), Prev: hexOf(s.prev),
		}
		if row.Fields == nil {
			row.Fields = map[string]any{}
		}
		if rec.Subject != nil {
			row.Subject = Subject(*rec.Subject)
		}
		for name := range rec.Private {
			row.Private[name] = Erased // unless a text with a living key is found
		}
		if len(rec.Private) > 0 {
			withPrivate = append(withPrivate, s.serial)
			at[s.serial], commitments[s.serial] = len(out), rec.Private
		}
		out = append(out, row)
	}
	if withPrivate == nil {
		return out, nil
	}
	err := j.eachPrivate(ctx, r, withPrivate, func(p storedPrivate) error {
		row := &out[at[p.serial]]
		commitment, ok := commitments[p.serial][p.field]
		if !ok || p.wrapped == nil || len(p.sealed) == 0 {
			return nil
		}
		if !open {
			row.Private[p.field] = Masked
			return nil
		}
		text := ""
		key, err := j.unwrap(p.person, p.wrapped)
		if err == nil {
			text, err = openText(key, row.ID, p.field, commitment, p.sealed)
		}
		if err != nil {
			row.Broken = err.Error()
		}
		row.Private[p.field] = text
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read private texts: %w", err)
	}
	return out, nil
}

type storedPrivate struct {
	serial        int64
	field, person string
	sealed        []byte
	wrapped       []byte // nil: erased
}

func (j *Journal) eachPrivate(ctx context.Context, r reader, serials []int64, f func(storedPrivate) error) error {
	return query(ctx, r, func(rows *sql.Rows) error {
		var p storedPrivate
		if err := rows.Scan(&p.serial, &p.field, &p.person, &p.sealed, &p.wrapped); err != nil {
			return err
		}
		return f(p)
	}, `SELECT p.serial, p.field, p.person, p.sealed, k.wrapped FROM journal_private AS p
		LEFT JOIN journal_person AS k ON k.person = p.person WHERE p.serial IN (?) ORDER BY p.serial, p.field`, bun.List(serials))
}

// keyring opens personal keys once during a long walk.
type keyring struct {
	j    *Journal
	keys map[string]*secret.Key
}

func (k *keyring) open(person string, wrapped []byte) (*secret.Key, error) {
	if key := k.keys[person]; key != nil {
		return key, nil
	}
	key, err := k.j.unwrap(person, wrapped)
	if err != nil {
		return nil, err
	}
	if k.keys == nil || len(k.keys) >= maxCachedKeys {
		k.keys = map[string]*secret.Key{}
	}
	k.keys[person] = key
	return key, nil
}

// find reads one row by its number; store.NoRows tells that there is none.
func (j *Journal) find(ctx context.Context, seq int64, open bool) (Row, stored, error) {
	in, err := readStored(ctx, j.db.Read(), selectStored+`WHERE c.seq = ?`, seq)
	if err != nil {
		return Row{}, stored{}, err
	}
	if len(in) == 0 {
		return Row{}, stored{}, fmt.Errorf("journal row %d: %w", seq, sql.ErrNoRows)
	}
	rows, err := j.rows(ctx, j.db.Read(), in, open)
	if err != nil {
		return Row{}, stored{}, err
	}
	return rows[0], in[0], nil
}

var _ reader = (*store.Tx)(nil)
