package scripts

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Judgement is a proposal how the output of a script may be judged (判定规则). It is read from its text and
// never more than a proposal: a person tries the script with it before it is used.
type Judgement struct {
	Plugin  bool           // it keeps to the plug-in convention: exit code 0 to 3 and a first line
	Words   []Word         // of its output
	Exits   map[int]string // what its exit codes other than 0 seem to mean
	Guessed bool           // nothing in the text says what is good
}

// Word is a word that a script prints, and the state that it seems to stand for.
type Word struct {
	Text  string
	State string // OK, WARNING, CRITICAL
}

// Text says a judgement in one line.
func (j Judgement) Text() string {
	if j.Plugin {
		return "plugin"
	}
	var out []string
	for _, w := range j.Words {
		out = append(out, w.Text+"→"+w.State)
	}
	return strings.Join(out, " ")
}

// known words of old scripts, in the order in which they are looked for.
var vocabulary = []Word{
	{"CRITICAL", "CRITICAL"}, {"FATAL", "CRITICAL"}, {"ERROR", "CRITICAL"}, {"FAILED", "CRITICAL"}, {"FAIL", "CRITICAL"}, {"DOWN", "CRITICAL"},
	{"异常", "CRITICAL"}, {"失败", "CRITICAL"}, {"错误", "CRITICAL"}, {"严重", "CRITICAL"}, {"故障", "CRITICAL"}, {"未启动", "CRITICAL"}, {"不存在", "CRITICAL"},
	{"WARNING", "WARNING"}, {"WARN", "WARNING"}, {"警告", "WARNING"}, {"告警", "WARNING"}, {"注意", "WARNING"}, {"过高", "WARNING"},
	{"OK", "OK"}, {"NORMAL", "OK"}, {"SUCCESS", "OK"}, {"正常", "OK"}, {"成功", "OK"}, {"通过", "OK"},
}

var (
	printing = regexp.MustCompile(`(?m)\b(?:echo|printf|print|puts|say)\b(.*)$`)
	exiting  = regexp.MustCompile(`(?:^|[\s;({&|])(?:exit|sys\.exit|os\._exit)[\s(]+([0-9]{1,3})\b`)
	comment  = regexp.MustCompile(`(?m)^\s*#.*$`)
)

// Propose reads how a script seems to say what it found.
func Propose(body []byte) Judgement {
	text := comment.ReplaceAllString(string(body), "")
	j := Judgement{Exits: map[int]string{}}
	for _, m := range exiting.FindAllStringSubmatch(text, 200) {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 && n < 256 {
			j.Exits[n] = "CRITICAL"
		}
	}
	var said strings.Builder
	for _, m := range printing.FindAllStringSubmatch(text, 2000) {
		said.WriteString(m[1] + "\n")
	}
	printed := said.String()
	for _, w := range vocabulary {
		// Of FAILED and FAIL the longer one stands for both places.
		if holds(printed, w.Text) && !slices.ContainsFunc(j.Words, func(h Word) bool { return strings.Contains(h.Text, w.Text) }) {
			j.Words = append(j.Words, w)
		}
	}
	states := map[string]bool{}
	for _, w := range j.Words {
		states[w.State] = true
	}
	_, one := j.Exits[1]
	_, two := j.Exits[2]
	if states["OK"] && one && two && (holds(printed, "CRITICAL") || holds(printed, "WARNING")) {
		return Judgement{Plugin: true, Exits: map[int]string{}}
	}
	j.Guessed = !states["OK"] || !states["CRITICAL"] && !states["WARNING"] && len(j.Exits) == 0
	return j
}

// holds reports a word in a text: of letters only as a word of its own.
func holds(text, word string) bool {
	if word[0] >= 0x80 {
		return strings.Contains(text, word)
	}
	re := regexp.MustCompile(`(?i)\b` + word + `\b`)
	return re.MatchString(text)
}
