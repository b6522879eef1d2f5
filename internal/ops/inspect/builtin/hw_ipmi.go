package builtin

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

// askIPMI asks the board's management controller (BMC).
func (h host) askIPMI(ctx context.Context, args ...string) (said, *probe.Result) {
	s, missing := h.ask(ctx, "带外管理", "ipmitool", "ipmitool", args...)
	if missing != nil {
		return s, missing
	}
	var r probe.Result
	switch {
	case s.has("Could not open device") && s.has("No such file or directory"):
		r = probe.NoSource("本机没有带外管理设备（/dev/ipmi0 不存在：虚拟机没有，物理机请加载 ipmi_si 与 ipmi_devintf 模块）")
	case s.has("Could not open device"), s.denied():
		r = probe.Denied("无权访问带外管理设备 /dev/ipmi0：请以 root 运行")
	default:
		return s, nil
	}
	return s, &r
}

func (h host) ipmi() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.ipmi", Class: probe.Hardware,
		TitleZH: "板载传感器（IPMI）", TitleEN: "Board sensors (IPMI)",
		HelpZH: "用 ipmitool sensor 读取主板管理控制器的温度、电压、电流、转速等传感器，按设备自己的门限判断：越过非关键门限为警告，越过关键或不可恢复门限为严重。" +
			"变红时：按传感器名称定位部件；温度查空调与风道，电压查电源，确需更换的联系硬件维保。",
		HelpEN: "Reads temperatures, voltages, currents and speeds of the board's management controller with ipmitool sensor and judges them by the device's own limits: beyond the non-critical one is a warning, beyond the critical or non-recoverable one is critical. " +
			"When red: find the part by the sensor's name; for temperatures see air conditioning and air flow, for voltages the power supply; call hardware maintenance for a replacement.",
		Params: []probe.Param{
			{Name: "ignore", Type: "strings", TitleZH: "忽略的传感器（可用 * 通配）", TitleEN: "Sensors to ignore (with * wildcards)"},
		},
		Check: func(p map[string]any) error {
			ignore, _ := p["ignore"].([]string)
			return checkPatterns("ignore", ignore)
		},
		Verified: verifiedSamples, VerifiedOn: "documented output: ipmitool 1.8.18 (Dell, Huawei, Inspur), 2026-11", Timeout: slowHelper,
		Discover: always("物理主机有板载传感器"),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			s, missing := h.askIPMI(ctx, "sensor")
			if missing != nil {
				return *missing
			}
			sensors := parseIPMISensors(s.out)
			if len(sensors) == 0 {
				return probe.Unknowable("helper_failed", "ipmitool 未返回传感器："+s.firstLine())
			}
			r := t.Report()
			bad, read := 0, 0
			for _, x := range sensors {
				if matchAny(t.Strings("ignore"), x.name) || x.state == "na" {
					continue
				}
				read++
				if x.analog {
					r.Record("sensor "+x.name, x.value, x.uom())
				}
				if state := x.gravity(); state != probe.OK {
					bad++
					r.Raise(state, "sensor", fmt.Sprintf("%s %s（%s）", x.name, x.shown(), x.words()))
					r.Detail(x.name + "：" + x.shown() + "，" + x.words())
				}
			}
			if read == 0 {
				return probe.NoSource("带外管理没有可读的传感器")
			}
			r.Record("sensors", float64(read), "")
			return r.Result(fmt.Sprintf("共 %d 个传感器，%d 个越限", read, bad))
		},
	}
}

// ipmiSensor is one line of ipmitool sensor.
type ipmiSensor struct {
	name, unit, state string
	value             float64
	analog            bool
	raw               string
}

