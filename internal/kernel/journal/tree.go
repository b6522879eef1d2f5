package journal

import (
	"bytes"
	"math/bits"
)

// tree is the Merkle tree (默克尔树) of RFC 6962 §2.1 with SM3 over the hashes of rows, grown row by row in
// memory that is logarithmic in its size.
type tree struct {
	size  int64
	stack [][]byte // roots of the perfect subtrees, the largest first
}

func leafOf(rowHash []byte) []byte     { return sum(markLeaf, rowHash) }
func nodeOf(left, right []byte) []byte { return sum(markNode, left, right) }
func emptyRoot() []byte                { return sum(markLeaf) }
func (t *tree) add(rowHash []byte) {
	n := leafOf(rowHash)
	// A subtree is complete for each low bit of the size that is set.
	for s := t.size; s&1 == 1; s >>= 1 {
		n = nodeOf(t.stack[len(t.stack)-1], n)
		t.stack = t.stack[:len(t.stack)-1]
	}
	t.stack = append(t.stack, n)
	t.size++
}

func (t *tree) root() []byte {
	if t.size == 0 {
		return emptyRoot()
	}
	r := t.stack[len(t.stack)-1]
	for i := len(t.stack) - 2; i >= 0; i-- {
		r = nodeOf(t.stack[i], r)
	}
	return r
}

// levels holds a whole tree of a segment, for the proofs of many rows.
type levels [][][]byte

func buildLevels(rowHashes [][]byte) levels {
	level := make([][]byte, len(rowHashes))
	for i, h := range rowHashes {
		level[i] = leafOf(h)
	}
	out := levels{level}
	for len(level) > 1 {
		next := make([][]byte, 0, (len(level)+1)/2)
		for i := 0; i+1 < len(level); i += 2 {
			next = append(next, nodeOf(level[i], level[i+1]))
		}
		if len(level)%2 == 1 { // the last one is carried up as it is
			next = append(next, level[len(level)-1])
		}
		out, level = append(out, next), next
	}
	return out
}

func (l levels) root() []byte {
	top := l[len(l)-1]
	if len(top) == 0 {
		return emptyRoot()
	}
	return top[0]
}

// proof is the audit path of one leaf (RFC 6962 §2.1.1), from the leaf upwards.
func (l levels) proof(index int) [][]byte {
	out := [][]byte{}
	for _, level := range l[:len(l)-1] {
		if sibling := index ^ 1; sibling < len(level) {
			out = append(out, level[sibling])
		}
		index >>= 1
	}
	return out
}

// proves reports whether the path leads from the row to the root (RFC 9162 §2.1.3.2).
func proves(rowHash []byte, index, size int64, path [][]byte, root []byte) bool {
	if index < 0 || index >= size || len(path) > bits.Len64(uint64(size)) {
		return false
	}
	fn, sn := index, size-1
	r := leafOf(rowHash)
	for _, p := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = nodeOf(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = nodeOf(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && bytes.Equal(r, root)
}
