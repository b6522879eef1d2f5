package builtin

import (
	"context"
	"errors"
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/builtin/remote"
	"taxops/internal/ops/inspect/builtin/remote/sshtest"
)

// loginsOf are logins by name.
type loginsOf map[string]remote.Login

func (l loginsOf) Login(_ context.Context, name string) (remote.Login, error) {
	found, ok := l[name]
	if !ok {
		return found, errors.New("没有此登录方式")
	}
	return found, nil
}

func (l loginsOf) MayUse(ctx context.Context, name string) error {
	_, err := l.Login(ctx, name)
	return err
}

func loginTo(s *sshtest.Server) remote.Login {
	return remote.Login{Name: "db01", Host: "127.0.0.1", Port: s.Port, User: "taxops", Password: "secret", Pinned: s.HostKey}
}

// TestOverSSHAsAtHome looks at this machine over SSH with every kind that can, and wants what the
// same kind says when it looks by itself.
func TestOverSSHAsAtHome(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{Password: "secret"})
	kinds := All(Deps{Logins: loginsOf{"db01": loginTo(s)}})
	seen := 0
	for _, b := range kinds {
		if _, can := viaKinds[b.Kind]; !can {
			continue
		}
		seen++
		t.Run(b.Kind, func(t *testing.T) {
			t.Parallel()
			params := map[string]any{}
			for _, p := range b.Params {
				if p.Required {
					params[p.Name] = map[string]string{"unit": "ssh.service"}[p.Name]
				}
			}
			if b.Kind == "service.process" {
				params["cmdline"] = "." // whatever runs here
			}
			home, err := b.NewTarget(params, nil, nil, nil, nil)
			if err != nil {
				params["name"] = "postgres"
				if home, err = b.NewTarget(params, nil, nil, nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			want := b.Run(t.Context(), home)
			params["via"] = "db01"
			away, err := b.NewTarget(params, nil, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := b.Run(t.Context(), away)
			t.Logf("%s %s %s", got.State, got.Reason, got.Summary)
			if !strings.HasPrefix(b.TargetName(away.Params), "db01") || !strings.HasPrefix(got.Summary, "db01：") {
				t.Errorf("neither target %q nor summary %q name the host", b.TargetName(away.Params), got.Summary)
			}
			if strings.Contains(got.Summary+got.Details, "taxops-via-") {
				t.Errorf("a temporary path is shown: %s %s", got.Summary, got.Details)
			}
			if (got.Reason == probe.ReasonNoSource) != (want.Reason == probe.ReasonNoSource) {
				t.Errorf("over SSH: %s %s %s\nat home: %s %s %s", got.State, got.Reason, got.Summary, want.State, want.Reason, want.Summary)
			}
			if b.Kind == "service.process" && value(t, got, "count") < 2 {
				t.Errorf("hardly any process is seen: %s", got.Summary)
			}
			if len(want.Perf) > 0 && len(got.Perf) == 0 {
				t.Errorf("no figures over SSH: %s, at home %s", got.Summary, want.Summary)
			}
		})
	}
	if seen != len(viaKinds) {
		t.Errorf("%d of %d kinds are there: a name in viaKinds is wrong", seen, len(viaKinds))
	}
}

func TestOverSSHThatCannot(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{Password: "secret"})
	menu := sshtest.New(t, sshtest.Options{Password: "secret", Greeting: "x"})
	other := sshtest.New(t, sshtest.Options{})
	with := func(change func(*remote.Login)) remote.Login {
		l := loginTo(s)
		change(&l)
		return l
	}
	logins := loginsOf{
		"new": with(func(l *remote.Login) { l.Pinned = "" }), "changed": with(func(l *remote.Login) { l.Pinned = other.HostKey }),
		"denied": with(func(l *remote.Login) { l.Password = "x" }), "bad_key": with(func(l *remote.Login) { l.Key = "x" }),
		"refused": with(func(l *remote.Login) { l.Port = closedPort(t) }), "hangs": with(func(l *remote.Login) { l.Port = peer(t, hangsUp) }),
		"greets": with(func(l *remote.Login) { l.Port, l.Pinned = menu.Port, menu.HostKey }),
	}
	kinds := All(Deps{Logins: logins})
	b, overview := kindOf(t, kinds, "performance.memory"), kindOf(t, kinds, "service.ssh")
	for name, want := range map[string]struct {
		state  probe.State
		reason probe.Reason
		words  []string
	}{
		"new":     {probe.Unknown, "host_key_new", []string{remote.Fingerprint(s.HostKey), "ssh-keygen"}},
		"changed": {probe.Unknown, "host_key_changed", []string{remote.Fingerprint(s.HostKey), remote.Fingerprint(other.HostKey), "未登录"}},
		"denied":  {probe.Unknown, probe.ReasonDenied, []string{"拒绝登录"}},
		"bad_key": {probe.Unknown, "bad_key", nil},
		"refused": {probe.Critical, "refused", nil},
		"nobody":  {probe.Unknown, "no_login", nil},
	} {
		wants(t, run(t, overview, map[string]any{"via": name}, nil), want.state, want.reason, want.words...)
		if name != "nobody" { // the others point to it, with the same words
			wants(t, run(t, b, map[string]any{"via": name}, nil), probe.Unknown, probe.ReasonDown, append(want.words, "SSH 登录")...)
		}
	}
	if r := run(t, overview, map[string]any{"via": "hangs"}, nil); r.State != probe.Critical {
		t.Errorf("a host that hangs up: %s %s %s", r.State, r.Reason, r.Summary)
	}
	wants(t, run(t, b, map[string]any{"via": "greets"}, nil), probe.OK, "", "可用内存")
	wants(t, run(t, overview, map[string]any{"via": "greets"}, nil), probe.OK, "", "登录成功")
	if err := b.Verify(t.Context(), map[string]any{"via": "nobody"}); err == nil {
		t.Error("a login that does not exist was taken")
	}
	if _, err := kindOf(t, All(Deps{}), "performance.memory").CheckParams(map[string]any{"via": "db01"}); err == nil {
		t.Error("a login was taken where there are none")
	}
}

func TestParseDF(t *testing.T) {
	t.Parallel()
	got, err := parseDF([]byte(`Filesystem         1024-blocks      Used Available Capacity Mounted on
/dev/vda1             41152736  20576368  20559984      51% /
/dev/mapper/vg-a b        1000       900       100      90% /data/with blank
tmpfs                        0         0         0       - /none
`), []byte(`Filesystem            Inodes  IUsed   IFree IUse% Mounted on
/dev/vda1            2621440 131072 2490368    5% /
/dev/mapper/vg-a b         0      0       0     - /data/with blank
`))
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	if u := got["/"]; u.size != 41152736<<10 || u.available != 20559984<<10 || u.inodes != 2621440 || u.inodesFree != 2490368 {
		t.Errorf("%+v", u)
	}
	if u := got["/data/with blank"]; u.used != 900<<10 || u.inodesKnown {
		t.Errorf("%+v", u)
	}
	if _, err := parseDF(nil, nil); err == nil {
		t.Error("nothing was taken")
	}
}
