package journal

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

const (
	maxBad    = 1000 // more are counted, not listed
	maxBreaks = 2000 // broken links that are looked at together
	maxSelf   = 500  // records that are compared with each other
	nameEach  = 100  // missing rows are named one by one up to here
	maxEarly  = 10_000
)

// entry is what the checker needs of a row.
type entry struct {
	seq        int64
	prev, hash []byte
	digest     []byte // nil: the record is gone
}

// checker walks a chain in the order in which it is stored and says what happened to it. Its memory
// is bounded, however long the chain and however many rows are bad.
//
// The rules: a row's hash is that of its predecessor's hash and its own record. A record that does not
// give its hash was changed, unless it gives that of another such row: then two were swapped. A row
// that links neither to the one before nor to the one after it does not belong there. A number that
// does not come was dropped.
type checker struct {
	rows     int64
	expected int64
	last     *entry // the row accepted last
	before   []byte // hash of the one before it
	alt      []byte // hash of another row with the number of last
	held     *entry // a row that came too early, until the next one shows whether others are missing
	early    map[int64]entry
	gaps     []gap
	broken   []brokenLink
	self     []entry // rows whose record does not give their hash
	bad      []Bad
	more     int64
	named    map[int64]bool
	accepted func(entry)
}

type gap struct{ from, to int64 } // numbers that did not come, both included

// brokenLink is a row that does not link to the row before it.
type brokenLink struct {
	x, p   entry
	before []byte // hash of the row before p
}

func newChecker(accepted func(entry)) *checker {
	start := entry{hash: genesis()} // what the first row follows
	return &checker{expected: 1, last: &start, early: map[int64]entry{}, named: map[int64]bool{}, accepted: accepted}
}

func (c *checker) report(seq int64, why string, args ...any) {
	if len(c.bad) >= maxBad {
		c.more++
		return
	}
	c.named[seq] = true
	c.bad = append(c.bad, Bad{Seq: seq, Why: fmt.Sprintf(why, args...)})
}

// feed takes the next row.
func (c *checker) feed(e entry) {
	c.rows++
	if h := c.held; h != nil {
		c.held = nil
		if e.seq <= h.seq && len(c.early) < maxEarly {
			c.early[h.seq] = *h // it stands before rows that come before it
		} else {
			c.skipTo(h.seq)
			c.accept(*h)
		}
	}
	c.takeEarly()
	switch {
	case e.seq == c.expected:
		c.accept(e)
	case e.seq > c.expected:
		c.held = &e
	default:
		c.late(e)
	}
}

// takeEarly accepts rows that came too early once it is their turn.
func (c *checker) takeEarly() {
	for {
		e, ok := c.early[c.expected]
		if !ok {
			return
		}
		delete(c.early, e.seq)
		c.report(e.seq, "swapped: it stands before rows that come before it")
		c.accept(e)
	}
}

// skipTo notes that the numbers from the expected one up to seq-1 did not come.
func (c *checker) skipTo(seq int64) {
	for c.expected < seq {
		to := seq - 1
		for n := range c.early {
			if n >= c.expected && n <= to {
				to = min(to, n-1)
			}
		}
		if to >= c.expected && len(c.gaps) >= maxBreaks {
			c.missing(gap{c.expected, to}, "dropped: the row is gone")
			c.expected = to + 1
			c.last, c.before, c.alt = nil, nil, nil
		} else if to >= c.expected {
			c.gaps = append(c.gaps, gap{c.expected, to})
			c.expected = to + 1
			c.last, c.before, c.alt = nil, nil, nil
		}
		c.takeEarly()
	}
}

// late takes a row whose number has passed.
func (c *checker) late(e entry) {
	i := slices.IndexFunc(c.gaps, func(g gap) bool { return g.from <= e.seq && e.seq <= g.to })
	if i >= 0 {
		g := c.gaps[i]
		c.gaps = slices.Delete(c.gaps, i, i+1)
		if g.from < e.seq {
			c.gaps = append(c.gaps, gap{g.from, e.seq - 1})
		}
		if e.seq < g.to {
			c.gaps = append(c.gaps, gap{e.seq + 1, g.to})
		}
		c.report(e.seq, "swapped: it stands after rows that come after it")
		c.checkSelf(e)
		return
	}
	c.report(e.seq, "inserted: a second row with this number")
	if c.last != nil && c.last.seq == e.seq {
		c.alt = e.hash
	}
}

