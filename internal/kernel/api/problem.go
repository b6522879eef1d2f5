package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

// Problem is the answer to a request that failed (RFC 9457).
type Problem struct {
	Type      string          `json:"type" doc:"Stable name of the kind of problem, as a URI reference" example:"/problems/invalid"`
	Title     string          `json:"title" doc:"The HTTP status in words"`
	Status    int             `json:"status" doc:"The HTTP status"`
	Detail    string          `json:"detail,omitempty" doc:"What happened, for a person"`
	Code      string          `json:"code" doc:"Stable code to translate by"`
	Errors    []problem.Field `json:"errors,omitempty" nullable:"false" doc:"What is wrong with which part of the input"`
	RequestID string          `json:"request_id" doc:"Quote this when asking for help"`
	headers   http.Header
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statuses maps codes to HTTP; a code of a module that is not here is 409, since it is a rule that refused.
func status(c problem.Code) int {
	switch c {
	case problem.Invalid, CodeExportTooLong, "password_weak":
		return http.StatusUnprocessableEntity
	case problem.NotFound:
		return http.StatusNotFound
	case problem.Unauthenticated, "bad_credentials", "totp_required", "totp_invalid", "session_idle":
		return http.StatusUnauthorized
	case problem.Forbidden, "fresh_sign_in_required", "setup_link_invalid", "setup_link_expired", "setup_link_used",
		"invitation_invalid", "invitation_expired", "invitation_used":
		return http.StatusForbidden
	case problem.RateLimited, "locked":
		return http.StatusTooManyRequests
	case problem.TooLarge:
		return http.StatusRequestEntityTooLarge
	case problem.StorageFull:
		return http.StatusInsufficientStorage
	case problem.DatabaseUnavailable:
		return http.StatusServiceUnavailable
	case problem.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusConflict
	}
}

func codeOfStatus(s int) problem.Code {
	switch s {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return problem.Invalid
	case http.StatusUnauthorized:
		return problem.Unauthenticated
	case http.StatusForbidden:
		return problem.Forbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return problem.NotFound
	case http.StatusConflict:
		return problem.Conflict
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		return problem.TooLarge
	case http.StatusTooManyRequests:
		return problem.RateLimited
	default:
		return problem.Internal
	}
}

func newProblem(ctx context.Context, statusCode int, code problem.Code, detail string) *Problem {
	return &Problem{
		Type: "/problems/" + string(code), Title: http.StatusText(statusCode), Status: statusCode,
		Detail: detail, Code: string(code), RequestID: RequestID(ctx),
	}
}

// toProblem turns any error into what the person reads, and logs an accident once, here.
func toProblem(ctx context.Context, log *slog.Logger, err error) *Problem {
	var ready *Problem
	if errors.As(err, &ready) {
		return ready
	}
	if errors.Is(err, context.Canceled) {
		// The person has gone; nobody reads the answer.
		return newProblem(ctx, 499, problem.Internal, "the request was given up")
	}
	err = store.Classify(err)
	var p *problem.Error
	if !errors.As(err, &p) {
		log.ErrorContext(ctx, "request failed", "request_id", RequestID(ctx), "error", err)
		return newProblem(ctx, http.StatusInternalServerError, problem.Internal, "something went wrong on our side")
	}
	out := newProblem(ctx, status(p.Code), p.Code, p.Detail)
	out.Errors = p.Fields
	if p.RetryAfter > 0 {
		out.headers = http.Header{"Retry-After": {itoa(p.RetryAfter)}}
	}
	if p.Cause != nil && out.Status >= 500 {
		log.ErrorContext(ctx, "request failed", "request_id", out.RequestID, "error", err)
	}
	return out
}

// humaError builds the answer for what huma itself refuses: validation, size, media type.
func humaError(ctx context.Context, statusCode int, msg string, errs ...error) huma.StatusError {
	p := newProblem(ctx, statusCode, codeOfStatus(statusCode), msg)
	for _, e := range errs {
		var d *huma.ErrorDetail
		if errors.As(e, &d) {
			p.Errors = append(p.Errors, problem.Field{Location: d.Location, Message: d.Message, Value: visible(d)})
		} else if e != nil {
			p.Errors = append(p.Errors, problem.Field{Message: e.Error()})
		}
	}
	return p
}

// visible keeps a wrong value out of the answer when it could be long or secret: only short scalars
// are repeated, and never those of a field whose name says that it is a secret, nor the body as a
// whole, which may hold one.
func visible(d *huma.ErrorDetail) any {
	if d.Location == "body" || secretLocation(d.Location) {
		return nil
	}
	switch v := d.Value.(type) {
	case string:
		if len(v) > 100 {
			return nil
		}
		return v
	case bool, float64, int, int64:
		return v
	}
	return nil
}
