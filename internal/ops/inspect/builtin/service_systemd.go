package builtin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// askSystemd asks the service manager.
func (h host) askSystemd(ctx context.Context, args ...string) (said, *probe.Result) {
	s, missing := h.ask(ctx, "系统服务", "systemd", "systemctl", args...)
	if missing != nil {
		return s, missing
	}
	if s.has("not been booted with systemd", "Failed to connect to bus", "Failed to get D-Bus connection") {
		r := probe.NoSource("本机不由 systemd 管理服务（容器通常如此）")
		if s.has("Permission denied", "Access denied") {
			r = probe.Denied("无权询问 systemd：请以 root 运行")
		}
		return s, &r
	}
	return s, nil
}

func (h host) failedUnits() probe.Builtin {
	return probe.Builtin{
		Kind: "service.systemd", Class: probe.Service,
		TitleZH: "失败的系统服务", TitleEN: "Failed units",
		HelpZH: "用 systemctl 列出处于失败状态的单元（服务、挂载、定时器等）。不由 systemd 管理的主机没有数据源。" +
			"变红时：用 systemctl status 与 journalctl -u 查看原因，修复后重新启动；确认不再需要的服务停用后用 systemctl reset-failed 清除。",
		HelpEN: "Lists with systemctl the units (services, mounts, timers and so on) in state failed. Hosts without systemd have no source. " +
			"When red: look for the cause with systemctl status and journalctl -u, mend it and start again; disable what is not needed any more and clear it with systemctl reset-failed.",
		Params: []probe.Param{
			{Name: "ignore", Type: "strings", TitleZH: "忽略的单元（可用 * 通配）", TitleEN: "Units to ignore (with * wildcards)"},
		},
		Thresholds: []probe.Threshold{{Metric: "failed", Warn: "0", Crit: "2"}},
		Check: func(p map[string]any) error {
			ignore, _ := p["ignore"].([]string)
			return checkPatterns("ignore", ignore)
		},
		Verified: verifiedSamples, VerifiedOn: "documented output: systemd 219, 252, 2026-11",
		Discover: always("主机可能由 systemd 管理服务"),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			s, missing := h.askSystemd(ctx, "list-units", "--state=failed", "--no-legend", "--no-pager", "--full", "--all")
			if missing != nil {
				return *missing
			}
			if s.code != 0 {
				return probe.Unknowable("helper_failed", "systemctl 未能列出服务："+s.firstLine())
			}
			r := t.Report()
			var names []string
			for _, u := range parseUnits(s.out) {
				if matchAny(t.Strings("ignore"), u.name) {
					continue
				}
				names = append(names, u.name)
				r.Detail(u.name + "：" + u.description)
			}
			r.Measure("failed", "失败的单元", float64(len(names)), "")
			if len(names) == 0 {
				return r.Result("没有失败的系统服务")
			}
			return r.Result(fmt.Sprintf("%d 个失败的单元：%s", len(names), strings.Join(names[:min(len(names), 5)], "、")))
		},
	}
}

type unit struct{ name, description string }

// parseUnits reads the lines of list-units, which older programs begin with a dot for what failed.
func parseUnits(b []byte) []unit {
	var list []unit
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) > 0 && (fields[0] == "●" || fields[0] == "*" || fields[0] == "×") {
			fields = fields[1:]
		}
		if len(fields) < 4 || !strings.Contains(fields[0], ".") {
			continue
		}
		list = append(list, unit{fields[0], strings.Join(fields[4:], " ")})
	}
	return list
}

