package secret

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
)

// Signer is the installation's SM2 signing key.
type Signer struct {
	key *sm2.PrivateKey
	pub *PublicKey
}

// PublicKey is the half that anyone may have.
type PublicKey struct {
	key         *ecdsa.PublicKey
	pem         string
	fingerprint string
}

func newSigner(key *sm2.PrivateKey) (*Signer, error) {
	pub, err := newPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &Signer{key: key, pub: pub}, nil
}

func newPublicKey(key *ecdsa.PublicKey) (*PublicKey, error) {
	spki, err := smx509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	sum := sm3.Sum(spki)
	return &PublicKey{
		key:         key,
		pem:         string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})),
		fingerprint: groups(hex.EncodeToString(sum[:])),
	}, nil
}

// groups cuts a fingerprint into fours, as it is read aloud and compared.
func groups(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s[i:min(i+4, len(s))])
	}
	return b.String()
}

// Sign signs a message (not its digest): SM2 with SM3 and the usual user id, ASN.1.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	sig, err := s.key.SignWithSM2(rand.Reader, nil, message)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return sig, nil
}

// Public returns the public key.
func (s *Signer) Public() *PublicKey { return s.pub }

// PublicKeyPEM returns the public key as SubjectPublicKeyInfo in PEM.
func (s *Signer) PublicKeyPEM() string { return s.pub.pem }

// Fingerprint is the SM3 of the SubjectPublicKeyInfo, in groups of four hexadecimal digits.
func (s *Signer) Fingerprint() string { return s.pub.fingerprint }

// ParsePublicKey reads an SM2 public key in PEM.
func ParsePublicKey(text string) (*PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("not a public key in PEM")
	}
	parsed, err := smx509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(key) {
		return nil, errors.New("not an SM2 public key")
	}
	return newPublicKey(key)
}

// Verify reports whether sig is a signature of message by this key.
func (p *PublicKey) Verify(message, sig []byte) bool {
	return sm2.VerifyASN1WithSM2(p.key, nil, message, sig)
}

// PEM returns the key as SubjectPublicKeyInfo.
func (p *PublicKey) PEM() string { return p.pem }

// Fingerprint is as of [Signer.Fingerprint].
func (p *PublicKey) Fingerprint() string { return p.fingerprint }
