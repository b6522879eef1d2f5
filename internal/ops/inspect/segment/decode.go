package segment

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"
	"sync"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"taxops/internal/kernel/probe"
)

var unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxStream))
})

// Segment is a segment being read. Series, times and rounds are there at once; the rest is unpacked when
// the first row is asked for. It may not be used by several goroutines at once.
type Segment struct {
	flags  byte
	stored [streams]stored

	series  []int64
	round   []int32
	ranAt   []int64
	firstAt []int64
	unit    int64
	rounds  []string
	runs    []run
	shapes  [][]probe.Perf // without values
	texts   []texts

	ready   bool
	took    []int64
	shape   []int32
	tmpl    []int32
	valueAt []int32 // where the values of a row begin, and one more
	values  []float64
	figAt   []int32
	figs    []int64
	ids     []byte
	sums    []byte
}

type stored struct {
	codec  byte
	length int
	b      []byte
}

type run struct{ from, to int }

type texts struct {
	summary, details string
	figures          int
}

func corrupt(what string) error { return fmt.Errorf("%w: %s", ErrCorrupt, what) }

// Open reads a segment.
func Open(b []byte) (*Segment, error) {
	if len(b) < len(magic)+2+4 || string(b[:len(magic)]) != magic {
		return nil, corrupt("no segment")
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, corrupt("checksum")
	}
	if body[len(magic)] != version {
		return nil, corrupt(fmt.Sprintf("version %d", body[len(magic)]))
	}
	s := &Segment{flags: body[len(magic)+1]}
	r := &reader{b: body[len(magic)+2:]}
	rows := r.count(MaxRows, 0)
	if n := r.uvarint(); n != streams || s.flags&^(withIDs|withSums) != 0 {
		return nil, corrupt("streams")
	}
	for i := range s.stored {
		codec := r.byte()
		length := r.count(maxStream, 0)
		part := r.bytes(r.count(maxStream, 1))
		if codec > codecZstd || (codec == codecPlain && length != len(part)) {
			return nil, corrupt("stream")
		}
		s.stored[i] = stored{codec: codec, length: length, b: part}
	}
	if !r.end() {
		return nil, corrupt("length")
	}
	if err := s.openWords(); err != nil {
		return nil, err
	}
	if err := s.openRuns(rows); err != nil {
		return nil, err
	}
	return s, s.openTimes()
}

// stream unpacks a stream.
func (s *Segment) stream(i int) (*reader, error) {
	st := s.stored[i]
	if st.codec == codecPlain {
		return &reader{b: st.b}, nil
	}
	z, err := unpacker()
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	// What the frame says of its size is not believed: the space grows with what comes out of it.
	out, err := z.DecodeAll(st.b, make([]byte, 0, min(st.length, 64*len(st.b)+1024)))
	if err != nil || len(out) != st.length {
		return nil, corrupt("packed stream")
	}
	return &reader{b: out}, nil
}

func (s *Segment) openWords() error {
	r, err := s.stream(words)
	if err != nil {
		return err
	}
	var at int64
	for range r.count(maxWords, 2) {
		var id string
		switch r.byte() {
		case 0:
			id = r.text()
		case 1:
			var u uuid.UUID
			copy(u[:], r.bytes(16))
			id = u.String()
		default:
			r.fail()
		}
		at += r.varint()
		s.rounds = append(s.rounds, id)
		s.firstAt = append(s.firstAt, at)
		if r.broken {
			return corrupt("rounds")
		}
	}
	if s.unit = int64(r.count(1000, 0)); s.unit != 1 && s.unit != 1000 {
		return corrupt("unit")
	}
	for range r.count(maxWords, 1) {
		shape := make([]probe.Perf, r.count(maxValues, 6))
		for i := range shape {
			shape[i] = probe.Perf{Label: r.text(), UOM: r.text(), Warn: r.text(), Crit: r.text(), Min: r.bound(), Max: r.bound()}
		}
		if r.broken {
			return corrupt("shapes")
		}
		s.shapes = append(s.shapes, shape)
	}
	for range r.count(maxWords, 2) {
		t := texts{summary: r.text(), details: r.text()}
		a, ok := holes(t.summary)
		b, also := holes(t.details)
		if r.broken || !ok || !also {
			return corrupt("templates")
		}
		t.figures = a + b
		s.texts = append(s.texts, t)
	}
	if !r.end() {
		return corrupt("words")
	}
	return nil
}

