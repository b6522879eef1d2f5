package remote

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"taxops/internal/ops/inspect/builtin/remote/sshtest"
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func login(s *sshtest.Server) Login {
	return Login{Name: "db01", Host: "127.0.0.1", Port: s.Port, User: "taxops", Password: "secret", Pinned: s.HostKey}
}

func TestHostKeyIsShownBeforeAnythingIsSaid(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{Password: "secret"})
	l := login(s)
	l.Pinned = ""
	var wrong *HostKeyError
	if _, err := Connect(t.Context(), l, dial); !errors.As(err, &wrong) || wrong.Pinned != "" || wrong.Offered != Fingerprint(s.HostKey) || wrong.Key != s.HostKey {
		t.Fatalf("%v", err)
	}
	other := sshtest.New(t, sshtest.Options{Password: "secret"})
	l.Pinned = other.HostKey
	if _, err := Connect(t.Context(), l, dial); !errors.As(err, &wrong) || wrong.Pinned != Fingerprint(other.HostKey) || wrong.Offered != Fingerprint(s.HostKey) {
		t.Fatalf("%v", err)
	}
	if n := s.Tried(); n != 0 {
		t.Errorf("%d sign-ins were tried at a host that is not known", n)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(b *pem.Block, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(b))
	}
	plain := encode(ssh.MarshalPrivateKey(private, ""))
	locked := encode(ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("open")))
	s := sshtest.New(t, sshtest.Options{Password: "secret", Key: signer.PublicKey()})
	for _, tt := range []struct {
		name   string
		change func(*Login)
		want   error
	}{
		{"password", func(*Login) {}, nil},
		{"wrong password", func(l *Login) { l.Password = "x" }, ErrDenied},
		{"key", func(l *Login) { l.Password, l.Key = "", plain }, nil},
		{"key with passphrase", func(l *Login) { l.Key, l.Passphrase = locked, "open" }, nil},
		{"wrong passphrase", func(l *Login) { l.Key, l.Passphrase = locked, "shut" }, ErrKey},
		{"passphrase left out", func(l *Login) { l.Key = locked }, ErrKey},
		{"no key at all", func(l *Login) { l.Key = "-----BEGIN" }, ErrKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := login(s)
			tt.change(&l)
			c, err := Connect(t.Context(), l, dial)
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if err != nil {
				if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "PRIVATE") {
					t.Errorf("the error tells a secret: %v", err)
				}
				return
			}
			defer c.Close()
			out, code, err := c.Run(t.Context(), "printf hello; exit 3", 100)
			if string(out) != "hello" || code != 3 || err != nil {
				t.Errorf("%q, %d, %v", out, code, err)
			}
			if _, _, err := c.Run(t.Context(), "cat /dev/zero | head -c 5000", 100); !errors.Is(err, ErrTooMuch) {
				t.Errorf("a long answer: %v", err)
			}
		})
	}
}

func TestJump(t *testing.T) {
	t.Parallel()
	bastion := sshtest.New(t, sshtest.Options{Password: "secret", Forward: true})
	inner := sshtest.New(t, sshtest.Options{Password: "secret"})
	l, jump := login(inner), login(bastion)
	jump.Name = "bastion"
	l.Jump = &jump
	dialled := 0
	c, err := Connect(t.Context(), l, func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled++
		return dial(ctx, network, address)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if out, _, err := c.Run(t.Context(), "echo inside", 100); string(out) != "inside\n" || err != nil || dialled != 1 {
		t.Errorf("%q, %v, dialled %d times", out, err, dialled)
	}
	jump.Pinned = inner.HostKey
	var wrong *HostKeyError
	if _, err := Connect(t.Context(), l, dial); !errors.As(err, &wrong) || wrong.Login != "bastion" {
		t.Errorf("a bastion with another key: %v", err)
	}
}

func TestEverythingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{Password: "secret"})
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Connect(ctx, login(s), dial)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ended := make(chan error, 1)
	go func() {
		_, _, err := c.Run(ctx, "echo begun; exec cat", 100)
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a command outlived its context")
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	l := login(s)
	l.Port = silent.Addr().(*net.TCPAddr).Port
	if _, err := Connect(ctx, l, dial); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a host that accepts and says nothing: %v", err)
	}
}

// TestBundle asks a real sh for real files, with names and contents that could be taken for others.
func TestBundle(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t, sshtest.Options{Password: "secret"})
	dir := t.TempDir()
	files := map[string]string{
		"a": "one\n", "b": "no line feed at the end", "empty": "", "with blank": "x\n", "it's": "quoted\n", "binary": "\x00\n=taxops-\nF /etc/passwd\n\xff", "$(touch owned)": "y",
		"crlf": "\n\nz\n\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	nonce, err := Nonce()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(t.Context(), login(s), dial)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	script := Script(nonce, Part{Files: []string{dir + "/*", dir + "/none*", "/proc/uptime", "/no/such/file"}, Exists: []string{dir + "/fold*", dir + "/nope"}})
	out, _, err := c.Run(t.Context(), "exec sh -c "+Quote(script), MaxBundle)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(nonce, append([]byte("Last login: yesterday\n"), out...))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := b.Write(root); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		got, err := os.ReadFile(filepath.Join(root, dir, name))
		if err != nil || string(got) != content {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if up, err := os.ReadFile(filepath.Join(root, "proc/uptime")); err != nil || len(up) == 0 {
		t.Errorf("uptime: %q, %v", up, err)
	}
	if _, err := os.Stat(filepath.Join(root, dir, "folder")); err != nil {
		t.Error(err)
	}
	if b.Len() != len(files)+1 {
		t.Errorf("%d files", b.Len())
	}
	if _, err := os.Stat(filepath.Join(dir, "owned")); err == nil {
		t.Error("a name was executed")
	}
}

func TestPatternsAreQuoted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/proc/[0-9]*/stat": "'/proc/'[0-9]*'/stat'", "/a b/*": "'/a b/'*", "/x;rm -r /": "'/x;rm -r /'", "/[$(x)]": "'/'['$('x')']", "/it's?": `'/it'\''s'?`,
	} {
		if got := glob(in); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

func TestBundleThatIsNone(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]string{
		"nothing": "", "a menu": "Welcome. 1) reboot", "cut short": "\nN F /a\nxyz", "cut in the mark": "\nN F /a\nxyz\nN", "no end": "\nN X /a\n",
		"leads away": "\nN F /a/../../etc/passwd\nx\nN E 0\n\nN Z\n", "relative": "\nN F a\nx\nN E 0\n\nN Z\n", "unknown": "\nN Q /a\n\nN Z\n", "bad end": "\nN F /a\nx\nN E x\n\nN Z\n",
	} {
		if b, err := Parse("N", []byte(out)); !errors.Is(err, ErrBundle) {
			t.Errorf("%s: %v, %v", name, b, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("\nN F /a\nx\nN E 0\n\nN X /b\n\nN P /c\n\nN Z\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		b, err := Parse("N", out)
		if err != nil {
			return
		}
		for name := range b.files {
			if !strings.HasPrefix(name, "/") || strings.Contains(name, "/../") || bytes.ContainsRune([]byte(name), 0) {
				t.Errorf("%q", name)
			}
		}
	})
}
