package journal

import (
	"context"
	"fmt"

	"taxops/internal/kernel/store"
)

// SubjectRows reads the rows about one thing, the oldest first, with their private texts: it is for the
// module that wrote them and shows them on the thing's own page, to people who may see the thing.
// When there are more than most, the latest are returned.
func (j *Journal) SubjectRows(ctx context.Context, s Subject, most int) ([]Row, error) {
	in, err := readStored(ctx, j.db.Read(), selectStored+`WHERE c.subject_kind = ? AND c.subject_id = ? ORDER BY c.seq DESC LIMIT ?`,
		s.Kind, s.ID, most)
	if err != nil {
		return nil, store.Classify(err)
	}
	for i, k := 0, len(in)-1; i < k; i, k = i+1, k-1 {
		in[i], in[k] = in[k], in[i]
	}
	rows, err := j.rows(ctx, j.db.Read(), in, true)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("rows about %s: %w", s, err))
	}
	return rows, nil
}
