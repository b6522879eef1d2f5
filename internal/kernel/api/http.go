package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"taxops/internal/kernel/problem"
)

func writeProblem(setHeader func(string, string), setStatus func(int), w io.Writer, p *Problem) {
	for k, vs := range p.headers {
		for _, v := range vs {
			setHeader(k, v)
		}
	}
	setHeader("Content-Type", "application/problem+json")
	setHeader("Cache-Control", "no-store")
	setStatus(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the reader may have gone; nothing is left to do
}

// WriteProblem answers a plain HTTP request with a problem.
func WriteProblem(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	writeProblem(w.Header().Set, w.WriteHeader, w, toProblem(r.Context(), log, err))
}

// OuterConfig is what the outer layers need.
type OuterConfig struct {
	Log *slog.Logger
	// TrustedProxies may name the caller in X-Forwarded-For; empty for none.
	TrustedProxies []netip.Prefix
	// RequestsPerSecond and Burst bound each address; 0 means 100 and 400.
	RequestsPerSecond float64
	Burst             int
	// Observe is told of each request once it is answered; may be nil.
	Observe func(method, route string, status int, took time.Duration)
	// Secure adds Strict-Transport-Security.
	Secure bool
}

// Outer wraps a handler with what every request passes.
func Outer(c OuterConfig, next http.Handler) http.Handler {
	if c.RequestsPerSecond == 0 {
		c.RequestsPerSecond, c.Burst = 100, 400
	}
	h := limited(c, next)
	h = crossOrigin(c.Log, h)
	h = securityHeaders(c.Secure, h)
	return identified(c, h)
}

func identified(c OuterConfig, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id, err := uuid.NewV7()
		if err != nil {
			http.Error(w, "no randomness", http.StatusInternalServerError)
			return
		}
		ctx := context.WithValue(r.Context(), requestKey{}, id.String())
		ctx = context.WithValue(ctx, remoteKey{}, remoteOf(r, c.TrustedProxies))
		r = r.WithContext(ctx)
		w.Header().Set("Request-Id", id.String())
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				c.Log.ErrorContext(ctx, "request panicked", "request_id", id, "panic", p, "stack", string(debug.Stack()))
				if !rec.wrote {
					WriteProblem(rec, r, c.Log, problem.New(problem.Internal, "something went wrong on our side"))
				}
			}
			took := time.Since(began)
			c.Log.DebugContext(ctx, "request", "request_id", id, "method", r.Method, "path", r.URL.Path, "status", rec.status, "took", took)
			if c.Observe != nil {
				c.Observe(r.Method, r.Pattern, rec.status, took)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers the status; Unwrap keeps flushing and deadlines working through it.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(s int) {
	if !r.wrote {
		r.status, r.wrote = s, true
	}
	r.ResponseWriter.WriteHeader(s)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func remoteOf(r *http.Request, trusted []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	// The last address that is not one of ours is the caller; what stands before it is hearsay.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && contains(trusted, addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop
	}
	return addr.Unmap().String()
}

func contains(ps []netip.Prefix, a netip.Addr) bool {
	for _, p := range ps {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func securityHeaders(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "+
			"worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers older than frame-ancestors
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, Prefix) {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

func crossOrigin(log *slog.Logger, next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, log, problem.New(problem.Forbidden, "a page of another site may not do this"))
	}))
	return p.Handler(next)
}

// limited bounds the requests of each address ([Network]). The table of addresses is bounded too: when it is
// full it is emptied, which at worst forgives everybody once.
func limited(c OuterConfig, next http.Handler) http.Handler {
	const maxAddresses = 10_000
	var mu sync.Mutex
	limits := map[string]*rate.Limiter{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr := Network(Remote(r.Context()))
		mu.Lock()
		l := limits[addr]
		if l == nil {
			if len(limits) >= maxAddresses {
				clear(limits)
			}
			l = rate.NewLimiter(rate.Limit(c.RequestsPerSecond), c.Burst)
			limits[addr] = l
		}
		mu.Unlock()
		if !l.Allow() {
			p := problem.New(problem.RateLimited, "too many requests from this address")
			p.RetryAfter = 1
			WriteProblem(w, r, c.Log, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Network is what is counted together of a caller's address: an IPv6 address is cut to the network
// that one customer is given.
func Network(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil || !a.Is6() || a.Is4In6() {
		return addr
	}
	p, err := a.Prefix(64)
	if err != nil {
		return addr
	}
	return p.String()
}
