package segment

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

// Whatever the bytes, also with a right checksum: an error or rows, never a panic.
func FuzzOpen(f *testing.F) {
	for _, o := range []Options{{}, {Fast: true}, {Sums: true, Fast: true}} {
		for _, rows := range [][]Row{nil, day(1, 1), day(7, 3)} {
			b, err := Encode(rows, o)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b[:len(b)-4])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.LittleEndian.AppendUint32(b[:len(b):len(b)], crc32.Checksum(b, castagnoli))
		s, err := Open(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		for i := range s.Len() {
			if _, err := s.Row(i); err != nil && !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
		}
		s.Find(7)
	})
}
