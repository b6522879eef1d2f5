package builtin

import (
	"os"
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
)

const smartArgs = "smartctl --json -n standby -H -A -i -d "

func TestSMART(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	h.helper = answers(map[string]said{
		"smartctl --json --scan":            {out: testdata(t, "smart_scan.json")},
		smartArgs + "scsi /dev/sda":         {out: testdata(t, "smart_ata.json")},
		smartArgs + "nvme /dev/nvme0":       {out: testdata(t, "smart_nvme.json"), code: 8},
		smartArgs + "megaraid,8 /dev/bus/0": {out: testdata(t, "smart_scsi.json")},
		smartArgs + "scsi /dev/sdz":         {out: testdata(t, "smart_virtual.json"), code: 1},
	})
	r := run(t, h.smart(), nil, nil)
	wants(t, r, probe.Critical, "failing", "磁盘 /dev/nvme0（INTEL SSDPE2KX010T8）自检未通过", "自报告警：可靠性下降", "磁盘 /dev/nvme0 磨损 96%",
		"磁盘 /dev/sda 坏扇区 24（警告阈值 >0）", "共 3 块磁盘，2 块异常")
	if v := value(t, r, "bad_sectors /dev/bus/0[megaraid,8]"); v != 0 {
		t.Errorf("disk behind the controller: %v", v)
	}
	if !strings.Contains(r.Details, "/dev/sdz：没有 SMART 数据 /dev/sdz: Unable to detect device type") {
		t.Errorf("details\n%s", r.Details)
	}
	r = run(t, h.smart(), map[string]any{"ignore": []any{"nvme*", "/dev/sda"}}, nil)
	wants(t, r, probe.OK, "", "共 1 块磁盘，0 块异常")
	r = run(t, h.smart(), map[string]any{"ignore": []any{"nvme*", "sda", "bus/0"}}, nil)
	wants(t, r, probe.Unknown, probe.ReasonNoSource, "平台方")
}

func TestSMARTOfAnOldProgram(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	h.helper = answers(map[string]said{
		"smartctl --json --scan":                        {out: []byte("smartctl 6.5\n=======> UNRECOGNIZED OPTION: json\n"), code: 1},
		"smartctl --scan":                               {out: []byte("/dev/sda -d scsi # /dev/sda, SCSI device\n/dev/sdb -d scsi # /dev/sdb, SCSI device\n")},
		"smartctl -n standby -H -A -i -d scsi /dev/sda": {out: testdata(t, "smart_65.txt"), code: 24},
		"smartctl -n standby -H -A -i -d scsi /dev/sdb": {out: []byte("Device is in STANDBY mode, exit(2)\n"), code: 2},
	})
	r := run(t, h.smart(), nil, nil)
	wants(t, r, probe.Critical, "failing", "自检未通过", "Reallocated_Sector_Ct 已低于厂商下限", "坏扇区 1027", "共 1 块磁盘")
	if !strings.Contains(r.Details, "/dev/sdb：休眠中") {
		t.Errorf("details\n%s", r.Details)
	}
}

func TestSMARTWithoutRights(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	h.helper = answers(map[string]said{
		"smartctl --json --scan":    {out: []byte(`{"devices":[{"name":"/dev/sda","type":"scsi"}]}`)},
		smartArgs + "scsi /dev/sda": {out: []byte(`{"smartctl":{"messages":[{"string":"Smartctl open device: /dev/sda failed: Permission denied"}],"exit_status":2}}`), code: 2},
	})
	wants(t, run(t, h.smart(), nil, nil), probe.Unknown, probe.ReasonDenied, "root")
}

