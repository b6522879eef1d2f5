package inspect

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// remember writes what a check measured in the past.
func (b *bed) remember(c *Check, n int, every time.Duration, value func(i int) float64) {
	b.t.Helper()
	now := b.stepped.Now()
	var rows []*Result
	for i := range n {
		rows = append(rows, &Result{
			ID: fmt.Sprintf("past-%05d", i), RoundID: fmt.Sprintf("past-%05d", i), CheckID: c.ID, AssetID: c.AssetID, Kind: c.Kind, Class: c.Class, Target: c.Target,
			State: probe.OK.String(), Perf: []probe.Perf{{Label: "time", Value: value(i), UOM: "s"}}, RanAt: store.At(now.Add(-time.Duration(i+1) * every)),
			AreaPath: c.AreaPath, SystemID: c.SystemID,
		})
	}
	err := b.db.Write(b.ctx(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestThresholdsFromHistory(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.round()
		d := b.door()
		c := b.check("127.0.0.1:2")
		path := "/inspect/checks/" + c.ID
		first := items(d.get(path + "/threshold-proposals"))
		if len(first) != 1 || first[0]["code"] != "too_little" || first[0]["warn"] != "" || first[0]["kind_crit"] != "3" {
			t.Errorf("without a history: %v", first)
		}
		b.remember(c, 600, time.Hour, func(i int) float64 { return 0.2 + float64(i%10)/50 })
		got := d.get(path + "/threshold-proposals")
		p := items(got)[0]
		basis := p["basis"].(object)
		if p["code"] != "proposed" || p["warn"] != "0.64" || p["crit"] != "1.7" || p["floor"] != false || p["now_warn"] != "1" {
			t.Errorf("proposal: %v", p)
		}
		if basis["values"].(float64) < 600 || basis["days"].(float64) < 25 || basis["then_crit"] != 0.0 {
			t.Errorf("basis: %v", basis)
		}
		// A week is less than what was measured.
		week := items(d.get(path + "/threshold-proposals?days=7"))[0]["basis"].(object)
		if n := week["values"].(float64); n > 170 {
			t.Errorf("a week has %v values", n)
		}
		d.call(http.MethodGet, path+"/threshold-proposals?days=1000", nil, http.StatusUnprocessableEntity)

		if n := len(items(d.get(path + "/threshold-changes"))); n != 0 {
			t.Errorf("%d changes, nobody changed anything", n)
		}
		take := object{"warn": object{"time": p["warn"]}, "crit": object{"time": p["crit"]}, "version": got["version"]}
		d.call(http.MethodPatch, path, take, http.StatusUnprocessableEntity) // without a reason
		take["reason"] = "按近 28 天历史建议"
		d.call(http.MethodPatch, path, take, http.StatusOK)
		d.call(http.MethodPatch, path, object{"enabled": false, "reason": "与阈值无关", "version": 2}, http.StatusOK)
		d.call(http.MethodPatch, path, object{"warn": object{"time": p["warn"]}, "crit": object{"time": ""}, "reason": "夜间不看", "version": 3}, http.StatusOK)
		changes := items(d.get(path + "/threshold-changes"))
		var told []string
		for _, c := range changes {
			told = append(told, fmt.Sprintf("%s %s %s→%s %s %s", c["side"], c["metric"], c["before"], c["after"], c["reason"], c["actor"].(object)["display_name"]))
		}
		want := []string{"crit time 1.7→ 夜间不看 工程师 ann", "warn time 1→0.64 按近 28 天历史建议 工程师 ann", "crit time 3→1.7 按近 28 天历史建议 工程师 ann"}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("changes %q, want %q", told, want)
		}
		if got := items(d.get(path + "/threshold-proposals"))[0]; got["now_crit"] != "" || got["now_warn"] != "0.64" {
			t.Errorf("after the change: %v", got)
		}
		d.guard.scope = store.NewScope(store.ScopeGrant{AreaPath: "/45/4502/"})
		d.call(http.MethodGet, path+"/threshold-proposals", nil, http.StatusNotFound)
		d.call(http.MethodGet, path+"/threshold-changes", nil, http.StatusNotFound)
	})
}
