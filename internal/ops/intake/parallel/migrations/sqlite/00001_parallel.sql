-- +goose Up
CREATE TABLE parallel_source (
  id         TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  state      TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE, -- SHA-256; the token itself is shown once and kept nowhere
  area_path  TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  last_at    INTEGER,
  version    INTEGER NOT NULL
) STRICT;
CREATE INDEX parallel_source_created ON parallel_source (created_at, id, area_path);

CREATE TABLE parallel_problem (
  id           TEXT NOT NULL PRIMARY KEY,
  source_id    TEXT NOT NULL REFERENCES parallel_source (id),
  event_id     TEXT NOT NULL,
  host         TEXT NOT NULL,
  host_name    TEXT NOT NULL,
  address      TEXT NOT NULL,
  trigger_id   TEXT NOT NULL,
  title        TEXT NOT NULL,
  severity     INTEGER NOT NULL,
  started_at   INTEGER NOT NULL,
  recovered_at INTEGER,
  received_at  INTEGER NOT NULL,
  asset_id     TEXT NOT NULL, -- empty while no asset fits
  asset_name   TEXT NOT NULL,
  matched_by   TEXT NOT NULL,
  area_path    TEXT NOT NULL,
  system_id    TEXT NOT NULL,
  version      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX parallel_problem_event ON parallel_problem (source_id, event_id); -- a problem is kept once
CREATE INDEX parallel_problem_started ON parallel_problem (started_at, id, area_path);
CREATE INDEX parallel_problem_asset ON parallel_problem (asset_id, started_at, id, area_path);

CREATE TABLE parallel_verdict (
  subject   TEXT NOT NULL PRIMARY KEY,
  verdict   TEXT NOT NULL,
  reason    TEXT NOT NULL,
  said_by   TEXT NOT NULL,
  said_at   INTEGER NOT NULL,
  area_path TEXT NOT NULL,
  system_id TEXT NOT NULL
) STRICT;
