package inspect

import (
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// States and events of an exemption.
const (
	ExemptionProposed state.State = "proposed"
	ExemptionActive   state.State = "active"
	ExemptionRefused  state.State = "refused"
	ExemptionEnded    state.State = "ended"

	grant  state.Event = "grant"
	refuse state.Event = "refuse"
	end    state.Event = "end"
)

// exemptionMachine is the life of an exemption.
func exemptionMachine() state.Machine {
	return state.Machine{
		Name: "inspect.exemption", Initial: ExemptionProposed, Final: []state.State{ExemptionRefused, ExemptionEnded},
		Edges: []state.Edge{
			{From: ExemptionProposed, Event: grant, To: ExemptionActive},
			{From: ExemptionProposed, Event: refuse, To: ExemptionRefused},
			{From: ExemptionActive, Event: end, To: ExemptionEnded, Permission: PermissionManage},
		},
		Titles: map[state.State][2]string{
			ExemptionProposed: {"待审批", "Waiting"}, ExemptionActive: {"不适用", "Not applicable"},
			ExemptionRefused: {"未批准", "Refused"}, ExemptionEnded: {"已恢复检查", "Applies again"},
		},
	}
}

// Exemption says that a check, or every check of a kind, is not applicable to an asset (不适用), for
// example because somebody else answers for it (由云平台方负责). It is proposed by one person and decided
// by another; while it is active the check is not planned and counts nowhere.
type Exemption struct {
	bun.BaseModel `bun:"table:inspect_exemption,alias:exemption"`
	ID            string `bun:",pk"`
	AssetID       string
	AssetName     string
	Kind          string
	CheckID       string // "" for every check of the kind, those still to come included
	TitleZH       string `bun:"title_zh"`
	TitleEN       string `bun:"title_en"`
	Target        string
	Reason        string
	UntilAt       store.Time // zero for good
	State         state.State
	RequestID     string
	ProposedBy    string
	ProposedAt    store.Time
	DecidedAt     store.Time
	EndedAt       store.Time
	EndReason     string
	AreaPath      string
	SystemID      string
	Version       int64
}

// What a check's exemption column says.
const (
	applies       = "none"
	maybeExempted = "proposed"
	exempted      = "active"
)

// rankExempted puts checks that are not applicable behind all others.
const rankExempted = 5

// NewExemption is what a person proposes.
type NewExemption struct {
	CheckID   string
	WholeKind bool   // every check of this kind on the asset
	Until     string // last day on which it holds, such as 2027-03-31; "" for good
	Reason    string
}

// untilOf is the moment at which the day given ends in Asia/Shanghai. A day that is over is refused.
func untilOf(day string, now time.Time) (store.Time, error) {
	if day == "" {
		return store.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, day, clock.Shanghai())
	if err != nil {
		return store.Time{}, problem.InvalidField("body.until", "not_a_day", "a day such as 2027-03-31")
	}
	if t = t.AddDate(0, 0, 1); !t.After(now) {
		return store.Time{}, problem.InvalidField("body.until", "in_the_past", "the day is over")
	}
	return store.At(t), nil
}

// covers reports whether an exemption is about a check.
func (e *Exemption) covers(c *Check) bool {
	return e.AssetID == c.AssetID && e.Kind == c.Kind && (e.CheckID == "" || e.CheckID == c.ID)
}
