package access

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"taxops/internal/kernel/problem"
	"taxops/internal/kernel/state"
	"taxops/internal/kernel/store"
)

type account struct {
	bun.BaseModel `bun:"table:access_account,alias:account"`
	ID            string `bun:",pk"`
	Login         string
	DisplayName   string
	State         state.State
	PasswordHash  string
	TOTPSecret    []byte `bun:"totp_secret"`  // sealed; absent while not enabled
	TOTPPending   []byte `bun:"totp_pending"` // sealed; shown, not yet confirmed
	TOTPStep      int64  `bun:"totp_step"`    // last step that was used
	AreaPath      string
	SystemID      string
	LastSignInAt  store.Time
	CreatedAt     store.Time
	ErasedAt      store.Time
	AcceptedAt    store.Time // by a person who is still to be confirmed
	ConfirmedAt   store.Time
	ConfirmedBy   string // "" for the host
	Version       int
}

func (a *account) totp() bool { return len(a.TOTPSecret) > 0 }

type grantRow struct {
	bun.BaseModel `bun:"table:access_grant"`
	AccountID     string `bun:",pk"`
	Role          Role   `bun:",pk"`
	AreaPath      string `bun:",pk"`
	SystemID      string `bun:",pk"`
}

func (g grantRow) grant() Grant {
	return Grant{Role: g.Role, AreaPath: g.AreaPath, SystemID: g.SystemID}
}

// Modes of an installation.
const (
	Trial      = "trial"
	Production = "production"
)

type installation struct {
	bun.BaseModel `bun:"table:access_installation"`
	ID            int `bun:",pk"`
	Mode          string
	DeclaredAt    store.Time
	DeclaredBy    string
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

// locked adds FOR UPDATE where the engine has it; on SQLite the transaction is the only writer.
func locked(tx *store.Tx, q *bun.SelectQuery) *bun.SelectQuery {
	if tx.Engine() == store.Postgres {
		return q.For("UPDATE")
	}
	return q
}

func readInstallation(ctx context.Context, db bun.IDB) (installation, error) {
	var i installation
	if err := db.NewSelect().Model(&i).Where("id = 1").Scan(ctx); err != nil {
		return i, store.Classify(fmt.Errorf("installation: %w", err))
	}
	return i, nil
}

// lockInstallation queues changes of accounts behind each other and tells the mode.
func lockInstallation(ctx context.Context, tx *store.Tx) (mode string, err error) {
	var i installation
	if err := locked(tx, tx.NewSelect().Model(&i).Where("id = 1")).Scan(ctx); err != nil {
		return "", fmt.Errorf("lock the installation: %w", err)
	}
	return i.Mode, nil
}

// lockAccount reads an account that this transaction is about to change.
func lockAccount(ctx context.Context, tx *store.Tx, id string) (*account, error) {
	a := new(account)
	err := locked(tx, tx.NewSelect().Model(a).Where("id = ?", id)).Scan(ctx)
	if store.NoRows(err) {
		return nil, problem.Missing("account", id)
	}
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, err)
	}
	return a, nil
}

func readAccount(ctx context.Context, db bun.IDB, id string) (*account, error) {
	a := new(account)
	err := db.NewSelect().Model(a).Where("id = ?", id).Scan(ctx)
	if store.NoRows(err) {
		return nil, problem.Missing("account", id)
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("account %s: %w", id, err))
	}
	return a, nil
}

// findLogin returns the account of a login, nil when there is none.
func findLogin(ctx context.Context, db bun.IDB, login string) (*account, error) {
	a := new(account)
	err := db.NewSelect().Model(a).Where("login = ?", login).Where("state <> ?", Removed).Scan(ctx)
	if store.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Classify(fmt.Errorf("account by login: %w", err))
	}
	return a, nil
}

func anyAccount(ctx context.Context, db bun.IDB) (bool, error) {
	n, err := db.NewSelect().Model((*account)(nil)).Limit(1).Count(ctx)
	if err != nil {
		return false, store.Classify(fmt.Errorf("count accounts: %w", err))
	}
	return n > 0, nil
}

// save writes an account back and counts its version.
func (a *account) save(ctx context.Context, tx *store.Tx) error {
	a.Version++
	if _, err := tx.NewUpdate().Model(a).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("save account %s: %w", a.ID, err)
	}
	return nil
}

func grantsOf(ctx context.Context, db bun.IDB, ids ...string) (map[string][]Grant, error) {
	out := make(map[string][]Grant, len(ids))
	for _, id := range ids {
		out[id] = []Grant{}
	}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []grantRow
	err := db.NewSelect().Model(&rows).Where("account_id IN (?)", bun.List(ids)).
		Order("account_id", "role", "area_path", "system_id").Scan(ctx)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("grants: %w", err))
	}
	for _, r := range rows {
		out[r.AccountID] = append(out[r.AccountID], r.grant())
	}
	return out, nil
}

func replaceGrants(ctx context.Context, tx *store.Tx, id string, grants []Grant) error {
	if _, err := tx.NewDelete().Model((*grantRow)(nil)).Where("account_id = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("grants of %s: %w", id, err)
	}
	if len(grants) == 0 {
		return nil
	}
	rows := make([]grantRow, len(grants))
	for i, g := range grants {
		rows[i] = grantRow{AccountID: id, Role: g.Role, AreaPath: g.AreaPath, SystemID: g.SystemID}
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fmt.Errorf("grants of %s: %w", id, err)
	}
	return nil
}

// holder is one grant of a role together with the state of its account.
type holder struct {
	AccountID  string
	Role       Role
	AreaPath   string
	SystemID   string
	State      state.State
	TOTPSecret []byte `bun:"totp_secret"`
}

// holders lists the grants of all accounts that are not removed.
func holders(ctx context.Context, db bun.IDB) ([]holder, error) {
	var out []holder
	err := db.NewSelect().TableExpr("access_grant AS g").Join("JOIN access_account AS a ON a.id = g.account_id").
		ColumnExpr("g.account_id, g.role, g.area_path, g.system_id, a.state, a.totp_secret").
		Where("a.state <> ?", Removed).OrderExpr("g.account_id, g.role").Scan(ctx, &out)
	if err != nil {
		return nil, store.Classify(fmt.Errorf("holders of roles: %w", err))
	}
	return out, nil
}
