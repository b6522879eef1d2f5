package secret

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/argon2"

	"taxops/internal/kernel/clock"
)

// Config says where the ring is and what opens it.
type Config struct {
	// File is the ring; it is made with mode 0600 when it is not there.
	File string
	// KEKFile holds the key-encryption key, 32 hexadecimal digits; it is made with mode 0600 together
	// with the ring. "" means File + ".kek". Not used when there is a passphrase.
	KEKFile string
	// Passphrase, when set, makes the key-encryption key (argon2id).
	Passphrase Text
	// Clock dates the data keys; nil is the system's.
	Clock clock.Clock
}

// Errors of OpenRing.
var (
	// ErrWrongKEK says that the passphrase or key file is not the one that made the ring.
	ErrWrongKEK = errors.New("the passphrase or key file does not open the key ring")
	// ErrNeedsPassphrase says that the ring was made with a passphrase and none was given.
	ErrNeedsPassphrase = errors.New("the key ring needs its passphrase")
)

// ringFile is the file's content. Every key is sealed by the KEK and bound to its place.
type ringFile struct {
	Version int         `json:"version"`
	KDF     *kdfParams  `json:"kdf,omitempty"` // absent when the KEK is in a file
	Keys    []sealedKey `json:"keys"`          // data keys; the last one seals
	Index   []byte      `json:"index"`         // key of blind indexes, never rotated
	Signing []byte      `json:"signing"`       // SM2 key, PKCS #8
}

type kdfParams struct {
	Salt    []byte `json:"salt"`
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
}

type sealedKey struct {
	Number    uint32    `json:"number"`
	CreatedAt time.Time `json:"created_at"`
	Sealed    []byte    `json:"sealed"`
}

// Ring is the open key ring. It is safe for concurrent use.
type Ring struct {
	path   string
	clock  clock.Clock
	kek    *Key
	signer *Signer
	index  []byte

	mu     sync.RWMutex
	keys   map[uint32][]byte // data keys by number
	active uint32            // the one that seals
	subs   map[subKey]*Key   // derived keys
}

type subKey struct {
	number  uint32
	purpose string
}

