package builtin

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) raidCard() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.raid_card", Class: probe.Hardware,
		TitleZH: "硬件阵列卡", TitleEN: "Hardware RAID",
		HelpZH: "用厂商工具 storcli/perccli、MegaCli 或 ssacli/hpssacli（装了哪个用哪个）查看逻辑盘、物理盘与缓存电池：降级、离线、故障为严重，重建、预测故障与电池异常为警告。" +
			"变红时：先确认备份可用；按槽位点灯核对后更换故障盘，重建期间避免大量读写；电池异常会关闭写缓存，数据库会变慢，尽快更换。",
		HelpEN: "Asks the maker's tool, storcli/perccli, MegaCli or ssacli/hpssacli, whichever is installed, for logical drives, disks and the battery of the cache: degraded, offline and failed is critical; a rebuild, a predicted failure or a bad battery is a warning. " +
			"When red: make sure the backup is good; light the slot, then replace the failed disk, and avoid heavy load while it rebuilds; a bad battery switches the write cache off and slows databases down, replace it soon.",
		Verified: verifiedSamples, VerifiedOn: "documented output: storcli 007.1017, MegaCli 8.07, ssacli 5.10, 2026-11", Timeout: slowHelper,
		Discover: always("物理主机可能有阵列卡"),
		Run:      h.runRAIDCard,
	}
}

// raidPart is a logical drive, a disk or the battery of a controller.
type raidPart struct {
	what  string // "逻辑盘 0/0（RAID1）"
	said  string // the state as the tool says it
	state probe.State
	note  string // error counters
}

// raidTools are asked in this order; the first that is installed and sees a controller answers.
var raidTools = []struct {
	name string
	ask  [][]string
	read func(answers [][]byte) ([]raidPart, error)
}{
	{"storcli", [][]string{{"/call", "show", "nolog", "J"}}, func(a [][]byte) ([]raidPart, error) { return parseStorcli(a[0]) }},
	{"megacli", [][]string{{"-LDInfo", "-Lall", "-aAll", "-NoLog"}, {"-PDList", "-aAll", "-NoLog"}, {"-AdpBbuCmd", "-GetBbuStatus", "-aAll", "-NoLog"}},
		func(a [][]byte) ([]raidPart, error) { return parseMegacli(a[0], a[1], a[2]), nil }},
	{"ssacli", [][]string{{"ctrl", "all", "show", "config"}, {"ctrl", "all", "show", "status"}},
		func(a [][]byte) ([]raidPart, error) { return parseSsacli(a[0], a[1]), nil }},
}

func (h host) runRAIDCard(ctx context.Context, t probe.Target) probe.Result {
	installed := false
	for _, tool := range raidTools {
		var answers [][]byte
		for _, args := range tool.ask {
			s, err := h.ask(ctx, "阵列卡", tool.name, tool.name, args...)
			if err != nil {
				if err.Reason == probe.ReasonNoSource {
					break
				}
				return *err
			}
			if s.denied() {
				return probe.Denied(fmt.Sprintf("%s 需要 root 权限：请以 root 运行", tool.name))
			}
			answers = append(answers, s.out)
		}
		if len(answers) < len(tool.ask) {
			continue
		}
		installed = true
		parts, err := tool.read(answers)
		if err != nil {
			return probe.Unknowable("read_failed", fmt.Sprintf("%s 的输出无法识别：%v", tool.name, err))
		}
		if len(parts) > 0 {
			return raidResult(t, tool.name, parts)
		}
	}
	if installed {
		return probe.NoSource("阵列卡工具没有看到控制器")
	}
	return probe.NoSource("没有阵列卡工具（storcli/perccli、MegaCli、ssacli 都未安装）")
}

func raidResult(t probe.Target, tool string, parts []raidPart) probe.Result {
	r := t.Report()
	bad := 0
	for _, p := range parts {
		line := p.what + "：" + p.said
		if p.note != "" {
			line += "，" + p.note
		}
		r.Detail(line)
		if p.state != probe.OK {
			bad++
			r.Raise(p.state, "degraded", line)
		}
	}
	r.Record("parts", float64(len(parts)), "")
	r.Record("bad_parts", float64(bad), "")
	return r.Result(fmt.Sprintf("%s 报告 %d 个部件，%d 个异常", tool, len(parts), bad))
}

