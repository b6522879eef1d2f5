package store

import (
	"context"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"taxops/internal/kernel/problem"
)

// ExactTotal is up to where a list counts its rows exactly; beyond, it says "more than".
const ExactTotal = 10_000

// MaxLimit is the largest page.
const MaxLimit = 200

// Match says how a filter compares.
type Match int

// The ways to compare.
const (
	Equal Match = iota // one of the values given, separated by commas
	Not                // none of the values given
	Under              // an area path with all below it
	Since              // time not before
	Until              // time before
	Has                // contains the text, for lists that stay small; the column is matched in lower case
)

// Filter is one documented filter of a list.
type Filter struct {
	Name   string // as in the URL
	Column string // SQL column: a constant of the module, never input
	Match  Match
	OneOf  []string // allowed values; nil for any
	// Columns are searched together by a Has filter that looks in more than one.
	Columns []string
}

// ListSpec declares a list: what may be filtered and sorted, and which columns scope it.
type ListSpec struct {
	Table        string            // name or alias in the query
	Key          string            // unique column that breaks ties, usually "id"
	Filters      []Filter          //
	Sorts        map[string]string // name in the URL → column; never NULL, and a field of the model, as Key is
	DefaultSort  string            // "-opened_at"
	AreaColumn   string            // "" for a list that is not scoped
	SystemColumn string
}

// ListQuery is what the person asked.
type ListQuery struct {
	Filters map[string]string
	Sort    string
	Cursor  string
	Limit   int
	// CountTo is up to where rows are counted exactly: 0 for ExactTotal, less than 0 for not at all.
	CountTo int
}

// Page is a part of a list.
type Page[T any] struct {
	Items       []T
	NextCursor  string // "" at the end
	Total       int
	TotalCapped bool // there are more than Total
}

// MapPage turns the items of a page into another type.
func MapPage[T, U any](p Page[T], f func(T) U) Page[U] {
	out := Page[U]{Items: make([]U, len(p.Items)), NextCursor: p.NextCursor, Total: p.Total, TotalCapped: p.TotalCapped}
	for i, it := range p.Items {
		out.Items[i] = f(it)
	}
	return out
}

type cursor struct {
	Sort  string `json:"s"`
	Value any    `json:"v"`
	Key   any    `json:"k"`
}

