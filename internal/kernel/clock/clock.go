// Package clock is the one place that asks the operating system for the time. Services take a
// [Clock] and never call time.Now; timers use the time package, which testing/synctest fakes.
package clock

import (
	"sync"
	"time"
	_ "time/tzdata" // a bureau's host may have no zone files; Asia/Shanghai must always load
)

// Clock tells the time.
type Clock interface {
	// Now returns the current time in UTC, cut to microseconds, which is what the store keeps.
	Now() time.Time
}

// System is the clock of this machine.
type System struct{}

// Now implements Clock.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Stepped is the system clock with an offset that can be changed, for tests and drills of a clock
// that was set wrong (时钟跳变).
type Stepped struct {
	mu     sync.Mutex
	offset time.Duration
}

// Now implements Clock.
func (s *Stepped) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return System{}.Now().Add(s.offset)
}

// Step moves the clock by d.
func (s *Stepped) Step(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// Shanghai is the zone in which the contract counts days.
func Shanghai() *time.Location {
	loc, err := time.LoadLocation("Asia/Shanghai")
	if err != nil { // the zone data is embedded above
		panic(err)
	}
	return loc
}
