package fleet

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"taxops/internal/kernel/problem"
)

// Environments of an asset (环境).
const (
	Production  = "production"        // 生产
	Recovery    = "disaster_recovery" // 灾备
	Staging     = "staging"           // 预生产
	Testing     = "test"              // 测试
	Development = "development"       // 开发
)

// Criticalities of an asset (重要程度).
const (
	Core      = "core"      // 核心
	Important = "important" // 重要
	General   = "general"   // 一般
)

// Ways in which an asset is reached for inspection (接入方式). A component without a way of its own is
// reached as its host is.
const (
	ReachLocal  = "local"  // 本机: a server of the platform runs on it
	ReachDirect = "direct" // 直连: over the network from the server
	ReachSSH    = "ssh"    // SSH: the server signs in there
	ReachNone   = "none"   // 不接入: it is in the register only
)

// Environments lists the words for an environment, the gravest first.
func Environments() []string {
	return []string{Production, Recovery, Staging, Testing, Development}
}

// Criticalities lists the words for how critical an asset is, the gravest first.
func Criticalities() []string { return []string{Core, Important, General} }

// Reaches lists the ways in that a person may choose; local is found out by the server itself.
func Reaches() []string { return []string{ReachDirect, ReachSSH, ReachNone} }

// Profile is what people say of an asset. Every value may be empty.
type Profile struct {
	Environment   string // one of Environments
	Criticality   string // one of Criticalities
	OwnerID       string // account of the responsible person (责任人), when they have one
	OwnerName     string // or their name
	OwnerPhone    string
	Address       string // IP address or DNS name under which it is managed
	OS            string `bun:"os"` // as the list says; what the host says of itself is in Facts
	Vendor        string
	Model         string
	Serial        string
	Location      string // room, rack, position
	WarrantyUntil string // day such as 2027-03-31
	Reach         string // one of Reaches, or ReachLocal
}

// attribute is one value of an asset that people set as text.
type attribute struct {
	name  string
	of    func(*Asset) *string
	check func(value string) (code, says string) // "" when it may be stored
	// personal values are never written to the journal in the open.
	personal bool
}

// attributes are the values that people set as text, in the order of the register.
func attributes() []attribute {
	return []attribute{
		{name: "hostname", of: func(a *Asset) *string { return &a.Hostname }, check: notHost},
		{name: "address", of: func(a *Asset) *string { return &a.Address }, check: notHost},
		{name: "os", of: func(a *Asset) *string { return &a.OS }, check: notLine(200)},
		{name: "environment", of: func(a *Asset) *string { return &a.Environment }, check: notOneOf(Environments())},
		{name: "criticality", of: func(a *Asset) *string { return &a.Criticality }, check: notOneOf(Criticalities())},
		{name: "owner_id", of: func(a *Asset) *string { return &a.OwnerID }, check: notLine(64)},
		{name: "owner_name", of: func(a *Asset) *string { return &a.OwnerName }, check: notLine(100), personal: true},
		{name: "owner_phone", of: func(a *Asset) *string { return &a.OwnerPhone }, check: notPhone, personal: true},
		{name: "vendor", of: func(a *Asset) *string { return &a.Vendor }, check: notLine(100)},
		{name: "model", of: func(a *Asset) *string { return &a.Model }, check: notLine(200)},
		{name: "serial", of: func(a *Asset) *string { return &a.Serial }, check: notLine(100)},
		{name: "location", of: func(a *Asset) *string { return &a.Location }, check: notLine(200)},
		{name: "warranty_until", of: func(a *Asset) *string { return &a.WarrantyUntil }, check: notDay},
		{name: "reach", of: func(a *Asset) *string { return &a.Reach }, check: notOneOf(Reaches())},
	}
}

func attributeNamed(name string) (attribute, bool) {
	all := attributes()
	i := slices.IndexFunc(all, func(a attribute) bool { return a.name == name })
	if i < 0 {
		return attribute{}, false
	}
	return all[i], true
}

// CheckValue refuses a value that an attribute of an asset, or its name, cannot have, with a problem that
// names the attribute.
func CheckValue(name, value string) error {
	if name == "name" {
		return checkName("body.name", value)
	}
	at, known := attributeNamed(name)
	if !known {
		return problem.InvalidField("body."+name, "unknown", "an asset has no value %q", name)
	}
	if code, says := at.check(value); code != "" && value != "" {
		return problem.InvalidField("body."+name, code, "%s", says)
	}
	return nil
}

// ProfileOf makes a profile, and the host name beside it, of values by name.
func ProfileOf(values map[string]string) (p Profile, hostname string, err error) {
	var a Asset
	for name, v := range values {
		at, known := attributeNamed(name)
		if !known {
			return Profile{}, "", problem.InvalidField("body."+name, "unknown", "an asset has no value %q", name)
		}
		if err := CheckValue(name, v); err != nil {
			return Profile{}, "", err
		}
		*at.of(&a) = v
	}
	return a.Profile, a.Hostname, nil
}

// Values lists the values of an asset that people set as text, by name.
func (a *Asset) Values() map[string]string {
	out := map[string]string{}
	for _, at := range attributes() {
		if v := *at.of(a); v != "" {
			out[at.name] = v
		}
	}
	return out
}

func notLine(most int) func(string) (string, string) {
	return func(v string) (string, string) {
		if utf8.RuneCountInString(v) > most {
			return "too_long", "too long for this value"
		}
		if strings.ContainsFunc(v, unicode.IsControl) || strings.TrimSpace(v) != v {
			return "not_a_line", "one line without blanks at the ends"
		}
		return "", ""
	}
}

func notOneOf(words []string) func(string) (string, string) {
	return func(v string) (string, string) {
		if !slices.Contains(words, v) {
			return "unknown", "one of: " + strings.Join(words, ", ")
		}
		return "", ""
	}
}

var (
	dnsName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$`)
	numbers = regexp.MustCompile(`^[0-9.]+$`)
	phone   = regexp.MustCompile(`^[0-9+()#*/,; -]{3,60}$`)
)

// notHost refuses what is neither an IP address nor a DNS name; four numbers that are no address are
// a slip of the pen and no name.
func notHost(v string) (string, string) {
	if _, err := netip.ParseAddr(v); err == nil {
		return "", ""
	}
	if len(v) > 253 || !dnsName.MatchString(v) || numbers.MatchString(v) {
		return "not_an_address", "an IP address or a host name"
	}
	return "", ""
}

func notPhone(v string) (string, string) {
	if !phone.MatchString(v) {
		return "not_a_phone", "digits with blanks, dashes and brackets, at most 60"
	}
	return "", ""
}

func notDay(v string) (string, string) {
	if _, err := time.Parse(time.DateOnly, v); err != nil {
		return "not_a_day", "a day such as 2027-03-31"
	}
	return "", ""
}

// ReachOf is how an asset is reached, through its host when it has no way of its own. host is the asset
// itself for everything that lies on nothing.
func ReachOf(a, host Asset) string {
	switch {
	case a.Machine != "" || (a.Reach == "" && host.Machine != ""):
		return ReachLocal
	case a.Reach != "":
		return a.Reach
	case host.Reach != "":
		return host.Reach
	}
	return ReachNone
}
