package builtin

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// peer is a listener on loopback that treats every connection with serve until the test ends.
func peer(t *testing.T, serve func(net.Conn)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return l.Addr().(*net.TCPAddr).Port
}

// silent accepts and never answers.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// hangsUp accepts and closes at once.
func hangsUp(net.Conn) {}

// closedPort is a port on which nobody listens.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// postgresSays answers the request for TLS with no, and the start with an error.
func postgresSays(code, message string) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			var head [8]byte
			if _, err := io.ReadFull(conn, head[:]); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[:4]))-8); err != nil {
				return
			}
			if binary.BigEndian.Uint32(head[4:]) == 80877103 { // SSLRequest
				if _, err := conn.Write([]byte{'N'}); err != nil {
					return
				}
				continue
			}
			body := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
			out := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(body)+4))
			_, _ = conn.Write(append(out, body...))
			return
		}
	}
}

func mysqlPacket(seq byte, body []byte) []byte {
	n := len(body)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, body...)
}

func mysqlGreeting() []byte {
	body := []byte{10}
	body = append(body, "5.5.5-10.11.0-MariaDB\x00"...)
	body = append(body, 1, 0, 0, 0)
	body = append(body, "12345678\x00"...)                              // scramble
	body = append(body, 0xff, 0xf7, 33, 2, 0, 0xff, 0x81, 21)           // capabilities, charset, status
	body = append(body, make([]byte, 10)...)                            // reserved
	body = append(body, "123456789012\x00mysql_native_password\x00"...) // rest of the scramble
	return mysqlPacket(0, body)
}

// mysqlSays greets and answers the sign-in with an error.
func mysqlSays(number uint16, message string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := conn.Write(mysqlGreeting()); err != nil {
			return
		}
		var head [4]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(head[0])|int64(head[1])<<8); err != nil {
			return
		}
		body := append([]byte{0xff, byte(number), byte(number >> 8), '#'}, "HY000"+message...)
		_, _ = conn.Write(mysqlPacket(head[3]+1, body))
	}
}

// redisSays answers every command with the line.
func redisSays(line string) func(net.Conn) {
	return func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			head, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if head[0] != '*' {
				continue
			}
			for range 2 * int(head[1]-'0') {
				if _, err := r.ReadString('\n'); err != nil {
					return
				}
			}
			if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
				return
			}
		}
	}
}
