package builtin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"taxops/internal/kernel/probe"
)

// helper runs one of the programs that checks may ask (辅助程序) and returns what it printed and its
// exit code. The error is fs.ErrNotExist when no such program is installed.
type helper func(ctx context.Context, name string, args ...string) (said, error)

// said is what a helper answered.
type said struct {
	out  []byte // standard output, then standard error
	code int
}

func (s said) has(words ...string) bool {
	for _, w := range words {
		if bytes.Contains(s.out, []byte(w)) {
			return true
		}
	}
	return false
}

// helperPaths is the whole list of programs that built-in checks start, and the only places where they
// are looked for: never the search path, never a setting, never a shell. Each only reads.
var helperPaths = map[string][]string{
	"chronyc":    {"/usr/bin/chronyc", "/bin/chronyc"},
	"ntpq":       {"/usr/bin/ntpq", "/usr/sbin/ntpq"},
	"smartctl":   {"/usr/sbin/smartctl", "/sbin/smartctl"},
	"ipmitool":   {"/usr/bin/ipmitool", "/usr/sbin/ipmitool"},
	"storcli":    {"/opt/MegaRAID/storcli/storcli64", "/opt/MegaRAID/perccli/perccli64", "/usr/sbin/storcli64", "/usr/local/sbin/storcli64", "/usr/sbin/perccli64"},
	"megacli":    {"/opt/MegaRAID/MegaCli/MegaCli64", "/usr/sbin/megacli", "/usr/sbin/MegaCli64"},
	"ssacli":     {"/usr/sbin/ssacli", "/usr/sbin/hpssacli", "/opt/smartstorageadmin/ssacli/bin/ssacli", "/opt/hp/hpssacli/bld/hpssacli"},
	"systemctl":  {"/usr/bin/systemctl", "/bin/systemctl"},
	"journalctl": {"/usr/bin/journalctl", "/bin/journalctl"},
	"last":       {"/usr/bin/last"},
}

// maxHelperOutput is more than any helper says that a check can use.
const maxHelperOutput = 8 << 20

// helperWithin is how long a helper may take when its check does not say otherwise.
const helperWithin = time.Minute

// slowHelper is the time of checks whose helper talks to slow devices: a management controller takes half
// a minute for all its sensors, a controller with many disks as long.
const slowHelper = 90 * time.Second

func runHelper(ctx context.Context, name string, args ...string) (said, error) {
	path := ""
	for _, p := range helperPaths[name] {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			path = p
			break
		}
	}
	if path == "" {
		return said{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return execHelper(ctx, name, path, args)
}

func execHelper(ctx context.Context, name, path string, args []string) (said, error) {
	ctx, cancel := answerBy(ctx, helperWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"LC_ALL=C", "LANG=C", "TZ=UTC", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}
	cmd.Dir = "/"
	// A group of its own: what the helper starts ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	var out, errs capped
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return said{}, fmt.Errorf("%s: %w", name, err)
	}
	return said{out: append(out.b, errs.b...), code: cmd.ProcessState.ExitCode()}, nil
}

// capped keeps the beginning of what is written to it.
type capped struct{ b []byte }

// Write takes everything, so that the writer does not die of a full pipe.
func (c *capped) Write(p []byte) (int, error) {
	if room := maxHelperOutput - len(c.b); room > 0 {
		c.b = append(c.b, p[:min(len(p), room)]...)
	}
	return len(p), nil
}

// ask runs a helper. When it could not, the result says why: pkg is the package that would bring it.
func (h host) ask(ctx context.Context, what, pkg, name string, args ...string) (said, *probe.Result) {
	s, err := h.helper(ctx, name, args...)
	if err == nil {
		return s, nil
	}
	var r probe.Result
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r = probe.NoSource(fmt.Sprintf("本机没有%s的数据源：未安装 %s（软件包 %s）", what, name, pkg))
	case errors.Is(err, fs.ErrPermission):
		r = probe.Denied(fmt.Sprintf("无权运行 %s：请以 root 运行，或授予运行账户执行权限", name))
	case isTimeout(err):
		r = probe.Unknowable(probe.ReasonTimeout, fmt.Sprintf("%s 在规定时间内没有返回", name))
	default:
		r = probe.Unknowable("helper_failed", fmt.Sprintf("%s 无法运行：%v", name, err))
	}
	return said{}, &r
}

// denied reports whether a helper complains of missing rights.
func (s said) denied() bool {
	return s.has("Permission denied", "permission denied", "Operation not permitted", "must be root", "Could not open device", "requires root", "not authorised", "Access denied")
}

// firstLine is the first line of what was said that is not empty, for an error.
func (s said) firstLine() string {
	for line := range strings.Lines(string(s.out)) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}
