package calendar

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/store"
)

type listRow struct {
	bun.BaseModel `bun:"table:calendar_list,alias:list"`
	ID            string `bun:",pk"`
	Layer         Layer
	Year          int
	Source        string
	DocVersion    string
	Provisional   int
	ImportedBy    string
	ImportedAt    store.Time
	SupersededAt  store.Time
}

type dayRow struct {
	bun.BaseModel `bun:"table:calendar_day,alias:day"`
	ListID        string `bun:",pk"`
	Date          Date   `bun:",pk,type:text"`
	Kind          Kind
	Name          string
}

type periodRow struct {
	bun.BaseModel `bun:"table:calendar_period,alias:period"`
	ID            string `bun:",pk"`
	Kind          PeriodKind
	Name          string
	FromAt        store.Time
	ToAt          store.Time
	Source        string
	DocVersion    string
	Provisional   int
	Month         string `bun:",nullzero"`
	Origin        string `bun:",nullzero"`
	AddedBy       string
	AddedAt       store.Time
	RemovedAt     store.Time
}

func (r *periodRow) period() Period {
	return Period{
		ID: r.ID, Kind: r.Kind, Name: r.Name, From: r.FromAt.Time, To: r.ToAt.Time, Provisional: r.Provisional == 1,
		Source: r.Source, Version: r.DocVersion,
	}
}

type revisionRow struct {
	bun.BaseModel `bun:"table:calendar_revision,alias:rev"`
	ID            int `bun:",pk"`
	Revision      int64
}

func historyList() *store.ListSpec {
	return &store.ListSpec{
		Table: "list", Key: "id",
		Filters: []store.Filter{
			{Name: "layer", Column: "layer", OneOf: []string{string(National), string(Region)}},
			{Name: "year", Column: "year"},
		},
		Sorts:       map[string]string{"imported_at": "imported_at"},
		DefaultSort: "-imported_at",
	}
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

func revision(ctx context.Context, db bun.IDB) (int64, error) {
	var out int64
	if err := db.NewSelect().Model((*revisionRow)(nil)).Column("revision").Where("id = 1").Scan(ctx, &out); err != nil {
		return 0, store.Classify(fmt.Errorf("revision of the calendar: %w", err))
	}
	return out, nil
}

// advance tells all readers that the calendar changed; it also lets one writer in after the other.
func advance(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.NewUpdate().Model((*revisionRow)(nil)).Set("revision = revision + 1").Where("id = 1").Exec(ctx); err != nil {
		return fmt.Errorf("revision of the calendar: %w", err)
	}
	return nil
}

// load reads what holds now.
func load(ctx context.Context, db bun.IDB) ([]List, []Period, error) {
	var rows []listRow
	if err := db.NewSelect().Model(&rows).Where("superseded_at IS NULL").Order("layer", "year").Scan(ctx); err != nil {
		return nil, nil, store.Classify(fmt.Errorf("lists of the calendar: %w", err))
	}
	ids := make([]string, len(rows))
	lists := make([]List, len(rows))
	at := map[string]int{}
	for i, r := range rows {
		ids[i], at[r.ID] = r.ID, i
		lists[i] = List{ID: r.ID, Layer: r.Layer, Year: r.Year, Source: r.Source, Version: r.DocVersion, Provisional: r.Provisional == 1}
	}
	if len(ids) > 0 {
		var days []dayRow
		if err := db.NewSelect().Model(&days).Where("list_id IN (?)", bun.List(ids)).Order("list_id", "date").Scan(ctx); err != nil {
			return nil, nil, store.Classify(fmt.Errorf("days of the calendar: %w", err))
		}
		for _, d := range days {
			l := &lists[at[d.ListID]]
			l.Days = append(l.Days, ListDay{Date: d.Date, Kind: d.Kind, Name: d.Name})
		}
	}
	var spans []periodRow
	if err := db.NewSelect().Model(&spans).Where("removed_at IS NULL").Order("from_at", "id").Scan(ctx); err != nil {
		return nil, nil, store.Classify(fmt.Errorf("periods of the calendar: %w", err))
	}
	periods := make([]Period, len(spans))
	for i := range spans {
		periods[i] = spans[i].period()
	}
	return lists, periods, nil
}

// listKeys are the layers and years for which a list was ever stored.
func listKeys(ctx context.Context, db bun.IDB) (map[Layer]map[int]bool, error) {
	var rows []listRow
	if err := db.NewSelect().Model(&rows).Column("layer", "year").Distinct().Scan(ctx); err != nil {
		return nil, store.Classify(fmt.Errorf("lists of the calendar: %w", err))
	}
	out := map[Layer]map[int]bool{National: {}, Region: {}}
	for _, r := range rows {
		if out[r.Layer] != nil {
			out[r.Layer][r.Year] = true
		}
	}
	return out, nil
}

// origins are what the program brought along before.
func origins(ctx context.Context, db bun.IDB) (map[string]bool, error) {
	var names []string
	if err := db.NewSelect().Model((*periodRow)(nil)).Column("origin").Where("origin IS NOT NULL").Scan(ctx, &names); err != nil {
		return nil, store.Classify(fmt.Errorf("periods of the calendar: %w", err))
	}
	out := map[string]bool{}
	for _, n := range names {
		out[n] = true
	}
	return out, nil
}

// insertList stores a list in the place of the one that held; replaced is empty when there was none.
func insertList(ctx context.Context, tx *store.Tx, l *List, by string, now time.Time) (replaced string, err error) {
	old := new(listRow)
	err = tx.NewSelect().Model(old).Where("layer = ?", l.Layer).Where("year = ?", l.Year).Where("superseded_at IS NULL").Scan(ctx)
	switch {
	case store.NoRows(err):
	case err != nil:
		return "", fmt.Errorf("list before: %w", err)
	default:
		replaced = old.ID
		if _, err := tx.NewUpdate().Model((*listRow)(nil)).Set("superseded_at = ?", store.At(now)).Where("id = ?", old.ID).Exec(ctx); err != nil {
			return "", fmt.Errorf("replace list: %w", err)
		}
	}
	if l.ID, err = newID(); err != nil {
		return "", err
	}
	row := &listRow{
		ID: l.ID, Layer: l.Layer, Year: l.Year, Source: l.Source, DocVersion: l.Version, Provisional: bit(l.Provisional),
		ImportedBy: by, ImportedAt: store.At(now),
	}
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return "", fmt.Errorf("store list: %w", err)
	}
	if len(l.Days) == 0 {
		return replaced, nil
	}
	days := make([]dayRow, len(l.Days))
	for i, d := range l.Days {
		days[i] = dayRow{ListID: l.ID, Date: d.Date, Kind: d.Kind, Name: d.Name}
	}
	if _, err := tx.NewInsert().Model(&days).Exec(ctx); err != nil {
		return "", fmt.Errorf("store days: %w", err)
	}
	return replaced, nil
}

