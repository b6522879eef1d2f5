-- +goose Up
-- What became of the checks planned on a day; kept for ever, with the revisions that were corrected.
CREATE TABLE inspect_coverage (
  id        text COLLATE "C" NOT NULL PRIMARY KEY,
  day_at    bigint NOT NULL,
  class     text COLLATE "C" NOT NULL,
  area_path text COLLATE "C" NOT NULL,
  system_id text COLLATE "C" NOT NULL,
  planned   bigint NOT NULL,
  ran       bigint NOT NULL,
  missed    bigint NOT NULL,
  reasons   text COLLATE "C" NOT NULL,
  tree_root text COLLATE "C" NOT NULL,
  revision  bigint NOT NULL,
  current   bigint NOT NULL,
  closed_at bigint NOT NULL
);
CREATE UNIQUE INDEX inspect_coverage_day ON inspect_coverage (day_at, area_path, system_id, class, revision);
CREATE INDEX inspect_coverage_current ON inspect_coverage (current, day_at, id, area_path);
CREATE INDEX inspect_coverage_class ON inspect_coverage (class, day_at, id, area_path);

-- One row for each day that was closed, also when nothing was planned on it.
CREATE TABLE inspect_day (
  day       bigint NOT NULL PRIMARY KEY,
  revision  bigint NOT NULL,
  closed_at bigint NOT NULL,
  looked_at bigint NOT NULL
);

CREATE INDEX inspect_round_late ON inspect_round (late_at) WHERE late_at IS NOT NULL;
CREATE INDEX inspect_round_finished ON inspect_round (finished_at);
