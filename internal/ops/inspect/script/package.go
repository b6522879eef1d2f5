package script

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/probe"
	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect"
)

// States and events of a version.
const (
	Draft    state.State = "draft"
	Released state.State = "released"
	Retired  state.State = "retired"

	release state.Event = "release"
	retire  state.Event = "retire"
)

// versionMachine is the life of a version.
func versionMachine() state.Machine {
	return state.Machine{
		Name: "script.version", Initial: Draft, Final: []state.State{Retired},
		Edges: []state.Edge{
			{From: Draft, Event: release, To: Released, Permission: inspect.PermissionManage},
			{From: Draft, Event: retire, To: Retired, Permission: inspect.PermissionManage},
			{From: Released, Event: retire, To: Retired, Permission: inspect.PermissionManage},
		},
		Titles: map[state.State][2]string{Draft: {"草稿", "Draft"}, Released: {"已发布", "Released"}, Retired: {"已停用", "Retired"}},
	}
}

// Package is one script under a name.
type Package struct {
	bun.BaseModel `bun:"table:script_package,alias:pkg"`
	ID            string `bun:",pk"`
	Name          string
	Title         string
	Class         string
	AreaPath      string
	SystemID      string
	Latest        int64 // highest number of a version
	Current       int64 // highest number of a version that is released, 0 for none
	DraftID       string
	CreatedAt     store.Time
	UpdatedAt     store.Time
	Version       int64
}

// Version is a text of a script with its manifest.
type Version struct {
	bun.BaseModel `bun:"table:script_version,alias:ver"`
	ID            string `bun:",pk"`
	PackageID     string
	Number        int64
	State         state.State
	Manifest      ScriptManifest `bun:"type:json"`
	Body          []byte
	BodySHA256    string `bun:"body_sha256"`
	SHA256        string `bun:"sha256"` // of all, once released
	Note          string
	CreatedBy     string
	CreatedAt     store.Time
	ReleasedBy    string
	ReleasedAt    store.Time `bun:",nullzero"`
	UpdatedAt     store.Time
	Version       int64
}

// NewPackage is what a person makes.
type NewPackage struct {
	Name, Title, Class, AreaPath, SystemID string
	Content
}

// Content is what a draft holds.
type Content struct {
	Manifest ScriptManifest
	Body     []byte
	Note     string
}

var packageName = regexp.MustCompile(`^[a-z][a-z0-9_-]{1,59}$`)

func (n *NewPackage) check() error {
	if !packageName.MatchString(n.Name) {
		return problem.InvalidField("body.name", "not_a_name", "2 to 60 small letters, digits, dashes and underscores, a letter first")
	}
	if t := utf8.RuneCountInString(n.Title); t == 0 || t > 100 || strings.TrimSpace(n.Title) != n.Title || strings.ContainsFunc(n.Title, unicode.IsControl) {
		return problem.InvalidField("body.title", "not_a_name", "1 to 100 characters in one line, no blanks at the ends")
	}
	if !slices.Contains(probe.Classes(), probe.Class(n.Class)) {
		return problem.InvalidField("body.class", "unknown", "one of the six classes")
	}
	return n.Content.check()
}

func (c *Content) check() error {
	c.Manifest.fill()
	if len(c.Body) == 0 || len(c.Body) > maxBody {
		return problem.InvalidField("body.body", "out_of_range", "1 byte to 1 MiB")
	}
	if utf8.RuneCountInString(c.Note) > 500 {
		return problem.InvalidField("body.note", "too_long", "at most 500 characters")
	}
	return c.Manifest.check("body.manifest")
}
