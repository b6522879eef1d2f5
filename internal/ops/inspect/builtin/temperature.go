package builtin

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) temperature() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.temperature", Class: probe.Hardware,
		TitleZH: "温度", TitleEN: "Temperature",
		HelpZH: "读取 /sys/class/hwmon（没有时读 /sys/class/thermal）中各传感器的温度，与设备自己声明的上限比较：达到 max 为警告，达到 crit 为严重；未声明上限的传感器按本检查项的阈值。虚拟机通常没有传感器。" +
			"变红时：查机房空调与进风温度、风扇转速、积灰；核对同机柜其他设备是否同样升温。",
		HelpEN: "Reads the sensors below /sys/class/hwmon (or /sys/class/thermal) and compares them with the limits the device states: max is a warning, crit is critical; sensors without limits use the thresholds of this check. Virtual machines usually have none. " +
			"When red: check the air conditioning, inlet temperature, fans and dust; see whether other devices in the rack warm up too.",
		Thresholds: []probe.Threshold{{Metric: "temperature", Warn: "~:85", Crit: "~:95", Unit: "°C"}},
		Verified:   verifiedSamples, VerifiedOn: "coretemp, nvme, Linux hwmon, 2026-11",
		Discover: always("物理主机有温度传感器"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			sensors := h.sensors()
			if len(sensors) == 0 {
				return probe.NoSource("没有温度传感器（/sys/class/hwmon 与 thermal 中都没有，虚拟机通常如此）")
			}
			r := t.Report()
			hottest := sensors[0]
			for _, s := range sensors {
				switch {
				case s.crit > 0 && s.celsius >= s.crit:
					r.Raise(probe.Critical, "hot", fmt.Sprintf("%s %.0f°C（设备严重上限 %.0f°C）", s.name, s.celsius, s.crit))
				case s.max > 0 && s.celsius >= s.max:
					r.Raise(probe.Warning, "hot", fmt.Sprintf("%s %.0f°C（设备上限 %.0f°C）", s.name, s.celsius, s.max))
				}
				if s.max > 0 || s.crit > 0 {
					r.Record("temperature "+s.name, s.celsius, "°C")
				} else {
					r.Measure("temperature "+s.name, s.name+" 温度", s.celsius, "°C")
				}
				r.Detail(s.String())
				if s.celsius > hottest.celsius {
					hottest = s
				}
			}
			return r.Result(fmt.Sprintf("%d 个传感器，最高 %s %.0f°C", len(sensors), hottest.name, hottest.celsius))
		},
	}
}

// sensor is one temperature with the limits its device states, 0 for none.
type sensor struct {
	name               string
	celsius, max, crit float64
}

// String describes the sensor in one line.
func (s sensor) String() string {
	line := fmt.Sprintf("%s：%.1f°C", s.name, s.celsius)
	if s.max > 0 {
		line += fmt.Sprintf("，上限 %.0f°C", s.max)
	}
	if s.crit > 0 {
		line += fmt.Sprintf("，严重上限 %.0f°C", s.crit)
	}
	return line
}

// sensors returns what there is, each under a name of its own: two sockets both have a "Core 0".
func (h host) sensors() []sensor {
	list := h.readSensors()
	seen := make(map[string]int)
	for i := range list {
		name := list[i].name
		if seen[name]++; seen[name] > 1 {
			list[i].name = fmt.Sprintf("%s #%d", name, seen[name])
		}
	}
	return list
}

// readSensors reads hwmon, and the thermal zones where there is none.
func (h host) readSensors() []sensor {
	var list []sensor
	inputs, _ := filepath.Glob(filepath.Join(h.Sys, "class/hwmon/hwmon*/temp*_input")) // the pattern is valid
	slices.Sort(inputs)
	for _, input := range inputs {
		base := strings.TrimSuffix(input, "_input")
		celsius, ok := milliCelsius(input)
		if !ok || trimmed(base+"_fault") == "1" {
			continue
		}
		s := sensor{celsius: celsius}
		s.max, _ = milliCelsius(base + "_max")
		s.crit, _ = milliCelsius(base + "_crit")
		label := trimmed(base + "_label")
		if label == "" {
			label = filepath.Base(base)
		}
		s.name = strings.TrimSpace(trimmed(filepath.Dir(input), "name") + " " + label)
		list = append(list, s)
	}
	if len(list) > 0 {
		return list
	}
	zones, _ := filepath.Glob(filepath.Join(h.Sys, "class/thermal/thermal_zone*/temp")) // the pattern is valid
	slices.Sort(zones)
	for _, zone := range zones {
		celsius, ok := milliCelsius(zone)
		if !ok {
			continue
		}
		dir := filepath.Dir(zone)
		s := sensor{celsius: celsius, name: trimmed(dir, "type")}
		types, _ := filepath.Glob(filepath.Join(dir, "trip_point_*_type")) // the pattern is valid
		for _, typ := range types {
			if trimmed(typ) == "critical" {
				s.crit, _ = milliCelsius(strings.TrimSuffix(typ, "_type") + "_temp")
			}
		}
		list = append(list, s)
	}
	return list
}

// milliCelsius reads a file of thousandths of a degree; values that no working sensor shows do not count.
func milliCelsius(path string) (float64, bool) {
	v, err := strconv.ParseFloat(trimmed(path), 64)
	if err != nil {
		return 0, false
	}
	v /= 1000
	return v, v > -60 && v < 250 && v != 0
}
