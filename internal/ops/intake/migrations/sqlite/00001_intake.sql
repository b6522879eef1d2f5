-- +goose Up
CREATE TABLE intake_run (
  id          TEXT NOT NULL PRIMARY KEY,
  number      TEXT NOT NULL UNIQUE,
  source      TEXT NOT NULL,
  file_name   TEXT NOT NULL,
  file_bytes  INTEGER NOT NULL,
  sha256      TEXT NOT NULL,
  state       TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  mapping     TEXT NOT NULL,
  remembered  INTEGER NOT NULL,
  defaults    TEXT NOT NULL,
  content     BLOB, -- the table, packed, until the run is over
  row_count   INTEGER NOT NULL,
  counts      TEXT NOT NULL,
  created_by  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  applied_by  TEXT NOT NULL,
  applied_at  INTEGER,
  undone_by   TEXT NOT NULL,
  undone_at   INTEGER,
  area_path   TEXT NOT NULL,
  system_id   TEXT NOT NULL,
  version     INTEGER NOT NULL
) STRICT;
CREATE INDEX intake_run_created ON intake_run (created_at, id, area_path);
CREATE INDEX intake_run_state ON intake_run (state, created_at, id, area_path);
CREATE INDEX intake_run_source ON intake_run (source, created_at, id, area_path);

-- What a run did to each asset, and what is needed to put it back.
CREATE TABLE intake_step (
  run_id   TEXT NOT NULL REFERENCES intake_run (id),
  seq      INTEGER NOT NULL,
  line     INTEGER NOT NULL,
  asset_id TEXT NOT NULL,
  number   TEXT NOT NULL,
  name     TEXT NOT NULL,
  added    INTEGER NOT NULL,
  was      TEXT NOT NULL,
  version  INTEGER NOT NULL, -- of the asset after the run
  kept     TEXT NOT NULL, -- why it was not put back when the run was undone
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- What the columns of a form are, as it was applied last.
CREATE TABLE intake_mapping (
  fingerprint TEXT NOT NULL,
  source      TEXT NOT NULL,
  mapping     TEXT NOT NULL,
  defaults    TEXT NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (fingerprint, source)
) STRICT, WITHOUT ROWID;
