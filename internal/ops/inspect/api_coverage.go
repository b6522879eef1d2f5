package inspect

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type coverageInput struct {
	api.ListParams
	Class    string `query:"class" doc:"os_log, hardware, service, performance, instance, data"`
	AreaPath string `query:"area_path" doc:"An area with all below it, such as /45/4501/"`
	SystemID string `query:"system_id"`
	From     string `query:"from" doc:"Days that begin at or after"`
	To       string `query:"to" doc:"Days that begin before"`
}

type coverageView struct {
	ID       string           `json:"id"`
	Day      string           `json:"day" example:"2026-11-23"`
	Class    string           `json:"class" enum:"os_log,hardware,service,performance,instance,data"`
	AreaPath string           `json:"area_path"`
	SystemID string           `json:"system_id"`
	Planned  int64            `json:"planned" doc:"Checks times rounds; always ran plus missed"`
	Ran      int64            `json:"ran"`
	Missed   int64            `json:"missed"`
	Reasons  map[string]int64 `json:"reasons" doc:"Missed, by reason"`
	TreeRoot string           `json:"tree_root" doc:"Root of the Merkle tree over the roots of the day's rounds, as in the journal"`
	Revision int64            `json:"revision" doc:"1, and one more each time that something came late"`
	ClosedAt time.Time        `json:"closed_at"`
}

type proofView struct {
	ResultID    string `json:"result_id"`
	Leaf        string `json:"leaf" doc:"SHA-256 of the result's content in canonical JSON, in hex: the leaf of the tree"`
	Path        []Step `json:"path" nullable:"false" doc:"From the leaf, SM3 of a byte 0 and its text, to the root: SM3 of a byte 1 and the two hashes"`
	TreeRoot    string `json:"tree_root"`
	RoundID     string `json:"round_id"`
	RoundNumber string `json:"round_number"`
	JournalType string `json:"journal_type" doc:"Kind of the row of the journal, with the round as its subject, that holds the root"`
}

func (m *Module) proofRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.results.proof", Method: http.MethodGet, Path: "/inspect/results/{id}/proof", Permission: PermissionRead,
		Summary: "What shows that a result was not changed",
		Doc:     "The steps from the result to the root of its round's tree, which the journal holds since the round was closed.",
		Codes:   []problem.Code{problem.NotFound, problem.NotPossibleInState},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[proofView], error) {
		p, err := m.ProveResult(ctx, api.ScopeFrom(ctx), in.ID)
		return answer(p, err, func(p Proof) (proofView, error) {
			v := proofView{
				ResultID: p.Result.ID, Leaf: p.Result.SHA256, Path: p.Path, TreeRoot: p.Round.TreeRoot, RoundID: p.Round.ID,
				RoundNumber: p.Round.Number, JournalType: TypeRoundFinished,
			}
			if v.Path == nil {
				v.Path = []Step{}
			}
			return v, nil
		})
	})
}

func (m *Module) coverageRoutes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "inspect.coverage.list", Method: http.MethodGet, Path: "/inspect/coverage", Permission: PermissionRead,
		Summary: "What became of the checks planned on each day",
		Doc:     "By class, area and system, the latest day first; a day is there once it was closed after midnight in Shanghai. Kept for ever.",
	}, func(ctx context.Context, in *coverageInput) (*api.PageOutput[coverageView], error) {
		page, err := store.List[Coverage](ctx, m.db.Read(), coverageList(), api.ScopeFrom(ctx), in.Query(map[string]string{
			"class": in.Class, "area_path": in.AreaPath, "system_id": in.SystemID, "from": in.From, "to": in.To,
		}), lastRevision)
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(c Coverage) coverageView {
			return coverageView{
				ID: c.ID, Day: store.Day(c.DayAt.Time), Class: c.Class, AreaPath: c.AreaPath, SystemID: c.SystemID, Planned: c.Planned,
				Ran: c.Ran, Missed: c.Missed, Reasons: c.Reasons, TreeRoot: c.TreeRoot, Revision: c.Revision, ClosedAt: c.ClosedAt.Time,
			}
		}), nil
	})
}