func (r *reader) bound() *float64 {
	switch r.byte() {
	case 0:
	case 1:
		if b := r.bytes(8); b != nil {
			v := math.Float64frombits(binary.LittleEndian.Uint64(b))
			return &v
		}
	default:
		r.fail()
	}
	return nil
}

func (s *Segment) openRuns(rows int) error {
	r, err := s.stream(runs)
	if err != nil {
		return err
	}
	var series int64
	for n := 0; n < rows; {
		series += int64(r.uvarint() & math.MaxInt64) //nolint:gosec // masked
		count := r.count(rows-n, 0)
		if r.broken || count == 0 || series < 0 {
			return corrupt("runs")
		}
		s.runs = append(s.runs, run{n, n + count})
		for range count {
			s.series = append(s.series, series)
		}
		n += count
	}
	if !r.end() {
		return corrupt("runs")
	}
	return nil
}

func (s *Segment) openTimes() error {
	rr, err := s.stream(rounds)
	if err != nil {
		return err
	}
	tr, err := s.stream(times)
	if err != nil {
		return err
	}
	s.round, s.ranAt = make([]int32, len(s.series)), make([]int64, len(s.series))
	for _, run := range s.runs {
		var round, off int64
		for i := run.from; i < run.to; i++ {
			round += rr.varint()
			off += tr.varint()
			if rr.broken || tr.broken || round < 0 || round >= int64(len(s.rounds)) {
				return corrupt("times")
			}
			s.round[i] = int32(round) //nolint:gosec // less than maxWords
			s.ranAt[i] = (s.firstAt[round] + off) * s.unit
		}
	}
	if !rr.end() || !tr.end() {
		return corrupt("times")
	}
	return nil
}

// Len is the number of rows, which are sorted by series and time.
func (s *Segment) Len() int { return len(s.series) }

// Series is the number of a row's series.
func (s *Segment) Series(i int) int64 { return s.series[i] }

// RanAt is the time of a row in µs since 1970.
func (s *Segment) RanAt(i int) int64 { return s.ranAt[i] }

// RoundID is the round of a row.
func (s *Segment) RoundID(i int) string { return s.rounds[s.round[i]] }

// Rounds are the rounds from which rows come.
func (s *Segment) Rounds() []string { return s.rounds }

