package scripts

import (
	"path"
	"slices"
	"strings"
)

// Why a command of cron is only nearly kept; for machines.
const (
	WhyPipeline  = "pipeline"    // its output went on into another program
	WhyShell     = "shell"       // the shell put something in: variables, patterns, substitution
	WhyRedirect  = "redirected"  // its output went into a file; here it is the result
	WhySeveral   = "several"     // it ran several programs one after the other
	WhyDirectory = "directory"   // it ran in a directory of its own
	WhyOtherUser = "other_user"  // it ran as somebody else
	WhyPrefix    = "prefix"      // it was started by nice, timeout, flock and the like
	WhyEnv       = "environment" // it was given variables
)

// Command is one command line, as far as it can be kept without a shell.
type Command struct {
	Program   string // the script, as named
	Arguments []string
	Directory string
	Env       map[string]string
	Why       []string // what is not kept exactly
}

// token is a word or an operator of the shell.
type token struct {
	text   string
	op     bool
	filled bool // the shell would put something in
}

// ParseCommand reads a command line without running it. ok is false when no program is in it.
func ParseCommand(line string) (c Command, ok bool) {
	c.Env = map[string]string{}
	why := func(w string) {
		if !slices.Contains(c.Why, w) {
			c.Why = append(c.Why, w)
		}
	}
	var words []token
	commands := 0
	finish := func() bool { // true when the command is what is looked for
		if len(words) == 0 {
			return false
		}
		if words[0].text == "cd" && len(words) == 2 && c.Program == "" {
			c.Directory = words[1].text
			why(WhyDirectory)
			words = nil
			return false
		}
		if commands++; commands == 1 {
			c.take(words, why)
		} else {
			why(WhySeveral)
		}
		words = nil
		return true
	}
	tokens := lex(line)
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case !t.op:
			words = append(words, t)
		case strings.Trim(t.text, "0123456789&|") == "" && strings.Contains(t.text, "|") && t.text != "||":
			finish()
			why(WhyPipeline)
			i = len(tokens) // what follows belongs to the output
		case strings.ContainsAny(t.text, "<>"):
			if n := len(words); n > 0 && len(words[n-1].text) == 1 && strings.Contains("012", words[n-1].text) && t.text[0] == '>' {
				words = words[:n-1] // 2>
			}
			if i+1 < len(tokens) && !strings.HasSuffix(t.text, "&1") && !strings.HasSuffix(t.text, "&2") {
				i++
				if tokens[i].text != "/dev/null" {
					why(WhyRedirect)
				}
			}
		default:
			finish()
		}
	}
	finish()
	slices.Sort(c.Why)
	return c, c.Program != ""
}

// interpreters run the script that follows them.
var interpreters = []string{"sh", "bash", "dash", "ksh", "python", "python2", "python3", "perl", "php", "ruby"}

// prefixes start the program that follows them; the number is how many words of theirs come first, for
// those without options.
var prefixes = map[string]int{"nice": 0, "ionice": 0, "nohup": 0, "time": 0, "exec": 0, "env": 0, "setsid": 0, "timeout": 1, "flock": 1, "sudo": 0, "chronic": 0}

func (c *Command) take(words []token, why func(string)) {
	i := 0
	for i < len(words) {
		w := words[i].text
		base := path.Base(w)
		if name, v, ok := assignment(w); ok && !strings.HasPrefix(w, "/") {
			c.Env[name] = v
			why(WhyEnv)
			i++
			continue
		}
		skip, known := prefixes[base]
		switch {
		case known:
			if base == "sudo" {
				why(WhyOtherUser)
			} else {
				why(WhyPrefix)
			}
			i++
			for i < len(words) && strings.HasPrefix(words[i].text, "-") {
				long := strings.Contains(words[i].text, "=") || len(words[i].text) > 2 && !strings.HasPrefix(words[i].text, "--")
				takes := strings.Contains("-n-c-u-g-w-k-s-p", words[i].text) && base != "flock" || words[i].text == "-w"
				i++
				if takes && !long && i < len(words) {
					i++
				}
			}
			i += skip
			continue
		case slices.Contains(interpreters, base) && i+1 < len(words):
			i++
			for i < len(words) && strings.HasPrefix(words[i].text, "-") {
				if words[i].text == "-c" { // a command line in itself
					if i+1 < len(words) {
						inner, ok := ParseCommand(words[i+1].text)
						if ok {
							c.Program, c.Arguments = inner.Program, inner.Arguments
							for _, w := range inner.Why {
								why(w)
							}
						}
					}
					return
				}
				i++
			}
			continue
		}
		break
	}
	if i >= len(words) {
		return
	}
	c.Program = words[i].text
	for _, w := range words[i:] {
		if w.filled {
			why(WhyShell)
		}
	}
	for _, w := range words[i+1:] {
		c.Arguments = append(c.Arguments, w.text)
	}
}

// lex cuts a line into words and operators as a shell would, without putting anything in.
func lex(s string) []token {
	var out []token
	var b strings.Builder
	began, filled := false, false
	end := func() {
		if began {
			out = append(out, token{text: b.String(), filled: filled})
		}
		b.Reset()
		began, filled = false, false
	}
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; ch {
		case ' ', '\t', '\n':
			end()
		case '\'', '"':
			began = true
			for i++; i < len(s) && s[i] != ch; i++ {
				if ch == '"' && s[i] == '\\' && i+1 < len(s) {
					i++
				} else if ch == '"' && (s[i] == '$' || s[i] == '`') {
					filled = true
				}
				b.WriteByte(s[i])
			}
		case '\\':
			began = true
			if i+1 < len(s) {
				i++
				b.WriteByte(s[i])
			}
		case '|', '&', ';', '<', '>', '(', ')':
			if number := b.String(); began && (ch == '>' || ch == '<') && len(number) == 1 && number >= "0" && number <= "9" {
				b.Reset()
				began = false
			}
			end()
			j := i + 1
			for j < len(s) && strings.IndexByte("|&;<>", s[j]) >= 0 && ch != '(' && ch != ')' {
				j++
			}
			if j < len(s) && s[j-1] == '&' && strings.ContainsAny(s[i:j], "<>") && s[j] >= '0' && s[j] <= '9' {
				j++ // >&1
			}
			out = append(out, token{text: s[i:j], op: true})
			i = j - 1
		case '$', '`', '*', '?', '~':
			filled = true
			fallthrough
		default:
			began = true
			b.WriteByte(ch)
		}
	}
	end()
	return out
}