func TestRAIDCard(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	h.helper = answers(map[string]said{"storcli /call show nolog J": {out: testdata(t, "storcli.json")}})
	r := run(t, h.raidCard(), nil, nil)
	wants(t, r, probe.Critical, "degraded", "控制器 0 逻辑盘 1/1（RAID5 5.454 TB）：降级", "物理盘 252:3（ST2000NM0055-1V4104 1.818 TB）：故障",
		"物理盘 252:2", "正在重建", "storcli 报告 8 个部件，3 个异常")

	h.helper = answers(map[string]said{
		"storcli /call show nolog J":                    {out: testdata(t, "storcli_none.json"), code: 1},
		"megacli -LDInfo -Lall -aAll -NoLog":            {out: testdata(t, "megacli_ld.txt")},
		"megacli -PDList -aAll -NoLog":                  {out: testdata(t, "megacli_pd.txt")},
		"megacli -AdpBbuCmd -GetBbuStatus -aAll -NoLog": {out: testdata(t, "megacli_bbu.txt")},
	})
	r = run(t, h.raidCard(), nil, nil)
	wants(t, r, probe.Critical, "degraded", "逻辑盘 1（RAID5）：Degraded", "物理盘 32:2：Failed", "物理盘 32:1：Online, Spun Up，介质错误 37，预测故障 4",
		"缓存电池：Degraded(Need Attention)", "megacli 报告 7 个部件，4 个异常")

	h.helper = answers(map[string]said{
		"ssacli ctrl all show config": {out: testdata(t, "ssacli_config.txt")},
		"ssacli ctrl all show status": {out: testdata(t, "ssacli_status.txt")},
	})
	r = run(t, h.raidCard(), nil, nil)
	wants(t, r, probe.Critical, "degraded", "Slot 0 逻辑盘 2（1.6 TB）：Interim Recovery Mode", "物理盘 1I:1:4（SAS HDD）：Failed", "Predictive Failure",
		"缓存：Permanently Disabled", "ssacli 报告 10 个部件，5 个异常")

	h.helper = answers(map[string]said{"storcli /call show nolog J": {out: testdata(t, "storcli_none.json"), code: 1}})
	wants(t, run(t, h.raidCard(), nil, nil), probe.Unknown, probe.ReasonNoSource, "没有看到控制器")
	h.helper = answers(map[string]said{"storcli /call show nolog J": {out: []byte("segmentation fault")}})
	wants(t, run(t, h.raidCard(), nil, nil), probe.Unknown, "read_failed")
}

func TestIPMI(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	h.helper = answers(map[string]said{
		"ipmitool sensor":                {out: testdata(t, "ipmi_sensor.txt")},
		"ipmitool sdr type Power Supply": {out: testdata(t, "ipmi_psu.txt")},
		"ipmitool sdr type Fan":          {out: testdata(t, "ipmi_fan.txt")},
	})
	r := run(t, h.ipmi(), nil, nil)
	wants(t, r, probe.Critical, "sensor", "CPU1 Temp 91°C（越过关键门限）", "Fan2 RPM 480RPM（越过非关键门限）", "共 11 个传感器，2 个越限")
	if v := value(t, r, "sensor Temp #2"); v != 40 {
		t.Errorf("second sensor of one name: %v", v)
	}
	wants(t, run(t, h.ipmi(), map[string]any{"ignore": []any{"CPU1*", "Fan2*"}}, nil), probe.OK, "", "0 个越限")

	wants(t, run(t, h.powerSupply(), nil, nil), probe.Critical, "power", "PS Redundancy：Redundancy Lost", "Power Supply AC lost", "共 3 个电源部件，2 个异常")
	wants(t, run(t, h.fan(), nil, nil), probe.Critical, "fan", "Fan2 RPM：240 RPM", "共 4 个风扇部件，1 个异常")
	h.helper = answers(map[string]said{"ipmitool sdr type Power Supply": {out: testdata(t, "ipmi_psu_hp.txt")}})
	wants(t, run(t, h.powerSupply(), nil, nil), probe.Critical, "power", "Failure detected", "Power Supplies：Non-Redundant", "2 个异常")

	for words, want := range map[string]probe.Reason{
		"Could not open device at /dev/ipmi0 or /dev/ipmi/0 or /dev/ipmidev/0: No such file or directory\n": probe.ReasonNoSource,
		"Could not open device at /dev/ipmi0 or /dev/ipmi/0 or /dev/ipmidev/0: Permission denied\n":         probe.ReasonDenied,
		"Get Device ID command failed\n": "helper_failed",
	} {
		h.helper = says(t, "ipmitool", []byte(words), 1)
		wants(t, run(t, h.ipmi(), nil, nil), probe.Unknown, want)
		wants(t, run(t, h.eventLog(), nil, nil), probe.Unknown, want)
	}
}

