package builtin

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// maxSQL is how long a statement of a check may be.
const maxSQL = 8 << 10

// checkSQL refuses what is not one reading statement: whatever the account may do, a check only
// looks. It is the first of three fences; the second is the read-only transaction, the third the
// rights of the account. Words inside quotes and comments do not count.
func checkSQL(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("sql is empty")
	}
	if len(text) > maxSQL {
		return fmt.Errorf("sql is longer than %d bytes", maxSQL)
	}
	words, err := sqlWords(text)
	if err != nil {
		return err
	}
	if len(words) > 0 && words[len(words)-1] == ";" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 || (words[0] != "SELECT" && words[0] != "WITH") {
		return errors.New("sql must be one SELECT (or WITH … SELECT)")
	}
	for i, w := range words {
		switch w {
		case ";":
			return errors.New("sql must be one statement")
		case "INTO", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "DROP", "ALTER", "CREATE", "GRANT", "REVOKE", "CALL", "EXECUTE", "COPY", "LOCK", "LOAD":
			if w == "UPDATE" && i > 0 && words[i-1] == "FOR" {
				return errors.New("sql must not lock rows (FOR UPDATE)")
			}
			return fmt.Errorf("sql must only read: %s is not allowed", w)
		case "SHARE":
			if i > 0 && (words[i-1] == "FOR" || words[i-1] == "KEY" || words[i-1] == "IN") {
				return errors.New("sql must not lock rows (FOR SHARE)")
			}
		}
	}
	return nil
}

// sqlWords returns the words and semicolons outside quotes and comments, in capital letters.
func sqlWords(text string) ([]string, error) {
	var words []string
	r := []rune(text)
	at := func(i int) rune {
		if i < len(r) {
			return r[i]
		}
		return 0
	}
	for i := 0; i < len(r); {
		c := r[i]
		switch {
		case c == 0:
			return nil, errors.New("sql must not hold a NUL")
		case c == '\'' || c == '"' || c == '`':
			end := i + 1
			for ; end < len(r) && r[end] != c; end++ {
				if r[end] == '\\' {
					// One engine takes it as an escape, the other does not: they would disagree where the text ends.
					return nil, errors.New("sql must not hold a backslash inside quotes")
				}
			}
			if end == len(r) {
				return nil, errors.New("sql has a quote that does not end")
			}
			i = end + 1
		case c == '$' && (at(i+1) == '$' || unicode.IsLetter(at(i+1)) || at(i+1) == '_'):
			return nil, errors.New("sql must not hold dollar quotes")
		case c == '#':
			return nil, errors.New("sql must not hold #: it is a comment in one engine and an operator in another")
		case c == '-' && at(i+1) == '-':
			for i < len(r) && r[i] != '\n' {
				i++
			}
		case c == '/' && at(i+1) == '*':
			if at(i+2) == '!' || (at(i+2) == 'M' && at(i+3) == '!') {
				return nil, errors.New("sql must not hold comments that a server executes")
			}
			end := i + 2
			for end < len(r) && (r[end] != '*' || at(end+1) != '/') {
				if r[end] == '/' && at(end+1) == '*' {
					return nil, errors.New("sql must not nest comments")
				}
				end++
			}
			if end >= len(r) {
				return nil, errors.New("sql has a comment that does not end")
			}
			i = end + 2
		case c == ';':
			words = append(words, ";")
			i++
		case unicode.IsLetter(c) || c == '_':
			end := i
			for end < len(r) && (unicode.IsLetter(r[end]) || unicode.IsDigit(r[end]) || r[end] == '_' || r[end] == '$' || r[end] == '#') {
				end++
			}
			words = append(words, strings.ToUpper(string(r[i:end])))
			i = end
		default:
			i++
		}
	}
	return words, nil
}
