package builtin

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
)

// kindWithin takes one kind out of all, as a server has them.
func kindWithin(t *testing.T, name string, networks ...string) probe.Builtin {
	t.Helper()
	var d Deps
	for _, n := range networks {
		d.Targets = append(d.Targets, netip.MustParsePrefix(n))
	}
	all := All(d)
	i := slices.IndexFunc(all, func(b probe.Builtin) bool { return b.Kind == name })
	if i < 0 {
		t.Fatalf("no kind %s", name)
	}
	return all[i]
}

// A check connects to the networks that are inspected and to no others, whatever name it is given.
func TestTargets(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(secure.Close)
	port := func(s *httptest.Server) int { return s.Listener.Addr().(*net.TCPAddr).Port }
	for name, c := range map[string]struct {
		kind     string
		params   map[string]any
		networks []string
		denied   bool
	}{
		"all are inspected":          {"service.tcp", map[string]any{"host": "127.0.0.1", "port": port(plain)}, nil, false},
		"within a network":           {"service.tcp", map[string]any{"host": "127.0.0.1", "port": port(plain)}, []string{"10.0.0.0/8", "127.0.0.0/8"}, false},
		"outside":                    {"service.tcp", map[string]any{"host": "127.0.0.1", "port": port(plain)}, []string{"10.0.0.0/8"}, true},
		"a name that leads outside":  {"service.tcp", map[string]any{"host": "localhost", "port": port(plain)}, []string{"10.0.0.0/8"}, true},
		"written as IPv6":            {"service.tcp", map[string]any{"host": "::ffff:127.0.0.1", "port": port(plain)}, []string{"10.0.0.0/8"}, true},
		"written as IPv6 and within": {"service.tcp", map[string]any{"host": "::ffff:127.0.0.1", "port": port(plain)}, []string{"127.0.0.0/8"}, false},
		"a page within":              {"service.http", map[string]any{"url": plain.URL}, []string{"127.0.0.0/8"}, false},
		"a page outside":             {"service.http", map[string]any{"url": plain.URL}, []string{"10.0.0.0/8"}, true},
		"a certificate outside":      {"service.certificate", map[string]any{"host": "127.0.0.1", "port": port(secure)}, []string{"10.0.0.0/8"}, true},
		"PostgreSQL outside":         {"instance.postgresql", map[string]any{"host": "127.0.0.1", "port": port(plain)}, []string{"10.0.0.0/8"}, true},
		"MySQL outside":              {"instance.mysql", map[string]any{"host": "127.0.0.1", "port": port(plain)}, []string{"10.0.0.0/8"}, true},
		"Redis outside":              {"instance.redis", map[string]any{"host": "127.0.0.1", "port": port(plain)}, []string{"10.0.0.0/8"}, true},
		"Redis with TLS outside":     {"instance.redis", map[string]any{"host": "127.0.0.1", "port": port(secure), "tls": true}, []string{"10.0.0.0/8"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, kindWithin(t, c.kind, c.networks...), c.params, nil)
			if !c.denied {
				wants(t, r, probe.OK, "")
				return
			}
			wants(t, r, probe.Unknown, probe.ReasonDenied, "127.0.0.1", "inspect.targets.allow")
		})
	}
}

// Whatever connects goes through dialer, or it would be held to nothing.
func TestOnlyTheDialerDials(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	dials := regexp.MustCompile(`net\.Dialer\b|net\.Dial\w*\(|tls\.Dial\w*\(|tls\.Dialer\{`)
	for _, name := range files {
		if name == "targets.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(src), "\n") {
			if dials.MatchString(line) && !strings.Contains(line, "NetDialer: dialer(") {
				t.Errorf("%s:%d connects by itself: use dialer(ctx), which holds it to inspect.targets.allow: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
}
