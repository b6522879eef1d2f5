package builtin

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
)

// TestInstanceThatDoesNotServe asks each kind of database in each way it may fail to answer.
func TestInstanceThatDoesNotServe(t *testing.T) {
	t.Parallel()
	h := newHost(Deps{})
	kinds := map[string]probe.Builtin{"postgresql": h.postgresql()[0], "mysql": h.mysql()[0], "redis": h.redis()[0]}
	for _, tt := range []struct {
		kind, name string
		serve      func(net.Conn)
		state      probe.State
		reason     probe.Reason
		words      []string
	}{
		{"postgresql", "hangs", silent, probe.Critical, probe.ReasonTimeout, []string{"已接受连接", "没有应答"}},
		{"postgresql", "denied", postgresSays("28P01", `password authentication failed for user "postgres"`), probe.Unknown, probe.ReasonDenied, []string{"pg_monitor", "password authentication failed"}},
		{"postgresql", "full", postgresSays("53300", "sorry, too many clients already"), probe.Critical, "connections_full", []string{"连接数已满"}},
		{"postgresql", "starting", postgresSays("57P03", "the database system is starting up"), probe.Critical, "starting", nil},
		{"postgresql", "no database", postgresSays("3D000", `database "x" does not exist`), probe.Unknown, "no_database", nil},
		{"mysql", "hangs", silent, probe.Critical, probe.ReasonTimeout, []string{"已接受连接", "没有应答"}},
		{"mysql", "hangs after greeting", func(c net.Conn) { _, _ = c.Write(mysqlGreeting()); silent(c) }, probe.Critical, probe.ReasonTimeout, nil},
		{"mysql", "denied", mysqlSays(1045, "Access denied for user 'root'@'localhost'"), probe.Unknown, probe.ReasonDenied, []string{"REPLICATION CLIENT", "Access denied"}},
		{"mysql", "full", mysqlSays(1040, "Too many connections"), probe.Critical, "connections_full", nil},
		{"redis", "hangs", silent, probe.Critical, probe.ReasonTimeout, []string{"已接受连接", "没有应答"}},
		{"redis", "denied", redisSays("-NOAUTH Authentication required."), probe.Unknown, probe.ReasonDenied, []string{"ACL SETUSER", "NOAUTH"}},
		{"redis", "not permitted", redisSays("-NOPERM this user has no permissions to run the 'info' command"), probe.Unknown, probe.ReasonDenied, nil},
		{"redis", "loading", redisSays("-LOADING Redis is loading the dataset in memory"), probe.Critical, "starting", nil},
		{"redis", "another protocol", redisSays("+hello"), probe.Critical, "failed", nil},
	} {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			b := kinds[tt.kind]
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			if tt.reason != probe.ReasonTimeout {
				ctx = t.Context()
			}
			r := b.Run(ctx, target(t, b, map[string]any{"host": "127.0.0.1", "port": peer(t, tt.serve)}, nil, at))
			if tt.reason == probe.ReasonTimeout && ctx.Err() != nil {
				t.Error("the answer came after the context had ended")
			}
			wants(t, r, tt.state, tt.reason, tt.words...)
		})
	}
	for name, b := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wants(t, run(t, b, map[string]any{"host": "127.0.0.1", "port": closedPort(t)}, nil), probe.Critical, "refused", "拒绝连接")
			wants(t, run(t, b, map[string]any{"socket": filepath.Join(t.TempDir(), "gone.sock")}, nil), probe.Critical, "refused", "不存在")
			r := run(t, b, map[string]any{"host": "127.0.0.1", "port": peer(t, hangsUp)}, nil)
			if r.State != probe.Critical {
				t.Errorf("hangs up: %s %s %s", r.State, r.Reason, r.Summary)
			}
			for _, p := range b.Params {
				if p.Secret != (p.Name == "password") {
					t.Errorf("%s: secret %v", p.Name, p.Secret)
				}
			}
		})
	}
}

