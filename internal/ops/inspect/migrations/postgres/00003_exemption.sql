-- +goose Up
CREATE TABLE inspect_exemption (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  asset_id    text COLLATE "C" NOT NULL,
  asset_name  text NOT NULL,
  kind        text COLLATE "C" NOT NULL,
  check_id    text COLLATE "C" NOT NULL, -- empty for every check of the kind
  title_zh    text NOT NULL,
  title_en    text NOT NULL,
  target      text NOT NULL,
  reason      text NOT NULL,
  until_at    bigint,
  state       text NOT NULL,
  request_id  text COLLATE "C" NOT NULL UNIQUE,
  proposed_by text COLLATE "C" NOT NULL,
  proposed_at bigint NOT NULL,
  decided_at  bigint,
  ended_at    bigint,
  end_reason  text NOT NULL,
  area_path   text COLLATE "C" NOT NULL,
  system_id   text COLLATE "C" NOT NULL,
  version     bigint NOT NULL
);
CREATE INDEX inspect_exemption_proposed ON inspect_exemption (proposed_at, id, area_path);
CREATE INDEX inspect_exemption_state ON inspect_exemption (state, proposed_at, id, area_path);
CREATE INDEX inspect_exemption_asset ON inspect_exemption (asset_id, proposed_at, id, area_path);
CREATE INDEX inspect_exemption_kind ON inspect_exemption (kind, proposed_at, id, area_path);
CREATE INDEX inspect_exemption_until ON inspect_exemption (until_at) WHERE state = 'active';

-- none, proposed or active: a copy of inspect_exemption for filters and plans.
ALTER TABLE inspect_check ADD COLUMN exemption text NOT NULL DEFAULT 'none';
CREATE INDEX inspect_check_exemption ON inspect_check (exemption, rank, id, area_path);
