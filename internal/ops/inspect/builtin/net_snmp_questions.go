package builtin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"taxops/internal/kernel/probe"
)

type bigFloat = big.Float

// decodeGB reads text that devices write in GB18030 where it is not UTF-8.
func decodeGB(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	if out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b); err == nil {
		return out
	}
	return b
}

func sortBy[T any](list []T, key func(T) string) {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

// snmp is the overview of a network device and the single questions to it.
func (h host) snmp() []probe.Builtin {
	e := h.snmpEngine()
	overview := e.whole(probe.Builtin{
		Kind: "hardware.snmp_device", TitleZH: "网络设备", TitleEN: "Network device",
		HelpZH: "以 SNMP（2c 或 3）询问设备：能否应答、应答时间、型号与运行时长；运行时长变短即报告重启。不应答在此报告一次，其余 SNMP 检查项不再重复。开通方法：" + snmpGrant +
			"。变红时：不应答——先 ping，再核对 SNMP 配置与 ACL；重启——查电源与日志（display reboot-info）。",
		HelpEN: "Asks a device by SNMP (2c or 3): whether it answers, how fast, what it is and how long it has run; an uptime that became shorter is reported as a restart. Silence is reported here once and not again by the other SNMP checks. To open it: a read-only community, or better an SNMPv3 user with a read-only view and an ACL. " +
			"When red: if silent ping it, then check its SNMP settings and ACL; if it restarted look at power and its log.",
		Thresholds: []probe.Threshold{{Metric: "answer_time", Warn: "1", Crit: "3", Unit: "s"}},
	}, nil)
	overview.Class = probe.Hardware
	overview.Timeout = snmpTimeout
	overview.Run = func(ctx context.Context, t probe.Target) probe.Result {
		s, failed := e.facts(ctx, t)
		if failed != nil {
			return *failed
		}
		return judgeSNMPDevice(t, s)
	}
	list := []probe.Builtin{overview}
	for _, b := range e.all(snmpQuestions()) {
		b.Timeout = snmpTimeout
		switch b.Kind {
		case "performance.snmp_cpu", "hardware.snmp_temperature", "hardware.snmp_parts":
			b.Verified, b.VerifiedOn = verifiedSamples, "walks by the MIBs of Huawei S5700 and H3C S6520, 2026-11"
		}
		list = append(list, b)
	}
	return list
}

// judgeSNMPDevice says what a device is and whether it has restarted since the last look.
func judgeSNMPDevice(t probe.Target, s *snmpState) probe.Result {
	r := t.Report()
	r.Measure("answer_time", "应答时间", s.took.Seconds(), "s")
	r.Record("uptime", s.uptime, "s")
	// The counter of hundredths of a second begins anew after 497 days by itself.
	text, _ := t.Memory.Get("uptime")
	if was, err := strconv.ParseFloat(text, 64); err == nil && s.uptime < was && was < 490*86400 {
		r.Raise(probe.Warning, "restarted", "设备已重启，本次运行 "+probe.Humanize(s.uptime, "s"))
	}
	t.Memory.Set("uptime", strconv.FormatFloat(s.uptime, 'f', -1, 64))
	what, _, _ := strings.Cut(s.descr, "\n")
	if r := []rune(what); len(r) > 80 {
		what = string(r[:80]) + "…"
	}
	return r.Result(fmt.Sprintf("%s：%s %s，已运行 %s，接口 %d 个", s.label(), s.vendor, strings.TrimSpace(what), probe.Humanize(s.uptime, "s"), len(s.interfaces)))
}

func snmpQuestions() []question[*snmpState] {
	return []question[*snmpState]{
		{
			kind: "snmp_interfaces", class: probe.Hardware, zh: "网络设备接口", en: "Network device interfaces",
			helpZH:     "读取接口表：曾经连通而现在断开的接口即严重（从未用过的口不算），按两次检查之间的计数计算错包率。变红时：断开——查对端、光模块与线缆；错包——查双工与速率协商、光功率，更换模块或线缆。不再使用的口请在设备上 shutdown 或加入忽略名单。",
			helpEN:     "Reads the interface table: an interface that was up and is down is critical (unused ports do not count); the share of bad packets comes from counters between two runs. When red: if down check the far end, the module and the cable; for errors check duplex, speed and optical power. Shut unused ports down on the device or put them on the ignore list.",
			thresholds: []probe.Threshold{{Metric: "error_percent", Warn: "0.01", Crit: "0.1", Unit: "%"}, {Metric: "down", Crit: "0"}},
			judge:      judgeSNMPInterfaces,
		},
		{
			kind: "snmp_utilisation", class: probe.Performance, zh: "网络设备带宽", en: "Network device bandwidth",
			helpZH:     "由 64 位字节计数得出两次检查之间每个接口的收发带宽占比。变红时：看是否备份、同步或广播占用，再考虑扩容；持续跑满即丢包。",
			helpEN:     "The share of its speed that each interface sent and received between two runs, from 64-bit counters. When red: see whether a backup, a synchronisation or a broadcast takes it before enlarging it; a full line loses packets.",
			thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "70", Crit: "90", Unit: "%"}},
			judge:      judgeSNMPUtilisation,
		},
		{
			kind: "snmp_cpu", class: probe.Performance, zh: "网络设备处理器", en: "Network device processor",
			helpZH:     "读取处理器占用：华为、新华三、思科、锐捷按各自的表，其他设备按 HOST-RESOURCES-MIB。变红时：display cpu-usage 看任务，查环路、广播风暴、攻击流量与过密的网管轮询。",
			helpEN:     "Reads processor use: from the makers' own tables for Huawei, H3C, Cisco and Ruijie, else from HOST-RESOURCES-MIB. When red: look at its tasks; look for loops, broadcast storms, attacks and too frequent polling.",
			thresholds: []probe.Threshold{{Metric: "cpu_percent", Warn: "70", Crit: "90", Unit: "%"}},
			judge:      judgeSNMPValues(func(s *snmpState) []snmpValue { return s.cpu }, "cpu_percent", "处理器", "%"),
		},
		{
			kind: "snmp_memory", class: probe.Performance, zh: "网络设备内存", en: "Network device memory",
			helpZH:     "读取内存占用：华为、新华三、思科、锐捷按各自的表，其他设备按 HOST-RESOURCES-MIB。变红时：看路由表、会话表与版本已知的泄漏；持续上涨时安排重启窗口并联系厂商。",
			helpEN:     "Reads memory use, from the makers' own tables or HOST-RESOURCES-MIB. When red: look at the routing and session tables and at known leaks of its version; if it keeps growing plan a restart and ask the maker.",
			thresholds: []probe.Threshold{{Metric: "memory_percent", Warn: "85", Crit: "95", Unit: "%"}},
			judge:      judgeSNMPValues(func(s *snmpState) []snmpValue { return s.memory }, "memory_percent", "内存", "%"),
		},
		{
			kind: "snmp_temperature", class: probe.Hardware, zh: "网络设备温度", en: "Network device temperature",
			helpZH:     "读取温度传感器：超过设备自报门限即严重，并按阈值判断。变红时：查机房空调、风道与防尘网，查风扇状态。",
			helpEN:     "Reads temperature sensors: above the device's own limit is critical, and the threshold holds besides. When red: check the room's cooling, air path and dust filters, and the fans.",
			thresholds: []probe.Threshold{{Metric: "temperature", Warn: "65", Crit: "80", Unit: "°C"}},
			judge:      judgeSNMPTemperature,
		},
		{
			kind: "snmp_parts", class: probe.Hardware, zh: "网络设备风扇与电源", en: "Network device fans and power",
			helpZH:     "读取风扇、电源与部件状态（华为、新华三、思科）。变红时：到现场确认指示灯，电源先查供电回路，联系厂商备件。",
			helpEN:     "Reads the state of fans, power supplies and parts (Huawei, H3C, Cisco). When red: look at the lamps on site, for power check its feed first, and ask the maker for a spare.",
			thresholds: []probe.Threshold{{Metric: "bad_parts", Crit: "0"}},
			judge: func(_ probe.Target, r *probe.Report, s *snmpState) (string, *probe.Result) {
				if len(s.parts) == 0 {
					return nothing(s.label() + " 不提供风扇与电源状态")
				}
				bad := 0
				for _, p := range s.parts {
					if p.bad != "" {
						bad++
						r.Detail(p.kind + " " + p.name + "：" + p.bad)
						if bad == 1 {
							r.Raise(probe.Critical, "part_failed", p.kind+" "+p.name+" "+p.bad)
						}
					}
				}
				r.Measure("bad_parts", "异常部件", float64(bad), "")
				return fmt.Sprintf("部件 %d 个，异常 %d 个", len(s.parts), bad), nil
			},
		},
	}
}

