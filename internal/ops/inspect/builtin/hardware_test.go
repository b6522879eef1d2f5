package builtin

import (
	"fmt"
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
)

// nicFiles describes one interface of a fake /sys.
func nicFiles(name, flags, operstate string, packets, errs int) map[string]string {
	dir := "sys/class/net/" + name + "/"
	return map[string]string{
		dir + "device/vendor": "0x1af4\n", dir + "flags": flags + "\n", dir + "operstate": operstate + "\n", dir + "speed": "1000\n",
		dir + "statistics/rx_packets": fmt.Sprintf("%d\n", packets), dir + "statistics/tx_packets": "0\n",
		dir + "statistics/rx_errors": fmt.Sprintf("%d\n", errs), dir + "statistics/tx_errors": "0\n",
	}
}

func merge(maps ...map[string]string) map[string]string {
	out := map[string]string{"sys/class/net/lo/flags": "0x9\n", "sys/class/net/lo/operstate": "unknown\n"}
	for _, m := range maps {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func TestNIC(t *testing.T) {
	t.Parallel()
	memory := probe.NewMapMemory(nil)
	step := func(files ...map[string]string) probe.Result {
		t.Helper()
		return run(t, tree(t, merge(files...)).nic(), nil, memory)
	}
	eth0 := func(packets, errs int) map[string]string { return nicFiles("eth0", "0x1003", "up", packets, errs) }
	wants(t, step(eth0(5000, 0), nicFiles("eth1", "0x1002", "down", 0, 0)), probe.OK, "", "2 块网卡，1 块连通", "待积累")
	wants(t, step(eth0(5500, 5)), probe.OK, "", "待积累") // 505 packets are too few, and are not forgotten
	r := step(eth0(105_000, 50))
	wants(t, r, probe.Warning, probe.ReasonThreshold, "网卡 eth0 错误率 0.05%", ">0.01%")
	wants(t, step(eth0(205_000, 5050)), probe.Critical, probe.ReasonThreshold, ">0.1%")
	wants(t, step(eth0(10, 0)), probe.OK, "") // counters began anew
	wants(t, step(nicFiles("eth0", "0x1003", "down", 10, 0)), probe.Critical, "link_down", "eth0", "已启用但未连通")
	wants(t, step(nicFiles("eth0", "0x1002", "down", 10, 0)), probe.Critical, "link_down", "曾经连通")
	wants(t, step(nicFiles("eth9", "0x1003", "up", 10, 0)), probe.Critical, "missing", "eth0 已消失")
	wants(t, step(eth0(20, 0), nicFiles("eth9", "0x1003", "up", 10, 0)), probe.OK, "", "2 块连通")

	h := tree(t, merge(nicFiles("eth0", "0x1003", "down", 1, 0)))
	wants(t, run(t, h.nic(), map[string]any{"ignore": []any{"eth0"}}, memory), probe.Critical, "missing", "eth9")
	wants(t, run(t, h.nic(), map[string]any{"ignore": []any{"eth*"}}, nil), probe.Unknown, probe.ReasonNoSource)
}

func TestRAID(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"proc/mdstat": string(testdata(t, "mdstat_degraded.txt"))})
	r := run(t, h.raid(), nil, nil)
	wants(t, r, probe.Critical, "degraded", "阵列 md0（raid1） 降级：2 块盘只有 1 块在用，故障盘 sdb1",
		"阵列 md1（raid5） 降级：4 块盘只有 3 块在用，正在重建 12.6%，预计还需 127.5 分钟", "md2", "未激活", "共 4 个阵列，3 个异常")
	if strings.Contains(r.Summary, "md3") || !strings.Contains(r.Details, "md3（raid1） 2/2 块盘：正常，正在同步 等待中") {
		t.Errorf("md3 is good:\n%s\n%s", r.Summary, r.Details)
	}
	h = tree(t, map[string]string{"proc/mdstat": string(testdata(t, "mdstat_good.txt"))})
	r = run(t, h.raid(), nil, nil)
	wants(t, r, probe.OK, "", "共 2 个阵列，0 个异常")
	if !strings.Contains(r.Details, "正在校验 27.9%") {
		t.Errorf("details %q", r.Details)
	}
	h = tree(t, map[string]string{"proc/mdstat": "Personalities : \nunused devices: <none>\n"})
	wants(t, run(t, h.raid(), nil, nil), probe.Unknown, probe.ReasonNoSource)
}

func FuzzParseMdstat(f *testing.F) {
	f.Add([]byte("md0 : active raid1 sdb1[1](F) sda1[0]\n 1 blocks [2/1] [U_]\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, a := range parseMdstat(b) {
			_ = a.String()
		}
	})
}

func TestTemperature(t *testing.T) {
	t.Parallel()
	hw := "sys/class/hwmon/hwmon0/"
	files := map[string]string{
		hw + "name": "coretemp\n", hw + "temp1_input": "45000\n", hw + "temp1_max": "80000\n", hw + "temp1_crit": "100000\n", hw + "temp1_label": "Core 0\n",
		"sys/class/hwmon/hwmon1/name": "coretemp\n", "sys/class/hwmon/hwmon1/temp1_input": "46000\n", "sys/class/hwmon/hwmon1/temp1_label": "Core 0\n",
		"sys/class/hwmon/hwmon2/name": "nvme\n", "sys/class/hwmon/hwmon2/temp1_input": "-128000\n",
	}
	r := run(t, tree(t, files).temperature(), nil, nil)
	wants(t, r, probe.OK, "", "2 个传感器", "coretemp Core 0 #2 46°C")
	files[hw+"temp1_input"] = "82000\n"
	wants(t, run(t, tree(t, files).temperature(), nil, nil), probe.Warning, "hot", "82°C（设备上限 80°C）")
	files[hw+"temp1_input"] = "101000\n"
	wants(t, run(t, tree(t, files).temperature(), nil, nil), probe.Critical, "hot", "严重上限 100°C")
	files[hw+"temp1_fault"] = "1\n"
	files["sys/class/hwmon/hwmon1/temp1_input"] = "90000\n" // states no limit: the check's own threshold
	wants(t, run(t, tree(t, files).temperature(), nil, nil), probe.Warning, probe.ReasonThreshold, ">85°C")

	zone := "sys/class/thermal/thermal_zone0/"
	r = run(t, tree(t, map[string]string{
		zone + "type": "x86_pkg_temp\n", zone + "temp": "99000\n", zone + "trip_point_0_type": "critical\n", zone + "trip_point_0_temp": "95000\n",
	}).temperature(), nil, nil)
	wants(t, r, probe.Critical, "hot", "x86_pkg_temp 99°C")
}
