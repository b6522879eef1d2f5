package secret

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// A sealed value is: version (1 byte), key number (4 bytes), nonce (12), SM4-GCM text and tag.
const (
	sealVersion = 1
	headerSize  = 5
	nonceSize   = 12
	tagSize     = 16
)

// ErrSealed says that a sealed value does not open: it was changed, or it belongs to another row.
var ErrSealed = errors.New("the sealed value was changed or belongs elsewhere")

func newSM3() hash.Hash { return sm3.New() }

func mac(key []byte, parts ...string) []byte {
	h := hmac.New(newSM3, key)
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// Key is one SM4 key in memory, ready to seal. It never prints.
type Key struct{ aead cipher.AEAD }

// NewKey takes 16 bytes.
func NewKey(raw []byte) (*Key, error) {
	block, err := sm4.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("SM4 key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("SM4-GCM: %w", err)
	}
	return &Key{aead: aead}, nil
}

// RandomKey makes the bytes of a new SM4 key.
func RandomKey() []byte {
	raw := make([]byte, sm4.BlockSize)
	_, _ = rand.Read(raw) // crypto/rand.Read never returns an error
	return raw
}

// String hides the key.
func (*Key) String() string { return Mask }

// Seal seals plain so that it opens only with the same binding.
func (k *Key) Seal(binding string, plain []byte) []byte {
	out := make([]byte, nonceSize, nonceSize+len(plain)+tagSize)
	_, _ = rand.Read(out)
	return k.aead.Seal(out, out[:nonceSize], plain, []byte(binding))
}

// Open opens what Seal made.
func (k *Key) Open(binding string, sealed []byte) ([]byte, error) {
	if len(sealed) < nonceSize+tagSize {
		return nil, ErrSealed
	}
	plain, err := k.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], []byte(binding))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// binding joins purpose and row so that no pair reads like another one.
func binding(purpose, rowID string) string {
	return fmt.Sprintf("%d:%s%s", len(purpose), purpose, rowID)
}
