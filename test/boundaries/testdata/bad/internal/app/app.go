// Package app may know all.
package app

import (
	"taxops/internal/kernel/base"
	"taxops/internal/ops/alpha"
	"taxops/internal/ops/beta"
)

// Run runs.
func Run() { base.Base(); alpha.Alpha(); beta.Beta() }
