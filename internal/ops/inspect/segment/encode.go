package segment

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"taxops/internal/kernel/probe"
)

const (
	magic   = "TXSG"
	version = 1

	withIDs  = 1
	withSums = 2

	codecPlain = 0
	codecZstd  = 1
)

// Streams of a segment by their place.
const (
	words = iota
	runs
	rounds
	times
	durations
	forms
	valuesFirst
	figures = valuesFirst + valueStreams
	ids     = figures + 1
	sums    = ids + 1
	streams = sums + 1

	valueStreams = 5
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	packer     = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
	})
)

// Encode writes rows, which it sorts by series and time, as one segment.
func Encode(rows []Row, o Options) ([]byte, error) {
	if len(rows) > MaxRows {
		return nil, fmt.Errorf("%w: %d", ErrTooMany, len(rows))
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(a.RanAt, b.RanAt)) })
	e := &encoder{
		rows: rows, unit: 1000, rounds: map[string]int{}, shapes: map[string]int{}, templates: map[[2]string]int{}, lastOf: map[int]int{},
	}
	if err := e.lists(); err != nil {
		return nil, err
	}
	flags, err := e.columns(o)
	if err != nil {
		return nil, err
	}
	return e.pack(flags, o)
}

type encoder struct {
	rows []Row
	out  [streams][]byte
	unit int64

	rounds  map[string]int
	order   []string
	firstAt []int64

	shapes    map[string]int
	shapeList [][]byte

	templates map[[2]string]int
	texts     [][2]string
	lastOf    map[int]int // by shape: the template used last
}

// lists finds the rounds, in the order in which they began, and the unit of times.
func (e *encoder) lists() error {
	first := map[string]int64{}
	for i := range e.rows {
		r := &e.rows[i]
		if r.Series < 0 || outside(r.RanAt) || outside(r.Took) {
			return fmt.Errorf("a row of series %d at %d of %d µs", r.Series, r.RanAt, r.Took)
		}
		if len(r.Perf) > maxValues {
			return fmt.Errorf("%w: %d values in a row", ErrTooMany, len(r.Perf))
		}
		if r.RanAt%e.unit != 0 {
			e.unit = 1
		}
		if at, known := first[r.RoundID]; !known || r.RanAt < at {
			first[r.RoundID] = r.RanAt
		}
	}
	for id := range first {
		e.order = append(e.order, id)
	}
	slices.SortFunc(e.order, func(a, b string) int { return cmp.Or(cmp.Compare(first[a], first[b]), cmp.Compare(a, b)) })
	for i, id := range e.order {
		e.rounds[id] = i
		e.firstAt = append(e.firstAt, first[id])
	}
	return nil
}

// outside reports times with which one cannot reckon.
func outside(us int64) bool { return us > 1<<60 || us < -1<<60 }

// columns writes all streams.
func (e *encoder) columns(o Options) (flags byte, err error) {
	var series int64
	for i := 0; i < len(e.rows); {
		end := i + 1
		for end < len(e.rows) && e.rows[end].Series == e.rows[i].Series {
			end++
		}
		e.out[runs] = binary.AppendUvarint(e.out[runs], uint64(e.rows[i].Series-series)) //nolint:gosec // sorted, not negative
		e.out[runs] = binary.AppendUvarint(e.out[runs], uint64(end-i))                   //nolint:gosec // positive
		series = e.rows[i].Series
		e.run(e.rows[i:end])
		i = end
	}
	if slices.ContainsFunc(e.rows, func(r Row) bool { return r.ID != "" }) {
		flags |= withIDs
		if err := e.ids(); err != nil {
			return 0, err
		}
	}
	if o.Sums {
		flags |= withSums
		for i := range e.rows {
			sum, err := hex.DecodeString(e.rows[i].Sum)
			if err != nil || len(sum) != 32 {
				return 0, fmt.Errorf("hash of a row: %q", e.rows[i].Sum)
			}
			e.out[sums] = append(e.out[sums], sum...)
		}
	}
	e.words()
	return flags, nil
}

func (e *encoder) ids() error {
	for i := range e.rows {
		var id uuid.UUID
		if text := e.rows[i].ID; text != "" {
			var err error
			if id, err = uuid.Parse(text); err != nil || id.String() != text || id == uuid.Nil {
				return fmt.Errorf("id of a row: %q", text)
			}
		}
		e.out[ids] = append(e.out[ids], id[:]...)
	}
	return nil
}

