package access

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
)

//go:embed common.txt
var commonWords string

// passwordRules refuse what is guessed first (口令强度).
type passwordRules struct{ common map[string]bool }

func newPasswordRules() passwordRules {
	r := passwordRules{common: map[string]bool{}}
	for _, line := range strings.Split(commonWords, "\n") {
		if w := strings.TrimSpace(line); w != "" && !strings.HasPrefix(w, "#") {
			r.common[w] = true
		}
	}
	return r
}

// Lengths in characters. The maximum keeps a request from buying hashing time by size.
const (
	passwordMin      = 10 // with three kinds of characters
	passwordMinPlain = 12
	passwordMax      = 128
	loginMinToCheck  = 3
)

// check returns a problem with code password_weak that says which rule was broken.
func (r passwordRules) check(location, login string, password secret.Text) error {
	code, message := r.broken(login, password.Reveal())
	if code == "" {
		return nil
	}
	p := problem.New(CodePasswordWeak, "%s", message)
	p.Fields = []problem.Field{{Location: location, Code: code, Message: message}}
	return p
}

func (r passwordRules) broken(login, password string) (code, message string) {
	n := utf8.RuneCountInString(password)
	lower := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password) || n > passwordMax:
		return "too_long", "at most 128 characters of text"
	case n < passwordMin || n < passwordMinPlain && kinds(password) < 3:
		return "too_short", "at least 12 characters, or 10 with three of: small letters, capitals, digits, other characters"
	case utf8.RuneCountInString(login) >= loginMinToCheck && strings.Contains(lower, strings.ToLower(login)):
		return "contains_login", "the login must not be part of it"
	case kinds(password) == 1 && strings.IndexFunc(password, unicode.IsDigit) >= 0:
		return "only_digits", "digits alone are guessed from telephone, birthday and identity numbers"
	case distinct(password) < 5 || sequence(lower):
		return "too_simple", "repeated or consecutive characters are guessed first"
	case r.guessed(lower):
		return "common", "it is made of one of the commonest passwords"
	}
	return "", ""
}

// kinds counts the kinds of characters in use.
func kinds(s string) int {
	var lower, upper, digit, other int
	for _, c := range s {
		switch {
		case unicode.IsLower(c):
			lower = 1
		case unicode.IsUpper(c):
			upper = 1
		case unicode.IsDigit(c):
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, c := range s {
		seen[c] = true
	}
	return len(seen)
}

// sequence reports a text that is for the most part a run such as abcdefgh or 87654321.
func sequence(s string) bool {
	cs := []rune(s)
	run, longest, step := 1, 1, rune(0)
	for i := 1; i < len(cs); i++ {
		if d := cs[i] - cs[i-1]; d == step && (d == 1 || d == -1 || d == 0) {
			run++
		} else if d == 1 || d == -1 || d == 0 {
			step, run = d, 2
		} else {
			step, run = 0, 1
		}
		longest = max(longest, run)
	}
	return longest*3 >= len(cs)*2
}

// guessed reports a password that is nothing but a few common words with common ornaments: what is
// left of it, after taking the words and the usual replacements (P@ssw0rd) away, is short.
func (r passwordRules) guessed(lower string) bool {
	plain := strings.NewReplacer("@", "a", "$", "s", "0", "o", "1", "i", "3", "e", "5", "s", "7", "t").Replace(lower)
	return r.common[lower] || r.rest(lower) < 5 || r.rest(plain) < 5
}

// rest counts the characters that remain when common words of four letters and more are taken out,
// the longest first.
func (r passwordRules) rest(s string) int {
	words := make([]string, 0, 8)
	for w := range r.common {
		if len(w) >= 4 && strings.Contains(s, w) {
			words = append(words, w)
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	for _, w := range words {
		s = strings.ReplaceAll(s, w, "")
	}
	return utf8.RuneCountInString(s)
}
