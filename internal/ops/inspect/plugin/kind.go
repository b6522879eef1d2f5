package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/spawn"
)

// Sandbox runs programs so that they can do no harm.
type Sandbox interface {
	Run(ctx context.Context, c spawn.Command) (spawn.Outcome, error)
}

// KindCommand is the kind of check that runs an installed plug-in.
const KindCommand = "plugin.command"

// RunTimeout is that of kinds which run programs: the longest run, and what ending it takes.
const RunTimeout = spawn.MaxTimeout + spawn.Ending

// Dirs are the folders that plug-ins are run from.
type Dirs []string

// Kind is the kind of check that runs a plug-in from one of the folders.
func Kind(box Sandbox, dirs Dirs) probe.Builtin {
	return probe.Builtin{
		Kind: KindCommand, Class: probe.Service, TitleZH: "监控插件", TitleEN: "Monitoring plug-in",
		HelpZH: "原样运行本机已安装的监控插件（Nagios、Icinga、monitoring-plugins 等约定：退出码为状态，第一行为摘要，竖线后为性能数据）。插件以专用账户在沙箱中运行，阈值写在插件参数里。变红时先看摘要与详情；UNKNOWN 且无输出时，请在本机以 " + spawn.UserName + " 账户试运行该命令。",
		HelpEN: "Runs an installed plug-in as it is (the convention of Nagios, Icinga and monitoring-plugins: exit code is the state, first line the summary, performance data behind the bar). It runs in a sandbox as an account of its own; thresholds stay in its arguments. When it is red, read summary and details; when UNKNOWN without output, try the command on this machine as " + spawn.UserName + ".",
		Params: []probe.Param{
			{Name: "command", Type: "string", Required: true, TitleZH: "插件（绝对路径）", TitleEN: "Plug-in (absolute path)"},
			{Name: "args", Type: "strings", TitleZH: "参数（每项一个，不经 shell）", TitleEN: "Arguments (one an item, no shell)"},
			{Name: "title", Type: "string", TitleZH: "名称", TitleEN: "Title"},
			{Name: "class", Type: "string", Default: string(probe.Service), TitleZH: "巡检类别", TitleEN: "Class of inspection"},
			{Name: "timeout_seconds", Type: "int", Default: int(spawn.DefaultTimeout / time.Second), TitleZH: "时限（秒）", TitleEN: "Time limit (s)"},
			{Name: "secret_env", Type: "string", TitleZH: "密码所在环境变量（如 PGPASSWORD）", TitleEN: "Environment variable of the secret (PGPASSWORD)"},
			{Name: "secret", Type: "string", Secret: true, TitleZH: "密码", TitleEN: "Secret"},
		},
		Verified: "tested", VerifiedOn: "monitoring-plugins 2.3.3, Debian 12, 2026-11", Timeout: RunTimeout,
		Check:   dirs.check,
		ClassOf: func(p map[string]any) probe.Class { c, _ := p["class"].(string); return probe.Class(c) },
		TitleOf: Title,
		Target: func(p map[string]any) string {
			command, _ := p["command"].(string)
			args, _ := p["args"].([]string)
			return strings.Join(append([]string{filepath.Base(command)}, args...), " ")
		},
		Run: func(ctx context.Context, t probe.Target) probe.Result { return run(ctx, box, dirs, t) },
	}
}

var envName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// CheckEnvName refuses names of variables that change how programs are loaded or found.
func CheckEnvName(name string) error {
	if !envName.MatchString(name) || strings.HasPrefix(name, "LD_") ||
		slices.Contains([]string{"PATH", "HOME", "IFS", "ENV", "BASH_ENV", "PERL5LIB", "PERL5OPT", "PYTHONPATH", "PYTHONSTARTUP"}, name) {
		return fmt.Errorf("%q cannot be set as an environment variable", name)
	}
	return nil
}

// CheckTimeout refuses a time limit that no run gets.
func CheckTimeout(seconds int) error {
	if most := int(spawn.MaxTimeout / time.Second); seconds < 1 || seconds > most {
		return fmt.Errorf("timeout_seconds: 1 to %d", most)
	}
	return nil
}

// CheckClass refuses what is no class of inspection.
func CheckClass(class string) error {
	if !slices.Contains(probe.Classes(), probe.Class(class)) {
		return fmt.Errorf("class %q is none of the six", class)
	}
	return nil
}

// Title is what a person called a check.
func Title(p map[string]any) string { t, _ := p["title"].(string); return t }

// CheckTitle refuses what is no title.
func CheckTitle(p map[string]any) error {
	t := Title(p)
	if utf8.RuneCountInString(t) > 100 || strings.TrimSpace(t) != t || strings.ContainsFunc(t, unicode.IsControl) {
		return errors.New("title: at most 100 characters in one line, no blanks at the ends")
	}
	return nil
}