// listening makes a host whose kernel tables show real listeners under the names of programs.
func listening(t *testing.T, ports map[string]int) host {
	t.Helper()
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	files := map[string]string{}
	pid := 100
	links := map[string]string{}
	for owner, port := range ports {
		pid++
		addr := "0100007F"
		if !littleEndian() {
			addr = "7F000001"
		}
		table += fmt.Sprintf("   0: %s:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n", addr, port, pid)
		files[fmt.Sprintf("proc/%d/comm", pid)] = owner + "\n"
		files[fmt.Sprintf("proc/%d/fd/.keep", pid)] = ""
		links[fmt.Sprintf("%d/fd/3", pid)] = fmt.Sprintf("socket:[%d]", pid)
	}
	files["proc/net/tcp"] = table
	h := tree(t, files)
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(h.Proc, name)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestDiscoverInstances(t *testing.T) {
	t.Parallel()
	ports := map[string]int{
		"postgres": peer(t, postgresSays("28P01", "no")), "mariadbd": peer(t, mysqlSays(1045, "no")), "redis-server": peer(t, redisSays("-NOAUTH no")),
	}
	h := listening(t, ports)
	for owner, b := range map[string]probe.Builtin{"postgres": h.postgresql()[0], "mariadbd": h.mysql()[0], "redis-server": h.redis()[0]} {
		found := b.Discover(t.Context())
		if len(found) != 1 || found[0].Params["port"] != ports[owner] || found[0].Params["host"] != "127.0.0.1" || !strings.Contains(found[0].Why, owner) {
			t.Errorf("%s: %+v", b.Kind, found)
			continue
		}
		if _, err := b.CheckParams(found[0].Params); err != nil {
			t.Errorf("%s refuses what it found: %v", b.Kind, err)
		}
	}
	// Whoever accepts and stays silent is no instance, and does not hold up the others.
	h = listening(t, map[string]int{"postgres": peer(t, silent), "redis-server": peer(t, silent), "mysqld": peer(t, silent)})
	for _, b := range []probe.Builtin{h.postgresql()[0], h.mysql()[0], h.redis()[0]} {
		began := time.Now()
		if found := b.Discover(t.Context()); found != nil {
			t.Errorf("%s: %+v", b.Kind, found)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s took %s", b.Kind, took)
		}
	}
}

func TestListeners(t *testing.T) {
	t.Parallel()
	if littleEndian() { // the recording was made on such a machine
		var where []string
		for _, l := range parseTCP(testdata(t, "proc_net_tcp.txt")) {
			where = append(where, l.where())
		}
		got := strings.Join(where, " ")
		for _, want := range []string{"127.0.0.1:5432", "127.0.0.1:3306", "127.0.0.1:6379", "127.0.0.1:2024"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is not among %s", want, got)
			}
		}
		if six := parseTCP(testdata(t, "proc_net_tcp6.txt")); len(six) != 2 || six[0].where() != "[::1]:4369" {
			t.Errorf("%+v", six)
		}
	}
	sockets := parseUnix(testdata(t, "proc_net_unix.txt"))
	if len(sockets) != 2 || sockets[0].path != "/var/run/postgresql/.s.PGSQL.5432" || sockets[1].inode == "" {
		t.Errorf("%+v", sockets)
	}
}

func TestSignInTriesDefaultsWhileRefused(t *testing.T) {
	t.Parallel()
	var tried []string
	try := func(_ context.Context, user string) (string, error) {
		tried = append(tried, user)
		if user == "ok" {
			return user, nil
		}
		return "", net.ErrClosed
	}
	refused := func(error) bool { return true }
	if got, err := signIn(t.Context(), "", []string{"a", "a", "ok", "z"}, try, refused); got != "ok" || err != nil || len(tried) != 2 {
		t.Errorf("%q, %v after %v", got, err, tried)
	}
	tried = nil
	if _, err := signIn(t.Context(), "set", []string{"ok"}, try, refused); err == nil || len(tried) != 1 {
		t.Errorf("a set account must be the only one: %v", tried)
	}
}

func FuzzParseListeners(f *testing.F) {
	f.Add([]byte("   0: 0100007F:18EB 00000000:0000 0A 0 0 0 0 0 4921 1\n"))
	f.Add([]byte("0: 00000002 00000000 00010000 0001 01 4903 /run/x.sock\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseTCP(b)
		parseUnix(b)
		parseInfo(string(b))
	})
}
