package inspect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/segment"
)

// resultSeries is what results of a check have in common as long as it says the same (结果序列). Results in
// segments name it by its number; a check that moves to another area or says something else begins
// another one.
type resultSeries struct {
	bun.BaseModel `bun:"table:inspect_series,alias:series"`
	No            int64 `bun:",pk,autoincrement"`
	Key           string
	seriesWords
}

type seriesWords struct {
	CheckID  string
	AssetID  string
	Kind     string
	Class    string
	Target   string
	State    string
	Reason   string
	AreaPath string
	SystemID string
}

func (w *seriesWords) key() string {
	h := sha256.New()
	for _, s := range []string{w.CheckID, w.AssetID, w.Kind, w.Class, w.Target, w.State, w.Reason, w.AreaPath, w.SystemID} {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (r *Result) series() seriesWords {
	return seriesWords{
		CheckID: r.CheckID, AssetID: r.AssetID, Kind: r.Kind, Class: r.Class, Target: r.Target,
		State: r.State, Reason: r.Reason, AreaPath: r.AreaPath, SystemID: r.SystemID,
	}
}

// plain reports whether a result goes to a segment: it says OK, or that there is nothing to look at, and
// so did the one before it.
func (r *Result) plain(before *CheckState) bool {
	return before != nil && (r.good() || r.noSource()) && sameState(before, r)
}

// resultID names the result of a check in a round: a UUIDv7 of its time, whose other bits follow from
// the two, so that segments need not keep it.
func resultID(roundID, checkID string, ranAt time.Time) string {
	sum := sha256.Sum256([]byte(roundID + "\x00" + checkID))
	id := uuid.UUID(sum[:16])
	ms := uint64(ranAt.UnixMilli()) //nolint:gosec // cut to 48 bits
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String()
}

// Measured values are kept to this many digits, and whole numbers entirely: what lies beyond is noise,
// and noise is what cannot be made small.
const valueDigits = 5

func roundValue(v float64) float64 {
	if v == math.Trunc(v) || math.Abs(v) >= 1e5 {
		return math.Round(v)
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', valueDigits, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// roundTook cuts a duration to two digits of its microseconds.
func roundTook(d time.Duration) int64 {
	us, tens := max(d.Microseconds(), 0), int64(1)
	for us/tens >= 100 {
		tens *= 10
	}
	return us / tens * tens
}

// row is a result as a segment keeps it.
func (r *Result) row(series int64) segment.Row {
	row := segment.Row{
		Series: series, RoundID: r.RoundID, RanAt: r.RanAt.UnixMicro(), Took: r.DurationUS,
		Summary: r.Summary, Details: r.Details, Perf: r.Perf, Sum: r.SHA256,
	}
	if r.ID != resultID(r.RoundID, r.CheckID, r.RanAt.Time) {
		row.ID = r.ID
	}
	return row
}

// result is the result of a row of a segment.
func (s *resultSeries) result(row segment.Row) (*Result, error) {
	r := &Result{
		ID: row.ID, RoundID: row.RoundID, CheckID: s.CheckID, AssetID: s.AssetID, Kind: s.Kind, Class: s.Class, Target: s.Target,
		State: s.State, Reason: s.Reason, Summary: row.Summary, Details: row.Details, Perf: row.Perf,
		RanAt: store.At(time.UnixMicro(row.RanAt)), DurationUS: row.Took, SHA256: row.Sum, AreaPath: s.AreaPath, SystemID: s.SystemID,
	}
	if s.State != probe.OK.String() {
		r.NotOK = 1
	}
	if r.ID == "" {
		r.ID = resultID(r.RoundID, r.CheckID, r.RanAt.Time)
	}
	if r.SHA256 == "" {
		var err error
		if r.SHA256, err = r.hash(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// dayOf numbers the days in Asia/Shanghai, which has no summer time.
func dayOf(t time.Time) int64 {
	const ahead = 8 * 3600
	s := t.Unix() + ahead
	if s < 0 {
		s -= 86399
	}
	return s / 86400
}

// dayStart is the moment at which a day begins.
func dayStart(day int64) time.Time { return time.Unix(day*86400-8*3600, 0).UTC() }

// catalogue remembers series: they are never changed, so what was read once holds.
type catalogue struct {
	mu    sync.RWMutex
	byNo  map[int64]*resultSeries
	byKey map[seriesWords]*resultSeries
	last  int64
}

func newCatalogue() *catalogue {
	return &catalogue{byNo: map[int64]*resultSeries{}, byKey: map[seriesWords]*resultSeries{}}
}

func (c *catalogue) add(list ...*resultSeries) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range list {
		c.byNo[s.No], c.byKey[s.seriesWords] = s, s
	}
}

// read adds what lies beyond all that was read before.
func (c *catalogue) read(list []*resultSeries) {
	c.add(list...)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range list {
		c.last = max(c.last, s.No)
	}
}

func (c *catalogue) number(w seriesWords) (int64, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s := c.byKey[w]
	if s == nil {
		return 0, false
	}
	return s.No, true
}

func (c *catalogue) get(no int64) *resultSeries {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byNo[no]
}

func (c *catalogue) lastRead() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.last
}

// choose returns the numbers of the series that fit, in order.
func (c *catalogue) choose(fits func(*resultSeries) bool) seriesSet {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := seriesSet{}
	for no, s := range c.byNo {
		if fits(s) {
			out = append(out, no)
		}
	}
	slices.Sort(out)
	return out
}

// seriesSet is a set of numbers of series in their order; nil is all of them.
type seriesSet []int64

func (s seriesSet) has(no int64) bool {
	if s == nil {
		return true
	}
	_, found := slices.BinarySearch(s, no)
	return found
}

// meets reports whether one of the set lies in a span.
func (s seriesSet) meets(lo, hi int64) bool {
	if s == nil {
		return true
	}
	i, _ := slices.BinarySearch(s, lo)
	return i < len(s) && s[i] <= hi
}
