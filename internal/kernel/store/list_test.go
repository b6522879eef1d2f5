package store_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
	"taxops/internal/kernel/store/storetest"
)

var thingList = &store.ListSpec{
	Table: "thing", Key: "id", DefaultSort: "-at",
	Filters: []store.Filter{
		{Name: "kind", Column: "kind", OneOf: []string{"a", "b", "c"}},
		{Name: "name", Column: "name"},
		{Name: "area_path", Column: "area_path", Match: store.Under},
		{Name: "from", Column: "at", Match: store.Since},
		{Name: "to", Column: "at", Match: store.Until},
		{Name: "q", Match: store.Has, Columns: []string{"name", "id"}},
	},
	Sorts:      map[string]string{"at": "at", "rank": "rank", "name": "name", "id": "id"},
	AreaColumn: "area_path", SystemColumn: "system_id",
}

var (
	// Text that tells apart byte order from a language's order, and that SQL, LIKE or bun might
	// take for their own.
	words = rapid.StringOfN(rapid.SampledFrom([]rune(`aAbBzZ09 _%\'"?-/发票南宁𠮷é`)), 0, 6, -1)
	areas = rapid.SampledFrom([]string{"/45/", "/45/4501/", "/45/4501/450102/", "/45/4502/", "/45/450/", "/46/", "/4/"})
	sys   = rapid.SampledFrom([]string{"identity", "delivery", "seal"})
	times = rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(0, 20).Draw(t, "µs") * 1_000_000).UTC()
	})
)

func drawRows(t *rapid.T) []thing {
	n := rapid.IntRange(0, 30).Draw(t, "rows")
	rows := make([]thing, n)
	for i := range rows {
		rows[i] = thing{
			ID:   fmt.Sprintf("%02d%s", i, words.Draw(t, "id")),
			Name: words.Draw(t, "name"), Rank: rapid.Int64Range(-3, 3).Draw(t, "rank"),
			Kind: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "kind"), AreaPath: areas.Draw(t, "area"),
			SystemID: sys.Draw(t, "system"), At: store.At(times.Draw(t, "at")),
		}
	}
	return rows
}

func drawScope(t *rapid.T) store.Scope {
	if rapid.Bool().Draw(t, "everything") {
		return store.Everything()
	}
	var grants []store.ScopeGrant
	for range rapid.IntRange(0, 3).Draw(t, "grants") {
		grants = append(grants, store.ScopeGrant{
			AreaPath: areas.Draw(t, "granted"), SystemID: rapid.OneOf(rapid.Just(""), sys).Draw(t, "granted system"),
		})
	}
	return store.NewScope(grants...)
}

func drawFilters(t *rapid.T) map[string]string {
	f := map[string]string{}
	maybe := func(name string, draw func() string) {
		if rapid.IntRange(0, 3).Draw(t, "use "+name) == 0 {
			f[name] = draw()
		}
	}
	maybe("kind", func() string {
		return strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID).Draw(t, "kinds"), ",")
	})
	maybe("area_path", func() string { return areas.Draw(t, "under") })
	maybe("from", func() string { return times.Draw(t, "since").Format(time.RFC3339) })
	maybe("to", func() string { return times.Draw(t, "until").Format(time.RFC3339) })
	maybe("q", func() string { return words.Draw(t, "q") })
	return f
}

// model is the list as one would write it in memory.
func model(rows []thing, scope store.Scope, filters map[string]string, sort string) []string {
	var out []thing
	for _, r := range rows {
		from, _ := time.Parse(time.RFC3339, filters["from"])
		to, _ := time.Parse(time.RFC3339, filters["to"])
		q := strings.ToLower(filters["q"])
		if scope.Covers(r.AreaPath, r.SystemID) &&
			(filters["kind"] == "" || slices.Contains(strings.Split(filters["kind"], ","), r.Kind)) &&
			strings.HasPrefix(r.AreaPath, filters["area_path"]) &&
			(from.IsZero() || !r.At.Before(from)) && (to.IsZero() || r.At.Before(to)) &&
			(strings.Contains(strings.ToLower(r.Name), q) || strings.Contains(strings.ToLower(r.ID), q)) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b thing) int {
		var c int
		switch strings.TrimPrefix(sort, "-") {
		case "at":
			c = a.At.Compare(b.At.Time)
		case "rank":
			c = cmp.Compare(a.Rank, b.Rank)
		case "name":
			c = cmp.Compare(a.Name, b.Name)
		}
		c = cmp.Or(c, cmp.Compare(a.ID, b.ID))
		if strings.HasPrefix(sort, "-") {
			c = -c
		}
		return c
	})
	return ids(out)
}

func ids(rows []thing) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.ID
	}
	return out
}

