// Package problem carries an error that a person can act on from where a rule refuses to where the
// answer leaves the program. A problem has a stable code (the client translates by it), a sentence,
// and, for bad input, the fields and what was expected of each. It knows nothing of HTTP: package
// api turns a code into a status. Any other error is an accident: the person reads "internal" with
// the request's id, and the cause goes to the operator's log only.
package problem

import (
	"errors"
	"fmt"
)

// Code is a stable name that scripts and translations rely on; see docs/reference/problems.md.
type Code string

// Codes shared by all modules. A module may declare further ones of its own.
const (
	Invalid             Code = "invalid"
	NotFound            Code = "not_found"
	Conflict            Code = "conflict"
	Stale               Code = "stale" // the thing was changed by someone else meanwhile
	NotPossibleInState  Code = "not_possible_in_state"
	Unauthenticated     Code = "unauthenticated"
	Forbidden           Code = "forbidden"
	RateLimited         Code = "rate_limited"
	TooLarge            Code = "too_large"
	DuplicateRequest    Code = "duplicate_request"
	StorageFull         Code = "storage_full"
	DatabaseUnavailable Code = "database_unavailable"
	Internal            Code = "internal"
)

// Field says what is wrong with one part of the input.
type Field struct {
	Location string `json:"location"`        // "body.interval_seconds", "query.limit"
	Code     string `json:"code,omitempty"`  // "too_small", "unknown", "required"
	Message  string `json:"message"`         // what was expected
	Value    any    `json:"value,omitempty"` // what was given; never a secret
}

// Error is a problem.
type Error struct {
	Code       Code
	Detail     string
	Fields     []Field
	RetryAfter int // seconds, 0 for none
	Cause      error
}

// Error implements error.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Detail
	for _, f := range e.Fields {
		s += fmt.Sprintf(" [%s: %s]", f.Location, f.Message)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, problem.New(code, "")) compare by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// New makes a problem with a sentence.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// InvalidField makes a problem for one field of the input.
func InvalidField(location, code, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	return &Error{Code: Invalid, Detail: msg, Fields: []Field{{Location: location, Code: code, Message: msg}}}
}

// Missing says that a thing with this id does not exist, or not for this person.
func Missing(what, id string) *Error { return New(NotFound, "no %s with id %q", what, id) }

// With adds a cause that is logged and never shown.
func (e *Error) With(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// CodeOf returns the code of err, or Internal when err is not a problem.
func CodeOf(err error) Code {
	var p *Error
	if errors.As(err, &p) {
		return p.Code
	}
	return Internal
}