// wanted are the interfaces that are looked at: no loopbacks, no ignored ones, none that is shut down.
func (s *snmpState) wanted(t probe.Target) []snmpInterface {
	var out []snmpInterface
	for _, i := range s.interfaces {
		if i.kind == 24 || i.name == "" || matchAny(t.Strings("ignore"), i.name) {
			continue
		}
		out = append(out, i)
	}
	return out
}

// remembered interfaces: which were up, by name; the memory holds some hundred names.
func judgeSNMPInterfaces(t probe.Target, r *probe.Report, s *snmpState) (string, *probe.Result) {
	list := s.wanted(t)
	if len(list) == 0 {
		return nothing(s.label() + " 没有要看的接口")
	}
	text, _ := t.Memory.Get("up")
	wasUp := strings.Split(text, "\n")
	var up, ups []string
	down := 0
	for _, i := range list {
		was := slices.Contains(wasUp, i.name)
		switch {
		case i.oper == 1:
			up, ups = append(up, i.name), append(ups, i.name)
		case i.admin == 2: // shut down on purpose
		case was:
			down++
			up = append(up, i.name) // it stays wanted until somebody shuts it down or ignores it
			if down <= 5 {
				r.Raise(probe.Critical, "link_down", "接口 "+i.name+describedAs(i.alias)+" 断开")
			}
			r.Detail(i.name + describedAs(i.alias) + "：断开")
		}
	}
	remember(t, "up", up)
	r.Measure("down", "断开的接口", float64(down), "")
	r.Record("up", float64(len(ups)), "")
	// Errors of a whole device come as one ratio; the interface with the most is named.
	packets, errs := 0.0, 0.0
	worst := snmpInterface{}
	for _, i := range list {
		packets, errs = packets+i.packets, errs+i.errors
		if i.errors > worst.errors {
			worst = i
		}
	}
	grownErrors, d, ok1 := since(t, "errors", errs)
	grownPackets, _, ok2 := since(t, "packets", packets)
	figures := fmt.Sprintf("接口 %d 个，连通 %d 个", len(list), len(ups))
	if ok1 && ok2 && grownPackets+grownErrors > 1000 {
		ratio := 100 * grownErrors / (grownPackets + grownErrors)
		r.Measure("error_percent", "错包率（累计最多的接口 "+worst.name+"）", ratio, "%")
		figures += fmt.Sprintf("，错包率 %s（%s内）", probe.Humanize(ratio, "%"), probe.Humanize(d.Seconds(), "s"))
	}
	return figures, nil
}

