package zabbix

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Call is a function over the values of one item.
type Call struct {
	Func   string // last, avg, min, max, nodata …
	Host   string
	Key    string   // item key with its parameters, "vfs.fs.size[/,pused]"
	Params []string // after the item
}

// Comparison is one comparison of a call with a number. Op is one of > >= < <= = <>.
type Comparison struct {
	Call  Call
	Op    string
	Value float64
}

// Condition is a trigger's expression as far as it is comparisons joined by "and" and "or".
type Condition struct {
	Any [][]Comparison // of these alternatives one holds, in each all
}

var errNotSimple = errors.New("the expression calculates with several values")

// node is a part of an expression.
type node struct {
	op     string // "and", "or", a comparison, "call", "number", "other"
	call   Call
	number float64
	left   *node
	right  *node
}

// ParseExpression understands a trigger expression whose macros are filled in.
func ParseExpression(expression string) (Condition, error) {
	p := &parser{s: expression}
	n, err := p.or()
	if err != nil {
		return Condition{}, err
	}
	if p.skip(); p.i < len(p.s) {
		return Condition{}, fmt.Errorf("%q is not understood from %q on", shorten(expression), shorten(p.s[p.i:]))
	}
	any, err := n.alternatives()
	return Condition{Any: any}, err
}

const maxAlternatives = 64

// alternatives brings a tree into the form "one of, in each all".
func (n *node) alternatives() ([][]Comparison, error) {
	switch n.op {
	case "or", "and":
		l, err := n.left.alternatives()
		if err != nil {
			return nil, err
		}
		r, err := n.right.alternatives()
		if err != nil {
			return nil, err
		}
		if n.op == "or" {
			return append(l, r...), nil
		}
		if len(l)*len(r) > maxAlternatives {
			return nil, errNotSimple
		}
		var out [][]Comparison
		for _, a := range l {
			for _, b := range r {
				out = append(out, slices.Concat(a, b))
			}
		}
		return out, nil
	case ">", ">=", "<", "<=", "=", "<>":
		c := Comparison{Op: n.op}
		switch {
		case n.left.op == "call" && n.right.op == "number":
			c.Call, c.Value = n.left.call, n.right.number
		case n.left.op == "number" && n.right.op == "call":
			turned := map[string]string{">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "=", "<>": "<>"}
			c.Call, c.Value, c.Op = n.right.call, n.left.number, turned[n.op]
		default:
			return nil, errNotSimple
		}
		return [][]Comparison{{c}}, nil
	case "call": // true when it is not 0
		return [][]Comparison{{{Call: n.call, Op: "<>"}}}, nil
	}
	return nil, errNotSimple
}

type parser struct {
	s     string
	i     int
	depth int
}

func (p *parser) skip() {
	for p.i < len(p.s) && strings.ContainsRune(" \t\r\n", rune(p.s[p.i])) {
		p.i++
	}
}

// word takes a word when it is next and no longer one.
func (p *parser) word(w string) bool {
	p.skip()
	rest := p.s[p.i:]
	if !strings.HasPrefix(rest, w) {
		return false
	}
	if letter(w[0]) && len(rest) > len(w) && (letter(rest[len(w)]) || rest[len(w)] == '(' && w == "not") {
		return false
	}
	p.i += len(w)
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c == '_' || c >= '0' && c <= '9' }

func (p *parser) or() (*node, error) { return p.joined("or", "|", p.and) }

func (p *parser) and() (*node, error) { return p.joined("and", "&", p.comparison) }

// joined reads things joined by a word, or by the sign that stood for it before 2.4.
func (p *parser) joined(word, sign string, next func() (*node, error)) (*node, error) {
	left, err := next()
	for err == nil && (p.word(word) || p.word(sign)) {
		var right *node
		if right, err = next(); err == nil {
			left = &node{op: word, left: left, right: right}
		}
	}
	return left, err
}

func (p *parser) comparison() (*node, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{">=", "<=", "<>", "#", ">", "<", "="} {
		if !p.word(op) {
			continue
		}
		right, err := p.sum()
		if op == "#" {
			op = "<>" // before 2.4
		}
		return &node{op: op, left: left, right: right}, err
	}
	return left, nil
}

// sum reads arithmetic. Of constants it is calculated; of items it is not simple.
func (p *parser) sum() (*node, error) { return p.arithmetic("+-", p.product) }

func (p *parser) product() (*node, error) { return p.arithmetic("*/", p.primary) }

func (p *parser) arithmetic(signs string, next func() (*node, error)) (*node, error) {
	left, err := next()
	for err == nil {
		p.skip()
		if p.i >= len(p.s) || !strings.ContainsRune(signs, rune(p.s[p.i])) {
			break
		}
		sign := p.s[p.i]
		p.i++
		var right *node
		if right, err = next(); err != nil {
			break
		}
		if left.op != "number" || right.op != "number" || sign == '/' && right.number == 0 {
			left = &node{op: "other"}
			continue
		}
		a, b := left.number, right.number
		left = &node{op: "number", number: map[byte]float64{'+': a + b, '-': a - b, '*': a * b}[sign]}
		if sign == '/' {
			left.number = a / b
		}
	}
	return left, err
}

const maxNesting = 100

func (p *parser) primary() (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, errors.New("the expression is nested too deep")
	}
	defer func() { p.depth-- }()
	p.skip()
	if p.i >= len(p.s) {
		return nil, errors.New("the expression ends early")
	}
	switch c := p.s[p.i]; {
	case c == '(':
		p.i++
		n, err := p.or()
		if err == nil && !p.word(")") {
			err = errors.New("a bracket is not closed")
		}
		return n, err
	case c == '{':
		return p.oldCall()
	case c == '"':
		end := quotedEnd(p.s[p.i:])
		if end < 0 {
			return nil, errors.New("a text is not closed")
		}
		p.i += end
		return &node{op: "other"}, nil
	case c == '-':
		p.i++
		n, err := p.primary()
		if err == nil && n.op == "number" {
			n.number = -n.number
		}
		return n, err
	case c >= '0' && c <= '9' || c == '.':
		return p.constant()
	case letter(c):
		return p.newCall()
	}
	return nil, fmt.Errorf("%q is not understood", shorten(p.s[p.i:]))
}

