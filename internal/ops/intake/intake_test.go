package intake

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"go.uber.org/goleak"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/org"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// TestMain fails when a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHeadings(t *testing.T) {
	for in, want := range map[string]string{
		"主机名": "hostname", "IP 地址（必填）*": "address", "责任人": "owner_name", "操作系统版本": "os", "SN": "serial",
		"服务器IP地址": "address", "维保截止日期": "warranty_until", "所属业务系统": "system", "机房位置": "location", "备注": "", "": "",
		"联系电话/手机": "owner_phone", "运行环境": "environment", "Asset Name": "name",
	} {
		if got, _ := fieldOf(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestHeaderIsFoundAmongTitles(t *testing.T) {
	lines := func(rows ...string) []Line {
		var out []Line
		for i, r := range rows {
			out = append(out, Line{N: i + 1, Cells: strings.Split(r, "|")})
		}
		return out
	}
	for name, c := range map[string]struct {
		in       []Line
		at, high int
		header   string
	}{
		"one row":            {lines("主机名|IP地址|操作系统", "A|10.1.1.1|Linux"), 0, 1, "主机名|IP地址|操作系统"},
		"below a title":      {lines("资产台账|资产台账|资产台账", "填报单位：南宁|填报单位：南宁", "序号|主机名|IP地址", "1|A|10.1.1.1"), 2, 1, "序号|主机名|IP地址"},
		"groups above":       {lines("台账|台账|台账|台账", "主机名|网络|网络|责任人", "主机名|IP地址|VLAN|责任人", "A|10.1.1.1|3|张三"), 2, 1, "主机名|IP地址|VLAN|责任人"},
		"groups, not merged": {lines("主机名|网络||责任人", "|IP地址|VLAN|", "A|10.1.1.1|3|张三"), 0, 2, "主机名|IP地址|VLAN|责任人"},
		"no header at all":   {lines("A|10.1.1.1|x", "B|10.1.1.2|y"), 0, 0, ""},
		"values like words":  {lines("主机名|IP地址|环境", "A|10.1.1.1|生产", "B|10.1.1.2|测试环境"), 0, 1, "主机名|IP地址|环境"},
	} {
		at, high := header(c.in)
		if at != c.at || high != c.high {
			t.Errorf("%s: rows %d+%d, want %d+%d", name, at, high, c.at, c.high)
		} else if got := strings.Join(joined(c.in[at:at+high]), "|"); high > 0 && got != c.header {
			t.Errorf("%s: %s, want %s", name, got, c.header)
		}
	}
}

// stock is a register in memory, to compare with.
func stock(known ...Known) []Known {
	for i := range known {
		if known[i].Values == nil {
			known[i].Values = map[string]string{}
		}
	}
	return known
}

func anything(string, string) error { return nil }

func TestCompare(t *testing.T) {
	areas := []Place{{"/45/", []string{"广西壮族自治区税务局", "区局"}}, {"/45/4501/", []string{"南宁市税务局", "南宁市局"}}}
	systems := []Place{{"s-id", []string{"办税人员身份认证平台", "identity"}}, {"s-seal", []string{"电子签章系统", "seal"}}}
	known := stock(
		Known{ID: "1", Number: "AST-2026-0001", Kind: "host", Name: "甲", AreaPath: "/45/", SystemID: "s-id", Version: 3, Values: map[string]string{"hostname": "a01", "address": "10.1.1.1", "environment": "production"}},
		Known{ID: "2", Number: "AST-2026-0002", Kind: "host", Name: "乙", AreaPath: "/45/", SystemID: "s-id", Version: 1, Values: map[string]string{"hostname": "b01", "address": "10.1.1.2", "serial": "SN2"}},
		Known{ID: "3", Number: "AST-2026-0003", Kind: "component", Name: "oracle", ParentID: "1", AreaPath: "/45/", SystemID: "s-id", Version: 1},
		Known{ID: "4", Number: "AST-2026-0004", Kind: "host", Name: "丙", AreaPath: "/45/", SystemID: "s-seal", Version: 1, Values: map[string]string{"address": "10.1.1.4"}},
		Known{ID: "5", Number: "AST-2026-0005", Kind: "host", Name: "丁", AreaPath: "/45/", SystemID: "s-seal", Version: 1, Values: map[string]string{"address": "10.1.1.4"}},
	)
	mapping := []string{"hostname", "address", "environment", "owner_name", "system", "area", "parent", "name", "serial", "label:rack", "number", "warranty_until"}
	row := func(cells ...string) []string { return cells }
	for name, c := range map[string]struct {
		row     []string
		outcome string
		detail  string // changes as field=after, or code of the fault at its column
	}{
		"the same":             {row("A01", "10.1.1.1", "生产", "", "身份认证"), Same, "environment"},
		"changed":              {row("a01", "", "测试环境", "张三"), Changed, "environment=test owner_name=张三"},
		"by its address only":  {row("", "10.1.1.2", "", "李四"), Changed, "owner_name=李四"},
		"by its number":        {row("", "", "", "王五", "", "", "", "", "", "", "ast-2026-0001"), Changed, "owner_name=王五"},
		"a number that is not": {row("", "", "", "王五", "", "", "", "", "", "", "AST-2026-0099"), Conflict, "unknown_asset K"},
		"new":                  {row("c01", "10.1.1.3", "生产", "", "电子签章", "南宁", "", "", "", "A3"), Added, "kind=host area=/45/4501/ system=s-seal address=10.1.1.3 environment=production hostname=c01 label:rack=A3"},
		"two by two keys":      {row("a01", "10.1.1.2"), Conflict, "contradiction B"},
		"two of one address":   {row("", "10.1.1.4"), Conflict, "ambiguous B"},
		"two addresses":        {row("d01", "10.1.1.9、10.1.2.9"), Added, "kind=host area=/45/ system=s-id address=10.1.1.9 hostname=d01 label:more_address=10.1.2.9"},
		"an unknown system":    {row("e01", "10.1.1.5", "", "", "金税四期"), Conflict, "unknown_system E"},
		"an unknown word":      {row("e01", "10.1.1.5", "火星"), Conflict, "unknown_word C"},
		"no day":               {row("e01", "", "", "", "", "", "", "", "", "", "", "快到期了"), Conflict, "not_a_day L"},
		"a spreadsheet's day":  {row("a01", "", "", "", "", "", "", "", "", "", "", "46477"), Changed, "warranty_until=2027-03-31"},
		"nobody":               {row("", "", "生产"), Conflict, "required H"},
		"a component, known":   {row("", "", "", "张三", "", "", "a01", "oracle"), Changed, "owner_name=张三"},
		"a component, new":     {row("", "", "", "", "", "", "10.1.1.2", "weblogic"), Added, "kind=component area=/45/ system=s-id parent=10.1.1.2"},
		"on nothing known":     {row("", "", "", "", "", "", "没有的主机", "x"), Conflict, "unknown_host G"},
		"says nothing":         {row("a01", "-", "无", "/", "N/A"), Same, ""},
	} {
		p := compare(Table{Rows: []Line{{N: 5, Cells: c.row}}}, mapping, Defaults{Kind: "host", AreaPath: "/45/", SystemID: "s-id"}, areas, systems, known, anything)
		r := p.Rows[0]
		var detail []string
		for _, d := range r.Changes {
			detail = append(detail, d.Field+"="+d.After)
		}
		got := strings.Join(detail, " ")
		if r.Outcome == Conflict && len(r.Faults) > 0 {
			got = r.Faults[0].Code + " " + r.Faults[0].Column
		}
		want := c.detail
		if c.outcome == Same {
			want = ""
		}
		if r.Outcome != c.outcome || got != want {
			t.Errorf("%s: %s %s %+v, want %s %s", name, r.Outcome, got, r.Faults, c.outcome, want)
		}
	}
	// Rows among each other: the same asset twice, components on hosts that come with the list.
	p := compare(Table{Rows: []Line{
		{N: 2, Cells: row("", "", "", "", "", "", "z01", "mysql")}, {N: 3, Cells: row("z01", "10.9.9.9")}, {N: 4, Cells: row("Z01", "10.9.9.8")},
		{N: 5, Cells: row("y01", "10.9.9.7", "火星")}, {N: 6, Cells: row("", "", "", "", "", "", "y01", "redis")},
	}}, mapping, Defaults{Kind: "host", AreaPath: "/45/", SystemID: "s-id"}, areas, systems, known, anything)
	var got []string
	for _, r := range p.Rows {
		code := ""
		if len(r.Faults) > 0 {
			code = r.Faults[0].Code
		}
		got = append(got, r.Outcome+" "+code)
	}
	if s := strings.Join(got, ", "); s != "new , new , conflict twice, conflict unknown_word, conflict parent_conflict" {
		t.Error(s)
	}
	again := compare(p.table(), mapping, Defaults{Kind: "host", AreaPath: "/45/", SystemID: "s-id"}, areas, systems, known[:1], anything)
	if again.Digest == p.Digest && fmt.Sprint(again.Counts) != fmt.Sprint(p.Counts) {
		t.Error("two previews of one digest")
	}
}

// table stands for a table of other rows.
func (p Preview) table() Table { return Table{Rows: []Line{{N: 1, Cells: []string{"q"}}}} }

// shelf is the register of a test: it keeps assets in memory and follows the transaction.
type shelf struct {
	assets map[string]Known
	next   int
}

func (s *shelf) Known(context.Context, store.Scope) ([]Known, error) {
	var out []Known
	for _, id := range slices.Sorted(maps.Keys(s.assets)) {
		out = append(out, s.assets[id])
	}
	return out, nil
}

func (s *shelf) CheckValue(name, value string) error {
	if name == "address" && !strings.HasPrefix(value, "10.") {
		return problem.InvalidField("body.address", "not_an_address", "no address")
	}
	return nil
}

func (s *shelf) Add(_ context.Context, tx *store.Tx, _ store.Scope, _ string, a NewAsset) (Known, error) {
	s.next++
	k := Known{ID: fmt.Sprintf("id-%03d", s.next), Number: fmt.Sprintf("AST-2026-%04d", s.next), Kind: a.Kind, Name: a.Name, ParentID: a.ParentID, AreaPath: a.AreaPath, SystemID: a.SystemID, Values: a.Values, Labels: a.Labels, Version: 1}
	tx.AfterCommit(func() { s.assets[k.ID] = k })
	return k, nil
}

func (s *shelf) Change(_ context.Context, tx *store.Tx, _ store.Scope, _, id string, c AssetChange) (Known, error) {
	k := s.assets[id]
	if k.Version != c.Version {
		return Known{}, problem.New(problem.Stale, "at version %d", k.Version)
	}
	k.Values = maps.Clone(k.Values)
	for n, v := range c.Values {
		if k.Values[n] = v; v == "" {
			delete(k.Values, n)
		}
	}
	if c.Name != nil {
		k.Name = *c.Name
	}
	if c.Labels != nil {
		k.Labels = *c.Labels
	}
	k.Version++
	tx.AfterCommit(func() { s.assets[id] = k })
	return k, nil
}

func (s *shelf) Retire(_ context.Context, tx *store.Tx, _ store.Scope, id, _ string, version int64) error {
	if s.assets[id].Version != version {
		return problem.New(problem.Stale, "at another version")
	}
	tx.AfterCommit(func() { delete(s.assets, id) })
	return nil
}

type places struct{ *org.Service }

func (places) Areas(context.Context) ([]Place, error) {
	return []Place{{"/45/4501/", []string{"南宁市税务局"}}}, nil
}

func (places) Systems(context.Context) ([]Place, error) {
	return []Place{{org.SystemSeal, []string{"电子签章系统"}}}, nil
}

type nobody struct{}

func (nobody) Names(context.Context, []string) (map[string]string, error) { return nil, nil }

func module(t *testing.T, db *store.DB) (*Module, *shelf) {
	t.Helper()
	ring, err := secret.OpenRing(t.Context(), secret.Config{File: filepath.Join(t.TempDir(), "ring.json")})
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(journal.Config{DB: db, Ring: ring, Types: Types(), AreaPath: org.Region})
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{assets: map[string]Known{}}
	m, err := New(Deps{DB: db, Journal: j, Register: s, Places: places{org.New(db)}, People: nobody{}, Inspection: idle{}, Library: idle{}})
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func workbook(t *testing.T, rows ...[]string) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, r := range rows {
		for j, v := range r {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.SetCellValue("Sheet1", cell, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUploadApplyUndo(t *testing.T) {
	storetest.Each(t, []store.Migrations{org.Migrations(), journal.Migrations(), Migrations()}, func(t *testing.T, db *store.DB) {
		m, s := module(t, db)
		all := store.Everything()
		ctx := api.WithCaller(t.Context(), api.Caller{AccountID: "ann"}, all)
		upload := func(rows ...[]string) Run {
			t.Helper()
			r, err := m.Upload(ctx, all, Upload{FileName: `C:\台账\资产.xlsx`, Content: workbook(t, rows...), AreaPath: "/45/", SystemID: org.SystemSeal})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		digest := func(id string) string {
			t.Helper()
			p, err := m.Preview(ctx, all, id)
			if err != nil {
				t.Fatal(err)
			}
			return p.Digest
		}
		head := []string{"编号", "主机名", "IP地址", "责任人", "所在主机", "名称"}
		run := upload([]string{"资产台账"}, head, []string{"GX-1", "a01", "10.1.1.1", "张三"}, []string{"GX-2", "", "", "", "a01", "mysql"}, []string{"GX-3", "b01", "300.1", "李四"})
		if run.FileName != "资产.xlsx" || run.RowCount != 3 || run.Remembered != 0 || run.Mapping[1] != "hostname" {
			t.Fatalf("%+v", run)
		}
		if _, err := m.Apply(ctx, all, run.ID, Application{Digest: digest(run.ID), Version: 1}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("applied with a conflict: %v", err)
		}
		if _, err := m.Apply(ctx, all, run.ID, Application{Digest: "other", SkipConflicts: true, Version: 1}); problem.CodeOf(err) != CodePreviewStale {
			t.Errorf("applied what nobody saw: %v", err)
		}
		if _, err := m.Configure(ctx, all, run.ID, Settings{Mapping: []string{"name"}, Defaults: run.Defaults, Version: 1}); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("a mapping that does not fit: %v", err)
		}
		mapping := slices.Clone(run.Mapping)
		mapping[0] = "label:no"
		run, err := m.Configure(ctx, all, run.ID, Settings{Mapping: mapping, Defaults: run.Defaults, Version: 1})
		if err != nil {
			t.Fatal(err)
		}
		done, err := m.Apply(ctx, all, run.ID, Application{Digest: digest(run.ID), SkipConflicts: true, Version: run.Version})
		if err != nil || done.State != Applied || done.Counts[Added] != 2 || done.Counts[Conflict] != 1 || len(s.assets) != 2 {
			t.Fatalf("%+v %v", done, err)
		}
		if a, b := s.assets["id-001"], s.assets["id-002"]; a.Labels["no"] != "GX-1" || b.ParentID != a.ID || b.Kind != "component" || a.SystemID != org.SystemSeal {
			t.Errorf("%+v %+v", a, b)
		}
		if _, err := m.Apply(ctx, all, run.ID, Application{Digest: digest0, Version: done.Version}); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("applied twice: %v", err)
		}
		// The same form is understood at once, and the same rows change nothing.
		second := upload([]string{"另一个标题"}, head, []string{"GX-1", "a01", "10.1.1.1", "王五"}, []string{"GX-2", "", "", "", "a01", "mysql"})
		if second.Remembered != 1 || second.Mapping[0] != "label:no" {
			t.Errorf("%+v", second)
		}
		changed, err := m.Apply(ctx, all, second.ID, Application{Digest: digest(second.ID), Version: 1})
		if err != nil || changed.Counts[Changed] != 1 || changed.Counts[Same] != 1 || s.assets["id-001"].Values["owner_name"] != "王五" {
			t.Fatalf("%+v %v", changed, err)
		}
		// Undone: what it changed is put back.
		undone, left, err := m.Undo(ctx, all, second.ID, "导错了文件", changed.Version)
		if err != nil || undone.State != Undone || len(left) != 0 || s.assets["id-001"].Values["owner_name"] != "张三" {
			t.Fatalf("%+v %v %v", undone, left, err)
		}
		if _, _, err := m.Undo(ctx, all, second.ID, "再来", undone.Version); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("undone twice: %v", err)
		}
		// What somebody changed since is left and named; so is the host that it needs.
		later := s.assets["id-002"]
		later.Version++
		s.assets["id-002"] = later
		if _, left, err = m.Undo(ctx, all, run.ID, "撤销", done.Version); err != nil || len(left) != 2 {
			t.Fatalf("%v %v", left, err)
		}
		steps, err := m.Steps(ctx, all, run.ID)
		if err != nil || len(steps) != 2 || steps[0].Left != "changed" || steps[1].Left != "changed" {
			t.Errorf("%+v %v", steps, err)
		}
		elsewhere := store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"})
		if _, _, err := m.Run(ctx, elsewhere, run.ID); problem.CodeOf(err) != problem.NotFound {
			t.Errorf("seen from elsewhere: %v", err)
		}
		third := upload(head, []string{"GX-9", "c01", "10.1.1.9"})
		if gone, err := m.Discard(ctx, all, third.ID, 1); err != nil || gone.State != Discarded || gone.Content != nil {
			t.Errorf("%+v %v", gone, err)
		}
		if _, err := m.Preview(ctx, all, third.ID); problem.CodeOf(err) != problem.NotPossibleInState {
			t.Errorf("a preview of what was given up: %v", err)
		}
		for name, content := range map[string][]byte{"no header": []byte("a,b\nc,d\n"), "nothing": nil, "only a header": []byte("主机名,IP地址\n")} {
			if _, err := m.Upload(ctx, all, Upload{Content: content, AreaPath: "/45/"}); problem.CodeOf(err) != problem.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

const digest0 = "00000000000000000000000000000000"

func TestMachineIsSound(t *testing.T) {
	m := Machines()[0]
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	for _, s := range m.States() {
		for _, e := range m.Events() {
			_, err := m.Next(s, e)
			if allowed := s == Parsed && e != undo || s == Applied && e == undo; allowed != (err == nil) {
				t.Errorf("%s on %s: %v", e, s, err)
			}
		}
	}
}
