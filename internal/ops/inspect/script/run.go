package script

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/plugin"
	"taxops/internal/ops/inspect/spawn"
	"taxops/internal/ops/inspect/wrapper"
)

// KindRun is the kind of check that runs a released script.
const KindRun = "script.run"

// Reasons of results of scripts that did not run.
const (
	reasonNoPackage     probe.Reason = "no_package"
	reasonRetired       probe.Reason = "retired"
	reasonAltered       probe.Reason = "altered"
	reasonNoInterpreter probe.Reason = "no_interpreter"
	reasonBadSettings   probe.Reason = "bad_settings"
	reasonNotRead       probe.Reason = "not_read"
)

// Kind is the kind of check that runs a script of a package.
func (m *Module) Kind() probe.Builtin {
	return probe.Builtin{
		Kind: KindRun, Class: probe.Service, TitleZH: "巡检脚本", TitleEN: "Inspection script",
		HelpZH: "运行“巡检脚本”中已发布的一个版本。正文与清单的摘要在每次运行前校验，参数逐个传递、不经 shell，以专用账户在沙箱中执行；结果附带所运行脚本的摘要。变红时看摘要与原始输出；UNKNOWN（altered）表示数据库中的脚本被改动，请立即核查。",
		HelpEN: "Runs a released version of an inspection script. The digest of text and manifest is compared before each run, parameters are handed over one by one without a shell, and it runs in a sandbox as an account of its own; the result carries the digest of what ran. When it is red, read summary and output; UNKNOWN (altered) means that the script was changed in the database: look into it at once.",
		Params: []probe.Param{
			{Name: "package", Type: "string", Required: true, TitleZH: "脚本", TitleEN: "Script"},
			{Name: "version", Type: "int", Required: true, TitleZH: "版本", TitleEN: "Version"},
			{Name: "class", Type: "string", Required: true, TitleZH: "巡检类别", TitleEN: "Class of inspection"},
			{Name: "title", Type: "string", TitleZH: "名称", TitleEN: "Title"},
			{Name: "args", Type: "strings", TitleZH: "参数（名称=值）", TitleEN: "Parameters (name=value)"},
			{Name: "secrets", Type: "string", Secret: true, TitleZH: "保密参数（名称=值，每行一个）", TitleEN: "Secret parameters (name=value, one a line)"},
		},
		Verified: "tested", VerifiedOn: "sh, bash, perl 5.36, python 3.11, Debian 12, 2026-11", Timeout: plugin.RunTimeout,
		Check: func(p map[string]any) error {
			class, _ := p["class"].(string)
			if err := errors.Join(plugin.CheckClass(class), plugin.CheckTitle(p)); err != nil {
				return err
			}
			_, err := valuesOf(p)
			return err
		},
		ClassOf: func(p map[string]any) probe.Class { c, _ := p["class"].(string); return probe.Class(c) },
		TitleOf: plugin.Title,
		Verify:  m.verify,
		Target: func(p map[string]any) string {
			name, _ := p["package"].(string)
			args, _ := p["args"].([]string)
			return strings.Join(append([]string{fmt.Sprintf("%s v%v", name, p["version"])}, args...), " ")
		},
		Run: m.run,
	}
}

func valuesOf(p map[string]any) (Values, error) {
	args, _ := p["args"].([]string)
	secrets, _ := p["secrets"].(string)
	var lines []string
	for l := range strings.Lines(secrets) {
		if l = strings.TrimRight(l, "\r\n"); l != "" {
			lines = append(lines, l)
		}
	}
	return ParseValues(args, lines)
}

// verify refuses a check whose script is not released or whose parameters do not fit it.
func (m *Module) verify(ctx context.Context, params map[string]any) error {
	name, _ := params["package"].(string)
	number, _ := params["version"].(int)
	p, v, err := named(ctx, m.db.Read(), name, int64(number))
	if err != nil {
		return err
	}
	if v == nil || v.State != Released {
		return fmt.Errorf("script %q has no released version %d", name, number)
	}
	if class, _ := params["class"].(string); class != p.Class {
		return fmt.Errorf("script %q is of class %s", name, p.Class)
	}
	values, err := valuesOf(params)
	if err != nil {
		return err
	}
	given, _ := params["args"].([]string)
	for _, l := range given {
		name, _, _ := strings.Cut(l, "=")
		if slices.ContainsFunc(v.Manifest.Params, func(p ScriptParam) bool { return p.Name == name && p.Secret }) {
			return fmt.Errorf("%s is secret: give it among the secret parameters", name)
		}
	}
	values, err = v.Manifest.complete(values, false) // secrets that are kept are not given again
	if err != nil {
		return err
	}
	_, _, err = v.Manifest.command(values)
	return err
}

