package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"taxops/internal/kernel/probe"
)

// filesMost is how many files of a folder are looked at; a folder of more says so.
const filesMost = 200_000

// dataFile is one file of a folder.
type dataFile struct {
	name    string
	size    int64
	changed time.Time
}

var (
	paramDir     = probe.Param{Name: "dir", Type: "string", Required: true, TitleZH: "目录（绝对路径）", TitleEN: "Folder (absolute path)"}
	paramPattern = probe.Param{Name: "pattern", Type: "string", Default: "*", TitleZH: "文件名（可用 * 通配；{yyyy}{MM}{dd} 为日期）", TitleEN: "File name (with * wildcards; {yyyy}{MM}{dd} is the date)"}
)

// checkFolder is a rule over dir and pattern.
func checkFolder(p map[string]any) error {
	dir, _ := p["dir"].(string)
	if !filepath.IsAbs(dir) || filepath.Clean(dir) != strings.TrimRight(dir, "/") && dir != "/" {
		return fmt.Errorf("dir %q must be absolute and without dots between its slashes", dir)
	}
	pattern, _ := p["pattern"].(string)
	if strings.ContainsRune(pattern, '/') {
		return errors.New("pattern names files of the folder itself, without /")
	}
	return checkPatterns("pattern", []string{pattern})
}

func folderTarget(p map[string]any) string {
	dir, _ := p["dir"].(string)
	pattern, _ := p["pattern"].(string)
	return filepath.Join(dir, pattern)
}

// dated puts a day into a pattern: {yyyy}, {yy}, {MM}, {dd}.
func dated(pattern string, day time.Time) string {
	day = day.In(shanghai)
	return strings.NewReplacer("{yyyy}", day.Format("2006"), "{yy}", day.Format("06"), "{MM}", day.Format("01"), "{dd}", day.Format("02"),
		"{yyyyMMdd}", day.Format("20060102")).Replace(pattern)
}

// folder lists the files of dir whose names match, newest first. Folders inside count too where a
// backup is a folder of files: their time is that of their last change.
func (h host) folder(dir, pattern string) ([]dataFile, *probe.Result) {
	path := h.at(dir)
	f, err := os.Open(path)
	if err != nil {
		r := folderProblem(dir, err)
		return nil, &r
	}
	defer f.Close()
	var list []dataFile
	for seen := 0; ; {
		entries, err := f.ReadDir(1000)
		for _, e := range entries {
			if !matchAny([]string{pattern}, e.Name()) {
				continue
			}
			info, err := e.Info()
			if err != nil {
				continue // gone since it was listed
			}
			list = append(list, dataFile{e.Name(), info.Size(), info.ModTime()})
		}
		if seen += len(entries); seen > filesMost {
			r := probe.Unknowable("too_many", fmt.Sprintf("目录 %s 的文件超过 %d 个，未能全部查看", dir, filesMost))
			return nil, &r
		}
		if err != nil || len(entries) == 0 {
			break
		}
	}
	slices.SortFunc(list, func(a, b dataFile) int { return cmp.Or(b.changed.Compare(a.changed), cmp.Compare(b.name, a.name)) })
	return list, nil
}

// folderProblem: a folder that a person named and that is not there is a fault, not an absent source.
func folderProblem(dir string, err error) probe.Result {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dialProblem{probe.Critical, "missing", "目录 " + dir + " 不存在（未挂载或已改名）"}.result()
	case errors.Is(err, fs.ErrPermission):
		return probe.Denied("无权查看目录 " + dir + "，请授予运行账户该目录的读取与进入权限")
	}
	return probe.Unknowable("read_failed", fmt.Sprintf("查看目录 %s 失败：%v", dir, err))
}

// backupDirs are where backups usually lie; discovery proposes those that hold files.
var backupDirs = []string{"/backup", "/backups", "/data/backup", "/data/backups", "/u01/backup", "/home/backup", "/var/backup"}

