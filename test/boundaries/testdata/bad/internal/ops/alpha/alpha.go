package alpha

import (
	"database/sql" // want sql-in-store
	"net/http"     // want http-in-api

	"github.com/danielgtaylor/huma/v2" // want http-in-api
	"github.com/uptrace/bun"

	"taxops/internal/ops/beta"     // want module-knows-itself
	"taxops/internal/ops/beta/sub" // want module-knows-itself
)

// Row may name its table, and nothing else of bun.
type Row struct {
	bun.BaseModel `bun:"table:row"`
	DB            bun.IDB // want sql-in-store
	Raw           *sql.DB
	Client        http.Client
	API           huma.API
}

// Alpha is a rule that asks the database.
func Alpha() { beta.Beta(); sub.Sub(); Row{}.DB.NewSelect() } // want sql-in-store
