package script

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gowebpki/jcs"

	"taxops/internal/kernel/problem"
	"taxops/internal/ops/inspect/plugin"
	"taxops/internal/ops/inspect/spawn"
	"taxops/internal/ops/inspect/wrapper"
)

// How the output of a script is judged.
const (
	ByPlugin = "plugin" // exit code, summary, performance data
	ByRules  = "rules"
)

// Bounds.
const (
	maxBody   = 1 << 20
	maxParams = 30
	maxArgs   = 60
	maxMemory = 2048 // MiB
)

// interpreters are the programs that run scripts, each with where it may lie.
var interpreters = map[string][]string{
	"sh":      {"/bin/sh", "/usr/bin/sh"},
	"bash":    {"/bin/bash", "/usr/bin/bash"},
	"ksh":     {"/bin/ksh", "/usr/bin/ksh", "/bin/ksh93"},
	"perl":    {"/usr/bin/perl"},
	"python2": {"/usr/bin/python2", "/usr/bin/python2.7"},
	"python3": {"/usr/bin/python3", "/usr/libexec/platform-python"},
}

// interpreter returns where an interpreter lies on this machine, "" when it has none.
func interpreter(name string) string {
	for _, path := range interpreters[name] {
		if st, err := os.Stat(path); err == nil && st.Mode().Perm()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// ScriptManifest says how a script is run and judged.
type ScriptManifest struct {
	Interpreter    string              `json:"interpreter" enum:"sh,bash,ksh,perl,python2,python3"`
	Judge          string              `json:"judge" enum:"plugin,rules" doc:"plugin: by exit code, first line and performance data; rules: by the rules below"`
	Params         []ScriptParam       `json:"params" maxItems:"30" nullable:"false"`
	Args           []ScriptArg         `json:"args" maxItems:"60" nullable:"false"`
	Rules          wrapper.OutputRules `json:"rules"`
	TimeoutSeconds int                 `json:"timeout_seconds" minimum:"1" maximum:"300"`
	MemoryMB       int                 `json:"memory_mb,omitempty" minimum:"0" maximum:"2048" doc:"Memory of all its processes; 0 leaves the platform's own limit"`
	Processes      int                 `json:"processes,omitempty" minimum:"0" maximum:"64" doc:"Processes at the same time; 0 leaves the platform's own limit"`
}

// ScriptParam is one thing that a check with this script sets.
type ScriptParam struct {
	Name     string   `json:"name" pattern:"^[a-z][a-z0-9_]{0,39}$"`
	Title    string   `json:"title" maxLength:"60"`
	Type     string   `json:"type" enum:"string,int,float,bool,choice"`
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty" maxLength:"1000"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	Choices  []string `json:"choices,omitempty" maxItems:"50"`
	Pattern  string   `json:"pattern,omitempty" maxLength:"500" doc:"RE2 that the whole value matches"`
	Secret   bool     `json:"secret,omitempty" doc:"Reaches the script as environment variable TAXOPS_NAME, never as an argument"`
}

// ScriptArg is one argument, or several that belong together. {name} stands for a parameter. When a parameter
// in it has no value, all of it is left out.
type ScriptArg struct {
	Parts []string `json:"parts" minItems:"1" maxItems:"10" nullable:"false"`
	When  string   `json:"when,omitempty" doc:"A parameter of type bool: left out unless that is true"`
}

var (
	paramName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]{0,39})\}`)
)

// fill puts in what may be left out.
func (m *ScriptManifest) fill() {
	if m.Params == nil {
		m.Params = []ScriptParam{}
	}
	if m.Args == nil {
		m.Args = []ScriptArg{}
	}
	if m.Rules.Rules == nil {
		m.Rules.Rules = []wrapper.OutputRule{}
	}
	if m.TimeoutSeconds == 0 {
		m.TimeoutSeconds = int(spawn.DefaultTimeout / time.Second)
	}
}

// check finds everything that is wrong with a manifest; locations are below at ("body.manifest").
func (m *ScriptManifest) check(at string) error {
	var fields []problem.Field
	bad := func(location, code, format string, args ...any) {
		fields = append(fields, problem.Field{Location: at + "." + location, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if interpreters[m.Interpreter] == nil {
		bad("interpreter", "unknown", "one of sh, bash, ksh, perl, python2, python3")
	}
	if err := plugin.CheckTimeout(m.TimeoutSeconds); err != nil {
		bad("timeout_seconds", "out_of_range", "%v", err)
	}
	if m.MemoryMB < 0 || m.MemoryMB > maxMemory || m.Processes < 0 || m.Processes > 64 {
		bad("memory_mb", "out_of_range", "memory up to %d MiB, up to 64 processes", maxMemory)
	}
	if len(m.Params) > maxParams || len(m.Args) > maxArgs {
		bad("params", "too_many", "at most %d parameters and %d arguments", maxParams, maxArgs)
	}
	names := map[string]ScriptParam{}
	for i, p := range m.Params {
		loc := fmt.Sprintf("params[%d]", i)
		if _, twice := names[p.Name]; twice || !paramName.MatchString(p.Name) {
			bad(loc+".name", "not_a_name", "small letters, digits and _, each name once")
		}
		names[p.Name] = p
		if err := p.check(); err != nil {
			bad(loc, "rule", "%v", err)
		}
	}
	for i, a := range m.Args {
		loc := fmt.Sprintf("args[%d]", i)
		if a.When != "" && names[a.When].Type != "bool" {
			bad(loc+".when", "unknown", "%q is no parameter of type bool", a.When)
		}
		if len(a.Parts) == 0 || len(a.Parts) > 10 {
			bad(loc+".parts", "out_of_range", "1 to 10 parts")
		}
		for _, part := range a.Parts {
			if len(part) > 1000 || strings.ContainsRune(part, 0) {
				bad(loc+".parts", "too_long", "at most 1000 bytes, without zero bytes")
			}
			for _, ref := range placeholder.FindAllStringSubmatch(part, -1) {
				switch p, known := names[ref[1]]; {
				case !known:
					bad(loc+".parts", "unknown", "{%s} is no parameter", ref[1])
				case p.Secret:
					bad(loc+".parts", "secret", "{%s} is secret: others could list it among the arguments; read the environment variable %s instead", ref[1], p.envName())
				}
			}
		}
	}
	switch m.Judge {
	case ByPlugin:
	case ByRules:
		if _, err := wrapper.Compile(m.Rules); err != nil {
			var wrong wrapper.Error
			if errors.As(err, &wrong) {
				bad("rules."+wrong.Field, "rule", "%s", wrong.Text)
			} else {
				bad("rules", "rule", "%v", err)
			}
		}
	default:
		bad("judge", "unknown", "plugin or rules")
	}
	if len(fields) == 0 {
		return nil
	}
	return &problem.Error{Code: problem.Invalid, Detail: fields[0].Message, Fields: fields}
}

func (p ScriptParam) envName() string { return "TAXOPS_" + strings.ToUpper(p.Name) }

func (p ScriptParam) check() error {
	if utf8.RuneCountInString(p.Title) > 60 {
		return errors.New("title: at most 60 characters")
	}
	if !slices.Contains([]string{"string", "int", "float", "bool", "choice"}, p.Type) {
		return fmt.Errorf("type %q is none of string, int, float, bool, choice", p.Type)
	}
	if (p.Type == "choice") != (len(p.Choices) > 0) || len(p.Choices) > 50 {
		return errors.New("choices belong to type choice, 1 to 50")
	}
	if p.Secret && p.Type != "string" {
		return errors.New("a secret is of type string")
	}
	if p.Secret && p.Default != "" {
		return errors.New("a secret has no default, since everybody who sees the package would read it")
	}
	if p.Pattern != "" {
		if _, err := regexp.Compile(p.Pattern); err != nil {
			return fmt.Errorf("pattern: %w", err)
		}
	}
	if p.Default != "" {
		if err := p.accept(p.Default); err != nil {
			return fmt.Errorf("default: %w", err)
		}
	}
	return nil
}

// accept refuses a value that does not fit. Its errors never show the value, which may be a secret.
func (p ScriptParam) accept(v string) error {
	if len(v) > 4096 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return fmt.Errorf("%s: at most 4096 bytes of text in one line", p.Name)
	}
	number := func(f float64) error {
		if p.Min != nil && f < *p.Min || p.Max != nil && f > *p.Max {
			return fmt.Errorf("%s is out of its range", p.Name)
		}
		return nil
	}
	switch p.Type {
	case "int":
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return fmt.Errorf("%s must be a whole number", p.Name)
		}
		return number(float64(n))
	case "float":
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || f != f || f-f != 0 {
			return fmt.Errorf("%s must be a number", p.Name)
		}
		return number(f)
	case "bool":
		if v != "true" && v != "false" {
			return fmt.Errorf("%s must be true or false", p.Name)
		}
	case "choice":
		if !slices.Contains(p.Choices, v) {
			return fmt.Errorf("%s must be one of %s", p.Name, strings.Join(p.Choices, ", "))
		}
	}
	if p.Pattern != "" {
		re, err := regexp.Compile("^(?:" + p.Pattern + ")$")
		if err != nil || !re.MatchString(v) {
			return fmt.Errorf("%s does not fit its pattern", p.Name)
		}
	}
	return nil
}

// Values are the values of parameters by name.
type Values map[string]string

// ParseValues reads "name=value" lists.
func ParseValues(lists ...[]string) (Values, error) {
	out := Values{}
	for _, list := range lists {
		for _, l := range list {
			name, v, ok := strings.Cut(l, "=")
			if !ok || !paramName.MatchString(name) {
				return nil, errors.New("each value is written name=value")
			}
			if _, twice := out[name]; twice {
				return nil, fmt.Errorf("%s is set twice", name)
			}
			out[name] = v
		}
	}
	return out, nil
}

// complete adds defaults and refuses what does not fit the parameters.
func (m *ScriptManifest) complete(given Values, secrets bool) (Values, error) {
	out := Values{}
	for name := range given {
		if !slices.ContainsFunc(m.Params, func(p ScriptParam) bool { return p.Name == name }) {
			return nil, fmt.Errorf("the script has no parameter %s", name)
		}
	}
	for _, p := range m.Params {
		v, set := given[p.Name]
		if !set || v == "" {
			v, set = p.Default, p.Default != ""
		}
		if !set {
			if p.Required && (secrets || !p.Secret) {
				return nil, fmt.Errorf("%s is required", p.Name)
			}
			continue
		}
		if err := p.accept(v); err != nil {
			return nil, err
		}
		out[p.Name] = v
	}
	return out, nil
}

// command makes the arguments and the environment of a run.
func (m *ScriptManifest) command(values Values) (args, env []string, err error) {
	typeOf := map[string]string{}
	for _, p := range m.Params {
		typeOf[p.Name] = p.Type
		if v, set := values[p.Name]; set && p.Secret {
			env = append(env, p.envName()+"="+v)
		}
	}
	for _, a := range m.Args {
		if a.When != "" && values[a.When] != "true" {
			continue
		}
		var parts []string
		complete := true
		for _, part := range a.Parts {
			whole := placeholder.FindString(part) == part
			filled := placeholder.ReplaceAllStringFunc(part, func(ref string) string {
				v, set := values[ref[1:len(ref)-1]]
				complete = complete && set
				return v
			})
			// "-rf" as the value of a name would be read as an option; a negative number is none.
			if whole && complete && strings.HasPrefix(filled, "-") && !slices.Contains([]string{"int", "float"}, typeOf[part[1:len(part)-1]]) {
				return nil, nil, fmt.Errorf("%s begins with a dash, and would be taken for an option", part)
			}
			parts = append(parts, filled)
		}
		if complete {
			args = append(args, parts...)
		}
	}
	return args, env, nil
}

// sum is the SHA-256 of bytes in hex.
func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// digest covers everything that a version is, in canonical JSON (RFC 8785).
func digest(name string, number int64, class string, m ScriptManifest, body []byte) (string, error) {
	raw, err := json.Marshal(map[string]any{
		"name": name, "version": number, "class": class, "manifest": m, "body_sha256": sum(body),
	})
	if err != nil {
		return "", fmt.Errorf("digest of a script: %w", err)
	}
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return "", fmt.Errorf("digest of a script: %w", err)
	}
	return sum(canonical), nil
}
