package fleet

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// mostProposals bounds what one machine may propose at a time.
const mostProposals = 100

// Labels by which a component is known to be a service that is seen.
const (
	labelService = "service"
	labelPort    = "port"
)

// Propose notes services that were seen on a host and are neither registered nor proposed yet. What was
// declined is remembered and not proposed again.
func (m *Module) Propose(ctx context.Context, hostID string, seen []Sighting) error {
	ctx = journal.WithActor(ctx, journal.SystemActor("fleet"))
	host, err := find(ctx, m.db.Read(), store.Everything(), hostID)
	if err != nil || host.State != Active || len(seen) == 0 {
		return err
	}
	known, err := keysOf(ctx, m.db.Read(), hostID)
	if err != nil {
		return err
	}
	parts, err := onAny(ctx, m.db.Read(), []string{hostID})
	if err != nil {
		return err
	}
	fresh := slices.DeleteFunc(slices.Clone(seen), func(s Sighting) bool {
		return known[s.Key] || slices.ContainsFunc(parts, s.is)
	})
	for _, s := range fresh[:min(len(fresh), mostProposals)] {
		err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return m.propose(ctx, tx, host, s) })
		if err != nil && !store.Unique(err) { // another server of this machine was first
			return fmt.Errorf("propose %s: %w", s.Key, err)
		}
	}
	return nil
}

// is reports whether a component is what was seen.
func (s Sighting) is(a Asset) bool {
	return a.Labels[labelService] == s.Service && (s.Port == 0 || a.Labels[labelPort] == strconv.Itoa(s.Port))
}

func (m *Module) propose(ctx context.Context, tx *store.Tx, host *Asset, s Sighting) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("new id: %w", err)
	}
	p := &Proposal{
		ID: id.String(), HostID: host.ID, Key: s.Key, Service: s.Service, Port: s.Port, Name: s.Name, Why: s.Why,
		State: proposalMachine().Initial, SeenAt: store.At(tx.Now()), AreaPath: host.AreaPath, SystemID: host.SystemID, Version: 1,
	}
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		return fmt.Errorf("store proposal: %w", err)
	}
	return m.noteProposal(ctx, tx, TypeProposed, p, map[string]any{"why": p.Why})
}

func (m *Module) noteProposal(ctx context.Context, tx *store.Tx, typ string, p *Proposal, fields map[string]any) error {
	fields["service"], fields["name"] = p.Service, p.Name
	_, err := m.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subjectProposal, ID: p.ID},
		AreaPath: p.AreaPath, SystemID: p.SystemID, Fields: fields,
	})
	return err
}

// Proposals reads one page of what was seen.
func (m *Module) Proposals(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Proposal], error) {
	return store.List[Proposal](ctx, m.db.Read(), proposalList(), scope, q, nil)
}

// AcceptProposal registers what was seen as a component of its host, in the system that a person names.
func (m *Module) AcceptProposal(ctx context.Context, scope store.Scope, id, name, systemID string, version int64) (Proposal, error) {
	return m.decide(ctx, scope, id, version, func(ctx context.Context, tx *store.Tx, p *Proposal) error {
		var err error
		if p.State, err = proposalMachine().Next(p.State, accept); err != nil {
			return err
		}
		if name == "" {
			name = p.Name
		}
		if systemID == "" {
			systemID = p.SystemID
		}
		labels := map[string]string{labelService: p.Service}
		if p.Port != 0 {
			labels[labelPort] = strconv.Itoa(p.Port)
		}
		a, err := m.RegisterIn(ctx, tx, scope, NewAsset{
			Kind: Component, Name: name, ParentID: p.HostID, AreaPath: p.AreaPath, SystemID: systemID, Labels: labels,
		}, "")
		if err != nil {
			return err
		}
		p.AssetID, p.Reason = a.ID, ""
		return m.noteProposal(ctx, tx, TypeAccepted, p, map[string]any{"asset_id": a.ID})
	})
}

// DeclineProposal notes that what was seen is not kept in the register, and why.
func (m *Module) DeclineProposal(ctx context.Context, scope store.Scope, id, reason string, version int64) (Proposal, error) {
	return m.decide(ctx, scope, id, version, func(ctx context.Context, tx *store.Tx, p *Proposal) error {
		var err error
		if p.State, err = proposalMachine().Next(p.State, decline); err != nil {
			return err
		}
		p.Reason = reason
		return m.noteProposal(ctx, tx, TypeDeclined, p, map[string]any{"reason": reason})
	})
}

func (m *Module) decide(ctx context.Context, scope store.Scope, id string, version int64,
	what func(ctx context.Context, tx *store.Tx, p *Proposal) error,
) (Proposal, error) {
	var out Proposal
	err := m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := findProposal(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if p.Version != version {
			return problem.New(problem.Stale, "the proposal is at version %d", p.Version)
		}
		if err := what(ctx, tx, p); err != nil {
			return err
		}
		p.DecidedBy, p.DecidedAt = api.CallerFrom(ctx).AccountID, store.At(tx.Now())
		if err := saveProposal(ctx, tx, p); err != nil {
			return err
		}
		out = *p
		return nil
	})
	return out, err
}
