// Package probe says what can be inspected and how an inspection answers.
//
// A [Builtin] is one kind of check (检查项类型) that the program carries in itself: what it looks
// at, what a person may set, and the function that looks. It knows neither the database nor the
// schedule: the inspection module decides when it runs, and stores what it says. Modules offer
// kinds of their own through the same type, so that the platform inspects itself in the way it
// inspects everything else.
//
// Guarantees: a check that could not look is [Unknown], never [OK]; a source that does not exist
// on this asset is Unknown with [ReasonNoSource] and is counted apart; a check never changes what
// it looks at.
package probe

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// State is the outcome of a check (状态), with the numbers of the monitoring plug-in convention.
type State int

// The four states. Their order of gravity is not their number: see [Worse].
const (
	OK       State = 0
	Warning  State = 1
	Critical State = 2
	Unknown  State = 3
)

// String returns the state in the capital letters of the plug-in convention.
func (s State) String() string {
	switch s {
	case OK:
		return "OK"
	case Warning:
		return "WARNING"
	case Critical:
		return "CRITICAL"
	case Unknown:
		return "UNKNOWN"
	}
	return fmt.Sprintf("STATE(%d)", int(s))
}

// ParseState reads what String wrote.
func ParseState(s string) (State, error) {
	for _, st := range []State{OK, Warning, Critical, Unknown} {
		if st.String() == s {
			return st, nil
		}
	}
	return Unknown, fmt.Errorf("state %q is none of OK, WARNING, CRITICAL, UNKNOWN", s)
}

// gravity orders CRITICAL > UNKNOWN > WARNING > OK: not knowing is worse than a warning.
func (s State) gravity() int {
	switch s {
	case OK:
		return 0
	case Warning:
		return 1
	case Critical:
		return 3
	default:
		return 2
	}
}

// Worse returns the graver of two states.
func Worse(a, b State) State {
	if b.gravity() > a.gravity() {
		return b
	}
	return a
}

// Class is one of the contract's six classes of inspection (六类巡检), clause 4.2.1.2-(1)…(6).
type Class string

// The six classes.
const (
	OSLog       Class = "os_log"      // 操作系统日志
	Hardware    Class = "hardware"    // 硬件状态
	Service     Class = "service"     // 服务运行健康
	Performance Class = "performance" // 应用性能
	Instance    Class = "instance"    // 数据实例状态
	Data        Class = "data"        // 数据完整性与推送
)

// Classes lists the six classes in the order of the contract.
func Classes() []Class { return []Class{OSLog, Hardware, Service, Performance, Instance, Data} }

// TitleZH names the class as the contract does.
func (c Class) TitleZH() string {
	switch c {
	case OSLog:
		return "操作系统日志"
	case Hardware:
		return "硬件状态"
	case Service:
		return "服务运行健康"
	case Performance:
		return "应用性能"
	case Instance:
		return "数据实例状态"
	case Data:
		return "数据完整性与推送"
	}
	return string(c)
}

// TitleEN names the class in English.
func (c Class) TitleEN() string {
	switch c {
	case OSLog:
		return "Operating system logs"
	case Hardware:
		return "Hardware"
	case Service:
		return "Service health"
	case Performance:
		return "Application performance"
	case Instance:
		return "Data instances"
	case Data:
		return "Data integrity and delivery"
	}
	return string(c)
}

// Reason says why a result has its state, for machines; the summary says it for people.
type Reason string

// Reasons that the rest of the program treats specially. Any other reason is free text in snake_case.
const (
	ReasonNone     Reason = ""
	ReasonNoSource Reason = "no_source" // the asset has no such thing: shown apart, never green
	ReasonTimeout  Reason = "timeout"   // the check did not answer in its time
	ReasonPanic    Reason = "panic"     // the check itself is broken
	ReasonDenied   Reason = "denied"    // the check may not look: rights or credentials are missing
	// ReasonDown: what the check asks does not serve at all, which the check of its kind's Overview
	// reports. It is UNKNOWN in the round, and one outage is one finding.
	ReasonDown Reason = "instance_down"
)

