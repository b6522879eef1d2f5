package builtin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

// write replaces a file of a host.
func write(t *testing.T, h host, name, text string) {
	t.Helper()
	if err := os.WriteFile(h.at(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSwap(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"proc/meminfo": "MemTotal: 1000 kB\nSwapTotal: 1000 kB\nSwapFree: 400 kB\n", "proc/vmstat": "pswpin 100\npswpout 5\nnr_x 1\n"})
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.swap(), nil, memory), probe.Warning, probe.ReasonThreshold, "交换区已用 60%")
	write(t, h, "proc/vmstat", "pswpin 600100\npswpout 5\n")
	wants(t, later(t, h.swap(), nil, memory, 5*time.Minute), probe.Critical, probe.ReasonThreshold, "每秒换入页数 2000")
	write(t, h, "proc/vmstat", "pswpin 10\npswpout 0\n") // started again
	r := later(t, h.swap(), nil, memory, 10*time.Minute)
	wants(t, r, probe.Warning, probe.ReasonThreshold)
	write(t, h, "proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
	wants(t, run(t, h.swap(), nil, memory), probe.Unknown, probe.ReasonNoSource, "未配置交换区")
}

func TestLoad(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"proc/loadavg": "1.00 3.00 9.00 2/300 99\n", "proc/stat": "cpu 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1\n"})
	wants(t, run(t, h.load(), nil, nil), probe.Critical, probe.ReasonThreshold, "每核负载（15 分钟） 4.5", "2 核")
}

func TestTasks(t *testing.T) {
	t.Parallel()
	files := map[string]string{"proc/loadavg": "0 0 0 2/800 99\n", "proc/sys/kernel/pid_max": "32768\n", "proc/sys/kernel/threads-max": "1000\n"}
	for i := range 25 {
		files[fmt.Sprintf("proc/%d/stat", 100+i)] = fmt.Sprintf("%d (sh) Z 7 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0", 100+i)
		files[fmt.Sprintf("proc/%d/comm", 100+i)] = "sh\n"
	}
	for i := range 60 {
		files[fmt.Sprintf("proc/%d/stat", 200+i)] = fmt.Sprintf("%d (dd) D 7 1 1 0 -1 0", 200+i)
	}
	r := run(t, tree(t, files).tasks(), nil, nil)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "任务数占上限 80%", "僵尸进程 25", "不可中断等待的进程 60")
	if !strings.Contains(r.Details, "僵尸进程 100 sh，父进程 7") {
		t.Errorf("details\n%s", r.Details)
	}
}

func TestDiskLatency(t *testing.T) {
	t.Parallel()
	line := func(name string, reads, readMS, writes, writeMS, busyMS int) string {
		return fmt.Sprintf("   8       0 %s %d 0 0 %d %d 0 0 %d 0 %d 0 0 0 0 0\n", name, reads, readMS, writes, writeMS, busyMS)
	}
	h := tree(t, map[string]string{
		"proc/diskstats":     line("sda", 100, 100, 100, 100, 1000) + line("sda1", 1, 1, 1, 1, 1) + line("loop0", 1, 1, 1, 1, 1) + line("sdb", 0, 0, 0, 0, 0),
		"sys/block/sda/size": "1000\n", "sys/block/sdb/size": "1000\n", "sys/block/loop0/size": "1\n",
	})
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.diskLatency(), nil, memory), probe.OK, "", "2 块磁盘", "待下次")
	write(t, h, "proc/diskstats", line("sda", 200, 20100, 200, 20100, 281000)+line("sdb", 5, 9000, 0, 0, 100))
	r := later(t, h.diskLatency(), nil, memory, 5*time.Minute)
	wants(t, r, probe.Warning, probe.ReasonThreshold, "sda 平均响应 200 毫秒（警告阈值 >50 毫秒）", "sda 繁忙 93.3%")
	if strings.Contains(r.Summary, "sdb") {
		t.Errorf("5 reads are no average: %s", r.Summary)
	}
}

