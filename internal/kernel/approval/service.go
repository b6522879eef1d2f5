package approval

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// Permissions of this package.
const (
	PermissionRead   = "approval.read"
	PermissionDecide = "approval.decide"
)

// CodeSecondPerson says that another person has to decide.
const CodeSecondPerson problem.Code = "second_person_required"

// Permissions are what this package lets people do. What somebody may propose is a permission of the
// module that the matter belongs to.
func Permissions() []access.Permission {
	return []access.Permission{
		{Name: PermissionRead, TitleZH: "查看审批事项", TitleEN: "See matters for decision", Roles: access.AllRoles()},
		{
			Name: PermissionDecide, TitleZH: "审批", TitleEN: "Decide",
			Roles: []access.Role{access.ProjectManager, access.Coordinator, access.BureauOfficial},
		},
	}
}

// Migrations are the tables of this package.
func Migrations() store.Migrations {
	return store.Migrations{Module: "approval", FS: store.Sub(migrations)}
}

// Machines are the states of a request.
func Machines() []state.Machine { return []state.Machine{machine()} }

// Rows that this package writes.
const (
	typeProposed  = "approval.request.proposed"
	typeApproved  = "approval.request.approved"
	typeDeclined  = "approval.request.declined"
	typeWithdrawn = "approval.request.withdrawn"

	subject = "approval.request"
)

// Types are the rows that this package writes.
func Types() []journal.Type {
	number := journal.Field{Name: "number", TitleZH: "编号", TitleEN: "Number"}
	kind := journal.Field{Name: "kind", TitleZH: "事项类别", TitleEN: "Kind"}
	about := journal.Field{Name: "subject", TitleZH: "对象", TitleEN: "Subject"}
	title := journal.Field{Name: "title", TitleZH: "事项", TitleEN: "Matter"}
	reason := journal.Field{Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true, Optional: true}
	decided := []journal.Field{
		number, kind, about, reason,
		{Name: "how", TitleZH: "决定方式", TitleEN: "How it was decided"},
		{Name: "outside_number", TitleZH: "文号", TitleEN: "Number of the document", Optional: true},
		{Name: "outside_on", TitleZH: "决定日期", TitleEN: "Day of the decision", Optional: true},
		{Name: "outside_who", TitleZH: "决定人", TitleEN: "Who decided", Private: true, Optional: true},
		{Name: "alone", TitleZH: "一人提出并决定（试用）", TitleEN: "Proposed and decided by one person (trial)"},
	}
	return []journal.Type{
		{Name: typeProposed, TitleZH: "提请审批", TitleEN: "Decision asked for", Fields: []journal.Field{number, kind, about, title, reason}},
		{Name: typeApproved, TitleZH: "已批准", TitleEN: "Approved", Fields: decided},
		{Name: typeDeclined, TitleZH: "未批准", TitleEN: "Declined", Fields: decided},
		{Name: typeWithdrawn, TitleZH: "已撤回", TitleEN: "Withdrawn", Fields: []journal.Field{number, kind, about, reason}},
	}
}

// Journal writes the rows of a transaction.
type Journal interface {
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
}

// People knows accounts.
type People interface {
	// Names returns what accounts are called; unknown ids are left out.
	Names(ctx context.Context, ids []string) (map[string]string, error)
	// Mode tells whether the installation is on trial or in production.
	Mode(ctx context.Context) (string, error)
}

// Config is what the service stands on.
type Config struct {
	DB      *store.DB
	Journal Journal
	People  People
}

// Service keeps what waits for a decision.
type Service struct {
	db      *store.DB
	journal Journal
	people  People
	kinds   map[string]Kind
}

// New makes the service.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Journal == nil || c.People == nil {
		return nil, errors.New("approval: needs a database, a journal and people")
	}
	return &Service{db: c.DB, journal: c.Journal, people: c.People, kinds: map[string]Kind{}}, nil
}

