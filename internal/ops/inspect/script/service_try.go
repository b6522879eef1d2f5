package script

import (
	"context"

	"taxops/internal/kernel/api"
	"taxops/internal/kernel/journal"
	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/charset"
	"taxops/internal/ops/inspect/plugin"
	"taxops/internal/ops/inspect/spawn"
	"taxops/internal/ops/inspect/wrapper"
)

// maxTrial bounds how long a person waits for a script that is tried, in seconds.
const maxTrial = 60

// Trial is a script that a person tries.
type Trial struct {
	Manifest ScriptManifest
	Body     []byte
	Values   Values
}

// Tried is what became of it. Nothing of it is kept but a row in the journal.
type Tried struct {
	Result    probe.Result
	Outcome   spawn.Outcome
	Stdout    string
	Stderr    string
	Encoding  string
	Judgement *wrapper.Judgement
}

// Try runs a script once on this server, in the same sandbox as checks.
func (m *Module) Try(ctx context.Context, scope store.Scope, t Trial) (Tried, error) {
	c := Content{Manifest: t.Manifest, Body: t.Body}
	if err := c.check(); err != nil {
		return Tried{}, err
	}
	c.Manifest.TimeoutSeconds = min(c.Manifest.TimeoutSeconds, maxTrial)
	if !scope.Covers(m.areaPath, "") {
		return Tried{}, problem.New(problem.Forbidden, "scripts are tried on the machine of this server: that needs the right for its area %s", m.areaPath)
	}
	values, err := c.Manifest.complete(t.Values, true)
	if err != nil {
		return Tried{}, problem.InvalidField("body.args", "rule", "%s", err.Error())
	}
	if _, _, err := c.Manifest.command(values); err != nil {
		return Tried{}, problem.InvalidField("body.args", "rule", "%s", err.Error())
	}
	select {
	case m.trials <- struct{}{}:
		defer func() { <-m.trials }()
	default:
		e := problem.New(problem.RateLimited, "%d scripts are being tried already", trialsAtOnce)
		e.RetryAfter = 5
		return Tried{}, e
	}
	r, ex := m.execute(ctx, c.Manifest, c.Body, values)
	if err := ctx.Err(); err != nil {
		return Tried{}, err //nolint:wrapcheck // the person has gone
	}
	out := Tried{Result: r, Outcome: ex.outcome, Judgement: ex.judgement}
	out.Stdout, out.Encoding = charset.Decode(ex.outcome.Stdout, c.Manifest.Rules.Encoding)
	out.Stderr, _ = charset.Decode(ex.outcome.Stderr, c.Manifest.Rules.Encoding)
	err = m.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := m.journal.Append(ctx, tx, journal.Entry{
			Type: TypeTried, Subject: journal.Subject{Kind: subjectTrial, ID: api.CallerFrom(ctx).AccountID}, AreaPath: m.areaPath,
			Fields: map[string]any{
				"body_sha256": sum(c.Body), "interpreter": c.Manifest.Interpreter, "ended": string(ex.outcome.Ended), "state": r.State.String(),
			},
		})
		return err
	})
	return out, err
}

// Judge applies rules to text that a person has, without running anything.
func (m *Module) Judge(r wrapper.OutputRules, text string, exit int) (wrapper.Judgement, error) {
	c, err := wrapper.Compile(r)
	if err != nil {
		return wrapper.Judgement{}, (&ScriptManifest{Judge: ByRules, Interpreter: "sh", TimeoutSeconds: 1, Rules: r}).check("body")
	}
	return c.ApplyText(text, exit), nil
}

// Plugins lists the plug-ins that are installed on the machine of this server.
func (m *Module) Plugins() []plugin.Installed { return m.plugins.List() }
