package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"taxops/internal/kernel/probe"
)

func (h host) nic() probe.Builtin {
	return probe.Builtin{
		Kind: "hardware.nic", Class: probe.Hardware,
		TitleZH: "网卡", TitleEN: "Network interfaces",
		HelpZH: "读取 /sys/class/net 下每块物理（或虚拟化）网卡与聚合口：已启用或曾经连通的网卡断开即严重；按两次运行之间的计数计算收发错误率。" +
			"变红时：断开——查网线、光模块、交换机端口；错误率升高——查双工与速率协商、更换线缆或模块。不用的网口请加入忽略名单。",
		HelpEN: "Reads each physical (or paravirtual) interface and bond below /sys/class/net: one that is enabled or was connected and has lost its link is critical; the error ratio comes from the counters between two runs. " +
			"When red: for a lost link check cable, module and switch port; for errors check duplex and speed, change cable or module. Put unused ports on the ignore list.",
		Params: []probe.Param{
			{Name: "ignore", Type: "strings", TitleZH: "忽略的网卡（可用 * 通配）", TitleEN: "Interfaces to ignore (with * wildcards)"},
		},
		Thresholds: []probe.Threshold{{Metric: "error_percent", Warn: "0.01", Crit: "0.1", Unit: "%"}},
		Check: func(p map[string]any) error {
			ignore, _ := p["ignore"].([]string)
			return checkPatterns("ignore", ignore)
		},
		Verified: verifiedTested, VerifiedOn: "virtio-net, Linux 6.18, 2026-11",
		Discover: always("每台主机都应有网卡"),
		Run:      h.runNIC,
	}
}

// nicState is what is remembered of an interface: whether it ever was up, and the counters from
// which the next error ratio is counted.
type nicState struct {
	Up      bool   `json:"u,omitempty"`
	Packets uint64 `json:"p"`
	Errors  uint64 `json:"e"`
}

// nicMinPackets is how many packets an error ratio needs: below, the counting goes on.
const nicMinPackets = 1000

func (h host) runNIC(_ context.Context, t probe.Target) probe.Result {
	dir := filepath.Join(h.Sys, "class/net")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return cannotRead(dir, "网卡信息", err)
	}
	var names []string
	for _, e := range entries {
		if h.physical(e.Name()) && !matchAny(t.Strings("ignore"), e.Name()) {
			names = append(names, e.Name())
		}
	}
	last := loadNICs(t.Memory)
	var gone []string
	for name := range last {
		if !slices.Contains(names, name) && !matchAny(t.Strings("ignore"), name) {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	if len(names) == 0 && len(gone) == 0 {
		return probe.NoSource("没有物理或虚拟化网卡（容器网络由宿主机负责）")
	}
	r := t.Report()
	next := make(map[string]nicState)
	up, counted := 0, 0
	for _, name := range names {
		n := h.readNIC(name)
		was, known := last[name]
		state := nicState{Up: was.Up || n.up, Packets: n.packets, Errors: n.errors}
		switch {
		case n.up:
			up++
		case n.enabled:
			r.Raise(probe.Critical, "link_down", fmt.Sprintf("网卡 %s 已启用但未连通（链路 %s）", name, n.operstate))
		case was.Up:
			r.Raise(probe.Critical, "link_down", fmt.Sprintf("网卡 %s 曾经连通，现已停用", name))
		}
		line := fmt.Sprintf("%s：链路 %s%s", name, n.operstate, n.speed)
		if known && n.packets >= was.Packets && n.errors >= was.Errors {
			packets, errs := n.packets-was.Packets, n.errors-was.Errors
			if packets+errs < nicMinPackets {
				state.Packets, state.Errors = was.Packets, was.Errors // too few to judge: keep counting from there
			} else {
				ratio := 100 * float64(errs) / float64(packets+errs)
				r.Measure("error_percent "+name, "网卡 "+name+" 错误率", ratio, "%")
				line += fmt.Sprintf("，错误率 %s（%d / %d 包）", probe.Humanize(ratio, "%"), errs, packets)
				counted++
			}
		}
		r.Record("packets "+name, float64(n.packets), "c")
		r.Record("errors "+name, float64(n.errors), "c")
		r.Detail(line)
		next[name] = state
	}
	for _, name := range gone {
		if last[name].Up {
			r.Raise(probe.Critical, "missing", fmt.Sprintf("网卡 %s 已消失", name))
			next[name] = last[name]
		}
	}
	if b, err := json.Marshal(next); err == nil {
		t.Memory.Set("nics", string(b))
	}
	figures := fmt.Sprintf("%d 块网卡，%d 块连通", len(names), up)
	if counted == 0 && up > 0 {
		figures += "，错误率待积累足够的包后计算"
	}
	return r.Result(figures)
}

func loadNICs(m probe.Memory) map[string]nicState {
	text, _ := m.Get("nics")
	var last map[string]nicState
	if json.Unmarshal([]byte(text), &last) != nil {
		return nil
	}
	return last
}

// physical reports whether an interface has a device behind it or bundles such ones.
func (h host) physical(name string) bool {
	for _, sign := range []string{"device", "bonding"} {
		if _, err := os.Stat(filepath.Join(h.Sys, "class/net", name, sign)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// nicReading is one interface as the kernel shows it.
type nicReading struct {
	enabled, up     bool
	operstate       string
	speed           string
	packets, errors uint64
}

func (h host) readNIC(name string) nicReading {
	dir := filepath.Join(h.Sys, "class/net", name)
	flags, _ := strconv.ParseUint(strings.TrimPrefix(trimmed(dir, "flags"), "0x"), 16, 32)
	n := nicReading{enabled: flags&1 != 0, operstate: trimmed(dir, "operstate")}
	// Some virtual drivers never leave "unknown": then the carrier decides.
	n.up = n.enabled && (n.operstate == "up" || (n.operstate == "unknown" && trimmed(dir, "carrier") == "1"))
	if mbit, err := strconv.Atoi(trimmed(dir, "speed")); err == nil && mbit > 0 {
		n.speed = fmt.Sprintf("，%d Mbit/s", mbit)
	}
	count := func(file string) uint64 {
		v, _ := strconv.ParseUint(trimmed(dir, "statistics", file), 10, 64)
		return v
	}
	n.packets = count("rx_packets") + count("tx_packets")
	n.errors = count("rx_errors") + count("tx_errors")
	return n
}
