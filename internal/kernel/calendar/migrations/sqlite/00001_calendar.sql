-- +goose Up
CREATE TABLE calendar_list (
  id            TEXT PRIMARY KEY,
  layer         TEXT NOT NULL,
  year          INTEGER NOT NULL,
  source        TEXT NOT NULL,
  doc_version   TEXT NOT NULL,
  provisional   INTEGER NOT NULL,
  imported_by   TEXT NOT NULL, -- account; empty for what the program brought along
  imported_at   INTEGER NOT NULL,
  superseded_at INTEGER
) STRICT;
CREATE UNIQUE INDEX calendar_list_holds ON calendar_list (layer, year) WHERE superseded_at IS NULL;
CREATE INDEX calendar_list_imported ON calendar_list (imported_at, id);

CREATE TABLE calendar_day (
  list_id TEXT NOT NULL REFERENCES calendar_list (id),
  date    TEXT NOT NULL,
  kind    TEXT NOT NULL,
  name    TEXT NOT NULL,
  PRIMARY KEY (list_id, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE calendar_period (
  id          TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  name        TEXT NOT NULL,
  from_at     INTEGER NOT NULL,
  to_at       INTEGER NOT NULL,
  source      TEXT NOT NULL,
  doc_version TEXT NOT NULL,
  provisional INTEGER NOT NULL,
  month       TEXT, -- of a filing period: one for each month holds
  origin      TEXT UNIQUE, -- of what the program brought along: each once, also after it was removed
  added_by    TEXT NOT NULL,
  added_at    INTEGER NOT NULL,
  removed_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX calendar_period_month ON calendar_period (month) WHERE removed_at IS NULL;
CREATE INDEX calendar_period_from ON calendar_period (from_at);

-- Goes up with each change, so that readers know whether what they remember still holds.
CREATE TABLE calendar_revision (
  id       INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL
) STRICT;
INSERT INTO calendar_revision (id, revision) VALUES (1, 0);
