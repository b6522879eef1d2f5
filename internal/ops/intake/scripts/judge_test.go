package scripts

import "testing"

func TestJudgements(t *testing.T) {
	for name, c := range map[string]struct {
		body, want string
		guessed    bool
	}{
		"a plug-in":         {"if x; then echo \"CRITICAL - down\"; exit 2; fi\nif y; then echo WARNING; exit 1; fi\necho \"OK - fine\"\nexit 0\n", "plugin", false},
		"Chinese words":     {"[ $n -gt 0 ] && echo \"FTP 正常\" || echo \"FTP 异常\"", "异常→CRITICAL 正常→OK", false},
		"the longer word":   {"echo FAILED; echo ok", "FAILED→CRITICAL OK→OK", false},
		"only bad words":    {"echo ERROR\n", "ERROR→CRITICAL", true},
		"only good words":   {"print('成功')", "成功→OK", true},
		"good and exit":     {"echo 正常\nexit 3\n", "正常→OK", false},
		"no words":          {"df -h\n", "", true},
		"a comment":         {"# echo ERROR\n  # OK\ndf\n", "", true},
		"part of a word":    {"echo books tokyo\n", "", true},
		"words not printed": {"grep ERROR log\n", "", true},
	} {
		j := Propose([]byte(c.body))
		if j.Text() != c.want || j.Guessed != c.guessed {
			t.Errorf("%s: %q, guessed %v", name, j.Text(), j.Guessed)
		}
	}
}
