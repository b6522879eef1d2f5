package problem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"taxops/internal/kernel/problem"
)

func TestCodeSurvivesWrapping(t *testing.T) {
	cause := errors.New("disk quota exceeded")
	p := problem.New(problem.StorageFull, "the disc is full")
	err := fmt.Errorf("write: %w", p.With(cause))
	if problem.CodeOf(err) != problem.StorageFull {
		t.Errorf("code %s", problem.CodeOf(err))
	}
	if !errors.Is(err, problem.New(problem.StorageFull, "")) || errors.Is(err, problem.New(problem.Conflict, "")) {
		t.Error("errors.Is does not compare by code")
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if p.Cause != nil {
		t.Error("With changed the problem it was called on")
	}
}

func TestAccidentsAreInternal(t *testing.T) {
	if c := problem.CodeOf(errors.New("nil map")); c != problem.Internal {
		t.Errorf("code %s", c)
	}
}

func TestFieldSaysWhereAndWhat(t *testing.T) {
	err := problem.InvalidField("body.interval_seconds", "too_small", "at least %d", 60)
	if len(err.Fields) != 1 || err.Fields[0].Location != "body.interval_seconds" || err.Fields[0].Code != "too_small" {
		t.Errorf("fields %+v", err.Fields)
	}
	for _, s := range []string{"invalid", "body.interval_seconds", "at least 60"} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q does not say %q", err.Error(), s)
		}
	}
	if m := problem.Missing("plan", "x"); m.Code != problem.NotFound || !strings.Contains(m.Detail, `no plan with id "x"`) {
		t.Errorf("got %v", m)
	}
}