// Declare adds kinds; called while the program is put together.
func (s *Service) Declare(kinds ...Kind) error {
	for _, k := range kinds {
		if _, twice := s.kinds[k.Name]; twice || k.Name == "" || k.Execute == nil || k.TitleZH == "" || k.TitleEN == "" {
			return fmt.Errorf("approval: kind %q is declared twice, or has no title or nothing to carry out", k.Name)
		}
		s.kinds[k.Name] = k
	}
	return nil
}

// Propose asks for a decision within the transaction that marks the thing as proposed. It is refused
// with a problem of code conflict when the same thing waits for such a decision already.
func (s *Service) Propose(ctx context.Context, tx *store.Tx, p Proposal) (Request, error) {
	if _, known := s.kinds[p.Kind]; !known {
		return Request{}, fmt.Errorf("approval: no kind %q", p.Kind)
	}
	if n := utf8.RuneCountInString(p.Reason); n < 2 || n > 500 {
		return Request{}, problem.InvalidField("body.reason", "required", "2 to 500 characters")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Request{}, fmt.Errorf("new id: %w", err)
	}
	r := Request{
		ID: id.String(), Kind: p.Kind, SubjectKind: p.SubjectKind, SubjectID: p.SubjectID, TitleZH: p.TitleZH, TitleEN: p.TitleEN,
		Href: p.Href, Reason: p.Reason, State: machine().Initial, ProposedBy: api.CallerFrom(ctx).AccountID, ProposedAt: store.At(tx.Now()),
		AreaPath: p.AreaPath, SystemID: p.SystemID, Version: 1,
	}
	if r.Number, err = store.NextNumber(ctx, tx, "APR"); err != nil {
		return Request{}, err
	}
	if _, err := tx.NewInsert().Model(&r).Exec(ctx); err != nil {
		if store.Unique(err) {
			return Request{}, problem.New(problem.Conflict, "this waits for a decision already").With(err)
		}
		return Request{}, fmt.Errorf("store request: %w", err)
	}
	return r, s.note(ctx, tx, typeProposed, &r, map[string]any{"title": r.TitleZH, "reason": r.Reason})
}

func (s *Service) note(ctx context.Context, tx *store.Tx, typ string, r *Request, fields map[string]any) error {
	fields["number"], fields["kind"], fields["subject"] = r.Number, r.Kind, r.SubjectKind+":"+r.SubjectID
	_, err := s.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subject, ID: r.ID}, AreaPath: r.AreaPath, SystemID: r.SystemID, Fields: fields,
	})
	return err
}

// Decide approves or declines. What is approved is carried out in the same transaction.
func (s *Service) Decide(ctx context.Context, scope store.Scope, id string, d Decision) (Request, error) {
	mode, err := s.people.Mode(ctx)
	if err != nil {
		return Request{}, err
	}
	me := api.CallerFrom(ctx).AccountID
	var out Request
	err = s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		given := d
		if err := given.check(store.Day(tx.Now())); err != nil {
			return err
		}
		r, err := s.waiting(ctx, tx, scope, id, given.Version)
		if err != nil {
			return err
		}
		if r.ProposedBy == me {
			if mode == access.Production {
				return problem.New(CodeSecondPerson, "another person decides what you proposed")
			}
			r.Alone = 1
		}
		event, typ := decline, typeDeclined
		if given.Approve {
			event, typ = approve, typeApproved
		}
		if r.State, err = machine().Next(r.State, event); err != nil {
			return err
		}
		r.DecidedBy, r.DecidedAt, r.DecisionReason, r.How = me, store.At(tx.Now()), given.Reason, given.How
		r.OutsideNumber, r.OutsideWho, r.OutsideOn = given.OutsideNumber, given.OutsideWho, given.OutsideOn
		if err := save(ctx, tx, r); err != nil {
			return err
		}
		said := map[string]any{"how": r.How, "alone": r.Alone == 1}
		for name, v := range map[string]string{
			"reason": r.DecisionReason, "outside_number": r.OutsideNumber, "outside_on": r.OutsideOn, "outside_who": r.OutsideWho,
		} {
			if v != "" {
				said[name] = v
			}
		}
		if err := s.note(ctx, tx, typ, r, said); err != nil {
			return err
		}
		out = *r
		return s.follow(ctx, tx, r)
	})
	return out, err
}

