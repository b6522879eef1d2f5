package builtin

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) files() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.files", Class: probe.Performance,
		TitleZH: "文件句柄", TitleEN: "File handles",
		HelpZH: "读取 /proc/sys/fs/file-nr：系统已分配的文件句柄占上限 fs.file-max 的百分比。" +
			"变红时：用 lsof 找出句柄最多的进程（常见为连接未关闭），必要时先调大 fs.file-max 再查泄漏。",
		HelpEN: "Reads /proc/sys/fs/file-nr: file handles in use as a share of fs.file-max. " +
			"When red: find the process with most handles with lsof (often connections that are not closed); raise fs.file-max first if needed, then find the leak.",
		Thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "70", Crit: "90", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有文件句柄上限"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			b, missing := look(filepath.Join(h.Proc, "sys/fs/file-nr"), "文件句柄计数")
			if missing != nil {
				return *missing
			}
			used, limit, err := parseFileNr(b)
			if err != nil {
				return probe.Unknowable("read_failed", err.Error())
			}
			return ofLimit(t, "文件句柄", used, limit)
		},
	}
}

func (h host) conntrack() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.conntrack", Class: probe.Performance,
		TitleZH: "连接跟踪表", TitleEN: "Connection tracking table",
		HelpZH: "读取 /proc/sys/net/netfilter/nf_conntrack_count 与 nf_conntrack_max：防火墙连接跟踪表的占用。未加载该内核模块的主机没有此数据源。" +
			"变红时：表满后新连接会被丢弃且没有应用日志；用 conntrack -S 确认，再调大 nf_conntrack_max 或查异常来源。",
		HelpEN: "Reads nf_conntrack_count and nf_conntrack_max: how full the firewall's connection table is. Hosts without that kernel module have no source. " +
			"When red: a full table drops new connections silently; confirm with conntrack -S, then raise nf_conntrack_max or find the source.",
		Thresholds: []probe.Threshold{{Metric: "used_percent", Warn: "70", Crit: "90", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("内核可能启用了连接跟踪"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			var values [2]float64
			for i, name := range []string{"nf_conntrack_count", "nf_conntrack_max"} {
				b, missing := look(filepath.Join(h.Proc, "sys/net/netfilter", name), "连接跟踪表")
				if missing != nil {
					return *missing
				}
				v, err := strconv.ParseFloat(strings.TrimSpace(string(b)), 64)
				if err != nil {
					return probe.Unknowable("read_failed", fmt.Sprintf("%s 的内容无法识别", name))
				}
				values[i] = v
			}
			return ofLimit(t, "连接跟踪", values[0], values[1])
		},
	}
}

// parseFileNr reads "allocated unused max"; unused handles count as free.
func parseFileNr(b []byte) (used, limit float64, err error) {
	fields := strings.Fields(string(b))
	if len(fields) != 3 {
		return 0, 0, fmt.Errorf("file-nr has %d fields, want 3", len(fields))
	}
	var n [3]float64
	for i, f := range fields {
		if n[i], err = strconv.ParseFloat(f, 64); err != nil {
			return 0, 0, fmt.Errorf("file-nr: %w", err)
		}
	}
	return n[0] - n[1], n[2], nil
}

// ofLimit judges how much of a limit is in use.
func ofLimit(t probe.Target, what string, used, limit float64) probe.Result {
	if limit <= 0 {
		return probe.Unknowable("read_failed", what+"的上限为 0，无法计算占用")
	}
	percent := 100 * used / limit
	r := t.Report()
	r.Measure("used_percent", what+"已用", percent, "%")
	r.Record("used", used, "")
	r.Record("limit", limit, "")
	shown := fmt.Sprintf("%.0f", limit)
	if limit > 1<<53 {
		shown = "不限"
	}
	return r.Result(fmt.Sprintf("%s已用 %.0f / %s（%s）", what, used, shown, probe.Humanize(percent, "%")))
}
