package reach

import (
	"regexp"
	"strings"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/builtin/remote"
)

// Login is a way into a host.
type Login struct {
	bun.BaseModel `bun:"table:reach_login,alias:login"`
	ID            string `bun:",pk"`
	Name          string // unique; checks name it
	Host          string
	Port          int
	Account       string // on the host
	JumpID        string `bun:",nullzero"` // the login it goes through
	Note          string
	Secrets       []byte `bun:",nullzero"` // sealed JSON of what signs in
	Method        string // "password", "key"
	HostKey       string // accepted, as in authorized_keys; "" for none
	AcceptedBy    string
	AcceptedAt    store.Time `bun:",nullzero"`
	AreaPath      string
	SystemID      string
	CreatedAt     store.Time
	UpdatedAt     store.Time
	Version       int64
}

// secrets is what signs in.
type secrets struct {
	Password   string `json:"password,omitempty"`
	Key        string `json:"key,omitempty"`
	Passphrase string `json:"passphrase,omitempty"`
}

func (s secrets) given() bool { return s.Password != "" || s.Key != "" }

func (s secrets) method() string {
	if s.Key != "" {
		return "key"
	}
	return "password"
}

// Settings are what a person says of a login; nil leaves a part as it is.
type Settings struct {
	Host, Account, JumpID, Note *string
	Port                        *int
	Password, Key, Passphrase   *string
}

var (
	loginName   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)
	hostName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$`)
	accountName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._@\\-]{0,63}$`)
)

func checkName(name string) error {
	if !loginName.MatchString(name) {
		return problem.InvalidField("body.name", "not_a_name", "1 to 40 of a-z, 0-9, dot, dash and underscore")
	}
	return nil
}

// apply changes a login. It names what changed, without any secret, and says whether the login now
// leads elsewhere: then its accepted key is forgotten.
func (s Settings) apply(l *Login, have *secrets) (changed map[string]any, elsewhere bool, err error) {
	changed = map[string]any{}
	text := func(name string, have *string, want *string, fits *regexp.Regexp) error {
		if want == nil || *have == *want {
			return nil
		}
		if fits != nil && !fits.MatchString(*want) {
			return problem.InvalidField("body."+name, "pattern", "%q is no %s", *want, name)
		}
		changed[name] = []any{*have, *want}
		*have = *want
		return nil
	}
	for _, part := range []struct {
		name       string
		have, want *string
		fits       *regexp.Regexp
	}{{"host", &l.Host, s.Host, hostName}, {"account", &l.Account, s.Account, accountName}, {"jump_id", &l.JumpID, s.JumpID, nil}, {"note", &l.Note, s.Note, nil}} {
		if err := text(part.name, part.have, part.want, part.fits); err != nil {
			return nil, false, err
		}
	}
	if s.Port != nil && *s.Port != l.Port {
		if *s.Port < 1 || *s.Port > 65535 {
			return nil, false, problem.InvalidField("body.port", "out_of_range", "1 to 65535")
		}
		changed["port"] = []any{l.Port, *s.Port}
		l.Port = *s.Port
	}
	elsewhere = changed["host"] != nil || changed["port"] != nil || changed["jump_id"] != nil
	given := secrets{Password: value(s.Password), Key: strings.TrimSpace(value(s.Key)), Passphrase: value(s.Passphrase)}
	switch {
	case given.Password != "" && given.Key != "":
		return nil, false, problem.InvalidField("body.key", "one_of", "a password or a key, not both")
	case given.Key != "":
		given.Key += "\n"
		if _, err := remote.ParseKey(given.Key, given.Passphrase); err != nil {
			return nil, false, problem.InvalidField("body.key", "not_a_key", "the private key cannot be read: its form or its passphrase is wrong")
		}
	}
	switch {
	case given.given():
		*have = given
		changed["secrets"] = "changed"
	case !have.given():
		return nil, false, problem.InvalidField("body.password", "missing", "a password or a private key is needed")
	case elsewhere || changed["account"] != nil:
		// A login that is pointed elsewhere would hand its secret to whoever listens there.
		return nil, false, problem.InvalidField("body.password", "secret_required", "give the password or key again: it was entered for another address or account")
	}
	l.Method = have.method()
	return changed, elsewhere, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
