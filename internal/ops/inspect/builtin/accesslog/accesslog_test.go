package accesslog_test

import (
	"math"
	"testing"

	"taxops/internal/ops/inspect/builtin/accesslog"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		line, unit string
		want       accesslog.Entry
	}{
		"nginx combined": {
			`192.0.2.7 - - [24/Nov/2026:09:00:00 +0800] "GET /api/tax?id=1 HTTP/1.1" 200 512 "-" "curl/7.88"`, "",
			accesslog.Entry{Status: 200, Path: "/api/tax"},
		},
		"nginx with the time at the end": {
			`192.0.2.7 - zhang [24/Nov/2026:09:00:00 +0800] "POST /seal HTTP/2.0" 502 0 "https://x/" "Mozilla/5.0 (X11)" 3.004`, "",
			accesslog.Entry{Status: 502, Path: "/seal", Seconds: 3.004, Timed: true},
		},
		"nginx with names": {
			`192.0.2.7 - - [24/Nov/2026:09:00:00 +0800] "GET / HTTP/1.1" 304 0 "-" "x" rt=0.012 uct="0.001" urt="0.011"`, "",
			accesslog.Entry{Status: 304, Path: "/", Seconds: 0.012, Timed: true},
		},
		"apache, microseconds": {
			`192.0.2.7 - - [24/Nov/2026:09:00:00 +0800] "GET /a HTTP/1.0" 404 196 "-" "x" 1500000`, "us",
			accesslog.Entry{Status: 404, Path: "/a", Seconds: 1.5, Timed: true},
		},
		"tomcat, milliseconds": {
			`0:0:0:0:0:0:0:1 - - [24/Nov/2026:09:00:00 +0800] "GET /app/ HTTP/1.1" 500 - 2310`, "ms",
			accesslog.Entry{Status: 500, Path: "/app/", Seconds: 2.31, Timed: true},
		},
		"a whole number without a unit is no duration": {
			`192.0.2.7 - - [24/Nov/2026:09:00:00 +0800] "GET /a HTTP/1.0" 200 196 8`, "",
			accesslog.Entry{Status: 200, Path: "/a"},
		},
		"no request at all": {
			`192.0.2.7 - - [24/Nov/2026:09:00:00 +0800] "\x16\x03\x01" 400 150 "-" "-"`, "",
			accesslog.Entry{Status: 400},
		},
		"json": {
			`{"time":"2026-11-24T09:00:00+08:00","request":"GET /x?y HTTP/1.1","status":503,"request_time":0.25}`, "",
			accesslog.Entry{Status: 503, Path: "/x", Seconds: 0.25, Timed: true},
		},
		"json of texts": {
			`{"status":"200","uri":"/k","request_time":"1.5","upstream_response_time":"1.4"}`, "",
			accesslog.Entry{Status: 200, Path: "/k", Seconds: 1.5, Timed: true},
		},
	} {
		got, ok := accesslog.Parse(tt.line, accesslog.Options{Unit: tt.unit})
		if !ok || math.Abs(got.Seconds-tt.want.Seconds) > 1e-9 || got.Status != tt.want.Status || got.Path != tt.want.Path || got.Timed != tt.want.Timed {
			t.Errorf("%s: %+v, %v; want %+v", name, got, ok, tt.want)
		}
	}
	for _, line := range []string{"", "Nov 24 09:00:00 host kernel: x", `{"status":"x"}`, `{"status":`, `"GET / HTTP/1.1" 999 1`} {
		if e, ok := accesslog.Parse(line, accesslog.Options{}); ok {
			t.Errorf("%q is taken for %+v", line, e)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`1 - - [x] "GET / HTTP/1.1" 200 1 "-" "-" 0.5`, "s")
	f.Add(`{"status":200,"rt":1}`, "")
	f.Fuzz(func(t *testing.T, line, unit string) {
		if e, ok := accesslog.Parse(line, accesslog.Options{Unit: unit}); ok && (e.Status < 100 || e.Status > 599 || e.Seconds < 0) {
			t.Errorf("%+v", e)
		}
	})
}
