package script

import (
	"context"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/store"
)

// Rows that this module writes.
const (
	TypeCreated  = "script.package.created"
	TypeRemoved  = "script.package.removed"
	TypeDrafted  = "script.version.drafted"
	TypeChanged  = "script.version.changed"
	TypeReleased = "script.version.released"
	TypeRetired  = "script.version.retired"
	TypeTried    = "script.tried"
)

// Kinds of the subjects of this module's rows.
const (
	subjectPackage = "script.package"
	subjectTrial   = "script.trial"
)

func types() []journal.Type {
	name := journal.Field{Name: "name", TitleZH: "脚本", TitleEN: "Script"}
	number := journal.Field{Name: "version", TitleZH: "版本", TitleEN: "Version"}
	body := journal.Field{Name: "body_sha256", TitleZH: "正文摘要", TitleEN: "Hash of the text"}
	return []journal.Type{
		{Name: TypeCreated, TitleZH: "脚本包已建立", TitleEN: "Script package created", Fields: []journal.Field{
			name, {Name: "title", TitleZH: "名称", TitleEN: "Title"}, {Name: "class", TitleZH: "类别", TitleEN: "Class"},
		}},
		{Name: TypeRemoved, TitleZH: "导入的脚本包已撤销", TitleEN: "Imported script package taken back", Fields: []journal.Field{
			name, {Name: "source", TitleZH: "来源", TitleEN: "Source"},
		}},
		{Name: TypeDrafted, TitleZH: "脚本草稿已建立", TitleEN: "Draft of a script made", Fields: []journal.Field{name, number, body}},
		{Name: TypeChanged, TitleZH: "脚本草稿已修改", TitleEN: "Draft of a script changed", Fields: []journal.Field{name, number, body}},
		{Name: TypeReleased, TitleZH: "脚本版本已发布", TitleEN: "Version of a script released", Fields: []journal.Field{
			name, number, body, {Name: "sha256", TitleZH: "发布摘要", TitleEN: "Digest of the release"},
		}},
		{Name: TypeRetired, TitleZH: "脚本版本已停用", TitleEN: "Version of a script retired", Fields: []journal.Field{
			name, number, {Name: "reason", TitleZH: "理由", TitleEN: "Reason", Private: true},
		}},
		{Name: TypeTried, TitleZH: "脚本已试运行", TitleEN: "Script tried", Fields: []journal.Field{
			body, {Name: "interpreter", TitleZH: "解释器", TitleEN: "Interpreter"}, {Name: "ended", TitleZH: "结束方式", TitleEN: "Ended by"},
			{Name: "state", TitleZH: "判定结果", TitleEN: "State"},
		}},
	}
}

func (m *Module) note(ctx context.Context, tx *store.Tx, typ string, p *Package, fields map[string]any) error {
	fields["name"] = p.Name
	_, err := m.journal.Append(ctx, tx, journal.Entry{
		Type: typ, Subject: journal.Subject{Kind: subjectPackage, ID: p.ID}, AreaPath: p.AreaPath, SystemID: p.SystemID, Fields: fields,
	})
	return err
}
