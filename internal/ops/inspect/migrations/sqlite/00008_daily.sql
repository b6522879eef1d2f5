-- +goose Up
-- The health check of each day on which one is due: signed, late, or missed.
CREATE TABLE inspect_daily (
  id         TEXT PRIMARY KEY,
  day        TEXT NOT NULL UNIQUE,
  state      TEXT NOT NULL,
  due_at     INTEGER NOT NULL,
  late       INTEGER NOT NULL DEFAULT 0,
  since_at   INTEGER NOT NULL,
  signed_at  INTEGER,
  signed_by  TEXT NOT NULL DEFAULT '',
  figures    TEXT NOT NULL DEFAULT '{}',
  text       TEXT NOT NULL DEFAULT '',
  sha256     TEXT NOT NULL DEFAULT '',
  area_path  TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL
) STRICT;
CREATE INDEX inspect_daily_day ON inspect_daily (day, id, area_path);
CREATE INDEX inspect_daily_state ON inspect_daily (state, day, id, area_path);

CREATE TABLE inspect_daily_item (
  daily_id   TEXT NOT NULL REFERENCES inspect_daily (id),
  key        TEXT NOT NULL,
  position   INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  severity   TEXT NOT NULL,
  title_zh   TEXT NOT NULL,
  title_en   TEXT NOT NULL,
  detail     TEXT NOT NULL,
  since_at   INTEGER,
  href       TEXT NOT NULL,
  finding_id TEXT NOT NULL,
  note       TEXT NOT NULL,
  PRIMARY KEY (daily_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX inspect_finding_closed ON inspect_finding (closed_at, id);
