package builtin

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) accounts() probe.Builtin {
	return probe.Builtin{
		Kind: "service.accounts", Class: probe.Service,
		TitleZH: "特权账户", TitleEN: "Privileged accounts",
		HelpZH: "读取 /etc/passwd：除 root 外 uid 为 0 的账户为严重；自上次检查以来新增的可登录账户为警告一次。" +
			"变红时：uid 0 的多余账户立即停用并查其来历；新增账户核对审批单，无单的停用并报告安全员。",
		HelpEN: "Reads /etc/passwd: an account with uid 0 beside root is critical; accounts with a shell that are new since the last run are a warning, once. " +
			"When red: lock a further uid 0 account at once and find out where it comes from; compare a new account with its approval, lock it and tell the security officer when there is none.",
		Params: []probe.Param{
			{Name: "root_accounts", Type: "strings", TitleZH: "批准的 uid 0 账户", TitleEN: "Approved accounts with uid 0"},
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("特权账户应与批准的一致"),
		Run:      h.runAccounts,
	}
}

type account struct {
	name, shell string
	uid         string
}

// login reports whether a person could sign in.
func (a account) login() bool {
	return a.shell == "" || !slices.ContainsFunc([]string{"nologin", "false", "sync", "halt", "shutdown"}, func(s string) bool { return filepath.Base(a.shell) == s })
}

func parsePasswd(b []byte) []account {
	var list []account
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) >= 7 && !strings.HasPrefix(f[0], "#") {
			list = append(list, account{name: f[0], uid: f[2], shell: f[6]})
		}
	}
	return list
}

func (h host) runAccounts(_ context.Context, t probe.Target) probe.Result {
	b, missing := look(h.at("etc/passwd"), "账户清单")
	if missing != nil {
		return *missing
	}
	r := t.Report()
	var roots, logins []string
	for _, a := range parsePasswd(b) {
		if n, err := strconv.ParseUint(a.uid, 10, 32); err == nil && n == 0 && a.name != "root" && !slices.Contains(t.Strings("root_accounts"), a.name) {
			roots = append(roots, a.name)
		}
		if a.login() {
			logins = append(logins, a.name)
			r.Detail(fmt.Sprintf("%s（uid %s，%s）", a.name, a.uid, cmp.Or(a.shell, "/bin/sh")))
		}
	}
	if len(roots) > 0 {
		r.Raise(probe.Critical, "uid_0", "uid 为 0 的账户："+strings.Join(roots, "、"))
	}
	slices.Sort(logins)
	if text, known := t.Memory.Get("logins"); known {
		before := strings.Fields(text)
		fresh := slices.DeleteFunc(slices.Clone(logins), func(n string) bool { return slices.Contains(before, n) })
		if len(fresh) > 0 {
			r.Raise(probe.Warning, "new_account", "新增的可登录账户："+strings.Join(fresh, "、"))
		}
	}
	t.Memory.Set("logins", strings.Join(logins, " "))
	r.Record("root_accounts", float64(len(roots)), "")
	r.Record("login_accounts", float64(len(logins)), "")
	return r.Result(fmt.Sprintf("可登录账户 %d 个，root 之外 uid 为 0 的 %d 个", len(logins), len(roots)))
}

func (h host) passwords() probe.Builtin {
	return probe.Builtin{
		Kind: "service.passwords", Class: probe.Service,
		TitleZH: "账户口令", TitleEN: "Account passwords",
		HelpZH: "读取 /etc/shadow（需 root）：口令为空为严重；口令以过时的算法（DES、MD5）保存为警告；口令超过允许天数未改的列出。不读取也不显示口令散列。" +
			"变红时：空口令账户立即锁定或设置口令；过时算法的账户请本人改一次口令即可更新。",
		HelpEN: "Reads /etc/shadow (as root): an empty password is critical; one stored with an outdated algorithm (DES, MD5) a warning; those older than allowed are listed. Hashes are neither kept nor shown. " +
			"When red: lock an account without a password or set one at once; with an outdated algorithm a new password is enough.",
		Params: []probe.Param{
			{Name: "max_days", Type: "int", Default: 0, TitleZH: "口令最长使用天数（0 为不看）", TitleEN: "Oldest password allowed in days (0: do not look)"},
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("账户不应有空口令"),
		Run:      h.runPasswords,
	}
}

func (h host) runPasswords(_ context.Context, t probe.Target) probe.Result {
	b, missing := look(h.at("etc/shadow"), "口令文件")
	if missing != nil {
		return *missing
	}
	today := int(t.Now().Unix() / (24 * 60 * 60))
	var empty, weak, old []string
	with := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 3 {
			continue
		}
		hash := f[1]
		switch {
		case hash == "":
			empty = append(empty, f[0])
			continue
		case strings.HasPrefix(hash, "!"), strings.HasPrefix(hash, "*"), hash == "x":
			continue // cannot sign in with a password
		}
		with++
		if strings.HasPrefix(hash, "$1$") || (!strings.HasPrefix(hash, "$") && !strings.HasPrefix(hash, "_")) {
			weak = append(weak, f[0])
		}
		if changed, err := strconv.Atoi(f[2]); err == nil && t.Int("max_days") > 0 && changed > 0 && today-changed > t.Int("max_days") {
			old = append(old, f[0])
		}
	}
	r := t.Report()
	if len(empty) > 0 {
		r.Raise(probe.Critical, "empty_password", "口令为空的账户："+strings.Join(empty, "、"))
	}
	if len(weak) > 0 {
		r.Raise(probe.Warning, "weak_hash", "口令以过时算法保存的账户："+strings.Join(weak, "、"))
	}
	if len(old) > 0 {
		r.Raise(probe.Warning, "old_password", fmt.Sprintf("口令超过 %d 天未改的账户：%s", t.Int("max_days"), strings.Join(old, "、")))
	}
	r.Record("empty", float64(len(empty)), "")
	r.Record("with_password", float64(with), "")
	return r.Result(fmt.Sprintf("有口令的账户 %d 个，口令为空的 %d 个", with, len(empty)))
}

