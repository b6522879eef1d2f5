// Package accesslog reads the access logs of web servers (访问日志): the status of each answer and, where
// it is logged, how long it took.
//
// Known without a setting: nginx, Apache httpd and Tomcat in their common and combined formats, with the
// duration at the end of the line or named (rt=, request_time=, time=, upstream_response_time left aside),
// and one JSON object a line. A number at the end has no unit of its own: nginx writes seconds with a point,
// Apache %D microseconds, Tomcat %D milliseconds, so whole numbers need [Options.Unit].
package accesslog

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// Options say what a line cannot.
type Options struct {
	// Unit is that of the duration: "s", "ms", "us"; "" for seconds where the number has a point, and no
	// duration where it has none.
	Unit string
}

// Entry is one answer.
type Entry struct {
	Status  int
	Path    string // without the query, which may hold personal data
	Seconds float64
	Timed   bool
}

var (
	// "GET /a HTTP/1.1" 200 512
	request = regexp.MustCompile(`"(?:([A-Z]{3,10}) (\S*)(?: [^"]*)?|[^"]*)" (\d{3}) (?:\d+|-)(.*)$`)
	named   = regexp.MustCompile(`(?i)(?:^|[\s,;"])(?:request_?time|resp(?:onse)?_?time|elapsed|duration|rt)["']?[=:]\s*["']?(\d+(?:\.\d+)?)`)
	// Bare, or quoted as a whole: "Mozilla 5.0" is no duration.
	last = regexp.MustCompile(`(?:^|\s)(?:"(\d+(?:\.\d+)?)"|(\d+(?:\.\d+)?))$`)
)

// Parse reads one line; ok is false when it is no line of an access log.
func Parse(line string, o Options) (e Entry, ok bool) {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "{") {
		return parseJSON(line, o)
	}
	m := request.FindStringSubmatch(line)
	if m == nil {
		return e, false
	}
	e.Status, _ = strconv.Atoi(m[3])
	if e.Status < 100 || e.Status > 599 {
		return e, false
	}
	e.Path = pathOf(m[2])
	rest := m[4]
	if t := named.FindStringSubmatch(rest); t != nil {
		e.Seconds, e.Timed = o.seconds(t[1])
	} else if t := last.FindStringSubmatch(rest); t != nil {
		e.Seconds, e.Timed = o.seconds(t[1] + t[2])
	}
	return e, true
}

// seconds brings a logged duration to seconds.
func (o Options) seconds(text string) (float64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	switch o.Unit {
	case "s":
		return v, true
	case "ms":
		return v / 1e3, true
	case "us":
		return v / 1e6, true
	}
	if !strings.Contains(text, ".") {
		return 0, false
	}
	return v, true
}

func parseJSON(line string, o Options) (e Entry, ok bool) {
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if d.Decode(&fields) != nil {
		return e, false
	}
	text := func(names ...string) string {
		for _, n := range names {
			switch v := fields[n].(type) {
			case string:
				return v
			case json.Number:
				return v.String()
			}
		}
		return ""
	}
	status, err := strconv.Atoi(text("status", "status_code", "http_status", "code"))
	if err != nil || status < 100 || status > 599 {
		return e, false
	}
	e.Status, e.Path = status, pathOf(text("uri", "request_uri", "path", "url"))
	if e.Path == "" {
		if parts := strings.Fields(text("request")); len(parts) > 1 {
			e.Path = pathOf(parts[1])
		}
	}
	if t := text("request_time", "requestTime", "response_time", "elapsed", "duration", "rt"); t != "" {
		e.Seconds, e.Timed = o.seconds(t)
	}
	return e, true
}

func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}