// insertPeriod stores a period; a filing period takes the place of the one of its month.
func insertPeriod(ctx context.Context, tx *store.Tx, p *Period, origin, by string, now time.Time) error {
	row := &periodRow{
		Kind: p.Kind, Name: p.Name, FromAt: store.At(p.From), ToAt: store.At(p.To), Source: p.Source, DocVersion: p.Version,
		Provisional: bit(p.Provisional), Origin: origin, AddedBy: by, AddedAt: store.At(now),
	}
	if p.isFiling() {
		row.Month = p.month()
		if _, err := tx.NewUpdate().Model((*periodRow)(nil)).Set("removed_at = ?", store.At(now)).
			Where("month = ?", row.Month).Where("removed_at IS NULL").Exec(ctx); err != nil {
			return fmt.Errorf("replace filing period: %w", err)
		}
	}
	var err error
	if row.ID, err = newID(); err != nil {
		return err
	}
	p.ID = row.ID
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return fmt.Errorf("store period: %w", err)
	}
	return nil
}

// removePeriod ends a period's validity and returns it.
func removePeriod(ctx context.Context, tx *store.Tx, id string, now time.Time) (*periodRow, error) {
	row := new(periodRow)
	err := tx.NewSelect().Model(row).Where("id = ?", id).Where("removed_at IS NULL").Scan(ctx)
	if store.NoRows(err) {
		return nil, problem.Missing("period", id)
	}
	if err != nil {
		return nil, fmt.Errorf("find period: %w", err)
	}
	if _, err := tx.NewUpdate().Model((*periodRow)(nil)).Set("removed_at = ?", store.At(now)).Where("id = ?", id).Exec(ctx); err != nil {
		return nil, fmt.Errorf("remove period: %w", err)
	}
	return row, nil
}
