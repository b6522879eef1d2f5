-- +goose Up
-- Indexes follow one pattern: (filter, sort key, id, area_path). The first three give any one filter in
-- the order of the list without a sort; area_path lets a scope be tested inside the index.
CREATE TABLE inspect_check (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  asset_id   text COLLATE "C" NOT NULL,
  asset_name text NOT NULL,
  host_id    text COLLATE "C" NOT NULL, -- the machine whose server runs it
  kind       text COLLATE "C" NOT NULL,
  class      text COLLATE "C" NOT NULL,
  title_zh   text NOT NULL,
  title_en   text NOT NULL,
  target     text NOT NULL,
  params     text NOT NULL,
  secrets    bytea,
  warn       text NOT NULL,
  crit       text NOT NULL,
  enabled    smallint NOT NULL,
  retired    smallint NOT NULL, -- its asset is
  identity   text COLLATE "C" NOT NULL, -- what it looks at, as it was added: the same thing is not added twice
  origin     text NOT NULL,
  why        text NOT NULL,
  area_path  text COLLATE "C" NOT NULL,
  system_id  text COLLATE "C" NOT NULL,
  state      text COLLATE "C" NOT NULL, -- a copy of inspect_state for filters and order
  reason     text COLLATE "C" NOT NULL,
  rank       smallint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  version    bigint NOT NULL
);
CREATE UNIQUE INDEX inspect_check_identity ON inspect_check (asset_id, identity);
CREATE INDEX inspect_check_rank ON inspect_check (rank, id, area_path);
CREATE INDEX inspect_check_created ON inspect_check (created_at, id, area_path);
CREATE INDEX inspect_check_asset ON inspect_check (asset_id, rank, id, area_path);
CREATE INDEX inspect_check_host ON inspect_check (host_id, class);

-- One row a check: what it said last, and what it wants to remember.
CREATE TABLE inspect_state (
  check_id    text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES inspect_check (id),
  state       text NOT NULL,
  reason      text NOT NULL,
  summary     text NOT NULL,
  perf        text NOT NULL,
  since       bigint NOT NULL,
  ran_at      bigint NOT NULL,
  result_id   text COLLATE "C" NOT NULL,
  memory      text NOT NULL
);

CREATE TABLE inspect_plan (
  id               text COLLATE "C" NOT NULL PRIMARY KEY,
  name             text NOT NULL,
  interval_seconds bigint NOT NULL,
  enabled          smallint NOT NULL,
  next_due_at      bigint NOT NULL,
  classes          text NOT NULL,
  host_id          text COLLATE "C" NOT NULL,
  area_path        text COLLATE "C" NOT NULL,
  system_id        text COLLATE "C" NOT NULL,
  origin           text COLLATE "C" UNIQUE, -- of plans that the program made: each once
  last_round_id    text COLLATE "C",
  created_at       bigint NOT NULL,
  updated_at       bigint NOT NULL,
  version          bigint NOT NULL
);
CREATE INDEX inspect_plan_created ON inspect_plan (created_at, id, area_path);
CREATE INDEX inspect_plan_host ON inspect_plan (host_id);

