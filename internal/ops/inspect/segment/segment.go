package segment

import (
	"errors"
	"math"

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

// Equal reports whether two rows say the same, whether or not their hashes are there.
func Equal(a, b Row) bool {
	if a.Series != b.Series || a.RoundID != b.RoundID || a.ID != b.ID || a.RanAt != b.RanAt || a.Took != b.Took ||
		a.Summary != b.Summary || a.Details != b.Details || len(a.Perf) != len(b.Perf) {
		return false
	}
	for i := range a.Perf {
		p, q := a.Perf[i], b.Perf[i]
		if p.Label != q.Label || p.UOM != q.UOM || p.Warn != q.Warn || p.Crit != q.Crit ||
			math.Float64bits(p.Value) != math.Float64bits(q.Value) || !equalBound(p.Min, q.Min) || !equalBound(p.Max, q.Max) {
			return false
		}
	}
	return true
}

func equalBound(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Float64bits(*a) == math.Float64bits(*b)
}
