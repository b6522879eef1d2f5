-- +goose Up
CREATE TABLE script_package (
  id         TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  title      TEXT NOT NULL,
  class      TEXT NOT NULL,
  area_path  TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  latest     INTEGER NOT NULL,
  current    INTEGER NOT NULL, -- 0 until one is released
  draft_id   TEXT NOT NULL, -- "" for none
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version    INTEGER NOT NULL
) STRICT;
CREATE INDEX script_package_name ON script_package (name, id, area_path);
CREATE INDEX script_package_updated ON script_package (updated_at, id, area_path);

CREATE TABLE script_version (
  id          TEXT NOT NULL PRIMARY KEY,
  package_id  TEXT NOT NULL REFERENCES script_package (id),
  number      INTEGER NOT NULL,
  state       TEXT NOT NULL,
  manifest    TEXT NOT NULL,
  body        BLOB NOT NULL,
  body_sha256 TEXT NOT NULL,
  sha256      TEXT NOT NULL, -- of text and manifest; "" until released
  note        TEXT NOT NULL,
  created_by  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  released_by TEXT NOT NULL,
  released_at INTEGER,
  updated_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  UNIQUE (package_id, number)
) STRICT;
CREATE UNIQUE INDEX script_version_draft ON script_version (package_id) WHERE state = 'draft';

-- What was released is what runs: nothing but its end may still happen to it.
-- +goose StatementBegin
CREATE TRIGGER script_version_fixed BEFORE UPDATE ON script_version
WHEN old.state <> 'draft' AND (new.body IS NOT old.body OR new.manifest IS NOT old.manifest OR new.sha256 IS NOT old.sha256
  OR new.body_sha256 IS NOT old.body_sha256 OR new.number IS NOT old.number OR new.package_id IS NOT old.package_id)
BEGIN SELECT raise(ABORT, 'a released version of a script cannot change'); END;
-- +goose StatementEnd
