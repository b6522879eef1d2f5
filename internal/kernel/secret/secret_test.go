package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"taxops/internal/kernel/secret"
)

func open(t *testing.T, c secret.Config) *secret.Ring {
	t.Helper()
	r, err := secret.OpenRing(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRingIsMadeOnceAndOpensAgain(t *testing.T) {
	c := secret.Config{File: filepath.Join(t.TempDir(), "keys", "ring.json")}
	a := open(t, c)
	sealed, err := a.Seal("access.totp", "row-1", []byte("种子"))
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, c)
	if plain, err := b.Open("access.totp", "row-1", sealed); err != nil || string(plain) != "种子" {
		t.Fatalf("%q, %v", plain, err)
	}
	if a.Signer().Fingerprint() != b.Signer().Fingerprint() || !bytes.Equal(a.BlindIndex("login", "x"), b.BlindIndex("login", "x")) {
		t.Error("another ring was made")
	}
	for _, name := range []string{c.File, c.File + ".kek"} {
		st, err := os.Stat(name)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, st.Mode(), err)
		}
	}
}

func TestManyProcessesMakeOneRing(t *testing.T) {
	c := secret.Config{File: filepath.Join(t.TempDir(), "ring.json")}
	var wg sync.WaitGroup
	prints := make([]string, 8)
	for i := range prints {
		wg.Go(func() {
			r, err := secret.OpenRing(context.Background(), c)
			if err != nil {
				t.Error(err)
				return
			}
			prints[i] = r.Signer().Fingerprint()
		})
	}
	wg.Wait()
	for _, p := range prints {
		if p != prints[0] {
			t.Fatalf("several rings: %v", prints)
		}
	}
}

func TestPassphrase(t *testing.T) {
	c := secret.Config{File: filepath.Join(t.TempDir(), "ring.json"), Passphrase: secret.NewText("correct horse")}
	print := open(t, c).Signer().Fingerprint()
	if open(t, c).Signer().Fingerprint() != print {
		t.Error("another ring was made")
	}
	if _, err := os.Stat(c.File + ".kek"); !os.IsNotExist(err) {
		t.Error("a key file was made beside a passphrase")
	}
	c.Passphrase = secret.NewText("wrong")
	if _, err := secret.OpenRing(t.Context(), c); !errors.Is(err, secret.ErrWrongKEK) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	c.Passphrase = secret.Text{}
	if _, err := secret.OpenRing(t.Context(), c); !errors.Is(err, secret.ErrNeedsPassphrase) {
		t.Errorf("no passphrase: %v", err)
	}
}

func TestDamagedOrOpenFilesAreRefused(t *testing.T) {
	c := secret.Config{File: filepath.Join(t.TempDir(), "ring.json")}
	open(t, c)
	whole, err := os.ReadFile(c.File)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		if _, err := secret.OpenRing(t.Context(), c); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
	write := func(b []byte, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(c.File, b, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(c.File, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(whole, 0o644)
	refused("a ring that others may read")
	write(whole[:len(whole)/2], 0o600)
	refused("half a ring")
	// The index key in the place of the signing key.
	var m map[string]any
	if err := json.Unmarshal(whole, &m); err != nil {
		t.Fatal(err)
	}
	m["signing"] = m["index"]
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(b, 0o600)
	refused("a key in another's place")
	write(whole, 0o600)
	if err := os.WriteFile(c.File+".kek", []byte("00112233445566778899aabbccddeeff\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.OpenRing(t.Context(), c); !errors.Is(err, secret.ErrWrongKEK) {
		t.Errorf("another key file: %v", err)
	}
}

func TestRotate(t *testing.T) {
	c := secret.Config{File: filepath.Join(t.TempDir(), "ring.json")}
	a, b := open(t, c), open(t, c)
	old, err := a.Seal("p", "1", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	index := a.BlindIndex("p", "v")
	if err := a.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Rotate(t.Context()); err != nil { // the other process must not lose the first one's key
		t.Fatal(err)
	}
	fresh, err := a.Seal("p", "1", []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(old[1:5], fresh[1:5]) {
		t.Error("the new value is sealed by the old key")
	}
	newest, err := b.Seal("p", "1", []byte("newest"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*secret.Ring{a, b, open(t, c)} { // a has not heard of b's key yet
		for _, x := range []struct {
			sealed []byte
			want   string
		}{{old, "old"}, {fresh, "new"}, {newest, "newest"}} {
			if plain, err := r.Open("p", "1", x.sealed); err != nil || string(plain) != x.want {
				t.Errorf("%q, %v; want %q", plain, err, x.want)
			}
		}
		if !bytes.Equal(r.BlindIndex("p", "v"), index) {
			t.Error("the blind index changed")
		}
	}
}

func TestSealedValuesAreBound(t *testing.T) {
	r := open(t, secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	rapid.Check(t, func(rt *rapid.T) {
		purpose, row, plain := rapid.String().Draw(rt, "purpose"), rapid.String().Draw(rt, "row"), rapid.SliceOf(rapid.Byte()).Draw(rt, "plain")
		sealed, err := r.Seal(purpose, row, plain)
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := r.Open(purpose, row, sealed); err != nil || !bytes.Equal(got, plain) {
			rt.Fatalf("%q, %v", got, err)
		}
		p2, r2 := rapid.String().Draw(rt, "other purpose"), rapid.String().Draw(rt, "other row")
		if p2 != purpose || r2 != row {
			if _, err := r.Open(p2, r2, sealed); !errors.Is(err, secret.ErrSealed) {
				rt.Fatalf("opened elsewhere: %v", err)
			}
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(rt, "at")
		sealed[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flip"))
		if _, err := r.Open(purpose, row, sealed); !errors.Is(err, secret.ErrSealed) {
			rt.Fatalf("a changed value opened: %v", err)
		}
		if _, err := r.Open(purpose, row, sealed[:at]); !errors.Is(err, secret.ErrSealed) {
			rt.Fatalf("a short value opened: %v", err)
		}
		if bytes.Equal(r.BlindIndex(purpose, row), r.BlindIndex(purpose+row, "")) && row != "" {
			rt.Fatal("two values have one blind index")
		}
	})
}

func TestSigner(t *testing.T) {
	s := open(t, secret.Config{File: filepath.Join(t.TempDir(), "ring.json")}).Signer()
	sig, err := s.Sign([]byte("head"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := secret.ParsePublicKey(s.PublicKeyPEM())
	if err != nil {
		t.Fatal(err)
	}
	if !key.Verify([]byte("head"), sig) || key.Verify([]byte("tail"), sig) || key.Verify([]byte("head"), sig[1:]) {
		t.Error("signatures are not told apart")
	}
	if f := key.Fingerprint(); f != s.Fingerprint() || len(f) != 64+15 {
		t.Errorf("fingerprint %q", f)
	}
	for _, bad := range []string{"", "x", "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n", strings.Replace(s.PublicKeyPEM(), "PUBLIC", "PRIVATE", 2)} {
		if _, err := secret.ParsePublicKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}

func TestTextNeverShowsItself(t *testing.T) {
	s := secret.NewText("hunter2")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "in", struct{ S secret.Text }{s})
	b, err := json.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(b) + fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s) + fmt.Sprint(struct{ S *secret.Text }{&s}) + fmt.Sprintf("%+v %#v", struct{ S secret.Text }{s}, []secret.Text{s})
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("shown: %s", shown)
	}
	var in struct{ P secret.Text }
	if err := json.Unmarshal([]byte(`{"P":"hunter2"}`), &in); err != nil || in.P.Reveal() != "hunter2" {
		t.Errorf("%v", err)
	}
}
