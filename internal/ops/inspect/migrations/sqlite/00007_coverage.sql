-- +goose Up
-- What became of the checks planned on a day; kept for ever, with the revisions that were corrected.
CREATE TABLE inspect_coverage (
  id        TEXT NOT NULL PRIMARY KEY,
  day_at    INTEGER NOT NULL,
  class     TEXT NOT NULL,
  area_path TEXT NOT NULL,
  system_id TEXT NOT NULL,
  planned   INTEGER NOT NULL,
  ran       INTEGER NOT NULL,
  missed    INTEGER NOT NULL,
  reasons   TEXT NOT NULL,
  tree_root TEXT NOT NULL,
  revision  INTEGER NOT NULL,
  current   INTEGER NOT NULL,
  closed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX inspect_coverage_day ON inspect_coverage (day_at, area_path, system_id, class, revision);
CREATE INDEX inspect_coverage_current ON inspect_coverage (current, day_at, id, area_path);
CREATE INDEX inspect_coverage_class ON inspect_coverage (class, day_at, id, area_path);

-- One row for each day that was closed, also when nothing was planned on it.
CREATE TABLE inspect_day (
  day       INTEGER NOT NULL PRIMARY KEY,
  revision  INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,
  looked_at INTEGER NOT NULL
) STRICT;

CREATE INDEX inspect_round_late ON inspect_round (late_at) WHERE late_at IS NOT NULL;
CREATE INDEX inspect_round_finished ON inspect_round (finished_at);
