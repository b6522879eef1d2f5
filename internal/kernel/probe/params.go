package probe

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ParamError is one thing wrong with the settings of a check.
type ParamError struct {
	Field string // "params.port", "thresholds.used_percent.warn"
	Code  string // "unknown", "missing", "type", "range", "rule"
	Text  string // for people, in English; the console translates by Code
}

// Error names the field first.
func (e ParamError) Error() string { return e.Field + ": " + e.Text }

// ParamErrors is everything wrong with the settings of a check, in the order of the fields.
type ParamErrors []ParamError

// Error joins all of them in one line.
func (e ParamErrors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// CheckParams returns the settings with defaults filled in and each value in its Go type (string,
// int, float64, bool, []string), whatever JSON made of it. The error is of type [ParamErrors].
// A null is the same as leaving the setting out.
func (b Builtin) CheckParams(in map[string]any) (map[string]any, error) {
	var errs ParamErrors
	out := make(map[string]any, len(b.Params))
	for _, p := range b.Params {
		v, given := in[p.Name]
		if !given || v == nil {
			if p.Required && p.Default == nil {
				errs = append(errs, ParamError{"params." + p.Name, "missing", "is required"})
			} else if p.Default != nil {
				out[p.Name] = p.Default
			}
			continue
		}
		typed, ok := convert(p.Type, v)
		if !ok {
			errs = append(errs, ParamError{"params." + p.Name, "type", fmt.Sprintf("must be %s, not %s", typeWords(p.Type), valueWords(v))})
			continue
		}
		if p.Required && typed == "" {
			errs = append(errs, ParamError{"params." + p.Name, "missing", "is required"})
			continue
		}
		out[p.Name] = typed
	}
	var unknown []string
	for name := range in {
		if !slices.ContainsFunc(b.Params, func(p Param) bool { return p.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		errs = append(errs, ParamError{"params." + clip(name), "unknown", "is not a setting of " + b.Kind})
	}
	if len(errs) == 0 && b.Check != nil {
		if err := b.Check(out); err != nil {
			errs = append(errs, ParamError{"params", "rule", err.Error()})
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return out, nil
}

// CheckLimits returns the limits with the defaults of the kind filled in for metrics that in does
// not name. A metric the kind does not have and a range that cannot be read are errors of type
// [ParamErrors]. An entry with empty ranges switches a default off.
func (b Builtin) CheckLimits(in map[string]Limit) (map[string]Limit, error) {
	var errs ParamErrors
	out := make(map[string]Limit, len(b.Thresholds))
	for _, t := range b.Thresholds {
		out[t.Metric] = Limit{Warn: t.Warn, Crit: t.Crit}
	}
	metrics := make([]string, 0, len(in))
	for m := range in {
		metrics = append(metrics, m)
	}
	slices.Sort(metrics)
	for _, m := range metrics {
		if _, ok := out[m]; !ok {
			errs = append(errs, ParamError{"thresholds." + clip(m), "unknown", "is not a metric of " + b.Kind})
			continue
		}
		for _, side := range []struct{ name, text string }{{"warn", in[m].Warn}, {"crit", in[m].Crit}} {
			if side.text == "" {
				continue
			}
			if _, err := ParseRange(side.text); err != nil {
				errs = append(errs, ParamError{"thresholds." + m + "." + side.name, "range", err.Error()})
			}
		}
		out[m] = in[m]
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return out, nil
}

// convert brings a value to the Go type of a Param type.
func convert(typ string, v any) (any, bool) {
	switch typ {
	case "string":
		s, ok := v.(string)
		return s, ok
	case "bool":
		b, ok := v.(bool)
		return b, ok
	case "float":
		f, ok := number(v)
		return f, ok
	case "int":
		f, ok := number(v)
		if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return nil, false
		}
		return int(f), true
	case "strings":
		switch list := v.(type) {
		case []string:
			return slices.Clone(list), true
		case []any:
			out := make([]string, 0, len(list))
			for _, e := range list {
				s, ok := e.(string)
				if !ok {
					return nil, false
				}
				out = append(out, s)
			}
			return out, true
		}
	}
	return nil, false
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, finite(n)
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil && finite(f)
	}
	return 0, false
}

func typeWords(typ string) string {
	switch typ {
	case "string":
		return "a text"
	case "int":
		return "a whole number"
	case "float":
		return "a number"
	case "bool":
		return "true or false"
	case "strings":
		return "a list of texts"
	}
	return "a " + typ
}

// valueWords names the type of a wrong value and never the value itself, which may be a secret.
func valueWords(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case float64, int, int64, json.Number:
		return "this number"
	case []any, []string:
		return "this list"
	}
	return "an object"
}
