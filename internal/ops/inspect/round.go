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
	Owner         string
	LeaseUntil    int64
	AreaPath      string
	SystemID      string
}

// Item is one check planned for a round.
type Item struct {
	bun.BaseModel `bun:"table:inspect_item,alias:line"`
	RoundID       string `bun:",pk"`
	CheckID       string `bun:",pk"`
	Position      int64
	State         string
	MissedReason  string
}

// tally is how many results of a round have a state.
type tally struct {
	State  string
	Reason string
	N      int64
}

// count fills in the figures of a finished round: what could not be judged does not touch the worst
// state, and an item that was missed is something not known.
func (r *Round) count(results []tally, ran int64) {
	r.OK, r.Warning, r.Critical, r.Unknown, r.NoSource = 0, 0, 0, 0, 0
	r.Ran, r.Missed = ran, r.Planned-ran
	worst, judged := probe.OK, false
	if r.Missed > 0 {
		worst, judged = probe.Unknown, true
	}
	for _, t := range results {
		if t.State == probe.Unknown.String() && t.Reason == string(probe.ReasonNoSource) {
			r.NoSource += t.N
			continue
		}
		s, err := probe.ParseState(t.State)
		if err != nil {
			s = probe.Unknown
		}
		switch s {
		case probe.OK:
			r.OK += t.N
		case probe.Warning:
			r.Warning += t.N
		case probe.Critical:
			r.Critical += t.N
		default:
			r.Unknown += t.N
		}
		worst, judged = probe.Worse(worst, s), true
	}
	r.WorstState = ""
	if judged {
		r.WorstState = worst.String()
	}
}
