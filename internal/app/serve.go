package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/problem"
	"taxops/web"
)

// stopWithin bounds a graceful stop; systemd's own patience is 90 s.
const stopWithin = 20 * time.Second

// Serve runs the platform until ctx ends, then stops it in order. What a person needs to know at the
// start (address, fingerprint, set-up link) goes to out.
func Serve(ctx context.Context, o Options, out io.Writer) (err error) {
	if err := os.MkdirAll(o.Config.Text("data.dir"), 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	unlock, err := lockData(o.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := os.WriteFile(filepath.Join(o.Config.Text("data.dir"), lockFile), []byte(baseURL(o.Config)+"\n"), 0o600); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	o.serving = true
	a, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()

	listener, secure, fingerprint, err := a.listen(ctx)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	server := a.server(secure)
	group := lifecycle.NewGroup(o.Log, a.services()...)
	startCtx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := group.Start(startCtx); err != nil {
		return errors.Join(err, listener.Close())
	}
	go func() { failed <- server.Serve(listener) }()
	if err := a.greet(ctx, out, fingerprint); err != nil {
		o.Log.ErrorContext(ctx, "set-up link", "error", err)
	}

	select {
	case <-ctx.Done():
		o.Log.Info("stopping")
	case err = <-failed:
		err = fmt.Errorf("HTTP server: %w", err)
	}
	stopCtx, cancel2 := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel2()
	// Streams of open screens do not end by themselves; a second is enough for real answers.
	httpCtx, cancel3 := context.WithTimeout(stopCtx, time.Second)
	defer cancel3()
	if serr := server.Shutdown(httpCtx); serr != nil {
		err = errors.Join(err, server.Close())
	}
	return errors.Join(err, group.Stop(stopCtx))
}

// lockFile is held by the server of a data directory and names the address that people reach it by.
const lockFile = "serve.lock"

// servedAt is the address that the last server of a data directory was given, perhaps on its command
// line, which links made beside it must name; "" when there was none.
func servedAt(c *config.Config) string {
	b, err := os.ReadFile(filepath.Join(c.Text("data.dir"), lockFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// lockData makes sure that one server works in a data directory: two would write each other's copies
// and inspect the same machine twice.
func lockData(c *config.Config) (func() error, error) {
	dir := c.Text("data.dir")
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another taxops serves from %s already", dir), f.Close())
	}
	return f.Close, nil
}

func (a *App) greet(ctx context.Context, out io.Writer, fingerprint string) error {
	if _, err := fmt.Fprintf(out, "taxops %s\n  console      %s\n", a.o.Version, a.baseURL); err != nil {
		return err
	}
	if fingerprint != "" {
		if _, err := fmt.Fprintf(out, "  certificate  SHA-256 %s\n", fingerprint); err != nil {
			return err
		}
	}
	needed, err := a.access.SetupNeeded(ctx)
	if err != nil || !needed {
		return err
	}
	link, expires, err := a.access.CreateSetupLink(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "  set-up       %s\n               open it on this machine, once, before %s\n", link, expires.Local().Format("15:04:05"))
	return err
}

// listen opens the address. Loopback is plain HTTP; anything else is TLS unless a proxy does that.
func (a *App) listen(ctx context.Context) (net.Listener, bool, string, error) {
	c := a.o.Config
	addr := c.Text("http.listen")
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, false, "", fmt.Errorf("another program listens on %s already: stop it, or choose another address with --listen", addr)
		}
		return nil, false, "", fmt.Errorf("listen on %s (http.listen, --listen): %w", addr, err)
	}
	if !secureListener(c) {
		return l, secureCookie(c), "", nil
	}
	host, _, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = ""
	}
	cert, fingerprint, err := serverCertificate(a.path(), c.Text("http.tls_cert"), c.Text("http.tls_key"), host, a.o.Clock.Now())
	if err != nil {
		return nil, false, "", errors.Join(err, l.Close())
	}
	return tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}), true, fingerprint, nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

func secureListener(c *config.Config) bool {
	return !loopback(c.Text("http.listen")) && !c.Bool("http.behind_proxy")
}

// secureCookie: behind a proxy people come by https, whatever this listener speaks.
func secureCookie(c *config.Config) bool {
	return secureListener(c) || strings.HasPrefix(c.Text("http.public_url"), "https://")
}

