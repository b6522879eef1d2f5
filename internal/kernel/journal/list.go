package journal

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/store"
)

// chainRow is the part of a row by which it is found.
type chainRow struct {
	bun.BaseModel `bun:"table:journal_chain,alias:journal_chain"`
	Seq           int64 `bun:",pk"`
	Row           int64
}

func rowList() *store.ListSpec {
	return &store.ListSpec{
		Table: "journal_chain", Key: "seq", Sorts: map[string]string{"seq": "seq"}, DefaultSort: "-seq",
		AreaColumn: "area_path", SystemColumn: "system_id",
		Filters: []store.Filter{
			{Name: "type", Column: "type"}, {Name: "actor_id", Column: "actor_id"},
			{Name: "subject_kind", Column: "subject_kind"}, {Name: "subject_id", Column: "subject_id"},
			{Name: "area_path", Column: "area_path", Match: store.Under}, {Name: "system_id", Column: "system_id"},
			{Name: "from", Column: "at", Match: store.Since}, {Name: "to", Column: "at", Match: store.Until},
		},
	}
}

// List reads a page of chained rows, the latest first; private texts are masked. Filters: type,
// actor_id, subject_kind, subject_id, area_path, system_id, from, to.
func (j *Journal) List(ctx context.Context, scope store.Scope, q store.ListQuery) (store.Page[Row], error) {
	page, err := store.List[chainRow](ctx, j.db.Read(), rowList(), scope, q, nil)
	if err != nil {
		return store.Page[Row]{}, err
	}
	out := store.Page[Row]{Items: []Row{}, NextCursor: page.NextCursor, Total: page.Total, TotalCapped: page.TotalCapped}
	if len(page.Items) == 0 {
		return out, nil
	}
	seqs := make([]int64, len(page.Items))
	for i, c := range page.Items {
		seqs[i] = c.Seq
	}
	in, err := readStored(ctx, j.db.Read(), selectStored+`WHERE c.seq IN (?)`, bun.List(seqs))
	if err != nil {
		return out, store.Classify(err)
	}
	slices.SortFunc(in, func(a, b stored) int { return slices.Index(seqs, a.seq) - slices.Index(seqs, b.seq) })
	if out.Items, err = j.rows(ctx, j.db.Read(), in, false); err != nil {
		return out, store.Classify(fmt.Errorf("list the journal: %w", err))
	}
	return out, nil
}

// segmentRow is a segment as a list shows it.
type segmentRow struct {
	bun.BaseModel `bun:"table:journal_segment,alias:journal_segment"`
	Number        int64 `bun:",pk"`
	FirstSeq      int64
	LastSeq       int64
	Root          []byte
	PrevRoot      []byte
	ClosedAt      store.Time
	Fingerprint   string
	Signature     []byte
}
