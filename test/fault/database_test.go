package fault_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"taxops/internal/kernel/store"
	"taxops/test/program"
)

// proxy stands between the program and its PostgreSQL, and can be closed like a cable.
type proxy struct {
	listener net.Listener
	network  string
	target   string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{}
}

// newProxy returns the proxy and the database's URL through it.
func newProxy(t *testing.T, databaseURL string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	host, port := u.Hostname(), u.Port()
	if h := q.Get("host"); h != "" {
		host = h
		q.Del("host")
	}
	if p := q.Get("port"); p != "" {
		port = p
		q.Del("port")
	}
	if port == "" {
		port = "5432"
	}
	p := &proxy{network: "tcp", target: net.JoinHostPort(host, port), conns: map[net.Conn]struct{}{}}
	if host == "" || host[0] == '/' {
		p.network, p.target = "unix", host+"/.s.PGSQL."+port
	}
	if p.listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.cut()
	})
	go p.accept()
	u.Host = p.listener.Addr().String()
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(c)
	}
}

func (p *proxy) serve(c net.Conn) {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		_ = c.Close()
		return
	}
	d, err := net.Dial(p.network, p.target) //nolint:noctx // ends with the test
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	p.conns[c], p.conns[d] = struct{}{}, struct{}{}
	p.mu.Unlock()
	go func() { _, _ = io.Copy(d, c); _ = d.Close(); _ = c.Close() }()
	_, _ = io.Copy(c, d)
	_, _ = c.Close(), d.Close()
}

// cut closes every connection and refuses new ones until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func TestDatabaseGoneForAWhile(t *testing.T) {
	s := newSite(t, binary, store.Postgres)
	cable, through := newProxy(t, s.db.URL())
	s.Env = append(s.Env, "TAXOPS_DATABASE_URL="+through)
	p := program.Start(t, s.Options)
	if err := p.Until(time.Minute, func(ctx context.Context) bool {
		return s.count(ctx, "SELECT coalesce(sum(ran), 0) FROM inspect_round") > 0
	}); err != nil {
		t.Fatal(err)
	}
	cable.cut() // in the middle of the first round
	if err := p.Until(30*time.Second, func(ctx context.Context) bool {
		return program.Status(ctx, p.URL+"/readyz") == 503
	}); err != nil {
		t.Fatalf("/readyz does not say that the database is gone: %v", err)
	}
	if got := program.Status(t.Context(), p.URL+"/healthz"); got != 200 {
		t.Errorf("/healthz: %d while the database is gone, want 200: the process itself is well", got)
	}
	if got := program.Status(t.Context(), p.URL+"/api/v1/access/setup"); got != 503 {
		t.Errorf("an operation answers %d while the database is gone, want 503", got)
	}
	away := time.NewTimer(12 * time.Second)
	<-away.C
	cable.mend()
	if err := p.Ready(30 * time.Second); err != nil {
		t.Fatalf("not ready after the database came back: %v", err)
	}
	if err := p.Until(3*time.Minute, func(ctx context.Context) bool {
		return s.settled(ctx) && s.count(ctx, "SELECT count(*) FROM inspect_round") > 0
	}); err != nil {
		t.Fatalf("the round was not brought to its end: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop: %v\n%s", err, p.Output())
	}
	s.whole(t)
}

func TestTwoServersOnOneDatabase(t *testing.T) {
	s := newSite(t, binary, store.Postgres)
	first := program.Start(t, s.Options)
	if err := first.Ready(time.Minute); err != nil {
		t.Fatal(err)
	}
	second := s.Options
	second.Data = t.TempDir()
	// The key ring belongs to the installation: its first start makes it, the second server gets the same.
	copyFolder(t, s.Data+"/keys", second.Data+"/keys")
	servers := []*program.Process{first, program.Start(t, second)}
	for i := range 4 {
		if err := servers[0].Until(time.Minute, func(ctx context.Context) bool {
			return s.count(ctx, "SELECT count(*) FROM inspect_round WHERE state = 'finished'") > i
		}); err != nil {
			t.Fatalf("round %d: %v", i+1, err)
		}
		s.hurry(t)
	}
	// One of them dies; the other goes on.
	_ = servers[0].Kill()
	done := s.count(t.Context(), "SELECT count(*) FROM inspect_round WHERE state = 'finished'")
	s.hurry(t)
	if err := servers[1].Until(3*time.Minute, func(ctx context.Context) bool {
		if s.count(ctx, "SELECT count(*) FROM inspect_round WHERE state = 'finished'") <= done {
			return false
		}
		return s.settled(ctx)
	}); err != nil {
		t.Fatalf("the server that is left did not go on: %v", err)
	}
	if err := servers[1].Stop(); err != nil {
		t.Errorf("stop: %v\n%s", err, servers[1].Output())
	}
	s.whole(t)
	if n := s.count(t.Context(), "SELECT count(*) FROM fleet_asset WHERE kind = 'host'"); n != 1 {
		t.Errorf("%d hosts: two servers of one machine are one asset", n)
	}
}