func baseURL(c *config.Config) string {
	if u := strings.TrimSuffix(c.Text("http.public_url"), "/"); u != "" {
		return u
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return listenURL(c, name)
}

// setupURL is how this host reaches its own listener, whatever address people use: set-up is refused
// to everybody who comes from elsewhere, a proxy's callers among them.
func setupURL(c *config.Config) string { return listenURL(c, "127.0.0.1") }

// ownAddress is the one address that is listened on, "" when that is every address or loopback.
func ownAddress(c *config.Config) string {
	host, _, err := net.SplitHostPort(c.Text("http.listen"))
	if err != nil || loopback(c.Text("http.listen")) {
		return ""
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.IsUnspecified() {
		return ""
	}
	return ip.Unmap().String()
}

// listenURL is the address of the listener; every stands for the host when it listens on all addresses.
func listenURL(c *config.Config, every string) string {
	scheme := "http"
	if secureListener(c) {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(c.Text("http.listen"))
	if err != nil {
		return scheme + "://" + c.Text("http.listen")
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = every
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

func (a *App) server(secure bool) *http.Server {
	return &http.Server{
		Handler:           a.Handler(secure),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(a.o.Log.Handler(), slog.LevelDebug),
	}
}

// Handler is everything that answers over HTTP.
func (a *App) Handler(secure bool) http.Handler {
	c := a.o.Config
	trusted, _ := parsePrefixes(c.List("http.trusted_proxies")) // checked when the configuration was read
	allow, _ := parsePrefixes(c.List("session.allow"))
	metricsAllow, _ := parsePrefixes(c.List("http.metrics_allow"))
	mux := a.router.Mux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /openapi.json", a.openAPI)
	mux.Handle("GET /metrics", allowed(a.o.Log, metricsAllow, a.metrics.Handler()))
	mux.HandleFunc(api.Prefix+"/", func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, r, a.o.Log, problem.New(problem.NotFound, "no such operation: %s %s", r.Method, r.URL.Path))
	})
	mux.Handle("/", newConsole(web.Dist()))
	var h http.Handler = mux
	if len(allow) > 0 {
		inner := allowed(a.o.Log, append(allow, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")), mux)
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, api.Prefix) {
				inner.ServeHTTP(w, r)
				return
			}
			mux.ServeHTTP(w, r)
		})
	}
	rps := float64(c.Int("http.requests_per_second"))
	return api.Outer(api.OuterConfig{
		Log: a.o.Log, TrustedProxies: trusted, Secure: secure, Observe: a.metrics.ObserveRequest,
		RequestsPerSecond: rps, Burst: int(rps * 4),
	}, h)
}

func allowed(log *slog.Logger, nets []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr, err := netip.ParseAddr(api.Remote(r.Context()))
		for _, n := range nets {
			if err == nil && n.Contains(addr) {
				next.ServeHTTP(w, r)
				return
			}
		}
		api.WriteProblem(w, r, log, problem.New(problem.Forbidden, "not from this address"))
	})
}

// ready says whether the platform can work now, part by part.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	parts := map[string]string{}
	status := http.StatusOK
	say := func(part string, err error) {
		if err == nil {
			parts[part] = "ok"
			return
		}
		// The cause may name hosts and users: it goes to the log.
		a.o.Log.WarnContext(ctx, "not ready", "part", part, "error", err)
		parts[part], status = "not ready", http.StatusServiceUnavailable
	}
	say("database", a.db.Ping(ctx))
	_, _, err := a.journal.Lag(ctx)
	say("journal", err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(parts) // the reader may have gone
}

func (a *App) openAPI(w http.ResponseWriter, r *http.Request) {
	b, err := a.router.OpenAPI()
	if err != nil {
		api.WriteProblem(w, r, a.o.Log, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// SetupLink makes the link with which the first account is made; a new one each time.
func (a *App) SetupLink(ctx context.Context) (string, error) {
	link, _, err := a.access.CreateSetupLink(ctx)
	return link, err
}

// Operations lists every operation, for those who must call each.
func (a *App) Operations() []api.Info { return a.router.Operations() }

// RegisterLocalHost makes this machine an asset, as the first start does.
func (a *App) RegisterLocalHost(ctx context.Context) error {
	_, err := a.fleet.EnsureLocalHost(ctx)
	return err
}
