package builtin

import (
	"os"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

const passwd = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nsync:x:4:65534:sync:/bin:/bin/sync\noracle:x:54321:54321::/home/oracle:/bin/bash\n"

func TestAccounts(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"etc/passwd": passwd})
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.accounts(), nil, memory), probe.OK, "", "可登录账户 2 个", "uid 为 0 的 0 个")
	appendTo(t, h.at("etc/passwd"), "toor:x:00:0::/root:/bin/sh\n")
	wants(t, run(t, h.accounts(), nil, memory), probe.Critical, "uid_0", "toor", "新增的可登录账户：toor")
	approved := map[string]any{"root_accounts": []any{"toor"}}
	wants(t, run(t, h.accounts(), approved, memory), probe.OK, "")
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"etc/shadow": "root:$6$s$hash:20000:0:99999:7:::\ndaemon:*:20000:0:99999:7:::\nlocked:!$6$x:1::::::\n"})
	wants(t, run(t, h.passwords(), nil, nil), probe.OK, "", "有口令的账户 1 个")
	wants(t, run(t, h.passwords(), map[string]any{"max_days": 90}, nil), probe.Warning, "old_password", "root")
	appendTo(t, h.at("etc/shadow"), "old:$1$s$hash:20700:0:99999:7:::\nopen::20700:0:99999:7:::\n")
	r := run(t, h.passwords(), nil, nil)
	wants(t, r, probe.Critical, "empty_password", "open", "过时算法保存的账户：old")
}

func TestPasswordPolicy(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{
		"etc/login.defs":              "# PASS_MAX_DAYS 1\nPASS_MAX_DAYS\t90\nPASS_MIN_LEN 5\n",
		"etc/pam.d/system-auth":       "password requisite pam_pwquality.so try_first_pass local_users_only\nauth required pam_faillock.so preauth\n",
		"etc/security/pwquality.conf": "minlen = 8\n",
	})
	wants(t, run(t, h.passwordPolicy(), nil, nil), probe.OK, "", "0 项不符合")
	h = tree(t, map[string]string{"etc/login.defs": "PASS_MAX_DAYS 99999\n", "etc/pam.d/common-password": "password [success=1] pam_unix.so obscure yescrypt\n"})
	wants(t, run(t, h.passwordPolicy(), nil, nil), probe.Warning, "policy", "99999", "最短长度为 0", "复杂度", "锁定", "4 项不符合")
}

func TestSSHD(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{
		"etc/ssh/sshd_config":             "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMaxAuthTries 10\nMatch User backup\n  PermitEmptyPasswords yes\n",
		"etc/ssh/sshd_config.d/10-x.conf": "permitrootlogin prohibit-password # wins: it comes first\nCiphers aes256-ctr,aes128-cbc\n",
	})
	r := run(t, h.sshd(), nil, nil)
	wants(t, r, probe.Warning, "weak_setting", "最多尝试次数为 10", "aes128-cbc", "2 项不符合")
	h = tree(t, map[string]string{"etc/ssh/sshd_config": "PermitRootLogin yes\nPermitEmptyPasswords yes\nProtocol 2,1\n"})
	wants(t, run(t, h.sshd(), nil, nil), probe.Critical, "weak_setting", "空口令", "协议 1", "root 可用口令登录")
	wants(t, run(t, h.sshd(), map[string]any{"allow_root": true}, nil), probe.Critical, "weak_setting", "2 项不符合")
	h = tree(t, map[string]string{"etc/ssh/sshd_config": "PermitRootLogin yes\nPasswordAuthentication no\n"})
	wants(t, run(t, h.sshd(), nil, nil), probe.OK, "")
	// A file that includes itself ends.
	h = tree(t, map[string]string{"etc/ssh/sshd_config": "Include sshd_config\nMaxAuthTries 3\n"})
	wants(t, run(t, h.sshd(), nil, nil), probe.OK, "")
	wants(t, run(t, tree(t, nil).sshd(), nil, nil), probe.Unknown, probe.ReasonNoSource)
}

func TestCronFiles(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"etc/crontab": "* * * * * root x\n", "etc/cron.d/a": "", "var/spool/cron/crontabs/oracle": ""})
	old := at.Add(-24 * time.Hour)
	for _, n := range []string{"etc/crontab", "etc/cron.d/a", "var/spool/cron/crontabs/oracle"} {
		if err := os.Chtimes(h.at(n), old, old); err != nil {
			t.Fatal(err)
		}
	}
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.cronFiles(), nil, memory), probe.OK, "", "0 个权限不当")
	if err := os.Chtimes(h.at("etc/cron.d/a"), at.Add(time.Minute), at.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	wants(t, later(t, h.cronFiles(), nil, memory, time.Hour), probe.Warning, "changed", "etc/cron.d/a")
	wants(t, later(t, h.cronFiles(), nil, memory, 2*time.Hour), probe.OK, "")
	if err := os.Chmod(h.at("etc/cron.d/a"), 0o666); err != nil {
		t.Fatal(err)
	}
	wants(t, later(t, h.cronFiles(), nil, memory, 3*time.Hour), probe.Critical, "world_writable", "etc/cron.d/a")
	wants(t, run(t, tree(t, nil).cronFiles(), nil, nil), probe.Unknown, probe.ReasonNoSource)
}
