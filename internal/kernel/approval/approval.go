package approval

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// States and events of a request.
const (
	Proposed  state.State = "proposed"
	Approved  state.State = "approved"
	Declined  state.State = "declined"
	Withdrawn state.State = "withdrawn"

	approve  state.Event = "approve"
	decline  state.Event = "decline"
	withdraw state.Event = "withdraw"
)

func machine() state.Machine {
	return state.Machine{
		Name: "approval.request", Initial: Proposed, Final: []state.State{Approved, Declined, Withdrawn},
		Edges: []state.Edge{
			{From: Proposed, Event: approve, To: Approved, Permission: PermissionDecide},
			{From: Proposed, Event: decline, To: Declined, Permission: PermissionDecide},
			{From: Proposed, Event: withdraw, To: Withdrawn},
		},
		Titles: map[state.State][2]string{
			Proposed: {"待审批", "Waiting"}, Approved: {"已批准", "Approved"}, Declined: {"未批准", "Declined"}, Withdrawn: {"已撤回", "Withdrawn"},
		},
	}
}

// How a decision was made.
const (
	Here     = "here"     // in the program, by who decides
	Document = "document" // by a document of the office system (OA 公文)
	Paper    = "paper"    // by a signature on paper
)

// Kind is a kind of request that a module declares.
type Kind struct {
	Name             string // "inspect.not_applicable"
	TitleZH, TitleEN string
	// Execute carries out what was approved, in the transaction of the decision. A problem that it returns
	// refuses the decision.
	Execute func(ctx context.Context, tx *store.Tx, r Request) error
	// Drop makes undone what the proposal marked, after it was declined or withdrawn; nil when it marked nothing.
	Drop func(ctx context.Context, tx *store.Tx, r Request) error
}

// Proposal is what a module asks a decision for.
type Proposal struct {
	Kind               string
	SubjectKind        string // "inspect.check"
	SubjectID          string
	TitleZH, TitleEN   string // what is to be decided, in one line
	Href               string // page of the console that shows the thing
	Reason             string
	AreaPath, SystemID string
}

// Request is a proposal with what became of it.
type Request struct {
	bun.BaseModel  `bun:"table:approval_request,alias:request"`
	ID             string `bun:",pk"`
	Number         string
	Kind           string
	SubjectKind    string
	SubjectID      string
	TitleZH        string `bun:"title_zh"`
	TitleEN        string `bun:"title_en"`
	Href           string
	Reason         string
	State          state.State
	ProposedBy     string
	ProposedAt     store.Time
	DecidedBy      string
	DecidedAt      store.Time
	DecisionReason string
	How            string // Here, Document or Paper; empty until decided
	OutsideNumber  string // of the document
	OutsideWho     string // who decided, as on the document or paper
	OutsideOn      string // the day of that decision
	Alone          int    // 1 when one person proposed and decided, on trial
	AreaPath       string
	SystemID       string
	Version        int64
}

// Decision is what a person decides, or records of a decision made outside.
type Decision struct {
	Approve       bool
	Reason        string // needed to decline
	How           string // "" is Here
	OutsideNumber string
	OutsideWho    string
	OutsideOn     string // a day such as 2026-11-24
	Version       int64
}

// check refuses a decision that does not say what it must; today is the day in Asia/Shanghai.
func (d *Decision) check(today string) error {
	d.Reason, d.OutsideNumber, d.OutsideWho = strings.TrimSpace(d.Reason), strings.TrimSpace(d.OutsideNumber), strings.TrimSpace(d.OutsideWho)
	if !d.Approve && utf8.RuneCountInString(d.Reason) < 2 {
		return problem.InvalidField("body.reason", "required", "say why it is declined")
	}
	switch d.How {
	case "", Here:
		if d.How = Here; d.OutsideNumber != "" || d.OutsideWho != "" || d.OutsideOn != "" {
			return problem.InvalidField("body.how", "contradiction", "a decision made here has no document")
		}
		return nil
	case Document:
		if d.OutsideNumber == "" {
			return problem.InvalidField("body.outside_number", "required", "the number of the document")
		}
	case Paper:
	default:
		return problem.InvalidField("body.how", "unknown", "one of: here, document, paper")
	}
	if d.OutsideWho == "" {
		return problem.InvalidField("body.outside_who", "required", "who decided")
	}
	if _, err := time.Parse(time.DateOnly, d.OutsideOn); err != nil {
		return problem.InvalidField("body.outside_on", "not_a_day", "the day of the decision, such as 2026-11-24")
	}
	if d.OutsideOn > today {
		return problem.InvalidField("body.outside_on", "in_the_future", "the day of the decision is still to come")
	}
	return nil
}
