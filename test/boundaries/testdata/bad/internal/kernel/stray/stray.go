// Package stray has no place in the table of layers.
package stray

import "taxops/internal/kernel/clock" // want kernel-layers

// Stray is nowhere.
func Stray() { clock.Now() }
