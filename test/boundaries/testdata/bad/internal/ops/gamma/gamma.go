// Package gamma has a file that is too long: want file-length
package gamma

// Gamma has room.
func Gamma() {
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
	// line
}