func replaceAll(ctx context.Context, db *store.DB, rows []thing) error {
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewDelete().Model((*thing)(nil)).Where("1 = 1").Exec(ctx); err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		_, err := tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
}

// All pages of a list together are the list in memory: nothing missing, nothing twice, nothing of
// another's area, whatever the filters, the order and the size of the pages.
func TestListIsTheListInMemory(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		rapid.Check(t, func(t *rapid.T) {
			rows, scope, filters := drawRows(t), drawScope(t), drawFilters(t)
			sort := rapid.SampledFrom([]string{"", "at", "-at", "rank", "-rank", "name", "-name", "id", "-id"}).Draw(t, "sort")
			limit := rapid.IntRange(1, 12).Draw(t, "limit")
			if err := replaceAll(ctx, db, rows); err != nil {
				t.Fatal(err)
			}
			want := model(rows, scope, filters, cmp.Or(sort, "-at"))
			var got []string
			q := store.ListQuery{Filters: filters, Sort: sort, Limit: limit}
			for {
				p, err := store.List[thing](ctx, db.Read(), thingList, scope, q, nil)
				if err != nil {
					t.Fatal(err)
				}
				if p.Total != len(want) || p.TotalCapped {
					t.Fatalf("total %d (capped %v), want %d", p.Total, p.TotalCapped, len(want))
				}
				if len(p.Items) > limit {
					t.Fatalf("a page of %d, limit %d", len(p.Items), limit)
				}
				got = append(got, ids(p.Items)...)
				if p.NextCursor == "" {
					break
				}
				if len(got) > len(rows) {
					t.Fatalf("the pages never end: %q", got)
				}
				q.Cursor = p.NextCursor
			}
			if !slices.Equal(got, want) {
				t.Fatalf("got  %q\nwant %q", got, want)
			}
		})
	})
}

// While somebody pages, others add and delete: rows that were there all the time appear once each.
func TestListUnderChange(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		rapid.Check(t, func(t *rapid.T) {
			rows := drawRows(t)
			sort := rapid.SampledFrom([]string{"at", "-at", "rank", "-rank", "name", "-name", "id", "-id"}).Draw(t, "sort")
			if err := replaceAll(ctx, db, rows); err != nil {
				t.Fatal(err)
			}
			stayed := map[string]bool{}
			for _, r := range rows {
				stayed[r.ID] = true
			}
			var got []string
			q := store.ListQuery{Sort: sort, Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
			for page := 0; ; page++ {
				p, err := store.List[thing](ctx, db.Read(), thingList, store.Everything(), q, nil)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, ids(p.Items)...)
				if q.Cursor = p.NextCursor; q.Cursor == "" {
					break
				}
				gone := p.Items[len(p.Items)-1].ID
				fresh := thing{
					ID: fmt.Sprintf("x%02d", page), Name: words.Draw(t, "new name"), Rank: rapid.Int64Range(-3, 3).Draw(t, "new rank"),
					Kind: "a", AreaPath: "/45/", SystemID: "seal", At: store.At(times.Draw(t, "new at")),
				}
				if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					if page < 5 { // an end to growth, or the paging never ends
						if _, err := tx.NewInsert().Model(&fresh).Exec(ctx); err != nil {
							return err
						}
					}
					_, err := tx.NewDelete().Model((*thing)(nil)).Where("id = ?", gone).Exec(ctx)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			for id := range stayed {
				n := 0
				for _, g := range got {
					if g == id {
						n++
					}
				}
				if n != 1 {
					t.Fatalf("row %q was shown %d times: %q", id, n, got)
				}
			}
		})
	})
}

func TestListCountsExactlyToTenThousand(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		rows := make([]thing, store.ExactTotal+1)
		for i := range rows {
			rows[i] = *aThing(fmt.Sprintf("%05d", i))
		}
		for extra, capped := range map[int]bool{0: false, 1: true} {
			if err := replaceAll(t.Context(), db, rows[:store.ExactTotal+extra]); err != nil {
				t.Fatal(err)
			}
			p, err := store.List[thing](t.Context(), db.Read(), thingList, store.Everything(), store.ListQuery{Limit: 200}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p.Total != store.ExactTotal || p.TotalCapped != capped {
				t.Errorf("%d rows: total %d, capped %v", store.ExactTotal+extra, p.Total, p.TotalCapped)
			}
		}
	})
}