// List reads one page by keyset: its cost does not grow with the page's distance from the start.
// T is a bun model of spec.Table; base, when not nil, adds joins or fixed conditions.
func List[T any](ctx context.Context, db bun.IDB, spec *ListSpec, scope Scope, q ListQuery,
	base func(*bun.SelectQuery) *bun.SelectQuery,
) (Page[T], error) {
	var none Page[T]
	limit := q.Limit
	if limit == 0 {
		limit = 50
	}
	if limit < 1 || limit > MaxLimit {
		return none, problem.InvalidField("query.limit", "out_of_range", "limit is between 1 and %d", MaxLimit)
	}
	sort := q.Sort
	if sort == "" {
		sort = spec.DefaultSort
	}
	name, desc := strings.TrimPrefix(sort, "-"), strings.HasPrefix(sort, "-")
	sortColumn, ok := spec.Sorts[name]
	if !ok {
		return none, problem.InvalidField("query.sort", "unknown", "sort by one of: %s", strings.Join(sortNames(spec), ", "))
	}
	conditions, err := spec.conditions(q.Filters)
	if err != nil {
		return none, err
	}
	narrowed := func(query *bun.SelectQuery) *bun.SelectQuery {
		if base != nil {
			query = base(query)
		}
		if spec.AreaColumn != "" {
			query = scope.apply(query, bun.Ident(spec.col(spec.AreaColumn)), bun.Ident(spec.col(spec.SystemColumn)))
		}
		for _, c := range conditions {
			query = c(query)
		}
		return query
	}

	sortIdent, keyIdent := bun.Ident(spec.col(sortColumn)), bun.Ident(spec.col(spec.Key))
	var rows []T
	query := narrowed(db.NewSelect().Model(&rows))
	if q.Cursor != "" {
		c, err := decodeCursor(q.Cursor, sort)
		if err != nil {
			return none, err
		}
		op := ">"
		if desc {
			op = "<"
		}
		if sortColumn == spec.Key {
			query = query.Where("? "+op+" ?", keyIdent, c.Key)
		} else {
			query = query.Where("(?, ?) "+op+" (?, ?)", sortIdent, keyIdent, c.Value, c.Key)
		}
	}
	direction := " ASC"
	if desc {
		direction = " DESC"
	}
	query = query.OrderExpr("?"+direction, sortIdent)
	if sortColumn != spec.Key {
		query = query.OrderExpr("?"+direction, keyIdent)
	}
	if err := query.Limit(int64(limit) + 1).Scan(ctx); err != nil {
		if misfit(err) {
			return none, problem.New(problem.Invalid, "a filter or the cursor does not fit this list").With(err)
		}
		return none, Classify(fmt.Errorf("list %s: %w", spec.Table, err))
	}
	page := Page[T]{Items: rows}
	if page.Items == nil {
		page.Items = []T{}
	}
	if len(rows) > limit {
		page.Items = rows[:limit]
		if page.NextCursor, err = nextCursor(db, spec, sort, sortColumn, &page.Items[limit-1]); err != nil {
			return none, err
		}
	}
	if q.CountTo < 0 {
		return page, nil
	}
	if q.Cursor == "" && len(rows) <= limit {
		page.Total = len(rows)
		return page, nil
	}
	most := q.CountTo
	if most == 0 {
		most = ExactTotal
	}
	probe := narrowed(db.NewSelect().Model((*T)(nil)).ColumnExpr("1")).Limit(int64(most) + 1)
	if err := db.NewSelect().TableExpr("(?) AS counted", probe).ColumnExpr("count(*)").Scan(ctx, &page.Total); err != nil {
		return none, Classify(fmt.Errorf("count %s: %w", spec.Table, err))
	}
	if page.Total > most {
		page.Total, page.TotalCapped = most, true
	}
	page.Total = max(page.Total, len(rows)) // rows may have gone between the two questions
	return page, nil
}

