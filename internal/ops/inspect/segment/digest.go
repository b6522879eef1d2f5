package segment

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strconv"
)

// States of which a digest counts results, in their order.
const (
	DigestOK = iota
	DigestWarning
	DigestCritical
	DigestUnknown
	DigestNoSource
	digestStates
)

// Digest is what is kept of one day of a check for charts: a span for each hour with results, or one for
// the whole day.
type Digest struct {
	Spans []Span
	Lines []Line
}

// Span is some hours of a day with the number of results of each state.
type Span struct {
	From, Hours int // hours since the day began
	States      [digestStates]int
}

// Line is the course of one measured value: for each span how many results have it, and the lowest, the
// average and the highest.
type Line struct {
	Label, UOM, Warn, Crit string
	N                      []int
	Min, Avg, Max          []float64 // 0 where N is
}

const digestVersion = 1

// round5 keeps what a chart can show.
func round5(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// Encode writes a digest: a version byte; spans: count, then for each its hour, hours and states as
// uvarint; lines: count, then for each label, unit, warn, crit as text, the numbers of values as uvarint,
// and lows, averages and highs where there are any as in a segment; CRC-32C. Averages are kept to five
// digits.
func (d *Digest) Encode() []byte {
	b := []byte{digestVersion}
	b = binary.AppendUvarint(b, uint64(len(d.Spans)))
	for _, s := range d.Spans {
		b = binary.AppendUvarint(b, uint64(s.From))  //nolint:gosec // 0…23
		b = binary.AppendUvarint(b, uint64(s.Hours)) //nolint:gosec // 1…24
		for _, n := range s.States {
			b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // a count
		}
	}
	b = binary.AppendUvarint(b, uint64(len(d.Lines)))
	for _, l := range d.Lines {
		for _, text := range []string{l.Label, l.UOM, l.Warn, l.Crit} {
			b = appendText(b, text)
		}
		for _, n := range l.N {
			b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // a count
		}
		for i, column := range [][]float64{l.Min, l.Avg, l.Max} {
			var there []float64
			for k, v := range column {
				if l.N[k] > 0 {
					if i == 1 {
						v = round5(v)
					}
					there = append(there, v)
				}
			}
			b = appendValues(b, there)
		}
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// OpenDigest reads a digest.
func OpenDigest(b []byte) (*Digest, error) {
	if len(b) < 5 || crc32.Checksum(b[:len(b)-4], castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) || b[0] != digestVersion {
		return nil, corrupt("digest")
	}
	r := &reader{b: b[1 : len(b)-4]}
	d := &Digest{Spans: make([]Span, r.count(24, 0))}
	for i := range d.Spans {
		s := &d.Spans[i]
		s.From, s.Hours = r.count(23, 0), r.count(24, 0)
		for k := range s.States {
			s.States[k] = r.count(math.MaxInt32, 0)
		}
	}
	for range r.count(maxValues, 7) {
		l := Line{Label: r.text(), UOM: r.text(), Warn: r.text(), Crit: r.text(), N: make([]int, len(d.Spans))}
		for i := range l.N {
			l.N[i] = r.count(math.MaxInt32, 0)
		}
		for _, column := range []*[]float64{&l.Min, &l.Avg, &l.Max} {
			*column = make([]float64, len(d.Spans))
			v := r.values()
			for i, n := range l.N {
				if n > 0 {
					(*column)[i] = v.next(r)
				}
			}
		}
		if r.broken {
			return nil, corrupt("digest")
		}
		d.Lines = append(d.Lines, l)
	}
	if !r.end() {
		return nil, corrupt("digest")
	}
	return d, nil
}

// Whole makes one span of all: what is kept of a day that is long ago.
func (d *Digest) Whole() *Digest {
	if len(d.Spans) == 0 {
		return d
	}
	out := &Digest{Spans: []Span{{Hours: 24}}}
	for _, s := range d.Spans {
		for k, n := range s.States {
			out.Spans[0].States[k] += n
		}
	}
	for _, l := range d.Lines {
		w := Line{Label: l.Label, UOM: l.UOM, Warn: l.Warn, Crit: l.Crit, N: []int{0}, Min: []float64{0}, Avg: []float64{0}, Max: []float64{0}}
		sum := 0.0
		for i, n := range l.N {
			if n == 0 {
				continue
			}
			if w.N[0] == 0 || l.Min[i] < w.Min[0] {
				w.Min[0] = l.Min[i]
			}
			if w.N[0] == 0 || l.Max[i] > w.Max[0] {
				w.Max[0] = l.Max[i]
			}
			w.N[0] += n
			sum += l.Avg[i] * float64(n)
		}
		if w.N[0] > 0 {
			w.Avg[0] = sum / float64(w.N[0])
		}
		out.Lines = append(out.Lines, w)
	}
	return out
}
