package journal

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// ready is an entry that is ready to be inserted.
type ready struct {
	record  record
	bytes   []byte
	digest  []byte
	private []privateText
	at      int64
}

// Append writes one row in the caller's transaction and returns its id. It refuses an entry whose
// type is not declared, whose fields are not those of the type, or which is larger than 64 KiB: these
// are mistakes of the program and are found by its tests.
func (j *Journal) Append(ctx context.Context, tx *store.Tx, e Entry) (string, error) {
	r, err := j.prepare(ctx, tx, e)
	if err != nil {
		return "", fmt.Errorf("journal %s: %w", e.Type, err)
	}
	if tx.Engine() == store.Postgres {
		err = appendPostgres(ctx, tx, r)
		tx.AfterCommit(j.chain.ring)
	} else {
		err = appendSQLite(ctx, tx, r)
		tx.AfterCommit(j.news.ring)
	}
	if err != nil {
		return "", fmt.Errorf("journal %s: %w", e.Type, err)
	}
	return r.record.ID, nil
}

func (j *Journal) prepare(ctx context.Context, tx *store.Tx, e Entry) (*ready, error) {
	t, known := j.typeOf(e.Type)
	if !known {
		return nil, problem.New(problem.Internal, "journal type %q is not declared", e.Type)
	}
	for _, f := range t.Fields {
		if v, given := e.Fields[f.Name]; !f.Optional && (!given || v == nil) {
			return nil, problem.New(problem.Internal, "field %q of journal type %s is missing", f.Name, t.Name)
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("id: %w", err)
	}
	actor, now := ActorFrom(ctx), store.At(tx.Now())
	r := &ready{at: now.UnixMicro(), record: record{
		Version: recordV, ID: id.String(), Type: e.Type, At: now.Format(timeLayout),
		Actor: recordRef(actor), AreaPath: e.AreaPath, SystemID: e.SystemID, Request: requestFrom(ctx),
	}}
	if e.Subject != (Subject{}) {
		ref := recordRef(e.Subject)
		r.record.Subject = &ref
	}
	if r.record.AreaPath == "" {
		r.record.AreaPath = j.area
	}
	size := 0
	for name, v := range e.Fields {
		f, known := t.field(name)
		switch {
		case !known:
			return nil, problem.New(problem.Internal, "journal type %s has no field %q", t.Name, name)
		case v == nil:
		case f.Private:
			n, err := j.addPrivate(ctx, tx, r, actor, name, v)
			if err != nil {
				return nil, err
			}
			size += n
		default:
			if _, personal := v.(Personal); personal {
				return nil, problem.New(problem.Internal, "field %q of journal type %s is not private", name, t.Name)
			}
			p, err := plain(v, 0)
			if err != nil {
				return nil, problem.New(problem.Internal, "field %q of journal type %s cannot be kept", name, t.Name).With(err)
			}
			if r.record.Fields == nil {
				r.record.Fields = make(map[string]any, len(e.Fields))
			}
			r.record.Fields[name] = p
		}
	}
	if r.bytes, err = r.record.bytes(); err != nil {
		return nil, err
	}
	if size += len(r.bytes); size > maxRowBytes {
		return nil, problem.New(problem.TooLarge, "a journal row holds at most %d bytes, this one %d", maxRowBytes, size)
	}
	r.digest = digest(r.bytes)
	return r, nil
}

func (j *Journal) addPrivate(ctx context.Context, tx *store.Tx, r *ready, actor Actor, name string, v any) (int, error) {
	person, text := actor.person(), ""
	switch x := v.(type) {
	case string:
		text = x
	case Personal:
		text = x.Text
		if x.Person != "" {
			person = x.Person
		}
	default:
		return 0, problem.New(problem.Internal, "private field %q takes a string or Personal, not %T", name, v)
	}
	if len(text) > maxRowBytes {
		return len(text), problem.New(problem.TooLarge, "a journal row holds at most %d bytes", maxRowBytes)
	}
	key, err := j.personKey(ctx, tx, person)
	if err != nil {
		return 0, err
	}
	commitment, sealed := sealText(key, r.record.ID, name, text)
	if r.record.Private == nil {
		r.record.Private = map[string]string{}
	}
	r.record.Private[name] = hexOf(commitment)
	r.private = append(r.private, privateText{field: name, person: person, sealed: sealed})
	return len(sealed), nil
}

func (r *ready) subject() recordRef {
	if r.record.Subject == nil {
		return recordRef{}
	}
	return *r.record.Subject
}

// One round trip writes the row and what waits to be chained. A text is not kept when its person has
// no key any more, whatever this server's memory says.
const (
	pgRow = `WITH r AS (INSERT INTO journal_row (bytes) VALUES ($1) RETURNING serial)`

	pgPrivate = `, p AS (INSERT INTO journal_private (serial, field, person, sealed)
SELECT r.serial, x.field, x.person, CASE WHEN k.wrapped IS NULL THEN ''::bytea ELSE x.sealed END
FROM r, unnest($11::text[], $12::text[], $13::bytea[]) AS x (field, person, sealed) LEFT JOIN journal_person k ON k.person = x.person)`

	pgPending = `
INSERT INTO journal_pending (serial, digest, id, type, at, actor_id, subject_kind, subject_id, area_path, system_id)
SELECT serial, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM r`
)

func appendPostgres(ctx context.Context, tx *store.Tx, r *ready) error {
	s := r.subject()
	// The text of the statement is always the same, so it is prepared once per connection.
	args := []any{
		pgx.QueryExecModeCacheStatement,
		r.bytes, r.digest, r.record.ID, r.record.Type, r.at, r.record.Actor.ID, s.Kind, s.ID, r.record.AreaPath, r.record.SystemID,
	}
	query := pgRow + pgPending
	if len(r.private) > 0 {
		var fields, persons []string
		var sealed [][]byte
		for _, p := range r.private {
			fields, persons, sealed = append(fields, p.field), append(persons, p.person), append(sealed, p.sealed)
		}
		args = append(args, fields, persons, sealed)
		query = pgRow + pgPrivate + pgPending
	}
	if _, err := tx.Tx.Tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("insert the row: %w", err)
	}
	return nil
}

