// Package config reads the configuration: every key is declared with its documentation, and every
// value knows where it came from.
//
// Order of precedence, the last wins: default, file (YAML), environment (TAXOPS_<KEY>, dots become
// underscores), command line. An unknown key in the file is an error that names the nearest known one:
// a misspelt key must not be silently ignored. Of the environment, which others share, only a variable
// that looks like one of ours misspelt is refused.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Kind is the type of a value.
type Kind string

// Kinds of values.
const (
	String   Kind = "string"
	Bool     Kind = "bool"
	Int      Kind = "int"
	Duration Kind = "duration" // 30m, 12h
	List     Kind = "list"     // separated by commas
)

// Key declares one setting.
type Key struct {
	Name    string // "http.listen"
	Kind    Kind
	Default string
	DocZH   string
	DocEN   string
	Secret  bool // never printed
	// Check, when not nil, says what is wrong with a value that has the right kind.
	Check func(value string) error
}

// Source says where a value came from.
type Source string

// Config is the configuration as read.
type Config struct {
	keys    []Key
	values  map[string]string
	sources map[string]Source
}

// Load reads the configuration. path may be "" for no file; a file that was named must exist.
// environ is os.Environ; flags hold what the command line set.
func Load(keys []Key, path string, environ []string, flags map[string]string) (*Config, error) {
	c := &Config{keys: keys, values: map[string]string{}, sources: map[string]Source{}}
	var errs []error
	for _, k := range keys {
		c.values[k.Name], c.sources[k.Name] = k.Default, "default"
	}
	take := func(from *koanf.Koanf, source func(key string) Source) {
		for _, name := range from.Keys() {
			if _, known := c.values[name]; !known {
				errs = append(errs, fmt.Errorf("%s: unknown key %q%s", source(name), name, c.nearest(name)))
				continue
			}
			c.values[name], c.sources[name] = textOf(from.Get(name)), source(name)
		}
	}
	if path != "" {
		k := koanf.New(".")
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("configuration file %s does not exist", path)
			}
			return nil, fmt.Errorf("configuration file %s: %w", path, err)
		}
		take(k, func(string) Source { return Source("file " + path) })
	}
	byVariable := map[string]string{}
	for _, k := range keys {
		byVariable[variable(k.Name)] = k.Name
	}
	errs = append(errs, misspelt(byVariable, environ)...)
	k := koanf.New(".")
	if err := k.Load(env.Provider(".", env.Opt{
		Prefix:        "TAXOPS_",
		EnvironFunc:   func() []string { return environ },
		TransformFunc: func(name, v string) (string, any) { return byVariable[name], v },
	}), nil); err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	take(k, func(key string) Source { return Source("environment " + variable(key)) })
	flagMap := map[string]any{}
	for name, v := range flags {
		flagMap[name] = v
	}
	k = koanf.New(".")
	if err := k.Load(confmap.Provider(flagMap, "."), nil); err != nil {
		return nil, fmt.Errorf("command line: %w", err)
	}
	take(k, func(string) Source { return "command line" })
	for _, key := range keys {
		if err := key.check(c.values[key.Name]); err != nil {
			errs = append(errs, fmt.Errorf("%s (%s): %w", key.Name, c.sources[key.Name], err))
		}
	}
	return c, errors.Join(errs...)
}

func (k Key) check(v string) error {
	var err error
	switch k.Kind {
	case Bool:
		_, err = strconv.ParseBool(v)
		if err != nil {
			err = errors.New("expected true or false")
		}
	case Int:
		_, err = strconv.Atoi(v)
		if err != nil {
			err = errors.New("expected a whole number")
		}
	case Duration:
		_, err = time.ParseDuration(v)
		if err != nil {
			err = errors.New("expected a duration such as 30m or 12h")
		}
	}
	if err == nil && k.Check != nil {
		err = k.Check(v)
	}
	return err
}

// Text returns the value of a key of any kind; an undeclared key is a mistake in the program.
func (c *Config) Text(name string) string {
	v, ok := c.values[name]
	if !ok {
		panic("configuration key " + name + " is not declared")
	}
	return v
}

// Bool, Int, Duration and List return the value of a key of that kind; Load has checked it.
func (c *Config) Bool(name string) bool {
	v, _ := strconv.ParseBool(c.Text(name))
	return v
}

// Int returns a whole number.
func (c *Config) Int(name string) int {
	v, _ := strconv.Atoi(c.Text(name))
	return v
}

// Duration returns a duration.
func (c *Config) Duration(name string) time.Duration {
	v, _ := time.ParseDuration(c.Text(name))
	return v
}

// List returns the parts of a list, without blanks.
func (c *Config) List(name string) []string {
	var out []string
	for _, s := range strings.Split(c.Text(name), ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Explained is one line of `taxops config explain`.
type Explained struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Source   Source `json:"source"`
	Default  string `json:"default"`
	Kind     Kind   `json:"kind"`
	Variable string `json:"variable"`
	DocZH    string `json:"doc_zh"`
	DocEN    string `json:"doc_en"`
}

// Explain lists every key with its value and where that came from; secrets are masked.
func (c *Config) Explain() []Explained {
	out := make([]Explained, 0, len(c.keys))
	for _, k := range c.keys {
		v := c.values[k.Name]
		if k.Secret && v != "" {
			v = "••••"
		}
		out = append(out, Explained{
			Name: k.Name, Value: v, Source: c.sources[k.Name], Default: k.Default,
			Kind: k.Kind, Variable: variable(k.Name), DocZH: k.DocZH, DocEN: k.DocEN,
		})
	}
	return out
}

func variable(name string) string {
	return "TAXOPS_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

func textOf(v any) string {
	switch x := v.(type) {
	case []any:
		parts := make([]string, len(x))
		for i, p := range x {
			parts[i] = textOf(p)
		}
		return strings.Join(parts, ",")
	case string:
		return x
	default:
		return fmt.Sprint(x)
	}
}

// misspelt finds variables that differ from a known one by a letter or two.
func misspelt(known map[string]string, environ []string) []error {
	var errs []error
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if _, ours := known[name]; ours || !strings.HasPrefix(name, "TAXOPS_") {
			continue
		}
		for v := range known {
			if distance(name, v) <= 2 {
				errs = append(errs, fmt.Errorf("environment: unknown variable %s (did you mean %s?)", name, v))
				break
			}
		}
	}
	return errs
}

// nearest names the known key that differs least from a misspelt one.
func (c *Config) nearest(name string) string {
	best, bestDistance := "", len(name)/2+1
	for _, k := range c.keys {
		if d := distance(name, k.Name); d < bestDistance {
			best, bestDistance = k.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// OneOf is a Check for values from a fixed list.
func OneOf(values ...string) func(string) error {
	return func(v string) error {
		if slices.Contains(values, v) {
			return nil
		}
		return fmt.Errorf("expected one of: %s", strings.Join(values, ", "))
	}
}

// DefaultFile returns the first configuration file that exists of the usual places, "" for none.
func DefaultFile(dataDir string) string {
	for _, p := range []string{dataDir + "/taxops.yaml", "/etc/taxops/taxops.yaml"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}
