package wrapper

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/charset"
)

// Kinds of rules.
const (
	Text   = "text"
	Number = "number"
	Column = "column"
)

// Where the output is taken from.
const (
	Stdout = "stdout"
	Stderr = "stderr"
	Both   = "both"
)

// Bounds.
const (
	maxRules   = 50
	maxCodes   = 50
	maxPattern = 500
)

// OutputRules judge the output of one script.
type OutputRules struct {
	Encoding  string         `json:"encoding,omitempty" enum:"auto,utf-8,gb18030" doc:"auto when left out"`
	Source    string         `json:"source,omitempty" enum:"stdout,stderr,both" doc:"stdout when left out"`
	ExitCodes []RuleExitCode `json:"exit_codes,omitempty" maxItems:"50" doc:"What exit codes mean; 0 says nothing and others are UNKNOWN when they are not listed"`
	Rules     []OutputRule   `json:"rules" maxItems:"50" nullable:"false"`
	Otherwise string         `json:"otherwise,omitempty" enum:"OK,WARNING,CRITICAL,UNKNOWN" doc:"The state when nothing says anything; UNKNOWN when left out"`
}

// RuleExitCode says what one exit code means.
type RuleExitCode struct {
	Code  int    `json:"code" minimum:"0" maximum:"255"`
	State string `json:"state" enum:"OK,WARNING,CRITICAL,UNKNOWN,none" doc:"none: it says nothing"`
}

// none is the word for an exit code that says nothing.
const none = "none"

// OutputRule is one look at the output.
type OutputRule struct {
	Name    string `json:"name" minLength:"1" maxLength:"60"`
	Kind    string `json:"kind" enum:"text,number,column"`
	Pattern string `json:"pattern,omitempty" maxLength:"500" doc:"RE2; ^ and $ mean lines. Of a number rule, the group named value, or the first group, is the number; of a column rule it says which rows count"`
	State   string `json:"state,omitempty" enum:"OK,WARNING,CRITICAL,UNKNOWN" doc:"Of a text rule"`
	// Of number and column rules:
	Label    string `json:"label,omitempty" maxLength:"60" doc:"Of the measured value; the name of the rule when left out"`
	UOM      string `json:"uom,omitempty" maxLength:"10" doc:"Unit, for example % or s"`
	Warn     string `json:"warn,omitempty" maxLength:"60" doc:"Range, [@]start:end"`
	Crit     string `json:"crit,omitempty" maxLength:"60"`
	Optional bool   `json:"optional,omitempty" doc:"Finding nothing says nothing; otherwise it is UNKNOWN"`
	// Of column rules:
	Column string `json:"column,omitempty" maxLength:"60" doc:"Heading of the column, or its number from 1"`
	Header string `json:"header,omitempty" maxLength:"500" doc:"RE2 of the heading line; the first line with the column when left out"`
	Names  string `json:"names,omitempty" maxLength:"60" doc:"Heading or number of the column that names a row; the first when left out"`
}

// Error is what is wrong with rules, and where: "rules[2].pattern".
type Error struct {
	Field string
	Text  string
}

// Error names the field first.
func (e Error) Error() string { return e.Field + ": " + e.Text }

// compiled is a rule ready to look.
type compiled struct {
	OutputRule
	pattern, header *regexp.Regexp
	state           probe.State
	label           string
	group           int
}

// Compiled are rules that can be applied, any number of times and at the same time.
type Compiled struct {
	encoding, source string
	codes            map[int]string
	rules            []compiled
	otherwise        probe.State
	said             bool // otherwise was chosen by a person
}

// Compile checks rules; an error names the first thing that is wrong, as an [Error].
func Compile(r OutputRules) (*Compiled, error) {
	c := &Compiled{encoding: r.Encoding, source: r.Source, codes: map[int]string{}, otherwise: probe.Unknown}
	if err := charset.Check(r.Encoding); err != nil {
		return nil, Error{"encoding", err.Error()}
	}
	switch r.Source {
	case "":
		c.source = Stdout
	case Stdout, Stderr, Both:
	default:
		return nil, Error{"source", "one of stdout, stderr, both"}
	}
	if len(r.Rules) > maxRules || len(r.ExitCodes) > maxCodes {
		return nil, Error{"rules", fmt.Sprintf("at most %d rules and %d exit codes", maxRules, maxCodes)}
	}
	if r.Otherwise != "" {
		s, err := probe.ParseState(r.Otherwise)
		if err != nil {
			return nil, Error{"otherwise", err.Error()}
		}
		c.otherwise, c.said = s, true
	}
	for i, e := range r.ExitCodes {
		field := fmt.Sprintf("exit_codes[%d]", i)
		if _, twice := c.codes[e.Code]; twice || e.Code < 0 || e.Code > 255 {
			return nil, Error{field + ".code", "a number from 0 to 255, each once"}
		}
		if _, err := probe.ParseState(e.State); err != nil && e.State != none {
			return nil, Error{field + ".state", err.Error() + " and not none"}
		}
		c.codes[e.Code] = e.State
	}
	for i, rule := range r.Rules {
		one, err := compile(rule)
		if err != nil {
			var wrong Error
			if errors.As(err, &wrong) {
				wrong.Field = fmt.Sprintf("rules[%d].%s", i, wrong.Field)
				return nil, wrong
			}
			return nil, err
		}
		c.rules = append(c.rules, one)
	}
	return c, nil
}

func compile(r OutputRule) (compiled, error) {
	c := compiled{OutputRule: r, label: strings.TrimSpace(r.Label)}
	if strings.TrimSpace(r.Name) == "" || utf8.RuneCountInString(r.Name) > 60 {
		return c, Error{"name", "1 to 60 characters"}
	}
	if c.label == "" {
		c.label = r.Name
	}
	// The first word of a label is its metric: see probe.MetricOf.
	c.label = strings.Join(strings.Fields(c.label), "_")
	var err error
	if c.pattern, err = expression(r.Pattern); err != nil {
		return c, Error{"pattern", err.Error()}
	}
	if c.header, err = expression(r.Header); err != nil {
		return c, Error{"header", err.Error()}
	}
	if err := (probe.Limit{Warn: r.Warn, Crit: r.Crit}).Check(); err != nil {
		return c, Error{"warn", err.Error()}
	}
	switch r.Kind {
	case Text:
		if c.pattern == nil {
			return c, Error{"pattern", "a text rule needs one"}
		}
		if c.state, err = probe.ParseState(r.State); err != nil {
			return c, Error{"state", err.Error()}
		}
	case Number:
		if c.pattern == nil || c.pattern.NumSubexp() == 0 {
			return c, Error{"pattern", "a number rule needs a pattern with a group around the number, such as (\\d+)"}
		}
		c.group = max(c.pattern.SubexpIndex("value"), 1)
	case Column:
		if strings.TrimSpace(r.Column) == "" {
			return c, Error{"column", "a column rule needs the heading or the number of a column"}
		}
		if _, err := strconv.Atoi(strings.TrimSpace(r.Column)); err == nil && c.header == nil {
			return c, Error{"header", "a column by its number needs a pattern of the heading line"}
		}
	default:
		return c, Error{"kind", "one of text, number, column"}
	}
	return c, nil
}

// expression compiles a pattern by lines; nil for none.
func expression(pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("at most %d bytes", maxPattern)
	}
	re, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return nil, errors.New(strings.Replace(err.Error(), "(?m)", "", 1))
	}
	return re, nil
}