// parseIPMISensors reads "Inlet Temp | 24.000 | degrees C | ok | na | na | na | 42.000 | 47.000 | na".
// Sensors of one name get a number each.
func parseIPMISensors(b []byte) []ipmiSensor {
	var list []ipmiSensor
	seen := map[string]int{}
	for line := range strings.Lines(string(b)) {
		fields := strings.Split(line, "|")
		if len(fields) < 10 {
			continue
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		x := ipmiSensor{name: fields[0], unit: fields[2], state: fields[3], raw: fields[1]}
		v, err := strconv.ParseFloat(fields[1], 64)
		x.value, x.analog = v, err == nil && fields[2] != "discrete"
		if seen[x.name]++; seen[x.name] > 1 {
			x.name = fmt.Sprintf("%s #%d", x.name, seen[x.name])
		}
		list = append(list, x)
	}
	return list
}

// gravity is what the device itself thinks of the value; the state of a discrete sensor is a mask of bits
// that means something else for each kind of sensor, so other checks ask for those in words.
func (x ipmiSensor) gravity() probe.State {
	if !x.analog {
		return probe.OK
	}
	switch x.state {
	case "nc":
		return probe.Warning
	case "cr", "nr":
		return probe.Critical
	}
	return probe.OK
}

func (x ipmiSensor) words() string {
	return map[string]string{"nc": "越过非关键门限", "cr": "越过关键门限", "nr": "越过不可恢复门限"}[x.state]
}

func (x ipmiSensor) uom() string {
	return map[string]string{"degrees C": "°C", "RPM": "RPM", "Volts": "V", "Watts": "W", "Amps": "A", "percent": "%"}[x.unit]
}

func (x ipmiSensor) shown() string { return probe.Humanize(x.value, x.uom()) }

// ipmiEntity is one line of ipmitool sdr type: name, number, state, entity, and what it says in words.
type ipmiEntity struct{ name, state, words string }

func parseIPMIEntities(b []byte) []ipmiEntity {
	var list []ipmiEntity
	for line := range strings.Lines(string(b)) {
		fields := strings.Split(line, "|")
		if len(fields) < 5 {
			continue
		}
		list = append(list, ipmiEntity{strings.TrimSpace(fields[0]), strings.TrimSpace(fields[2]), strings.TrimSpace(fields[4])})
	}
	return list
}

// gravity judges by the words of the IPMI specification.
func (e ipmiEntity) gravity() probe.State {
	words := strings.ToLower(e.words)
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return strings.Contains(words, w) })
	}
	switch {
	case e.state == "ns" || has("no reading", "disabled", "device absent"):
		return probe.OK
	case e.state == "cr" || e.state == "nr",
		has("failure detected", "ac lost", "input lost", "redundancy lost", "non-redundant: insufficient", "configuration error", "lower critical", "lower non-recoverable"):
		return probe.Critical
	case e.state == "nc", has("predictive failure", "out-of-range", "redundancy degraded", "non-redundant", "going low"):
		return probe.Warning
	}
	return probe.OK
}

func (h host) powerSupply() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.power", Class: probe.Hardware,
		TitleZH: "电源", TitleEN: "Power supplies",
		HelpZH: "用 ipmitool 读取各电源模块与冗余状态，并读取 /sys/class/power_supply 中的市电与不间断电源：模块故障、失电、冗余丢失、市电断开为严重，冗余下降为警告。" +
			"变红时：查电源线、插座与配电柜；模块故障灯亮的在线更换；单路供电期间不要做变更。",
		HelpEN: "Reads the power supplies and their redundancy with ipmitool, and mains and UPS from /sys/class/power_supply: a failed module, a lost input, lost redundancy or mains off is critical, degraded redundancy a warning. " +
			"When red: check cable, socket and distribution; a module with its fault light on is replaced while running; make no changes while there is one feed only.",
		Verified: verifiedSamples, VerifiedOn: "documented output: ipmitool 1.8.18 (Dell, HP), 2026-11", Timeout: slowHelper,
		Discover: always("物理主机有电源模块"),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			list, missing := h.entities(ctx, "Power Supply")
			list = append(list, h.mains()...)
			if len(list) == 0 && missing != nil {
				return *missing
			}
			return entityResult(t, list, "电源部件", "power")
		},
	}
}

// mains are the feeds that the kernel knows: of a UPS, of the mains.
func (h host) mains() []ipmiEntity {
	var list []ipmiEntity
	dirs, _ := filepath.Glob(filepath.Join(h.Sys, "class/power_supply/*")) // the pattern is valid
	for _, dir := range dirs {
		name := filepath.Base(dir)
		switch trimmed(dir, "type") {
		case "Mains":
			e := ipmiEntity{name: "市电 " + name, state: "ok", words: "接通"}
			if trimmed(dir, "online") == "0" {
				e.state, e.words = "cr", "断开"
			}
			list = append(list, e)
		case "UPS":
			e := ipmiEntity{name: "不间断电源 " + name, state: "ok", words: trimmed(dir, "status") + " " + trimmed(dir, "capacity") + "%"}
			if trimmed(dir, "status") == "Discharging" {
				e.state, e.words = "cr", "正在放电，剩余 "+trimmed(dir, "capacity")+"%"
			}
			list = append(list, e)
		}
	}
	return list
}

