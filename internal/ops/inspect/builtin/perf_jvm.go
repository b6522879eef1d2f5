package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
	"taxops/internal/ops/inspect/builtin/gclog"
	"taxops/internal/ops/inspect/builtin/hsperf"
	"taxops/internal/ops/inspect/builtin/logtail"
)

// jvm is a Java virtual machine that shows its counters.
type jvm struct {
	pid  int
	data hsperf.Data
}

// jvms reads the performance files of the virtual machines that live. A process in another mount namespace
// has its own /tmp, reached through /proc.
func (h host) jvms() (list []jvm, refused string) {
	names, _ := filepath.Glob(h.at("tmp/hsperfdata_*/[0-9]*")) // the pattern is valid
	inside, _ := filepath.Glob(filepath.Join(h.Proc, "[0-9]*", "root", "tmp", "hsperfdata_*", "[0-9]*"))
	seen := map[string]bool{}
	for _, name := range append(names, inside...) {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			continue
		}
		if outer, ok := strings.CutPrefix(name, h.Proc+"/"); ok {
			// In a container the number in the name is the one inside; the directory tells the one outside.
			first, _, _ := strings.Cut(outer, "/")
			outside, err := strconv.Atoi(first)
			if err != nil || !h.isInside(outside, pid) {
				continue
			}
			pid = outside
		}
		if _, err := os.Stat(filepath.Join(h.Proc, strconv.Itoa(pid))); err != nil {
			continue // a file that a killed one left
		}
		b, err := readFile(name)
		if err != nil {
			if errors.Is(err, fs.ErrPermission) {
				refused = name
			}
			continue
		}
		d, err := hsperf.Parse(b)
		if err != nil || seen[strconv.Itoa(pid)] {
			continue
		}
		seen[strconv.Itoa(pid)] = true
		list = append(list, jvm{pid, d})
	}
	slices.SortFunc(list, func(a, b jvm) int { return cmp.Compare(a.pid, b.pid) })
	return list, refused
}

// isInside reports whether a process calls itself by another number in its own namespace.
func (h host) isInside(outside, inside int) bool {
	b, err := readFile(filepath.Join(h.Proc, strconv.Itoa(outside), "status"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(rest)
			return len(f) > 1 && f[len(f)-1] == strconv.Itoa(inside)
		}
	}
	return false
}

var jvmParams = []probe.Param{
	{Name: "program", Type: "string", TitleZH: "主类或 jar（正则表达式，留空为全部）", TitleEN: "Main class or archive (regular expression, all when empty)"},
}

func checkJVM(p map[string]any) error {
	text, _ := p["program"].(string)
	if _, err := regexp.Compile(text); err != nil {
		return fmt.Errorf("program: %w", err)
	}
	return nil
}

func jvmTarget(p map[string]any) string { s, _ := p["program"].(string); return strings.Trim(s, "^$") }

// discoverJVMs proposes each program that runs, once.
func (h host) discoverJVMs(context.Context) []probe.Found {
	list, _ := h.jvms()
	var out []probe.Found
	for _, j := range list {
		p := j.data.Program()
		if p == "" || short(p) || !h.settled(j.pid) || slices.ContainsFunc(out, func(f probe.Found) bool { return f.Params["program"] == "^"+regexp.QuoteMeta(p)+"$" }) {
			continue
		}
		out = append(out, probe.Found{
			Params: map[string]any{"program": "^" + regexp.QuoteMeta(p) + "$"},
			Why:    fmt.Sprintf("Java 进程 %d 运行 %s（%s）", j.pid, p, j.data.Version()),
		})
	}
	return out[:min(len(out), 10)]
}

// settled reports whether a process runs for so long that it is a service and no tool that somebody uses:
// what was proposed once is missed once it is gone.
func (h host) settled(pid int) bool {
	up, ok := h.uptime()
	_, start, err := parseStat(trimmed(h.Proc, strconv.Itoa(pid), "stat"))
	return ok && err == nil && up-float64(start)/ticksPerSecond >= 600
}

