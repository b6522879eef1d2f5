package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/secret"
	"taxops/internal/ops/intake/zabbix"
)

// server speaks the API as one version does: what a version does not know it refuses, or ignores, as
// that version does.
type server struct {
	t        *testing.T
	version  Version
	token    string
	session  string
	methods  []string
	hosts    int
	override func(method string) (string, bool)
}

const (
	goodToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	password  = "zabbix-password"
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/zabbix/api_jsonrpc.php" {
		http.NotFound(w, r)
		return
	}
	var in struct {
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		Auth   *string         `json:"auth"`
		ID     int             `json:"id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/json-rpc" {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	s.methods = append(s.methods, in.Method)
	answer := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "result": v, "id": in.ID}) }
	refuse := func(code int, message, data string) {
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "error": map[string]any{"code": code, "message": message, "data": data}, "id": in.ID})
	}
	if s.override != nil {
		if raw, ok := s.override(in.Method); ok {
			_, _ = io.WriteString(w, raw)
			return
		}
	}
	var p map[string]any
	_ = json.Unmarshal(in.Params, &p)
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch in.Method {
	case "apiinfo.version":
		if in.Auth != nil || bearer != "" {
			refuse(-32602, "Invalid params.", `The "apiinfo.version" method must be called without the "auth" parameter.`)
			return
		}
		answer(s.version.String() + ".3")
		return
	case "user.login":
		key := "username"
		if !s.version.from(5, 4) {
			key = "user"
		}
		if p[key] == nil {
			refuse(-32602, "Invalid params.", fmt.Sprintf(`Invalid parameter "/": the parameter "%s" is missing.`, key))
			return
		}
		if p[key] != "taxops" || p["password"] != password {
			refuse(-32500, "Application error.", "Incorrect user name or password or account is temporarily blocked.")
			return
		}
		s.session = "session-of-taxops"
		answer(s.session)
		return
	}
	given := bearer
	if in.Auth != nil {
		if s.version.from(7, 2) {
			refuse(-32600, "Invalid request.", `Invalid parameter "/": unexpected parameter "auth".`)
			return
		}
		given = *in.Auth
	} else if !s.version.from(6, 4) {
		given = ""
	}
	if given == "" || given != s.session && (given != s.token || !s.version.from(5, 4)) {
		refuse(-32602, "Invalid params.", map[bool]string{true: "Not authorized.", false: "Session terminated, re-login, please."}[s.version.from(5, 4)])
		return
	}
	grouped := "groups"
	if s.version.from(6, 2) {
		grouped = "hostgroups"
	}
	if p["selectGroups"] != nil && s.version.from(7, 2) {
		refuse(-32602, "Invalid params.", `Invalid parameter "/": unexpected parameter "selectGroups".`)
		return
	}
	if p["selectGroups"] == nil && p["selectHostGroups"] == nil && in.Method == "maintenance.get" {
		s.t.Error("groups are not asked for")
	}
	switch in.Method {
	case "host.get":
		out := []map[string]any{}
		ids, _ := p["hostids"].([]any)
		for i := range s.hosts {
			id := fmt.Sprint(10100 + i)
			if ids != nil && !slices.Contains(ids, any(id)) {
				continue
			}
			h := map[string]any{"hostid": id}
			if ids != nil {
				h["host"], h["name"], h["status"], h["items"] = fmt.Sprintf("app-%03d", i), fmt.Sprintf("寄递应用 %03d", i), "0", "42"
				h["inventory"] = []any{} // PHP's way to say none
				h["interfaces"] = []map[string]string{{"type": "1", "main": "1", "useip": "1", "ip": fmt.Sprintf("10.45.1.%d", i%250), "dns": "", "port": "10050"}}
				h["parentTemplates"] = []map[string]string{{"name": "Linux by Zabbix agent", "templateid": "10001"}}
				h["macros"] = []map[string]string{{"macro": "{$FREE}", "value": "5", "type": "0"}, {"macro": "{$PW}", "type": "1"}}
				if p["selectGroups"] != nil && grouped == "groups" || p["selectHostGroups"] != nil && grouped == "hostgroups" {
					h[grouped] = []map[string]string{{"name": "Linux servers", "groupid": "2"}}
				}
				if p["selectTags"] != nil && s.version.from(4, 2) {
					h["tags"] = []map[string]string{{"tag": "system", "value": "寄递"}}
				}
				if i == 0 {
					h["inventory"] = map[string]string{"os": "Kylin V10", "location": "A-01", "vendor": ""}
				}
			}
			out = append(out, h)
		}
		answer(out)
	case "trigger.get":
		expression := "last(/app-000/vfs.fs.size[/,pused])>80"
		low := "last(/app-000/vm.memory.size[pavailable])<{$FREE}"
		if !s.version.from(5, 4) {
			expression, low = "{app-000:vfs.fs.size[/,pused].last()}>80", "{app-000:vm.memory.size[pavailable].last()}<{$FREE}"
		}
		if p["expandExpression"] != true {
			s.t.Error("expressions are not spelled out")
		}
		mine := []map[string]string{{"hostid": "10100"}}
		answer([]map[string]any{
			{"triggerid": "1", "description": "磁盘将满", "expression": expression, "priority": "4", "status": "0", "templateid": "77", "hosts": mine},
			{"triggerid": "2", "description": "内存不足", "expression": low, "priority": "2", "status": "0", "templateid": "0", "hosts": mine},
			{"triggerid": "3", "description": "停用的", "expression": expression, "priority": "1", "status": "1", "templateid": "0", "hosts": mine},
		})
	case "maintenance.get":
		answer([]map[string]any{{
			"name": "夜间维护", "active_since": "1790000000", "active_till": "1800000000",
			"hosts": []map[string]string{{"name": "寄递应用 000"}}, grouped: []map[string]string{{"name": "Linux servers"}},
		}})
	case "user.logout":
		if given == s.session {
			s.session = ""
		}
		answer(true)
	default:
		s.t.Errorf("%s is called, which is no reading method", in.Method)
		refuse(-32500, "Application error.", "No permissions.")
	}
}

func versions() []Version {
	return []Version{{4, 0}, {4, 4}, {5, 0}, {5, 4}, {6, 0}, {6, 2}, {6, 4}, {7, 0}, {7, 2}, {7, 4}}
}

// TestVersions: every version gives the same hosts, with a password, and from 5.4 on with a token too.
func TestVersions(t *testing.T) {
	for _, v := range versions() {
		for _, how := range []string{"password", "token"} {
			if how == "token" && !v.from(5, 4) {
				continue
			}
			t.Run(v.String()+" "+how, func(t *testing.T) {
				s := &server{t: t, version: v, token: goodToken, hosts: 230}
				at := httptest.NewServer(s)
				defer at.Close()
				cfg := Config{URL: at.URL + "/zabbix/", Plain: true, User: "taxops", Password: secret.NewText(password)}
				if how == "token" {
					cfg.Token = secret.NewText(goodToken)
				}
				c, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				e, err := c.Export(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				c.Close(t.Context())
				if e.Format != zabbix.API || e.Version != v.String() || len(e.Hosts) != 230 || s.session != "" {
					t.Errorf("%s %s, %d hosts, session %q", e.Format, e.Version, len(e.Hosts), s.session)
				}
				h := e.Hosts[0]
				if h.Name != "寄递应用 000" || h.Address() != "10.45.1.0" || h.Inventory["os"] != "Kylin V10" || len(h.Inventory) != 2 ||
					h.Items != 42 || !h.Enabled || !slices.Equal(h.Groups, []string{"Linux servers"}) || (h.Tags["system"] == "寄递") != v.from(4, 2) {
					t.Errorf("the first host: %+v", h)
				}
				checks, left := zabbix.Propose(h, func(string) bool { return true })
				if len(checks) != 2 || checks[0].Fidelity != zabbix.Exact || checks[1].Fidelity != zabbix.Exact || len(left) != 1 || left[0].Why != zabbix.WhyDisabled {
					t.Errorf("checks %+v, left %+v", checks, left)
				}
				if len(e.Maintenances) != 1 || e.Maintenances[0].From.Unix() != 1790000000 || !slices.Equal(e.Maintenances[0].Groups, []string{"Linux servers"}) {
					t.Errorf("maintenances: %+v", e.Maintenances)
				}
			})
		}
	}
}

// field reads where a problem lies and its code.
func field(t *testing.T, err error) (string, string) {
	t.Helper()
	p, ok := err.(*problem.Error) //nolint:errorlint // it must reach the person as it is
	if !ok || len(p.Fields) == 0 {
		t.Fatalf("no problem of a field: %v", err)
	}
	return p.Fields[0].Location, p.Fields[0].Code
}

func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		version  Version
		change   func(*Config, *server)
		location string
		code     string
	}{
		"wrong token":      {Version{7, 0}, func(c *Config, _ *server) { c.Token = secret.NewText("nope") }, "body.token", "refused"},
		"wrong token, 7.4": {Version{7, 4}, func(c *Config, _ *server) { c.Token = secret.NewText("nope") }, "body.token", "refused"},
		"token before 5.4": {Version{5, 0}, func(*Config, *server) {}, "body.token", "not_in_version"},
		"wrong password":   {Version{4, 0}, func(c *Config, _ *server) { c.Token = secret.Text{}; c.Password = secret.NewText("nope") }, "body.password", "refused"},
		"another page":     {Version{7, 0}, func(c *Config, _ *server) { c.URL += "elsewhere/" }, "body.url", "not_zabbix"},
		"too old":          {Version{3, 4}, func(*Config, *server) {}, "body.url", "too_old"},
		"no hosts":         {Version{7, 0}, func(_ *Config, s *server) { s.hosts = 0 }, "body.token", "no_hosts"},
		"nobody listens":   {Version{7, 0}, func(c *Config, _ *server) { c.URL = "http://127.0.0.1:1/zabbix" }, "body.url", "unreachable"},
		"an HTML page":     {Version{7, 0}, func(_ *Config, s *server) { s.override = func(string) (string, bool) { return "<html>", true } }, "body.url", "not_zabbix"},
		"no JSON-RPC":      {Version{7, 0}, func(_ *Config, s *server) { s.override = func(string) (string, bool) { return `{"result":1}`, true } }, "body.url", "not_zabbix"},
		"a version that is not": {Version{7, 0}, func(_ *Config, s *server) {
			s.override = func(string) (string, bool) { return `{"jsonrpc":"2.0","result":"new"}`, true }
		}, "body.url", "not_zabbix"},
		"hosts that are not": {Version{7, 0}, func(_ *Config, s *server) {
			s.override = func(m string) (string, bool) { return `{"jsonrpc":"2.0","result":{"a":[1]}}`, m == "host.get" }
		}, "body.url", "not_zabbix"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{t: t, version: c.version, token: goodToken, hosts: 1}
			at := httptest.NewServer(s)
			defer at.Close()
			cfg := Config{URL: at.URL + "/zabbix/", Plain: true, Token: secret.NewText(goodToken), User: "taxops"}
			c.change(&cfg, s)
			client, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Export(t.Context())
			client.Close(t.Context())
			if l, code := field(t, err); l != c.location || code != c.code {
				t.Errorf("%s %s, want %s %s: %v", l, code, c.location, c.code, err)
			}
			if strings.Contains(err.Error(), goodToken) {
				t.Error("the token is in the error")
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"https://z.example":                        "https://z.example/api_jsonrpc.php",
		"https://z.example/zabbix/":                "https://z.example/zabbix/api_jsonrpc.php",
		" https://z.example/zabbix/zabbix.php ":    "https://z.example/zabbix/api_jsonrpc.php",
		"https://z.example/zabbix/api_jsonrpc.php": "https://z.example/zabbix/api_jsonrpc.php",
		"http://z.example/":                        "not_encrypted",
		"ftp://z.example/":                         "not_an_address",
		"z.example":                                "not_an_address",
		"https://me:secret@z.example/":             "not_an_address",
		"https://z.example/?x=1":                   "not_an_address",
		"":                                         "not_an_address",
	} {
		got, err := address(Config{URL: in})
		if err != nil {
			_, got = field(t, err)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if _, err := New(Config{URL: "https://z.example"}); err == nil {
		t.Error("a client without any account")
	}
	for _, c := range []Config{{Fingerprint: "12:34"}, {CA: "no PEM"}} {
		c.URL, c.Token = "https://z.example", secret.NewText("x")
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// TestTrust: a certificate nobody vouches for is refused, until its authority or its fingerprint is given.
func TestTrust(t *testing.T) {
	s := &server{t: t, version: Version{7, 0}, token: goodToken, hosts: 1}
	at := httptest.NewTLSServer(s)
	at.Config.ErrorLog = nil
	defer at.Close()
	sum := sha256.Sum256(at.Certificate().Raw)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: at.Certificate().Raw}))
	for name, c := range map[string]struct {
		cfg  Config
		code string
	}{
		"nobody":          {Config{}, "not_trusted"},
		"its authority":   {Config{CA: ca}, ""},
		"its fingerprint": {Config{Fingerprint: strings.ToUpper(hex.EncodeToString(sum[:]))}, ""},
		"another one":     {Config{Fingerprint: strings.Repeat("ab", 32)}, "another_certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.URL, c.cfg.Token = at.URL+"/zabbix", secret.NewText(goodToken)
			client, err := New(c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Export(t.Context())
			client.Close(t.Context())
			code := ""
			if err != nil {
				_, code = field(t, err)
			}
			if code != c.code {
				t.Errorf("%q, want %q: %v", code, c.code, err)
			}
		})
	}
}

// TestRedirect: nothing follows to another address, where the token would go along.
func TestRedirect(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	at := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer at.Close()
	client, err := New(Config{URL: at.URL, Plain: true, Token: secret.NewText(goodToken)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Export(t.Context())
	client.Close(t.Context())
	if _, code := field(t, err); code != "not_zabbix" || asked {
		t.Errorf("%v, the other address was asked: %v", err, asked)
	}
}

// TestGivenUp: a server that never answers is given up when the caller is.
func TestGivenUp(t *testing.T) {
	release := make(chan struct{})
	at := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer at.Close()
	defer close(release)
	client, err := New(Config{URL: at.URL, Plain: true, Token: secret.NewText(goodToken)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = client.Export(ctx)
	client.Close(t.Context())
	if _, code := field(t, err); code != "no_answer" {
		t.Error(err)
	}
}