// run reads, verifies and runs a script.
func (m *Module) run(ctx context.Context, t probe.Target) probe.Result {
	name, number := t.String("package"), t.Int("version")
	p, v, err := named(ctx, m.db.Read(), name, int64(number))
	switch {
	case err != nil:
		return probe.Unknowable(reasonNotRead, "无法读取脚本："+err.Error())
	case v == nil || v.State == Draft:
		return probe.Unknowable(reasonNoPackage, fmt.Sprintf("没有已发布的脚本 %s v%d", name, number))
	case v.State == Retired:
		return probe.Unknowable(reasonRetired, fmt.Sprintf("脚本 %s v%d 已停用，请将检查项改用其他版本", name, number))
	}
	got, err := digest(p.Name, v.Number, p.Class, v.Manifest, v.Body)
	if err != nil || got != v.SHA256 {
		m.log.ErrorContext(ctx, "a released script was altered in the database; it is not run", "script", name, "version", number, "released", v.SHA256, "found", got)
		return probe.Unknowable(reasonAltered, fmt.Sprintf("脚本 %s v%d 与发布时不一致，拒绝执行：请核查数据库", name, number))
	}
	values, err := valuesOf(t.Params)
	if err == nil {
		values, err = v.Manifest.complete(values, true)
	}
	if err != nil {
		return probe.Unknowable(reasonBadSettings, "脚本参数无效："+err.Error())
	}
	r, _ := m.execute(ctx, v.Manifest, v.Body, values)
	r.Details = probe.ScriptLine(v.SHA256, fmt.Sprintf("%s v%d", name, number)) + "\n" + r.Details
	return r
}

// execution is what else is known of a run, for those who try a script.
type execution struct {
	outcome   spawn.Outcome
	judgement *wrapper.Judgement // of rules
}

// execute runs a script and judges what it says.
func (m *Module) execute(ctx context.Context, man ScriptManifest, body []byte, values Values) (probe.Result, execution) {
	var ex execution
	path := interpreter(man.Interpreter)
	if path == "" {
		return probe.Unknowable(reasonNoInterpreter, "本机没有解释器 "+man.Interpreter), ex
	}
	args, env, err := man.command(values)
	if err != nil {
		return probe.Unknowable(reasonBadSettings, "脚本参数无效："+err.Error()), ex
	}
	if filepath.Base(path) == "bash" {
		args = append([]string{"--norc", "--noprofile", spawn.ScriptPath}, args...)
	} else {
		args = append([]string{spawn.ScriptPath}, args...)
	}
	c := spawn.Command{
		Path: path, Args: args, Env: env, Script: body, Timeout: time.Duration(man.TimeoutSeconds) * time.Second,
		MemoryBytes: int64(man.MemoryMB) << 20, Processes: man.Processes,
	}
	if ex.outcome, err = m.box.Run(ctx, c); err != nil {
		return plugin.NoOutcome(ctx, err), ex
	}
	r, failed := plugin.Failed(ex.outcome, c.Timeout.String())
	if man.Judge == ByRules {
		rules, err := wrapper.Compile(man.Rules)
		if err != nil {
			return probe.Unknowable(reasonBadSettings, "判定规则无效："+err.Error()), ex
		}
		j := rules.Apply(ex.outcome.Stdout, ex.outcome.Stderr, ex.outcome.Exit)
		ex.judgement = &j
		if !failed {
			r = j.Result
		}
	} else if !failed {
		r = plugin.Parse(ex.outcome.Stdout, ex.outcome.Stderr, ex.outcome.Exit)
	}
	for _, n := range plugin.Notes(ex.outcome) {
		r.Details = strings.TrimLeft(r.Details+"\n"+n, "\n")
	}
	return r, ex
}
