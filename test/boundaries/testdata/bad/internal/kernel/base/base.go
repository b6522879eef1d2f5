// Package base is in the kernel and knows too much.
package base

import (
	"fmt"
	"time"

	"taxops/internal/ops/gamma" // want kernel-knows-no-module
)

const columns = "a"

// Base breaks what a function can break.
func Base() {
	gamma.Gamma()
	_ = time.Now()              // want time
	time.Sleep(time.Second)     // want time
	_ = time.Since(time.Time{}) // want time
	name := "thing"
	_ = fmt.Sprintf("SELECT * FROM %s", name)         // want sql-text
	_ = "DELETE FROM " + name                         // want sql-text
	_ = "UPDATE thing SET " + columns + " = 1" + name // want sql-text
	_ = "UPDATE thing SET " + columns + " = " + "1"
	_ = fmt.Sprintf("no SQL: update %s", name)
}

func init() {} // want no-init
