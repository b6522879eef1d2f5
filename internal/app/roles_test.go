package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"taxops/internal/kernel/store"
)

// TestEveryOperationAsEveryRole calls each operation of the program as nobody and as each role, and
// compares what happens with what the operation declares.
func TestEveryOperationAsEveryRole(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	var roles struct {
		Items []struct {
			Role        string   `json:"role"`
			Permissions []string `json:"permissions"`
		} `json:"items"`
	}
	admin.must("GET", "/access/roles", nil, &roles)
	if len(roles.Items) != 9 {
		t.Fatalf("%d roles, want 9", len(roles.Items))
	}
	ops := p.Operations()
	if len(ops) < 40 {
		t.Fatalf("only %d operations", len(ops))
	}
	t.Run("nobody", func(t *testing.T) {
		nobody := p.person(t)
		for _, op := range ops {
			r := nobody.call(op.Method, filled(op.Path), bodyFor(op.Method))
			if op.Public != "" {
				if r.Status >= 500 || r.code() == "unauthenticated" {
					t.Errorf("%s: public, but answers %d %s", op.ID, r.Status, r.code())
				}
				continue
			}
			if r.Status != http.StatusUnauthorized || r.code() != "unauthenticated" {
				t.Errorf("%s: nobody gets %d %s, want 401 unauthenticated", op.ID, r.Status, r.code())
			}
		}
	})
	for _, role := range roles.Items {
		t.Run(role.Role, func(t *testing.T) {
			q, _ := p.invite(t, admin, "r."+role.Role, grant{Role: role.Role, AreaPath: "/45/"})
			for _, op := range ops {
				if op.ID == "access.sign_out" || strings.HasPrefix(op.ID, "access.sign") || op.Public != "" {
					continue // would end the session that the next calls need
				}
				r := q.call(op.Method, filled(op.Path), bodyFor(op.Method))
				may := op.Self || slices.Contains(role.Permissions, op.Permission)
				switch {
				case r.Status >= 500:
					t.Errorf("%s: %d %s", op.ID, r.Status, r.Body)
				case may && (r.Status == http.StatusForbidden && r.code() == "forbidden" && !refusedByRule(r) || r.Status == http.StatusUnauthorized && r.code() == "unauthenticated"):
					t.Errorf("%s: %s holds %s, but gets %d %s", op.ID, role.Role, op.Permission, r.Status, r.Body)
				case !may && r.Status != http.StatusForbidden:
					t.Errorf("%s: %s does not hold %s, but gets %d %s", op.ID, role.Role, op.Permission, r.Status, r.Body)
				}
			}
		})
	}
}

// refusedByRule tells a refusal of what was asked from a refusal of who asks: rules name a field.
func refusedByRule(r reply) bool {
	var b struct {
		Errors []any `json:"errors"`
	}
	_ = json.Unmarshal(r.Body, &b)
	return len(b.Errors) > 0
}

// filled puts ids into a path that no thing has.
func filled(path string) string {
	for strings.Contains(path, "{") {
		i, j := strings.Index(path, "{"), strings.Index(path, "}")
		value := "01900000-0000-7000-8000-000000000000"
		if path[i+1:j] == "seq" {
			value = "999999999"
		}
		path = path[:i] + value + path[j+1:]
	}
	return path
}

// bodyFor is a body that no operation accepts: what is tested is who may ask.
func bodyFor(method string) any {
	if method == http.MethodGet || method == http.MethodDelete {
		return nil
	}
	return map[string]any{"no_such_field": true}
}

