package builtin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
)

// records splits a recording of /dev/kmsg; lines that begin with a blank belong to the record before.
func records(b []byte) [][]byte {
	var out [][]byte
	for line := range bytes.Lines(b) {
		if line[0] == ' ' {
			out[len(out)-1] = append(out[len(out)-1], line...)
		} else {
			out = append(out, bytes.Clone(line))
		}
	}
	return out
}

// logHost reads its kernel log from records that the test may change between runs.
func logHost(t *testing.T, boot string, list *[][]byte) host {
	h := tree(t, map[string]string{"proc/sys/kernel/random/boot_id": boot + "\n"})
	h.kmsg = func(_ context.Context, _ string, _ bool, yield func([]byte)) error {
		for _, r := range *list {
			yield(r)
		}
		return nil
	}
	return h
}

// anyKernelLog asks all questions at once.
func (h host) anyKernelLog() probe.Builtin {
	q := kernelQuestion{others: true}
	for _, k := range kernelPatterns {
		q.labels = append(q.labels, k.label)
	}
	return h.kernelKind("os_log.any", "", "", "", "", q)
}

func TestEachKernelKindAnswersItsOwnQuestion(t *testing.T) {
	t.Parallel()
	list := records(testdata(t, "kmsg.txt"))
	h := logHost(t, "boot", &list)
	for _, tt := range []struct {
		b      probe.Builtin
		errors float64
		word   string
	}{
		{h.kernelLog(), 2, "硬件错误 1、任务停滞或内核崩溃 1"},
		{h.oomLog(), 2, "内存耗尽 2"},
		{h.ioErrorLog(), 3, "读写错误 3"},
		{h.filesystemLog(), 1, "文件系统错误 1"},
	} {
		r := run(t, tt.b, nil, nil)
		wants(t, r, probe.Critical, probe.ReasonThreshold, tt.word)
		if n := value(t, r, "errors"); n != tt.errors {
			t.Errorf("%s: %v errors, want %v", tt.b.Kind, n, tt.errors)
		}
	}
	// What a person asks for is reported, even when it is another kind's answer too.
	r := run(t, h.kernelLog(), map[string]any{"also": []any{"Out of memory"}}, nil)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "其他")
}

func TestKernelLog(t *testing.T) {
	t.Parallel()
	list := records(testdata(t, "kmsg.txt"))
	h := logHost(t, "boot-1", &list)
	memory := probe.NewMapMemory(nil)
	r := run(t, h.anyKernelLog(), nil, memory)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "自开机以来", "内存耗尽 2", "读写错误 3", "文件系统错误 1", "硬件错误 1", "任务停滞或内核崩溃 1")
	if strings.Contains(r.Details, "general protection") || strings.Contains(r.Details, "remount-ro") || !strings.Contains(r.Details, "dev sdb") {
		t.Errorf("details\n%s", r.Details)
	}
	wants(t, run(t, h.anyKernelLog(), nil, memory), probe.OK, "", "自上次检查以来新增 0 条")

	list = append(list, []byte("3,312,92000000,-;XFS (sda3): metadata I/O error in \"xfs_buf_ioend\" at daddr 0x1"))
	wants(t, run(t, h.anyKernelLog(), nil, memory), probe.Critical, probe.ReasonThreshold, "文件系统错误 1", "新增 1 条")
	wants(t, run(t, h.anyKernelLog(), nil, memory), probe.OK, "", "未见错误")

	// A new boot counts anew; what happened since is not lost.
	list = [][]byte{[]byte("6,0,0,-;Linux version"), []byte("3,1,5,-;Out of memory: Killed process 5 (x)")}
	h = logHost(t, "boot-2", &list)
	wants(t, run(t, h.anyKernelLog(), nil, memory), probe.Critical, probe.ReasonThreshold, "自开机以来", "内存耗尽 1")
}

func TestKernelLogSaysWhatItMissed(t *testing.T) {
	t.Parallel()
	list := [][]byte{[]byte("6,500,0,-;hello")}
	h := logHost(t, "boot", &list)
	memory := probe.NewMapMemory(nil)
	bookmark{boot: "boot", seq: 400}.save(memory)
	wants(t, run(t, h.kernelLog(), nil, memory), probe.Unknown, "overwritten", "100 条记录")
	wants(t, run(t, h.kernelLog(), nil, memory), probe.OK, "")
}

func TestKernelLogFirstLookIsOneDay(t *testing.T) {
	t.Parallel()
	list := [][]byte{[]byte("3,1,1000,-;Out of memory: Killed process 5 (x)"), []byte("3,2,99000000000,-;XFS (sda3): Internal error x")}
	h := logHost(t, "boot", &list)
	if err := os.WriteFile(filepath.Join(h.Proc, "uptime"), []byte("100000.00 1.00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, h.anyKernelLog(), nil, nil)
	wants(t, r, probe.Critical, probe.ReasonThreshold, "最近 24 小时新增 1 条", "文件系统错误 1")
}

func TestKernelLogIgnore(t *testing.T) {
	t.Parallel()
	list := [][]byte{[]byte("3,1,0,-;blk_update_request: I/O error, dev sr0, sector 0")}
	h := logHost(t, "boot", &list)
	wants(t, run(t, h.anyKernelLog(), map[string]any{"ignore": []any{"dev sr0"}}, nil), probe.OK, "")
	if _, err := h.anyKernelLog().CheckParams(map[string]any{"ignore": []any{"("}}); err == nil {
		t.Error("a broken expression is taken")
	}
}

// TestKernelLogOfThisHost plants a line where the machine lets it, and finds it once and only once.
func TestKernelLogOfThisHost(t *testing.T) {
	t.Parallel()
	b := newHost(Deps{}).kernelLog()
	memory := probe.NewMapMemory(nil)
	mark := fmt.Sprintf("taxops-test-%d", os.Getpid())
	// A line of its own kind: a real error would stay in the log and turn this machine red for a day.
	look := map[string]any{"also": []any{mark}}
	first := run(t, b, look, memory)
	if first.Reason == probe.ReasonDenied || first.Reason == probe.ReasonNoSource {
		t.Logf("this machine: %s", first.Summary)
		return
	}
	f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	if err != nil {
		t.Logf("no line can be planted here: %v", err)
		return
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "<6>%s: planted by a test\n", mark); err != nil {
		t.Logf("no line can be planted here: %v", err)
		return
	}
	r := run(t, b, look, memory)
	if n := strings.Count(r.Details, mark); n != 1 || r.State != probe.Critical {
		t.Errorf("the planted line was found %d times: %s %s", n, r.State, r.Summary)
	}
	if again := run(t, b, look, memory); strings.Contains(again.Details, mark) {
		t.Error("the planted line was found again")
	}
}

func TestReadKmsgNamesItsErrors(t *testing.T) {
	t.Parallel()
	if err := readKmsg(t.Context(), t.TempDir()+"/kmsg", false, func([]byte) {}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func FuzzKernelRecord(f *testing.F) {
	f.Add([]byte("3,881,88120101,-;Out of memory: Killed process\n SUBSYSTEM=x"))
	f.Add([]byte(";,"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s kernelScan
		s.record(b)
		s.record(b)
		if s.total() > s.seen || s.seen > 2 {
			t.Fatalf("%d errors in %d records", s.total(), s.seen)
		}
	})
}
