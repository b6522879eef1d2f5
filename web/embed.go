// Package web carries the built console (控制台) inside the binary.
//
// The build output is not committed; dist/placeholder.html is, so that the
// program compiles and runs on a machine without Node.
package web

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist returns the files of the built console, rooted so that index.html is at
// the top. Without a console build it holds placeholder.html alone.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails only for an invalid path, and this one is a constant.
		panic(fmt.Sprintf("web: embedded dist: %v", err))
	}
	return sub
}
