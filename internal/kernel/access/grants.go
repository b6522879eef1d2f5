package access

import (
	"cmp"
	"slices"
	"strings"

	"taxops/internal/kernel/problem"
)

// Grant gives a role in one area, with all below it, and in one system or all.
type Grant struct {
	Role     Role   `json:"role" enum:"system_admin,security_admin,auditor,engineer,coordinator,project_manager,bureau_official,clerk,read_only"`
	AreaPath string `json:"area_path" minLength:"3" maxLength:"64" example:"/45/"`
	SystemID string `json:"system_id" maxLength:"64" doc:"Empty for all systems"`
}

func compareGrants(a, b Grant) int {
	return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.AreaPath, b.AreaPath), cmp.Compare(a.SystemID, b.SystemID))
}

// tidy sorts grants and drops repeats.
func tidy(grants []Grant) []Grant {
	out := append([]Grant{}, grants...)
	slices.SortFunc(out, compareGrants)
	return slices.Compact(out)
}

// difference lists what is in a and not in b.
func difference(a, b []Grant) []Grant {
	out := []Grant{}
	for _, g := range a {
		if !slices.Contains(b, g) {
			out = append(out, g)
		}
	}
	return out
}

// excludedPair returns two roles that one account may not hold together in production.
func excludedPair(grants []Grant) (a, b Role, found bool) {
	for _, g := range grants {
		for _, h := range grants {
			if slices.Contains(g.Role.Excludes(), h.Role) {
				return g.Role, h.Role, true
			}
		}
	}
	return "", "", false
}

// separated refuses grants that hold an excluded pair.
func separated(grants []Grant) error {
	a, b, found := excludedPair(grants)
	if !found {
		return nil
	}
	p := problem.New(CodeSeparation, "one account may not be both %s and %s in production", a, b)
	p.Fields = []problem.Field{{Location: "body.grants", Code: string(CodeSeparation), Message: p.Detail}}
	return p
}

// place is the smallest area and system that hold all grants: an account whose grants lie in one
// city is kept by that city's administrators too, any other by those of the whole.
func place(grants []Grant) (areaPath, systemID string, ok bool) {
	for i, g := range grants {
		if i == 0 {
			areaPath, systemID = g.AreaPath, g.SystemID
			continue
		}
		areaPath = commonPath(areaPath, g.AreaPath)
		if systemID != g.SystemID {
			systemID = ""
		}
	}
	return areaPath, systemID, len(grants) > 0
}

func commonPath(a, b string) string {
	for !strings.HasPrefix(b, a) {
		cut := strings.LastIndexByte(strings.TrimSuffix(a, "/"), '/')
		if cut < 0 {
			return "/"
		}
		a = a[:cut+1]
	}
	return a
}
