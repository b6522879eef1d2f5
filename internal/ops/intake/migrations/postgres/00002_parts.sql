-- +goose Up
-- What a run made beside assets: checks, scripts, plans.
CREATE TABLE intake_part (
  run_id   text COLLATE "C" NOT NULL REFERENCES intake_run (id),
  seq      bigint NOT NULL,
  kind     text NOT NULL,
  thing_id text COLLATE "C" NOT NULL,
  asset_id text COLLATE "C" NOT NULL,
  name     text NOT NULL,
  version  bigint NOT NULL, -- of the thing after the run
  off      text NOT NULL, -- why it does not run at first
  kept     text NOT NULL, -- why it was not taken away when the run was undone
  PRIMARY KEY (run_id, seq)
);
