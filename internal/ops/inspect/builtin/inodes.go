package builtin

import (
	"context"
	"fmt"

	"taxops/internal/kernel/probe"
)

func (h host) inodes() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.inodes", Class: probe.Performance,
		TitleZH: "索引节点", TitleEN: "Inodes",
		HelpZH: "对每个真实文件系统读取已用索引节点（inode）百分比；按需分配索引节点的文件系统（如 btrfs）不计。" +
			"变红时：空间未满也会写入失败；用 find /目录 -xdev -printf '%h\\n' | sort | uniq -c | sort -n 找出小文件堆积的目录（常见为会话、邮件队列、临时文件）。",
		HelpEN: "Reads inodes in use of each real file system; file systems that make inodes on demand (such as btrfs) do not count. " +
			"When red: writes fail although space is left; find the directory where small files pile up (sessions, mail queues, temporary files).",
		Params: mountParams, Check: checkMountParams, Target: mountsTarget,
		Thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "80", Crit: "90", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有文件系统"),
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			r := t.Report()
			list, missing := h.mounts(ctx, t, r)
			if missing != nil {
				return *missing
			}
			counted, worst, where := 0, -1.0, ""
			for _, m := range list {
				if m.raise(r) || !m.inodesKnown || m.readOnly {
					continue
				}
				counted++
				used := m.inodes - min(m.inodesFree, m.inodes)
				percent := 100 * float64(used) / float64(m.inodes)
				r.Measure("used_percent "+m.point, m.point+" 索引节点已用", percent, "%")
				r.Record("used "+m.point, float64(used), "")
				r.Detail(fmt.Sprintf("%s 索引节点已用 %d / %d，%s", m.point, used, m.inodes, probe.Humanize(percent, "%")))
				if percent > worst {
					worst, where = percent, m.point
				}
			}
			if counted == 0 {
				if r.State() == probe.OK {
					return probe.NoSource("本机的文件系统都按需分配索引节点，没有上限可查")
				}
				return r.Result("")
			}
			return r.Result(fmt.Sprintf("共 %d 个文件系统，最高 %s 索引节点已用 %s", counted, where, probe.Humanize(worst, "%")))
		},
	}
}
