package fleet

import (
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Kinds of dependencies between assets (依赖关系). A component lies on its host by its parent, without a
// dependency of its own.
const (
	DependsOn    = "depends_on"    // 依赖: from does not work without to
	ReplicatesTo = "replicates_to" // 同步到: to holds a copy; two may copy each other
	BackedUpTo   = "backed_up_to"  // 备份到
	ConnectsTo   = "connects_to"   // 网络连接, the same in both directions
)

// LinkKinds lists the kinds of dependencies.
func LinkKinds() []string { return []string{DependsOn, ReplicatesTo, BackedUpTo, ConnectsTo} }

// ordered reports a kind in which nothing may in the end depend on itself.
func ordered(kind string) bool { return kind == DependsOn || kind == BackedUpTo }

// Link is one dependency: an edge of the picture.
type Link struct {
	bun.BaseModel `bun:"table:fleet_link,alias:link"`
	ID            string `bun:",pk"`
	FromID        string
	ToID          string
	Kind          string
	CreatedAt     store.Time
}

// checkLink refuses a dependency that cannot be. The ends of one without direction are put in order, so
// that it is stored once.
func checkLink(l *Link) error {
	if !slices.Contains(LinkKinds(), l.Kind) {
		return problem.InvalidField("body.kind", "unknown", "one of: %s", strings.Join(LinkKinds(), ", "))
	}
	if l.FromID == l.ToID {
		return problem.InvalidField("body.to_id", "itself", "an asset cannot depend on itself")
	}
	if l.Kind == ConnectsTo && l.FromID > l.ToID {
		l.FromID, l.ToID = l.ToID, l.FromID
	}
	return nil
}

// leads reports whether a way along the edges leads from one asset to another.
func leads(edges []Link, from, to string) bool {
	next := map[string][]string{}
	for _, e := range edges {
		next[e.FromID] = append(next[e.FromID], e.ToID)
	}
	seen := map[string]bool{from: true}
	for todo := []string{from}; len(todo) > 0; {
		at := todo[0]
		todo = todo[1:]
		if at == to {
			return true
		}
		for _, n := range next[at] {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return false
}