func TestTCPQuality(t *testing.T) {
	t.Parallel()
	snmp := func(out, again int) string {
		return fmt.Sprintf("Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm OutSegs RetransSegs\nTcp: 1 %d %d\n", out, again)
	}
	netstat := func(over int) string {
		return fmt.Sprintf("TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 %d %d\nIpExt: x\nIpExt: 1\n", over, over)
	}
	h := tree(t, map[string]string{"proc/net/snmp": snmp(1000, 10), "proc/net/netstat": netstat(5)})
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.tcpQuality(), nil, memory), probe.OK, "", "待下次")
	write(t, h, "proc/net/snmp", snmp(11000, 510))
	write(t, h, "proc/net/netstat", netstat(8))
	wants(t, later(t, h.tcpQuality(), nil, memory, 5*time.Minute), probe.Warning, probe.ReasonThreshold, "TCP 重传率 5%", "监听队列溢出 3")
	write(t, h, "proc/net/snmp", snmp(11100, 610))
	wants(t, later(t, h.tcpQuality(), nil, memory, 10*time.Minute), probe.OK, "", "太少")
}

func TestQueue(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{"out/a.xml": "", "out/b.xml": "", "out/c.tmp": "", "out/.hidden.xml": "", "out/done/d.xml": ""})
	touch := func(name string, age time.Duration) {
		if err := os.Chtimes(h.at(name), time.Time{}, at.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	params := map[string]any{"path": h.at("out"), "pattern": "*.xml"}
	touch("out/a.xml", time.Minute)
	touch("out/b.xml", 2*time.Minute)
	touch("out/c.tmp", time.Hour)
	wants(t, run(t, h.queue(), params, nil), probe.OK, "", "2 个待处理文件", "b.xml")
	touch("out/b.xml", 16*time.Minute)
	wants(t, run(t, h.queue(), params, nil), probe.Critical, probe.ReasonThreshold, "已等待 16 分钟")
	wants(t, run(t, h.queue(), map[string]any{"path": h.at("out"), "pattern": "*.csv"}, nil), probe.OK, "", "没有待处理")
	wants(t, run(t, h.queue(), map[string]any{"path": h.at("gone")}, nil), probe.Critical, "missing")
}

// proc describes a process for /proc.
func proc(pid int, comm string, ticks, rssPages, start, open, limit int) map[string]string {
	dir := fmt.Sprintf("proc/%d/", pid)
	m := map[string]string{
		dir + "comm": comm + "\n", dir + "cmdline": "/usr/bin/" + comm + "\x00",
		dir + "stat":   fmt.Sprintf("%d (%s) S 1 1 1 0 -1 0 0 0 0 0 %d 0 0 0 20 0 4 0 %d 0 %d 0", pid, comm, ticks, start, rssPages),
		dir + "limits": fmt.Sprintf("Limit                     Soft Limit           Hard Limit           Units     \nMax open files            %d                 4096                 files     \n", limit),
	}
	for i := range open {
		m[fmt.Sprintf("%sfd/%d", dir, i)] = ""
	}
	return m
}

func TestProcessUsage(t *testing.T) {
	t.Parallel()
	base := map[string]string{"proc/stat": "cpu 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1\n", "proc/uptime": "10000.00 1\n", "proc/meminfo": "MemTotal: 1000000 kB\n"}
	h := tree(t, merge(base, proc(10, "oracle", 1000, 180000, 500, 3, 10), proc(11, "java", 500, 1000, 600, 8, 10), map[string]string{"proc/12/comm": "kworker\n", "proc/12/cmdline": ""}))
	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.processCPU(), nil, memory), probe.OK, "", "2 个进程", "待下次")
	for name, text := range merge(proc(10, "oracle", 1000, 180000, 500, 3, 10), proc(11, "java", 500+54000, 1000, 600, 8, 10), proc(99, "new", 3000, 1, 980000, 0, 10)) {
		if strings.HasPrefix(name, "proc/99/fd") || strings.HasPrefix(name, "sys/") {
			continue
		}
		if err := os.MkdirAll(h.at("proc/99"), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "stat") || strings.HasPrefix(name, "proc/99/") {
			write(t, h, name, text)
		}
	}
	r := later(t, h.processCPU(), nil, memory, 5*time.Minute)
	wants(t, r, probe.Warning, probe.ReasonThreshold, "java（进程 11） 占用处理器 90%")
	if !strings.Contains(r.Details, "5% new（进程 99）") {
		t.Errorf("a new process counts since its start:\n%s", r.Details)
	}
	wants(t, run(t, h.processMemory(), nil, nil), probe.Warning, probe.ReasonThreshold, "oracle（进程 10） 占用内存 72%")
	wants(t, run(t, h.processMemory(), map[string]any{"name": "java"}, nil), probe.OK, "", "java")
	wants(t, run(t, h.processFiles(), nil, nil), probe.Warning, probe.ReasonThreshold, "java（进程 11） 打开的文件占上限 80%")
	wants(t, run(t, h.processFiles(), map[string]any{"name": "tomcat"}, nil), probe.Critical, "not_running", "tomcat")
}

