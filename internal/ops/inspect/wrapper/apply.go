package wrapper

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/charset"
)

// Reasons of results by rules.
const (
	ReasonMatched  probe.Reason = "matched"    // a text rule says so
	ReasonNoMatch  probe.Reason = "no_match"   // nothing says anything, or what was looked for is not there
	ReasonEmpty    probe.Reason = "empty"      // blank output
	ReasonExitCode probe.Reason = "exit_code"  // the exit code says so
	ReasonNumber   probe.Reason = "not_number" // what was captured is none
)

// maxMatches is how many matches of one rule are shown and judged.
const maxMatches = 200

// RuleMatch is one thing that a rule found. Start and End count UTF-16 units of the text, as browsers do.
type RuleMatch struct {
	Start int      `json:"start"`
	End   int      `json:"end"`
	Label string   `json:"label,omitempty"`
	Value *float64 `json:"value,omitempty"`
	State string   `json:"state" enum:"OK,WARNING,CRITICAL,UNKNOWN"`
}

// RuleSaid is what one rule says.
type RuleSaid struct {
	Name    string      `json:"name"`
	State   string      `json:"state" doc:"Empty when it says nothing"`
	Skipped bool        `json:"skipped" doc:"A text rule before it matched"`
	Matches []RuleMatch `json:"matches" nullable:"false"`
}

// Judgement is what rules make of an output.
type Judgement struct {
	Text     string
	Encoding string
	Rules    []RuleSaid
	ExitCode string // what the exit code says: a state, "none"
	Decided  string // "rules", "exit_code", "otherwise", "empty"
	Result   probe.Result
}

// Apply judges an output.
func (c *Compiled) Apply(stdout, stderr []byte, exit int) Judgement {
	raw := stdout
	switch c.source {
	case Stderr:
		raw = stderr
	case Both:
		raw = append(append(stdout[:len(stdout):len(stdout)], '\n'), stderr...)
		if len(stderr) == 0 {
			raw = stdout
		}
	}
	text, used := charset.Decode(raw, c.encoding)
	return c.judge(strings.ReplaceAll(text, "\r\n", "\n"), used, exit)
}

// ApplyText judges text that was decoded before.
func (c *Compiled) ApplyText(text string, exit int) Judgement {
	return c.judge(strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "\uFFFD"), charset.UTF8, exit)
}

// judging is one judgement on its way.
type judging struct {
	*probe.Report
	limits map[string]probe.Limit
	text   string
	units  func(int) int
	spoke  bool
	good   []string // what rules found in order, for the summary
}

func (c *Compiled) judge(text, encoding string, exit int) Judgement {
	out := Judgement{Text: text, Encoding: encoding, Rules: make([]RuleSaid, len(c.rules))}
	j := &judging{limits: map[string]probe.Limit{}, text: text, units: utf16Of(text)}
	target := probe.Target{Thresholds: j.limits}
	j.Report = target.Report()
	matched := false
	for i := range c.rules {
		r := &c.rules[i]
		s := RuleSaid{Name: r.Name, Matches: []RuleMatch{}}
		switch r.Kind {
		case Text:
			if s.Skipped = matched; !matched {
				matched = j.textRule(r, &s)
			}
		case Number:
			j.numberRule(r, &s)
		case Column:
			j.columnRule(r, &s)
		}
		out.Rules[i] = s
	}
	byRules := j.spoke
	out.ExitCode, out.Decided = c.exitCode(j, exit), "rules"
	figures := strings.Join(j.good, "；")
	switch {
	case strings.TrimSpace(text) == "":
		out.Decided = ReasonEmptyWord
		if j.State() == probe.OK {
			j.Raise(probe.Unknown, ReasonEmpty, fmt.Sprintf("脚本没有输出（退出码 %d）", exit))
		}
	case !byRules && j.spoke:
		out.Decided = string(ReasonExitCode)
	case !j.spoke:
		out.Decided = "otherwise"
		if c.otherwise == probe.OK {
			figures = firstLine(text)
			break
		}
		words := "没有规则匹配脚本输出"
		if c.said {
			words = "没有规则匹配，按规则记为 " + c.otherwise.String()
		}
		j.Raise(c.otherwise, ReasonNoMatch, words)
	}
	if figures == "" && j.State() == probe.OK {
		figures = firstLine(text)
	}
	out.Result = j.Result(figures)
	out.Result.Details = strings.TrimRight(text, "\n \t")
	return out
}

// ReasonEmptyWord is how a judgement says that blank output decided it.
const ReasonEmptyWord = "empty"

