-- +goose Up
-- What each check said on each closed day, for charts: by hour for as long as results are kept, then by day.
CREATE TABLE inspect_digest (
  check_id TEXT NOT NULL,
  day      INTEGER NOT NULL,
  hourly   INTEGER NOT NULL,
  body     BLOB NOT NULL,
  PRIMARY KEY (check_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX inspect_digest_hourly ON inspect_digest (day, check_id) WHERE hourly = 1;
CREATE INDEX inspect_digest_day ON inspect_digest (day);

ALTER TABLE inspect_day ADD COLUMN digested INTEGER NOT NULL DEFAULT 0; -- the revision that has digests
