package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
)

// HashParams are the costs of argon2id.
type HashParams struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

// DefaultHashParams is the second recommendation of RFC 9106, for machines without spare memory.
func DefaultHashParams() HashParams { return HashParams{MemoryKiB: 64 << 10, Time: 3, Threads: 4} }

func (p HashParams) validate() error {
	if p.MemoryKiB < 8*uint32(p.Threads) || p.MemoryKiB > 1<<20 || p.Time < 1 || p.Time > 16 || p.Threads < 1 {
		return fmt.Errorf("argon2id parameters m=%d,t=%d,p=%d are out of bounds", p.MemoryKiB, p.Time, p.Threads)
	}
	return nil
}

// Hashes of passwords: sizes of salt and key in bytes.
const (
	saltSize = 16
	keySize  = 32
)

// maxWaiting bounds the requests that wait for a hash; further ones are told to come back.
const maxWaiting = 32

// hasher makes and checks password hashes, few at a time, because each one costs memory.
type hasher struct {
	params  HashParams
	slots   chan struct{}
	waiting atomic.Int32
	dummy   string // checked when there is no account, so that the answer takes as long
}

func newHasher(p HashParams, concurrent int) (*hasher, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	h := &hasher{params: p, slots: make(chan struct{}, concurrent)}
	var err error
	h.dummy, err = h.hash(context.Background(), secret.NewText(rand.Text()))
	return h, err
}

// take waits for a slot; give it back with the function returned.
func (h *hasher) take(ctx context.Context) (func(), error) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		p := problem.New(problem.RateLimited, "too many people sign in at this moment")
		p.RetryAfter = 2
		return nil, p
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a password hash: %w", ctx.Err())
	}
}

// hash returns the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password secret.Text) (string, error) {
	give, err := h.take(ctx)
	if err != nil {
		return "", err
	}
	defer give()
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt)
	p := h.params
	key := argon2.IDKey(passwordBytes(password), salt, p.Time, p.MemoryKiB, p.Threads, keySize)
	return encodePHC(p, salt, key), nil
}

// check reports whether a password is the one of the PHC string; an empty string is compared to the
// dummy and never matches.
func (h *hasher) check(ctx context.Context, phc string, password secret.Text) (bool, error) {
	exists := phc != ""
	if !exists {
		phc = h.dummy
	}
	p, salt, want, err := decodePHC(phc)
	if err != nil {
		return false, err
	}
	give, err := h.take(ctx)
	if err != nil {
		return false, err
	}
	defer give()
	got := argon2.IDKey(passwordBytes(password), salt, p.Time, p.MemoryKiB, p.Threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && exists, nil
}

// outdated reports a hash that costs less than one made now.
func (h *hasher) outdated(phc string) bool {
	p, _, _, err := decodePHC(phc)
	return err == nil && (p.MemoryKiB < h.params.MemoryKiB || p.Time < h.params.Time)
}

// passwordBytes makes the same bytes of what two input methods compose differently.
func passwordBytes(t secret.Text) []byte { return []byte(norm.NFC.String(t.Reveal())) }

func encodePHC(p HashParams, salt, key []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.MemoryKiB, p.Time, p.Threads, b.EncodeToString(salt), b.EncodeToString(key))
}

var errPHC = errors.New("the stored password hash is damaged")

func decodePHC(s string) (p HashParams, salt, key []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errPHC
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Time, &p.Threads); err != nil || n != 3 {
		return p, nil, nil, errPHC
	}
	if err := p.validate(); err != nil {
		return p, nil, nil, errors.Join(errPHC, err)
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, errPHC
	}
	return p, salt, key, nil
}
