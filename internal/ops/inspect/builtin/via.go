package builtin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/builtin/remote"
)

// Logins finds a way into a host by its name. The error is a problem that a person may read.
type Logins interface {
	// Login returns the login that a check runs over.
	Login(ctx context.Context, name string) (remote.Login, error)
	// MayUse refuses a login that does not exist or that the caller may not use.
	MayUse(ctx context.Context, name string) error
}

// viaAnswer is how long a host may take for one part of what is asked of it.
const viaAnswer = 25 * time.Second

// What a check needs of a host, beside the programs it may ask.
const (
	partHost      = "host"      // counters and settings
	partProcesses = "processes" // one set of files a process
	partDisks     = "disks"     // what df says
)

// viaKinds are the kinds that can look over a login, with the parts that each needs. The others need
// what does not travel: a socket, a log followed by its place in a file, the time of a file.
var viaKinds = map[string][]string{
	"hardware.nic": {partHost}, "hardware.raid": {partHost}, "hardware.temperature": {partHost}, "hardware.ecc": {partHost}, "hardware.fan": {partHost},
	"hardware.power": {partHost}, "hardware.smart": {partHost}, "hardware.raid_card": {}, "hardware.ipmi": {partHost}, "hardware.sel": {partHost},
	"service.process": {partProcesses}, "service.systemd": {}, "service.unit": {}, "service.ports": {partHost},
	"service.accounts": {partHost}, "service.passwords": {partHost}, "service.password_policy": {partHost}, "service.sshd_config": {partHost},
	"performance.cpu": {partHost}, "performance.memory": {partHost}, "performance.swap": {partHost}, "performance.load": {partHost}, "performance.io": {partHost},
	"performance.disk": {partHost, partDisks}, "performance.inodes": {partHost, partDisks}, "performance.files": {partHost}, "performance.conntrack": {partHost},
	"performance.disk_latency": {partHost}, "performance.tcp": {partHost}, "performance.tasks": {partHost, partProcesses},
	"os_log.journal": {partHost},
}

// viaParts are the files of each part.
var viaParts = map[string]remote.Part{
	partHost: {
		Files: []string{
			"/proc/loadavg", "/proc/stat", "/proc/meminfo", "/proc/vmstat", "/proc/uptime", "/proc/diskstats", "/proc/mdstat", "/proc/pressure/*", "/proc/sys/fs/file-nr",
			"/proc/sys/net/netfilter/nf_conntrack_*", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max",
			"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6", "/proc/net/snmp", "/proc/net/netstat", "/proc/sys/net/ipv4/ip_local_port_range", "/proc/self/mountinfo", "/proc/self/mounts",
			"/sys/class/net/*/flags", "/sys/class/net/*/operstate", "/sys/class/net/*/carrier", "/sys/class/net/*/speed", "/sys/class/net/*/statistics/[rt]x_packets", "/sys/class/net/*/statistics/[rt]x_errors",
			"/sys/block/*/size", "/sys/class/hwmon/hwmon*/name", "/sys/class/hwmon/hwmon*/temp*", "/sys/class/hwmon/hwmon*/fan*", "/sys/class/thermal/thermal_zone*/temp", "/sys/class/thermal/thermal_zone*/type",
			"/sys/class/thermal/thermal_zone*/trip_point_*", "/sys/devices/system/edac/mc/mc[0-9]*/*_count", "/sys/class/power_supply/*/type", "/sys/class/power_supply/*/online", "/sys/class/power_supply/*/status", "/sys/class/power_supply/*/capacity",
			"/etc/os-release", "/etc/passwd", "/etc/shadow", "/etc/login.defs", "/etc/pam.d/*", "/etc/security/pwquality.conf", "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*",
		},
		Exists: []string{"/sys/class/net/*/device", "/sys/class/net/*/bonding", "/run/systemd/system", "/var/log/journal", "/run/log/journal", "/dev/ipmi*", "/dev/ipmi/*", "/dev/ipmidev/*"},
	},
	partProcesses: {Files: []string{
		"/proc/[0-9]*/stat", "/proc/[0-9]*/comm", "/proc/[0-9]*/cmdline", "/proc/loadavg", "/proc/stat", "/proc/uptime", "/proc/self/mounts",
		"/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max",
	}},
}