// Perf is one measured value (性能数据) in the plug-in convention: 'label'=value[uom];warn;crit;min;max.
type Perf struct {
	Label string   `json:"label"`
	Value float64  `json:"value"`
	UOM   string   `json:"uom"`            // "", "%", "s", "B", "c" (counter)
	Warn  string   `json:"warn,omitempty"` // a range: [@]start:end
	Crit  string   `json:"crit,omitempty"`
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
}

// Result is what one run of a check says.
type Result struct {
	State   State
	Reason  Reason
	Summary string // one line for people, in Chinese; figures with units
	Details string // further lines, may be empty; at most 64 KiB, cut by the runner
	Perf    []Perf
}

// Param is one thing a person may set for a check of this kind.
type Param struct {
	Name             string
	Type             string // "string", "int", "float", "bool", "strings" (list of string)
	Required, Secret bool   // a secret is stored encrypted and never shown again
	Default          any
	TitleZH, TitleEN string
}

// Threshold is a metric with the ranges that make it WARNING and CRITICAL when nobody set others.
type Threshold struct {
	Metric     string // the Perf labels it belongs to, see MetricOf
	Warn, Crit string // ranges in the plug-in convention
	Unit       string
}

// Target is one check to run: a kind with its settings on an asset.
type Target struct {
	Params     map[string]any   // validated against Builtin.Params, defaults filled in
	Thresholds map[string]Limit // by metric; defaults filled in
	Memory     Memory           // what the last run wanted to remember (counters, bookmarks)
	Log        *slog.Logger
	Now        func() time.Time // the clock of the caller
	Since      time.Time        // when the round began: what was learned before is no answer to it
}

// Limit is a pair of ranges in the plug-in convention; an empty one never alerts.
type Limit struct {
	Warn string `json:"warn"`
	Crit string `json:"crit"`
}

// Memory keeps small values between two runs of the same check, for rates and bookmarks. Values
// survive a restart and are written with the result, so a result that was lost takes its bookmark
// with it. At most 16 keys of at most 4 KiB.
type Memory interface {
	Get(key string) (string, bool)
	Set(key, value string)
}

// Found is one check that discovery proposes for this host.
type Found struct {
	Params map[string]any
	Why    string // what was seen, for people: "127.0.0.1:5432 answers as PostgreSQL"
}

// Builtin is one kind of check.
type Builtin struct {
	Kind             string // "perf.disk"; stable, stored with each result
	Class            Class
	TitleZH, TitleEN string
	HelpZH, HelpEN   string // what it looks at, where from, what to do when it is red
	Params           []Param
	Thresholds       []Threshold
	Check            func(params map[string]any) error // a rule over several params, nil for none
	Verified         string                            // "tested" 已实测: against the real thing; "samples" 仅样本: against recorded output
	VerifiedOn       string                            // with what version and when: "PostgreSQL 15, 2026-11"
	Timeout          time.Duration                     // default 30 s, at most 310 s: a foreign program gets 300 s, and must then be ended
	Overview         string                            // the kind that reports whether what this one asks serves at all; see ReasonDown

	// ClassOf returns the class that a check with these params belongs to, for kinds that run whatever a
	// person brings; nil when all belong to Class.
	ClassOf func(params map[string]any) Class
	// TitleOf names a check with these params in the words of who added it, "" for the title of the kind;
	// nil when all are called like the kind.
	TitleOf func(params map[string]any) string
	// Verify is asked when a person adds or changes a check, and never when it runs: what Check cannot
	// know without looking elsewhere. nil for none. Its error is shown to the person.
	Verify func(ctx context.Context, params map[string]any) error
	// Target names what a check with these params looks at ("127.0.0.1:5432", "/var"); "" for the host itself.
	Target func(params map[string]any) string
	// Run looks. It returns within its context's deadline and never panics on purpose; an error is
	// not a result: what cannot be looked at is a Result with state Unknown.
	Run func(ctx context.Context, t Target) Result
	// Discover proposes the checks of this kind that make sense on this host, nil for none.
	// A kind that always makes sense proposes one Found without params.
	Discover func(ctx context.Context) []Found
}