func (h host) unit() probe.Builtin {
	return probe.Builtin{
		Kind: "service.unit", Class: probe.Service,
		TitleZH: "系统服务状态", TitleEN: "Unit",
		HelpZH: "用 systemctl 查看指定服务是否处于活动状态，以及 24 小时内被 systemd 自动重启的次数：不活动为严重。" +
			"变红时：用 journalctl -u 查看退出原因；反复重启的服务不要只是再次启动，先看崩溃原因与内存上限。",
		HelpEN: "Looks with systemctl whether a service is active and how often systemd started it again within 24 hours: not active is critical. " +
			"When red: look for the cause with journalctl -u; do not just start a service again that keeps ending, see why it crashes and what its memory limit is.",
		Params: []probe.Param{
			{Name: "unit", Type: "string", Required: true, TitleZH: "服务名（如 nginx.service）", TitleEN: "Unit (for example nginx.service)"},
		},
		Thresholds: []probe.Threshold{{Metric: "restarts_24h", Warn: "0", Crit: "5"}},
		Check: func(p map[string]any) error {
			if name, _ := p["unit"].(string); !unitName.MatchString(name) {
				return errors.New("unit is no name of a systemd unit")
			}
			return nil
		},
		Target:   func(p map[string]any) string { s, _ := p["unit"].(string); return s },
		Verified: verifiedSamples, VerifiedOn: "documented output: systemd 219, 252, 2026-11",
		Run: h.runUnit,
	}
}

func (h host) runUnit(ctx context.Context, t probe.Target) probe.Result {
	name := t.String("unit")
	s, missing := h.askSystemd(ctx, "show", "--no-pager", "--property=LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStartTimestamp", name)
	if missing != nil {
		return *missing
	}
	p := map[string]string{}
	for line := range strings.Lines(string(s.out)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			p[key] = value
		}
	}
	r := t.Report()
	switch {
	case p["ActiveState"] == "":
		return probe.Unknowable("helper_failed", "systemctl 未返回服务状态："+s.firstLine())
	case p["LoadState"] == "not-found":
		return probe.Result{State: probe.Critical, Reason: "missing", Summary: fmt.Sprintf("服务 %s 不存在：未安装或已改名", name)}
	case p["ActiveState"] == "activating", p["ActiveState"] == "reloading":
		r.Raise(probe.Warning, "starting", fmt.Sprintf("服务 %s 正在启动（%s）", name, p["SubState"]))
	case p["ActiveState"] != "active":
		r.Raise(probe.Critical, "inactive", fmt.Sprintf("服务 %s 未运行（%s / %s，结果 %s）", name, p["ActiveState"], p["SubState"], p["Result"]))
	}
	if n, err := strconv.Atoi(p["NRestarts"]); err == nil { // systemd 235 and later
		r.Measure("restarts_24h", "24 小时内自动重启", float64(within24h(t, "restarts", n)), "")
	}
	r.Record("active", map[bool]float64{true: 1}[p["ActiveState"] == "active"], "")
	figures := fmt.Sprintf("服务 %s：%s / %s", name, p["ActiveState"], p["SubState"])
	if since := p["ExecMainStartTimestamp"]; since != "" && since != "n/a" {
		figures += "，启动于 " + since
	}
	return r.Result(figures)
}

// within24h adds the growth of a counter since the last run to what is remembered, and returns the sum of
// the last 24 hours. The first run only notes the counter.
func within24h(t probe.Target, key string, counter int) int {
	now := t.Now().Unix()
	text, known := t.Memory.Get(key)
	last, list := -1, []string(nil)
	for i, f := range strings.Fields(text) {
		if i == 0 {
			last, _ = strconv.Atoi(f) // what cannot be read counts as 0
			continue
		}
		list = append(list, f)
	}
	if known && last >= 0 && counter != last {
		grown := counter - last
		if grown < 0 {
			grown = counter // began anew
		}
		if grown > 0 {
			list = append(list, fmt.Sprintf("%d:%d", now, grown))
		}
	}
	sum := 0
	list = slices.DeleteFunc(list, func(f string) bool {
		at, n, _ := strings.Cut(f, ":")
		a, err1 := strconv.ParseInt(at, 10, 64)
		k, err2 := strconv.Atoi(n)
		if err1 != nil || err2 != nil || a <= now-int64(24*time.Hour/time.Second) {
			return true
		}
		sum += k
		return false
	})
	list = list[max(0, len(list)-150):]
	t.Memory.Set(key, strings.Join(append([]string{strconv.Itoa(counter)}, list...), " "))
	return sum
}
