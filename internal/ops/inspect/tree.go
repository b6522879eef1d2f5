package inspect

import (
	"encoding/hex"

	"github.com/emmansun/gmsm/sm3"
)

// treeRoot is the root of the Merkle tree (RFC 6962 §2.1, with SM3) over the hashes of a round's
// results in the order of their checks. It stands in the round's closing row of the journal, so that
// one result can be shown to belong to it without the others.
func treeRoot(leaves []string) string {
	root, _ := treePath(leaves, 0)
	return root
}

// Step is one step from a leaf to the root of a tree.
type Step struct {
	Side string `json:"side" enum:"left,right" doc:"Where the other hash stands"`
	Hash string `json:"hash" doc:"SM3 in hex"`
}

// treePath is the root of a tree with the steps that lead to it from one of its leaves.
func treePath(leaves []string, of int) (root string, path []Step) {
	level := make([][]byte, len(leaves))
	for i, l := range leaves {
		level[i] = digest(append([]byte{0}, l...))
	}
	if len(level) == 0 {
		return hex.EncodeToString(digest(nil)), nil
	}
	for len(level) > 1 {
		if of%2 == 1 {
			path = append(path, Step{Side: "left", Hash: hex.EncodeToString(level[of-1])})
		} else if of+1 < len(level) {
			path = append(path, Step{Side: "right", Hash: hex.EncodeToString(level[of+1])})
		}
		of /= 2
		next := level[:0:0]
		for i := 0; i < len(level); i += 2 {
			if i+1 == len(level) {
				next = append(next, level[i]) // the last one is carried up as it is
				break
			}
			next = append(next, digest(append(append([]byte{1}, level[i]...), level[i+1]...)))
		}
		level = next
	}
	return hex.EncodeToString(level[0]), path
}

func digest(b []byte) []byte {
	sum := sm3.Sum(b)
	return sum[:]
}