func TestEventLog(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	memory := probe.NewMapMemory(nil)
	all := string(testdata(t, "ipmi_sel.txt"))
	upTo := func(n int) {
		h.helper = says(t, "ipmitool", []byte(strings.Join(strings.SplitAfter(all, "\n")[:n], "")), 0)
	}
	upTo(1)
	wants(t, run(t, h.eventLog(), nil, memory), probe.OK, "", "共 1 条", "已记下")
	upTo(2)
	wants(t, run(t, h.eventLog(), nil, memory), probe.Warning, probe.ReasonThreshold, "Correctable ECC")
	upTo(2)
	wants(t, run(t, h.eventLog(), nil, memory), probe.OK, "", "新增 0 条")
	upTo(6)
	r := run(t, h.eventLog(), nil, memory)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "新的严重硬件事件 3")
	// Cleared and written anew: everything in it is new.
	h.helper = says(t, "ipmitool", []byte("   1 | 11/25/2026 | 01:00:00 | Processor #0x60 | IERR | Asserted\n"), 0)
	wants(t, run(t, h.eventLog(), nil, memory), probe.Critical, probe.ReasonThreshold, "IERR", "新增 1 条")
	h.helper = says(t, "ipmitool", []byte("SEL has no entries\n"), 0)
	wants(t, run(t, h.eventLog(), nil, memory), probe.OK, "", "新增 0 条")
}

func TestECC(t *testing.T) {
	t.Parallel()
	mc := "sys/devices/system/edac/mc/mc0/"
	h := tree(t, map[string]string{
		"proc/sys/kernel/random/boot_id": "one\n", mc + "mc_name": "Skylake Socket#0 IMC#0\n", mc + "ce_count": "3\n", mc + "ue_count": "0\n",
		"sys/devices/system/edac/mc/power/x": "",
	})
	set := func(name, text string) {
		if err := os.WriteFile(h.at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.ecc(), nil, memory), probe.Warning, probe.ReasonThreshold, "可纠正错误 3")
	wants(t, run(t, h.ecc(), nil, memory), probe.OK, "", "1 个内存控制器")
	set(mc+"ue_count", "1\n")
	wants(t, run(t, h.ecc(), nil, memory), probe.Critical, probe.ReasonThreshold, "不可纠正错误 1")
	set("proc/sys/kernel/random/boot_id", "two\n")
	set(mc+"ce_count", "2\n")
	set(mc+"ue_count", "0\n")
	wants(t, run(t, h.ecc(), nil, memory), probe.Warning, probe.ReasonThreshold, "可纠正错误 2")
}

func TestFansAndPowerOfTheKernel(t *testing.T) {
	t.Parallel()
	hw := "sys/class/hwmon/hwmon3/"
	h := tree(t, map[string]string{
		hw + "name": "nct6775\n", hw + "fan1_input": "1200\n", hw + "fan1_min": "600\n", hw + "fan2_input": "0\n", hw + "fan3_input": "400\n", hw + "fan3_min": "600\n",
		"sys/class/power_supply/AC/type": "Mains\n", "sys/class/power_supply/AC/online": "0\n",
		"sys/class/power_supply/BAT0/type": "Battery\n",
	})
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.fan(), nil, memory), probe.Critical, "fan", "nct6775/fan3：400 转/分，低于下限 600", "共 2 个风扇部件，1 个异常")
	if err := os.WriteFile(h.at(hw+"fan1_input"), []byte("0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, run(t, h.fan(), nil, memory), probe.Critical, "fan", "nct6775/fan1：停转")
	wants(t, run(t, h.powerSupply(), nil, nil), probe.Critical, "power", "市电 AC：断开")
}

func FuzzHardwareTools(f *testing.F) {
	for _, name := range []string{"smart_65.txt", "storcli.json", "megacli_pd.txt", "megacli_ld.txt", "ssacli_config.txt", "ipmi_sensor.txt", "ipmi_psu.txt", "ipmi_sel.txt"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseSMARTText(b).badSectors()
		parseSMARTScan(b)
		parseMegacli(b, b, b)
		parseSsacli(b, b)
		if _, err := parseStorcli(b); err != nil {
			_ = err.Error()
		}
		for _, x := range parseIPMISensors(b) {
			_ = x.gravity()
		}
		for _, e := range parseIPMIEntities(b) {
			_ = e.gravity()
		}
		for _, e := range parseSEL(b) {
			_ = e.gravity()
		}
	})
}
