package app

import (
	"strings"
	"testing"

	"taxops/internal/kernel/config"
)

// TestAddresses: people are sent to the address they use, and whoever sets up to one that is the
// host's own, since set-up is refused to everybody else.
func TestAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		flags           map[string]string
		base, setup, at string
	}{
		"loopback":            {nil, "http://127.0.0.1:8480", "http://127.0.0.1:8480", ""},
		"loopback by a proxy": {map[string]string{"http.public_url": "https://ops.example/"}, "https://ops.example", "http://127.0.0.1:8480", ""},
		"IPv6 loopback":       {map[string]string{"http.listen": "[::1]:80"}, "http://[::1]:80", "http://[::1]:80", ""},
		"one address":         {map[string]string{"http.listen": "10.1.2.3:443"}, "https://10.1.2.3:443", "https://10.1.2.3:443", "10.1.2.3"},
		"one address, proxy": {
			map[string]string{"http.listen": "10.1.2.3:80", "http.behind_proxy": "true", "http.public_url": "https://ops.example"},
			"https://ops.example", "http://10.1.2.3:80", "10.1.2.3",
		},
		"every address": {map[string]string{"http.listen": "0.0.0.0:443", "http.public_url": "https://ops.example"}, "https://ops.example", "https://127.0.0.1:443", ""},
		"no address":    {map[string]string{"http.listen": ":443", "http.public_url": "https://ops.example"}, "https://ops.example", "https://127.0.0.1:443", ""},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := config.Load(ConfigKeys(), "", nil, c.flags)
			if err != nil {
				t.Fatal(err)
			}
			if b, s, a := baseURL(k), setupURL(k), ownAddress(k); b != c.base || s != c.setup || a != c.at {
				t.Errorf("people %q, set-up %q, own address %q", b, s, a)
			}
		})
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	for key, values := range map[string][]string{
		"database.url":             {"mysql://u:geheim@h/d", "host=db password=geheim", "taxops.db"},
		"http.requests_per_second": {"0", "-5", "many"},
		"session.idle":             {"5s", "13h", "0s"},
		"http.trusted_proxies":     {"10.0.0.1"},
	} {
		for _, v := range values {
			_, err := config.Load(ConfigKeys(), "", nil, map[string]string{key: v})
			if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%s %q: %v", key, v, err)
			}
		}
	}
	for _, v := range []string{"", "postgres://u:p@h/d", "postgresql://h/d"} {
		if _, err := config.Load(ConfigKeys(), "", nil, map[string]string{"database.url": v}); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
}
