// Package journal measures what the journal costs a writer on PostgreSQL: the same small business
// transaction by 16 writers without a journal, with ours, and with the obvious implementation, in
// which every writer locks the head of the chain.
//
//	go test -run '^$' -bench . -benchtime 1x ./bench/journal
//
// It needs TAXOPS_TEST_DATABASE_URL, and prints rates, their ratios, and how long after its commit a row
// is chained.
package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

const (
	writers = 16
	rounds  = 5               // of each variant, taken in turn; the median counts
	length  = 2 * time.Second // of a round
)

func entry(n int) journal.Entry {
	return journal.Entry{
		Type: "bench.finding.opened", Subject: journal.Subject{Kind: "finding", ID: "0193a1c2-7b1e-7c3d-9d55-1b6f0a7e1234"},
		AreaPath: "/45/4501/", SystemID: "0193a1c2-0000-7c3d-9d55-1b6f0a7e0001",
		Fields: map[string]any{"number": fmt.Sprintf("FND-2026-%04d", n), "severity": "critical", "summary": "磁盘 /data 已用 96%，超过阈值 95%", "seen": n},
	}
}

func declared() []journal.Type {
	f := func(name string) journal.Field { return journal.Field{Name: name, TitleZH: name, TitleEN: name} }
	return []journal.Type{{Name: "bench.finding.opened", TitleZH: "隐患", TitleEN: "Finding", Fields: []journal.Field{f("number"), f("severity"), f("summary"), f("seen")}}}
}

// business is the part of the transaction that is there without a journal.
func business(ctx context.Context, tx *store.Tx, n int) error {
	_, err := tx.NewRaw(`INSERT INTO bench_thing (id, number, state) VALUES (?, ?, 'open')`, uuid.Must(uuid.NewV7()).String(), n).Exec(ctx)
	return err
}

// lockedHead is the obvious implementation: the head is a row, and whoever appends locks it until the
// commit.
func lockedHead(ctx context.Context, tx *store.Tx, n int) error {
	e := entry(n)
	bytes := fmt.Appendf(nil, `{"actor":{"id":"taxops","kind":"system"},"area_path":%q,"at":%q,"fields":{"number":%q,"seen":%d,"severity":"critical","summary":%q},"id":%q,"subject":{"id":%q,"kind":"finding"},"system_id":%q,"type":%q,"v":1}`,
		e.AreaPath, tx.Now().Format(time.RFC3339Nano), e.Fields["number"], n, e.Fields["summary"], uuid.Must(uuid.NewV7()), e.Subject.ID, e.SystemID, e.Type)
	t, fast := tx.Tx.Tx, pgx.QueryExecModeCacheStatement
	var seq int64
	var hash []byte
	if err := t.QueryRowContext(ctx, `SELECT seq, hash FROM bench_head FOR UPDATE`, fast).Scan(&seq, &hash); err != nil {
		return err
	}
	sum := sha256.Sum256(append(hash, bytes...))
	_, err := t.ExecContext(ctx, `WITH h AS (UPDATE bench_head SET seq = $1, hash = $2)
		INSERT INTO bench_chain (seq, bytes, hash, type, subject_id) VALUES ($1, $3, $2, $4, $5)`, fast, seq+1, sum[:], bytes, e.Type, e.Subject.ID)
	return err
}