// short names tools that end by themselves.
func short(program string) bool {
	return strings.HasPrefix(program, "sun.tools.") || strings.HasPrefix(program, "jdk.jcmd") || strings.HasPrefix(program, "com.sun.tools.") ||
		strings.HasPrefix(program, "jdk.compiler") || strings.Contains(program, "surefire")
}

// chosen returns the virtual machines that a check is about.
func (h host) chosen(t probe.Target) ([]jvm, *probe.Result) {
	re, err := regexp.Compile(t.String("program"))
	if err != nil {
		r := probe.Unknowable("bad_params", err.Error())
		return nil, &r
	}
	all, refused := h.jvms()
	var list []jvm
	for _, j := range all {
		if re.MatchString(j.data.Program()) {
			list = append(list, j)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	var r probe.Result
	switch {
	case refused != "":
		r = probe.Denied(fmt.Sprintf("无权读取 %s：请以 root 或运行 Java 的账户运行", refused))
	case t.String("program") == "":
		r = probe.NoSource("没有 Java 进程（/tmp/hsperfdata_* 为空，或以 -XX:-UsePerfData 关闭）")
	default:
		r = probe.Result{State: probe.Critical, Reason: "not_running", Summary: fmt.Sprintf("Java 程序 %s 没有在运行", jvmTarget(t.Params))}
	}
	return nil, &r
}

// labels name the virtual machines in a chart that goes on after they were started again.
func labels(list []jvm, metric string) []string {
	out := make([]string, len(list))
	seen := map[string]int{}
	for i, j := range list {
		out[i] = metric
		if len(list) > 1 {
			p := j.data.Program()
			if seen[p]++; seen[p] > 1 {
				p = fmt.Sprintf("%s #%d", p, seen[p])
			}
			out[i] += " " + p
		}
	}
	return out
}

func (j jvm) name() string { return fmt.Sprintf("%s（进程 %d）", j.data.Program(), j.pid) }

func (h host) jvmHeap() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.jvm_heap", Class: probe.Performance,
		TitleZH: "JVM 老年代占用", TitleEN: "JVM old generation",
		HelpZH: "读取 HotSpot 性能文件 /tmp/hsperfdata_*（jstat 读的同一文件，不附加到进程）：最近一次回收之后老年代占其上限的百分比。ZGC 与 Shenandoah 没有老年代，请用 GC 日志检查项。" +
			"变红时：看历史是否只涨不落；是则用 jmap -histo 找占用最多的类交应用负责人，先安排重启保业务；否则核对 -Xmx 与负载。",
		HelpEN: "Reads the HotSpot performance file /tmp/hsperfdata_* (the one jstat reads, without attaching): the old generation after the last collection as a share of its limit. ZGC and Shenandoah have no old generation, use the check of GC logs. " +
			"When red: see in the history whether it only grows; if so find the classes with jmap -histo for the application's owner and plan a restart first; if not check -Xmx against the load.",
		Params: jvmParams, Check: checkJVM, Target: jvmTarget,
		Thresholds: []probe.Threshold{{Metric: "old_percent", Warn: "80", Crit: "90", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: "OpenJDK 17 (Serial, Parallel, G1), 2026-11",
		Discover: h.discoverJVMs,
		Run: func(_ context.Context, t probe.Target) probe.Result {
			list, missing := h.chosen(t)
			if missing != nil {
				return *missing
			}
			r := t.Report()
			read := 0
			label, heapLabel := labels(list, "old_percent"), labels(list, "heap")
			for i, j := range list {
				used, limit, ok := j.data.Old()
				if !ok {
					r.Detail(j.name() + "：该回收器没有老年代")
					continue
				}
				read++
				r.Measure(label[i], j.name()+" 老年代", 100*float64(used)/float64(limit), "%")
				heap, most := j.data.Heap()
				r.Record(heapLabel[i], float64(heap), "B")
				r.Detail(fmt.Sprintf("%s：老年代 %s / %s，堆 %s / %s，%s", j.name(), probe.Humanize(float64(used), "B"), probe.Humanize(float64(limit), "B"),
					probe.Humanize(float64(heap), "B"), probe.Humanize(float64(most), "B"), j.data.Version()))
			}
			if read == 0 {
				return probe.NoSource("Java 进程的回收器没有老年代（ZGC、Shenandoah），请用 GC 日志检查项")
			}
			used, limit, _ := list[0].data.Old()
			return r.Result(fmt.Sprintf("%d 个 Java 进程，%s 老年代 %s / %s", len(list), list[0].name(), probe.Humanize(float64(used), "B"), probe.Humanize(float64(limit), "B")))
		},
	}
}

func (h host) jvmGC() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.jvm_gc", Class: probe.Performance,
		TitleZH: "JVM 回收停顿", TitleEN: "JVM collection time",
		HelpZH: "读取 HotSpot 性能文件中的回收计数，按两次检查计算程序因垃圾回收停顿的时间占比；超过 10% 时业务已明显变慢，持续升高往往先于内存溢出。" +
			"变红时：与老年代占用对照；老年代满则是内存不足或泄漏，老年代空则查是否有 System.gc() 调用或新生代过小。",
		HelpEN: "Reads the counters of collections from the HotSpot performance file and reckons which share of the time between two runs the program stood still for them; above 10 % the business is clearly slower, and steady growth often comes before running out of memory. " +
			"When red: compare with the old generation: if it is full, memory is short or leaks; if not, look for calls of System.gc() or too small a young generation.",
		Params: jvmParams, Check: checkJVM, Target: jvmTarget,
		Thresholds: []probe.Threshold{{Metric: "gc_percent", Warn: "10", Crit: "30", Unit: "%"}},
		Verified:   verifiedTested, VerifiedOn: "OpenJDK 17 (Serial, Parallel, G1), 2026-11",
		Discover: h.discoverJVMs,
		Run: func(_ context.Context, t probe.Target) probe.Result {
			list, missing := h.chosen(t)
			if missing != nil {
				return *missing
			}
			now := map[string]float64{}
			for _, j := range list[:min(len(list), 60)] {
				n, seconds := j.data.GC()
				now[fmt.Sprintf("%d.n", j.pid)], now[fmt.Sprintf("%d.s", j.pid)] = float64(n), seconds
			}
			r := t.Report()
			r.Record("processes", float64(len(list)), "")
			grown, span, ok := growths(t, "gc", now)
			if !ok {
				return r.Result(fmt.Sprintf("%d 个 Java 进程，停顿占比待下次检查后计算", len(list)))
			}
			worst, name := 0.0, list[0].name()
			label := labels(list, "gc_percent")
			for i, j := range list {
				s, known := grown[fmt.Sprintf("%d.s", j.pid)]
				if !known {
					continue // started since
				}
				percent := min(100, 100*s/span)
				r.Measure(label[i], j.name()+" 停顿", percent, "%")
				r.Detail(fmt.Sprintf("%s：回收 %.0f 次，停顿 %s", j.name(), grown[fmt.Sprintf("%d.n", j.pid)], probe.Humanize(s, "s")))
				if percent > worst {
					worst, name = percent, j.name()
				}
			}
			return r.Result(fmt.Sprintf("%d 个 Java 进程，停顿占比最高 %s %s", len(list), name, probe.Humanize(worst, "%")))
		},
	}
}

