// Package remote looks into a host that has no agent, over SSH (免代理巡检).
//
// Words: a login (登录方式) is an address with an account and a host key that a person has accepted; a
// jump (跳板机) is a login through which another is reached; a bundle (数据包) is the content of the
// files that were asked for, which one small script of sh and cat prints.
//
// Guarantees: nothing is sent, not even the name of the account's key, before the host has shown
// the key that was accepted; a host without an accepted key and one with another key are errors
// that carry the fingerprints; what is run there only reads, and holds nothing that a setting of a
// check could change but the paths of [Script], which are quoted; what comes back is bounded, and
// a path in it that leads elsewhere is refused. Everything ends with its context.
package remote

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Login is a way into a host.
type Login struct {
	Name       string // what people call it
	Host       string
	Port       int
	User       string
	Password   string // either this
	Key        string // or a private key, PEM or OpenSSH
	Passphrase string // of the key, "" for none
	Pinned     string // the host key that was accepted, as in authorized_keys; "" for none yet
	Jump       *Login // nil for a direct way
}

// Address is where the login leads, host:port.
func (l Login) Address() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// HostKeyError is a host that did not show the key that was accepted, or for which none was.
type HostKeyError struct {
	Login   string
	Offered string // fingerprint, SHA256:…
	Pinned  string // fingerprint, "" when none was accepted yet
	Key     string // the offered key, as in authorized_keys
}

func (e *HostKeyError) Error() string {
	if e.Pinned == "" {
		return fmt.Sprintf("host key of %s is not accepted yet: %s", e.Login, e.Offered)
	}
	return fmt.Sprintf("host key of %s is %s, accepted was %s", e.Login, e.Offered, e.Pinned)
}

// ErrDenied is an account that the host refuses.
var ErrDenied = errors.New("account refused")

// ErrKey is a private key that cannot be used.
var ErrKey = errors.New("private key cannot be read")

// Fingerprint names a key as people compare it, SHA256:….
func Fingerprint(key string) string {
	k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(key))
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(k)
}

// Dial is how connections are made; the caller decides what may be reached.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Client is a session with a host. Close ends it and those it came through.
type Client struct {
	ssh   *ssh.Client
	conns []net.Conn
	stop  func() bool
}

// Close ends the session.
func (c *Client) Close() {
	c.stop()
	if c.ssh != nil {
		_ = c.ssh.Close() //nolint:errcheck // nothing is waiting
	}
	for i := len(c.conns) - 1; i >= 0; i-- {
		_ = c.conns[i].Close() //nolint:errcheck // nothing is waiting
	}
}

// handshakeWithin bounds one sign-in; a peer that accepts and says nothing costs no more.
const handshakeWithin = 10 * time.Second

// Connect signs in, through the jumps. The session ends with ctx.
func Connect(ctx context.Context, l Login, dial Dial) (*Client, error) {
	c := &Client{}
	// A context that ends closes the connections: the library knows no contexts.
	c.stop = context.AfterFunc(ctx, func() {
		for _, conn := range c.conns {
			_ = conn.Close() //nolint:errcheck // it is over
		}
	})
	var way []Login
	for at := &l; at != nil; at = at.Jump {
		if len(way) > 4 {
			return nil, errors.New("too many jumps")
		}
		way = append([]Login{*at}, way...)
	}
	for i, hop := range way {
		var conn net.Conn
		var err error
		if i == 0 {
			conn, err = dial(ctx, "tcp", hop.Address())
		} else {
			conn, err = c.ssh.DialContext(ctx, "tcp", hop.Address())
		}
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("connect to %s: %w", hop.Name, err)
		}
		c.conns = append(c.conns, conn)
		client, err := handshake(ctx, conn, hop)
		if err != nil {
			c.Close()
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, fmt.Errorf("sign in to %s: %w", hop.Name, err)
		}
		c.ssh = client
	}
	return c, nil
}