// Withdraw takes a request back; only who proposed it may.
func (s *Service) Withdraw(ctx context.Context, scope store.Scope, id, reason string, version int64) (Request, error) {
	var out Request
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := s.waiting(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		if r.ProposedBy != api.CallerFrom(ctx).AccountID {
			p := problem.New(problem.Forbidden, "only who proposed it takes it back")
			p.Fields = []problem.Field{{Location: "path.id", Code: "not_yours", Message: "proposed by another person"}}
			return p
		}
		if r.State, err = machine().Next(r.State, withdraw); err != nil {
			return err
		}
		r.DecidedBy, r.DecidedAt, r.DecisionReason = r.ProposedBy, store.At(tx.Now()), reason
		if err := save(ctx, tx, r); err != nil {
			return err
		}
		if err := s.note(ctx, tx, typeWithdrawn, r, map[string]any{"reason": reason}); err != nil {
			return err
		}
		out = *r
		return s.follow(ctx, tx, r)
	})
	return out, err
}

// follow carries out what was approved and drops what was not.
func (s *Service) follow(ctx context.Context, tx *store.Tx, r *Request) error {
	k, known := s.kinds[r.Kind]
	switch {
	case !known:
		return problem.New(problem.NotPossibleInState, "this program has no matters of kind %q any more", r.Kind)
	case r.State == Approved:
		return k.Execute(ctx, tx, *r)
	case k.Drop != nil:
		return k.Drop(ctx, tx, *r)
	}
	return nil
}

func (s *Service) waiting(ctx context.Context, tx *store.Tx, scope store.Scope, id string, version int64) (*Request, error) {
	r, err := find(ctx, tx, scope, id)
	if err != nil {
		return nil, err
	}
	if r.Version != version {
		return nil, problem.New(problem.Stale, "the matter is at version %d", r.Version)
	}
	return r, nil
}

// List reads one page of requests, the latest first.
func (s *Service) List(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Request], error) {
	return store.List[Request](ctx, s.db.Read(), list(), scope, q, nil)
}

// waitingFor reads what somebody may decide now: on trial also what they proposed themselves.
func (s *Service) waitingFor(ctx context.Context, scope store.Scope, me string, most int) (store.Page[Request], error) {
	mode, err := s.people.Mode(ctx)
	if err != nil {
		return store.Page[Request]{}, err
	}
	return store.List[Request](ctx, s.db.Read(), list(), scope, store.ListQuery{
		Filters: map[string]string{"state": string(Proposed)}, Limit: most,
	}, func(q *bun.SelectQuery) *bun.SelectQuery {
		if mode == access.Production {
			q = q.Where("proposed_by <> ?", me)
		}
		return q
	})
}

// HomeCards tell what waits for a decision.
func (s *Service) HomeCards() []api.HomeCard {
	return []api.HomeCard{{Key: "approval.waiting", Permission: PermissionDecide, Load: s.card}}
}

func (s *Service) card(ctx context.Context, scope store.Scope) (*api.Card, error) {
	page, err := s.waitingFor(ctx, scope, api.CallerFrom(ctx).AccountID, 5)
	if err != nil || page.Total == 0 {
		return nil, err
	}
	c := &api.Card{
		Severity: "warning", TitleZH: "待我审批", TitleEN: "Waits for your decision", Count: page.Total,
		Href: "/approval/requests?state=proposed", Items: []api.CardItem{},
	}
	for _, r := range page.Items {
		c.Items = append(c.Items, api.CardItem{
			TitleZH: r.Number + " " + r.TitleZH, TitleEN: r.Number + " " + r.TitleEN, Href: "/approval/requests/" + r.ID, At: r.ProposedAt.Ptr(),
		})
	}
	return c, nil
}

// names finds what the people of requests are called.
func (s *Service) names(ctx context.Context, rs []Request) (map[string]string, error) {
	var ids []string
	for _, r := range rs {
		for _, id := range []string{r.ProposedBy, r.DecidedBy} {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return s.people.Names(ctx, ids)
}