// nextCursor says where the page ends, from its last row as it was read: asked for again, the row might
// be gone by now, or lie elsewhere in the order.
func nextCursor[T any](db bun.IDB, spec *ListSpec, sort, sortColumn string, last *T) (string, error) {
	value, err := columnOf(db, last, sortColumn)
	if err != nil {
		return "", fmt.Errorf("cursor of %s: %w", spec.Table, err)
	}
	key, err := columnOf(db, last, spec.Key)
	if err != nil {
		return "", fmt.Errorf("cursor of %s: %w", spec.Table, err)
	}
	b, err := json.Marshal(cursor{Sort: sort, Value: value, Key: key})
	if err != nil {
		return "", fmt.Errorf("cursor of %s: %w", spec.Table, err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// columnOf is the value of a column in a row, as the database holds it: an integer or text.
func columnOf[T any](db bun.IDB, row *T, column string) (any, error) {
	field := db.Dialect().Tables().Get(reflect.TypeFor[*T]()).LookupField(column[strings.LastIndexByte(column, '.')+1:])
	if field == nil {
		return nil, fmt.Errorf("%T has no field for the column %s", row, column)
	}
	v, err := driver.DefaultParameterConverter.ConvertValue(field.Value(reflect.ValueOf(row).Elem()).Interface())
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", column, err)
	}
	switch v := v.(type) {
	case int64, string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return nil, fmt.Errorf("column %s holds %T, by which no list can go on", column, v)
}

func notOurs() error {
	return problem.InvalidField("query.cursor", "not_ours", "the cursor is not one that this list gave for this sort")
}

func decodeCursor(s, sort string) (cursor, error) {
	bad := notOurs()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) > 1024 {
		return cursor{}, bad
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var c cursor
	if d.Decode(&c) != nil || c.Sort != sort {
		return cursor{}, bad
	}
	for _, v := range []*any{&c.Value, &c.Key} {
		switch x := (*v).(type) {
		case string:
			if !storable(x) {
				return cursor{}, bad
			}
		case json.Number:
			n, err := x.Int64()
			if err != nil {
				return cursor{}, bad
			}
			*v = n
		default:
			return cursor{}, bad
		}
	}
	return c, nil
}

// storable reports text that both engines can hold: PostgreSQL has no NUL and takes UTF-8 only.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func (s *ListSpec) col(name string) string {
	if name == "" || strings.Contains(name, ".") || s.Table == "" {
		return name
	}
	return s.Table + "." + name
}

func (s *ListSpec) conditions(given map[string]string) ([]func(*bun.SelectQuery) *bun.SelectQuery, error) {
	var out []func(*bun.SelectQuery) *bun.SelectQuery
	for name, raw := range given {
		if raw == "" {
			continue
		}
		i := slices.IndexFunc(s.Filters, func(f Filter) bool { return f.Name == name })
		if i < 0 {
			return nil, problem.InvalidField("query."+name, "unknown", "this list has no filter %q", name)
		}
		if !storable(raw) {
			return nil, problem.InvalidField("query."+name, "not_text", "text in UTF-8 without NUL")
		}
		f := s.Filters[i]
		c, err := f.condition(s, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (f Filter) condition(s *ListSpec, raw string) (func(*bun.SelectQuery) *bun.SelectQuery, error) {
	column := bun.Ident(s.col(f.Column))
	location := "query." + f.Name
	switch f.Match {
	case Equal, Not:
		values := strings.Split(raw, ",")
		if len(values) > 50 {
			return nil, problem.InvalidField(location, "too_many", "at most 50 values")
		}
		for _, v := range values {
			if f.OneOf != nil && !slices.Contains(f.OneOf, v) {
				return nil, problem.InvalidField(location, "unknown", "one of: %s", strings.Join(f.OneOf, ", "))
			}
		}
		if f.Match == Not {
			return func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("? NOT IN (?)", column, bun.List(values)) }, nil
		}
		if len(values) == 1 {
			return func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("? = ?", column, values[0]) }, nil
		}
		return func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("? IN (?)", column, bun.List(values)) }, nil
	case Under:
		if !strings.HasPrefix(raw, "/") || !strings.HasSuffix(raw, "/") {
			return nil, problem.InvalidField(location, "not_a_path", "an area path such as /45/4501/")
		}
		lo, hi := pathRange(raw)
		return func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("? >= ?", column, lo).Where("? < ?", column, hi)
		}, nil
	case Since, Until:
		t, err := time.Parse(time.RFC3339, raw)
		if err != nil {
			return nil, problem.InvalidField(location, "not_a_time", "a time such as 2026-11-24T08:00:00+08:00")
		}
		op := "? >= ?"
		if f.Match == Until {
			op = "? < ?"
		}
		return func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where(op, column, At(t)) }, nil
	case Has:
		text := strings.ToLower(norm.NFC.String(raw))
		if len([]rune(text)) > 100 {
			return nil, problem.InvalidField(location, "too_long", "at most 100 characters")
		}
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
		columns := f.Columns
		if columns == nil {
			columns = []string{f.Column}
		}
		return func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
				for _, c := range columns {
					q = q.WhereOr(`lower(?) LIKE ? ESCAPE '\'`, bun.Ident(s.col(c)), like)
				}
				return q
			})
		}, nil
	}
	return nil, fmt.Errorf("filter %s: unknown match %d", f.Name, f.Match)
}

func sortNames(s *ListSpec) []string {
	var out []string
	for n := range s.Sorts {
		out = append(out, n, "-"+n)
	}
	slices.Sort(out)
	return out
}
