package segment

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// reader takes values from a stream; after the first that is not there it is broken and gives zeros.
type reader struct {
	b      []byte
	broken bool
}

func (r *reader) fail() { r.b, r.broken = nil, true }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count takes a number that cannot be more than most, nor than what each costs in bytes allows.
func (r *reader) count(most, each int) int {
	v := r.uvarint()
	if v > uint64(most) || (each > 0 && v > uint64(len(r.b)/each)) { //nolint:gosec // both are not negative
		r.fail()
		return 0
	}
	return int(v) //nolint:gosec // bounded by most
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) text() string { return string(r.bytes(r.count(maxStream, 1))) }

// end reports whether all was there and nothing is left.
func (r *reader) end() bool { return !r.broken && len(r.b) == 0 }

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Durations of at most two digits, as the program measures those it stores, become small numbers that lie
// close together when the durations do.
func packTook(us int64) int64 {
	if us >= 0 {
		d, e := us, int64(0)
		for d >= 100 && d%10 == 0 {
			d, e = d/10, e+1
		}
		switch {
		case d < 10:
			return d << 1 // e is 0: 0…9
		case d < 100:
			return (90*e + d) << 1
		}
	}
	return us<<1 | 1
}

func unpackTook(v int64) int64 {
	n := v >> 1
	if v&1 == 1 {
		return n
	}
	if n < 10 {
		return max(n, 0)
	}
	e, d := (n-10)/90, 10+(n-10)%90
	for range min(e, 17) {
		d *= 10
	}
	return d
}

// maxDecimals is how many decimals values may have and still be kept as whole numbers.
const maxDecimals = 12

// asBits marks values that are kept bit by bit.
const asBits = 255

// decimals is how many decimals a value has, or -1 when it has too many or is not exact as a decimal.
func decimals(v float64) int {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 && (v != 0 || !math.Signbit(v)) {
		return 0
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	_, after, dotted := strings.Cut(s, ".")
	if !dotted || len(after) > maxDecimals {
		return -1
	}
	n, ok := scaled(v, len(after))
	if !ok || unscaled(n, len(after)) != v {
		return -1
	}
	return len(after)
}

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

func scaled(v float64, e int) (int64, bool) {
	n := math.Round(v * powers[e])
	if math.Abs(n) >= 1<<53 {
		return 0, false
	}
	return int64(n), true
}

func unscaled(n int64, e int) float64 { return float64(n) / powers[e] }

// appendValues writes the values of one series at one place.
func appendValues(b []byte, values []float64) []byte {
	e := 0
	for _, v := range values {
		d := decimals(v)
		if d < 0 {
			e = -1
			break
		}
		e = max(e, d)
	}
	for _, v := range values {
		if e < 0 {
			break
		}
		if n, ok := scaled(v, e); !ok || unscaled(n, e) != v || (v == 0 && math.Signbit(v)) {
			e = -1
		}
	}
	if e < 0 {
		b = append(b, asBits)
		var before uint64
		for _, v := range values {
			now := math.Float64bits(v)
			b = binary.AppendUvarint(b, now^before)
			before = now
		}
		return b
	}
	b = append(b, byte(e))
	var before int64
	for _, v := range values {
		n, _ := scaled(v, e)
		b = binary.AppendVarint(b, n-before)
		before = n
	}
	return b
}

// values reads values one by one.
type values struct {
	mode   int // decimals, or asBits
	number int64
	bits   uint64
}

func (r *reader) values() values {
	mode := int(r.byte())
	if mode > maxDecimals && mode != asBits {
		r.fail()
		mode = 0
	}
	return values{mode: mode}
}

func (v *values) next(r *reader) float64 {
	if v.mode == asBits {
		v.bits ^= r.uvarint()
		return math.Float64frombits(v.bits)
	}
	v.number += r.varint()
	return unscaled(v.number, v.mode)
}
