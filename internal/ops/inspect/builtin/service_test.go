package builtin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

func TestProcess(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{
		"proc/10/comm": "nginx\n", "proc/10/cmdline": "nginx: master process\x00", "proc/10/stat": "10 (nginx) S 1",
		"proc/11/comm": "nginx\n", "proc/11/cmdline": "nginx: worker\x00", "proc/11/stat": "11 (nginx) S 10",
		"proc/12/comm": "nginx\n", "proc/12/cmdline": "", "proc/12/stat": "12 (nginx) Z 10",
		"proc/13/comm": "java\n", "proc/13/cmdline": "/opt/jdk/bin/java\x00-Dname=seal service\x00--password=hunter2\x00", "proc/13/stat": "13 (a) b) R 1",
		"proc/14/comm": "very-long-progr\n", "proc/14/cmdline": "/usr/bin/very-long-program-name\x00", "proc/14/stat": "14 (x) S 1",
		"proc/self/comm": "x\n",
	})
	for _, tt := range []struct {
		params map[string]any
		state  probe.State
		reason probe.Reason
		count  float64
	}{
		{map[string]any{"name": "nginx"}, probe.OK, "", 2},
		{map[string]any{"name": "nginx", "min": 3}, probe.Critical, "too_few", 2},
		{map[string]any{"name": "nginx", "max": 1}, probe.Critical, "too_many", 2},
		{map[string]any{"cmdline": `-Dname=seal\b`}, probe.OK, "", 1},
		{map[string]any{"name": "java", "cmdline": "delivery"}, probe.Critical, "too_few", 0},
		{map[string]any{"name": "very-long-program-name"}, probe.OK, "", 1},
		{map[string]any{"name": "telnetd", "min": 0, "max": 0}, probe.OK, "", 0},
	} {
		r := run(t, h.process(), tt.params, nil)
		wants(t, r, tt.state, tt.reason)
		if n := value(t, r, "count"); n != tt.count {
			t.Errorf("%v: %v processes, want %v", tt.params, n, tt.count)
		}
		if strings.Contains(r.Details+r.Summary, "hunter2") {
			t.Errorf("%v shows the arguments of a program", tt.params)
		}
	}
	for _, bad := range []map[string]any{nil, {"cmdline": "("}, {"name": "x", "min": -1}, {"name": "x", "min": 3, "max": 2}} {
		if _, err := h.process().CheckParams(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	own, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	wants(t, run(t, newHost(Deps{}).process(), map[string]any{"name": strings.TrimSpace(string(own))}, nil), probe.OK, "")
}

func TestTCP(t *testing.T) {
	t.Parallel()
	b := newHost(Deps{}).tcp()
	port := peer(t, silent)
	r := run(t, b, map[string]any{"host": "127.0.0.1", "port": port}, nil)
	wants(t, r, probe.OK, "", "可连接")
	if len(r.Perf) != 1 || r.Perf[0].UOM != "s" || r.Perf[0].Crit != "3" {
		t.Errorf("perf %v", r.Perf)
	}
	wants(t, run(t, b, map[string]any{"host": "127.0.0.1", "port": closedPort(t)}, nil), probe.Critical, "refused", "拒绝连接")
	if _, err := b.CheckParams(map[string]any{"host": "x", "port": 70000}); err == nil {
		t.Error("port 70000 is taken")
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	handler := http.NewServeMux()
	handler.HandleFunc("/good", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, "办税服务 host=%s", r.Host) })
	handler.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/good", http.StatusFound) })
	handler.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	handler.HandleFunc("/stuck", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	})
	plain := httptest.NewServer(handler)
	t.Cleanup(plain.Close)
	secured := httptest.NewUnstartedServer(handler)
	secured.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused certificate is what is wanted
	secured.StartTLS()
	t.Cleanup(secured.Close)
	b := newHost(Deps{}).http()
	ask := func(params map[string]any) probe.Result {
		t.Helper()
		return run(t, b, params, nil)
	}
	wants(t, ask(map[string]any{"url": plain.URL + "/good", "contains": "办税服务"}), probe.OK, "", "状态码 200")
	wants(t, ask(map[string]any{"url": plain.URL + "/good", "contains": "host=tax.example", "host_header": "tax.example"}), probe.OK, "")
	wants(t, ask(map[string]any{"url": plain.URL + "/good", "contains": "缴款"}), probe.Critical, "body", "没有「缴款」")
	wants(t, ask(map[string]any{"url": plain.URL + "/moved"}), probe.OK, "", "302")
	wants(t, ask(map[string]any{"url": plain.URL + "/moved", "status": "200"}), probe.Critical, "status", "302", "应为 200")
	wants(t, ask(map[string]any{"url": plain.URL + "/down"}), probe.Critical, "status", "503")
	wants(t, ask(map[string]any{"url": plain.URL + "/down", "status": "200-299, 503"}), probe.OK, "")
	wants(t, ask(map[string]any{"url": secured.URL + "/good"}), probe.Critical, "certificate", "证书有问题")
	wants(t, ask(map[string]any{"url": secured.URL + "/good", "insecure": true}), probe.OK, "")
	wants(t, ask(map[string]any{"url": fmt.Sprintf("http://127.0.0.1:%d/", closedPort(t))}), probe.Critical, "refused", "拒绝连接")

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	wants(t, b.Run(ctx, target(t, b, map[string]any{"url": plain.URL + "/stuck"}, nil, at)), probe.Critical, probe.ReasonTimeout, "没有应答")

	for _, bad := range []map[string]any{{"url": "http://ops:hunter2@tax.example/"}, {"url": "ftp://x"}, {"url": "x"}, {"url": "http://x", "status": "abc"}, {"url": "http://x", "status": "300-200"}} {
		if _, err := b.CheckParams(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	if got := b.TargetName(map[string]any{"url": "http://ops:hunter2@tax.example/"}); strings.Contains(got, "hunter2") {
		t.Errorf("the target shows a password: %s", got)
	}
}

// certify makes a self-signed certificate.
func certify(t *testing.T, name string, from, until time.Time) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	cert, text := certify(t, "seal.example", at.Add(-24*time.Hour), at.Add(100*24*time.Hour))
	file := filepath.Join(t.TempDir(), "seal.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func(c *tls.Config) int {
		c.Certificates = []tls.Certificate{cert}
		return peer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, tls.Server(conn, c)) })
	}
	port := serve(&tls.Config{})
	b := newHost(Deps{}).certificate()
	ask := func(now time.Time, params map[string]any) probe.Result {
		t.Helper()
		return titled(t, b.Kind, b.Run(t.Context(), target(t, b, params, nil, now)))
	}
	remote := func(extra map[string]any) map[string]any {
		p := map[string]any{"host": "127.0.0.1", "port": port, "server_name": "seal.example", "ca_file": file}
		for k, v := range extra {
			p[k] = v
		}
		return p
	}
	wants(t, ask(at, remote(nil)), probe.OK, "", "seal.example", "剩余 100.0 天")
	wants(t, ask(at.Add(80*24*time.Hour), remote(nil)), probe.Warning, probe.ReasonThreshold, "<30")
	wants(t, ask(at.Add(95*24*time.Hour), remote(nil)), probe.Critical, probe.ReasonThreshold, "<7")
	r := ask(at.Add(101*24*time.Hour), remote(nil))
	wants(t, r, probe.Critical, probe.ReasonThreshold, "-1")
	if strings.Contains(r.Summary, "信任链") {
		t.Errorf("an expired certificate of a trusted authority has no problem of trust: %s", r.Summary)
	}
	wants(t, ask(at, remote(map[string]any{"ca_file": ""})), probe.Warning, "chain", "信任链有问题", "不受信任")
	wants(t, ask(at, remote(map[string]any{"server_name": "other.example"})), probe.Warning, "hostname", "域名不符")
	wants(t, ask(at, remote(map[string]any{"server_name": "other.example", "ca_file": "", "verify": false})), probe.OK, "")
	wants(t, ask(at, map[string]any{"file": file, "verify": false}), probe.OK, "", file)
	wants(t, ask(at, map[string]any{"file": file + ".gone"}), probe.Critical, "missing")
	wants(t, ask(at, map[string]any{"host": "127.0.0.1", "port": closedPort(t)}), probe.Critical, "refused")
	wants(t, ask(at.Add(-48*time.Hour), remote(nil)), probe.Critical, "not_yet_valid", "尚未生效")

	// A peer that wants a certificate of ours shows its own before it refuses.
	mutual := serve(&tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12})
	wants(t, ask(at, map[string]any{"host": "127.0.0.1", "port": mutual, "server_name": "seal.example", "ca_file": file}), probe.OK, "")

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	tg := target(t, b, map[string]any{"host": "127.0.0.1", "port": peer(t, silent)}, nil, at)
	wants(t, b.Run(ctx, tg), probe.Critical, probe.ReasonTimeout, "TLS 握手", "没有应答")

	for _, bad := range []map[string]any{nil, {"host": "x", "file": "y"}} {
		if _, err := b.CheckParams(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestDiscoverServices(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(web.Close)
	u, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	h := listening(t, map[string]int{"nginx": port})
	found := h.http().Discover(t.Context())
	if len(found) != 1 || found[0].Params["url"] != web.URL+"/" || found[0].Params["status"] != "401" || !strings.Contains(found[0].Why, "nginx") {
		t.Errorf("found %+v", found)
	}
	if found := h.process().Discover; found != nil {
		t.Error("processes must not be proposed")
	}
}
