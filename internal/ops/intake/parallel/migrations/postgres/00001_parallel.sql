-- +goose Up
CREATE TABLE parallel_source (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  name       text NOT NULL,
  state      text NOT NULL,
  token_hash text NOT NULL UNIQUE, -- SHA-256; the token itself is shown once and kept nowhere
  area_path  text COLLATE "C" NOT NULL,
  system_id  text COLLATE "C" NOT NULL,
  created_by text NOT NULL,
  created_at bigint NOT NULL,
  revoked_at bigint,
  last_at    bigint,
  version    bigint NOT NULL
);
CREATE INDEX parallel_source_created ON parallel_source (created_at, id, area_path);

CREATE TABLE parallel_problem (
  id           text COLLATE "C" NOT NULL PRIMARY KEY,
  source_id    text COLLATE "C" NOT NULL REFERENCES parallel_source (id),
  event_id     text COLLATE "C" NOT NULL,
  host         text NOT NULL,
  host_name    text NOT NULL,
  address      text NOT NULL,
  trigger_id   text COLLATE "C" NOT NULL,
  title        text NOT NULL,
  severity     bigint NOT NULL,
  started_at   bigint NOT NULL,
  recovered_at bigint,
  received_at  bigint NOT NULL,
  asset_id     text COLLATE "C" NOT NULL, -- empty while no asset fits
  asset_name   text NOT NULL,
  matched_by   text NOT NULL,
  area_path    text COLLATE "C" NOT NULL,
  system_id    text COLLATE "C" NOT NULL,
  version      bigint NOT NULL
);
CREATE UNIQUE INDEX parallel_problem_event ON parallel_problem (source_id, event_id); -- a problem is kept once
CREATE INDEX parallel_problem_started ON parallel_problem (started_at, id, area_path);
CREATE INDEX parallel_problem_asset ON parallel_problem (asset_id, started_at, id, area_path);

CREATE TABLE parallel_verdict (
  subject   text COLLATE "C" NOT NULL PRIMARY KEY,
  verdict   text NOT NULL,
  reason    text NOT NULL,
  said_by   text NOT NULL,
  said_at   bigint NOT NULL,
  area_path text COLLATE "C" NOT NULL,
  system_id text COLLATE "C" NOT NULL
);