func (h host) gcLog() probe.Builtin {
	return probe.Builtin{
		Kind: "performance.gc_log", Class: probe.Performance,
		TitleZH: "GC 日志", TitleEN: "GC log",
		HelpZH: "读取 GC 日志（Java 8 与 9 以上的格式，Serial、Parallel、CMS、G1、Shenandoah、ZGC）中自上次检查以来的回收：完全回收后堆的占用（没有完全回收时取最低值）占上限的百分比，以及最长停顿；轮转能接上。" +
			"变红时：占用高——内存不足或泄漏，看历史曲线；停顿长——查是否有完全回收、内存被换出；出现回收失败字样的，堆已接近耗尽。",
		HelpEN: "Reads the collections since the last run from a GC log (of Java 8 and of 9 and later; Serial, Parallel, CMS, G1, Shenandoah, ZGC): the heap in use after a full collection (or the lowest, when there was none) as a share of its limit, and the longest pause; rotation is followed. " +
			"When red: much in use, memory is short or leaks, see the history; long pauses, look for full collections and memory that was swapped out; collections that failed tell of a heap near its end.",
		Params: []probe.Param{
			{Name: "path", Type: "string", Required: true, TitleZH: "GC 日志（可用 * 通配，逐个跟读）", TitleEN: "GC log (with * wildcards: each is followed)"},
			{Name: "max_heap_mib", Type: "int", Default: 0, TitleZH: "堆上限（MiB，0 为从日志中找）", TitleEN: "Limit of the heap in MiB (0: found in the log)"},
		},
		Thresholds: []probe.Threshold{{Metric: "after_percent", Warn: "80", Crit: "90", Unit: "%"}, {Metric: "pause", Warn: "1", Crit: "5", Unit: "s"}, {Metric: "failed", Warn: "0"}},
		Check: func(p map[string]any) error {
			path, _ := p["path"].(string)
			if !filepath.IsAbs(path) {
				return errors.New("path must be absolute")
			}
			return checkPatterns("path", []string{path})
		},
		Target:   func(p map[string]any) string { s, _ := p["path"].(string); return s },
		Verified: verifiedTested, VerifiedOn: "OpenJDK 17 (Serial, Parallel, G1, Shenandoah, ZGC); Java 8 samples, 2026-11",
		Run: h.runGCLog,
	}
}

