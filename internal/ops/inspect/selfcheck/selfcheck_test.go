package selfcheck_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/selfcheck"
)

// platform answers as it is told to.
type platform struct {
	usage   store.Usage
	pending int64
	oldest  time.Duration
	head    journal.Mark
	bad     []journal.Bad
	copies  []journal.Bad
	dead    int
	subs    []journal.SubscriptionState
	err     error
	asked   []journal.Mark
}

func (p *platform) Usage(context.Context) (store.Usage, error) { return p.usage, p.err }

func (p *platform) Lag(context.Context) (int64, time.Duration, error) {
	return p.pending, p.oldest, p.err
}

func (p *platform) VerifyTail(_ context.Context, from journal.Mark, _ int64) (journal.Mark, []journal.Bad, error) {
	p.asked = append(p.asked, from)
	if p.bad != nil {
		return from, p.bad, p.err
	}
	return p.head, nil, p.err
}

func (p *platform) VerifyCopies(context.Context) ([]journal.Bad, error) { return p.copies, nil }

func (p *platform) Undelivered(context.Context) (int, int, error) { return p.dead, 0, p.err }

func (p *platform) Subscriptions(context.Context) ([]journal.SubscriptionState, error) {
	return p.subs, p.err
}

func run(t *testing.T, p *platform, kind string, memory probe.Memory) probe.Result {
	t.Helper()
	for _, k := range selfcheck.Kinds(p, p, p) {
		if k.Kind != kind {
			continue
		}
		if len(k.Discover(t.Context())) != 1 {
			t.Errorf("%s is not proposed once", kind)
		}
		target, err := k.NewTarget(nil, nil, memory, slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return k.Run(t.Context(), target)
	}
	t.Fatalf("no kind %s", kind)
	return probe.Result{}
}

func TestStates(t *testing.T) {
	good := platform{usage: store.Usage{Answered: time.Millisecond, Bytes: 1 << 20, Free: 100 << 30}, head: journal.Mark{Seq: 7, Hash: "aa"}}
	for name, c := range map[string]struct {
		kind  string
		make  func(p *platform)
		state probe.State
		says  string
	}{
		"the database answers":    {"data.store", func(*platform) {}, probe.OK, "应答"},
		"the database is away":    {"data.store", func(p *platform) { p.err = errors.New("refused") }, probe.Critical, "refused"},
		"slow":                    {"data.store", func(p *platform) { p.usage.Answered = 2 * time.Second }, probe.Warning, "应答时间"},
		"nearly full":             {"data.store", func(p *platform) { p.usage.Free = 1 << 20 }, probe.Critical, "剩余空间"},
		"free space of elsewhere": {"data.store", func(p *platform) { p.usage.Free = -1 }, probe.OK, "应答"},
		"the journal is whole":    {"data.journal", func(*platform) {}, probe.OK, "第 7 行"},
		"a row was changed":       {"data.journal", func(p *platform) { p.bad = []journal.Bad{{Seq: 3, Why: "changed"}} }, probe.Critical, "第 3 行"},
		"a copy is gone": {"data.journal", func(p *platform) {
			p.copies = []journal.Bad{{Seq: 9, Why: "dropped: the copy segment-00000002.json of segment 2"}}
		}, probe.Critical, "segment-00000002.json"},
		"rows wait for the chain":  {"data.journal", func(p *platform) { p.oldest = 10 * time.Second }, probe.Warning, "未入链"},
		"the journal is away":      {"data.journal", func(p *platform) { p.err = errors.New("refused") }, probe.Unknown, "refused"},
		"all is delivered":         {"data.undelivered", func(*platform) {}, probe.OK, "失败任务 0"},
		"a job gave up":            {"data.undelivered", func(p *platform) { p.dead = 1 }, probe.Warning, "重试用尽"},
		"many gave up":             {"data.undelivered", func(p *platform) { p.dead = 10 }, probe.Critical, "重试用尽"},
		"a subject is parked":      {"data.undelivered", func(p *platform) { p.subs = []journal.SubscriptionState{{Parked: []journal.Parked{{}}}} }, probe.Warning, "停住"},
		"a subscription is behind": {"data.undelivered", func(p *platform) { p.subs = []journal.SubscriptionState{{Lag: 10_000}} }, probe.Critical, "落后"},
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			c.make(&p)
			r := run(t, &p, c.kind, probe.NewMapMemory(nil))
			if r.State != c.state || !strings.Contains(r.Summary, c.says) {
				t.Errorf("%s %q, want %s with %q", r.State, r.Summary, c.state, c.says)
			}
		})
	}
}

func TestJournalGoesOnWhereItEnded(t *testing.T) {
	p := &platform{head: journal.Mark{Seq: 7, Hash: "aa"}}
	memory := probe.NewMapMemory(nil)
	run(t, p, "data.journal", memory)
	p.bad = []journal.Bad{{Seq: 9, Why: "changed"}}
	run(t, p, "data.journal", memory)
	p.bad = nil
	run(t, p, "data.journal", memory)
	want := []journal.Mark{{}, {Seq: 7, Hash: "aa"}, {Seq: 7, Hash: "aa"}} // what was bad is looked at again
	for i, m := range want {
		if p.asked[i] != m {
			t.Errorf("look %d began at %+v, want %+v", i+1, p.asked[i], m)
		}
	}
}