// storcliStates are the short states of logical drives and disks; what is not named is bad.
var storcliStates = map[string]struct {
	state probe.State
	words string
}{
	"Optl": {probe.OK, "正常"}, "Onln": {probe.OK, "在线"}, "UGood": {probe.OK, "未配置（良好）"}, "GHS": {probe.OK, "全局热备"}, "DHS": {probe.OK, "专用热备"},
	"JBOD": {probe.OK, "直通"}, "Optimal": {probe.OK, "正常"}, "Cac": {probe.OK, "缓存盘"},
	"Rbld": {probe.Warning, "正在重建"}, "Rec": {probe.Warning, "正在恢复"}, "Cpybck": {probe.Warning, "正在回拷"}, "UGUnsp": {probe.Warning, "未配置（不受支持）"},
	"Pdgd": {probe.Critical, "部分降级"}, "Dgrd": {probe.Critical, "降级"}, "OfLn": {probe.Critical, "离线"}, "Offln": {probe.Critical, "离线"},
	"UBad": {probe.Critical, "故障"}, "Failed": {probe.Critical, "故障"}, "Msng": {probe.Critical, "缺失"},
}

// parseStorcli reads "/call show J" of storcli and perccli.
func parseStorcli(b []byte) ([]raidPart, error) {
	var answer struct {
		Controllers []struct {
			Status struct {
				Controller  any    `json:"Controller"`
				Status      string `json:"Status"`
				Description string `json:"Description"`
			} `json:"Command Status"`
			Data map[string]json.RawMessage `json:"Response Data"`
		} `json:"Controllers"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	var out []raidPart
	for _, c := range answer.Controllers {
		if c.Data == nil {
			continue // "No Controller found"
		}
		table := func(name string) (rows []map[string]any) {
			if err := json.Unmarshal(c.Data[name], &rows); err != nil {
				return nil // left out where there are none
			}
			return rows
		}
		add := func(what, state string, least probe.State) {
			s, known := storcliStates[state]
			if !known {
				s.state, s.words = least, state
			}
			out = append(out, raidPart{what: fmt.Sprintf("控制器 %v %s", c.Status.Controller, what), said: s.words, state: min(s.state, least)})
		}
		for _, v := range table("VD LIST") {
			add(fmt.Sprintf("逻辑盘 %s（%s %s）", cell(v, "DG/VD"), cell(v, "TYPE"), cell(v, "Size")), cell(v, "State"), probe.Critical)
		}
		for _, p := range table("PD LIST") {
			add(fmt.Sprintf("物理盘 %s（%s %s）", cell(p, "EID:Slt"), cell(p, "Model"), cell(p, "Size")), cell(p, "State"), probe.Critical)
		}
		for _, name := range []string{"BBU_Info", "Cachevault_Info"} {
			for _, v := range table(name) {
				add(fmt.Sprintf("缓存电池（%s）", cell(v, "Model")), cell(v, "State"), probe.Warning)
			}
		}
	}
	return out, nil
}

// cell is a field of a row as text, "" when it is not there.
func cell(row map[string]any, name string) string {
	if v, ok := row[name]; ok && v != nil {
		return strings.TrimSpace(fmt.Sprint(v))
	}
	return ""
}

// parseMegacli reads -LDInfo, -PDList and -AdpBbuCmd -GetBbuStatus.
func parseMegacli(logical, physical, battery []byte) []raidPart {
	var out []raidPart
	adapter, what, level := "0", "", ""
	for line := range strings.Lines(string(logical)) {
		key, value := keyValue(line)
		switch {
		case strings.HasPrefix(line, "Adapter "):
			adapter = strings.TrimSuffix(strings.Fields(line)[1], ":")
		case key == "Virtual Drive", key == "Virtual Disk", key == "CacheCade Virtual Drive":
			what, _, _ = strings.Cut(value, " ")
		case key == "RAID Level":
			level = value
			if m := megaLevel.FindStringSubmatch(value); m != nil {
				level = "RAID" + m[1]
			}
		case key == "State" && what != "":
			p := raidPart{what: fmt.Sprintf("控制器 %s 逻辑盘 %s（%s）", adapter, what, level), said: value, state: probe.Critical}
			if value == "Optimal" {
				p.said, p.state = "正常", probe.OK
			}
			out, what = append(out, p), ""
		}
	}
	return append(append(out, parseMegacliDisks(physical)...), parseMegacliBattery(battery)...)
}

var megaLevel = regexp.MustCompile(`^Primary-(\d+)`)

func keyValue(line string) (key, value string) {
	key, value, ok := strings.Cut(line, ":")
	if !ok {
		return "", ""
	}
	return strings.TrimSpace(key), strings.TrimSpace(value)
}

func parseMegacliDisks(b []byte) []raidPart {
	var out []raidPart
	adapter, enclosure := "0", ""
	var p *raidPart
	count := func(value, words string, worst probe.State) {
		if n, err := strconv.Atoi(value); err == nil && n > 0 && p != nil {
			p.note = strings.Trim(p.note+"，"+fmt.Sprintf("%s %d", words, n), "，")
			if p.state == probe.OK {
				p.state = worst
			}
		}
	}
	var counts [][2]string
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Adapter #"); ok {
			adapter = strings.TrimSpace(rest)
			continue
		}
		key, value := keyValue(line)
		switch key {
		case "Enclosure Device ID":
			enclosure = value
		case "Slot Number":
			out = append(out, raidPart{what: fmt.Sprintf("控制器 %s 物理盘 %s:%s", adapter, enclosure, value), said: "状态未知", state: probe.Warning})
			p, counts = &out[len(out)-1], nil
		case "Media Error Count", "Predictive Failure Count":
			counts = append(counts, [2]string{key, value})
		case "Firmware state":
			if p == nil {
				continue
			}
			p.said, p.state = value, megaDiskState(value)
			for _, c := range counts {
				if c[0] == "Media Error Count" {
					count(c[1], "介质错误", probe.Warning)
				} else {
					count(c[1], "预测故障", probe.Warning)
				}
			}
		case "Drive has flagged a S.M.A.R.T alert":
			if value == "Yes" && p != nil && p.state == probe.OK {
				p.state, p.note = probe.Warning, strings.Trim(p.note+"，SMART 告警", "，")
			}
		}
	}
	return out
}

func megaDiskState(s string) probe.State {
	first, _, _ := strings.Cut(s, ",")
	switch strings.TrimSpace(first) {
	case "Online", "Hotspare", "JBOD", "Unconfigured(good)":
		return probe.OK
	case "Rebuild", "Copyback":
		return probe.Warning
	}
	return probe.Critical
}

func parseMegacliBattery(b []byte) []raidPart {
	var out []raidPart
	for line := range strings.Lines(string(b)) {
		if key, value := keyValue(line); key == "Battery State" {
			p := raidPart{what: "缓存电池", said: value, state: probe.Warning}
			if value == "Optimal" || value == "Operational" {
				p.said, p.state = "正常", probe.OK
			}
			out = append(out, p)
		}
	}
	return out
}

var (
	ssaController = regexp.MustCompile(`^(\S.*?) in (Slot \S+)`)
	ssaDrive      = regexp.MustCompile(`^\s+(logicaldrive|physicaldrive) (\S+) \((.*)\)\s*$`)
	ssaStatus     = regexp.MustCompile(`^\s+(Controller|Cache|Battery/Capacitor) Status: (.*)$`)
)

// parseSsacli reads "ctrl all show config" and "ctrl all show status" of ssacli, hpssacli and hpacucli.
func parseSsacli(config, status []byte) []raidPart {
	var out []raidPart
	slot := ""
	for line := range strings.Lines(string(config)) {
		line = strings.TrimRight(line, "\r\n")
		if m := ssaController.FindStringSubmatch(line); m != nil {
			slot = m[2]
		}
		m := ssaDrive.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		// The state comes last; only "spare" may follow it.
		fields := strings.Split(m[3], ", ")
		state := fields[len(fields)-1]
		if state == "spare" && len(fields) > 1 {
			state = fields[len(fields)-2]
		}
		kind := map[string]string{"logicaldrive": "逻辑盘", "physicaldrive": "物理盘"}[m[1]]
		out = append(out, raidPart{what: fmt.Sprintf("%s %s %s（%s）", slot, kind, m[2], fields[max(0, len(fields)-3)]), said: state, state: ssaState(state)})
	}
	if len(out) == 0 {
		return nil
	}
	for line := range strings.Lines(string(status)) {
		line = strings.TrimRight(line, "\r\n")
		if m := ssaController.FindStringSubmatch(line); m != nil {
			slot = m[2]
		}
		if m := ssaStatus.FindStringSubmatch(line); m != nil {
			what := map[string]string{"Controller": "控制器", "Cache": "缓存", "Battery/Capacitor": "缓存电池"}[m[1]]
			s := ssaState(m[2])
			if s == probe.Critical && m[1] != "Controller" {
				s = probe.Warning
			}
			if m[2] == "Not Configured" {
				s = probe.OK
			}
			out = append(out, raidPart{what: slot + " " + what, said: m[2], state: s})
		}
	}
	return out
}

func ssaState(s string) probe.State {
	switch {
	case s == "OK":
		return probe.OK
	case strings.HasPrefix(s, "Predictive Failure"), strings.Contains(s, "Recover"), strings.Contains(s, "Rebuild"),
		strings.Contains(s, "Erase"), strings.Contains(s, "Expand"), strings.Contains(s, "Charging"), strings.Contains(s, "Recharging"), strings.Contains(s, "Transforming"):
		return probe.Warning
	}
	return probe.Critical
}
