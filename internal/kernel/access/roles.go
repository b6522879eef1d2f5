package access

import (
	"fmt"
	"slices"

	"taxops/internal/kernel/store"
)

// Role is a set of permissions with a name.
type Role string

// The roles that are shipped.
const (
	SystemAdmin    Role = "system_admin"    // 系统管理员
	SecurityAdmin  Role = "security_admin"  // 安全管理员
	Auditor        Role = "auditor"         // 审计员
	Engineer       Role = "engineer"        // 运维工程师
	Coordinator    Role = "coordinator"     // 故障统筹人
	ProjectManager Role = "project_manager" // 项目经理
	BureauOfficial Role = "bureau_official" // 税务局人员
	Clerk          Role = "clerk"           // 文员
	ReadOnly       Role = "read_only"       // 只读
)

// roleTitle is what people read.
type roleTitle struct {
	role   Role
	zh, en string
}

func roleTitles() []roleTitle {
	return []roleTitle{
		{SystemAdmin, "系统管理员", "System administrator"},
		{SecurityAdmin, "安全管理员", "Security administrator"},
		{Auditor, "审计员", "Auditor"},
		{Engineer, "运维工程师", "Engineer"},
		{Coordinator, "故障统筹人", "Incident coordinator"},
		{ProjectManager, "项目经理", "Project manager"},
		{BureauOfficial, "税务局人员", "Bureau official"},
		{Clerk, "文员", "Clerk"},
		{ReadOnly, "只读", "Read-only"},
	}
}

// AllRoles lists the roles, the three administrators first.
func AllRoles() []Role {
	var out []Role
	for _, t := range roleTitles() {
		out = append(out, t.role)
	}
	return out
}

// Triad are the three roles of which production allows one account at most one (三员分立): who keeps
// the system, who decides on rights, and who watches both.
func Triad() []Role { return []Role{SystemAdmin, SecurityAdmin, Auditor} }

// Excludes lists the roles that an account with this one may not hold in production.
func (r Role) Excludes() []Role {
	out := []Role{}
	if !slices.Contains(Triad(), r) {
		return out
	}
	for _, t := range Triad() {
		if t != r {
			out = append(out, t)
		}
	}
	return out
}

// Permission is one thing that people may be allowed to do. Modules declare theirs; there are no
// others.
type Permission struct {
	Name    string // "inspect.finding.handle"
	TitleZH string
	TitleEN string
	Roles   []Role // that have it
}

// catalogue is every permission of the program, fixed when it starts.
type catalogue struct {
	all    []Permission
	byRole map[Role][]string
}

func newCatalogue(all []Permission) (catalogue, error) {
	c := catalogue{all: slices.Clone(all), byRole: map[Role][]string{}}
	seen := map[string]bool{}
	for _, p := range all {
		switch {
		case p.Name == "" || p.TitleZH == "" || p.TitleEN == "":
			return c, fmt.Errorf("permission %q needs a name and two titles", p.Name)
		case seen[p.Name]:
			return c, fmt.Errorf("permission %s is declared twice", p.Name)
		case len(p.Roles) == 0:
			return c, fmt.Errorf("permission %s belongs to no role: nobody could ever use it", p.Name)
		}
		seen[p.Name] = true
		for _, r := range p.Roles {
			if !slices.Contains(AllRoles(), r) {
				return c, fmt.Errorf("permission %s names the unknown role %q", p.Name, r)
			}
			c.byRole[r] = append(c.byRole[r], p.Name)
		}
	}
	for r := range c.byRole {
		slices.Sort(c.byRole[r])
		c.byRole[r] = slices.Compact(c.byRole[r])
	}
	slices.SortFunc(c.all, func(a, b Permission) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return c, nil
}

func (c catalogue) known(permission string) bool {
	return slices.ContainsFunc(c.all, func(p Permission) bool { return p.Name == permission })
}

func (c catalogue) roleHas(r Role, permission string) bool {
	_, ok := slices.BinarySearch(c.byRole[r], permission)
	return ok
}

// of lists what grants allow, wherever they allow it.
func (c catalogue) of(grants []Grant) []string {
	out := []string{}
	for _, g := range grants {
		out = append(out, c.byRole[g.Role]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// scope is where grants allow one permission.
func (c catalogue) scope(grants []Grant, permission string) store.Scope {
	var out []store.ScopeGrant
	for _, g := range grants {
		if c.roleHas(g.Role, permission) {
			out = append(out, store.ScopeGrant{AreaPath: g.AreaPath, SystemID: g.SystemID})
		}
	}
	return store.NewScope(out...)
}
