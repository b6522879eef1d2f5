package fault_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"taxops/internal/kernel/store"
	"taxops/test/program"
)

// export writes an export of Zabbix with hosts that have three triggers each.
func export(t *testing.T, hosts int) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("zabbix_export:\n  version: '6.0'\n  hosts:\n")
	for i := range hosts {
		name := fmt.Sprintf("app-%04d", i)
		fmt.Fprintf(&b, "    - host: %s\n      name: 应用 %04d\n      groups: [{name: Linux}]\n      interfaces: [{ip: 10.45.%d.%d, interface_ref: if1}]\n", name, i, i/250, i%250+1)
		b.WriteString("      items:\n        - key: agent.ping\n          triggers:\n")
		for _, e := range []string{"vfs.fs.size[/,pused])>80", "vm.memory.size[pavailable])<10", `net.tcp.service[tcp,,8080])=0`} {
			fmt.Fprintf(&b, "            - {name: '%s', expression: 'last(/%s/%s', priority: HIGH}\n", e, name, e)
		}
	}
	file := filepath.Join(t.TempDir(), "export.yaml")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestKilledInImports: an import that is killed at any moment is carried out as a whole or not at all, and
// never twice.
func TestKilledInImports(t *testing.T) {
	const hosts = 150
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			s := newSite(t, binary, engine)
			once := program.Start(t, s.Options) // a platform is made by its first start
			if err := once.Ready(time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := once.Stop(); err != nil {
				t.Fatal(err)
			}
			file := export(t, hosts)
			ctx := t.Context()
			// One question, so that all numbers are of the same moment.
			look := func() (applied, assets, checks, steps, parts int) {
				t.Helper()
				if err := s.db.Read().NewRaw("SELECT (SELECT count(*) FROM intake_run WHERE state = 'applied'), "+
					"(SELECT count(*) FROM fleet_asset WHERE machine IS NULL), (SELECT count(*) FROM inspect_check WHERE origin = 'imported'), "+
					"(SELECT count(*) FROM intake_step), (SELECT count(*) FROM intake_part)").
					Scan(ctx, &applied, &assets, &checks, &steps, &parts); err != nil {
					t.Fatal(err)
				}
				return applied, assets, checks, steps, parts
			}
			whole := func(when string) int {
				t.Helper()
				applied, assets, checks, steps, parts := look()
				want := 0
				if applied > 0 {
					want = hosts
				}
				if assets != want || checks != 3*want || steps != want || parts != 3*want {
					t.Fatalf("%s: %d applied, %d assets, %d checks, %d steps, %d parts", when, applied, assets, checks, steps, parts)
				}
				return applied
			}
			killed := 0
			// Within which time it is killed: less after one that ended first, so that a fast machine is hit too.
			span := 400 * time.Millisecond
			for i := range kills(t) {
				before := s.count(ctx, "SELECT count(*) FROM intake_run")
				cmd := s.command("import", "zabbix", "--apply", file)
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				tick, limit := time.NewTicker(2*time.Millisecond), time.NewTimer(time.Minute)
				for seen := false; !seen; { // until it has read the file: then it applies
					select {
					case <-tick.C:
						seen = s.count(ctx, "SELECT count(*) FROM intake_run") > before
					case err := <-ended:
						t.Fatalf("the import does not begin: %v\n%s", err, out.String())
					case <-limit.C:
						t.Fatal("the import does not begin")
					}
				}
				tick.Stop()
				moment := time.NewTimer(rand.N(span))
				select {
				case <-moment.C:
					_ = cmd.Process.Kill()
					if <-ended != nil {
						killed++
						span = min(2*span, 400*time.Millisecond)
					} else {
						span = max(span/2, time.Millisecond)
					}
				case err := <-ended:
					if err != nil {
						t.Fatalf("kill %d: it ended before: %v", i+1, err)
					}
					span = max(span/2, time.Millisecond)
				}
				whole(fmt.Sprintf("kill %d", i+1))
			}
			for range 2 {
				if out, err := s.command("import", "zabbix", "--apply", file).CombinedOutput(); err != nil {
					t.Fatalf("the last import: %v\n%s", err, out)
				}
			}
			if applied := whole("at the end"); applied < 2 {
				t.Errorf("%d imports are applied", applied)
			}
			if n := s.count(ctx, "SELECT count(*) FROM (SELECT 1 FROM inspect_check GROUP BY asset_id, identity HAVING count(*) > 1) AS twice"); n != 0 {
				t.Errorf("%d checks are there twice", n)
			}
			if out, err := s.command("journal", "verify").CombinedOutput(); err != nil {
				t.Errorf("journal verify: %v\n%s", err, out)
			}
			if killed == 0 {
				t.Error("no import was killed: each ended first")
			}
			t.Logf("%d of %d imports were killed", killed, kills(t))
		})
	}
}
