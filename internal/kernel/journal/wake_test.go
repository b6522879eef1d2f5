package journal

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryWaitsLongerAndStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := retry{j: &Journal{log: slog.New(slog.DiscardHandler)}, what: "test"}
		began := time.Now()
		for range 8 { // 0.1 0.2 0.4 0.8 1.6 3.2 5 5
			if !r.failed(t.Context(), errors.New("away")) {
				t.Fatal("gave up")
			}
		}
		if took := time.Since(began); took != 16300*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		r.worked(t.Context())
		if began = time.Now(); !r.failed(t.Context(), errors.New("away")) || time.Since(began) != backoffMin {
			t.Errorf("after a success waited %v", time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if began = time.Now(); r.failed(ctx, errors.New("away")) || time.Since(began) > time.Millisecond {
			t.Error("did not stop at once")
		}
	})
}

func TestBellsBeforeSomebodyListensAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWake()
		for range 3 {
			w.ring()
		}
		began := time.Now()
		if !w.waitFor(t.Context(), time.Minute) || time.Since(began) != 0 {
			t.Error("did not hear the bell")
		}
		if !w.waitFor(t.Context(), time.Minute) || time.Since(began) != time.Minute {
			t.Errorf("heard it twice, after %v", time.Since(began))
		}
	})
}

func TestSlowWatcherGetsNewsAddedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &Journal{}
		ctx, cancel := context.WithCancel(t.Context())
		news := j.Watch(ctx)
		synctest.Wait()
		j.watches.publish([]string{"a"})
		synctest.Wait() // the first is on its way to a reader who does not come
		j.watches.publish([]string{"b"})
		j.watches.publish([]string{"a", "c"})
		if c := <-news; len(c.Types) != 1 || c.Types[0] != "a" {
			t.Errorf("first: %v", c)
		}
		if c := <-news; len(c.Types) != 3 {
			t.Errorf("second: %v", c)
		}
		cancel()
		if _, open := <-news; open {
			t.Error("news after the end")
		}
	})
}
