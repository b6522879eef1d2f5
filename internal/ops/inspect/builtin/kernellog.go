package builtin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"taxops/internal/kernel/probe"
)

// kernelQuestion is one question to the kernel log: which records answer it.
type kernelQuestion struct {
	labels []string // of kernelPatterns
	others bool     // what a person asked for besides
}

const (
	kernelHelpZH = "读取内核环形缓冲区 /dev/kmsg 中自上次检查以来的新记录（首次为最近 24 小时，管理员用 dmesg -C 清除过的不再看）。每条记录只报一次；缓冲区被覆盖而漏看的记录会如实报告。"
	kernelHelpEN = "Reads the new records of the kernel ring buffer /dev/kmsg since the last run (the first time: of the last 24 hours, without what was cleared with dmesg -C). Each record is reported once; records overwritten before they were seen are reported as such. "
)

func (h host) kernelKind(kind, titleZH, titleEN, helpZH, helpEN string, q kernelQuestion) probe.Builtin {
	b := probe.Builtin{
		Kind: kind, Class: probe.OSLog, TitleZH: titleZH, TitleEN: titleEN,
		HelpZH: kernelHelpZH + helpZH, HelpEN: kernelHelpEN + helpEN,
		Params: []probe.Param{
			{Name: "ignore", Type: "strings", TitleZH: "忽略的记录（正则表达式）", TitleEN: "Records to ignore (regular expressions)"},
		},
		Thresholds: []probe.Threshold{{Metric: "errors", Crit: "0"}},
		Check: func(p map[string]any) error {
			for _, name := range []string{"ignore", "also"} {
				if _, err := compileAll(name, p[name]); err != nil {
					return err
				}
			}
			return nil
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("每台主机都有内核日志"),
		Run:      func(ctx context.Context, t probe.Target) probe.Result { return h.runKernelLog(ctx, t, q) },
	}
	if q.others {
		b.Params = append(b.Params, probe.Param{Name: "also", Type: "strings", TitleZH: "另外需要报告的记录（正则表达式）", TitleEN: "Further records to report (regular expressions)"})
	}
	return b
}

func (h host) kernelLog() probe.Builtin {
	return h.kernelKind("os_log.kernel", "内核日志", "Kernel log",
		"查找任务停滞、内核崩溃与硬件错误（机器检查、不可纠正的内存错误、过热），以及另外指定的记录；内存耗尽、读写错误、文件系统错误各有自己的检查项。变红时：硬件错误——联系硬件或云平台方；任务停滞——看当时的磁盘与网络存储；崩溃——保留现场与 vmcore。",
		"Looks for stalled tasks, kernel crashes and hardware errors (machine checks, uncorrected memory errors, overheating), and for records named besides; out-of-memory, I/O and file-system errors have checks of their own. When red: for hardware errors call the hardware or cloud side; for stalled tasks look at disks and network storage at that time; after a crash keep the vmcore.",
		kernelQuestion{labels: []string{"hardware", "stalled"}, others: true})
}

func (h host) oomLog() probe.Builtin {
	return h.kernelKind("os_log.oom", "内存耗尽（OOM）", "Out of memory",
		"查找内核因内存耗尽而杀死进程的记录。变红时：从记录看被杀的是谁、当时谁占用最多；核对数据库与 JVM 的内存上限之和，容器另看其内存限额；被杀的服务确认已恢复。",
		"Looks for processes that the kernel killed for want of memory. When red: see who was killed and who used most; add up the limits of databases and JVMs, and those of containers; make sure that the killed service is back.",
		kernelQuestion{labels: []string{"oom"}})
}

func (h host) ioErrorLog() probe.Builtin {
	return h.kernelKind("os_log.io_errors", "磁盘读写错误", "Disk I/O errors",
		"查找磁盘与存储链路的读写错误（介质错误、链路复位、NVMe 超时、设备离线）。变红时：立即确认备份可用；用 SMART 与阵列检查项确认是哪块盘，多路径或网络存储请联系存储方；不要在线修复。",
		"Looks for read and write errors of disks and storage paths (media errors, link resets, NVMe time-outs, devices gone offline). When red: make sure the backup is good at once; find the disk with the checks for SMART and RAID, for multipath or network storage call the storage side; do not repair online.",
		kernelQuestion{labels: []string{"io_error"}})
}

func (h host) filesystemLog() probe.Builtin {
	return h.kernelKind("os_log.fs_errors", "文件系统错误", "File-system errors",
		"查找 ext、XFS、Btrfs、NFS 等文件系统报告的错误与被迫只读。变红时：先备份，再安排停机用 fsck 或 xfs_repair 检查；网络文件系统查服务端与网络。",
		"Looks for errors of ext, XFS, Btrfs, NFS and other file systems, and those forced read-only. When red: back up first, then plan a stop for fsck or xfs_repair; for network file systems look at server and network.",
		kernelQuestion{labels: []string{"filesystem"}})
}

func (h host) runKernelLog(ctx context.Context, t probe.Target, q kernelQuestion) probe.Result {
	ignore, err := compileAll("ignore", t.Params["ignore"])
	if err != nil {
		return probe.Unknowable("bad_params", err.Error())
	}
	also, err := compileAll("also", t.Params["also"])
	if err != nil {
		return probe.Unknowable("bad_params", err.Error())
	}
	path := filepath.Join(h.Dev, "kmsg")
	from := bookmark{boot: trimmed(h.Proc, "sys/kernel/random/boot_id")}
	if last, ok := loadBookmark(t.Memory); ok && last.boot == from.boot {
		from.seq, from.known = last.seq, true
	}
	scan := kernelScan{from: from, ignore: ignore, also: also, asked: q.labels}
	since := "自上次检查以来"
	if !from.known {
		since = "自开机以来"
		uptime, _, _ := strings.Cut(trimmed(h.Proc, "uptime"), " ")
		if up, err := strconv.ParseFloat(uptime, 64); err == nil && up > firstLook.Seconds() {
			scan.earliest = int64((up - firstLook.Seconds()) * 1e6)
			since = "最近 24 小时"
		}
	}
	if err := h.kmsg(ctx, path, !from.known, scan.record); err != nil {
		if errors.Is(err, os.ErrPermission) {
			return probe.Denied("无权读取内核日志：请以 root 运行，或授予 CAP_SYSLOG，或设 sysctl kernel.dmesg_restrict=0")
		}
		return cannotRead(path, "内核日志", err)
	}
	scan.next().save(t.Memory)

	r := t.Report()
	r.Measure("errors", "内核错误记录", float64(scan.total()), "")
	var kinds []string
	for i, k := range kernelPatterns {
		if len(q.labels) > 1 && slices.Contains(q.labels, k.label) {
			r.Record(k.label, float64(scan.counts[i]), "")
		}
		if scan.counts[i] > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", k.title, scan.counts[i]))
		}
	}
	if scan.lost > 0 {
		r.Raise(probe.Unknown, "overwritten", fmt.Sprintf("有 %d 条记录在检查前已被覆盖，请缩短间隔或以 log_buf_len 增大内核缓冲区", scan.lost))
	}
	if scan.others > 0 {
		r.Record("others", float64(scan.others), "")
		kinds = append(kinds, fmt.Sprintf("其他 %d", scan.others))
	}
	for _, line := range scan.lines {
		r.Detail(line)
	}
	figures := fmt.Sprintf("%s新增 %d 条内核记录", since, scan.seen)
	if len(kinds) > 0 {
		figures += "，其中" + strings.Join(kinds, "、") + "，例如：" + scan.lines[0]
	} else {
		figures += "，未见错误"
	}
	return r.Result(figures)
}