func (h host) passwordPolicy() probe.Builtin {
	return probe.Builtin{
		Kind: "service.password_policy", Class: probe.Service,
		TitleZH: "口令策略", TitleEN: "Password policy",
		HelpZH: "读取 /etc/login.defs 与 PAM 配置：口令最长使用天数、最短长度与复杂度（pam_pwquality/pam_cracklib）、连续失败锁定（pam_faillock/pam_tally2），与要求比较，不符合的逐条列出为警告。" +
			"变红时：按等级保护要求修改 /etc/login.defs、/etc/security/pwquality.conf 与 PAM 配置；改 PAM 前保留一个已登录的 root 会话。",
		HelpEN: "Reads /etc/login.defs and the PAM configuration: oldest password, shortest length and complexity (pam_pwquality or pam_cracklib), lock after failures (pam_faillock or pam_tally2); what does not meet the demands is listed, each a warning. " +
			"When red: change /etc/login.defs, /etc/security/pwquality.conf and PAM as the security level demands; keep a root session open while changing PAM.",
		Params: []probe.Param{
			{Name: "max_days", Type: "int", Default: 90, TitleZH: "口令最长使用天数", TitleEN: "Oldest password in days"},
			{Name: "min_length", Type: "int", Default: 8, TitleZH: "口令最短长度", TitleEN: "Shortest password"},
		},
		Verified: verifiedTested, VerifiedOn: "Debian 12; Kylin V10, openEuler 22.03 samples, 2026-11",
		Discover: always("口令策略应符合等级保护要求"),
		Run:      h.runPasswordPolicy,
	}
}

var pamMinLength = regexp.MustCompile(`\bmin(?:len)?=(\d+)`)

func (h host) runPasswordPolicy(_ context.Context, t probe.Target) probe.Result {
	b, missing := look(h.at("etc/login.defs"), "口令策略")
	if missing != nil {
		return *missing
	}
	defs := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 && !strings.HasPrefix(f[0], "#") {
			defs[f[0]] = f[1]
		}
	}
	pam := h.pam()
	r := t.Report()
	var wrong []string
	fail := func(text string) {
		wrong = append(wrong, text)
		r.Raise(probe.Warning, "policy", text)
	}
	days, err := strconv.Atoi(defs["PASS_MAX_DAYS"])
	if err != nil || days > t.Int("max_days") || days <= 0 {
		fail(fmt.Sprintf("口令最长使用天数为 %s，应不超过 %d", cmp.Or(defs["PASS_MAX_DAYS"], "未设置"), t.Int("max_days")))
	}
	length, _ := strconv.Atoi(defs["PASS_MIN_LEN"]) // 0 when not set
	quality := pam.has("pam_pwquality.so") || pam.has("pam_cracklib.so")
	for _, text := range append(pam.lines("pam_pwquality.so", "pam_cracklib.so", "pam_unix.so"), "minlen="+h.setting("etc/security/pwquality.conf", "minlen")) {
		if m := pamMinLength.FindStringSubmatch(text); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				length = max(length, n)
			}
		}
	}
	if length < t.Int("min_length") {
		fail(fmt.Sprintf("口令最短长度为 %d，应不少于 %d", length, t.Int("min_length")))
	}
	if !quality {
		fail("未启用口令复杂度检查（pam_pwquality 或 pam_cracklib）")
	}
	if !pam.has("pam_faillock.so") && !pam.has("pam_tally2.so") && !pam.has("pam_tally.so") {
		fail("未启用连续失败锁定（pam_faillock 或 pam_tally2）")
	}
	r.Record("violations", float64(len(wrong)), "")
	return r.Result(fmt.Sprintf("口令策略有 %d 项不符合要求", len(wrong)))
}