// viaParam is what every such kind can be told.
var viaParam = probe.Param{Name: "via", Type: "string", TitleZH: "登录方式（经 SSH 检查另一台主机；空为本机）", TitleEN: "Login (looks at another host over SSH; empty for this one)"}

// over lets kinds look over a login, as well as at this machine; without logins it changes nothing.
func (h host) over(kinds []probe.Builtin) []probe.Builtin {
	if h.Logins == nil {
		return kinds
	}
	kinds = append(kinds, h.loginKind())
	v := via{logins: h.Logins, bundles: &share[remote.Bundle]{}, disks: &share[map[string]usage]{}}
	for i, b := range kinds {
		parts, can := viaKinds[b.Kind]
		if !can {
			continue
		}
		kinds[i] = v.kind(b, parts)
	}
	return kinds
}

// via is how kinds look over logins: the checks of one host share what was asked of it.
type via struct {
	logins  Logins
	bundles *share[remote.Bundle]
	disks   *share[map[string]usage]
}

func (v via) kind(b probe.Builtin, parts []string) probe.Builtin {
	here := b
	b.Overview = loginOverview
	b.Params = append(slices.Clone(b.Params), viaParam)
	b.Check = func(p map[string]any) error {
		if here.Check == nil {
			return nil
		}
		return here.Check(p)
	}
	b.Target = func(p map[string]any) string {
		target := here.TargetName(p)
		if name, _ := p["via"].(string); name != "" {
			return strings.TrimSpace(name + " " + target)
		}
		return target
	}
	b.Verify = func(ctx context.Context, p map[string]any) error {
		if name, _ := p["via"].(string); name != "" {
			if err := v.logins.MayUse(ctx, name); err != nil {
				return err //nolint:wrapcheck // it is a problem already
			}
		}
		if here.Verify == nil {
			return nil
		}
		return here.Verify(ctx, p)
	}
	b.Run = func(ctx context.Context, t probe.Target) probe.Result {
		name := t.String("via")
		if name == "" {
			return here.Run(ctx, t)
		}
		return v.run(ctx, t, name, here.Kind, parts)
	}
	return b
}

// loginOverview is the kind that reports whether a login works at all.
const loginOverview = "service.ssh"

// loginKind is the overview of a host that is looked at over a login: whether it can be reached and
// signed in to. The other checks over the login leave that to it.
func (h host) loginKind() probe.Builtin {
	required := viaParam
	required.Required, required.TitleZH, required.TitleEN = true, "登录方式", "Login"
	return probe.Builtin{
		Kind: loginOverview, Class: probe.Service, TitleZH: "SSH 登录", TitleEN: "SSH login",
		HelpZH: "以登录方式登录主机（不执行命令）：能否到达、主机密钥是否为已确认的、账户是否可用、登录耗时。经同一登录方式的其他检查项在主机不可达时只指向本项，一次故障只有一个隐患。" +
			"变红时：不可达——查主机、网络与防火墙；密钥改变——核对是否重装过系统，否则报告安全员；拒绝登录——查账户、口令有效期与 sshd 设置。",
		HelpEN: "Signs in to a host over its login and runs nothing: whether it can be reached, shows the accepted key and lets the account in, and how long that takes. While the host cannot be reached the other checks over the login only point here, so that one outage is one finding. " +
			"When red: if unreachable check host, network and firewall; if its key changed find out whether it was installed anew, else tell the security officer; if refused check the account, its password's age and sshd.",
		Params:     []probe.Param{required},
		Thresholds: []probe.Threshold{{Metric: "connect_time", Warn: "2", Crit: "5", Unit: "s"}},
		Target:     func(p map[string]any) string { name, _ := p["via"].(string); return name },
		Verify: func(ctx context.Context, p map[string]any) error {
			name, _ := p["via"].(string)
			return h.Logins.MayUse(ctx, name) //nolint:wrapcheck // it is a problem already
		},
		Verified: verifiedTested, VerifiedOn: "OpenSSH 9.2, 2026-11", Timeout: instanceTimeout,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			ctx, cancel := answerBy(ctx, instanceAnswer)
			defer cancel()
			login, err := h.Logins.Login(ctx, t.String("via"))
			if err != nil {
				return probe.Unknowable("no_login", fmt.Sprintf("登录方式 %s 不可用：%v", t.String("via"), err))
			}
			began := time.Now()
			c, err := remote.Connect(ctx, login, dialer(ctx).DialContext)
			took := time.Since(began)
			if err != nil {
				r := ViaProblem(login, err, took)
				var key *remote.HostKeyError
				if !errors.As(err, &key) && r.Reason != probe.ReasonDenied && r.Reason != "bad_key" {
					r.State = probe.Critical // here it is the host itself that is asked about
				}
				return r
			}
			c.Close()
			r := t.Report()
			r.Measure("connect_time", "登录耗时", took.Seconds(), "s")
			return r.Result(fmt.Sprintf("%s@%s 登录成功，耗时 %s", login.User, login.Address(), probe.Humanize(took.Seconds(), "s")))
		},
	}
}