func (c *Compiled) exitCode(j *judging, exit int) string {
	word, listed := c.codes[exit]
	switch {
	case !listed && exit == 0, word == none:
		return none
	case !listed:
		j.spoke = true
		j.Raise(probe.Unknown, ReasonExitCode, fmt.Sprintf("退出码 %d 没有约定含义", exit))
		return probe.Unknown.String()
	}
	state, _ := probe.ParseState(word) // checked when the rules were compiled
	j.spoke = true
	if state == probe.OK {
		j.good = append(j.good, fmt.Sprintf("退出码 %d", exit))
	} else {
		j.Raise(state, ReasonExitCode, fmt.Sprintf("退出码 %d", exit))
	}
	return word
}

func (j *judging) match(from, to int, state probe.State) RuleMatch {
	return RuleMatch{Start: j.units(from), End: j.units(to), State: state.String()}
}

func (j *judging) textRule(r *compiled, s *RuleSaid) bool {
	found := r.pattern.FindAllStringIndex(j.text, maxMatches)
	if len(found) == 0 {
		return false
	}
	s.State = r.state.String()
	for _, m := range found {
		s.Matches = append(s.Matches, j.match(m[0], m[1], r.state))
	}
	j.spoke = true
	words := r.Name + "：" + lineAround(j.text, found[0][0])
	if len(found) > 1 {
		words += fmt.Sprintf("（共 %d 处）", len(found))
	}
	if r.state == probe.OK {
		j.good = append(j.good, words)
	} else {
		j.Raise(r.state, ReasonMatched, words)
	}
	return true
}

func (j *judging) numberRule(r *compiled, s *RuleSaid) {
	found := r.pattern.FindAllStringSubmatchIndex(j.text, maxMatches)
	state := probe.OK
	n := 0
	for _, m := range found {
		from, to := m[2*r.group], m[2*r.group+1]
		if from < 0 {
			continue
		}
		n++
		label := r.label
		if n > 1 {
			label = fmt.Sprintf("%s %d", r.label, n)
		}
		state = probe.Worse(state, j.value(r, s, label, "", cell{j.text[from:to], from, to}, true))
	}
	j.close(r, s, state, n)
}

func (j *judging) columnRule(r *compiled, s *RuleSaid) {
	rows, _, _ := r.table(j.text)
	state := probe.OK
	for i, row := range rows {
		if i == maxMatches {
			break
		}
		state = probe.Worse(state, j.value(r, s, strings.TrimSpace(r.label+" "+row.name), row.name, row.value, row.known))
	}
	j.close(r, s, state, len(rows))
}

// value judges one number.
func (j *judging) value(r *compiled, s *RuleSaid, label, of string, c cell, known bool) probe.State {
	title := strings.TrimSpace(r.Name + " " + of)
	v, ok := numberIn(c.text)
	m := j.match(c.start, c.end, probe.Unknown)
	m.Label = label
	state := probe.Unknown
	switch {
	case !known:
		j.Raise(probe.Unknown, ReasonNoMatch, title+" 该行没有此列")
	case !ok:
		j.Raise(probe.Unknown, ReasonNumber, fmt.Sprintf("%s 不是数字：%s", title, clip(c.text)))
	default:
		j.limits[label] = probe.Limit{Warn: r.Warn, Crit: r.Crit}
		state = j.Measure(label, title, v, r.UOM)
		m.Value = &v
		if state == probe.OK && len(j.good) < 20 {
			j.good = append(j.good, title+" "+probe.Humanize(v, r.UOM))
		}
	}
	m.State = state.String()
	s.Matches = append(s.Matches, m)
	return state
}

// close says what a number or column rule says as a whole.
func (j *judging) close(r *compiled, s *RuleSaid, state probe.State, found int) {
	switch {
	case found > 0:
		s.State, j.spoke = state.String(), true
	case !r.Optional:
		s.State, j.spoke = probe.Unknown.String(), true
		j.Raise(probe.Unknown, ReasonNoMatch, r.Name+"：输出中没有找到")
	}
}

// utf16Of returns a function from byte offsets to UTF-16 offsets.
func utf16Of(text string) func(int) int {
	table := make([]int, len(text)+1)
	n := 0
	for i, c := range text {
		table[i] = n
		if n++; c > 0xFFFF {
			n++
		}
		for k := 1; k < utf8.RuneLen(c) && i+k < len(table); k++ {
			table[i+k] = n
		}
	}
	table[len(text)] = n
	return func(at int) int { return table[at] }
}

// lineAround returns the line at an offset.
func lineAround(text string, at int) string {
	from := strings.LastIndexByte(text[:at], '\n') + 1
	line, _, _ := strings.Cut(text[from:], "\n")
	if strings.TrimSpace(line) == "" && at < len(text) {
		return firstLine(text[at:])
	}
	return clip(strings.TrimSpace(line))
}

func firstLine(text string) string {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			return clip(l)
		}
	}
	return ""
}

// clip shortens foreign text for a summary.
func clip(s string) string {
	const most = 120
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
