package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/segment"
)

// Levels of segments.
const (
	levelFresh  = 0 // what one transaction stored, with hashes
	levelJoined = 1 // a quarter of an hour of that, to be joined once more
	levelFull   = 2 // stays as it is until it is forgotten
)

// storedSegment is a segment with what is needed to find it. All its results ran on one day.
type storedSegment struct {
	bun.BaseModel `bun:"table:inspect_segment,alias:seg"`
	ID            int64 `bun:",pk,autoincrement"`
	Day           int64
	Level         int
	FirstAt       int64 // µs of its earliest result
	LastAt        int64 // µs of its latest
	SeriesLo      int64
	SeriesHi      int64
	Results       int64
	OwnIDs        int `bun:"own_ids"` // 1 when ids do not follow from time, round and check
	CreatedAt     store.Time
	Body          []byte
}

// heads are all columns but the body.
var heads = []string{"id", "day", "level", "first_at", "last_at", "series_lo", "series_hi", "results", "own_ids", "created_at"}

// pack makes a segment of rows of one day.
func pack(rows []segment.Row, level int, now time.Time) (*storedSegment, error) {
	body, err := segment.Encode(rows, segment.Options{Sums: level == levelFresh, Fast: level == levelFresh})
	if err != nil {
		return nil, fmt.Errorf("pack results: %w", err)
	}
	if level != levelFresh {
		// What is packed closely replaces what was stored: it is read again before that is deleted.
		again, err := segment.Open(body)
		if err != nil {
			return nil, fmt.Errorf("read packed results again: %w", err)
		}
		for i := range rows {
			if r, err := again.Row(i); err != nil || !segment.Equal(r, rows[i]) {
				return nil, fmt.Errorf("a packed result reads differently: %+v, not %+v (%v)", r, rows[i], err)
			}
		}
	}
	s := &storedSegment{
		Day: dayOf(time.UnixMicro(rows[0].RanAt)), Level: level, FirstAt: rows[0].RanAt, LastAt: rows[0].RanAt,
		SeriesLo: rows[0].Series, SeriesHi: rows[len(rows)-1].Series, Results: int64(len(rows)), CreatedAt: store.At(now), Body: body,
	}
	for i := range rows {
		s.FirstAt, s.LastAt = min(s.FirstAt, rows[i].RanAt), max(s.LastAt, rows[i].RanAt)
		if rows[i].ID != "" {
			s.OwnIDs = 1
		}
	}
	return s, nil
}

func insertSegments(ctx context.Context, tx *store.Tx, list []*storedSegment) error {
	for _, s := range list {
		if _, err := tx.NewInsert().Model(s).Returning("id").Exec(ctx); err != nil {
			return fmt.Errorf("store a segment: %w", err)
		}
	}
	return nil
}

// takeSegments deletes segments that were written anew elsewhere; false when another server has done so.
func takeSegments(ctx context.Context, tx *store.Tx, ids []int64) (bool, error) {
	res, err := tx.NewDelete().Model((*storedSegment)(nil)).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	n, err := affected(res, err, "segments")
	return n == int64(len(ids)), err
}

// finishSegments marks the segments of a day that stay as they are.
func finishSegments(ctx context.Context, tx *store.Tx, ids []int64) error {
	if _, err := tx.NewUpdate().Model((*storedSegment)(nil)).Set("level = ?", levelFull).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return fmt.Errorf("finish segments: %w", err)
	}
	return nil
}

// unfinished lists the segments that are to be joined, by day, time and id, without bodies.
func unfinished(ctx context.Context, db bun.IDB, level int, most int64) ([]*storedSegment, error) {
	var out []*storedSegment
	err := db.NewSelect().Model(&out).Column(heads...).Where("level = ?", level).Order("day", "id").Limit(most).Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("segments to be joined: %w", err))
	}
	return out, nil
}

// segmentsOfDay lists the segments of a day of which some result may lie in a span of time, the latest
// last, without bodies.
func segmentsOfDay(ctx context.Context, db bun.IDB, day, from, to int64, only seriesSet) ([]*storedSegment, error) {
	var out []*storedSegment
	q := db.NewSelect().Model(&out).Column(heads...).Where("day = ?", day).Where("first_at < ?", to).Where("last_at >= ?", from)
	if len(only) > 0 {
		q = q.Where("series_lo <= ?", only[len(only)-1]).Where("series_hi >= ?", only[0])
	}
	if err := q.Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("segments of a day: %w", err))
	}
	out = slices.DeleteFunc(out, func(s *storedSegment) bool { return !only.meets(s.SeriesLo, s.SeriesHi) })
	slices.SortFunc(out, func(a, b *storedSegment) int { return int(min(max(a.LastAt-b.LastAt, -1), 1)) })
	return out, nil
}