func (h host) backupAge() probe.Builtin {
	return probe.Builtin{
		Kind: "data.backup_age", Class: probe.Data, TitleZH: "备份新旧", TitleEN: "Backup age",
		HelpZH: "查看备份目录中最新的匹配文件（或文件夹）：距今多久、大小是否骤减（不足上一份的一半）。只读取目录，不打开文件。变红时：看备份任务日志与目标磁盘空间，当天补做一次并做恢复验证。",
		HelpEN: "Looks at the newest matching file or folder of a backup folder: its age, and whether it shrank to less than half of the one before. Reads the folder only. When red: read the backup's log, check the space of its disk, make one today and test restoring it.",
		Params: []probe.Param{paramDir, paramPattern}, Check: checkFolder, Target: folderTarget,
		Thresholds: []probe.Threshold{{Metric: "backup_age", Warn: "93600", Crit: "180000", Unit: "s"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux, Discover: h.discoverBackups,
		Run: func(_ context.Context, t probe.Target) probe.Result {
			list, failed := h.folder(t.String("dir"), dated(t.String("pattern"), t.Now()))
			if failed != nil {
				return *failed
			}
			if len(list) == 0 {
				return dialProblem{probe.Critical, "missing", "目录 " + t.String("dir") + " 中没有任何匹配 " + t.String("pattern") + " 的备份"}.result()
			}
			r := t.Report()
			newest := list[0]
			age := max(0, t.Now().Sub(newest.changed).Seconds())
			r.Measure("backup_age", "最新备份距今", age, "s")
			r.Record("backup_size", float64(newest.size), "B")
			r.Record("backups", float64(len(list)), "")
			if len(list) > 1 && newest.size*2 < list[1].size {
				r.Raise(probe.Warning, "shrunk", fmt.Sprintf("最新备份 %s，不足上一份 %s 的一半", probe.Humanize(float64(newest.size), "B"), probe.Humanize(float64(list[1].size), "B")))
			}
			return r.Result(fmt.Sprintf("最新备份 %s（%s），%s前，共 %d 份", newest.name, probe.Humanize(float64(newest.size), "B"), probe.Humanize(age, "s"), len(list)))
		},
	}
}

func (h host) discoverBackups(context.Context) []probe.Found {
	var out []probe.Found
	for _, dir := range backupDirs {
		if list, failed := h.folder(dir, "*"); failed == nil && len(list) > 0 {
			out = append(out, probe.Found{Params: map[string]any{"dir": dir}, Why: fmt.Sprintf("%s 像是备份目录，其中有 %d 项", dir, len(list))})
		}
	}
	return out
}

func (h host) restoreDrill() probe.Builtin {
	return probe.Builtin{
		Kind: "data.restore_drill", Class: probe.Data, TitleZH: "恢复演练", TitleEN: "Restore drill",
		HelpZH: "查看恢复演练记录目录中最新的匹配文件（报告或日志）距今多久。变红时：按演练方案恢复一份近期备份到隔离环境，核对行数与抽样，并把记录存入该目录。",
		HelpEN: "Looks at how old the newest record of a restore drill is in a folder. When red: restore a recent backup into an isolated place, compare counts and samples, and put the record into that folder.",
		Params: []probe.Param{paramDir, paramPattern}, Check: checkFolder, Target: folderTarget,
		Thresholds: []probe.Threshold{{Metric: "drill_age", Warn: "3024000", Crit: "5616000", Unit: "s"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Run: func(_ context.Context, t probe.Target) probe.Result {
			list, failed := h.folder(t.String("dir"), dated(t.String("pattern"), t.Now()))
			if failed != nil {
				return *failed
			}
			if len(list) == 0 {
				return dialProblem{probe.Critical, "missing", "目录 " + t.String("dir") + " 中没有恢复演练记录"}.result()
			}
			r := t.Report()
			age := max(0, t.Now().Sub(list[0].changed).Seconds())
			r.Measure("drill_age", "最近一次恢复演练距今", age, "s")
			return r.Result(fmt.Sprintf("最近一次恢复演练 %s前（%s），共 %d 份记录", probe.Humanize(age, "s"), list[0].name, len(list)))
		},
	}
}

func (h host) fileArrival() probe.Builtin {
	return probe.Builtin{
		Kind: "data.file_arrival", Class: probe.Data, TitleZH: "文件按时到达", TitleEN: "File arrival",
		HelpZH: "到规定时刻（北京时间）检查交换目录中当日应到的文件是否已到、大小是否足够、是否已停止写入（最近一分钟无改动）。变红时：先问发送方是否已发出，再查传输程序、网闸与目录权限；补到后通知后续环节。",
		HelpEN: "At its time of day (Beijing) looks whether the day's file has arrived in an exchange folder, is large enough and no longer being written (unchanged for a minute). When red: ask the sender whether it left, then check the transfer, the line and the folder's rights; tell those behind you once it is there.",
		Params: []probe.Param{
			paramDir, paramPattern,
			{Name: "deadline", Type: "string", Default: "08:00", TitleZH: "到达时限（时:分，北京时间）", TitleEN: "Deadline (HH:MM, Beijing)"},
			{Name: "days", Type: "string", Default: "daily", TitleZH: "哪些天（daily 每天，weekdays 周一至周五）", TitleEN: "Days (daily, weekdays)"},
			{Name: "lag_days", Type: "int", Default: 0, TitleZH: "文件名中的日期比当日早几天", TitleEN: "How many days the date in the name lies back"},
			{Name: "min_bytes", Type: "int", Default: 1, TitleZH: "最小字节数", TitleEN: "Smallest size in bytes"},
			{Name: "count", Type: "int", Default: 1, TitleZH: "应到文件数", TitleEN: "How many files"},
		},
		Check: func(p map[string]any) error {
			if err := checkFolder(p); err != nil {
				return err
			}
			for name, most := range map[string]int{"lag_days": 366, "count": 100_000} {
				if n, _ := p[name].(int); n < 0 || n > most {
					return fmt.Errorf("%s must be between 0 and %d", name, most)
				}
			}
			return checkDeadline(map[string]any{"deadline": p["deadline"], "window_start": "00:00", "days": p["days"]})
		},
		Target:     folderTarget,
		Thresholds: []probe.Threshold{{Metric: "overdue", Warn: "0", Crit: "3600", Unit: "s"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Run: h.runFileArrival,
	}
}

// stillWritten is how long a file must have been left alone to count as complete.
const stillWritten = time.Minute

func (h host) runFileArrival(_ context.Context, t probe.Target) probe.Result {
	_, due := overdue(t.Now(), time.Time{}, t.String("deadline"), "00:00", t.String("days") == "weekdays")
	pattern := dated(t.String("pattern"), due.AddDate(0, 0, -t.Int("lag_days")))
	list, failed := h.folder(t.String("dir"), pattern)
	if failed != nil {
		return *failed
	}
	midnight := time.Date(due.Year(), due.Month(), due.Day(), 0, 0, 0, 0, shanghai)
	undated := pattern == t.String("pattern")
	good, small, writing, late := 0, 0, 0, time.Duration(0)
	r := t.Report()
	for _, f := range list {
		switch {
		case undated && f.changed.Before(midnight): // a name without a date: only what came since that day began
			continue
		case f.size < int64(t.Int("min_bytes")):
			small++
			r.Detail(fmt.Sprintf("%s 只有 %d 字节", f.name, f.size))
		case t.Now().Sub(f.changed) < stillWritten:
			writing++
		default:
			good++
			late = max(late, f.changed.Sub(due))
		}
	}
	missing := t.Int("count") - good
	r.Record("files", float64(good), "")
	figures := fmt.Sprintf("%s：应到 %d 个，已到 %d 个（时限 %s）", pattern, t.Int("count"), good, due.Format("01-02 15:04"))
	if small > 0 {
		figures += fmt.Sprintf("，%d 个过小", small)
	}
	if writing > 0 {
		figures += fmt.Sprintf("，%d 个仍在写入", writing)
	}
	if missing > 0 {
		r.Measure("overdue", "文件未到，已逾期", t.Now().Sub(due).Seconds(), "s")
	} else {
		r.Measure("overdue", "已逾期", 0, "s")
		if late > 0 {
			figures += "，迟到 " + probe.Humanize(late.Seconds(), "s")
		}
	}
	return r.Result(figures)
}

func (h host) spoolAge() probe.Builtin {
	return probe.Builtin{
		Kind: "data.spool_age", Class: probe.Data, TitleZH: "待发目录积压", TitleEN: "Outgoing folder",
		HelpZH: "查看待发送（或待入库）目录中最早的匹配文件已停留多久、共有多少。变红时：看取走文件的程序是否在运行、下一站是否可达；个别文件久留时看其内容是否不合格式。",
		HelpEN: "Looks how long the oldest matching file of an outgoing or incoming folder has lain there, and how many there are. When red: see whether the program that takes them runs and its next stop answers; if single files stay look at their format.",
		Params: []probe.Param{paramDir, paramPattern}, Check: checkFolder, Target: folderTarget,
		Thresholds: []probe.Threshold{{Metric: "oldest_file", Warn: "600", Crit: "1800", Unit: "s"}},
		Verified:   verifiedTested, VerifiedOn: verifiedLinux,
		Run: func(_ context.Context, t probe.Target) probe.Result {
			list, failed := h.folder(t.String("dir"), dated(t.String("pattern"), t.Now()))
			if failed != nil {
				return *failed
			}
			r := t.Report()
			age, figures := 0.0, "没有待发文件"
			if n := len(list); n > 0 {
				age = max(0, t.Now().Sub(list[n-1].changed).Seconds())
				figures = "待发文件 " + strconv.Itoa(n) + " 个，最早 " + list[n-1].name + "（" + probe.Humanize(age, "s") + "前）"
			}
			r.Measure("oldest_file", "最早的待发文件已停留", age, "s")
			r.Record("files", float64(len(list)), "")
			return r.Result(figures)
		},
	}
}
