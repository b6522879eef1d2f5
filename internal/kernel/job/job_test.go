package job_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"taxops/internal/kernel/job"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

type copyArgs struct{ Number int }

var copyKind = job.Kind[copyArgs]{Name: "test.copy"}

func TestQueue(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		log := slog.New(slog.DiscardHandler)
		if ok, err := job.Migrated(t.Context(), db, log); err != nil || ok {
			t.Fatalf("a fresh database is not migrated: %v %v", ok, err)
		}
		if err := job.Migrate(t.Context(), db, log); err != nil {
			t.Fatal(err)
		}
		if ok, err := job.Migrated(t.Context(), db, log); err != nil || !ok {
			t.Fatalf("migrated: %v %v", ok, err)
		}
		ran, ticked := make(chan int, 10), make(chan struct{}, 10)
		r := job.NewRegistry()
		job.Handle(r, copyKind, func(_ context.Context, a copyArgs) error { ran <- a.Number; return nil })
		r.Periodic("test.sweep", time.Hour, func(context.Context) error { ticked <- struct{}{}; return nil })
		q, err := job.New(db, r, log)
		if err != nil {
			t.Fatal(err)
		}
		// A job of a change that was rolled back never runs.
		refused := errors.New("refused")
		if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := job.Enqueue(ctx, tx, q, copyKind, copyArgs{Number: 1}); err != nil {
				return err
			}
			return refused
		}); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return job.Enqueue(ctx, tx, q, copyKind, copyArgs{Number: 2})
		}); err != nil {
			t.Fatal(err)
		}
		if err := q.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		timeout := time.After(20 * time.Second)
		select {
		case n := <-ran:
			if n != 2 {
				t.Errorf("job %d ran, want 2", n)
			}
		case <-timeout:
			t.Fatal("the job did not run")
		}
		select {
		case <-ticked:
		case <-timeout:
			t.Fatal("the periodic job did not run")
		}
		if dead, retrying, err := q.Undelivered(t.Context()); err != nil || dead+retrying != 0 {
			t.Errorf("undelivered: %d %d %v", dead, retrying, err)
		}
		for range 2 { // stopping twice is safe
			if err := q.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case n := <-ran:
			t.Errorf("job %d ran twice or was not rolled back", n)
		default:
		}
	})
}

func TestRegistryRefusesAKindTwice(t *testing.T) {
	r := job.NewRegistry()
	for range 2 {
		job.Handle(r, copyKind, func(context.Context, copyArgs) error { return nil })
	}
	if _, err := job.New(nil, r, slog.Default()); err == nil {
		t.Error("no error")
	}
}
