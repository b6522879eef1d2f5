// Package other is in no room and knows a module.
package other

import "taxops/internal/ops/beta" // want app-knows-all

// Other leaves work undone.
func Other() { beta.Beta() }

// TODO: later // want unfinished
