package builtin

import (
	"context"
	"fmt"

	"taxops/internal/kernel/probe"
)

// question is one single question to an instance (单项检查): what is asked of the facts that the
// session brought back. S is what a session of that engine knows.
type question[S any] struct {
	kind       string // after the engine's own name: "postgresql_connections"
	class      probe.Class
	zh, en     string
	helpZH     string
	helpEN     string
	thresholds []probe.Threshold
	// judge says what the facts mean; a result that is not nil stands instead of the report.
	judge func(t probe.Target, r *probe.Report, s S) (figures string, instead *probe.Result)
}

// engine is what all questions to one kind of instance have in common.
type engine[S any] struct {
	params     []probe.Param
	check      func(map[string]any) error
	target     func(map[string]any) string
	overview   string // kind that reports whether the instance serves at all
	overviewZH string
	verified   string
	verifiedOn string
	discover   func(context.Context) []probe.Found
	// facts signs in, or takes what another question has just learnt. The result says why not.
	facts func(ctx context.Context, t probe.Target) (S, *probe.Result)
	// name says which instance, for the beginning of the figures.
	name func(t probe.Target, s S) string
}

func (e engine[S]) builtin(q question[S]) probe.Builtin {
	if q.class == "" {
		q.class = probe.Instance
	}
	return probe.Builtin{
		Kind: string(q.class) + "." + q.kind, Class: q.class, TitleZH: q.zh, TitleEN: q.en, HelpZH: q.helpZH, HelpEN: q.helpEN,
		Params: e.params, Check: e.check, Target: e.target, Thresholds: q.thresholds,
		Verified: e.verified, VerifiedOn: e.verifiedOn, Timeout: instanceTimeout, Discover: e.discover, Overview: e.overview,
		Run: func(ctx context.Context, t probe.Target) probe.Result {
			s, failed := e.facts(ctx, t)
			if failed != nil {
				return e.follows(*failed)
			}
			r := t.Report()
			figures, instead := q.judge(t, r, s)
			if instead != nil {
				return *instead
			}
			return r.Result(e.name(t, s) + "：" + figures)
		},
	}
}

// whole makes the kind that reports whether the instance serves at all.
func (e engine[S]) whole(b probe.Builtin, judge func(*probe.Report, S) string) probe.Builtin {
	b.Class, b.Params, b.Check, b.Target = probe.Instance, e.params, e.check, e.target
	b.Verified, b.VerifiedOn, b.Timeout, b.Discover = e.verified, e.verifiedOn, instanceTimeout, e.discover
	b.Run = func(ctx context.Context, t probe.Target) probe.Result {
		s, failed := e.facts(ctx, t)
		if failed != nil {
			return *failed
		}
		r := t.Report()
		return r.Result(judge(r, s))
	}
	return b
}

// follows is what a single question says when the instance does not serve: that is the overview's
// to report, and one outage is not a dozen.
func (e engine[S]) follows(failed probe.Result) probe.Result {
	if failed.State != probe.Critical {
		return failed
	}
	return probe.Unknowable(probe.ReasonDown, fmt.Sprintf("未能查询（见“%s”）：%s", e.overviewZH, failed.Summary))
}

// all makes the kinds of an engine's questions.
func (e engine[S]) all(list []question[S]) []probe.Builtin {
	out := make([]probe.Builtin, len(list))
	for i, q := range list {
		out[i] = e.builtin(q)
	}
	return out
}

// nothing is a judge's answer for what the instance does not have.
func nothing(what string) (string, *probe.Result) {
	r := probe.NoSource(what)
	return "", &r
}

// unanswered is a judge's answer for a part of the session that failed.
func unanswered(r probe.Result) (string, *probe.Result) { return "", &r }

// named is a number that belongs to something with a name: the size of a database.
type named struct {
	name  string
	value float64
}