func TestListRefuses(t *testing.T) {
	storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
		var rows []thing
		for i := range 5 {
			rows = append(rows, *aThing(fmt.Sprint(i)))
		}
		if err := replaceAll(t.Context(), db, rows); err != nil {
			t.Fatal(err)
		}
		list := func(q store.ListQuery) (store.Page[thing], error) {
			return store.List[thing](t.Context(), db.Read(), thingList, store.Everything(), q, nil)
		}
		first, err := list(store.ListQuery{Limit: 2, Sort: "rank"})
		if err != nil {
			t.Fatal(err)
		}
		forged := func(v, k any) string {
			b, err := json.Marshal(map[string]any{"s": "rank", "v": v, "k": k})
			if err != nil {
				t.Fatal(err)
			}
			return base64.RawURLEncoding.EncodeToString(b)
		}
		for name, q := range map[string]store.ListQuery{
			"limit below":               {Limit: -1},
			"limit above":               {Limit: 201},
			"unknown sort":              {Sort: "password_hash"},
			"SQL as sort":               {Sort: "id; DROP TABLE thing"},
			"unknown filter":            {Filters: map[string]string{"owner": "x"}},
			"a value not allowed":       {Filters: map[string]string{"kind": "a,z"}},
			"not a path":                {Filters: map[string]string{"area_path": "45"}},
			"not a time":                {Filters: map[string]string{"from": "yesterday"}},
			"a year beyond all":         {Filters: map[string]string{"from": "99999-01-01T00:00:00Z"}},
			"a text with NUL":           {Filters: map[string]string{"q": "a\x00b"}},
			"a value with NUL":          {Filters: map[string]string{"name": "a\x00b"}},
			"a text that is not UTF-8":  {Filters: map[string]string{"q": "\xff\xfe"}},
			"a cursor of noise":         {Cursor: "%%%", Sort: "rank"},
			"a cursor cut short":        {Cursor: first.NextCursor[:len(first.NextCursor)-4], Sort: "rank"},
			"a cursor of another sort":  {Cursor: first.NextCursor, Sort: "-rank"},
			"a forged cursor: fraction": {Cursor: forged(1.5, "1"), Sort: "rank"},
			"a forged cursor: null":     {Cursor: forged(nil, "1"), Sort: "rank"},
			"a forged cursor: list":     {Cursor: forged([]int{1}, "1"), Sort: "rank"},
			"a forged cursor: NUL":      {Cursor: forged(1, "a\x00"), Sort: "rank"},
		} {
			t.Run(name, func(t *testing.T) {
				if p, err := list(q); problem.CodeOf(err) != problem.Invalid {
					t.Errorf("got %d rows and %v, want code invalid", len(p.Items), err)
				}
			})
		}
		t.Run("a forged cursor of another type is never an accident", func(t *testing.T) {
			// PostgreSQL refuses to compare; SQLite sorts text after numbers and finds nothing.
			p, err := list(store.ListQuery{Cursor: forged("abc", "1"), Sort: "rank"})
			if problem.CodeOf(err) != problem.Invalid && (err != nil || len(p.Items) > 0) {
				t.Errorf("got %d rows and %v", len(p.Items), err)
			}
		})
	})
}

// between calls f after each query that reads things.
type between struct{ f func() }

func (between) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (h between) AfterQuery(context.Context, *bun.QueryEvent) { h.f() }

// A row that changes or goes while its page is read leaves the page whole and the next one in its place.
func TestListWhileItsLastRowGoes(t *testing.T) {
	for what, change := range map[string]func(tx *store.Tx) error{
		"gone": func(tx *store.Tx) error {
			_, err := tx.NewDelete().Model((*thing)(nil)).Where("id IN (?)", bun.List([]string{"0", "1"})).Exec(context.Background())
			return err
		},
		"moved": func(tx *store.Tx) error {
			_, err := tx.NewUpdate().Model((*thing)(nil)).Set("rank = 9").Where("id = ?", "1").Exec(context.Background())
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			storetest.Each(t, things(), func(t *testing.T, db *store.DB) {
				var rows []thing
				for i := range 4 {
					r := *aThing(fmt.Sprint(i))
					r.Rank = int64(i)
					rows = append(rows, r)
				}
				if err := replaceAll(t.Context(), db, rows); err != nil {
					t.Fatal(err)
				}
				once := sync.OnceFunc(func() {
					if err := db.Write(t.Context(), func(_ context.Context, tx *store.Tx) error { return change(tx) }); err != nil {
						t.Error(err)
					}
				})
				reader := db.Read().(*bun.DB).WithQueryHook(between{once})
				q := store.ListQuery{Sort: "rank", Limit: 2}
				first, err := store.List[thing](t.Context(), reader, thingList, store.Everything(), q, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := ids(first.Items); !slices.Equal(got, []string{"0", "1"}) || first.Total < len(got) {
					t.Errorf("first page %q of %d", got, first.Total)
				}
				q.Cursor = first.NextCursor
				next, err := store.List[thing](t.Context(), db.Read(), thingList, store.Everything(), q, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := ids(next.Items); !slices.Equal(got, []string{"2", "3"}) {
					t.Errorf("next page %q, want the two behind the first", got)
				}
			})
		})
	}
}
