-- +goose Up
CREATE TABLE fleet_link (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  from_id    text COLLATE "C" NOT NULL REFERENCES fleet_asset (id),
  to_id      text COLLATE "C" NOT NULL REFERENCES fleet_asset (id),
  kind       text NOT NULL,
  created_at bigint NOT NULL
);
CREATE UNIQUE INDEX fleet_link_ends ON fleet_link (from_id, to_id, kind);
CREATE INDEX fleet_link_to ON fleet_link (to_id);
CREATE INDEX fleet_link_kind ON fleet_link (kind);

CREATE TABLE fleet_proposal (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  host_id    text COLLATE "C" NOT NULL REFERENCES fleet_asset (id),
  key        text COLLATE "C" NOT NULL,
  service    text NOT NULL,
  port       integer NOT NULL,
  name       text NOT NULL,
  why        text NOT NULL,
  state      text NOT NULL,
  reason     text NOT NULL,
  decided_by text NOT NULL,
  decided_at bigint,
  asset_id   text COLLATE "C" REFERENCES fleet_asset (id),
  seen_at    bigint NOT NULL,
  area_path  text COLLATE "C" NOT NULL,
  system_id  text COLLATE "C" NOT NULL,
  version    bigint NOT NULL
);
CREATE UNIQUE INDEX fleet_proposal_key ON fleet_proposal (host_id, key); -- seen again is not proposed again
CREATE INDEX fleet_proposal_state ON fleet_proposal (state, seen_at, id, area_path);
CREATE INDEX fleet_proposal_seen ON fleet_proposal (seen_at, id, area_path);
