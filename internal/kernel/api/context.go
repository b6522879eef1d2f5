package api

import (
	"context"
	"strconv"
	"strings"

	"taxops/internal/kernel/store"
)

// Caller is the person behind a request.
type Caller struct {
	AccountID   string
	SessionID   string
	DisplayName string
}

type (
	callerKey  struct{}
	scopeKey   struct{}
	requestKey struct{}
	idemKey    struct{}
	remoteKey  struct{}
)

// CallerFrom returns who calls; the zero Caller in public operations.
func CallerFrom(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// ScopeFrom returns what the caller may see under the permission of this operation; nothing when
// there is no caller.
func ScopeFrom(ctx context.Context) store.Scope {
	s, _ := ctx.Value(scopeKey{}).(store.Scope)
	return s
}

// RequestID names the request in the log, in the journal and in every problem.
func RequestID(ctx context.Context) string {
	s, _ := ctx.Value(requestKey{}).(string)
	return s
}

// Remote is the network address of the caller, without the port.
func Remote(ctx context.Context) string {
	s, _ := ctx.Value(remoteKey{}).(string)
	return s
}

// WithCaller is for tests of modules, which call services without HTTP.
func WithCaller(ctx context.Context, c Caller, s store.Scope) context.Context {
	return context.WithValue(context.WithValue(ctx, callerKey{}, c), scopeKey{}, s)
}

func itoa(n int) string { return strconv.Itoa(n) }

func secretLocation(l string) bool {
	l = strings.ToLower(l)
	for _, w := range []string{"password", "secret", "token", "current", "next", "code", "totp"} {
		if strings.Contains(l, w) {
			return true
		}
	}
	return false
}
