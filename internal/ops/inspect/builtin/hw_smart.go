package builtin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) smart() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.smart", Class: probe.Hardware,
		TitleZH: "磁盘健康（SMART）", TitleEN: "Disk health (SMART)",
		HelpZH: "用 smartctl（7.0 及以上读 JSON，6.x 读文本）逐块查看磁盘自检结论、坏扇区与固态盘磨损；休眠的磁盘不唤醒。虚拟机的磁盘通常没有 SMART。" +
			"变红时：先确认备份与阵列状态；自检未通过或坏扇区持续增加的磁盘应尽快更换；磨损超限的固态盘列入更换计划。",
		HelpEN: "Reads with smartctl (JSON from 7.0 on, text of 6.x) each disk's own verdict, bad sectors and the wear of solid-state disks; sleeping disks are not woken. Disks of virtual machines usually have no SMART. " +
			"When red: make sure of backup and RAID first; replace a disk soon that fails its own test or whose bad sectors grow; plan the replacement of worn solid-state disks.",
		Params: []probe.Param{
			{Name: "ignore", Type: "strings", TitleZH: "忽略的磁盘（可用 * 通配）", TitleEN: "Disks to ignore (with * wildcards)"},
		},
		Thresholds: []probe.Threshold{
			{Metric: "bad_sectors", Warn: "0", Crit: "100"},
			{Metric: "worn_percent", Warn: "80", Crit: "95", Unit: "%"},
		},
		Check: func(p map[string]any) error {
			ignore, _ := p["ignore"].([]string)
			return checkPatterns("ignore", ignore)
		},
		Verified: verifiedSamples, VerifiedOn: "documented output: smartctl 6.5, 7.1, 7.3 (ATA, SCSI, NVMe), 2026-11", Timeout: slowHelper,
		Discover: always("物理主机的磁盘有 SMART"),
		Run:      h.runSMART,
	}
}

// smartDisk is what smartctl says of one disk.
type smartDisk struct {
	Device struct {
		Name     string `json:"name"`
		Type     string `json:"type"`
		Protocol string `json:"protocol"`
	} `json:"device"`
	Model      string       `json:"model_name"`
	Vendor     string       `json:"vendor"`
	Product    string       `json:"product"`
	Serial     string       `json:"serial_number"`
	Status     *smartStatus `json:"smart_status"`
	Attributes struct {
		Table []smartAttribute `json:"table"`
	} `json:"ata_smart_attributes"`
	NVMe *struct {
		CriticalWarning int   `json:"critical_warning"`
		PercentageUsed  int   `json:"percentage_used"`
		MediaErrors     int64 `json:"media_errors"`
	} `json:"nvme_smart_health_information_log"`
	Defects     *int64 `json:"scsi_grown_defect_list"`
	Temperature struct {
		Current int `json:"current"`
	} `json:"temperature"`
	Program struct {
		Messages []struct {
			String string `json:"string"`
		} `json:"messages"`
		ExitStatus int `json:"exit_status"`
	} `json:"smartctl"`
}

type smartStatus struct {
	Passed bool `json:"passed"`
}

type smartAttribute struct {
	ID         int    `json:"id"`
	Name       string `json:"name"`
	WhenFailed string `json:"when_failed"`
	Raw        struct {
		Value int64 `json:"value"`
	} `json:"raw"`
}

// read reports whether the disk told anything of its health.
func (d smartDisk) read() bool {
	return d.Status != nil || d.NVMe != nil || len(d.Attributes.Table) > 0
}

func (d smartDisk) message() string {
	if len(d.Program.Messages) > 0 {
		return d.Program.Messages[0].String
	}
	return ""
}

// badSectorAttributes are counters of ATA disks whose raw value is a number of sectors that went bad.
var badSectorAttributes = map[int]bool{5: true, 197: true, 198: true}

func (d smartDisk) badSectors() (n int64, known bool) {
	for _, a := range d.Attributes.Table {
		if badSectorAttributes[a.ID] {
			n, known = n+a.Raw.Value&0xffffffff, true // some vendors keep other counters in the upper half
		}
	}
	switch {
	case d.NVMe != nil:
		return d.NVMe.MediaErrors, true
	case d.Defects != nil:
		return *d.Defects, true
	}
	return n, known
}

// nvmeWarnings are the bits of an NVMe disk's critical warning.
var nvmeWarnings = []string{"备用空间不足", "温度越限", "可靠性下降", "只读模式", "断电保护失效", "持久内存异常"}

// smartScan is the answer to --scan.
type smartScan struct {
	Devices []smartDevice `json:"devices"`
}

type smartDevice struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// parseSMARTScan reads the lines "/dev/sda -d scsi # /dev/sda, SCSI device" of a smartctl without JSON.
func parseSMARTScan(b []byte) (s smartScan) {
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) >= 3 && strings.HasPrefix(fields[0], "/dev/") && fields[1] == "-d" {
			s.Devices = append(s.Devices, smartDevice{fields[0], fields[2]})
		}
	}
	return s
}

// parseSMARTText reads the output of a smartctl without JSON.
func parseSMARTText(b []byte) (d smartDisk) {
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Device Model", "Model Number":
			d.Model = value
		case "Product":
			d.Product = value
		case "Vendor":
			d.Vendor = value
		case "Serial Number", "Serial number":
			d.Serial = value
		case "SMART overall-health self-assessment test result":
			d.Status = &smartStatus{value == "PASSED"}
		case "SMART Health Status":
			d.Status = &smartStatus{value == "OK"}
		case "Elements in grown defect list":
			var n int64
			if _, err := fmt.Sscan(value, &n); err == nil {
				d.Defects = &n
			}
		default:
			d.attribute(strings.Fields(line))
		}
	}
	return d
}

