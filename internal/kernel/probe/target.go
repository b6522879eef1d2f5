package probe

import (
	"log/slog"
	"time"
)

// NewTarget validates settings and limits and returns what Run needs. memory, log and now may be
// nil: then nothing is remembered, nothing is logged, and the clock of the machine is used.
func (b Builtin) NewTarget(params map[string]any, limits map[string]Limit, memory Memory, log *slog.Logger, now func() time.Time) (Target, error) {
	p, err := b.CheckParams(params)
	if err != nil {
		return Target{}, err
	}
	l, err := b.CheckLimits(limits)
	if err != nil {
		return Target{}, err
	}
	if memory == nil {
		memory = NewMapMemory(nil)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return Target{Params: p, Thresholds: l, Memory: memory, Log: log, Now: now, Since: time.Now()}, nil
}

// String returns a text setting, "" when it is not set.
func (t Target) String(name string) string { v, _ := t.Params[name].(string); return v }

// Int returns a whole-number setting, 0 when it is not set.
func (t Target) Int(name string) int { v, _ := t.Params[name].(int); return v }

// Float returns a number setting, 0 when it is not set.
func (t Target) Float(name string) float64 { v, _ := t.Params[name].(float64); return v }

// Bool returns a switch, false when it is not set.
func (t Target) Bool(name string) bool { v, _ := t.Params[name].(bool); return v }

// Strings returns a list setting, nil when it is not set.
func (t Target) Strings(name string) []string { v, _ := t.Params[name].([]string); return v }

// Limit returns the limit that holds for a label, by its metric.
func (t Target) Limit(label string) Limit {
	if l, ok := t.Thresholds[label]; ok {
		return l
	}
	return t.Thresholds[MetricOf(label)]
}

// TargetName names what a check with these settings looks at, "" for the host itself.
func (b Builtin) TargetName(params map[string]any) string {
	if b.Target == nil {
		return ""
	}
	return b.Target(params)
}

// ClassFor returns the class of a check with these settings.
func (b Builtin) ClassFor(params map[string]any) Class {
	if b.ClassOf == nil {
		return b.Class
	}
	if c := b.ClassOf(params); c != "" {
		return c
	}
	return b.Class
}

// TitleFor returns the titles of a check with these settings.
func (b Builtin) TitleFor(params map[string]any) (zh, en string) {
	if b.TitleOf != nil {
		if t := b.TitleOf(params); t != "" {
			return t, t
		}
	}
	return b.TitleZH, b.TitleEN
}
