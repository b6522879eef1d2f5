package inspect

import (
	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// How a round was started.
const (
	bySchedule = "schedule"
	byHand     = "manual"
	byStart    = "start"
)

// States of a round and of its items.
const (
	roundRunning  = "running"
	roundFinished = "finished"

	itemPlanned = "planned"
	itemRan     = "ran"
	itemMissed  = "missed"
)

// Reasons for which an item was missed.
const (
	missedServerStopped = "server_stopped" // the server died
	missedStopped       = "stopped"        // the server was stopped in good order
	missedNotStored     = "not_stored"     // it ran, and the database could not keep the result in time
	missedDeadline      = "deadline"       // the round's time was over before its turn came
	missedNoServer      = "no_server"      // no server of that machine took the round
)

// Round is one run of a plan.
type Round struct {
	bun.BaseModel `bun:"table:inspect_round,alias:round"`
	ID            string `bun:",pk"`
	Number        string
	PlanID        string
	PlanName      string
	HostID        string
	StartedHow    string
	StartedBy     string // account; empty when the program started it
	State         string
	DueAt         store.Time
	DueWhy        string // why the slot was there (package schedule); empty when a person began it
	StartedAt     store.Time
	FinishedAt    store.Time
	Planned       int64
	Ran           int64
	Missed        int64
	MissedReason  string
	OK            int64 `bun:"ok"`
	Warning       int64
	Critical      int64
	Unknown       int64
	NoSource      int64
	WorstState    string
	TreeRoot      string
	FirstRanAt    store.Time // of the results that are there
	LastRanAt     store.Time
	Late          int64 // results that came after the round was closed; in no other figure
	LateAt        store.Time
	Owner         string
	LeaseUntil    int64
	AreaPath      string
	SystemID      string
}

// Item is one check planned for a round that did not run, or not yet: one that ran is a result instead.
type Item struct {
	bun.BaseModel `bun:"table:inspect_item,alias:line"`
	RoundID       string `bun:",pk"`
	CheckID       string `bun:",pk"`
	Position      int64
	State         string
	MissedReason  string
}

// add counts n results of a state.
func (r *Round) add(state, reason string, n int64) {
	switch s, err := probe.ParseState(state); {
	case err == nil && s == probe.OK:
		r.OK += n
	case err == nil && s == probe.Warning:
		r.Warning += n
	case err == nil && s == probe.Critical:
		r.Critical += n
	case reason == string(probe.ReasonNoSource):
		r.NoSource += n
	default:
		r.Unknown += n
	}
}

// conclude fills in what is known at the end of a round: what could not be judged does not touch the worst
// state, and an item that was missed is something not known.
func (r *Round) conclude() {
	r.Missed = r.Planned - r.Ran
	worst, judged := probe.OK, r.OK > 0
	for s, n := range map[probe.State]int64{probe.Warning: r.Warning, probe.Critical: r.Critical, probe.Unknown: r.Unknown + r.Missed} {
		if n > 0 {
			worst, judged = probe.Worse(worst, s), true
		}
	}
	if r.WorstState = ""; judged {
		r.WorstState = worst.String()
	}
}
