package parallel

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

// States and events of a source.
const (
	Active  state.State = "active"
	Revoked state.State = "revoked"

	revoke state.Event = "revoke"
)

func sourceMachine() state.Machine {
	return state.Machine{
		Name: "parallel.source", Initial: Active, Final: []state.State{Revoked},
		Edges:  []state.Edge{{From: Active, Event: revoke, To: Revoked, Permission: PermissionManage}},
		Titles: map[state.State][2]string{Active: {"接收中", "Active"}, Revoked: {"已吊销", "Revoked"}},
	}
}

// Source is one Zabbix server that may send.
type Source struct {
	bun.BaseModel `bun:"table:parallel_source,alias:src"`
	ID            string `bun:",pk"`
	Name          string
	State         state.State
	TokenHash     string
	AreaPath      string // of problems whose asset is not known
	SystemID      string
	CreatedBy     string
	CreatedAt     store.Time
	RevokedAt     store.Time
	LastAt        store.Time // of the last report, to the minute
	Version       int64
}

// newToken makes a token of 256 bits, which nobody guesses, so a fast hash is enough to keep it by.
func newToken() (token, hash string) {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	token = "zbx-" + base64.RawURLEncoding.EncodeToString(b)
	return token, hashOf(token)
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n == 0 || n > 100 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) {
		return problem.InvalidField("body.name", "not_a_name", "1 to 100 characters in one line, no blanks at the ends")
	}
	return nil
}