CREATE TABLE inspect_round (
  id            text COLLATE "C" NOT NULL PRIMARY KEY,
  number        text COLLATE "C" NOT NULL UNIQUE,
  plan_id       text COLLATE "C" NOT NULL REFERENCES inspect_plan (id),
  plan_name     text NOT NULL,
  host_id       text COLLATE "C" NOT NULL,
  started_how   text COLLATE "C" NOT NULL,
  started_by    text COLLATE "C" NOT NULL,
  state         text COLLATE "C" NOT NULL,
  due_at        bigint NOT NULL,
  started_at    bigint NOT NULL,
  finished_at   bigint,
  planned       bigint NOT NULL,
  ran           bigint NOT NULL,
  missed        bigint NOT NULL,
  missed_reason text NOT NULL,
  ok            bigint NOT NULL,
  warning       bigint NOT NULL,
  critical      bigint NOT NULL,
  unknown       bigint NOT NULL,
  no_source     bigint NOT NULL,
  worst_state   text COLLATE "C" NOT NULL,
  tree_root     text NOT NULL,
  owner         text COLLATE "C" NOT NULL, -- the server that runs it; empty until one took it
  lease_until   bigint NOT NULL, -- by the clock of the database, which all servers share
  area_path     text COLLATE "C" NOT NULL,
  system_id     text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX inspect_round_running ON inspect_round (plan_id) WHERE state = 'running';
CREATE INDEX inspect_round_started ON inspect_round (started_at, id, area_path);
CREATE INDEX inspect_round_plan ON inspect_round (plan_id, started_at, id, area_path);
CREATE INDEX inspect_round_how ON inspect_round (started_how, started_at, id, area_path);
CREATE INDEX inspect_round_state ON inspect_round (state, started_at, id, area_path);
CREATE INDEX inspect_round_worst ON inspect_round (worst_state, started_at, id, area_path);

CREATE TABLE inspect_item (
  round_id      text COLLATE "C" NOT NULL,
  check_id      text COLLATE "C" NOT NULL,
  position      bigint NOT NULL,
  state         text NOT NULL,
  missed_reason text NOT NULL,
  PRIMARY KEY (round_id, check_id)
);

CREATE TABLE inspect_result (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  round_id    text COLLATE "C" NOT NULL,
  check_id    text COLLATE "C" NOT NULL,
  asset_id    text COLLATE "C" NOT NULL,
  kind        text COLLATE "C" NOT NULL,
  class       text COLLATE "C" NOT NULL,
  target      text NOT NULL,
  state       text COLLATE "C" NOT NULL,
  not_ok      smallint NOT NULL, -- 1 for WARNING, CRITICAL and UNKNOWN
  reason      text NOT NULL,
  summary     text NOT NULL,
  details     text NOT NULL,
  perf        text NOT NULL,
  ran_at      bigint NOT NULL,
  duration_us bigint NOT NULL,
  sha256      text NOT NULL,
  area_path   text COLLATE "C" NOT NULL,
  system_id   text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX inspect_result_round ON inspect_result (round_id, check_id);
CREATE INDEX inspect_result_ran ON inspect_result (ran_at, id, area_path);
CREATE INDEX inspect_result_check ON inspect_result (check_id, ran_at, id, area_path);
CREATE INDEX inspect_result_asset ON inspect_result (asset_id, ran_at, id, area_path);
CREATE INDEX inspect_result_state ON inspect_result (state, ran_at, id, area_path);
CREATE INDEX inspect_result_not_ok ON inspect_result (not_ok, ran_at, id, area_path);
CREATE INDEX inspect_result_class ON inspect_result (class, ran_at, id, area_path);

CREATE TABLE inspect_finding (
  id              text COLLATE "C" NOT NULL PRIMARY KEY,
  -- Overlapping pairs of characters of number, title, asset and first summary.
  grams           tsvector NOT NULL,
  number          text COLLATE "C" NOT NULL UNIQUE,
  state           text COLLATE "C" NOT NULL,
  active          smallint NOT NULL, -- 0 once closed
  severity        text COLLATE "C" NOT NULL,
  title           text NOT NULL,
  summary         text NOT NULL,
  check_id        text COLLATE "C" NOT NULL,
  asset_id        text COLLATE "C" NOT NULL,
  asset_name      text NOT NULL,
  kind            text COLLATE "C" NOT NULL,
  class           text COLLATE "C" NOT NULL,
  opened_at       bigint NOT NULL,
  last_seen_at    bigint NOT NULL,
  seen_count      bigint NOT NULL,
  closed_at       bigint,
  assignee_id     text COLLATE "C" NOT NULL,
  due_at          bigint,
  previous_id     text COLLATE "C" NOT NULL,
  first_result_id text COLLATE "C" NOT NULL,
  last_result_id  text COLLATE "C" NOT NULL,
  area_path       text COLLATE "C" NOT NULL,
  system_id       text COLLATE "C" NOT NULL,
  version         bigint NOT NULL
);
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
CREATE INDEX inspect_finding_grams ON inspect_finding USING gin (grams);

CREATE TABLE inspect_seen (
  finding_id text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  at         bigint NOT NULL,
  PRIMARY KEY (finding_id, account_id)
);

CREATE TABLE inspect_gap (
  id            text COLLATE "C" NOT NULL PRIMARY KEY,
  plan_id       text COLLATE "C" NOT NULL REFERENCES inspect_plan (id),
  from_at       bigint NOT NULL,
  to_at         bigint NOT NULL,
  missed_rounds bigint NOT NULL,
  reason        text NOT NULL,
  noted_at      bigint NOT NULL,
  area_path     text COLLATE "C" NOT NULL,
  system_id     text COLLATE "C" NOT NULL
);
CREATE INDEX inspect_gap_noted ON inspect_gap (noted_at, id, area_path);
CREATE INDEX inspect_gap_plan ON inspect_gap (plan_id, noted_at, id, area_path);
