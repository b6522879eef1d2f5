package access

import (
	"context"
	"errors"
	"strings"
	"testing"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
)

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	r := newPasswordRules()
	for password, want := range map[string]string{
		"correct horse 7 Battery":    "",
		"Tr0ubadour&3x":              "",
		"xK9#mQ2vLp":                 "", // 10 with three kinds
		"nanningderenhenduo88":       "", // a phrase of one's own, with a place in it
		"南宁的雨一直下到了明天早上":              "",
		"xK9#mQ2vL":                  "too_short",
		"abkdeutzqwx":                "too_short", // 11 of one kind
		"wanggong-2031-xk":           "contains_login",
		"XWangGongX-881":             "contains_login",
		"137712345678":               "only_digits",
		"450102199001011234":         "only_digits",
		"aaaaaaaaaaaaA1":             "too_simple",
		"ababABAB1212!":              "",
		"abcdefghijklmn":             "too_simple",
		"Password12345":              "common",
		"P@ssw0rd2026":               "common",
		"Admin@123456":               "common",
		"woaini1314520":              "common",
		"Woaini1314!!":               "common",
		"zhongguo2026!":              "common",
		"1qaz2wsx3edc":               "common",
		"Qwertyuiop123":              "common",
		"Guangxi@2026":               "common",
		"Shuiwu@12345":               "common",
		"Taxops2026!!":               "common",
		strings.Repeat("yz1-Q", 26):  "too_long",
		"broken \xff\xfe utf-8 text": "too_long",
	} {
		code, _ := r.broken("wanggong", password)
		if code != want {
			t.Errorf("%q: %q, not %q", password, code, want)
		}
	}
	err := r.check("body.password", "wanggong", secret.NewText("short"))
	var p *problem.Error
	if !errors.As(err, &p) || p.Code != CodePasswordWeak || p.Fields[0].Location != "body.password" || p.Fields[0].Value != nil {
		t.Errorf("problem %v", err)
	}
}

func cheap(t *testing.T) *hasher {
	t.Helper()
	h, err := newHasher(HashParams{MemoryKiB: 64, Time: 1, Threads: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHash(t *testing.T) {
	t.Parallel()
	h, ctx := cheap(t), context.Background()
	phc, err := h.hash(ctx, secret.NewText("pässword of mine"))
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%q, %v", phc, err)
	}
	for name, c := range map[string]struct {
		phc, password string
		want          bool
	}{
		"right":               {phc, "pässword of mine", true},
		"composed otherwise":  {phc, "pa\u0308ssword of mine", true},
		"wrong":               {phc, "passwort of mine", false},
		"no account":          {"", "pässword of mine", false},
		"no account, nothing": {"", "", false},
	} {
		if have, err := h.check(ctx, c.phc, secret.NewText(c.password)); err != nil || have != c.want {
			t.Errorf("%s: %v, %v", name, have, err)
		}
	}
	for _, damaged := range []string{
		"x", "$argon2id$v=18$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", strings.Replace(phc, "m=64", "m=99999999", 1),
		strings.Replace(phc, "argon2id", "argon2i", 1), phc[:len(phc)-30],
	} {
		if _, err := h.check(ctx, damaged, secret.NewText("x")); !errors.Is(err, errPHC) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
	if h.outdated(phc) {
		t.Error("a new hash is outdated")
	}
	h.params.MemoryKiB *= 2
	if !h.outdated(phc) {
		t.Error("a cheaper hash is not outdated")
	}
}

// Few hashes run at a time, few requests wait, and whoever has gone does not.
func TestHashesAreLimited(t *testing.T) {
	t.Parallel()
	h := cheap(t)
	give, err := h.take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.hash(gone, secret.NewText("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("a person who has gone: %v", err)
	}
	h.waiting.Store(maxWaiting)
	if _, err := h.take(context.Background()); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("one more: %v", err)
	}
	h.waiting.Store(0)
	give()
	if _, err := h.hash(context.Background(), secret.NewText("x")); err != nil {
		t.Error(err)
	}
}

func TestHashParameters(t *testing.T) {
	t.Parallel()
	for p, ok := range map[HashParams]bool{
		DefaultHashParams():                         true,
		{MemoryKiB: 4, Time: 1, Threads: 1}:         false,
		{MemoryKiB: 64, Time: 0, Threads: 1}:        false,
		{MemoryKiB: 64, Time: 1, Threads: 0}:        false,
		{MemoryKiB: 2 << 20, Time: 1, Threads: 1}:   false,
		{MemoryKiB: 64 << 10, Time: 99, Threads: 1}: false,
	} {
		if err := p.validate(); (err == nil) != ok {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