// follows is what a check over a login says when the login does not work: that is for service.ssh to
// report.
func (v via) follows(r probe.Result) *probe.Result {
	r.State, r.Reason, r.Summary = probe.Unknown, probe.ReasonDown, "未能查看（见“SSH 登录”）："+r.Summary
	return &r
}

// run lays out what a host answered and lets the kind look at that.
func (v via) run(ctx context.Context, t probe.Target, name, kind string, parts []string) probe.Result {
	login, err := v.logins.Login(ctx, name)
	if err != nil {
		return probe.Unknowable("no_login", fmt.Sprintf("登录方式 %s 不可用：%v", name, err))
	}
	root, err := os.MkdirTemp("", "taxops-via-")
	if err != nil {
		return probe.Unknowable("read_failed", fmt.Sprintf("无法建立临时目录：%v", err))
	}
	defer os.RemoveAll(root)
	h := newHost(Deps{Root: root, Proc: root + "/proc", Sys: root + "/sys", Dev: root + "/dev", VarLog: root + "/var/log"})
	h.helper = func(ctx context.Context, name string, args ...string) (said, error) {
		return viaHelper(ctx, login, name, args)
	}
	var denied []string
	for _, p := range parts {
		if p == partDisks {
			disks, failed := v.df(ctx, login, t.Since)
			if failed != nil {
				return *failed
			}
			h.statfs = newStatfsGuard(func(point string) (usage, error) {
				u, known := disks[point]
				if !known {
					return usage{}, errNotDirectory // df leaves out what is no file system of its own
				}
				return u, nil
			})
			continue
		}
		bundle, failed := v.bundle(ctx, login, p, t.Since)
		if failed != nil {
			return *failed
		}
		if err := bundle.Write(root); err != nil {
			return probe.Unknowable("read_failed", fmt.Sprintf("%s 的数据无法读取：%v", name, err))
		}
		denied = append(denied, bundle.Denied()...)
	}
	for _, b := range h.kinds() {
		if b.Kind == kind {
			t.Params = maps.Clone(t.Params)
			delete(t.Params, "via")
			return viaWords(b.Run(ctx, t), root, name, denied)
		}
	}
	return probe.Unknowable("unknown_kind", "本程序没有此类检查："+kind)
}

// viaWords makes words about this machine ones about the other. What the account may not read is
// denied, not absent.
func viaWords(r probe.Result, root, name string, denied []string) probe.Result {
	clean := func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, root, ""), "本机", "该主机"), "以 root 运行", "换用有权限的登录账户")
	}
	r.Summary, r.Details = name+"："+clean(r.Summary), clean(r.Details)
	if r.Reason == probe.ReasonNoSource {
		for _, d := range denied {
			if strings.Contains(r.Summary, d) {
				return probe.Denied(fmt.Sprintf("%s：登录账户无权读取 %s，请换用有权限的账户或授予读取权限", name, d))
			}
		}
	}
	return r
}