// firstLook is how far back a check without a bookmark looks: an error of months ago is no news.
const firstLook = 24 * time.Hour

// kernelPatterns are the records that matter, most telling first; a record counts once.
var kernelPatterns = []struct {
	label, title string
	match        *regexp.Regexp
}{
	{"oom", "内存耗尽", regexp.MustCompile(`(?i)out of memory|invoked oom-killer`)},
	{"filesystem", "文件系统错误", regexp.MustCompile(`(?i)(EXT[234]-fs|FAT-fs|F2FS-fs|SQUASHFS|BTRFS)\b.*\b(error|critical)\b|forced readonly|Remounting filesystem read-only|Aborting journal|JBD2: .*error|XFS\b.*(corruption|internal error|shutting down|metadata I/O error)|nfs: server .* not responding`)},
	{"io_error", "读写错误", regexp.MustCompile(`(?i)I/O error|critical (medium|target|space allocation|nexus) error|Unrecovered read error|lost (async )?page write|(ata|nvme)\d+.*(failed command|exception Emask|hard resetting link|timeout, (aborting|reset)|controller is down)|scsi .*(offlined device|rejecting I/O)`)},
	{"hardware", "硬件错误", regexp.MustCompile(`(?i)\[Hardware Error\]|mce: .*machine check|EDAC .*\b(UE|uncorrected)\b|temperature above threshold`)},
	{"stalled", "任务停滞或内核崩溃", regexp.MustCompile(`blocked for more than \d+ seconds|soft lockup|hard LOCKUP|rcu.*detected stalls|Kernel panic|kernel BUG at|BUG: unable to handle|Oops: `)},
}

