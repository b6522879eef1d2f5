package runner

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"taxops/internal/kernel/probe"
)

// Report is the answer of a one-shot round as scripts read it.
type Report struct {
	State   string       `json:"state"`
	Results []ReportItem `json:"results"`
}

// ReportItem is one result of a Report.
type ReportItem struct {
	Asset        string       `json:"asset"`
	Class        probe.Class  `json:"class"`
	Check        string       `json:"check"`
	Target       string       `json:"target,omitempty"`
	State        string       `json:"state"`
	Reason       probe.Reason `json:"reason"`
	Summary      string       `json:"summary"`
	Perfdata     []probe.Perf `json:"perfdata"`
	RanAt        time.Time    `json:"ran_at"`
	ScriptSHA256 string       `json:"script_sha256"` // of the program: its checks are built in
}

// NewReport makes the report; program is the hash of the running executable.
func NewReport(worst probe.State, items []Item, program string) Report {
	out := Report{State: worst.String(), Results: []ReportItem{}}
	for _, it := range items {
		perf := it.Result.Perf
		if perf == nil {
			perf = []probe.Perf{}
		}
		out.Results = append(out.Results, ReportItem{
			Asset: it.Asset, Class: it.Kind.Class, Check: it.Kind.Kind, Target: it.Target, State: it.Result.State.String(),
			Reason: it.Result.Reason, Summary: it.Result.Summary, Perfdata: perf, RanAt: it.RanAt, ScriptSHA256: program,
		})
	}
	return out
}

// WriteJSON writes the report for scripts.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// WriteTable writes the report for people, red first; colour only where the reader is a terminal.
func (r Report) WriteTable(w io.Writer, colour bool) error {
	var b strings.Builder
	var absent []string
	counts := map[string]int{}
	checkWidth, targetWidth := 0, 0
	for _, it := range r.Results {
		if it.Reason != probe.ReasonNoSource {
			checkWidth, targetWidth = max(checkWidth, columns(it.Check)), max(targetWidth, min(columns(it.Target), 36))
		}
	}
	for _, it := range r.Results {
		if it.Reason == probe.ReasonNoSource {
			absent = append(absent, it.Check)
			continue
		}
		counts[it.State]++
		fmt.Fprintf(&b, "%s  %s  %s  %s\n", paint(colour, it.State), pad(it.Check, checkWidth), pad(it.Target, targetWidth), it.Summary)
	}
	fmt.Fprintf(&b, "\n%s：共 %d 项", r.State, len(r.Results)-len(absent))
	for _, s := range []probe.State{probe.Critical, probe.Unknown, probe.Warning, probe.OK} {
		if n := counts[s.String()]; n > 0 {
			fmt.Fprintf(&b, "，%s %d", s, n)
		}
	}
	b.WriteString("\n")
	if len(absent) > 0 {
		fmt.Fprintf(&b, "本机没有（不计入）：%s\n", strings.Join(absent, "、"))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

func paint(colour bool, state string) string {
	padded := pad(state, len("CRITICAL"))
	if !colour {
		return padded
	}
	code := map[string]string{"CRITICAL": "31", "UNKNOWN": "35", "WARNING": "33", "OK": "32"}[state]
	return "\x1b[" + code + "m" + padded + "\x1b[0m"
}

// columns is how wide a text stands in a terminal: Chinese characters take two columns.
func columns(s string) int {
	n := 0
	for _, c := range s {
		switch width.LookupRune(c).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			if !unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf) { // drawn over the character before, or not at all
				n++
			}
		}
	}
	return n
}

func pad(s string, to int) string {
	return s + strings.Repeat(" ", max(0, to-columns(s)))
}
