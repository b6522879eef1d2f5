// Package beta is a module with a part below it.
package beta

import "taxops/internal/ops/beta/sub"

// Beta knows its own part.
func Beta() { sub.Sub() }
