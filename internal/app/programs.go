package app

import (
	"os"

	"taxops/internal/kernel/config"
	"taxops/internal/kernel/module"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/plugin"
	"taxops/internal/ops/inspect/script"
	"taxops/internal/ops/inspect/spawn"
)

// Child becomes the helper process that this program was started as, and does not return; it does
// nothing for a program that a person started.
func Child(args []string) {
	if code, is := spawn.Child(args); is {
		os.Exit(code)
	}
}

// pluginDirs are the folders that plug-ins are run from.
func pluginDirs(c *config.Config) plugin.Dirs { return plugin.Dirs(c.List("inspect.plugins.dirs")) }

// composeScripts makes what runs foreign programs, with the kinds of checks that it offers; nothing is
// started before the first of them runs.
func (a *App) composeScripts(orgs *org.Service) (module.Module, error) {
	a.spawner = spawn.New(spawn.Config{Log: a.o.Log})
	a.metrics.Gauge("taxops_inspect_lost_programs", "Programs run for checks whose outcome was lost because the process that held them died.",
		func() float64 { return float64(a.spawner.Lost()) })
	runs := spawn.WhoRuns()
	scripts, err := script.New(script.Deps{
		DB: a.db, Journal: a.journal, People: a.access, Places: orgs, Sandbox: a.spawner, Plugins: pluginDirs(a.o.Config),
		AreaPath: a.o.Config.Text("installation.area"), RunsAs: runs.Name, Isolated: runs.Changed, Log: a.o.Log,
	})
	if err != nil {
		return module.Module{}, err
	}
	a.scripts = scripts
	tables := script.Migrations()
	return module.Module{
		Name: "script", Title: [2]string{"巡检脚本与插件", "Inspection scripts and plug-ins"}, Migrations: &tables,
		Events: script.Types(), States: script.Machines(), Routes: scripts.Routes,
		Probes: []probe.Builtin{plugin.Kind(a.spawner, pluginDirs(a.o.Config)), scripts.Kind()},
	}, nil
}

// sandbox says how programs that checks run are held.
func sandbox() Diagnosis {
	h := spawn.Look()
	d := Diagnosis{Level: Fine, What: "sandbox of scripts and plug-ins", Says: "they run as " + h.Identity.Name + ", their memory "}
	if h.Memory == "cgroup" {
		d.Says += "limited by a control group"
	} else {
		d.Says += "watched each 250 ms (" + h.Why + ")"
	}
	switch {
	case !h.Identity.Changed:
		d.Level, d.Hint = Look, "without root they run as the platform itself, and could signal it and read its keys: run taxops as root, or let only people bring scripts whom you trust with that"
	case !h.Identity.Own:
		d.Level, d.Hint = Look, "give them an account of their own: useradd --system --no-create-home --shell /usr/sbin/nologin "+spawn.UserName
	}
	return d
}
