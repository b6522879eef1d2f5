package alpha

import (
	"database/sql"

	"github.com/uptrace/bun"
)

func find(db bun.IDB) *sql.Row { db.NewSelect(); return nil }
