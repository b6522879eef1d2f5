package builtin

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listener is one socket on which this host takes connections and that loopback can reach.
type listener struct {
	addr  netip.AddrPort // where to connect, on loopback; zero for a UNIX socket
	path  string         // of a UNIX socket
	inode string
	pid   int    // of the owner, 0 when it may not be seen
	owner string // its program name, "" when it may not be seen
	dual  bool   // on ::, which mostly takes IPv4 too
}

// where names the listener for people.
func (l listener) where() string {
	if l.path != "" {
		return l.path
	}
	return l.addr.String()
}

func (l listener) port() int { return int(l.addr.Port()) }

// listeners reads the kernel's tables and finds out who owns each socket, as far as rights allow.
func (h host) listeners() []listener {
	var list []listener
	for _, name := range []string{"tcp", "tcp6"} {
		b, err := readFile(filepath.Join(h.Proc, "net", name))
		if err != nil {
			continue // IPv6 may be off
		}
		list = append(list, parseTCP(b)...)
	}
	if b, err := readFile(filepath.Join(h.Proc, "net/unix")); err == nil {
		list = append(list, parseUnix(b)...)
	}
	// The same port on 127.0.0.1 and ::1 is one service; IPv4 comes first.
	seen := make(map[int]bool)
	list = slices.DeleteFunc(list, func(l listener) bool {
		if l.path != "" {
			return false
		}
		twice := seen[l.port()]
		seen[l.port()] = true
		return twice
	})
	h.nameOwners(list)
	return list
}

const tcpListen = "0A"

// parseTCP reads /proc/net/tcp or tcp6.
func parseTCP(b []byte) []listener {
	var list []listener
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != tcpListen {
			continue
		}
		addr, ok := parseKernelAddr(fields[1])
		if !ok {
			continue
		}
		l := listener{inode: fields[9]}
		switch ip := addr.Addr(); {
		case ip.IsLoopback():
			l.addr = addr
		case ip.IsUnspecified() && ip.Is4():
			l.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
		case ip.IsUnspecified():
			l.addr, l.dual = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port()), true
		default:
			continue // bound to another address: loopback cannot reach it
		}
		list = append(list, l)
	}
	slices.SortStableFunc(list, func(a, b listener) int { return cmp.Compare(a.addr.Port(), b.addr.Port()) })
	return list
}

// parseKernelAddr reads "0100007F:1538": the address in 32-bit words of the host's byte order.
func parseKernelAddr(s string) (netip.AddrPort, bool) {
	hexAddr, hexPort, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(hexAddr)
	port, err2 := strconv.ParseUint(hexPort, 16, 16)
	if !ok || err != nil || err2 != nil || (len(raw) != 4 && len(raw) != 16) {
		return netip.AddrPort{}, false
	}
	if littleEndian() {
		for i := 0; i < len(raw); i += 4 {
			slices.Reverse(raw[i : i+4])
		}
	}
	ip, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), true
}

// parseUnix reads the listening stream sockets of /proc/net/unix that have a path.
func parseUnix(b []byte) []listener {
	var list []listener
	for line := range strings.Lines(string(b)) {
		// Num RefCount Protocol Flags Type St Inode Path: flag 00010000 is "accepts connections".
		fields := strings.Fields(line)
		if len(fields) < 8 || fields[3] != "00010000" || fields[4] != "0001" || !strings.HasPrefix(fields[7], "/") {
			continue
		}
		list = append(list, listener{path: fields[7], inode: fields[6]})
	}
	return list
}

// nameOwners looks for each socket among the open files of the processes.
func (h host) nameOwners(list []listener) {
	byInode := make(map[string][]int)
	for i, l := range list {
		byInode["socket:["+l.inode+"]"] = append(byInode["socket:["+l.inode+"]"], i)
	}
	pids, err := h.pids()
	if err != nil {
		return
	}
	for _, pid := range pids {
		dir := filepath.Join(h.Proc, strconv.Itoa(pid), "fd")
		fds, err := os.ReadDir(dir)
		if err != nil {
			continue // another account's process
		}
		for _, fd := range fds {
			link, err := os.Readlink(filepath.Join(dir, fd.Name()))
			if err != nil {
				continue
			}
			for _, i := range byInode[link] {
				if list[i].pid == 0 {
					list[i].pid, list[i].owner = pid, trimmed(h.Proc, strconv.Itoa(pid), "comm")
				}
			}
		}
	}
}

// candidates are the listeners that may belong to a program: by their owner's name where it can be
// seen, otherwise by a usual port. fits judges a UNIX socket by its path.
func (h host) candidates(owners []string, ports []int, fits func(path string) bool) []listener {
	var out []listener
	for _, l := range h.listeners() {
		switch {
		case l.path != "":
			if fits != nil && fits(l.path) {
				out = append(out, l)
			}
		case slices.Contains(owners, l.owner),
			slices.Contains(ports, l.port()) && !slices.Contains(otherOwners, l.owner):
			out = append(out, l)
		}
	}
	return out
}

// otherOwners are programs that certainly do not speak what a usual port suggests.
var otherOwners = []string{"sshd", "systemd", "systemd-resolve", "dnsmasq", "chronyd", "cupsd", "master", "exim4"}

// seen names the listener and its owner for the reason of a proposal.
func (l listener) seen() string {
	if l.owner == "" {
		return l.where()
	}
	return fmt.Sprintf("%s（%s）", l.where(), l.owner)
}
