package builtin

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"taxops/internal/kernel/probe"
)

// TestEveryKindIsWellFormed holds what the console, the documentation and the store rely on.
func TestEveryKindIsWellFormed(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z0-9_]+$`)
	seen := make(map[string]bool)
	for _, b := range All(Deps{}) {
		if !name.MatchString(b.Kind) || seen[b.Kind] || !strings.HasPrefix(b.Kind, string(b.Class)+".") {
			t.Errorf("kind %q of class %q: bad or double name", b.Kind, b.Class)
		}
		seen[b.Kind] = true
		for what, text := range map[string]string{"title": b.TitleZH, "title_en": b.TitleEN, "verified": b.VerifiedOn} {
			if text == "" {
				t.Errorf("%s has no %s", b.Kind, what)
			}
		}
		if !strings.Contains(b.HelpZH, "变红时") || !strings.Contains(b.HelpEN, "When red") {
			t.Errorf("%s does not say what to do when it is red", b.Kind)
		}
		if b.Verified != verifiedTested && b.Verified != verifiedSamples {
			t.Errorf("%s is verified %q", b.Kind, b.Verified)
		}
		defaults := make(map[string]any)
		for _, p := range b.Params {
			if p.TitleZH == "" || p.TitleEN == "" {
				t.Errorf("%s: setting %s has no title", b.Kind, p.Name)
			}
			if p.Default != nil {
				defaults[p.Name] = p.Default
			}
			if p.Required {
				defaults[p.Name] = map[string]any{"string": "http://x", "int": 1}[p.Type]
			}
		}
		check := b
		check.Check = nil // rules over several settings need real ones
		if got, err := check.CheckParams(defaults); err != nil {
			t.Errorf("%s: defaults are refused: %v", b.Kind, err)
		} else {
			for n, d := range defaults {
				if _, list := d.([]string); !list && got[n] != d {
					t.Errorf("%s: default of %s is %T, becomes %T", b.Kind, n, d, got[n])
				}
			}
		}
		for _, th := range b.Thresholds {
			if _, _, ok := probe.MetricTitle(th.Metric); !ok {
				t.Errorf("%s: metric %s has no title in probe.Metrics", b.Kind, th.Metric)
			}
			if err := (probe.Limit{Warn: th.Warn, Crit: th.Crit}).Check(); err != nil {
				t.Errorf("%s: %s: %v", b.Kind, th.Metric, err)
			}
		}
	}
	for _, class := range []probe.Class{probe.OSLog, probe.Hardware, probe.Service, probe.Performance, probe.Instance} {
		found := false
		for k := range seen {
			found = found || strings.HasPrefix(k, string(class)+".")
		}
		if !found {
			t.Errorf("class %s has no kind", class)
		}
	}
}

func TestEmptyHostHasNoSources(t *testing.T) {
	t.Parallel()
	h := tree(t, nil)
	for _, b := range []probe.Builtin{
		h.kernelLog(), h.oomLog(), h.ioErrorLog(), h.filesystemLog(), h.authLog(), h.journalLog(), h.logGrowth(), h.nic(), h.raid(), h.smart(), h.raidCard(), h.ipmi(), h.eventLog(), h.ecc(), h.fan(), h.powerSupply(), h.temperature(), h.failedUnits(), h.ntp(), h.listening(), h.reboot(), h.patch(), h.antivirus(),
		h.accounts(), h.passwords(), h.passwordPolicy(), h.cronFiles(), h.swap(), h.load(), h.tasks(), h.diskLatency(), h.tcpQuality(), h.processCPU(), h.cpu(), h.memory(), h.io(), h.disk(), h.inodes(), h.files(), h.conntrack(),
	} {
		r := run(t, b, nil, nil)
		if r.State != probe.Unknown || r.Reason != probe.ReasonNoSource {
			t.Errorf("%s: %s %s %s", b.Kind, r.State, r.Reason, r.Summary)
		}
		if found := b.Discover(t.Context()); len(found) != 1 || found[0].Why == "" {
			t.Errorf("%s proposes %v, want itself once", b.Kind, found)
		}
	}
}

func TestCannotRead(t *testing.T) {
	t.Parallel()
	wants(t, cannotRead("/x", "某物", fs.ErrPermission), probe.Unknown, probe.ReasonDenied, "root", "/x")
	wants(t, cannotRead("/x", "某物", fs.ErrNotExist), probe.Unknown, probe.ReasonNoSource, "/x")
	wants(t, cannotRead("/x", "某物", errors.New("disc broken")), probe.Unknown, "read_failed", "disc broken")
}