// pamConfig is what the files of PAM say about passwords and sign-ins.
type pamConfig []string

func (h host) pam() pamConfig {
	var out pamConfig
	for _, name := range []string{"common-password", "common-auth", "common-account", "system-auth", "password-auth", "login"} {
		b, err := readFile(h.at("etc/pam.d", name))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, line)
			}
		}
	}
	return out
}

func (p pamConfig) has(module string) bool { return len(p.lines(module)) > 0 }

func (p pamConfig) lines(modules ...string) []string {
	var out []string
	for _, l := range p {
		if slices.ContainsFunc(modules, func(m string) bool { return strings.Contains(l, m) }) {
			out = append(out, l)
		}
	}
	return out
}

// setting reads "name = value" of a file, "" when it is not set.
func (h host) setting(file, name string) string {
	b, err := readFile(h.at(file))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (h host) sshd() probe.Builtin {
	return probe.Builtin{
		Kind: "service.sshd_config", Class: probe.Service,
		TitleZH: "SSH 配置基线", TitleEN: "SSH server settings",
		HelpZH: "读取 /etc/ssh/sshd_config 及其 Include 的文件（不执行 sshd）：允许空口令、协议 1 为严重；root 可用口令登录、过时的加密算法、尝试次数过多为警告。没有 SSH 服务的主机没有数据源。" +
			"变红时：修改配置后用 sshd -t 校验再 reload，并保留一个已登录的会话；root 登录改为普通账户加 sudo。",
		HelpEN: "Reads /etc/ssh/sshd_config and what it includes (sshd is not run): empty passwords and protocol 1 are critical; sign-in of root with a password, outdated ciphers and too many attempts are a warning. Hosts without an SSH server have no source. " +
			"When red: change the settings, check them with sshd -t and reload, with one session kept open; use a normal account with sudo instead of root.",
		Params: []probe.Param{
			{Name: "allow_root", Type: "bool", Default: false, TitleZH: "允许 root 以口令登录", TitleEN: "Root may sign in with a password"},
			{Name: "max_auth_tries", Type: "int", Default: 6, TitleZH: "最多尝试次数", TitleEN: "Most attempts"},
		},
		Verified: verifiedTested, VerifiedOn: "OpenSSH 9.2; 7.4, 8.2 samples, 2026-11",
		Discover: func(context.Context) []probe.Found {
			if _, err := os.Stat(h.at("etc/ssh/sshd_config")); err == nil {
				return []probe.Found{{Params: map[string]any{}, Why: "本机有 SSH 服务的配置 /etc/ssh/sshd_config"}}
			}
			return nil
		},
		Run: h.runSSHD,
	}
}

// sshdConfig holds the settings that apply outside of Match blocks, names in lower case; the first value of
// a setting counts.
func (h host) sshdConfig(path string, into map[string]string, depth int) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("settings of sshd: %w", err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		line, _, _ := strings.Cut(s.Text(), " #")
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '=' || r == '"' })
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		name := strings.ToLower(fields[0])
		switch {
		case name == "match":
			return nil // what follows holds for some connections only
		case name == "include" && depth < 4:
			for _, pattern := range fields[1:] {
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join("/etc/ssh", pattern)
				}
				names, _ := filepath.Glob(h.at(pattern)) // what is no pattern includes nothing
				for _, n := range names {
					if err := h.sshdConfig(n, into, depth+1); err != nil {
						return err
					}
				}
			}
		default:
			if _, set := into[name]; !set {
				into[name] = strings.Join(fields[1:], " ")
			}
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("settings of sshd: %w", err)
	}
	return nil
}