// TestThingsOfAnotherAreaAreNotThere: what lies in one area does not exist for a person of another.
func TestThingsOfAnotherAreaAreNotThere(t *testing.T) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			p := start(t, engine)
			admin := p.first(t)
			var assets struct {
				Items []struct {
					ID      string `json:"id"`
					Version int    `json:"version"`
				} `json:"items"`
			}
			if err := p.RegisterLocalHost(t.Context()); err != nil {
				t.Fatal(err)
			}
			admin.must("GET", "/fleet/assets", nil, &assets)
			if len(assets.Items) == 0 {
				t.Fatal("this machine is not an asset")
			}
			a := assets.Items[0]
			admin.must("PATCH", "/fleet/assets/"+a.ID, map[string]any{"area_path": "/45/4501/", "version": a.Version}, nil)
			here, _ := p.invite(t, admin, "here", grant{Role: "engineer", AreaPath: "/45/4501/"})
			there, _ := p.invite(t, admin, "there", grant{Role: "engineer", AreaPath: "/45/4502/"})
			for _, op := range p.Operations() {
				if op.Method != http.MethodGet || op.Public != "" || !strings.HasPrefix(op.Path, "/fleet") && !strings.HasPrefix(op.Path, "/inspect") {
					continue
				}
				path := strings.ReplaceAll(op.Path, "{id}", a.ID)
				if strings.Contains(path, "{") {
					continue
				}
				mine, theirs := here.call(op.Method, path, nil), there.call(op.Method, path, nil)
				if op.Path == "/fleet/assets/{id}" && (mine.Status != 200 || theirs.Status != 404) {
					t.Errorf("%s: %d here and %d in the other area, want 200 and 404", op.ID, mine.Status, theirs.Status)
				}
				if strings.Contains(string(theirs.Body), a.ID) && theirs.Status == 200 {
					t.Errorf("%s shows a thing of another area: %s", op.ID, theirs.Body)
				}
			}
			r := there.call("PATCH", "/fleet/assets/"+a.ID, map[string]any{"name": "mine now", "version": a.Version + 1})
			if r.Status != 404 {
				t.Errorf("a change from another area: %d %s", r.Status, r.Body)
			}
		})
	}
}

// TestBadRequests: malformed, huge and wrong input gets a clear answer and changes nothing.
func TestBadRequests(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
		code         string
		says         string
	}{
		"not JSON":                {"POST", "/access/accounts", "{", 0, "invalid", ""},
		"a list for an object":    {"POST", "/access/accounts", "[]", 422, "invalid", ""},
		"an unknown field":        {"POST", "/access/accounts", `{"login":"a","display_name":"b","grants":[],"x":1}`, 422, "invalid", "x"},
		"a wrong type":            {"POST", "/access/accounts", `{"login":7,"display_name":"b","grants":[]}`, 422, "invalid", "login"},
		"a huge body":             {"POST", "/access/accounts", `{"login":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "too_large", ""},
		"a limit out of range":    {"GET", "/access/accounts?limit=100000", nil, 422, "invalid", "limit"},
		"an unknown sort":         {"GET", "/access/accounts?sort=password", nil, 422, "invalid", "sort"},
		"a foreign cursor":        {"GET", "/access/accounts?cursor=AAAA", nil, 422, "invalid", "cursor"},
		"no such operation":       {"GET", "/nothing/here", nil, 404, "not_found", ""},
		"no such account":         {"GET", "/access/accounts/01900000-0000-7000-8000-000000000000", nil, 404, "not_found", ""},
		"an id that is no id":     {"GET", "/access/accounts/..%2f..%2fetc", nil, 404, "not_found", ""},
		"a row that is no number": {"GET", "/journal/rows/abc", nil, 422, "invalid", "seq"},
	} {
		t.Run(name, func(t *testing.T) {
			r := admin.call(c.method, c.path, c.body)
			if c.status != 0 && r.Status != c.status || r.code() != c.code || r.Status < 400 || r.Status >= 500 {
				t.Errorf("%d %s, want %d %s: %s", r.Status, r.code(), c.status, c.code, r.Body)
			}
			if !strings.Contains(string(r.Body), c.says) || !strings.Contains(string(r.Body), "request_id") {
				t.Errorf("the answer does not name %q or the request: %s", c.says, r.Body)
			}
		})
	}
}

// TestOneKeyOneEffect: a request that is sent again, even many times at once, takes effect once.
func TestOneKeyOneEffect(t *testing.T) {
	p := start(t, store.SQLite)
	admin := p.first(t)
	done := make(chan int)
	for range 8 {
		go func() {
			done <- admin.callWith("POST", "/access/accounts", map[string]any{
				"login": "twice", "display_name": "两次", "grants": []grant{},
			}, map[string]string{"Idempotency-Key": "k1"}).Status
		}()
	}
	var statuses []int
	for range 8 {
		statuses = append(statuses, <-done)
	}
	var list struct {
		Total int `json:"total"`
	}
	admin.must("GET", "/access/accounts?q=twice", nil, &list)
	if list.Total != 1 {
		t.Errorf("%d accounts after eight equal requests (%v)", list.Total, statuses)
	}
	for _, s := range statuses {
		if s != 200 && s != 201 && s != 409 {
			t.Errorf("statuses %v: want success or 409", statuses)
		}
	}
}
