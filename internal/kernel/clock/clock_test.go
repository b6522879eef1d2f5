package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"taxops/internal/kernel/clock"
)

func TestSystemIsUTCInMicroseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		<-time.After(1500 * time.Nanosecond)
		now := clock.System{}.Now()
		if now.Location() != time.UTC || now.Nanosecond() != 1000 {
			t.Errorf("got %v", now)
		}
	})
}

func TestSteppedMovesBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Stepped
		start := c.Now()
		c.Step(time.Hour)
		if d := c.Now().Sub(start); d != time.Hour {
			t.Errorf("moved by %v", d)
		}
		c.Step(-2 * time.Hour)
		if d := c.Now().Sub(start); d != -time.Hour {
			t.Errorf("moved by %v", d)
		}
	})
}

func TestShanghaiHasNoSummerTime(t *testing.T) {
	for _, month := range []time.Month{time.January, time.July} {
		_, offset := time.Date(2026, month, 1, 0, 0, 0, 0, clock.Shanghai()).Zone()
		if offset != 8*3600 {
			t.Errorf("%v: offset %d s", month, offset)
		}
	}
}