// chainColumns are the copies by which rows are found.
const chainColumns = `id, type, at, actor_id, subject_kind, subject_id, area_path, system_id`

// appendSQLite also chains: there is one writer, so the head that this transaction reads is the head.
func appendSQLite(ctx context.Context, tx *store.Tx, r *ready) error {
	res, err := tx.Tx.Tx.ExecContext(ctx, `INSERT INTO journal_row (bytes) VALUES (?)`, r.bytes)
	if err != nil {
		return fmt.Errorf("insert the row: %w", err)
	}
	serial, err := res.LastInsertId()
	if err != nil {
		return fmt.Errorf("insert the row: %w", err)
	}
	for _, p := range r.private {
		if _, err := tx.Tx.Tx.ExecContext(ctx, `INSERT INTO journal_private (serial, field, person, sealed)
			SELECT ?, ?, ?, CASE WHEN (SELECT wrapped FROM journal_person WHERE person = ?) IS NULL THEN x'' ELSE ? END`,
			serial, p.field, p.person, p.person, p.sealed); err != nil {
			return fmt.Errorf("insert a private text: %w", err)
		}
	}
	h, err := readHead(ctx, tx.Tx.Tx)
	if err != nil {
		return err
	}
	s := r.subject()
	_, err = tx.Tx.Tx.ExecContext(ctx, `INSERT INTO journal_chain (seq, row, prev, hash, `+chainColumns+`) VALUES (?`+strings.Repeat(", ?", 11)+`)`,
		h.seq+1, serial, h.hash, link(h.hash, r.digest),
		r.record.ID, r.record.Type, r.at, r.record.Actor.ID, s.Kind, s.ID, r.record.AreaPath, r.record.SystemID)
	if err != nil {
		return fmt.Errorf("chain the row: %w", err)
	}
	return nil
}
