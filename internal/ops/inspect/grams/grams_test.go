package grams

import (
	"testing"

	"pgregory.net/rapid"
)

func TestCutFindsSubstrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z发票寄递0-9 .:/-]{0,30}`).Draw(t, "text")
		words := Cut(text)
		runes := folded(text)
		if len(words) != len(runes) {
			t.Fatalf("%d words for %d characters", len(words), len(runes))
		}
		if len(runes) < 2 {
			return
		}
		from := rapid.IntRange(0, len(runes)-2).Draw(t, "from")
		to := rapid.IntRange(from+2, len(runes)).Draw(t, "to")
		part := Cut(string(runes[from:to]))
		for i, w := range part[:len(part)-1] {
			if from == 0 && to == len(runes) || words[from+i] == w {
				continue
			}
			if string(runes[from:to]) == string(folded(string(runes[from:to]))) {
				t.Fatalf("word %d of %q is not in its place in %q", i, string(runes[from:to]), text)
			}
		}
	})
}

func TestQueries(t *testing.T) {
	for _, q := range []string{"", "  ", "\t\n"} {
		if FTSQuery(q) != "" || TSQuery(q) != "" {
			t.Errorf("%q asks for something", q)
		}
	}
	words := Cut("发票A")
	if len(words) != 3 || len(words[0]) != 8 || len(words[2]) != 4 {
		t.Fatalf("words: %v", words)
	}
	if got := FTSQuery("发"); got != `"`+words[0][:4]+`"*` {
		t.Errorf("one character: %s", got)
	}
	if got := FTSQuery("发票a"); got != `"`+words[0]+" "+words[1]+`"` {
		t.Errorf("a run: %s", got)
	}
	if got := TSQuery("发票a"); got != words[0]+" <-> "+words[1] {
		t.Errorf("a run: %s", got)
	}
	if got := TSVector(words); got != words[0]+":1 "+words[1]+":2 "+words[2]+":3" {
		t.Errorf("vector: %s", got)
	}
}
