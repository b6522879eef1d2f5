package app

import (
	"os"

	"taxops/internal/ops/inspect/spawn"
)

// Child becomes the helper process that this program was started as, and does not return; it does
// nothing for a program that a person started.
func Child(args []string) {
	if code, is := spawn.Child(args); is {
		os.Exit(code)
	}
}
