package builtin

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) listening() probe.Builtin {
	return probe.Builtin{
		Kind: "service.ports", Class: probe.Service,
		TitleZH: "监听端口", TitleEN: "Listening ports",
		HelpZH: "读取内核的监听套接字，与应有的端口清单比较：应有而没有为严重，多出为警告。清单留空时以首次检查所见为准（临时端口段除外），之后的变化都会报告。" +
			"变红时：缺少——服务未启动或改了端口；多出——查是哪个进程（下方列出），未经批准的服务应停用并报告安全员，确属新增的写入清单。",
		HelpEN: "Reads the kernel's listening sockets and compares them with the list of ports that should be there: a missing one is critical, one more a warning. With an empty list what the first run saw counts (without the range of ephemeral ports), and every change is reported. " +
			"When red: missing, the service is down or moved; one more, see which process it is (below), stop what nobody approved and tell the security officer, put what is wanted on the list.",
		Params: []probe.Param{
			{Name: "expected", Type: "strings", TitleZH: "应有的端口（如 22、443）", TitleEN: "Ports that should be there (for example 22, 443)"},
			{Name: "ignore", Type: "strings", TitleZH: "不理会的端口", TitleEN: "Ports to ignore"},
			{Name: "local", Type: "bool", Default: false, TitleZH: "也看只在本机回环上的端口", TitleEN: "Look at ports on loopback only too"},
		},
		Check: func(p map[string]any) error {
			for _, name := range []string{"expected", "ignore"} {
				list, _ := p[name].([]string)
				for _, s := range list {
					if n, err := strconv.ParseUint(s, 10, 16); err != nil || n == 0 {
						return fmt.Errorf("%s: %q is no port", name, s)
					}
				}
			}
			return nil
		},
		Verified: verifiedTested, VerifiedOn: verifiedLinux,
		Discover: always("开放的端口应与批准的一致"),
		Run:      h.runListening,
	}
}

// allListeners are the TCP sockets that take connections, on any address, with their owners.
func (h host) allListeners() []listener {
	var list []listener
	for _, name := range []string{"tcp", "tcp6"} {
		b, err := readFile(filepath.Join(h.Proc, "net", name))
		if err != nil {
			continue // IPv6 may be off
		}
		for line := range strings.Lines(string(b)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != tcpListen {
				continue
			}
			if addr, ok := parseKernelAddr(fields[1]); ok {
				list = append(list, listener{addr: addr, inode: fields[9]})
			}
		}
	}
	h.nameOwners(list)
	slices.SortStableFunc(list, func(a, b listener) int { return cmp.Compare(a.addr.Port(), b.addr.Port()) })
	return list
}

// ephemeral is the range of ports that the kernel gives to whoever does not ask for one.
func (h host) ephemeral() (low, high int) {
	fields := strings.Fields(trimmed(h.Proc, "sys/net/ipv4/ip_local_port_range"))
	if len(fields) == 2 {
		low, _ = strconv.Atoi(fields[0])
		high, _ = strconv.Atoi(fields[1])
	}
	if low <= 0 || high < low {
		return 32768, 60999
	}
	return low, high
}

func (h host) runListening(_ context.Context, t probe.Target) probe.Result {
	if _, missing := look(filepath.Join(h.Proc, "net/tcp"), "监听套接字"); missing != nil {
		return *missing
	}
	low, high := h.ephemeral()
	open := map[string][]listener{}
	for _, l := range h.allListeners() {
		if !t.Bool("local") && l.addr.Addr().IsLoopback() {
			continue
		}
		open[strconv.Itoa(l.port())] = append(open[strconv.Itoa(l.port())], l)
	}
	want, learned := t.Strings("expected"), false
	if len(want) == 0 {
		learned = true
		text, known := t.Memory.Get("ports")
		if want = strings.Fields(text); !known {
			for p, list := range open {
				if port := list[0].port(); port < low || port > high {
					want = append(want, p)
				}
			}
			slices.SortFunc(want, byNumber)
			t.Memory.Set("ports", strings.Join(want, " "))
		}
	}
	r := t.Report()
	var missing, more []string
	for _, p := range want {
		if len(open[p]) == 0 && !slices.Contains(t.Strings("ignore"), p) {
			missing = append(missing, p)
		}
	}
	ports := make([]string, 0, len(open))
	for p := range open {
		ports = append(ports, p)
	}
	slices.SortFunc(ports, byNumber)
	for _, p := range ports {
		list := open[p]
		if port := list[0].port(); !slices.Contains(want, p) && !slices.Contains(t.Strings("ignore"), p) && !(learned && port >= low && port <= high) {
			more = append(more, p+ownerOf(list))
		}
		r.Detail(fmt.Sprintf("%s %s%s", p, addresses(list), ownerOf(list)))
	}
	slices.SortFunc(missing, byNumber)
	if len(missing) > 0 {
		r.Raise(probe.Critical, "missing", "应有的端口没有监听："+strings.Join(missing, "、"))
	}
	if len(more) > 0 {
		r.Raise(probe.Warning, "unexpected", "多出的监听端口："+strings.Join(more[:min(len(more), 10)], "、"))
	}
	r.Record("listening", float64(len(open)), "")
	r.Record("missing", float64(len(missing)), "")
	r.Record("unexpected", float64(len(more)), "")
	figures := fmt.Sprintf("共 %d 个监听端口", len(open))
	if learned {
		figures += fmt.Sprintf("，以首次检查所见的 %d 个为准", len(want))
	}
	return r.Result(figures)
}

func byNumber(a, b string) int {
	x, _ := strconv.Atoi(a) // ports only
	y, _ := strconv.Atoi(b)
	return cmp.Compare(x, y)
}

func ownerOf(list []listener) string {
	for _, l := range list {
		if l.owner != "" {
			return "（" + l.owner + "）"
		}
	}
	return ""
}

func addresses(list []listener) string {
	var out []string
	for _, l := range list {
		out = append(out, wordsOf(l.addr.Addr()))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func wordsOf(a netip.Addr) string {
	if a.IsUnspecified() {
		return "全部地址"
	}
	return a.String()
}
