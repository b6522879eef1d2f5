package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"

	"taxops/internal/kernel/store"
)

// Mark is a place in the chain that was found good: the next look goes on from there.
type Mark struct {
	Seq  int64
	Hash string // hexadecimal; "" for the beginning
}

// VerifyTail verifies at most `most` rows after a mark and returns the new mark, which is the old one
// when something is bad. It also notices that the marked row itself is no longer the one that was
// found good, which is what a chain hashed anew from some row on looks like. It is the small look that
// an inspection takes each round; Verify is the whole one.
func (j *Journal) VerifyTail(ctx context.Context, from Mark, most int64) (Mark, []Bad, error) {
	w := &walk{j: j, keys: keyring{j: j}}
	w.check = newChecker(nil)
	if from.Seq > 0 {
		var hash []byte
		err := query(ctx, j.db.Read(), func(r *sql.Rows) error { return r.Scan(&hash) },
			`SELECT hash FROM journal_chain WHERE seq = ?`, from.Seq)
		if err != nil {
			return from, nil, store.Classify(fmt.Errorf("verify the tail: %w", err))
		}
		if hash == nil {
			return from, []Bad{{Seq: from.Seq, Why: "dropped: the row that was found good before is gone"}}, nil
		}
		if hexOf(hash) != from.Hash {
			return from, []Bad{{Seq: from.Seq, Why: "changed: it is not the row that was found good before"}}, nil
		}
		w.check.expected, w.check.last = from.Seq+1, &entry{seq: from.Seq, hash: hash}
	}
	h, err := j.headNow(ctx)
	if err != nil {
		return from, nil, store.Classify(err)
	}
	if h.seq < from.Seq {
		return from, []Bad{{Seq: from.Seq, Why: fmt.Sprintf("cut: the chain now ends at row %d", h.seq)}}, nil
	}
	end := min(h.seq, from.Seq+most)
	for at := from.Seq; at < end; {
		if at, err = w.step(ctx, at, end); err != nil {
			return from, nil, store.Classify(fmt.Errorf("verify the tail: %w", err))
		}
	}
	w.check.finish()
	if bad := append(w.check.bad, w.mismatch...); len(bad) > 0 {
		return from, bad, nil
	}
	last := w.check.last
	if last.seq == 0 {
		return Mark{}, nil, nil
	}
	return Mark{Seq: last.seq, Hash: hex.EncodeToString(last.hash)}, nil, nil
}
