package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// selfSigned is how long a self-made certificate lasts; browsers refuse longer ones.
const selfSigned = 397 * 24 * time.Hour

// serverCertificate loads the certificate given, or makes one for this host in the data directory and
// renews it in its last month. The fingerprint is what a person compares in the browser.
func serverCertificate(dir, certFile, keyFile, host string, now time.Time) (tls.Certificate, string, error) {
	var none tls.Certificate
	if certFile == "" {
		certFile, keyFile = filepath.Join(dir, "tls", "server.crt"), filepath.Join(dir, "tls", "server.key")
		fresh, err := stillGood(certFile, host, now)
		if err != nil {
			return none, "", err
		}
		if !fresh {
			if err := makeCertificate(certFile, keyFile, host, now); err != nil {
				return none, "", err
			}
		}
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return none, "", fmt.Errorf("TLS certificate: %w", err)
	}
	sum := sha256.Sum256(cert.Certificate[0])
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return cert, strings.Join(parts, ":"), nil
}

func stillGood(certFile, host string, now time.Time) (bool, error) {
	b, err := os.ReadFile(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("TLS certificate: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return false, nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false, nil // ours and broken: it is made anew
	}
	return now.Add(30*24*time.Hour).Before(c.NotAfter) && (host == "" || c.VerifyHostname(host) == nil), nil
}

func makeCertificate(certFile, keyFile, host string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("TLS key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("TLS serial: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "taxops"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSigned),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if name, err := os.Hostname(); err == nil {
		template.DNSNames = append(template.DNSNames, name)
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else if host != "" {
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("TLS key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(certFile), 0o700); err != nil {
		return fmt.Errorf("folder for TLS: %w", err)
	}
	// The key first: a certificate without its key would be taken for good at the next start.
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return fmt.Errorf("write the TLS key: %w", err)
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return fmt.Errorf("write the TLS certificate: %w", err)
	}
	return nil
}
