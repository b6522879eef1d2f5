-- +goose Up
CREATE TABLE inspect_exemption (
  id          TEXT NOT NULL PRIMARY KEY,
  asset_id    TEXT NOT NULL,
  asset_name  TEXT NOT NULL,
  kind        TEXT NOT NULL,
  check_id    TEXT NOT NULL, -- empty for every check of the kind
  title_zh    TEXT NOT NULL,
  title_en    TEXT NOT NULL,
  target      TEXT NOT NULL,
  reason      TEXT NOT NULL,
  until_at    INTEGER,
  state       TEXT NOT NULL,
  request_id  TEXT NOT NULL UNIQUE,
  proposed_by TEXT NOT NULL,
  proposed_at INTEGER NOT NULL,
  decided_at  INTEGER,
  ended_at    INTEGER,
  end_reason  TEXT NOT NULL,
  area_path   TEXT NOT NULL,
  system_id   TEXT NOT NULL,
  version     INTEGER NOT NULL
) STRICT;
CREATE INDEX inspect_exemption_proposed ON inspect_exemption (proposed_at, id, area_path);
CREATE INDEX inspect_exemption_state ON inspect_exemption (state, proposed_at, id, area_path);
CREATE INDEX inspect_exemption_asset ON inspect_exemption (asset_id, proposed_at, id, area_path);
CREATE INDEX inspect_exemption_kind ON inspect_exemption (kind, proposed_at, id, area_path);
CREATE INDEX inspect_exemption_until ON inspect_exemption (until_at) WHERE state = 'active';

-- none, proposed or active: a copy of inspect_exemption for filters and plans.
ALTER TABLE inspect_check ADD COLUMN exemption TEXT NOT NULL DEFAULT 'none';
CREATE INDEX inspect_check_exemption ON inspect_check (exemption, rank, id, area_path);