func (h host) runSSHD(_ context.Context, t probe.Target) probe.Result {
	path := h.at("etc/ssh/sshd_config")
	c := map[string]string{}
	if err := h.sshdConfig(path, c, 0); err != nil {
		return cannotRead(path, " SSH 服务的配置", err)
	}
	r := t.Report()
	n := 0
	fail := func(s probe.State, text string) {
		n++
		r.Raise(s, "weak_setting", text)
	}
	is := func(name, value string) bool { return strings.EqualFold(c[name], value) }
	if is("permitemptypasswords", "yes") {
		fail(probe.Critical, "允许空口令登录（PermitEmptyPasswords yes）")
	}
	if strings.Contains(c["protocol"], "1") {
		fail(probe.Critical, "允许过时的协议 1（Protocol "+c["protocol"]+"）")
	}
	if is("permitrootlogin", "yes") && !is("passwordauthentication", "no") && !t.Bool("allow_root") {
		fail(probe.Warning, "root 可用口令登录（PermitRootLogin yes）")
	}
	if c["permitrootlogin"] == "" && !t.Bool("allow_root") {
		r.Detail("PermitRootLogin 未设置：OpenSSH 7.0 起默认禁止 root 以口令登录，更早的版本默认允许")
	}
	if tries, err := strconv.Atoi(c["maxauthtries"]); err == nil && tries > t.Int("max_auth_tries") {
		fail(probe.Warning, fmt.Sprintf("最多尝试次数为 %d，应不超过 %d（MaxAuthTries）", tries, t.Int("max_auth_tries")))
	}
	for _, cipher := range strings.Split(c["ciphers"], ",") {
		if strings.Contains(cipher, "cbc") || strings.Contains(cipher, "arcfour") || strings.Contains(cipher, "3des") {
			fail(probe.Warning, "启用了过时的加密算法（"+cipher+"）")
			break
		}
	}
	for _, name := range []string{"permitrootlogin", "passwordauthentication", "permitemptypasswords", "maxauthtries", "clientaliveinterval", "allowusers", "allowgroups"} {
		if c[name] != "" {
			r.Detail(name + " " + c[name])
		}
	}
	r.Record("violations", float64(n), "")
	return r.Result(fmt.Sprintf("SSH 配置有 %d 项不符合基线", n))
}

func (h host) cronFiles() probe.Builtin {
	return probe.Builtin{
		Kind: "service.cron_files", Class: probe.Service,
		TitleZH: "计划任务文件权限", TitleEN: "Permissions of scheduled jobs",
		HelpZH: "检查 cron 与 systemd 定时任务的文件和目录：任何人可写、或系统任务不属于 root 的为严重，因为改写它们就能以 root 执行命令；自上次检查以来变化的文件列出为警告一次。" +
			"变红时：用 chmod o-w、chown root 改正，并核对内容是否已被改动；变化的文件核对变更单。",
		HelpEN: "Looks at files and directories of cron and systemd timers: one that everybody may write, or a system job that does not belong to root, is critical, since writing it means running commands as root; files that changed since the last run are a warning, once. " +
			"When red: mend it with chmod o-w and chown root and see whether the content was changed; compare changed files with the change records.",
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("计划任务以 root 执行，不应能被他人改写"),
		Run:      h.runCronFiles,
	}
}

// cronPlaces are files and directories with commands that run by themselves as root.
var cronPlaces = []string{
	"etc/crontab", "etc/anacrontab", "etc/cron.d", "etc/cron.hourly", "etc/cron.daily", "etc/cron.weekly", "etc/cron.monthly",
	"var/spool/cron", "var/spool/cron/crontabs", "etc/systemd/system",
}

func (h host) runCronFiles(_ context.Context, t probe.Target) probe.Result {
	r := t.Report()
	count, places := 0, 0
	var bad, changed []string
	since, known := time.Time{}, false
	if text, ok := t.Memory.Get("last"); ok {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			since, known = time.Unix(n, 0), true
		}
	}
	t.Memory.Set("last", strconv.FormatInt(t.Now().Unix(), 10))
	judge := func(path string, info fs.FileInfo) {
		count++
		stat, _ := info.Sys().(*syscall.Stat_t)
		spool := strings.Contains(path, "/spool/cron")
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
		case info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
			bad = append(bad, path)
			r.Raise(probe.Critical, "world_writable", path+" 任何人可写")
		case stat != nil && stat.Uid != 0 && h.Root == "/" && !spool:
			bad = append(bad, path)
			r.Raise(probe.Critical, "wrong_owner", fmt.Sprintf("%s 不属于 root（uid %d）", path, stat.Uid))
		}
		if known && info.Mode().IsRegular() && info.ModTime().After(since) {
			changed = append(changed, path)
		}
	}
	for _, p := range cronPlaces {
		path := h.at(p)
		info, err := os.Lstat(path)
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				r.Detail("无权查看 " + path)
			}
			continue
		}
		places++
		judge(path, info)
		entries, err := os.ReadDir(path)
		if info.IsDir() && errors.Is(err, fs.ErrPermission) {
			r.Detail("无权查看 " + path)
		}
		for _, e := range entries {
			if i, err := e.Info(); err == nil && (!i.IsDir() || p == "var/spool/cron") && e.Name() != "crontabs" {
				judge(filepath.Join(path, e.Name()), i)
			}
		}
	}
	if places == 0 {
		return probe.NoSource("本机没有计划任务（cron 与 systemd 都不存在）")
	}
	if len(changed) > 0 {
		r.Raise(probe.Warning, "changed", "计划任务自上次检查以来有变化："+strings.Join(changed[:min(len(changed), 5)], "、"))
	}
	r.Record("files", float64(count), "")
	r.Record("bad", float64(len(bad)), "")
	return r.Result(fmt.Sprintf("共 %d 个计划任务文件与目录，%d 个权限不当", count, len(bad)))
}