// kernelScan judges records one by one.
type kernelScan struct {
	from     bookmark
	earliest int64 // microseconds after boot before which a first look does not care
	ignore   []*regexp.Regexp
	also     []*regexp.Regexp
	asked    []string // labels of kernelPatterns

	first, last uint64
	any         bool
	seen        int
	lost        uint64
	counts      [5]int
	others      int
	lines       []string
}

// maxLogLines is how many records a result quotes.
const maxLogLines = 50

// record takes one record as /dev/kmsg gives it: "prio,seq,usec,flags;text" and lines of properties.
func (s *kernelScan) record(raw []byte) {
	head, text, ok := strings.Cut(string(raw), ";")
	fields := strings.SplitN(head, ",", 4)
	if !ok || len(fields) < 3 {
		return
	}
	seq, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return
	}
	if !s.any {
		s.first, s.any = seq, true
		if s.from.known && seq > s.from.seq {
			s.lost = seq - s.from.seq
		}
	} else if seq > s.last+1 {
		s.lost += seq - s.last - 1
	}
	s.last = seq
	if s.from.known && seq < s.from.seq {
		return
	}
	micros, _ := strconv.ParseInt(fields[2], 10, 64)
	if micros < s.earliest {
		return
	}
	s.seen++
	text, _, _ = strings.Cut(text, "\n")
	for _, re := range s.ignore {
		if re.MatchString(text) {
			return
		}
	}
	for i, k := range kernelPatterns {
		if !k.match.MatchString(text) {
			continue
		}
		if slices.Contains(s.asked, k.label) {
			s.counts[i]++
			s.quote(micros, text)
			return
		}
		break // another check's answer, unless a person asked for it here
	}
	for _, re := range s.also {
		if re.MatchString(text) {
			s.others++
			s.quote(micros, text)
			return
		}
	}
}

// quote keeps a record for the details.
func (s *kernelScan) quote(micros int64, text string) {
	if len(s.lines) < maxLogLines {
		s.lines = append(s.lines, fmt.Sprintf("[开机后 %s] %s", (time.Duration(micros)*time.Microsecond).Round(time.Second), text))
	}
}

func (s *kernelScan) total() int {
	n := s.others
	for _, c := range s.counts {
		n += c
	}
	return n
}

// next is where the next run goes on.
func (s *kernelScan) next() bookmark {
	b := bookmark{boot: s.from.boot, seq: s.from.seq, known: true}
	if s.any {
		b.seq = max(b.seq, s.last+1)
	}
	return b
}

// bookmark is the first record not yet seen; sequence numbers start anew with each boot.
type bookmark struct {
	boot  string
	seq   uint64
	known bool
}

func loadBookmark(m probe.Memory) (bookmark, bool) {
	text, ok := m.Get("bookmark")
	boot, seq, cut := strings.Cut(text, " ")
	n, err := strconv.ParseUint(seq, 10, 64)
	return bookmark{boot: boot, seq: n, known: true}, ok && cut && err == nil
}

func (b bookmark) save(m probe.Memory) { m.Set("bookmark", fmt.Sprintf("%s %d", b.boot, b.seq)) }

// readKmsg gives every record now in the buffer to yield, with fromClear only those after the last
// "dmesg -C". It works on the bare descriptor, because
// the runtime's poller would wait for the next record where the kernel says "no more".
func readKmsg(ctx context.Context, path string, fromClear bool, yield func([]byte)) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open kernel log: %w", err)
	}
	defer unix.Close(fd)
	if fromClear {
		const seekData = 3 // of a kernel log: after the last clear
		if _, err := unix.Seek(fd, 0, seekData); err != nil {
			return fmt.Errorf("seek in kernel log: %w", err)
		}
	}
	buf := make([]byte, 16<<10)
	for ctx.Err() == nil {
		n, err := unix.Read(fd, buf)
		switch {
		case err == nil && n > 0:
			yield(buf[:n])
		case err == nil, errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.EINTR):
			// Overwritten while reading: the numbers of the records show how many.
		default:
			return fmt.Errorf("read kernel log: %w", err)
		}
	}
	return fmt.Errorf("read kernel log: %w", ctx.Err())
}

// compileAll compiles a list of regular expressions from params.
func compileAll(name string, v any) ([]*regexp.Regexp, error) {
	list, _ := v.([]string)
	var out []*regexp.Regexp
	for _, s := range list {
		re, err := regexp.Compile(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, re)
	}
	return out, nil
}
