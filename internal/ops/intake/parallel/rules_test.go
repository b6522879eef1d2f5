package parallel

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

func TestReports(t *testing.T) {
	good := Report{
		EventID: "7001", Status: Began, Host: "app-01", Trigger: "磁盘将满", Severity: 4, StartedAt: noon, Address: " 10.45.1.11 ",
	}
	if err := good.check(noon); err != nil || good.Address != "10.45.1.11" {
		t.Fatalf("%v, address %q", err, good.Address)
	}
	for name, change := range map[string]func(*Report){
		"body.event_id":     func(r *Report) { r.EventID = " " },
		"body.host":         func(r *Report) { r.Host = "" },
		"body.host_name":    func(r *Report) { r.HostName = strings.Repeat("名", 129) },
		"body.trigger":      func(r *Report) { r.Trigger = "" },
		"body.severity":     func(r *Report) { r.Severity = 6 },
		"body.status":       func(r *Report) { r.Status = "update" },
		"body.started_at":   func(r *Report) { r.StartedAt = noon.Add(48 * time.Hour) },
		"body.recovered_at": func(r *Report) { r.Status, r.RecoveredAt = Recovered, noon.Add(-time.Hour) },
	} {
		r := good
		change(&r)
		err := r.check(noon)
		p, ok := err.(*problem.Error) //nolint:errorlint // it reaches the sender as it is
		if !ok || p.Fields[0].Location != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended := good
	ended.Status, ended.RecoveredAt = Recovered, noon
	if err := ended.check(noon); err != nil {
		t.Error(err)
	}
}

func TestMatch(t *testing.T) {
	register := []Asset{
		{ID: "a", Name: "寄递应用 01", Hostname: "app-01", Address: "10.45.1.11"},
		{ID: "b", Name: "寄递应用 02", Hostname: "app-02", Address: "10.45.1.12"},
		{ID: "c", Name: "库", Address: "10.45.1.12", Component: true},
		{ID: "d", Name: "双胞胎", Address: "10.45.1.13"},
		{ID: "e", Name: "双胞胎", Address: "10.45.1.14"},
	}
	for _, c := range []struct{ host, name, address, want, by string }{
		{"x", "y", "10.45.1.11", "a", ByAddress},
		{"app-02", "", "10.45.1.11", "a", ByAddress}, // the address is surer than the name
		{"APP-02", "", "", "b", ByHostname},
		{"x", "寄递应用 02", "", "b", ByName},
		{"x", "y", "10.45.1.12", "b", ByAddress}, // a component shares the address of its host
		{"x", "双胞胎", "", "", Ambiguous},
		{"x", "双胞胎", "10.45.1.14", "e", ByAddress},
		{"x", "y", "", "", Unknown},
		{"", "", "", "", Unknown},
	} {
		got, by := match(register, c.host, c.name, c.address)
		id := ""
		if got != nil {
			id = got.ID
		}
		if id != c.want || by != c.by {
			t.Errorf("%+v: %s by %s", c, id, by)
		}
	}
}

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func theirs(id, asset string, minutes int) Problem {
	return Problem{ID: id, AssetID: asset, Host: "h", Title: "触发器 " + id, StartedAt: store.At(at(minutes)), Severity: 3}
}

func ours(id, asset string, minutes int) Seen {
	return Seen{ID: id, AssetID: asset, Title: "隐患 " + id, OpenedAt: at(minutes)}
}

func TestPair(t *testing.T) {
	s := Span{From: noon, To: noon.Add(24 * time.Hour), Tolerance: 15 * time.Minute}
	rows, sums := pair(s, []Problem{
		theirs("p1", "host", 60),     // the component's finding, 4 minutes later
		theirs("p2", "host", 200),    // nothing of ours
		theirs("p3", "", 60),         // no asset
		theirs("p4", "bare", 60),     // an asset without checks
		theirs("p5", "host", -10),    // before the span: pairs f5, is no row
		theirs("p6", "other", 100),   // we were first by 10 minutes
		theirs("p7", "other", 24*60), // the first moment behind the span
	}, []Seen{
		ours("f1", "component", 64), ours("f1b", "host", 70), // two findings near p1: the nearer one is its pair, neither is ours alone
		ours("f3", "host", 500),  // Zabbix knows the host and sent nothing
		ours("f4", "ownly", 500), // Zabbix never sent anything about it
		ours("f5", "host", 2),
		ours("f6", "other", 90),
		ours("f7", "host", -1),
	}, facts{
		root: map[string]string{"component": "host", "host": "host"}, checked: map[string]bool{"host": true, "other": true},
		reported: map[string]bool{"host": true, "other": true}, verdicts: map[string]Verdict{"problem:p2": {Verdict: Known}},
	})
	var got []string
	for _, r := range rows {
		with := "-"
		if r.Side == Both {
			with = fmt.Sprintf("%s %d", r.Finding.ID, int(r.Lead/time.Minute))
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", r.Key, r.Side, with, r.Why))
	}
	slices.Sort(got)
	want := []string{
		"finding:f3 ours_only - not_sent", "finding:f4 ours_only - not_known",
		"problem:p1 both f1 4 ", "problem:p2 zabbix_only - not_seen", "problem:p3 zabbix_only - no_asset",
		"problem:p4 zabbix_only - no_checks", "problem:p6 both f6 -10 ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if wantSums := (Figures{
		Problems: 5, Findings: 6, Both: 2, Theirs: 3, Ours: 2, Open: 4, WeFirst: 1, TheyFirst: 1, MedianLead: -10 * time.Minute,
	}); sums != wantSums {
		t.Errorf("figures %+v, want %+v", sums, wantSums)
	}
	count := func(f Filter) int {
		n := 0
		for _, r := range rows {
			if f.takes(r) {
				n++
			}
		}
		return n
	}
	for f, want := range map[Filter]int{
		{}: 7, {Side: Both}: 2, {Side: "differences"}: 5, {Why: WhyNoAsset}: 1, {Verdict: Open}: 4, {Verdict: Known}: 1, {Verdict: Accepted}: 0,
		{Severity: 3}: 5, {Severity: 4}: 0, {AssetID: "bare"}: 1, {Text: "触发器 P1"}: 1, {Text: "隐患 f4"}: 1,
	} {
		if n := count(f); n != want {
			t.Errorf("%+v takes %d rows, want %d", f, n, want)
		}
	}
}

// TestPairAddsUp: whatever comes, each problem and each finding of the span is in the figures once, and a
// wider tolerance never makes more differences.
func TestPairAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		assets := []string{"", "a", "b"}
		var ps []Problem
		var fs []Seen
		for i := range rapid.IntRange(0, 20).Draw(t, "problems") {
			ps = append(ps, theirs(fmt.Sprint("p", i), rapid.SampledFrom(assets).Draw(t, "asset"), rapid.IntRange(-60, 300).Draw(t, "at")))
		}
		for i := range rapid.IntRange(0, 20).Draw(t, "findings") {
			fs = append(fs, ours(fmt.Sprint("f", i), rapid.SampledFrom(assets[1:]).Draw(t, "asset"), rapid.IntRange(-60, 300).Draw(t, "at")))
		}
		before := -1
		for _, minutes := range []int{0, 5, 30, 400} {
			s := Span{From: noon, To: noon.Add(4 * time.Hour), Tolerance: time.Duration(minutes) * time.Minute}
			rows, sums := pair(s, ps, fs, facts{})
			if sums.Both+sums.Theirs != sums.Problems || sums.Ours > sums.Findings || len(rows) != sums.Both+sums.Theirs+sums.Ours ||
				sums.WeFirst+sums.TheyFirst+sums.Equal != sums.Both {
				t.Fatalf("%d minutes: %+v over %d rows", minutes, sums, len(rows))
			}
			if differ := sums.Theirs + sums.Ours; before >= 0 && differ > before {
				t.Fatalf("%d minutes make %d differences, fewer minutes %d", minutes, differ, before)
			} else {
				before = differ
			}
		}
	})
}
