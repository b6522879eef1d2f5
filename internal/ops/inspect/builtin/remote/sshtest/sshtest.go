// Package sshtest is an SSH server for tests: it speaks the real protocol on loopback and runs what it
// is told with this machine's sh.
package sshtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Options say whom the server lets in.
type Options struct {
	Password string
	Key      ssh.PublicKey
	Forward  bool // whether it may be used as a jump
	Greeting string
}

// Server is a server that ends with its test.
type Server struct {
	Port    int
	HostKey string // as in authorized_keys
	tried   atomic.Int64
	options Options
	config  *ssh.ServerConfig
	conns   sync.WaitGroup
}

// Tried counts the attempts to sign in.
func (s *Server) Tried() int64 { return s.tried.Load() }

// New starts a server.
func New(t *testing.T, o Options) *Server {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Port: l.Addr().(*net.TCPAddr).Port, HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), options: o}
	s.config = &ssh.ServerConfig{
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			s.tried.Add(1)
			if o.Password == "" || string(password) != o.Password {
				return nil, errors.New("no")
			}
			return nil, nil
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			s.tried.Add(1)
			if o.Key == nil || !bytes.Equal(key.Marshal(), o.Key.Marshal()) {
				return nil, errors.New("no")
			}
			return nil, nil
		},
	}
	s.config.AddHostKey(signer)
	var mu sync.Mutex
	var open []net.Conn
	s.conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			s.conns.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		s.conns.Wait()
	})
	return s
}

func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	s.conns.Go(func() { ssh.DiscardRequests(requests) })
	for c := range channels {
		switch {
		case c.ChannelType() == "session":
			channel, requests, err := c.Accept()
			if err == nil {
				s.conns.Go(func() { s.session(channel, requests) })
			}
		case c.ChannelType() == "direct-tcpip" && s.options.Forward:
			s.conns.Go(func() { s.forward(c) })
		default:
			_ = c.Reject(ssh.Prohibited, "no")
		}
	}
}

func (s *Server) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		var command struct{ Text string }
		if ssh.Unmarshal(r.Payload, &command) != nil {
			_ = r.Reply(false, nil)
			return
		}
		_ = r.Reply(true, nil)
		_, _ = io.WriteString(channel, s.options.Greeting)
		cmd := exec.Command("/bin/sh", "-c", command.Text) //nolint:gosec // what a test says
		cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
		in, err := cmd.StdinPipe()
		if err != nil {
			return
		}
		s.conns.Go(func() {
			_, _ = io.Copy(in, channel)
			in.Close()
		})
		code := uint32(0)
		var exit *exec.ExitError
		if err := cmd.Run(); errors.As(err, &exit) {
			code = uint32(exit.ExitCode()) //nolint:gosec // 0 to 255
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
		return
	}
}

func (s *Server) forward(c ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if ssh.Unmarshal(c.ExtraData(), &to) != nil {
		_ = c.Reject(ssh.Prohibited, "no")
		return
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, "no")
		return
	}
	defer conn.Close()
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	s.conns.Go(func() { ssh.DiscardRequests(requests) })
	s.conns.Go(func() {
		_, _ = io.Copy(conn, channel)
		conn.Close()
	})
	_, _ = io.Copy(channel, conn)
}