func (h host) runGCLog(ctx context.Context, t probe.Target) probe.Result {
	var events, majors, failed int
	var lastMajor, lowest, heap, longest float64
	seen, missing := follow(ctx, t, t.String("path"), logtail.Options{First: 256 << 10}, func(b []byte) {
		e, ok := gclog.Parse(string(b))
		if e.Failed {
			failed++
		}
		if !ok {
			return
		}
		if events++; events == 1 || e.After < lowest {
			lowest = e.After
		}
		if e.Major {
			majors, lastMajor = majors+1, e.After
		}
		heap, longest = max(heap, e.Heap), max(longest, e.Pause)
	})
	if missing != nil {
		return *missing
	}
	r := t.Report()
	seen.tell(r)
	limit, found := float64(t.Int("max_heap_mib"))*(1<<20), "设置"
	if limit == 0 {
		if f, err := os.Open(seen.Path); err == nil {
			head := make([]byte, 16<<10)
			n, _ := f.Read(head) // a short head finds nothing
			f.Close()
			limit, _ = gclog.MaxHeap(string(head[:n]))
			found = "日志"
		}
	}
	if text, ok := t.Memory.Get("heap"); ok && limit == 0 {
		before, _ := strconv.ParseFloat(text, 64) // 0 when it cannot be read
		heap = max(heap, before)
	}
	if limit == 0 { // what it grew to so far stands for what it may grow to
		limit, found = heap, "日志中出现过的最大堆"
	}
	t.Memory.Set("heap", strconv.FormatFloat(heap, 'f', 0, 64))
	r.Record("collections", float64(events), "")
	r.Measure("failed", "失败的回收", float64(failed), "")
	if events == 0 {
		return r.Result(seen.Path + " 自上次检查以来没有回收记录")
	}
	after, what := lowest, "回收后最低占用"
	if majors > 0 {
		after, what = lastMajor, "完全回收后占用"
	}
	r.Measure("pause", "最长停顿", longest, "s")
	r.Record("after", after, "B")
	figures := fmt.Sprintf("%s 新增 %d 次回收（完全回收 %d 次），最长停顿 %s，%s %s", seen.Path, events, majors, probe.Humanize(longest, "s"), what, probe.Humanize(after, "B"))
	if limit > 0 {
		r.Measure("after_percent", what, 100*after/limit, "%")
		figures += fmt.Sprintf("，占上限 %s（%s：%s）", probe.Humanize(100*after/limit, "%"), found, probe.Humanize(limit, "B"))
	}
	return r.Result(figures)
}
