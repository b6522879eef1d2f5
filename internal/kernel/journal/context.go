package journal

import (
	"context"

	"taxops/internal/kernel/api"
)

// Actor is who did it: an account, or a part of the program itself.
type Actor struct{ Kind, ID string }

// The kinds of actors.
const (
	AccountActor = "account"
	systemKind   = "system"
)

// SystemActor is a part of the program, for example "scheduler".
func SystemActor(name string) Actor { return Actor{Kind: systemKind, ID: name} }

// person is whose key protects what the actor writes.
func (a Actor) person() string {
	if a.Kind == AccountActor {
		return a.ID
	}
	return a.Kind + ":" + a.ID
}

type (
	actorKey   struct{}
	requestKey struct{}
)

// WithActor returns a context in which rows are written by a.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns who acts; the program itself when nobody was named.
func ActorFrom(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok && a.Kind != "" {
		return a
	}
	return SystemActor("taxops")
}

// WithRequest returns a context whose rows carry a request's id.
func WithRequest(ctx context.Context, requestID string) context.Context {
	return context.WithValue(ctx, requestKey{}, requestID)
}

func requestFrom(ctx context.Context) string {
	if s, ok := ctx.Value(requestKey{}).(string); ok {
		return s
	}
	return api.RequestID(ctx)
}
