package segment

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func drawDigest(t *rapid.T) *Digest {
	n := rapid.IntRange(0, 24).Draw(t, "spans")
	d := &Digest{Spans: make([]Span, n)}
	for i := range d.Spans {
		d.Spans[i] = Span{From: i, Hours: 1}
		for k := range d.Spans[i].States {
			d.Spans[i].States[k] = rapid.IntRange(0, 60).Draw(t, "results")
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		l := Line{Label: rapid.String().Draw(t, "label"), UOM: "%", N: make([]int, n), Min: make([]float64, n), Avg: make([]float64, n), Max: make([]float64, n)}
		for i := range n {
			if l.N[i] = rapid.IntRange(0, 12).Draw(t, "n"); l.N[i] > 0 {
				low := round5(rapid.Float64Range(-1e9, 1e9).Draw(t, "low"))
				l.Min[i], l.Avg[i], l.Max[i] = low, round5(low+1), low+2
			}
		}
		d.Lines = append(d.Lines, l)
	}
	return d
}

func TestDigestReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDigest(t)
		got, err := OpenDigest(d.Encode())
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, got, d)
		}
		w := d.Whole()
		if again, err := OpenDigest(w.Encode()); err != nil || len(again.Spans) > 1 {
			t.Fatalf("whole day: %+v %v", again, err)
		}
		for li, l := range w.Lines {
			for i, n := range d.Lines[li].N {
				if n > 0 && (d.Lines[li].Min[i] < l.Min[0] || d.Lines[li].Max[i] > l.Max[0]) {
					t.Fatal("a low or high of an hour is not in the day")
				}
			}
		}
	})
}

func FuzzOpenDigest(f *testing.F) {
	d := &Digest{Spans: []Span{{From: 3, Hours: 1}, {From: 4, Hours: 1}}, Lines: []Line{{
		Label: "time", N: []int{1, 2}, Min: []float64{1, 2}, Avg: []float64{1, 3}, Max: []float64{1, 4},
	}}}
	b := d.Encode()
	f.Add(b[:len(b)-4])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.LittleEndian.AppendUint32(b[:len(b):len(b)], crc32.Checksum(b, castagnoli))
		d, err := OpenDigest(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		d.Whole().Encode()
	})
}