// attribute reads "  5 Reallocated_Sector_Ct   0x0033   100   100   036    Pre-fail  Always       -       0".
func (d *smartDisk) attribute(fields []string) {
	var id int
	var raw int64
	if len(fields) < 10 || !strings.HasPrefix(fields[2], "0x") {
		return
	}
	if _, err := fmt.Sscan(fields[0], &id); err != nil {
		return
	}
	if _, err := fmt.Sscan(fields[9], &raw); err != nil {
		raw = 0
	}
	failed := map[string]string{"FAILING_NOW": "now", "In_the_past": "past"}[fields[8]]
	a := smartAttribute{ID: id, Name: fields[1], WhenFailed: failed}
	a.Raw.Value = raw
	d.Attributes.Table = append(d.Attributes.Table, a)
}

func (h host) runSMART(ctx context.Context, t probe.Target) probe.Result {
	scan, asJSON, missing := h.smartDevices(ctx)
	if missing != nil {
		return *missing
	}
	r := t.Report()
	read, failed, refused := 0, 0, ""
	for _, dev := range scan.Devices {
		if matchAny(t.Strings("ignore"), strings.TrimPrefix(dev.Name, "/dev/")) || matchAny(t.Strings("ignore"), dev.Name) {
			continue
		}
		args := []string{"-n", "standby", "-H", "-A", "-i", "-d", dev.Type, dev.Name}
		if asJSON {
			args = append([]string{"--json"}, args...)
		}
		s, missing := h.ask(ctx, "磁盘健康", "smartmontools", "smartctl", args...)
		if missing != nil {
			return *missing
		}
		d := parseSMARTText(s.out)
		if asJSON {
			d = smartDisk{}
			if err := json.Unmarshal(s.out, &d); err != nil {
				r.Detail(dev.Name + "：输出无法识别")
				continue
			}
		}
		if s.has("in STANDBY mode", "in SLEEP mode") {
			r.Detail(dev.Name + "：休眠中，未唤醒")
			continue
		}
		if !d.read() {
			if s.denied() {
				refused = dev.Name
			}
			r.Detail(strings.TrimRight(dev.Name+"：没有 SMART 数据 "+d.message(), " "))
			continue
		}
		read++
		if d.judge(r, smartName(dev.Name, dev.Type)) {
			failed++
		}
	}
	switch {
	case read == 0 && refused != "":
		return probe.Denied(fmt.Sprintf("无权读取 %s 的 SMART 数据：请以 root 运行", refused))
	case read == 0 && r.State() == probe.OK:
		return probe.NoSource("没有能读取 SMART 的磁盘（虚拟机的磁盘由平台方负责）")
	}
	r.Record("disks", float64(read), "")
	return r.Result(fmt.Sprintf("共 %d 块磁盘，%d 块异常", read, failed))
}

// smartName tells the disks behind one RAID controller apart.
func smartName(name, typ string) string {
	if strings.Contains(typ, ",") {
		return name + "[" + typ + "]"
	}
	return name
}

func (h host) smartDevices(ctx context.Context) (s smartScan, asJSON bool, missing *probe.Result) {
	a, missing := h.ask(ctx, "磁盘健康", "smartmontools", "smartctl", "--json", "--scan")
	if missing != nil {
		return s, false, missing
	}
	if json.Unmarshal(a.out, &s) == nil {
		return s, true, nil
	}
	if a, missing = h.ask(ctx, "磁盘健康", "smartmontools", "smartctl", "--scan"); missing != nil {
		return s, false, missing
	}
	return parseSMARTScan(a.out), false, nil
}

// judge reports one disk and whether something is wrong with it.
func (d smartDisk) judge(r *probe.Report, name string) (bad bool) {
	before := r.State()
	model := strings.TrimSpace(d.Vendor + " " + d.Product)
	if d.Model != "" {
		model = d.Model
	}
	line := fmt.Sprintf("%s：%s 序列号 %s", name, model, d.Serial)
	raise := func(s probe.State, reason probe.Reason, text string) {
		bad = true
		r.Raise(s, reason, fmt.Sprintf("磁盘 %s（%s）%s", name, model, text))
	}
	if d.Status != nil && !d.Status.Passed {
		raise(probe.Critical, "failing", "自检未通过，随时可能损坏")
	}
	if d.NVMe != nil && d.NVMe.CriticalWarning != 0 {
		var words []string
		for i, w := range nvmeWarnings {
			if d.NVMe.CriticalWarning&(1<<i) != 0 {
				words = append(words, w)
			}
		}
		raise(probe.Critical, "failing", "自报告警："+strings.Join(words, "、"))
	}
	for _, a := range d.Attributes.Table {
		if a.WhenFailed == "now" {
			raise(probe.Critical, "failing", "指标 "+a.Name+" 已低于厂商下限")
		}
	}
	if n, known := d.badSectors(); known {
		bad = r.Measure("bad_sectors "+name, "磁盘 "+name+" 坏扇区", float64(n), "") != probe.OK || bad
		line += fmt.Sprintf("，坏扇区 %d", n)
	}
	if d.NVMe != nil {
		bad = r.Measure("worn_percent "+name, "磁盘 "+name+" 磨损", float64(d.NVMe.PercentageUsed), "%") != probe.OK || bad
		line += fmt.Sprintf("，磨损 %d%%", d.NVMe.PercentageUsed)
	}
	if d.Temperature.Current > 0 {
		r.Record("temperature "+name, float64(d.Temperature.Current), "°C")
		line += fmt.Sprintf("，%d°C", d.Temperature.Current)
	}
	r.Detail(line)
	return bad || r.State() != before
}
