package builtin

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"

	"taxops/internal/kernel/probe"
)

func (h host) certificate() probe.Builtin {
	return probe.Builtin{
		Kind: "service.certificate", Class: probe.Service,
		TitleZH: "证书有效期", TitleEN: "Certificate",
		HelpZH: "与指定地址做一次 TLS 握手（或读取 PEM 文件），取证书链中最早到期的剩余天数；信任链、域名有问题时以警告写明。" +
			"变红时：提前向签发方申请续期，更换后在所有节点与负载均衡上核对；自建机构签发的证书请填写 CA 文件。",
		HelpEN: "Makes a TLS handshake with the address (or reads a PEM file) and takes the days left of the certificate in the chain that expires first; problems of trust or host name are a warning. " +
			"When red: ask the issuer for renewal in good time and check all nodes and load balancers after the change; name the CA file for certificates of your own authority.",
		Params: []probe.Param{
			{Name: "host", Type: "string", TitleZH: "主机", TitleEN: "Host"},
			{Name: "port", Type: "int", Default: 443, TitleZH: "端口", TitleEN: "Port"},
			{Name: "server_name", Type: "string", TitleZH: "证书域名（默认同主机）", TitleEN: "Name in the certificate (the host by default)"},
			{Name: "file", Type: "string", TitleZH: "PEM 文件（代替主机）", TitleEN: "PEM file (instead of a host)"},
			{Name: "ca_file", Type: "string", TitleZH: "受信任的 CA 文件", TitleEN: "File of trusted authorities"},
			{Name: "verify", Type: "bool", Default: true, TitleZH: "校验信任链与域名", TitleEN: "Verify chain and name"},
		},
		Thresholds: []probe.Threshold{{Metric: "days_left", Warn: "30:", Crit: "7:", Unit: "d"}},
		Check: func(p map[string]any) error {
			host, _ := p["host"].(string)
			file, _ := p["file"].(string)
			if (host == "") == (file == "") {
				return errors.New("either host or file is required")
			}
			return checkPort(p)
		},
		Target: func(p map[string]any) string {
			if file, _ := p["file"].(string); file != "" {
				return file
			}
			return hostPort(p)
		},
		Verified: verifiedTested, VerifiedOn: "crypto/tls, 2026-11", Timeout: 15 * time.Second,
		Run:      runCertificate,
		Discover: h.discoverCertificate,
	}
}

func runCertificate(ctx context.Context, t probe.Target) probe.Result {
	roots, err := rootsFrom(t.String("ca_file"))
	if err != nil {
		return cannotRead(t.String("ca_file"), "CA 文件", err)
	}
	var chain []*x509.Certificate
	name, where := t.String("server_name"), t.String("file")
	if where != "" {
		b, missing := look(where, "证书文件")
		if missing != nil {
			if missing.Reason == probe.ReasonNoSource { // the file was named by a person: its absence is a fault
				return dialProblem{probe.Critical, "missing", "证书文件 " + where + " 不存在"}.result()
			}
			return *missing
		}
		if chain, err = parsePEM(b); err != nil {
			return dialProblem{probe.Critical, "bad_certificate", fmt.Sprintf("证书文件 %s 无法识别：%v", where, err)}.result()
		}
	} else {
		where = hostPort(t.Params)
		if name == "" {
			name = t.String("host")
		}
		ctx, cancel := answerBy(ctx, 10*time.Second)
		defer cancel()
		began := time.Now()
		if chain, err = handshake(ctx, where, name); err != nil {
			return networkProblem(where+" 的 TLS 握手", err, time.Since(began)).result()
		}
	}
	return judgeChain(t, where, chain, name, roots)
}

// judgeChain takes the certificates of one endpoint, its own first.
func judgeChain(t probe.Target, where string, chain []*x509.Certificate, name string, roots *x509.CertPool) probe.Result {
	now := t.Now()
	first := chain[0]
	for _, c := range chain {
		if c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	r := t.Report()
	days := first.NotAfter.Sub(now).Hours() / 24
	r.Measure("days_left", where+" 证书剩余", days, "d")
	if now.Before(chain[0].NotBefore) {
		r.Raise(probe.Critical, "not_yet_valid", "证书尚未生效")
	}
	if t.Bool("verify") {
		if name != "" {
			if err := chain[0].VerifyHostname(name); err != nil {
				r.Raise(probe.Warning, "hostname", fmt.Sprintf("域名不符：证书不适用于 %s", name))
			}
		}
		between := x509.NewCertPool()
		for _, c := range chain[1:] {
			between.AddCert(c)
		}
		// Expiry is told in days above, so the chain is judged at a time at which the first was valid.
		at := now
		if !at.Before(first.NotAfter) || at.Before(chain[0].NotBefore) {
			at = first.NotAfter.Add(-time.Second)
		}
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			r.Raise(probe.Warning, "chain", "信任链有问题："+certificateWords(err))
		}
	}
	for _, c := range chain {
		r.Detail(fmt.Sprintf("%s，签发 %s，有效期至 %s", subject(c), c.Issuer.CommonName, c.NotAfter.In(time.Local).Format(time.DateTime)))
	}
	return r.Result(fmt.Sprintf("%s 证书 %s 有效期至 %s，剩余 %.1f 天", where, subject(first), first.NotAfter.In(time.Local).Format(time.DateOnly), days))
}

func subject(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	}
	return c.SerialNumber.String()
}

// handshake returns the certificates that the peer shows. They are not verified here: a bad
// certificate must still tell when it expires.
func handshake(ctx context.Context, addr, name string) ([]*x509.Certificate, error) {
	var shown []*x509.Certificate
	config := &tls.Config{
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, //nolint:gosec // nothing is sent; judged afterwards
		// Kept from here, because a peer that wants a certificate of ours ends the handshake after it.
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			for _, der := range raw {
				c, err := x509.ParseCertificate(der)
				if err != nil {
					return fmt.Errorf("certificate of the peer: %w", err)
				}
				shown = append(shown, c)
			}
			return nil
		},
	}
	if net.ParseIP(name) == nil {
		config.ServerName = name
	}
	d := tls.Dialer{NetDialer: dialer(ctx), Config: config}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if conn != nil {
		conn.Close()
	}
	if len(shown) > 0 {
		return shown, nil
	}
	if err == nil {
		err = errors.New("the peer shows no certificate")
	}
	return nil, fmt.Errorf("TLS handshake: %w", err)
}

// parsePEM returns the certificates of a file; keys beside them are passed over.
func parsePEM(b []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		block, b = pem.Decode(bytes.TrimSpace(b))
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(chain)+1, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate inside")
	}
	return chain, nil
}

// rootsFrom returns the trusted authorities, nil (those of the system) without a file.
func rootsFrom(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, errors.New("no certificate inside")
	}
	return pool, nil
}
