package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"
)

// Snapshot runs f with a handle through which all reads see the database as it was at the first of them:
// for answers put together from several tables while others move rows between these.
func (d *DB) Snapshot(ctx context.Context, f func(ctx context.Context, db bun.IDB) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if d.dialect == Postgres {
		o.Isolation = sql.LevelRepeatableRead // a transaction of SQLite is never anything else
	}
	return Classify(d.reader.RunInTx(ctx, o, func(ctx context.Context, tx bun.Tx) error { return f(ctx, tx) }))
}

// Place is a row's place in the order of a list: the value it is sorted by, and its key.
type Place struct {
	Value int64
	Key   string
}

// Cursor makes the cursor that stands after a row, as [List] makes it, for lists that join what List
// reads with rows from elsewhere.
func (p Place) Cursor(sort string) (string, error) {
	b, err := json.Marshal(cursor{Sort: sort, Value: p.Value, Key: p.Key})
	if err != nil {
		return "", fmt.Errorf("cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// ReadCursor returns the place at which a cursor of such a list stands.
func ReadCursor(text, sort string) (Place, error) {
	c, err := decodeCursor(text, sort)
	if err != nil {
		return Place{}, err
	}
	value, isNumber := c.Value.(int64)
	key, isText := c.Key.(string)
	if !isNumber || !isText {
		return Place{}, notOurs()
	}
	return Place{Value: value, Key: key}, nil
}
