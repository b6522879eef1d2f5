package remote

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// MaxBundle is how long a bundle may be.
const MaxBundle = 32 << 20

// maxFiles is how many files a bundle may hold.
const maxFiles = 20_000

// Part is what belongs together and is asked for at once.
type Part struct {
	Files  []string // patterns of files whose content is wanted
	Exists []string // patterns of which only the names are wanted
}

// Bundle is what a host answered.
type Bundle struct {
	files  map[string][]byte
	exists []string
	denied []string // there, and not for this account
}

// Denied lists what the account may not read.
func (b Bundle) Denied() []string { return b.denied }

// Len is the number of files.
func (b Bundle) Len() int { return len(b.files) }

// Nonce makes a mark that no file holds by chance.
func Nonce() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a mark: %w", err)
	}
	return "=taxops-" + hex.EncodeToString(b[:]), nil
}

// Script is a script of sh that prints a part, each file behind a line with the mark: it needs sh and
// cat and writes nothing. Patterns are words of this program, or paths that a person gave; only *, ?
// and brackets mean something in them.
func Script(nonce string, p Part) string {
	var s strings.Builder
	s.WriteString("LC_ALL=C; export LC_ALL; PATH=/usr/bin:/bin:/usr/sbin:/sbin; export PATH; N=" + Quote(nonce) + "\n")
	s.WriteString(`f() { for i in "$@"; do
if [ -d "$i" ]; then :
elif [ -r "$i" ]; then printf '\n%s F %s\n' "$N" "$i"; cat "$i" 2>/dev/null; printf '\n%s E %s\n' "$N" "$?"
elif [ -e "$i" ]; then printf '\n%s P %s\n' "$N" "$i"; fi; done; }
x() { for i in "$@"; do [ -e "$i" ] && printf '\n%s X %s\n' "$N" "$i"; done; }
`)
	for _, pattern := range p.Files {
		s.WriteString("f " + glob(pattern) + "\n")
	}
	for _, pattern := range p.Exists {
		s.WriteString("x " + glob(pattern) + "\n")
	}
	s.WriteString("printf '\\n%s Z\\n' \"$N\"\n")
	return s.String()
}

// glob quotes everything of a pattern but what makes it one. Inside brackets only letters, digits and
// the dash between them mean what they say, so that these stay bare.
func glob(pattern string) string {
	var s, plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			s.WriteString(Quote(plain.String()))
			plain.Reset()
		}
	}
	inside := false
	for _, r := range pattern {
		word := r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if strings.ContainsRune("*?[]", r) || inside && word {
			flush()
			s.WriteRune(r)
			inside = r != ']' && (inside || r == '[')
			continue
		}
		plain.WriteRune(r)
	}
	flush()
	return s.String()
}

// ErrBundle is an answer that is no bundle: the account has no shell, or says something else first.
var ErrBundle = errors.New("answer is no bundle")

// Parse reads what the script printed.
func Parse(nonce string, out []byte) (Bundle, error) {
	b := Bundle{files: make(map[string][]byte)}
	mark := []byte("\n" + nonce + " ")
	at := bytes.Index(out, mark)
	if at < 0 {
		return b, fmt.Errorf("%w: it begins with %q", ErrBundle, head(out))
	}
	out = out[at:]
	name := ""
	for whole := false; ; {
		if !bytes.HasPrefix(out, mark) {
			return b, fmt.Errorf("%w: it breaks off", ErrBundle)
		}
		line, rest, found := bytes.Cut(out[len(mark):], []byte("\n"))
		if !found {
			return b, fmt.Errorf("%w: it breaks off", ErrBundle)
		}
		kind, value, _ := strings.Cut(string(line), " ")
		switch kind {
		case "Z":
			whole = true
		case "F", "X", "P":
			if !path.IsAbs(value) || path.Clean(value) != value || strings.ContainsRune(value, 0) || len(value) > 4096 {
				return b, fmt.Errorf("%w: it names %q", ErrBundle, value)
			}
			switch kind {
			case "X":
				b.exists = append(b.exists, value)
			case "P":
				b.denied = append(b.denied, value)
			default:
				name = value
			}
		case "E":
			if _, err := strconv.Atoi(value); err != nil {
				return b, fmt.Errorf("%w: it ends a file with %q", ErrBundle, value)
			}
		default:
			return b, fmt.Errorf("%w: it says %q", ErrBundle, kind)
		}
		if whole {
			return b, nil
		}
		// The next mark begins with the line feed that ends what lies before it.
		next := bytes.Index(out[len(mark)+len(line):], mark)
		if next < 0 {
			return b, fmt.Errorf("%w: it breaks off", ErrBundle)
		}
		content := rest
		if end := len(mark) + len(line) + next; end > len(out)-len(rest) {
			content = out[len(out)-len(rest) : end]
		} else {
			content = nil
		}
		if kind == "F" {
			b.files[name] = content
		}
		if len(b.files)+len(b.exists) > maxFiles {
			return b, fmt.Errorf("%w: it has more than %d files", ErrBundle, maxFiles)
		}
		out = out[len(mark)+len(line)+next:]
	}
}

func head(b []byte) string { return string(b[:min(len(b), 80)]) }

// Write puts the files of a bundle below a directory, where those who read files can read them.
func (b Bundle) Write(root string) error {
	for name, content := range b.files {
		if err := write(root, name, content); err != nil {
			return err
		}
	}
	for _, name := range b.exists {
		full := filepath.Join(root, name)
		if _, err := os.Lstat(full); err == nil {
			continue
		}
		if err := os.MkdirAll(full, 0o700); err != nil {
			return fmt.Errorf("lay out a bundle: %w", err)
		}
	}
	return nil
}

func write(root, name string, content []byte) error {
	full := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return fmt.Errorf("lay out a bundle: %w", err)
	}
	if err := os.WriteFile(full, content, 0o600); err != nil {
		return fmt.Errorf("lay out a bundle: %w", err)
	}
	return nil
}
