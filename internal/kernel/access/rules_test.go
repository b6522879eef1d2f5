package access

import (
	"slices"
	"testing"
	"time"

	"taxops/internal/kernel/problem"
)

func TestCatalogue(t *testing.T) {
	t.Parallel()
	good := Permission{Name: "a.read", TitleZH: "看", TitleEN: "See", Roles: []Role{Engineer, Auditor}}
	for name, all := range map[string][]Permission{
		"twice":        {good, good},
		"no title":     {{Name: "a.read", TitleZH: "看", Roles: []Role{Engineer}}},
		"nobody's":     {{Name: "a.read", TitleZH: "看", TitleEN: "See"}},
		"unknown role": {{Name: "a.read", TitleZH: "看", TitleEN: "See", Roles: []Role{"emperor"}}},
	} {
		if _, err := newCatalogue(all); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	c, err := newCatalogue(append(OwnPermissions(), good))
	if err != nil {
		t.Fatal(err)
	}
	grants := []Grant{{Engineer, "/45/4501/", "seal"}, {Clerk, "/45/", ""}}
	scope := c.scope(grants, "a.read")
	if !scope.Covers("/45/4501/450102/", "seal") || scope.Covers("/45/4501/", "") || scope.Covers("/45/4502/", "seal") {
		t.Errorf("scope %v", scope)
	}
	if !c.scope(grants, PermissionManage).Empty() || !c.scope(nil, "a.read").Empty() {
		t.Error("a permission nobody granted")
	}
	if have := c.of(grants); !slices.Equal(have, []string{"a.read", PermissionRead}) {
		t.Errorf("permissions %v", have)
	}
}

// Who makes accounts, who decides on rights and who watches are three.
func TestOwnPermissionsKeepDutiesApart(t *testing.T) {
	t.Parallel()
	c, err := newCatalogue(OwnPermissions())
	if err != nil {
		t.Fatal(err)
	}
	for r, want := range map[Role][2]bool{SystemAdmin: {true, false}, SecurityAdmin: {false, true}, Auditor: {false, false}} {
		if have := [2]bool{c.roleHas(r, PermissionManage), c.roleHas(r, PermissionGrant)}; have != want {
			t.Errorf("%s manages and grants: %v", r, have)
		}
	}
}

func TestSeparation(t *testing.T) {
	t.Parallel()
	for _, a := range AllRoles() {
		for _, b := range AllRoles() {
			three := slices.Contains(Triad(), a) && slices.Contains(Triad(), b) && a != b
			if have := separated([]Grant{{Role: a}, {Role: b}}) != nil; have != three {
				t.Errorf("%s with %s: refused %v", a, b, have)
			}
			if slices.Contains(a.Excludes(), b) != three {
				t.Errorf("%s excludes %v", a, a.Excludes())
			}
		}
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		grants       []Grant
		area, system string
		ok           bool
	}{
		"none":         {nil, "", "", false},
		"one":          {[]Grant{{Clerk, "/45/4501/", "seal"}}, "/45/4501/", "seal", true},
		"two systems":  {[]Grant{{Clerk, "/45/4501/", "seal"}, {Clerk, "/45/4501/", "identity"}}, "/45/4501/", "", true},
		"two cities":   {[]Grant{{Clerk, "/45/4501/", ""}, {Clerk, "/45/4502/", ""}}, "/45/", "", true},
		"alike digits": {[]Grant{{Clerk, "/45/4501/", ""}, {Clerk, "/45/450/", ""}}, "/45/", "", true},
		"above, below": {[]Grant{{Clerk, "/45/4501/", ""}, {Clerk, "/45/", ""}}, "/45/", "", true},
		"two regions":  {[]Grant{{Clerk, "/45/", ""}, {Clerk, "/44/", ""}}, "/", "", true},
	} {
		area, system, ok := place(c.grants)
		if area != c.area || system != c.system || ok != c.ok {
			t.Errorf("%s: %q %q %v", name, area, system, ok)
		}
	}
}

func TestLocks(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]time.Duration{
		0: 0, 4: 0, 5: 15 * time.Second, 6: 30 * time.Second, 10: 8 * time.Minute, 11: 15 * time.Minute, 5000: 15 * time.Minute,
	} {
		if have := lockAfter(failures, 5); have != want {
			t.Errorf("%d failures lock for %s", failures, have)
		}
	}
}

func TestReadLogin(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" Wang ": "wang", "ＷＡＮＧ０１": "wang01", "王工": "王工", "a.b_c-d@e": "a.b_c-d@e",
		"a": "", "": "", "-ab": "", "a b": "", "a\u200bb": "", "a/b": "", "a\x00b": "",
	} {
		have, err := readLogin("body.login", in)
		if have != want || (want == "") != (problem.CodeOf(err) == problem.Invalid && err != nil) {
			t.Errorf("%q: %q, %v", in, have, err)
		}
	}
}

func TestTOTPStep(t *testing.T) {
	t.Parallel()
	// RFC 6238, appendix B: the secret "12345678901234567890", eight digits cut to six.
	const key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for unix, code := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"} {
		at := unix / 30
		for shift, ok := range map[int64]bool{0: true, 30: true, -30: true, 90: false, -90: false} {
			step, have := totpStep(key, code, time.Unix(unix+shift, 0), 0)
			if have != ok || ok && step != at {
				t.Errorf("%d shifted by %d: %d, %v", unix, shift, step, have)
			}
		}
		if _, have := totpStep(key, code, time.Unix(unix, 0), at); have {
			t.Errorf("%d works twice", unix)
		}
	}
	if _, have := totpStep(key, "", time.Unix(59, 0), 0); have {
		t.Error("nothing is a code")
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration is accepted")
	}
	c := Config{Installation: Installation{AreaPath: "45"}, IdleTimeout: time.Second, ConcurrentHashes: 1000}
	if err := c.Validate(); err == nil {
		t.Error("a configuration that could not work is accepted")
	}
	if c.Hash != DefaultHashParams() || c.Clock == nil || c.Log == nil {
		t.Error("what was left out is not filled in")
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"abc": "abc", "abcdef": "abcd", "ab税务": "ab", "\xff": ""} {
		if have := cut(in, 4); have != want {
			t.Errorf("%q is cut to %q", in, have)
		}
	}
}