func viaKey(l remote.Login, part string) string {
	p := map[string]any{"part": part, "host": l.Host, "port": l.Port, "user": l.User, "password": l.Password, "key": l.Key, "pinned": l.Pinned}
	for j, depth := l.Jump, 0; j != nil; j, depth = j.Jump, depth+1 {
		p["jump"+strconv.Itoa(depth)] = j.Address() + " " + j.User + " " + j.Pinned
	}
	names := slices.Collect(maps.Keys(p))
	return shareKey(p, names...)
}

func (v via) bundle(ctx context.Context, l remote.Login, part string, since time.Time) (remote.Bundle, *probe.Result) {
	ctx, cancel := answerBy(ctx, viaAnswer)
	defer cancel()
	b, took, err := v.bundles.get(ctx, since, viaKey(l, part), func(ctx context.Context) (remote.Bundle, error) {
		nonce, err := remote.Nonce()
		if err != nil {
			return remote.Bundle{}, err //nolint:wrapcheck // it says what it is
		}
		out, _, err := viaRun(ctx, l, "exec sh -c "+remote.Quote(remote.Script(nonce, viaParts[part])), remote.MaxBundle)
		if err != nil {
			return remote.Bundle{}, err
		}
		return remote.Parse(nonce, out) //nolint:wrapcheck // it says what it is
	})
	if err != nil {
		return b, v.follows(ViaProblem(l, err, took))
	}
	return b, nil
}

// viaRun opens a session for one command.
func viaRun(ctx context.Context, l remote.Login, command string, most int) ([]byte, int, error) {
	c, err := remote.Connect(ctx, l, dialer(ctx).DialContext)
	if err != nil {
		return nil, 0, err //nolint:wrapcheck // ViaProblem reads it
	}
	defer c.Close()
	return c.Run(ctx, command, most) //nolint:wrapcheck // as above
}

