package store

import (
	"strings"

	"github.com/uptrace/bun"
)

// Scope is what a person may see of scoped rows: everything, or areas (with all below them) and in
// these all systems or one. The zero Scope sees nothing.
type Scope struct {
	everything bool
	grants     []ScopeGrant
}

// ScopeGrant opens one area, with everything below it.
type ScopeGrant struct {
	AreaPath string // "/45/4501/"
	SystemID string // "" for all systems
}

// Everything is the scope of the program itself.
func Everything() Scope { return Scope{everything: true} }

// NewScope makes a scope of grants.
func NewScope(grants ...ScopeGrant) Scope { return Scope{grants: grants} }

// Empty reports a scope that sees nothing.
func (s Scope) Empty() bool { return !s.everything && len(s.grants) == 0 }

// Covers reports whether a row in this area and system may be seen.
func (s Scope) Covers(areaPath, systemID string) bool {
	if s.everything {
		return true
	}
	for _, g := range s.grants {
		if strings.HasPrefix(areaPath, g.AreaPath) && (g.SystemID == "" || g.SystemID == systemID) {
			return true
		}
	}
	return false
}

// apply narrows a query. The half-open range over the path key is the prefix test that an index can
// serve: every path ends in "/", and "0" follows "/".
func (s Scope) apply(q *bun.SelectQuery, areaCol, systemCol bun.Ident) *bun.SelectQuery {
	if s.everything {
		return q
	}
	if len(s.grants) == 0 {
		return q.Where("1 = 0")
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, g := range s.grants {
			q = q.WhereGroup(" OR ", func(q *bun.SelectQuery) *bun.SelectQuery {
				lo, hi := pathRange(g.AreaPath)
				q = q.Where("? >= ?", areaCol, lo).Where("? < ?", areaCol, hi)
				if g.SystemID != "" {
					q = q.Where("? = ?", systemCol, g.SystemID)
				}
				return q
			})
		}
		return q
	})
}

func pathRange(path string) (lo, hi string) {
	return path, strings.TrimSuffix(path, "/") + "0"
}
