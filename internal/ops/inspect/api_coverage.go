package inspect

import (
	"context"
	"net/http"
	"time"

	"taxops/internal/kernel/api"
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