func handshake(ctx context.Context, conn net.Conn, l Login) (*ssh.Client, error) {
	var wrong *HostKeyError
	config := &ssh.ClientConfig{User: l.User, Timeout: handshakeWithin, ClientVersion: "SSH-2.0-taxops"}
	config.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
		offered := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
		if pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(l.Pinned)); err == nil && subtle.ConstantTimeCompare(pinned.Marshal(), key.Marshal()) == 1 {
			return nil
		}
		wrong = &HostKeyError{Login: l.Name, Offered: ssh.FingerprintSHA256(key), Pinned: Fingerprint(l.Pinned), Key: offered}
		return wrong
	}
	config.HostKeyAlgorithms = algorithmsOf(l.Pinned)
	methods, err := l.methods()
	if err != nil {
		return nil, err
	}
	config.Auth = methods
	end := time.Now().Add(handshakeWithin)
	if by, ok := ctx.Deadline(); ok && by.Before(end) {
		end = by
	}
	if err := conn.SetDeadline(end); err != nil && !strings.Contains(err.Error(), "not supported") { // channels of a jump have none
		return nil, fmt.Errorf("limit the time of the sign-in: %w", err)
	}
	sc, channels, requests, err := ssh.NewClientConn(conn, l.Address(), config)
	switch {
	case wrong != nil:
		return nil, wrong
	case err != nil && strings.Contains(err.Error(), "unable to authenticate"):
		return nil, fmt.Errorf("%w: %s", ErrDenied, l.User)
	case err != nil:
		return nil, fmt.Errorf("speak SSH: %w", err)
	}
	_ = conn.SetDeadline(time.Time{}) //nolint:errcheck // as above
	return ssh.NewClient(sc, channels, requests), nil
}

// algorithmsOf asks for the kind of key that was accepted: a host has several, and showing another
// one of its own would look like another host.
func algorithmsOf(pinned string) []string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(pinned))
	if err != nil {
		return nil
	}
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return []string{key.Type()}
}

func (l Login) methods() ([]ssh.AuthMethod, error) {
	if l.Key != "" {
		signer, err := ParseKey(l.Key, l.Passphrase)
		if err != nil {
			return nil, err
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, nil
	}
	return []ssh.AuthMethod{
		ssh.Password(l.Password),
		ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = l.Password
			}
			return answers, nil
		}),
	}, nil
}

// ParseKey reads a private key; the error is [ErrKey] and never holds any of it.
func ParseKey(key, passphrase string) (ssh.Signer, error) {
	parse := func() (ssh.Signer, error) { return ssh.ParsePrivateKey([]byte(key)) }
	if passphrase != "" {
		parse = func() (ssh.Signer, error) { return ssh.ParsePrivateKeyWithPassphrase([]byte(key), []byte(passphrase)) }
	}
	signer, err := parse()
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, fmt.Errorf("%w: it has a passphrase", ErrKey)
	case err != nil:
		return nil, ErrKey
	}
	return signer, nil
}

// ErrTooMuch is an answer longer than asked for.
var ErrTooMuch = errors.New("answer is too long")

// Run runs a command and returns what it printed and its exit code; more than most bytes is [ErrTooMuch].
func (c *Client) Run(ctx context.Context, command string, most int) (out []byte, code int, err error) {
	session, err := c.ssh.NewSession()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, 0, fmt.Errorf("open a session: %w", err)
	}
	defer session.Close() //nolint:errcheck // over already when the command ended
	var stdout, stderr bounded
	stdout.most, stderr.most = most, 4<<10
	session.Stdout, session.Stderr = &stdout, &stderr
	err = session.Run(command)
	var exit *ssh.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, 0, fmt.Errorf("run a command: %w", ctx.Err())
	case errors.As(err, &exit):
		code = exit.ExitStatus()
	case err != nil:
		return nil, 0, fmt.Errorf("run a command: %w", err)
	}
	if stdout.over {
		return nil, code, ErrTooMuch
	}
	return append(stdout.b.Bytes(), stderr.b.Bytes()...), code, nil
}

// bounded keeps the beginning of what is written to it and takes the rest, so that a command ends.
type bounded struct {
	b    bytes.Buffer
	most int
	over bool
}

// Write implements io.Writer.
func (w *bounded) Write(p []byte) (int, error) {
	room := w.most - w.b.Len()
	if room < len(p) {
		w.over = true
	}
	w.b.Write(p[:max(min(room, len(p)), 0)])
	return len(p), nil
}

// Quote makes one word of sh of a text.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
