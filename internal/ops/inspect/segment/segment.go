package segment

import (
	"errors"

	"taxops/internal/kernel/probe"
)

// Bounds of a segment.
const (
	// MaxRows is the number of rows in one segment at most.
	MaxRows = 1 << 16
	// maxStream bounds one stream when it is unpacked.
	maxStream = 64 << 20
	// maxWords bounds each of the word lists.
	maxWords = MaxRows * 2
	// maxValues bounds the measured values of one row.
	maxValues = 4096
)

// ErrCorrupt says that bytes are no segment, or one that was damaged.
var ErrCorrupt = errors.New("segment is damaged")

// ErrTooMany says that more rows were given than a segment holds.
var ErrTooMany = errors.New("more rows than a segment holds")

// Row is one result as a segment keeps it. What all results of a series share (check, asset, state, …) is
// kept with the series.
type Row struct {
	Series  int64  // number of the series, not negative
	RoundID string // any text; a UUID takes least
	ID      string // "" when it follows from round, check and time; else a UUID
	RanAt   int64  // µs since 1970
	Took    int64  // µs
	Summary string
	Details string
	Perf    []probe.Perf
	Sum     string // hash of the content in hex, "" when the segment has none
}

// Options say what a segment carries besides.
type Options struct {
	// Sums keeps the hash of each row: fresh rows need it once more soon, old ones have it computed.
	Sums bool
	// Fast leaves the streams as they are: for the few rows of one transaction.
	Fast bool
}
