// Package grams makes text searchable on both engines without a dictionary (二元切分).
//
// Text is cut into overlapping pairs of characters, each as one word that every tokenizer leaves whole.
// Two-character words such as 发票 are the rule in Chinese, and an index over pairs in their order finds
// any run of two or more characters exactly where it stands; a last word of one character closes the
// text, so that a search for one character can look for words that begin with it. Letters are folded
// (NFKC, small), blanks are single.
package grams

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Cut returns the words of a text in their order.
func Cut(text string) []string {
	runes := folded(text)
	var out []string
	for i, r := range runes {
		w := code(r)
		if i+1 < len(runes) {
			w += code(runes[i+1])
		}
		out = append(out, w)
	}
	return out
}

// folded makes small letters and single blanks.
func folded(text string) []rune {
	return []rune(strings.Join(strings.FieldsFunc(strings.ToLower(norm.NFKC.String(text)), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " "))
}

// code writes a character as four letters or digits, so that a word of one character is a prefix of
// just those words of two that begin with it.
func code(r rune) string {
	s := strconv.FormatInt(int64(r), 36)
	return "0000"[len(s):] + s
}

// FTSQuery asks SQLite's FTS5 for a text; "" when there is nothing to look for.
func FTSQuery(text string) string {
	g := Cut(text)
	switch len(g) {
	case 0:
		return ""
	case 1:
		return `"` + g[0] + `"*`
	}
	return `"` + strings.Join(g[:len(g)-1], " ") + `"`
}

// TSQuery asks PostgreSQL's text search for a text; "" when there is nothing to look for.
func TSQuery(text string) string {
	g := Cut(text)
	switch len(g) {
	case 0:
		return ""
	case 1:
		return g[0] + ":*"
	}
	return strings.Join(g[:len(g)-1], " <-> ")
}

// TSVector writes words with their places as PostgreSQL's text search reads them.
func TSVector(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(min(i+1, 16383)))
	}
	return b.String()
}
