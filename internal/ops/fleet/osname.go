package fleet

import (
	"regexp"
	"strconv"
	"strings"
)

// osName says what an operating system is called, with the release that its maker supports. read returns
// the content of a file below the root, "" when it is not there.
//
// os-release(5) names the version only, which for the systems used here is not enough to tell what is
// supported: Kylin (银河麒麟) keeps its service pack in .productinfo, UnionTech OS (统信) its minor version in
// os-version, and NeoKylin (中标麒麟) and systems of before 2012 have release files of their own.
func osName(read func(name string) string) string {
	release := keyValues(read("etc/os-release"))
	if len(release) == 0 {
		release = keyValues(read("usr/lib/os-release"))
	}
	name := release["PRETTY_NAME"]
	if name == "" {
		name = strings.TrimSpace(release["NAME"] + " " + release["VERSION"])
	}
	switch id := strings.ToLower(release["ID"]); {
	case strings.Contains(id, "kylin"):
		return kylin(name, read("etc/.productinfo"), read("etc/.kyinfo"))
	case id == "uos", id == "uniontech", strings.HasPrefix(name, "UnionTech OS"):
		return uniontech(name, keyValues(read("etc/os-version")))
	case name != "":
		return name
	}
	for _, f := range []string{"etc/neokylin-release", "etc/kylin-release", "etc/UnionTech-release", "etc/openEuler-release", "etc/redhat-release", "etc/system-release"} {
		if first, _, _ := strings.Cut(strings.TrimSpace(read(f)), "\n"); first != "" {
			return first
		}
	}
	return ""
}

// keyValues reads lines of NAME=value, the value perhaps in quotes.
func keyValues(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		if u, err := strconv.Unquote(value); err == nil {
			value = u
		} else {
			value = strings.Trim(value, `"'`)
		}
		out[strings.TrimSpace(key)] = value
	}
	return out
}

var servicePack = regexp.MustCompile(`(?i)\bSP(\d+)`)

// kylin adds the service pack where the name lacks it.
func kylin(name, product, info string) string {
	if servicePack.MatchString(name) {
		return name
	}
	for _, text := range []string{product, info} { // "release V10 (SP2) /(Sword)", "dist_id=Kylin-Server-10-SP2-…"
		if m := servicePack.FindStringSubmatch(text); m != nil {
			return name + " SP" + m[1]
		}
	}
	return name
}

// uniontech adds edition and minor version: "UnionTech OS Server 20 1060e".
func uniontech(name string, version map[string]string) string {
	minor := version["MinorVersion"]
	if minor == "" || strings.Contains(name, minor) {
		return name
	}
	return name + " " + minor
}