// check is the rule over the settings of a check.
func (d Dirs) check(p map[string]any) error {
	command, _ := p["command"].(string)
	name, _ := p["secret_env"].(string)
	secret, _ := p["secret"].(string)
	class, _ := p["class"].(string)
	seconds, _ := p["timeout_seconds"].(int)
	args, _ := p["args"].([]string)
	if err := errors.Join(d.holds(command), CheckTimeout(seconds), CheckClass(class), CheckTitle(p)); err != nil {
		return err
	}
	if len(args) > 100 {
		return errors.New("args: at most 100")
	}
	for _, a := range args {
		if len(a) > 4096 || strings.ContainsRune(a, 0) {
			return errors.New("args: at most 4096 bytes each, without zero bytes")
		}
	}
	if (name == "") != (secret == "") {
		return errors.New("secret and secret_env go together")
	}
	if name != "" {
		return CheckEnvName(name)
	}
	return nil
}

// holds refuses a path that does not lie in one of the folders.
func (d Dirs) holds(command string) error {
	if !filepath.IsAbs(command) || filepath.Clean(command) != command {
		return errors.New("command: an absolute path such as /usr/lib/nagios/plugins/check_disk")
	}
	for _, dir := range d {
		if strings.HasPrefix(command, strings.TrimSuffix(filepath.Clean(dir), "/")+"/") {
			return nil
		}
	}
	return fmt.Errorf("command: plug-ins are run from %s only (inspect.plugins.dirs)", strings.Join(d, ", "))
}

// find makes sure that a plug-in may be run as it lies on this machine, and returns where it really is.
func (d Dirs) find(command string) (string, *probe.Result) {
	denied := func(format string, args ...any) (string, *probe.Result) {
		r := probe.Denied(fmt.Sprintf(format, args...))
		return "", &r
	}
	if err := d.holds(command); err != nil {
		return denied("插件不在允许的目录中：%s", command)
	}
	path, err := filepath.EvalSymlinks(command)
	if errors.Is(err, os.ErrNotExist) {
		r := probe.Unknowable(ReasonNotRun, "本机没有此插件："+command)
		return "", &r
	}
	if err != nil {
		return denied("插件无法读取：%v", err)
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return denied("插件无法读取：%v", err)
	case !st.Mode().IsRegular() || st.Mode().Perm()&0o111 == 0:
		return denied("插件不是可执行文件：%s", path)
	case st.Mode().Perm()&0o022 != 0:
		return denied("插件可被其他用户改写，拒绝执行：请执行 chmod go-w %s", path)
	}
	return path, nil
}

func run(ctx context.Context, box Sandbox, dirs Dirs, t probe.Target) probe.Result {
	if _, no := dirs.find(t.String("command")); no != nil {
		return *no
	}
	// It runs under the name that was asked for: some plug-ins look at it.
	c := spawn.Command{Path: t.String("command"), Args: t.Strings("args"), Timeout: time.Duration(t.Int("timeout_seconds")) * time.Second}
	if name := t.String("secret_env"); name != "" {
		c.Env = append(c.Env, name+"="+t.String("secret"))
	}
	o, err := box.Run(ctx, c)
	if err != nil {
		return NoOutcome(ctx, err)
	}
	r, failed := Failed(o, c.Timeout.String())
	if !failed {
		r = Parse(o.Stdout, o.Stderr, o.Exit)
	}
	for _, n := range Notes(o) {
		r.Details = addLine(r.Details, n)
	}
	return r
}

// NoOutcome is the result of a run of which nothing is known.
func NoOutcome(ctx context.Context, err error) probe.Result {
	switch {
	case ctx.Err() != nil:
		return probe.Unknowable(probe.ReasonTimeout, "程序尚未结束，本轮巡检已到期")
	case errors.Is(err, spawn.ErrLost):
		return probe.Unknowable(ReasonLost, "执行进程意外退出，结果丢失："+err.Error())
	}
	return probe.Unknowable(ReasonNotRun, "程序无法启动："+err.Error())
}

// Installed is one plug-in that may be run.
type Installed struct {
	Path string
	Name string
}

// List returns the plug-ins in the folders, each name once, at most 1,000.
func (d Dirs) List() []Installed {
	var out []Installed
	seen := map[string]bool{}
	for _, dir := range d {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // most machines have one of the folders
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if seen[e.Name()] || len(out) == 1000 {
				continue
			}
			if _, no := d.find(path); no == nil {
				seen[e.Name()] = true
				out = append(out, Installed{Path: path, Name: e.Name()})
			}
		}
	}
	return out
}
