package access

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"taxops/internal/kernel/problem"
)

// foldLogin makes one login of what people type for it: full-width letters, capitals, blanks.
func foldLogin(s string) string {
	return strings.ToLower(strings.TrimSpace(norm.NFKC.String(s)))
}

// readLogin folds a new login and refuses what could not be typed again or mistaken for another.
func readLogin(location, s string) (string, error) {
	s = foldLogin(s)
	if n := utf8.RuneCountInString(s); n < 2 || n > 64 {
		return "", problem.InvalidField(location, "length", "a login has 2 to 64 characters")
	}
	for i, c := range s {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || i > 0 && strings.ContainsRune("._-@", c) {
			continue
		}
		return "", problem.InvalidField(location, "characters", "a login begins with a letter or digit and holds letters, digits and . _ - @")
	}
	return s, nil
}

// readName tidies what a person is called.
func readName(location, s string) (string, error) {
	s = strings.TrimSpace(norm.NFC.String(s))
	if n := utf8.RuneCountInString(s); n < 1 || n > 64 {
		return "", problem.InvalidField(location, "length", "a name has 1 to 64 characters")
	}
	if strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || c == utf8.RuneError }) {
		return "", problem.InvalidField(location, "characters", "a name is plain text on one line")
	}
	return s, nil
}

// readReason tidies why something is done.
func readReason(s string) (string, error) {
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n < 1 || n > 500 || !utf8.ValidString(s) {
		return "", problem.InvalidField("body.reason", "length", "a reason has 1 to 500 characters")
	}
	return s, nil
}