// run writes the rows of one series.
func (e *encoder) run(rows []Row) {
	var round, at, took, shape, tmpl int64
	var before []int64
	most := 0
	for i := range rows {
		r := &rows[i]
		n := int64(e.rounds[r.RoundID])
		e.out[rounds] = binary.AppendVarint(e.out[rounds], n-round)
		off := (r.RanAt - e.firstAt[n]) / e.unit
		e.out[times] = binary.AppendVarint(e.out[times], off-at)
		d := packTook(r.Took)
		e.out[durations] = binary.AppendVarint(e.out[durations], d-took)
		round, at, took = n, off, d

		s := int64(e.shape(r.Perf))
		t, figs := e.template(r, int(s), int(tmpl), i > 0)
		e.out[forms] = binary.AppendVarint(e.out[forms], s-shape)
		e.out[forms] = binary.AppendVarint(e.out[forms], int64(t)-tmpl)
		if i == 0 || int64(t) != tmpl {
			before = nil
		}
		for k, f := range figs {
			if before != nil {
				e.out[figures] = binary.AppendVarint(e.out[figures], f-before[k])
			} else {
				e.out[figures] = binary.AppendVarint(e.out[figures], f)
			}
		}
		shape, tmpl, before = s, int64(t), figs
		most = max(most, len(r.Perf))
	}
	var column []float64
	for place := range most {
		column = column[:0]
		for i := range rows {
			if place < len(rows[i].Perf) {
				column = append(column, rows[i].Perf[place].Value)
			}
		}
		s := valuesFirst + min(place, valueStreams-1)
		e.out[s] = appendValues(e.out[s], column)
	}
}

// shape numbers what is the same in the values of a row from one result to the next.
func (e *encoder) shape(perf []probe.Perf) int {
	b := binary.AppendUvarint(nil, uint64(len(perf)))
	for _, p := range perf {
		for _, text := range []string{p.Label, p.UOM, p.Warn, p.Crit} {
			b = appendText(b, text)
		}
		b = appendBound(appendBound(b, p.Min), p.Max)
	}
	n, known := e.shapes[string(b)]
	if !known {
		n = len(e.shapeList)
		e.shapes[string(b)] = n
		e.shapeList = append(e.shapeList, b)
	}
	return n
}

func appendBound(b []byte, v *float64) []byte {
	if v == nil {
		return append(b, 0)
	}
	return binary.LittleEndian.AppendUint64(append(b, 1), math.Float64bits(*v))
}

// template finds a template for the texts of a row: that of the row before, that of other rows with such
// values, or a new one.
func (e *encoder) template(r *Row, shape, before int, hasBefore bool) (int, []int64) {
	try := func(t int) ([]int64, bool) {
		figs, ok := match(e.texts[t][0], r.Summary, r.Perf, nil)
		if !ok {
			return nil, false
		}
		return match(e.texts[t][1], r.Details, r.Perf, figs)
	}
	last, seen := e.lastOf[shape]
	if hasBefore {
		if figs, ok := try(before); ok {
			return before, figs
		}
	}
	if seen && (!hasBefore || last != before) {
		if figs, ok := try(last); ok {
			return last, figs
		}
	}
	summary, figs := template(r.Summary, r.Perf, nil)
	details, figs := template(r.Details, r.Perf, figs)
	key := [2]string{summary, details}
	t, known := e.templates[key]
	if !known {
		t = len(e.texts)
		e.templates[key] = t
		e.texts = append(e.texts, key)
	}
	e.lastOf[shape] = t
	return t, figs
}

// words writes the lists that the rows point into.
func (e *encoder) words() {
	b := binary.AppendUvarint(nil, uint64(len(e.order)))
	var at int64
	for i, id := range e.order {
		if u, err := uuid.Parse(id); err == nil && u.String() == id {
			b = append(append(b, 1), u[:]...)
		} else {
			b = appendText(append(b, 0), id)
		}
		now := e.firstAt[i] / e.unit
		b = binary.AppendVarint(b, now-at)
		at = now
	}
	b = binary.AppendUvarint(b, uint64(e.unit)) //nolint:gosec // 1 or 1000
	b = binary.AppendUvarint(b, uint64(len(e.shapeList)))
	for _, s := range e.shapeList {
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.texts)))
	for _, t := range e.texts {
		b = appendText(appendText(b, t[0]), t[1])
	}
	e.out[words] = b
}

// pack joins the streams.
func (e *encoder) pack(flags byte, o Options) ([]byte, error) {
	out := append([]byte(magic), version, flags)
	out = binary.AppendUvarint(out, uint64(len(e.rows)))
	out = binary.AppendUvarint(out, streams)
	for i, s := range e.out {
		codec, stored := byte(codecPlain), s
		if !o.Fast && i != sums && i != ids && len(s) > 32 {
			z, err := packer()
			if err != nil {
				return nil, fmt.Errorf("zstd: %w", err)
			}
			if packed := z.EncodeAll(s, make([]byte, 0, len(s)/2)); len(packed) < len(s) {
				codec, stored = codecZstd, packed
			}
		}
		if len(s) > maxStream {
			return nil, fmt.Errorf("%w: a stream of %d bytes", ErrTooMany, len(s))
		}
		out = append(out, codec)
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = binary.AppendUvarint(out, uint64(len(stored)))
		out = append(out, stored...)
	}
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli)), nil
}
