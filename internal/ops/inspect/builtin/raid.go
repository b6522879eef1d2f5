package builtin

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) raid() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.raid", Class: probe.Hardware,
		TitleZH: "软件磁盘阵列", TitleEN: "Software RAID",
		HelpZH: "读取 /proc/mdstat：阵列降级、停用或有故障盘即严重；重建与校验显示进度。硬件阵列卡不在此列，由厂商工具或带外管理检查。" +
			"变红时：先确认备份可用，用 mdadm --detail 找出故障盘，换盘后 mdadm --add，重建期间避免大量读写。",
		HelpEN: "Reads /proc/mdstat: a degraded or inactive array, or one with a failed disk, is critical; rebuilds and checks show their progress. Hardware controllers are not seen here. " +
			"When red: make sure the backup is good, find the failed disk with mdadm --detail, replace it and mdadm --add; avoid heavy load while it rebuilds.",
		Verified: verifiedSamples, VerifiedOn: "Linux md, 2026-11",
		Discover: always("主机可能有软件磁盘阵列"),
		Run: func(_ context.Context, t probe.Target) probe.Result {
			b, missing := look(filepath.Join(h.Proc, "mdstat"), "软件磁盘阵列")
			if missing != nil {
				return *missing
			}
			arrays := parseMdstat(b)
			if len(arrays) == 0 {
				return probe.NoSource("本机没有软件磁盘阵列（/proc/mdstat 为空）")
			}
			r := t.Report()
			degraded := 0
			for _, a := range arrays {
				if a.bad() != "" {
					degraded++
					r.Raise(probe.Critical, "degraded", fmt.Sprintf("阵列 %s %s", a.title(), a.bad()))
				}
				r.Detail(a.String())
			}
			r.Record("degraded", float64(degraded), "")
			return r.Result(fmt.Sprintf("共 %d 个阵列，%d 个异常", len(arrays), degraded))
		},
	}
}

// mdArray is one array of /proc/mdstat.
type mdArray struct {
	name, level   string
	active        bool
	failed        []string // members marked (F)
	disks, inUse  int      // 0 for levels without redundancy
	action        string   // "recovery", "resync", "check", "reshape"
	progress, eta string
}

var (
	mdHead     = regexp.MustCompile(`^(md\S*) : (active|inactive)(?: \([\w-]+\))*\s+(?:((?:raid|linear|multipath|faulty)\w*)\s)?(.*)$`)
	mdMember   = regexp.MustCompile(`(\S+?)\[\d+\](?:\((\w)\))*`)
	mdDisks    = regexp.MustCompile(`\[(\d+)/(\d+)\]`)
	mdProgress = regexp.MustCompile(`(recovery|resync|check|reshape)\s*=\s*([\d.]+%|DELAYED|PENDING)(?:.*finish=(\S+))?`)
)

func parseMdstat(b []byte) []mdArray {
	var list []mdArray
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		if m := mdHead.FindStringSubmatch(line); m != nil {
			a := mdArray{name: m[1], active: m[2] == "active", level: m[3]}
			for _, member := range mdMember.FindAllStringSubmatch(m[4], -1) {
				if strings.Contains(member[0], "(F)") {
					a.failed = append(a.failed, member[1])
				}
			}
			list = append(list, a)
			continue
		}
		if len(list) == 0 {
			continue
		}
		a := &list[len(list)-1]
		if m := mdDisks.FindStringSubmatch(line); m != nil && strings.Contains(line, "blocks") {
			a.disks, _ = strconv.Atoi(m[1])
			a.inUse, _ = strconv.Atoi(m[2])
		}
		if m := mdProgress.FindStringSubmatch(line); m != nil {
			a.action, a.progress, a.eta = m[1], m[2], m[3]
			if a.progress == "DELAYED" || a.progress == "PENDING" {
				a.progress = "等待中"
			}
		}
	}
	return list
}

// bad says in Chinese what is wrong with the array, "" when nothing is.
func (a mdArray) bad() string {
	var what []string
	if !a.active {
		what = append(what, "未激活")
	}
	if a.inUse < a.disks {
		what = append(what, fmt.Sprintf("降级：%d 块盘只有 %d 块在用", a.disks, a.inUse))
	}
	if len(a.failed) > 0 {
		what = append(what, "故障盘 "+strings.Join(a.failed, "、"))
	}
	if len(what) > 0 && a.action != "" {
		what = append(what, a.doing())
	}
	return strings.Join(what, "，")
}

func (a mdArray) doing() string {
	words := map[string]string{"recovery": "正在重建", "resync": "正在同步", "check": "正在校验", "reshape": "正在变更"}
	s := words[a.action] + " " + a.progress
	if a.eta != "" {
		s += "，预计还需 " + strings.Replace(a.eta, "min", " 分钟", 1)
	}
	return s
}

// title is the name with the level, which an inactive array does not show.
func (a mdArray) title() string {
	if a.level == "" {
		return a.name
	}
	return a.name + "（" + a.level + "）"
}

// String describes the array in one line.
func (a mdArray) String() string {
	s := a.title()
	if a.disks > 0 {
		s += fmt.Sprintf(" %d/%d 块盘", a.inUse, a.disks)
	}
	if bad := a.bad(); bad != "" {
		return s + "：" + bad
	}
	if a.action != "" {
		return s + "：正常，" + a.doing()
	}
	return s + "：正常"
}
