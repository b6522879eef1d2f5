package inspect

import (
	"cmp"
	"math"
	"slices"

	"taxops/internal/ops/inspect/segment"
)

// question is what is looked for in segments.
type question struct {
	only     seriesSet       // nil for all
	rounds   map[string]bool // nil for all
	from, to int64           // µs, to not included
	desc     bool
	after    *place // results beyond it only
	limit    int
}

// place is a result's place in the order of time.
type place struct {
	at int64
	id string
}

func everything() question { return question{from: math.MinInt64, to: math.MaxInt64} }

// all reports that every result fits, so that nothing need be looked at to count them.
func (q *question) all() bool {
	return q.only == nil && q.rounds == nil && q.from == math.MinInt64 && q.to == math.MaxInt64
}

// hit is a row of a segment that fits.
type hit struct {
	place
	series int64
	seg    *segment.Segment
	row    int
}

// catch gathers the first hits in the order of a question.
type catch struct {
	question
	name  func(h *hit) error // fills in the id
	hits  []hit
	full  bool
	bound int64 // the time of the last of a full catch
	err   error
}

// beyond reports whether a time lies beyond a bound in the order of the question.
func (c *catch) beyond(at, bound int64) bool {
	if c.desc {
		return at < bound
	}
	return at > bound
}

// want reports whether a segment may hold a hit that the catch has not got yet.
func (c *catch) want(s *storedSegment) bool {
	first := s.FirstAt
	if c.desc {
		first = s.LastAt
	}
	return !c.full || !c.beyond(first, c.bound)
}

// search takes the hits of a segment.
func (c *catch) search(seg *segment.Segment) {
	seg.Runs(func(series int64, from, to int) {
		if !c.only.has(series) {
			return
		}
		for i := from; i < to; i++ {
			at := seg.RanAt(i)
			if at < c.from || at >= c.to || (c.full && c.beyond(at, c.bound)) || (c.rounds != nil && !c.rounds[seg.RoundID(i)]) {
				continue
			}
			h := hit{place: place{at: at}, series: series, seg: seg, row: i}
			if c.after != nil {
				if at != c.after.at {
					if !c.beyond(at, c.after.at) {
						continue
					}
				} else if c.named(&h); (h.id >= c.after.id) == c.desc || h.id == c.after.id {
					continue
				}
			}
			if c.hits = append(c.hits, h); c.limit > 0 && len(c.hits) >= 4*c.limit+64 {
				c.settle()
			}
		}
	})
}

func (c *catch) named(h *hit) {
	if h.id == "" {
		if err := c.name(h); err != nil && c.err == nil {
			c.err = err
		}
	}
}

// settle puts the hits in order and lets those go that are too many.
func (c *catch) settle() {
	slices.SortFunc(c.hits, func(a, b hit) int {
		d := cmp.Compare(a.at, b.at)
		if d == 0 {
			c.named(&a)
			c.named(&b)
			d = cmp.Compare(a.id, b.id)
		}
		if c.desc {
			return -d
		}
		return d
	})
	if c.limit > 0 && len(c.hits) >= c.limit {
		c.hits = c.hits[:c.limit]
		c.full, c.bound = true, c.hits[c.limit-1].at
	}
}

// fits counts the rows of a segment that a question asks for, whatever its page.
func (q *question) fits(seg *segment.Segment) int {
	n := 0
	within := q.from == math.MinInt64 && q.to == math.MaxInt64 && q.rounds == nil
	seg.Runs(func(series int64, from, to int) {
		if !q.only.has(series) {
			return
		}
		if within {
			n += to - from
			return
		}
		for i := from; i < to; i++ {
			if at := seg.RanAt(i); at >= q.from && at < q.to && (q.rounds == nil || q.rounds[seg.RoundID(i)]) {
				n++
			}
		}
	})
	return n
}
