-- +goose Up
CREATE TABLE calendar_list (
  id            text COLLATE "C" PRIMARY KEY,
  layer         text NOT NULL,
  year          integer NOT NULL,
  source        text NOT NULL,
  doc_version   text NOT NULL,
  provisional   integer NOT NULL,
  imported_by   text NOT NULL, -- account; empty for what the program brought along
  imported_at   bigint NOT NULL,
  superseded_at bigint
);
CREATE UNIQUE INDEX calendar_list_holds ON calendar_list (layer, year) WHERE superseded_at IS NULL;
CREATE INDEX calendar_list_imported ON calendar_list (imported_at, id);

CREATE TABLE calendar_day (
  list_id text COLLATE "C" NOT NULL REFERENCES calendar_list (id),
  date    text COLLATE "C" NOT NULL,
  kind    text NOT NULL,
  name    text NOT NULL,
  PRIMARY KEY (list_id, date)
);

CREATE TABLE calendar_period (
  id          text COLLATE "C" PRIMARY KEY,
  kind        text NOT NULL,
  name        text NOT NULL,
  from_at     bigint NOT NULL,
  to_at       bigint NOT NULL,
  source      text NOT NULL,
  doc_version text NOT NULL,
  provisional integer NOT NULL,
  month       text, -- of a filing period: one for each month holds
  origin      text UNIQUE, -- of what the program brought along: each once, also after it was removed
  added_by    text NOT NULL,
  added_at    bigint NOT NULL,
  removed_at  bigint
);
CREATE UNIQUE INDEX calendar_period_month ON calendar_period (month) WHERE removed_at IS NULL;
CREATE INDEX calendar_period_from ON calendar_period (from_at);

-- Goes up with each change, so that readers know whether what they remember still holds.
CREATE TABLE calendar_revision (
  id       integer PRIMARY KEY,
  revision bigint NOT NULL
);
INSERT INTO calendar_revision (id, revision) VALUES (1, 0);
