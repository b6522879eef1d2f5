package parallel

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// How an asset was found for a problem.
const (
	ByAddress  = "address"
	ByHostname = "hostname"
	ByName     = "name"
	Ambiguous  = "ambiguous" // several assets fit: none is taken
	Unknown    = "unknown"   // no asset fits
)

// Statuses of a report.
const (
	Began     = "problem"
	Recovered = "recovery"
)

// Problem is one problem of a Zabbix server.
type Problem struct {
	bun.BaseModel `bun:"table:parallel_problem,alias:theirs"`
	ID            string `bun:",pk"`
	SourceID      string
	EventID       string // of Zabbix
	Host          string // technical name
	HostName      string // visible name
	Address       string
	TriggerID     string
	Title         string
	Severity      int // 0 not classified … 5 disaster
	StartedAt     store.Time
	RecoveredAt   store.Time
	ReceivedAt    store.Time
	AssetID       string
	AssetName     string
	MatchedBy     string
	AreaPath      string
	SystemID      string
	Version       int64
}

// Report is what Zabbix sends about one problem, at its beginning or at its end.
type Report struct {
	EventID, Status         string
	Host, HostName, Address string
	TriggerID, Trigger      string
	Severity                int
	StartedAt               time.Time
	RecoveredAt             time.Time // of a recovery
}

// Bounds of the times that a report may name.
const (
	ahead  = 24 * time.Hour
	behind = 366 * 24 * time.Hour
)

// check refuses what cannot be a report.
func (r *Report) check(now time.Time) error {
	for _, f := range []struct {
		name string
		text *string
		most int
		need bool
	}{
		{"event_id", &r.EventID, 64, true},
		{"host", &r.Host, 128, true},
		{"host_name", &r.HostName, 128, false},
		{"address", &r.Address, 253, false},
		{"trigger_id", &r.TriggerID, 64, false},
		{"trigger", &r.Trigger, 2048, true},
	} {
		*f.text = strings.TrimSpace(*f.text)
		switch {
		case f.need && *f.text == "":
			return problem.InvalidField("body."+f.name, "required", "%s is needed", f.name)
		case utf8.RuneCountInString(*f.text) > f.most:
			return problem.InvalidField("body."+f.name, "too_long", "at most %d characters", f.most)
		}
	}
	if r.Severity < 0 || r.Severity > 5 {
		return problem.InvalidField("body.severity", "out_of_range", "0 to 5")
	}
	inRange := func(field string, t time.Time) error {
		if t.IsZero() || t.After(now.Add(ahead)) || t.Before(now.Add(-behind)) {
			return problem.InvalidField("body."+field, "out_of_range", "a time within the last year: %s; is the clock of Zabbix right?", t.UTC().Format(time.RFC3339))
		}
		return nil
	}
	if err := inRange("started_at", r.StartedAt); err != nil {
		return err
	}
	switch r.Status {
	case Began:
		r.RecoveredAt = time.Time{}
	case Recovered:
		if err := inRange("recovered_at", r.RecoveredAt); err != nil {
			return err
		}
		if r.RecoveredAt.Before(r.StartedAt) {
			return problem.InvalidField("body.recovered_at", "out_of_range", "it ended before it began")
		}
	default:
		return problem.InvalidField("body.status", "unknown", "one of: %s, %s", Began, Recovered)
	}
	return nil
}

// Asset is what this package needs to know of an asset.
type Asset struct {
	ID, Name, Hostname, Address string
	Component                   bool
	AreaPath, SystemID          string
}

// match finds the asset that a host of Zabbix is: by address, else by host name, else by name, and only
// when exactly one fits.
func match(candidates []Asset, host, hostName, address string) (found *Asset, by string) {
	same := func(a string, bs ...string) bool {
		for _, b := range bs {
			if a != "" && strings.EqualFold(a, b) {
				return true
			}
		}
		return false
	}
	for _, way := range []struct {
		by   string
		fits func(a Asset) bool
	}{
		{ByAddress, func(a Asset) bool { return same(a.Address, address) }},
		{ByHostname, func(a Asset) bool { return same(a.Hostname, host, hostName) }},
		{ByName, func(a Asset) bool { return same(a.Name, hostName, host) }},
	} {
		n := 0
		for i := range candidates {
			if !candidates[i].Component && way.fits(candidates[i]) {
				n++
				found = &candidates[i]
			}
		}
		if n == 1 {
			return found, way.by
		}
		if n > 1 {
			return nil, Ambiguous
		}
	}
	return nil, Unknown
}
