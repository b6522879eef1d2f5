package inspect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gowebpki/jcs"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/store"
)

// Result is what one check said in one round.
type Result struct {
	bun.BaseModel `bun:"table:inspect_result,alias:result"`
	ID            string `bun:",pk"`
	RoundID       string
	CheckID       string
	AssetID       string
	Kind          string
	Class         string
	Target        string
	State         string
	NotOK         int `bun:"not_ok"`
	Reason        string
	Summary       string
	Details       string
	Perf          []probe.Perf `bun:"type:json"`
	RanAt         store.Time
	DurationUS    int64  `bun:"duration_us"`
	SHA256        string `bun:"sha256"`
	AreaPath      string
	SystemID      string
}

// Bounds of what is kept of a result.
const (
	maxSummary = 4 << 10
	maxDetails = 64 << 10
	maxPerf    = 1000
)

// outcome is a run that is not stored yet.
type outcome struct {
	check  *Check
	said   probe.Result
	ranAt  time.Time
	took   time.Duration
	memory map[string]string
}

// noSource reports whether a result says that there is nothing to look at: it is neither good nor bad.
func (r *Result) noSource() bool {
	return r.State == probe.Unknown.String() && r.Reason == string(probe.ReasonNoSource)
}

// good reports whether a result closes a finding.
func (r *Result) good() bool { return r.NotOK == 0 }

// result makes the result of an outcome; one of no round has no id. Times are kept to the millisecond,
// durations and measured values to the digits that mean something (see roundValue).
func (o *outcome) result(roundID string) (*Result, error) {
	r := &Result{
		RoundID: roundID, CheckID: o.check.ID, AssetID: o.check.AssetID, Kind: o.check.Kind,
		Class: o.check.Class, Target: o.check.Target, State: o.said.State.String(), Reason: string(o.said.Reason),
		Summary: clean(o.said.Summary, maxSummary), Details: clean(o.said.Details, maxDetails),
		RanAt: store.At(o.ranAt.Truncate(time.Millisecond)), DurationUS: roundTook(o.took),
		AreaPath: o.check.AreaPath, SystemID: o.check.SystemID,
	}
	if roundID != "" {
		r.ID = resultID(roundID, r.CheckID, r.RanAt.Time)
	}
	// What JSON cannot say is no measurement, and labels are text as any other.
	r.Perf = []probe.Perf{}
	for _, p := range o.said.Perf {
		if len(r.Perf) < maxPerf && !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			p.Label, p.UOM, p.Value = clean(p.Label, 200), clean(p.UOM, 20), roundValue(p.Value)
			r.Perf = append(r.Perf, p)
		}
	}
	if o.said.State != probe.OK {
		r.NotOK = 1
	}
	sum, err := r.hash()
	if err != nil {
		return nil, err
	}
	r.SHA256 = sum
	return r, nil
}

// hash is the SHA-256 of the result's content in canonical JSON (RFC 8785): who has a copy of the
// result can show that it is the one that the round's tree root stands for.
func (r *Result) hash() (string, error) {
	raw, err := json.Marshal(map[string]any{
		"round_id": r.RoundID, "check_id": r.CheckID, "kind": r.Kind, "target": r.Target, "state": r.State,
		"reason": r.Reason, "summary": r.Summary, "details": r.Details, "perfdata": r.Perf,
		"ran_at": r.RanAt.UTC().Format("2006-01-02T15:04:05.000000Z"), "duration_us": r.DurationUS,
	})
	if err != nil {
		return "", fmt.Errorf("hash a result: %w", err)
	}
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return "", fmt.Errorf("hash a result: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// clean makes text that every database keeps: valid UTF-8 without NUL, cut at a character.
func clean(s string, most int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