// Find returns the rows of a series, from and before; the same twice when there are none.
func (s *Segment) Find(series int64) (from, to int) {
	lo, hi := 0, len(s.runs)
	for lo < hi {
		m := (lo + hi) / 2
		if s.series[s.runs[m].from] < series {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == len(s.runs) || s.series[s.runs[lo].from] != series {
		return 0, 0
	}
	return s.runs[lo].from, s.runs[lo].to
}

// unpack reads what a row has besides series, time and round.
func (s *Segment) unpack() error {
	if s.ready {
		return nil
	}
	if err := s.openForms(); err != nil {
		return err
	}
	if err := s.openValues(); err != nil {
		return err
	}
	if err := s.openFigures(); err != nil {
		return err
	}
	for _, c := range []struct {
		flag   byte
		stream int
		each   int
		into   *[]byte
	}{{withIDs, ids, 16, &s.ids}, {withSums, sums, 32, &s.sums}} {
		want := 0
		if s.flags&c.flag != 0 {
			want = c.each * len(s.series)
		}
		r, err := s.stream(c.stream)
		if err != nil {
			return err
		}
		if len(r.b) != want {
			return corrupt("ids or hashes")
		}
		*c.into = r.b
	}
	s.ready = true
	return nil
}

func (s *Segment) openForms() error {
	dr, err := s.stream(durations)
	if err != nil {
		return err
	}
	fr, err := s.stream(forms)
	if err != nil {
		return err
	}
	n := len(s.series)
	s.took, s.shape, s.tmpl = make([]int64, n), make([]int32, n), make([]int32, n)
	for _, run := range s.runs {
		var took, shape, tmpl int64
		for i := run.from; i < run.to; i++ {
			took += dr.varint()
			shape += fr.varint()
			tmpl += fr.varint()
			if dr.broken || fr.broken || shape < 0 || shape >= int64(len(s.shapes)) || tmpl < 0 || tmpl >= int64(len(s.texts)) {
				return corrupt("forms")
			}
			s.took[i], s.shape[i], s.tmpl[i] = unpackTook(took), int32(shape), int32(tmpl) //nolint:gosec // less than maxWords
		}
	}
	if !dr.end() || !fr.end() {
		return corrupt("forms")
	}
	return nil
}

func (s *Segment) openValues() error {
	var in [valueStreams]*reader
	space := 0
	for i := range in {
		var err error
		if in[i], err = s.stream(valuesFirst + i); err != nil {
			return err
		}
		space += len(in[i].b)
	}
	s.valueAt = make([]int32, len(s.series)+1)
	total := 0
	for i := range s.series {
		s.valueAt[i] = int32(total) //nolint:gosec // bounded by space
		// Each value takes a byte at least.
		if total += len(s.shapes[s.shape[i]]); total > space {
			return corrupt("values")
		}
	}
	s.valueAt[len(s.series)] = int32(total) //nolint:gosec // bounded by space
	s.values = make([]float64, total)
	for _, run := range s.runs {
		most := 0
		for i := run.from; i < run.to; i++ {
			most = max(most, len(s.shapes[s.shape[i]]))
		}
		for place := range most {
			r := in[min(place, valueStreams-1)]
			v := r.values()
			for i := run.from; i < run.to; i++ {
				if place < len(s.shapes[s.shape[i]]) {
					s.values[int(s.valueAt[i])+place] = v.next(r)
				}
			}
			if r.broken {
				return corrupt("values")
			}
		}
	}
	for _, r := range in {
		if !r.end() {
			return corrupt("values")
		}
	}
	return nil
}

func (s *Segment) openFigures() error {
	r, err := s.stream(figures)
	if err != nil {
		return err
	}
	s.figAt = make([]int32, len(s.series)+1)
	for _, run := range s.runs {
		before := -1 // where the figures of the row before begin, if it has the same template
		for i := run.from; i < run.to; i++ {
			if i == run.from || s.tmpl[i] != s.tmpl[i-1] {
				before = -1
			}
			at := len(s.figs)
			s.figAt[i] = int32(at) //nolint:gosec // each takes a byte of a bounded stream
			for k := range s.texts[s.tmpl[i]].figures {
				f := r.varint()
				if before >= 0 {
					f += s.figs[before+k]
				}
				if r.broken {
					return corrupt("figures")
				}
				s.figs = append(s.figs, f)
			}
			before = at
		}
	}
	s.figAt[len(s.series)] = int32(len(s.figs)) //nolint:gosec // as above
	if !r.end() {
		return corrupt("figures")
	}
	return nil
}

// Row reads one row.
func (s *Segment) Row(i int) (Row, error) {
	if err := s.unpack(); err != nil {
		return Row{}, err
	}
	r := Row{Series: s.series[i], RoundID: s.RoundID(i), RanAt: s.ranAt[i], Took: s.took[i], Perf: s.perf(i)}
	t := s.texts[s.tmpl[i]]
	figs := s.figs[s.figAt[i]:s.figAt[i+1]]
	var ok bool
	if r.Summary, figs, ok = fill(t.summary, r.Perf, figs); !ok {
		return Row{}, corrupt("summary")
	}
	if r.Details, _, ok = fill(t.details, r.Perf, figs); !ok {
		return Row{}, corrupt("details")
	}
	if len(s.ids) > 0 {
		if id := uuid.UUID(s.ids[16*i : 16*i+16]); id != uuid.Nil {
			r.ID = id.String()
		}
	}
	if len(s.sums) > 0 {
		r.Sum = hex.EncodeToString(s.sums[32*i : 32*i+32])
	}
	return r, nil
}

// Perf reads the measured values of one row.
func (s *Segment) Perf(i int) ([]probe.Perf, error) {
	if err := s.unpack(); err != nil {
		return nil, err
	}
	return s.perf(i), nil
}

func (s *Segment) perf(i int) []probe.Perf {
	shape := s.shapes[s.shape[i]]
	out := make([]probe.Perf, len(shape))
	copy(out, shape)
	for k := range out {
		out[k].Value = s.values[int(s.valueAt[i])+k]
	}
	return out
}

// Runs calls f for each series with its rows, from and before, in the order of series.
func (s *Segment) Runs(f func(series int64, from, to int)) {
	for _, r := range s.runs {
		f(s.series[r.from], r.from, r.to)
	}
}

// ID is the id of a row, "" when it follows from round, check and time.
func (s *Segment) ID(i int) (string, error) {
	if s.flags&withIDs == 0 {
		return "", nil
	}
	if err := s.unpack(); err != nil {
		return "", err
	}
	if id := uuid.UUID(s.ids[16*i : 16*i+16]); id != uuid.Nil {
		return id.String(), nil
	}
	return "", nil
}