func TestAccessLogs(t *testing.T) {
	t.Parallel()
	line := func(status int, seconds float64) string {
		return fmt.Sprintf("192.0.2.7 - - [24/Nov/2026:09:00:00 +0800] \"GET /api/pay?id=7 HTTP/1.1\" %d 512 \"-\" \"x\" %.3f\n", status, seconds)
	}
	h := tree(t, map[string]string{"var/log/nginx/access.log": strings.Repeat(line(200, 0.02), 30)})
	if n := len(h.httpTimes().Discover(t.Context())) + len(h.httpErrors().Discover(t.Context())); n != 2 {
		t.Errorf("%d proposals, want one of each", n)
	}
	path := h.at("var/log/nginx/access.log")
	params := map[string]any{"path": path, "ignore_paths": []any{"/health"}}
	m1, m2 := probe.NewMapMemory(nil), probe.NewMapMemory(nil)
	wants(t, run(t, h.httpErrors(), params, m1), probe.OK, "", "30 个应答，5xx 0 个")
	wants(t, run(t, h.httpTimes(), params, m2), probe.OK, "", "95 分位 20 毫秒")
	appendTo(t, path, strings.Repeat(line(200, 0.1), 90)+strings.Repeat(line(502, 4), 10)+strings.Repeat("192.0.2.7 - - [x] \"GET /health HTTP/1.1\" 500 1 \"-\" \"x\" 9.0\n", 50))
	r := later(t, h.httpErrors(), params, m1, 5*time.Minute)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "5xx 比例 10%", "100 个应答")
	if !strings.Contains(r.Details, "/api/pay 5xx 10 次") || strings.Contains(r.Details, "id=7") {
		t.Errorf("details\n%s", r.Details)
	}
	wants(t, later(t, h.httpTimes(), params, m2, 5*time.Minute), probe.Critical, probe.ReasonThreshold, "响应时间 95 分位 4 秒")
	appendTo(t, path, line(500, 0.1))
	wants(t, later(t, h.httpErrors(), params, m1, 10*time.Minute), probe.OK, "", "太少")
	// Rotated: nothing is missed.
	appendTo(t, path, strings.Repeat(line(200, 0.1), 60))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, strings.Repeat(line(503, 0.1), 40))
	wants(t, later(t, h.httpErrors(), params, m1, 15*time.Minute), probe.Critical, probe.ReasonThreshold, "100 个应答，5xx 40 个")

	write(t, h, "var/log/nginx/access.log", strings.Repeat("Nov 24 09:00:00 host x\n", 30))
	wants(t, run(t, h.httpErrors(), params, nil), probe.Unknown, "bad_format")
	write(t, h, "var/log/nginx/access.log", strings.Repeat("1 - - [x] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"\n", 30))
	wants(t, run(t, h.httpTimes(), params, nil), probe.Unknown, probe.ReasonNoSource, "没有记录耗时")
}

func TestJVM(t *testing.T) {
	t.Parallel()
	file := func(name string) string {
		b, err := os.ReadFile("hsperf/testdata/java17_" + name + ".bin")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	h := tree(t, map[string]string{
		"tmp/hsperfdata_tomcat/4711": file("parallel"), "proc/4711/comm": "java\n",
		"tmp/hsperfdata_tomcat/9": file("g1"), // of a process that ended
		"tmp/hsperfdata_x/77":     "nonsense", "proc/77/comm": "java\n",
		"proc/uptime": "700.00 1\n", "proc/4711/stat": "4711 (java) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0 20 0 4 0 20000 0 1 0",
	})
	if found := h.jvmHeap().Discover(t.Context()); len(found) != 0 {
		t.Errorf("a program that runs for 500 seconds is proposed: %v", found)
	}
	write(t, h, "proc/uptime", "900.00 1\n")
	found := h.jvmHeap().Discover(t.Context())
	if len(found) != 1 || found[0].Params["program"] != "^Churn$" {
		t.Fatalf("found %v", found)
	}
	r := run(t, h.jvmHeap(), found[0].Params, nil)
	wants(t, r, probe.OK, "", "1 个 Java 进程，Churn（进程 4711） 老年代")
	if v := value(t, r, "old_percent"); v < 10 || v > 60 {
		t.Errorf("old generation %v %%", v)
	}
	wants(t, run(t, h.jvmHeap(), map[string]any{"program": "Bootstrap"}, nil), probe.Critical, "not_running", "Bootstrap")
	wants(t, run(t, tree(t, nil).jvmHeap(), nil, nil), probe.Unknown, probe.ReasonNoSource)

	memory := probe.NewMapMemory(nil)
	wants(t, run(t, h.jvmGC(), nil, memory), probe.OK, "", "待下次")
	wants(t, later(t, h.jvmGC(), nil, memory, time.Minute), probe.OK, "", "停顿占比最高 Churn（进程 4711） 0%")
}

func TestGCLog(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("gclog/testdata/java17_g1.log")
	if err != nil {
		t.Fatal(err)
	}
	h := tree(t, map[string]string{"gc.log": string(b)})
	params := map[string]any{"path": h.at("gc.log")}
	memory := probe.NewMapMemory(nil)
	r := run(t, h.gcLog(), params, memory)
	wants(t, r, probe.OK, "", "完全回收 1 次", "占上限 20.3%（日志：64 MiB）")
	wants(t, later(t, h.gcLog(), params, memory, time.Minute), probe.OK, "", "没有回收记录")
	appendTo(t, h.at("gc.log"), "[9.9s][info][gc] GC(90) Pause Full (G1 Compaction Pause) 64M->62M(64M) 5200.123ms\n[9.9s][info][gc] GC(91) To-space exhausted\n")
	wants(t, later(t, h.gcLog(), params, memory, 2*time.Minute), probe.Critical, probe.ReasonThreshold, "完全回收后占用 96.9%", "最长停顿 5.2 秒")
	wants(t, run(t, h.gcLog(), map[string]any{"path": "/nowhere/gc.log"}, nil), probe.Unknown, probe.ReasonNoSource)
}

func TestWebLogic(t *testing.T) {
	t.Parallel()
	status, body := http.StatusOK, testdata(t, "weblogic_threads.json")
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		if u, p, ok := r.BasicAuth(); !ok || u != "monitor" || p != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	defer s.Close()
	h := tree(t, nil)
	params := map[string]any{"url": s.URL + "/", "user": "monitor", "password": "secret"}
	r := run(t, h.weblogicThreads(), params, nil)
	wants(t, r, probe.Warning, "health", "阻塞线程 2（警告阈值 >0）", "线程池健康状态 warn", "排队 5")
	if asked != "/management/weblogic/latest/serverRuntime/threadPoolRuntime" {
		t.Errorf("asked %s", asked)
	}
	body = []byte(`{"executeThreadTotalCount":5,"queueLength":0,"healthState":"HEALTH_OK"}`)
	wants(t, run(t, h.weblogicThreads(), params, nil), probe.Unknown, "not_supported", "12.2.1.3")
	body = []byte(`{}`)
	wants(t, run(t, h.weblogicThreads(), params, nil), probe.Unknown, "read_failed")
	body = testdata(t, "weblogic_pools.json")
	r = run(t, h.weblogicPools(), params, nil)
	wants(t, r, probe.Critical, "pool_state", "数据源 auditDS 状态 Suspended", "数据源 taxDS 等待连接 6（严重阈值 >4）", "数据源 auditDS 泄漏连接 3", "等待连接的请求 6")
	body = []byte(`{"items":[]}`)
	wants(t, run(t, h.weblogicPools(), params, nil), probe.Unknown, probe.ReasonNoSource)
	status = http.StatusNotFound
	wants(t, run(t, h.weblogicPools(), params, nil), probe.Unknown, "not_supported")
	status = http.StatusInternalServerError
	wants(t, run(t, h.weblogicPools(), params, nil), probe.Critical, "status", "500")
	params["password"] = "wrong"
	wants(t, run(t, h.weblogicPools(), params, nil), probe.Unknown, probe.ReasonDenied, "Monitor")
	params["url"] = fmt.Sprintf("http://127.0.0.1:%d", closedPort(t))
	wants(t, run(t, h.weblogicPools(), params, nil), probe.Critical, "refused")
}
