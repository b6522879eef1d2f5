package script

import (
	"context"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect"
)

type scriptsExportInput struct {
	api.ExportParams
	ScriptFilters
}

func (m *Module) pageOfPackages(ctx context.Context, query store.ListQuery) (store.Page[Package], error) {
	return store.List[Package](ctx, m.db.Read(), packageList(), api.ScopeFrom(ctx), query, nil)
}

func (m *Module) exportRoutes(r *api.Router) {
	api.RegisterExport(r, api.Operation{
		ID: "script.packages.export", Path: "/inspect/scripts/export", Permission: inspect.PermissionRead,
		Summary: "Inspection scripts as a file", Doc: "The list, not their texts.",
	}, api.ListExport[scriptsExportInput, Package]{
		List: "inspect.scripts", Page: m.pageOfPackages, Columns: packageColumns(),
		Ask: func(in *scriptsExportInput) (api.ExportParams, map[string]string) {
			return in.ExportParams, in.filters()
		},
	})
}

func packageColumns() []api.ExportColumn[Package] {
	version := func(n int64) any {
		if n == 0 {
			return nil
		}
		return n
	}
	return []api.ExportColumn[Package]{
		{TitleZH: "名称", TitleEN: "Title", Value: func(p Package, _ api.Words) any { return p.Title }},
		{TitleZH: "代号", TitleEN: "Name", Value: func(p Package, _ api.Words) any { return p.Name }},
		{TitleZH: "巡检类别", TitleEN: "Class", Value: func(p Package, w api.Words) any {
			c := probe.Class(p.Class)
			return w.Pick(c.TitleZH(), c.TitleEN())
		}},
		{TitleZH: "在用版本", TitleEN: "Released version", Value: func(p Package, _ api.Words) any { return version(p.Current) }},
		{TitleZH: "最新版本", TitleEN: "Latest version", Value: func(p Package, _ api.Words) any { return version(p.Latest) }},
		{TitleZH: "有草稿", TitleEN: "Has a draft", Value: func(p Package, w api.Words) any {
			if p.DraftID == "" {
				return nil
			}
			return w.Pick("是", "Yes")
		}},
		{TitleZH: "所属机构", TitleEN: "Area", Value: func(p Package, w api.Words) any { return w.Place(p.AreaPath) }},
		{TitleZH: "所属系统", TitleEN: "System", Value: func(p Package, w api.Words) any { return w.Place(p.SystemID) }},
		{TitleZH: "创建时间", TitleEN: "Created", Value: func(p Package, _ api.Words) any { return p.CreatedAt.Time }},
		{TitleZH: "更新时间", TitleEN: "Changed", Value: func(p Package, _ api.Words) any { return p.UpdatedAt.Time }},
	}
}
