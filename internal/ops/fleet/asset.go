package fleet

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// Kinds of assets.
const (
	Host      = "host"      // 主机
	Component = "component" // 组件
	Network   = "network"   // 网络设备
)

// Kinds lists the kinds of assets.
func Kinds() []string { return []string{Host, Component, Network} }

// States and events of an asset.
const (
	Active  state.State = "active"
	Retired state.State = "retired"

	retire state.Event = "retire"
)

// assetMachine is the life of an asset.
func assetMachine() state.Machine {
	return state.Machine{
		Name: "fleet.asset", Initial: Active, Final: []state.State{Retired},
		Edges:  []state.Edge{{From: Active, Event: retire, To: Retired, Permission: PermissionManage}},
		Titles: map[state.State][2]string{Active: {"在用", "Active"}, Retired: {"已下线", "Retired"}},
	}
}

// Asset is one thing that is kept running.
type Asset struct {
	bun.BaseModel `bun:"table:fleet_asset,alias:asset"`
	ID            string `bun:",pk"`
	Number        string
	Kind          string
	Name          string
	Hostname      string
	ParentID      string `bun:",nullzero"`
	AreaPath      string
	SystemID      string
	State         state.State
	Profile
	Facts     Facts             `bun:"type:json"`
	Labels    map[string]string `bun:"type:json"`
	Machine   string            `bun:",nullzero"`
	CreatedAt store.Time
	UpdatedAt store.Time
	Version   int64
}

// Facts are what a host says of itself.
type Facts struct {
	OS          string `json:"os" doc:"Name and version of the operating system" example:"Debian GNU/Linux 12 (bookworm)"`
	Kernel      string `json:"kernel" example:"6.1.0-28-amd64"`
	Arch        string `json:"arch" example:"amd64"`
	CPUs        int    `json:"cpus"`
	MemoryBytes int64  `json:"memory_bytes"`
	Machine     string `json:"machine" doc:"Stable id of the machine, made from its machine-id, which is confidential itself"`
	Agent       string `json:"agent" doc:"How it is inspected; local: by this server itself" example:"local"`
}

// NewAsset is what a person registers.
type NewAsset struct {
	Kind, Name, Hostname, ParentID, AreaPath, SystemID string
	Profile                                            Profile
	Labels                                             map[string]string
}

// check refuses what cannot be registered.
func (n NewAsset) check() error {
	if !slices.Contains(Kinds(), n.Kind) {
		return problem.InvalidField("body.kind", "unknown", "one of: %s", strings.Join(Kinds(), ", "))
	}
	if err := checkName("body.name", n.Name); err != nil {
		return err
	}
	if err := checkLabels(n.Labels); err != nil {
		return err
	}
	if n.Kind == Component && n.ParentID == "" {
		return problem.InvalidField("body.parent_id", "required", "a component lies on a host")
	}
	if n.Kind != Component && n.ParentID != "" {
		return problem.InvalidField("body.parent_id", "not_possible", "a component lies on a host, nothing else does")
	}
	a := n.asset()
	for _, at := range attributes() {
		if err := CheckValue(at.name, *at.of(&a)); err != nil {
			return err
		}
	}
	return nil
}

// asset is the asset as asked for, not numbered yet.
func (n NewAsset) asset() Asset {
	return Asset{
		Kind: n.Kind, Name: n.Name, Hostname: n.Hostname, ParentID: n.ParentID, Profile: n.Profile,
		AreaPath: n.AreaPath, SystemID: n.SystemID, Labels: n.Labels,
	}
}

// said lists the values that an asset has and that may stand in the open, for the row of its registration.
func (a *Asset) said() map[string]any {
	out := map[string]any{}
	for _, at := range attributes() {
		if v := *at.of(a); v != "" && !at.personal && at.name != "hostname" {
			out[at.name] = v
		}
	}
	if len(a.Labels) > 0 {
		out["labels"] = labelList(a.Labels)
	}
	return out
}

// Change is what a person changes; nil leaves a field as it is.
type Change struct {
	Name, AreaPath, SystemID *string
	Set                      map[string]string // values of the profile by name, and parent_id
	Labels                   *map[string]string
	Version                  int64
}

// personal is what a row says of a personal value that changed: the values stand beside the row, sealed.
const personal = "changed"

// apply makes the change and names what differs, each with its value before and after.
func (c Change) apply(a *Asset) (map[string]any, error) {
	changed := map[string]any{}
	text := func(name string, field, to *string) {
		if to != nil && *to != *field {
			changed[name] = []any{*field, *to}
			*field = *to
		}
	}
	if c.Name != nil {
		if err := checkName("body.name", *c.Name); err != nil {
			return nil, err
		}
	}
	text("name", &a.Name, c.Name)
	text("area_path", &a.AreaPath, c.AreaPath)
	text("system_id", &a.SystemID, c.SystemID)
	for name, value := range c.Set {
		if name == "parent_id" {
			text(name, &a.ParentID, &value)
			continue
		}
		at, known := attributeNamed(name)
		if known && *at.of(a) == value {
			continue
		}
		if err := CheckValue(name, value); err != nil {
			return nil, err
		}
		if (name == "reach" || name == "hostname") && a.Machine != "" {
			return nil, problem.InvalidField("body."+name, "found_out", "the server that runs on this host finds it out itself")
		}
		text(name, at.of(a), &value)
		if at.personal {
			changed[name] = personal
		}
	}
	if c.Labels != nil {
		if err := checkLabels(*c.Labels); err != nil {
			return nil, err
		}
		if !equalLabels(a.Labels, *c.Labels) {
			changed["labels"] = []any{labelList(a.Labels), labelList(*c.Labels)}
			a.Labels = *c.Labels
		}
	}
	return changed, nil
}

func checkName(location, name string) error {
	n := utf8.RuneCountInString(name)
	if n == 0 || n > 100 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) {
		return problem.InvalidField(location, "not_a_name", "1 to 100 characters in one line, no blanks at the ends")
	}
	return nil
}

var labelKey = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,39}$`)

func checkLabels(labels map[string]string) error {
	if len(labels) > 32 {
		return problem.InvalidField("body.labels", "too_many", "at most 32 labels")
	}
	for k, v := range labels {
		if !labelKey.MatchString(k) {
			return problem.InvalidField("body.labels", "not_a_key", "a label is named by small letters, digits, dots and dashes, at most 40")
		}
		if utf8.RuneCountInString(v) > 200 || strings.ContainsFunc(v, unicode.IsControl) {
			return problem.InvalidField("body.labels."+k, "too_long", "at most 200 characters in one line")
		}
	}
	return nil
}

func equalLabels(a, b map[string]string) bool {
	return slices.Equal(labelList(a), labelList(b))
}

// labelList writes labels as "key=value" in order.
func labelList(labels map[string]string) []string {
	out := make([]string, 0, len(labels))
	for k, v := range labels {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}
