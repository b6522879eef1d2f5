package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"taxops/internal/kernel/problem"
)

// SQLite's result codes that mean something to us (sqlite3.h).
const (
	sqliteFull           = 13
	sqliteCantOpen       = 14
	sqliteIOErr          = 10
	sqliteCorrupt        = 11
	sqliteNotADB         = 26
	sqliteConstraintUniq = 2067
	sqliteConstraintPK   = 1555
)

// NoRows reports whether err says that a row was not there.
func NoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Unique reports whether err says that a row that must be unique exists already.
func Unique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code() == sqliteConstraintUniq || lite.Code() == sqliteConstraintPK)
}

// misfit reports a value that cannot be read as its column's type (SQLSTATE class 22). SQLite compares
// such a value by its own rules and finds nothing.
func misfit(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "22")
}

// retryable reports a serialization failure or deadlock of PostgreSQL.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// Classify turns an engine's error into a problem when a person can act on it, and leaves every
// other error as it is.
func Classify(err error) error {
	if err == nil {
		return nil
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return err
	}
	switch {
	case Unique(err):
		return problem.New(problem.Conflict, "exists already").With(err)
	case full(err):
		return problem.New(problem.StorageFull, "the disc of the database is full").With(err)
	case Unavailable(err):
		return problem.New(problem.DatabaseUnavailable, "the database does not answer").With(err)
	}
	return err
}

func full(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "53100"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqliteFull
	}
	return errors.Is(err, syscall.ENOSPC)
}

// Damaged reports whether err says that the file of an embedded database is not one, or not whole.
func Damaged(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	c := lite.Code() & 0xff
	return c == sqliteCorrupt || c == sqliteNotADB
}

// Unavailable reports whether err says that the database cannot be reached at the moment.
func Unavailable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if errors.Is(err, problem.New(problem.DatabaseUnavailable, "")) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// 57P01..57P03: shutting down or starting up; 53300: too many connections; 08: connection.
		return strings.HasPrefix(pg.Code, "57P0") || pg.Code == "53300" || strings.HasPrefix(pg.Code, "08")
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		c := lite.Code() & 0xff
		return c == sqliteIOErr || c == sqliteCantOpen
	}
	var connect *pgconn.ConnectError
	var op *net.OpError
	return errors.As(err, &connect) || errors.As(err, &op) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, sql.ErrConnDone)
}
