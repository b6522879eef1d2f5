-- +goose Up
CREATE TABLE fleet_asset (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  number     text COLLATE "C" NOT NULL UNIQUE,
  kind       text NOT NULL,
  name       text COLLATE "C" NOT NULL,
  hostname   text NOT NULL,
  parent_id  text COLLATE "C" REFERENCES fleet_asset (id),
  area_path  text COLLATE "C" NOT NULL,
  system_id  text COLLATE "C" NOT NULL,
  state      text NOT NULL,
  facts      text NOT NULL,
  labels     text NOT NULL,
  machine    text COLLATE "C" UNIQUE, -- of hosts that registered themselves: one asset a machine
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  version    bigint NOT NULL
);
CREATE INDEX fleet_asset_name ON fleet_asset (name, id, area_path);
CREATE INDEX fleet_asset_created ON fleet_asset (created_at, id, area_path);
CREATE INDEX fleet_asset_parent ON fleet_asset (parent_id);
