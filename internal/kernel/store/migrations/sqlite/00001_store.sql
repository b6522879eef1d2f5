-- +goose Up
CREATE TABLE store_counter (
  kind TEXT NOT NULL,
  year INTEGER NOT NULL,
  n    INTEGER NOT NULL,
  PRIMARY KEY (kind, year)
) STRICT, WITHOUT ROWID;

CREATE TABLE store_once (
  owner   TEXT NOT NULL,
  key     TEXT NOT NULL,
  request TEXT NOT NULL,
  status  INTEGER NOT NULL,
  body    BLOB NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_once_at ON store_once (at);