// constant reads a number with a suffix of size or time.
func (p *parser) constant() (*node, error) {
	start := p.i
	for p.i < len(p.s) && (p.s[p.i] >= '0' && p.s[p.i] <= '9' || p.s[p.i] == '.') {
		p.i++
	}
	if p.i+1 < len(p.s) && (p.s[p.i] == 'e' || p.s[p.i] == 'E') { // an exponent
		j := p.i + 1
		if p.s[j] == '-' || p.s[j] == '+' {
			j++
		}
		if j < len(p.s) && p.s[j] >= '0' && p.s[j] <= '9' {
			for p.i = j; p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9'; {
				p.i++
			}
		}
	}
	v, err := strconv.ParseFloat(p.s[start:p.i], 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no number", shorten(p.s[start:]))
	}
	units := map[byte]float64{
		'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40, 's': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400,
	}
	if p.i < len(p.s) {
		if u, ok := units[p.s[p.i]]; ok {
			v *= u
			p.i++
		}
	}
	return &node{op: "number", number: v}, nil
}

// newCall reads func(/host/key,param,…), the form since 5.4. Functions of functions are not simple.
func (p *parser) newCall() (*node, error) {
	start := p.i
	for p.i < len(p.s) && letter(p.s[p.i]) {
		p.i++
	}
	name := p.s[start:p.i]
	if name == "not" {
		if _, err := p.primary(); err != nil {
			return nil, err
		}
		return &node{op: "other"}, nil
	}
	if p.i >= len(p.s) || p.s[p.i] != '(' {
		return nil, fmt.Errorf("%q is not understood", shorten(p.s[start:]))
	}
	end := closing(p.s[p.i:], '(', ')')
	if end < 0 {
		return nil, errors.New("a bracket is not closed")
	}
	inside := p.s[p.i+1 : p.i+end]
	p.i += end + 1
	if !strings.HasPrefix(inside, "/") {
		return &node{op: "other"}, nil
	}
	host, rest, ok := strings.Cut(inside[1:], "/")
	if !ok {
		return nil, fmt.Errorf("%q names no item", shorten(inside))
	}
	args := arguments(rest)
	return &node{op: "call", call: Call{Func: name, Host: host, Key: args[0], Params: args[1:]}}, nil
}

// oldCall reads {host:key.func(param)}, the form before 5.4; other things in braces are not simple.
func (p *parser) oldCall() (*node, error) {
	end := closing(p.s[p.i:], '{', '}')
	if end < 0 {
		return nil, errors.New("a brace is not closed")
	}
	inside := p.s[p.i+1 : p.i+end]
	p.i += end + 1
	host, rest, ok := strings.Cut(inside, ":")
	if !ok || strings.HasPrefix(inside, "$") || strings.HasPrefix(inside, "#") {
		return &node{op: "other"}, nil
	}
	open := lastCall(rest)
	if open < 0 || !strings.HasSuffix(rest, ")") {
		return nil, fmt.Errorf("%q has no function", shorten(inside))
	}
	dot := strings.LastIndexByte(rest[:open], '.')
	if dot < 0 {
		return nil, fmt.Errorf("%q has no function", shorten(inside))
	}
	c := Call{Host: host, Key: rest[:dot], Func: rest[dot+1 : open]}
	if inner := rest[open+1 : len(rest)-1]; inner != "" {
		c.Params = arguments(inner)
	}
	return &node{op: "call", call: c}, nil
}

// lastCall finds the bracket that opens the parameters at the end of "key.func(…)".
func lastCall(s string) int {
	depth, quoted, at := 0, false, -1
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '(' && depth == 0 && at < 0:
			at = i
		}
	}
	return at
}

// closing finds the bracket that closes the one s begins with.
func closing(s string, open, shut byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == open:
			depth++
		case c == shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// arguments splits at commas outside brackets and quotes; quotes around one are taken away.
func arguments(s string) []string {
	var out []string
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '(' || c == '{':
			depth++
		case c == ']' || c == ')' || c == '}':
			depth--
		case c == ',' && depth == 0:
			out = append(out, unquote(strings.TrimSpace(s[start:i])))
			start = i + 1
		}
	}
	return append(out, unquote(strings.TrimSpace(s[start:])))
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s[1 : len(s)-1])
	}
	return s
}

// hostsOf names the hosts and templates of an expression, also of one that is not understood.
func hostsOf(expression string) []string {
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for s := expression; ; {
		i := strings.Index(s, "(/")
		if i < 0 {
			break
		}
		host, _, ok := strings.Cut(s[i+2:], "/")
		if ok {
			add(host)
		}
		s = s[i+2:]
	}
	for s := expression; ; {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			return out
		}
		s = s[i+1:]
		if host, rest, ok := strings.Cut(s, ":"); ok && !strings.ContainsAny(host, "{}$#()") && strings.Contains(rest, ".") {
			add(host)
		}
	}
}

// SplitKey parts an item key into its name and parameters: "vfs.fs.size[/,pused]".
func SplitKey(key string) (name string, params []string) {
	name, rest, ok := strings.Cut(key, "[")
	if !ok || !strings.HasSuffix(rest, "]") {
		return key, nil
	}
	return name, arguments(strings.TrimSuffix(rest, "]"))
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
