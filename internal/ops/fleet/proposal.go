package fleet

import (
	"github.com/uptrace/bun"

	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// States and events of a proposal.
const (
	Proposed state.State = "open"
	Accepted state.State = "accepted"
	Declined state.State = "declined"

	accept  state.Event = "accept"
	decline state.Event = "decline"
)

// proposalMachine is the life of a proposal: what was declined is remembered, and may still be taken in.
func proposalMachine() state.Machine {
	return state.Machine{
		Name: "fleet.proposal", Initial: Proposed, Final: []state.State{Accepted, Declined},
		Edges: []state.Edge{
			{From: Proposed, Event: accept, To: Accepted, Permission: PermissionManage},
			{From: Proposed, Event: decline, To: Declined, Permission: PermissionManage},
			{From: Declined, Event: accept, To: Accepted, Permission: PermissionManage},
		},
		Titles: map[state.State][2]string{Proposed: {"待确认", "Open"}, Accepted: {"已登记", "Registered"}, Declined: {"不登记", "Declined"}},
	}
}

// Sighting is a service that was seen on a machine.
type Sighting struct {
	Key     string // names it on its machine for good, for example "postgresql:5432"
	Service string // what it is, for example "postgresql"; becomes the label service
	Port    int    // 0 when it has none
	Name    string // for people: "PostgreSQL 5432"
	Why     string // what was seen
}

// Proposal is a service that was seen and that a person takes into the register, or not.
type Proposal struct {
	bun.BaseModel `bun:"table:fleet_proposal,alias:proposal"`
	ID            string `bun:",pk"`
	HostID        string
	Key           string
	Service       string
	Port          int
	Name          string
	Why           string
	State         state.State
	Reason        string // why it was declined
	DecidedBy     string
	DecidedAt     store.Time
	AssetID       string `bun:",nullzero"`
	SeenAt        store.Time
	AreaPath      string
	SystemID      string
	Version       int64
}