func BenchmarkWriters16(b *testing.B) {
	ctx := context.Background()
	owner := storetest.Open(b, store.Postgres, clock.System{}, []store.Migrations{journal.Migrations()})
	db, err := store.Open(ctx, store.Options{URL: owner.URL(), Readers: 12})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	for _, s := range []string{
		`CREATE TABLE bench_thing (id uuid PRIMARY KEY, number bigint, state text)`,
		`CREATE TABLE bench_head (seq bigint, hash bytea)`, `INSERT INTO bench_head VALUES (0, '\x00')`,
		`CREATE TABLE bench_chain (seq bigint PRIMARY KEY, bytes bytea, hash bytea, type text, subject_id text)`,
		`CREATE INDEX ON bench_chain (type, seq)`, `CREATE INDEX ON bench_chain (subject_id, seq)`,
	} {
		if _, err := db.SQL().ExecContext(ctx, s); err != nil {
			b.Fatal(err)
		}
	}
	ring, err := secret.OpenRing(ctx, secret.Config{File: b.TempDir() + "/ring"})
	if err != nil {
		b.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: declared(), SegmentDir: b.TempDir(), AreaPath: "/45/"})
	if err != nil {
		b.Fatal(err)
	}
	g := lifecycle.NewGroup(slog.New(slog.DiscardHandler), j.Services()...)
	if err := g.Start(ctx); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.Stop(context.Background()) })
	lags := watchLags(b, db, j)

	none := func(context.Context, *store.Tx, int) error { return nil }
	ours := func(ctx context.Context, tx *store.Tx, n int) error {
		id, err := j.Append(ctx, tx, entry(n))
		if err == nil {
			tx.AfterCommit(func() { lags.committed(id) })
		}
		return err
	}
	for b.Loop() {
		var rate [3][]float64
		for range rounds {
			for i, extra := range []func(context.Context, *store.Tx, int) error{none, ours, lockedHead} {
				rate[i] = append(rate[i], round(b, db, extra))
				if err := j.Drain(ctx); err != nil {
					b.Fatal(err)
				}
			}
		}
		for i := range rate {
			slices.Sort(rate[i])
		}
		bare, with, locked := rate[0][rounds/2], rate[1][rounds/2], rate[2][rounds/2]
		b.ReportMetric(bare, "none-tx/s")
		b.ReportMetric(with, "ours-tx/s")
		b.ReportMetric(locked, "locked-tx/s")
		b.ReportMetric(with/locked, "ours/locked")
		b.ReportMetric(with/bare, "ours/none")
		p50, p99, most := lags.percentiles(b)
		b.ReportMetric(p50, "chained-p50-ms")
		b.ReportMetric(p99, "chained-p99-ms")
		b.ReportMetric(most, "chained-max-ms")
		b.Logf("tx/s  none %.0f  ours %.0f  locked head %.0f;  ours/locked %.2f (wanted ≥ 2.5)  ours/none %.2f (≥ 0.5);  commit→chained p50 %.0f ms, p99 %.0f ms (≤ 300), max %.0f ms",
			bare, with, locked, with/locked, with/bare, p50, p99, most)
	}
}

// round runs all writers for a while and returns transactions a second.
func round(b *testing.B, db *store.DB, extra func(context.Context, *store.Tx, int) error) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var done [writers]int
	var wg sync.WaitGroup
	began := time.Now()
	for w := range writers {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// Not bound by ctx: a transaction that began is finished.
				if err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					if err := business(ctx, tx, n); err != nil {
						return err
					}
					return extra(ctx, tx, n)
				}); err != nil {
					b.Error(err)
					return
				}
				done[w]++
			}
		})
	}
	wg.Wait()
	took, total := time.Since(began), 0
	for _, n := range done {
		total += n
	}
	return float64(total) / took.Seconds()
}

// lagWatch notes when rows are committed and when they are seen in the chain.
type lagWatch struct {
	mu   sync.Mutex
	at   map[string]time.Time
	lags []float64 // ms
}

func watchLags(b *testing.B, db *store.DB, j *journal.Journal) *lagWatch {
	l := &lagWatch{at: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(context.Background())
	news := j.Watch(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var last int64
		for range news {
			seen := map[string]time.Time{}
			rows, err := db.SQL().QueryContext(ctx, `SELECT seq, id::text FROM journal_chain WHERE seq > $1`, last)
			if err != nil {
				return
			}
			now := time.Now()
			last = scan(rows, seen, now, last)
			l.chained(seen)
		}
	}()
	b.Cleanup(func() { cancel(); <-done })
	return l
}

func scan(rows *sql.Rows, seen map[string]time.Time, now time.Time, last int64) int64 {
	defer rows.Close() //nolint:errcheck // read only
	for rows.Next() {
		var id string
		if rows.Scan(&last, &id) == nil {
			seen[id] = now
		}
	}
	return last
}

func (l *lagWatch) committed(id string) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, ok := l.at[id]; ok { // seen in the chain before the writer heard of its commit
		l.lags = append(l.lags, max(0, t.Sub(now).Seconds()*1000))
		delete(l.at, id)
		return
	}
	l.at[id] = now
}

func (l *lagWatch) chained(seen map[string]time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, now := range seen {
		if t, ok := l.at[id]; ok {
			l.lags = append(l.lags, now.Sub(t).Seconds()*1000)
			delete(l.at, id)
		} else {
			l.at[id] = now
		}
	}
}

func (l *lagWatch) percentiles(b *testing.B) (p50, p99, most float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lags) == 0 {
		b.Fatal("no row was seen in the chain")
	}
	slices.Sort(l.lags)
	n := len(l.lags)
	return l.lags[n/2], l.lags[n*99/100], l.lags[n-1]
}
