package journal_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// cable stands between the program and PostgreSQL, and can be pulled.
type cable struct {
	network, target, socket string

	mu    sync.Mutex
	l     net.Listener
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

func newCable(t *testing.T, base string) (*cable, string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(base)
	if err != nil {
		t.Fatal(err)
	}
	network, target := pgxNetwork(cfg)
	dir, err := os.MkdirTemp("", "pg") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cable{network: network, target: target, socket: filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(int(cfg.Port))), conns: map[net.Conn]struct{}{}}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("host", dir)
	q.Set("port", strconv.Itoa(int(cfg.Port)))
	u.Host, u.RawQuery = "", q.Encode()
	c.plug(t)
	t.Cleanup(c.pull)
	return c, u.String()
}

func pgxNetwork(cfg *pgx.ConnConfig) (network, target string) {
	if filepath.IsAbs(cfg.Host) {
		return "unix", filepath.Join(cfg.Host, ".s.PGSQL."+strconv.Itoa(int(cfg.Port)))
	}
	return "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
}

func (c *cable) plug(t *testing.T) {
	t.Helper()
	l, err := net.Listen("unix", c.socket)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.l = l
	c.mu.Unlock()
	c.wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial(c.network, c.target)
			if err != nil {
				_ = in.Close()
				continue
			}
			c.mu.Lock()
			c.conns[in], c.conns[out] = struct{}{}, struct{}{}
			c.mu.Unlock()
			for _, p := range [][2]net.Conn{{in, out}, {out, in}} {
				c.wg.Go(func() {
					_, _ = io.Copy(p[0], p[1])
					_ = p[0].Close()
					_ = p[1].Close()
				})
			}
		}
	})
}

// pull ends all connections and takes no new ones.
func (c *cable) pull() {
	c.mu.Lock()
	_ = c.l.Close()
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
	c.mu.Unlock()
	c.wg.Wait()
}

func TestLoopsOutliveTheDatabase(t *testing.T) {
	b := newBench(t, store.Postgres)
	effects(t, b.db)
	line, through := newCable(t, b.db.URL())
	db, err := store.Open(ctxT(), store.Options{URL: through, Clock: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	j := b.open(t, db, journal.Subscription{Name: "test.all", Types: []string{"test.thing.made"}, Handle: effect("test.all", "a")})
	defer start(t, j)()
	write := func() error {
		return db.Write(ctxT(), func(ctx context.Context, tx *store.Tx) error {
			_, err := j.Append(ctx, tx, made(1))
			return err
		})
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first row", func() bool { return len(effectsOf(t, b.db, "test.all")) == 1 })
	line.pull()
	if err := write(); !errors.Is(err, problem.New(problem.DatabaseUnavailable, "")) {
		t.Fatalf("writing while the database is away: %v", err)
	}
	// Others write meanwhile; nobody but this server runs the journal.
	b.write(t, made(2))
	line.plug(t)
	eventually(t, "writing again", func() bool { return write() == nil })
	eventually(t, "all rows", func() bool { return len(effectsOf(t, b.db, "test.all")) == 3 })
	if rep := b.verify(t); !rep.OK {
		t.Errorf("verify: %+v", rep)
	}
}
