package fleet

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// ProfileView is what people say of an asset; exported so that the API description shows embedded fields.
type ProfileView struct {
	Environment   string `json:"environment" enum:",production,disaster_recovery,staging,test,development"`
	Criticality   string `json:"criticality" enum:",core,important,general"`
	OwnerID       string `json:"owner_id" doc:"Account of the responsible person, when they have one"`
	OwnerName     string `json:"owner_name"`
	OwnerPhone    string `json:"owner_phone"`
	Address       string `json:"address" doc:"IP address or DNS name"`
	OS            string `json:"os" doc:"As people say; facts.os is what the host says"`
	Vendor        string `json:"vendor"`
	Model         string `json:"model"`
	Serial        string `json:"serial"`
	Location      string `json:"location"`
	WarrantyUntil string `json:"warranty_until" doc:"Day, empty when not known" example:"2027-03-31"`
	Reach         string `json:"reach" enum:",local,direct,ssh,none" doc:"How it is reached for inspection; empty for a component that is reached as its host is"`
}

// AssetView is an asset as answered; exported so that the API description shows embedded fields.
type AssetView struct {
	ID       string `json:"id"`
	Number   string `json:"number" example:"AST-2026-0001"`
	Kind     string `json:"kind" enum:"host,component,network"`
	Name     string `json:"name"`
	Hostname string `json:"hostname"`
	ParentID string `json:"parent_id" doc:"The host a component lies on, empty for a host"`
	AreaPath string `json:"area_path"`
	SystemID string `json:"system_id"`
	State    string `json:"state" enum:"active,retired"`
	ProfileView
	Facts      Facts             `json:"facts"`
	Labels     map[string]string `json:"labels"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
	Version    int64             `json:"version"`
	WorstState string            `json:"worst_state" doc:"Gravest state of its checks, empty without any"`
}

func (m *Module) views(ctx context.Context, assets []Asset) (map[string]AssetView, error) {
	ids := make([]string, len(assets))
	for i := range assets {
		ids[i] = assets[i].ID
	}
	worst, err := m.worst(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]AssetView, len(assets))
	for _, a := range assets {
		out[a.ID] = AssetView{
			ID: a.ID, Number: a.Number, Kind: a.Kind, Name: a.Name, Hostname: a.Hostname, ParentID: a.ParentID,
			AreaPath: a.AreaPath, SystemID: a.SystemID, State: string(a.State), ProfileView: ProfileView(a.Profile), Facts: a.Facts, Labels: a.Labels,
			CreatedAt: a.CreatedAt.Time, UpdatedAt: a.UpdatedAt.Time, Version: a.Version, WorstState: worst[a.ID],
		}
	}
	return out, nil
}

func (m *Module) view(ctx context.Context, a Asset, err error) (*api.Output[AssetView], error) {
	if err != nil {
		return nil, err
	}
	v, err := m.views(ctx, []Asset{a})
	if err != nil {
		return nil, err
	}
	return &api.Output[AssetView]{Body: v[a.ID]}, nil
}

// AssetFilters narrow the assets; exported because only exported parts of an input are read.
type AssetFilters struct {
	Kind        string `query:"kind" doc:"host, component"`
	AreaPath    string `query:"area_path" doc:"This area and all below it"`
	SystemID    string `query:"system_id"`
	State       string `query:"state" doc:"active, retired"`
	Environment string `query:"environment" doc:"production, disaster_recovery, staging, test, development"`
	Criticality string `query:"criticality" doc:"core, important, general"`
	Reach       string `query:"reach" doc:"local, direct, ssh, none"`
	ParentID    string `query:"parent_id" doc:"Components of this host"`
	Q           string `query:"q" maxLength:"100" doc:"Text in name, host name, number, address, serial number, owner or labels"`
}

func (f *AssetFilters) filters() map[string]string {
	return map[string]string{
		"kind": f.Kind, "area_path": f.AreaPath, "system_id": f.SystemID, "state": f.State, "environment": f.Environment,
		"criticality": f.Criticality, "reach": f.Reach, "parent_id": f.ParentID, "q": f.Q,
	}
}

type listInput struct {
	api.ListParams
	AssetFilters
}

type exportInput struct {
	api.ExportParams
	AssetFilters
}

// page reads a page of assets as the API shows them.
func (m *Module) page(ctx context.Context, q store.ListQuery) (store.Page[AssetView], error) {
	page, err := m.List(ctx, scopeOf(ctx), q)
	if err != nil {
		return store.Page[AssetView]{}, err
	}
	views, err := m.views(ctx, page.Items)
	if err != nil {
		return store.Page[AssetView]{}, err
	}
	return store.MapPage(page, func(a Asset) AssetView { return views[a.ID] }), nil
}

func exportColumns() []api.ExportColumn[AssetView] {
	states := api.Titles{}
	for s, title := range assetMachine().Titles {
		states[string(s)] = title
	}
	kinds := api.Titles{Host: {"主机", "Host"}, Component: {"组件", "Component"}, Network: {"网络设备", "Network device"}}
	environments := api.Titles{
		Production: {"生产", "Production"}, Recovery: {"灾备", "Disaster recovery"}, Staging: {"预生产", "Staging"},
		Testing: {"测试", "Test"}, Development: {"开发", "Development"},
	}
	criticalities := api.Titles{Core: {"核心", "Core"}, Important: {"重要", "Important"}, General: {"一般", "General"}}
	reaches := api.Titles{ReachLocal: {"本机", "Local"}, ReachDirect: {"直连", "Direct"}, ReachSSH: {"SSH", "SSH"}, ReachNone: {"不接入", "None"}}
	worst := api.Titles{"OK": {"正常", "OK"}, "WARNING": {"警告", "Warning"}, "CRITICAL": {"严重", "Critical"}, "UNKNOWN": {"未知", "Unknown"}}
	return []api.ExportColumn[AssetView]{
		{TitleZH: "最差状态", TitleEN: "Worst state", Value: func(a AssetView, w api.Words) any { return worst.Of(w, a.WorstState) }},
		{TitleZH: "编号", TitleEN: "Number", Value: func(a AssetView, _ api.Words) any { return a.Number }},
		{TitleZH: "名称", TitleEN: "Name", Value: func(a AssetView, _ api.Words) any { return a.Name }},
		{TitleZH: "类别", TitleEN: "Kind", Value: func(a AssetView, w api.Words) any { return kinds.Of(w, a.Kind) }},
		{TitleZH: "状态", TitleEN: "State", Value: func(a AssetView, w api.Words) any { return states.Of(w, a.State) }},
		{TitleZH: "主机名", TitleEN: "Host name", Value: func(a AssetView, _ api.Words) any { return a.Hostname }},
		{TitleZH: "地址", TitleEN: "Address", Value: func(a AssetView, _ api.Words) any { return a.Address }},
		{TitleZH: "操作系统", TitleEN: "Operating system", Value: func(a AssetView, _ api.Words) any { return cmp.Or(a.Facts.OS, a.OS) }},
		{TitleZH: "环境", TitleEN: "Environment", Value: func(a AssetView, w api.Words) any { return environments.Of(w, a.Environment) }},
		{TitleZH: "重要程度", TitleEN: "Criticality", Value: func(a AssetView, w api.Words) any { return criticalities.Of(w, a.Criticality) }},
		{TitleZH: "责任人", TitleEN: "Owner", Value: func(a AssetView, _ api.Words) any { return a.OwnerName }},
		{TitleZH: "联系电话", TitleEN: "Phone", Value: func(a AssetView, _ api.Words) any { return a.OwnerPhone }},
		{TitleZH: "厂商", TitleEN: "Vendor", Value: func(a AssetView, _ api.Words) any { return a.Vendor }},
		{TitleZH: "型号", TitleEN: "Model", Value: func(a AssetView, _ api.Words) any { return a.Model }},
		{TitleZH: "序列号", TitleEN: "Serial number", Value: func(a AssetView, _ api.Words) any { return a.Serial }},
		{TitleZH: "位置", TitleEN: "Location", Value: func(a AssetView, _ api.Words) any { return a.Location }},
		{TitleZH: "维保到期", TitleEN: "Warranty until", Value: func(a AssetView, _ api.Words) any { return a.WarrantyUntil }},
		{TitleZH: "接入方式", TitleEN: "Reached", Value: func(a AssetView, w api.Words) any { return reaches.Of(w, a.Reach) }},
		{TitleZH: "内核", TitleEN: "Kernel", Value: func(a AssetView, _ api.Words) any { return a.Facts.Kernel }},
		{TitleZH: "处理器数", TitleEN: "CPUs", Value: func(a AssetView, _ api.Words) any { return known(int64(a.Facts.CPUs)) }},
		{TitleZH: "内存（字节）", TitleEN: "Memory (bytes)", Value: func(a AssetView, _ api.Words) any { return known(a.Facts.MemoryBytes) }},
		{TitleZH: "所属系统", TitleEN: "System", Value: func(a AssetView, w api.Words) any { return w.Place(a.SystemID) }},
		{TitleZH: "所属区域", TitleEN: "Area", Value: func(a AssetView, w api.Words) any { return w.Place(a.AreaPath) }},
		{TitleZH: "标签", TitleEN: "Labels", Value: func(a AssetView, _ api.Words) any { return strings.Join(labelList(a.Labels), ", ") }},
		{TitleZH: "登记时间", TitleEN: "Registered", Value: func(a AssetView, _ api.Words) any { return a.CreatedAt }},
		{TitleZH: "更新时间", TitleEN: "Updated", Value: func(a AssetView, _ api.Words) any { return a.UpdatedAt }},
	}
}

// known leaves the cell empty for what an asset does not say of itself.
func known(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

type createInput struct {
	Body struct {
		Kind     string            `json:"kind" enum:"host,component,network"`
		Name     string            `json:"name" minLength:"1" maxLength:"100"`
		Hostname string            `json:"hostname,omitempty" maxLength:"253"`
		ParentID string            `json:"parent_id,omitempty" maxLength:"64" doc:"The host, for a component"`
		AreaPath string            `json:"area_path" maxLength:"64"`
		SystemID string            `json:"system_id" maxLength:"64"`
		Labels   map[string]string `json:"labels,omitempty"`
		Values   map[string]string `json:"values,omitempty" doc:"Values of the profile by name: environment, criticality, owner_id, owner_name, owner_phone, address, os, vendor, model, serial, location, warranty_until, reach"`
	}
}

type patchInput struct {
	api.IDInput
	Body struct {
		Name     *string            `json:"name,omitempty" minLength:"1" maxLength:"100"`
		AreaPath *string            `json:"area_path,omitempty" maxLength:"64"`
		SystemID *string            `json:"system_id,omitempty" maxLength:"64"`
		Labels   *map[string]string `json:"labels,omitempty" doc:"All labels, not only the changed ones"`
		Values   map[string]string  `json:"values,omitempty" doc:"Values by name, only the changed ones: those of the profile, hostname, parent_id"`
		Version  int64              `json:"version"`
	}
}

type retireInput struct {
	api.IDInput
	Body struct {
		Reason  string `json:"reason" minLength:"2" maxLength:"500"`
		Version int64  `json:"version"`
	}
}

// Routes adds the operations.
func (m *Module) Routes(r *api.Router) {
	api.Register(r, api.Operation{
		ID: "fleet.assets.list", Method: http.MethodGet, Path: "/fleet/assets", Permission: PermissionRead,
		Summary: "Assets", Doc: "Hosts and components within the caller's areas and systems, with the gravest state of their checks.",
	}, func(ctx context.Context, in *listInput) (*api.PageOutput[AssetView], error) {
		page, err := m.page(ctx, in.Query(in.filters()))
		if err != nil {
			return nil, err
		}
		return api.ToPage(page, func(a AssetView) AssetView { return a }), nil
	})
	api.RegisterExport(r, api.Operation{
		ID: "fleet.assets.export", Path: "/fleet/assets/export", Permission: PermissionRead, Summary: "Assets as a file",
	}, api.ListExport[exportInput, AssetView]{
		List: "fleet.assets", Page: m.page, Columns: exportColumns(),
		Ask: func(in *exportInput) (api.ExportParams, map[string]string) { return in.ExportParams, in.filters() },
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.create", Method: http.MethodPost, Path: "/fleet/assets", Permission: PermissionManage,
		Summary: "Register an asset", Doc: "The machine of a server registers itself; this is for everything else.",
		Status: http.StatusCreated, Codes: []problem.Code{problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *createInput) (*api.Output[AssetView], error) {
		profile, hostname, err := ProfileOf(in.Body.Values)
		if err != nil {
			return nil, err
		}
		if hostname == "" {
			hostname = in.Body.Hostname
		}
		a, err := m.Register(ctx, scopeOf(ctx), NewAsset{
			Profile: profile,
			Kind:    in.Body.Kind, Name: in.Body.Name, Hostname: hostname, ParentID: in.Body.ParentID,
			AreaPath: in.Body.AreaPath, SystemID: in.Body.SystemID, Labels: in.Body.Labels,
		})
		return m.view(ctx, a, err)
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.get", Method: http.MethodGet, Path: "/fleet/assets/{id}", Permission: PermissionRead,
		Summary: "One asset", Codes: []problem.Code{problem.NotFound},
	}, func(ctx context.Context, in *api.IDInput) (*api.Output[AssetView], error) {
		a, err := m.Get(ctx, scopeOf(ctx), in.ID)
		return m.view(ctx, a, err)
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.update", Method: http.MethodPatch, Path: "/fleet/assets/{id}", Permission: PermissionManage,
		Summary: "Change an asset", Doc: "Needs the permission where the asset is and where it goes.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.Invalid, problem.Forbidden},
	}, func(ctx context.Context, in *patchInput) (*api.Output[AssetView], error) {
		a, err := m.Update(ctx, scopeOf(ctx), in.ID, Change{
			Name: in.Body.Name, AreaPath: in.Body.AreaPath, SystemID: in.Body.SystemID,
			Labels: in.Body.Labels, Set: in.Body.Values, Version: in.Body.Version,
		})
		return m.view(ctx, a, err)
	})
	api.Register(r, api.Operation{
		ID: "fleet.assets.retire", Method: http.MethodPost, Path: "/fleet/assets/{id}/retire", Permission: PermissionManage,
		Summary: "Retire an asset", Doc: "Nothing is inspected on it from then on; its history stays.",
		Codes: []problem.Code{problem.NotFound, problem.Stale, problem.NotPossibleInState},
	}, func(ctx context.Context, in *retireInput) (*api.Output[AssetView], error) {
		a, err := m.Retire(ctx, scopeOf(ctx), in.ID, in.Body.Reason, in.Body.Version)
		return m.view(ctx, a, err)
	})
	m.registerRoutes(r)
}
