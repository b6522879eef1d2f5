package inspect

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
)

type proposalsInput struct {
	api.IDInput
	Days int `query:"days" minimum:"7" maximum:"90" default:"28" doc:"How far to look back"`
}

type thresholdProposalView struct {
	Metric string `json:"metric"`
	Unit   string `json:"unit"`
	Code   string `json:"code" enum:"proposed,same,too_little,constant,any,no_side" doc:"proposed: take it over or not; same: what holds now is as good; too_little: fewer than 200 values or 7 days; constant: it never moved; any: one occurrence is too many; no_side: the kind has no range to move"`
	Warn   string `json:"warn" doc:"Proposed range, empty for none"`
	Crit   string `json:"crit"`
	Floor  bool   `json:"floor" doc:"The history would have led further than the kind's own ranges allow"`
	NowW   string `json:"now_warn" doc:"Range that holds now"`
	NowC   string `json:"now_crit"`
	OwnW   string `json:"kind_warn" doc:"Range of the kind"`
	OwnC   string `json:"kind_crit"`
	Basis  Basis  `json:"basis"`
}

type thresholdProposalsView struct {
	Days    int                     `json:"days"`
	Version int64                   `json:"version" doc:"Of the check: give it back when the proposal is taken over"`
	Items   []thresholdProposalView `json:"items" nullable:"false"`
}

type thresholdChangeView struct {
	Seq    int64     `json:"seq" doc:"Row of the journal"`
	At     time.Time `json:"at"`
	Actor  actorView `json:"actor"`
	Reason string    `json:"reason"`
	Metric string    `json:"metric"`
	Unit   string    `json:"unit"`
	Side   string    `json:"side" enum:"warn,crit"`
	Before string    `json:"before" doc:"Empty: never"`
	After  string    `json:"after"`
}

func (m *Module) thresholdRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.checks.thresholds.proposals", Method: http.MethodGet, Path: "/inspect/checks/{id}/threshold-proposals", Permission: PermissionRead,
		Summary: "Ranges that follow from a check's history",
		Doc:     "Worked out from robust quantiles of the values of the last days, never looser than the kind's own ranges allow; nothing is set. To take one over, change the check with a reason.",
		Codes:   []problem.Code{problem.NotFound, problem.NotPossibleInState},
	}, func(ctx context.Context, in *proposalsInput) (*api.Output[thresholdProposalsView], error) {
		c, list, err := m.Proposals(ctx, api.ScopeFrom(ctx), in.ID, in.Days)
		return answer(list, err, func(list []Proposal) (thresholdProposalsView, error) {
			v := thresholdProposalsView{Days: in.Days, Version: c.Version, Items: []thresholdProposalView{}}
			held := limits(m.kinds[c.Kind], c.Warn, c.Crit)
			for i, p := range list {
				t := m.kinds[c.Kind].Thresholds[i]
				v.Items = append(v.Items, thresholdProposalView{
					Metric: p.Metric, Unit: t.Unit, Code: p.Code, Warn: p.Warn, Crit: p.Crit, Floor: p.Floor,
					NowW: held[p.Metric].Warn, NowC: held[p.Metric].Crit, OwnW: t.Warn, OwnC: t.Crit, Basis: p.Basis,
				})
			}
			return v, nil
		})
	})
	api.Register(r, api.Operation{
		ID: "inspect.checks.thresholds.changes", Method: http.MethodGet, Path: "/inspect/checks/{id}/threshold-changes", Permission: PermissionRead,
		Summary: "Who changed which range of a check, when and why", Doc: "From the journal, the latest first.",
		Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[api.Items[thresholdChangeView]], error) {
		list, err := m.ThresholdChanges(ctx, api.ScopeFrom(ctx), in.ID)
		return answer(list, err, func(list []ThresholdChange) (api.Items[thresholdChangeView], error) {
			return m.viewThresholdChanges(ctx, in.ID, list)
		})
	})
}

func (m *Module) viewThresholdChanges(ctx context.Context, id string, list []ThresholdChange) (api.Items[thresholdChangeView], error) {
	out := api.Items[thresholdChangeView]{Items: []thresholdChangeView{}}
	var people []string
	for _, c := range list {
		people = append(people, c.Actor.ID)
	}
	names, err := m.namesOf(ctx, people)
	if err != nil {
		return out, err
	}
	c, err := findCheck(ctx, m.db.Read(), api.ScopeFrom(ctx), id)
	if err != nil {
		return out, err
	}
	units := map[string]string{}
	for _, t := range m.kinds[c.Kind].Thresholds {
		units[t.Metric] = t.Unit
	}
	for _, c := range list {
		out.Items = append(out.Items, thresholdChangeView{
			Seq: c.Seq, At: c.At, Reason: c.Reason, Metric: c.Metric, Unit: units[c.Metric], Side: c.Side, Before: c.Before, After: c.After,
			Actor: actorView{Kind: c.Actor.Kind, ID: c.Actor.ID, DisplayName: names[c.Actor.ID]},
		})
	}
	return out, nil
}
