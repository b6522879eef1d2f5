package inspect

import (
	"context"
	"errors"
	"fmt"

	"taxops/internal/kernel/lifecycle"
	"taxops/internal/kernel/store"
	"taxops/internal/ops/inspect/segment"
)

// compact joins what was stored in many small segments into few, and moves what older versions stored as
// rows.
func (m *Module) compact(ctx context.Context) {
	lifecycle.Every(ctx, compactEvery, func(ctx context.Context) {
		if err := errors.Join(m.convertAll(ctx), m.compactAll(ctx)); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "results not compacted", "error", err)
		}
	})
}

// compactAll joins all that is to be joined now.
func (m *Module) compactAll(ctx context.Context) error {
	for _, level := range []int{levelFresh, levelJoined} {
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if more, err = m.compactOnce(ctx, level); err != nil {
				return err
			}
		}
	}
	return nil
}

// compactOnce joins the next segments of a level. The new ones are stored and the old ones deleted in one
// transaction, after the new ones were read again and found to hold the same.
func (m *Module) compactOnce(ctx context.Context, level int) (more bool, err error) {
	const most = 20_000
	list, err := unfinished(ctx, m.db.Read(), level, most)
	if err != nil {
		return false, err
	}
	now := m.clock.Now()
	batch, into := joinable(list, level, now)
	if len(batch) == 0 {
		return false, nil
	}
	ids := make([]int64, len(batch))
	for i, s := range batch {
		ids[i] = s.ID
	}
	if level == levelJoined && len(batch) == 1 {
		return true, m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return finishSegments(ctx, tx, ids) })
	}
	rows, err := m.rowsOf(ctx, batch)
	if errors.Is(err, errTaken) {
		return false, nil // by another server
	}
	if err != nil {
		return false, err
	}
	joined, err := packRows(rows, into, now)
	if err != nil {
		return false, err
	}
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		taken, err := takeSegments(ctx, tx, ids)
		if err != nil {
			return err
		}
		if !taken {
			return errTaken
		}
		return insertSegments(ctx, tx, joined)
	})
	if errors.Is(err, errTaken) {
		return false, nil
	}
	return err == nil, err
}

// rowsOf reads all rows of segments.
func (m *Module) rowsOf(ctx context.Context, list []*storedSegment) ([]segment.Row, error) {
	var n int64
	for _, s := range list {
		n += s.Results
	}
	out := make([]segment.Row, 0, n)
	const piece = 64
	for len(list) > 0 {
		part := list[:min(piece, len(list))]
		opened, err := openSegments(ctx, m.db.Read(), &m.bodies, part)
		if err != nil {
			return nil, err
		}
		for i, seg := range opened {
			if int64(seg.Len()) != part[i].Results {
				return nil, fmt.Errorf("segment %d holds %d results, not %d", part[i].ID, seg.Len(), part[i].Results)
			}
			for row := range seg.Len() {
				r, err := seg.Row(row)
				if err != nil {
					return nil, fmt.Errorf("segment %d: %w", part[i].ID, err)
				}
				out = append(out, r)
			}
		}
		list = list[len(part):]
	}
	return out, nil
}

// convertAll moves results that an older version stored as rows into segments, and deletes the items that
// these results stand for, a part at a time.
func (m *Module) convertAll(ctx context.Context) error {
	said := map[string]*CheckState{}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
			var err error
			more, err = m.convertOnce(ctx, tx, said)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// convertRows is how many rows are looked at in one transaction.
const convertRows = 2000

// convertOnce moves the next results. said is what checks said before; the first result of a check after
// a start stays a row, since nobody knows that.
func (m *Module) convertOnce(ctx context.Context, tx *store.Tx, said map[string]*CheckState) (more bool, err error) {
	c, err := holdConversion(ctx, tx)
	if err != nil || c == nil {
		return false, err
	}
	rows, err := rowsAfter(ctx, tx, c, convertRows)
	if err != nil {
		return false, err
	}
	var plain []*Result
	for _, r := range rows {
		if r.plain(said[r.CheckID]) {
			plain = append(plain, r)
		}
		said[r.CheckID] = &CheckState{State: r.State, Reason: r.Reason}
		c.RanAt, c.ResultID = r.RanAt.UnixMicro(), r.ID
	}
	if len(plain) > 0 {
		list, err := m.packResults(ctx, tx, plain, levelJoined)
		if err != nil {
			return false, err
		}
		if err := insertSegments(ctx, tx, list); err != nil {
			return false, err
		}
		if err := deleteRows(ctx, tx, plain); err != nil {
			return false, err
		}
	}
	itemsLeft, err := deleteRanItems(ctx, tx, c)
	if err != nil {
		return false, err
	}
	if len(rows) == 0 && !itemsLeft {
		return false, endConversion(ctx, tx)
	}
	return true, saveConversion(ctx, tx, c)
}