func (h host) entities(ctx context.Context, typ string) ([]ipmiEntity, *probe.Result) {
	s, missing := h.askIPMI(ctx, "sdr", "type", typ)
	if missing != nil {
		return nil, missing
	}
	list := parseIPMIEntities(s.out)
	if len(list) == 0 {
		r := probe.NoSource("带外管理没有此类部件")
		return nil, &r
	}
	return list, nil
}

func entityResult(t probe.Target, list []ipmiEntity, what string, reason probe.Reason) probe.Result {
	r := t.Report()
	bad := 0
	for _, e := range list {
		line := e.name + "：" + cmp.Or(e.words, e.state)
		if s := e.gravity(); s != probe.OK {
			bad++
			r.Raise(s, reason, line)
		}
		r.Detail(line)
	}
	r.Record("parts", float64(len(list)), "")
	r.Record("bad_parts", float64(bad), "")
	return r.Result(fmt.Sprintf("共 %d 个%s，%d 个异常", len(list), what, bad))
}

func (h host) fan() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.fan", Class: probe.Hardware,
		TitleZH: "风扇", TitleEN: "Fans",
		HelpZH: "读取 /sys/class/hwmon 中的风扇转速与告警，没有时用 ipmitool 读取：低于设备下限、报告故障、曾经转动而现已停转为严重，冗余下降为警告。" +
			"变红时：清理积灰，停转的风扇尽快更换；更换前留意温度检查项。",
		HelpEN: "Reads speeds and alarms of fans from /sys/class/hwmon, or with ipmitool where there are none: below the device's limit, a reported fault, or a fan that used to turn and stands still is critical; degraded redundancy is a warning. " +
			"When red: clean out dust, replace a fan that stands still soon; watch the temperature check until then.",
		Verified: verifiedSamples, VerifiedOn: "documented output: Linux hwmon (nct6775), ipmitool 1.8.18, 2026-11", Timeout: slowHelper,
		Discover: always("物理主机有风扇"),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			list := h.hwmonFans(t.Memory)
			if len(list) == 0 {
				var missing *probe.Result
				if list, missing = h.entities(ctx, "Fan"); missing != nil {
					return *missing
				}
			}
			return entityResult(t, list, "风扇部件", "fan")
		},
	}
}

// hwmonFans are the fans of the kernel's drivers. A connector without a fan reads 0 for ever: only one that
// turned once is missed.
func (h host) hwmonFans(m probe.Memory) []ipmiEntity {
	inputs, _ := filepath.Glob(filepath.Join(h.Sys, "class/hwmon/hwmon*/fan*_input")) // the pattern is valid
	slices.Sort(inputs)
	text, _ := m.Get("turned")
	turned := strings.Fields(text)
	var list []ipmiEntity
	for _, input := range inputs {
		rpm, err := strconv.Atoi(trimmed(input))
		if err != nil {
			continue
		}
		base := strings.TrimSuffix(input, "_input")
		key := strings.ReplaceAll(trimmed(filepath.Dir(input), "name")+"/"+filepath.Base(base), " ", "_")
		name := cmp.Or(trimmed(base+"_label"), key)
		limit, _ := strconv.Atoi(trimmed(base + "_min"))
		e := ipmiEntity{name: name, state: "ok", words: fmt.Sprintf("%d 转/分", rpm)}
		switch {
		case trimmed(base+"_fault") == "1":
			e.state, e.words = "cr", "报告故障"
		case rpm == 0 && !slices.Contains(turned, key):
			continue
		case rpm == 0:
			e.state, e.words = "cr", "停转"
		case trimmed(base+"_alarm") == "1" || (limit > 0 && rpm < limit):
			e.state, e.words = "cr", fmt.Sprintf("%d 转/分，低于下限 %d", rpm, limit)
		}
		if rpm > 0 && !slices.Contains(turned, key) {
			turned = append(turned, key)
		}
		list = append(list, e)
	}
	m.Set("turned", strings.Join(turned, " "))
	return list
}
