// Package measure is on the list of those that may ask for the time.
package measure

import (
	"time"

	"taxops/internal/kernel/clock" // want kernel-layers
)

// Took measures.
func Took() time.Duration { began := time.Now(); _ = clock.Now; return time.Since(began) }
