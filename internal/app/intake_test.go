package app_test

import (
	"os"
	"path/filepath"
	"testing"

	"taxops/internal/app"
	"taxops/internal/kernel/store"
)

// TestAListOfAssetsIsTakenInAndUndone walks the list of a bureau through the whole program: read, previewed,
// applied, seen in the register with its history, and undone.
func TestAListOfAssetsIsTakenInAndUndone(t *testing.T) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			p := start(t, engine)
			admin := p.first(t)
			list := "资产台账,,,,,,\n序号,主机名,IP地址,操作系统,责任人,联系电话,所属系统,所在单位,环境,所在主机,名称\n" +
				"1,sb-app01,10.45.1.11,Kylin V10,张三,0771-5581234,电子签章,南宁市局,生产,,\n" +
				"2,sb-db01,10.45.1.12,openEuler 22.03,李四,13800000000,电子签章系统,区局,生产,,\n" +
				"3,,,,,,电子签章,区局,生产,sb-db01,Oracle 签章库\n"
			file := filepath.Join(t.TempDir(), "台账.csv")
			if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
				t.Fatal(err)
			}
			seen, err := p.ImportAssets(t.Context(), app.AssetImport{File: file})
			if err != nil || seen.Counts["new"] != 3 || len(seen.Conflicts) != 0 || seen.State != "preview" {
				t.Fatalf("%+v %v", seen, err)
			}
			done, err := p.ImportAssets(t.Context(), app.AssetImport{File: file, Apply: true})
			if err != nil || done.State != "applied" {
				t.Fatalf("%+v %v", done, err)
			}
			again, err := p.ImportAssets(t.Context(), app.AssetImport{File: file, Apply: true})
			if err != nil || again.Counts["same"] != 3 {
				t.Fatalf("%+v %v", again, err)
			}
			var assets struct {
				Items []struct {
					ID, Name, Kind string
					AreaPath       string `json:"area_path"`
					OwnerName      string `json:"owner_name"`
					Version        int64
				}
			}
			admin.must("GET", "/fleet/assets?q=sb-", nil, &assets)
			if len(assets.Items) != 2 || assets.Items[0].OwnerName != "张三" || assets.Items[0].AreaPath != "/45/4501/" {
				t.Fatalf("%+v", assets)
			}
			var runs struct {
				Items []struct {
					ID, Number, State string
					Version           int64
				}
			}
			admin.must("GET", "/intake/runs?state=applied", nil, &runs)
			if len(runs.Items) != 2 || runs.Items[1].Number != done.Number {
				t.Fatalf("%+v", runs)
			}
			admin.must("POST", "/intake/runs/"+runs.Items[1].ID+"/undo", map[string]any{"reason": "试导入", "version": runs.Items[1].Version}, nil)
			admin.must("GET", "/fleet/assets?state=active&q=sb-", nil, &assets)
			if len(assets.Items) != 0 {
				t.Errorf("still there: %+v", assets)
			}
			r := admin.callWith("POST", "/intake/runs?area_path=/45/&file_name=x.xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1xxxx", map[string]string{"Content-Type": "application/octet-stream"})
			if r.Status != 422 {
				t.Errorf("an XLS: %d %s", r.Status, r.Body)
			}
			if r := admin.callWith("POST", "/intake/runs?area_path=/45/&file_name=x.csv", list, map[string]string{"Content-Type": "application/octet-stream"}); r.Status != 201 {
				t.Errorf("upload: %d %s", r.Status, r.Body)
			}
		})
	}
}
