package journal

import (
	"bytes"
	"fmt"
	"testing"
)

// reference computes the root as RFC 6962 §2.1 words it.
func reference(hashes [][]byte) []byte {
	switch n := len(hashes); n {
	case 0:
		return emptyRoot()
	case 1:
		return leafOf(hashes[0])
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		return nodeOf(reference(hashes[:k]), reference(hashes[k:]))
	}
}

func TestTreeAndProofs(t *testing.T) {
	var hashes [][]byte
	var grown tree
	for n := 0; n <= 70; n++ {
		want := reference(hashes)
		if !bytes.Equal(grown.root(), want) || !bytes.Equal(buildLevels(hashes).root(), want) {
			t.Fatalf("root of %d", n)
		}
		l := buildLevels(hashes)
		for i, h := range hashes {
			path := l.proof(i)
			if !proves(h, int64(i), int64(n), path, want) {
				t.Fatalf("proof of %d in %d", i, n)
			}
			if proves(h, int64(i+1)%int64(n), int64(n), path, want) && n > 1 {
				t.Fatalf("proof of %d holds for another place in %d", i, n)
			}
			if n > 1 && proves(hashes[(i+1)%n], int64(i), int64(n), path, want) {
				t.Fatalf("proof of %d holds for another row in %d", i, n)
			}
			if len(path) > 0 && proves(h, int64(i), int64(n), path[1:], want) {
				t.Fatalf("a short proof of %d holds in %d", i, n)
			}
		}
		next := sum(markLink, fmt.Append(nil, n))
		hashes = append(hashes, next)
		grown.add(next)
	}
}
