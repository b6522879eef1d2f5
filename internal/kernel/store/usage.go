package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Usage is what the database takes and how quickly it answers.
type Usage struct {
	Answered time.Duration // of one small read
	Bytes    int64         // data
	LogBytes int64         // write-ahead log (SQLite); 0 on PostgreSQL
	Free     int64         // free space where the data lies; -1 when that is another machine's matter
}

// Usage measures the database.
func (d *DB) Usage(ctx context.Context) (Usage, error) {
	u := Usage{Free: -1}
	began := time.Now()
	if err := d.Ping(ctx); err != nil {
		return u, err
	}
	u.Answered = time.Since(began)
	if d.dialect == Postgres {
		if err := d.reader.NewRaw("SELECT pg_database_size(current_database())").Scan(ctx, &u.Bytes); err != nil {
			return u, Classify(fmt.Errorf("size of the database: %w", err))
		}
		return u, nil
	}
	for name, into := range map[string]*int64{d.url: &u.Bytes, d.url + "-wal": &u.LogBytes} {
		st, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no log yet
		}
		if err != nil {
			return u, fmt.Errorf("size of the database: %w", err)
		}
		*into = st.Size()
	}
	var f syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(d.url), &f); err != nil {
		return u, fmt.Errorf("free space of the database: %w", err)
	}
	u.Free = int64(f.Bavail) * f.Bsize
	return u, nil
}

// Integrity reads an embedded database through and lists what is wrong with it, at most ten things; a
// PostgreSQL keeps its own pages, and nothing is listed.
func (d *DB) Integrity(ctx context.Context) ([]string, error) {
	if d.dialect != SQLite {
		return nil, nil
	}
	var said []string
	err := d.reader.NewRaw("PRAGMA integrity_check(10)").Scan(ctx, &said)
	switch {
	case Damaged(err):
		return []string{err.Error()}, nil
	case err != nil:
		return nil, fmt.Errorf("integrity of the database: %w", err)
	case len(said) == 1 && said[0] == "ok":
		return nil, nil
	}
	return said, nil
}
