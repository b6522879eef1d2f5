-- +goose Up
-- What each check said on each closed day, for charts: by hour for as long as results are kept, then by day.
CREATE TABLE inspect_digest (
  check_id text COLLATE "C" NOT NULL,
  day      bigint NOT NULL,
  hourly   bigint NOT NULL,
  body     bytea NOT NULL,
  PRIMARY KEY (check_id, day)
);
CREATE INDEX inspect_digest_hourly ON inspect_digest (day, check_id) WHERE hourly = 1;
CREATE INDEX inspect_digest_day ON inspect_digest (day);

ALTER TABLE inspect_day ADD COLUMN digested bigint NOT NULL DEFAULT 0; -- the revision that has digests