// nextDay finds the next day with segments, at or after day, or with back at or before it.
func nextDay(ctx context.Context, db bun.IDB, day int64, back bool) (int64, bool, error) {
	var out []int64
	q := db.NewSelect().Model((*storedSegment)(nil)).Column("day").Limit(1)
	if back {
		q = q.Where("day <= ?", day).OrderExpr("day DESC")
	} else {
		q = q.Where("day >= ?", day).OrderExpr("day ASC")
	}
	if err := q.Scan(ctx, &out); err != nil && !store.NoRows(err) {
		return 0, false, store.Classify(fmt.Errorf("days with segments: %w", err))
	}
	if len(out) == 0 {
		return 0, false, nil
	}
	return out[0], true, nil
}

// countPacked adds up the results in segments, at most those of some thousand segments.
func countPacked(ctx context.Context, db bun.IDB) (int64, error) {
	const segments = 4000
	var n int64
	part := db.NewSelect().Model((*storedSegment)(nil)).Column("results").Limit(segments)
	if err := db.NewSelect().TableExpr("(?) AS counted", part).ColumnExpr("coalesce(sum(results), 0)").Scan(ctx, &n); err != nil {
		return 0, store.Classify(fmt.Errorf("count results in segments: %w", err))
	}
	return n, nil
}

// bodies keeps what was read of segments lately: they never change, and pages of a list and the points
// of a chart ask for the same ones again.
type bodies struct {
	mu   sync.Mutex
	by   map[int64][]byte
	turn []int64
}

const keptBodies = 256

func (k *bodies) get(id int64) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.by[id]
}

func (k *bodies) keep(id int64, b []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil {
		k.by = map[int64][]byte{}
	}
	if _, there := k.by[id]; there {
		return
	}
	if k.turn = append(k.turn, id); len(k.turn) > keptBodies {
		delete(k.by, k.turn[0])
		k.turn = k.turn[1:]
	}
	k.by[id] = b
}

// errTaken says that a segment was written anew elsewhere meanwhile. Within a snapshot that cannot be.
var errTaken = errors.New("a segment is not there any more")

// openSegments reads the bodies of segments, in their order.
func openSegments(ctx context.Context, db bun.IDB, k *bodies, list []*storedSegment) ([]*segment.Segment, error) {
	const piece = 64
	found := make(map[int64][]byte, len(list))
	var missing []int64
	for _, s := range list {
		if b := k.get(s.ID); b != nil {
			found[s.ID] = b
		} else {
			missing = append(missing, s.ID)
		}
	}
	for len(missing) > 0 {
		n := min(piece, len(missing))
		var rows []*storedSegment
		if err := db.NewSelect().Model(&rows).Column("id", "level", "body").Where("id IN (?)", bun.List(missing[:n])).Scan(ctx); err != nil {
			return nil, store.Classify(fmt.Errorf("read segments: %w", err))
		}
		for _, r := range rows {
			if found[r.ID] = r.Body; r.Level != levelFresh {
				k.keep(r.ID, r.Body)
			}
		}
		missing = missing[n:]
	}
	out := make([]*segment.Segment, len(list))
	for i, s := range list {
		if found[s.ID] == nil {
			return nil, errTaken
		}
		seg, err := segment.Open(found[s.ID])
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", s.ID, err)
		}
		out[i] = seg
	}
	return out, nil
}

// forgetSegments deletes segments of days before one, at most so many.
func forgetSegments(ctx context.Context, tx *store.Tx, before, most int64) (int64, error) {
	old := tx.NewSelect().Model((*storedSegment)(nil)).Column("id").Where("day < ?", before).Order("day", "id").Limit(most)
	res, err := tx.NewDelete().Model((*storedSegment)(nil)).Where("id IN (?)", old).Exec(ctx)
	return affected(res, err, "deletion of segments")
}

// snapshot runs f with a handle that sees the results as they were at one moment, while others move them
// from segment to segment.
func (m *Module) snapshot(ctx context.Context, f func(ctx context.Context, db bun.IDB) error) error {
	return m.db.Snapshot(ctx, f)
}

// roundContents reads the items of a round that have no result, and the results.
func (m *Module) roundContents(ctx context.Context, r *Round) (items []Item, results map[string]*Result, err error) {
	err = m.snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
		if items, err = itemsOf(ctx, db, r.ID); err == nil {
			results, err = m.resultsOfRound(ctx, db, r)
		}
		return err
	})
	return items, results, err
}

// courseOf is course at one moment.
func (m *Module) courseOf(ctx context.Context, checkID string, from, to time.Time) (out []Result, err error) {
	err = m.snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
		out, err = m.course(ctx, db, checkID, from, to)
		return err
	})
	return out, err
}