func (c *checker) accept(e entry) {
	c.expected = e.seq + 1
	if c.accepted != nil {
		c.accepted(e)
	}
	c.checkSelf(e)
	switch {
	case c.last == nil: // after a gap there is nothing to compare with
	case bytes.Equal(e.prev, c.last.hash), c.alt != nil && bytes.Equal(e.prev, c.alt):
	case len(c.broken) < maxBreaks:
		c.broken = append(c.broken, brokenLink{x: e, p: *c.last, before: c.before})
	default:
		c.report(e.seq, "it does not follow row %d", e.seq-1)
	}
	c.before = nil
	if c.last != nil {
		c.before = c.last.hash
	}
	c.last, c.alt = &e, nil
}

func (c *checker) checkSelf(e entry) {
	switch {
	case e.digest == nil:
		c.report(e.seq, "dropped: its record is gone")
	case bytes.Equal(link(e.prev, e.digest), e.hash):
	case len(c.self) < maxSelf:
		c.self = append(c.self, e)
	default:
		c.report(e.seq, "changed: its record does not give its hash")
	}
}

// finish classifies what was found.
func (c *checker) finish() {
	if h := c.held; h != nil {
		c.held = nil
		c.skipTo(h.seq)
		c.accept(*h)
	}
	c.takeEarly()
	for _, n := range slices.Sorted(maps.Keys(c.early)) {
		c.skipTo(n)
		c.takeEarly()
	}
	for _, g := range c.gaps {
		c.missing(g, "dropped: the row is gone")
	}
	c.classifySelf()
	c.classifyLinks()
	slices.SortStableFunc(c.bad, func(a, b Bad) int { return int(min(1, max(-1, a.Seq-b.Seq))) })
	if c.more > 0 {
		c.bad = append(c.bad, Bad{Why: fmt.Sprintf("and %d more", c.more)})
	}
}

func (c *checker) missing(g gap, why string) {
	for n := g.from; n <= g.to; n++ {
		if n-g.from >= nameEach {
			c.report(n, "%s (this one and all up to row %d)", why, g.to)
			return
		}
		c.report(n, "%s", why)
	}
}

func (c *checker) classifySelf() {
	owner := map[string]int64{} // which row a record belongs to
	for _, a := range c.self {
		for _, b := range c.self {
			if a.seq != b.seq && bytes.Equal(link(b.prev, a.digest), b.hash) {
				owner[string(a.hash)] = b.seq
				break
			}
		}
	}
	for _, e := range c.self {
		if of, ok := owner[string(e.hash)]; ok {
			c.report(e.seq, "swapped: it holds the record of row %d", of)
		} else {
			c.report(e.seq, "changed: its record does not give its hash")
		}
	}
}

func (c *checker) classifyLinks() {
	type node struct {
		entry
		left, right bool // the links to its neighbours are broken
	}
	nodes := map[int64]*node{}
	at := func(e entry) *node {
		if nodes[e.seq] == nil {
			nodes[e.seq] = &node{entry: e}
		}
		return nodes[e.seq]
	}
	place := map[string]int64{}
	for _, b := range c.broken {
		at(b.x).left, at(b.p).right = true, true
		place[string(b.x.hash)], place[string(b.p.hash)] = b.x.seq, b.p.seq
	}
	blamed := map[int64]bool{}
	for _, b := range c.broken {
		n := nodes[b.x.seq]
		after, known := place[string(n.prev)]
		last := c.last != nil && n.seq == c.last.seq
		switch {
		case known && (n.right || last) && after != n.seq-2:
			c.report(n.seq, "swapped: it belongs after row %d", after)
			blamed[n.seq] = true
		case n.right && known && after == n.seq-2 && nodes[n.seq-1] != nil && nodes[n.seq-1].left:
			c.report(n.seq, "swapped: it belongs after row %d", after)
			blamed[n.seq] = true
		case n.right:
			c.report(n.seq, "inserted: it follows no row, and no row follows it")
			blamed[n.seq] = true
		}
	}
	for _, b := range c.broken {
		switch {
		case blamed[b.x.seq] || blamed[b.p.seq]:
		case b.before != nil && bytes.Equal(b.x.prev, b.before):
			c.report(b.p.seq, "inserted: row %d follows the row before it", b.x.seq)
			blamed[b.p.seq] = true
		case c.named[b.p.seq] || c.named[b.x.seq]: // one of them is known to be bad
		default:
			c.report(b.x.seq, "it does not follow row %d: that row was changed and hashed anew, or one between them was dropped", b.p.seq)
		}
	}
}
