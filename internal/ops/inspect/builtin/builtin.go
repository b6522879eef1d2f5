// Package builtin holds the kinds of check (内置检查项) that every installation has: what a plain
// Linux host and the usual databases say about themselves.
//
// Words: a source (数据源) is the file, socket or protocol a kind reads; reading and judging are
// kept apart, so that each rule is a function over bytes with recorded samples as tests.
//
// Guarantees: a kind only reads; a source that is absent is UNKNOWN no_source, one that may not be
// read is UNKNOWN denied with the step that would allow it; a service that refuses or does not
// answer is CRITICAL with that reason; every Run ends within its context, even against a peer that
// accepts and stays silent.
//
// What no file tells is asked of a helper (辅助程序), a program that reads, on a fixed list with fixed paths;
// see helper.go. Growing logs are read by package logtail, from where the run before ended.
//
// Discovery looks at loopback only: it reads the kernel's lists of listening sockets and speaks to
// those that are known by their port or by the name of their process.
package builtin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// Deps says where the host's own files are; empty fields mean the usual places.
type Deps struct {
	Proc   string // "/proc"
	Sys    string // "/sys"
	Dev    string // "/dev"
	VarLog string // "/var/log"
	Root   string // "/": below it lies everything else, /etc for one

	Targets []netip.Prefix // networks that checks may connect to; none for all
	Logins  Logins         // ways into hosts without an agent; nil for none
}

// host is what all kinds share.
type host struct {
	Deps
	statfs *statfsGuard
	kmsg   func(ctx context.Context, path string, fromClear bool, yield func(record []byte)) error
	helper helper
}

func newHost(d Deps) host {
	for _, p := range []struct {
		field *string
		usual string
	}{{&d.Proc, "/proc"}, {&d.Sys, "/sys"}, {&d.Dev, "/dev"}, {&d.VarLog, "/var/log"}, {&d.Root, "/"}} {
		if *p.field == "" {
			*p.field = p.usual
		}
	}
	return host{Deps: d, statfs: newStatfsGuard(statfs), kmsg: readKmsg, helper: runHelper}
}

// at returns the path of a file that lies outside /proc, /sys, /dev and /var/log.
func (h host) at(name ...string) string { return filepath.Join(append([]string{h.Root}, name...)...) }

// All returns every built-in kind, in the order of the contract's classes.
func All(deps Deps) []probe.Builtin {
	h := newHost(deps)
	return confined(h.over(h.kinds()), deps.Targets)
}

func (h host) kinds() []probe.Builtin {
	return slices.Concat(h.osLogKinds(), h.hardwareKinds(), h.serviceKinds(), h.performanceKinds(), h.instanceKinds(), h.dataKinds(), h.networkKinds())
}

func (h host) osLogKinds() []probe.Builtin {
	return []probe.Builtin{
		h.kernelLog(), h.oomLog(), h.ioErrorLog(), h.filesystemLog(), h.authLog(), h.journalLog(),
		h.appLog(), h.logSilence(), h.logGrowth(),
	}
}

func (h host) hardwareKinds() []probe.Builtin {
	return []probe.Builtin{
		h.nic(), h.smart(), h.raid(), h.raidCard(), h.ipmi(), h.eventLog(), h.ecc(), h.temperature(), h.fan(), h.powerSupply(),
	}
}

func (h host) serviceKinds() []probe.Builtin {
	return []probe.Builtin{
		h.process(), h.restart(), h.failedUnits(), h.unit(), h.listening(), h.tcp(), h.http(), h.certificate(), h.dns(), h.ntp(),
		h.reboot(), h.patch(), h.antivirus(), h.accounts(), h.passwords(), h.passwordPolicy(), h.sshd(), h.cronFiles(),
	}
}

func (h host) performanceKinds() []probe.Builtin {
	return []probe.Builtin{
		h.cpu(), h.load(), h.memory(), h.swap(), h.io(), h.disk(), h.inodes(), h.diskLatency(), h.files(), h.conntrack(), h.tasks(), h.tcpQuality(),
		h.processCPU(), h.processMemory(), h.processFiles(), h.httpTimes(), h.httpErrors(), h.queue(),
		h.jvmHeap(), h.jvmGC(), h.gcLog(), h.weblogicThreads(), h.weblogicPools(),
	}
}

func (h host) instanceKinds() []probe.Builtin {
	return slices.Concat(h.postgresql(), h.mysql(), h.redis(), h.oracle())
}

// How a kind was verified, and where the host kinds last ran for real.
const (
	verifiedTested  = "tested"
	verifiedSamples = "samples"
	verifiedLinux   = "Debian 12, Linux 6.18, 2026-11"
)

// always is the discovery of a kind that makes sense on every host.
func always(why string) func(context.Context) []probe.Found {
	return func(context.Context) []probe.Found { return []probe.Found{{Params: map[string]any{}, Why: why}} }
}

// maxSource is more than any file of /proc and /sys that a kind reads.
const maxSource = 4 << 20

// look reads a source. When it cannot, the result says why: what is the thing, in Chinese.
func look(path, what string) ([]byte, *probe.Result) {
	b, err := readFile(path)
	if err == nil {
		return b, nil
	}
	r := cannotRead(path, what, err)
	return nil, &r
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSource))
	if err != nil {
		return nil, fmt.Errorf("read source: %w", err)
	}
	return b, nil
}

// cannotRead turns a failed read into a result.
func cannotRead(path, what string, err error) probe.Result {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return probe.NoSource(fmt.Sprintf("本机没有%s（%s 不存在）", what, path))
	case errors.Is(err, fs.ErrPermission):
		return probe.Denied(fmt.Sprintf("无权读取%s：%s，请以 root 运行，或授予运行账户读取该文件的权限", what, path))
	}
	return probe.Unknowable("read_failed", fmt.Sprintf("读取%s失败：%v", what, err))
}

// trimmed returns the content of a one-line file, "" when it cannot be read.
func trimmed(path ...string) string {
	b, err := readFile(filepath.Join(path...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// answerBy returns a context that ends a little before the caller's, so that a check against a
// silent peer can still say so itself, and at the latest after limit.
func answerBy(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		left := time.Until(end)
		limit = min(limit, left-min(left/10, 500*time.Millisecond))
	}
	return context.WithTimeout(ctx, limit)
}

// matchAny reports whether name matches one of the shell patterns.
func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := filepath.Match(p, name); err == nil && ok {
			return true
		}
	}
	return false
}

// checkPatterns reports the first pattern that matchAny could never match.
func checkPatterns(name string, patterns []string) error {
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil {
			return fmt.Errorf("%s: %q is not a pattern", name, p)
		}
	}
	return nil
}
