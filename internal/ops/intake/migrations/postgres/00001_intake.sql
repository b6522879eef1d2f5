-- +goose Up
CREATE TABLE intake_run (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  number      text COLLATE "C" NOT NULL UNIQUE,
  source      text NOT NULL,
  file_name   text NOT NULL,
  file_bytes  bigint NOT NULL,
  sha256      text COLLATE "C" NOT NULL,
  state       text NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  mapping     text NOT NULL,
  remembered  bigint NOT NULL,
  defaults    text NOT NULL,
  content     bytea, -- the table, packed, until the run is over
  row_count   bigint NOT NULL,
  counts      text NOT NULL,
  created_by  text NOT NULL,
  created_at  bigint NOT NULL,
  applied_by  text NOT NULL,
  applied_at  bigint,
  undone_by   text NOT NULL,
  undone_at   bigint,
  area_path   text COLLATE "C" NOT NULL,
  system_id   text COLLATE "C" NOT NULL,
  version     bigint NOT NULL
);
CREATE INDEX intake_run_created ON intake_run (created_at, id, area_path);
CREATE INDEX intake_run_state ON intake_run (state, created_at, id, area_path);
CREATE INDEX intake_run_source ON intake_run (source, created_at, id, area_path);

-- What a run did to each asset, and what is needed to put it back.
CREATE TABLE intake_step (
  run_id   text COLLATE "C" NOT NULL REFERENCES intake_run (id),
  seq      bigint NOT NULL,
  line     bigint NOT NULL,
  asset_id text COLLATE "C" NOT NULL,
  number   text COLLATE "C" NOT NULL,
  name     text NOT NULL,
  added    bigint NOT NULL,
  was      text NOT NULL,
  version  bigint NOT NULL, -- of the asset after the run
  kept     text NOT NULL, -- why it was not put back when the run was undone
  PRIMARY KEY (run_id, seq)
);

-- What the columns of a form are, as it was applied last.
CREATE TABLE intake_mapping (
  fingerprint text COLLATE "C" NOT NULL,
  source      text NOT NULL,
  mapping     text NOT NULL,
  defaults    text NOT NULL,
  updated_at  bigint NOT NULL,
  PRIMARY KEY (fingerprint, source)
);
