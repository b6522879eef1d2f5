package parallel

import (
	"sync"

	"golang.org/x/time/rate"

	"taxops/internal/kernel/problem"
)

// Bounds of what is taken in a second. A storm of one Zabbix server must not take the platform from the
// people who use it; Zabbix sends again what was refused.
const (
	perSource  = 50
	burst      = 500
	badPerHost = 1
	badBurst   = 20
	mostHosts  = 10_000
)

// gate bounds reports by source, and attempts without a good token by address.
type gate struct {
	mu      sync.Mutex
	sources map[string]*rate.Limiter
	bad     map[string]*rate.Limiter
}

func newGate() *gate {
	return &gate{sources: map[string]*rate.Limiter{}, bad: map[string]*rate.Limiter{}}
}

func (g *gate) limiter(of map[string]*rate.Limiter, key string, limit rate.Limit, size int) *rate.Limiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := of[key]
	if l == nil {
		if len(of) >= mostHosts {
			clear(of) // at worst everybody is forgiven once
		}
		l = rate.NewLimiter(limit, size)
		of[key] = l
	}
	return l
}

func tooMany() error {
	p := problem.New(problem.RateLimited, "too many reports: send this one again later")
	p.RetryAfter = 5
	return p
}

// report lets a report of a source in.
func (g *gate) report(sourceID string) error {
	if !g.limiter(g.sources, sourceID, perSource, burst).Allow() {
		return tooMany()
	}
	return nil
}

// refused counts an attempt without a good token; it says so itself when there were too many.
func (g *gate) refused(network string) error {
	if !g.limiter(g.bad, network, badPerHost, badBurst).Allow() {
		return tooMany()
	}
	return problem.New(problem.Unauthenticated, "a report needs the token of an active source: Authorization: Bearer …")
}
