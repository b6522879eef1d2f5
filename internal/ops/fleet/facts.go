package fleet

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Machine reads the facts of the machine that this program runs on.
type Machine struct {
	// Root is where the files of the host are; "" means "/".
	Root string
	// Hostname overrides the name that the kernel gives.
	Hostname string
}

// local is a machine as it describes itself.
type local struct {
	hostname string
	key      string // machine and host name: what makes it one asset
	facts    Facts
}

func (m Machine) read() (local, error) {
	name := m.Hostname
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return local{}, fmt.Errorf("host name: %w", err)
		}
	}
	machine := m.id()
	return local{
		hostname: name,
		key:      sealed(machine, "asset "+name),
		facts: Facts{
			OS: m.osName(), Kernel: m.line("proc/sys/kernel/osrelease"), Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
			MemoryBytes: m.memory(), Machine: machine, Agent: "local",
		},
	}, nil
}

// id derives an id of our own: machine-id(5) asks that the id itself not be shown to others.
func (m Machine) id() string {
	for _, f := range []string{"etc/machine-id", "var/lib/dbus/machine-id"} {
		if s := m.line(f); s != "" && s != "uninitialized" {
			return sealed(s, "taxops machine")
		}
	}
	return ""
}

func sealed(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text)) // a hash never fails
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (m Machine) path(name string) string {
	root := m.Root
	if root == "" {
		root = "/"
	}
	return filepath.Join(root, name)
}

// line returns the first line of a file, "" when it cannot be read: a fact that is not there is empty.
func (m Machine) line(name string) string {
	b, err := os.ReadFile(m.path(name))
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(first)
}

func (m Machine) osName() string {
	name := osName(func(f string) string {
		b, err := os.ReadFile(m.path(f))
		if err != nil {
			return ""
		}
		return string(b)
	})
	if name == "" {
		return runtime.GOOS
	}
	return name
}

func (m Machine) memory() int64 {
	f, err := os.Open(m.path("proc/meminfo"))
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // read only
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "MemTotal:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