func describedAs(alias string) string {
	if alias == "" {
		return ""
	}
	return "（" + alias + "）"
}

// remember keeps as many names as fit.
func remember(t probe.Target, key string, names []string) {
	size := 0
	for i, n := range names {
		if size += len(n) + 1; size > probe.MaxMemoryValue {
			names = names[:i]
			break
		}
	}
	t.Memory.Set(key, strings.Join(names, "\n"))
}

// judgeSNMPUtilisation remembers the counters of the interfaces that are up; a device with more than
// fit is judged on its fastest.
func judgeSNMPUtilisation(t probe.Target, r *probe.Report, s *snmpState) (string, *probe.Result) {
	type counters struct {
		At int64               `json:"t"` // milliseconds
		By map[string][2]int64 `json:"b"` // KiB in and out
	}
	var list []snmpInterface
	for _, i := range s.wanted(t) {
		if i.oper == 1 && i.counted && i.speed > 0 {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		return nothing(s.label() + " 的接口没有 64 位计数或速率")
	}
	slices.SortStableFunc(list, func(a, b snmpInterface) int { return cmp.Compare(b.speed, a.speed) })
	list = list[:min(len(list), 80)]
	var last counters
	text, _ := t.Memory.Get("octets")
	known := json.Unmarshal([]byte(text), &last) == nil
	now := counters{At: t.Now().UnixMilli(), By: make(map[string][2]int64)}
	seconds := float64(now.At-last.At) / 1000
	busiest, most := "", 0.0
	for _, i := range list {
		next := [2]int64{int64(i.in / 1024), int64(i.out / 1024)}
		now.By[i.name] = next
		was, seen := last.By[i.name]
		if !known || !seen || seconds < 1 || next[0] < was[0] || next[1] < was[1] {
			continue
		}
		percent := 100 * float64(max(next[0]-was[0], next[1]-was[1])) * 1024 * 8 / seconds / i.speed
		r.Measure("used_percent "+i.name, "接口 "+i.name+describedAs(i.alias)+" 带宽", percent, "%")
		if percent >= most {
			busiest, most = i.name, percent
		}
	}
	if b, err := json.Marshal(now); err == nil {
		t.Memory.Set("octets", string(b))
	}
	r.Record("interfaces", float64(len(list)), "")
	if busiest == "" {
		return fmt.Sprintf("接口 %d 个，下次检查起按间隔计算带宽", len(list)), nil
	}
	return fmt.Sprintf("接口 %d 个，最忙 %s 占 %s（%s内）", len(list), busiest, probe.Humanize(most, "%"), probe.Humanize(seconds, "s")), nil
}

func judgeSNMPValues(pick func(*snmpState) []snmpValue, metric, title, uom string) func(probe.Target, *probe.Report, *snmpState) (string, *probe.Result) {
	return func(_ probe.Target, r *probe.Report, s *snmpState) (string, *probe.Result) {
		list := pick(s)
		if len(list) == 0 {
			return nothing(s.label() + " 不提供" + title + "数据")
		}
		highest := list[0]
		for _, v := range list {
			if v.value > highest.value {
				highest = v
			}
			r.Measure(metric+" "+v.name, title+" "+v.name, v.value, uom)
		}
		return fmt.Sprintf("%s最高 %s（%s），共 %d 项", title, probe.Humanize(highest.value, uom), highest.name, len(list)), nil
	}
}

func judgeSNMPTemperature(t probe.Target, r *probe.Report, s *snmpState) (string, *probe.Result) {
	for _, v := range s.temperatures {
		if v.limit > 0 && v.value >= v.limit {
			r.Raise(probe.Critical, "too_hot", fmt.Sprintf("%s 温度 %.0f°C 达到设备门限 %.0f°C", v.name, v.value, v.limit))
		}
	}
	return judgeSNMPValues(func(s *snmpState) []snmpValue { return s.temperatures }, "temperature", "温度", "°C")(t, r, s)
}