// OpenRing opens the ring, and makes it when the file is not there. Two processes that make it at
// the same moment end with the same ring.
func OpenRing(ctx context.Context, c Config) (*Ring, error) {
	if c.File == "" {
		return nil, errors.New("key ring: no file given")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("key ring: %w", err)
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	raw, err := os.ReadFile(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		if raw, err = makeRing(c); err != nil {
			return nil, fmt.Errorf("make the key ring %s: %w", c.File, err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("key ring: %w", err)
	}
	if err := onlyOurs(c.File); err != nil {
		return nil, err
	}
	file, err := parseRing(c.File, raw)
	if err != nil {
		return nil, err
	}
	kek, err := c.kek(file.KDF)
	if err != nil {
		return nil, fmt.Errorf("key ring %s: %w", c.File, err)
	}
	r := &Ring{path: c.File, clock: c.Clock, kek: kek}
	if err := r.load(file); err != nil {
		return nil, fmt.Errorf("key ring %s: %w", c.File, err)
	}
	return r, nil
}

func parseRing(name string, raw []byte) (ringFile, error) {
	var file ringFile
	if err := json.Unmarshal(raw, &file); err != nil || file.Version != 1 || len(file.Keys) == 0 {
		return file, fmt.Errorf("key ring %s is damaged: %w", name, errors.Join(err, ErrSealed))
	}
	return file, nil
}

func onlyOurs(name string) error {
	st, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("key ring: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("key ring: %s may be read by others (mode %#o); set it to 0600", name, st.Mode().Perm())
	}
	return nil
}

func (r *Ring) load(file ringFile) error {
	keys, err := r.openKeys(file)
	if err != nil {
		return err
	}
	index, err := r.kek.Open("ring.index", file.Index)
	if err != nil {
		return fmt.Errorf("index key: %w", err)
	}
	der, err := r.kek.Open("ring.signing", file.Signing)
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	parsed, err := smx509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	key, ok := parsed.(*sm2.PrivateKey)
	if !ok {
		return fmt.Errorf("signing key: not SM2 but %T", parsed)
	}
	if r.signer, err = newSigner(key); err != nil {
		return err
	}
	r.index = index
	r.keys, r.active, r.subs = keys, file.Keys[len(file.Keys)-1].Number, map[subKey]*Key{}
	return nil
}

func (r *Ring) openKeys(file ringFile) (map[uint32][]byte, error) {
	keys := make(map[uint32][]byte, len(file.Keys))
	for _, k := range file.Keys {
		raw, err := r.kek.Open(keyBinding(k.Number), k.Sealed)
		if err != nil {
			return nil, ErrWrongKEK
		}
		keys[k.Number] = raw
	}
	return keys, nil
}

func keyBinding(n uint32) string { return "ring.key." + strconv.FormatUint(uint64(n), 10) }

// makeRing writes a new ring and returns what is in the file, which another process may have won.
func makeRing(c Config) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(c.File), 0o700); err != nil {
		return nil, err
	}
	file := ringFile{Version: 1}
	if !c.Passphrase.Empty() {
		salt := make([]byte, 16)
		_, _ = rand.Read(salt)
		file.KDF = &kdfParams{Salt: salt, Time: 3, Memory: 64 << 10, Threads: 2}
	} else if err := createOnce(c.kekFile(), fmt.Appendf(nil, "%x\n", RandomKey())); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	kek, err := c.kek(file.KDF)
	if err != nil {
		return nil, err
	}
	signing, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	der, err := smx509.MarshalPKCS8PrivateKey(signing)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	index := make([]byte, 32)
	_, _ = rand.Read(index)
	file.Keys = []sealedKey{newDataKey(kek, 1, c.Clock.Now())}
	file.Index, file.Signing = kek.Seal("ring.index", index), kek.Seal("ring.signing", der)
	raw, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := createOnce(c.File, raw); err != nil {
		return nil, err
	}
	return os.ReadFile(c.File)
}

func newDataKey(kek *Key, number uint32, now time.Time) sealedKey {
	return sealedKey{Number: number, CreatedAt: now.Truncate(time.Second), Sealed: kek.Seal(keyBinding(number), RandomKey())}
}

func (c Config) kekFile() string {
	if c.KEKFile != "" {
		return c.KEKFile
	}
	return c.File + ".kek"
}

func (c Config) kek(kdf *kdfParams) (*Key, error) {
	if kdf != nil {
		if c.Passphrase.Empty() {
			return nil, ErrNeedsPassphrase
		}
		if kdf.Time == 0 || kdf.Threads == 0 || kdf.Memory > 1<<20 || kdf.Time > 64 {
			return nil, fmt.Errorf("passphrase parameters: %w", ErrSealed)
		}
		return NewKey(argon2.IDKey([]byte(c.Passphrase.Reveal()), kdf.Salt, kdf.Time, kdf.Memory, kdf.Threads, 16))
	}
	if err := onlyOurs(c.kekFile()); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(c.kekFile())
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	raw := make([]byte, 16)
	if n, err := fmt.Sscanf(string(b), "%32x", &raw); err != nil || n != 1 || len(raw) != 16 {
		return nil, fmt.Errorf("key file %s does not hold 32 hexadecimal digits", c.kekFile())
	}
	return NewKey(raw)
}

// Seal seals plain for one purpose ("access.totp") and one row.
func (r *Ring) Seal(purpose, rowID string, plain []byte) ([]byte, error) {
	r.mu.RLock()
	active := r.active
	r.mu.RUnlock()
	k, err := r.sub(active, purpose)
	if err != nil {
		return nil, err
	}
	out := make([]byte, headerSize, headerSize+nonceSize+len(plain)+tagSize)
	out[0] = sealVersion
	binary.BigEndian.PutUint32(out[1:], active)
	return append(out, k.Seal(binding(purpose, rowID), plain)...), nil
}

// Open opens what Seal made for the same purpose and row.
func (r *Ring) Open(purpose, rowID string, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	k, err := r.sub(binary.BigEndian.Uint32(sealed[1:]), purpose)
	if err != nil {
		return nil, err
	}
	return k.Open(binding(purpose, rowID), sealed[headerSize:])
}

// sub is the key of one purpose, derived so that no key seals values of two kinds.
func (r *Ring) sub(number uint32, purpose string) (*Key, error) {
	at := subKey{number, purpose}
	r.mu.RLock()
	k, raw := r.subs[at], r.keys[number]
	r.mu.RUnlock()
	if k != nil {
		return k, nil
	}
	if raw == nil { // another process may have rotated
		if err := r.reload(); err != nil {
			return nil, err
		}
		r.mu.RLock()
		raw = r.keys[number]
		r.mu.RUnlock()
	}
	if raw == nil {
		return nil, fmt.Errorf("data key %d is not in the ring: %w", number, ErrSealed)
	}
	k, err := NewKey(mac(raw, "seal", purpose)[:16])
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.subs[at] = k
	r.mu.Unlock()
	return k, nil
}

// BlindIndex (盲索引) is a keyed hash of a value, by which a sealed value is found without being opened.
// It is the same for ever, also after Rotate.
func (r *Ring) BlindIndex(purpose, value string) []byte { return mac(r.index, "index", purpose, value) }

// Signer is the installation's signing key.
func (r *Ring) Signer() *Signer { return r.signer }

// Rotate adds a data key that seals from now on. Older values open with the older keys, which stay.
// Other processes that hold the same ring learn of the key when they meet its first value.
func (r *Ring) Rotate(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("rotate the data key: %w", err)
	}
	unlock, err := lockFile(r.path + ".lock")
	if err != nil {
		return fmt.Errorf("rotate the data key: %w", err)
	}
	err = r.addKey()
	if err = errors.Join(err, unlock()); err != nil {
		return fmt.Errorf("rotate the data key: %w", err)
	}
	return r.reload()
}

func (r *Ring) addKey() error {
	raw, err := os.ReadFile(r.path)
	if err != nil {
		return err
	}
	file, err := parseRing(r.path, raw)
	if err != nil {
		return err
	}
	file.Keys = append(file.Keys, newDataKey(r.kek, file.Keys[len(file.Keys)-1].Number+1, r.clock.Now()))
	if raw, err = json.MarshalIndent(file, "", "  "); err != nil {
		return err
	}
	return replace(r.path, raw)
}

// reload reads the data keys again.
func (r *Ring) reload() error {
	raw, err := os.ReadFile(r.path)
	if err != nil {
		return fmt.Errorf("key ring: %w", err)
	}
	file, err := parseRing(r.path, raw)
	if err != nil {
		return err
	}
	keys, err := r.openKeys(file)
	if err != nil {
		return fmt.Errorf("key ring %s: %w", r.path, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.active = keys, file.Keys[len(file.Keys)-1].Number
	return nil
}
