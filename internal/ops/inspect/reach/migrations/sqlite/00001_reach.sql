-- +goose Up
CREATE TABLE reach_login (
  id          TEXT NOT NULL PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  host        TEXT NOT NULL,
  port        INTEGER NOT NULL,
  account     TEXT NOT NULL,
  jump_id     TEXT REFERENCES reach_login (id),
  note        TEXT NOT NULL,
  secrets     BLOB,
  method      TEXT NOT NULL,
  host_key    TEXT NOT NULL, -- '' until a person accepted one
  accepted_by TEXT NOT NULL,
  accepted_at INTEGER,
  area_path   TEXT NOT NULL,
  system_id   TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  version     INTEGER NOT NULL
) STRICT;
CREATE INDEX reach_login_name ON reach_login (name, id, area_path);
CREATE INDEX reach_login_created ON reach_login (created_at, id, area_path);
CREATE INDEX reach_login_jump ON reach_login (jump_id);
