package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"taxops/internal/kernel/config"
)

func keys() []config.Key {
	return []config.Key{
		{Name: "http.listen", Kind: config.String, Default: "127.0.0.1:8480"},
		{Name: "log.json", Kind: config.Bool, Default: "false"},
		{Name: "session.idle", Kind: config.Duration, Default: "30m"},
		{Name: "database.url", Kind: config.String, Secret: true},
		{Name: "http.trusted_proxies", Kind: config.List},
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "taxops.yaml")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("the last source wins and every value knows its source", func(t *testing.T) {
		write("http:\n  listen: 10.0.0.1:80\n  trusted_proxies: [10.0.0.2, 10.0.0.3]\nlog:\n  json: true\n")
		c, err := config.Load(keys(), path, []string{"TAXOPS_HTTP_LISTEN=10.0.0.9:81", "TAXOPS_DATABASE_URL=postgres://u:p@h/d", "TAXOPS_OTHER=1"},
			map[string]string{"session.idle": "5m"})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, e := range c.Explain() {
			got[e.Name] = e.Value + " from " + string(e.Source)
		}
		want := map[string]string{
			"http.listen":          "10.0.0.9:81 from environment TAXOPS_HTTP_LISTEN",
			"log.json":             "true from file " + path,
			"session.idle":         "5m from command line",
			"database.url":         "•••• from environment TAXOPS_DATABASE_URL",
			"http.trusted_proxies": "10.0.0.2,10.0.0.3 from file " + path,
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %q, want %q", k, got[k], v)
			}
		}
		if l := c.List("http.trusted_proxies"); len(l) != 2 || l[1] != "10.0.0.3" {
			t.Errorf("list: %q", l)
		}
	})
	for name, c := range map[string]struct{ file, want string }{
		"a misspelt key names the nearest": {"http:\n  lisen: x\n", `did you mean "http.listen"?`},
		"a wrong duration":                 {"session:\n  idle: 30 minutes\n", "expected a duration"},
		"a wrong bool":                     {"log:\n  json: ja\n", "expected true or false"},
		"not YAML":                         {"\t:", "configuration file"},
	} {
		t.Run(name, func(t *testing.T) {
			write(c.file)
			_, err := config.Load(keys(), path, nil, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	t.Run("a misspelt variable names the nearest", func(t *testing.T) {
		_, err := config.Load(keys(), "", []string{"TAXOPS_HTTP_LISTN=10.0.0.9:81", "TAXOPS_TEST_DATABASE_URL=x", "HTTP_LISTN=x"}, nil)
		if err == nil || !strings.Contains(err.Error(), "TAXOPS_HTTP_LISTN (did you mean TAXOPS_HTTP_LISTEN?)") || strings.Contains(err.Error(), "TEST") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a file that was named must exist", func(t *testing.T) {
		if _, err := config.Load(keys(), path+".missing", nil, nil); err == nil {
			t.Error("no error")
		}
	})
}
