package intake

import (
	"context"
	"embed"
	"errors"
	"net"

	"taxops/internal/kernel/access"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

//go:embed migrations
var migrations embed.FS

// PermissionImport allows to take lists in: to upload, preview, apply and undo.
const PermissionImport = "intake.import"

// Permissions are what this module lets people do.
func Permissions() []access.Permission {
	return []access.Permission{{
		Name: PermissionImport, TitleZH: "导入台账", TitleEN: "Import lists",
		Roles: []access.Role{access.SystemAdmin, access.Engineer, access.ProjectManager},
	}}
}

// Migrations are the tables of this module.
func Migrations() store.Migrations {
	return store.Migrations{Module: "intake", FS: store.Sub(migrations)}
}

// Machines are the states of this module's things.
func Machines() []state.Machine { return []state.Machine{runMachine()} }

// Rows that this module writes.
const (
	TypeParsed    = "intake.run.parsed"
	TypeApplied   = "intake.run.applied"
	TypeUndone    = "intake.run.undone"
	TypeDiscarded = "intake.run.discarded"

	subject = "intake.run"
)

// Types are the rows that this module writes.
func Types() []journal.Type {
	number := journal.Field{Name: "number", TitleZH: "批次", TitleEN: "Number"}
	source := journal.Field{Name: "source", TitleZH: "来源", TitleEN: "Source"}
	counts := journal.Field{Name: "counts", TitleZH: "行数", TitleEN: "Rows by outcome"}
	sha := journal.Field{Name: "sha256", TitleZH: "文件摘要", TitleEN: "Hash of the file"}
	return []journal.Type{
		{Name: TypeParsed, TitleZH: "导入文件已读取", TitleEN: "File read for import", Fields: []journal.Field{
			number, source, {Name: "file", TitleZH: "文件", TitleEN: "File", Private: true}, sha,
			{Name: "rows", TitleZH: "行数", TitleEN: "Rows"},
		}},
		{Name: TypeApplied, TitleZH: "已导入", TitleEN: "Import applied", Fields: []journal.Field{number, source, sha, counts}},
		{Name: TypeUndone, TitleZH: "导入已撤销", TitleEN: "Import undone", Fields: []journal.Field{
			number, source, {Name: "put_back", TitleZH: "恢复项数", TitleEN: "Assets put back"},
			{Name: "left", TitleZH: "保留项数", TitleEN: "Assets left, since they were changed"},
			{Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
		{Name: TypeDiscarded, TitleZH: "导入已放弃", TitleEN: "Import discarded", Fields: []journal.Field{number, source}},
	}
}

// Journal writes the rows of a transaction.
type Journal interface {
	Append(ctx context.Context, tx *store.Tx, e journal.Entry) (string, error)
}

// NewAsset is an asset to be added.
type NewAsset struct {
	Kind, Name, ParentID, AreaPath, SystemID string
	Values                                   map[string]string
	Labels                                   map[string]string
}

// AssetChange is what changes in an asset at a version: nil and what Values does not name stays.
type AssetChange struct {
	Name, AreaPath, SystemID, ParentID *string
	Values                             map[string]string
	Labels                             *map[string]string // all of them
	Version                            int64
}

// Register is the register of assets.
type Register interface {
	// Known lists the active assets within a scope.
	Known(ctx context.Context, scope store.Scope) ([]Known, error)
	// CheckValue refuses a value that an asset cannot have, with a problem.
	CheckValue(name, value string) error
	// Add adds an asset and returns its id, number and version. Source names the run.
	Add(ctx context.Context, tx *store.Tx, scope store.Scope, source string, a NewAsset) (Known, error)
	// Change changes an asset, or says with code stale that it is at another version.
	Change(ctx context.Context, tx *store.Tx, scope store.Scope, source, id string, c AssetChange) (Known, error)
	// Retire retires an asset, or says with code stale that it is at another version.
	Retire(ctx context.Context, tx *store.Tx, scope store.Scope, id, reason string, version int64) error
}

// Places knows how areas and systems are called.
type Places interface {
	Areas(ctx context.Context) ([]Place, error)
	Systems(ctx context.Context) ([]Place, error)
	// Place refuses an area or system that does not exist, with a problem for the field below location.
	Place(ctx context.Context, location, areaPath, systemID string) error
}

// People knows accounts.
type People interface {
	// Names returns what accounts are called; unknown ids are left out.
	Names(ctx context.Context, ids []string) (map[string]string, error)
}

// Deps are what the module stands on.
type Deps struct {
	DB       *store.DB
	Journal  Journal
	Register Register
	Places   Places
	People   People
	// Inspection and Library take what goes along with assets.
	Inspection Inspection
	Library    Library
	// Dial makes the connections to a Zabbix server; nil for the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Module takes lists in.
type Module struct {
	Deps
	// reading bounds the files that are read at once: each may take hundreds of megabytes.
	reading chan struct{}
}

// New makes the module.
func New(d Deps) (*Module, error) {
	if d.DB == nil || d.Journal == nil || d.Register == nil || d.Places == nil || d.People == nil || d.Inspection == nil || d.Library == nil {
		return nil, errors.New("intake: needs a database, a journal, the register, places, people, the inspection and the library of scripts")
	}
	return &Module{Deps: d, reading: make(chan struct{}, 2)}, nil
}
