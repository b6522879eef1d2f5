package inspect

import (
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// States of a finding.
const (
	Open     state.State = "open"
	Assigned state.State = "assigned"
	Repaired state.State = "repaired"
	Closed   state.State = "closed"
)

// What happens to a finding.
const (
	assign    state.Event = "assign"
	repair    state.Event = "repair"
	postpone  state.Event = "postpone"
	recur     state.Event = "recur"   // a bad result after it was said to be repaired
	recovered state.Event = "recover" // a good result
	waived    state.Event = "waive"   // its check is not applicable, by an approved decision
)

// findingMachine is the life of a finding.
func findingMachine() state.Machine {
	edges := []state.Edge{
		{From: Open, Event: assign, To: Assigned, Permission: PermissionHandle},
		{From: Assigned, Event: assign, To: Assigned, Permission: PermissionHandle},
		{From: Repaired, Event: assign, To: Assigned, Permission: PermissionHandle},
		{From: Assigned, Event: repair, To: Repaired, Permission: PermissionHandle},
		{From: Assigned, Event: postpone, To: Assigned, Permission: PermissionHandle},
		{From: Repaired, Event: recur, To: Assigned},
	}
	for _, s := range []state.State{Open, Assigned, Repaired} {
		edges = append(edges, state.Edge{From: s, Event: recovered, To: Closed}, state.Edge{From: s, Event: waived, To: Closed})
	}
	return state.Machine{
		Name: "inspect.finding", Initial: Open, Final: []state.State{Closed}, Edges: edges,
		Titles: map[state.State][2]string{
			Open: {"待派", "Open"}, Assigned: {"处理中", "Assigned"},
			Repaired: {"待复检", "Repaired"}, Closed: {"已消除", "Closed"},
		},
	}
}

// Finding is what is wrong with one check, from its first bad result to its first good one.
type Finding struct {
	bun.BaseModel `bun:"table:inspect_finding,alias:finding"`
	ID            string `bun:",pk"`
	Number        string
	State         state.State
	Active        int
	Severity      string
	Urgency       int64 // made by the database from Severity and OpenedAt: red first, the newest first among equals
	Title         string
	TitleEN       string `bun:"title_en"`
	Summary       string
	CheckID       string
	AssetID       string
	AssetName     string
	Kind          string
	Class         string
	OpenedAt      store.Time
	LastSeenAt    store.Time
	SeenCount     int64
	ClosedAt      store.Time
	AssigneeID    string
	DueAt         store.Time
	Postponed     int64 // times the due time was moved
	Overdue       int   // 1 once the due time passed and no good result had come
	Recurrence    int64 // findings of the check before this one, each at most recursWithin after the last
	Recurring     int   // 1 when Recurrence is not 0
	PreviousID    string
	FirstResultID string
	LastResultID  string
	AreaPath      string
	SystemID      string
	Version       int64
}

// Severities, in words of the list.
const (
	severityWarning  = "warning"
	severityUnknown  = "unknown"
	severityCritical = "critical"
)

func severityOf(s probe.State) string {
	switch s {
	case probe.Critical:
		return severityCritical
	case probe.Warning:
		return severityWarning
	default:
		return severityUnknown
	}
}

// gravity orders severities as states are ordered.
func gravity(severity string) int {
	switch severity {
	case severityCritical:
		return 3
	case severityUnknown:
		return 2
	case severityWarning:
		return 1
	}
	return 0
}

// dueAfter is the time to repair that is proposed when a finding is assigned.
func dueAfter(severity string) time.Duration {
	if severity == severityWarning {
		return 3 * 24 * time.Hour
	}
	return 4 * time.Hour
}

const (
	// recursWithin is how soon after the end of a finding the next one of its check counts as the same
	// trouble come back (复发): what a repair did not cure shows within a month.
	recursWithin = 30 * 24 * time.Hour
	// maxPostpone is how far one postponement may move a due time.
	maxPostpone = 90 * 24 * time.Hour
)

// succeed names the finding of the same check before f, nil when there was none.
func (f *Finding) succeed(before *Finding) {
	if before == nil {
		return
	}
	f.PreviousID = before.ID
	if !before.ClosedAt.IsZero() && f.OpenedAt.Sub(before.ClosedAt.Time) <= recursWithin {
		f.Recurrence, f.Recurring = before.Recurrence+1, 1
	}
}

// step is what a result did to a finding.
type step struct {
	worsenedFrom string // severity before, when it became graver
	recurred     bool
	closed       bool
}

// observe moves an active finding by a later result.
func (f *Finding) observe(r *Result, said probe.State, at store.Time) (step, error) {
	var done step
	var err error
	f.LastResultID = r.ID
	if r.good() {
		if f.State, err = findingMachine().Next(f.State, recovered); err != nil {
			return done, err
		}
		f.Active, f.ClosedAt = 0, at
		done.closed = true
		return done, nil
	}
	f.LastSeenAt, f.Summary = r.RanAt, r.Summary
	f.SeenCount++
	if s := severityOf(said); gravity(s) > gravity(f.Severity) {
		done.worsenedFrom, f.Severity = f.Severity, s
	}
	if f.State == Repaired {
		if f.State, err = findingMachine().Next(f.State, recur); err != nil {
			return done, err
		}
		done.recurred = true
	}
	return done, nil
}

// open starts a finding from a bad result.
func open(c *Check, r *Result, said probe.State) *Finding {
	title, titleEN := c.TitleZH, c.TitleEN
	if c.Target != "" {
		title += " " + c.Target
		titleEN += " " + c.Target
	}
	return &Finding{
		State: findingMachine().Initial, Active: 1, Severity: severityOf(said), Title: title, TitleEN: titleEN, Summary: r.Summary,
		CheckID: c.ID, AssetID: c.AssetID, AssetName: c.AssetName, Kind: c.Kind, Class: c.Class,
		OpenedAt: r.RanAt, LastSeenAt: r.RanAt, SeenCount: 1, FirstResultID: r.ID, LastResultID: r.ID,
		AreaPath: c.AreaPath, SystemID: c.SystemID, Version: 1,
	}
}
