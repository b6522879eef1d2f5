-- +goose Up
-- Indexes follow one pattern: (filter, sort key, id, area_path). The first three give any one filter in
-- the order of the list without a sort; area_path lets a scope be tested inside the index.
CREATE TABLE inspect_check (
  id         TEXT NOT NULL PRIMARY KEY,
  asset_id   TEXT NOT NULL,
  asset_name TEXT NOT NULL,
  host_id    TEXT NOT NULL, -- the machine whose server runs it
  kind       TEXT NOT NULL,
  class      TEXT NOT NULL,
  title_zh   TEXT NOT NULL,
  title_en   TEXT NOT NULL,
  target     TEXT NOT NULL,
  params     TEXT NOT NULL,
  secrets    BLOB,
  warn       TEXT NOT NULL,
  crit       TEXT NOT NULL,
  enabled    INTEGER NOT NULL,
  retired    INTEGER NOT NULL, -- its asset is
  identity   TEXT NOT NULL, -- what it looks at, as it was added: the same thing is not added twice
  origin     TEXT NOT NULL,
  why        TEXT NOT NULL,
  area_path  TEXT NOT NULL,
  system_id  TEXT NOT NULL,
  state      TEXT NOT NULL, -- a copy of inspect_state for filters and order
  reason     TEXT NOT NULL,
  rank       INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX inspect_check_identity ON inspect_check (asset_id, identity);
CREATE INDEX inspect_check_rank ON inspect_check (rank, id, area_path);
CREATE INDEX inspect_check_created ON inspect_check (created_at, id, area_path);
CREATE INDEX inspect_check_asset ON inspect_check (asset_id, rank, id, area_path);
CREATE INDEX inspect_check_host ON inspect_check (host_id, class);

-- One row a check: what it said last, and what it wants to remember.
CREATE TABLE inspect_state (
  check_id    TEXT NOT NULL PRIMARY KEY REFERENCES inspect_check (id),
  state       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  summary     TEXT NOT NULL,
  perf        TEXT NOT NULL,
  since       INTEGER NOT NULL,
  ran_at      INTEGER NOT NULL,
  result_id   TEXT NOT NULL,
  memory      TEXT NOT NULL
) STRICT;

CREATE TABLE inspect_plan (
  id               TEXT NOT NULL PRIMARY KEY,
  name             TEXT NOT NULL,
  interval_seconds INTEGER NOT NULL,
  enabled          INTEGER NOT NULL,
  next_due_at      INTEGER NOT NULL,
  classes          TEXT NOT NULL,
  host_id          TEXT NOT NULL,
  area_path        TEXT NOT NULL,
  system_id        TEXT NOT NULL,
  origin           TEXT UNIQUE, -- of plans that the program made: each once
  last_round_id    TEXT,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  version          INTEGER NOT NULL
) STRICT;
CREATE INDEX inspect_plan_created ON inspect_plan (created_at, id, area_path);
CREATE INDEX inspect_plan_host ON inspect_plan (host_id);

CREATE TABLE inspect_round (
  id            TEXT NOT NULL PRIMARY KEY,
  number        TEXT NOT NULL UNIQUE,
  plan_id       TEXT NOT NULL REFERENCES inspect_plan (id),
  plan_name     TEXT NOT NULL,
  host_id       TEXT NOT NULL,
  started_how   TEXT NOT NULL,
  started_by    TEXT NOT NULL,
  state         TEXT NOT NULL,
  due_at        INTEGER NOT NULL,
  started_at    INTEGER NOT NULL,
  finished_at   INTEGER,
  planned       INTEGER NOT NULL,
  ran           INTEGER NOT NULL,
  missed        INTEGER NOT NULL,
  missed_reason TEXT NOT NULL,
  ok            INTEGER NOT NULL,
  warning       INTEGER NOT NULL,
  critical      INTEGER NOT NULL,
  unknown       INTEGER NOT NULL,
  no_source     INTEGER NOT NULL,
  worst_state   TEXT NOT NULL,
  tree_root     TEXT NOT NULL,
  owner         TEXT NOT NULL, -- the server that runs it; empty until one took it
  lease_until   INTEGER NOT NULL, -- by the clock of the database, which all servers share
  area_path     TEXT NOT NULL,
  system_id     TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX inspect_round_running ON inspect_round (plan_id) WHERE state = 'running';
CREATE INDEX inspect_round_started ON inspect_round (started_at, id, area_path);
CREATE INDEX inspect_round_plan ON inspect_round (plan_id, started_at, id, area_path);
CREATE INDEX inspect_round_how ON inspect_round (started_how, started_at, id, area_path);
CREATE INDEX inspect_round_state ON inspect_round (state, started_at, id, area_path);
CREATE INDEX inspect_round_worst ON inspect_round (worst_state, started_at, id, area_path);

CREATE TABLE inspect_item (
  round_id      TEXT NOT NULL,
  check_id      TEXT NOT NULL,
  position      INTEGER NOT NULL,
  state         TEXT NOT NULL,
  missed_reason TEXT NOT NULL,
  PRIMARY KEY (round_id, check_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE inspect_result (
  id          TEXT NOT NULL PRIMARY KEY,
  round_id    TEXT NOT NULL,
  check_id    TEXT NOT NULL,
  asset_id    TEXT NOT NULL,
  kind        TEXT NOT NULL,
  class       TEXT NOT NULL,
  target      TEXT NOT NULL,
  state       TEXT NOT NULL,
  not_ok      INTEGER NOT NULL, -- 1 for WARNING, CRITICAL and UNKNOWN
  reason      TEXT NOT NULL,
  summary     TEXT NOT NULL,
  details     TEXT NOT NULL,
  perf        TEXT NOT NULL,
  ran_at      INTEGER NOT NULL,
  duration_us INTEGER NOT NULL,
  sha256      TEXT NOT NULL,
  area_path   TEXT NOT NULL,
  system_id   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX inspect_result_round ON inspect_result (round_id, check_id);
CREATE INDEX inspect_result_ran ON inspect_result (ran_at, id, area_path);
CREATE INDEX inspect_result_check ON inspect_result (check_id, ran_at, id, area_path);
CREATE INDEX inspect_result_asset ON inspect_result (asset_id, ran_at, id, area_path);
CREATE INDEX inspect_result_state ON inspect_result (state, ran_at, id, area_path);
CREATE INDEX inspect_result_not_ok ON inspect_result (not_ok, ran_at, id, area_path);
CREATE INDEX inspect_result_class ON inspect_result (class, ran_at, id, area_path);

CREATE TABLE inspect_finding (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT, -- names the finding in the text index
  id              TEXT NOT NULL UNIQUE,
  number          TEXT NOT NULL UNIQUE,
  state           TEXT NOT NULL,
  active          INTEGER NOT NULL, -- 0 once closed
  severity        TEXT NOT NULL,
  title           TEXT NOT NULL,
  summary         TEXT NOT NULL,
  check_id        TEXT NOT NULL,
  asset_id        TEXT NOT NULL,
  asset_name      TEXT NOT NULL,
  kind            TEXT NOT NULL,
  class           TEXT NOT NULL,
  opened_at       INTEGER NOT NULL,
  last_seen_at    INTEGER NOT NULL,
  seen_count      INTEGER NOT NULL,
  closed_at       INTEGER,
  assignee_id     TEXT NOT NULL,
  due_at          INTEGER,
  previous_id     TEXT NOT NULL,
  first_result_id TEXT NOT NULL,
  last_result_id  TEXT NOT NULL,
  area_path       TEXT NOT NULL,
  system_id       TEXT NOT NULL,
  version         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX inspect_finding_active ON inspect_finding (check_id) WHERE active = 1;
CREATE INDEX inspect_finding_opened ON inspect_finding (opened_at, id, area_path);
CREATE INDEX inspect_finding_check ON inspect_finding (check_id, opened_at, id);
CREATE INDEX inspect_finding_state ON inspect_finding (state, opened_at, id, area_path);
CREATE INDEX inspect_finding_open ON inspect_finding (active, opened_at, id, area_path);
CREATE INDEX inspect_finding_severity ON inspect_finding (severity, opened_at, id, area_path);
CREATE INDEX inspect_finding_assignee ON inspect_finding (assignee_id, opened_at, id, area_path);
CREATE INDEX inspect_finding_class ON inspect_finding (class, opened_at, id, area_path);
CREATE INDEX inspect_finding_asset ON inspect_finding (asset_id, opened_at, id, area_path);
CREATE INDEX inspect_finding_system ON inspect_finding (system_id, opened_at, id, area_path);
-- Overlapping pairs of characters of number, title, asset and first summary; their order is that of the findings.
CREATE VIRTUAL TABLE inspect_finding_text USING fts5 (grams, content='', columnsize=0, tokenize='ascii');

CREATE TABLE inspect_seen (
  finding_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  at         INTEGER NOT NULL,
  PRIMARY KEY (finding_id, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE inspect_gap (
  id            TEXT NOT NULL PRIMARY KEY,
  plan_id       TEXT NOT NULL REFERENCES inspect_plan (id),
  from_at       INTEGER NOT NULL,
  to_at         INTEGER NOT NULL,
  missed_rounds INTEGER NOT NULL,
  reason        TEXT NOT NULL,
  noted_at      INTEGER NOT NULL,
  area_path     TEXT NOT NULL,
  system_id     TEXT NOT NULL
) STRICT;
CREATE INDEX inspect_gap_noted ON inspect_gap (noted_at, id, area_path);
CREATE INDEX inspect_gap_plan ON inspect_gap (plan_id, noted_at, id, area_path);
