package inspect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/gowebpki/jcs"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Where a check came from.
const (
	originDiscovered = "discovered"
	originAdded      = "added"
)

// Check is one look at one thing on an asset.
type Check struct {
	bun.BaseModel `bun:"table:inspect_check,alias:chk"`
	ID            string `bun:",pk"`
	AssetID       string
	AssetName     string
	AssetKind     string
	AssetLabels   map[string]string `bun:"type:json"`
	HostID        string
	Kind          string
	Class         string
	TitleZH       string `bun:"title_zh"`
	TitleEN       string `bun:"title_en"`
	Target        string
	Params        map[string]any    `bun:"type:json"` // without the secret ones
	Secrets       []byte            `bun:",nullzero"` // sealed JSON of the secret ones
	Warn          map[string]string `bun:"type:json"` // ranges by metric that differ from the kind's
	Crit          map[string]string `bun:"type:json"`
	Enabled       int
	Retired       int
	Exemption     string // none, proposed or active
	Identity      string
	Origin        string
	Why           string
	AreaPath      string
	SystemID      string
	State         string // "" until it ran
	Reason        string
	Rank          int
	CreatedAt     store.Time
	UpdatedAt     store.Time
	Version       int64
}

// CheckState is what a check said last and what it wants to remember.
type CheckState struct {
	bun.BaseModel `bun:"table:inspect_state,alias:current"`
	CheckID       string `bun:",pk"`
	State         string
	Reason        string
	Summary       string
	Perf          []probe.Perf `bun:"type:json"`
	Since         store.Time
	RanAt         store.Time
	ResultID      string
	Memory        map[string]string `bun:"type:json"`
}

// Ranks order checks by what needs a person first.
const (
	rankOK       = 10
	rankNew      = 15
	rankNoSource = 20
	rankWarning  = 30
	rankUnknown  = 40
	rankCritical = 50
)

func rankOf(state string, reason string) int {
	switch {
	case state == "":
		return rankNew
	case state == probe.OK.String():
		return rankOK
	case state == probe.Warning.String():
		return rankWarning
	case state == probe.Critical.String():
		return rankCritical
	case reason == string(probe.ReasonNoSource):
		return rankNoSource
	}
	return rankUnknown
}

// identity names what a check looks at, so that the same look is not added twice.
func identity(kind string, params map[string]any) (string, error) {
	raw, err := json.Marshal(map[string]any{"kind": kind, "params": params})
	if err != nil {
		return "", fmt.Errorf("identity of a check: %w", err)
	}
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return "", fmt.Errorf("identity of a check: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// limits joins what was set for a check with what its kind says.
func limits(b probe.Builtin, warn, crit map[string]string) map[string]probe.Limit {
	out := make(map[string]probe.Limit, len(b.Thresholds))
	for _, t := range b.Thresholds {
		l := probe.Limit{Warn: t.Warn, Crit: t.Crit}
		if w, set := warn[t.Metric]; set {
			l.Warn = w
		}
		if c, set := crit[t.Metric]; set {
			l.Crit = c
		}
		out[t.Metric] = l
	}
	return out
}

// checkLimits refuses ranges that cannot be read and metrics that the kind does not have.
func checkLimits(b probe.Builtin, warn, crit map[string]string) error {
	var fields []problem.Field
	for side, ranges := range map[string]map[string]string{"warn": warn, "crit": crit} {
		asked := make(map[string]probe.Limit, len(ranges))
		for metric, r := range ranges {
			asked[metric] = probe.Limit{Warn: r}
		}
		_, err := b.CheckLimits(asked)
		var wrong probe.ParamErrors
		if errors.As(err, &wrong) {
			for _, w := range wrong {
				fields = append(fields, problem.Field{Location: "body." + side, Code: w.Code, Message: w.Error()})
			}
		} else if err != nil {
			return err
		}
	}
	return invalid(fields)
}

// splitParams validates settings and parts the secret ones from the others.
func splitParams(b probe.Builtin, given map[string]any) (open, secret map[string]any, err error) {
	all, err := b.CheckParams(given)
	if err != nil {
		var wrong probe.ParamErrors
		if !errors.As(err, &wrong) {
			return nil, nil, err
		}
		var fields []problem.Field
		for _, w := range wrong {
			fields = append(fields, problem.Field{Location: "body." + w.Field, Code: w.Code, Message: w.Text})
		}
		return nil, nil, invalid(fields)
	}
	open, secret = maps.Clone(all), map[string]any{}
	for _, p := range b.Params {
		if v, set := all[p.Name]; set && p.Secret {
			secret[p.Name] = v
			delete(open, p.Name)
		}
	}
	return open, secret, nil
}

func invalid(fields []problem.Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &problem.Error{Code: problem.Invalid, Detail: fields[0].Message, Fields: fields}
}
