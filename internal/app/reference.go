package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/config"
)

// scratch opens the platform over an empty database that is thrown away: what the modules declare is
// the same everywhere.
func scratch(ctx context.Context, version string, f func(a *App) error) (err error) {
	dir, err := os.MkdirTemp("", "taxops-reference-")
	if err != nil {
		return fmt.Errorf("scratch directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := config.Load(ConfigKeys(), "", nil, map[string]string{"data.dir": dir})
	if err != nil {
		return err
	}
	a, err := Open(ctx, Options{Config: c, Log: slog.New(slog.DiscardHandler), Clock: clock.System{}, Version: version})
	if err != nil {
		return err
	}
	return errors.Join(f(a), a.Close())
}

// OpenAPI returns the document of all operations.
func OpenAPI(ctx context.Context, version string) (doc []byte, err error) {
	err = scratch(ctx, version, func(a *App) error {
		doc, err = a.router.OpenAPI()
		return err
	})
	return doc, err
}

// Reference writes the generated reference into dir, or with check only compares; it returns the
// files that differ.
func Reference(ctx context.Context, dir string, check bool) (differ []string, err error) {
	files := map[string][]byte{}
	if err := scratch(ctx, "reference", func(a *App) error { return a.reference(files) }); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	if !check {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
	}
	for _, n := range names {
		old, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reference: %w", err)
		}
		if err == nil && bytes.Equal(old, files[n]) {
			continue
		}
		differ = append(differ, n)
		if !check {
			if err := os.WriteFile(filepath.Join(dir, n), files[n], 0o644); err != nil {
				return nil, fmt.Errorf("reference: %w", err)
			}
		}
	}
	return differ, nil
}

const generated = "<!-- Made by `make generate` from the code; changes here are lost. -->\n\n"

func (a *App) reference(files map[string][]byte) error {
	doc, err := a.router.OpenAPI()
	if err != nil {
		return err
	}
	files["openapi.json"] = doc
	for name, write := range map[string]func(*strings.Builder){
		"events.md": a.writeEvents, "permissions.md": a.writePermissions, "states.md": a.writeStates,
		"checks.md": a.writeChecks, "configuration.md": writeConfiguration, "operations.md": a.writeOperations,
	} {
		var b strings.Builder
		b.WriteString(generated)
		write(&b)
		files[name] = []byte(b.String())
	}
	return nil
}

func (a *App) writeEvents(b *strings.Builder) {
	b.WriteString("# Events · 事件\n\nEach row of the journal has one of these types. Fields marked 🔒 are private: the row holds a commitment, the text is sealed under a person's key.\n")
	for _, m := range a.modules {
		if len(m.Events) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n## %s · %s\n\n| type | 名称 | title | fields |\n|---|---|---|---|\n", m.Title[1], m.Title[0])
		for _, e := range m.Events {
			var fields []string
			for _, f := range e.Fields {
				s := "`" + f.Name + "` " + f.TitleZH
				if f.Private {
					s += " 🔒"
				}
				if f.Optional {
					s += " (optional)"
				}
				fields = append(fields, s)
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", e.Name, e.TitleZH, e.TitleEN, cell(strings.Join(fields, "<br>")))
		}
	}
}

func (a *App) writePermissions(b *strings.Builder) {
	b.WriteString("# Permissions · 权限\n\nEach permission with the roles that hold it by default.\n\n| permission | 名称 | title | roles |\n|---|---|---|---|\n")
	for _, m := range a.modules {
		for _, p := range m.Permissions {
			roles := make([]string, len(p.Roles))
			for i, r := range p.Roles {
				roles[i] = "`" + string(r) + "`"
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Name, p.TitleZH, p.TitleEN, strings.Join(roles, " "))
		}
	}
}

func (a *App) writeStates(b *strings.Builder) {
	b.WriteString("# States · 状态\n")
	for _, m := range a.modules {
		for _, s := range m.States {
			fmt.Fprintf(b, "\n## %s\n\n```mermaid\n%s```\n\n| state | 名称 | title |\n|---|---|---|\n", s.Name, s.Mermaid())
			for _, st := range s.States() {
				fmt.Fprintf(b, "| `%s` | %s | %s |\n", st, s.Titles[st][0], s.Titles[st][1])
			}
		}
	}
}

func (a *App) writeChecks(b *strings.Builder) {
	b.WriteString("# Built-in checks · 内置检查项\n\n已实测 (tested): against the real thing; 仅样本 (samples): against recorded output.\n")
	for _, m := range a.modules {
		for _, p := range m.Probes {
			fmt.Fprintf(b, "\n## `%s` %s · %s\n\n%s\n\n%s\n\nClass `%s`; %s (%s).\n", p.Kind, p.TitleZH, p.TitleEN, p.HelpZH, p.HelpEN, p.Class, p.Verified, p.VerifiedOn)
			if len(p.Params) > 0 {
				b.WriteString("\n| param | type | default | 说明 | title |\n|---|---|---|---|---|\n")
				for _, q := range p.Params {
					d := ""
					if q.Default != nil {
						d = fmt.Sprintf("`%v`", q.Default)
					}
					name := "`" + q.Name + "`"
					if q.Required {
						name += " (required)"
					}
					fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, q.Type, d, cell(q.TitleZH), cell(q.TitleEN))
				}
			}
			if len(p.Thresholds) > 0 {
				b.WriteString("\n| metric | WARNING | CRITICAL | unit |\n|---|---|---|---|\n")
				for _, t := range p.Thresholds {
					fmt.Fprintf(b, "| `%s` | `%s` | `%s` | %s |\n", t.Metric, t.Warn, t.Crit, t.Unit)
				}
			}
		}
	}
}

func writeConfiguration(b *strings.Builder) {
	b.WriteString("# Configuration · 配置\n\nOrder, the last wins: default, file (`taxops.yaml` in the data directory or `/etc/taxops/`), environment, command line. `taxops config explain` says where each value came from.\n\n| key | variable | kind | default | 说明 | meaning |\n|---|---|---|---|---|---|\n")
	c, err := config.Load(ConfigKeys(), "", nil, nil)
	if err != nil { // the defaults are ours
		panic(err)
	}
	for _, k := range c.Explain() {
		fmt.Fprintf(b, "| `%s` | `%s` | %s | `%s` | %s | %s |\n", k.Name, k.Variable, k.Kind, k.Default, k.DocZH, k.DocEN)
	}
}

func (a *App) writeOperations(b *strings.Builder) {
	b.WriteString("# Operations · 接口\n\nThe whole of it with bodies: [openapi.json](openapi.json).\n\n| operation | request | may be called by | |\n|---|---|---|---|\n")
	for _, o := range a.router.Operations() {
		who := "`" + o.Permission + "`"
		switch {
		case o.Self:
			who = "any signed-in person"
		case o.Public != "":
			who = "anybody: " + o.Public
		}
		if o.Fresh {
			who += ", with recent proof of identity"
		}
		fmt.Fprintf(b, "| `%s` | `%s %s` | %s | %s |\n", o.ID, o.Method, o.Path, cell(who), cell(o.Summary))
	}
	var codes []string
	for _, o := range a.router.Operations() {
		for _, c := range o.Codes {
			if !slices.Contains(codes, string(c)) {
				codes = append(codes, string(c))
			}
		}
	}
	sort.Strings(codes)
	b.WriteString("\n## Problem codes named by operations\n\n")
	for _, c := range codes {
		fmt.Fprintf(b, "- `%s`\n", c)
	}
}

func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) }
