-- +goose Up
CREATE TABLE fleet_asset (
  id         TEXT NOT NULL PRIMARY KEY,
  number     TEXT NOT NULL UNIQUE,
  kind       TEXT NOT NULL,
  name       TEXT NOT NULL,
  hostname   TEXT NOT NULL,
  parent_id  TEXT REFERENCES fleet_asset (id),
  area_path  TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  state      TEXT NOT NULL,
  facts      TEXT NOT NULL,
  labels     TEXT NOT NULL,
  machine    TEXT UNIQUE, -- of hosts that registered themselves: one asset a machine
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version    INTEGER NOT NULL
) STRICT;
CREATE INDEX fleet_asset_name ON fleet_asset (name, id, area_path);
CREATE INDEX fleet_asset_created ON fleet_asset (created_at, id, area_path);
CREATE INDEX fleet_asset_parent ON fleet_asset (parent_id);
