package intake

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// States and events of a run.
const (
	Parsed    state.State = "parsed"
	Applied   state.State = "applied"
	Undone    state.State = "undone"
	Discarded state.State = "discarded"

	apply   state.Event = "apply"
	undo    state.Event = "undo"
	discard state.Event = "discard"
)

// runMachine is the life of a run.
func runMachine() state.Machine {
	return state.Machine{
		Name: "intake.run", Initial: Parsed, Final: []state.State{Undone, Discarded},
		Edges: []state.Edge{
			{From: Parsed, Event: apply, To: Applied, Permission: PermissionImport},
			{From: Parsed, Event: discard, To: Discarded, Permission: PermissionImport},
			{From: Applied, Event: undo, To: Undone, Permission: PermissionImport},
		},
		Titles: map[state.State][2]string{
			Parsed: {"待确认", "Parsed"}, Applied: {"已导入", "Applied"}, Undone: {"已撤销", "Undone"}, Discarded: {"已放弃", "Discarded"},
		},
	}
}

// SourceAssets is the source of a list of assets.
const SourceAssets = "assets"

// Run is one file on its way in.
type Run struct {
	bun.BaseModel `bun:"table:intake_run,alias:run"`
	ID            string `bun:",pk"`
	Number        string
	Source        string
	FileName      string
	FileBytes     int64
	SHA256        string `bun:"sha256"`
	State         state.State
	Fingerprint   string
	Mapping       []string `bun:"type:json"`
	Remembered    int      // 1 when the mapping is that of an earlier run with the same columns
	Defaults      Defaults `bun:"type:json"`
	Content       []byte   // the table, packed; kept until the run is over
	RowCount      int
	Counts        map[string]int `bun:"type:json"` // as applied
	CreatedBy     string
	CreatedAt     store.Time
	AppliedBy     string
	AppliedAt     store.Time
	UndoneBy      string
	UndoneAt      store.Time
	AreaPath      string
	SystemID      string
	Version       int64
}

// Step is one asset that a run added or changed, with what is needed to put it back.
type Step struct {
	bun.BaseModel `bun:"table:intake_step,alias:step"`
	RunID         string `bun:",pk"`
	Seq           int    `bun:",pk"`
	Line          int
	AssetID       string
	Number        string
	Name          string
	Added         int
	Before        Was    `bun:"was,type:json"`
	After         int64  `bun:"version"` // version of the asset after the run
	Left          string `bun:"kept"`    // why it was not put back when the run was undone
}

// Was is what an asset was before a run.
type Was struct {
	Name     string            `json:"name,omitempty"`
	AreaPath string            `json:"area_path,omitempty"`
	SystemID string            `json:"system_id,omitempty"`
	ParentID string            `json:"parent_id,omitempty"`
	Values   map[string]string `json:"values,omitempty"` // of those that the run changed
	Labels   map[string]string `json:"labels"`
}

// mostUnpacked bounds what a stored table may unfold to.
const mostUnpacked = 600 << 20

func unpack(b []byte) (Table, error) {
	var t Table
	if len(b) == 0 {
		return t, problem.New(problem.NotPossibleInState, "the run is over, its rows are not kept")
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return t, fmt.Errorf("unpack the table: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(z, mostUnpacked)).Decode(&t); err != nil {
		return t, fmt.Errorf("unpack the table: %w", err)
	}
	return t, nil
}

var ourNumber = regexp.MustCompile(`(?i)^AST-\d{4}-\d{4,}$`)

// suggested proposes what the columns are. A column of numbers that are not ours is the list's own
// numbering and becomes a label.
func suggested(t Table) []string {
	out := propose(t.Header)
	for i, f := range out {
		if f != fieldNumber {
			continue
		}
		for _, l := range t.Rows[:min(len(t.Rows), 50)] {
			if v := l.cell(i); v != "" && !ourNumber.MatchString(v) {
				out[i] = labelPrefix + "asset_no"
				break
			}
		}
	}
	return out
}

func asProblem(err error, into **problem.Error) bool { return errors.As(err, into) }
