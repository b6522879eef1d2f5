package journal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"sync"

	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
)

const (
	purposePerson = "journal.person"
	saltSize      = 16
	maxCachedKeys = 4096
)

// privateText is one personal value on its way into the database.
type privateText struct {
	field, person string
	sealed        []byte
}

// commit makes the commitment (承诺值) that stands in the row for a text. The salt is sealed with the text,
// so that once the key is destroyed nobody can guess the text and try it.
func commit(salt, text []byte) []byte { return sum(markCommit, salt, text) }

// sealText returns the commitment of a text and the text sealed for its row and field.
func sealText(key *secret.Key, rowID, field, text string) (commitment, sealed []byte) {
	plain := make([]byte, saltSize, saltSize+len(text))
	_, _ = rand.Read(plain)
	plain = append(plain, text...)
	return commit(plain[:saltSize], plain[saltSize:]), key.Seal(rowID+"/"+field, plain)
}

// openText opens what sealText sealed and compares it with the commitment (hexadecimal).
func openText(key *secret.Key, rowID, field, commitment string, sealed []byte) (string, error) {
	plain, err := key.Open(rowID+"/"+field, sealed)
	if err != nil {
		return "", fmt.Errorf("private text %s of row %s: %w", field, rowID, err)
	}
	if len(plain) < saltSize {
		return "", fmt.Errorf("private text %s of row %s: %w", field, rowID, secret.ErrSealed)
	}
	got := hexOf(commit(plain[:saltSize], plain[saltSize:]))
	if subtle.ConstantTimeCompare([]byte(got), []byte(commitment)) != 1 {
		return "", fmt.Errorf("private text %s of row %s is not the one committed to: %w", field, rowID, secret.ErrSealed)
	}
	return string(plain[saltSize:]), nil
}

// keyCache keeps personal keys in memory that are known to be committed. A key destroyed by another
// server may stay here until it is dropped; it is harmless: texts sealed by it are not stored (see
// Append), and reading looks at the database.
type keyCache struct {
	mu   sync.Mutex
	keys map[string]*secret.Key
}

func (c *keyCache) get(person string) *secret.Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys[person]
}

func (c *keyCache) put(person string, k *secret.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxCachedKeys {
		c.keys = map[string]*secret.Key{}
	}
	c.keys[person] = k
}

func (c *keyCache) drop(person string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, person)
}

// personKey returns the key of a person, making it when they have none. For a person who was erased
// it returns a key that is kept nowhere, so that the row still gets a commitment.
func (j *Journal) personKey(ctx context.Context, tx *store.Tx, person string) (*secret.Key, error) {
	if k := j.keys.get(person); k != nil {
		return k, nil
	}
	wrapped, found, err := selectWrapped(ctx, tx, person)
	if err != nil {
		return nil, err
	}
	if !found {
		raw := secret.RandomKey()
		if wrapped, err = j.ring.Seal(purposePerson, person, raw); err != nil {
			return nil, fmt.Errorf("seal a personal key: %w", err)
		}
		// Another transaction may make the key at the same time: whoever comes second reads the first's.
		if _, err := tx.Tx.Tx.ExecContext(ctx, `INSERT INTO journal_person (person, wrapped) VALUES ($1, $2) ON CONFLICT (person) DO NOTHING`, person, wrapped); err != nil {
			return nil, fmt.Errorf("keep a personal key: %w", err)
		}
		if wrapped, _, err = selectWrapped(ctx, tx, person); err != nil {
			return nil, err
		}
	}
	if wrapped == nil { // erased
		return secret.NewKey(secret.RandomKey())
	}
	k, err := j.unwrap(person, wrapped)
	if err != nil {
		return nil, err
	}
	// Not before the commit: a key whose row is rolled back must not seal anything.
	tx.AfterCommit(func() { j.keys.put(person, k) })
	return k, nil
}

func (j *Journal) unwrap(person string, wrapped []byte) (*secret.Key, error) {
	raw, err := j.ring.Open(purposePerson, person, wrapped)
	if err != nil {
		return nil, fmt.Errorf("personal key of %s: %w", person, err)
	}
	k, err := secret.NewKey(raw)
	if err != nil {
		return nil, fmt.Errorf("personal key of %s: %w", person, err)
	}
	return k, nil
}

func selectWrapped(ctx context.Context, tx *store.Tx, person string) (wrapped []byte, found bool, err error) {
	err = tx.Tx.Tx.QueryRowContext(ctx, `SELECT wrapped FROM journal_person WHERE person = $1`, person).Scan(&wrapped)
	if store.NoRows(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read a personal key: %w", err)
	}
	return wrapped, true, nil
}

// Erase destroys a person's key: every private text of theirs reads "erased" from now on, and texts
// about them that come later are not kept. The chain still verifies. Copies of the key in backups and
// in freed pages of the database file live until these are overwritten; see DESIGN.md.
func (j *Journal) Erase(ctx context.Context, tx *store.Tx, person string) error {
	if tx.Engine() == store.SQLite {
		// The freed bytes of the key are overwritten in the file.
		if _, err := tx.Tx.Tx.ExecContext(ctx, `PRAGMA secure_delete = ON`); err != nil {
			return fmt.Errorf("erase %s: %w", person, err)
		}
	}
	res, err := tx.Tx.Tx.ExecContext(ctx, `UPDATE journal_person SET wrapped = NULL, erased_at = $1 WHERE person = $2 AND wrapped IS NOT NULL`,
		tx.Now().UnixMicro(), person)
	if err != nil {
		return fmt.Errorf("erase %s: %w", person, err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return fmt.Errorf("erase %s: %w", person, err)
	} else if n == 0 {
		if _, err := tx.Tx.Tx.ExecContext(ctx, `INSERT INTO journal_person (person, wrapped, erased_at) VALUES ($1, NULL, $2) ON CONFLICT (person) DO NOTHING`,
			person, tx.Now().UnixMicro()); err != nil {
			return fmt.Errorf("erase %s: %w", person, err)
		}
	}
	tx.AfterCommit(func() { j.keys.drop(person) })
	_, err = j.Append(ctx, tx, Entry{Type: typeErased, Subject: Subject{Kind: subjectPerson, ID: person}})
	return err
}
