-- +goose Up
-- What a run made beside assets: checks, scripts, plans.
CREATE TABLE intake_part (
  run_id   TEXT NOT NULL REFERENCES intake_run (id),
  seq      INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  thing_id TEXT NOT NULL,
  asset_id TEXT NOT NULL,
  name     TEXT NOT NULL,
  version  INTEGER NOT NULL, -- of the thing after the run
  off      TEXT NOT NULL, -- why it does not run at first
  kept     TEXT NOT NULL, -- why it was not taken away when the run was undone
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;
