package store_test

import (
	"context"
	"testing"

	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

// Within a snapshot nothing appears that others write meanwhile, and afterwards it does.
func TestSnapshotStandsStill(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		add := func(id string) error {
			return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.NewInsert().Model(aThing(id)).Exec(ctx)
				return err
			})
		}
		if err := add("1"); err != nil {
			t.Fatal(err)
		}
		err := db.Snapshot(ctx, func(ctx context.Context, db bun.IDB) error {
			for range 2 {
				n, err := db.NewSelect().Model((*thing)(nil)).Count(ctx)
				if err != nil {
					return err
				}
				if n != 1 {
					t.Errorf("%d things in the snapshot", n)
				}
				if err := add("2"); err != nil && !store.Unique(err) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.Read().NewSelect().Model((*thing)(nil)).Count(ctx); err != nil || n != 2 {
			t.Errorf("%d things after the snapshot, %v", n, err)
		}
	})
}

// A cursor made from a place is the one that the list itself gives.
func TestPlaceIsWhereTheListGoesOn(t *testing.T) {
	db := storetest.Open(t, store.SQLite, nil, things())
	var rows []thing
	for _, id := range []string{"a", "b", "c"} {
		rows = append(rows, *aThing(id))
	}
	if err := replaceAll(t.Context(), db, rows); err != nil {
		t.Fatal(err)
	}
	page, err := store.List[thing](t.Context(), db.Read(), thingList, store.Everything(), store.ListQuery{Sort: "rank", Limit: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := page.Items[1]
	own, err := store.Place{Value: last.Rank, Key: last.ID}.Cursor("rank")
	if err != nil || own != page.NextCursor {
		t.Errorf("cursor %q, the list says %q (%v)", own, page.NextCursor, err)
	}
	if p, err := store.ReadCursor(own, "rank"); err != nil || p.Value != last.Rank || p.Key != last.ID {
		t.Errorf("read %+v %v", p, err)
	}
	for _, bad := range []string{"", "%", own[:len(own)-3]} {
		if _, err := store.ReadCursor(bad, "rank"); problem.CodeOf(err) != problem.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := store.ReadCursor(own, "-rank"); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("of another order: %v", err)
	}
	byName, err := store.List[thing](t.Context(), db.Read(), thingList, store.Everything(), store.ListQuery{Sort: "name", Limit: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.ReadCursor(byName.NextCursor, "name"); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a text for a number: %v", err)
	}
}
