package builtin

import (
	"context"
	"fmt"
	"path/filepath"

	"taxops/internal/kernel/probe"
)

func (h host) io() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.io", Class: probe.Performance,
		TitleZH: "磁盘读写压力", TitleEN: "I/O pressure",
		HelpZH: "读取 /proc/pressure/io 中最近 5 分钟任务等待读写的时间占比（PSI some avg300）。内核没有 PSI（早于 4.20 或未启用）时没有数据源。" +
			"变红时：用 iostat -x 1 看哪块盘饱和，核对备份、数据库检查点和批量导入的时间；虚拟机请同时询问存储或云平台方。",
		HelpEN: "Reads the share of the last 5 minutes in which tasks waited for I/O (PSI some avg300) from /proc/pressure/io. Kernels without PSI (before 4.20, or not enabled) have no source. " +
			"When red: see which disk is saturated with iostat -x 1, compare with backups, checkpoints and bulk loads; for a virtual machine ask the storage or cloud side too.",
		Thresholds: []probe.Threshold{{Metric: "pressure", Warn: "10", Crit: "30", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有磁盘读写"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			path := filepath.Join(h.Proc, "pressure", "io")
			b, missing := look(path, "读写压力信息 PSI")
			if missing != nil {
				if missing.Reason == "read_failed" { // psi=0 on the kernel's command line: the file exists but cannot be read
					return probe.NoSource("内核未启用 PSI（启动参数加 psi=1 可启用），没有读写压力数据")
				}
				return *missing
			}
			some, full, err := parsePressure(b)
			if err != nil {
				return probe.Unknowable("read_failed", "读写压力信息无法识别："+err.Error())
			}
			r := t.Report()
			r.Measure("pressure", "读写压力（5 分钟）", some.avg300, "%")
			r.Record("pressure_10s", some.avg10, "%")
			r.Record("pressure_full", full.avg300, "%")
			return r.Result(fmt.Sprintf("读写压力 %s（5 分钟），其中全部任务停滞 %s",
				probe.Humanize(some.avg300, "%"), probe.Humanize(full.avg300, "%")))
		},
	}
}