// viaHelper asks one of the programs of the list, at one of its fixed places.
func viaHelper(ctx context.Context, l remote.Login, name string, args []string) (said, error) {
	paths, known := helperPaths[name]
	if !known {
		return said{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	ctx, cancel := answerBy(ctx, viaAnswer)
	defer cancel()
	var script strings.Builder
	script.WriteString("LC_ALL=C; LANG=C; TZ=UTC; SYSTEMD_PAGER=; SYSTEMD_COLORS=0; export LC_ALL LANG TZ SYSTEMD_PAGER SYSTEMD_COLORS\n")
	for _, p := range paths {
		fmt.Fprintf(&script, "if [ -f %s ]; then [ -x %s ] || exit 126; exec %s", remote.Quote(p), remote.Quote(p), remote.Quote(p))
		for _, a := range args {
			script.WriteString(" " + remote.Quote(a))
		}
		script.WriteString("; fi\n")
	}
	script.WriteString("exit 127\n")
	out, code, err := viaRun(ctx, l, "exec sh -c "+remote.Quote(script.String()), maxHelperOutput)
	switch {
	case err != nil:
		return said{}, fmt.Errorf("%s: %w", name, err)
	case code == 127 && len(bytes.TrimSpace(out)) == 0:
		return said{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	case code == 126 && len(bytes.TrimSpace(out)) == 0:
		return said{}, fmt.Errorf("%s: %w", name, fs.ErrPermission)
	}
	return said{out: out, code: code}, nil
}

// df asks for the space of all file systems. It leaves out remote ones, where df may hang: a host
// that has such hears of it from their server.
func (v via) df(ctx context.Context, l remote.Login, since time.Time) (map[string]usage, *probe.Result) {
	ctx, cancel := answerBy(ctx, viaAnswer)
	defer cancel()
	disks, took, err := v.disks.get(ctx, since, viaKey(l, partDisks), func(ctx context.Context) (map[string]usage, error) {
		const mark = "=taxops-inodes"
		out, _, err := viaRun(ctx, l, "LC_ALL=C; export LC_ALL; df -lkP 2>/dev/null; echo "+mark+"; df -liP 2>/dev/null", 1<<20)
		if err != nil {
			return nil, err
		}
		space, inodes, _ := bytes.Cut(out, []byte(mark))
		return parseDF(space, inodes)
	})
	if err != nil {
		return nil, v.follows(ViaProblem(l, err, took))
	}
	return disks, nil
}

// parseDF reads "df -kP" and "df -iP": name, size, used, available, percent, mount point.
func parseDF(space, inodes []byte) (map[string]usage, error) {
	out := make(map[string]usage)
	each := func(b []byte, take func(point string, n [3]uint64)) {
		for line := range strings.Lines(string(b)) {
			fields := strings.Fields(line)
			at := slices.IndexFunc(fields, func(f string) bool { return strings.HasSuffix(f, "%") || f == "-" })
			for at >= 0 && at < 4 && at+1 < len(fields) { // "-" stands for numbers too
				next := slices.IndexFunc(fields[at+1:], func(f string) bool { return strings.HasSuffix(f, "%") || f == "-" })
				if next < 0 {
					at = -1
					break
				}
				at += next + 1
			}
			if at < 4 || at+1 >= len(fields) {
				continue
			}
			var n [3]uint64
			for i := range n {
				n[i], _ = strconv.ParseUint(fields[at-3+i], 10, 64)
			}
			take(strings.Join(fields[at+1:], " "), n)
		}
	}
	each(space, func(point string, n [3]uint64) {
		if n[0] > 0 {
			out[point] = usage{size: n[0] << 10, used: n[1] << 10, available: n[2] << 10}
		}
	})
	each(inodes, func(point string, n [3]uint64) {
		if u, known := out[point]; known && n[0] > 0 {
			u.inodes, u.inodesFree, u.inodesKnown = n[0], n[2], true
			out[point] = u
		}
	})
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: df says nothing", remote.ErrBundle)
	}
	return out, nil
}

// ViaProblem says in Chinese why a host could not be looked at over a login.
func ViaProblem(l remote.Login, err error, took time.Duration) probe.Result {
	where := "SSH " + l.Name + "（" + l.User + "@" + l.Address() + "）"
	var key *remote.HostKeyError
	switch {
	case errors.As(err, &key) && key.Pinned == "":
		return probe.Unknowable("host_key_new", fmt.Sprintf("%s 的主机密钥尚未确认：%s。请在该主机上核对（ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub）后，在“登录方式”中确认", where, key.Offered))
	case errors.As(err, &key):
		return probe.Unknowable("host_key_changed", fmt.Sprintf("%s 的主机密钥已改变：现为 %s，已确认的是 %s。未登录。重装系统后属正常，请核对后重新确认；否则可能有人冒充该主机，请报告安全员", where, key.Offered, key.Pinned))
	case errors.Is(err, remote.ErrDenied):
		return probe.Denied(where + " 拒绝登录：账户、口令或密钥不对，或 sshd 不允许该账户")
	case errors.Is(err, remote.ErrKey):
		return probe.Unknowable("bad_key", where+" 的私钥无法读取（格式不对，或口令短语不对）")
	case errors.Is(err, remote.ErrBundle):
		return probe.Unknowable("bad_answer", fmt.Sprintf("%s 没有按预期执行（账户须有可用的 sh，且登录时不得输出其他内容）：%v", where, err))
	case errors.Is(err, remote.ErrTooMuch):
		return probe.Unknowable("bad_answer", where+" 返回的数据过长")
	case isTimeout(err):
		return probe.Unknowable(probe.ReasonTimeout, fmt.Sprintf("%s 在 %s内没有应答", where, probe.Humanize(took.Seconds(), "s")))
	}
	r := networkProblem(where, err, took).result()
	r.State = probe.Unknown // the host may be well: it could not be looked at
	return r
}

// ViaKinds lists the kinds that can look over a login and need no settings but that, the login itself
// first.
func ViaKinds(kinds []probe.Builtin) []probe.Builtin {
	var out []probe.Builtin
	for _, b := range kinds {
		if b.Kind == loginOverview {
			out = slices.Insert(out, 0, b)
			continue
		}
		if _, can := viaKinds[b.Kind]; can && !slices.ContainsFunc(b.Params, func(p probe.Param) bool { return p.Required }) {
			if _, err := b.CheckParams(nil); err == nil {
				out = append(out, b)
			}
		}
	}
	return out
}
