-- +goose Up
-- What results of a check have in common while it says the same; results in segments name it by number.
CREATE TABLE inspect_series (
  no        INTEGER PRIMARY KEY AUTOINCREMENT,
  key       TEXT NOT NULL UNIQUE, -- hash of all that follows
  check_id  TEXT NOT NULL,
  asset_id  TEXT NOT NULL,
  kind      TEXT NOT NULL,
  class     TEXT NOT NULL,
  target    TEXT NOT NULL,
  state     TEXT NOT NULL,
  reason    TEXT NOT NULL,
  area_path TEXT NOT NULL,
  system_id TEXT NOT NULL
) STRICT;

-- Results that say the same as before, many in one row; package segment has the form of the body, which
-- stands last so that the rest is read without it.
CREATE TABLE inspect_segment (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  day        INTEGER NOT NULL, -- days since 1970 in Asia/Shanghai
  level      INTEGER NOT NULL, -- 0 fresh, 1 joined, 2 full
  first_at   INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  series_lo  INTEGER NOT NULL,
  series_hi  INTEGER NOT NULL,
  results    INTEGER NOT NULL,
  own_ids    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  body       BLOB NOT NULL
) STRICT;
CREATE INDEX inspect_segment_day ON inspect_segment (day);
CREATE INDEX inspect_segment_level ON inspect_segment (level, day, id) WHERE level < 2;

-- One row for each source of results: the number of the last one that was stored.
CREATE TABLE inspect_source (
  name     TEXT NOT NULL PRIMARY KEY,
  epoch    INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  moved_at INTEGER NOT NULL
) STRICT;
CREATE INDEX inspect_source_moved ON inspect_source (moved_at);

ALTER TABLE inspect_round ADD COLUMN first_ran_at INTEGER;
ALTER TABLE inspect_round ADD COLUMN last_ran_at INTEGER;
ALTER TABLE inspect_round ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inspect_round ADD COLUMN late_at INTEGER;
UPDATE inspect_round SET
  first_ran_at = (SELECT min(ran_at) FROM inspect_result r WHERE r.round_id = inspect_round.id),
  last_ran_at = (SELECT max(ran_at) FROM inspect_result r WHERE r.round_id = inspect_round.id);
-- Until now a round was counted when it ended.
UPDATE inspect_round SET
  ok = (SELECT count(*) FROM inspect_result r WHERE r.round_id = inspect_round.id AND r.state = 'OK'),
  warning = (SELECT count(*) FROM inspect_result r WHERE r.round_id = inspect_round.id AND r.state = 'WARNING'),
  critical = (SELECT count(*) FROM inspect_result r WHERE r.round_id = inspect_round.id AND r.state = 'CRITICAL'),
  unknown = (SELECT count(*) FROM inspect_result r WHERE r.round_id = inspect_round.id AND r.state = 'UNKNOWN' AND r.reason <> 'no_source'),
  no_source = (SELECT count(*) FROM inspect_result r WHERE r.round_id = inspect_round.id AND r.state = 'UNKNOWN' AND r.reason = 'no_source')
WHERE state = 'running';

-- How far the results that are rows have been moved to segments; the server does it beside its work.
CREATE TABLE inspect_convert (
  name      TEXT NOT NULL PRIMARY KEY,
  upto      INTEGER NOT NULL,
  ran_at    INTEGER NOT NULL,
  result_id TEXT NOT NULL,
  round_id  TEXT NOT NULL
) STRICT;
INSERT INTO inspect_convert (name, upto, ran_at, result_id, round_id)
  SELECT 'results', max(ran_at), 0, '', '' FROM inspect_result HAVING count(*) > 0;
