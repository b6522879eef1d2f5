package builtin

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) reboot() probe.Builtin {
	return probe.Builtin{
		Kind: "service.reboot", Class: probe.Service,
		TitleZH: "主机重启", TitleEN: "Restarts of the host",
		HelpZH: "读取 /proc/uptime 与启动标识，自上次检查以来重启过的报警告一次；同时看是否有已安装而未生效的更新需要重启（/run/reboot-required，或 /boot 中有更新的内核）。" +
			"变红时：核对是否计划内重启；计划外的查带外管理事件日志、内核日志与 last -x；需要重启的更新排入维护窗口。",
		HelpEN: "Reads /proc/uptime and the id of the boot: a host that was started again since the last run is a warning, once; also looks for updates that need a restart to take effect (/run/reboot-required, or a newer kernel in /boot). " +
			"When red: see whether the restart was planned; if not, look at the event log of the board, the kernel log and last -x; plan a maintenance window for updates that need a restart.",
		Thresholds: []probe.Threshold{{Metric: "uptime", Unit: "s"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("计划外的重启应当被看见"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			up, ok := h.uptime()
			boot := trimmed(h.Proc, "sys/kernel/random/boot_id")
			if !ok || boot == "" {
				_, missing := look(filepath.Join(h.Proc, "uptime"), "运行时间")
				if missing == nil {
					return probe.Unknowable("read_failed", "/proc/uptime 的内容无法识别")
				}
				return *missing
			}
			r := t.Report()
			since := t.Now().Add(-time.Duration(up * float64(time.Second))).In(time.Local).Format(time.DateTime)
			if last, known := t.Memory.Get("boot"); known && last != boot {
				r.Raise(probe.Warning, "rebooted", "主机自上次检查以来重启过，启动于 "+since)
			}
			t.Memory.Set("boot", boot)
			r.Measure("uptime", "运行时间", up, "s")
			if why := h.needsRestart(); why != "" {
				r.Raise(probe.Warning, "restart_needed", why)
			}
			return r.Result(fmt.Sprintf("已运行 %s，启动于 %s", probe.Humanize(up, "s"), since))
		},
	}
}

// needsRestart says why the host must be started again for its updates to take effect, "" when it need not.
func (h host) needsRestart() string {
	for _, name := range []string{"run/reboot-required", "var/run/reboot-required"} {
		if _, err := os.Stat(h.at(name)); err == nil {
			text := "有更新需要重启主机才能生效"
			if pkgs := strings.Fields(trimmed(h.at(name + ".pkgs"))); len(pkgs) > 0 {
				text += "：" + strings.Join(pkgs[:min(len(pkgs), 5)], "、")
			}
			return text
		}
	}
	running := trimmed(h.Proc, "sys/kernel/osrelease")
	info, err := os.Stat(h.at("boot/vmlinuz-" + running))
	if err != nil {
		return "" // a container, or a kernel from elsewhere
	}
	newer, when := "", info.ModTime()
	kernels, _ := filepath.Glob(h.at("boot/vmlinuz-*")) // the pattern is valid
	for _, k := range kernels {
		if i, err := os.Stat(k); err == nil && !strings.Contains(k, "rescue") && i.ModTime().After(when) {
			newer, when = strings.TrimPrefix(filepath.Base(k), "vmlinuz-"), i.ModTime()
		}
	}
	if newer == "" {
		return ""
	}
	return fmt.Sprintf("已安装更新的内核 %s，正在运行的是 %s，需要重启主机", newer, running)
}

func (h host) patch() probe.Builtin {
	return probe.Builtin{
		Kind: "service.patch", Class: probe.Service,
		TitleZH: "系统补丁", TitleEN: "Operating system patches",
		HelpZH: "从软件包管理器的日志找最近一次升级（dpkg.log、apt history、dnf.rpm.log、yum.log，含轮转的旧日志）；日志中没有的按软件包数据库的最后变更时间估计并注明。" +
			"变红时：与安全员确认待装补丁，先在测试环境验证，再按变更流程在维护窗口安装；离线环境请更新内网软件源。",
		HelpEN: "Finds the last upgrade in the logs of the package manager (dpkg.log, apt history, dnf.rpm.log, yum.log, rotated ones too); where they tell of none, the last change of the package database is taken and said so. " +
			"When red: agree with the security officer which patches are due, try them on a test system, then install them in a maintenance window by the change procedure; update the internal mirror where there is no network.",
		Thresholds: []probe.Threshold{{Metric: "days_since", Warn: "90", Crit: "180", Unit: "d"}},
		Verified:   verifiedTested, VerifiedOn: "dpkg 1.21 (Debian 12); apt, dnf 4.2 (openEuler, Kylin V10), yum 3.4 samples, 2026-11",
		Discover: always("操作系统应按期安装补丁"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			p, err := h.lastPatch(t.Now())
			switch {
			case errors.Is(err, fs.ErrPermission):
				return probe.Denied("无权读取软件包管理器的日志：请以 root 运行，或将运行账户加入 adm 组")
			case err != nil:
				return probe.NoSource("没有软件包管理器的记录（未找到 dpkg 或 rpm）")
			}
			r := t.Report()
			days := max(0, t.Now().Sub(p.at).Hours()/24)
			r.Measure("days_since", "距上次升级", days, "d")
			return r.Result(fmt.Sprintf("%s 最近一次升级在 %.0f 天前（%s%s）", h.osName(), days, p.at.In(time.Local).Format(time.DateOnly), p.what))
		},
	}
}

// patched is the last time that something was upgraded.
type patched struct {
	at   time.Time
	what string
}

// patchLogs are the logs of package managers and how their lines tell of an upgrade.
var patchLogs = []struct {
	glob, layout string
	upgrade      *regexp.Regexp // the first group is the time, the second what was upgraded
}{
	{"dpkg.log*", time.DateTime, regexp.MustCompile(`(?m)^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) upgrade (\S+)`)},
	{"dnf.rpm.log*", "2006-01-02T15:04:05", regexp.MustCompile(`(?m)^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\S* (?:SUBDEBUG|INFO) Upgrade(?:d)?: (\S+)`)},
	{"yum.log*", "Jan 02 15:04:05", regexp.MustCompile(`(?m)^([A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d) Updated: (\S+)`)},
}

func (h host) lastPatch(now time.Time) (patched, error) {
	var best patched
	var refused error
	for _, l := range patchLogs {
		names, _ := filepath.Glob(filepath.Join(h.VarLog, l.glob)) // the patterns are valid
		for _, name := range names {
			b, err := readLog(name)
			if err != nil {
				if errors.Is(err, fs.ErrPermission) {
					refused = err
				}
				continue
			}
			for _, m := range l.upgrade.FindAllStringSubmatch(string(b), -1) {
				at, err := time.ParseInLocation(l.layout, m[1], time.Local)
				if err != nil {
					continue
				}
				if at.Year() == 0 { // the log has no year: that of its last change, or the one before
					if at = at.AddDate(modified(name, now).Year(), 0, 0); at.After(modified(name, now).Add(24 * time.Hour)) {
						at = at.AddDate(-1, 0, 0)
					}
				}
				if at.After(best.at) && !at.After(now.Add(24*time.Hour)) {
					best = patched{at, "，" + m[2]}
				}
			}
		}
	}
	if !best.at.IsZero() {
		return best, nil
	}
	if refused != nil {
		return best, refused
	}
	for _, name := range []string{"var/lib/dpkg/status", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages.db", "var/lib/rpm/Packages", "usr/lib/sysimage/rpm/rpmdb.sqlite"} {
		if info, err := os.Stat(h.at(name)); err == nil {
			return patched{info.ModTime(), "，按软件包数据库的变更时间估计"}, nil
		}
	}
	return best, fs.ErrNotExist
}

func modified(name string, now time.Time) time.Time {
	info, err := os.Stat(name)
	if err != nil {
		return now
	}
	return info.ModTime()
}

// readLog reads the end of a log, decompressed.
func readLog(name string) ([]byte, error) {
	const most = 16 << 20
	if !strings.HasSuffix(name, ".gz") {
		b, _, err := readTail(name, most)
		return b, err
	}
	raw, err := readFile(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("compressed log: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, most))
	if err != nil {
		return nil, fmt.Errorf("compressed log: %w", err)
	}
	return b, nil
}

// osName is what the system calls itself.
func (h host) osName() string {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		b, err := readFile(h.at(name))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
				return strings.Trim(v, `"'`)
			}
		}
	}
	return "操作系统"
}

func (h host) antivirus() probe.Builtin {
	return probe.Builtin{
		Kind: "service.antivirus", Class: probe.Service,
		TitleZH: "病毒库", TitleEN: "Virus signatures",
		HelpZH: "看病毒库有多旧：ClamAV 读取病毒库文件头中的发布时间；国产防病毒软件（奇安信、亚信、火绒、安天等）请填写其病毒库文件的路径（可用 * 通配），按最新文件的修改时间计算。" +
			"变红时：看升级服务器是否可达、升级任务是否在运行；离线环境请从管理中心下发离线包。",
		HelpEN: "Looks how old the virus signatures are: of ClamAV by the time of publication in the head of its files; for other products name the path of the signature files (with * wildcards), of which the newest counts by its time of change. " +
			"When red: see whether the update server can be reached and the update task runs; hand out offline packages where there is no network.",
		Params: []probe.Param{
			{Name: "paths", Type: "strings", TitleZH: "病毒库文件（可用 * 通配）", TitleEN: "Signature files (with * wildcards)"},
		},
		Thresholds: []probe.Threshold{{Metric: "days_old", Warn: "7", Crit: "15", Unit: "d"}},
		Check: func(p map[string]any) error {
			paths, _ := p["paths"].([]string)
			return checkPatterns("paths", paths)
		},
		Target:   func(p map[string]any) string { list, _ := p["paths"].([]string); return strings.Join(list, " ") },
		Verified: verifiedSamples, VerifiedOn: "documented output: ClamAV 0.103, 1.0 (.cvd, .cld), 2026-11",
		Discover: always("等级保护要求安装防病毒软件并及时升级"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			paths := t.Strings("paths")
			if len(paths) == 0 {
				paths = []string{h.at("var/lib/clamav/daily.c[vl]d"), h.at("var/lib/clamav/main.c[vl]d")}
			}
			newest, file := time.Time{}, ""
			for _, p := range paths {
				names, err := filepath.Glob(p)
				if err != nil {
					return probe.Unknowable("bad_params", err.Error())
				}
				for _, n := range names {
					if at, ok := signatureTime(n); ok && at.After(newest) {
						newest, file = at, n
					}
				}
			}
			if file == "" {
				if len(t.Strings("paths")) > 0 {
					return probe.Result{State: probe.Critical, Reason: "missing", Summary: "没有找到病毒库文件：" + strings.Join(paths, "、")}
				}
				return probe.NoSource("没有 ClamAV 病毒库；其他防病毒软件请添加检查项并填写病毒库路径")
			}
			r := t.Report()
			days := max(0, t.Now().Sub(newest).Hours()/24)
			r.Measure("days_old", "病毒库已过", days, "d")
			return r.Result(fmt.Sprintf("病毒库 %s 发布于 %.1f 天前（%s）", file, days, newest.In(time.Local).Format(time.DateTime)))
		},
	}
}

// clamTimes are the forms of the time in the head of a ClamAV file, "ClamAV-VDB:24 Nov 2026 08-00 +0000:27460:…".
var clamTimes = []string{"02 Jan 2006 15-04 -0700", "02 Jan 2006 15:04 -0700"}

// signatureTime is when a signature file was published, or was changed when its format is not known.
func signatureTime(name string) (time.Time, bool) {
	f, err := os.Open(name)
	if err != nil {
		return time.Time{}, false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head) // a short file has a short head
	if rest, ok := strings.CutPrefix(string(head[:n]), "ClamAV-VDB:"); ok {
		text, _, _ := strings.Cut(rest, ":")
		for _, layout := range clamTimes {
			if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
				return at, true
			}
		}
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return time.Time{}, false
	}
	return info.ModTime(), true
}
