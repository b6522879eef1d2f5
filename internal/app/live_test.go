package app

import (
	"testing"

	"taxops/internal/kernel/problem"
)

func TestStreamsOfOnePersonAreBounded(t *testing.T) {
	s := &openStreams{of: map[string]int{}}
	for range streamsEach {
		if err := s.take("ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.take("ann"); problem.CodeOf(err) != problem.RateLimited {
		t.Errorf("one more: %v", err)
	}
	if err := s.take("bob"); err != nil {
		t.Errorf("another person pays for it: %v", err)
	}
	s.give("ann")
	if err := s.take("ann"); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	for range streamsEach {
		s.give("ann")
	}
	s.give("bob")
	if len(s.of) != 0 {
		t.Errorf("left behind: %v", s.of)
	}
}
