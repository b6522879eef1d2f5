// Package measure is on the list of those that may ask for the time.
package measure

import "time"

// Took measures.
func Took() time.Duration { began := time.Now(); return time.Since(began) }
