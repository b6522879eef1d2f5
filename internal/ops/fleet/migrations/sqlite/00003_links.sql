-- +goose Up
CREATE TABLE fleet_link (
  id         TEXT NOT NULL PRIMARY KEY,
  from_id    TEXT NOT NULL REFERENCES fleet_asset (id),
  to_id      TEXT NOT NULL REFERENCES fleet_asset (id),
  kind       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX fleet_link_ends ON fleet_link (from_id, to_id, kind);
CREATE INDEX fleet_link_to ON fleet_link (to_id);
CREATE INDEX fleet_link_kind ON fleet_link (kind);

CREATE TABLE fleet_proposal (
  id         TEXT NOT NULL PRIMARY KEY,
  host_id    TEXT NOT NULL REFERENCES fleet_asset (id),
  key        TEXT NOT NULL,
  service    TEXT NOT NULL,
  port       INTEGER NOT NULL,
  name       TEXT NOT NULL,
  why        TEXT NOT NULL,
  state      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at INTEGER,
  asset_id   TEXT REFERENCES fleet_asset (id),
  seen_at    INTEGER NOT NULL,
  area_path  TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  version    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX fleet_proposal_key ON fleet_proposal (host_id, key); -- seen again is not proposed again
CREATE INDEX fleet_proposal_state ON fleet_proposal (state, seen_at, id, area_path);
CREATE INDEX fleet_proposal_seen ON fleet_proposal (seen_at, id, area_path);
