package journal

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

const walked = 100_000

// BenchmarkVerify walks 100,000 rows in the database and in an export, and tells how much the heap
// grew at most meanwhile.
func BenchmarkVerify(b *testing.B) {
	ctx := context.Background()
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		b.Run(string(d), func(b *testing.B) {
			db := storetest.Open(b, d, clock.System{}, []store.Migrations{journal.Migrations()})
			ring, err := secret.OpenRing(ctx, secret.Config{File: b.TempDir() + "/ring"})
			if err != nil {
				b.Fatal(err)
			}
			j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: declared(), SegmentDir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			for at := 0; at < walked; at += 500 {
				if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					for n := range 500 {
						if _, err := j.Append(ctx, tx, entry(at+n)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
			if err := j.Drain(ctx); err != nil {
				b.Fatal(err)
			}
			if err := j.CloseSegments(ctx); err != nil { // the first 65,536 rows
				b.Fatal(err)
			}
			for b.Loop() {
				var before, now runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				most := uint64(0)
				watch := func(int64) {
					runtime.ReadMemStats(&now)
					most = max(most, now.HeapAlloc)
				}
				began := time.Now()
				rep, err := j.Verify(ctx, watch)
				if err != nil || !rep.OK {
					b.Fatalf("%+v, %v", rep, err)
				}
				b.ReportMetric(walked/time.Since(began).Seconds(), "rows/s")
				pr, pw := io.Pipe()
				go func() { pw.CloseWithError(j.Export(ctx, pw)) }()
				began = time.Now()
				rep, err = journal.VerifyExport(ctx, pr, journal.ExportOptions{Progress: watch})
				if err != nil || !rep.OK {
					b.Fatalf("%+v, %v", rep, err)
				}
				b.ReportMetric(walked/time.Since(began).Seconds(), "export+verify-rows/s")
				b.ReportMetric(float64(most-before.HeapAlloc)/(1<<20), "heap-MiB")
			}
		})
	}
}
